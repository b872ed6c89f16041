"""A table on a terminal: columns go and names are cut until it fits; only on the narrowest a row is a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from trtlog.report.document import Bar, Cell, Column, Table, cell_text, filled
from trtlog.report.safe import visible
from trtlog.report.sentences import Span
from trtlog.report.terminal.plain import GAP
from trtlog.report.terminal.text import Fitted, Indented, style_of, text_of

# The shortest bar, and the least room for a name or for words.
_LEAST_BAR = 8
_NAME = 28
_WORDS = 16
# And where there is not so much.
_TIGHT: dict[str, int] = {"name": 16, "words": 10, "code": 12}


class Sheet:
    """A table for rich."""

    def __init__(self, table: Table) -> None:
        places, self._header = filled(table)
        columns = (table.columns[place] for place in places)
        self._columns = [replace(column, heading=visible(column.heading)) for column in columns]
        self._rows = [[_drawable(row[place]) for place in places] for row in table.rows]
        self._narrow = table.narrow
        self._wide = f"; {table.wide}" if table.wide else ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._columns:
            return
        shown = list(range(len(self._columns)))
        widths = self._widths(shown, options)
        if widths is None:  # the first to go are the bars, then what can be spared, from the right
            shown = [n for n in shown if self._columns[n].kind != "bar"]
            widths = self._widths(shown, options)
        spare = [n for n in shown if self._columns[n].spare]
        while widths is None and spare:
            shown.remove(spare.pop())
            widths = self._widths(shown, options)
        if widths is None and self._narrow is None:
            widths = self._widths(shown, options, tight=True)
        if widths is None:
            yield from [Sheet(self._narrow)] if self._narrow is not None else self._entries()
            return
        grid = Grid(box=None, pad_edge=False, show_header=self._header, header_style="dim", padding=(0, GAP, 0, 0))
        for number, width in zip(shown, widths, strict=True):
            column = self._columns[number]
            grid.add_column(
                Text(column.heading),
                justify="right" if column.kind == "number" else "left",
                overflow="fold",
                no_wrap=column.kind != "words",
                width=width,
                style=style_of(column.mark),
            )
        for row in self._rows:
            grid.add_row(*[_cell(row[n], self._columns[n]) for n in shown])
        yield grid
        left = [c.heading for n, c in enumerate(self._columns) if n not in shown and c.kind != "bar"]
        if left:
            yield Text(f"no room for: {', '.join(left)}{self._wide}", style="dim")

    def _widths(self, shown: Sequence[int], options: ConsoleOptions, *, tight: bool = False) -> list[int] | None:
        """Return the width of each shown column, None where they cannot stand beside each other."""
        limits = [self._limits(number, tight=tight) for number in shown]
        widths = [least for least, _ in limits]
        spare = options.max_width - sum(widths) - GAP * (len(widths) - 1)
        if spare < 0:
            return None
        # The room that is left goes to the columns that want the least more, the rest is shared by the others; a
        # bar gets what no text wants.
        wanted = {place: most - least for place, (least, most) in enumerate(limits) if most > least}
        for bars in (False, True):
            places = [place for place in wanted if (self._columns[shown[place]].kind == "bar") == bars]
            places.sort(key=lambda place: wanted[place])
            for done, place in enumerate(places):
                given = min(wanted[place], spare // (len(places) - done))
                widths[place] += given
                spare -= given
        return widths

    def _limits(self, number: int, *, tight: bool = False) -> tuple[int, int]:
        """Return the least and the greatest width of a column."""
        column = self._columns[number]
        cells = [row[number] for row in self._rows]
        if column.kind == "bar":
            most = max((cell.width for cell in cells if isinstance(cell, Bar)), default=0)
            return min(_LEAST_BAR, most), most
        head = cell_len(column.heading) if self._header else 0
        one_line = column.kind in ("name", "code")
        lines = map(_one_line, cells) if one_line else (s for c in cells for s in _text(c).split("\n"))
        most = max([head, *map(cell_len, lines)])
        if tight:
            room = _TIGHT.get(column.kind, most)
        else:
            room = column.least or {"name": _NAME, "words": _WORDS}.get(column.kind, most)
        return max(head, min(room, most)), most

    def _entries(self) -> Iterable[RenderableType]:
        """Each row for itself: a name or words on a line, and its numbers under them with their headings."""
        for row in self._rows:
            names: list[Text] = []
            numbers = Text()
            titled = any(c.kind in ("name", "words") and _text(v) for v, c in zip(row, self._columns, strict=True))
            for cell, column in zip(row, self._columns, strict=True):
                if not _text(cell) or isinstance(cell, Bar):
                    continue
                words = cell.copy() if isinstance(cell, Text) else Text(cell)
                if not words.spans:
                    words.stylize(style_of(column.mark))
                heading = Text(f"{column.heading} " if column.heading and self._header else "", "dim")
                if not titled and column.kind == "code":
                    names.append(words)
                    titled = True
                elif column.kind not in ("name", "words"):
                    numbers.append("  " if numbers else "").append(heading).append(words)
                elif names:
                    names.append(heading.append(words))
                else:
                    names.append(words)
            yield from names[:1]
            for text in [numbers, *names[1:]]:
                if text:
                    yield Indented(text)


def _drawable(cell: Cell) -> Text | Bar | str:
    """Return a cell as rich draws it; a plain text stays one, as most cells of long tables are."""
    if isinstance(cell, Bar):
        return cell
    if isinstance(cell, (Span, tuple)):
        return text_of(cell)
    return visible(cell_text(cell))


def _cell(cell: Text | Bar | str, column: Column) -> RenderableType:
    if isinstance(cell, Bar):
        return Fitted(cell)
    if column.kind in ("name", "code"):
        style = cell.spans[0].style if isinstance(cell, Text) and cell.spans else ""
        return Fitted(_one_line(cell), str(style))
    return cell if isinstance(cell, Text) else Text(cell)


def _one_line(cell: Text | Bar | str) -> str:
    return _text(cell).replace("\n", "\\n")


def _text(cell: Text | Bar | str) -> str:
    if isinstance(cell, Bar):
        return "#" if cell.share > 0 else ""
    return cell.plain if isinstance(cell, Text) else cell
