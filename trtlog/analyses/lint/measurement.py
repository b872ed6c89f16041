"""What bounds the throughput, and what spoils the measurement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from trtlog._util.rows import table_rows
from trtlog._util.words import plural, share_in_words, significant
from trtlog.analyses.build.performance import ENQUEUE_SHARE, graph_failures, kept_figures
from trtlog.analyses.build.reconciliation import SUSPECT
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.profile import dla_copies, kept_profile, mean_ms, shown_percent, whole_ms
from trtlog.analyses.lint.gpus import integrated
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.analyses.programs import loads_engine
from trtlog.log import Log

_TINY_MS = 0.010
_NO_KERNEL = ("Constant", "NoOp")
# Of an engine most of whose layers the cache had the result for, the rest says little.
_TIMED_SHARE = 0.8
_HOT_PERCENT = 10.0
# What one digit after the point shows as nothing is told with its own digits.
_SMALLEST_PERCENT = 0.05


def _diagnosis(log: Log) -> dict[str, Any] | None:
    found = table_rows(log.analyze.table("performance"))
    return found[0] if found else None


def _metric_lines(log: Log, *metrics: str) -> list[int]:
    """Return the lines of some metrics, of the last summary where there are several."""
    return sorted({row["line"] for row in kept_figures(log.table("performance")) if row["metric"] in metrics})


@rule(
    "enqueue-bound",
    severity="warning",
    confidence="high",
    why="The host takes as long to launch the kernels as the GPU to run them: the GPU waits, and faster kernels "
    "gain nothing.",
    action="<<Measure with --useCudaGraph|Measure without --noCudaGraph>>; in the application capture the enqueue in a "
    "CUDA graph. Larger batches and several streams hide launches too.",
)
def enqueue_bound(log: Log) -> Iterable[Hit]:
    """Throughput bound by the host's enqueue time, as 'trtlog performance' finds it."""
    found = _diagnosis(log)
    if found is None or found["enqueue_ms"] is None or found["gpu_ms"] is None:
        return
    words = f"Enqueue takes {found['enqueue_ms']:g} ms (median), the GPU {found['gpu_ms']:g} ms: {found['because']}"
    if found["bound_by"] == "enqueue":
        failed, action = graph_failures(log), None
        if failed:
            words += f"; a CUDA graph was asked for and not used (line {failed[0]})"
            action = f"See line {failed[0]} for why there is no CUDA graph; larger batches and several streams hide "
            action += "launches too."
        yield Hit(f"{words}.", [*found["lines"], *failed], action=action)
        return
    busy = found["gpu_busy_percent"] is not None and not found["profiled"]
    near = found["enqueue_ms"] > ENQUEUE_SHARE * found["gpu_ms"] and not found["cuda_graph"]
    if found["bound_by"] is None and busy and near:
        yield Hit(f"{words}.", found["lines"], severity="advice", confidence="medium")
    elif found["bound_by"] == "gpu":
        yield good(f"{words}.", found["lines"])


@rule(
    "host-bound",
    severity="warning",
    confidence="medium",
    why="The GPU waits between queries for something that is neither launches nor copies: the throughput measures the "
    "host, varies with it, and faster kernels gain little.",
    action="Use a larger batch or several streams (<<--streams|--infStreams>>), <<--useSpinWait|leave out "
    "--noSpinWait>>, and a host without other work; compare engines by their GPU compute time.",
)
def host_bound(log: Log) -> Iterable[Hit]:
    """Throughput bound by the host besides its enqueue: synchronization, gaps between queries."""
    found = _diagnosis(log)
    if found is not None and found["bound_by"] == "host":
        words = found["because"]
        action = None
        if log.inference.spin_wait:
            action = "Use a larger batch or several streams (<<--streams|--infStreams>>), and a host without other "
            action += "work; compare engines by their GPU compute time."
        yield Hit(f"{words[0].upper()}{words[1:]}.", found["lines"], action=action)


