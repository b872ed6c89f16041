"""Where a log comes from: any source becomes chunks of whole lines, as bytes of UTF-8.

A source is a path, a file object, bytes, or an iterable of lines or chunks; it may be compressed and in
UTF-16 or UTF-32. Memory stays flat: a chunk holds about ``chunk_bytes``, or one line where a line is longer.

No message is longer than `LONGEST_LINE`; a file without line ends is. Such a line comes in pieces, each a chunk of
its own with the same number, cut in front of a time or behind a carriage return where there is one. The records of
all pieces are read, as those of a torn line are; what else stands behind the first piece is counted, not kept.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from trtlog._util.expression import expression
from trtlog._util.paths import shown
from trtlog._util.words import counted
from trtlog.errors import InputError
from trtlog.source.decode import begins_encoded, decompressed, to_utf8, without_holes
from trtlog.source.logger import Logger
from trtlog.source.numbering import LineMap
from trtlog.source.plain import GLANCE_BYTES, LATER_BYTES, SAMPLE_BYTES, looks_plain, odd_lines
from trtlog.source.sniff import refuse_what_is_no_log

if TYPE_CHECKING:
    from trtlog.source.forms.base import Undo
    from trtlog.source.forms.layers import Undoing

_READ_BYTES = 2 << 20
# Bytes of the longest line that is handed on whole.
LONGEST_LINE = 16 << 20
# Where a longer line is cut: where a record begins, or what a progress bar printed over.
_CUT = expression(rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-|\r")
_CUT_WITHIN = 1 << 20
# An iterable whose first items hold no line end holds lines without line ends, not chunks.
_PEEK_ITEMS = 4096
_PEEK_BYTES = 1 << 16
# After so much text forms are looked for again: a log may be collected of several.
_PART_BYTES = 2 << 20
# A log that is being written is looked at when this many lines are there, the first of them that is plain at once.
_LIVE_LINES = 24
# Text that is counted at a time: it stays in the processor's cache.
_COUNTED_BYTES = 1 << 16
_LINE_END = ord("\n")


class Chunk(NamedTuple):
    r"""Bytes of whole lines and the first one's number.

    Only the log's last line may lack its ``\n``, and a piece of a line longer than `LONGEST_LINE`: the chunk behind
    it has the same number, and holds another piece.
    """

    data: bytes
    first_line: int

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give the lines with their numbers, without line ends."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for number, line in enumerate(lines, self.first_line):
            yield number, line.removesuffix(b"\r")


class Window(NamedTuple):
    """Whole lines inside a block of bytes, from ``begin`` to ``end``, and the first one's number; else as `Chunk`."""

    data: bytes
    begin: int
    end: int
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
        What was odd, a sentence each: encoding, damaged compression, NUL bytes, forms that were undone. Complete
        after the last chunk.
    line_map : LineMap
        Which line of the file each line of the text is, where lines were joined or cut.
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
        self._logger: Logger | None = None
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
        self.line_map = LineMap()
        self._first_line = 1  # of what was not handed on yet
        self._last_line = 0  # of the last window, where its reader told it
        self._waiting: list[bytes] = []

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._consumed += len(block)
            yield block

    def expected_size(self, read: int) -> int:
        """Return about how many bytes of text there are in all, of which ``read`` were read; 0 where nobody knows."""
        packed = self._consumed < read
        return self._size * read // max(self._consumed, 1) if packed else self._size

    def open(self, logger: Logger | None) -> Source:
        """Read the beginning, look for forms in it, and refuse what is no log."""
        self._logger = logger
        try:
            plain = to_utf8(decompressed(self._raw, self.name, self.notes), self.name, self.notes)
            plain = without_holes(plain, self._count_nuls)
            first: list[bytes] = []
            size = lines = 0
            for block in plain:
                first.append(block)
                if not size and not block.strip(b"\0"):
                    continue  # a hole at the beginning
                size += len(block)
                if size >= SAMPLE_BYTES:
                    break
                if self._live and b"\n" in block:
                    lines += block.count(b"\n")
                    text = b"".join(first)
                    if lines >= _LIVE_LINES or looks_plain(text[: text.rindex(b"\n")]):
                        break
            sample = b"".join(first)
            whole = size < SAMPLE_BYTES and not self._live
            layers = self._layers_of(sample[:SAMPLE_BYTES], whole=whole)
            undone = _undoing(layers, LineMap()).feed(sample[:_PEEK_BYTES], last=True) if layers else sample
            refuse_what_is_no_log(undone.lstrip(b"\0")[:_PEEK_BYTES], self.name, self.notes)
        except BaseException:
            self.close()
            raise
        self._blocks = self._undone(chain(first, plain), layers)
        return self

    def _count_nuls(self, count: int) -> None:
        self._nuls += count

    def _undone(self, blocks: Iterator[bytes], layers: list[Undo]) -> Iterator[bytes]:
        """Yield the blocks, undone from where a form was found on; parts are looked at where they begin."""
        part = _PART_BYTES  # bytes until the next part begins
        undoing: Undoing | None = None
        if layers:
            undoing = self._start(layers)
        ahead: deque[bytes] = deque()  # blocks that were looked at and not yielded
        while (block := ahead.popleft() if ahead else next(blocks, None)) is not None:
            # A part begins with the first line behind so many bytes.
            cut = 0 if self._live or len(block) < part else block.find(b"\n", max(part, 0)) + 1
            if not cut:
                part -= len(block)
                yield from self._through(undoing, block, last=False)
                continue
            beginning = [block[cut : cut + LATER_BYTES]]
            missing = LATER_BYTES - len(beginning[0])
            for following in chain(ahead, _kept_in(ahead, blocks)) if missing else ():
                beginning.append(following[:missing])
                missing -= len(beginning[-1])
                if not missing:
                    break
            part = _PART_BYTES + cut
            layers = self._found_in(b"".join(beginning))
            if layers:
                yield from self._through(undoing, block[:cut], last=False)
                block, part = block[cut:], _PART_BYTES
                if undoing is None:
                    undoing = self._start(layers)
                else:
                    undoing.add([layer for layer in layers if layer.key not in undoing.keys])
            ahead.appendleft(block)
        yield from self._through(undoing, b"", last=True)
        if undoing is not None:
            self.notes.extend(dict.fromkeys(layer.note for layer in undoing.layers))

    def _found_in(self, block: bytes) -> list[Undo]:
        """Return the forms of a later part, which begins with a block."""
        glance = block[:GLANCE_BYTES]
        if looks_plain(glance if self._logger is None else self._logger.rewrite(glance)):
            return []
        return self._layers_of(block)

    def _layers_of(self, data: bytes, *, whole: bool = False) -> list[Undo]:
        """Return the forms of a text; what knows them is loaded where it does not look plain."""
        odd = odd_lines(data, whole=whole, logger=self._logger)
        if odd is None:
            return []
        from trtlog.source.forms.layers import search_layers

        return search_layers(odd, self._logger)

    def _start(self, layers: list[Undo]) -> Undoing:
        """Return what undoes layers from the first line that was not yielded on."""
        above = sum(_line_ends(block) for block in self._waiting)
        return _undoing(layers, self.line_map, self._first_line + above)

    @staticmethod
    def _through(undoing: Undoing | None, block: bytes, *, last: bool) -> Iterator[bytes]:
        text = block if undoing is None else undoing.take(block, last=last)
        if text:
            yield text

    def __iter__(self) -> Iterator[Chunk]:
        for data, begin, end, first_line in self.windows():
            yield Chunk(data[begin:end], first_line)

    def windows(self) -> Iterator[Window]:
        """Give the same as chunks, large blocks of the file as they were read: nothing is copied to cut them.

        Who reads a window may tell with :meth:`tell_last_line` how far it went, which saves counting its lines.
        """
        own = self._logger
        if own is None:
            yield from self._windows()
            return
        for data, begin, end, first_line in self._windows():
            text = own.rewrite(data[begin:end])
            yield Window(text, 0, len(text), first_line)
        if note := own.note():
            self.notes.append(note)

    def tell_last_line(self, number: int) -> None:
        """Take the number of the last line of the window that was given last."""
        self._last_line = number

    def _window(self, data: bytes, begin: int, end: int) -> Iterator[Window]:
        """Give whole lines, and go on behind them."""
        yield Window(data, begin, end, self._first_line)
        last = self._last_line or self._first_line + _line_ends(data, begin, end) - 1
        self._first_line, self._last_line = last + 1, 0

    def _windows(self) -> Iterator[Window]:
        size = 0
        last_end = -1  # index in what waits of the last block with a line end
        try:
            for block in self._blocks:
                if self._too_long[-1:] == [self._first_line] and b"\n" in block:
                    cut = block.index(b"\n") + 1
                    yield _whole(b"".join([*self._waiting, block[:cut]]), self._first_line)
                    self._first_line += 1
                    self._waiting, size, block = [], 0, block[cut:]
                waiting = self._waiting
                if last_end < 0 and len(block) >= self._chunk_bytes and not self._live and b"\n" in block:
                    begin = 0
                    if waiting:
                        begin = block.index(b"\n") + 1
                        line = b"".join([*waiting, block[:begin]])
                        yield from self._window(line, 0, len(line))
                    cut = block.rindex(b"\n") + 1
                    if cut > begin:
                        yield from self._window(block, begin, cut)
                    self._waiting = [block[cut:]] if cut < len(block) else []
                    size = len(block) - cut
                else:
                    waiting.append(block)
                    size += len(block)
                    if b"\n" in block:
                        last_end = len(waiting) - 1
                if last_end >= 0 and (self._live or size >= self._chunk_bytes):
                    last = waiting[last_end]
                    cut = last.rindex(b"\n") + 1
                    rest = [last[cut:], *waiting[last_end + 1 :]]
                    data = b"".join([*waiting[:last_end], memoryview(last)[:cut]])
                    self._waiting = rest if rest[0] else rest[1:]
                    size = sum(map(len, self._waiting))
                    last_end = -1
                    yield from self._window(data, 0, len(data))
                if last_end < 0 and size >= LONGEST_LINE:
                    if self._too_long[-1:] != [self._first_line]:
                        self._too_long.append(self._first_line)
                    data = b"".join(self._waiting)
                    while len(data) >= LONGEST_LINE:
                        cut = _cut_at(data)
                        yield _whole(data[:cut], self._first_line)
                        data = data[cut:]
                    self._waiting, size = [data], len(data)
            if size:
                yield _whole(b"".join(self._waiting), self._first_line)
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


