"""Draws what was measured over several runs: throughput and latency against what was varied."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog.errors import QueryError
from trtlog.report.plots.figures import COLORS, Figure, finish, graphs, label

_WORDS = {
    "throughput_qps": "throughput (queries/s)",
    "samples_per_s": "throughput (samples/s)",
    "batch": "batch size",
    "gpu_ms": "GPU compute time (ms)",
}
_UNITS = {"_ms": "ms", "_mib": "MiB", "_s": "s", "_percent": "%", "_bytes": "bytes"}
_LOG_FROM = 8  # a range this many times its beginning is drawn on a logarithmic axis
_BAND = "rgba({},{},{},0.2)"


@dataclass(frozen=True)
class Curve:
    """One line: the runs that share all values but that of the horizontal axis.

    Attributes
    ----------
    label
        The values that they share.
    x
        Values of the horizontal axis, in order.
    middle, low, high
        Median, least and largest of the runs there.
    runs
        How many runs there are.
    """

    label: str
    x: tuple[Any, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    runs: tuple[int, ...]


def lines(rows: Sequence[Mapping[str, Any]], x: str, y: str, by: Sequence[str]) -> list[Curve]:
    """Return the lines to draw; a run without a value is left out.

    Parameters
    ----------
    rows
        A mapping for each run.
    x, y
        Columns of the two axes.
    by
        Columns that tell the lines apart.
    """
    groups: dict[str, dict[Any, list[float]]] = {}
    for row in rows:
        if row.get(y) is not None and row.get(x) is not None:
            name = ", ".join(_named(column, row.get(column)) for column in by) or "all runs"
            place = row[x] if is_number(row[x]) else _value(row[x])
            groups.setdefault(name, {}).setdefault(place, []).append(float(row[y]))
    found = []
    for name, places in groups.items():
        order = sorted(places) if all(is_number(place) for place in places) else list(places)
        shown = [places[place] for place in order]
        found.append(
            Curve(
                name,
                tuple(order),
                tuple(median(values) for values in shown),
                tuple(min(values) for values in shown),
                tuple(max(values) for values in shown),
                tuple(len(values) for values in shown),
            )
        )
    return found


def draw(
    rows: Sequence[Mapping[str, Any]],
    x: str,
    y: Sequence[str],
    by: Sequence[str],
    *,
    own: Mapping[str, float] | None = None,
    own_name: str = "",
) -> Figure:
    """Draw one panel for each column of ``y``; where runs are repeated, the median in a band from least to largest.

    Parameters
    ----------
    rows
        A mapping for each run.
    x
        Column from left to right.
    y
        Columns to draw.
    by
        Columns that tell the lines apart.
    own
        Values to compare with, by column: a dashed line each.
    own_name
        What these values are of.

    Raises
    ------
    QueryError
        A column is missing, or no run has a value.
    MissingExtra
        plotly is not installed.
    """
    known = list(dict.fromkeys(name for row in rows for name in row))
    for name in (x, *y, *by):
        if name not in known:
            raise QueryError(f"there is no column {name!r} to draw; the columns are {', '.join(known) or 'none'}")
    panels = {name: lines(rows, x, name, by) for name in y}
    if not any(panels.values()):
        raise QueryError(f"there is nothing to draw: no run has a value for {' or '.join(y)}")
    graphs()  # says what to install before plotly is imported here
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(panels), subplot_titles=[in_words(name) for name in panels])
    names = list(dict.fromkeys(line.label for found in panels.values() for line in found))
    for column, (name, found) in enumerate(panels.items(), start=1):
        for line in found:
            _add(figure, line, names.index(line.label), column)
        value = (own or {}).get(name)
        if value is not None:
            note = f"{label(own_name)}: {value:g}"
            figure.add_hline(
                value, line={"dash": "dash", "color": "#5F6368"}, annotation_text=note,
                annotation_position="top left", row=1, col=column,
            )  # fmt: skip
    _axis(figure, [place for found in panels.values() for line in found for place in line.x], x)
    figure.update_yaxes(rangemode="tozero")
    finish(figure, height=420)
    if len(names) == 1:
        figure.update_layout(showlegend=False)
    return figure


def _add(figure: Figure, line: Curve, number: int, column: int) -> None:
    color = COLORS[number % len(COLORS)]
    first = all(trace.legendgroup != line.label for trace in figure.data)
    about = [
        f"{count} runs, {low:g} to {high:g}" if count > 1 else "one run"
        for low, high, count in zip(line.low, line.high, line.runs, strict=True)
    ]
    if max(line.runs) > 1:
        there_and_back = {"x": (*line.x, *line.x[::-1]), "y": (*line.high, *line.low[::-1])}
        figure.add_trace(
            graphs().Scatter(
                **there_and_back,
                fill="toself",
                fillcolor=_BAND.format(*(int(color[i : i + 2], 16) for i in (1, 3, 5))),
                line={"width": 0},
                mode="lines",
                hoverinfo="skip",
                showlegend=False,
                legendgroup=line.label,
            ),
            row=1,
            col=column,
        )
    figure.add_trace(
        graphs().Scatter(
            x=line.x,
            y=line.middle,
            name=label(line.label),
            legendgroup=line.label,
            showlegend=first,
            mode="lines+markers",
            line={"color": color},
            customdata=about,
            hovertemplate="%{x}: %{y}<br>%{customdata}",
        ),
        row=1,
        col=column,
    )


def _axis(figure: Figure, places: Sequence[Any], x: str) -> None:
    figure.update_xaxes(title_text=in_words(x))
    if not all(is_number(place) for place in places):
        figure.update_xaxes(type="category")
        return
    numbers = sorted(set(places))
    if numbers[0] > 0 and numbers[-1] / numbers[0] >= _LOG_FROM:
        figure.update_xaxes(type="log")
    if len(numbers) <= 12:
        figure.update_xaxes(tickvals=numbers, ticktext=[f"{number:g}" for number in numbers])


def in_words(column: str) -> str:
    """Return the title of a column, its unit in brackets.

    Examples
    --------
    >>> in_words("latency_p99_ms"), in_words("throughput_qps"), in_words("builderOptimizationLevel")
    ('latency p99 (ms)', 'throughput (queries/s)', 'builderOptimizationLevel')
    """
    if column in _WORDS:
        return _WORDS[column]
    for ending, unit in _UNITS.items():
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ')} ({unit})"
    return column.replace("_", " ")


def is_number(value: Any) -> bool:
    """Whether a value can stand on a numeric scale."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _named(name: str, value: Any) -> str:
    return str(value) if name == "precision" else f"{name}={_value(value)}"


def _value(value: Any) -> str:
    return "on" if value is True else "off" if value is False or value is None else str(value)
