"""When a line was printed, as exactly as the log says: stamps are whole seconds, the order of lines says the rest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime


class LineClock:
    """Seconds of a line since the first stamp of its run.

    Lines of one second are spread over it in their order: a line never stands before its stamp, nor a second after it.

    Parameters
    ----------
    stamps : iterable of (int, datetime)
        First line of each printed time, in order.
    last_line : int
        The last line of the run.

    Examples
    --------
    >>> clock = LineClock([(10, datetime(2026, 1, 1, 0, 0, 0)), (20, datetime(2026, 1, 1, 0, 0, 4))], 24)
    >>> clock.seconds(10), clock.seconds(15), clock.seconds(20), clock.seconds(22)
    (0.0, 0.5, 4.0, 4.4)
    """

    def __init__(self, stamps: Iterable[tuple[int, datetime]], last_line: int) -> None:
        self._lines: list[int] = []
        self._starts: list[float] = []
        latest: datetime | None = None
        first: datetime | None = None
        for line, time in stamps:
            first = first or time
            if latest is not None and time <= latest:
                continue  # a clock that was set back tells no duration
            latest = time
            self._lines.append(line)
            self._starts.append((time - first).total_seconds())
        self._end = last_line + 1
        self.origin = first

    def __bool__(self) -> bool:
        return bool(self._lines)

    def seconds(self, line: int) -> float:
        """Return when a line was printed; lines above the first stamp stand at it."""
        place = bisect_right(self._lines, line) - 1
        if place < 0:
            return 0.0
        ends = self._lines[place + 1] if place + 1 < len(self._lines) else self._end
        share = (line - self._lines[place]) / max(1, ends - self._lines[place])
        return self._starts[place] + min(share, 1.0)
