"""The vectorised engine: whole chunks at once, for stored logs.

Lines of the usual headers are matched in bulk (:mod:`trtlog.engines.bulk`), several chunks side by side on
the cores there are. What is left goes through the line engine, in order; its state is brought up to date
before each such line, so that both engines say the same of every line.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from trtlog.arrays import from_numpy
from trtlog.captures import Captures
from trtlog.collector import no_collection
from trtlog.engines.bare import BareRules
from trtlog.engines.bulk import MIN_ROWS, BulkMatcher, Extract, Few
from trtlog.engines.line import LineEngine
from trtlog.engines.order import Walk
from trtlog.engines.scan import HeaderTable, Scan, scan
from trtlog.grammar import Grammar

# So many lines that were read one by one are held as Python objects before they become arrays.
_HELD = 50_000


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
        classifier = self._line.classifier
        bare = BareRules(grammar, self._line.matcher, classifier)
        self._matcher = BulkMatcher(self._line.matcher, classifier.kept_here, bare, min_rows)
        self._headers = HeaderTable(grammar)
        names = dict.fromkeys(grammar.sections.values())
        numbers = {name: number for number, name in enumerate(names)}
        variants = self._line.matcher.variants
        self._kinds = [v.kind for v in variants]
        # Number of the section that a variant opens, -1 for none.
        self._opens = np.array([numbers.get(grammar.sections.get(k, ""), -1) for k in self._kinds], np.int64)
        self._threads = min(usable_cores(), 4) if threads is None else threads
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[tuple[Scan, list[Extract], list[Few]]]] = deque()

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Read a chunk of whole lines; the last may lack its line end at the end of the log."""
        if self._threads <= 1:
            self._merge(*self._work(chunk, first_line))
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="trtlog")
        self._waiting.append(self._pool.submit(self._work, chunk, first_line))
        while len(self._waiting) > self._threads or (self._waiting and self._waiting[0].done()):
            self._merge(*self._waiting.popleft().result())

    def drain(self) -> None:
        """Wait for all chunks that were fed."""
        while self._waiting:
            self._merge(*self._waiting.popleft().result())
        self._line.flush()

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

    def _work(self, data: bytes, first_line: int) -> tuple[Scan, list[Extract], list[Few]]:
        found = scan(data, first_line, self._headers)
        return found, *self._matcher.match(found)

    def _merge(self, found: Scan, extracts: list[Extract], singles: list[Few]) -> None:
        """Add one chunk to the captures; chunks come in order."""
        if not len(found.starts):
            return
        variants = np.full(len(found.starts), -1, np.int64)
        for extract in extracts:
            variants[extract.rows] = extract.variant
        for few in singles:
            variants[few.rows] = few.variant
        walk = Walk(self._line, self._matcher, self._headers, found, self._kinds, self._opens, variants)
        with no_collection():
            given_back = walk.run()
        variants[given_back] = -1
        captures = self.captures
        for extract in extracts:
            rows, fields = extract.rows, extract.fields
            if given_back:
                kept = variants[rows] >= 0
                if not kept.all():
                    rows, fields = rows[kept], [f.filter(from_numpy(kept)) for f in fields]
            captures.columns.setdefault(extract.variant, []).append((rows + found.first_line, fields))
        for few in singles:
            held, groups = few.rows, few.groups
            if given_back:
                pairs = [pair for pair in zip(held, groups, strict=True) if variants[pair[0]] >= 0]
                held, groups = [row for row, _ in pairs], [captured for _, captured in pairs]
            if held:
                self._line.hold(few.variant, [row + found.first_line for row in held], groups)
        bulk = np.flatnonzero(variants >= 0)
        if len(bulk):
            sizes = found.sizes[bulk]
            lines = np.bincount(variants[bulk])
            size = np.bincount(variants[bulk], weights=sizes).astype(np.int64)
            for variant in np.flatnonzero(lines).tolist():
                captures.count(self._kinds[variant], int(lines[variant]), int(size[variant]))
            headers = np.bincount(found.header[bulk] + 1)[1:]  # the first are lines without a header
            for number in np.flatnonzero(headers).tolist():
                producer = self._headers.headers[number].producer
                captures.producers[producer] = captures.producers.get(producer, 0) + int(headers[number])
            captures.size += int(sizes.sum())
        self._line.count(found.sizes, found.first_line)
        captures.lines = found.first_line + len(found.starts) - 1
        self._line.flush(_HELD)
