"""What trtlog returns goes to other processes and is shared by threads."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pandas as pd
import pytest

import trtlog
from tests.conftest import FIXTURES, each
from trtlog import records
from trtlog.analyses.layer.why import layer_names
from trtlog.analyses.lint.registry import load
from trtlog.analyses.registry import table_names
from trtlog.log import Log
from trtlog.testing import FakeTrtexec

FOLDER = FIXTURES / "trt-8.5.3-h200"
LOGS = [FOLDER / f"{name}.log.gz" for name in ("lstm_verbose", "err_missing_onnx", "mobilenet_fp16_verbose")]


@pytest.fixture(scope="module")
def log() -> Log:
    return trtlog.parse(LOGS[0])


def again(value):
    return pickle.loads(pickle.dumps(value))


def test_a_log_goes_through_a_process_pool():
    with ProcessPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(trtlog.parse, LOGS))
    for log, path in each(zip(found, LOGS, strict=True)):
        own = trtlog.parse(path)
        assert log == own
        assert (log.source, log.notes) == (own.source, own.notes)
        assert log.table("margins").equals(own.table("margins"))
        assert log.lint().equals(own.lint())


def test_a_run_of_several():
    import gzip

    log = trtlog.parse(b"".join(gzip.decompress(path.read_bytes()) for path in LOGS[:2]))
    other = again(log)
    assert other == log
    assert len(again(log.runs)) == 2
    assert again(log.runs[1]).table("messages").equals(log.runs[1].table("messages"))


def test_what_hangs_on_a_log(log):
    assert again(log.tables)["passes"].equals(log.table("passes"))
    assert again(log.analyze).margins().equals(log.analyze.margins())
    assert type(again(log.plot)) is type(log.plot)
    for name in ("run", "device", "model", "build", "system", "inference", "reporting", "performance"):
        value = getattr(log, name)
        assert value is not None
        assert again(value) == value == copy.deepcopy(value)
    assert again(log.performance.latency).p99_ms == log.performance.latency.p99_ms


@pytest.mark.parametrize("name", records.TABLES)
def test_rows_of_every_table(log, name):
    rows = list(log.records(name))[:3]
    assert again(rows) == rows
    record = records.TABLES[name]
    empty = record()
    assert again(empty) == empty


@pytest.mark.parametrize("name", table_names())
def test_rows_of_every_analysis(log, name):
    assert again(log.table(name)).equals(log.table(name))
    rows = list(log.records(name))[:3]
    assert again(rows) == rows


def test_answers(log):
    other = trtlog.parse(LOGS[2])
    found = log.lint()
    assert type(again(found)) is type(found)
    assert again(found).equals(found)
    layer = layer_names(log)[-1]
    story = log.why(layer)
    assert again(story) == story
    diff = trtlog.diff(log, other)
    assert again(diff).to_json() == diff.to_json()
    stability = trtlog.stability([log, log])
    assert again(stability) == stability
    lock = trtlog.lock(log)
    assert again(lock).to_json() == lock.to_json()
    check = trtlog.check(other, lock)
    assert check.findings
    assert again(check) == check
    pd.testing.assert_frame_equal(again(diff).layers, diff.layers)


def test_rules_of_lint():
    rules = load()
    assert len(rules) > 20
    assert again(rules) == rules


def test_datasets(tmp_path):
    done = trtlog.to_dataset(LOGS[:1], tmp_path / "d")
    assert again(done).converted == done.converted
    dataset = trtlog.open_dataset(tmp_path / "d")
    assert again(dataset).sql("select count(*) as n from passes").n.tolist() == [
        trtlog.parse(LOGS[0]).table("passes").num_rows
    ]
    one = dataset.log("lstm_verbose.log.gz")
    assert again(one) == one


def test_runs_and_sweeps(tmp_path):
    fake = FakeTrtexec(LOGS[0])
    log = trtlog.run(onnx="m.onnx", trtexec=fake, out=tmp_path / "run")
    other = again(log)
    assert other == log
    assert (other.folder.path, other.folder.status) == (log.folder.path, "passed")
    study = trtlog.sweep("m.onnx", trtexec=fake, out=tmp_path / "sweep", precision=["fp32"])
    assert again(study).rows == study.rows
    assert again(study.recommend()) == study.recommend()


@pytest.mark.parametrize(
    "error",
    [
        trtlog.InputError("a"),
        trtlog.QueryError("b"),
        trtlog.StrictError("c", [(1, "x")]),
    ],
    ids=lambda e: type(e).__name__,
)
def test_errors(error):
    other = again(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


def test_threads_share_a_log():
    """Every table and analysis is asked of one log by eight threads at once; all get what one alone gets."""
    names = [*records.TABLES, *table_names()]
    own = trtlog.parse(LOGS[0])
    shared = trtlog.parse(LOGS[0])
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(shared.table, names * 4))
    for name, table in each(zip(names * 4, found, strict=True)):
        assert table.equals(own.table(name)), name
    assert shared == own
