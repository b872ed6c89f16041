"""Parquet and back: an equal Log, versions in the metadata, clear refusals."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import trtlog
from tests.conftest import FIXTURES, each
from trtlog.errors import InputError, SchemaError
from trtlog.parquet.files import SCHEMA_VERSION
from trtlog.records import TABLES

LOGS = ("resnet50_fp16_dyn_detailed", "unet_smallws_verbose", "err_bad_flag", "resnet50_load_profile")


@pytest.mark.parametrize("name", LOGS)
def test_round_trip(name, tmp_path):
    log = trtlog.parse(FIXTURES / f"trt-8.5.3-h200/{name}.log.gz")
    again = trtlog.read_parquet(log.to_parquet(tmp_path / "out"))
    assert again == log
    assert (again.source, again.notes) == (log.source, log.notes)
    assert again.run == log.run
    for table in each(TABLES):
        assert again.table(table).schema.equals(log.table(table).schema), table
        assert list(again.records(table))[:3] == list(log.records(table))[:3] or table in ("tactics",)


def test_files_tell_their_versions(tmp_path):
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz")
    folder = log.to_parquet(tmp_path)
    assert sorted(p.stem for p in folder.iterdir()) == sorted(TABLES)
    metadata = pq.read_schema(folder / "tactics.parquet").metadata
    assert metadata[b"trtlog.schema"] == str(SCHEMA_VERSION).encode()
    assert metadata[b"tensorrt.version"] == b"8.5.3"
    assert metadata[b"trtlog.version"] == trtlog.__version__.encode()
    column = pq.ParquetFile(folder / "fusions.parquet").metadata.row_group(0).column(2)
    assert column.compression == "ZSTD"
    assert any("DICTIONARY" in e for e in column.encodings)


def test_a_folder_of_an_earlier_trtlog_lacks_a_column(tmp_path):
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200" / "lstm_verbose.log.gz")
    log.to_parquet(tmp_path)
    table = pq.read_table(tmp_path / "runs.parquet", partitioning=None)
    pq.write_table(table.drop_columns(["plan_version"]), tmp_path / "runs.parquet")
    assert trtlog.read_parquet(tmp_path) == log
    pq.write_table(table.drop_columns(["status"]), tmp_path / "runs.parquet")
    with pytest.raises(InputError, match="status"):
        trtlog.read_parquet(tmp_path)


def test_another_log_is_not_equal():
    one = trtlog.parse(FIXTURES / "trt-8.5.3-h200/sweep_r50_fp32_b1.log.gz")
    two = trtlog.parse(FIXTURES / "trt-8.5.3-h200/sweep_r50_fp32_b8.log.gz")
    assert one != two
    assert one != "a log"


def test_refusals(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        trtlog.read_parquet(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no runs\.parquet"):
        trtlog.read_parquet(tmp_path)
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200/err_bad_flag.log.gz")
    folder = log.to_parquet(tmp_path / "log")
    table = pq.read_table(folder / "runs.parquet")
    pq.write_table(table.replace_schema_metadata({"trtlog.schema": "999"}), folder / "runs.parquet")
    with pytest.raises(SchemaError, match="schema 999"):
        trtlog.read_parquet(folder)
    pq.write_table(pa.table({"a": [1]}), folder / "runs.parquet")
    with pytest.raises(SchemaError, match="not written by trtlog"):
        trtlog.read_parquet(folder)
    (folder / "runs.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        trtlog.read_parquet(folder)
