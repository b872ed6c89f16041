"""What is made to be shared holds no secret, in any form; tables keep the log's own text unless asked to redact."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import trtlog
from tests.conftest import FIXTURES
from trtlog.cli import cli
from trtlog.errors import QueryError
from trtlog.parquet.stream import convert
from trtlog.sql import Limits, query

HEADER = "Authorization: Bearer abcdefSECRET123"
PLAIN = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx
[11/22/2026-13:22:03] [I] === Model Options ===
[11/22/2026-13:22:03] [I] Model: m.onnx
[11/22/2026-13:22:03] [I] === Performance summary ===
[11/22/2026-13:22:03] [I] Throughput: 100 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx
"""
COMMAND = (
    f'trtexec --onnx=https://me:SECRET0@host/m.onnx --header="{HEADER}" --api-key SECRET456 '
    '--token="SECRET with SECRET words" -u me:SECRET1'
)
FULL = f"""\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # {COMMAND}
[11/22/2026-13:22:03] [I] === Model Options ===
[11/22/2026-13:22:03] [I] Model: https://me:SECRET0@host/m.onnx?token=SECRET2
[11/22/2026-13:22:03] [I] === Build Options ===
[11/22/2026-13:22:03] [I] Precision: FP32
[11/22/2026-13:22:03] [I] api-key: SECRET3 with SECRET words
[11/22/2026-13:22:03] [W] [TRT] Cannot fetch https://me:SECRET4@host/x?token=SECRET5
[11/22/2026-13:22:03] [E] [TRT] 4: [network.cpp::validate::3062] Error Code 4: Internal Error (password=SECRET6)
[11/22/2026-13:22:03] [E] [TRT] 4: [network.cpp::validate::3062] Error Code 4: Internal Error (--api-key SECRET7)
[11/22/2026-13:22:03] [W] [TRT] Cannot run sh -c "curl -u me:SECRET8 --password 'SECRET with SECRET words' host"
[11/22/2026-13:22:03] [V] [TRT] Nobody knows --api-key SECRET9 nor xoxb-123-SECRET10AAAAAAAA
[11/22/2026-13:22:03] [V] [TRT] Nobody knows "wget --token SECRET11 host"
[11/22/2026-13:22:03] [I] === Performance summary ===
[11/22/2026-13:22:03] [I] Throughput: 90 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # {COMMAND}
"""
FORMATS = ("table", "md", "json", "jsonl", "csv")
ANSWERS = ("performance", "memory")
SHARED = [
    *("diff PLAIN FULL --format text", "diff PLAIN FULL --format md", "diff PLAIN FULL --format json --all"),
    *("diff FULL PLAIN --format text", "diff FULL PLAIN --format md", "diff FULL PLAIN --format json"),
    *("lint FULL --format text", "lint FULL --format md", "lint FULL --format json", "lint FULL --format csv"),
    *("summary FULL --format text", "summary FULL --format md", "unknown FULL", "performance FULL --format md"),
    *("check FULL --against LOCK --format text", "check FULL --against LOCK --format md"),
    *("check FULL --against LOCK --format json", "lock FULL", "report FULL -o -", "report PLAIN FULL -o -"),
    *("stability PLAIN FULL --format text", "stability PLAIN FULL --format md", "stability PLAIN FULL --format json"),
    *(f"compare {logs} --format {form}" for logs in ("PLAIN FULL", "FULL PLAIN") for form in FORMATS),
    *(f"{command} FULL --format {form}" for command in ANSWERS for form in FORMATS),
    *("excerpt FULL:1-12 --redact",),
    *("show runs FULL --format md", "show options FULL --format md", "show messages FULL --format md", "trace FULL"),
    *(
        "show runs FULL --redact",
        "show options FULL --redact --format json",
        "show messages FULL --redact --format csv",
    ),
    *("query FULL 'select command from runs' --redact --format csv",),
    *("query FULL 'select substr(command, 60) as part, value from runs, options' --redact --format json",),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, str]:
    """The two logs and the lock file of the first."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "plain.log").write_text(PLAIN)
    (folder / "full.log").write_text(FULL)
    (folder / "plain.lock").write_text(trtlog.lock(folder / "plain.log").to_json())
    return {"PLAIN": f"{folder}/plain.log", "FULL": f"{folder}/full.log", "LOCK": f"{folder}/plain.lock"}


@pytest.mark.parametrize("command", SHARED)
def test_no_command_shows_a_secret(command, places):
    for name, place in places.items():
        command = command.replace(name, place)
    done = CliRunner().invoke(cli, command)
    assert done.exit_code in (0, 1), done.output
    assert "SECRET" not in done.output
    assert len(done.output) > 20


def test_no_form_of_a_result_shows_a_secret(places):
    control, log = trtlog.parse(places["PLAIN"]), trtlog.parse(places["FULL"])
    diff, check = trtlog.diff(control, log), trtlog.check(log, trtlog.lock(control))
    forms = [
        *(x._repr_html_() for x in (log, log.lint(), diff, check, trtlog.lock(log), trtlog.stability([control, log]))),
        *(diff.to_json(), diff.to_markdown(), check.to_json(), check.to_markdown(), trtlog.lock(log).to_json()),
        *(repr(x) for x in (log, diff, check, trtlog.lock(log))),
        *(log.report(), str(diff.options.to_dict()), str(trtlog.lock(log).document)),
    ]
    assert [form for form in forms if "SECRET" in form] == []


def test_a_word_behind_a_flag_is_its_value(places):
    rows = json.loads(CliRunner().invoke(cli, ["diff", places["PLAIN"], places["FULL"], "--format", "json"]).output)
    shown = {row["key"]: row["test"] for row in rows["tables"]["options"] if row["section"] == "command"}
    assert shown["--api-key"] == shown["--token"] == "***"
    assert shown["-u"] == "me:***"
    assert "set" not in shown.values()


def test_tables_keep_the_text_unless_asked(places, tmp_path):
    own = CliRunner().invoke(cli, ["show", "runs", places["FULL"], "--format", "csv"]).output
    assert "SECRET456" in own
    log = trtlog.parse(places["FULL"])
    log.to_parquet(tmp_path / "own")
    log.to_parquet(tmp_path / "redacted", redact=True)
    convert(places["FULL"], tmp_path / "streamed", redact=True)
    trtlog.to_dataset(places["FULL"], tmp_path / "dataset", redact=True)
    assert trtlog.read_parquet(tmp_path / "own").run.command == log.run.command
    assert trtlog.read_parquet(tmp_path / "redacted") == trtlog.read_parquet(tmp_path / "streamed") == log.redacted()
    assert log.redacted().table("tactics").schema == log.table("tactics").schema
    for folder in ("redacted", "streamed", "dataset"):
        assert [path for path in (tmp_path / folder).rglob("*") if path.is_file() and "SECRET" in text_of(path)] == []
    assert "SECRET" in text_of(tmp_path / "own" / "runs.parquet")


def text_of(path: Path) -> str:
    if path.suffix != ".parquet":
        return path.read_bytes().decode("latin-1")
    return f"{pq.read_table(path, partitioning=None).to_pylist()} {pq.read_metadata(path).metadata}"


@pytest.mark.parametrize(
    "statement",
    [
        "call enable_logging()",
        "call enable_logging('QueryLog', storage='file', storage_path='FOLDER/new')",
        "select * from enable_logging(storage := 'file', storage_path := 'FOLDER/new')",
        "set enable_external_access = true",
        "reset lock_configuration",
        "set log_query_path = 'FOLDER/new'",
        "set profile_output = 'FOLDER/new'",
        "call enable_profiling(save_location = 'FOLDER/new')",
        "pragma enable_profiling = 'json'; pragma profiling_output = 'FOLDER/new'; select 1",
        "copy (select 1) to 'FOLDER/new'",
        "explain analyze copy (select 1) to 'FOLDER/new'",
        "export database 'FOLDER/new'",
        "attach 'FOLDER/new'",
        "install httpfs",
        "load httpfs",
        "select * from 'FOLDER/old.csv'",
        "select * from read_csv('FOLDER/old.csv')",
        "select * from read_text('FOLDER/old.csv')",
        "select * from query('select * from read_text(''FOLDER/old.csv'')')",
        "select * from glob('FOLDER/*')",
    ],
)
def test_no_statement_reads_or_writes_a_file(statement, places, tmp_path):
    (tmp_path / "old.csv").write_text("a\n1\n")
    with pytest.raises(QueryError, match="DuckDB cannot run this statement"):
        trtlog.parse(places["PLAIN"]).sql(statement.replace("FOLDER", str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("select sum(a.range * b.range % 7) from range(1000000) a, range(1000000) b", "ended after 0.5 s"),
        ("with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t", "ended after 0.5 s"),
        ("select a.range from range(1000000000) a", "ended after 0.5 s|more than 64 MiB"),
        ("select repeat('x', 1000) from range(1000000)", "ended after 0.5 s|more than 64 MiB"),
        ("select list(range) from range(1000000000)", "ended after 0.5 s|more than 64 MiB"),
    ],
)
def test_a_statement_of_somebody_else_is_ended(statement, words):
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200/err_missing_onnx.log.gz")
    limits = Limits(0.5, 64)
    assert query(log, "select count(*) as n from coverage", limits=limits).to_pylist()[0]["n"] > 5
    with pytest.raises(QueryError, match=words):
        query(log, statement, limits=limits)


@pytest.mark.parametrize("command", ["report", "lock", "trace", "show runs"])
def test_a_file_that_cannot_be_written_is_not_there(command, places, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    done = CliRunner().invoke(cli, [*command.split(), places["PLAIN"], "-o", str(tmp_path / "out")])
    assert "No space left on device" in str(done.exception)
    assert list(tmp_path.iterdir()) == []
