"""What terminal texts are made of: tables, bars and headings that fit any width, and are cut nowhere in a pipe.

On a terminal a long name loses its middle, words wrap, and a table that does not fit turns into one entry a row.
In a pipe (a console of :data:`UNBOUNDED` columns) every row is one line and every text whole, so that grep finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

# The width of a console that writes into a pipe or a file.
UNBOUNDED = 1_000_000
# The longest bar, the shortest, and the least room for a name or for words.
_BAR = 20
_LEAST_BAR = 8
_NAME = 28
_WORDS = 16
_GAP = 2
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# C0 and C1 characters of a log would steer the terminal: they stand as pictures; a tab is a space.
_VISIBLE = {code: 0x2400 + code for code in range(0x20) if code != 0x0A} | {0x7F: 0x2421, 0x09: 0x20}
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def unbounded(options: ConsoleOptions) -> bool:
    """Whether the output has no width: nothing is wrapped or cut."""
    return options.max_width >= UNBOUNDED // 2


def visible(text: str) -> str:
    r"""Return a text whose control characters can be seen and do nothing.

    Examples
    --------
    >>> visible("\x1b[31mred")
    '␛[31mred'
    """
    return text.translate(_VISIBLE)


def fitted(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a text that takes at most ``width`` cells; a longer one loses its middle.

    Examples
    --------
    >>> fitted("/layer1/layer1.0/conv1/Conv", 15)
    '/layer1…v1/Conv'
    """
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 2:
        return set_cell_size(text, width)
    head = (room + 1) // 2
    tail = room - head
    start = set_cell_size(text, head).rstrip() if head else ""
    end = set_cell_size(text[::-1], tail)[::-1].lstrip() if tail else ""
    return f"{start}{ellipsis}{end}"


@dataclass(frozen=True)
class Name:
    """A layer's, kernel's or file's name: on one line, cut in the middle where it does not fit."""

    text: str
    style: str = ""

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        length = cell_len(self.text)
        return Measurement(min(length, _NAME), length)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ellipsis = "..." if options.ascii_only else "…"
        words = fitted(_one_line(self.text), options.max_width, ellipsis)
        yield Text(words, style=self.style, no_wrap=True, overflow="ignore", end="")


@dataclass(frozen=True)
class Bar:
    """A bar as long as ``share`` (0 to 1) of its room; anything above 0 can be seen."""

    share: float
    style: str = "cyan"
    width: int = _BAR

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        width = min(self.width, options.max_width)
        return Measurement(width, width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.drawn(min(self.width, options.max_width), options.ascii_only), style=self.style, end="")

    def drawn(self, width: int, ascii_only: bool = False) -> str:
        """Return the bar as text."""
        share = min(max(self.share, 0.0), 1.0)
        if share <= 0:
            return ""
        if ascii_only:
            return "#" * max(1, round(share * width))
        whole, part = divmod(max(1, round(share * width * 8)), 8)
        return _EIGHTHS[8] * whole + (_EIGHTHS[part] if part else "")


class Heading:
    """The title of a part, with a line to the right of it on a terminal."""

    def __init__(self, title: str = "") -> None:
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if unbounded(options):
            yield Text(self._title, style="bold")
            return
        title = Text(self._title, style="bold", no_wrap=True, overflow="ellipsis")
        room = options.max_width - cell_len(self._title) - 1
        if self._title and room > 0:
            title.append(" ")
        if room > 0:
            title.append(("-" if options.ascii_only else "─") * (room if self._title else options.max_width), "dim")
        yield title


@dataclass(frozen=True)
class Column:
    """A column of a :class:`Sheet`.

    Attributes
    ----------
    heading : str
        What stands above it.
    kind : str
        ``number`` (to the right, never cut), ``code`` (to the left, never cut), ``name`` (cut in the middle),
        ``words`` (wraps) or ``bar``.
    style : str
        Style of its cells, where a cell has none of its own.
    least : int, optional
        The least width of a ``name`` or ``words`` that is longer.
    """

    heading: str
    kind: Literal["number", "code", "name", "words", "bar"] = "words"
    style: str = ""
    least: int | None = None


Cell = str | Text | Bar


