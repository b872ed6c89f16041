"""Warnings and errors of a log, equal ones held once: a log may print one message ten million times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, alike, from_numpy, to_filled
from trtlog._util.rows import listed
from trtlog.log import Log
from trtlog.tables.cells import codes_of, encoded, one_array


class MessageRow(Mapping[str, Any]):
    """A row of table ``messages``: what equal messages share, and its line."""

    __slots__ = ("_line", "_shared")

    def __init__(self, shared: Mapping[str, Any], line: int | None) -> None:
        self._shared, self._line = shared, line

    def __getitem__(self, name: str) -> Any:
        return self._line if name == "line" else self._shared[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shared)

    def __len__(self) -> int:
        return len(self._shared)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MessageRow):
            return self._line == other._line and (self._shared is other._shared or self._shared == other._shared)
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


class MessageRows(Sequence[MessageRow]):
    """Some messages of a log in their order: their places; a row is made when it is looked at.

    Parameters
    ----------
    of : Messages
        All messages.
    places : numpy.ndarray
        Places of these among them.
    """

    def __init__(self, of: Messages, places: Array) -> None:
        self._of, self._places = of, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> MessageRow: ...
    @overload
    def __getitem__(self, place: slice) -> MessageRows: ...
    def __getitem__(self, place: int | slice) -> MessageRow | MessageRows:
        if isinstance(place, slice):
            return MessageRows(self._of, self._places[place])
        return self._of.row(int(self._places[place]))

    def __iter__(self) -> Iterator[MessageRow]:
        return map(self._of.row, map(int, self._places))

    def where(self, wanted: Callable[[dict[str, Any]], Any]) -> MessageRows:
        """Return those for which a function of what equal messages share is true."""
        return MessageRows(self._of, self._places[self._of.decided(wanted)[self._of.codes[self._places]]])

    def behind(self, line: int) -> MessageRows:
        """Return those that stand below a line."""
        return MessageRows(self._of, self._places[self._of.lines[self._places] > line])

    def firsts(self) -> MessageRows:
        """Return the first of each that say the same."""
        codes = self._of.codes[self._places]
        first = np.full(len(self._of.distinct), -1)
        first[codes[::-1]] = self._places[::-1]
        return MessageRows(self._of, np.sort(first[first >= 0]))

    @property
    def lines(self) -> Array:
        """Their lines."""
        lines = self._of.lines[self._places]
        return lines[lines >= 0]


class Messages:
    """The rows of table ``messages`` by what they say.

    Attributes
    ----------
    distinct : list of dict
        The distinct messages in the order of their first lines, with that line.
    lowered : list of str
        Their texts in lower case.
    lines : numpy.ndarray
        Line of each message.
    codes : numpy.ndarray
        Place in ``distinct`` of each message.
    """

    def __init__(self, table: pa.Table) -> None:
        self.lines = to_filled(one_array(table.column("line")), -1).astype(np.int64)
        others = [table.column(name) for name in table.column_names if name != "line"]
        firsts, self.codes = alike([codes_of(encoded(one_array(column))) for column in others])
        self.distinct: list[dict[str, Any]] = listed(table.take(from_numpy(firsts)))
        self.lowered = [(row["text"] or "").lower() for row in self.distinct]

    def where(self, wanted: Callable[[dict[str, Any], str], Any]) -> MessageRows:
        """Return the messages, each with its line, for which a function of a row and its text in lower case is true."""
        are = np.array([bool(wanted(*pair)) for pair in zip(self.distinct, self.lowered, strict=True)], bool)
        return MessageRows(self, np.flatnonzero(are[self.codes]) if are.any() else np.zeros(0, np.int64))

    def decided(self, wanted: Callable[[dict[str, Any]], Any]) -> Array:
        """Return for which of the distinct messages a function is true."""
        return np.array([bool(wanted(row)) for row in self.distinct], bool)

    def row(self, place: int) -> MessageRow:
        """Return the message at a place."""
        line = int(self.lines[place])
        return MessageRow(self.distinct[self.codes[place]], line if line >= 0 else None)

    def counts(self) -> list[int]:
        """Return how often each distinct message is printed."""
        counts: list[int] = np.bincount(self.codes, minlength=len(self.distinct)).tolist()
        return counts

    def lines_of(self, groups: Sequence[Sequence[int]]) -> list[Array]:
        """Return for each group of distinct messages, none of which is in two, their lines in order."""
        of = np.full(len(self.distinct) + 1, len(groups))
        for number, places in enumerate(groups):
            of[list(places)] = number
        numbers = of[self.codes]
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=len(groups) + 1))
        begins = (0, *ends[:-1])
        return [self.lines[order[a:b]] for a, b in zip(begins, ends, strict=True)][: len(groups)]


# Rules ask for messages more than ten times.
_MESSAGES: WeakKeyDictionary[Log, Messages] = WeakKeyDictionary()


def messages_of(log: Log) -> Messages:
    r"""Return the warnings and errors of a log.

    Examples
    --------
    >>> import trtlog
    >>> line = b"[11/22/2026-13:22:03] [W] [TRT] Graph is odd\n"
    >>> found = messages_of(trtlog.parse(line * 3))
    >>> [row["text"] for row in found.distinct], found.counts(), found.where(lambda row, text: "odd" in text)[2]["line"]
    (['Graph is odd'], [3], 3)
    """
    if log not in _MESSAGES:
        _MESSAGES[log] = Messages(log.table("messages"))
    return _MESSAGES[log]


def first_error(log: Log) -> dict[str, Any] | None:
    """Return the first error of a log that has a text."""
    found = messages_of(log).distinct
    return next((row for row in found if row["severity"] in ("error", "fatal") and row["text"]), None)
