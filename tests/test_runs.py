"""Where runs begin and end: two banners, one of them, none; what stands between them."""

from __future__ import annotations

import functools
import gzip
import html
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import trtlog
from tests.conftest import FIXTURES, each
from trtlog.analyses.missing import advice
from trtlog.parquet.stream import convert
from trtlog.records import TABLES
from trtlog.source.chunks import open_source

FOLDER = FIXTURES / "trt-8.5.3-h200"

FIRST_WITHOUT_START = """\
[01/02/2025-10:00:00] [I] === Performance summary ===
[01/02/2025-10:00:00] [I] Throughput: 100 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8502] # trtexec --loadEngine=a.engine
&&&& RUNNING TensorRT.trtexec [TensorRT v100300] # trtexec --loadEngine=b.engine
[01/02/2025-11:00:00] [I] === Model Options ===
[01/02/2025-11:00:01] [I] === Performance summary ===
[01/02/2025-11:00:01] [I] Throughput: 900 qps
&&&& FAILED TensorRT.trtexec [TensorRT v100300] # trtexec --loadEngine=b.engine
"""


def runs_of(text, *columns, engine="line"):
    table = trtlog.parse(text.encode(), engine=engine).table("runs")
    return [tuple(row.values()) for row in table.select(list(columns)).to_pylist()]


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_a_run_whose_first_banner_is_missing(engine):
    assert runs_of(
        FIRST_WITHOUT_START, "line", "last_line", "tensorrt_version", "status", "command", engine=engine
    ) == [
        (1, 3, "8.5.2", "passed", "trtexec --loadEngine=a.engine"),
        (4, 8, "10.3.0", "failed", "trtexec --loadEngine=b.engine"),
    ]
    log = trtlog.parse(FIRST_WITHOUT_START.encode(), engine=engine)
    assert [run.performance.throughput_qps for run in log.runs] == [100, 900]
    assert [str(run.run.started_at) for run in log.runs] == ["2025-01-02 10:00:00", "2025-01-02 11:00:00"]


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_a_run_that_begins_in_the_second_in_which_the_one_above_ended(engine):
    text = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=a.engine
[01/02/2025-10:00:00] [I] === Model Options ===
[01/02/2025-10:00:07] [I] Throughput: 100 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=a.engine
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=b.engine
[01/02/2025-10:00:07] [I] === Model Options ===
[01/02/2025-10:00:09] [I] Throughput: 900 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=b.engine
"""
    log = trtlog.parse(text.encode(), engine=engine)
    assert [str(run.run.started_at) for run in log.runs] == ["2025-01-02 10:00:00", "2025-01-02 10:00:07"]
    assert log.table("timestamps").column("line").to_pylist() == [2, 3, 6, 7]


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_a_section_ends_with_its_run_where_no_banner_stands_between_two(engine):
    text = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx
[11/22/2026-13:31:36] [I] === Model Options ===
[11/22/2026-13:31:36] [I] Format: ONNX
[11/27/2026-05:42:33] [I] Max batch: explicit batch
[11/22/2026-13:31:36] [I] Output: prob
[11/22/2026-13:31:36] [I] === System Options ===
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=b.engine
"""
    assert runs_of(text, "line", "last_line", engine=engine) == [(1, 4), (5, 7)]
    sections = trtlog.parse(text.encode(), engine=engine).table("sections")
    assert sections.select(["run", "line", "last_line", "name"]).to_pylist() == [
        {"run": 0, "line": 2, "last_line": 4, "name": "model"},
        {"run": 1, "line": 6, "last_line": 6, "name": "system"},
    ]


def test_the_same_three_times_and_without_the_second_end():
    assert runs_of(3 * FIRST_WITHOUT_START, "line", "last_line", "status") == [
        *((1, 3, "passed"), (4, 8, "failed")),
        *((9, 11, "passed"), (12, 16, "failed")),
        *((17, 19, "passed"), (20, 24, "failed")),
    ]
    without_end = FIRST_WITHOUT_START[: FIRST_WITHOUT_START.index("&&&& FAILED")]
    assert runs_of(without_end, "line", "last_line", "status") == [(1, 3, "passed"), (4, 7, "incomplete")]
    # Nothing tells the end of the second from the beginning of the third, but that the banner is another one.
    assert runs_of(2 * without_end, "status", "command")[1:3] == [
        ("incomplete", "trtexec --loadEngine=b.engine"),
        ("passed", "trtexec --loadEngine=a.engine"),
    ]


