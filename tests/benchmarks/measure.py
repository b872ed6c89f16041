"""One measurement in a process of its own: ``python -m tests.benchmarks.measure TASK LOG CORES``; prints JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.peers import PEERS


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


TASKS: dict[str, Callable[[Path], int]] = {
    **PEERS,
    "line engine": _engine("auto"),
    "line engine, in Python alone": _engine("line"),
    "account for all": _accounted("auto"),
    "account for all, in Python alone": _accounted("line"),
    "parse and all tables": _parse_all("auto"),
    "parse and all tables, in Python alone": _parse_all("line"),
    "convert to Parquet": convert,
}


def peak_mib() -> float:
    """Return the most memory that this process and the largest program that it started held.

    Linux counts in ``ru_maxrss`` of a process what the one held that started it: pytest, which is larger than many.
    """
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    else:
        own = int(status.split("VmHWM:")[1].split()[0])
    return (own + started) / 1024


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
                "peak_mib": peak_mib(),
                "result": result,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
