"""What an answer says, before it is drawn: headings, sentences with marked words, lists, tables, bars, details.

A module of :mod:`trtlog.report.documents` builds a document once; the writers (:mod:`trtlog.report.terminal`,
:mod:`trtlog.report.notebook`, :mod:`trtlog.report.page`, :mod:`trtlog.report.markdown`) draw it. Texts are whole and
as the log has them: a writer escapes, redacts, makes control characters visible, and cuts where there is no room.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from trtlog._util.dataclass import dataclass

Mark = Literal["", "strong", "aside", "code", "badge"]
Tone = Literal["", "good", "bad", "caution", "hint", "accent"]
# How a column behaves where there is little room: numbers (to the right) and codes are never cut, a name loses its
# middle, words wrap, a bar goes first.
Kind = Literal["number", "code", "name", "words", "bar"]

# Words that judge, and how.
TONES: dict[str, Tone] = {
    **dict.fromkeys(("passed", "good", "ok", "faster", "better", "added"), "good"),
    **dict.fromkeys(("failed", "FAILED", "error", "fatal", "fail", "slower", "worse", "removed"), "bad"),
    **dict.fromkeys(("killed", "timed_out", "hung", "disk_full"), "bad"),
    **dict.fromkeys(("interrupted", "incomplete", "waived", "warning", "warn", "changed"), "caution"),
    **dict.fromkeys(("advice", "note"), "hint"),
}


@dataclass(frozen=True)
class Span:
    """A piece of a sentence.

    Attributes
    ----------
    text : str
        The text.
    mark : str
        What it is: ``strong``, ``aside``, ``code`` (a name to be copied), ``badge`` (a status, a severity); or
        nothing of these.
    tone : str
        How it judges: ``good``, ``bad``, ``caution``, ``hint``; ``accent`` only stands out.
    """

    text: str
    mark: Mark = ""
    tone: Tone = ""


Words = tuple[Span, ...]


def words(*parts: str | Span | Words | None) -> Words:
    """Return texts and marked pieces as one sentence; what is None or empty is left out.

    Examples
    --------
    >>> plain(words(strong("layers"), ": 3 ", None, toned("faster")))
    'layers: 3 faster'
    """
    found: list[Span] = []
    for part in parts:
        if isinstance(part, tuple):
            found += part
        elif part:
            found.append(Span(part) if isinstance(part, str) else part)
    return tuple(span for span in found if span.text)


def strong(text: str | None) -> Span:
    """Return a text that stands out."""
    return Span(text or "", "strong")


def aside(text: str | None) -> Span:
    """Return a text of less weight."""
    return Span(text or "", "aside")


def code(text: str | None) -> Span:
    """Return a name or a call, to be copied as it is."""
    return Span(text or "", "code")


def badge(word: str | None) -> Span:
    """Return a status or a severity."""
    return Span(word or "", "badge", TONES.get(word or "", ""))


def toned(text: str | None, word: str | None = None) -> Span:
    """Return a text in the tone of a word that judges, by default the text itself."""
    return Span(text or "", "", TONES.get((text if word is None else word) or "", ""))


def plain(part: Words | Sequence[Span]) -> str:
    """Return a sentence without its marks."""
    return "".join(span.text for span in part)


@dataclass(frozen=True)
class Number:
    """A figure in a cell: how it is shown, and its value where the cell is sorted by it."""

    text: str
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar as long as ``share`` (0 to 1) of its room; anything above 0 can be seen."""

    share: float
    tone: Tone = "accent"
    width: int = 20


