"""The vectorised engine: whole chunks at once, for stored logs.

Lines of the usual headers are matched in bulk (:mod:`trtlog.engines.bulk`), those of a long log by other processes
too (:mod:`trtlog.engines.processes`). What is left goes through the line engine, in order; its state is brought up
to date before each such line, so that both engines say the same of every line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trtlog._util.arrow import from_numpy
from trtlog._util.gc import no_collection
from trtlog.engines.bare import BareRules
from trtlog.engines.bulk import MIN_ROWS, BulkMatcher, Extract, SingleMatches
from trtlog.engines.line import LineEngine
from trtlog.engines.order import Walk
from trtlog.engines.scan import HeaderTable, Scan, scan
from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures
from trtlog.messages.classify import Classifier
from trtlog.messages.match import shared_matcher

if TYPE_CHECKING:
    from trtlog.engines.processes import Process

# So many lines that were read one by one are held as Python objects before they become arrays.
_HELD = 50_000
# Chunks that wait for their turn, for each process; each holds about twice its size.
_WAITING = 3

Match = tuple[Scan, list[Extract], list[SingleMatches]]


class ChunkMatcher:
    """Matches chunks, whatever stands around them.

    Parameters
    ----------
    grammar : Grammar
        The rules.
    min_rows : int
        Lines alike that a chunk must hold for them to be matched in bulk.
    classifier : Classifier, optional
        One of this grammar.
    """

    def __init__(self, grammar: Grammar, min_rows: int = MIN_ROWS, classifier: Classifier | None = None) -> None:
        classifier = classifier or Classifier(grammar, shared_matcher(grammar))
        self.headers = HeaderTable(grammar)
        bare = BareRules(grammar, classifier.matcher, classifier)
        self.bulk = BulkMatcher(classifier.matcher, classifier.kept_here, bare, min_rows)

    def match(self, data: bytes, first_line: int) -> Match:
        """Return the lines of a chunk, and what was matched in bulk and one by one."""
        found = scan(data, first_line, self.headers)
        return found, *self.bulk.match(found)


@dataclass
class _Pending:
    """A chunk whose turn has not come."""

    data: bytes
    first_line: int
    process: Process | None = None
    slot: int = 0
    match: Match | None = None


class VectorEngine:
    r"""Fills captures from chunks of whole lines, as :class:`trtlog.engines.line.LineEngine` does.

    Parameters
    ----------
    grammar : Grammar
        The rules.
    processes : sequence of Process, optional
        Processes that match chunks too; the engine ends them.
    min_rows : int
        Lines alike that a chunk must hold for them to be matched in bulk.

    Examples
    --------
    >>> from trtlog import grammar
    >>> engine = VectorEngine(grammar.load())
    >>> engine.feed(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n", 1)
    >>> engine.finish().counts
    {'original_layers': [1, 53]}
    """

    def __init__(self, grammar: Grammar, processes: Sequence[Process] = (), min_rows: int = MIN_ROWS) -> None:
        self._processes = list(processes)
        self._pending: deque[_Pending] = deque()
        self._line = LineEngine(grammar)
        self.captures = self._line.captures
        self._matcher = ChunkMatcher(grammar, min_rows, self._line.classifier)
        self._headers = self._matcher.headers
        names = dict.fromkeys(grammar.sections.values())
        numbers = {name: number for number, name in enumerate(names)}
        variants = self._line.matcher.variants
        self._kinds = [v.kind for v in variants]
        # Number of the section that a variant opens, -1 for none.
        self._opens = np.array([numbers.get(grammar.sections.get(k, ""), -1) for k in self._kinds], np.int64)

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Read a chunk of whole lines; the last may lack its line end at the end of the log."""
        if not self._processes:
            self._merge(*self._matcher.match(chunk, first_line))
            return
        process = next((process for process in self._processes if process.is_free()), None)
        if process is None:
            self._pending.append(_Pending(chunk, first_line, match=self._matcher.match(chunk, first_line)))
        else:
            self._pending.append(_Pending(chunk, first_line, process, process.submit(chunk, first_line)))
        while self._pending:
            match = self._result(self._pending[0], wait=len(self._pending) > _WAITING * len(self._processes))
            if match is None:
                break
            self._pending.popleft()
            self._merge(*match)

    def _result(self, pending: _Pending, wait: bool) -> Match | None:
        """Return what was found in a chunk, None where a process has not found it yet."""
        process = pending.process
        if pending.match is None and process is not None:
            pending.match = process.result(pending.slot, pending.data, self._headers, wait)
            if pending.match is None and process.alive:
                return None
        if pending.match is None:
            pending.match = self._matcher.match(pending.data, pending.first_line)
        return pending.match

    def drain(self) -> None:
        """Wait for all chunks that were fed."""
        while self._pending:
            match = self._result(self._pending[0], wait=False)
            if match is None:
                # While a process is at work on the first, the last is matched here.
                last = self._pending[-1]
                if last is not self._pending[0] and self._result(last, wait=False) is None:
                    assert last.process is not None
                    last.process.forget(last.slot)
                    last.process = None
                    continue
                match = self._result(self._pending[0], wait=True)
                if match is None:
                    continue
            self._pending.popleft()
            self._merge(*match)
        self._line.flush()

    def finish(self) -> Captures:
        """Return all captures."""
        try:
            self.drain()
        finally:
            self.close()
        return self._line.finish()

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()

    def _merge(self, found: Scan, extracts: list[Extract], singles: list[SingleMatches]) -> None:
        """Add one chunk to the captures; chunks come in order."""
        if not len(found.starts):
            return
        variants = np.full(len(found.starts), -1, np.int64)
        for extract in extracts:
            variants[extract.rows] = extract.variant
        for few in singles:
            variants[few.rows] = few.variant
        walk = Walk(self._line, self._matcher.bulk, self._headers, found, self._kinds, self._opens, variants)
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
