"""One row a layer: its time, its tactic, its rivals; and the same by type of layer."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer
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
    converts: bool = column("bool", "whether it converts between formats")


def layer_times(found: Layers, build_time: pa.Table) -> pa.Table:
    """List the layers in the engine's order, else in the log's.

    Parameters
    ----------
    found : Layers
        The layers of the run.
    build_time : pyarrow.Table
        The answer of that name.
    """
    seconds = {row["name"]: row["seconds"] for row in table_rows(build_time) if row["build"] == found.build}
    listed = [layer for layer in found.layers if layer.row is not None]
    out = [_row(found, layer.layer, layer.run, layer.line, layer, layer.profile) for layer in listed]
    out += [_row(found, row["layer"], row["run"], row["line"], None, row) for row in found.only_profiled]
    if not out:
        seen: dict[str, dict[str, Any]] = {}
        for row in table_rows(found.log.table("timings")):
            if row["kind"] == "layer" and row["layer"]:
                seen.setdefault(row["layer"], row)
        out = [_row(found, name, row["run"], row["line"], None, None) for name, row in seen.items()]
    for row in out:
        row["build_seconds"] = seconds.get(row["layer"])
    _choose_source(out)
    return answer(LayerTime, out)


def _row(found: Layers, name: str, run: int, line: int | None, layer: Layer | None, profile: Any) -> dict[str, Any]:
    timed = layer.candidates if layer is not None else found.candidates.get(name.strip(), [])
    row: dict[str, Any] = {"run": run, "layer": name, "line": line}
    row["_avg_ms"] = mean_ms(profile) if profile else None
    row |= {column: profile[column] if profile else None for column in ("percent", "median_ms")}
    row["fastest_ms"] = min((one.time_ms for one in timed), default=None)
    row["candidates"] = len(timed) if found.candidates else None
    if layer is None:
        row["converts"] = is_conversion(name, None)
        return row | {"type": "Reformat" if row["converts"] else None, "tactic_ms": None}
    row["converts"] = is_conversion(name, layer.type)
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
    """All layers of one type: ``layer_times`` summed, the dearest first."""

    run: int = run_column()
    type: str | None = column("name", "type of the layers; null where the log does not tell")
    layers: int = column("int64", "layers of the type")
    timed: int = column("int64", "layers of the type with a time")
    time_ms: float | None = column("float64", "sum of their times; null where none has one", "ms")
    percent: float | None = column("float64", "share of the sum over all layers", "%")
    source: str | None = column("name", "where the times are from: profile, tactic or fastest")

    sql = """
        with listed as (
            select *, if(converts, 'Reformat', type) as kind, row_number() over () as place from layer_times
        ), whole as (
            select run, sum(time_ms) as whole_ms from layer_times group by run
        )
        select run, kind as type, count(*) as layers, count(time_ms) as timed, sum(time_ms) as time_ms,
            100 * sum(time_ms) / nullif(any_value(whole_ms), 0) as percent, min_by(source, place) as source
        from listed join whole using (run)
        group by run, kind
        order by run, coalesce(sum(time_ms), 0) desc, layers desc, min(place)
    """


@record(frozen=True)
class Stretch(Record):
    """A stretch of consecutive measurements: the GPU times of a run in at most ``most`` equal ones, for a chart."""

    run: int = run_column()
    first: int = column("int64", "number of its first measurement, from 0")
    count: int = column("int64", "measurements")
    min_ms: float = column("float64", "shortest GPU time", "ms")
    median_ms: float = column("float64", "median GPU time", "ms")
    max_ms: float = column("float64", "longest GPU time", "ms")
    source: str = column(
        "name", "iteration_times: single queries of --exportTimes; iterations: averages printed over several runs"
    )

    sql_options: ClassVar[dict[str, Any]] = {"most": 400}
    sql = """
        with measured as (
            select run, compute_ms as ms, 'iteration_times' as source from iteration_times where compute_ms is not null
            union all
            select run, gpu_ms, 'iterations' from iterations
            where gpu_ms is not null and run not in (
                select run from iteration_times where compute_ms is not null)
        ), placed as (
            select *, row_number() over (partition by run) - 1 as place, count(*) over (partition by run) as total
            from measured
        ), cut as (
            select run, source, place, ms, place // ceil(total / $most)::bigint as stretch from placed
        ), stretches as (
            select run, source, min(place) as first, count(*) as count, list_sort(list(ms)) as sorted
            from cut group by run, source, stretch
        )
        select run, first, count, sorted[1] as min_ms,
            (sorted[(count + 1) // 2] + sorted[count // 2 + 1]) / 2 as median_ms, sorted[-1] as max_ms, source
        from stretches
        order by run, first
    """