# Up to 10.13.0 trtexec warned from 1 % on; of so much or less 10.13.2 and later say nothing.
_LITTLE_PERCENT = 2.5
# The percentiles of fewer queries are the longest of them.
_FEW_QUERIES = 10


def _is_count(fact: Mapping[str, Any]) -> bool:
    return (fact["kind"], fact["field"]) == ("timing_trace", "queries") and fact["value"] is not None


# A spread of that much between median and 99th percentile is what steady runs have.
_FLAT_PERCENT = 2.0


@rule(
    "unstable-gpu-time",
    severity="warning",
    confidence="high",
    why="With unstable GPU times two builds cannot be compared, and tactics are timed as unstably during the build.",
    action="Lock the clocks (nvidia-smi -lgc; on Jetson nvpmodel and jetson_clocks), <<add --useSpinWait|leave out "
    "--noSpinWait>>, lengthen --warmUp and --duration, keep others off the GPU.",
)
def unstable_gpu_time(log: Log) -> Iterable[Hit]:
    """GPU times that vary from one inference to the next."""
    warned = messages(log, kind="gpu_time_unstable")
    found = _diagnosis(log)
    lines = [*(m["line"] for m in warned), *_metric_lines(log, "gpu_compute_time")]
    drift = found["drift_percent"] if found else None
    queries = next((r["value"] for r in reversed(table_rows(log.table("facts"))) if _is_count(r)), None)
    if warned:
        printed = re.search(r"(?<![0-9])([0-9]+(?:\.[0-9]+)?)%", warned[0]["text"])
        words = f"trtexec reports a coefficient of variation of {printed[1] if printed else '?'} %"
        tail = None if found is None or found["p99_over_median"] is None else 100 * (found["p99_over_median"] - 1)
        if printed and tail is not None and max(2 * tail, _FLAT_PERCENT) < float(printed[1]):
            # All but one in a hundred lie within so little that the variation cannot be theirs.
            most = found["max_over_median"] if found else None
            longest = f", the longest took {significant(most)} times as long" if most is not None else ""
            above = f"{significant(tail, 2)} % above the median"
            words += f", which a few long inferences make: the 99th percentile is {above}"
            action = "Compare medians, which a few do not move, not means. Something else on the GPU or the host comes "
            action += "in between now and then; a longer --duration shows how often."
            yield Hit(f"{words}{longest}.", lines, severity="advice", action=action)
            return
        if drift is not None and abs(drift) > 5:
            direction = "faster" if drift < 0 else "slower"
            words += f"; the last quarter of the trace is {abs(drift):.1f} % {direction} than the first"
        little = printed is not None and float(printed[1]) <= _LITTLE_PERCENT
        yield Hit(f"{words}.", lines, action=_steadier(log), severity="advice" if little else None)
    elif found and found["p99_over_median"] is not None and (queries is None or queries >= _FEW_QUERIES):
        ratio = found["p99_over_median"]
        if ratio > 1.1 and (found["streams"] or 1) > 1:
            words = f"The 99th percentile of the GPU time is {ratio:.2f} times the median"
            yield Hit(
                f"{words}, in {found['streams']} streams, whose queries wait for one another.", lines,
                severity="advice", confidence="low",
                action="Measure with one stream to see how steady the GPU is; of several streams compare throughputs.",
            )  # fmt: skip
        elif ratio > 1.1:
            words = f"The 99th percentile of the GPU time is {ratio:.2f} times the median."
            yield Hit(words, lines, confidence="medium", action=_steadier(log))
        else:
            yield good(f"GPU times are stable: the 99th percentile is {ratio:.3f} times the median.", lines)


