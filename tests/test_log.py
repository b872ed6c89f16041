"""The handle: runs, records, frames, errors, and logs that are cut or mangled."""

from __future__ import annotations

import gc
import gzip
import io
import pickle
import random
import weakref
from contextlib import contextmanager

import pyarrow as pa
import pytest

import trtlog
from tests.conftest import FIXTURES, each
from trtlog.errors import InputError, QueryError, StrictError
from trtlog.records import TABLES, Tactic
from trtlog.tables import BUILDERS

FP32 = FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"
LSTM = FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz"
SMALL = FIXTURES / "trt-8.5.3-h200/sweep_r50_fp32_b128.log.gz"


@pytest.fixture(scope="module")
def log():
    return trtlog.parse(FP32)


@contextmanager
def without_the_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_memory_of_a_log_of_one_run_is_free_without_the_collector():
    log = trtlog.parse(SMALL)
    with without_the_collector():
        for run in each(log.runs):
            assert run.table("performance").num_rows
        assert "H200" in repr(log)
        kept = weakref.ref(log)
        del log, run
        assert kept() is None


def test_memory_of_an_analysed_log_is_free_without_the_collector():
    log = trtlog.parse(LSTM)
    with without_the_collector():
        for name in each(log.analyses):
            log.table(name)
        assert len(log.lint())
        assert log.why(log.table("layer_times").column("layer")[0].as_py()).layer
        assert log.analyze._layers is log.analyze._layers
        kept = weakref.ref(log), weakref.ref(log.analyze._layers)
        del log
        assert [ref() for ref in kept] == [None, None]


def test_memory_of_a_log_of_several_runs_is_free_without_the_collector():
    text = gzip.decompress(LSTM.read_bytes())
    log = trtlog.parse(text + text)
    with without_the_collector():
        for run in each(log.runs):
            assert run.table("layer_times").num_rows
        kept = weakref.ref(log), weakref.ref(run)
        del log, run
        assert [ref() for ref in kept] == [None, None]


def test_what_a_log_answers_with_holds_the_log():
    analyze = trtlog.parse(LSTM).analyze
    again = pickle.loads(pickle.dumps(analyze))
    assert analyze.layer_times().equals(again.layer_times())
    assert "lstm_verbose" in repr(analyze)


def test_every_table_is_there_with_its_schema(log):
    assert set(BUILDERS) == set(TABLES)
    for name, record in each(TABLES.items()):
        table = log.table(name)
        assert table.column_names == list(record.columns())
        for field in each(table.schema):
            assert field.metadata[b"doc"]
            assert (field.metadata.get(b"unit", b"").decode()) == record.columns()[field.name].unit
        frame = log.frame(name) if name in ("runs", "performance") else getattr(log, name)
        assert list(frame) == table.column_names


def test_columns_with_a_unit_say_so():
    columns = [(name, *column) for name, record in TABLES.items() for column in record.columns().items()]
    for ending, unit in (("_ms", "ms"), ("_bytes", "bytes"), ("_mib", "MiB"), ("_ghz", "GHz")):
        for name, column, about in each(column for column in columns if column[1].endswith(ending)):
            assert about.unit == unit, f"{name}.{column}"


def test_frames_keep_null(log):
    seconds = log.timings.seconds
    assert isinstance(seconds.dtype.pyarrow_dtype, pa.DataType)
    assert seconds.isna().all(), "8.5 does not print how long a runner was timed"
    assert log.tactics.kernel.isna().any()


def test_records_are_typed(log):
    first = next(log.records("tactics"))
    assert isinstance(first, Tactic)
    assert first.time_ms == 0.00897114


def test_unknown_names_are_told(log):
    with pytest.raises(QueryError, match=r"no table 'tactic' \(did you mean tactics\?\); the tables are runs, "):
        log.table("tactic")
    with pytest.raises(AttributeError, match="a Log has no 'tactic'"):
        log.tactic  # noqa: B018 - the access is what is tested


def test_several_runs_in_one_file():
    """Two sweeps after each other: each run has its own options and numbers; log.run alone is ambiguous."""
    one, two = (FIXTURES / f"trt-8.5.3-h200/sweep_r50_fp32_b{n}.log.gz" for n in (1, 8))
    text = gzip.open(one).read() + gzip.open(two).read()
    log = trtlog.parse(text)
    assert [run.run.status for run in log.runs] == ["passed", "passed"]
    for number, path in enumerate((one, two)):
        alone = trtlog.parse(path, exports=[])
        assert log.runs[number].performance == alone.performance
        assert log.runs[number].inference == alone.inference
        assert len(log.runs[number].iterations) == len(alone.iterations)
    with pytest.raises(QueryError, match=r"holds 2 runs; ask one of them: log\.runs\[0\]\.run"):
        log.run  # noqa: B018 - the access is what is tested
    with pytest.raises(QueryError, match=r"log\.runs\[0\]\.build"):
        log.build  # noqa: B018 - the access is what is tested
    assert log.table("performance").num_rows == sum(run.table("performance").num_rows for run in log.runs)


