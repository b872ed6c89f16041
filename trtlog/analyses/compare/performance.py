"""Whether a change of performance is real, or what runs of one engine differ by anyway.

Inferences of one run are alike; runs are not: clocks, warm-up and above all the host change between them. So a
change is compared with what runs differ by, never against the number of inferences:

- with one run a side, against a floor that was measured on repeats (:mod:`floors`) for the kind of figure and for
  what the run depends on (:mod:`regime`), widened by how much the run wanders within itself;
- with several runs a side, against the spread between them (:mod:`significance`).

A verdict stands with the median of times, the value of the throughput, and the percentiles p90 to p99, whose floors
are wider. Minimum and maximum are one inference each and get none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.words import counted, percent, share_in_words, significant
from trtlog.analyses.compare import floors
from trtlog.analyses.compare.regime import Regime, read_regime
from trtlog.analyses.compare.samples import METRICS, TOTALS, Samples, drift, read_samples, read_values, spread_percent
from trtlog.analyses.compare.significance import Judgement, Value, judge
from trtlog.analyses.compare.work import batch_of
from trtlog.analyses.layer.messages import messages_of
from trtlog.log import Log

_STATS = ("value", "median", "mean", "p90", "p95", "p99", "min", "max")
_PERCENTILE = expression(r"p([0-9]+(?:\.[0-9]+)?)")
_GPU_METRICS = ("latency", "gpu_compute_time")
_COPIES = ("h2d_latency", "d2h_latency")
# A percentile is known by the inferences beyond it.
_MIN_BEYOND = 10


_UNSTABLE = expression(
    r"GPU compute time is unstable, with coefficient of variance = ([0-9]+(?:\.[0-9]+)?)%", re.IGNORECASE
)


@dataclass(frozen=True)
class MeasuredRun:
    """One run's figures and what they depend on; without its log, so that thousands fit into memory.

    Parameters
    ----------
    values : mapping
        Metric and statistic -> value.
    samples : mapping
        Metric -> what was measured in the course of the run.
    spread : mapping
        Metric -> spread in percent.
    regime : Regime
        What the times depend on.
    started_at : datetime or None
        First time printed.
    unstable : sequence of (float, int)
        trtexec's warnings that the GPU time is unstable: coefficient of variance in percent, and line.
    counted : int
        What the throughput counts for each inference: with ``--batch`` trtexec counts samples.
    """

    values: Mapping[tuple[str, str], float]
    samples: Mapping[str, Samples]
    spread: Mapping[str, float]
    regime: Regime
    started_at: datetime | None = None
    unstable: Sequence[tuple[float, int]] = ()
    counted: int = 1

    @classmethod
    def of(cls, log: Log) -> MeasuredRun:
        """Read a log of one run."""
        warned = [
            (float(said[1]), message["line"])
            for message in messages_of(log).where(lambda row, _: _UNSTABLE.search(row["text"] or ""))
            if (said := _UNSTABLE.search(message["text"]))
        ]
        values, samples, spread = read_values(log), read_samples(log), spread_percent(log)
        counted = batch_of(log, {}) or 1
        return cls(values, samples, spread, read_regime(log), log.run.started_at, tuple(warned), counted)

    @property
    def inferences(self) -> float | None:
        """Number of inferences measured: rate times wall time, in seconds."""
        rate, wall = self.values.get(("throughput", "value")), self.values.get(("total_host_walltime", "value"))
        return rate * wall / self.counted if rate is not None and wall is not None else None

    def deviation(self, metric: str, stat: str) -> float | None:
        """Return what the logarithm of a figure deviates by from run to run; None where it has no verdict."""
        value = self.values.get((metric, stat))
        known = self._floor(metric).get(stat)
        if known is None or value is None or value <= 0 or not self._enough(stat):
            return None
        resolution = floors.RESOLUTION_MS.get(metric, 0.0) / value
        return float((known**2 + self._wandering(metric) ** 2 + self._tail(metric, stat) ** 2 + resolution**2) ** 0.5)

    def _tail(self, metric: str, stat: str) -> float:
        """Return what a percentile far from the median adds: disturbed inferences make it, few or many by chance."""
        value, median = self.values.get((metric, stat)), self.values.get((metric, "median"))
        if not (_PERCENTILE.fullmatch(stat) and value and median and value > median > 0):
            return 0.0
        return floors.TAIL_SHARE * math.log(value / median)

    def by_host(self, metric: str) -> bool:
        """Whether the host decides a figure."""
        return self._floor(metric) is floors.HOST

    def _floor(self, metric: str) -> Mapping[str, float]:
        if metric in _COPIES:
            return floors.COPY
        if metric in _GPU_METRICS:
            return floors.LAUNCH if self.regime.launch_bound else floors.GPU
        if metric == "throughput" and not self.regime.host_bound:
            return floors.LAUNCH if self.regime.launch_bound else floors.GPU
        return floors.HOST

    def _enough(self, stat: str) -> bool:
        found = _PERCENTILE.fullmatch(stat)
        count = self.inferences
        return found is None or count is None or count * (1 - float(found[1]) / 100) >= _MIN_BEYOND

    def _wandering(self, metric: str) -> float:
        """Return how much the run differs within itself, where the GPU or the launches decide the figure."""
        if metric in _COPIES or metric in ("enqueue_time", "end_to_end_host_latency"):
            return 0.0
        seen = drift(self.samples.get(metric) or self.samples.get("latency") or self.samples.get("gpu_compute_time"))
        if seen is not None:
            return seen
        # Without samples half of what the summary spreads by stands in.
        return self.spread.get("gpu_compute_time", 0.0) / 200


def performance_rows(control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]) -> list[dict[str, Any]]:
    """Return one row a metric and statistic that either side has, with the verdict where it has one.

    Parameters
    ----------
    control, test : sequence of MeasuredRun
        Those of each side.

    Returns
    -------
    list of dict
        ``metric stat unit control test change_percent verdict p_value noise_percent method limit_percent
        control_runs test_runs reason``. The verdict (``faster slower same``) stands with the median (the value of
        the throughput) and with percentiles; null elsewhere, and where a side lacks the figure. Of several runs
        ``control`` and ``test`` are the geometric mean.
    """
    sides = (control, test)
    known = [{key for run in side for key in run.values} for side in sides]
    rows = []
    for metric in (*METRICS, *TOTALS):
        stats = [stat for stat in _STATS if any((metric, stat) in side for side in known)]
        extra = sorted({s for side in known for m, s in side if m == metric} - set(_STATS))
        centre = next((s for s in ("value", "median", "mean") if all((metric, s) in side for side in known)), None)
        for stat in [*stats, *extra]:
            row = _row(metric, stat, sides)
            if metric in TOTALS:
                row["reason"] = "set by --duration and --iterations, with the throughput: says nothing of its own"
            elif stat == centre or _PERCENTILE.fullmatch(stat):
                row |= verdict_columns(metric, stat, sides)
            elif stat in ("min", "max"):
                row["reason"] = "one inference decides it: no verdict"
            rows.append(row)
    return rows


def _row(metric: str, stat: str, sides: tuple[Sequence[MeasuredRun], Sequence[MeasuredRun]]) -> dict[str, Any]:
    ours, theirs = ([v for run in side if (v := run.values.get((metric, stat))) is not None] for side in sides)
    control, test = geometric_mean(ours), geometric_mean(theirs)
    return {
        "metric": metric,
        "stat": stat,
        "unit": "s" if metric in TOTALS else "qps" if metric == "throughput" else "ms",
        "control": control,
        "test": test,
        "change_percent": change_percent(control, test),
        "control_runs": len(ours),
        "test_runs": len(theirs),
    }


def geometric_mean(values: Sequence[float]) -> float | None:
    """Return the geometric mean, and a single value as it is."""
    if len(values) < 2 or min(values) <= 0:
        return sum(values) / len(values) if values else None
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product


def verdict_columns(
    metric: str,
    stat: str,
    sides: tuple[Sequence[MeasuredRun], Sequence[MeasuredRun]],
    scale: tuple[float, float] = (1.0, 1.0),
) -> dict[str, Any]:
    """Return the columns of a verdict; ``scale`` multiplies the figures of the sides, such as by their batch."""
    noise = max((run.spread[metric] for side in sides for run in side if metric in run.spread), default=None)
    row: dict[str, Any] = {
        "noise_percent": noise,
        "p_value": None,
        "limit_percent": None,
        "method": None,
        "verdict": None,
        "reason": None,
    }
    values: list[list[Value]] = []
    for side, factor in zip(sides, scale, strict=True):
        pairs = [(run.values.get((metric, stat)), run.deviation(metric, stat)) for run in side]
        values.append([Value(v * factor, d) for v, d in pairs if v is not None and d is not None])
    if not all(values):
        missing = not all(any((metric, stat) in run.values for run in side) for side in sides)
        row["reason"] = None if missing else _unjudged(stat)
        return row
    found = judge(values[0], values[1], any(run.by_host(metric) for side in sides for run in side))
    better = "faster" if (found.change_percent > 0) == (metric in ("throughput", "samples")) else "slower"
    row |= {
        "p_value": found.p_value,
        "limit_percent": found.limit_percent,
        "method": found.method,
        "verdict": better if found.real else "same",
        "reason": _reason(metric, found, sides),
    }
    return row


def _unjudged(stat: str) -> str:
    if _PERCENTILE.fullmatch(stat):
        return "too few inferences lie beyond it: no verdict"
    return "no verdict"


def _reason(metric: str, found: Judgement, sides: tuple[Sequence[MeasuredRun], Sequence[MeasuredRun]]) -> str:
    runs = [run for side in sides for run in side]
    limit = f"changes up to {percent(found.limit_percent)} are within noise"
    if metric in _COPIES:
        return f"{limit}: copies are short, and their times fall into steps"
    if metric in ("enqueue_time", "end_to_end_host_latency"):
        return f"{limit}: the host's time differs by a quarter from run to run"
    host = [run for run in runs if run.regime.launch_bound or (metric == "throughput" and run.regime.host_bound)]
    if host:
        return f"{limit}: {host[0].regime.reason}"
    return f"{limit}: GPU-bound runs and rebuilds differ by that much" if len(runs) == 2 else limit


def change_percent(control: float | None, test: float | None) -> float | None:
    """Return by how much a value changed; None where one is missing or the first is 0."""
    if control is None or test is None or control == 0:
        return None
    return 100 * (test / control - 1)


def performance_notes(
    rows: Iterable[Mapping[str, Any]], control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]
) -> list[str]:
    """Return what limits the comparison of two sides' performance, and what would settle it."""
    judged = {row["metric"]: row for row in rows if row.get("verdict") and row["stat"] in ("value", "median", "mean")}
    if not judged:
        return []
    notes = []
    for name, side in (("control", control), ("test", test)):
        bound = [run.regime for run in side if run.regime.launch_bound or run.regime.host_bound]
        for of, who in ((False, "the host has a part in the times"), (True, "copies have a part in the throughput")):
            own = [one for one in bound if one.copies is of]
            if own:
                several = f"{len(own)} of {len(side)} runs, of the first: " if len(side) > 1 else ""
                notes.append(f"{who} of {name}: {several}{own[0].reason}")
    notes += _contradictions(judged, control, test)
    notes += _unstable(control, test)
    if min(len(control), len(test)) > 1 and _one_after_the_other(control, test):
        notes.append(
            "all runs of one side were made before those of the other: a machine that changed in between looks like "
            "a change of the engine; measure in turns"
        )
    open_ = [r for m, r in judged.items() if m in ("throughput", *_GPU_METRICS) and _undecided(r)]
    if open_:
        widest = max(row["limit_percent"] for row in open_)
        notes.append(f"to settle changes below {percent(widest)}: {'; '.join(_remedies(control, test))}")
    return notes