def _steadier(log: Log) -> str:
    """Return what makes GPU times steadier, for the GPU and the options of a log."""
    if integrated(log.device):
        clocks = "Fix the power mode and the clocks (nvpmodel -m 0, then jetson_clocks)"
    elif log.device is None:
        clocks = "Lock the clocks (nvidia-smi -lgc; on Jetson nvpmodel and jetson_clocks)"
    else:
        clocks = "Lock the clocks (nvidia-smi -lgc)"
    spin = "" if log.inference.spin_wait else " <<add --useSpinWait|leave out --noSpinWait>>,"
    return f"{clocks},{spin} lengthen --warmUp and --duration, keep others off the GPU."


@rule(
    "transfers-dominate",
    severity="warning",
    confidence="high",
    why="Copies between host and GPU take longer than the computation, make it wait, or take much of the latency.",
    action="Keep inputs and outputs on the GPU, send smaller types (FP16, UINT8) and convert on the GPU, overlap "
    "copies with several streams. <<--noDataTransfers measures|Without --includeDataTransfers trtexec measures>> the "
    "computation alone.",
)
def transfers_dominate(log: Log) -> Iterable[Hit]:
    """Copies to and from the GPU that dominate."""
    found = _diagnosis(log)
    if found is None or found["copies_percent"] is None:
        return
    lines = _metric_lines(log, "throughput", "h2d_latency", "gpu_compute_time", "d2h_latency", "latency")
    share = found["copies_percent"]
    told = f"{share:.1f} %" if share >= _SMALLEST_PERCENT else share_in_words(share)
    # Both are printed where their share is known.
    words = f"Copies take {told} of the latency ({found['h2d_ms']:g} ms in, {found['d2h_ms']:g} ms out)"
    if max(found["h2d_ms"], found["d2h_ms"]) > (found["gpu_ms"] or 0.0):
        yield Hit(f"{words}, longer than the computation.", lines)
    elif found["copies_overlap"] is False and (idle := 100 - (found["gpu_busy_percent"] or 0.0)) > 5:
        words += f" and do not overlap with the computation: the GPU waits for {share_in_words(idle)} of the walltime"
        yield Hit(f"{words}.", lines, severity="warning" if idle >= 10 else "advice", confidence="medium")
    elif found["copies_percent"] > 30:
        if found["copies_overlap"]:
            words += "; they overlap with the computation of other queries"
        else:
            words += "; whether they overlap with the computation the log does not tell"
        yield Hit(f"{words}.", lines, severity="advice")
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
    reporting, inference, found = log.reporting, log.inference, _diagnosis(log)
    if found is None:
        return
    keys = ("Profile", "Separate profiling", "Export profile to JSON file")
    lines = [r["line"] for r in table_rows(log.table("options")) if r["key"] in keys] or [found["line"]]
    if found["profiled"]:
        yield Hit("Layers were profiled in the same run that the performance summary sums up.", lines)
        return
    # The run that profiles comes last: a log that ends before it does not say that it came.
    taken = log.run.status == "passed" or log.table("profile").num_rows > 0
    if taken and (reporting.profile or reporting.export_profile) and inference.separate_profiling:
        yield good("The layer profile was taken in a run of its own.", lines)


@rule(
    "default-shapes",
    severity="warning",
    confidence="high",
    why="trtexec took 1 for each dynamic dimension: engine and figures are for a shape that nobody asked for.",
    action="Give --minShapes, --optShapes and --maxShapes for the build and --shapes for the inference.",
)
def default_shapes(log: Log) -> Iterable[Hit]:
    """A model with dynamic dimensions, built without shapes."""
    found = [
        *messages(log, "no shapes were provided"),
        *messages(log, "overriding shape"),
        *messages(log, "automatically setting shape"),
    ]
    unique = list({m["line"]: m for m in found}.values())
    if unique:
        loaded = loads_engine(log)
        yield Hit(
            "; ".join(dict.fromkeys(m["text"].strip().rstrip(".") for m in unique[:3])) + ".",
            [m["line"] for m in unique],
            action="Give --shapes for the inference, within the profile that the engine was built for."
            if loaded
            else None,
            of_trtexec=True,
        )


