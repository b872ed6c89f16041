"""Throughput of a conversion to a dataset against processes and Dask workers, as ratios of one run; logs a CPU second.

``pytest -m benchmark -s tests/benchmarks/test_datasets.py``; ``TRTLOG_BENCHMARK_LOGS`` sets the number of logs, and
with ``TRTLOG_BENCHMARK_WRITE=1`` the table goes into docs/performance.md. Nothing here asserts a time.
"""

from __future__ import annotations

import os
import shutil
import time

import pytest

import trtlog
from tests.benchmarks.many import write_logs
from tests.benchmarks.test_speed import machine, publish
from trtlog.records import TABLES

LOGS = int(os.environ.get("TRTLOG_BENCHMARK_LOGS", "1000"))
PROCESSES, WORKERS = (2, 4), (1, 2)

pytestmark = pytest.mark.benchmark


def converted(logs, place, **how):
    shutil.rmtree(place, ignore_errors=True)
    start, used = time.perf_counter(), cpu_seconds()
    done = trtlog.to_dataset(logs, place, **how)
    seconds, used = time.perf_counter() - start, cpu_seconds() - used
    assert (len(done.converted), done.failed) == (LOGS, [])
    return seconds, used, len(list((place / "performance").rglob("*.parquet")))


def cpu_seconds():
    """Return the CPU time of this process: that of others is not known here."""
    return time.process_time()


def read_one_by_one(logs):
    """Parse each log alone and make all its tables: what a script does that knows of no dataset."""
    start, used = time.perf_counter(), cpu_seconds()
    for path in sorted(logs.rglob("*.log")):
        log = trtlog.parse(path)
        for name in TABLES:
            log.table(name)
    return time.perf_counter() - start, cpu_seconds() - used, None


def test_throughput(tmp_path):
    distributed = pytest.importorskip("distributed")
    logs = tmp_path / "logs"
    size = sum(path.stat().st_size for path in write_logs(logs, LOGS))
    converted(logs, tmp_path / "dataset")  # what is loaded and made once a process
    rows = [("1 process", converted(logs, tmp_path / "dataset"))]
    for count in PROCESSES:
        seconds, _, parts = converted(logs, tmp_path / "dataset", jobs=count)
        rows.append((f"{count} processes", (seconds, None, parts)))
    for count in WORKERS:
        about = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
        with distributed.LocalCluster(**about) as cluster, distributed.Client(cluster) as client:
            client.run(trtlog.parse, b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n")
            name = f"{count} Dask worker{'s' if count > 1 else ''}"
            seconds, _, parts = converted(logs, tmp_path / "dataset", client=client)
            rows.append((name, (seconds, None, parts)))
    again, used = time.perf_counter(), cpu_seconds()
    assert len(trtlog.to_dataset(logs, tmp_path / "dataset").unchanged) == LOGS
    rows.append(("again, nothing new", (time.perf_counter() - again, cpu_seconds() - used, rows[-1][1][2])))
    rows.append(("parse of each alone, all tables, nothing written", read_one_by_one(logs)))
    reference = rows[0][1][0]
    lines = [
        f"{LOGS:,} logs, {size / 1e6:.0f} MB; {os.cpu_count()} cores, {machine()}; one run.",
        "",
        "| how | s | throughput, of one process | logs/s | logs/s of CPU | MB/s | parts of a table |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (seconds, used, parts) in rows:
        speeds = f"{reference / seconds:.2f} | {LOGS / seconds:,.0f} | {f'{LOGS / used:,.0f}' if used else ''}"
        lines.append(f"| {name} | {seconds:.1f} | {speeds} | {size / 1e6 / seconds:.1f} | {parts or ''} |")
    publish("\n".join(lines), "datasets")
