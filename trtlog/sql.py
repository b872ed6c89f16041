"""SQL over the tables of a log, of a Parquet folder or of a dataset, with DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trtlog.errors import MissingExtra, QueryError

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.log import Log


def query(log: Log, sql: str, parameters: Iterable[Any] | None = None) -> pa.Table:
    """Run one SQL statement over the tables of a log.

    All tables are views of their names; only those that the statement names are built. The statement sees no
    files: DuckDB's access to the file system is switched off.

    Parameters
    ----------
    log : Log
        A log, also one read from Parquet.
    sql : str
        DuckDB's SQL; ``?`` stands for a parameter.
    parameters : iterable, optional
        Values for the ``?``.

    Raises
    ------
    QueryError
        DuckDB refuses the statement; its message is kept.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> statement = "select count(*) as n, min(time_ms) as best from tactics where layer like ?"
    >>> query(log, statement, ["%fc/Gemm"]).to_pylist()
    [{'n': 212, 'best': 0.00473438}]
    """
    from trtlog.records import TABLES

    def rows(name: str) -> Any:
        return _registrable(log.table(name))

    return run(rows, sql, list(parameters) if parameters is not None else None, list(TABLES))


def run(rows: Callable[[str], Any], sql: str, parameters: list[Any] | None, tables: Sequence[str]) -> pa.Table:
    """Run one SQL statement over tables that DuckDB reads from ``rows``: Arrow tables, or datasets it scans.

    Raises
    ------
    QueryError
        DuckDB refuses the statement; its message is kept.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra("SQL needs DuckDB: pip install duckdb") from error
    if not sql.strip():
        raise QueryError(
            "the statement is empty; write, for example: select layer, min(time_ms) from tactics group by 1"
        )
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute("set enable_external_access = false")
            for name in tables_named(sql, tables):
                connection.register(name, rows(name))
            result = connection.sql(sql, params=parameters)
            if result is None:
                raise QueryError("the statement gives no rows; write a select")
            return result.to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(f"DuckDB cannot run this statement: {_message(error, tables)}") from error


def tables_named(sql: str, tables: Sequence[str]) -> list[str]:
    """Return the tables whose names stand in a statement, so that only these are built."""
    import re

    words = set(re.findall(r"[a-z_]+", sql.lower()))
    found = [name for name in tables if name in words]
    catalogue = "show" in words or "information_schema" in words or "duckdb_views" in words or "describe" in words
    return list(tables) if catalogue else found


def _registrable(table: pa.Table) -> pa.Table:
    """Return the table with plain text for dictionaries: DuckDB would make each an ENUM of this log's own."""
    import pyarrow as pa

    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _message(error: Exception, tables: Sequence[str]) -> str:
    text = str(error)
    if "does not exist" in text and "Table" in text:
        return f"{text}\nthe tables are {', '.join(tables)}"
    return text
