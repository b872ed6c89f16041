"""Where the builder's time went: phases, layers, runners, and what the timing cache saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import to_filled, to_numpy
from trtlog._util.rows import table_rows, values_of
from trtlog.analyses.layer.base import answer, nulls_last
from trtlog.analyses.layer.engines import numbers_of
from trtlog.records.base import Record, column, record, run_column

PRINTED, ESTIMATED = "printed", "timestamps"


@record(frozen=True)
class BuildTime(Record):
    """Seconds the builder spent on one layer, one runner, or reformats and layers as a whole."""

    run: int = run_column()
    build: int | None = column("int32", "number of the build in the run, from 0: see table engines")
    name: str = column("name", "layer, runner or kind")
    seconds: float = column("float64", "time spent", "s")
    percent: float = column("float64", "share of all that is listed of the build", "%")
    timings: int = column("int64", "Timing Runner blocks, and results of the timing cache where printed")
    tactics: int = column("int64", "tactics timed")
    source: str = column(
        "name", "printed: 'profiling completed in' (8.6 and later); timestamps: interpolated between whole seconds, in "
        "all no more than the selection of formats and tactics took"
    )


class LineClock:
    """Seconds of lines since the first printed time, as exactly as the log says.

    The printed time counts whole seconds; lines of one second are spread over it in their order. A line never stands
    before its own stamp nor a second after it: where the clock jumps, the time belongs to the line above the jump.
    A clock that was set back tells no duration until it shows a later time than before.

    Parameters
    ----------
    timestamps : pyarrow.Table
        The first line of each printed time, in order: ``line`` and ``time``.
    last_line : int, optional
        The last line of the log: where the lines of the last second end.

    Examples
    --------
    >>> import datetime
    >>> times = [datetime.datetime(2026, 1, 1, 0, 0, second) for second in (0, 30)]
    >>> stamps = pa.table({"line": [10, 20], "time": pa.array(times, pa.timestamp("s"))})
    >>> LineClock(stamps).seconds([10, 15, 19, 20]).tolist()
    [0.0, 0.5, 0.9, 30.0]
    >>> LineClock(stamps, 23).second(22)
    30.5
    """

    def __init__(self, timestamps: pa.Table, last_line: int | None = None) -> None:
        lines = to_numpy(timestamps.column("line").combine_chunks())
        times = to_numpy(timestamps.column("time").combine_chunks().cast(pa.int64()))
        later = np.append(True, times[1:] > np.maximum.accumulate(times)[:-1]) if len(times) else np.zeros(0, bool)
        self._lines, times = lines[later], times[later]
        self._starts = (times - times[:1]).astype(float)
        self._ends = np.append(self._lines[1:], max([last_line or 0, *self._lines[-1:].tolist()]) + 1)

    def __bool__(self) -> bool:
        return len(self._lines) > 0

    def seconds(self, lines: Any) -> Any:
        """Return the times of lines; lines above the first stamp stand at it."""
        wanted = np.asarray(lines, dtype=float)
        if not self:
            return np.zeros(wanted.shape)
        place = np.clip(np.searchsorted(self._lines, wanted, side="right") - 1, 0, None)
        share = (wanted - self._lines[place]) / (self._ends[place] - self._lines[place])
        return self._starts[place] + np.clip(share, 0.0, 1.0)

    def jumped(self, lines: Any) -> Any:
        """Return how long the clock jumped up to lines: what passed beyond the second that a printed time lasts."""
        wanted = np.asarray(lines, dtype=float)
        if not self:
            return np.zeros(wanted.shape)
        jumps = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(self._starts) - 1, 0))])
        return jumps[np.clip(np.searchsorted(self._lines, wanted, side="right") - 1, 0, None)]

    def second(self, line: int) -> float:
        """Return the time of one line."""
        return float(self.seconds(line))


def build_time(
    timings: pa.Table, timestamps: pa.Table, engines: pa.Table, tactics: pa.Table, phases: pa.Table, by: str = "layer"
) -> pa.Table:
    """Sum the builder's time by layer, runner or kind (layer, reformat), the longest first; each build by itself.

    TensorRT 8.6 and later print each block's seconds. Before, a block lasts until the next one of its build, by the
    log's clock of whole seconds, which is good for sums, not for single blocks of less than a second. Where the clock
    jumps behind a block's fastest tactic, lines were left out, or other work was done: that is not the block's time.
    Where blocks come to more in all than the phase they stand in was printed to take, each is shortened alike.

    Parameters
    ----------
    by : {"layer", "runner", "kind"}
        What to sum over.
    """
    if not timings.num_rows:
        return answer(BuildTime, [])
    runs, lines, names, stated, counts, made = (
        values_of(timings.column(name)) for name in ("run", "line", by, "seconds", "tactics", "engine")
    )
    known = [None if value is None or value != value else value for value in stated]
    printed = any(value is not None for value in known)
    if printed:
        seconds = np.array([value or 0.0 for value in known])
    elif timestamps.num_rows > 1:
        own = _own_ends(lines, tactics)
        following = np.array([*lines[1:], 0])
        builds = list(zip(runs, made, strict=True))
        lasts = np.array([a != b for a, b in pairwise([*builds, None])])
        # The last block of a build ends with the last tactic that stands in it; its lines follow one another.
        ends = np.where(lasts, np.array(lines) + 2 * np.array(counts) + 2, following)
        clock = LineClock(timestamps)
        seconds = clock.seconds(ends) - clock.seconds(lines)
        seconds -= clock.jumped(ends) - clock.jumped(np.minimum(own, ends))
    else:
        return answer(BuildTime, [])
    groups: dict[Any, dict[Any, list[int]]] = {}
    numbers = numbers_of(engines)
    for place, (run, engine, name) in enumerate(zip(runs, made, names, strict=True)):
        groups.setdefault((run, numbers.get(engine)), {}).setdefault(name, []).append(place)
    selected: dict[Any, float] = {}
    for phase in table_rows(phases):
        if phase["name"] == "formats_and_tactics_selection" and phase["seconds"] is not None:
            key = phase["run"], numbers.get(phase["engine"])
            selected[key] = selected.get(key, 0.0) + phase["seconds"]
    out = []
    for (run, build), of_build in groups.items():
        all_places = np.sort(np.concatenate(list(of_build.values())))
        total, took = float(seconds[all_places].sum()), selected.get((run, build))
        if not printed and took and total > took:
            seconds[all_places] *= took / total
            total = took
        for name, places in of_build.items():
            if name is None:
                continue
            spent = float(seconds[places].sum())
            out.append(
                {
                    "run": run,
                    "build": build,
                    "name": name,
                    "seconds": spent,
                    "percent": 100 * spent / total if total else 0.0,
                    "timings": len(places),
                    "tactics": sum(counts[place] for place in places),
                    "source": PRINTED if printed else ESTIMATED,
                }
            )
    out.sort(key=lambda row: (row["run"], nulls_last(row["build"]), -row["seconds"]))
    return answer(BuildTime, out)


def _own_ends(lines: Sequence[int], tactics: pa.Table) -> Any:
    """Return the last lines of blocks: the fastest tactic is told behind the last one that is timed."""
    last = np.array(lines, np.int64)
    blocks, own = (to_filled(tactics.column(name).combine_chunks(), -1) for name in ("timing_line", "line"))
    place = np.searchsorted(last, blocks, side="right") - 1
    known = (place >= 0) & (last[place] == blocks)
    np.maximum.at(last, place[known], own[known])
    return last + 1


@record(frozen=True)
class CacheUse(Record):
    """What the timing cache did for a build."""

    run: int = run_column()
    build: int | None = column("int32", "number of the build in the run, from 0: see table engines")
    scope: str | None = column("name", "Local: thrown away after the build; Global: kept; null where not printed")
    hits: int | None = column("int64", "results it served, where the log prints the number (to 8.6)")
    entries: int | None = column("int64", "entries at the end, where printed")
    file: str | None = column("text", "file it was loaded from or saved to")
    loaded: bool = column("bool", "whether a cache file was read")
    timed: int = column("int64", "combinations of formats, reformats included, with runners timed below")
    not_timed: int = column(
        "int64", "combinations with nothing timed below: the cache had the result, or there was nothing to time"
    )
    cached_results: int = column("int64", "results printed as cached (10.14 and later)")


def cache_use(timing_cache: pa.Table, combinations: pa.Table, timings: pa.Table, engines: pa.Table) -> pa.Table:
    """Account for the timing cache, one row a build that was autotuned."""
    if not any(table.num_rows for table in (timing_cache, combinations, timings)):
        return answer(CacheUse, [])
    builds = numbers_of(engines)
    names = values_of(timing_cache.column("event"))
    of = [builds.get(engine) for engine in values_of(timing_cache.column("engine"))]
    # A cache that is loaded serves the build that comes: that is printed before anything else of it.
    following: int | None = None
    for place in reversed(range(len(of))):
        if names[place] in ("in_use", "disabled"):
            following = of[place]
        elif names[place] in ("loaded", "unreadable") and following is not None:
            of[place] = following
    blocks, combos = (
        Counter(
            (run, builds.get(engine), what)
            for run, engine, what in zip(
                *(values_of(table.column(name)) for name in ("run", "engine", about)), strict=True
            )
        )
        for table, about in ((timings, "outcome"), (combinations, "runners"))
    )
    told: dict[tuple[int, int | None], dict[str, Any]] = {}
    for event, build in zip(table_rows(timing_cache), of, strict=True):
        _take_account(told.setdefault((event["run"], build), {}), event)
    timed: Counter[tuple[int, int | None]] = Counter()
    for (run, build, runners), count in combos.items():
        timed[run, build] += count if runners else 0
    keys = sorted({*told, *timed}, key=lambda key: (key[0], nulls_last(key[1])))
    counts = (
        {
            "run": run,
            "build": build,
            "loaded": False,
            "timed": timed[run, build],
            "not_timed": combos[run, build, 0],
            "cached_results": blocks[run, build, "cached"],
            **told.get((run, build), {}),
        }
        for run, build in keys
    )
    return answer(CacheUse, counts)


def _take_account(use: dict[str, Any], event: dict[str, Any]) -> None:
    """Put down what a line says of the cache of a build."""
    if event["scope"]:
        use.setdefault("scope", event["scope"])
    if event["event"] == "deleted" and event["hits"] is not None:
        use["hits"] = use.get("hits", 0) + event["hits"]
    if event["entries"] is not None:
        use["entries"] = max(use.get("entries", event["entries"]), event["entries"])
    if event["path"]:
        use["file"] = event["path"]
    if event["event"] == "loaded":
        use["loaded"] = True
