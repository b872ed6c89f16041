"""A document as HTML for a notebook.

It is legible on a light and on a dark page, because text keeps the page's own colours and a badge brings its
background with it, and where styles are taken away (GitHub), because tables, bold text and what folds remain.
Every text passes :func:`trtlog.report.safe.shown` and is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from trtlog._util.expression import expression
from trtlog.display import draw
from trtlog.report.document import (
    Bar,
    Block,
    Cell,
    Chart,
    Column,
    DataTable,
    Document,
    EngineGraph,
    Facts,
    Finding,
    Note,
    Points,
    Section,
    Sentence,
    Table,
    Tiles,
    Title,
    cell_text,
    filled,
)
from trtlog.report.safe import shown
from trtlog.report.sentences import Span, Tone, Words, aside, strong, words
from trtlog.report.tables import simpler

# A name is cut in its middle, and shown whole where the mouse points at it; a sentence is cut where it is no sentence.
_NAME, _SENTENCE = 300, 5_000
_ROWS = 20
# White text on each of these is legible (contrast 4.5 and more), whatever the page's own background.
_COLORS: dict[Tone, str] = {
    "": "#5f6368",
    "good": "#1a7f45",
    "bad": "#b3261e",
    "caution": "#8a5a00",
    "hint": "#0b5cad",
    "accent": "#0b5cad",
}
_BADGE = "color:#fff;border-radius:3px;padding:1px 6px;font-size:85%"
# Not every notebook gives cells a padding of its own.
_CELL = "vertical-align:top;padding:2px 8px"
_LEFT = f"text-align:left;{_CELL}"
_STYLES = {"number": f"text-align:right;{_CELL};white-space:nowrap", "code": f"{_LEFT};white-space:nowrap"}
_LINE = '<div style="margin:2px 0">{}</div>'
_LONG = expression(r"([^\s<>]{24,200}?[_/])(?=[^\s<>]{8})")
_CELL_BAR = '<div style="background:{};height:.7em;min-width:1px;width:{:.2f}em"></div>'


def draw_html(result: object) -> str:
    """Return a result as HTML: what ``_repr_html_`` gives."""
    return to_html(draw("document", result))


def to_html(document: Document) -> str:
    """Return a document as HTML."""
    titled = document.answer or any(isinstance(block, Title) for block in document.blocks)
    first = document.answer if titled else words(strong(document.name))
    head = _line(first) if first else ""
    style = "max-width:100%;overflow-wrap:break-word"
    return f'<div class="trtlog" style="{style}">{head}{_blocks(document.blocks)}</div>'


def _blocks(blocks: Iterable[Block]) -> str:
    return "".join(map(_block, blocks))


def _block(block: Block) -> str:
    if isinstance(block, (Title, Sentence)):
        return _line(block.words)
    if isinstance(block, Note):
        return _line(words(strong("Note:"), " ", block.text))
    if isinstance(block, Points):
        return _list([(_inline(point.words), point.under) for point in block.points])
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Facts):
        rows = [(strong(name), value) for name, value in block.facts]
        return _table(Table((Column(""), Column("")), rows, most=len(rows)))
    if isinstance(block, Tiles):
        return _tiles(block)
    if isinstance(block, Finding):
        remarks, opened = block.remarks(), block.severity != "advice"
        return _folded(_inline(block.headline()), remarks, opened) if remarks else _line(block.headline())
    if isinstance(block, (DataTable, Chart, EngineGraph)):
        return _blocks(simpler(block, _ROWS))
    if isinstance(block, Section):
        title = block.title if block.count is None else f"{block.title} ({block.count})"
        return _folded(_inline(words(strong(title))), block.blocks, block.opened)
    return _folded(_inline(block.title), block.blocks, block.opened)


def _line(part: Words) -> str:
    return _LINE.format(_inline(part))


def _inline(part: Words) -> str:
    return "".join(map(_span, part))


def _breakable(text: str) -> str:
    """Return a text that may be broken inside long names, so that a kernel does not push columns out of sight."""
    return _LONG.sub(r"\1<wbr>", escape(text))


def _span(span: Span, escaped: Callable[[str], str] = escape) -> str:
    text = escaped(shown(span.text, _NAME if span.mark in ("strong", "code", "badge") else _SENTENCE))
    if span.mark == "strong":
        return f"<b>{text}</b>"
    if span.mark == "code":
        return f"<code>{text}</code>"
    if span.mark == "aside":
        return f'<small style="opacity:.75">{text}</small>'
    if span.mark == "badge":
        return f'<span style="background:{_COLORS[span.tone]};{_BADGE}">{text}</span>'
    return text


def _list(points: Sequence[tuple[str, Iterable[Words]]]) -> str:
    items = [f"<li>{text}{_list([(_inline(line), ()) for line in under])}</li>" for text, under in points]
    return f'<ul style="margin:2px 0 6px 0">{"".join(items)}</ul>' if items else ""


def _table(table: Table) -> str:
    """Return a table, and how many rows were left out."""
    most = _ROWS if table.most is None else table.most
    places, headed = filled(table)
    columns = [table.columns[place] for place in places]
    styles = [_STYLES.get(column.kind, _LEFT) for column in columns]
    head = ""
    if headed:
        cells = "".join(
            f'<th style="{style}">{escape(column.heading)}</th>' for column, style in zip(columns, styles, strict=True)
        )
        head = f"<thead><tr>{cells}</tr></thead>"
    body = []
    for number, row in enumerate(table.rows[:most]):
        hint = f' title="{escape(shown(table.hints[number]))}"' if table.hints else ""
        cells = "".join(_cell(row[place], style) for place, style in zip(places, styles, strict=True))
        body.append(f"<tr{hint}>{cells}</tr>")
    made = f'<table style="margin:4px 0;border-collapse:collapse">{head}<tbody>{"".join(body)}</tbody></table>'
    return f'<div style="overflow-x:auto;max-width:100%">{made}</div>{_rest(len(table.rows) - most)}'


def _cell(cell: Cell, style: str) -> str:
    hint = ""
    if isinstance(cell, Bar):
        inner = _CELL_BAR.format(_COLORS[cell.tone], cell.share * cell.width / 2) if cell.share > 0 else ""
    elif isinstance(cell, (Span, tuple)):
        inner = "".join(_span(span, _breakable) for span in words(cell))
    else:
        text = cell_text(cell)
        inner = _breakable(shown(text))
        if len(text) > _NAME:
            hint = f' title="{escape(shown(text, _SENTENCE))}"'
    return f'<td style="{style}"{hint}>{inner}</td>'


def _tiles(block: Tiles) -> str:
    place = f"{_LEFT};padding-right:20px"
    cells = []
    for label, value, unit in block.tiles:
        number = f'<span style="white-space:nowrap">{_inline(words(strong(value), " ", unit))}</span>'
        cells.append(f'<td style="{place}">{_inline(words(aside(label)))}<br>{number}</td>')
    return f'<table style="margin:4px 0"><tbody><tr>{"".join(cells)}</tr></tbody></table>' if cells else ""


def _folded(title: str, blocks: Sequence[Block], opened: bool) -> str:
    state = " open" if opened else ""
    inner = f'<div style="margin-left:16px">{_blocks(blocks)}</div>'
    return f'<details{state} style="margin:4px 0"><summary style="cursor:pointer">{title}</summary>{inner}</details>'


def _rest(count: int) -> str:
    return _line(words(aside(f"... and {count} more"))) if count > 0 else ""
