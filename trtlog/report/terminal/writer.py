"""A document on the terminal, drawn by rich."""

from __future__ import annotations

from rich.console import Group, RenderableType

from trtlog.display import draw
from trtlog.report.document import Document, Table
from trtlog.report.terminal.pieces import Piece, pieces
from trtlog.report.terminal.sheet import Sheet
from trtlog.report.terminal.text import Heading, Indented, Trimmed, text_of


def draw_terminal(result: object, limit: int | None = None) -> RenderableType:
    """Return a result as something rich can print."""
    return render(draw("document", result), limit)


def render(document: Document, limit: int | None = None) -> RenderableType:
    """Return a document as something rich can print, at most ``limit`` rows of a table that may be cut.

    No control character of it reaches the terminal, and secrets are taken out.
    """
    return Trimmed(Group(*map(_drawn, pieces(document, limit))))


def _drawn(piece: Piece) -> RenderableType:
    part = piece.part
    if isinstance(part, Table):
        drawn: RenderableType = Sheet(part)
    else:
        drawn = Heading(part) if isinstance(part, str) else text_of(part)
    return Indented(drawn, piece.indent) if piece.indent else drawn
