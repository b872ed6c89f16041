"""What the measured times mean: what bounds the throughput, how stable they are, what the host costs.

The one place that says what bounds a run: lint's rules, the summary and the report repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import share_in_words, significant
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.messages import Messages, messages_of
from trtlog.flags import Version, printed_version
from trtlog.log import Log
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.records.options import InferenceOptions, ReportingOptions, last_summary, read_options

# The GPU computes for this share of the time and more: nothing else can bound the throughput by much.
BUSY_PERCENT = 95.0
# Below this share the GPU waits for something; between the two it still is the largest part by far.
MOSTLY_BUSY_PERCENT = 90.0
# trtexec's own threshold for its warning that the enqueue time may bound the throughput.
ENQUEUE_SHARE = 0.8
# With an enqueue as long as the computation the GPU's time may itself be stretched by waiting for launches: of one
# model on one GPU 0.50 ms of launches go with 0.66 ms of computation, 0.69 ms with 0.74 ms.
ENQUEUE_EQUAL = 0.98
# The GPU computes for more of the walltime than one query at a time can fill.
SEVERAL_AT_ONCE_PERCENT = 105.0
# Launches that take less than that of the time between two queries are not what the GPU waits for: in runs of launches
# alone they took 48 % and more.
ENQUEUE_OF_PERIOD = 0.4
# From then on trtexec launches a CUDA graph, copies nothing and profiles in a run of its own unless told otherwise;
# its options no longer print a line on the last.
_TURNED_ROUND: Version = (11,)
# Copies to and from the GPU that take this share of the time between two queries and more may be what it waits for,
# though each alone is shorter than the computation beside it.
COPIES_OF_PERIOD = 0.9
# Between two queries the GPU always rests for a moment, which counts where a query takes a few microseconds.
GAP_MS = 0.004


@record(frozen=True)
class Diagnosis(Record):
    """What bounds the throughput of a run, with the figures it rests on."""

    run: int = run_column()
    throughput_qps: float | None = column(
        "float64", "queries a second; with --batch trtexec counts samples; null where it prints 0", "qps"
    )
    latency_ms: float | None = column("float64", "median host latency: copies and GPU", "ms")
    gpu_ms: float | None = column("float64", "median GPU compute time", "ms")
    enqueue_ms: float | None = column("float64", "median enqueue time", "ms")
    h2d_ms: float | None = column("float64", "median time of copies to the GPU", "ms")
    d2h_ms: float | None = column("float64", "median time of copies from the GPU", "ms")
    p99_over_median: float | None = column("float64", "99th percentile of the GPU time over its median")
    max_over_median: float | None = column("float64", "largest GPU time over its median")
    drift_percent: float | None = column(
        "float64", "GPU time of the last quarter of the trace against the first quarter", "%"
    )
    gpu_busy_percent: float | None = column(
        "float64", "total GPU compute time over walltime; above 100 with several streams", "%"
    )
    host_overhead_ms: float | None = column(
        "float64", "walltime a query, less GPU time a query; null with several streams, whose queries overlap", "ms"
    )
    bound_by: str | None = column(
        "name",
        "gpu: it computes nearly all the time, or longest of stages that wait for one another; enqueue: the host "
        "launches no faster than the GPU computes; h2d or d2h: a copy is the longest stage; host: the GPU waits, for "
        "neither launches nor copies (synchronization, gaps between queries); null where the log cannot tell, because "
        "says why",
    )
    copies_percent: float | None = column("float64", "share of the copies in the latency; null without copies", "%")
    copies_overlap: bool | None = column(
        "bool", "whether copies run beside the computation of other queries: false where both add up to the time "
        "between two queries, true where they take longer than it; null where unknown"
    )
    profiled: bool | None = column(
        "bool", "whether a layer profiler was attached to the run that was measured; null without options and command"
    )
    cuda_graph: bool | None = column(
        "bool",
        "whether a CUDA graph launched the inferences; false too where its capture failed, null without options and "
        "command",
    )
    streams: int | None = column("int64", "inference streams; null without options and command")
    because: str | None = column("text", "the figures that bound_by follows from")
    lines: list[int] | None = column("int64s", "lines that bound_by rests on")
    line: int | None = line_column("the throughput")


# Metric of the performance summary -> the beginning of its columns where each run is one row.
_COLUMNS = {
    "latency": "latency",
    "gpu_compute_time": "gpu_compute",
    "enqueue_time": "enqueue",
    "h2d_latency": "h2d",
    "d2h_latency": "d2h",
}


_COPIES = ("h2d_latency", "d2h_latency")


def _figure(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["metric"], row["stat"]


def kept_figures(performance: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a run's performance summary, of the last one where there are several.

    Parameters
    ----------
    performance : pyarrow.Table
        Table ``performance`` of one run, with the columns that are wanted, ``metric`` and ``stat`` among them.
    """
    return last_summary(table_rows(performance), _figure)


