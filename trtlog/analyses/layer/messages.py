"""Warnings and errors of a log, equal ones held once: a log may print one message ten million times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, alike, from_numpy, to_filled
from trtlog.analyses.layer.base import rows
from trtlog.tables.cells import codes_of, encoded, one_array

if TYPE_CHECKING:
    from trtlog.log import Log


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
        if isinstance(other, MessageRow) and self._shared is other._shared:
            return self._line == other._line
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


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
        self.distinct: list[dict[str, Any]] = rows(table.take(from_numpy(firsts)))
        self.lowered = [(row["text"] or "").lower() for row in self.distinct]

    def where(self, wanted: Callable[[dict[str, Any], str], Any]) -> list[MessageRow]:
        """Return the messages, each with its line, for which a function of a row and its text in lower case is true."""
        are = np.array([bool(wanted(*pair)) for pair in zip(self.distinct, self.lowered, strict=True)], bool)
        places = np.flatnonzero(are[self.codes]) if are.any() else np.zeros(0, np.int64)
        chosen = zip(self.codes[places].tolist(), self.lines[places].tolist(), strict=True)
        return [MessageRow(self.distinct[code], line if line >= 0 else None) for code, line in chosen]

    def counts(self) -> list[int]:
        """Return how often each distinct message is printed."""
        counts: list[int] = np.bincount(self.codes, minlength=len(self.distinct)).tolist()
        return counts

    def lines_of(self, places: list[int]) -> Array:
        """Return the lines of some distinct messages, in order."""
        wanted = np.zeros(len(self.distinct), bool)
        wanted[places] = True
        return self.lines[wanted[self.codes]]


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
