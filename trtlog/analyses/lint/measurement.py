"""What bounds the throughput, and what spoils the measurement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trtlog._util.words import plural
from trtlog.analyses.lint.registry import Hit, good, messages, rule

if TYPE_CHECKING:
    from trtlog.log import Log

_TINY_MS = 0.010
_HOT_PERCENT = 10.0


def _diagnosis(log: Log) -> dict[str, Any] | None:
    found = log.analyze.table("performance").to_pylist()
    return found[0] if found else None


def _metric_lines(log: Log, *metrics: str) -> list[int]:
    rows = log.table("performance").to_pylist()
    return list(dict.fromkeys(r["line"] for r in rows if r["metric"] in metrics))


@rule(
    "enqueue-bound",
    severity="warning",
    confidence="high",
    why="The host takes as long to launch the kernels as the GPU to run them: the GPU waits, and faster kernels "
    "gain nothing.",
    action="<<Measure with --useCudaGraph|Measure without --noCudaGraph>>; in the application capture the enqueue in "
    "a CUDA graph. Larger batches and "
    "several streams hide launches too.",
)
def enqueue_bound(log: Log) -> Iterable[Hit]:
    """Throughput bound by the host's enqueue time, without a CUDA graph."""
    found = _diagnosis(log)
    if found is None or found["enqueue_ms"] is None or found["gpu_ms"] is None:
        return
    lines = [
        *_metric_lines(log, "enqueue_time", "gpu_compute_time"),
        *(m["line"] for m in messages(log, kind="enqueue_bound")),
    ]
    ratio = found["enqueue_ms"] / found["gpu_ms"] if found["gpu_ms"] else 0.0
    words = f"Enqueue takes {found['enqueue_ms']:g} ms (median), the GPU {found['gpu_ms']:g} ms"
    graph = log.inference.cuda_graph
    if ratio >= 0.9:
        action = None
        if graph:
            words += ", though a CUDA graph is on"
            action = (
                "Look whether the graph was captured at all (a loop or a shape on the host prevents it); use "
                "several streams."
            )
        yield Hit(f"{words}.", lines, action=action)
    else:
        yield good(f"{words}: launches are hidden{', with a CUDA graph' if graph else ''}.", lines)


@rule(
    "unstable-gpu-time",
    severity="warning",
    confidence="high",
    why="With unstable GPU times two builds cannot be compared, and tactics are timed as unstably during the build.",
    action="Lock the clocks (nvidia-smi -lgc), <<add --useSpinWait|leave out --noSpinWait>>, lengthen --warmUp and "
    "--duration, keep others "
    "off the GPU.",
)
def unstable_gpu_time(log: Log) -> Iterable[Hit]:
    """GPU times that vary from one inference to the next."""
    warned = messages(log, kind="gpu_time_unstable")
    found = _diagnosis(log)
    lines = [*(m["line"] for m in warned), *_metric_lines(log, "gpu_compute_time")]
    drift = found["drift_percent"] if found else None
    if warned:
        printed = re.search(r"([0-9.]+)%", warned[0]["text"])
        words = f"trtexec reports a coefficient of variation of {printed[1] if printed else '?'} %"
        if drift is not None and abs(drift) > 5:
            direction = "faster" if drift < 0 else "slower"
            words += f"; the last quarter of the trace is {abs(drift):.1f} % {direction} than the first"
        yield Hit(f"{words}.", lines)
    elif found and found["p99_over_median"] is not None:
        ratio = found["p99_over_median"]
        if ratio > 1.1:
            yield Hit(
                f"The 99th percentile of the GPU time is {ratio:.2f} times the median.", lines, confidence="medium"
            )
        else:
            yield good(f"GPU times are stable: the 99th percentile is {ratio:.3f} times the median.", lines)


