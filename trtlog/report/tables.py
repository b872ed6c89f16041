"""Rows of a log as a table of cells, and charts as tables with bars: for writers that draw nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trtlog._util.rows import table_rows
from trtlog.report.document import (
    Bar,
    Block,
    Cell,
    Chart,
    Column,
    DataTable,
    EngineGraph,
    Facts,
    Sentence,
    Table,
    cell_text,
)
from trtlog.report.sentences import aside, strong, words

if TYPE_CHECKING:
    import pyarrow as pa

# What a row is about, and what is asked of it: columns that stay where there is no room for all.
_KEYS = frozenset(
    [
        *("layer", "name", "node", "tensor", "metric", "stat", "key", "rule", "severity", "text", "status", "event"),
        *("time_ms", "seconds", "value", "percent", "lines", "layers", "best_ms", "winner_ms", "margin_percent"),
        *("used", "reason", "verdict"),
    ]
)
_PLACES = ("run", "line", "log", "source")


def simpler(block: DataTable | Chart | EngineGraph, most: int | None) -> tuple[Block, ...]:
    """Return what only a page draws as blocks for any writer, with at most so many rows.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from trtlog.report.document import Data
    >>> data = Data("phases", pa.table({"name": ["import", "build"], "seconds": [0.5, 2.0]}))
    >>> _, table = simpler(Chart("bars", data, "Phases", "name", ("seconds",)), 10)
    >>> table.rows[1]
    ['import', '0.5', Bar(share=0.25, tone='accent', width=20)]
    """
    if isinstance(block, EngineGraph):
        return (Sentence(words(block.elsewhere)),)
    data, whole = block.data, block.data.table
    names = [name for name in data.columns or whole.column_names if name != "run"]
    sort = block.sort if isinstance(block, DataTable) else None
    if isinstance(block, Chart):
        names = [block.label, *block.values]
        sort = (block.values[0], -1) if block.kind == "bars" and not block.ordered else None
    if sort is not None and sort[0] in names:
        whole = whole.sort_by([(sort[0], "ascending" if sort[1] > 0 else "descending")])
    table, cut = replace(data, table=whole).rows(whole.num_rows if most is None else most)
    shown = table_of(table.select(names))
    drawn: Block = replace(shown, most=len(shown.rows))
    if isinstance(block, Chart):
        lengths = [abs(value or 0) for value in table.column(block.values[0]).to_pylist()]
        longest = max(lengths, default=0) or 1
        rows = [[*row, Bar(length / longest)] for row, length in zip(shown.rows, lengths, strict=True)]
        drawn = Table([*shown.columns, Column("", "bar")], rows, most=len(rows))
    elif block.layout == "record":
        facts = ((name, words(cell_text(value))) for row in shown.rows for name, value in zip(names, row, strict=True))
        drawn = Facts(tuple(fact for fact in facts if fact[1]))
    left = f"{table.num_rows} of {whole.num_rows} rows" if table.num_rows < whole.num_rows else ""
    above = [Sentence(part) for part in (words(strong(block.title)), words(block.note), words(cut)) if part]
    return (*above, drawn, *([Sentence(words(aside(left)))] if left else []))


def table_of(rows: pa.Table) -> Table:
    """Return rows as a table to draw: all columns, numbers with the digits of the log."""
    import pyarrow as pa

    first = next((name for name in rows.column_names if name not in _PLACES), None)
    columns = []
    for field in rows.schema:
        numeric = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        spare = field.name not in _KEYS and field.name != first
        columns.append(Column(field.name, "number" if numeric else "name", spare=spare))
    cells: list[list[Cell]] = [[cell(value) for value in row.values()] for row in table_rows(rows)]
    return Table(columns, cells, whole=True, wide="--wide shows all")


def cell(value: Any) -> str:
    """Return a value as it stands in a cell, numbers with the digits of the log; null is empty.

    Examples
    --------
    >>> cell(0.125), cell(None), cell(["a"])
    ('0.125', '', '["a"]')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value).replace("\n", "\\n")
