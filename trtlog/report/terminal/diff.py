"""A diff on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.redact import redact
from trtlog.report.diff_words import METRIC_NAMES, Section, headline, sections
from trtlog.report.terminal.text import Bar, Cell, Column, Heading, Indented, Sheet

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff

_LIMIT = 12
_STYLES = {
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "faster": "green",
    "better": "green",
    "slower": "red",
    "worse": "red",
}

_ABOUT = frozenset([*METRIC_NAMES.values(), "layers", "machine", "tactics", "fusions", "reformats", "messages"])


def screen(diff: Diff, limit: int = _LIMIT) -> RenderableType:
    """Return the diff as something rich can print, at most ``limit`` rows a table.

    Parameters
    ----------
    diff : Diff
        Made by :func:`trtlog.diff`.
    limit : int
        Rows of a table.
    """
    title = Text.assemble((diff.control.source, "bold"), "  ->  ", (diff.test.source, "bold"))
    parts: list[RenderableType] = [title]
    parts += [Text(f"note: {redact(note)}", style="yellow") for note in diff.notes]
    parts.append(Text())
    for line in headline(diff):
        text = _verdict(redact(line.strip()))
        parts.append(Indented(text) if line.startswith("  ") else text)
    parts += [part for section in sections(diff) for part in (Text(), table(section, limit))]
    return Group(*parts)


def _verdict(line: str) -> Text:
    """Return a line of the headline: what it is about in bold, the verdict in its colour."""
    text = Text(line)
    about, colon, _ = line.partition(": ")
    if colon and about in _ABOUT:
        text.stylize("bold", 0, len(about))
    for word in ("faster", "slower", "better", "worse"):
        text.highlight_regex(rf"(?<=[%], ){word}|(?<=machine: ){word}", style=_STYLES[word])
    return text


def table(section: Section, limit: int) -> RenderableType:
    """Return one table, with how many rows were left out."""
    columns = [Column(name, kind) for name, _, kind in section.columns]
    rows: list[list[Cell]] = []
    bars = _bars(section, limit)
    for number, row in enumerate(section.rows[:limit]):
        cells = [redact(text(row)) for _, text, _ in section.columns]
        rows.append([*(Text(cell, style=_STYLES.get(cell, "")) for cell in cells), *bars[number : number + 1]])
    if bars:
        columns.append(Column("", "bar"))
    parts: list[RenderableType] = [Heading(section.title), Sheet(columns, rows)]
    if len(section.rows) > limit:
        parts.append(Text(f"... and {len(section.rows) - limit} more: --limit shows them", style="dim"))
    return Group(*parts)


def _bars(section: Section, limit: int) -> list[Bar]:
    """Return a bar a row for a table of changes: how much of the largest change, green where it became faster."""
    if section.bar is None:
        return []
    values = [row[section.bar] or 0.0 for row in section.rows[:limit]]
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    return [Bar(abs(value) / largest, "red" if value > 0 else "green") for value in values]
