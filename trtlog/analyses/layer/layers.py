"""One row a layer: its time, its tactic, its rivals; and the same by type of layer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import answer, rows
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer, is_conversion
from trtlog.analyses.layer.profile import mean_ms
from trtlog.records.base import Record, column, line_column, record, run_column

PROFILE, TACTIC, FASTEST = "profile", "tactic", "fastest"


@record(frozen=True)
class LayerTime(Record):
    """A layer of the engine, or where the log shows none, a layer that was profiled or timed."""

    run: int = run_column()
    layer: str = column("name", "layer")
    type: str | None = column("name", "type of the layer; null where the log shows no engine layers")
    time_ms: float | None = column(
        "float64",
        "time of one inference by the source that this run has for its layers (next column); null where it has none",
        "ms",
    )
    source: str | None = column(
        "name",
        "profile: mean of the layer profile, total over iterations; tactic: timing of the engine's tactic in the build;"
        " fastest: fastest candidate over all formats, as the log shows no engine layers",
    )
    percent: float | None = column("float64", "share of the profile, as printed", "%")
    median_ms: float | None = column("float64", "median of the layer profile", "ms")
    tactic_ms: float | None = column(
        "float64", "timing of the engine's tactic in the build, or of an equal layer's", "ms"
    )
    fastest_ms: float | None = column("float64", "fastest candidate over all formats", "ms")
    precision: str | None = column("name", "precision of the engine's tactic")
    candidates: int | None = column("int64", "tactics timed, over all formats; null where the log shows no tactics")
    margin_percent: float | None = column(
        "float64", "how much slower the next tactic is, in the formats of the engine's one", "%"
    )
    runner: str | None = column("name", "kind of implementation of the engine's tactic")
    kernel: str | None = column("name", "kernel of the engine's tactic")
    build_seconds: float | None = column("float64", "time the builder spent on it", "s")
    line: int | None = line_column("the engine layer, else the profile's row, else the first timing")


def layer_times(found: Layers, build_time: pa.Table) -> pa.Table:
    """List the layers in the engine's order, else in the log's.

    Parameters
    ----------
    found : Layers
        The layers of the run.
    build_time : pyarrow.Table
        The answer of that name.
    """
    seconds = {row["name"]: row["seconds"] for row in rows(build_time)}
    listed = [layer for layer in found.layers if layer.row is not None]
    out = [_row(found, layer.layer, layer.run, layer.line, layer, layer.profile) for layer in listed]
    out += [_row(found, row["layer"], row["run"], row["line"], None, row) for row in found.only_profiled]
    if not out:
        seen: dict[str, dict[str, Any]] = {}
        for row in rows(found.log.table("timings")):
            if row["kind"] == "layer" and row["layer"]:
                seen.setdefault(row["layer"], row)
        out = [_row(found, name, row["run"], row["line"], None, None) for name, row in seen.items()]
    for row in out:
        row["build_seconds"] = seconds.get(row["layer"])
    _choose_source(out)
    return answer(LayerTime, out)


def _row(found: Layers, name: str, run: int, line: int | None, layer: Layer | None, profile: Any) -> dict[str, Any]:
    timed = found.candidates.get(name.strip(), [])
    row: dict[str, Any] = {"run": run, "layer": name, "line": line}
    row["_avg_ms"] = mean_ms(profile) if profile else None
    row |= {column: profile[column] if profile else None for column in ("percent", "median_ms")}
    row["fastest_ms"] = min((one.time_ms for one in timed), default=None)
    row["candidates"] = len(timed) if found.candidates else None
    if layer is None:
        return row | {"type": "Reformat" if is_conversion(name, None) else None, "tactic_ms": None}
    columns = ("type", "tactic_ms", "precision", "margin_percent", "runner", "kernel")
    return row | {column: getattr(layer, column) for column in columns}


def _choose_source(listed: list[dict[str, Any]]) -> None:
    """Fill ``time_ms`` of one run from one source: times of several cannot be compared."""
    for source, name in ((PROFILE, "_avg_ms"), (TACTIC, "tactic_ms"), (FASTEST, "fastest_ms")):
        if any(row[name] is not None for row in listed):
            for row in listed:
                row["time_ms"] = row[name]
                row["source"] = source
            break
    for row in listed:
        row.pop("_avg_ms")
        row.setdefault("time_ms", None)
        row.setdefault("source", None)


@record(frozen=True)
class TypeTime(Record):
    """All layers of one type."""

    run: int = run_column()
    type: str | None = column("name", "type of the layers; null where the log does not tell")
    layers: int = column("int64", "layers of the type")
    timed: int = column("int64", "layers of the type with a time")
    time_ms: float | None = column("float64", "sum of their times; null where none has one", "ms")
    percent: float | None = column("float64", "share of the sum over all layers", "%")
    source: str | None = column("name", "where the times are from: profile, tactic or fastest")


def type_times(layers: pa.Table) -> pa.Table:
    """Sum the answer of :func:`layer_times` by type, the dearest first."""
    sums: dict[tuple[int, Any], list[Any]] = {}
    totals: dict[int, float] = {}
    for row in rows(layers):
        type_ = "Reformat" if is_conversion(row["layer"], row["type"]) else row["type"]
        entry = sums.setdefault((row["run"], type_), [0, 0, 0.0, row["source"]])
        entry[0] += 1
        if row["time_ms"] is not None:
            entry[1] += 1
            entry[2] += row["time_ms"]
            totals[row["run"]] = totals.get(row["run"], 0.0) + row["time_ms"]
    out = []
    for (run, type_), (count, timed, total, source) in sums.items():
        whole = totals.get(run)
        out.append(
            {
                "run": run,
                "type": type_,
                "layers": count,
                "timed": timed,
                "time_ms": total if timed else None,
                "percent": 100 * total / whole if timed and whole else None,
                "source": source,
            }
        )
    out.sort(key=lambda row: (row["run"], -(row["time_ms"] or 0.0), -row["layers"]))
    return answer(TypeTime, out)


@record(frozen=True)
class Stretch(Record):
    """A stretch of consecutive measurements."""

    run: int = run_column()
    first: int = column("int64", "number of its first measurement, from 0")
    count: int = column("int64", "measurements")
    min_ms: float = column("float64", "shortest GPU time", "ms")
    median_ms: float = column("float64", "median GPU time", "ms")
    max_ms: float = column("float64", "longest GPU time", "ms")
    source: str = column(
        "name", "iteration_times: single queries of --exportTimes; iterations: averages printed over several runs"
    )


def stretches(iteration_times: pa.Table, iterations: pa.Table, most: int = 400) -> pa.Table:
    """Cut the measured GPU times into at most ``most`` equal stretches, for a chart over time."""
    out: list[dict[str, Any]] = []
    for source, table, name in (
        ("iteration_times", iteration_times, "compute_ms"),
        ("iterations", iterations, "gpu_ms"),
    ):
        by_run: dict[int, list[float]] = {}
        for row in rows(table.select(["run", name])):
            if row[name] is not None:
                by_run.setdefault(row["run"], []).append(row[name])
        for run, values in by_run.items():
            if any(row["run"] == run for row in out):
                continue
            size = -(-len(values) // most)
            for first in range(0, len(values), size):
                part = sorted(values[first : first + size])
                half = len(part) // 2
                median = part[half] if len(part) % 2 else (part[half - 1] + part[half]) / 2
                out.append(
                    {
                        "run": run,
                        "first": first,
                        "count": len(part),
                        "min_ms": part[0],
                        "median_ms": median,
                        "max_ms": part[-1],
                        "source": source,
                    }
                )
    out.sort(key=lambda row: (row["run"], row["first"]))
    return answer(Stretch, out)
