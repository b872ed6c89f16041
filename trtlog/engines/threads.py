"""Several line engines side by side, for a long log where there are cores: the loop in C lets other threads run.

The log is cut into stretches where the line above no longer matters: in front of a line of the library that opens a
section, whatever was open before. Each thread has an engine, for one stretch after the other. While all have one to
read, the thread that fetches the log reads a stretch itself, no more run than there are cores; the first time it loads
what will be needed then. What they found is put together in the order of the lines, so that nothing tells how many
there were.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise

from trtlog._util.cores import load_arrays, usable_cores
from trtlog._util.worker import WorkerThread
from trtlog.engines.library import library
from trtlog.engines.line import LineEngine
from trtlog.engines.loop import ODD
from trtlog.engines.native_match import fastest_matcher
from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures, Rows
from trtlog.messages.classify import is_usual
from trtlog.messages.headers import HeaderReader
from trtlog.messages.together import add, add_rows

# A log of fewer bytes is read before a second thread would be of use.
LEAST_BYTES = 32 << 20
# Text of one stretch: the more, the fewer pieces a column has; the less, the less waits in memory.
STRETCH_BYTES = 32 << 20
# More threads only wait for the one that reads the file.
_MOST = 4
# Lines that are looked at for a place to cut.
_LOOKED_AT = 5_000
# Windows that wait for a thread, half of them of one line.
_WAITING = 64
# With so few of them a thread is taken for free.
_NEARLY_READ = 6
# Fewer rows are put in order by who asks for them: that takes less than many pieces do.
_FEW_ROWS = 4096
# Text that another thread is still asked to read at the end of a log.
_LEAST_SHARE = 4 << 20


def wanted_threads(size: int) -> int:
    """Return how many threads are of use for a log of about so many bytes, 1 for none beside this one.

    None are in a worker of a pool, whose cores have work already.

    Examples
    --------
    >>> wanted_threads(1_000_000)
    1
    """
    workers = sys.modules.get("multiprocessing.process")
    if size < LEAST_BYTES or library() is None or (workers is not None and workers.parent_process() is not None):
        return 1
    return min(usable_cores(), _MOST)


class ThreadedEngine:
    """Fills captures from chunks of whole lines, as `LineEngine` does.

    Parameters
    ----------
    grammar : Grammar
        The rules.
    threads : int
        How many stretches are read at a time, one of them by the thread that calls `feed`.
    stretch_bytes : int
        Text of another thread's stretch after which a place to cut is looked for; a quarter of it for the own.
    size : int
        How long the log is about; 0 where that is not known.
    load : callable, optional
        Loads what is needed behind the reading: is called once, while other threads read.
    """

    reads_several = False

    def __init__(
        self,
        grammar: Grammar,
        threads: int,
        stretch_bytes: int = STRETCH_BYTES,
        size: int = 0,
        load: Callable[[], None] = load_arrays,
    ) -> None:
        self._grammar = grammar
        self._others = max(1, threads - 1)
        self._stretch_bytes = self._until = stretch_bytes
        self._looked_at = 0  # lines without a place to cut
        self._load: Callable[[], None] | None = load
        self._size, self._taken = size, 0  # bytes of the log, those of them that came
        self._headers = HeaderReader(grammar)
        self.captures = Captures(grammar, fastest_matcher(grammar).variants)
        self._own, self._threads = _Own(grammar), list[_Thread]()
        self._stretches: deque[_Own | _Thread] = deque()  # who reads each; the last is the one that is fed
        self._first_lines: list[int] = []  # of all stretches
        self.last_line = 0  # of those that were fed; 0 where that is not known
        # The time and the section at the end of what was put together.
        self._time: bytes | None = None
        self._section = ""

    def feed(self, chunk: bytes, first_line: int, begin: int = 0, end: int | None = None) -> None:
        """Take whole lines, ``begin`` to ``end`` of a chunk; at the end of the log the last may lack its line end."""
        end = len(chunk) if end is None else end
        if not self._stretches:
            self._begin(first_line)
        last = self._stretches[-1]
        if last.size >= self._until and (last is not self._own or self._has_free_thread()):
            cut, lines = self._find_cut(chunk, begin, end)
            if cut > begin:
                last.add(chunk, first_line, begin, cut)
                self._taken += cut - begin
                begin, first_line = cut, first_line + lines
                self._begin(first_line)
            else:
                self._looked_at += lines
                if self._looked_at >= _LOOKED_AT:  # a log without such a place is not searched again and again
                    self._looked_at = 0
                    self._until *= 2
        self._taken += end - begin
        stretch = self._stretches[-1]
        stretch.add(chunk, first_line, begin, end)
        if isinstance(stretch, _Own):
            self.last_line = stretch.engine.last_line
        elif (native := library()) is not None:
            self.last_line = first_line - 1 + native.scan_count_lines(chunk, begin, end)

    def _begin(self, first_line: int) -> None:
        """Begin another stretch, for another thread where one is free."""
        if self._stretches:
            self._stretches[-1].end()
        while self._stretches and self._stretches[0].is_done:
            self._merge(self._stretches.popleft().found())
        # At the end all threads shall be through at the same time; a compressed log may be longer than was thought.
        # So much another thread reads while this one loads modules.
        loading = 0 if self._load is None else 3 * self._stretch_bytes // 4
        left = self._size - self._taken
        share = (left + loading) // (self._others + 1) if left > 0 else self._stretch_bytes
        thread = self._free_thread() if share >= min(self._stretch_bytes, _LEAST_SHARE) else None
        self._stretches.append(thread or self._own)
        self._stretches[-1].begin(first_line)
        self._first_lines.append(first_line)
        most = self._stretch_bytes
        self._until, self._looked_at = min(most + loading, share) if thread else most // 4, 0
        if thread is None:
            self._load_once()

    def _load_once(self) -> None:
        load, self._load = self._load, None
        if load is not None:
            load()

    def _free_thread(self) -> _Thread | None:
        """Return a thread for another stretch; None where none is free, or the system starts no more."""
        if not self._has_free_thread():
            return None
        for thread in self._threads:
            if thread.is_nearly_read:
                return thread
        thread = _Thread(self._grammar)
        self._threads.append(thread)
        if not thread.start():
            self._threads.pop()
            self._others = len(self._threads)
            return None
        return thread

    def _has_free_thread(self) -> bool:
        """Tell whether another thread has nothing to read, or little: it is to have more before it waits."""
        return len(self._threads) < self._others or any(thread.is_nearly_read for thread in self._threads)

    def _find_cut(self, chunk: bytes, begin: int, limit: int) -> tuple[int, int]:
        """Return where a line opens a section, and the number of lines above it; ``begin`` where none of so many does.

        The rules for lines of the library come first in every section: what opens one is told by the line alone. The
        first line may be another piece of the line before.
        """
        matcher, sections = fastest_matcher(self._grammar), self._grammar.sections
        position, lines = chunk.find(b"\n", begin, limit) + 1, 0
        for lines in range(1, _LOOKED_AT + 1):
            end = chunk.find(b"\n", position, limit)
            if not position or end < 0:
                break
            line = chunk[position:end].rstrip(b"\r")
            header = self._headers.read(line)
            if header is not None and header.origin == "tensorrt" and is_usual(header):
                body = line[header.end :]
                found = None if any(mark in body for mark in ODD) else matcher.plain.search(body)
                if found is not None and matcher.variants[found[0]].kind in sections:
                    return position, lines
            position = end + 1
        return begin, lines

    def _merge(self, found: Captures) -> None:
        """Add what was found in a stretch; they come in order."""
        if found.times:
            if found.times[0][1] == self._time:
                del found.times[0]
            self._time = found.times[-1][1] if found.times else self._time
        if found.openings:
            if found.openings[0][1] == self._section:
                del found.openings[0]
            self._section = found.openings[-1][1] if found.openings else self._section
        add(self.captures, found)

    def begin_log(self) -> None:
        """Refuse another log."""
        raise RuntimeError("one log is read in stretches")

    def end_log(self) -> Captures:
        """Return all captures."""
        return self.finish()

    def finish(self) -> Captures:
        """Return all captures."""
        self._load_once()
        if self._stretches:
            self._stretches[-1].end()
        while self._stretches:
            self._merge(self._stretches.popleft().found())
        self.close()
        for engine in (self._own.engine, *(thread.engine for thread in self._threads)):
            engine.drain()
            add_rows(self.captures, engine.captures)
        columns = self.captures.columns
        self.captures.columns = {index: _in_order(rows, self._first_lines) for index, rows in columns.items()}
        return self.captures

    def close(self) -> None:
        """End the threads, as soon as each is through its chunk."""
        for thread in self._threads:
            thread.close()


class _Own:
    """Reads stretches in the thread that fetches the log, as lines come."""

    def __init__(self, grammar: Grammar) -> None:
        self.engine = LineEngine(grammar)
        self.size = 0  # of the stretch
        self._found: deque[Captures] = deque()  # in stretches that ended; their rows come with those of the engine

    def begin(self, first_line: int) -> None:
        """Begin a stretch."""
        self.size = 0
        self.engine.begin_log(first_line - 1)

    def add(self, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Read lines of a chunk."""
        self.size += end - begin
        self.engine.feed(chunk, first_line, begin, end)

    def end(self) -> None:
        """End a stretch."""
        self._found.append(self.engine.end_log())

    @property
    def is_done(self) -> bool:
        """Whether the first stretch that was not asked for is read."""
        return bool(self._found)

    def found(self) -> Captures:
        """Return what was found in the first stretch that was not asked for."""
        return self._found.popleft()