Cell = str | Span | Words | Number | Bar | None


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    heading : str
        What stands above it.
    kind : str
        ``number``, ``code``, ``name``, ``words`` or ``bar``.
    mark : str
        Mark of its cells, where a cell has none of its own.
    least : int, optional
        The least width of a ``name`` or ``words`` that is longer.
    spare : bool
        Whether it may be left out on a terminal where there is no room.
    """

    heading: str
    kind: Kind = "words"
    mark: Mark = ""
    least: int | None = None
    spare: bool = False


@dataclass(frozen=True)
class Title:
    """What the document is about."""

    words: Words


@dataclass(frozen=True)
class Note:
    """What limits the answer: to be read first."""

    text: str


@dataclass(frozen=True)
class Sentence:
    """A paragraph."""

    words: Words


@dataclass(frozen=True)
class Point:
    """A sentence of a list, and those under it."""

    words: Words
    under: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Points:
    """A list of sentences.

    On a terminal each begins with ``marker``, ``indent`` to the right; a blank line stands before those ``apart``.
    """

    points: tuple[Point, ...]
    marker: str = ""
    indent: int = 0
    apart: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    columns : sequence of Column
        Its columns. Without any heading there is no line of headings.
    rows : sequence of sequences
        A cell for each column.
    most : int, optional
        Most rows to show; by default what the reader asks for.
    rest : str
        How to see the rows that are left out, on the command line.
    wide : str
        How to see the columns that are left out.
    hints : sequence of str
        A text for each row that is shown where the mouse points at it.
    narrow : Table, optional
        What stands in its place on a terminal that is too narrow.
    whole : bool
        Whether a column without any text is shown too.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    most: int | None = None
    rest: str = ""
    wide: str = ""
    hints: Sequence[str] = ()
    narrow: Table | None = None
    whole: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    facts: tuple[tuple[str, Words], ...]


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side: label, value and unit of each."""

    tiles: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Entry:
    """A finding: its headline, and what belongs to it."""

    words: Words
    blocks: tuple[Block, ...] = ()
    opened: bool = True


@dataclass(frozen=True)
class Section:
    """A part under a title.

    Attributes
    ----------
    title : str
        Its title.
    blocks : tuple
        What stands in it.
    opened : bool
        Whether it is open at first where it can be folded away.
    count : int, optional
        How many things there are, where the title says so.
    indent : int
        How far it is moved to the right on a terminal.
    apart : bool
        Whether a blank line stands before it on a terminal.
    """

    title: str
    blocks: tuple[Block, ...]
    opened: bool = True
    count: int | None = None
    indent: int = 0
    apart: bool = False


@dataclass(frozen=True)
class Folded:
    """Details that fold away under a title; a terminal shows them without it."""

    title: Words
    blocks: tuple[Block, ...]
    opened: bool = False


Block = Title | Note | Sentence | Points | Table | Facts | Tiles | Entry | Section | Folded


@dataclass(frozen=True)
class Document:
    """An answer.

    Attributes
    ----------
    name : str
        What it is, as a heading of a Markdown text.
    blocks : tuple
        What it says.
    answer : Words
        All of it in one line. It stands first, and on a terminal last, where the eye is.
    """

    name: str
    blocks: tuple[Block, ...]
    answer: Words = ()


def cell_text(cell: Cell) -> str:
    """Return the text of a cell, without its marks; a bar has none.

    Examples
    --------
    >>> cell_text(Number("12.5%", 12.5, "%")), cell_text(None), cell_text(strong("a"))
    ('12.5%', '', 'a')
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, (Span, Number)):
        return cell.text
    return plain(cell) if isinstance(cell, tuple) else ""


def filled(table: Table) -> tuple[list[int], bool]:
    """Return the places of the columns to show, and whether any of them has a heading."""
    kept = [
        place
        for place, column in enumerate(table.columns)
        if table.whole
        or any(isinstance(row[place], Bar) if column.kind == "bar" else cell_text(row[place]) for row in table.rows)
    ]
    return kept, any(table.columns[place].heading for place in kept)


def joined(parts: Iterable[Words], separator: str) -> Words:
    """Return sentences one after the other, with a text between them.

    Examples
    --------
    >>> plain(joined([words("a"), words("b")], ", "))
    'a, b'
    """
    found: list[Span] = []
    for part in parts:
        found += [Span(separator), *part] if found else part
    return tuple(found)
