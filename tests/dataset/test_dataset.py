"""A dataset holds what its logs hold, each log once, whatever is done to the sources."""

from __future__ import annotations

import os
import shutil
from collections import Counter

import duckdb
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import trtlog
from tests.conftest import FIXTURES, each, parsed_once
from tests.dataset.conftest import assert_whole, digest, globbed, text, write_logs
from trtlog.errors import InputError, NoLogError, QueryError, SchemaError
from trtlog.records import TABLES

LOGS = sorted(FIXTURES.rglob("*.log.gz"))


def test_each_log_comes_out_as_it_went_in(whole):
    """Tables, records, runs, notes: the Log of a source is that of trtlog.parse, exports beside it included."""
    dataset = trtlog.open_dataset(whole[0])
    for path in each(LOGS):
        again = dataset.log(str(path))
        assert again == parsed_once(path), path.name
        assert again.source == str(path)
    exported = dataset.log("resnet50_fp16_dyn_detailed.log.gz")
    assert exported.table("iteration_times").num_rows > 1000


def test_rows_are_the_sum_of_single_logs(whole):
    wanted = Counter()
    for path in LOGS:
        log = parsed_once(path)
        wanted.update({name: log.table(name).num_rows for name in TABLES})
    dataset = trtlog.open_dataset(whole[0])
    for name in each(TABLES):
        assert dataset.table(name).num_rows == wanted[name], name
        assert globbed(whole[0], name, "count(*)") == [(wanted[name],)], name


def test_what_is_no_log_is_told(whole):
    told = {os.path.basename(source): reason for source, reason in whole[1].skipped}
    assert "none of its" in told["README.md"]
    for name in ("help.txt.gz", "rtx_help.txt.gz"):
        assert told[name] == "is trtexec's help text: nothing was run"
    exports = [p.name for p in FIXTURES.rglob("*.json.gz")]
    assert not set(exports) & set(told), "they are read with their logs"
    files = len(whole[1].converted) + len(whole[1].skipped) + len(exports)
    assert files == sum(1 for p in FIXTURES.rglob("*") if p.is_file())


def test_catalogue(whole):
    rows = trtlog.open_dataset(whole[0]).catalogue.set_index("source")
    path = FIXTURES / "trt-8.5.3-h200" / "resnet50_fp32_verbose.log.gz"
    row = rows.loc[str(path)]
    assert (row.tensorrt_version, row.gpu, row.precision, row.status) == ("8.5.3", "NVIDIA H200", "FP32", "passed")
    assert (row.throughput_qps, row.latency_mean_ms, row.latency_p99_ms) == (1336.59, 0.766216, 0.876953)
    assert (row.build_seconds, row.lines, row.coverage_percent) == (23.2068, 11157, 100.0)
    assert row.log == digest(path)
    assert row.size_bytes == path.stat().st_size
    failed = rows.loc[str(FIXTURES / "trt-8.5.3-h200" / "err_corrupt_onnx.log.gz")]
    assert failed.status == "failed"
    assert pd.isna(failed.throughput_qps)


def test_catalogue_of_several_runs(tmp_path, dataset):
    """Rows lie in the partition of their own run's version and GPU."""
    path = tmp_path / "two.log"
    path.write_text(text(1, qps=50.0) + text(2, version="8.6.1", gpu=None, qps=70.0) + text(3, qps=60.0))
    trtlog.to_dataset(path, dataset)
    opened = trtlog.open_dataset(dataset)
    rows = opened.catalogue[["run", "tensorrt_version", "throughput_qps", "runs"]].values.tolist()
    assert rows == [[0, "8.5.3", 50.0, 3], [1, "8.6.1", 70.0, 3], [2, "8.5.3", 60.0, 3]]
    runs = "list(distinct run order by run) as runs"
    found = opened.sql(f"select tensorrt_version, gpu, {runs} from tactics group by all order by 1")
    assert [(r.tensorrt_version, list(r.runs)) for r in found.itertuples()] == [("8.5.3", [0, 2]), ("8.6.1", [1])]
    assert pd.isna(found.gpu.iloc[1])
    assert opened.log(str(path)) == trtlog.parse(path)


def parts(dataset):
    return sorted(p for p in dataset.rglob("*.parquet") if "catalogue" not in p.parts)


# ------------------------------------------------------------------ again, changed, copied, gone
def test_known_logs_are_left_alone(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 7)
    first = trtlog.to_dataset(tmp_path / "logs", dataset)
    before = parts(dataset)
    again = trtlog.to_dataset(tmp_path / "logs", dataset)
    os.utime(logs[0])
    touched = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert (len(first.converted), len(again.unchanged), len(touched.unchanged)) == (7, 7, 6)
    assert touched.known == [str(logs[0])]
    assert parts(dataset) == before
    assert trtlog.to_dataset(tmp_path / "logs", dataset).unchanged == [str(p) for p in logs]
    assert_whole(dataset, logs)