class _Thread(WorkerThread[Captures]):
    """Reads stretches in a thread of its own, while more lines come; else as `_Own`."""

    def __init__(self, grammar: Grammar) -> None:
        super().__init__("trtlog-read", _WAITING)
        self.engine = LineEngine(grammar)
        self.size = 0
        self._is_fed = False

    def begin(self, first_line: int) -> None:
        self.size, self._is_fed = 0, True
        self.give(self.engine.begin_log, first_line - 1)

    def add(self, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        self.size += end - begin
        self.give(self.engine.feed, chunk, first_line, begin, end)

    def end(self) -> None:
        self._is_fed = False
        self.give(self.engine.end_log)

    @property
    def is_nearly_read(self) -> bool:
        """Whether the thread will soon be free."""
        return not self._is_fed and self.waiting <= _NEARLY_READ


def _in_order(rows: list[Rows], first_lines: Sequence[int]) -> list[Rows]:
    """Return rows of several engines in the order of lines, if they are many: cut where stretches begin."""
    if len(rows) < 2 or sum(len(lines) for lines, _ in rows) < _FEW_ROWS:
        return rows
    import numpy as np

    pieces = []
    for lines, fields in rows:
        places = dict.fromkeys((0, *np.searchsorted(lines, first_lines).tolist(), len(lines)))
        for begin, end in pairwise(places):
            pieces.append((lines[begin:end], [values.slice(begin, end - begin) for values in fields]))
    return sorted(pieces, key=lambda piece: int(piece[0][0]))
