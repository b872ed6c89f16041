"""A log's identity and its rows: the same for a small log in memory and for a long one, piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trtlog._util.expression import expression
from trtlog.dataset.fetch import Fetched
from trtlog.exports.files import COMPRESSED
from trtlog.log import Log
from trtlog.reader import Read, Reader
from trtlog.records import ByTable
from trtlog.tables import TableSet
from trtlog.tables.schema import schema_of

# From this size on a log is converted piece by piece.
LONG_BYTES = 64 << 20
# How many times its size a compressed log may hold.
_RATIO = 16
_BLOCK = 1 << 20
_BATCH_ROWS = 1 << 16
_BANNER = expression(rb"&&&& RUNNING [^\r\n]*")


def is_long(name: str, size: int) -> bool:
    """Return whether a log is to be converted piece by piece: its text is large, or may be.

    Examples
    --------
    >>> is_long("a.log", 70 << 20), is_long("a.log.gz", 5 << 20), is_long("a.log", 5 << 20)
    (True, True, False)
    """
    return size >= (LONG_BYTES // _RATIO if name.endswith(COMPRESSED) else LONG_BYTES)


def text_bytes(name: str, size: int | None) -> int:
    """Return about how much text a log holds."""
    return (size or 0) * (_RATIO if name.endswith(COMPRESSED) else 1)


def command_of(path: Path) -> str:
    """Return the commands in the banners of a log's beginning; "" without.

    Raises
    ------
    InputError
        The file is no log.
    """
    from trtlog.source.chunks import open_source

    with open_source(path) as source:
        for chunk in source:
            found = _BANNER.findall(chunk.data)
            return b" ".join(found).decode("utf-8", "replace")
    return ""


def digest_of(log: Path, exports: list[Path]) -> str:
    """Return what a log is known by: SHA-256 of its bytes; with exports of all their digests, by name."""
    own = _sha256(log)
    if not exports:
        return own
    whole = hashlib.sha256(own.encode())
    for export in sorted(exports, key=lambda path: path.name):
        whole.update(f" {export.name} {_sha256(export)}".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def read_small(reader: Reader, fetched: Fetched, *, strict: bool) -> Read:
    """Read a log of usual size, together with the others of its batch.

    Raises
    ------
    InputError
        The file is no log, or ``strict`` and there are unknown lines.
    """
    from trtlog.read import strict_error

    read = reader.read(fetched.path)
    if strict and read.captures.unknown:
        raise strict_error(read.captures, fetched.job.source)
    return read


def read_alone(fetched: Fetched, exports: list[Path], *, strict: bool) -> Log:
    """Read one log into memory, under the name that it has in the catalogue.

    Raises
    ------
    InputError
        The file is no log, or ``strict`` and there are unknown lines.
    """
    from trtlog.read import export_rows

    reader, source = Reader(), fetched.job.source
    try:
        read = read_small(reader, fetched, strict=strict)
        tables = TableSet(reader.finish(), source)
    finally:
        reader.close()
    tables.put_exports(0, export_rows(tables.commands(0), exports, read.notes, must=False))
    return Log(tables, source, renamed(read.notes, fetched))


def renamed(texts: list[str], fetched: Fetched) -> list[str]:
    """Return messages with the log's name in the catalogue in place of that of a temporary file."""
    job = fetched.job
    if job.kind == "file":
        return texts
    return [text.replace(str(fetched.path), job.source).replace(f"{fetched.path.parent}/", "") for text in texts]


class FolderTables(ByTable):
    """The tables of a folder that :func:`trtlog.parquet.stream.convert` wrote, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> pa.Table:
        table = pq.read_table(self.folder / f"{name}.parquet")
        return table.cast(schema_of(name))

    def batches(self, name: str) -> Iterator[pa.Table]:
        """Yield a table piece by piece."""
        with pq.ParquetFile(self.folder / f"{name}.parquet") as file:
            for batch in file.iter_batches(_BATCH_ROWS):
                yield pa.Table.from_batches([batch])
