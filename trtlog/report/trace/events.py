"""Trace events of builds and inferences, in the JSON form that Perfetto and Chrome's tracing read."""

from __future__ import annotations

import heapq
import itertools
import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from trtlog._util.files import write_whole
from trtlog._util.finite import finite
from trtlog._util.rows import table_rows, values_of
from trtlog._version import __version__
from trtlog.analyses.build.memory import in_use
from trtlog.analyses.build.time import LineClock
from trtlog.log import Log

Event = dict[str, Any]
# Tracks of a run's build: slices of timing are nested, layers around formats around runners; phases overlap, and have a
# track each.
_TIMING, _FIRST_PHASE = 1, 10
_NESTED = {"runner": 2, "formats": 1}  # around both: layers, reformats
# Steps of one inference as --exportTimes names them, and the tracks they stand on.
_STEPS = (("enqueue", "enqueue"), ("h2d", "copy to the GPU"), ("compute", "compute"), ("d2h", "copy to the host"))
_LANES = 1000


def trace(log: Log) -> dict[str, Any]:
    """Return a log as a trace: builds as nested slices, memory as counters, exported inferences as slices.

    Parameters
    ----------
    log : Log
        Of one run or several.

    Returns
    -------
    dict
        ``traceEvents`` and ``otherData``; :func:`write` makes JSON of it. Times are in microseconds. A slice of the
        build begins and ends where its lines were printed (within a second: by their order); phases have the
        duration that TensorRT printed; inferences have the times that trtexec exported. A run begins at zero: with
        its first printed time, or with a phase that began before. ``args.line`` is the line of the log.

    Examples
    --------
    >>> import trtlog
    >>> made = trace(trtlog.parse("fixtures/trt-8.5.3-h200/lstm_verbose.log.gz"))
    >>> [e["name"] for e in made["traceEvents"] if e.get("cat") == "phase"][:2]
    ['graph_construction_and_optimization', 'formats_and_tactics_selection']
    """
    events: list[Event] = []
    notes: list[str] = []
    for number, run in enumerate(log.runs):
        clock = _clock(run)
        build, inference = 2 * number + 1, 2 * number + 2
        suffix = f" of run {number}" if len(log.runs) > 1 else ""
        made = list(_inferences(run, inference, clock))
        if not clock:
            notes.append(f"run {number} prints no times: its build is left out")
        else:
            # Slices may begin and end together, a layer and its only runner: the outer one has to come first.
            timing = sorted(_autotuning(run, build, clock), key=_around)
            made += [*_phases(run, build, clock), *timing, *_counters(run, build, clock)]
        if not made:
            continue
        _from_zero(made)
        events += _names(made, build, inference, suffix)
        events += made
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "source": log.source,
            "trtlog": __version__,
            "resolution": "build: stamps of whole seconds, lines of a second in their order; inference: exported times",
            "notes": "; ".join(notes),
        },
    }


def write(made: dict[str, Any]) -> Iterator[str]:
    """Yield the pieces of the JSON text, an event a line."""
    yield '{"traceEvents":[\n'
    for place, event in enumerate(made["traceEvents"]):
        yield (",\n" if place else "") + json.dumps(finite(event), ensure_ascii=False, separators=(",", ":"))
    rest = {name: value for name, value in made.items() if name != "traceEvents"}
    yield "\n]," + json.dumps(finite(rest), ensure_ascii=False)[1:] + "\n"