def measures(performance: pa.Table) -> dict[str, float]:
    """Return the performance summary of one run as a row: ``throughput_qps``, ``latency_p99_ms``, ...

    Of several summaries the last one counts.
    """
    found: dict[str, float] = {}
    for row in kept_figures(performance):
        if row["metric"] == "throughput":
            if row["value"]:  # 0 is what TensorRT 7 prints of an explicit batch: it counts no queries
                found["throughput_qps"] = row["value"]
        elif row["metric"] in _COLUMNS:
            found[f"{_COLUMNS[row['metric']]}_{row['stat']}_ms"] = row["value"]
    return found


@dataclass(frozen=True)
class _Setup:
    """How a run was measured, and what trtexec itself says of it."""

    streams: int = 1
    batch: int = 1
    graph: bool = False
    transfers: bool = True
    profiled: bool = False
    warnings: Sequence[str] = ()
    warned_lines: Sequence[int] = ()
    known: bool = True  # options or the command are printed; else trtexec's defaults are assumed


@dataclass(frozen=True)
class _Times:
    """The figures that decide, in milliseconds a query; None for what the log does not print."""

    gpu: float | None
    enqueue: float | None
    h2d: float | None
    d2h: float | None
    gpu_mean: float | None = None
    period: float | None = None
    busy: float | None = None
    latency: float | None = None
    copies_mean: float | None = None

    @property
    def copies(self) -> float:
        """Both copies: where one is not printed, as in TensorRT 7, what the latency holds beside the computation."""
        if (self.h2d is None or self.d2h is None) and self.latency is not None and self.gpu is not None:
            return max(0.0, self.latency - self.gpu)
        return (self.h2d or 0.0) + (self.d2h or 0.0)


def diagnose(
    performance: pa.Table, iterations: pa.Table, options: pa.Table, messages: pa.Table, runs: pa.Table
) -> pa.Table:
    """Diagnose each run that was measured.

    The share of the walltime that the GPU computes decides first; the stages (enqueue, copies) only where it leaves
    room. What trtexec warns of is told, and followed unless the walltime contradicts it.
    """
    begun = {row["run"]: row for row in table_rows(runs)}
    averages, printed = _by_run(table_rows(iterations)), _by_run(table_rows(options))
    said = _by_run(Messages(messages).where(lambda row, _: row["kind"] in ("cuda_graph_failed", *_WARNINGS)))
    out = []
    for run, rows in _by_run(table_rows(performance)).items():
        kept = last_summary(rows, _figure)
        values = {_figure(row): row["value"] for row in kept}
        lines = {row["metric"]: row["line"] for row in kept}
        # Warnings stand below the figures that they are about, averages of stretches between two summaries above.
        first = min(lines.values())
        before = max((row["line"] or 0 for row in rows[: -len(kept)]), default=0)
        own = [m for m in said.get(run, []) if m["kind"] not in _WARNINGS or m["line"] > first]
        setup = _setup(printed.get(run, []), own, begun.get(run, {}))
        of_run = [row for row in averages.get(run, []) if (row["line"] or 0) >= before]
        enqueued = [row["enqueue_ms"] for row in of_run if row["enqueue_ms"] is not None]
        drift = _drift([row["gpu_ms"] for row in of_run if row["gpu_ms"] is not None])
        out.append(_diagnosis(run, values, lines, setup, drift, enqueued))
    return answer(Diagnosis, out)


_WARNINGS = ("enqueue_bound", "transfer_bound")


def _is_graph_failure(message: Mapping[str, Any]) -> bool:
    # In a second run the profiler alone goes without a graph.
    return message["kind"] == "cuda_graph_failed" and "second run" not in message["text"]


