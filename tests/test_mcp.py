"""The server for agents, asked by the SDK's own client: in this process, and over the streams of one of its own."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests import loop, warm
from tests.conftest import FIXTURES, ROOT, each, needs

pytestmark = needs("mcp")

ROOM = FIXTURES / "trt-8.5.3-h200"
LOG = "resnet50_fp16_dyn_detailed.log.gz"


def session(*calls: tuple[str, dict[str, Any]], allow: object = ROOM, process: bool = False) -> list[Any]:
    """Return the results of some calls in one session, with a server in this process or in one of its own."""

    async def ask() -> list[Any]:
        from mcp import Client, StdioServerParameters

        from trtlog.mcp.server import make_server

        server: Any = make_server([str(allow)])
        if process:
            command = ["-m", "trtlog", "mcp", "--allow", str(allow)]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            server = StdioServerParameters(command=warm.python(), args=command, env=environment, cwd=str(ROOT))
        async with Client(server) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return loop.run(ask())


def text_of(result: Any) -> str:
    return "".join(part.text for part in result.content)


def data(result: Any) -> Any:
    assert not result.is_error, text_of(result)
    return result.structured_content


def raw_lines() -> list[str]:
    return gzip.open(ROOM / LOG, "rt").read().splitlines()


def test_five_questions_on_28_000_lines_fit_a_context_window():
    """What ran and how fast; what is wrong; why this layer; what FP16 would cost elsewhere; the slowest, in SQL."""
    sql = "select layer, line, avg_ms from profile order by avg_ms desc limit 3"
    calls = (
        ("summary", {"path": LOG}),
        ("lint", {"path": LOG}),
        ("why", {"path": LOG, "layer": "/fc/Gemm"}),
        ("rows", {"path": LOG, "table": "precision_totals"}),
        ("sql", {"path": LOG, "statement": sql}),
    )
    results = session(*calls, process=True)
    lines = raw_lines()
    assert len(lines) > 28_000
    # Hosts show the text or the structure. Tokenizers make a token of 2.1 characters where numbers and ids are many.
    sizes = [max(len(text_of(r)), len(json.dumps(r.structured_content))) / 2 for r in results]
    assert sum(sizes) < 20_000, sizes
    assert max(sizes) < 5_000, sizes
    summary, lint, why, precision, slowest = map(data, results)
    [throughput] = [line for line in lines if re.search(r"Throughput: [0-9]", line)]
    assert re.search(r"Throughput: ([0-9.]+)", throughput)[1] in summary["text"]
    assert "constant-copies" in [finding["rule"] for finding in lint["findings"]]
    for finding in each(lint["findings"]):
        assert all(1 <= number <= len(lines) for number in each(finding["lines"]))
    [cited] = {int(number) for number in re.findall(r"line ([0-9]+)", why["text"].splitlines()[2])}
    assert "/fc/Gemm" in lines[cited - 1]
    assert precision["total"] == len(precision["rows"])
    rows = [dict(zip(slowest["columns"], row, strict=True)) for row in slowest["rows"]]
    for row in each(rows):
        assert row["layer"] in lines[row["line"] - 1]
        assert str(row["avg_ms"]) in lines[row["line"] - 1].split()


def test_each_tool_is_described_typed_and_reads_only():
    async def tools() -> list[Any]:
        from mcp import Client, StdioServerParameters

        server = StdioServerParameters(
            command=warm.python(),
            args=["-m", "trtlog", "mcp"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=str(ROOM),
        )
        async with Client(server) as client:
            return list((await client.list_tools()).tools)

    found = {tool.name: tool for tool in loop.run(tools())}
    assert set(found) == {
        *("list_logs", "open_log", "tables", "summary", "lint", "why", "rows", "sql", "roofline", "diff"),
        *("explain_line", "excerpt", "missing_flags"),
    }
    for tool in each(found.values()):
        assert tool.description
        assert tool.output_schema
        assert tool.annotations.read_only_hint
    assert sum(len(tool.model_dump_json()) for tool in found.values()) < 24_000


def test_rows_are_read_page_by_page():
    ask = {"path": LOG, "table": "tactics", "columns": ["tactic", "time_ms"], "sort": "time_ms", "limit": 3}
    first, second, wrong = session(("rows", ask), ("rows", {**ask, "offset": 3}), ("rows", {**ask, "sort": "speed"}))
    first, second = data(first), data(second)
    assert first["columns"] == ["tactic", "time_ms", "line"]
    assert (first["total"], first["more"]) == (9817, "rows 0 to 2 of 9817; ask again with offset=3")
    times = [row[1] for row in first["rows"] + second["rows"]]
    assert times == sorted(times)
    lines = raw_lines()
    for tactic, _, line in each(first["rows"] + second["rows"]):
        assert tactic in lines[line - 1]
    assert wrong.is_error
    assert "there is no column 'speed'; the columns are run, line," in text_of(wrong)


def test_lines_are_shown_and_explained():
    shown, explained, listed, opened = session(
        ("excerpt", {"path": LOG, "first": 5000, "last": 5001}),
        ("explain_line", {"path": LOG, "line": 5000}),
        ("list_logs", {"limit": 200}),
        ("open_log", {"path": LOG}),
    )
    lines = raw_lines()
    assert data(shown)["text"] == f"5000: {lines[4999]}\n5001: {lines[5000]}"
    assert "kind     timing_runner" in data(explained)["text"]
    names = [row[0] for row in data(listed)["rows"]]
    assert LOG in names
    assert len(names) == len(list(ROOM.rglob("*.log.gz"))) + len(list(ROOM.rglob("*.txt.gz")))
    assert (data(opened)["lines"], data(opened)["tables"]["tactics"]) == (len(lines), 9817)


def test_comparisons_missing_flags_and_the_roofline():
    compared, missing, roofline, empty = session(
        ("diff", {"control": "resnet50_fp32_verbose.log.gz", "test": "resnet50_fp32_verbose_rebuild.log.gz"}),
        ("missing_flags", {"path": "sweep_r50_fp32_b8.log.gz", "analysis": "margins"}),
        ("roofline", {"path": LOG, "limit": 2}),
        ("rows", {"path": "sweep_r50_fp32_b8.log.gz", "table": "margins"}),
    )
    assert "throughput" in data(compared)["text"]
    assert data(missing)["text"].endswith("trtexec 8.5.3 prints them with --verbose.")
    assert data(roofline)["columns"][:2] == ["layer", "precision"]
    assert (data(empty)["total"], data(empty)["missing"]) == (0, data(missing)["text"].removeprefix("margins: "))


@pytest.fixture
def room(tmp_path):
    """A folder that is allowed, and one beside it that is not."""
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    shutil.copy(ROOM / "err_missing_onnx.log.gz", outside / "secret.log.gz")
    shutil.copy(ROOM / "err_missing_onnx.log.gz", allowed / "own.log.gz")
    (allowed / "link.log.gz").symlink_to(outside / "secret.log.gz")
    (allowed / "folder").symlink_to(outside)
    return allowed


@pytest.mark.parametrize(
    "path",
    ["../outside/secret.log.gz", "link.log.gz", "folder/secret.log.gz", "{outside}/secret.log.gz", "/etc/passwd", "-"],
)
def test_nothing_outside_of_the_allowed_folders_is_read(room, path):
    path = path.format(outside=room.parent / "outside")
    calls = [("summary", {"path": path}), ("excerpt", {"path": path, "first": 1}), ("list_logs", {"folder": path})]
    for result in each(session(*calls, allow=room)):
        assert result.is_error
        assert "TensorRT" not in text_of(result)
        assert "may be read" in text_of(result) or "only files and folders" in text_of(result)


def test_what_links_lead_out_of_the_folders_is_not_listed(room):
    [listed] = session(("list_logs", {}), allow=room)
    assert [row[0] for row in data(listed)["rows"]] == ["own.log.gz"]


def test_exports_that_lead_out_of_the_folders_are_not_read(room):
    shutil.copy(ROOM / LOG, room / "net.log.gz")
    shutil.copy(ROOM / "resnet50_fp16_dyn_detailed.times.json.gz", room.parent / "outside" / "net.times.json.gz")
    (room / "net.times.json.gz").symlink_to(room.parent / "outside" / "net.times.json.gz")
    [opened] = session(("open_log", {"path": "net.log.gz"}), allow=room)
    assert "iteration_times" not in data(opened)["tables"]
    (room / "net.times.json.gz").unlink()
    shutil.copy(room.parent / "outside" / "net.times.json.gz", room)
    [opened] = session(("open_log", {"path": "net.log.gz"}), allow=room)
    assert data(opened)["tables"]["iteration_times"] > 1000


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('{room}/note')",
        "select * from '{room}/note'",
        "copy (select 1) to '{room}/written'",
        "set enable_external_access = true; select * from read_text('{room}/note')",
        "attach '{room}/written' as w; create table w.t as select 1",
        "export database '{room}/written'",
        "install httpfs; load httpfs",
    ],
)
def test_sql_reads_and_writes_no_files(room, statement):
    (room / "note").write_text("the note")
    before = sorted(path.name for path in room.iterdir())
    [result] = session(("sql", {"path": "own.log.gz", "statement": statement.format(room=room)}), allow=room)
    assert result.is_error
    assert "the note" not in text_of(result)
    assert sorted(path.name for path in room.iterdir()) == before


def test_secrets_are_left_out_of_every_answer(tmp_path):
    line = "trtexec --onnx=https://me:hunter2@example.com/net.onnx?token=s3cret --verbose"
    (tmp_path / "run.log").write_text(
        f"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # {line}\n"
        "[11/22/2026-13:22:03] [E] cannot fetch https://me:hunter2@example.com/net.onnx?token=s3cret\n"
        f"&&&& FAILED TensorRT.trtexec [TensorRT v8503] # {line}\n"
    )
    path = {"path": "run.log"}
    results = session(
        ("summary", path),
        ("lint", path),
        ("open_log", path),
        ("excerpt", {**path, "first": 1, "last": 3}),
        ("explain_line", {**path, "line": 2}),
        ("rows", {**path, "table": "runs"}),
        ("rows", {**path, "table": "messages"}),
        ("sql", {**path, "statement": "select command from runs"}),
        ("sql", {**path, "statement": "select text as answer, [text] as listed, {'a': text} as b from messages"}),
        allow=tmp_path,
    )
    for result in each(results):
        data(result)
        assert "hunter2" not in text_of(result) + json.dumps(result.structured_content)
        assert "s3cret" not in text_of(result) + json.dumps(result.structured_content)
    assert "***" in text_of(results[7])


def test_parquet_and_datasets_are_opened_too(tmp_path):
    import trtlog

    trtlog.parse(ROOM / "err_missing_onnx.log.gz").to_parquet(tmp_path / "parquet")
    logs = [str(ROOM / "err_missing_onnx.log.gz"), str(ROOM / "lstm_verbose.log.gz")]
    trtlog.to_dataset(logs, str(tmp_path / "dataset"))
    listed, parquet, dataset, whole, one, none = session(
        ("list_logs", {}),
        ("summary", {"path": "parquet"}),
        ("sql", {"path": "dataset", "statement": "select count(*) as n from runs"}),
        ("open_log", {"path": "dataset"}),
        ("why", {"path": "dataset", "source": "lstm_verbose.log.gz", "layer": "zzz"}),
        ("summary", {"path": "dataset"}),
        allow=tmp_path,
    )
    assert [row[:2] for row in data(listed)["rows"]] == [["dataset", "dataset"], ["parquet", "parquet"]]
    assert "failed" in data(parquet)["text"]
    assert data(dataset)["rows"] == [[2]]
    assert data(whole)["kind"] == "dataset"
    assert one.is_error
    assert "zzz" in text_of(one)
    assert none.is_error
    assert "name one with source=" in text_of(none)


def test_the_page_shows_the_session():
    """Otherwise run 'python -m tests.mcp_page', read what changed and commit it."""
    from tests import mcp_page

    assert mcp_page.session() in mcp_page.PAGE.read_text(encoding="utf-8")


def test_the_skill_names_the_tools_there_are():
    from trtlog.mcp.server import make_server

    skill = (ROOT / "docs" / "examples" / "SKILL.md").read_text(encoding="utf-8")
    tools = {tool.name for tool in loop.run(make_server([ROOM]).list_tools())}
    assert set(re.findall(r"`([a-z_]+)\(", skill)) == tools


ASKED = (
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "summary", "arguments": {"path": LOG}}},
)  # fmt: skip


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_an_output_that_is_full_is_told():
    asked = "".join(json.dumps(one) + "\n" for one in ASKED)
    command = [sys.executable, "-m", "trtlog", "mcp", "--allow", str(ROOM)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, input=asked, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
    assert done.returncode == 2
    assert "standard output cannot be written: No space left on device" in done.stderr
    assert "mistake in trtlog" not in done.stderr


def test_an_agent_that_has_gone_is_no_mistake():
    asked = "".join(json.dumps(one) + "\n" for one in ASKED)
    command = [sys.executable, "-m", "trtlog", "mcp", "--allow", str(ROOM)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        server.stdout.close()
        server.stdin.write(asked)
        server.stdin.close()
        errors = server.stderr.read()
    assert server.returncode == 0
    assert errors == ""