def _undecided(row: Mapping[str, Any]) -> bool:
    change: float = row["change_percent"]
    return row["verdict"] == "same" and abs(change) >= 1


def _remedies(control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]) -> list[str]:
    regimes = sorted((run.regime for run in (*control, *test)), key=lambda one: one.cuda_graph)
    words = [one.remedy for one in regimes if one.remedy is not None][:1]
    if min(len(control), len(test)) < 3:
        words.append("repeat each side three times or more, in turns, and give all logs (trtlog diff A1 A2 A3 "
                     "--against B1 B2 B3)")  # fmt: skip
    words.append("lock the clocks")
    return words


def _contradictions(
    judged: Mapping[str, Mapping[str, Any]], control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]
) -> list[str]:
    """Say why two metrics say opposite things."""
    found = {m: judged[m]["verdict"] for m in ("throughput", *_GPU_METRICS) if m in judged}
    if not {"faster", "slower"} <= set(found.values()):
        return []
    words = ", ".join(f"{metric.replace('_', ' ')} {verdict}" for metric, verdict in found.items())
    shares = [
        f"{share_in_words(run.regime.busy_percent, '%')} in {name}"
        for name, side in (("control", control), ("test", test))
        for run in side[:1]
        if run.regime.busy_percent is not None
    ]
    busy = f"; the GPU was busy {' and '.join(shares)}" if len(shares) == 2 else ""
    return [
        f"{words}: the throughput holds the time between inferences too, which is the host's and the copies'{busy}; "
        "the GPU compute time speaks of the engine"
    ]


def _unstable(control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]) -> list[str]:
    """Repeat trtexec's own warning."""
    words = []
    for name, side in (("control", control), ("test", test)):
        warned = [warning for run in side for warning in run.unstable]
        if warned:
            worst, line = max(warned)
            of = f"{counted(len(warned), 'run')} of {len(side)} of {name}, at most " if len(side) > 1 else f"{name}, "
            words.append(f"{of}coefficient of variance {significant(worst)}% (line {line})")
    return [f"trtexec warns that the GPU time is unstable: {'; '.join(words)}"] if words else []


def _one_after_the_other(control: Sequence[MeasuredRun], test: Sequence[MeasuredRun]) -> bool:
    starts: list[list[datetime | None]] = [[run.started_at for run in side] for side in (control, test)]
    ours, theirs = ([start for start in side if start is not None] for side in starts)
    if len(ours) < len(control) or len(theirs) < len(test):
        return False
    return max(ours) < min(theirs) or max(theirs) < min(ours)
