"""Which choices another build may make differently.

How far two timings of one tactic are apart is known from repeated builds (:mod:`timing_noise`); how likely a choice
flips follows from it (:mod:`risk`). What a log itself repeats are conversions: the same one is timed at many places.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from statistics import median
from typing import Any

import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer, tells_size
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.risk import combination_risks, measured_here, timing_noise
from trtlog.analyses.layer.timed import Timed
from trtlog.records.base import Record, column, line_column, record, run_column

# A choice is a close call from this probability on that the next build chooses otherwise.
AT_RISK = 0.1


@record(frozen=True)
class Repeat(Record):
    """The same conversion, timed more than once."""

    run: int = run_column()
    input_formats: str = column("name", "format before")
    output_formats: str = column("name", "format after")
    tactic: str = column("name", "id of the tactic")
    count: int = column("int64", "times it was timed")
    min_ms: float = column("float64", "shortest time", "ms")
    median_ms: float = column("float64", "median time", "ms")
    max_ms: float = column("float64", "longest time", "ms")
    spread_percent: float | None = column(
        "float64", "longest over shortest, less one; null where the shortest is 0", "%"
    )


def _repeats(timed: Iterable[Timed]) -> list[Timed]:
    """Return the repeated timings of conversions.

    Strides tell the size of a tensor but for its outermost axis. In tensors of rank 4 and more that is the batch,
    the same all over a network, unless an inner axis is of size 1 (two equal strides), as in matrices that were
    reshaped; in lower ranks it may be anything. So only tensors of rank 4 and more with different strides are
    compared, and only conversions, whose work the formats tell in full.
    """
    groups: dict[tuple[Any, ...], list[Timed]] = {}
    for row in timed:
        if row["kind"] == "reformat" and tells_size(row["input_formats"]) and tells_size(row["output_formats"]):
            key = tuple(row[name] for name in ("run", "runner", "tactic", "input_formats", "output_formats"))
            if None not in key:
                groups.setdefault(key, []).append(row)
    return sorted((row for group in groups.values() if len(group) > 1 for row in group), key=itemgetter("row"))


def repeats(layers: Layers) -> pa.Table:
    """List conversions that were timed more than once, the widest spread first."""
    names = ("run", "input_formats", "output_formats", "tactic")
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in _repeats(layers.timed_tactics):
        groups.setdefault(tuple(row[name] for name in names), []).append(row["time_ms"])
    out = []
    for key, times in groups.items():
        row = dict(zip(names, key, strict=True))
        row |= {"count": len(times), "min_ms": min(times), "median_ms": median(times), "max_ms": max(times)}
        row["spread_percent"] = 100 * (max(times) / min(times) - 1) if min(times) else None
        out.append(row)
    out.sort(key=lambda row: (row["run"], -(row["spread_percent"] or 0.0)))
    return answer(Repeat, out)


@record(frozen=True)
class CloseCall(Record):
    """A choice that another build on the same machine may make differently."""

    run: int = run_column()
    layer: str = column("name", "layer")
    precision: str | None = column("name", "precision of the winner")
    input_layout: str | None = column("name", "data type and layout of the first input")
    winner_ms: float = column("float64", "time of the winner", "ms")
    second_ms: float = column("float64", "time of the runner-up", "ms")
    margin_percent: float = column("float64", "margin over the winner's time", "%")
    noise_percent: float = column(
        "float64", "what equally fast tactics of this length differ by, timed side by side, in nine of ten cases", "%"
    )
    noise_assumed: bool = column("bool", "the noise was measured on another GPU than the log's")
    winner: str = column("name", "id of the winner")
    winner_kernel: str | None = column("name", "its kernel, else its runner")
    second: str = column("name", "id of the runner-up")
    second_kernel: str | None = column("name", "its kernel, else its runner")
    in_engine: bool | None = column("bool", "whether the engine uses the winner")
    flip_probability: float = column(
        "float64", "that another tactic of the same formats is fastest in the next build; 0.1 and more"
    )
    line: int = line_column("the winner's time")


def close_calls(layers: Layers, margins: pa.Table, engine_only: bool = True) -> pa.Table:
    """List choices that the next build makes otherwise with a probability of 10 % and more, the likeliest first.

    Parameters
    ----------
    engine_only : bool
        Only choices that the engine uses; else those of all combinations of formats.
    """
    noise = timing_noise(layers)
    assumed = not measured_here(layers)
    shared = ("run", "layer", "precision", "input_layout", "winner_ms", "second_ms", "margin_percent", "winner",
              "second", "in_engine", "line")  # fmt: skip
    used = {layers.timed_by_row[x.timing.row].line for x in layers.layers if x.timing.row is not None}
    asked = []
    for row in table_rows(margins):
        if row["second_ms"] is None or (engine_only and row["in_engine"] is False):
            continue
        if engine_only and row["engine"] != layers.engine and row["line"] not in used:
            continue  # of another engine of the run
        asked.append(row)
    risks = combination_risks(layers.log.table("tactics"), noise, {row["line"] for row in asked})
    out = []
    for row in asked:
        risk = risks.get(row["line"], 0.0)
        if risk < AT_RISK:
            continue
        kernels = {f"{n}_kernel": row[f"{n}_kernel"] or row[f"{n}_runner"] for n in ("winner", "second")}
        noises = {"noise_percent": noise.margin_at(row["winner_ms"]), "noise_assumed": assumed}
        out.append({name: row[name] for name in shared} | kernels | noises | {"flip_probability": risk})
    out.sort(key=lambda row: (row["run"], -row["flip_probability"]))
    return answer(CloseCall, out)
