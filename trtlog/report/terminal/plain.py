"""A document as a pipe or a file gets it: lines of text without colours, where nothing is wrapped and nothing cut.

The lines are those that rich would write there; its import and its layout take as long as reading a log of 1 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from trtlog.report.document import Bar, Cell, Column, Document, Table, cell_text, filled
from trtlog.report.safe import visible
from trtlog.report.sentences import plain
from trtlog.report.terminal.pieces import pieces

GAP = 2
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def lines(document: Document, limit: int | None = None, *, ascii_only: bool = False) -> Iterator[str]:
    """Give the lines of a document, with at most ``limit`` rows of a table that may be cut.

    Examples
    --------
    >>> from trtlog.report.document import Column, Document, Section, Table
    >>> times = Table((Column("layer", "name"), Column("ms", "number")), [("/conv1", "0.5"), ("/fc", "0.125")])
    >>> list(lines(Document("", (Section("times", (times,), indent=2),))))
    ['times', '  layer      ms', '  /conv1    0.5', '  /fc     0.125']
    """
    for part, indent in pieces(document, limit):
        if isinstance(part, Table):
            texts: Iterable[str] = table_lines(part, ascii_only=ascii_only)
        else:
            texts = visible(part if isinstance(part, str) else plain(part)).split("\n")
        for text in texts:
            yield (" " * indent + text).rstrip()


def table_lines(table: Table, *, ascii_only: bool = False) -> Iterator[str]:
    """Give the lines of a table as wide as it is: one a row, but where words of several lines stand in a cell."""
    places, header = filled(table)
    columns = [table.columns[place] for place in places]
    rows = [[_lines_of(row[n], c, ascii_only) for n, c in zip(places, columns, strict=True)] for row in table.rows]
    if header:
        rows.insert(0, [[visible(column.heading)] for column in columns])
    drawn = [column.kind == "bar" for column in columns]
    length = _length(text for row in rows for cell, bar in zip(row, drawn, strict=True) if not bar for text in cell)
    widths = [
        max((cell.width for row in table.rows if isinstance(cell := row[places[n]], Bar)), default=0)
        if bar
        else max((length(text) for row in rows for text in row[n]), default=0)
        for n, bar in enumerate(drawn)
    ]
    lengths = [len if bar else length for bar in drawn]
    right = [column.kind == "number" for column in columns]
    for row in rows:
        for number in range(max(map(len, row))):
            texts = [cell[number] if number < len(cell) else "" for cell in row]
            yield _joined(texts, widths, lengths, right)


def _joined(
    texts: Sequence[str], widths: Sequence[int], lengths: Sequence[Callable[[str], int]], right: Sequence[bool]
) -> str:
    cells = []
    for text, width, length, to_right in zip(texts, widths, lengths, right, strict=True):
        words = text.rstrip() if to_right else text
        blanks = " " * (width - length(words))
        cells.append(blanks + words if to_right else words + blanks)
    return (" " * GAP).join(cells).rstrip()


def _lines_of(cell: Cell, column: Column, ascii_only: bool) -> list[str]:
    if isinstance(cell, Bar):
        return [drawn(cell, cell.width, ascii_only)]
    text = visible(cell_text(cell))
    if "\n" not in text:
        return [text]
    return [text.replace("\n", "\\n")] if column.kind in ("name", "code") else text.split("\n")


def _length(texts: Iterable[str]) -> Callable[[str], int]:
    """Return what tells the cells that texts take on a terminal."""
    if all(map(str.isascii, texts)):
        return len
    from rich.cells import cell_len

    return cell_len


def drawn(bar: Bar, width: int, ascii_only: bool = False) -> str:
    """Return a bar as text.

    Examples
    --------
    >>> drawn(Bar(0.5), 8), drawn(Bar(0.001), 8), drawn(Bar(0), 8)
    ('████', '▏', '')
    """
    share = min(max(bar.share, 0.0), 1.0)
    if share <= 0:
        return ""
    if ascii_only:
        return "#" * max(1, round(share * width))
    whole, part = divmod(max(1, round(share * width * 8)), 8)
    return _EIGHTHS[8] * whole + (_EIGHTHS[part] if part else "")