@rule(
    "hot-layer",
    severity="advice",
    confidence="medium",
    why="A layer with a tenth of the time or more is where work pays first.",
    action="'trtlog why LAYER LOG' tells what was tried for it.",
)
def hot_layer(log: Log) -> Iterable[Hit]:
    """Layers that take a tenth of the profile or more; copies to and from the DLA wait for it meanwhile."""
    rows = [r for r in kept_profile(log).rows if r["percent"] is not None]
    hot = sorted((r for r in rows if r["percent"] >= _HOT_PERCENT), key=lambda r: -r["percent"])
    if not hot or len(rows) < 2:
        return
    copies = {r["line"] for r in dla_copies(rows)}
    waits = [r for r in hot if r["line"] in copies]
    named = ", ".join(f"{r['layer']}{'' if n else ' takes'} {r['percent']:g} %" for n, r in enumerate(hot[:3]))
    words, action = f"{named} of the profile.", None
    if waits:
        words += f" {waits[0]['layer']} is a copy, whose time holds the wait for what comes before it (the DLA)."
        action = "Profile the part that it waits for: of a DLA only its copies are printed."
    yield Hit(words, [r["line"] for r in hot], layers=tuple(r["layer"] for r in hot), action=action)


@rule(
    "tiny-layers",
    severity="advice",
    confidence="medium",
    why="Kernels of a few microseconds cost about as much to launch as to run; the GPU is never full.",
    action="Use a larger batch, a CUDA graph, and fuse: fewer, larger layers.",
)
def tiny_layers(log: Log) -> Iterable[Hit]:
    """A profile made up of kernels shorter than 10 microseconds; without a profile, the engine's timed tactics."""
    layers = layers_of(log)
    rows = kept_profile(log).rows
    times = [(time, row["line"]) for row in rows if (time := mean_ms(row))]
    total, of = whole_ms(rows), "profile"
    if shown_percent(rows) is not None:
        of += "; rows of it were left out"
    if not times:
        # Which of the layers that were timed become an engine's only its list says.
        kernels = [x for x in layers.layers if x.type not in _NO_KERNEL and x.row is not None]
        times = [(x.tactic_ms, x.line) for x in kernels if x.tactic_ms]
        of = "timed tactics' sum"
        if len(times) < _TIMED_SHARE * len(kernels):
            return
        total = sum(time for time, _ in times)
    tiny = [(time, line) for time, line in times if time < _TINY_MS]
    if len(times) >= 20 and total and sum(time for time, _ in tiny) > total / 2:
        part = 100 * sum(time for time, _ in tiny) / total
        yield Hit(
            f"{len(tiny)} of {len(times)} layers {plural(len(tiny), 'takes', 'take')} less than {1000 * _TINY_MS:g} us "
            f"each, together {share_in_words(part)} of the {of}.",
            [line for _, line in tiny[:5]],
        )


@rule(
    "builder-timed-slower",
    severity="warning",
    confidence="medium",
    why="The builder compared tactics while the GPU ran far below the speed of the inference (idle clocks, others on "
    "it): what was fastest then need not be now, and the next build may choose otherwise.",
    action="Build again with locked clocks and nobody else on the GPU, without a timing cache of this build; see "
    "'trtlog performance LOG'.",
)
def builder_timed_slower(log: Log) -> Iterable[Hit]:
    """Tactics of the engine that took twice as long or more when the builder timed them as in the inference."""
    steps = {row["step"]: row for row in table_rows(log.analyze.table("reconciliation"))}
    for name, words in (("gpu_compute", "the whole inference takes"), ("profile", "the profile shows")):
        step = steps.get(name)
        if step is None or step["factor"] is None or step["factor"] < SUSPECT:
            continue
        built = steps["conversions"]
        yield Hit(
            f"The engine's tactics were timed {step['factor']:.1f} times slower in the build than they ran: they add "
            f"up to {built['time_ms']:.4g} ms, {words} {step['time_ms']:.4g} ms.",
            [*(built["lines"] or ()), *(step["lines"] or ())],
        )
        return
