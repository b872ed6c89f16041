"""The inner loop of the line engine in C: it takes lines, and hands the others to the engine, in order.

The scanner (``scan.c``) is told where the line above left the state: the header that lines are likely to repeat, the
last time, which rules hold in the section, which of them change the state. It takes lines up to the first that asks
for more; that one goes through `LineEngine.take`, which may change the state, and so on.
"""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from trtlog.engines.library import Found, Rows, Tables, library, tables_of
from trtlog.engines.sections import section_numbers, sections_of
from trtlog.grammar.precedence import BARE
from trtlog.messages.captures import BLANK
from trtlog.messages.classify import asks_section, is_usual
from trtlog.messages.headers import NO_HEADER, Header

if TYPE_CHECKING:
    from trtlog.engines.line import LineEngine
    from trtlog.engines.loop import Groups
    from trtlog.grammar import Variant
    from trtlog.messages.captures import Captures
    from trtlog.messages.classify import Classifier

# A time that changes in its digits only, as trtexec and TensorRT's Python logger print it.
_TIME = re.compile(rb"[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}")
_TIME_LENGTH = 19
_NONE = -1
# Headers that are kept for the next log.
_HEADERS = 8
# Text that is read before rows are moved out: places in a column have 31 bits.
_MOST_BYTES = 1 << 29