def save(made: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a trace to a file, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    write_whole(path, write(made))


def _from_zero(made: list[Event]) -> None:
    """Move a run's events where a phase began before the log's first line: Perfetto drops times below zero."""
    before = min(0.0, *(event["ts"] for event in made))
    for event in made if before else ():
        event["ts"] = round(event["ts"] - before, 3)


def _around(event: Event) -> tuple[int, int]:
    return event["args"]["line"], _NESTED.get(event["cat"], 0)


def _clock(run: Log) -> LineClock:
    last = max((section["last_line"] for section in table_rows(run.table("sections"))), default=0)
    return LineClock(run.table("timestamps"), last)


def _slice(name: str, category: str, process: int, track: int, begin_s: float, end_s: float, **args: Any) -> Event:
    begin, end = _nanoseconds(begin_s), _nanoseconds(end_s)
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "pid": process,
        "tid": track,
        "ts": begin / 1000,
        "dur": max(0, end - begin) / 1000,
        "args": {key: value for key, value in args.items() if value is not None},
    }


def _nanoseconds(seconds: float) -> int:
    """Return whole nanoseconds, so that a slice ends where the next begins."""
    return round(seconds * 1e9)


def _counter(name: str, category: str, process: int, seconds: float, values: Event) -> Event:
    when = _nanoseconds(seconds) / 1000
    return {"name": name, "cat": category, "ph": "C", "pid": process, "ts": when, "args": values}


def _names(events: Sequence[Event], build: int, inference: int, suffix: str) -> list[Event]:
    """Name the processes and tracks that events stand on."""
    tracks = {_TIMING: "layers, formats, runners"}
    used = {(event["pid"], event["tid"]): event for event in events if "tid" in event}
    out = []
    for process, name in ((build, f"build{suffix}"), (inference, f"inference{suffix}")):
        if any(event["pid"] == process for event in events):
            out.append({"name": "process_name", "ph": "M", "pid": process, "args": {"name": name}})
    for (process, track), event in sorted(used.items()):
        title = event["args"].get("lane") or tracks.get(track, f"phase {event['name']}")
        out.append({"name": "thread_name", "ph": "M", "pid": process, "tid": track, "args": {"name": title}})
        order = {"name": "thread_sort_index", "ph": "M", "pid": process, "tid": track, "args": {"sort_index": track}}
        out.append(order)
    return out


def _phases(run: Log, process: int, clock: LineClock) -> Iterator[Event]:
    """Phases by name; those that overlap by the clock, which is right within a second, on tracks of their own."""
    spans: dict[str, list[tuple[float, float, Any]]] = {}
    for row in table_rows(run.table("phases")):
        if row["seconds"] is not None and row["line"] is not None:
            end = clock.second(row["line"])
            spans.setdefault(row["name"], []).append((end - row["seconds"], end, row))
    tracks: dict[tuple[str, int], int] = {}
    for name, own in spans.items():
        for lane, begin, end, row in _lanes(own):
            track = tracks.setdefault((name, lane), _FIRST_PHASE + len(tracks))
            title = f"phase {name}, overlapping {lane}" if lane else None
            yield _slice(name, "phase", process, track, begin, end, seconds=row["seconds"], line=row["line"],
                         lane=title)  # fmt: skip


