"""Draws a sweep: throughput and latency against the batch size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog.errors import InputError
from trtlog.runner.study import is_number, missing_plot

if TYPE_CHECKING:
    from trtlog.runner.study import Sweep

_PICTURES = frozenset({".png", ".svg", ".pdf"})


@dataclass(frozen=True)
class Line:
    """One line of both panels.

    Attributes
    ----------
    label
        The values of the axes other than the horizontal one.
    x
        Values of the horizontal axis, in order.
    speed, latency_ms
        Throughput and latency there.
    """

    label: str
    x: tuple[Any, ...]
    speed: tuple[float, ...]
    latency_ms: tuple[float, ...]


def horizontal(sweep: Sweep) -> str:
    """Return the axis that is drawn from left to right: the batch size, or else the first."""
    return "batch" if "batch" in sweep.axes else next(iter(sweep.axes))


def lines(sweep: Sweep, stat: str) -> list[Line]:
    """Return the lines to draw; points that were not measured are left out."""
    across, speed, latency = horizontal(sweep), sweep.speed_column, f"latency_{stat}_ms"
    others = [name for name in sweep.axes if name != across]
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in sweep.rows:
        if row.get(speed) is not None and row.get(latency) is not None:
            label = ", ".join(_label(name, row[name]) for name in others) or "all points"
            groups.setdefault(label, []).append(row)
    found = []
    for label, rows in groups.items():
        if all(is_number(row[across]) for row in rows):
            rows.sort(key=lambda row: float(row[across]))
        shown = [row[across] if is_number(row[across]) else _value(row[across]) for row in rows]
        found.append(Line(label, tuple(shown), tuple(row[speed] for row in rows), tuple(row[latency] for row in rows)))
    return found


def draw(sweep: Sweep, path: Path, stat: str) -> Path:
    """Write the plot; its kind follows from the ending of the path."""
    ending = path.suffix.lower()
    found = lines(sweep, stat)
    if not found:
        raise InputError(f"There is nothing to draw: no point of {sweep.path} has a throughput and a {stat} latency.")
    titles = _titles(sweep, stat)
    if ending in (".html", ".htm"):
        _page(found, titles, path)
    elif ending in _PICTURES:
        _picture(found, titles, path)
    else:
        raise InputError(f"{path} cannot be drawn: its name must end in .html, .png, .svg or .pdf.")
    return path


def _titles(sweep: Sweep, stat: str) -> tuple[str, str, str]:
    across = horizontal(sweep)
    speed = "throughput (samples/s)" if sweep.speed_column == "samples_per_s" else "throughput (queries/s)"
    return ("batch size" if across == "batch" else across), speed, f"latency, {stat} (ms)"


def _picture(found: list[Line], titles: tuple[str, str, str], path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_plot("matplotlib", error) from error
    # the object interface: no global state, and no display is looked for
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for line in found:
        left.plot(line.x, line.speed, marker="o", label=line.label)
        right.plot(line.x, line.latency_ms, marker="o", label=line.label)
    for panel, title in ((left, titles[1]), (right, titles[2])):
        panel.set_xlabel(titles[0])
        panel.set_ylabel(title)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        numbers = sorted({value for line in found for value in line.x if is_number(value)})
        if numbers and numbers[0] > 0 and numbers[-1] / numbers[0] >= 8:
            panel.set_xscale("log", base=2)
            panel.set_xticks(numbers, labels=[f"{number:g}" for number in numbers])
    left.legend()
    figure.savefig(path, dpi=150)


def _page(found: list[Line], titles: tuple[str, str, str], path: Path) -> None:
    try:
        import plotly.graph_objects as go
        from plotly.subplots import make_subplots
    except ImportError as error:
        raise missing_plot("plotly", error) from error
    figure = make_subplots(rows=1, cols=2, subplot_titles=titles[1:])
    colors = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
    for number, line in enumerate(found):
        for column, values in ((1, line.speed), (2, line.latency_ms)):
            figure.add_trace(
                go.Scatter(
                    x=line.x,
                    y=values,
                    name=line.label,
                    legendgroup=line.label,
                    showlegend=column == 1,
                    mode="lines+markers",
                    line={"color": colors[number % len(colors)]},
                ),
                row=1,
                col=column,
            )
    numbers = sorted({value for line in found for value in line.x if is_number(value)})
    if numbers and numbers[0] > 0 and numbers[-1] / numbers[0] >= 8:
        figure.update_xaxes(type="log", tickvals=numbers, ticktext=[f"{number:g}" for number in numbers])
    figure.update_xaxes(title_text=titles[0])
    figure.update_yaxes(rangemode="tozero")
    # the library is written into the page, so that it opens without a network
    figure.write_html(path, include_plotlyjs=True, full_html=True)


def _label(name: str, value: Any) -> str:
    return str(value) if name == "precision" else f"{name}={_value(value)}"


def _value(value: Any) -> str:
    return "on" if value is True else "off" if value is False or value is None else str(value)
