"""Rows of a table of a log or of an answer, in each format that a command offers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from trtlog._util.finite import finite
from trtlog._util.redact import redact_table
from trtlog._util.rows import table_rows
from trtlog._util.words import did_you_mean
from trtlog.errors import QueryError
from trtlog.report.safe import no_formula, spelled
from trtlog.report.tables import table_of

if TYPE_CHECKING:
    import pyarrow as pa


def known_column(rows: pa.Table, name: str) -> None:
    """Raise a QueryError that lists the columns where there is none of a name."""
    if name not in rows.column_names:
        near = did_you_mean(name, rows.column_names)
        raise QueryError(f"there is no column {name!r}{near}; the columns are {', '.join(rows.column_names)}")


def plain(values: Any) -> Any:
    """Return an array without a dictionary."""
    import pyarrow as pa

    return values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values


def ordered(rows: pa.Table, sort: str) -> pa.Table:
    """Return the rows sorted by a column; a leading ``-`` sorts downwards, nulls come last.

    Raises
    ------
    QueryError
        There is no such column, or it holds lists.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    name = sort.removeprefix("-")
    known_column(rows, name)
    values = plain(rows.column(name)).combine_chunks()
    if pa.types.is_nested(values.type):
        raise QueryError(f"column {name!r} holds lists and cannot be sorted")
    order = "descending" if sort.startswith("-") else "ascending"
    return rows.take(pc.array_sort_indices(values, order=order))


def json_document(rows: pa.Table) -> Iterator[str]:
    """Give the lines of one JSON document: a list, each of its objects on a line."""
    found = json_lines(rows)
    before = next(found, None)
    if before is None:
        yield "[]"
        return
    yield "["
    for line in found:
        yield f"{before},"
        before = line
    yield before
    yield "]"


def json_lines(rows: pa.Table) -> Iterator[str]:
    """Give an object of JSON for each row."""
    for row in table_rows(rows):
        yield json_text(finite(row))


def json_text(value: Any) -> str:
    """Return a value as JSON on one line, which is safe to print."""
    return spelled(json.dumps(value, ensure_ascii=False, default=str))


def markdown_lines(rows: pa.Table) -> Iterator[str]:
    """Give the lines of a Markdown table, which is made to be shared: without secrets."""
    from trtlog.report.markdown import markdown_table

    return markdown_table(table_of(redact_table(rows)))


def write_csv(rows: pa.Table, write: Callable[[str], object], *, raw: bool = False) -> None:
    """Write rows as CSV; lists become JSON, and what a spreadsheet would run is quoted unless ``raw``."""
    import csv

    writer = csv.writer(_Sink(write), lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in table_rows(rows):
        writer.writerow([_csv_value(value, raw) for value in row.values()])


class _Sink:
    """What csv takes for a file."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _csv_value(value: Any, raw: bool) -> Any:
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return no_formula(value) if isinstance(value, str) and not raw else value
