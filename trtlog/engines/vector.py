"""The vectorised engine: whole chunks at once, for stored logs.

Lines of the usual headers are matched in bulk (:mod:`trtlog.engines.bulk`), several chunks side by side on
the cores there are. What is left goes through the line engine, in order; its state is brought up to date
before each such line, so that both engines say the same of every line.
"""

from __future__ import annotations

import heapq
import os
from bisect import bisect_right
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from trtlog.arrays import from_numpy
from trtlog.captures import Captures
from trtlog.engines.bulk import MIN_ROWS, BulkMatcher, Extract
from trtlog.engines.line import LineEngine
from trtlog.engines.scan import Array, HeaderTable, Scan, scan
from trtlog.grammar import Grammar

# Chunks that wait for their turn, beyond one a thread; each holds about three times its size.
_WAITING = 0


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class VectorEngine:
    r"""Fills captures from chunks of whole lines, as :class:`trtlog.engines.line.LineEngine` does.

    Parameters
    ----------
    grammar : Grammar
        The rules.
    threads : int, optional
        Threads that match chunks; by default one a core, at most four.
    min_rows : int
        Lines alike that a chunk must hold for them to be matched in bulk.

    Examples
    --------
    >>> from trtlog import grammar
    >>> engine = VectorEngine(grammar.load(), threads=1)
    >>> engine.feed(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n", 1)
    >>> engine.finish().counts
    {'original_layers': [1, 53]}
    """

    def __init__(self, grammar: Grammar, threads: int | None = None, min_rows: int = MIN_ROWS) -> None:
        self._line = LineEngine(grammar)
        self.captures = self._line.captures
        self._matcher = BulkMatcher(self._line.matcher, self._line.classifier.kept_here, min_rows)
        self._headers = HeaderTable(grammar)
        names = dict.fromkeys(grammar.sections.values())
        numbers = {name: number for number, name in enumerate(names)}
        variants = self._line.matcher.variants
        self._kinds = [v.kind for v in variants]
        # Number of the section that a variant opens, -1 for none.
        self._opens = np.array([numbers.get(grammar.sections.get(k, ""), -1) for k in self._kinds], np.int64)
        self._threads = min(usable_cores(), 4) if threads is None else threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[tuple[Scan, list[Extract]]]] = deque()

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Read a chunk of whole lines; the last may lack its line end at the end of the log."""
        if self._threads <= 1:
            self._merge(*self._work(chunk, first_line))
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="trtlog")
        self._waiting.append(self._pool.submit(self._work, chunk, first_line))
        while len(self._waiting) > self._threads + _WAITING or (self._waiting and self._waiting[0].done()):
            self._merge(*self._waiting.popleft().result())

    def drain(self) -> None:
        """Wait for all chunks that were fed."""
        while self._waiting:
            self._merge(*self._waiting.popleft().result())

    def finish(self) -> Captures:
        """Return all captures."""
        try:
            self.drain()
        finally:
            self.close()
        return self._line.finish()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _work(self, data: bytes, first_line: int) -> tuple[Scan, list[Extract]]:
        found = scan(data, first_line, self._headers)
        return found, self._matcher.match(found)

    def _merge(self, found: Scan, extracts: list[Extract]) -> None:
        """Add one chunk to the captures; chunks come in order."""
        if not len(found.starts):
            return
        variants = np.full(len(found.starts), -1, np.int64)
        for extract in extracts:
            variants[extract.rows] = extract.variant
        given_back = self._in_order(found, variants)
        variants[given_back] = -1
        captures = self.captures
        for extract in extracts:
            rows, fields = extract.rows, extract.fields
            if given_back:
                kept = ~np.isin(rows, given_back)
                rows, fields = rows[kept], [f.filter(from_numpy(kept)) for f in fields]
            captures.columns.setdefault(extract.variant, []).append((rows + found.first_line, fields))
        bulk = np.flatnonzero(variants >= 0)
        if len(bulk):
            sizes = found.sizes[bulk]
            lines = np.bincount(variants[bulk])
            size = np.bincount(variants[bulk], weights=sizes).astype(np.int64)
            for variant in np.flatnonzero(lines).tolist():
                captures.count(self._kinds[variant], int(lines[variant]), int(size[variant]))
            headers = np.bincount(found.header[bulk])
            for number in np.flatnonzero(headers).tolist():
                producer = self._headers.headers[number].producer
                captures.producers[producer] = captures.producers.get(producer, 0) + int(headers[number])
            captures.size += int(sizes.sum())
        captures.lines = found.first_line + len(found.starts) - 1
        self._line.flush()

    def _in_order(self, found: Scan, variants: Array) -> list[int]:
        """Walk over the rows that change a state or were not matched in bulk.

        Returns the rows matched in bulk that had to be given to the line engine: those that stand in a
        section with rules of its own.
        """
        line, classifier = self._line, self._line.classifier
        bulk = variants >= 0
        size = len(bulk)
        headers = np.where(bulk, found.header, 0)
        opens = np.where(bulk, self._opens[variants], -1)
        every_asking = np.flatnonzero(bulk & np.array([*self._headers.asks_section, False])[headers])
        by_rules: dict[tuple[int, ...], list[int]] = {}

        def asking_in(section: str) -> list[int]:
            """Return the rows that mean something else inside a section."""
            if not len(every_asking) or not line.matcher.within_rules(section):
                return []
            rules = line.matcher.within_rules(section)
            if rules not in by_rules:
                other = self._matcher.match_any(rules, found, every_asking)
                by_rules[rules] = every_asking[other].tolist()
            return by_rules[rules]

        opening = np.flatnonzero(opens >= 0)
        events = _events(bulk, np.array([*self._headers.times, 0])[headers], opens, opening)
        rows = iter(zip(events.tolist(), found.starts[events].tolist(), found.stops[events].tolist(), strict=True))
        end = (size, 0, 0)
        event = next(rows, end)
        given_back: list[int] = []
        more: list[int] = []  # rows that turn out to need a look, a heap
        section = classifier.section
        asking = asking_in(section)
        asked = 0  # position in asking
        last = -1
        while True:
            while more and more[0] <= last:
                heapq.heappop(more)
            row, start, stop = event
            if asked < len(asking) and asking[asked] <= min([row, *more[:1]]):
                row, start, stop = asking[asked], int(found.starts[asking[asked]]), int(found.stops[asking[asked]])
                given_back.append(row)
                bulk[row] = False
                later = np.searchsorted(opening, row, side="right")
                if later < len(opening):
                    heapq.heappush(more, int(opening[later]))
            elif more and more[0] < row:
                row = heapq.heappop(more)
            if row >= size:
                break
            if row == event[0]:
                event = next(rows, end)
            last = row
            number = found.first_line + row
            if bulk[row]:
                line.note_time(number, self._headers.headers[headers[row]].time)
                if opens[row] >= 0:
                    classifier.skip_to(number, (self._kinds[variants[row]],))
                    line.note_section(number)
            else:
                if row and bulk[row - 1]:
                    classifier.skip_to(number - 1)
                line.take(number, found.data[start:stop], int(found.sizes[row]))
            if classifier.section != section:
                section = classifier.section
                asking = asking_in(section)
                asked = bisect_right(asking, row)
            elif asking:
                asked = bisect_right(asking, row, lo=asked)
        if bulk[-1]:
            classifier.skip_to(found.first_line + size - 1)
        return given_back


def _events(bulk: Array, times: Array, opens: Array, opening: Array) -> Array:
    """Return the rows at which a state may change.

    These are what the line engine reads, and bulk rows after those or with another time or section than the
    bulk row before them.
    """
    event = ~bulk
    event[0] = True
    event[1:] |= ~bulk[:-1] | (times[1:] != times[:-1])
    if len(opening):
        foreign = np.cumsum(~bulk)[opening]
        new = np.ones(len(opening), bool)
        new[1:] = (opens[opening][1:] != opens[opening][:-1]) | (foreign[1:] != foreign[:-1])
        event[opening[new]] = True
    out: Array = np.flatnonzero(event)
    return out
