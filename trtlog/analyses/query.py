"""Analyses that are written as SQL: the statement stands with the columns that it fills, in one record.

SQL says what is counted and grouped; lineage, alignment, noise and what is decoded from names stay Python. DuckDB takes
80 ms to load, so that no analysis is SQL that ``summary``, ``lint``, ``diff``, ``tactics`` or ``why`` asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from trtlog._util.arrow import plain
from trtlog.analyses.layer.base import schema_of_answer
from trtlog.records import Record

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def query(record: type[Record], tables: Mapping[str, pa.Table], **options: Any) -> pa.Table:
    """Return what the SQL of a record selects from tables, with the record's columns.

    Rows are taken in the order of the tables, as one thread does: sums are the same each time, to the last digit.

    Parameters
    ----------
    record : type of Record
        Columns, statement (``sql``) and the parameters it takes with their defaults (``sql_options``).
    tables : mapping
        The tables that the statement names.
    **options
        Values of its parameters, ``$most`` for ``most``.

    Examples
    --------
    >>> import trtlog
    >>> from trtlog.analyses.layer.layers import TypeTime
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> found = query(TypeTime, {"layer_times": log.table("layer_times")})
    >>> found.select(["type", "layers"]).slice(0, 2).to_pylist()
    [{'type': 'CaskConvolution', 'layers': 52}, {'type': 'Reformat', 'layers': 48}]
    """
    unknown = sorted(set(options) - set(record.sql_options))
    if unknown:
        raise TypeError(f"{record.__name__} takes no option {unknown[0]!r}")
    schema = schema_of_answer(record)
    connection = _database().cursor()
    try:
        for name, table in tables.items():
            connection.register(name, plain(table))
        found = connection.sql(record.sql, params={**record.sql_options, **options} or None).to_arrow_table()
    finally:
        connection.close()
    return found.select(schema.names).cast(schema)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return the database of all queries, in memory: to make one takes longer than a query."""
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
