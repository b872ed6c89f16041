"""The page of two logs: the document of a diff, as the script reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog.report.document import Cell, Column, Note, Number, Points, Section, Table, cell_text, filled, plain
from trtlog.report.documents.diff import diff as document_of

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff

_ROWS = 20_000


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return the data of the page: headline and notes first, then a section a table."""
    tables: dict[str, Any] = {}
    first: list[dict[str, Any]] = []
    made = [{"id": "headline", "title": "What changed", "blocks": first}]
    for block in document_of(diff).blocks:
        if isinstance(block, Note):
            first.append({"kind": "missing", "text": redact(block.text)})
        elif isinstance(block, Points):
            first.append({"kind": "list", "items": [_point(plain(p.words), map(plain, p.under)) for p in block.points]})
        elif isinstance(block, Section):
            [table] = block.blocks
            assert isinstance(table, Table)
            name = f"diff{len(tables)}"
            tables[name] = _table(table)
            shown = {"kind": "table", "table": name, "title": block.title, "bare": True, "note": ""}
            made.append({"id": name, "title": block.title, "blocks": [shown]})
    head = {
        "name": f"{_base(diff.control.source)} → {_base(diff.test.source)}",
        "status": None,
        "facts": [f"control: {redact(diff.control.source)}", f"test: {redact(diff.test.source)}"],
        "tiles": [],
    }
    return {"kind": "diff", "title": head["name"], "runs": [{"head": head, "sections": made, "tables": tables}]}


def _point(text: str, under: Any) -> dict[str, Any]:
    return {"text": redact(text), "items": list(map(redact, under))}


def _base(source: str) -> str:
    return redact(source).replace("\\", "/").rpartition("/")[2]


def _table(table: Table) -> dict[str, Any]:
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
