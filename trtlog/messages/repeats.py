"""Lines that are kept whole, as often as they repeat: a message printed ten million times is one text and its lines."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import numpy as np

Item = TypeVar("Item")
# Lines that follow one another, say the same and belong to one record are one entry, up to so many.
_MOST = 2**32 - 1


class Repeats(Generic[Item]):
    """A list of lines in their order, equal ones held once; it gives items, as a list would.

    Parameters
    ----------
    make : callable
        Makes an item of its line, its record and its key.
    parts : callable
        Returns line, record (0 for none) and key of an item.

    Examples
    --------
    >>> lines = Repeats(lambda line, record, key: (line, record, key), lambda item: item)
    >>> lines.extend([(3, 2, b"a"), (4, 2, b"a"), (6, 5, b"b")])
    >>> len(lines), lines[1], list(lines.above(4)), list(lines.below(6))
    (3, (4, 2, b'a'), [(3, 2, b'a')], [(6, 5, b'b')])
    """

    def __init__(
        self, make: Callable[[int, int, Any], Item], parts: Callable[[Item], tuple[int, int, Hashable]]
    ) -> None:
        self._make, self._parts = make, parts
        self._lines, self._counts = array("q"), array("I")
        self._records, self._codes = array("q"), array("i")
        self._numbers: dict[Hashable, int] = {}
        self._size = 0

    def append(self, item: Item) -> None:
        """Add an item."""
        line, record, key = self._parts(item)
        code = self._numbers.setdefault(key, len(self._numbers))
        self._add(line, 1, record, code)

    def _add(self, line: int, count: int, record: int, code: int) -> None:
        self._size += count
        if self._codes and self._codes[-1] == code and self._records[-1] == record:
            before = self._counts[-1]
            if self._lines[-1] + before == line and before + count <= _MOST:
                self._counts[-1] = before + count
                return
        self._lines.append(line)
        self._counts.append(count)
        self._records.append(record)
        self._codes.append(code)

    def repeat_last(self, times: int) -> None:
        """Add the last item again, on the lines that follow it."""
        for begin in range(0, times, _MOST // 2):
            line, count = self._lines[-1] + self._counts[-1], min(times - begin, _MOST // 2)
            self._add(line, count, self._records[-1], self._codes[-1])

    def extend(self, items: Iterable[Item]) -> None:
        """Add items."""
        if isinstance(items, Repeats):
            for line, count, record, key in items.entries():
                self._add(line, count, record, self._numbers.setdefault(key, len(self._numbers)))
            return
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return self._size

    def entries(self) -> Iterator[tuple[int, int, int, Any]]:
        """Return first line, number of lines, record and key of what follows one another."""
        keys = list(self._numbers)
        for line, count, record, code in zip(self._lines, self._counts, self._records, self._codes, strict=True):
            yield line, count, record, keys[code]

    def __iter__(self) -> Iterator[Item]:
        for line, count, record, key in self.entries():
            for place in range(count):
                yield self._make(line + place, record, key)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(self._size))]
        left = place + self._size if place < 0 else place
        for line, count, record, key in self.entries():
            if 0 <= left < count:
                return self._make(line + left, record, key)
            left -= count
        raise IndexError(place)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeats) and list(self.entries()) == list(other.entries())

    __hash__ = None  # type: ignore[assignment]

    @property
    def keys(self) -> list[Any]:
        """The distinct keys."""
        return list(self._numbers)

    def lines(self) -> np.ndarray[Any, Any]:
        """Return the line of each item."""
        import numpy as np

        counts = self._sizes()
        starts = np.frombuffer(self._lines, np.int64) if self._lines else np.zeros(0, np.int64)
        ends = np.cumsum(counts)
        return np.repeat(starts - (ends - counts), counts) + np.arange(self._size)

    def codes(self) -> np.ndarray[Any, Any]:
        """Return the place in `keys` of each item."""
        import numpy as np

        codes = np.frombuffer(self._codes, np.int32) if self._codes else np.zeros(0, np.int32)
        return np.repeat(codes, self._sizes())

    def _sizes(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.array(self._counts, np.int64)

    def above(self, line: int) -> Repeats[Item]:
        """Return the items above a line."""
        return self._part(lambda first, count: (0, min(count, max(0, line - first))))

    def below(self, line: int) -> Repeats[Item]:
        """Return the items from a line on."""
        return self._part(lambda first, count: (min(count, max(0, line - first)), count))

    def without_records(self, records: Iterable[int]) -> Repeats[Item]:
        """Return the items that belong to none of some records."""
        left = set(records)
        return self._part(lambda first, count: (0, count), lambda record: record not in left)

    def _part(
        self, part: Callable[[int, int], tuple[int, int]], stays: Callable[[int], bool] = lambda record: True
    ) -> Repeats[Item]:
        found = Repeats(self._make, self._parts)
        for line, count, record, key in self.entries():
            start, end = part(line, count)
            if start < end and stays(record):
                found._add(line + start, end - start, record, found._numbers.setdefault(key, len(found._numbers)))
        return found
