"""From the builder's timings to the walltime of a query: each sum, and what explains the step to the next.

The sums measure different things. The builder times each layer alone, many times over; the profile times the layers of
the engine one after the other, with an event between any two; the GPU compute time is that of a whole inference; the
latency has the copies too; the walltime is what passes from one query to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import counted
from trtlog.analyses.build.performance import ENQUEUE_SHARE, kept_figures, measures
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.profile import kept_profile, mean_ms, shown_percent
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.records.options import BUILD_SHAPE

_NO_KERNEL = ("Constant", "NoOp")
# Sums of fewer of the layers are compared with nothing.
_MOST = 0.95
# An event before and after each layer costs some microseconds.
_EVENT_MS = 0.020
_OTHER_CONDITIONS = "the builder timed under other conditions than these (idle clocks, others on the GPU)"
#: From this factor on the builder timed under other conditions than the inference ran.
SUSPECT = 2.0


@record(frozen=True)
class ReconciliationStep(Record):
    """A sum of times of one inference, and what explains the difference to the one before."""

    run: int = run_column()
    step: str = column(
        "name",
        "tactics: layers that compute, as the builder timed them; conversions: these and conversions; profile: rows of "
        "the layer profile; gpu_compute, latency: means of the performance summary; walltime: from query to query",
    )
    time_ms: float | None = column("float64", "time of one inference; null where the log does not tell, see explained")
    change_ms: float | None = column(
        "float64", "difference to the step before that is known of the same layers; null where the two do not compare"
    )
    layers: int | None = column("int64", "layers in the sum; null where it is no sum of layers")
    of_layers: int | None = column("int64", "layers that run a kernel; null where it is no sum of layers")
    factor: float | None = column(
        "float64",
        "of profile and of gpu_compute: the builder's times over these, of the same layers; from 2 on the builder "
        "timed under other conditions than the inference ran (idle clocks, a busy GPU)",
    )
    explained: str = column("text", "what the log says of the difference")
    lines: list[int] | None = column("int64s", "lines that it rests on")
    line: int | None = line_column("the first of them")


@dataclass
class _Sum:
    time_ms: float | None
    layers: int | None = None
    of_layers: int | None = None
    lines: tuple[int, ...] = ()


def reconcile(layers: Layers, diagnosis: pa.Table) -> pa.Table:
    """Line up the builder's timings, the profile, GPU compute time, latency and walltime of one inference."""
    log = layers.log
    kernels = [x for x in layers.layers if x.type not in _NO_KERNEL and x.role != "constant"]
    profile = kept_profile(log).rows
    found = table_rows(diagnosis)
    if not found and not profile:
        return answer(ReconciliationStep, [])
    run = log.run.run
    measured = measures(log.table("performance"))
    diagnosed = found[0] if found else None
    other = other_shapes(table_rows(log.table("options")))
    steps = [*_built(kernels, other, _searched(layers)), _profiled(kernels, profile, other)]
    steps += _measured(log.table("performance"), measured, diagnosed, steps, other)
    for step in steps:
        step["run"], step["line"] = run, min(filter(None, step["lines"] or ()), default=None)
    return answer(ReconciliationStep, steps)


def _step(name: str, total: _Sum, change: float | None, explained: str, factor: float | None = None) -> dict[str, Any]:
    return {
        "step": name, "time_ms": total.time_ms, "change_ms": change, "layers": total.layers,
        "of_layers": total.of_layers, "factor": factor, "explained": explained, "lines": list(total.lines),
    }  # fmt: skip


def _searched(layers: Layers) -> bool:
    """Whether the log shows the search for tactics, also where nothing was to time."""
    return any(layers.log.table(name).num_rows for name in ("timings", "combinations", "passes"))


def _built(kernels: Sequence[Layer], other: str | None, searched: bool) -> list[dict[str, Any]]:
    compute = _timed([x for x in kernels if not x.converts])
    every = _timed(kernels)
    if compute.time_ms is None and every.time_ms is None:
        words = "the log holds no timings of the engine's tactics"
        because = ": one tactic was there, a cache had the result, or the lines are left out"
        words += because if searched else " (a build with --verbose prints them)"
        return [_step("tactics", compute, None, words), _step("conversions", every, None, words)]
    words = f"timings of {compute.layers} of {counted(compute.of_layers or 0, 'layer')} that {_compute(compute)}"
    words += f"; {other}" if other else ""
    converting = [x for x in kernels if x.converts]
    priced = sum(1 for x in converting if x.tactic_ms is not None)
    then = "no conversion" if not converting else f"timings of {priced} of {counted(len(converting), 'conversion')}"
    added = (every.time_ms or 0.0) - (compute.time_ms or 0.0)
    return [_step("tactics", compute, None, words), _step("conversions", every, added, then)]


