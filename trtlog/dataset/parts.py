"""Rows as parts: the schema of a part, rows of a log split by partition, parts written, filtered and joined."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trtlog._util.arrow import from_list
from trtlog._version import __version__
from trtlog.dataset.manifest import Group
from trtlog.dataset.storage import Storage
from trtlog.parquet.files import SCHEMA_VERSION, with_added
from trtlog.records import TABLES
from trtlog.tables.schema import schema_of

PARTITIONS = pa.schema(
    [
        pa.field("tensorrt_version", pa.string(), metadata={"doc": "version of TensorRT, as 8.5.3"}),
        pa.field("gpu", pa.string(), metadata={"doc": "name of the GPU"}),
    ]
)
LOG = pa.field("log", pa.string(), metadata={"doc": "digest of the log: with run the key of the run"})
# Rows of a row group; a part of fewer rows is one row group.
_ROWS = 1 << 17

Partition = tuple[str | None, str | None]


@cache
def part_schema(table: str) -> pa.Schema:
    """Return the columns of a part: ``log``, then the table's, as plain text where the table has names.

    The columns of the partition stand in the folders' names.
    """
    fields = [LOG]
    for field in schema_of(table):
        if field.name not in PARTITIONS.names:
            plain = pa.types.is_dictionary(field.type)
            fields.append(field.with_type(pa.string()) if plain else field)
    return pa.schema(fields)


@cache
def full_schema(table: str) -> pa.Schema:
    """Return the columns that a reader of the dataset sees: those of the part and of the partition."""
    return pa.schema([*part_schema(table), *PARTITIONS])


def as_part(table: pa.Table, name: str, digests: pa.Array, sources: pa.Array) -> pa.Table:
    """Return rows as a part holds them; with the digest of each row's log, and its source."""
    columns: list[Any] = []
    for field in part_schema(name):
        if field.name == "log":
            columns.append(digests)
        elif (name, field.name) == ("runs", "source"):
            columns.append(sources)
        else:
            column = table.column(field.name)
            columns.append(column if column.type == field.type else column.cast(field.type))
    return pa.table(columns, schema=part_schema(name))


def repeated(value: str, size: int) -> pa.Array:
    """Return an array that holds a text as often as it is said."""
    return pa.repeat(from_list([value], pa.string())[0], size)


def split(table: pa.Table, runs: Mapping[int, Partition]) -> Iterator[tuple[Partition, pa.Table]]:
    """Yield a log's rows by the partition of their run; rows without a run go with the first."""
    distinct = dict.fromkeys(runs.values())
    if len(distinct) == 1 or "run" not in table.column_names:
        yield next(iter(distinct)), table
        return
    for partition in distinct:
        own = from_list([run for run, value in runs.items() if value == partition], pa.int32())
        rows = table.filter(pc.is_in(table.column("run"), value_set=own))
        if rows.num_rows:
            yield partition, rows


def new_id() -> str:
    """Return a name that no other group has."""
    return uuid.uuid4().hex[:16]


def write_part(storage: Storage, file: str, table: str, pieces: Iterable[pa.Table]) -> tuple[int, int]:
    """Write rows to a file; return how many, and its size. Without rows nothing is written.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    schema = part_schema(table).with_metadata(
        {"trtlog.schema": str(SCHEMA_VERSION), "trtlog.version": __version__, "trtlog.table": table}
    )
    return write_file(storage, file, schema, (with_added(piece, table) for piece in pieces))


def write_file(
    storage: Storage, file: str, schema: pa.Schema, pieces: Iterable[pa.Table], *, empty: bool = False
) -> tuple[int, int]:
    """Write pieces of a schema to a file, in row groups that are not too small."""
    gathered: list[pa.Table] = []
    waiting, rows = 0, 0
    sink: Any = None
    writer: Any = None
    try:
        for piece in pieces:
            if not piece.num_rows and not empty:
                continue
            if writer is None:
                sink = storage.create(file)
                writer = pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=True)
            gathered.append(piece)
            waiting += piece.num_rows
            rows += piece.num_rows
            if waiting >= _ROWS:
                _flush(writer, gathered, schema)
                waiting = 0
        if writer is None:
            return 0, 0
        _flush(writer, gathered, schema)
        writer.close()
        size = int(sink.tell())
        sink.close()
        return rows, size
    except BaseException:
        _abandon(writer, sink)
        raise


def _flush(writer: Any, gathered: list[pa.Table], schema: pa.Schema) -> None:
    if gathered:
        # Parquet has no times in whole seconds: those that are read from a part are converted back.
        writer.write_table(pa.concat_tables([piece.cast(schema) for piece in gathered]), row_group_size=_ROWS)
        gathered.clear()


def _abandon(writer: Any, sink: Any) -> None:
    """Close what is half written; that this may fail too, as on a full disk, is not the news."""
    for gathered in (writer, sink):
        try:
            if gathered is not None:
                gathered.close()
        except (OSError, pa.ArrowException):
            pass


def read_pieces(storage: Storage, file: str, without: Sequence[str] = ()) -> Iterator[pa.Table]:
    """Yield the rows of a part, without those of some logs."""
    gone = from_list(without, pa.string())
    with storage.open(file) as stream, pq.ParquetFile(stream) as part:
        for batch in part.iter_batches(_ROWS):
            table = pa.Table.from_batches([batch])
            if len(gone):
                table = table.filter(pc.invert(pc.is_in(table.column("log"), value_set=gone)))
            yield table


def join(
    storage: Storage, staging: str, groups: Sequence[Group], where: Mapping[str, str], without: Sequence[str] = ()
) -> Group | None:
    """Write groups of one partition as one new group, without some logs; None where nothing is left.

    Parameters
    ----------
    storage : Storage
        The dataset.
    staging : str
        Folder for the new parts, each named ``ID-TABLE``.
    groups : sequence of Group
        What to join.
    where : mapping
        Path of a part -> where it lies now, for parts that do not have their name yet.
    without : sequence of str
        Digests of logs to leave out.
    """
    first = groups[0]
    gone = set(without)
    logs = tuple(dict.fromkeys(log for group in groups for log in group.logs if log not in gone))
    if not logs:
        return None
    name = new_id()
    tables: dict[str, tuple[int, int]] = {}
    for table in TABLES:
        parts = [group.part(table) for group in groups if table in group.tables]
        pieces = (piece for part in parts for piece in read_pieces(storage, where.get(part, part), without))
        written = write_part(storage, f"{staging}/{name}-{table}", table, pieces)
        if written[0]:
            tables[table] = written
    return Group(name, first.tensorrt_version, first.gpu, logs, tables)
