"""A diff on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from trtlog.redact import redact
from trtlog.report.diff_words import Section, headline, sections

if TYPE_CHECKING:
    from trtlog.analyses.diff import Diff

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
    parts += [Text(f"note: {note}", style="yellow") for note in diff.notes]
    parts.append(Text())
    for line in headline(diff):
        inner = line.startswith("  ")
        parts.append(Padding(Text(redact(line.strip())), (0, 0, 0, 2 if inner else 0)))
    parts += [part for section in sections(diff) for part in (Text(), table(section, limit))]
    return Group(*parts)


def table(section: Section, limit: int) -> RenderableType:
    """Return one table, with how many rows were left out."""
    out = Table(title=section.title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, _, right in section.columns:
        out.add_column(name, justify="right" if right else "left", overflow="fold", header_style="dim")
    for row in section.rows[:limit]:
        cells = [redact(text(row)) for _, text, _ in section.columns]
        out.add_row(*[Text(cell, style=_STYLES.get(cell, "")) for cell in cells])
    if len(section.rows) > limit:
        return Group(out, Text(f"... and {len(section.rows) - limit} more", style="dim"))
    return out
