"""Runs side by side as bars: a panel for each group, the best first, in the colours of the verdicts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from trtlog.analyses.compare.ranking import Comparison
from trtlog.errors import QueryError
from trtlog.report.documents.compare import group_title, in_short, short_names
from trtlog.report.plots.figures import Figure, finish, graphs, label, write

_BAR_PX, _PANEL_PX = 24, 70
# Bars of a panel, and panels of a figure; the table has all.
_BARS, _PANELS = 40, 12
_COLORS = {
    "faster": "#009E73",
    "slower": "#D55E00",
    "same": "#5F6368",
    "baseline": "#0072B2",
    "best": "#0072B2",
    None: "#BDC1C6",
}


def plot_comparison(found: Comparison, path: str | os.PathLike[str] | None = None) -> Figure | Path:
    """Return the figure of a comparison, or write it."""
    drawn = draw(found)
    return drawn if path is None else write(drawn, Path(path))


def draw(found: Comparison) -> Figure:
    """Draw the runs of each group.

    Raises
    ------
    QueryError
        No run was measured.
    MissingExtra
        plotly is not installed.
    """
    groups = [[row for row in rows if row["rank"] is not None][:_BARS] for rows in found.groups()]
    groups = [rows for rows in groups if rows][:_PANELS]
    if not groups:
        raise QueryError("there is nothing to draw: no run was measured")
    graphs()  # says what to install before plotly is imported here
    from plotly.subplots import make_subplots

    names = short_names(found.whole.rows)
    heights = [_BAR_PX * len(rows) + 10 for rows in groups]
    total = sum(heights) + _PANEL_PX * len(groups)
    figure: Any = make_subplots(
        rows=len(groups),
        cols=1,
        row_heights=heights,
        vertical_spacing=min(_PANEL_PX / total, 1 / max(1, len(groups) - 1)) if len(groups) > 1 else 0,
        subplot_titles=[label(group_title(rows), 120) for rows in groups],
    )
    known: set[str | None] = set()
    for place, rows in enumerate(groups, 1):
        for verdict in dict.fromkeys(row["verdict"] for row in rows):
            own = [(len(rows) - n, row) for n, row in enumerate(rows) if row["verdict"] == verdict]
            figure.add_trace(
                graphs().Bar(
                    x=[row["ranked_by"] for _, row in own],
                    y=[n for n, _ in own],
                    orientation="h",
                    name=verdict or "not judged",
                    legendgroup=verdict or "",
                    showlegend=verdict not in known,
                    marker={"color": _COLORS[verdict]},
                    text=[in_short(row) for _, row in own],
                    textposition="auto",
                    customdata=[[label(row["source"], 200)] for _, row in own],
                    hovertemplate="%{customdata[0]}<br>%{text}<extra></extra>",
                ),
                row=place,
                col=1,
            )
            known.add(verdict)
        ticks = {"tickvals": [len(rows) - n for n in range(len(rows))], "ticktext": [label(names[id(r)]) for r in rows]}
        figure.update_yaxes(**ticks, row=place, col=1)
    finish(figure, height=total + 60)
    legend = {"orientation": "h", "y": 0, "yanchor": "bottom", "yref": "container"}
    return figure.update_layout(barmode="overlay", legend=legend, margin={"b": 80})
