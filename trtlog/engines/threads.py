"""Several line engines side by side, for a long log where there are cores: the loop in C lets other threads run.

The log is cut into stretches where the line above no longer matters: in front of a line of the library that opens a
section, whatever was open before. Each stretch has an engine and a thread of its own; what they found is put together
in the order of the lines, so that nothing tells how many there were.
"""

from __future__ import annotations

import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from trtlog._util.cores import usable_cores
from trtlog.engines.library import library
from trtlog.engines.line import LineEngine
from trtlog.engines.loop import ODD
from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures
from trtlog.messages.classify import is_usual
from trtlog.messages.headers import HeaderReader
from trtlog.messages.match import shared_matcher

# A log of fewer bytes is read before a second thread would be of use.
LEAST_BYTES = 32 << 20
# Text of one stretch: the more, the fewer pieces a column has; the less, the less waits in memory.
STRETCH_BYTES = 16 << 20
# More threads only wait for the one that reads the file.
_MOST = 4
# Lines that are looked at for a place to cut.
_LOOKED_AT = 20_000

_Chunks = list[tuple[bytes, int]]


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
        How many stretches are read at a time.
    stretch_bytes : int
        Text after which a place to cut is looked for.
    """

    def __init__(self, grammar: Grammar, threads: int, stretch_bytes: int = STRETCH_BYTES) -> None:
        self._grammar = grammar
        self._threads = threads
        self._stretch_bytes = stretch_bytes
        self._headers = HeaderReader(grammar)
        self.captures = Captures(grammar, shared_matcher(grammar).variants)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="trtlog-read")
        self._stretch: _Chunks = []
        self._size = 0  # of the stretch
        # The time and the section at the end of what was put together: the captures may forget them.
        self._time: bytes | None = None
        self._section = ""
        self._reading: deque[Future[Captures]] = deque()

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Take a chunk of whole lines; the last may lack its line end at the end of the log."""
        if self._size >= self._stretch_bytes:
            cut, lines = self._find_cut(chunk)
            if cut:
                self._add(chunk[:cut], first_line)
                self._submit()
                chunk, first_line = chunk[cut:], first_line + lines
        self._add(chunk, first_line)

    def _add(self, chunk: bytes, first_line: int) -> None:
        self._stretch.append((chunk, first_line))
        self._size += len(chunk)

    def _find_cut(self, chunk: bytes) -> tuple[int, int]:
        """Return where a line opens a section, and the number of lines above it; 0 where none does.

        The rules for lines of the library come first in every section: what opens one is told by the line alone. The
        first line may be another piece of the line before.
        """
        matcher, sections = shared_matcher(self._grammar), self._grammar.sections
        position = chunk.find(b"\n") + 1
        for lines in range(1, _LOOKED_AT):
            end = chunk.find(b"\n", position)
            if not position or end < 0:
                break
            line = chunk[position:end]
            header = self._headers.read(line)
            if header is not None and header.origin == "tensorrt" and is_usual(header):
                body = line[header.end :]
                found = None if any(mark in body for mark in ODD) else matcher.plain.search(body)
                if found is not None and matcher.variants[found[0]].kind in sections:
                    return position, lines
            position = end + 1
        return 0, 0

    def _submit(self) -> None:
        """Have the stretch read; wait where as many are read as there are threads."""
        if self._stretch:
            while len(self._reading) >= self._threads:
                self._merge(self._reading.popleft().result())
            self._reading.append(self._pool.submit(_read, self._grammar, self._stretch))
            self._stretch, self._size = [], 0

    def _merge(self, found: Captures) -> None:
        """Add what was found in a stretch; they come in order."""
        whole = self.captures
        if found.times:
            if found.times[0][1] == self._time:
                del found.times[0]
            self._time = found.times[-1][1] if found.times else self._time
        if found.openings:
            if found.openings[0][1] == self._section:
                del found.openings[0]
            self._section = found.openings[-1][1] if found.openings else self._section
        for kind, (lines, size) in found.counts.items():
            whole.count(kind, lines, size)
        for producer, lines in found.producers.items():
            whole.producers[producer] = whole.producers.get(producer, 0) + lines
        for index, chunks in found.columns.items():
            whole.columns.setdefault(index, []).extend(chunks)
        for name in ("remarks", "unknown", "continuations", "times", "openings"):
            getattr(whole, name).extend(getattr(found, name))
        whole.torn.update(found.torn)
        whole.lines = found.lines
        whole.size += found.size

    def drain(self) -> None:
        """Add what is read by now; what is not goes on being read."""
        while self._reading and self._reading[0].done():
            self._merge(self._reading.popleft().result())

    def finish(self) -> Captures:
        """Return all captures."""
        self._submit()
        while self._reading:
            self._merge(self._reading.popleft().result())
        self.close()
        return self.captures

    def close(self) -> None:
        """End the threads, as soon as each is through its stretch."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _read(grammar: Grammar, chunks: _Chunks) -> Captures:
    engine = LineEngine(grammar)
    for number, (chunk, first_line) in enumerate(chunks):
        chunks[number] = b"", 0  # its memory is free as soon as it is read
        engine.feed(chunk, first_line)
    return engine.finish()
