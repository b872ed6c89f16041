"""Several builds of one model: which choices hold, which flip, and what that does to the latency.

The builder times tactics on a live GPU, so two builds of one model need not choose alike. With N builds the
log answers how far the timing of one and the same tactic differs from build to build (the noise), by how much
the winner of a layer leads (the margin), and whether a flip is a toss-up between equals or a disturbed timing.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact, redact_json
from trtlog._util.words import counted, did_you_mean, plural
from trtlog.analyses.build.builds import build_seconds
from trtlog.analyses.compare.align import align, read_nodes
from trtlog.analyses.compare.aligned import pair_times, time_source
from trtlog.analyses.compare.candidates import TIE_PERCENT, Noises, by_key, noises_of
from trtlog.analyses.compare.samples import spread_percent
from trtlog.analyses.compare.schema import STABILITY_TABLES
from trtlog.analyses.compare.work import shapes_text, tuning_shapes
from trtlog.analyses.gate.lock import read_build_options
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers, layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.display import InNotebook, OnTerminal, draw
from trtlog.errors import QueryError
from trtlog.log import Log, to_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, repr=False)
class Stability(InNotebook, OnTerminal):
    """What several builds of one model have in common; made by :func:`trtlog.stability`.

    Parameters
    ----------
    build_rows, layer_rows : tuple of dict
        Rows of the tables ``builds`` and ``layers``; the layers that make the time vary most come first.
    noise_percent : float or None
        Median of the layers' noise, each a standard deviation over its tactics, outliers included; None where no tactic
        was timed twice.
    time_source : str or None
        ``profile`` or ``tactic``: what the layers' times are.
    advice : tuple of str
        What to do, with the reason.
    notes : tuple of str
        What limits the comparison.
    """

    build_rows: tuple[dict[str, Any], ...]
    layer_rows: tuple[dict[str, Any], ...]
    noise_percent: float | None
    time_source: str | None
    advice: tuple[str, ...]
    notes: tuple[str, ...]

    def table(self, name: str) -> pa.Table:
        """Return ``builds`` or ``layers`` as a pyarrow.Table; its fields' metadata holds the meanings."""
        if name not in STABILITY_TABLES:
            near = did_you_mean(name, STABILITY_TABLES)
            raise QueryError(f"there is no table {name!r}{near}; the tables are {', '.join(STABILITY_TABLES)}")
        return answer(STABILITY_TABLES[name], self.build_rows if name == "builds" else self.layer_rows)

    @property
    def builds(self) -> pd.DataFrame:
        """One row a build."""
        return to_frame(self.table("builds"))

    @property
    def layers(self) -> pd.DataFrame:
        """One row a layer of the first build."""
        return to_frame(self.table("layers"))

    def to_json(self) -> str:
        """Return all as JSON."""
        document = {
            "schema": "trtlog.stability/1",
            "notes": list(self.notes),
            "advice": list(self.advice),
            "noise_percent": self.noise_percent,
            "time_source": self.time_source,
            "builds": [dict(row) for row in self.build_rows],
            "layers": [dict(row) for row in self.layer_rows],
        }
        return json.dumps(redact_json(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self, limit: int = 20) -> str:
        """Return all as Markdown, at most ``limit`` layers."""
        drawn: str = draw("markdown", self, limit=limit)
        return drawn

    def __repr__(self) -> str:
        changing = sum(row["winners"] > 1 for row in self.layer_rows)
        layers = f"{changing} of {counted(self.compared, 'layer')} {plural(changing, 'changes', 'change')}"
        return f"<trtlog.Stability: {len(self.build_rows)} builds, {layers}>"

    @property
    def compared(self) -> int:
        """Number of layers whose tactic two builds or more name: of the others nobody knows whether it changes."""
        return sum(row["verdict"] is not None for row in self.layer_rows)


def stability(logs: Iterable[Log | str | os.PathLike[str]]) -> Stability:
    """Compare several builds of one model; each run of a log of several is a build.

    Parameters
    ----------
    logs : iterable of Log or path
        At least two builds, verbose ones for the layers. Failed runs are left out, with a note.

    Raises
    ------
    QueryError
        There are fewer than two builds, or they are of different models.

    Examples
    --------
    >>> import trtlog
    >>> folder = "fixtures/trt-8.5.3-h200/"
    >>> found = trtlog.stability([folder + "resnet50_fp32_verbose.log.gz",
    ...                           folder + "resnet50_fp32_verbose_rebuild.log.gz"])
    >>> int((found.layers.winners > 1).sum())
    17
    """
    notes: list[str] = []
    builds = _builds(logs, notes)
    engines = [layers_of(log) for log in builds]
    columns = _columns(builds, engines, notes)
    source = time_source(*engines) if columns else None
    layer_rows = _layer_rows(columns, source, noises_of(engines))
    known = [row["noise_percent"] for row in layer_rows if row["noise_percent"] is not None]
    build_rows = _build_rows(builds, columns, source)
    apart = _apart(engines, columns) if columns else []
    if any(apart):
        notes.append(_apart_words(apart, source))
    notes += _differences(builds)
    return Stability(
        tuple(build_rows),
        tuple(layer_rows),
        median(known) if known else None,
        source,
        tuple(_advice(builds, build_rows, layer_rows, any(apart))),
        tuple(notes),
    )


def _builds(logs: Iterable[Log | str | os.PathLike[str]], notes: list[str]) -> list[Log]:
    from trtlog.analyses.lint.failures import outcome_of
    from trtlog.read import parse

    builds = []
    for item in logs:
        log = item if isinstance(item, Log) else parse(item)
        for number, run in enumerate(log.runs):
            how = outcome_of(run).how
            if run.run.status in ("failed", "incomplete") or how in ("failed", "died"):
                name = log.source if len(log.runs) == 1 else f"{log.source}, run {number}"
                ended = how if how in ("failed", "died") else "did not end"
                notes.append(f"{name} {ended} and is left out")
            else:
                builds.append(run)
    if len(builds) < 2:
        raise QueryError(
            f"stability needs two builds or more, and there {'is' if len(builds) == 1 else 'are'} {len(builds)}"
            + (f" ({'; '.join(notes)})" if notes else "")
        )
    return builds


def _columns(builds: Sequence[Log], engines: Sequence[Layers], notes: list[str]) -> list[list[Layer | None]]:
    """Return, for each layer of the first build, its counterpart in every build.

    Layers that are fused in another way have none.
    """
    without = [log.source for log, layers in zip(builds, engines, strict=True) if not layers.layers]
    if without:
        notes.append(f"no layers in {', '.join(without)}, so layers are not compared; --verbose prints them")
        return []
    nodes = [read_nodes(log) for log in builds]
    first = [layer for layer in engines[0].layers if layer.role != "constant"]
    columns: list[list[Layer | None]] = [[layer] for layer in first]
    for log, layers, theirs in zip(builds[1:], engines[1:], nodes[1:], strict=True):
        alignment = align(engines[0].layers, layers.layers, nodes[0], theirs)
        if not alignment.same_model:
            raise QueryError(f"{builds[0].source} and {log.source} are builds of different models")
        pairs = {p.control[0].position: p for p in alignment.pairs if len(p.control) == len(p.test) == 1}
        for column, layer in zip(columns, first, strict=True):
            pair = pairs.get(layer.position)
            column.append(pair.test[0] if pair else None)
    return columns


def _apart(engines: Sequence[Layers], columns: Sequence[Sequence[Layer | None]]) -> list[list[Layer]]:
    """Return of each build the layers that not all builds have: those that they fuse or convert otherwise."""
    common = [column for column in columns if None not in column]
    found = []
    for number, layers in enumerate(engines):
        shared = {layer.position for column in common if (layer := column[number]) is not None}
        own = [x for x in layers.layers if x.role != "constant" and x.type != "NoOp"]
        found.append([layer for layer in own if layer.position not in shared])
    return found


def _apart_words(apart: Sequence[Sequence[Layer]], source: str | None) -> str:
    times = [[time for time in pair_times([[layer] for layer in own], source) if time is not None] for own in apart]
    first = next((number, own[0].layer) for number, own in enumerate(apart) if own)
    sums = ", ".join(f"{math.fsum(own):.4g} ms in build {number}" for number, own in enumerate(times) if own)
    count = sum(map(len, apart))
    return (
        f"the builds do not all hold the same layers: {counted(count, 'layer')} in all {plural(count, 'has', 'have')} "
        f"no counterpart in each other build, for example {first[1]} of build {first[0]}; the sums of layers are "
        f"without {plural(count, 'it', 'them')}{f' ({sums})' if sums else ''}"
    )


def _times(columns: Sequence[Sequence[Layer | None]], source: str | None) -> list[list[float | None]]:
    return [pair_times([[layer] for layer in column], source) for column in columns]


def _layer_rows(
    columns: Sequence[Sequence[Layer | None]], source: str | None, noises: Noises
) -> list[dict[str, Any]]:
    times = _times(columns, source)
    complete = [known for row in times if len(known := [t for t in row if t is not None]) == len(row)]
    totals = [math.fsum(build) for build in zip(*complete, strict=True)] if complete else []
    rows = [_layer_row(column, time, totals, noises) for column, time in zip(columns, times, strict=True)]
    return sorted(rows, key=lambda row: -abs(row["share_percent"] or 0.0))


def _layer_row(
    column: Sequence[Layer | None],
    times: Sequence[float | None],
    totals: Sequence[float],
    noises: Noises,
) -> dict[str, Any]:
    present = [layer for layer in column if layer is not None]
    tactics = Counter(layer.tactic for layer in present if layer.tactic is not None)
    known = [time for time in times if time is not None]
    margins = [layer.margin_percent for layer in present if layer.margin_percent is not None]
    share = None
    if totals and len(known) == len(times):
        middle, own = fmean(totals), fmean(known)
        variance = fmean((total - middle) ** 2 for total in totals)
        if variance > 0:
            covariance = fmean((a - own) * (b - middle) for a, b in zip(known, totals, strict=True))
            share = 100 * covariance / variance
    row: dict[str, Any] = {
        "layer": present[0].layer,
        "builds": len(present),
        "winners": len(tactics),
        "flips_percent": 100 * (1 - max(tactics.values()) / sum(tactics.values())) if tactics else None,
        "tactics": ", ".join(f"{tactic} ({number})" for tactic, number in tactics.most_common()) or None,
        "margin_percent": median(margins) if margins else None,
        "noise_percent": _noise(present),
        "min_ms": min(known, default=None),
        "median_ms": median(known) if known else None,
        "max_ms": max(known, default=None),
        "share_percent": share,
        "timed_as": present[0].timed_as,
    }
    row["verdict"] = _verdict(row, present, noises) if sum(tactics.values()) > 1 else None
    return row


def _noise(layers: Sequence[Layer]) -> float | None:
    """Return the spread of one tactic's timing over the builds, pooled over the tactics they all timed."""
    keyed = [by_key(layer) for layer in layers]
    if len(keyed) < 2:
        return None
    common = set(keyed[0]).intersection(*keyed[1:])
    if not common:
        return None
    variances = (_variance([build[key].time_ms for build in keyed]) for key in common)
    # A standard deviation of n values is short by the square root of (n - 1) / n.
    pooled = math.sqrt(fmean(variances) * len(keyed) / (len(keyed) - 1))
    return 100 * math.expm1(pooled)


def _variance(times: Sequence[float]) -> float:
    """Return the variance of the logarithms of some times; the module statistics takes fractions, and its time."""
    ratios = [math.log(time / times[0]) for time in times]
    middle = fmean(ratios)
    return fmean([(ratio - middle) ** 2 for ratio in ratios])


def _verdict(row: dict[str, Any], layers: Sequence[Layer], noises: Noises) -> str:
    # One number may stand for the tactic in other formats too.
    if len({(layer.input_formats, layer.output_formats) for layer in layers}) > 1:
        return "formats"
    if row["winners"] <= 1:
        return "stable"
    margin, noise = row["margin_percent"], row["noise_percent"]
    times = [layer.tactic_ms for layer in layers if layer.tactic_ms is not None]
    # Short kernels are noisy in every build: 7 % at 6 us is no disturbance.
    usual = 0.0
    if times:
        converts = any(layer.converts for layer in layers)
        usual = 100 * math.expm1(max(float(noise.disturbed(median(times), converts)) for noise in noises()))
    if noise is not None and noise > max(5.0, 1.5 * usual):
        return "disturbed"
    return "tie" if margin is not None and margin <= max(TIE_PERCENT, 2 * max(noise or 0.0, usual)) else "flips"


def _build_rows(
    builds: Sequence[Log], columns: Sequence[Sequence[Layer | None]], source: str | None
) -> list[dict[str, Any]]:
    rows = []
    complete = [column for column in _times(columns, source) if None not in column]
    for number, log in enumerate(builds):
        performance, device = log.performance, log.device
        times = [time for column in complete if (time := column[number]) is not None]
        rows.append(
            {
                "build": number,
                "source": log.source,
                "tensorrt_version": log.run.tensorrt_version,
                "gpu": device.name if device else None,
                "status": log.run.status,
                "throughput_qps": performance.throughput_qps,
                "gpu_compute_ms": performance.gpu_compute_time.median_ms if performance.gpu_compute_time else None,
                "latency_ms": performance.latency.median_ms if performance.latency else None,
                "spread_percent": spread_percent(log).get("gpu_compute_time"),
                "layers_ms": math.fsum(times) if times else None,
                "timing_shift_percent": _shift(columns, number),
                "build_seconds": build_seconds(log),
            }
        )
    return rows


def _shift(columns: Sequence[Sequence[Layer | None]], number: int) -> float | None:
    ratios = []
    for column in columns:
        ours, theirs = column[0], column[number]
        if ours is None or theirs is None or ours.timed_as or theirs.timed_as:
            continue
        own, other = by_key(ours), by_key(theirs)
        both = [(other[key].time_ms, time.time_ms) for key, time in own.items() if key in other]
        ratios += [theirs / ours for theirs, ours in both if theirs and ours]
    return 100 * (median(ratios) - 1) if ratios else None


def _differences(builds: Sequence[Log]) -> list[str]:
    """Return what makes these builds no mere repeats of one another."""
    notes = []
    for what, values in (
        ("TensorRT", [log.run.tensorrt_version for log in builds]),
        ("GPUs", [log.device.name if log.device else None for log in builds]),
        ("shapes", [shapes_text(tuning_shapes(log)) or None for log in builds]),
    ):
        known = list(dict.fromkeys(value for value in values if value is not None))
        if len(known) > 1:
            notes.append(f"these are no repeats: different {what}: {'; '.join(known)}")
    options = [read_build_options(log) for log in builds]
    for key in dict.fromkeys(key for side in options for key in side):
        values = [side.get(key) for side in options if side]
        if len(set(values)) > 1 and "cache" not in key.lower():
            shown = "; ".join(repr(value) for value in dict.fromkeys(values) if value is not None)
            notes.append(f"these are no repeats: different build option {key}: {redact(shown)}")
    return notes


def _advice(
    builds: Sequence[Log], build_rows: Sequence[dict[str, Any]], layer_rows: Sequence[dict[str, Any]], apart: bool
) -> list[str]:
    flipped = [row for row in layer_rows if row["winners"] > 1]
    verdicts = Counter(row["verdict"] for row in flipped)
    advice = []
    cached = [log.build.timing_cache_file for log in builds]
    if flipped and not all(cached):
        advice.append(
            "use one timing cache for all builds (--timingCacheFile=FILE): the tactics of "
            f"{counted(len(flipped), 'layer')} changed from build to build, and a cached timing cannot"
        )
    elif flipped:
        advice.append(
            "let all builds read one timing cache that holds all timings: the tactics of "
            f"{counted(len(flipped), 'layer')} changed although each build names a file (trtlog build-time LOG tells "
            "what it held)"
        )
    averages = [log.build.avg_timing for log in builds if log.build.avg_timing]
    close = verdicts["tie"] + verdicts["flips"]
    if close and averages:
        advice.append(
            f"average more (--avgTiming={2 * max(averages)}, now {max(averages)}): "
            f"{counted(close, 'layer flips', 'layers flip')} between tactics that are close to each other"
        )
    shifts = [row["timing_shift_percent"] for row in build_rows if row["timing_shift_percent"] is not None]
    if verdicts["disturbed"] or (shifts and max(shifts) - min(shifts) > 5):
        reason = f"{counted(verdicts['disturbed'], 'layer')} changed because a timing was disturbed"
        if shifts and max(shifts) - min(shifts) > 5:
            reason = f"the same tactics were timed up to {max(shifts) - min(shifts):.0f}% apart"
        advice.append(
            f"lock the clocks (nvidia-smi --lock-gpu-clocks) and keep other work off the GPU while building: {reason}"
        )
    wide = [row for row in build_rows if (row["spread_percent"] or 0) > 5]
    if wide:
        advice.append(
            f"measure longer, with locked clocks (--duration): within {len(wide)} of {len(build_rows)} runs the GPU "
            "compute time spreads by more than 5%, so differences between builds below that are not known"
        )
    if not advice and apart:
        advice.append("see what two builds fuse or convert otherwise: trtlog diff A B")
    compared = sum(row["verdict"] is not None for row in layer_rows)
    if not advice and not compared:
        advice.append(f"verbose logs would show the {'tactics of the layers' if layer_rows else 'layers'}")
    elif not advice and compared < len(layer_rows):
        advice.append(
            f"nothing to do: all builds choose alike at the {counted(compared, 'layer')} whose tactics two logs name"
        )
    elif not advice:
        advice.append("nothing to do: all builds choose alike")
    return advice
