"""A document on the terminal, drawn by rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.redact import redact
from trtlog.display import draw
from trtlog.report.document import (
    Block,
    Cell,
    Column,
    Document,
    Entry,
    Facts,
    Folded,
    Note,
    Points,
    Section,
    Sentence,
    Span,
    Table,
    Tiles,
    Title,
    Words,
    aside,
    words,
)
from trtlog.report.terminal.sheet import Sheet
from trtlog.report.terminal.text import Heading, Indented, Trimmed, text_of

_FACTS = (Column("", "code", "aside"), Column("", "words"))


def draw_terminal(result: object, limit: int | None = None) -> RenderableType:
    """Return a result as something rich can print."""
    return render(draw("document", result), limit)


def render(document: Document, limit: int | None = None) -> RenderableType:
    """Return a document as something rich can print, at most ``limit`` rows of a table that may be cut.

    No control character of it reaches the terminal, and secrets are taken out.
    """
    parts = list(_blocks(document.blocks, limit))
    if document.answer:
        parts.append(_line(document.answer))
    return Trimmed(Group(*parts))


def _blocks(blocks: Sequence[Block], limit: int | None) -> Iterator[RenderableType]:
    for block in blocks:
        yield from _block(block, limit)


def _block(block: Block, limit: int | None) -> Iterator[RenderableType]:
    if isinstance(block, (Title, Sentence)):
        yield _line(block.words)
    elif isinstance(block, Note):
        yield _line(words(Span(f"note: {block.text}", "", "caution")))
    elif isinstance(block, Points):
        if block.apart:
            yield Text()
        for point in block.points:
            line = _line(words(block.marker, point.words))
            yield Indented(line, block.indent) if block.indent else line
            yield from (Indented(_line(under)) for under in point.under)
    elif isinstance(block, Table):
        yield from _table(block, limit)
    elif isinstance(block, Facts):
        yield Sheet(_safe(Table(_FACTS, block.facts)))
    elif isinstance(block, Tiles):
        yield _line(words(", ".join(" ".join(filter(None, tile)) for tile in block.tiles)))
    elif isinstance(block, Entry):
        yield _line(block.words)
        if block.blocks:
            yield from (Indented(part, 4) for part in _blocks(block.blocks, limit))
            yield Text()
    elif isinstance(block, Folded):
        yield from _blocks(block.blocks, limit)
    else:
        yield from _section(block, limit)


def _section(section: Section, limit: int | None) -> Iterator[RenderableType]:
    if section.apart:
        yield Text()
    yield Heading(redact(section.title))
    for part in _blocks(section.blocks, limit):
        yield Indented(part, section.indent) if section.indent else part


def _table(table: Table, limit: int | None) -> Iterator[RenderableType]:
    most = limit if table.most is None else table.most
    left = 0 if most is None else max(0, len(table.rows) - most)
    yield Sheet(_safe(replace(table, rows=table.rows[:most])))
    if left:
        yield _line(words(aside(f"... and {left} more{f': {table.rest}' if table.rest else ''}")))


def _line(part: Words) -> Text:
    return text_of(tuple(replace(span, text=redact(span.text)) for span in part))


def _safe(table: Table) -> Table:
    """Return a table without secrets."""
    rows = [[_redacted(cell) for cell in row] for row in table.rows]
    return replace(table, rows=rows, narrow=table.narrow and _safe(table.narrow))


def _redacted(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return redact(cell)
    if isinstance(cell, Span):
        return replace(cell, text=redact(cell.text))
    if isinstance(cell, tuple):
        return tuple(replace(span, text=redact(span.text)) for span in cell)
    return cell
