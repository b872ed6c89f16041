"""What one run of trtexec measured: the samples of each metric, the figures of its summary, how they spread.

The best that a log has:

``iteration times``
    The times of single inferences that ``--exportTimes`` wrote (table ``iteration_times``), without the
    warm-up.
``averages``
    The ``Average on N runs`` lines of the log, each the mean of N inferences (10 by default).

A log without either has its performance summary only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median, stdev
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog.analyses.build.performance import kept_figures
from trtlog.analyses.layer.messages import messages_of
from trtlog.log import Log

BLOCKS = 30
MIN_BLOCKS = 8
PARTS = 5

METRICS = (
    "throughput",
    "latency",
    "gpu_compute_time",
    "enqueue_time",
    "h2d_latency",
    "d2h_latency",
    "end_to_end_host_latency",
)
# How long was measured, not how fast.
TOTALS = ("total_host_walltime", "total_gpu_compute_time")
_AVERAGES = {
    "latency": "host_ms",
    "gpu_compute_time": "gpu_ms",
    "enqueue_time": "enqueue_ms",
    "end_to_end_host_latency": "end_to_end_ms",
}
_VARIANCE = expression(r"time is unstable, with coefficient of variance = ([0-9]+(?:\.[0-9]+)?)%", re.IGNORECASE)


@dataclass(frozen=True)
class Samples:
    """Times of one metric in the order they were taken.

    Parameters
    ----------
    values : tuple of float
        Milliseconds; inferences a second for throughput.
    source : str
        ``iteration times`` or ``averages``.
    """

    values: tuple[float, ...]
    source: str


def read_samples(log: Log) -> dict[str, Samples]:
    """Return the samples of each metric that a run has, from the exported times or the averages.

    Parameters
    ----------
    log : Log
        A log of one run. Exported times count where their mean is that of the log's own summary.
    """
    samples: dict[str, Samples] = {}
    table = log.table("iterations")
    for metric, column in _AVERAGES.items():
        values = tuple(v for v in table.column(column).to_pylist() if v is not None)
        if len(values) >= MIN_BLOCKS:
            samples[metric] = Samples(values, "averages")
    for metric, values in _exported(log).items():
        if len(values) >= MIN_BLOCKS:
            samples[metric] = Samples(values, "iteration times")
    return samples


def _exported(log: Log) -> dict[str, tuple[float, ...]]:
    rows = _exported_rows(log)
    if not rows:
        return {}
    found: dict[str, list[float]] = {
        "latency": [],
        "gpu_compute_time": [],
        "h2d_latency": [],
        "d2h_latency": [],
        "enqueue_time": [],
    }
    for row in rows:
        _append(found["gpu_compute_time"], row["compute_ms"])
        _append(found["h2d_latency"], row["h2d_ms"])
        _append(found["d2h_latency"], row["d2h_ms"])
        _append(found["latency"], row["latency_ms"])
        if row["start_enqueue_ms"] is not None and row["end_enqueue_ms"] is not None:
            found["enqueue_time"].append(row["end_enqueue_ms"] - row["start_enqueue_ms"])
    rates = _rates([row["end_compute_ms"] for row in rows])
    return {
        metric: tuple(v)
        for metric, v in {**found, "throughput": rates}.items()
        if len(v) == len(rows) or metric == "throughput"
    }


def _append(values: list[float], value: float | None) -> None:
    if value is not None:
        values.append(value)


def _rates(ends: Sequence[float | None]) -> list[float]:
    """Return inferences a second, block by block, of the times at which inferences end."""
    known = sorted(end for end in ends if end is not None)
    if len(known) < len(ends) or len(known) < 2 * MIN_BLOCKS:
        return []
    count = min(BLOCKS, len(known) // 2)
    edges = [round(i * (len(known) - 1) / count) for i in range(count + 1)]
    spans = [(b - a, known[b] - known[a]) for a, b in pairwise(edges)]
    return [1000 * inferences / span for inferences, span in spans if span > 0]


def _exported_rows(log: Log) -> list[dict[str, Any]]:
    """Return the times that were exported with a run, without the warm-up, which files until 8.4 hold too."""
    rows = list(table_rows(log.table("iteration_times")))
    if not rows:
        return []
    warm_up = log.inference.warm_up_ms or 0.0
    measured = [row for row in rows if row["start_compute_ms"] is None or row["start_compute_ms"] >= warm_up]
    return next((choice for choice in (rows, measured) if _belongs(log, choice)), [])


def _belongs(log: Log, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether exported times are of this run: their mean is that of the log's own summary.

    A file of an earlier run may lie beside a log, and a log of several runs has one file.
    """
    times = [row["compute_ms"] for row in rows if row["compute_ms"] is not None]
    summary = log.performance.gpu_compute_time
    if not times or summary is None or summary.mean_ms is None:
        return False
    return bool(abs(sum(times) / len(times) - summary.mean_ms) <= 0.001 * summary.mean_ms + 1e-5)


def drift(samples: Samples | None) -> float | None:
    """Return how much a run wanders: the standard deviation of the logarithms of the medians of its fifths.

    Neighbouring inferences are alike, so their number says little of how well a run's median is known; what its
    parts differ by is seen between runs as well. None without samples.

    Examples
    --------
    >>> round(drift(Samples((1.0,) * 40 + (1.1,) * 10, "averages")), 3)
    0.043
    """
    if samples is None or len(samples.values) < MIN_BLOCKS:
        return None
    count = len(samples.values)
    edges = [round(i * count / PARTS) for i in range(PARTS + 1)]
    parts = [median(samples.values[a:b]) for a, b in pairwise(edges) if b > a]
    logs = [math.log(part) for part in parts if part > 0]
    return stdev(logs) if len(logs) > 1 else None


def read_values(log: Log) -> dict[tuple[str, str], float]:
    """Return metric and statistic -> value of the performance summary; a throughput of 0 was not counted."""
    rows = kept_figures(log.table("performance").select(["metric", "stat", "value"]))
    found = {(row["metric"], row["stat"]): row["value"] for row in rows if row["value"] is not None}
    if found.get(("throughput", "value")) == 0:
        del found["throughput", "value"]
    return found


def spread_percent(log: Log) -> dict[str, float]:
    """Return how much each metric spreads within a run, in percent of its median.

    The coefficient of variance where the log prints one, else half of the range from the median to p99 or
    the maximum.
    """
    values = read_values(log)
    found: dict[str, float] = {}
    for metric in METRICS:
        median = values.get((metric, "median")) or values.get((metric, "mean"))
        high = next((values[metric, s] for s in ("p90", "p95", "p99", "max") if (metric, s) in values), None)
        if median and high is not None:
            found[metric] = max(0.0, 100 * (high / median - 1))
    for row in messages_of(log).distinct:
        if variance := _VARIANCE.search(row["text"] or ""):
            found["gpu_compute_time"] = max(found.get("gpu_compute_time", 0.0), float(variance[1]))
    # The rate depends on all that an inference does one after the other.
    rate = [found[m] for m in ("gpu_compute_time", "enqueue_time") if m in found]
    if rate:
        found["throughput"] = max(rate)
    return found
