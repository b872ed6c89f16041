"""What commands take, start-up and small logs among them; prints the table of docs/performance.md.

``pytest -m benchmark -s tests/benchmarks/test_commands.py``; with ``TRTLOG_BENCHMARK_WRITE=1`` the table goes into the
page. Each row is a process of its own, from its start to its end. Nothing here asserts a time.
"""

from __future__ import annotations

import gzip
import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

from tests.benchmarks.generate import FOLDER
from tests.benchmarks.peers import NAIVE_LOOP
from tests.benchmarks.test_speed import ROOT, machine, publish

REPEATS = int(os.environ.get("TRTLOG_BENCHMARK_REPEATS", "5"))
LOGS = {
    "sweep_r50_fp32_b32": [["summary"]],
    "resnet50_fp32_verbose": [["summary"], ["diff", "{folder}/resnet50_fp32_verbose_rebuild.log"]],
    "resnet50_fp32_verbose_rebuild": [],
    "mobilenet_fp16_verbose": [
        ["summary"],
        ["tactics"],
        ["why", "/features/features.0/features.0.0/Conv"],
        ["lint"],
        ["report", "-o", "{folder}/page.html"],
    ],
}
IMPORTS = "python -c 'import pyarrow.compute'"

pytestmark = pytest.mark.benchmark


class Used(NamedTuple):
    """What a process took."""

    cpu_seconds: float
    seconds: float


def used_by(command: list[str]) -> Used:
    """Run a command to its end; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), command  # 1: lint found something
    return Used(used.ru_utime + used.ru_stime, seconds)


def test_commands(tmp_path):
    python, trtlog = [sys.executable], [sys.executable, "-m", "trtlog"]
    wanted = {
        ("", IMPORTS): [*python, "-c", "import pyarrow.compute"],
        ("", "trtlog --help"): [*trtlog, "--help"],
    }
    for name, commands in LOGS.items():
        log = tmp_path / f"{name}.log"
        log.write_bytes(gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes()))
        size = f"{log.stat().st_size / 1e3:,.0f} kB"
        if commands:
            wanted[size, "naive loop"] = [*python, "-m", "tests.benchmarks.measure", NAIVE_LOOP, str(log), "1"]
        for command, *rest in commands:
            arguments = [text.format(folder=tmp_path) for text in rest]
            told = [*arguments, str(log)] if command == "why" else [str(log), *arguments]
            wanted[size, f"trtlog {command}"] = [*trtlog, command, *told]
    runs: dict[tuple[str, str], list[Used]] = {key: [] for key in wanted}
    for _ in range(REPEATS):
        for key, command in wanted.items():
            runs[key].append(used_by(command))
    medians = {key: Used(*map(statistics.median, zip(*found, strict=True))) for key, found in runs.items()}
    rows = [
        f"{machine()}; whole processes; median of {REPEATS} alternated runs.",
        "",
        "| log | command | CPU s | of the naive loop | of that import | wall s |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for (size, name), run in medians.items():
        loop = medians.get((size, "naive loop"))
        of_loop = f"{run.cpu_seconds / loop.cpu_seconds:.1f}" if loop else ""
        rows.append(
            f"| {size} | {name} | {run.cpu_seconds:.2f} | {of_loop} "
            f"| {run.cpu_seconds / medians['', IMPORTS].cpu_seconds:.2f} | {run.seconds:.2f} |"
        )
    publish("\n".join(rows), "commands")
