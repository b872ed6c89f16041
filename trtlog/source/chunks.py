"""Where a log comes from: any source becomes chunks of whole lines, as bytes of UTF-8.

A source is a path, a file object, bytes, or an iterable of lines or chunks; it may be compressed and in
UTF-16 or UTF-32. Memory stays flat: a chunk holds about ``chunk_bytes``, or one line where a line is longer.

No message is longer than `LONGEST_LINE`; a file without line ends is. Such a line comes in pieces, each a chunk of
its own with the same number, cut in front of a time or behind a carriage return where there is one. The records of
all pieces are read, as those of a torn line are; what else stands behind the first piece is counted, not kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from trtlog._util.words import counted
from trtlog.errors import InputError
from trtlog.source.decode import begins_encoded, decompressed, to_utf8
from trtlog.source.sniff import refuse_what_is_no_log

_READ_BYTES = 1 << 20
# Bytes of the longest line that is handed on whole.
LONGEST_LINE = 16 << 20
# Where a longer line is cut: where a record begins, or what a progress bar printed over.
_CUT = re.compile(rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-|\r")
_CUT_WITHIN = 1 << 20
# An iterable whose first items hold no line end holds lines without line ends, not chunks.
_PEEK_ITEMS = 4096
_PEEK_BYTES = 1 << 16
# Smaller chunks are counted without numpy, which live runs need not load.
_FEW_BYTES = 1 << 20


class Chunk(NamedTuple):
    r"""Bytes of whole lines and the first one's number.

    Only the log's last line may lack its ``\n``, and a piece of a line longer than `LONGEST_LINE`: the chunk behind
    it has the same number, and holds another piece.
    """

    data: bytes
    first_line: int


class Source:
    """Iterates over the chunks of a log, once.

    Attributes
    ----------
    name : str
        What to call the source in messages: the path, or ``<bytes>``, ``<stream>``, ``<lines>``.
    path : Path or None
        The file, where the source is one.
    notes : list of str
        What was odd, a sentence each: encoding, damaged compression, NUL bytes. Complete after the
        last chunk.
    """

    def __init__(
        self,
        name: str,
        blocks: Iterable[bytes],
        chunk_bytes: int,
        path: Path | None = None,
        live: bool = False,
        size: int = 0,
    ) -> None:
        self.name = name
        self.path = path
        self._size = size  # of what is read, 0 where that is not known
        self._consumed = 0
        self.notes: list[str] = []
        self._chunk_bytes = max(1, chunk_bytes)
        self._live = live
        self._raw = self._counted(blocks)
        self._file: IO[Any] | None = None
        self._nuls = 0
        self._too_long: list[int] = []  # numbers of lines in pieces
        self._blocks: Iterator[bytes] = iter(())

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._consumed += len(block)
            yield block

    def expected_size(self, read: int) -> int:
        """Return about how many bytes of text there are in all, of which ``read`` were read; 0 where nobody knows."""
        packed = self._consumed < read
        return self._size * read // max(self._consumed, 1) if packed else self._size

    def _open(self) -> Source:
        """Read the first block, and refuse what is no log."""
        try:
            plain = to_utf8(decompressed(self._raw, self.name, self.notes), self.name, self.notes)
            held: list[bytes] = []
            size = 0
            for block in plain:
                held.append(block)
                size += len(block)
                if self._live or size >= _PEEK_BYTES:
                    break
            refuse_what_is_no_log(b"".join(held)[:_PEEK_BYTES], self.name, self.notes)
        except BaseException:
            self.close()
            raise
        self._blocks = chain(held, plain)
        return self

    def __iter__(self) -> Iterator[Chunk]:
        first_line = 1
        held: list[bytes] = []
        size = 0
        last_end = -1  # index in held of the last block with a line end
        try:
            for block in self._blocks:
                if b"\0" in block:
                    self._nuls += block.count(b"\0")
                if self._too_long[-1:] == [first_line] and b"\n" in block:
                    cut = block.index(b"\n") + 1
                    yield Chunk(b"".join([*held, block[:cut]]), first_line)
                    first_line, held, size, block = first_line + 1, [], 0, block[cut:]
                held.append(block)
                size += len(block)
                if b"\n" in block:
                    last_end = len(held) - 1
                if last_end >= 0 and (self._live or size >= self._chunk_bytes):
                    cut = held[last_end].rindex(b"\n") + 1
                    rest = [held[last_end][cut:], *held[last_end + 1 :]]
                    data = b"".join([*held[:last_end], held[last_end][:cut]])
                    yield Chunk(data, first_line)
                    first_line += _line_ends(data)
                    held = rest if rest[0] else rest[1:]
                    size = sum(map(len, held))
                    last_end = -1
                if last_end < 0 and size >= LONGEST_LINE:
                    if self._too_long[-1:] != [first_line]:
                        self._too_long.append(first_line)
                    data = b"".join(held)
                    while len(data) >= LONGEST_LINE:
                        cut = _cut_at(data)
                        yield Chunk(data[:cut], first_line)
                        data = data[cut:]
                    held, size = [data], len(data)
            if size:
                yield Chunk(b"".join(held), first_line)
        finally:
            if self._too_long:
                count = len(self._too_long)
                self.notes.append(
                    f"{counted(count, 'line is', 'lines are')} longer than {LONGEST_LINE >> 20} MiB, first line "
                    f"{self._too_long[0]}: what stands in it behind that is searched for records, the rest is counted"
                )
                self._too_long = []
            if self._nuls:
                bytes_ = counted(self._nuls, "NUL byte, which was", "NUL bytes, which were")
                self.notes.append(f"{self.name} holds {bytes_} passed over")
                self._nuls = 0
            self.close()

    def close(self) -> None:
        """Close the file, where this source opened it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _line_ends(data: bytes) -> int:
    if len(data) < _FEW_BYTES:
        return data.count(b"\n")
    import numpy as np  # four times as fast as bytes.count

    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def open_source(source: Any, chunk_bytes: int = 8 << 20, *, live: bool = False) -> Source:
    r"""Open a log, whatever holds it.

    Parameters
    ----------
    source : str, PathLike, bytes, file object or iterable
        A path; the text of a log as bytes; an open file, binary or text; or an iterable of lines (with or
        without line ends) or of chunks, as text or bytes. What begins with the magic number of gzip, xz,
        bzip2 or zstd is decompressed, whatever its name.
    chunk_bytes : int
        Size that a chunk grows to before it is handed on.
    live : bool
        Hand lines on as soon as they are there, for a log that is being written.

    Raises
    ------
    InputError
        No such file, a directory, nothing to read, a binary or JSON file, compressed data of which nothing
        can be read.
    MissingExtra
        A .zst file without the ``zstandard`` package.

    Examples
    --------
    >>> list(open_source(b"[11/22/2026-13:22:03] [I] === Model Options ===\n"))
    [Chunk(data=b'[11/22/2026-13:22:03] [I] === Model Options ===\n', first_line=1)]
    >>> [chunk.first_line for chunk in open_source(["[I] one", "[I] two"], chunk_bytes=1)]
    [1, 2]
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, str | os.PathLike):
        return _open_path(source, chunk_bytes, live)
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        return Source("<bytes>", _slices(data, chunk_bytes), chunk_bytes, live=live, size=len(data))._open()
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        shown = name if isinstance(name, str) else "<stream>"
        return Source(shown, _read_blocks(source, shown), chunk_bytes, live=live)._open()
    if isinstance(source, Iterable):
        return Source("<lines>", _item_blocks(source), chunk_bytes, live=live)._open()
    raise InputError(
        f"cannot read a log from {type(source).__name__}: "
        f"pass a path, bytes, an open file, or an iterable of lines"
    )


def read_line(path: str | os.PathLike[str], number: int) -> bytes:
    """Return one line of a log (1-based, in the decompressed text) without its line end.

    Raises
    ------
    InputError
        As `open_source`, and when the log has no such line.
    """
    if number < 1:
        raise InputError(f"{os.fspath(path)}: lines are numbered from 1, there is no line {number}")
    last = 0
    with open_source(path) as source:
        for chunk in source:
            lines = chunk.data.split(b"\n")
            if not lines[-1]:
                lines.pop()
            if number < chunk.first_line + len(lines):
                return lines[number - chunk.first_line].rstrip(b"\r")
            last = chunk.first_line + len(lines) - 1
    raise InputError(f"{os.fspath(path)} ends at line {last}, there is no line {number}")


def _open_path(given: str | os.PathLike[str], chunk_bytes: int, live: bool) -> Source:
    name = os.fsdecode(given)
    if isinstance(given, str) and ("\n" in given or not given.strip()):
        raise InputError(
            "the text of a log was passed where a path is expected: pass it as bytes (text.encode()) or as a "
            "list of lines (text.splitlines())"
            if given.strip()
            else "an empty path was passed: pass the path of a log"
        )
    path = Path(name)
    try:
        if name.startswith("~") and not path.exists():
            path = path.expanduser()
        if path.is_dir():
            raise InputError(f"{name} is a directory: name the log file in it")
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{name} cannot be opened: {reason}") from error
    source = Source(name, _read_blocks(file, name), chunk_bytes, path, live, os.fstat(file.fileno()).st_size)
    source._file = file
    return source._open()


def _cut_at(data: bytes) -> int:
    """Return where to cut the first piece off a line that is too long."""
    cut = LONGEST_LINE
    for found in _CUT.finditer(data, max(1, LONGEST_LINE - _CUT_WITHIN), LONGEST_LINE):
        cut = found.end() if found.group() == b"\r" else found.start()
    return cut


def _slices(data: bytes, chunk_bytes: int) -> Iterator[bytes]:
    step = max(_READ_BYTES, chunk_bytes)
    for start in range(0, len(data), step):
        yield data[start : start + step]


def _read_blocks(file: Any, name: str) -> Iterator[bytes]:
    """Yield what is there; a pipe gives what was written so far instead of waiting for a full block."""
    read = getattr(file, "read1", None) or file.read
    while True:
        try:
            block = read(_READ_BYTES)
        except (OSError, ValueError) as error:
            raise InputError(f"{name} cannot be read: {error}") from error
        if not block:
            return
        yield _as_bytes(block)


def _item_blocks(items: Iterable[Any]) -> Iterator[bytes]:
    """Yield the items of an iterable as blocks; lines that came without line ends get them back."""
    iterator = iter(items)
    peeked: list[bytes] = []
    size = 0
    ends = False
    for item in iterator:
        peeked.append(_as_bytes(item))
        size += len(peeked[-1])
        ends = b"\n" in peeked[-1]
        if ends or len(peeked) >= _PEEK_ITEMS or size >= _PEEK_BYTES:
            break
    if ends or len(peeked) == 1 or begins_encoded(b"".join(peeked)):
        yield from peeked
        yield from map(_as_bytes, iterator)
        return
    for line in chain(peeked, map(_as_bytes, iterator)):
        yield line if line.endswith(b"\n") else line + b"\n"


def _as_bytes(item: Any) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        try:
            return item.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return item.encode("utf-8", "backslashreplace")
    if isinstance(item, bytearray | memoryview):
        return bytes(item)
    raise InputError(
        f"cannot read a log from items of type {type(item).__name__}: pass lines as str or bytes"
    )
