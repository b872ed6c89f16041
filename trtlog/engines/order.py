"""Walk over a chunk in the order of its lines: what changes a state, and what was not matched in bulk.

Rows that were matched in bulk are passed over. The line engine reads the others, and is told before each run
of them where it stands: the time, the section, the last record.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from operator import itemgetter

import numpy as np

from trtlog.engines.bulk import BulkMatcher
from trtlog.engines.line import LineEngine, odd_texts
from trtlog.engines.scan import Array, HeaderTable, Scan

# So many rows are looked at one by one.
_FEW = 48


class Walk:
    """One chunk's walk.

    Parameters
    ----------
    line : LineEngine
        Reads what was not matched in bulk; its state is that of the line above the chunk.
    matcher : BulkMatcher
        Checks the rules of sections.
    headers : HeaderTable
        The distinct headers.
    found : Scan
        The chunk's lines.
    kinds : list of str
        Kind of each variant.
    opens : ndarray
        Number of the section that each variant opens, -1 for none.
    variants : ndarray
        Variant of each row, -1 for rows that were not matched in bulk.
    """

    def __init__(
        self,
        line: LineEngine,
        matcher: BulkMatcher,
        headers: HeaderTable,
        found: Scan,
        kinds: list[str],
        opens: Array,
        variants: Array,
    ) -> None:
        self._line, self._matcher, self._headers, self._found = line, matcher, headers, found
        self._kinds, self._variants = kinds, variants
        self._bulk = variants >= 0
        self._header = np.where(self._bulk, found.header, 0)
        # Rows that were matched in bulk without a header, and with one.
        self._bare = self._bulk & (found.header < 0)
        self._bare_stops = np.flatnonzero(self._bare & ~np.append(self._bare[1:], False)) + 1
        headed = self._bulk & (found.header >= 0)
        # The last row with a header, up to each row, among those that were matched in bulk.
        self._headed: Array = np.maximum.accumulate(np.where(headed, np.arange(len(headed)), -1))
        self._opens = np.where(self._bulk, opens[variants], -1)
        self._opening = np.flatnonzero(self._opens >= 0)
        # Rows that mean something else where a section has rules of its own for them.
        asks = np.array([*headers.asks_section, False])[self._header]
        self._every_asking: list[int] = np.flatnonzero(self._bulk & asks).tolist()
        self._asking: deque[int] = deque()
        self._asked = 0  # how many of every_asking were checked for the current section
        self._rules = line.matcher.within_rules(line.classifier.section)

    def run(self) -> list[int]:
        """Bring the line engine behind the chunk; return the rows matched in bulk that it had to read after all."""
        line, classifier, found, bulk = self._line, self._line.classifier, self._found, self._bulk
        size = len(bulk)
        events, ends = _events(bulk, self._opens, self._opening)
        rows = iter(zip(events.tolist(), ends.tolist(), strict=True))
        event, end = next(rows, (size, size))
        given_back: list[int] = []
        first_time = len(line.captures.times)
        more: list[int] = []  # rows that turn out to need a look, a heap
        odd = odd_texts(found.data)
        section = classifier.section
        last = known = -1  # the last row that was looked at, and that the classifier was brought behind
        while True:
            while more and more[0] <= last:
                heapq.heappop(more)
            row = min(event, more[0]) if more else event
            asking = self._next_asking(section, row) if self._rules else None
            if asking is not None:
                row = asking
                given_back.append(row)
                bulk[row] = False
                later = np.searchsorted(self._opening, row, side="right")
                if later < len(self._opening):
                    heapq.heappush(more, int(self._opening[later]))
                if row + 1 < size:
                    heapq.heappush(more, row + 1)
            if row >= size:
                break
            stop = row + 1
            if row == event:
                stop = max(stop, end if asking is None else stop)
                event, end = next(rows, (size, size))
            number = found.first_line + row
            if bulk[row] and self._bare[row]:
                if row == 0 or not bulk[row - 1]:
                    stop = int(self._bare_stops[np.searchsorted(self._bare_stops, row, side="right")])
                    if classifier.decorated:
                        given_back += range(row, stop)
                        bulk[row:stop] = False
                        self._read(row, stop, odd)
                    else:
                        classifier.pass_bare(found.first_line + stop - 1)
                    known = stop - 1
            elif bulk[row]:
                if self._opens[row] >= 0:
                    classifier.skip_to(number, (self._kinds[self._variants[row]],))
                    line.note_section(number)
            else:
                self._pass_over(known, row)
                self._read(row, stop, odd)
                known = stop - 1
            last = stop - 1
            if classifier.section != section:
                section = classifier.section
                self._rules = line.matcher.within_rules(section)
                self._asking.clear()
                self._asked = bisect_right(self._every_asking, last)
        self._pass_over(known, size)
        self._note_times(first_time)
        return given_back

    def _pass_over(self, known: int, row: int) -> None:
        """Bring the classifier, which knows the rows up to ``known``, behind those that stand above ``row``."""
        headed = int(self._headed[row - 1]) if row else -1
        if headed > known:
            number = self._found.first_line
            self._line.classifier.skip_to(number + row - 1)
            self._line.note_time(number + headed, self._headers.headers[self._header[headed]].time)

    def _note_times(self, first: int) -> None:
        """Note the times of the rows that were passed over among those that the line engine noted."""
        bulk = np.flatnonzero(self._bulk & ~self._bare)
        times = np.array([*self._headers.times, 0])[self._header[bulk]]
        # The first row behind others may print another time than those did.
        changed = np.ones(len(bulk), bool)
        changed[1:] = (times[1:] != times[:-1]) | (bulk[1:] != bulk[:-1] + 1)
        rows = bulk[changed]
        printed = [header.time for header in self._headers.headers]
        noted = self._line.captures.times
        number = self._found.first_line
        own = [(number + row, printed[h]) for row, h in zip(rows.tolist(), self._header[rows].tolist(), strict=True)]
        before = noted[first - 1][1] if first else None
        together = sorted([*own, *noted[first:]], key=itemgetter(0))  # a torn line may print several, in its order
        del noted[first:]
        for line, time in together:
            if time is not None and time != before:
                before = time
                noted.append((line, time))

    def _read(self, row: int, stop: int, odd: tuple[bytes, ...]) -> None:
        """Let the line engine read rows that follow each other."""
        found, line = self._found, self._line
        final = stop - 1
        start, end = int(found.starts[row]), int(found.stops[final])
        lines = found.data[start:end].split(b"\n")
        ended = end < len(found.data)
        line.read(lines if ended else lines[:-1], found.first_line + row, odd)
        if not ended:  # the log's last line, without a line end
            line.take(found.first_line + final, lines[-1], int(found.sizes[final]))

    def _next_asking(self, section: str, row: int) -> int | None:
        """Return the next row up to ``row`` that a rule of the section matches, None for none."""
        asking = self._asking
        if not asking:
            until = bisect_right(self._every_asking, row, lo=self._asked)
            if until > self._asked:
                asking.extend(self._matching(section, self._every_asking[self._asked : until]))
                self._asked = until
        return asking.popleft() if asking and asking[0] <= row else None

    def _matching(self, section: str, rows: list[int]) -> list[int]:
        found = self._found
        if len(rows) > _FEW:
            places = np.array(rows)
            out: list[int] = places[self._matcher.match_any(self._rules, found, places)].tolist()
            return out
        index = self._line.matcher.within(section)
        assert index is not None
        data, begins, ends = found.data, found.bodies, found.ends
        return [row for row in rows if index.recall(data[int(begins[row]) : int(ends[row])]) is not None]


def _events(bulk: Array, opens: Array, opening: Array) -> tuple[Array, Array]:
    """Return the rows at which a state may change, and where each ends.

    These are the runs of rows that the line engine reads, the bulk rows behind those, and bulk rows that open
    another section than the one before them.
    """
    size = len(bulk)
    event = np.zeros(size, bool)
    event[:1] = True
    event[1:] = bulk[1:] != bulk[:-1]
    if len(opening):
        foreign = np.cumsum(~bulk)[opening]
        new = np.ones(len(opening), bool)
        new[1:] = (opens[opening][1:] != opens[opening][:-1]) | (foreign[1:] != foreign[:-1])
        event[opening[new]] = True
    out = np.flatnonzero(event)
    changes = np.append(np.flatnonzero(bulk[1:] != bulk[:-1]) + 1, size)
    ends = changes[np.searchsorted(changes, out, side="right")]
    return out, np.where(bulk[out], out + 1, ends)