def test_sources_of_every_kind_read_alike(tmp_path):
    text = gzip.open(SMALL).read()
    plain = tmp_path / "a.log"
    plain.write_bytes(text)
    expected = trtlog.parse(text)
    decoded = text.decode()
    for source in (
        plain,
        str(plain),
        SMALL,
        io.BytesIO(text),
        io.StringIO(decoded),
        decoded.splitlines(),
        text.splitlines(keepends=True),
        iter([text[:1000], text[1000:5001], text[5001:]]),
    ):
        got = trtlog.parse(source, exports=[])
        for name in each(TABLES.keys() - {"runs"}):
            assert got.table(name).equals(expected.table(name)), (name, source)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b"\n", b"\r\n"),
        lambda t: b"\xff\xfe" + t.decode().encode("utf-16-le"),
        lambda t: b"\xfe\xff" + t.decode().encode("utf-16-be"),
        lambda t: b"\xef\xbb\xbf" + t,
    ],
    ids=["CRLF", "UTF-16 LE", "UTF-16 BE", "UTF-8 with mark"],
)
def test_encodings_of_windows(change):
    text = gzip.open(SMALL).read()
    expected, got = trtlog.parse(text), trtlog.parse(change(text))
    for name in each(TABLES.keys() - {"coverage", "runs"}):
        assert got.table(name).equals(expected.table(name)), name
    assert got.table("coverage").column("lines").equals(expected.table("coverage").column("lines"))


def test_bytes_that_are_no_text():
    line = b"[11/22/2026-13:22:03] [V] [TRT] Running: ConvReluFusion on caf\xe9\x1e + \x00b\n"
    [fusion] = trtlog.parse(line).records("fusions")
    assert fusion.layer == "caf\\xe9\x1e + \x00b"


def test_a_cut_log_keeps_what_is_there():
    """Cut at any byte: what stands whole before the cut reads as in the whole log."""
    text = gzip.open(FP32).read()
    whole = trtlog.parse(text)
    generator = random.Random(7)
    for cut in each(sorted(generator.sample(range(200, len(text)), 12))):
        part = trtlog.parse(text[:cut])
        complete = text.count(b"\n", 0, cut)
        assert part.run.status == ("incomplete" if cut < len(text) - 100 else part.run.status)
        for name in ("options", "onnx_nodes", "fusions", "memory", "iterations"):
            rows = [r for r in whole.table(name).to_pylist() if r["line"] <= complete - 12]
            assert part.table(name).to_pylist()[: len(rows)] == rows, (name, cut)
        tactics = [r["time_ms"] for r in whole.table("tactics").to_pylist() if r["line"] <= complete]
        assert part.table("tactics").column("time_ms").to_pylist()[: len(tactics)] == tactics


def test_strict_names_the_lines():
    text = b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n[11/22/2026-13:22:03] [V] [TRT] Quux the frobnicator\n"
    assert trtlog.parse(text).coverage.set_index("kind").lines["unknown"] == 1
    with pytest.raises(StrictError, match="1 line that no rule knows") as caught:
        trtlog.parse(text, strict=True)
    assert caught.value.lines == [(2, "Quux the frobnicator")]


def test_text_of_another_program_is_refused():
    with pytest.raises(InputError, match=r"is of TensorRT or trtexec"):
        trtlog.parse(b"Hello\nthis is some other program\n" * 30)


def test_an_export_given_by_name():
    times = FIXTURES / "trt-8.5.3-h200/sweep_r50_fp32_b8.times.json.gz"
    log = trtlog.parse(SMALL, exports=[times])
    assert log.iteration_times.iteration.max() == len(log.iteration_times) - 1
    assert trtlog.parse(SMALL).table("iteration_times").num_rows == 0
    with pytest.raises(InputError, match="no_such"):
        trtlog.parse(SMALL, exports=["no_such.json"])


def test_exports_beside_the_log_are_found():
    path = FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz"
    log = trtlog.parse(path)
    raw = gzip.open(FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.times.json.gz", "rt").read()
    assert len(log.iteration_times) == raw.count('"latencyMs"')


def test_repr_tells_what_ran(log):
    assert repr(log).endswith("TensorRT 8.5.3, NVIDIA H200, FP32, passed, 1336.59 qps>")
