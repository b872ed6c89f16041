"""Tables as rows in Python, some at a time: a log may print ten million, and dictionaries take ten times its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pyarrow as pa

# Rows that are Python's at a time; a table of no more is kept.
AT_ONCE = 1 << 13


class TableRows(Sequence[dict[str, Any]]):
    """The rows of a table as dictionaries; those of a long one are made anew each time they are gone through.

    Examples
    --------
    >>> import pyarrow as pa
    >>> found = TableRows(pa.table({"a": [1, 2, 3]}))
    >>> len(found), found[1], found[-1:], list(found)
    (3, {'a': 2}, [{'a': 3}], [{'a': 1}, {'a': 2}, {'a': 3}])
    """

    __slots__ = ("_kept", "_table")

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._kept: list[dict[str, Any]] | None = table.to_pylist() if table.num_rows <= AT_ONCE else None

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._kept is not None:
            yield from self._kept
            return
        for start in range(0, self._table.num_rows, AT_ONCE):
            yield from self._table.slice(start, AT_ONCE).to_pylist()

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if self._kept is not None:
            return self._kept[place]
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        [row] = self._table.slice(place % len(self), 1).to_pylist()
        return row  # type: ignore[no-any-return]


def table_rows(table: pa.Table) -> TableRows:
    """Return a table's rows as dictionaries."""
    return TableRows(table)
