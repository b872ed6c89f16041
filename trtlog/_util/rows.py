"""Tables as rows in Python, some at a time: a log may print ten million, and dictionaries take ten times its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pyarrow as pa

# Rows that are Python's at a time; a table of no more is kept.
AT_ONCE = 1 << 13
# Rows so few that there is no time to be saved.
_FEW = 16


def values_of(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return a column's values, None for null.

    Each distinct name becomes text once: ``to_pylist`` takes fifty times as long for a name as for a number.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values_of(pa.chunked_array([pa.array(["a", None] * 9).dictionary_encode()]))[:3]
    ['a', None, 'a']
    """
    import numpy as np  # not by commands that make no rows
    import pyarrow as pa

    from trtlog._util.arrow import to_filled

    if len(column) < _FEW or not pa.types.is_dictionary(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    found = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if len(found.dictionary) > len(found):  # some rows of many
        return found.cast(found.type.value_type).to_pylist()  # type: ignore[no-any-return]
    words = np.array([*found.dictionary.to_pylist(), None], dtype=object)
    return words[to_filled(found.indices, len(words) - 1)].tolist()  # type: ignore[no-any-return]


def listed(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table's rows as ``to_pylist`` does, in a fraction of the time.

    Examples
    --------
    >>> import pyarrow as pa
    >>> listed(pa.table({"a": [1, None], "b": ["x", "y"]}))
    [{'a': 1, 'b': 'x'}, {'a': None, 'b': 'y'}]
    """
    if table.num_rows < _FEW:
        return table.to_pylist()  # type: ignore[no-any-return]
    names = table.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*map(values_of, table.columns), strict=True)]


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
        self._kept: list[dict[str, Any]] | None = listed(table) if table.num_rows <= AT_ONCE else None

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._kept is not None:
            yield from self._kept
            return
        for start in range(0, self._table.num_rows, AT_ONCE):
            yield from listed(self._table.slice(start, AT_ONCE))

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
