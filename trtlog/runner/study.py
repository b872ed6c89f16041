"""What a sweep tells: a row for each point, the Pareto set, a recommendation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.maybe import MaybeNone
from trtlog._util.rows import table_rows
from trtlog._util.words import counted, number, significant
from trtlog.analyses.build.builds import build_seconds
from trtlog.analyses.build.memory import gpu_memory
from trtlog.analyses.build.performance import measures
from trtlog.analyses.compare.performance import MeasuredRun, verdict_columns
from trtlog.display import InNotebook, draw
from trtlog.errors import InputError, QueryError
from trtlog.runner.folder import RunFolder
from trtlog.runner.points import Point

if TYPE_CHECKING:
    import pandas as pd

    from trtlog.log import Log
    from trtlog.report.plots.figures import Figure

Columns: TypeAlias = str | Sequence[str] | None
"""What a plot is drawn of: one column, several, or those that suit."""
#: Columns that every table of points has after those of the axes, with what they mean.
COLUMNS = {
    "status": "passed, failed, killed, timed_out, hung, interrupted, disk_full; pending where it was not run yet",
    "runs": "runs that passed; of several, figures are their median",
    "throughput_qps": "queries per second, as printed; with explicit batch a query is a whole batch",
    "samples_per_s": "throughput times batch size; null without a batch axis",
    "spread_percent": "throughput of the fastest of several runs against the slowest; null for a single one",
    "build_s": "'Engine built in': with parsing and saving up to 8.6, the builder alone from 9.1",
    "engine_gpu_mib": "GPU memory that TensorRT manages once the execution context is made: weights and activations",
    "peak_gpu_mib": "most GPU memory in use on the device during the build, by all programs",
    "warnings": "number of warnings in the log",
    "wall_s": "seconds from start to end of trtexec",
    "remarks": "why to distrust the figures: trtexec's warning of an unstable GPU, a time out of order",
    "cause": "likely cause of a failure",
    "folder": "the run folder",
}


@dataclass(frozen=True)
class Recommendation(InNotebook):
    """The point to use.

    Attributes
    ----------
    row
        Its row of the table; None if no point keeps the limit.
    text
        Why, or what comes closest, in one or two sentences.
    candidates
        The rows that noise does not tell apart, the fastest first, where the point is not one of them alone.
    """

    row: dict[str, Any] | MaybeNone = field(repr=False)
    text: str
    candidates: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.text


class Sweep(InNotebook):
    """The points of a sweep and what became of them.

    Attributes
    ----------
    path
        The folder.
    points
        All points, in order.
    repeat
        How often each is run.
    """

    def __init__(self, path: Path, points: Sequence[Point], repeat: int = 1) -> None:
        self.path = path
        self.points = tuple(points)
        self.repeat = repeat

    def __repr__(self) -> str:
        done = sum(row["status"] == "passed" for row in self.rows)
        return f"Sweep({str(self.path)!r}, {done} of {counted(len(self.points), 'point')} passed)"

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The axes and their values."""
        axes: dict[str, list[Any]] = {}
        for point in self.points:
            for name, value in point.values.items():
                values = axes.setdefault(name, [])
                if value not in values:
                    values.append(value)
        return axes

    @cached_property
    def _measurements(self) -> dict[str, Measured]:
        return {p.name: describe(p, run_folders(self.path, p, self.repeat)) for p in self.points}

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A dict for each point; all have the same keys."""
        found = [one.row for one in self._measurements.values()]
        _mark_order(found, self.axes)
        names = list(dict.fromkeys(name for row in found for name in row))
        last = [name for name in COLUMNS if name in names[names.index("build_s") :]]
        order = [name for name in names if name not in last] + last
        return [{name: row.get(name) for name in order} for row in found]

    @property
    def table(self) -> pa.Table:
        """All points as an Arrow table.

        ``point``, the axes, :data:`COLUMNS`, and for ``latency``, ``gpu_compute``, ``enqueue``, ``h2d`` and ``d2h``
        each statistic that the logs print, such as ``latency_p99_ms``.
        """
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        return pa.table({name: _array(values) for name, values in columns.items()})

    @property
    def df(self) -> pd.DataFrame:
        """All points as a DataFrame."""
        from trtlog.log import to_frame

        return to_frame(self.table)

    def log(self, point: str) -> Log:
        """Return the log of a point by its name."""
        if point not in {item.name for item in self.points}:
            raise QueryError(f"There is no point {point!r}; they are {', '.join(item.name for item in self.points)}.")
        return RunFolder(self.path / point).log

    def logs(self) -> Iterator[Log]:
        """Give the logs of all runs that have one, point after point, as :func:`trtlog.compare` takes them."""
        for point in self.points:
            for folder in run_folders(self.path, point, self.repeat):
                if folder.log_path.exists():
                    with suppress(InputError):
                        yield folder.log

    def pareto(self, stat: str = "p99") -> list[dict[str, Any]]:
        """Return the rows that no other beats: none has at least their throughput at a lower latency, or more at the
        same.

        Parameters
        ----------
        stat
            Statistic of the latency: ``min max mean median p90 p95 p99 ...``, as far as the logs print it.
        """  # noqa: D205  # one sentence
        rows = self._measured(stat)
        latency = f"latency_{stat}_ms"
        speed = self.speed_column
        front: list[dict[str, Any]] = []
        for row in sorted(rows, key=lambda row: (row[latency], -row[speed])):
            if not front or row[speed] > front[-1][speed]:
                front.append(row)
        return front

    def recommend(self, max_latency_ms: float | None = None, stat: str = "p99") -> Recommendation:
        """Return the point of highest throughput whose latency keeps a limit.

        None is recommended where noise does not tell the fastest from others: two runs of one engine differ, by how
        much is known from the runs themselves where a point was run several times, else from measurements on repeats.

        Parameters
        ----------
        max_latency_ms
            The limit; None for none.
        stat
            Statistic of the latency that must keep it.
        """
        latency, speed = f"latency_{stat}_ms", self.speed_column
        rows = self._measured(stat)
        if not rows:
            failed = sum(row["status"] not in ("passed", "pending") for row in self.rows)
            return Recommendation(None, f"No point was measured ({failed} failed), so nothing can be recommended.")
        unit = "samples/s" if speed == "samples_per_s" else "qps"
        within = [row for row in rows if max_latency_ms is None or row[latency] <= max_latency_ms]
        if not within:
            least = min(rows, key=lambda row: float(row[latency]))
            text = (
                f"No point keeps {max_latency_ms:g} ms ({stat} latency). The closest is {least['point']} with "
                f"{number(least[latency])} ms at {number(least[speed])} {unit}."
            )
            return Recommendation(None, text)
        best = max(within, key=lambda row: (float(row[speed]), -float(row[latency])))
        rivals = [row for row in within if row is not best and not self._slower(row, best)]
        if rivals:
            rivals.sort(key=lambda row: -float(row[speed]))
            names = " and ".join(f"{row['point']} ({number(row[speed])} {unit})" for row in (best, *rivals))
            text = (
                f"Noise does not tell {names} apart, so none is recommended over the others: run each point several "
                f"times ({'more than ' if self.repeat > 1 else ''}{self.repeat if self.repeat > 1 else '--repeat 3'})"
                f", lock the clocks, or launch as a CUDA graph."
            )
            return Recommendation(None, text, (best, *rivals))
        limit = "" if max_latency_ms is None else f", within {max_latency_ms:g} ms"
        text = (
            f"{best['point']}: {number(best[speed])} {unit} at {number(best[latency])} ms {stat} latency{limit}; "
            f"the best of {len(within)} of {counted(len(rows), 'measured point')}. Accuracy was not measured."
        )
        return Recommendation(best, text)

    @overload
    def plot(
        self, path: None = None, stat: str = "p99", *, x: str | None = None, y: Columns = None, by: Columns = None
    ) -> Figure: ...
    @overload
    def plot(
        self,
        path: str | os.PathLike[str],
        stat: str = "p99",
        *,
        x: str | None = None,
        y: Columns = None,
        by: Columns = None,
    ) -> Path: ...
    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        stat: str = "p99",
        *,
        x: str | None = None,
        y: Columns = None,
        by: Columns = None,
    ) -> Figure | Path:
        """Draw throughput and latency against the batch size, a line for each combination of the other axes.

        Without a batch axis the first axis takes its place. Where several points share a place on a line, because
        ``by`` leaves an axis out, their median is drawn in a band from the least to the largest.

        Parameters
        ----------
        path
            ``.html`` for an interactive page that needs no network; ``.png``, ``.svg`` or ``.pdf`` for a picture,
            which needs Chrome or Chromium; None to get the figure, as in a notebook.
        stat
            Statistic of the latency.
        x
            Column from left to right.
        y
            Columns to draw, a panel each.
        by
            Columns that tell the lines apart.

        Returns
        -------
        plotly.graph_objects.Figure or Path
            The figure, or the path it was written to.

        Raises
        ------
        MissingExtra
            plotly is not installed; for a picture, kaleido or a browser.
        InputError
            The ending is another.
        QueryError
            There is no such column, or no point was measured.
        """
        drawn: Figure | Path = draw("plot", self, path=path, stat=stat, x=x, y=y, by=by)
        return drawn

    def write_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as CSV."""
        import pyarrow.csv

        pyarrow.csv.write_csv(self.table, os.fspath(path))
        return Path(path)

    @property
    def speed_column(self) -> str:
        """``samples_per_s`` with a batch axis, else ``throughput_qps``."""
        return "samples_per_s" if "batch" in self.axes else "throughput_qps"

    def _slower(self, row: dict[str, Any], best: dict[str, Any]) -> bool:
        """Whether a point is slower than another beyond noise, by samples where batch sizes differ."""
        sides = tuple(self._measurements[one["point"]].runs for one in (best, row))
        scale = tuple(float(one.get("batch") or 1) for one in (best, row))
        if self.speed_column == "throughput_qps":
            scale = (1.0, 1.0)
        found = verdict_columns("throughput", "value", (sides[0], sides[1]), (scale[0], scale[1]))
        return bool(found["verdict"] == "slower")

    def _measured(self, stat: str) -> list[dict[str, Any]]:
        latency = f"latency_{stat}_ms"
        rows = self.rows
        if not any(latency in row for row in rows) or not any(
            row.get("latency_min_ms") is None or row[latency] is not None for row in rows
        ):
            known = [name[8:-3] for name in rows[0] if name.startswith("latency_")]
            if known:
                raise QueryError(f"The logs print no latency {stat}; they print {', '.join(known)}.")
            return []
        return [row for row in rows if row.get(latency) is not None and row[self.speed_column] is not None]


