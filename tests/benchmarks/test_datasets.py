"""Throughput of a conversion to a dataset against processes and Dask workers, as ratios of one run.

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

LOGS = int(os.environ.get("TRTLOG_BENCHMARK_LOGS", "1000"))
PROCESSES, WORKERS = (1, 2, 4), (1, 2)

pytestmark = pytest.mark.benchmark


def converted(logs, place, **how):
    shutil.rmtree(place, ignore_errors=True)
    start = time.perf_counter()
    done = trtlog.to_dataset(logs, place, **how)
    seconds = time.perf_counter() - start
    assert (len(done.converted), done.failed) == (LOGS, [])
    return seconds, len(list((place / "performance").rglob("*.parquet")))


def test_throughput(tmp_path):
    distributed = pytest.importorskip("distributed")
    logs = tmp_path / "logs"
    size = sum(path.stat().st_size for path in write_logs(logs, LOGS))
    rows = [(f"{n} process{'es' if n > 1 else ''}", converted(logs, tmp_path / "dataset", jobs=n)) for n in PROCESSES]
    for count in WORKERS:
        about = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
        with distributed.LocalCluster(**about) as cluster, distributed.Client(cluster) as client:
            client.run(trtlog.parse, b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n")
            name = f"{count} Dask worker{'s' if count > 1 else ''}"
            rows.append((name, converted(logs, tmp_path / "dataset", client=client)))
    again = time.perf_counter()
    assert len(trtlog.to_dataset(logs, tmp_path / "dataset").unchanged) == LOGS
    rows.append(("again, nothing new", (time.perf_counter() - again, rows[-1][1][1])))
    reference = rows[0][1][0]
    lines = [
        f"{LOGS:,} logs, {size / 1e6:.0f} MB; {os.cpu_count()} cores, {machine()}; one run.",
        "",
        "| how | s | throughput, of one process | logs/s | MB/s | parts of a table |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, (seconds, parts) in rows:
        ratio = reference / seconds
        lines.append(
            f"| {name} | {seconds:.1f} | {ratio:.2f} | {LOGS / seconds:,.0f} | {size / 1e6 / seconds:.1f} | {parts} |"
        )
    publish("\n".join(lines), "datasets")