def _compute(total: _Sum) -> str:
    return "computes" if total.of_layers == 1 else "compute"


def _timed(kernels: Sequence[Layer]) -> _Sum:
    known = [x for x in kernels if x.tactic_ms is not None]
    total = sum(x.tactic_ms or 0.0 for x in known) if known else None
    return _Sum(total, len(known), len(kernels), tuple(x.line for x in known[:5] if x.line is not None))


def _profiled(kernels: Sequence[Layer], profile: Sequence[Mapping[str, Any]], other: str | None) -> dict[str, Any]:
    times = [time for row in profile if (time := mean_ms(row)) is not None]
    if not times:
        return _step("profile", _Sum(None, 0, len(kernels)), None, "the log holds no profile (--dumpProfile)")
    if (shown := shown_percent(profile)) is not None:
        words = f"the rows of the profile in this log are about {shown:.2g} % of its time: others were left out"
        return _step("profile", _Sum(None, len(times), lines=tuple(r["line"] for r in profile[:5])), None, words)
    total = _Sum(sum(times), len(times), max(len(kernels), len(times)), tuple(row["line"] for row in profile[:5]))
    both = [x for x in kernels if x.tactic_ms is not None and x.profile_ms is not None]
    built, ran = sum(x.tactic_ms or 0.0 for x in both), sum(x.profile_ms or 0.0 for x in both)
    if not both or not ran or other:
        return _step("profile", total, None, other or "no layer has both a timing of the builder and a profile row")
    factor = built / ran
    same = f"{counted(len(both), 'layer has', 'layers have')} both: {_us(built)} when built, {_us(ran)} in the profile"
    if factor >= SUSPECT:
        why = _OTHER_CONDITIONS
    elif ran > built:
        why = f"{_each(ran - built, len(both))}, usually launches, the profiler's events and a colder cache"
    else:
        why = "usually higher clocks, or data of the layer before that are still in the cache"
    return _step("profile", total, ran - built, f"{same}; {why}", factor)


def _measured(
    table: pa.Table,
    measured: Mapping[str, float],
    diagnosed: Mapping[str, Any] | None,
    steps: Sequence[Mapping[str, Any]],
    other: str | None,
) -> list[dict[str, Any]]:
    lines: dict[str, tuple[int, ...]] = {}
    for row in kept_figures(table):
        lines[row["metric"]] = (row["line"],)
    if diagnosed is None:
        return []
    gpu = measured.get("gpu_compute_mean_ms", diagnosed["gpu_ms"])
    latency = measured.get("latency_mean_ms", diagnosed["latency_ms"])
    out = [_gpu(gpu, lines.get("gpu_compute_time", ()), diagnosed, steps, other)]
    copies = [(name, measured.get(f"{name}_mean_ms", diagnosed[f"{name}_ms"])) for name in ("h2d", "d2h")]
    printed = ", ".join(f"{name} {_us(time)}" for name, time in copies if time is not None)
    words = f"copies: {printed}" if printed else "the log prints no times of copies"
    change = latency - gpu if latency is not None and gpu is not None else None
    out.append(_step("latency", _Sum(latency, lines=lines.get("latency", ())), change, words))
    wall = gpu + diagnosed["host_overhead_ms"] if gpu and diagnosed["host_overhead_ms"] is not None else None
    if wall is None:
        streams, words = diagnosed["streams"] or 1, "not printed"
        if streams > 1:
            words = f"{streams} streams, whose queries overlap"
        elif diagnosed["throughput_qps"] is not None and diagnosed["streams"] is None:
            words = "the log does not say how many streams ran"
    elif latency is not None and wall < latency:
        words = "less than the latency: the copies of one query run beside the computation of another"
    else:
        words = "between two queries the host prepares, waits and synchronizes"
    change = wall - latency if wall is not None and latency is not None else None
    out.append(_step("walltime", _Sum(wall, lines=lines.get("throughput", ())), change, words))
    return out


