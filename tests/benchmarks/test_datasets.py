"""What many small logs take on their way to a dataset, by one process, several and Dask workers, beside a plain loop.

``pytest -m benchmark -s tests/benchmarks/test_datasets.py``; ``TRTLOG_BENCHMARK_LOGS`` sets the number of logs, and
with ``TRTLOG_BENCHMARK_WRITE=1`` the table goes into docs/performance.md. Nothing here asserts a time.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from typing import NamedTuple

import pytest

import trtlog
from tests.benchmarks.many import write_logs
from tests.benchmarks.peers import naive
from tests.benchmarks.test_speed import REPEATS, machine, publish
from trtlog.records import TABLES

LOGS = int(os.environ.get("TRTLOG_BENCHMARK_LOGS", "1000"))
PROCESSES, WORKERS = (2, 4), (1, 2)

pytestmark = pytest.mark.benchmark


class Took(NamedTuple):
    """What one way took; CPU is of this process alone, so null where others work."""

    seconds: float
    cpu_seconds: float | None
    parts: int | None = None


def timed(work, parts_in=None):
    """Time ``work``; count the parts of one table of the dataset that it made."""
    start, used = time.perf_counter(), time.process_time()
    work()
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return Took(seconds, used, len(list((parts_in / "performance").rglob("*.parquet"))) if parts_in else None)


def converted(logs, place, **how):
    shutil.rmtree(place, ignore_errors=True)

    def work():
        done = trtlog.to_dataset(logs, place, **how)
        assert (len(done.converted), done.failed) == (LOGS, [])

    took = timed(work, place)
    return took._replace(cpu_seconds=None) if how else took


def with_dask(logs, place, count, distributed):
    """Convert by workers of a cluster that is up."""
    about = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(**about) as cluster, distributed.Client(cluster) as client:
        client.run(trtlog.parse, b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n")
        return converted(logs, place, client=client)


def again(logs, place):
    """Convert into the dataset that the last way left: nothing is new."""

    def work():
        assert len(trtlog.to_dataset(logs, place).unchanged) == LOGS

    return timed(work, place)


def read_one_by_one(logs):
    """Parse each log alone and make all its tables: what a script does that knows of no dataset."""
    for path in sorted(logs.rglob("*.log")):
        log = trtlog.parse(path)
        for name in TABLES:
            log.table(name)


def test_throughput(tmp_path):
    distributed = pytest.importorskip("distributed")
    logs, place = tmp_path / "logs", tmp_path / "dataset"
    size = sum(path.stat().st_size for path in write_logs(logs, LOGS))
    converted(logs, place)  # what is loaded and made once a process
    ways = {"naive loop": lambda: timed(lambda: [naive(path) for path in sorted(logs.rglob("*.log"))])}
    ways["1 process"] = lambda: converted(logs, place)
    for count in PROCESSES:
        ways[f"{count} processes"] = lambda count=count: converted(logs, place, jobs=count)
    for count in WORKERS:
        ways[f"{count} Dask worker{'s' if count > 1 else ''}"] = lambda count=count: with_dask(
            logs, place, count, distributed
        )
    ways["again, nothing new"] = lambda: again(logs, place)
    ways["parse of each alone, all tables, nothing written"] = lambda: timed(lambda: read_one_by_one(logs))
    runs = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            runs[name].append(way())
    about = f"{LOGS:,} logs, {size / 1e6:.0f} MB; {os.cpu_count()} cores, {machine()}"
    lines = [
        f"{about}; median of {REPEATS} alternated runs.",
        "",
        "| how | CPU s | of the naive loop | logs/s of CPU | wall s | logs/s | MB/s | parts of a table |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    loop = statistics.median(run.cpu_seconds for run in runs["naive loop"])
    for name, found in runs.items():
        seconds, used = statistics.median(run.seconds for run in found), ""
        if found[0].cpu_seconds is not None:
            cpu = statistics.median(run.cpu_seconds for run in found)
            used = f"{cpu:.2f} | {cpu / loop:.1f} | {LOGS / cpu:,.0f}"
        lines.append(
            f"| {name} | {used or ' |  | '} | {seconds:.2f} | {LOGS / seconds:,.0f} | {size / 1e6 / seconds:.1f} "
            f"| {found[0].parts or ''} |"
        )
    publish("\n".join(lines), "datasets")
