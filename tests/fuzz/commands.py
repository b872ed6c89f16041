"""Every command of the program over one log, in this process; its choices are read off the command itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import click
from click.testing import CliRunner

from tests.conftest import each
from trtlog.cli import COMMANDS, cli
from trtlog.errors import TrtlogError

# Commands that start a program, or wait for one.
_OTHERS = ("run", "sweep", "tables", "watch")
_AT_ONCE = 8


def variants(log: Any, folder: Path, noise: Random) -> list[list[str]]:
    """Return command lines: each command, plain and with each choice and flag that it has."""
    one, two = str(folder / "a.log"), str(folder / "b.log")
    out = []
    context = click.Context(cli)
    names = [n for table in ("timings", "engine_layers") for n in _names(log, table)] or ["x"]
    tables = cli.get_command(context, "show")  # loads it
    assert tables is not None
    for name in each(COMMANDS):
        if name in _OTHERS:
            continue
        command = cli.get_command(context, name)
        assert command is not None
        line = str(noise.randint(1, max(1, int(sum(log.table("coverage").column("lines").to_pylist())))))
        ends = {
            "show": [[table, one] for table in log.tables],
            "query": [[one, f"select * from {noise.choice(list(log.tables))}"]],
            "why": [[noise.choice(names), one]],
            "explain": [[f"{one}:{line}"]],
            "diff": [[one, two], [two, one]],
            "stability": [[one, two], [one, one, two]],
            "report": [[one, "-o", str(folder / "r.html")], [one, two, "-o", str(folder / "r.html")]],
            "convert": [[one, "-o", str(folder / "out")]],
            "check": [[one, "--against", str(folder / "lock.json")], [two, "--against", str(folder / "lock.json")]],
            "lock": [[one], [one, "-o", str(folder / "lock.json")]],
        }.get(name, [[one]])
        for end in ends:
            out.append([name, *end])
        for options in _options(command):
            out.append([name, *options, *noise.choice(ends)])
    return out


def _names(log: Any, table: str) -> list[str]:
    return [n for n in dict.fromkeys(log.table(table).column("layer").to_pylist()) if n and not n.startswith("-")]


def _options(command: click.Command) -> Iterator[list[str]]:
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.name in ("help", "color", "version"):
            continue
        flag = parameter.opts[0]
        if isinstance(parameter.type, click.Choice):
            yield from ([flag, str(choice)] for choice in parameter.type.choices)
        elif parameter.is_flag:
            yield [flag]


def run_commands(log: Any, data: bytes, other: bytes, noise: Random, most: int = _AT_ONCE) -> None:
    """Run some command lines; an exception that is no error of trtlog's own is passed on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.log").write_bytes(data)
        (folder / "b.log").write_bytes(other)
        lines = variants(log, folder, noise)
        chosen = noise.sample(lines, min(most, len(lines)))
        if any(line[0] == "check" for line in chosen):
            chosen.insert(0, ["lock", str(folder / "a.log"), "-o", str(folder / "lock.json")])
        for line in chosen:
            run_one(line)


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
