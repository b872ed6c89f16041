"""Many runs side by side: ranked within groups of the same work, each against a baseline or the best of its group.

What is faster is decided by the judgement of a diff (:mod:`significance`, over the floors of :mod:`performance`); a
difference that it does not tell from noise is ``same``. Runs of another model or of other input shapes are other work:
they are listed, and get no verdict.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.redact import redact_json
from trtlog._util.words import base_name, counted, did_you_mean, percent, plural
from trtlog.analyses.build.overview import cause
from trtlog.analyses.compare.figures import RunFigures, figures
from trtlog.analyses.compare.performance import MeasuredRun, verdict_columns
from trtlog.analyses.compare.work import Shape, compare_work, inference_shapes
from trtlog.analyses.layer.base import answer
from trtlog.display import InNotebook, OnTerminal, draw
from trtlog.errors import QueryError
from trtlog.log import Log, to_frame
from trtlog.records.base import column, record

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA = "trtlog.compare/1"
#: What runs can be ranked by: metric and statistics, of which the first that all runs print is taken.
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gpu": ("gpu_compute_time", ("median", "mean")),
    "latency": ("latency", ("median", "mean")),
    "p99": ("latency", ("p99",)),
    "throughput": ("throughput", ("value",)),
}
_METRIC_NAMES = {"gpu_compute_time": "GPU compute time"}
#: What runs can be put into groups by.
GROUPS = ("model", "shapes", "batch", "precision", "tensorrt_version", "gpu")
_SHORT = {"version": "tensorrt_version"}
# A run is compared with those runs of the baseline that agree with it most: first on the GPU, then on the precision.
_AGREE = ("gpu", "precision", "tensorrt_version", "cuda_graph")
_CONDITION = expression(r"([a-z_0-9]+)=(.*)", re.DOTALL)


@record(frozen=True)
class RankedRun(RunFigures):
    """A run, and its place among those of its group."""

    group: int = column("int64", "number of the group, from 0")
    rank: int | None = column("int64", "place in the group, from 1; null where the run was not measured")
    ranked_by: float | None = column(
        "float64", "the figure that decides; for each sample where the runs of a group have several batch sizes"
    )
    reference: str | None = column("text", "what it is compared with: runs of the baseline, else the best of the group")
    differs: str | None = column("text", "in what it differs from them: gpu, precision, tensorrt_version, cuda_graph")
    change_percent: float | None = column("float64", "figure against that of the reference", "%")
    limit_percent: float | None = column("float64", "a change of up to that much is within noise", "%")
    verdict: str | None = column(
        "text", "faster, slower or same; baseline or best for the reference itself; null where there is none"
    )
    reason: str | None = column("text", "what limits the verdict, or why there is none")
    cause: str | None = column("text", "why the run failed, where the log tells")


class HasLogs(Protocol):
    """What holds many logs, such as a dataset."""

    def logs(self) -> Iterator[Log]:
        """Give its logs, one after the other."""
        ...


Source: TypeAlias = Log | str | os.PathLike[str]


@dataclass
class _Entry:
    """One run while it is compared."""

    row: dict[str, Any]
    run: MeasuredRun
    shapes: dict[str, Shape]
    baseline: bool = False

    @property
    def model(self) -> str | None:
        model = self.row["model"]
        return base_name(model) if model else None

    @property
    def name(self) -> str:
        return self.row["source"] if self.row["run"] is None else f"{self.row['source']}, run {self.row['run']}"

    @property
    def key(self) -> tuple[str, int | None]:
        """What is the same for one run however its file is named: as ``a.log``, by a glob, over a link."""
        source = self.row["source"]
        return (os.path.realpath(source) if os.path.exists(source) else source), self.row["run"]


@dataclass(frozen=True, repr=False)
class Comparison(InNotebook, OnTerminal):
    """Runs side by side; made by :func:`trtlog.compare`.

    Parameters
    ----------
    rows : tuple of dict
        A row a run, group after group, the best of each first.
    metric : str
        ``gpu``, ``latency``, ``p99`` or ``throughput``: what runs are ranked by.
    stat : str
        The statistic of it: ``median``, ``mean``, ``p99`` or ``value``.
    by : tuple of str
        The columns that make the groups.
    has_baseline : bool
        Whether the verdicts are against a baseline; else against the best of each group.
    notes : tuple of str
        What limits the comparison.
    part_of : Comparison, optional
        The comparison that this one shows a part of.
    """

    rows: tuple[dict[str, Any], ...]
    metric: str
    stat: str
    by: tuple[str, ...]
    has_baseline: bool
    notes: tuple[str, ...] = field(default=())
    part_of: Comparison | None = field(default=None)

    @property
    def whole(self) -> Comparison:
        """The comparison in which all that was compared and judged is counted."""
        return self.part_of or self

    @property
    def table(self) -> pa.Table:
        """All runs as a pyarrow.Table; its fields' metadata holds the meanings."""
        return answer(RankedRun, self.rows)

    @property
    def df(self) -> pd.DataFrame:
        """All runs as a DataFrame."""
        return to_frame(self.table)

    @property
    def regressions(self) -> list[dict[str, Any]]:
        """The rows that are slower than the baseline, beyond noise; none without a baseline."""
        return [row for row in self.rows if self.has_baseline and row["verdict"] == "slower"]

    def only_regressions(self) -> Comparison:
        """Return the part that :attr:`regressions` lists; its answer still tells how many runs were judged."""
        return replace(self, rows=tuple(self.regressions), part_of=self.whole)

    def groups(self) -> list[list[dict[str, Any]]]:
        """Return the rows of each group."""
        found: dict[int, list[dict[str, Any]]] = {}
        for row in self.rows:
            found.setdefault(row["group"], []).append(row)
        return list(found.values())

    def to_json(self) -> str:
        """Return all as JSON; secrets in command lines are redacted."""
        runs = [{name: _plain(value) for name, value in row.items()} for row in self.table.to_pylist()]
        head = {"schema": SCHEMA, "metric": self.metric, "stat": self.stat, "by": list(self.by)}
        document = {**head, "notes": list(self.notes), "runs": runs}
        return json.dumps(redact_json(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self, limit: int = 20) -> str:
        """Return all as Markdown for a pull request, at most ``limit`` runs a group."""
        drawn: str = draw("markdown", self, limit=limit)
        return drawn

    def to_html(self) -> str:
        """Return all as one HTML page that needs nothing else."""
        drawn: str = draw("page", self)
        return drawn

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draw the runs of each group as bars, in the colours of their verdicts.

        Parameters
        ----------
        path : str or PathLike, optional
            ``.html`` for a page that needs no network, ``.png``, ``.svg`` or ``.pdf`` for a picture; None to get the
            plotly figure.

        Raises
        ------
        MissingExtra
            plotly is not installed; for a picture, kaleido or a browser.
        """
        return draw("plot", self, path=path)

    def __repr__(self) -> str:
        worse = f", {counted(len(self.regressions), 'regression')}" if self.has_baseline else ""
        groups = counted(len(self.whole.groups()), "group")
        return f"<trtlog.Comparison: {counted(len(self.whole.rows), 'run')} in {groups}{worse}>"


def compare(
    logs: Iterable[Source] | HasLogs | Source,
    *,
    baseline: Iterable[Source] | HasLogs | Source | None = None,
    by: Sequence[str] = ("model", "shapes"),
    metric: str = "gpu",
) -> Comparison:
    """Compare many runs: rank those of the same work, and judge each against a baseline.

    Parameters
    ----------
    logs : iterable of Log or path, or Dataset
        The runs; each run of a log of several counts.
    baseline : Log, path, Dataset or an iterable of them, or text as ``tensorrt_version=8.5.3``, optional
        What to compare with: logs, or a condition that some of the runs satisfy. A run is compared with the baseline's
        runs of the same model and input shapes; of several with those that agree with it on GPU, precision and
        version, as far as there are such. Without one a run is compared with the best of its group.
    by : sequence of str
        Columns that make the groups: ``model shapes batch precision tensorrt_version gpu``.
    metric : str
        What runs are ranked by: ``gpu`` (GPU compute time), ``latency`` or ``p99`` of it, ``throughput``.

    Raises
    ------
    QueryError
        A column or metric is unknown, or no run satisfies the condition.

    Examples
    --------
    >>> import trtlog
    >>> folder = "fixtures/trt-8.5.3-h200/sweep_r50_"
    >>> found = trtlog.compare([f"{folder}{name}.log.gz" for name in ("fp32_b8", "best_b8", "fp32_b1", "best_b1")])
    >>> found.df[["batch", "rank", "verdict"]].values.tolist()
    [[1, 1, 'best'], [1, 2, 'same'], [8, 1, 'best'], [8, 2, 'slower']]
    """
    names = tuple(_SHORT.get(name, name) for name in by)
    for name in names:
        if name not in GROUPS:
            near = did_you_mean(name, GROUPS)
            raise QueryError(f"runs cannot be grouped by {name!r}{near}; there are {', '.join(GROUPS)}")
    if metric not in METRICS:
        near = did_you_mean(metric, METRICS)
        raise QueryError(f"runs cannot be ranked by {metric!r}{near}; there are {', '.join(METRICS)}")
    entries = list(_entries(logs))
    has_baseline = baseline is not None
    if isinstance(baseline, str) and _condition(baseline):
        _mark(entries, baseline)
    elif baseline is not None:
        _add(entries, _entries(baseline))
    if not entries:
        raise QueryError("there is no run to compare")
    key, stats = METRICS[metric]
    stat = next((s for s in stats if all((key, s) in e.run.values for e in entries if e.run.values)), stats[-1])
    rows = _ranked(entries, names, (key, stat), has_baseline=has_baseline)
    return Comparison(tuple(rows), metric, stat, names, has_baseline, tuple(_notes(rows, has_baseline=has_baseline)))


def _entries(logs: Iterable[Source] | HasLogs | Source) -> Iterator[_Entry]:
    for log in _logs(logs):
        runs = log.runs
        for number, run in enumerate(runs):
            row = {"source": log.source, "run": number if len(runs) > 1 else None, **figures(run)}
            found = cause(run)
            row["cause"] = found.text if found else None
            yield _Entry(row, MeasuredRun.of(run), inference_shapes(run))


def _logs(logs: Iterable[Source] | HasLogs | Source) -> Iterator[Log]:
    from trtlog.several import parse_each

    if isinstance(logs, (Log, str, os.PathLike)):
        logs = [logs]
    if hasattr(logs, "logs"):
        yield from logs.logs()
        return
    for parsed, group in itertools.groupby(logs, lambda log: isinstance(log, Log)):
        if parsed:
            yield from group  # type: ignore[misc]
            continue
        for log in parse_each(group):
            if isinstance(log, Exception):
                raise log
            yield log


def _condition(text: str) -> tuple[str, str] | None:
    """Return column and value of ``version=8.5.3``; None for what is a path."""
    found = _CONDITION.fullmatch(text)
    if found is None or os.path.exists(text):
        return None
    return _SHORT.get(found[1], found[1]), found[2]


def _mark(entries: Sequence[_Entry], condition: str) -> None:
    name, value = _condition(condition) or ("", "")
    if name not in GROUPS:
        near = did_you_mean(name, GROUPS)
        raise QueryError(f"there is no {name!r} to choose a baseline by{near}; there are {', '.join(GROUPS)}")
    for entry in entries:
        entry.baseline = _text(entry, name) == value
    if not any(entry.baseline for entry in entries):
        known = sorted({_text(entry, name) or "not printed" for entry in entries})
        raise QueryError(f"no run has {name} {value}, so there is no baseline; there are {', '.join(known)}")


def _add(entries: list[_Entry], baselines: Iterable[_Entry]) -> None:
    """Add the runs of a baseline; one that is among the runs is marked."""
    known = {entry.key: entry for entry in entries}
    for one in baselines:
        entry = known.get(one.key)
        if entry is None:
            entries.append(one)
        (entry or one).baseline = True


def _text(entry: _Entry, name: str) -> str | None:
    """Return what an entry is grouped by."""
    value = entry.model if name == "model" else entry.row[name]
    return None if value is None else str(value)


def _ranked(
    entries: Sequence[_Entry], by: Sequence[str], measure: tuple[str, str], *, has_baseline: bool
) -> list[dict[str, Any]]:
    groups: dict[tuple[str | None, ...], list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(tuple(_text(entry, name) for name in by), []).append(entry)
    order = sorted(groups, key=lambda key: [_natural(part) for part in key])
    # What was not measured at all (a failed build) comes last.
    order.sort(key=lambda key: not any(measure in entry.run.values for entry in groups[key]))
    rows: list[dict[str, Any]] = []
    baselines = [entry for entry in entries if entry.baseline and measure in entry.run.values]
    for number, key in enumerate(order):
        own = groups[key]
        scales = _scales(own, measure[0])
        figure = {id(e): e.run.values[measure] * scales[id(e)] for e in own if measure in e.run.values}
        better = -1 if measure[0] == "throughput" else 1
        measured = len(figure)
        own.sort(key=lambda e: (id(e) not in figure, better * figure.get(id(e), 0.0), e.name))
        for place, entry in enumerate(own, 1):
            ranked = id(entry) in figure
            row = {**dict.fromkeys(RankedRun.columns()), **entry.row, "group": number}
            row |= {"rank": place if ranked else None, "ranked_by": figure.get(id(entry))}
            if ranked:
                best = own[:measured]
                row |= _judged(entry, baselines, measure) if has_baseline else _against_best(entry, best, measure)
            elif entry.row["status"] not in ("failed", "incomplete"):
                row["reason"] = _unmeasured(entry, measure)
            rows.append(row)
    return rows


def _unmeasured(entry: _Entry, measure: tuple[str, str]) -> str:
    """Say what a run lacks that would rank it."""
    metric, stat = measure
    if not entry.run.values:
        return "the run prints no performance summary"
    name = _METRIC_NAMES.get(metric, metric)
    if any(printed == metric for printed, _ in entry.run.values):
        return f"the performance summary has no {stat} {name}"
    return f"the performance summary has no {name}"


def _scales(own: Sequence[_Entry], metric: str) -> dict[int, float]:
    """Return what the figure of each run is multiplied by: its batch, where those of the group differ."""
    batches = {entry.row["batch"] for entry in own}
    rate = metric == "throughput"
    alike = len(batches) == 1 and (not rate or len({entry.run.counted for entry in own}) == 1)
    if alike or not all(batches):  # not known, or 0
        return {id(entry): 1.0 for entry in own}
    return {id(e): e.row["batch"] / e.run.counted if rate else 1 / e.row["batch"] for e in own}


def _against_best(entry: _Entry, measured: Sequence[_Entry], measure: tuple[str, str]) -> dict[str, Any]:
    """Compare a run with the first of the measured runs of its group; one alone is neither best nor worst."""
    if len(measured) == 1:
        return {"reason": "the only measured run of its group"}
    if entry is measured[0]:
        return {"verdict": "best"}
    return _verdict(entry, measured[:1], measure)


def _judged(entry: _Entry, baselines: Sequence[_Entry], measure: tuple[str, str]) -> dict[str, Any]:
    """Compare a run with the baseline's runs of the same work that agree with it most."""
    if entry.baseline:
        return {"verdict": "baseline"}
    same = [one for one in baselines if _other_work(entry, one) is None and _scale(entry, one) == (1, 1)]
    if not same:
        return {"reason": "the baseline has no run of this model and these input shapes"}
    for name in _AGREE:
        same = [one for one in same if one.row[name] == entry.row[name]] or same
    return _verdict(entry, same, measure)


def _other_work(entry: _Entry, other: _Entry) -> str | None:
    if entry.model and other.model and entry.model != other.model:
        return "another model: no verdict"
    if not compare_work(other.shapes, entry.shapes).comparable:
        return "other input shapes: no verdict"
    return None


def _scale(entry: _Entry, other: _Entry) -> tuple[int, int]:
    return compare_work(other.shapes, entry.shapes, (other.row["batch"], entry.row["batch"])).scale


def _verdict(entry: _Entry, references: Sequence[_Entry], measure: tuple[str, str]) -> dict[str, Any]:
    first = references[0]
    row: dict[str, Any] = {"reference": first.name if len(references) == 1 else f"{len(references)} runs"}
    row["differs"] = ", ".join(n for n in _AGREE if any(r.row[n] != entry.row[n] for r in references)) or None
    other = _other_work(entry, first)
    if other is not None:
        return row | {"reason": other}
    ours, theirs = (float(part) for part in _scale(entry, first))
    rates = (ours / first.run.counted, theirs / entry.run.counted)
    scale = rates if measure[0] == "throughput" else (1 / ours, 1 / theirs)
    found = verdict_columns(*measure, ([r.run for r in references], [entry.run]), scale)
    row |= {name: found[name] for name in ("verdict", "limit_percent", "reason")}
    return row | {"change_percent": _change(entry, references, measure, scale)}


def _change(
    entry: _Entry, references: Sequence[_Entry], measure: tuple[str, str], scale: tuple[float, float]
) -> float | None:
    from trtlog.analyses.compare.performance import change_percent, geometric_mean

    control = geometric_mean([r.run.values[measure] * scale[0] for r in references if measure in r.run.values])
    return change_percent(control, entry.run.values[measure] * scale[1])


def _notes(rows: Sequence[Mapping[str, Any]], *, has_baseline: bool) -> Iterator[str]:
    open_ = [row for row in rows if row["verdict"] == "same" and abs(row["change_percent"] or 0.0) >= 1]
    if open_:
        widest = max(row["limit_percent"] for row in open_)
        graph = "" if all(row["cuda_graph"] for row in rows) else ", launch as a CUDA graph"
        yield (
            f"{counted(len(open_), 'change')} of 1% and more {plural(len(open_), 'is', 'are')} within noise (up to "
            f"{percent(widest)}): repeat them, lock the clocks{graph}"
        )
    if has_baseline:
        mixed = sorted({word for row in rows for word in (row["differs"] or "").split(", ") if word})
        if mixed:
            names = {"tensorrt_version": "TensorRT version", "gpu": "GPU", "cuda_graph": "CUDA graph setting"}
            words = " or ".join(names.get(word, word) for word in mixed)
            yield f"some runs are compared with a baseline of another {words}"


def _natural(text: str | None) -> tuple[Any, ...]:
    """Return what texts are sorted by, numbers in them by value; what is missing comes last."""
    return (text is None, [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", text or "") if p])


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
