"""Time and memory of logs of growing size and of odd shapes, in C and in Python; prints a table, asserts no time.

``pytest -m benchmark -s tests/benchmarks/test_growth.py``; ``TRTLOG_BENCHMARK_SIZES=10,100`` leaves the gigabyte out,
``TRTLOG_BENCHMARK_ODD_MB`` sets the size of the odd logs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.generate import write_log, write_long_lines, write_many_names, write_without_line_ends
from tests.benchmarks.test_speed import measure

SIZES_MB = [int(size) for size in os.environ.get("TRTLOG_BENCHMARK_SIZES", "10,100,1000").split(",")]
ODD_MB = int(os.environ.get("TRTLOG_BENCHMARK_ODD_MB", "100"))
ODD = {
    "lines of 10,000 to 100,000 characters": lambda path: write_long_lines(path, ODD_MB * 1_000_000),
    "a million layer names": lambda path: write_many_names(path, 10_000 * ODD_MB),
    "no line end, plain text": lambda path: write_without_line_ends(path, ODD_MB * 1_000_000, "plain"),
    "no line end, behind a header": lambda path: write_without_line_ends(path, ODD_MB * 1_000_000, "header"),
    "no line end, a log joined": lambda path: write_without_line_ends(path, ODD_MB * 1_000_000, "joined"),
}

pytestmark = pytest.mark.benchmark


def measured(task: str, log: Path, name: str) -> str:
    run = measure(task, log, 2)
    size = log.stat().st_size / 1e6
    seconds = run["cpu_seconds"]
    return f"| {name} | {task} | {size:.0f} | {seconds:.2f} | {size / seconds:.0f} | {run['peak_mib']:.0f} |"


def test_growth(tmp_path):
    rows = ["| log | task | MB | CPU s | MB a CPU s | peak MiB |", "|---|---|---:|---:|---:|---:|"]
    for size in SIZES_MB:
        log = write_log(tmp_path / "large.log", size * 1_000_000)
        rows.extend(
            measured(task, log, "blocks") for task in ("parse and all tables", "convert to Parquet")
        )
        log.unlink()
    for name, write in ODD.items():
        log = write(tmp_path / "odd.log")
        rows.extend(measured(f"account for all{how}", log, name) for how in ("", ", in Python alone"))
        if "names" in name:
            rows.extend(
                measured(task, log, name) for task in ("parse and all tables", "convert to Parquet")
            )
        log.unlink()
    print("\n" + "\n".join(rows))
