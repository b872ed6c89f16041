"""What an answer says, before it is drawn: headings, sentences with marked words, lists, tables, charts, findings.

A module of :mod:`trtlog.report.documents` builds a document once; the writers (:mod:`trtlog.report.terminal`,
:mod:`trtlog.report.notebook`, :mod:`trtlog.report.page`, :mod:`trtlog.report.markdown`) draw it. Texts are whole and
as the log has them: a writer escapes, redacts, makes control characters visible, and cuts where there is no room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from trtlog._util.dataclass import dataclass
from trtlog._util.words import plural
from trtlog.report.sentences import Mark, Span, Tone, Words, aside, badge, plain, strong, words

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.report.graph.placed import Placed

# How a column behaves where there is little room: numbers (to the right) and codes are never cut, a name loses its
# middle, words wrap, a bar goes first.
Kind = Literal["number", "code", "name", "words", "bar"]


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
class Data:
    """A table of a log or an answer, as it is; parts that show it may be several.

    Attributes
    ----------
    name : str
        What the document calls it.
    table : pyarrow.Table
        Its rows.
    columns : sequence of str
        Columns to show, in their order; by default all.
    headings : mapping
        Headings that say more than the column's name.
    cut : callable, optional
        Takes the table and how many rows there is room for; returns which rows to show then, and a sentence on which
        they are. By default the first.
    """

    name: str
    table: pa.Table
    columns: Sequence[str] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    cut: Callable[[pa.Table, int], tuple[pa.Table, str]] | None = None

    def rows(self, most: int) -> tuple[pa.Table, str]:
        """Return at most so many rows, and a sentence on which they are."""
        return self.cut(self.table, most) if self.cut is not None else (self.table.slice(0, most), "")


@dataclass(frozen=True)
class DataTable:
    """Rows of a table of a log: a page lets its reader sort, search and choose among them.

    Attributes
    ----------
    data : Data
        The table.
    title, note : str
        What stands above it.
    layout : str
        ``table``; ``record``, names and values of each row; ``matrix``, a row for each text of the first column, a
        column for each of the second, where the third is the value and the fourth its unit.
    sort : tuple of str and int, optional
        The column that sorts it at first, and 1 or -1 for upwards or downwards.
    size : int, optional
        Rows to show at a time.
    folded : bool
        Whether it is folded away at first.
    dense : bool
        Whether its rows are texts to read rather than figures.
    links : str
        A column of layers, where it has another name than ``layer``.
    """

    data: Data
    title: str
    note: str = ""
    layout: Literal["table", "record", "matrix"] = "table"
    sort: tuple[str, int] | None = None
    size: int | None = None
    folded: bool = False
    dense: bool = False
    links: str = ""


@dataclass(frozen=True)
class Chart:
    """Figures as a picture; where none can be drawn, a table with bars.

    Attributes
    ----------
    kind : str
        ``bars``; ``waterfall``, bars of values and their changes; ``treemap``, areas; ``steps``, lines from step to
        step; ``band``, a line with what lies around it (values: middle, low, high).
    data : Data
        The table that holds the figures.
    title, note : str
        What stands above it.
    label : str
        The column that names them.
    values : tuple of str
        The columns of figures, what is drawn first.
    color : str
        A column whose words tell bars apart.
    most : int, optional
        Most bars.
    ordered : bool
        Whether bars stay in the order of the rows; else the longest comes first.
    chooses : str
        The name of a table that a click filters by the label.
    """

    kind: Literal["bars", "waterfall", "treemap", "steps", "band"]
    data: Data
    title: str
    label: str
    values: tuple[str, ...]
    note: str = ""
    color: str = ""
    most: int | None = None
    ordered: bool = False
    chooses: str = ""


@dataclass(frozen=True)
class EngineGraph:
    """The graph of an engine, which only a page draws.

    Attributes
    ----------
    title, note : str
        What stands above it.
    placed : Placed
        Boxes and lines in their places.
    layers : sequence of mapping
        Rows of ``graph_nodes``.
    elsewhere : str
        How to see it where this is no page.
    """

    title: str
    note: str
    placed: Placed
    layers: Sequence[Mapping[str, Any]]
    elsewhere: str


@dataclass(frozen=True)
class Finding:
    """What is wrong, or fine.

    Attributes
    ----------
    severity, rule, text : str
        How grave it is, which rule found it, what it says.
    confidence : str
        How sure that is.
    why, action : str
        Why it matters, and what to do.
    lines, layers : sequence
        Lines of the log that show it, and the layers that it is about.
    """

    severity: str
    rule: str
    text: str
    confidence: str = ""
    why: str = ""
    action: str = ""
    lines: Sequence[int] = ()
    layers: Sequence[str] = ()

    def headline(self) -> Words:
        """Return it in one sentence, with the first lines that show it."""
        sure = f" ({self.confidence} confidence)" if self.confidence and self.severity != "good" else ""
        where = ""
        if self.lines:
            where = f"  [{plural(len(self.lines), 'line')} {_first_lines(self.lines)}]"
        return words(badge(self.severity), " ", strong(self.rule), aside(sure), f"  {self.text}", aside(where))

    def remarks(self) -> tuple[Sentence, ...]:
        """Return why it matters and what to do."""
        about = (("why: ", self.why), ("do: ", self.action))
        return tuple(Sentence(words(aside(head), text)) for head, text in about if text)


# Lines that a finding names in its sentence.
_LINES = 6


def _first_lines(lines: Sequence[int]) -> str:
    left = len(lines) - _LINES
    return ", ".join(map(str, lines[:_LINES])) + (f" and {left} more" if left > 0 else "")


@dataclass(frozen=True)
class Section:
    """A part under a title.

    Attributes
    ----------
    title : str
        Its title.
    blocks : tuple
        What stands in it.
    name : str
        What an address calls it.
    short : str
        Its title in a list of contents, where that is another.
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
    name: str = ""
    short: str = ""
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


_Told = Title | Note | Sentence | Points | Finding | Facts | Tiles
Block = _Told | Table | DataTable | Chart | EngineGraph | Section | Folded


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
