"""Logs as Parquet: one file a table, with the versions in the metadata of each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trtlog._version import __version__
from trtlog.errors import InputError, SchemaError
from trtlog.log import Log
from trtlog.records import TABLES
from trtlog.tables.schema import schema_of

# Raise with each change of a column's name, type or meaning, and add a step to UPGRADES.
SCHEMA_VERSION = 1
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
    """Write one table; the file appears whole or not at all."""
    described = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(described, temporary, compression="zstd", use_dictionary=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(log: Log, folder: Path) -> Path:
    """Write all tables of a log into ``folder``.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tables = {name: log.table(name) for name in TABLES}  # all, before the notes on them are known
        metadata = file_metadata(log)
        for name, table in tables.items():
            write_table(table, folder / f"{name}.parquet", metadata)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    return folder


def read_parquet(folder: str | os.PathLike[str]) -> Log:
    """Read a log that :meth:`trtlog.Log.to_parquet` wrote.

    Raises
    ------
    InputError
        The folder or one of its files is missing or is no Parquet.
    SchemaError
        The files are of a newer schema than this version of trtlog knows.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path}: not a folder; give the folder that to_parquet or 'trtlog convert' wrote")
    tables = {}
    metadata: dict[bytes, bytes] = {}
    for name in TABLES:
        file = path / f"{name}.parquet"
        if not file.is_file():
            raise InputError(f"{path}: holds no {name}.parquet; it was not written by trtlog, or not completely")
        try:
            table = pq.read_table(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{file}: cannot be read as Parquet: {error}") from error
        metadata = pq.read_metadata(file).metadata or {}
        tables[name] = upgrade(table, name, file)
    source = metadata.get(b"trtlog.source.chunks", b"").decode()
    notes = json.loads(metadata.get(b"trtlog.notes", b"[]"))
    return Log(tables, source or str(path), notes)


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
    return table.select(schema.names).cast(schema).replace_schema_metadata(None)