def test_the_tail_of_a_run():
    tail = """\
[01/02/2025-10:00:00] [E] Engine set up failed
&&&& FAILED TensorRT.trtexec [TensorRT v101601] [b11] # trtexec --onnx=m.onnx --fp16
"""
    assert runs_of(tail, "tensorrt_version", "build", "status", "command") == [
        ("10.16.1", "11", "failed", "trtexec --onnx=m.onnx --fp16")
    ]


BETWEEN = """\
[11/22/2026-13:00:00] [TRT] [I] Loaded engine size: 3 MiB
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx
[11/22/2026-13:00:01] [I] Throughput: 1 qps
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx
[11/22/2026-13:00:02] [I] [TRT] [MemUsageChange] Init cuBLAS/cuBLASLt: CPU +0, GPU +0, now: CPU 747, GPU 893 (MiB)
train step 3
[11/22/2026-13:00:03] [TRT] [V] Original: 9 layers
[11/22/2026-13:00:04] [TRT] [W] Using default stream
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=b.onnx
[11/22/2026-13:00:05] [I] Throughput: 2 qps
&&&& FAILED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=b.onnx
train step 4
"""


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_what_a_python_program_prints_around_banners_is_a_run_of_its_own(engine):
    assert runs_of(BETWEEN, "line", "last_line", "tool", "status", engine=engine) == [
        (1, 1, None, None),
        (2, 6, "TensorRT.trtexec", "passed"),  # what the library prints on its way out is the run's
        (7, 8, None, None),
        (9, 12, "TensorRT.trtexec", "failed"),  # another program's text makes no run
    ]
    log = trtlog.parse(BETWEEN.encode(), engine=engine)
    assert [len(run.passes) for run in log.runs] == [0, 0, 1, 0]
    assert [len(run.messages) for run in log.runs] == [0, 0, 1, 0]
    assert [len(run.memory) for run in log.runs] == [0, 1, 0, 0]


# ---------------------------------------------------------------- a file of several reads as its parts
def fixture(name):
    return gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes())


def python_build(name):
    """Return what a Python program prints of a build: the library's messages under the Python logger's header."""
    lines = [line for line in fixture(name).splitlines(keepends=True) if b"] [TRT] " in line or line[:6] == b"Layer("]
    return b"".join(re.sub(rb"\] \[([VIWE])\] \[TRT\] ", rb"] [TRT] [\1] ", line) for line in lines)


def without(name, first=0, last=0):
    lines = fixture(name).splitlines(keepends=True)
    return b"".join(lines[first : len(lines) - last])


PARTS = {
    "a Python build": python_build("bert_fp16_verbose"),
    "a run": without("sweep_r50_best_b8"),
    "a Python build between": python_build("lstm_verbose"),
    "a run whose end is missing": without("mobilenet_fp16_verbose", last=1),
    "another run": without("lstm_verbose"),
    "a run whose start is missing": without("bert_fp16_verbose", first=1),
    "a Python build at the end": python_build("unet_smallws_verbose"),
}
_NUMBERS = ("line", "last_line", "timing_line", "costs_line")