@rule(
    "transfers-dominate",
    severity="warning",
    confidence="high",
    why="Copies between host and GPU take longer than the computation, or much of the latency.",
    action="Keep inputs and outputs on the GPU, send smaller types (FP16, UINT8) and convert on the GPU, overlap "
    "copies with "
    "several streams. <<--noDataTransfers measures|Without --includeDataTransfers trtexec measures>> the computation "
    "alone.",
)
def transfers_dominate(log: Log) -> Iterable[Hit]:
    """Copies to and from the GPU that dominate."""
    found = _diagnosis(log)
    if found is None or found["copies_percent"] is None:
        return
    lines = _metric_lines(log, "h2d_latency", "d2h_latency", "latency")
    words = (
        f"Copies take {found['copies_percent']:.1f} % of the latency ({found['h2d_ms']:g} ms in, "
        f"{found['d2h_ms']:g} ms out)"
    )
    bound = found["bound_by"] in ("h2d", "d2h")
    if bound or found["copies_percent"] > 30:
        yield Hit(f"{words}{', longer than the computation' if bound else ''}.", lines)
    else:
        yield good(f"{words}.", lines)


@rule(
    "profile-mixed-with-timing",
    severity="warning",
    confidence="high",
    why="With the layer profiler on, kernels are measured one by one: latency and throughput of the same run are "
    "too slow.",
    action="Take the profile in a run of its own<<, or add --separateProfileRun|>>.",
)
def profile_mixed(log: Log) -> Iterable[Hit]:
    """A layer profile taken in the run that was timed."""
    reporting, inference = log.reporting, log.inference
    wanted = reporting.profile or reporting.export_profile
    if not wanted or not log.table("performance").num_rows or inference.separate_profiling is None:
        return
    lines = [r["line"] for r in log.table("options").to_pylist() if r["key"] in ("Profile", "Separate profiling")]
    if inference.separate_profiling:
        yield good("The layer profile was taken in a run of its own.", lines)
    else:
        yield Hit("Layers were profiled in the same run that the performance summary sums up.", lines)


@rule(
    "default-shapes",
    severity="warning",
    confidence="high",
    why="trtexec took 1 for each dynamic dimension: engine and figures are for a shape that nobody asked for.",
    action="Give --minShapes, --optShapes and --maxShapes for the build and --shapes for the inference.",
)
def default_shapes(log: Log) -> Iterable[Hit]:
    """A model with dynamic dimensions, built without shapes."""
    found = [*messages(log, "no shapes were provided"), *messages(log, "overriding shape")]
    unique = list({m["line"]: m for m in found}.values())
    if unique:
        yield Hit(" ".join(dict.fromkeys(m["text"].strip() for m in unique[:3])), [m["line"] for m in unique])


@rule(
    "hot-layer",
    severity="advice",
    confidence="medium",
    why="A layer with a tenth of the time or more is where work pays first.",
    action="'trtlog why LAYER LOG' tells what was tried for it.",
)
def hot_layer(log: Log) -> Iterable[Hit]:
    """Layers that take a tenth of the profile or more."""
    rows = [r for r in log.table("profile").to_pylist() if r["layer"] != "Total" and r["percent"] is not None]
    hot = sorted((r for r in rows if r["percent"] >= _HOT_PERCENT), key=lambda r: -r["percent"])
    if hot and len(rows) > 1:
        named = ", ".join(f"{r['layer']} {r['percent']:g} %" for r in hot[:3])
        yield Hit(f"{named} of the profile.", [r["line"] for r in hot], layers=tuple(r["layer"] for r in hot))


@rule(
    "tiny-layers",
    severity="advice",
    confidence="medium",
    why="Kernels of a few microseconds cost about as much to launch as to run; the GPU is never full.",
    action="Use a larger batch, a CUDA graph, and fuse: fewer, larger layers.",
)
def tiny_layers(log: Log) -> Iterable[Hit]:
    """A profile made up of kernels shorter than 10 microseconds."""
    rows = [r for r in log.table("profile").to_pylist() if r["layer"] != "Total" and r["time_ms"] > 0]
    times = [(r["time_ms"] / r["iterations"] if r["iterations"] else r["avg_ms"], r) for r in rows]
    total = sum(time for time, _ in times)
    tiny = [(time, r) for time, r in times if time < _TINY_MS]
    if len(times) >= 20 and total and sum(time for time, _ in tiny) > total / 2:
        share = 100 * sum(time for time, _ in tiny) / total
        yield Hit(
            f"{len(tiny)} of {len(times)} layers {plural(len(tiny), 'takes', 'take')} less than {1000 * _TINY_MS:g} us "
            f"each, together {share:.0f} % of the profile.",
            [r["line"] for _, r in tiny[:5]],
        )
