"""SQL over the tables of a log, of a Parquet folder or of a dataset, with DuckDB."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog._util.words import did_you_mean
from trtlog.errors import MissingExtra, QueryError

_LISTING = ("show", "information_schema", "duckdb_views", "duckdb_columns", "describe")

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from trtlog.log import Log


@dataclass(frozen=True)
class Limits:
    """What one statement may take, where somebody else writes the statements.

    Parameters
    ----------
    seconds : float
        Time from its start to its last row.
    mebibytes : int
        Memory of DuckDB, and of the answer; nothing is written to a disk instead.
    """

    seconds: float
    mebibytes: int


def query(log: Log, sql: str, parameters: Iterable[Any] | None = None, *, limits: Limits | None = None) -> pa.Table:
    """Run one SQL statement over the tables of a log, of facts and of analyses.

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
    limits : Limits, optional
        How much time and memory it may take.

    Raises
    ------
    QueryError
        DuckDB refuses the statement, its message is kept; or it takes more than it may.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    >>> statement = "select count(*) as n, min(time_ms) as best from tactics where layer like ?"
    >>> query(log, statement, ["%fc/Gemm"]).to_pylist()
    [{'n': 212, 'best': 0.00473438}]
    """
    from trtlog._util.arrow import plain
    from trtlog.tables.schema import schema_of_record

    def rows(name: str) -> Any:
        return plain(log.table(name))  # of a dictionary DuckDB would make an ENUM of this log's own

    def outline(name: str) -> Any:
        return plain(schema_of_record(log.record(name)).empty_table())

    given = list(parameters) if parameters is not None else None
    return run(rows, sql, given, list(log.tables), log.analyses, outline, limits=limits)


def run(
    rows: Callable[[str], Any],
    sql: str,
    parameters: list[Any] | None,
    tables: Sequence[str],
    computed: Sequence[str] = (),
    outline: Callable[[str], Any] | None = None,
    *,
    limits: Limits | None = None,
) -> pa.Table:
    """Run one SQL statement over tables that DuckDB reads from ``rows``: Arrow tables, or datasets it scans.

    Parameters
    ----------
    rows : callable
        Name of a table -> what DuckDB reads.
    sql : str
        The statement.
    parameters : list, optional
        Values for the ``?``.
    tables, computed : sequence of str
        Names of the tables; those of ``computed`` are costly, so that a mere column of the name does not count.
    outline : callable, optional
        Name of a computed table -> one without rows, for statements that list the tables.
    limits : Limits, optional
        How much time and memory it may take.

    Raises
    ------
    QueryError
        DuckDB refuses the statement, its message is kept; or it takes more than it may.
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
            if limits is not None:
                connection.execute(f"set memory_limit = '{limits.mebibytes}MiB'; set temp_directory = ''")
            # the lock also refuses calls that would begin a log or a profile in a file
            connection.execute("set enable_external_access = false; set lock_configuration = true")
            read = [*tables_named(sql, tables), *_computed_named(connection, sql, computed)]
            for name in read:
                connection.register(name, rows(name))
            if outline is not None and _lists_tables(sql):
                for name in set(computed) - set(read):
                    connection.register(name, outline(name))
            with _timed(connection, limits):
                result = connection.sql(sql, params=parameters)
                if result is None:
                    raise QueryError("the statement gives no rows; write a select")
                return result.to_arrow_table() if limits is None else _at_most(result, limits)
        except duckdb.OutOfMemoryException as error:
            if limits is None:
                raise QueryError(f"DuckDB cannot run this statement: {error}") from error
            raise _too_much(limits) from error
        except duckdb.Error as error:
            every = [*tables, *computed]
            raise QueryError(f"DuckDB cannot run this statement: {_message(error, every)}") from error


@contextmanager
def _timed(connection: duckdb.DuckDBPyConnection, limits: Limits | None) -> Iterator[None]:
    """Interrupt what the connection does when its time is over, again and again until it has ended.

    DuckDB looks for an interrupt between pieces of some thousand rows.
    """
    if limits is None:
        yield
        return
    done, over = threading.Event(), threading.Event()

    def watch() -> None:
        ended = done.wait(limits.seconds)
        while not ended:
            over.set()
            connection.interrupt()
            ended = done.wait(0.05)

    watcher = threading.Thread(target=watch, name="trtlog-sql", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:  # DuckDB's own, or Arrow's where rows were read already
        if over.is_set() and "interrupt" in str(error).lower():
            raise QueryError(
                f"the statement was ended after {limits.seconds:g} s; join tables on columns, ask for fewer rows"
            ) from error
        raise
    finally:
        done.set()
        watcher.join()


def _at_most(result: duckdb.DuckDBPyRelation, limits: Limits) -> pa.Table:
    """Return the rows; give up when they take more memory than they may."""
    import pyarrow as pa

    read = result.to_arrow_reader if hasattr(result, "to_arrow_reader") else result.fetch_record_batch  # before 1.4
    reader = read(10_000)
    batches = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > limits.mebibytes << 20:
            raise _too_much(limits)
    return pa.Table.from_batches(batches, reader.schema)


def _too_much(limits: Limits) -> QueryError:
    return QueryError(
        f"the statement takes more than {limits.mebibytes} MiB of memory; ask for fewer rows and columns, or counts"
    )


def tables_named(sql: str, tables: Sequence[str]) -> list[str]:
    """Return the tables whose names stand in a statement, so that only these are built."""
    words = set(re.findall(r"[a-z_]+", sql.lower()))
    return list(tables) if _lists_tables(sql) else [name for name in tables if name in words]


def _lists_tables(sql: str) -> bool:
    return not set(re.findall(r"[a-z_]+", sql.lower())).isdisjoint(_LISTING)


def _computed_named(connection: duckdb.DuckDBPyConnection, sql: str, computed: Sequence[str]) -> list[str]:
    """Return the computed tables that a statement reads; names of columns only count where DuckDB cannot tell."""
    import duckdb

    words = set(re.findall(r"[a-z_]+", sql.lower()))
    named = [name for name in computed if name in words]
    if not named:
        return []
    try:
        read = {name.lower() for name in connection.get_table_names(sql)}
    except duckdb.Error:
        return named
    return [name for name in named if name in read]


def _message(error: Exception, tables: Sequence[str]) -> str:
    text = str(error)
    unknown = re.search(r"Table with name (\S+) does not exist", text)
    if unknown is not None:
        near = did_you_mean(unknown[1], tables)
        return f"{unknown[0]}{near}\nthe tables are {', '.join(tables)}"
    return text
