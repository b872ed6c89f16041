"""A document as the page's script draws it: each block as data, sentences as pieces with their marks.

The script puts every piece into the page as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trtlog._util.redact import redact
from trtlog.report.document import (
    Block,
    Cell,
    Chart,
    Column,
    DataTable,
    EngineGraph,
    Facts,
    Finding,
    Folded,
    Note,
    Number,
    Points,
    Section,
    Sentence,
    Table,
    cell_text,
    filled,
)
from trtlog.report.page.data import table_json
from trtlog.report.page.network import network_json
from trtlog.report.sentences import Words

# Rows of a table that stands in a document as cells.
_ROWS = 20_000
# Lines and layers that a finding names.
_EVIDENCE = 10


class PageWriter:
    """Draws sections, and gathers the tables that their blocks show.

    Parameters
    ----------
    rows : int
        Most rows of a table.

    Examples
    --------
    >>> from trtlog.report.sentences import toned, words
    >>> PageWriter(10).block(Sentence(words("It is ", toned("faster"))))
    {'kind': 'sentence', 'words': ['It is ', ['faster', '', 'good']]}
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.tables: dict[str, Any] = {}
        self._notes: dict[str, str] = {}

    def section(self, section: Section) -> dict[str, Any]:
        """Return a section; a table of cells in it bears its name."""
        made = {"id": section.name, "title": redact(section.title), "nav": redact(section.short)}
        return _without_nothing(made) | {"blocks": [self.block(block, section) for block in section.blocks]}

    def block(self, block: Block, section: Section | None = None) -> dict[str, Any]:
        """Return a block."""
        if isinstance(block, Note):
            return {"kind": "note", "text": redact(block.text)}
        if isinstance(block, Sentence):
            tone = block.words[0].tone if len(block.words) == 1 and not block.words[0].mark else ""
            return {"kind": "sentence", "words": page_words(block.words), **({"tone": tone} if tone else {})}
        if isinstance(block, Points):
            points = [{"words": page_words(p.words), "under": list(map(page_words, p.under))} for p in block.points]
            return {"kind": "list", "points": points}
        if isinstance(block, Facts):
            return {"kind": "facts", "facts": [[redact(name), page_words(value)] for name, value in block.facts]}
        if isinstance(block, Finding):
            return _finding(block)
        if isinstance(block, Folded):
            inner = [self.block(inner) for inner in block.blocks]
            return {"kind": "folded", "title": page_words(block.title), "open": block.opened, "blocks": inner}
        if isinstance(block, EngineGraph):
            return network_json(block)
        if isinstance(block, Chart):
            return self._of_data(block.kind, block, "label values color most ordered chooses")
        if isinstance(block, DataTable):
            return self._of_data(block.layout, block, "sort size folded dense links")
        if isinstance(block, Table) and section is not None:
            self.tables[section.name] = page_table(block)
            return {"kind": "table", "table": section.name, "title": section.title, "bare": True}
        raise TypeError(f"the page has no block for a {type(block).__name__}")

    def _of_data(self, kind: str, block: DataTable | Chart, names: str) -> dict[str, Any]:
        """Return a block with some of its attributes; its table is put on the page as far as there is room for it."""
        data = block.data
        if data.name not in self.tables:
            shown, self._notes[data.name] = data.rows(self.rows)
            table = table_json(shown, data.columns, labels=data.headings)
            self.tables[data.name] = table | {"total": data.table.num_rows}
        note = " ".join(filter(None, (block.note, self._notes[data.name] if isinstance(block, DataTable) else "")))
        made = {"kind": kind, "table": data.name, "title": block.title, "note": note}
        return _without_nothing(made | {name: getattr(block, name) for name in names.split()})


def _without_nothing(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if value}


def _finding(finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {"kind": "finding", "text": redact(finding.text), "rule": finding.rule}
    made |= {"severity": finding.severity, "confidence": finding.confidence}
    made |= _without_nothing({"why": redact(finding.why), "action": redact(finding.action)})
    for name, values in (("lines", finding.lines), ("layers", finding.layers)):
        made |= {name: list(values[:_EVIDENCE]), f"more_{name}": max(0, len(values) - _EVIDENCE)}
    return made


def page_words(words: Words) -> list[Any]:
    """Return a sentence: its plain pieces as texts, the others with mark and tone."""
    texts = [(redact(span.text), span) for span in words]
    return [[text, span.mark, span.tone] if span.mark or span.tone else text for text, span in texts]


def page_table(table: Table) -> dict[str, Any]:
    """Return a table as the page's script reads it; a column without any text is left out."""
    rows = table.rows[:_ROWS]
    places = [place for place in filled(table)[0] if table.columns[place].kind != "bar"]
    drawn = [_column(number, table.columns[place], [row[place] for row in rows]) for number, place in enumerate(places)]
    return {
        "columns": [column for column, _ in drawn],
        "data": [data for _, data in drawn],
        "rows": len(rows),
        "total": len(table.rows),
    }


def _column(number: int, column: Column, cells: Sequence[Cell]) -> tuple[dict[str, Any], Any]:
    """Return a column and its data: numbers where all are of one unit, else texts by their places in a list."""
    numbers = [cell for cell in cells if isinstance(cell, Number) and cell.value is not None]
    texts = [redact(cell_text(cell)) for cell in cells]
    units = {cell.unit for cell in numbers}
    numeric = len(numbers) == sum(map(bool, texts)) and len(units) == 1
    decimals = {len(cell.text.removesuffix(cell.unit).partition(".")[2]) for cell in numbers}
    unit = units.pop() if numeric else ""
    about = {
        "name": f"c{number}",
        "label": column.heading or " ",
        "unit": unit,
        "doc": "",
        "type": "number" if numeric else "text",
        "digits": decimals.pop() if unit and len(decimals) == 1 else None,
        "signed": numeric and any(cell.text.startswith("+") for cell in numbers),
    }
    if numeric:
        return about, [cell.value if isinstance(cell, Number) else None for cell in cells]
    place = {text: i for i, text in enumerate(dict.fromkeys(text for text in texts if text))}
    return about, {"words": list(place), "index": [place.get(text, -1) for text in texts]}
