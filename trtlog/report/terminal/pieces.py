"""A document in the order in which a terminal or a pipe shows it: lines, titles and tables, each so far to the right.

Secrets are taken out here, and long tables end with a word on what is left out. How a piece is drawn is the writers'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from trtlog._util.redact import redact
from trtlog.report.document import (
    Block,
    Cell,
    Chart,
    Column,
    DataTable,
    Document,
    EngineGraph,
    Facts,
    Finding,
    Folded,
    Note,
    Points,
    Section,
    Sentence,
    Table,
    Tiles,
    Title,
)
from trtlog.report.sentences import Span, Words, aside, words
from trtlog.report.tables import simpler

_FACTS = (Column("", "code", "aside"), Column("", "words"))
_BLANK: Words = ()


class Piece(NamedTuple):
    """A line of words, a title (a text) or a table, and how many blanks stand before it."""

    part: Words | str | Table
    indent: int = 0


def pieces(document: Document, limit: int | None = None) -> Iterator[Piece]:
    """Give the pieces of a document, with at most ``limit`` rows of a table that may be cut; the answer comes last."""
    yield from _blocks(document.blocks, limit, 0)
    if document.answer:
        yield _line(document.answer)


def _blocks(blocks: Sequence[Block], limit: int | None, indent: int) -> Iterator[Piece]:
    for block in blocks:
        yield from _block(block, limit, indent)


def _block(block: Block, limit: int | None, indent: int) -> Iterator[Piece]:
    if isinstance(block, (Title, Sentence)):
        yield _line(block.words, indent)
    elif isinstance(block, Note):
        yield _line(words(Span(f"note: {block.text}", "", "caution")), indent)
    elif isinstance(block, Points):
        if block.apart:
            yield Piece(_BLANK)
        for point in block.points:
            yield _line(words(block.marker, point.words), indent + block.indent)
            yield from (_line(under, indent + 2) for under in point.under)
    elif isinstance(block, Table):
        yield from _table(block, limit, indent)
    elif isinstance(block, Facts):
        yield Piece(_safe(Table(_FACTS, block.facts)), indent)
    elif isinstance(block, Tiles):
        yield _line(words(", ".join(" ".join(filter(None, tile)) for tile in block.tiles)), indent)
    elif isinstance(block, Finding):
        yield _line(block.headline(), indent)
        if remarks := block.remarks():
            yield from _blocks(remarks, limit, indent + 4)
            yield Piece(_BLANK)
    elif isinstance(block, (DataTable, Chart, EngineGraph)):
        yield from _blocks(simpler(block, limit), limit, indent)
    elif isinstance(block, Folded):
        yield from _blocks(block.blocks, limit, indent)
    else:
        yield from _section(block, limit, indent)


def _section(section: Section, limit: int | None, indent: int) -> Iterator[Piece]:
    if section.apart:
        yield Piece(_BLANK)
    yield Piece(redact(section.title), indent)
    yield from _blocks(section.blocks, limit, indent + section.indent)


def _table(table: Table, limit: int | None, indent: int) -> Iterator[Piece]:
    most = limit if table.most is None else table.most
    left = 0 if most is None else max(0, len(table.rows) - most)
    yield Piece(_safe(replace(table, rows=table.rows[:most])), indent)
    if left:
        yield _line(words(aside(f"... and {left} more{f': {table.rest}' if table.rest else ''}")), indent)


def _line(part: Words, indent: int = 0) -> Piece:
    return Piece(tuple(replace(span, text=redact(span.text)) for span in part), indent)


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