class Sheet:
    """A table that fits: rows of cells, a table where it fits the width, else an entry of few lines for each row.

    Parameters
    ----------
    columns : sequence of Column
        The columns. A column without any text is left out.
    rows : iterable of sequences
        Texts, styled texts, or bars.
    header : bool
        Whether the headings are shown.
    keep_empty : bool
        Whether a column without any text is shown too.
    narrow : Sheet, optional
        What stands in its place where it does not fit.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Cell]],
        *,
        header: bool = True,
        keep_empty: bool = False,
        narrow: Sheet | None = None,
    ) -> None:
        self._narrow = narrow
        held = [list(row) for row in rows]
        kept = [n for n in range(len(columns)) if keep_empty or any(_text(row[n]) for row in held)]
        self._columns = [columns[n] for n in kept]
        self._rows = [[row[n] for n in kept] for row in held]
        self._header = header and any(column.heading for column in self._columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._columns:
            return
        shown = list(range(len(self._columns)))
        widths = self._widths(shown, options)
        if widths is None:  # the first to go are the bars
            shown = [n for n in shown if self._columns[n].kind != "bar"]
            widths = self._widths(shown, options)
        if widths is None:
            yield from [self._narrow] if self._narrow is not None else self._entries()
            return
        table = Table(box=None, pad_edge=False, show_header=self._header, header_style="dim", padding=(0, _GAP, 0, 0))
        for number, width in zip(shown, widths, strict=True):
            column = self._columns[number]
            table.add_column(
                Text(column.heading),
                justify="right" if column.kind == "number" else "left",
                overflow="fold",
                no_wrap=column.kind != "words",
                width=width,
                style=column.style,
            )
        for row in self._rows:
            table.add_row(*[self._cell(row[n], self._columns[n]) for n in shown])
        yield table

    def texts(self) -> tuple[list[Column], list[list[str]]]:
        """Return the columns but the bars, and the text of each cell."""
        kept = [n for n, column in enumerate(self._columns) if column.kind != "bar"]
        return [self._columns[n] for n in kept], [[_text(row[n]) for n in kept] for row in self._rows]

    def plain_lines(self) -> Iterator[str]:
        """Give the table as lines of text, as wide as it is: what a pipe gets, at once for many rows."""
        texts = [[visible(_one_line(cell)) for cell in row] for row in self._rows]
        if self._header:
            texts.insert(0, [column.heading for column in self._columns])
        plain = all(text.isascii() for row in texts for text in row)
        length = len if plain else cell_len
        widths = [max((length(row[n]) for row in texts), default=0) for n in range(len(self._columns))]
        right = [column.kind == "number" for column in self._columns]
        for row in texts:
            cells = []
            for text, width, to_right in zip(row, widths, right, strict=True):
                blanks = " " * (width - length(text))
                cells.append(blanks + text if to_right else text + blanks)
            yield (" " * _GAP).join(cells).rstrip()

    def _widths(self, shown: Sequence[int], options: ConsoleOptions) -> list[int] | None:
        """Return the width of each shown column, None where they cannot stand beside each other."""
        limits = [self._limits(number) for number in shown]
        widths = [least for least, _ in limits]
        spare = options.max_width - sum(widths) - _GAP * (len(widths) - 1)
        if spare < 0:
            return None
        # The room that is left goes to the columns that want the least more, the rest is shared by the others; a
        # bar gets what no text wants.
        wanted = {place: most - least for place, (least, most) in enumerate(limits) if most > least}
        for bars in (False, True):
            places = [place for place in wanted if (self._columns[shown[place]].kind == "bar") == bars]
            places.sort(key=lambda place: wanted[place])
            for done, place in enumerate(places):
                more = min(wanted[place], spare // (len(places) - done))
                widths[place] += more
                spare -= more
        return widths

    def _limits(self, number: int) -> tuple[int, int]:
        """Return the least and the greatest width of a column."""
        column = self._columns[number]
        cells = [row[number] for row in self._rows]
        if column.kind == "bar":
            most = max((cell.width for cell in cells if isinstance(cell, Bar)), default=0)
            return min(_LEAST_BAR, most), most
        head = cell_len(column.heading) if self._header else 0
        lines = map(_one_line, cells) if column.kind == "name" else (s for c in cells for s in _text(c).split("\n"))
        most = max([head, *map(cell_len, lines)])
        room = column.least or {"name": _NAME, "words": _WORDS}.get(column.kind, most)
        return max(head, min(room, most)), most

    def _cell(self, cell: Cell, column: Column) -> RenderableType:
        if isinstance(cell, Bar):
            return cell
        if column.kind == "name":
            return Name(_text(cell), str(cell.style) if isinstance(cell, Text) else "")
        return cell if isinstance(cell, Text) else Text(cell)

    def _entries(self) -> Iterable[RenderableType]:
        """Each row for itself: a name or words on a line, and its numbers under them with their headings."""
        for row in self._rows:
            names: list[Text] = []
            numbers = Text()
            titled = any(c.kind in ("name", "words") and _text(v) for v, c in zip(row, self._columns, strict=True))
            for cell, column in zip(row, self._columns, strict=True):
                words = _text(cell)
                if not words or isinstance(cell, Bar):
                    continue
                style = cell.style if isinstance(cell, Text) else column.style
                heading = f"{column.heading} " if column.heading and self._header else ""
                if not titled and column.kind == "code":
                    names.append(Text(words, style=style))
                    titled = True
                elif column.kind not in ("name", "words"):
                    numbers.append("  " if numbers else "")
                    numbers.append(heading, style="dim").append(words, style=style)
                elif names:
                    names.append(Text.assemble((heading, "dim"), (words, style)))
                else:
                    names.append(Text(words, style=style))
            yield from names[:1]
            for text in [numbers, *names[1:]]:
                if text:
                    yield Indented(text)


def _one_line(cell: Cell) -> str:
    return _text(cell).replace("\n", "\\n")


def _text(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return "#" if cell.share > 0 else ""
    return cell.plain if isinstance(cell, Text) else cell


class Indented:
    """A part moved to the right."""

    def __init__(self, part: RenderableType, by: int = 2) -> None:
        self._part = part
        self._by = by

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update_width(max(1, options.max_width - self._by))
        for line in console.render_lines(self._part, inner, pad=False):
            yield Segment(" " * self._by)
            yield from line
            yield Segment.line()


class Plain:
    """A text as it goes to standard output: no control characters of a log, no blanks at the ends of lines."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        new_line = Segment.line()
        for line in console.render_lines(self._part, options, pad=False):
            kept = [Segment(visible(s.text), s.style) for s in line if not s.control and s.text]
            while kept and not kept[-1].text.strip():
                kept.pop()
            if kept:
                last = kept.pop()
                kept.append(Segment(last.text.rstrip(), last.style or Style.null()))
            yield from kept
            yield new_line