@dataclass(frozen=True)
class Measured:
    """A point's row of the table, and the runs that it rests on."""

    row: dict[str, Any]
    runs: tuple[MeasuredRun, ...] = ()


def describe(point: Point, folders: Sequence[RunFolder]) -> Measured:
    """Return what became of a point; a value that its log does not print is None.

    Of several runs a figure is the median, and the status that of the first that did not pass.
    """
    measured = [_describe_one(point, folder) for folder in folders]
    row = next((one.row for one in measured if one.row["status"] != "passed"), measured[0].row)
    runs = tuple(run for one in measured for run in one.runs)
    passed = [one.row for one in measured if one.row["status"] == "passed"]
    row = {**row, "runs": len(passed)}
    names = list(dict.fromkeys(name for one in passed for name in one))
    for name in names if len(measured) > 1 else ():
        values = [one[name] for one in passed if isinstance(one.get(name), int | float)]
        if name not in point.values and values:
            row[name] = median(values)
    speeds = [one["throughput_qps"] for one in passed if one["throughput_qps"]]
    row["spread_percent"] = 100 * (max(speeds) / min(speeds) - 1) if len(speeds) > 1 else None
    unstable = [warning for run in runs for warning in run.unstable]
    row["remarks"] = f"unstable: coefficient of variance {significant(max(unstable)[0])} %" if unstable else None
    return Measured(row, runs)