def _gpu(
    gpu: float | None,
    lines: tuple[int, ...],
    diagnosed: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    other: str | None,
) -> dict[str, Any]:
    total = _Sum(gpu, lines=lines)
    built, profile = steps[1], steps[2]
    whole = built["time_ms"] is not None and built["layers"] >= _MOST * built["of_layers"] and not other
    before = profile if profile["time_ms"] is not None else built if whole else None
    if gpu is None:
        return _step("gpu_compute", total, None, "not printed")
    if before is None:
        return _step("gpu_compute", total, None, other or "neither profile nor timings of all layers to compare with")
    change = gpu - before["time_ms"]
    factor = built["time_ms"] / gpu if whole and gpu else None
    enqueue = diagnosed["enqueue_ms"]
    each = _each(abs(change), before["layers"])
    if factor is not None and factor >= SUSPECT and before is built:
        words = f"the builder's timings add up to {_us(built['time_ms'])}: {_OTHER_CONDITIONS}"
    elif (diagnosed["streams"] or 1) > 1:
        words = f"{diagnosed['streams']} streams share the GPU, so that each inference takes longer"
    elif change < 0 and before is profile:
        far = -change > _EVENT_MS * (before["layers"] or 0)
        words = "more than the profiler's events cost: the profile was taken under other conditions" if far else (
            f"{each} less, usually the profiler's events, which outweigh the gaps between kernels"
        )  # fmt: skip
    elif change < 0:
        words = "usually higher clocks than in the build, and data that are still in the cache"
    elif diagnosed["cuda_graph"] is None:
        words = f"gaps between kernels; the log does not say whether a CUDA graph launched them: {each}"
    elif diagnosed["cuda_graph"]:
        words = f"gaps between kernels that a CUDA graph leaves: {each}"
    elif enqueue is not None and enqueue >= ENQUEUE_SHARE * gpu:
        words = f"no CUDA graph: the host enqueues for {_us(enqueue)}, so that the GPU waits for launches"
    else:
        words = f"no CUDA graph, gaps between kernels: {each}"
    return _step("gpu_compute", total, change, words, factor)


def _each(time_ms: float, layers: int | None) -> str:
    return f"{1000 * time_ms / layers:,.2g} us a layer" if layers else "no layers"


def _us(time_ms: float) -> str:
    return f"{1000 * time_ms:,.4g} us" if time_ms < 1 else f"{time_ms:,.4g} ms"


def other_shapes(options: Iterable[Mapping[str, Any]]) -> str | None:
    """Return in words that the builder timed other shapes than were run, None where they are the same or unknown.

    Examples
    --------
    >>> build = {"section": "build", "key": "Input build shape", "value": "x=1x3+8x3+32x3"}
    >>> print(other_shapes([build, {"section": "inference", "key": "Input inference shape", "value": "x=1x3"}]))
    the builder timed x=8x3, the inference ran x=1x3
    >>> other_shapes([build, {"section": "inference", "key": "Input inference shape", "value": "x=8x3"}]) is None
    True
    """
    built: dict[str, str] = {}
    ran: dict[str, str] = {}
    batch: dict[str, str] = {}
    options = list(options)
    profile = next((str(row["value"]) for row in options if row["key"] == "Optimization Profile Index"), "0")
    for row in options:
        name, _, value = str(row["value"] or "").rpartition("=")
        if name and (key := BUILD_SHAPE.fullmatch(row["key"])) and key[1] in (None, profile):
            sizes = value.split("+")
            built[name] = sizes[1] if len(sizes) == 3 else sizes[0]
        elif name and row["key"] == "Input inference shape":
            ran[name] = value
        elif row["key"] in ("Max batch", "Batch"):
            batch[row["key"]] = str(row["value"])
    for name in sorted(built.keys() & ran.keys()):
        if built[name] != ran[name]:
            return f"the builder timed {name}={built[name]}, the inference ran {name}={ran[name]}"
    most, used = batch.get("Max batch", ""), batch.get("Batch", "")
    if most.isdigit() and used.isdigit() and most != used:
        return f"the builder timed batch {most}, the inference ran batch {used}"
    return None
