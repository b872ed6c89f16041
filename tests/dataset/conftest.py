"""Small logs with figures of our own, and a way to count what a dataset holds without trtlog."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
from pathlib import Path

import duckdb
import pytest

import trtlog
from tests.conftest import FIXTURES

VERSIONS = {"8.5.3": "v8503", "8.6.1": "v8601", "10.3.0": "v100300"}


def text(number: int, *, version: str = "8.5.3", gpu: str | None = "NVIDIA H200", qps: float = 100.0) -> str:
    """Return a log of one run with two tactics: small, and of a digest of its own."""
    head = "[11/22/2026-13:22:03]"
    device = f"{head} [I] === Device Information ===\n{head} [I] Selected Device: {gpu}\n" if gpu else ""
    banner = f"TensorRT.trtexec [TensorRT {VERSIONS[version]}] # trtexec --onnx=net{number}.onnx --verbose"
    return (
        f"&&&& RUNNING {banner}\n"
        f"{head} [I] === Model Options ===\n{head} [I] Format: ONNX\n{head} [I] Model: net{number}.onnx\n"
        f"{head} [I] === Build Options ===\n{head} [I] Precision: FP32+FP16\n{device}"
        f"{head} [I] TensorRT version: {version}\n"
        f"{head} [V] [TRT] Original: {number} layers\n"
        f"{head} [V] [TRT] --------------- Timing Runner: conv{number} (CaskConvolution)\n"
        f"{head} [V] [TRT] Tactic: 0x0000000000000001 Time: 0.5\n"
        f"{head} [V] [TRT] Tactic: 0x0000000000000002 Time: 0.{number % 1000 + 1:04d}\n"
        f"{head} [I] Throughput: {qps} qps\n"
        f"&&&& PASSED {banner}\n"
    )


def write_logs(folder: Path, count: int, first: int = 0, **about) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    versions, gpus = list(VERSIONS), ["NVIDIA H200", "Orin/AGX", None]
    paths = []
    for number in range(first, first + count):
        own = {"version": versions[number % 2], "gpu": gpus[number % 3], **about}
        path = folder / f"net{number:05d}.log"
        path.write_text(text(number, **own))
        paths.append(path)
    return paths


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def globbed(dataset: Path, table: str, what: str = "*") -> list[tuple]:
    """Return rows as plain DuckDB reads them from the folders: no trtlog, no manifest."""
    return duckdb.sql(f"select {what} from '{dataset}/{table}/**/*.parquet'").fetchall()


def assert_whole(dataset: Path, logs: list[Path]) -> None:
    """Each distinct log once, in every table that a small log has rows of, and nothing else."""
    wanted = sorted({digest(path) for path in logs})
    for table, rows in (("runs", 1), ("passes", 1), ("tactics", 2), ("timings", 1)):
        counted = dict(_counts(dataset, table))
        assert counted == dict.fromkeys(wanted, rows), table
    catalogued = sorted(row[0] for row in globbed(dataset, "catalogue", "log, error") if row[1] is None)
    assert catalogued == wanted
    assert not list((dataset / "_trtlog" / "staging").iterdir())


def plain(log: trtlog.Log) -> dict[str, list[dict]]:
    """Return all rows of a log, but for the name of its source."""
    return {
        name: [{k: v for k, v in row.items() if (name, k) != ("runs", "source")} for row in table.to_pylist()]
        for name, table in log.tables.items()
    }


def _counts(dataset: Path, table: str) -> list[tuple]:
    return duckdb.sql(f"select log, count(*) from '{dataset}/{table}/**/*.parquet' group by log").fetchall()


@pytest.fixture(scope="session", autouse=True)
def forked_of_one_process():
    """Processes of conversions and of Dask are forked of one that has loaded what both need."""
    with contextlib.suppress(ImportError):  # not on Windows
        from multiprocessing import forkserver

        multiprocessing.set_forkserver_preload(["distributed", "trtlog.dataset.batch", "tests.dataset.readers"])
        forkserver.ensure_running()


@pytest.fixture
def dataset(tmp_path) -> Path:
    return tmp_path / "dataset"


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The fixtures as a dataset, and what the conversion tells: for tests that read."""
    folder = tmp_path_factory.mktemp("fixtures") / "dataset"
    done = trtlog.to_dataset(FIXTURES, folder)
    assert not done.failed
    return folder, done