def graph_failures(log: Log) -> list[int]:
    """Return the lines that say that the inferences were launched without the CUDA graph that was asked for.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    return [m["line"] for m in messages_of(log).where(lambda row, _: _is_graph_failure(row))]


def launched_graph(log: Log) -> bool | None:
    """Return whether the inferences of a run were launched as a CUDA graph, as its diagnosis says, without making that.

    Where nothing was measured, whether the options ask for one, None where they are not printed.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    asked = log.inference.cuda_graph
    if not log.table("performance").num_rows:
        return asked
    command = log.run.command or ""
    if not command and not log.table("options").num_rows:
        return None
    if asked is None:
        asked = _asks_graph(command, turned=_is_turned_round(log.run.tensorrt_version, command))
    return asked and not graph_failures(log)


def _is_turned_round(tensorrt_version: str | None, command: str) -> bool:
    version = printed_version(tensorrt_version, command)
    return version is not None and version >= _TURNED_ROUND


def _given(command: str, flag: str) -> str | None:
    """Return the value of a flag of a command line, "" for one without, None for none."""
    words = command.split()
    return next((w.partition("=")[2] for w in words if w == flag or w.startswith(f"{flag}=")), None)


def _asks_graph(command: str, *, turned: bool) -> bool:
    return _given(command, "--noCudaGraph") is None if turned else _given(command, "--useCudaGraph") is not None


_Row = TypeVar("_Row", bound=Mapping[str, Any])


def _by_run(rows: Iterable[_Row]) -> dict[int, list[_Row]]:
    found: dict[int, list[_Row]] = {}
    for row in rows:
        found.setdefault(row["run"], []).append(row)
    return found


