"""Where the builder's time went: phases, layers, runners, and what the timing cache saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.analyses.layer.base import answer, frame, rows
from trtlog.records.base import Record, column, record, run_column

PRINTED, ESTIMATED = "printed", "timestamps"


@record(frozen=True)
class BuildTime(Record):
    """Seconds the builder spent on one layer, one runner, or reformats and layers as a whole."""

    run: int = run_column()
    name: str = column("name", "layer, runner or kind")
    seconds: float = column("float64", "time spent", "s")
    percent: float = column("float64", "share of all that is listed", "%")
    timings: int = column("int64", "Timing Runner blocks")
    tactics: int = column("int64", "tactics timed")
    source: str = column(
        "name", "printed: 'profiling completed in' (8.6 and later); timestamps: interpolated between whole seconds"
    )


def clock(timestamps: pa.Table) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return lines and seconds since the first time, for interpolation."""
    lines = timestamps.column("line").to_numpy()
    times = timestamps.column("time").cast(pa.int64()).to_numpy()
    return lines, (times - times[0]).astype(float) if len(times) else times.astype(float)


def seconds_at(lines: Any, timestamps: pa.Table) -> Any:
    """Return the time of lines in seconds since the first one.

    The printed time counts whole seconds; lines of one second are spread over it in their order. A line never stands
    before its own stamp nor a second after it: where the clock jumps, the time belongs to the line above the jump.

    Examples
    --------
    >>> import datetime
    >>> times = [datetime.datetime(2026, 1, 1, 0, 0, second) for second in (0, 30)]
    >>> stamps = pa.table({"line": [10, 20], "time": pa.array(times, pa.timestamp("s"))})
    >>> seconds_at([10, 15, 19, 20], stamps).tolist()
    [0.0, 0.5, 0.9, 30.0]
    """
    known, seconds = clock(timestamps)
    wanted = np.asarray(lines, dtype=float)
    place = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 1)
    following = np.append(known[1:], known[-1] + 1)
    until = np.append(seconds[1:], seconds[-1] + 1)
    share = np.clip((wanted - known[place]) / (following[place] - known[place]), 0.0, 1.0)
    return seconds[place] + share * np.clip(until[place] - seconds[place], 0.0, 1.0)


def build_time(timings: pa.Table, timestamps: pa.Table, by: str = "layer") -> pa.Table:
    """Sum the builder's time by layer, runner or kind (layer, reformat), the longest first.

    TensorRT 8.6 and later print each block's seconds. Before, a block lasts until the next one, by the log's clock of
    whole seconds, which is good for sums, not for single blocks of less than a second.

    Parameters
    ----------
    by : {"layer", "runner", "kind"}
        What to sum over.
    """
    spans = frame(timings, ["run", "line", "layer", "runner", "kind", "seconds", "tactics"])
    if not len(spans):
        return answer(BuildTime, [])
    printed = spans["seconds"].notna().any()
    if printed:
        seconds = spans["seconds"].astype(float).fillna(0.0).to_numpy()
    elif timestamps.num_rows > 1:
        at = seconds_at(spans["line"].to_numpy(), timestamps)
        # The last block ends with the last tactic that stands in it; its lines follow one another.
        last = seconds_at([spans["line"].iloc[-1] + 2 * spans["tactics"].iloc[-1] + 2], timestamps)
        seconds = np.diff(np.concatenate([at, last]))
    else:
        return answer(BuildTime, [])
    spans = spans.assign(spent=seconds)
    out = []
    for run, of_run in spans.groupby("run", sort=False):
        total = float(of_run["spent"].sum())
        for name, group in of_run.groupby(by, sort=False):
            spent = float(group["spent"].sum())
            out.append(
                {
                    "run": run,
                    "name": name,
                    "seconds": spent,
                    "percent": 100 * spent / total if total else 0.0,
                    "timings": len(group),
                    "tactics": int(group["tactics"].sum()),
                    "source": PRINTED if printed else ESTIMATED,
                }
            )
    out.sort(key=lambda row: (row["run"], -row["seconds"]))
    return answer(BuildTime, out)


@record(frozen=True)
class CacheUse(Record):
    """What the timing cache did for the build."""

    run: int = run_column()
    scope: str | None = column("name", "Local: thrown away after the build; Global: kept; null where not printed")
    hits: int | None = column("int64", "results it served, where the log prints the number (to 8.6)")
    entries: int | None = column("int64", "entries at the end, where printed")
    file: str | None = column("text", "file it was loaded from or saved to")
    loaded: bool = column("bool", "whether a cache file was read")
    timed: int = column("int64", "combinations of formats, reformats included, with runners timed below")
    answered: int = column(
        "int64", "combinations with nothing timed below: the cache answered, or there was nothing to time"
    )
    cached_results: int = column("int64", "results printed as cached (10.14 and later)")


def cache_use(timing_cache: pa.Table, combinations: pa.Table, timings: pa.Table) -> pa.Table:
    """Account for the timing cache, one row a run that was autotuned."""
    events, combos = rows(timing_cache), frame(combinations, ["run", "runners"])
    blocks = frame(timings, ["run", "outcome"])
    out = []
    for run in sorted({*(e["run"] for e in events), *combos["run"].tolist()}):
        own = [e for e in events if e["run"] == run]
        of_run = combos[combos["run"] == run]
        served = [e for e in own if e["event"] == "deleted"]
        entries = [e["entries"] for e in own if e["entries"] is not None]
        files = [e["path"] for e in own if e["path"]]
        hits = [e["hits"] for e in served if e["hits"] is not None]
        out.append(
            {
                "run": run,
                "scope": next((e["scope"] for e in own if e["scope"]), None),
                "hits": sum(hits) if hits else None,
                "entries": max(entries) if entries else None,
                "file": files[-1] if files else None,
                "loaded": any(e["event"] == "loaded" for e in own),
                "timed": int((of_run["runners"] > 0).sum()),
                "answered": int((of_run["runners"] == 0).sum()),
                "cached_results": int(((blocks["run"] == run) & (blocks["outcome"] == "cached")).sum()),
            }
        )
    return answer(CacheUse, out)