def test_a_changed_log_replaces_its_rows(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 9)
    trtlog.to_dataset(tmp_path / "logs", dataset)
    old = digest(logs[4])
    logs[4].write_text(text(4444, version="10.3.0"))
    done = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert (done.converted, done.replaced, len(done.unchanged)) == ([str(logs[4])], [str(logs[4])], 8)
    assert_whole(dataset, logs)
    assert not [row for row in globbed(dataset, "tactics", "log") if row[0] == old]


def test_a_copy_is_the_same_log(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 3)
    copy = shutil.copy(logs[1], tmp_path / "logs" / "copy.log")
    trtlog.to_dataset(tmp_path / "logs", dataset)
    assert_whole(dataset, logs)
    row = next(r for r in trtlog.open_dataset(dataset).table("catalogue").to_pylist() if r["log"] == digest(logs[1]))
    assert row["sources"] == [str(copy), str(logs[1])]
    # One of the two changes: the other still holds the log.
    logs[1].write_text(text(1111))
    assert trtlog.to_dataset(tmp_path / "logs", dataset).replaced == []
    assert_whole(dataset, [*logs, copy])
    # Both names swap what they hold: nothing to convert.
    first, second = logs[1].read_bytes(), (tmp_path / "logs" / "copy.log").read_bytes()
    logs[1].write_bytes(second)
    (tmp_path / "logs" / "copy.log").write_bytes(first)
    assert trtlog.to_dataset(tmp_path / "logs", dataset).converted == []
    assert_whole(dataset, [*logs, copy])


def test_an_export_that_comes_later_counts(tmp_path, dataset):
    folder = FIXTURES / "trt-8.5.3-h200"
    for name in ("sweep_r50_fp32_b1.log.gz",):
        shutil.copy(folder / name, tmp_path / name)
    trtlog.to_dataset(tmp_path / name, dataset)
    assert trtlog.open_dataset(dataset).table("iteration_times").num_rows == 0
    shutil.copy(folder / "sweep_r50_fp32_b1.times.json.gz", tmp_path)
    done = trtlog.to_dataset(tmp_path / name, dataset)
    assert done.replaced == [str(tmp_path / name)]
    opened = trtlog.open_dataset(dataset)
    assert len(opened) == 1
    assert opened.log(name) == trtlog.parse(tmp_path / name)


def test_logs_that_fail_are_told_and_tried_again(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 3)
    broken = tmp_path / "logs" / "broken.log.gz"
    broken.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0 damaged")
    for _ in range(2):
        done = trtlog.to_dataset([tmp_path / "logs", tmp_path / "none.log"], dataset)
        assert [name for name, _ in done.failed] == [str(broken), str(tmp_path / "none.log")]
        opened = trtlog.open_dataset(dataset)
        assert len(opened.catalogue) == 4
        assert opened.catalogue.dropna(subset="error").source.tolist() == [str(broken)]
        with pytest.raises(QueryError, match="could not be read"):
            opened.log(str(broken))
        assert_whole(dataset, logs)
    broken.write_text(text(77))
    done = trtlog.to_dataset(tmp_path / "logs", dataset)
    assert (done.converted, done.failed) == ([str(broken)], [])
    assert trtlog.open_dataset(dataset).catalogue.error.isna().all()


def test_a_file_that_is_named_must_be_a_log(tmp_path, dataset):
    (tmp_path / "notes.txt").write_text("nothing of the kind\n")
    assert "its only line is not" in trtlog.to_dataset(tmp_path / "notes.txt", dataset).failed[0][1]
    assert "its only line is not" in trtlog.to_dataset(tmp_path, dataset).skipped[-1][1]
    with pytest.raises(NoLogError):
        trtlog.parse(tmp_path / "notes.txt")


def test_strict(tmp_path, dataset):
    path = write_logs(tmp_path, 1)[0]
    path.write_text(path.read_text() + "[11/22/2026-13:22:03] [V] [TRT] zzz qqq\n")
    assert "1 line that no rule knows" in trtlog.to_dataset(path, dataset, strict=True).failed[0][1]
    assert trtlog.to_dataset(path, dataset).converted == [str(path)]


# ------------------------------------------------------------------ files
def test_many_logs_give_few_files(tmp_path, dataset):
    """60 logs of 6 partitions in batches of 4, then additions of one log to one partition: parts are joined."""
    logs = write_logs(tmp_path / "logs", 60)
    trtlog.to_dataset(tmp_path / "logs", dataset, batch_logs=4)
    written = list((dataset / "tactics").rglob("*.parquet"))
    assert len({p.parent for p in written}) == len(written) == 6
    for number in range(9):
        logs += write_logs(tmp_path / "logs", 1, first=300 + number, version="10.3.0", gpu="NVIDIA H200")
        trtlog.to_dataset(tmp_path / "logs", dataset)
    assert len(list((dataset / "tactics" / "tensorrt_version=10.3.0").rglob("*.parquet"))) == 1
    assert_whole(dataset, logs)


