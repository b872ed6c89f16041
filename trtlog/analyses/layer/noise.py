"""Which choices another build may make differently, and which differ between two builds and why.

How far two timings of one tactic are apart is known from repeated builds (:mod:`timing_noise`); how likely a choice
flips follows from it (:mod:`risk`). What a log itself repeats are conversions: the same one is timed at many places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from trtlog.analyses.layer.base import Frame, answer, rows, tells_size
from trtlog.analyses.layer.engine_layer import Layer, Layers, layers_of
from trtlog.analyses.layer.risk import combination_risks, measured_here, timing_noise
from trtlog.analyses.layer.tactics import margins
from trtlog.records.base import Record, column, line_column, record, run_column

if TYPE_CHECKING:
    from trtlog.log import Log

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
    spread_percent: float = column("float64", "longest over shortest, less one", "%")


def _repeats(pool: Frame) -> Frame:
    """Return the repeated timings, each with its group's median.

    Strides tell the size of a tensor but for its outermost axis. In tensors of rank 4 and more that is the batch,
    the same all over a network, unless an inner axis is of size 1 (two equal strides), as in matrices that were
    reshaped; in lower ranks it may be anything. So only tensors of rank 4 and more with different strides are
    compared, and only conversions, whose work the formats tell in full.
    """
    import numpy as np

    timed = pool[pool["kind"] == "reformat"]
    known = [
        tells_size(before) and tells_size(after)
        for before, after in zip(timed["input_formats"], timed["output_formats"], strict=True)
    ]
    timed = timed[np.array(known, dtype=bool)]
    keys = ["run", "runner", "tactic", "input_formats", "output_formats"]
    groups = timed.groupby(keys, sort=False)["time_ms"]
    timed = timed.assign(count=groups.transform("size"), median_ms=groups.transform("median"))
    return timed[timed["count"] > 1]


def repeats(layers: Layers) -> pa.Table:
    """List conversions that were timed more than once, the widest spread first."""
    pool = _repeats(layers.timed_tactics)
    out = []
    for key, group in pool.groupby(["run", "input_formats", "output_formats", "tactic"], sort=False):
        times = group["time_ms"]
        row = dict(zip(("run", "input_formats", "output_formats", "tactic"), key, strict=True))
        row |= {"count": len(group), "min_ms": times.min(), "median_ms": times.median(), "max_ms": times.max()}
        row["spread_percent"] = 100 * (times.max() / times.min() - 1)
        out.append(row)
    out.sort(key=lambda row: (row["run"], -row["spread_percent"]))
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
    noise_percent: float = column("float64", "what two timings of this length differ by, in nine of ten cases", "%")
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


def close_calls(layers: Layers, engine_only: bool = True) -> pa.Table:
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
    risks = combination_risks(layers.timed_tactics, noise)
    out = []
    for row in rows(margins(layers)):
        if row["second_ms"] is None or (engine_only and row["in_engine"] is False):
            continue
        risk = risks.get(row["line"], 0.0)
        if risk < AT_RISK:
            continue
        kernels = {f"{n}_kernel": row[f"{n}_kernel"] or row[f"{n}_runner"] for n in ("winner", "second")}
        noises = {"noise_percent": noise.margin_at(row["winner_ms"]), "noise_assumed": assumed}
        out.append({name: row[name] for name in shared} | kernels | noises | {"flip_probability": risk})
    out.sort(key=lambda row: (row["run"], -row["flip_probability"]))
    return answer(CloseCall, out)


@record(frozen=True)
class WinnerChange(Record):
    """A layer for which two builds of the same network chose different tactics or formats."""

    layer: str = column("name", "layer")
    first_tactic: str = column("name", "tactic in the first engine")
    first_kernel: str | None = column("name", "its kernel, else its runner")
    first_formats: str | None = column("name", "data type and layout of its first input")
    second_tactic: str = column("name", "tactic in the second engine")
    second_kernel: str | None = column("name", "its kernel, else its runner")
    second_formats: str | None = column("name", "data type and layout of its first input")
    margin_first_percent: float | None = column(
        "float64", "in the first build: how much slower the second's choice was; null where it was not timed", "%"
    )
    margin_second_percent: float | None = column(
        "float64", "in the second build: how much slower the first's choice was; null where it was not timed", "%"
    )
    noise_percent: float = column("float64", "what two timings of this length differ by, in nine of ten cases", "%")
    drift_percent: float | None = column(
        "float64", "median change of the layer's candidates from the first build to the second", "%"
    )
    cause: str = column(
        "name",
        "noise: the margin lies within it in either build; drift: the layer's timings differ as a whole; formats: "
        "other formats, which the whole network decides; unexplained; unknown: not timed in both",
    )
    line_first: int | None = line_column("the time in the first log")
    line_second: int | None = line_column("the time in the second log")


def winner_changes(first: Layers, other: Log) -> pa.Table:
    """List layers whose tactic in the engine differs between two builds, with margin and noise in both.

    Layers are compared by name; for builds of different networks or versions use a comparison that aligns.
    """
    second = layers_of(other)
    a, b = first.timed_tactics, second.timed_tactics
    noise_a, noise_b = timing_noise(first), timing_noise(second)
    drifts = _drifts(a, b)
    theirs: dict[str, list[Layer]] = {}
    for layer in second.all:
        theirs.setdefault(layer.layer, []).append(layer)
    out = []
    for one in first.all:
        # The engines of one run in their order.
        same = theirs.get(one.layer)
        two = same.pop(0) if same else None
        if two is None or one.timing.row is None or two.timing.row is None:
            continue
        if one.timing.borrowed or two.timing.borrowed or one.role != "layer":
            continue
        row_a, row_b = a.loc[one.timing.row], b.loc[two.timing.row]
        if all(row_a[n] == row_b[n] for n in ("tactic", "runner", "input_formats", "output_formats")):
            continue
        in_a, in_b = _rival(a, row_a, row_b), _rival(b, row_b, row_a)
        limit = max(noise_a.margin_at(row_a["time_ms"]), noise_b.margin_at(row_b["time_ms"]))
        drift = drifts.get(one.layer)
        out.append(
            {
                "layer": one.layer,
                **_side("first", row_a),
                **_side("second", row_b),
                "margin_first_percent": in_a,
                "margin_second_percent": in_b,
                "noise_percent": limit,
                "drift_percent": drift,
                "cause": _cause(row_a, row_b, in_a, in_b, limit, drift),
                "line_first": int(row_a["line"]),
                "line_second": int(row_b["line"]),
            }
        )
    return answer(WinnerChange, out)


def _drifts(a: Frame, b: Frame) -> dict[str, float]:
    """Return by layer the median change of the same tactics from one log to the other, in percent."""
    keys = ["layer", "runner", "input_formats", "output_formats", "tactic"]
    both = a.drop_duplicates(keys).merge(b.drop_duplicates(keys), on=keys, suffixes=("_a", "_b"))
    both = both.assign(change=100 * (both["time_ms_b"] / both["time_ms_a"] - 1))
    return both.groupby("layer")["change"].median().to_dict()  # type: ignore[no-any-return]


def _side(prefix: str, row: Any) -> dict[str, Any]:
    return {
        f"{prefix}_tactic": row["tactic"],
        f"{prefix}_kernel": row["kernel"] or row["runner"],
        f"{prefix}_formats": row["input_layout"],
    }


def _rival(pool: Frame, used: Any, wanted: Any) -> float | None:
    """Return how much slower the other build's choice was in this build, in percent."""
    names = ("layer", "runner", "tactic", "input_formats", "output_formats")
    same = pool
    for name in names:
        same = same[same[name] == wanted[name]]
    return 100 * (float(same["time_ms"].min()) / float(used["time_ms"]) - 1) if len(same) else None


def _cause(a: Any, b: Any, in_a: float | None, in_b: float | None, limit: float, drift: float | None) -> str:
    if in_a is None or in_b is None:
        return "unknown"
    if any(a[n] != b[n] for n in ("input_formats", "output_formats")):
        return "formats"
    if min(abs(in_a), abs(in_b)) <= limit:
        return "noise"
    if drift is not None and abs(drift) > limit:
        return "drift"
    return "unexplained"
