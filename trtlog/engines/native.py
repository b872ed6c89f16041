"""The inner loop of the line engine in C: it takes lines, and hands the others to the engine, in order.

The scanner (``scan.c``) is told where the line above left the state: the header that lines are likely to repeat, the
last time, which rules hold in the section, which of them change the state. It takes lines up to the first that asks
for more; that one goes through `LineEngine.take`, which may change the state, and so on.
"""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING, Any

from trtlog._util.cores import load_numpy
from trtlog.engines.library import Rows, Scan, Tables, library, tables_of
from trtlog.engines.sections import section_numbers, sections_of
from trtlog.grammar.precedence import BARE
from trtlog.messages.captures import BLANK
from trtlog.messages.classify import asks_section, is_usual
from trtlog.messages.headers import NO_HEADER, Header

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from trtlog.engines.line import LineEngine
    from trtlog.engines.loop import Groups
    from trtlog.grammar import Variant
    from trtlog.messages.captures import Captures
    from trtlog.messages.classify import Classifier

# A time that changes in its digits only, as trtexec and TensorRT's Python logger print it.
_TIME = re.compile(rb"[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}")
_TIME_LENGTH = 19
_NONE = -1
# Headers that are known still when the next log begins: half of those that the scanner has room for.
_KEPT_HEADERS = 8
# Numbers of a variant's rows, and which of them says what.
_WORDS = ctypes.sizeof(Rows) // 8
_COUNT, _COUNTED = Rows.count.offset // 8, slice(Rows.scanned.offset // 8, Rows.bytes.offset // 8 + 1)
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
        self._rows = self._no_rows()
        self._scan = Scan(
            *map(ctypes.addressof, (self._tables, self._sections, self._rows)), bare_index=self._tables.sets[BARE]
        )
        self._address = ctypes.byref(self._scan)
        self._headers: list[tuple[bytes, Header]] = []  # text without its time, and what the reader says of it
        self._likely: tuple[Any, Header, int] = b"", NO_HEADER, _NONE  # the last answer of `_likely_header`
        self._bytes = 0
        self._is_counted = True

    def _no_rows(self) -> Any:
        self._taken: np.ndarray[Any, Any] | int = 0  # what was counted of them
        return (Rows * self._tables.n_variants)()

    def begin_log(self, captures: Captures, classifier: Classifier) -> None:
        """Go on with the captures and the classifier of another log."""
        self._begin(captures, classifier)
        if len(self._headers) > _KEPT_HEADERS:  # the scanner has room for as many again
            self.flush()
            self._start()

    def feed(self, engine: LineEngine, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Read whole lines of a chunk, of which the last may lack its line end; the engine reads what is left."""
        if self._bytes + end - begin > _MOST_BYTES:
            self.flush()
        self._bytes += end - begin
        self._is_counted = False
        run = self._library.scan_run
        position, line = begin, first_line
        if first_line == self._captures.lines:  # another piece of the line before
            position = _take(engine, chunk, position, end, line)
            line += 1
        while position < end:
            self._set_state(engine.time)
            reached = run(self._address, chunk, position, end, line)
            if self._scan.line > line:
                line = self._scan.line
                self._pass_over(engine, chunk, line - 1)
            if reached < 0:
                raise MemoryError
            position = reached
            if position < end:
                begin, position = position, _take(engine, chunk, position, end, line)
                alike = engine.take_alike(line, chunk, begin, position, end)
                position += alike * (position - begin)
                line += 1 + alike

    # -------------------------------------------------------------------------------------- state
    def _set_state(self, time: bytes | None) -> None:
        """Tell the scanner where the line above left the engine."""
        scan, classifier = self._scan, self._classifier
        scan.current = self._likely_header()
        scan.section = self._numbers[classifier.section]
        scan.bare = not classifier.decorated
        scan.time_known = known = time is not None and _TIME.fullmatch(time) is not None
        if known:
            scan.time = time

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
        number, headers = len(self._headers), self._scan.headers
        if number == len(headers) or not headers[number].fill(text, (time, time_end), before, asks_section(header)):
            return _NONE
        self._headers.append((key, header))
        self._scan.n_headers += 1
        return number

    def _pass_over(self, engine: LineEngine, chunk: bytes, last: int) -> None:
        """Bring the engine and its classifier behind the lines that the scanner took."""
        found, classifier = self._scan, self._classifier
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
        if not self._library.scan_put(self._address, variant, number, text, spans):
            raise MemoryError

    def flush(self) -> None:
        """Move all rows into the captures."""
        self.count()
        self._bytes = 0
        captures = self._captures
        rows, self._rows = self._rows, self._no_rows()  # at no time two own what is to be freed
        self._scan.rows = ctypes.addressof(self._rows)
        taken = _TakenRows(self._library, self._tables, rows)
        for index in taken.variants():
            found = taken.arrays(taken.rows[index], captures.variants[index])
            captures.columns.setdefault(index, []).append(found)

    def count(self) -> None:
        """Count the lines that the scanner took since this was called last."""
        if self._is_counted:
            return
        captures = self._captures
        now = _words_of(self._rows)[:, _COUNTED].copy()
        more = now - self._taken
        self._taken = now
        taken = more[:, 0].nonzero()[0]
        for index, (lines, size) in zip(taken.tolist(), more[taken].tolist(), strict=True):
            self._count(captures.variants[index].kind, lines, size)
        scan = self._scan
        if scan.empty_lines:
            self._count(BLANK, scan.empty_lines, scan.empty_bytes)
            scan.empty_lines = scan.empty_bytes = 0
        for counted, (_, header) in zip(scan.headers, self._headers, strict=False):
            if counted.lines:
                captures.producers[header.producer] = captures.producers.get(header.producer, 0) + counted.lines
                counted.lines = 0
        self._is_counted = True

    def _count(self, kind: str, lines: int, size: int) -> None:
        self._captures.count(kind, lines, size)
        self._captures.size += size

    def __del__(self) -> None:
        if getattr(self, "_rows", None):
            self._library.scan_free_rows(self._rows, ctypes.byref(self._tables))


def _take(engine: LineEngine, chunk: bytes, position: int, end: int, line: int) -> int:
    """Have the engine read the line at a place; return where the next begins."""
    stop = chunk.find(b"\n", position, end)
    following = end if stop < 0 else stop + 1
    engine.take(line, chunk[position : end if stop < 0 else stop], following - position)
    return following


def _words_of(rows: Any) -> np.ndarray[Any, Any]:
    """Return the numbers of some rows, a line a variant, where they stand."""
    load_numpy()  # here it may be loaded first, by a thread that is through before the one that loads what is needed
    import numpy as np

    return np.frombuffer(rows, np.int64).reshape(-1, _WORDS)


class _TakenRows:
    """Rows that left the scanner: Arrow's buffers point into them, and the last one to go frees them."""

    def __init__(self, library: Any, tables: Tables, rows: Any) -> None:
        from pyarrow import foreign_buffer

        self._buffer_at = foreign_buffer
        self._library = library
        self._tables = tables
        self.rows = rows

    def variants(self) -> list[int]:
        """Return the numbers of the variants that have rows."""
        numbers: list[int] = _words_of(self.rows)[:, _COUNT].nonzero()[0].tolist()
        return numbers

    def arrays(self, rows: Rows, variant: Variant) -> tuple[np.ndarray[Any, Any], list[pa.Array]]:
        """Return the line numbers of a variant, and an array a field: plain, or a dictionary."""
        import numpy as np
        import pyarrow as pa

        lines = np.frombuffer(self._buffer(rows.lines, rows.count, 8), np.int64)
        out = []
        for place in range(len(variant.fields)):
            column = rows.columns[place]
            count = column.values if column.codes else rows.count
            offsets = self._buffer(column.offsets, count + 1, 4)
            text = self._buffer(column.text, ctypes.c_int32.from_address(column.offsets + 4 * count).value, 1)
            values = pa.Array.from_buffers(pa.binary(), count, [None, offsets, text])
            if column.codes:
                codes = self._buffer(column.codes, rows.count, 4)
                numbers = pa.Array.from_buffers(pa.int32(), rows.count, [None, codes])
                values = pa.DictionaryArray.from_arrays(numbers, values, safe=False)
            out.append(values)
        return lines, out

    def _buffer(self, address: int, count: int, width: int) -> pa.Buffer:
        return self._buffer_at(address, count * width, self)

    def __del__(self) -> None:
        self._library.scan_free_rows(self.rows, ctypes.byref(self._tables))