def test_a_dataset_of_an_earlier_trtlog_lacks_a_column(tmp_path, dataset, monkeypatch):
    """Rows with the column are joined to those without it."""
    logs = write_logs(tmp_path / "logs", 1, version="10.3.0", gpu="NVIDIA H200")
    trtlog.to_dataset(tmp_path / "logs", dataset)
    for part in dataset.glob("runs/**/*.parquet"):
        table = pq.read_table(part, partitioning=None)
        pq.write_table(table.drop_columns(["plan_version"]), part)
    assert trtlog.open_dataset(dataset).sql("select plan_version from runs").plan_version.isna().all()
    monkeypatch.setattr("trtlog.dataset.commit._SMALL_GROUPS", 0)
    logs += write_logs(tmp_path / "logs", 1, first=300, version="10.3.0", gpu="NVIDIA H200")
    assert len(trtlog.to_dataset(tmp_path / "logs", dataset).converted) == 1
    assert len(list(dataset.glob("runs/**/*.parquet"))) == 1
    assert_whole(dataset, logs)


def test_every_table_can_be_read_also_without_rows(tmp_path, dataset):
    trtlog.to_dataset(write_logs(tmp_path, 2), dataset)
    for name in each(TABLES):
        columns = [c[0] for c in duckdb.sql(f"describe from '{dataset}/{name}/**/*.parquet'").fetchall()]
        assert set(TABLES[name].columns()) <= set(columns)
        assert {"log", "tensorrt_version", "gpu"} <= set(columns)
    assert globbed(dataset, "outputs", "count(*)") == [(0,)]
    part = next((dataset / "tactics").rglob("*.parquet"))
    assert pq.read_metadata(part).metadata[b"trtlog.schema"] == b"1"


def test_a_long_log_is_written_piece_by_piece(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr("trtlog.dataset.reading.LONG_BYTES", 1000)
    monkeypatch.setattr("trtlog.parquet.stream.SEGMENT_BYTES", 500)
    monkeypatch.setattr("trtlog.dataset.batch.read_small", None)
    path = tmp_path / "long.log"
    path.write_text("".join(text(n, version=("8.5.3", "8.6.1")[n % 2]) for n in range(20)))
    real = [FIXTURES / "trt-8.5.3-h200" / f"{name}.log.gz" for name in ("lstm_verbose", "resnet50_fp16_dyn_detailed")]
    trtlog.to_dataset([path, *real], dataset)
    opened = trtlog.open_dataset(dataset)
    assert opened.log(str(path)) == trtlog.parse(path)
    for one in each(real):
        assert opened.log(one.name) == trtlog.parse(one)
    assert opened.log(real[1].name).table("iteration_times").num_rows > 1000, "its exports are read with it"
    # Of several runs, those above are written when the exports are read.
    shutil.copy(real[1].with_name("resnet50_fp16_dyn_detailed.times.json.gz"), tmp_path / "long.times.json.gz")
    trtlog.to_dataset([path], dataset)
    [note] = trtlog.open_dataset(dataset).log(str(path)).notes
    assert note == f"{tmp_path / 'long.times.json.gz'}: left out: a log of several runs was written run by run"


# ------------------------------------------------------------------ the handle
def test_handle(tmp_path, dataset):
    logs = write_logs(tmp_path / "logs", 6)
    trtlog.to_dataset(tmp_path / "logs", dataset)
    opened = trtlog.open_dataset(dataset)
    assert len(opened) == 6
    assert "6 logs" in repr(opened)
    assert opened.tactics.columns[:3].tolist() == ["log", "run", "line"]
    assert next(iter(opened.tables)) == "catalogue"
    assert opened.tables["passes"].num_rows == 6
    few = opened.table("tactics", columns=["time_ms", "gpu"], filter=pc.field("time_ms") < 0.1)
    assert few.column_names == ["time_ms", "gpu"]
    assert few.num_rows == 6
    assert opened.log(digest(logs[2])[:10]).source == str(logs[2])
    with pytest.raises(QueryError, match="no log fits"):
        opened.log("nothing")
    with pytest.raises(QueryError, match="the tables are"):
        opened.table("nope")
    with pytest.raises(QueryError, match="no column"):
        opened.table("tactics", columns=["nope"])
    with pytest.raises(QueryError, match="disabled"):
        opened.sql("select * from read_csv('/etc/passwd')")
    assert opened.sql("select count(*) n from catalogue where gpu = ?", ["Orin/AGX"]).n.tolist() == [2]
    trtlog.to_dataset(write_logs(tmp_path / "more", 1, first=50), dataset)
    assert len(opened) == 6
    opened.refresh()
    assert len(opened) == 7


def test_what_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match="no dataset"):
        trtlog.open_dataset(tmp_path)
    single = trtlog.parse(LOGS[0]).to_parquet(tmp_path / "single")
    with pytest.raises(InputError, match="give a new folder"):
        trtlog.to_dataset(LOGS[0], single)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        trtlog.to_dataset(LOGS[0], tmp_path / "file")


def test_a_newer_dataset_is_refused(tmp_path, dataset):
    trtlog.to_dataset(write_logs(tmp_path, 1), dataset)
    path = dataset / "_trtlog" / "manifest.json"
    path.write_text(path.read_text().replace('"schema":1', '"schema":99'))
    with pytest.raises(SchemaError, match="update trtlog"):
        trtlog.open_dataset(dataset)