def _undoing(layers: Sequence[Undo], lines: LineMap, first_line: int = 1) -> Undoing:
    from trtlog.source.forms.layers import Undoing

    return Undoing(layers, lines, first_line)


def _kept_in(kept: deque[bytes], blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield further blocks, each of which is kept too."""
    for block in blocks:
        kept.append(block)
        yield block


def _whole(data: bytes, first_line: int) -> Window:
    return Window(data, 0, len(data), first_line)


def _line_ends(data: bytes, begin: int = 0, end: int | None = None) -> int:
    end = len(data) if end is None else end
    if end - begin < _COUNTED_BYTES or "numpy" not in sys.modules:
        return data.count(b"\n", begin, end)
    import numpy as np  # four times as fast, where it is loaded

    text = np.frombuffer(data, np.uint8)[begin:end]
    marks = np.empty(_COUNTED_BYTES, bool)
    pieces = (text[first : first + _COUNTED_BYTES] for first in range(0, len(text), _COUNTED_BYTES))
    return sum(int(np.count_nonzero(np.equal(piece, _LINE_END, out=marks[: len(piece)]))) for piece in pieces)


def open_source(source: Any, chunk_bytes: int = 2 << 20, *, live: bool = False, logger: Logger | None = None) -> Source:
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
    logger : Logger, optional
        How lines of a logger of the user's own begin; they come under a header of TensorRT's.

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
    return source if isinstance(source, Source) else _source_of(source, chunk_bytes, live).open(logger)


def _source_of(source: Any, chunk_bytes: int, live: bool) -> Source:
    if isinstance(source, str | os.PathLike):
        return _open_path(source, chunk_bytes, live)
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        return Source("<bytes>", _slices(data, chunk_bytes), chunk_bytes, live=live, size=len(data))
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        shown = name if isinstance(name, str) else "<stream>"
        return Source(shown, _read_blocks(source, shown), chunk_bytes, live=live)
    if isinstance(source, Iterable):
        return Source("<lines>", _item_blocks(source), chunk_bytes, live=live)
    raise InputError(
        f"cannot read a log from {type(source).__name__}: pass a path, bytes, an open file, or an iterable of lines"
    )


def _open_path(given: str | os.PathLike[str], chunk_bytes: int, live: bool) -> Source:
    name = shown(given)
    if isinstance(given, str) and ("\n" in given or not given.strip()):
        raise InputError(
            "the text of a log was passed where a path is expected: pass it as bytes (text.encode()) or as a "
            "list of lines (text.splitlines())"
            if given.strip()
            else "an empty path was passed: pass the path of a log"
        )
    path = Path(os.fsdecode(given))
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
    return source


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
    raise InputError(f"cannot read a log from items of type {type(item).__name__}: pass lines as str or bytes")
