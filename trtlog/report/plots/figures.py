"""What all plots share: plotly, one look, labels that are text, pages and pictures."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from trtlog.errors import InputError, MissingExtra, how_to_install
from trtlog.report.safe import shown

Figure: TypeAlias = Any
"""A ``plotly.graph_objects.Figure``; plotly ships no types."""

# Told apart also by those who do not see all colours (Okabe and Ito).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5F6368", "#B3261E")
PAGES = (".html", ".htm")
PICTURES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")


def graphs() -> Any:
    """Return ``plotly.graph_objects``.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    try:
        from plotly import graph_objects
    except ImportError as error:
        raise MissingExtra(f"Plots are drawn with plotly, which is not installed; {how_to_install('plot')}") from error
    return graph_objects


def label(value: object, longest: int = 48) -> str:
    """Return a text of the log for a plot: plotly reads some HTML in labels, which this is not.

    Examples
    --------
    >>> label("<b>/conv1</b>"), label("x" * 9, longest=6)
    ('&lt;b&gt;/conv1&lt;/b&gt;', 'xxxx … xx')
    """
    return escape(shown(str(value), longest), quote=False)


def finish(figure: Figure, title: str = "", *, x: str = "", y: str = "", height: int = 400) -> Figure:
    """Give a figure its look: title, axes, colours, margins."""
    figure.update_layout(
        title={"text": title, "x": 0, "xref": "paper", "font": {"size": 16}} if title else None,
        template="plotly_white",
        colorway=COLORS,
        height=height,
        margin={"l": 60, "r": 20, "t": 50 if title else 40, "b": 50},
        hoverlabel={"align": "left"},
    )
    if x:
        figure.update_xaxes(title_text=x)
    if y:
        figure.update_yaxes(title_text=y)
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def write(figure: Figure, path: Path) -> Path:
    """Write a figure: a page that opens without a network, or a picture; the ending of the name tells which.

    Raises
    ------
    InputError
        The ending is another.
    MissingExtra
        A picture needs kaleido, and a Chrome or Chromium that kaleido finds; a page needs neither.
    """
    ending = path.suffix.lower()
    if ending in PAGES:
        figure.write_html(path, include_plotlyjs=True, full_html=True)
    elif ending in PICTURES:
        try:
            # plotly knows the kind by the ending; twice the size is sharp in print and on fine screens
            figure.write_image(path, width=1000, height=figure.layout.height or 400, scale=2)
        except (ImportError, ValueError, RuntimeError) as error:
            raise MissingExtra(
                f"{path} cannot be drawn: pictures need kaleido ({how_to_install('plot')}) and Chrome or Chromium "
                f"(Debian: apt-get install chromium); .html needs neither. {_first(error)}"
            ) from error
    else:
        raise InputError(f"{path} cannot be drawn: its name must end in {', '.join(PAGES[:1] + PICTURES[:3])}.")
    return path


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
