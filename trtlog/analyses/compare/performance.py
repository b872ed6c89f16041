"""Whether a performance change between two runs is real or noise.

What is compared, the best that both runs have:

``iteration times``
    The times of single inferences that ``--exportTimes`` wrote (table ``iteration_times``), without the
    warm-up.
``averages``
    The ``Average on N runs`` lines of the log, each the mean of N inferences (10 by default).
``summary``
    The percentiles, minimum and maximum of the performance summary, and the coefficient of variance where
    the log warns of it.

Inferences in a row are not independent: clocks and temperature drift. The first two are therefore cut into
30 blocks of inferences in a row, and the means of the blocks are compared with the two-sided Mann-Whitney U
test (normal approximation, corrected for ties and continuity), which assumes no distribution. The change
itself is that of the two medians (of the summary's mean for throughput and in the absence of samples). It
counts where p < 0.01 and it is at least 1 %: with thousands of inferences far smaller changes can be told
from chance, and mean nothing. From a summary alone a change counts that is larger than 1 % and than the
spread of both runs.

A test of one run against one run cannot tell a change of the engine from a change of the machine between the
runs (clocks, other work on the GPU). For that build and measure several times: :func:`trtlog.stability`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trtlog.log import Log

BLOCKS = 30
MIN_BLOCKS = 8
ALPHA = 0.01
MIN_CHANGE_PERCENT = 1.0

METRICS = (
    "throughput",
    "latency",
    "gpu_compute_time",
    "enqueue_time",
    "h2d_latency",
    "d2h_latency",
    "end_to_end_host_latency",
)
_STATS = ("value", "median", "mean", "p90", "p95", "p99", "min", "max")
_AVERAGES = {
    "latency": "host_ms",
    "gpu_compute_time": "gpu_ms",
    "enqueue_time": "enqueue_ms",
    "end_to_end_host_latency": "end_to_end_ms",
}
_VARIANCE = re.compile(
    r"(?:GPU compute time|Enqueue time|.*?time) is unstable, with coefficient of variance = ([0-9.]+)%",
    re.IGNORECASE,
)


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
    rows = log.table("iteration_times").to_pylist()
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


def block_means(values: Sequence[float], blocks: int = BLOCKS) -> list[float]:
    """Return the means of ``blocks`` stretches of values in a row, of equal length up to one.

    Examples
    --------
    >>> block_means([1, 1, 2, 2, 3, 3], 3)
    [1.0, 2.0, 3.0]
    """
    count = min(blocks, len(values))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [math.fsum(values[a:b]) / (b - a) for a, b in pairwise(edges) if b > a]


def mann_whitney(control: Sequence[float], test: Sequence[float]) -> float:
    """Return the two-sided p-value of the Mann-Whitney U test, by the normal approximation.

    Corrected for ties and for continuity, as ``scipy.stats.mannwhitneyu(method="asymptotic")``.

    Examples
    --------
    >>> round(mann_whitney(range(10), range(10, 20)), 6), mann_whitney([1.0] * 9, [1.0] * 9)
    (0.000183, 1.0)
    """
    n, m = len(control), len(test)
    tagged = sorted([(value, 0) for value in control] + [(value, 1) for value in test])
    rank_sum, ties, start = 0.0, 0.0, 0
    while start < n + m:
        stop = start
        while stop < n + m and tagged[stop][0] == tagged[start][0]:
            stop += 1
        size = stop - start
        ties += size**3 - size
        rank_sum += (start + stop + 1) / 2 * sum(1 for _, side in tagged[start:stop] if side == 0)
        start = stop
    u = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1))) if total > 1 else 0.0
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def compare_performance(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return one row a metric and statistic that either run has, with the verdict on the metric.

    Returns
    -------
    list of dict
        ``metric stat unit control test change_percent verdict p_value noise_percent method``. The verdict
        (``faster slower same``) stands with the statistic it was reached on (median, or value of
        throughput); null elsewhere, and where a run lacks the metric.
    """
    values = [_values(log) for log in (control, test)]
    samples = [read_samples(log) for log in (control, test)]
    spread = [spread_percent(log) for log in (control, test)]
    rows = []
    for metric in METRICS:
        stats = [stat for stat in _STATS if (metric, stat) in values[0] or (metric, stat) in values[1]]
        extra = sorted({s for side in values for m, s in side if m == metric} - set(_STATS))
        judged = next((s for s in ("value", "median", "mean") if all((metric, s) in side for side in values)), None)
        for stat in [*stats, *extra]:
            ours, theirs = (side.get((metric, stat)) for side in values)
            row: dict[str, Any] = {
                "metric": metric,
                "stat": stat,
                "unit": "qps" if metric == "throughput" else "ms",
                "control": ours,
                "test": theirs,
                "change_percent": change_percent(ours, theirs),
            }
            if stat == judged:
                row |= _verdict(metric, row["change_percent"], samples, spread)
            rows.append(row)
    return rows