class NativeLoop:
    """Reads chunks with the scanner.

    Parameters
    ----------
    captures, classifier : Captures, Classifier
        Those of the engine that the loop belongs to; `flush` fills the captures, and the classifier is brought on.
    """

    def __init__(self, captures: Captures, classifier: Classifier) -> None:
        self._library = library()
        grammar = captures.grammar
        self._tables, self._sections = tables_of(grammar), sections_of(grammar)
        self._numbers = section_numbers(grammar)
        self._names = list(self._numbers)
        self._begin(captures, classifier)
        self._start()

    def _begin(self, captures: Captures, classifier: Classifier) -> None:
        self._captures = captures
        self._classifier = classifier

    def _start(self) -> None:
        """Make a scanner that knows no header."""
        sections = ctypes.byref(self._sections)
        self._scan = self._library.scan_new(ctypes.byref(self._tables), sections, self._tables.sets[BARE])
        if not self._scan:
            raise MemoryError
        self._found = Found.from_address(self._library.scan_found(self._scan))
        self._headers: list[tuple[bytes, Header]] = []  # text without its time, and what the reader says of it
        self._likely: tuple[Any, Header, int] = b"", NO_HEADER, _NONE  # the last answer of `_likely_header`
        self._counted: list[int] = []  # lines of each header that were counted
        # Lines and bytes of each variant that the scanner took, those that were counted in the captures; of empty ones.
        self._taken = np.zeros((self._tables.n_variants, 2), np.int64)
        self._empty = 0, 0
        self._bytes = 0

    def begin_log(self, captures: Captures, classifier: Classifier) -> None:
        """Go on with the captures and the classifier of another log."""
        self._begin(captures, classifier)
        if len(self._headers) > _HEADERS:  # the scanner has room for as many again
            self.flush()
            self._library.scan_free(self._scan)
            self._start()

    def feed(self, engine: LineEngine, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Read whole lines of a chunk, of which the last may lack its line end; the engine reads what is left."""
        if self._bytes + end - begin > _MOST_BYTES:
            self.flush()
        self._bytes += end - begin
        call = self._library
        position, line = begin, first_line
        if first_line == self._captures.lines:  # another piece of the line before
            position = _take(engine, chunk, position, end, line)
            line += 1
        while position < end:
            self._set_state(engine.time)
            reached = call.scan_run(self._scan, chunk, position, end, line)
            if reached < 0:
                raise MemoryError
            if reached > position:
                line = self._found.line
                self._pass_over(engine, chunk, line - 1)
            position = reached
            if position < end:
                begin, position = position, _take(engine, chunk, position, end, line)
                alike = engine.take_alike(line, chunk, begin, position, end)
                position += alike * (position - begin)
                line += 1 + alike

    # -------------------------------------------------------------------------------------- state
    def _set_state(self, time: bytes | None) -> None:
        """Tell the scanner where the line above left the engine."""
        likely = self._likely_header()
        if time is not None and not _TIME.fullmatch(time):
            time = None
        classifier = self._classifier
        section = self._numbers[classifier.section]
        self._library.scan_set_state(self._scan, likely, time, not classifier.decorated, section)

    def _likely_header(self) -> int:
        """Return the number of the header that was read last."""
        text, before, header = self._classifier.headers.last
        if text is self._likely[0] and header is self._likely[1]:
            return self._likely[2]
        number = self._number_of(text, before, header)
        self._likely = text, header, number
        return number

    def _number_of(self, text: bytes, before: tuple[bytes, ...], header: Header) -> int:
        """Return the number of a header, which is added where it is new; -1 for an unusual one."""
        if not is_usual(header) or header.end != len(text):
            return _NONE
        time, time_end, key = 0, 0, text
        if header.time is not None:
            if not _TIME.fullmatch(header.time) or text.count(header.time) != 1:
                return _NONE
            time = text.index(header.time)
            time_end = time + _TIME_LENGTH
            key = text[:time] + b"\0" + text[time_end:]
        for number, (known, _) in enumerate(self._headers):
            if known == key:
                return number
        goes_on = b"".join(bytes([len(mark)]) + mark for mark in before)
        asks = asks_section(header)
        number = int(self._library.scan_add_header(self._scan, text, len(text), time, time_end, goes_on, asks))
        if number != _NONE:
            self._headers.append((key, header))
            self._counted.append(0)
        return number

    def _pass_over(self, engine: LineEngine, chunk: bytes, last: int) -> None:
        """Bring the engine and its classifier behind the lines that the scanner took."""
        found, classifier = self._found, self._classifier
        for line, begin in found.times.pairs():
            engine.note_time(line, chunk[begin : begin + _TIME_LENGTH])
        for line, section in found.openings.pairs():
            classifier.section = self._names[section]
            engine.note_section(line)
        headed = found.last_headed
        if headed:
            classifier.skip_to(headed, found.last_variant if found.last_variant >= 0 else None)
        if last > headed:
            classifier.pass_bare(last)
        self._captures.lines = last

    # -------------------------------------------------------------------------------------- rows
    def hold(self, variant: int, number: int, groups: Groups) -> None:
        """Keep what the engine read off a line, in its place among those that the scanner took."""
        places = [0]
        for value in groups:
            at = places[-1] + len(value or b"")
            places += (at, at)
        text = b"".join([value or b"" for value in groups])
        spans = (ctypes.c_int32 * len(places))(*places)
        if not self._library.scan_put(self._scan, variant, number, text, spans):
            raise MemoryError

    def flush(self) -> None:
        """Move all rows into the captures."""
        self.count()
        self._bytes = 0
        self._taken[:] = 0
        captures = self._captures
        address = self._library.scan_take_rows(self._scan)
        if not address:
            raise MemoryError
        taken = _TakenRows(self._library, self._tables, address)
        for index in taken.variants():
            found = taken.arrays(taken.rows[index], captures.variants[index])
            captures.columns.setdefault(index, []).append(found)

    def count(self) -> None:
        """Count the lines that the scanner took since this was called last."""
        captures = self._captures
        now = np.empty_like(self._taken)
        self._library.scan_count(self._scan, now.ctypes.data)
        more = now - self._taken
        self._taken = now
        for index in np.flatnonzero(more[:, 0]).tolist():
            lines, size = more[index].tolist()
            captures.count(captures.variants[index].kind, lines, size)
            captures.size += size
        empty = self._found.empty_lines, self._found.empty_bytes
        if empty != self._empty:
            lines, size = empty[0] - self._empty[0], empty[1] - self._empty[1]
            self._empty = empty
            captures.count(BLANK, lines, size)
            captures.size += size
        for number, (_, header) in enumerate(self._headers):
            lines = self._found.header_lines[number]
            if lines > self._counted[number]:
                more = lines - self._counted[number]
                captures.producers[header.producer] = captures.producers.get(header.producer, 0) + more
                self._counted[number] = lines

    def __del__(self) -> None:
        if getattr(self, "_scan", None):
            self._library.scan_free(self._scan)


def _take(engine: LineEngine, chunk: bytes, position: int, end: int, line: int) -> int:
    """Have the engine read the line at a place; return where the next begins."""
    stop = chunk.find(b"\n", position, end)
    following = end if stop < 0 else stop + 1
    engine.take(line, chunk[position : end if stop < 0 else stop], following - position)
    return following


class _TakenRows:
    """Rows that left the scanner: Arrow's buffers point into them, and the last one to go frees them."""

    def __init__(self, library: Any, tables: Tables, address: int) -> None:
        self._library = library
        self._tables = tables
        self._address = address
        self.rows = ctypes.cast(address, ctypes.POINTER(Rows))

    def variants(self) -> list[int]:
        """Return the numbers of the variants that have rows."""
        words = ctypes.sizeof(Rows) // 8
        memory = (ctypes.c_int64 * (words * self._tables.n_variants)).from_address(self._address)
        rows = np.frombuffer(memory, np.int64).reshape(-1, words)
        numbers: list[int] = np.flatnonzero(rows[:, Rows.count.offset // 8]).tolist()
        return numbers

    def arrays(self, rows: Rows, variant: Variant) -> tuple[np.ndarray[Any, Any], list[pa.Array]]:
        """Return the line numbers of a variant, and an array a field: plain, or a dictionary."""
        lines = np.frombuffer(self._buffer(rows.lines, rows.count, 8), np.int64)
        out = []
        for place in range(len(variant.fields)):
            column = rows.columns[place]
            offsets = self._buffer(column.offsets, column.values + 1, 4)
            text = self._buffer(column.text, ctypes.c_int32.from_address(column.offsets + 4 * column.values).value, 1)
            values = pa.Array.from_buffers(pa.binary(), column.values, [None, offsets, text])
            if column.codes:
                codes = self._buffer(column.codes, column.rows, 4)
                numbers = pa.Array.from_buffers(pa.int32(), column.rows, [None, codes])
                values = pa.DictionaryArray.from_arrays(numbers, values)
            out.append(values)
        return lines, out

    def _buffer(self, address: int, count: int, width: int) -> pa.Buffer:
        return pa.foreign_buffer(address, count * width, self)

    def __del__(self) -> None:
        self._library.scan_free_rows(self._address, ctypes.byref(self._tables))