def _describe_one(point: Point, folder: RunFolder) -> Measured:
    result = folder.result
    row: dict[str, Any] = {"point": point.name, **point.values, **dict.fromkeys(COLUMNS)}
    row.update(status="pending", folder=str(folder.path))
    if result is None:
        if folder.log_path.exists():
            row["status"] = "interrupted"
        return Measured(row)
    row.update(status=result["status"], cause=result["cause"], wall_s=result["wall_s"])
    try:
        log = folder.log
    except InputError:
        return Measured(row)  # it printed nothing that could be read; the cause says why
    runs = (MeasuredRun.of(log),) if result["status"] == "passed" and len(log.runs) == 1 else ()
    return Measured(_measures(row, log, point.values.get("batch")), runs)


def _measures(row: dict[str, Any], log: Log, batch: int | None) -> dict[str, Any]:
    row.update(measures(log.table("performance")))
    speed = row["throughput_qps"]
    row["samples_per_s"] = None if batch is None or speed is None else speed * batch
    row["build_s"] = build_seconds(log)
    memory = gpu_memory(log.table("memory"))
    row["engine_gpu_mib"], row["peak_gpu_mib"] = memory.engine_mib, memory.peak_mib
    row["warnings"] = sum(entry["severity"] == "warning" for entry in table_rows(log.table("messages")))
    return row


def run_folders(path: Path, point: Point, repeat: int) -> list[RunFolder]:
    """Return the folders of a point's runs."""
    names = [point.name, *(f"{point.name}.run{number}" for number in range(2, repeat + 1))]
    return [RunFolder(path / name) for name in names]


def _mark_order(rows: Sequence[dict[str, Any]], axes: Mapping[str, Sequence[Any]]) -> None:
    """Say of a point that computes a larger batch in less time than a smaller one that it is out of order."""
    if "batch" not in axes:
        return
    others = [name for name in axes if name != "batch"]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("gpu_compute_median_ms") is not None:
            groups.setdefault(tuple(str(row[name]) for name in others), []).append(row)
    for group in groups.values():
        slowest: dict[str, Any] | None = None
        for row in sorted(group, key=lambda row: int(row["batch"])):
            if slowest is not None and row["gpu_compute_median_ms"] < slowest["gpu_compute_median_ms"]:
                words = (
                    f"out of order: {row['gpu_compute_median_ms']:.4g} ms, batch {slowest['batch']} took "
                    f"{slowest['gpu_compute_median_ms']:.4g} ms"
                )
                row["remarks"] = "; ".join(filter(None, (row["remarks"], words)))
            else:
                slowest = row


def _array(values: Iterable[Any]) -> pa.Array:
    listed = list(values)
    try:
        return pa.array(listed)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # an axis may mix numbers with words
        return pa.array([None if value is None else str(value) for value in listed])
