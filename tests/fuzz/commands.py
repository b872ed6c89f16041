"""Every command of the program over one log, in this process; its choices are read off the command itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
from click.testing import CliRunner

from tests import loop
from trtlog.analyses.registry import table_names
from trtlog.cli import COMMANDS, cli
from trtlog.errors import TrtlogError

_OTHERS = ("tables", "mcp")  # reads no log; is asked for its tools
_AT_ONCE = 8
_LOGGER = "(?P<time>\\S+ \\S+) <(?P<severity>[a-z]+)> gpu-builder:\\s\n\\[(?P<severity>[A-Z])\\]\\s(?P<message>.*)\n"


def variants(name: str, log: Any, folder: Path, noise: Random) -> list[list[str]]:
    """Return command lines of one command: plain, and with each choice, flag and option that it has."""
    one, two = str(folder / "a.log"), str(folder / "b.log")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    layers = [n for table in ("timings", "engine_layers") for n in _names(log, table)] or ["x"]
    last = max(1, int(sum(log.table("coverage").column("lines").to_pylist())))
    line = noise.randint(1, last)
    table = noise.choice([*log.tables, *table_names()])
    columns = list(log.record(table).columns())
    program = ["--trtexec", str(folder / "trtexec"), "--no-check"]
    ends = {
        "show": [[table, one]],
        "query": [
            [one, f"select * from {table}"],
            [one, f"select {noise.choice(columns)}, count(*) from {table} group by 1 order by 1"],
        ],
        "why": [[noise.choice(layers), one]],
        "explain": [[f"{one}:{line}"]],
        "excerpt": [[f"{one}:{line}"], [f"{one}:1-{last}"]],
        "diff": [[one, two], [two, one]],
        "stability": [[one, two], [one, one, two]],
        "report": [[*logs, "-o", str(folder / name)] for logs in ([one], [one, two]) for name in ("r.html", "r.md")],
        "graph": [[one, "-o", str(folder / f"g.{kind}")] for kind in ("svg", "dot", "onnx")],
        "convert": [[one, "-o", str(folder / "out")]],
        "check": [[one, "--against", str(folder / "lock.json")], [two, "--against", str(folder / "lock.json")]],
        "lock": [[one], [one, "-o", str(folder / "lock.json")]],
        "watch": [[one, "--stop-after", "0.01"]],
        "run": [["-o", str(folder / "run"), *program, "--", "--onnx=m.onnx"]],
        "sweep": [["-o", str(folder / "sweep"), *program, "--onnx", "m.onnx", "--shapes", "x:Bx3", "--batch", "1,2"]],
    }.get(name, [[one]])
    values = {
        "--layer": layers, "--around": layers, "--other": [two], "--diff": [two], "--limit": ["0", "3"],
        "--run": ["0", "1"], "--test-run": ["0", "1"], "--control-run": ["0", "1"], "--columns": columns,
        "--sort": [*columns, f"-{columns[0]}"], "--where": [f"{n} is not null" for n in columns],
        "--logger": [str(folder / "a.logger")], "--radius": ["0", "9"], "--batch-logs": ["1"],
        "--axis": ["fp16=on,off"], "--max-latency": ["1.5"], "--log": ["a.log"],
    }  # fmt: skip
    options = [[], *_options(command, values, noise)]
    return [[name, *given, *noise.choice(ends)] for given in options] + [[name, *end] for end in ends]


def _names(log: Any, table: str) -> list[str]:
    return [n for n in dict.fromkeys(log.table(table).column("layer").to_pylist()) if n and not n.startswith("-")]


def _options(command: click.Command, values: dict[str, list[str]], noise: Random) -> Iterator[list[str]]:
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.name in ("help", "color", "version"):
            continue
        flag = parameter.opts[0]
        if isinstance(parameter.type, click.Choice):
            yield from ([flag, str(choice)] for choice in parameter.type.choices)
        elif parameter.is_flag:
            yield [flag]
        elif flag in values:
            yield [flag, noise.choice(values[flag])]


def run_commands(log: Any, data: bytes, other: bytes, noise: Random, most: int = _AT_ONCE) -> None:
    """Run one command line of some commands; an exception that is no error of trtlog's own is passed on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.log").write_bytes(data)
        (folder / "b.log").write_bytes(other)
        (folder / "a.logger").write_text(_LOGGER)
        (folder / "trtexec").write_text(f"#!/bin/sh\nexec cat {folder}/a.log\n")
        (folder / "trtexec").chmod(0o755)
        chosen = noise.sample([*(name for name in COMMANDS if name not in _OTHERS), "mcp"], most)
        if "check" in chosen:
            run_one(["lock", str(folder / "a.log"), "-o", str(folder / "lock.json")])
        for command in chosen:
            if command == "mcp":
                ask_tools(log, folder, noise)
            else:
                run_one(noise.choice(variants(command, log, folder, noise)))


def run_one(line: list[str]) -> None:
    """Run one command line.

    Raises
    ------
    Exception
        What the command raised, with the command line as a note.
    """
    result = CliRunner().invoke(cli, line)
    error = result.exception
    if error is None or isinstance(error, (SystemExit, TrtlogError, click.ClickException)):
        return
    error.args = (f"{error} [trtlog {' '.join(line)}]",)
    raise error


def ask_tools(log: Any, folder: Path, noise: Random) -> None:
    """Call each tool of the server for agents."""
    from mcp.server.mcpserver.exceptions import ToolError

    from trtlog.mcp.server import make_server

    server = make_server([folder])
    table = noise.choice([*log.tables, *table_names()])
    layers = _names(log, "timings") or _names(log, "engine_layers") or ["x"]
    one = {"path": "a.log"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_logs", {}),
        *((name, one) for name in ("open_log", "summary", "lint", "roofline", "missing_flags")),
        ("why", {**one, "layer": noise.choice(layers)}),
        ("rows", {**one, "table": table, "sort": noise.choice(list(log.record(table).columns()))}),
        ("sql", {**one, "statement": f"select * from {table}"}),
        ("diff", {"control": "a.log", "test": "b.log"}),
        ("explain_line", {**one, "line": 1}),
        ("excerpt", {**one, "first": 1, "last": 100}),
    ]
    for tool, arguments in noise.sample(calls, 5):
        try:
            loop.run(server.call_tool(tool, arguments))
        except ToolError as error:
            # what is no error of trtlog's own comes wrapped, with its cause
            if error.__cause__ is not None and not isinstance(error.__cause__, (TrtlogError, ToolError)):
                raise error.__cause__ from None