def _setup(of_run: Sequence[dict[str, Any]], own: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> _Setup:
    """Read how a run was measured: from the printed options, else from its command and its version's defaults."""
    command: str = row.get("command") or ""
    turned = _is_turned_round(row.get("tensorrt_version"), command)

    def section(name: str) -> list[tuple[str, str | None]]:
        return [(row["key"], row["value"]) for row in of_run if row["section"] == name]

    inference = read_options(InferenceOptions, section("inference"))
    reporting = read_options(ReportingOptions, section("reporting"))
    given = partial(_given, command)

    def number(text: str | None) -> int:
        return int(text) if text is not None and text.isdigit() and int(text) > 0 else 1

    failed = [m for m in own if _is_graph_failure(m)]
    graph, transfers, separate = inference.cuda_graph, inference.data_transfers, inference.separate_profiling
    if graph is None:
        graph = _asks_graph(command, turned=turned)
    if transfers is None:
        transfers = given("--includeDataTransfers") is not None if turned else given("--noDataTransfers") is None
    if separate is None:
        separate = turned or given("--separateProfileRun") is not None
    profile = reporting.profile if reporting.profile is not None else given("--dumpProfile") is not None
    profile = profile or bool(reporting.export_profile) or given("--exportProfile") is not None
    warned = [m for m in own if m["kind"] in _WARNINGS]
    return _Setup(
        streams=inference.streams or number(given("--infStreams") or given("--streams")),
        batch=number(inference.batch if inference.batch is not None else given("--batch")),
        graph=graph and not failed,
        transfers=transfers,
        profiled=profile and not separate,
        warnings=[
            "d2h" if "device-to-host" in m["text"] else "h2d" if m["kind"] == "transfer_bound" else "enqueue"
            for m in warned
        ],
        warned_lines=[m["line"] for m in warned],
        known=bool(of_run or command),
    )


def _diagnosis(
    run: int,
    values: dict[tuple[str, str], float],
    lines: dict[str, int],
    setup: _Setup,
    drift: float | None,
    enqueued: list[float],
) -> dict[str, Any]:
    def middle(metric: str) -> float | None:
        return values.get((metric, "median"), values.get((metric, "mean")))

    gpu, enqueue = middle("gpu_compute_time"), middle("enqueue_time")
    if enqueue is None and enqueued:
        enqueue = sorted(enqueued)[len(enqueued) // 2]
    h2d, d2h, latency = middle("h2d_latency"), middle("d2h_latency"), middle("latency")
    qps = values.get(("throughput", "value")) or None
    total, wall = values.get(("total_gpu_compute_time", "value")), values.get(("total_host_walltime", "value"))
    mean = values.get(("gpu_compute_time", "mean"), gpu)
    period = 1000 * setup.batch / qps if qps else None
    if period is None and total and wall and mean:
        period = mean * wall / total * setup.streams
    busy = 100 * total / wall if total and wall else 100 * mean / period if mean and period else None
    if busy is not None and busy > SEVERAL_AT_ONCE_PERCENT and not (setup.known or (total and wall)):
        busy = None  # the throughput counts samples of a batch, or of streams, whose number is not in the log
    if not setup.known and busy is not None and total and wall and mean:
        # Nor is a batch printed: of one query at a time the walltime tells how long it took.
        period = mean * wall / total if busy <= SEVERAL_AT_ONCE_PERCENT else None
    # Means add up to the walltime, medians do not where times vary.
    copied = [values.get((metric, "mean")) for metric in _COPIES if middle(metric) is not None]
    means = [value for value in copied if value is not None]
    copies = sum(means) if means and len(means) == len(copied) else None
    times = _Times(gpu, enqueue, h2d, d2h, mean, period, busy, latency, copies)
    bound, because = _bound(times, setup)
    p99, largest = values.get(("gpu_compute_time", "p99")), values.get(("gpu_compute_time", "max"))
    used = ("throughput", "enqueue_time", "h2d_latency", "gpu_compute_time", "d2h_latency", "total_host_walltime")
    used_lines = {lines[name] for name in (*used, "total_gpu_compute_time") if name in lines}
    return {
        "run": run,
        "throughput_qps": qps,
        "latency_ms": latency,
        "gpu_ms": gpu,
        "enqueue_ms": enqueue,
        "h2d_ms": h2d,
        "d2h_ms": d2h,
        "p99_over_median": p99 / gpu if p99 and gpu else None,
        "max_over_median": largest / gpu if largest and gpu else None,
        "drift_percent": drift,
        "gpu_busy_percent": busy,
        "host_overhead_ms": max(0.0, period - mean) if period and mean and setup.known and setup.streams == 1 else None,
        "bound_by": bound,
        "copies_percent": (
            100 * times.copies / latency if latency and setup.transfers and None not in (h2d, d2h) else None
        ),
        "copies_overlap": _overlap(times, setup),
        "profiled": setup.profiled if setup.known else None,
        "cuda_graph": setup.graph if setup.known else None,
        "streams": setup.streams if setup.known else None,
        "because": because,
        "lines": sorted({*used_lines, *setup.warned_lines}),
        "line": lines.get("throughput", min(lines.values())),
    }


def _bound(times: _Times, setup: _Setup) -> tuple[str | None, str]:
    """Return what bounds the throughput, and the figures that say so."""
    if times.gpu is None:
        return None, "the log prints no GPU compute time"
    if setup.profiled:
        return None, "the layer profiler was attached to this run, and it synchronizes after each layer"
    near = times.enqueue / times.gpu if times.enqueue is not None and times.gpu else None
    warned = "enqueue" in setup.warnings
    if times.busy is not None and times.busy > SEVERAL_AT_ONCE_PERCENT and not setup.known:
        # In two streams 171 % were 85 % each, and waited for launches.
        told = f"the GPU computes {significant(times.busy / 100, 2)} queries at a time: whether that keeps it busy "
        told += "the number of streams would tell, which is not in the log"
        return None, told + ("; trtexec warns that the enqueue may bound the throughput" if warned else "")
    if times.busy is None or times.period is None:
        return _by_stages(times, setup, near)
    busy = times.busy / setup.streams
    share = f"{busy:.1f} % of the walltime" + (f" in each of {setup.streams} streams" if setup.streams > 1 else "")
    launches = "" if near is None else f"the enqueue takes {share_in_words(100 * near)} of its time"
    stretched = near is not None and near >= ENQUEUE_EQUAL and not setup.graph
    gap = times.period - (times.gpu_mean or times.gpu)
    if busy >= BUSY_PERCENT and stretched:
        told = f"the GPU computes for {share}, and {launches}"
        told += ": whether the GPU waits for launches, which counts as its time, or the host for the GPU the log does "
        return None, f"{told}not tell; a run with a CUDA graph does"
    if busy >= BUSY_PERCENT or (busy >= MOSTLY_BUSY_PERCENT and not stretched):
        close = not setup.graph and near is not None and near >= ENQUEUE_SHARE
        ending = f"; {launches}{', close behind it' if close else ''}" if launches else ""
        return "gpu", f"the GPU computes for {share}{ending}{_against(setup)}"
    waits = f"the GPU computes for only {share}"
    if setup.streams == 1 and not stretched and gap <= GAP_MS:
        return "gpu", f"{waits}, but rests for no more than {1000 * gap:.1f} us between queries, as it always does"
    of_period = None if times.enqueue is None else times.enqueue * setup.streams / times.period
    launching = of_period is None or of_period >= ENQUEUE_OF_PERIOD
    if not setup.graph and launching and (warned or (near is not None and near > ENQUEUE_SHARE)):
        return "enqueue", f"{waits} and waits for launches{': ' if launches else ''}{launches}"
    copy, copy_ms = max(("h2d", times.h2d or 0.0), ("d2h", times.d2h or 0.0), key=lambda stage: stage[1])
    if copy_ms > times.gpu:
        return copy, f"{waits}; a copy of {copy_ms:.4g} ms takes longer than the computation of {times.gpu:.4g} ms"
    if setup.transfers and _in_turn(times):
        return "gpu", f"{waits}; copies of {times.copies:.4g} ms that do not overlap with it take the rest"
    if not setup.graph and not launching:
        launches = f"the enqueue takes {share_in_words(100 * (of_period or 0.0))} of the time between two queries"
        launches += ", though trtexec warns of it" if warned else ""
    told = f"{waits}{'; ' if launches else ''}{launches}"
    copies = (times.copies_mean or times.copies or 0.0) / times.period if setup.transfers else 0.0
    if setup.streams == 1 and copies >= COPIES_OF_PERIOD:
        # One engine that copies both ways is then as busy as the GPU; with two of them neither is.
        both = f"both copies together take {share_in_words(100 * copies)} of the time between two queries"
        return None, f"{told}; {both}: whether the GPU waits for them or for the host the log does not tell"
    return "host", f"{told}, and {_rest(times, setup, gap)}"


def _rest(times: _Times, setup: _Setup, gap: float) -> str:
    """Say that neither launches nor copies are what the GPU waits for, with what copies can take of it at most."""
    if setup.streams > 1 or not setup.transfers or not times.copies or times.copies >= gap:
        return "neither launches nor copies take the rest"
    return (
        f"of the {gap:.4g} ms that it waits a query copies take {times.copies:.4g} ms at most, the host the rest "
        "(synchronization, gaps between queries)"
    )


def _in_turn(times: _Times) -> bool:
    """Whether copies overlap with nothing: with the computation they add up to the time between two queries."""
    gpu = times.gpu_mean or times.gpu
    if gpu is None or times.period is None or not times.copies:
        return False
    means = times.copies_mean or times.copies
    added_up = min(means, times.copies) + gpu <= 1.005 * times.period
    return added_up and max(means, times.copies) >= 0.8 * (times.period - gpu)


def _overlap(times: _Times, setup: _Setup) -> bool | None:
    """Whether copies run beside the computation of other queries, None where the times do not tell."""
    gpu = times.gpu_mean or times.gpu
    if not setup.transfers or setup.profiled or not times.copies or not times.period or not gpu:
        return None
    if setup.streams == 1 and _in_turn(times):
        return False
    # What takes longer than the time between two queries cannot be done one after the other.
    return True if setup.streams > 1 or (times.copies_mean or times.copies) + gpu > 1.02 * times.period else None


def _by_stages(times: _Times, setup: _Setup, near: float | None) -> tuple[str | None, str]:
    """Judge by the stages alone, where the log does not say how much of the walltime the GPU computes."""
    unknown = "the log does not say how long the GPU computed of the walltime"
    copy = max(("h2d", times.h2d or 0.0), ("d2h", times.d2h or 0.0), key=lambda stage: stage[1])
    if copy[1] > (times.gpu or 0.0):
        return copy[0], f"a copy of {copy[1]:g} ms takes longer than the computation of {times.gpu:g} ms"
    if "enqueue" in setup.warnings:
        return "enqueue", "trtexec warns of it"
    if near is None:
        return None, f"{unknown}, nor how long the host enqueues"
    if setup.graph or near <= ENQUEUE_SHARE:
        return "gpu", f"of the stages that overlap the computation is the longest ({times.gpu:g} ms)"
    return None, f"{unknown}; the enqueue takes {share_in_words(100 * near)} of the GPU's time"


def _against(setup: _Setup) -> str:
    """Return a clause on trtexec's own warning where the GPU is busy all the same."""
    if "enqueue" not in setup.warnings:
        return ""
    return (
        ". trtexec warns that the enqueue may bound the throughput: between kernels the GPU may wait for launches, "
        "which counts as its time"
    )


def _drift(times: Sequence[float]) -> float | None:
    quarter = len(times) // 4
    if quarter < 2:
        return None
    first, last = sum(times[:quarter]) / quarter, sum(times[-quarter:]) / quarter
    return 100 * (last / first - 1) if first else None
