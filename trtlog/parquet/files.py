"""Logs as Parquet: one file a table, with the versions in the metadata of each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from trtlog._util.interrupts import delayed_interrupts
from trtlog._version import __version__
from trtlog.errors import InputError, SchemaError
from trtlog.log import Log
from trtlog.parquet.commit import Staging, file_of
from trtlog.records import TABLES
from trtlog.tables.schema import empty, schema_of

# Raise with each change of a column's name, type or meaning, and add a step to UPGRADES.
SCHEMA_VERSION = 1
# Metadata that all files of one conversion share.
CONVERSION = "trtlog.conversion"
# Tables that folders of an earlier trtlog lack; they are empty there.
ADDED = frozenset({"extension_messages", "facts"})
# Columns that they lack; they are null there.
ADDED_COLUMNS = {"runs": ("plan_version",)}
# Version -> function that turns a table of that version into the next one.
UPGRADES: dict[int, Any] = {}


def file_metadata(log: Log) -> dict[str, str]:
    """Return the metadata that every file carries."""
    versions = [v for v in log.table("runs").column("tensorrt_version").to_pylist() if v]
    return metadata_of(list(dict.fromkeys(versions)), log.source, list(log.notes))


def metadata_of(versions: list[str], source: str, notes: list[str]) -> dict[str, str]:
    """Return the metadata of a log's files: TensorRT's versions, what was read, what was odd about it."""
    return {
        "trtlog.schema": str(SCHEMA_VERSION),
        "trtlog.version": __version__,
        "tensorrt.version": ",".join(versions),
        "trtlog.source.chunks": source,
        "trtlog.notes": json.dumps(notes),
    }


def write_table(table: pa.Table, path: Path, metadata: dict[str, str]) -> None:
    """Write one table."""
    described = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    pq.write_table(described, path, compression="zstd", use_dictionary=True)


def write(log: Log, folder: Path, analyses: Sequence[str] = ()) -> Path:
    """Write all tables of facts of a log into ``folder``, and the analyses of these names: all, or none if that fails.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    tables = {name: log.table(name) for name in (*TABLES, *analyses)}  # all, before the notes are known
    staging = Staging(folder)
    metadata = {**file_metadata(log), CONVERSION: staging.id}
    try:
        for name, table in tables.items():
            write_table(table, staging.file(name), metadata)
        staging.commit()
        drop_former_analyses(folder, staging.id)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        with delayed_interrupts():
            staging.discard()
    return folder


def drop_former_analyses(folder: Path, conversion: str) -> None:
    """Remove analyses that an earlier conversion left in a folder: they are of other tables."""
    for path in folder.glob("*.parquet"):
        if path.stem in TABLES:
            continue
        try:
            stored = pq.read_metadata(path).metadata or {}
        except (pa.ArrowInvalid, OSError):
            continue  # not trtlog's
        if b"trtlog.schema" in stored and stored.get(CONVERSION.encode()) != conversion.encode():
            path.unlink(missing_ok=True)


def read_parquet(folder: str | os.PathLike[str]) -> Log:
    """Read a log that :meth:`trtlog.Log.to_parquet` wrote.

    Raises
    ------
    InputError
        The folder or one of its files is missing or is no Parquet, or its files are of different logs.
    SchemaError
        The files are of a newer schema than this version of trtlog knows.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path}: not a folder; give the folder that to_parquet or 'trtlog convert' wrote")
    tables = {}
    described: dict[str, _Described] = {}
    for name in TABLES:
        tables[name], described[name] = _read(path, name)
    _check_one_log(path, described)
    first = described["runs"]
    return Log(tables, first.source or str(path), first.notes)


class _Described(NamedTuple):
    """What the metadata of a file say of the log."""

    conversion: str
    source: str
    notes: list[str]


def _read(folder: Path, name: str) -> tuple[pa.Table, _Described]:
    file = file_of(folder, name)
    if name in ADDED and not file.is_file():
        return empty(name), _read(folder, "runs")[1]
    if not file.is_file():
        raise InputError(f"{folder}: holds no {name}.parquet; it was not written by trtlog, or not completely")
    try:
        table = pq.read_table(file, partitioning=None)
        table.validate(full=True)
        stored = {key.decode(): value.decode() for key, value in (pq.read_metadata(file).metadata or {}).items()
                if key.startswith((b"trtlog.", b"tensorrt."))}  # fmt: skip
        table = upgrade(table, name, file)
        notes = json.loads(stored.get("trtlog.notes", "[]"))
    except SchemaError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{file}: cannot be read as Parquet of trtlog: {what}; convert the log again") from error
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        notes = []
    return table, _Described(stored.get(CONVERSION, ""), stored.get("trtlog.source.chunks", ""), notes)


def _check_one_log(folder: Path, described: dict[str, _Described]) -> None:
    """Refuse files that different conversions wrote."""
    first = described["runs"]
    for name, other in described.items():
        if (other.conversion, other.source) != (first.conversion, first.source):
            sources = f" ({first.source} and {other.source})" if first.source != other.source else ""
            raise InputError(
                f"{folder}: runs.parquet and {name}.parquet are of different conversions{sources}; convert the log "
                f"again"
            )


def upgrade(table: pa.Table, name: str, file: Path) -> pa.Table:
    """Return the table in the current schema.

    Raises
    ------
    SchemaError
        No step leads from the file's schema to the current one.
    """
    metadata = table.schema.metadata or {}
    printed = metadata.get(b"trtlog.schema", b"")
    if not printed.isdigit():
        raise SchemaError(f"{file}: has no trtlog.schema in its metadata; it was not written by trtlog")
    version = int(printed)
    while version != SCHEMA_VERSION:
        step = UPGRADES.get(version)
        if step is None:
            raise SchemaError(
                f"{file}: schema {version}, this trtlog {__version__} knows {SCHEMA_VERSION}; "
                f"update trtlog, or convert the log again"
            )
        table = step(name, table)
        version += 1
    schema = schema_of(name)
    return with_added(table, name).select(schema.names).cast(schema).replace_schema_metadata(None)


def with_added(table: pa.Table, name: str) -> pa.Table:
    """Return a table with the columns that an earlier trtlog did not write."""
    for column in ADDED_COLUMNS.get(name, ()):
        if column not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows))
    return table
