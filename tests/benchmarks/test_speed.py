"""Times and memory beside a plain loop of ``re``; prints the table of docs/performance.md.

``TRTLOG_BENCHMARK_MB=100 pytest -m benchmark -s tests/benchmarks``; with ``TRTLOG_BENCHMARK_WRITE=1`` the table is
written into the page too. Nothing here asserts a time: a busy machine is no fault of the code.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.generate import write_log
from tests.benchmarks.measure import TASKS
from tests.benchmarks.peers import NAIVE_LOOP, PEERS
from tests.conftest import each

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
SIZE_MB = int(os.environ.get("TRTLOG_BENCHMARK_MB", "100"))
REPEATS = int(os.environ.get("TRTLOG_BENCHMARK_REPEATS", "3"))
THREADED = {"polars", "duckdb"}
# These use one core.
ONE_CORE = {
    *(name for name in PEERS if name.partition(":")[0] not in THREADED),
    "line engine, in Python alone",
    "parse and all tables, in Python alone",
}
CORES = (1, 2) if len(os.sched_getaffinity(0)) > 1 else (1,)

pytestmark = pytest.mark.benchmark


def measure(task: str, log: Path, cores: int) -> dict:
    """Run a task in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.measure", task, str(log), str(cores)]
    # Python keeps the compiled modules, as it does of an installed package.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, text=True, env=environment)
    return json.loads(done.stdout)


def measure_all(wanted: list[tuple[str, int]], log: Path) -> dict[tuple[str, int], dict]:
    """Return the median of each task's runs; in turns, so that a busy minute of the machine is all tasks' alike.

    Each run stands behind one that is not looked at: what was read a minute ago may have left the page cache.
    """
    runs: dict[tuple[str, int], list[dict]] = {key: [] for key in wanted}
    for _ in range(REPEATS):
        for task, cores in wanted:
            measure(task, log, cores)
            runs[task, cores].append(measure(task, log, cores))
    assert all(len({run["result"] for run in found}) == 1 for found in each(runs.values()))
    numbers = ("seconds", "cpu_seconds", "peak_mib")
    return {
        key: {**found[0], **{name: statistics.median(run[name] for run in found) for name in numbers}}
        for key, found in runs.items()
    }


def publish(table: str, name: str) -> None:
    """Print a table; write it into the page, between the marks of that name, where that is asked for."""
    print("\n" + table)
    if os.environ.get("TRTLOG_BENCHMARK_WRITE"):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
        _, _, after = rest.partition(end)
        PAGE.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    python = platform.python_version()
    return f"{model}, Python {python}, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"


def test_speed(tmp_path_factory):
    log = write_log(tmp_path_factory.mktemp("logs") / "large.log", SIZE_MB * 1_000_000)
    size = log.stat().st_size
    lines = measure("wc -l", log, 1)["result"]
    tasks = [task for task in TASKS if not task.startswith("account")]  # those are for test_growth
    wanted = [(task, cores) for task in tasks for cores in ((1,) if task in ONE_CORE else CORES)]
    runs = measure_all(wanted, log)
    naive = runs[NAIVE_LOOP, 1]
    rows = [
        f"{size / 1e6:.0f} MB, {lines:,} lines; {machine()}; median of {REPEATS} alternated runs, warm.",
        "",
        "| task | cores | CPU s | of the naive loop | wall s | of the naive loop | peak MiB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (task, cores), run in runs.items():
        cpu, wall = (f"{run[name] / naive[name]:.2f}" for name in ("cpu_seconds", "seconds"))
        rows.append(
            f"| {task} | {cores} | {run['cpu_seconds']:.2f} | {cpu} | {run['seconds']:.2f} | {wall} "
            f"| {run['peak_mib']:.0f} |"
        )
    publish("\n".join(rows), "measured")
    same = {run["result"] for (task, _), run in runs.items() if ": the same" in task}
    assert same == {naive["result"]}, "peers find as many lines of the six kinds"
    assert runs["line engine", 1]["result"] == runs["line engine, in Python alone", 1]["result"] == lines
    tables = {runs[key]["result"] for key in runs if key[0].startswith("parse and all tables")}
    assert len(tables) == 1, "each way gives as many rows"