def _autotuning(run: Log, process: int, clock: LineClock) -> Iterator[Event]:
    """Layers, their combinations of formats and the runners timed for each; a slice ends where the next begins."""
    tactics: dict[int, dict[str, float | None]] = {}
    last: dict[int, int] = {}
    columns = ("timing_line", "line", "tactic", "time_ms")
    for block, line, tactic, time in zip(*(values_of(run.table("tactics").column(n)) for n in columns), strict=True):
        if block is not None:
            tactics.setdefault(block, {})[tactic] = time
            last[block] = max(last.get(block, 0), line)
    timings = [row for row in table_rows(run.table("timings")) if row["line"] is not None]
    combinations = [row for row in table_rows(run.table("combinations")) if row["line"] is not None]
    blocks = sorted(row["line"] for row in timings)
    ends = [last.get(line, line) + 1 for line in blocks]

    def end_of(first: int, beyond: float) -> int:
        """Return the line behind the last tactic of the blocks between two lines."""
        place = bisect_left(blocks, beyond) - 1
        return ends[place] if place >= 0 and blocks[place] >= first else first + 1

    for row in timings:
        line = row["line"]
        yield _slice(
            row["runner"], "runner", process, _TIMING, clock.second(line), clock.second(end_of(line, line + 1)),
            layer=row["layer"], outcome=row["outcome"], seconds=row["seconds"], fastest_tactic=row["fastest_tactic"],
            fastest_ms=row["fastest_ms"], chosen=row["chosen"], tactics_ms=tactics.get(line), line=line,
        )  # fmt: skip
    starts = [row["line"] for row in combinations]
    bounds = [*starts[1:], float("inf")][: len(starts)]
    for row, following in zip(combinations, bounds, strict=True):
        yield _slice(
            f"{row['input_layouts'] or '-'} -> {row['output_layouts'] or '-'}", "formats", process, _TIMING,
            clock.second(row["line"]), clock.second(end_of(row["line"], following)), layer=row["layer"],
            input_formats=row["input_formats"], output_formats=row["output_formats"], runners=row["runners"],
            chosen_runner=row["chosen_runner"], chosen_tactic=row["chosen_tactic"], line=row["line"],
        )  # fmt: skip
    paired = zip(combinations, bounds, strict=True)
    for (layer, kind), group in itertools.groupby(paired, key=lambda pair: (pair[0]["layer"], pair[0]["kind"])):
        members = list(group)
        first, (final, following) = members[0][0], members[-1]
        begin, end = clock.second(first["line"]), clock.second(end_of(final["line"], following))
        yield _slice(layer or "?", kind or "layer", process, _TIMING, begin, end, combinations=len(members),
                     engine=first["engine"], line=first["line"])  # fmt: skip


def _counters(run: Log, process: int, clock: LineClock) -> Iterator[Event]:
    """Memory, on the two scales that TensorRT prints; a counter each, as they must not be compared."""
    for managed, title in ((False, "memory in use"), (True, "memory that TensorRT manages")):
        for row in in_use(run.table("memory"), managed=managed).to_pylist():
            values = {name: row[name] for name in ("cpu_mib", "gpu_mib") if row[name] is not None}
            if values and row["line"] is not None:
                yield _counter(title, "memory", process, clock.second(row["line"]), values)


def _inferences(run: Log, process: int, clock: LineClock) -> Iterator[Event]:
    """Exported times of single inferences, else the averages that the log prints, as counters."""
    origin = _inference_origin(run, clock)
    rows = table_rows(run.table("iteration_times"))
    for number, (step, title) in enumerate(_STEPS):
        timed = [r for r in rows if None not in (r[f"start_{step}_ms"], r[f"end_{step}_ms"])]
        spans = [(r[f"start_{step}_ms"] / 1e3, r[f"end_{step}_ms"] / 1e3, r) for r in timed]
        for lane, begin, end, row in _lanes(spans):
            name = title if not lane else f"{title}, overlapping {lane}"
            yield _slice(title, "inference", process, 1 + number * _LANES + lane, origin + begin, origin + end,
                         iteration=row["iteration"], latency_ms=row["latency_ms"], lane=name)  # fmt: skip
    if rows or not clock:
        return
    for row in table_rows(run.table("iterations")):
        values = {name: row[name] for name in ("gpu_ms", "host_ms", "enqueue_ms") if row[name] is not None}
        if values:
            name = f"average of {row['average_over']} inferences"
            yield _counter(name, "inference", process, clock.second(row["line"]), values)


def _inference_origin(run: Log, clock: LineClock) -> float:
    """Return when inference began by the log's stamps; 0 where it does not say."""
    lines = [row["line"] for row in table_rows(run.table("sections")) if row["name"] == "inference_run"]
    return clock.second(lines[0]) if lines and clock else 0.0


def _lanes(spans: Iterable[tuple[float, float, Any]]) -> Iterator[tuple[int, float, float, Any]]:
    """Put slices that overlap, as those of several streams do, on tracks of their own."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    for begin, end, row in sorted(spans, key=lambda span: span[:2]):
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        yield lane, begin, end, row
