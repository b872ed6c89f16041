"""One measurement in a process of its own: ``python -m tests.benchmarks.measure TASK LOG CORES``; prints JSON."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Six kinds of message, as a script written in an afternoon reads them.
BASELINE = (
    rb"\[V\] \[TRT\] Tactic: (0x[0-9a-f]+|-?[0-9]+) Time: ([0-9.e+-]+)",
    rb"\[V\] \[TRT\] -+ Timing Runner: (.*) \((\w+)(?:\[(0x[0-9a-f]+)\])?\)",
    rb"\[V\] \[TRT\] \*+ Autotuning (?:format combination|Reformat): (.*) -> (.*) \*+",
    rb"Fastest Tactic: (0x[0-9a-f]+|-?[0-9]+) Time: ([0-9.e+-]+)",
    rb">+ Chose Runner Type: (\w+) Tactic: (0x[0-9a-f]+|-?[0-9]+)",
    rb"\[MemUsageChange\] (.*): CPU ([+-][0-9]+), GPU ([+-][0-9]+)",
)


def baseline(path: Path) -> int:
    patterns = [re.compile(pattern) for pattern in BASELINE]
    rows: list[list[Any]] = [[] for _ in patterns]
    with path.open("rb") as lines:
        for line in lines:
            for number, pattern in enumerate(patterns):
                found = pattern.search(line)
                if found is not None:
                    rows[number].append(len(found.groups()))
                    break
    return sum(map(len, rows))


# The same without the header in front: `re` cannot look for literal text first.
NAIVE = (
    r"Tactic: (?P<tactic>0x[0-9a-f]+) Time: (?P<time>[\d.e+-]+)",
    r"-+ Timing Runner: (?P<layer>.*) \((?P<runner>\w+)(?:\[\w+\])?\)",
    r"\*+ Autotuning (?:format combination|Reformat): ?(?P<inputs>.*) -> (?P<outputs>.*) \*+",
    r"Fastest Tactic: (?P<tactic>\S+) Time: (?P<time>\S+)",
    r">+ Chose Runner Type: (?P<runner>\w+) Tactic: (?P<tactic>\S+)",
    r"\[MemUsageChange\] (?P<what>.*): CPU (?P<cpu>[+-]\d+), GPU (?P<gpu>[+-]\d+)",
)


def naive(path: Path) -> int:
    patterns = [re.compile(pattern) for pattern in NAIVE]
    rows = []
    with path.open(errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            for kind, pattern in enumerate(patterns):
                found = pattern.search(line)
                if found is not None:
                    rows.append((number, kind, found.groups()))
                    break
    return len(rows)


def grep(path: Path) -> int:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["grep", "-c", "Tactic: ", path], capture_output=True, check=True, env=environment)
    return int(done.stdout)


def wc(path: Path) -> int:
    return int(subprocess.run(["wc", "-l", path], capture_output=True, check=True).stdout.split()[0])


def _engine(name: str) -> Callable[[Path], int]:
    def run(path: Path) -> int:
        from trtlog.reader import read_captures

        return read_captures(path, engine=name)[0].lines

    return run


def _accounted(name: str) -> Callable[[Path], int]:
    def run(path: Path) -> int:
        from trtlog.errors import InputError
        from trtlog.reader import read_captures

        try:
            captures = read_captures(path, engine=name)[0]
        except InputError:  # no line of it is TensorRT's
            return -1
        assert captures.size == sum(size for _, size in captures.counts.values()) == path.stat().st_size
        return captures.lines

    return run


def _parse_all(name: str) -> Callable[[Path], int]:
    def run(path: Path) -> int:
        import trtlog
        from trtlog.records import TABLES

        log = trtlog.parse(path, engine=name, exports=())
        return sum(log.table(table).num_rows for table in TABLES)

    return run


def convert(path: Path) -> int:
    from trtlog.parquet.stream import convert as convert_log

    with tempfile.TemporaryDirectory() as folder:
        convert_log(path, folder)
        return len(list(Path(folder).glob("*.parquet")))


def start(path: Path) -> int:
    subprocess.run([sys.executable, "-m", "trtlog", "--help"], capture_output=True, check=True)
    return 0


TASKS: dict[str, Callable[[Path], int]] = {
    "wc -l": wc,
    "grep -c": grep,
    "baseline: re, six kinds, no tables": baseline,
    "naive loop: the same as one writes it first": naive,
    "line engine": _engine("auto"),
    "line engine, in Python alone": _engine("line"),
    "account for all": _accounted("auto"),
    "account for all, in Python alone": _accounted("line"),
    "parse and all tables": _parse_all("auto"),
    "parse and all tables, in Python alone": _parse_all("line"),
    "convert to Parquet": convert,
    "trtlog --help": start,
}


def main(task: str, path: Path, cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    begun = time.perf_counter()
    result = TASKS[task](path)
    seconds = time.perf_counter() - begun
    # Programs that were started have ended and count too.
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "task": task,
                "cores": cores,
                "seconds": seconds,
                "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in used),
                "peak_mib": sum(one.ru_maxrss for one in used) / 1024,
                "result": result,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