def shifted(table, offset):
    """Return a table as a part alone would give it: run 0, lines from its own first line on."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if field.name in _NUMBERS:
            table = table.set_column(place, field, pc.subtract(column, pa.scalar(offset, field.type)))
        elif field.name == "run":
            table = table.set_column(place, field, pc.multiply(column, pa.scalar(0, field.type)))
    return table.drop_columns([n for n in ("source", "tool") if n in table.column_names])


def same(one, other):
    return one.equals(other) or one.to_pylist() == other.to_pylist()


@functools.cache
def alone(name):
    return trtlog.parse(PARTS[name], engine="line")


@pytest.fixture(scope="module")
def mixed():
    return b"".join(PARTS.values())


@pytest.fixture(scope="module", params=["line", "auto", "convert"])
def read(request, mixed, tmp_path_factory):
    if request.param != "convert":
        return trtlog.parse(mixed, engine=request.param)
    folder = tmp_path_factory.mktemp("mixed")
    lines = mixed.splitlines(keepends=True)
    pieces = [b"".join(lines[n : n + 500]) for n in range(0, len(lines), 500)]
    convert(open_source(pieces, 20_000), folder, engine="auto", segment_bytes=100_000)
    return trtlog.read_parquet(folder)


def test_a_file_of_runs_and_python_builds_reads_as_its_parts(read):
    assert read.frame("runs").status.isna().tolist() == [True, False, True, False, False, False, True]
    offset = 0
    for run, (name, text) in each(zip(read.runs, PARTS.items(), strict=True)):
        for table in each(TABLES.keys() - {"coverage"}):
            assert same(shifted(run.table(table), offset), shifted(alone(name).table(table), 0)), (name, table)
        offset += text.count(b"\n")


def test_a_file_that_mixes_forms_reads_as_its_parts():
    """Numbered lines of a GitHub export with HTML entities: runs, one without a start, and a Python build."""
    names = ("a run", "a Python build between", "another run", "a run whose start is missing")
    text = b"".join(PARTS[name] for name in names).decode()
    job = "build\tRun trtexec\t2026-11-22T13:22:03.1234567Z "
    exported = "".join(
        f"{number:>6}\t{job}{html.escape(line, quote=False)}\n" for number, line in enumerate(text.splitlines(), 1)
    )
    log = trtlog.parse(exported.encode())
    offset = 0
    for run, name in each(zip(log.runs, names, strict=True)):
        for table in ("options", "passes", "tactics", "engine_layers", "performance", "messages"):
            assert same(shifted(run.table(table), offset), shifted(alone(name).table(table), 0)), (name, table)
        offset += PARTS[name].count(b"\n")


@pytest.mark.parametrize(("word", "status"), [("PASSED", "passed"), ("FAILED", "failed")])
def test_an_end_without_a_command_is_an_end(word, status):
    """A page that quotes a sample's output cuts the command off its last line: the log has an end all the same."""
    text = f"&&&& RUNNING TensorRT.sample_net # ./sample_net\n[I] [TRT] Finish\n&&&& {word} TensorRT.sample_net\n"
    log = trtlog.parse(text.encode())
    assert log.run.status == status
    assert "log-incomplete" not in {row["rule"] for row in log.lint().to_dict("records")}


@pytest.mark.parametrize("engine", ["line", "auto"])
@pytest.mark.parametrize(
    ("first", "last", "tool", "status"),
    [
        ("&&&& RUNNING TensorRT.trtexec [TensorRT v110100] [b106]", "&&&& PASSED", "TensorRT.trtexec", "passed"),
        (
            "&&&& RUNNING TensorRT.trtexec [TensorRT v110100] [b106]",
            "&&&& FAILED TensorRT.trtexec [TensorRT v110100] [b106]", "TensorRT.trtexec", "failed",
        ),
        ("[I] Loading", "&&&& PASSED TensorRT.trtexec [TensorRT v110100]", "TensorRT.trtexec", "passed"),
    ],
)  # fmt: skip
def test_banners_whose_command_was_left_out(first, last, tool, status, engine):
    """Who pastes a log may leave out the command with its paths, and with it what the banner says before it."""
    text = f"{first}\n[01/02/2026-10:00:00] [I] Engine built in 3 sec.\n{last}\n"
    [row] = runs_of(text, "tool", "tensorrt_version", "command", "status", engine=engine)
    assert row == (tool, "11.1.0", None, status)


def test_behind_the_help_text_no_end_of_a_run_is_missing():
    """A flag that trtexec has not may make it print its help, without a banner behind it."""
    text = "&&&& RUNNING TensorRT.trtexec [TensorRT v101600] [b72] # trtexec --version\n=== Model Options ===\n"
    words = advice(trtlog.parse(text.encode()), ["tactics"])
    assert words == "This is the help text of trtexec: nothing was run."