def change_percent(control: float | None, test: float | None) -> float | None:
    """Return by how much a value changed; None where one is missing or the first is 0."""
    if control is None or test is None or control == 0:
        return None
    return 100 * (test / control - 1)


def _values(log: Log) -> dict[tuple[str, str], float]:
    table = log.table("performance").select(["metric", "stat", "value"])
    return {(row["metric"], row["stat"]): row["value"] for row in table.to_pylist() if row["value"] is not None}


def spread_percent(log: Log) -> dict[str, float]:
    """Return how much each metric spreads within a run, in percent of its median.

    The coefficient of variance where the log prints one, else half of the range from the median to p99 or
    the maximum.
    """
    values = _values(log)
    found: dict[str, float] = {}
    for metric in METRICS:
        median = values.get((metric, "median")) or values.get((metric, "mean"))
        high = next((values[metric, s] for s in ("p90", "p95", "p99", "max") if (metric, s) in values), None)
        if median and high is not None:
            found[metric] = max(0.0, 100 * (high / median - 1))
    for text in log.table("messages").column("text").to_pylist():
        if told := _VARIANCE.search(text or ""):
            found["gpu_compute_time"] = max(found.get("gpu_compute_time", 0.0), float(told[1]))
    # The rate depends on all that an inference does one after the other.
    rate = [found[m] for m in ("gpu_compute_time", "enqueue_time") if m in found]
    if rate:
        found["throughput"] = max(rate)
    return found


def _verdict(
    metric: str,
    change: float | None,
    samples: Sequence[Mapping[str, Samples]],
    spread: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    noise = max((side[metric] for side in spread if metric in side), default=None)
    row: dict[str, Any] = {"noise_percent": noise, "p_value": None, "method": None, "verdict": None}
    if change is None:
        return row
    better = "faster" if (change > 0) == (metric == "throughput") else "slower"
    # Without the times of inferences the rate has no samples of its own: it follows the latency.
    sampled, sign = metric, 1
    if metric == "throughput" and not all(metric in side for side in samples):
        sampled, sign = "latency", -1
    both = [side[sampled] for side in samples if sampled in side]
    if len(both) == 2:
        ours, theirs = (block_means(side.values) for side in both)
        p_value = mann_whitney(ours, theirs)
        sources = " and ".join(dict.fromkeys(side.source for side in both))
        name = "" if sampled == metric else f"of {sampled} "
        row["p_value"] = p_value
        row["method"] = f"Mann-Whitney {name}over {len(ours)} and {len(theirs)} blocks of {sources}"
        same_way = (median(theirs) - median(ours)) * sign * change > 0
        row["verdict"] = better if p_value < ALPHA and abs(change) >= MIN_CHANGE_PERCENT and same_way else "same"
        return row
    row["method"] = "spread of the summary"
    row["verdict"] = better if abs(change) > max(MIN_CHANGE_PERCENT, noise or 0.0) else "same"
    return row
