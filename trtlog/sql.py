"""SQL over the tables of a log or of a Parquet folder, with DuckDB."""

from __future__ import annotations

from collections.abc import Iterable
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
            for name in tables_named(sql):
                connection.register(name, _registrable(log.table(name)))
            result = connection.sql(sql, params=list(parameters) if parameters is not None else None)
            if result is None:
                raise QueryError("the statement gives no rows; write a select")
            return result.to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(f"DuckDB cannot run this statement: {_message(error)}") from error


def tables_named(sql: str) -> list[str]:
    """Return the tables whose names stand in a statement, so that only these are built."""
    import re

    from trtlog.records import TABLES

    words = set(re.findall(r"[a-z_]+", sql.lower()))
    found = [name for name in TABLES if name in words]
    catalogue = "show" in words or "information_schema" in words or "duckdb_views" in words or "describe" in words
    return list(TABLES) if catalogue else found


def _registrable(table: pa.Table) -> pa.Table:
    """Return the table with plain text for dictionaries: DuckDB would make each an ENUM of this log's own."""
    import pyarrow as pa

    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _message(error: Exception) -> str:
    from trtlog.records import TABLES

    text = str(error)
    if "does not exist" in text and "Table" in text:
        return f"{text}\nthe tables are {', '.join(TABLES)}"
    return text
