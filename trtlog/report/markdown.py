"""A document as Markdown, for a pull request or a comment: what a log says is text there, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from trtlog._util.expression import expression
from trtlog._util.redact import redact
from trtlog.display import draw
from trtlog.report.document import (
    Bar,
    Block,
    Cell,
    Chart,
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
    cell_text,
    filled,
)
from trtlog.report.sentences import Span, Words, words
from trtlog.report.tables import simpler

# Long tables fold away in a pull request.
_FOLDED = 8
_LIMIT = 20
# A name of thousands of characters (a fused region's) would make a table that nobody can read.
_LONGEST = 200
_BAR = 10
_SPECIAL = expression(r"[\\`*\[\]|~&<]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITIES = {"&": "&amp;", "<": "&lt;"}
# What would make a heading, a list, a quote or a rule of the line that it begins.
_OPENING = expression(r"(?=[-+#=>])|[0-9]+(?=[.)](?:\s|$))")
_BLANKS = expression(r"[\s\x85\u2028\u2029]+")


def draw_markdown(result: object, limit: int = _LIMIT) -> str:
    """Return a result as Markdown, at most ``limit`` rows of a table that may be cut."""
    return to_markdown(draw("document", result), limit)


def to_markdown(document: Document, limit: int | None = None) -> str:
    """Return a document as Markdown, at most ``limit`` rows of a table that may be cut."""
    lines = [f"## {escaped(document.name)}"]
    if document.answer:
        lines += ["", inline(document.answer)]
    lines += _blocks(document.blocks, limit)
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Return a text, on one line and without secrets, that Markdown shows as it is.

    Examples
    --------
    >>> escaped("a|b <img src=x> ![x](http://y) C:\\new __init__ conv_1")
    'a\\|b &lt;img src=x> !\\[x\\](http://y) C:\\\\new \\_\\_init\\_\\_ conv_1'
    """
    one_line = _BLANKS.sub(" ", redact(text))
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), one_line)


def inline(part: Words) -> str:
    """Return a sentence with its marks as Markdown."""
    return "".join(map(_span, part))


def markdown_table(table: Table) -> Iterator[str]:
    """Give the lines of a table with all its rows, nothing of them cut."""
    return _rows(table, filled(table)[0], None)


def _blocks(blocks: Sequence[Block], limit: int | None) -> Iterator[str]:
    before: Block | None = None
    for block in blocks:
        lines = list(_block(block, limit))
        if lines and not (isinstance(block, Finding) and isinstance(before, Finding)):
            yield ""  # findings that follow each other are one list
        yield from lines
        before = block


def _block(block: Block, limit: int | None) -> Iterator[str]:
    if isinstance(block, (Title, Sentence)):
        yield _started(inline(block.words))
    elif isinstance(block, Note):
        yield f"> **Note:** {escaped(block.text)}"
    elif isinstance(block, Points):
        for point in block.points:
            yield _item(point.words)
            yield from (f"  {_item(under)}" for under in point.under)
    elif isinstance(block, Table):
        yield from _table(block, limit)
    elif isinstance(block, Facts):
        yield from (f"- **{escaped(name)}**: {inline(value)}" for name, value in block.facts)
    elif isinstance(block, Tiles):
        for label, value, unit in block.tiles:
            yield f"- {escaped(label)}: **{escaped(value)}** {escaped(unit)}".rstrip()
    elif isinstance(block, Finding):
        yield _item(block.headline())
        yield from (f"  {_item(remark.words)}" for remark in block.remarks())
    elif isinstance(block, (DataTable, Chart, EngineGraph)):
        yield from list(_blocks(simpler(block, limit), limit))[1:]  # a blank line stands before a block already
    elif isinstance(block, Folded):
        yield from _details(_html(block.title), block.blocks, limit)
    else:
        yield from _section(block, limit)


def _section(section: Section, limit: int | None) -> Iterator[str]:
    if any(isinstance(block, Table) and len(block.rows) > _FOLDED for block in section.blocks):
        count = f" ({section.count})" if section.count is not None else ""
        yield from _details(f"<b>{_html(words(section.title + count))}</b>", section.blocks, limit)
    else:
        yield f"### {escaped(section.title)}"
        yield from _blocks(section.blocks, limit)


def _details(title: str, blocks: Sequence[Block], limit: int | None) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield from _blocks(blocks, limit)
    yield from ["", "</details>"]


def _table(table: Table, limit: int | None) -> Iterator[str]:
    most = limit if table.most is None else table.most
    places, _ = filled(table)
    yield from _rows(replace(table, rows=table.rows[:most]), places, _LONGEST)
    if most is not None and len(table.rows) > most:
        yield from ["", f"... and {len(table.rows) - most} more"]


def _rows(table: Table, places: Sequence[int], longest: int | None) -> Iterator[str]:
    columns = [table.columns[place] for place in places]
    yield "| " + " | ".join(escaped(column.heading) or " " for column in columns) + " |"
    yield "|" + "|".join("--:" if column.kind == "number" else "---" for column in columns) + "|"
    for row in table.rows:
        cells = (_cell(row[place], longest) for place in places)
        yield "| " + " | ".join(cells) + " |"


def _cell(cell: Cell, longest: int | None) -> str:
    if isinstance(cell, Bar):
        return "█" * max(1, round(cell.share * _BAR)) if cell.share > 0 else ""
    if isinstance(cell, Span):
        cell = (cell,)
    if isinstance(cell, tuple):
        return "".join(_span(replace(span, text=_short(span.text, longest)), in_table=True) for span in cell)
    return escaped(_short(cell_text(cell), longest))


def _short(text: str, longest: int | None) -> str:
    """Return a text of at most ``longest`` characters, cut in the middle."""
    if longest is None or len(text) <= longest:
        return text
    head = (longest - 3) * 2 // 3
    return f"{text[:head]}...{text[head + 3 - longest :]}"


def _item(part: Words) -> str:
    return f"- {_started(inline(part))}"


def _started(line: str) -> str:
    """Return a line that begins no heading, list or quote of its own."""
    found = _OPENING.match(line)
    return f"{found[0]}\\{line[found.end() :]}" if found else line


def _span(span: Span, *, in_table: bool = False) -> str:
    if span.mark == "code":
        made = _code(span.text)
        return made.replace("|", "\\|") if in_table else made
    made = escaped(span.text)
    if span.mark not in ("strong", "badge"):
        return made
    inner = made.strip()
    return made.replace(inner, f"**{inner}**", 1) if inner else made


def _code(text: str) -> str:
    """Return a text between as many backticks as it takes."""
    one_line = _BLANKS.sub(" ", redact(text)).strip()
    if not one_line:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", one_line)), default=0) + 1)
    gap = " " if "`" in one_line[:1] + one_line[-1:] else ""
    return f"{fence}{gap}{one_line}{gap}{fence}"


def _html(part: Words) -> str:
    return escape(_BLANKS.sub(" ", redact("".join(span.text for span in part))))
