"""Several line engines side by side, for a long log where there are cores: the loop in C lets other threads run.

The log is cut into stretches where the line above no longer matters: in front of a line of the library that opens a
section, whatever was open before. Each stretch has an engine of its own, and a thread while one is free. While all have
one, the thread that fetches the log reads a stretch itself: no more run than there are cores. What they found is put
together in the order of the lines, so that nothing tells how many there were.
"""

from __future__ import annotations

import sys
from collections import deque
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from trtlog._util.cores import usable_cores
from trtlog.engines.library import library
from trtlog.engines.line import LineEngine
from trtlog.engines.loop import ODD
from trtlog.engines.native_match import fastest_matcher
from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures
from trtlog.messages.classify import is_usual
from trtlog.messages.headers import HeaderReader
from trtlog.messages.together import add

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

# A log of fewer bytes is read before a second thread would be of use.
LEAST_BYTES = 32 << 20
# Text of one stretch: the more, the fewer pieces a column has; the less, the less waits in memory.
STRETCH_BYTES = 32 << 20
# More threads only wait for the one that reads the file.
_MOST = 4
# Lines that are looked at for a place to cut.
_LOOKED_AT = 5_000
# Windows of a stretch that wait for its thread, half of them of one line, and the time after which it is asked whether
# that still runs.
_WAITING = 32
_PATIENCE_S = 0.1
# With so few of them a thread is taken for free.
_NEARLY_READ = 6
# Text that another thread is still asked to read at the end of a log.
_LEAST_SHARE = 4 << 20

_Windows = Queue[tuple[bytes, int, int, int] | None]


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
    """

    reads_several = False

    def __init__(self, grammar: Grammar, threads: int, stretch_bytes: int = STRETCH_BYTES, size: int = 0) -> None:
        from concurrent.futures import ThreadPoolExecutor  # local: most logs are read without

        self._grammar = grammar
        self._others = max(1, threads - 1)
        self._stretch_bytes = self._until = stretch_bytes
        self._looked_at = 0  # lines without a place to cut
        self._size, self._taken = size, 0  # bytes of the log, those of them that came
        self._headers = HeaderReader(grammar)
        self.captures = Captures(grammar, fastest_matcher(grammar).variants)
        self._pool = ThreadPoolExecutor(self._others, thread_name_prefix="trtlog-read")
        self._stretches: deque[_Given | _Own] = deque()  # the last is the one that is fed
        # The time and the section at the end of what was put together.
        self._time: bytes | None = None
        self._section = ""

    def feed(self, chunk: bytes, first_line: int, begin: int = 0, end: int | None = None) -> None:
        """Take whole lines, ``begin`` to ``end`` of a chunk; at the end of the log the last may lack its line end."""
        end = len(chunk) if end is None else end
        if not self._stretches:
            self._begin()
        last = self._stretches[-1]
        if last.size >= self._until and (isinstance(last, _Given) or self._has_free_thread()):
            cut, lines = self._find_cut(chunk, begin, end)
            if cut > begin:
                last.add(chunk, first_line, begin, cut)
                self._begin()
                self._taken += cut - begin
                begin, first_line = cut, first_line + lines
            else:
                self._looked_at += lines
                if self._looked_at >= _LOOKED_AT:  # a log without such a place is not searched again and again
                    self._looked_at = 0
                    self._until *= 2
        self._taken += end - begin
        self._stretches[-1].add(chunk, first_line, begin, end)

    @property
    def last_line(self) -> int:
        """0: which line was read last only the threads know."""
        return 0

    def _begin(self) -> None:
        """Begin another stretch, for another thread where one is free."""
        if self._stretches:
            self._stretches[-1].end()
        while self._stretches and self._stretches[0].found.done():
            self._merge(self._stretches.popleft().found.result())
        # At the end all threads shall be through at the same time; a compressed log may be longer than was thought.
        left = self._size - self._taken
        share = left // (self._others + 1) if left > 0 else self._stretch_bytes
        given = self._give() if share >= min(self._stretch_bytes, _LEAST_SHARE) else None
        self._stretches.append(given or _Own(self._grammar))
        self._until, self._looked_at = min(self._stretch_bytes, share) if given else self._stretch_bytes // 4, 0

    def _give(self) -> _Given | None:
        """Return a stretch for another thread; None where none is free, or the system starts no more."""
        if not self._has_free_thread():
            return None
        try:
            return _Given(self._grammar, self._pool)
        except RuntimeError:
            self._others = 0
            return None

    def _has_free_thread(self) -> bool:
        """Tell whether another thread has nothing to read, or little: it is to have more before it waits."""
        given = (stretch for stretch in self._stretches if isinstance(stretch, _Given))
        return sum(not stretch.is_nearly_read for stretch in given) < self._others

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
        if self._stretches:
            self._stretches[-1].end()
        while self._stretches:
            self._merge(self._stretches.popleft().found.result())
        self.close()
        return self.captures

    def close(self) -> None:
        """End the threads, as soon as each is through its chunk."""
        for stretch in self._stretches:
            stretch.give_up()
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Own:
    """Lines that the thread which fetches them reads as they come."""

    def __init__(self, grammar: Grammar) -> None:
        from concurrent.futures import Future

        self.size = 0
        self.found: Future[Captures] = Future()
        self._engine = LineEngine(grammar)

    def add(self, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Read lines of a chunk."""
        self.size += end - begin
        self._engine.feed(chunk, first_line, begin, end)

    def end(self) -> None:
        """Have the captures returned."""
        self.found.set_result(self._engine.finish())

    def give_up(self) -> None:
        """End: there is nothing to end."""


class _Given:
    """Lines that a thread of their own reads, while more of them come."""

    def __init__(self, grammar: Grammar, pool: ThreadPoolExecutor) -> None:
        self.size = 0
        self._ended = False  # all of it was given
        self._chunks: _Windows = Queue(_WAITING)
        try:
            self.found: Future[Captures] = pool.submit(_read, grammar, self._chunks)
        except RuntimeError:  # that the thread cannot start: one that runs may take up what is to be read, and ends
            self._chunks.put(None)
            raise

    def add(self, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Have lines of a chunk read; wait where others wait already, so that memory stays bounded."""
        self.size += end - begin
        self._put((chunk, first_line, begin, end))

    @property
    def is_nearly_read(self) -> bool:
        """Whether the thread will soon be free."""
        return self._ended and self._chunks.qsize() <= _NEARLY_READ

    def end(self) -> None:
        """Have the captures returned when all is read."""
        self._ended = True
        self._put(None)

    def _put(self, item: tuple[bytes, int, int, int] | None) -> None:
        while not self.found.done():
            with suppress(Full):
                self._chunks.put(item, timeout=_PATIENCE_S)
                return
        self.found.result()  # raises what went wrong

    def give_up(self) -> None:
        """Have the thread end, whatever waits."""
        with suppress(Empty):
            while True:
                self._chunks.get_nowait()
        with suppress(Full):
            self._chunks.put_nowait(None)


def _read(grammar: Grammar, chunks: _Windows) -> Captures:
    engine = LineEngine(grammar)
    while (item := chunks.get()) is not None:
        engine.feed(*item)
        del item  # its memory is free while the next is waited for
    return engine.finish()
