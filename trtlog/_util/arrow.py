"""Arrow arrays from numpy arrays and lists, and back, without pandas.

``pyarrow.array``, ``pyarrow.scalar`` and ``Array.to_numpy`` load pandas to look at their argument's type. That
takes a quarter of a second, more than reading a log of 20 MB, and nothing here is a pandas object.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util import unreadable

Array = np.ndarray[Any, Any]

# Below that numpy takes memory that is in use already.
_FEW = 1 << 14
# Memory of this process alone, where systems tell: to read it takes none, and pieces side by side count as one.
_OWN: Any = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def from_numpy(values: Array, valid: Array | None = None) -> pa.Array:
    """Return an Arrow array of numbers or truth values.

    Parameters
    ----------
    values : ndarray
        One dimension, of integers, floats or booleans; not copied, but for booleans.
    valid : ndarray of bool, optional
        Which values there are; the others are null.

    Examples
    --------
    >>> from_numpy(np.array([True, False, True])).to_pylist()
    [True, False, True]
    >>> from_numpy(np.array([1, 2], np.int64), np.array([True, False])).to_pylist()
    [1, None]
    """
    size = len(values)
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(pa.bool_(), size, [bitmap, pa.py_buffer(np.packbits(values, bitorder="little"))])
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), size, [bitmap, pa.py_buffer(values)])


def from_bytes(values: Sequence[bytes | None]) -> pa.Array:
    """Return a binary array of a list of byte strings.

    Examples
    --------
    >>> from_bytes([b"a", None, b""]).to_pylist()
    [b'a', None, b'']
    """
    lengths = np.array([0 if value is None else len(value) for value in values], np.int64)
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    bitmap = None
    if None in values:
        valid = np.array([value is not None for value in values], bool)
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = b"".join(value for value in values if value)
    return pa.Array.from_buffers(pa.binary(), len(values), [bitmap, pa.py_buffer(offsets), pa.py_buffer(data)])


def no_values(size: int, kind: pa.DataType) -> pa.Array:
    """Return nulls, as ``pyarrow.nulls``; until somebody looks they take no memory, as pages that nobody touched do.

    Examples
    --------
    >>> no_values(2, pa.float64()).to_pylist(), no_values(1, pa.dictionary(pa.int32(), pa.string())).to_pylist()
    ([None, None], [None])
    """
    types = pa.types
    if types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(no_values(size, kind.index_type), pa.nulls(0, kind.value_type))
    plain = types.is_primitive(kind) or types.is_string(kind) or types.is_binary(kind)
    if size < _FEW or not plain:
        return pa.nulls(size, kind)
    zeros = pa.py_buffer(mmap.mmap(-1, 8 * (size + 1), **_OWN))  # also places of text
    last = [] if types.is_primitive(kind) else [pa.py_buffer(b"")]
    return pa.Array.from_buffers(kind, size, [zeros, zeros, *last], size)


def to_numpy(values: pa.Array) -> Array:
    """Return the numbers or truth values of an Arrow array without nulls.

    Examples
    --------
    >>> to_numpy(from_numpy(np.array([True, False, True]))[1:])
    array([False,  True])
    """
    size, first = len(values), values.offset
    data = values.buffers()[1]
    if pa.types.is_boolean(values.type):
        if data is None:
            return np.zeros(0, bool)
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return bits[first : first + size].view(np.bool_)
    dtype = values.type.to_pandas_dtype()
    out: Array = np.zeros(0, dtype) if data is None else np.frombuffer(data, dtype)[first : first + size]
    return out


def to_filled(values: pa.Array, filling: float) -> Array:
    """Return the numbers of an Arrow array, ``filling`` where they are null.

    Examples
    --------
    >>> to_filled(from_numpy(np.array([1.5, 2.5]), np.array([True, False])), np.nan).tolist()
    [1.5, nan]
    """
    if pa.types.is_null(values.type):
        return np.full(len(values), filling)
    numbers = to_numpy(values)
    if not values.null_count:
        return numbers
    out: Array = np.where(is_valid(values), numbers, numbers.dtype.type(filling))
    return out


def is_valid(values: pa.Array) -> Array:
    """Return which values of an Arrow array are not null."""
    return to_numpy(values.is_valid())


def distinct(values: Array) -> Array:
    """Return the distinct values, ascending: ``numpy.unique`` loads ``numpy.ma`` for that, which takes 15 ms.

    Examples
    --------
    >>> distinct(np.array([3, 1, 3])).tolist(), distinct(np.array([], np.int64)).tolist()
    ([1, 3], [])
    """
    ordered = np.sort(values)
    first = np.ones(len(ordered), bool)
    first[1:] = ordered[1:] != ordered[:-1]
    out: Array = ordered[first]
    return out


def median_of(values: Array) -> float:
    """Return the median, nan where a value is: ``numpy.median`` loads ``numpy.ma``.

    Examples
    --------
    >>> median_of(np.array([3.0, 1.0, 2.0])), median_of(np.array([1.0, 2.0])), median_of(np.array([1.0, np.nan]))
    (2.0, 1.5, nan)
    """
    ordered, half = np.sort(values), len(values) // 2
    if np.isnan(ordered[-1]):
        return float("nan")
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def among(values: Array, wanted: Array | Sequence[int]) -> Array:
    """Return which values are among some wanted ones: ``numpy.isin`` loads ``numpy.ma``.

    Examples
    --------
    >>> among(np.array([3, 1, 7]), [7, 3]).tolist(), among(np.array([3]), []).tolist()
    ([True, False, True], [False])
    """
    ordered = np.sort(np.asarray(wanted))
    if not len(ordered):
        return np.zeros(len(values), bool)
    out: Array = ordered[np.searchsorted(ordered, values, side="right") - 1] == values
    return out


def alike(columns: Sequence[Array]) -> tuple[Array, Array]:
    """Return the first of each kind of distinct rows, in their order, and which of them each row is.

    Parameters
    ----------
    columns : sequence of ndarray
        Numbers from -1 on, below 2**31, of one length.

    Examples
    --------
    >>> firsts, codes = alike([np.array([5, 5, 7, 5]), np.array([-1, 0, 0, -1])])
    >>> firsts.tolist(), codes.tolist()
    ([0, 1, 2], [0, 1, 2, 0])
    """
    codes = np.zeros(len(columns[0]), np.int64)
    size = min(1, len(codes))
    for column in columns:
        if (column != column[:1]).any():
            # Two numbers in one; it is made dense again before the next one joins.
            both = from_numpy((codes << 32) + column + 1).dictionary_encode()
            codes, size = to_numpy(both.indices).astype(np.int64), len(both.dictionary)
    firsts = np.zeros(size, np.int64)
    if size < 2:
        return firsts, codes
    firsts[codes[::-1]] = np.arange(len(codes))[::-1]
    return firsts, codes


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with plain text in place of names, which are encoded by a dictionary; it keeps its metadata."""
    return pa.schema([f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema])


def plain(table: pa.Table) -> pa.Table:
    """Return a table whose names are plain text columns.

    Examples
    --------
    >>> plain(pa.table({"a": pa.array(["x"]).dictionary_encode()})).schema.field("a").type
    DataType(string)
    """
    schema = plain_schema(table.schema)
    # A cast to the type that a column has takes as long as another.
    pairs = zip(table.columns, schema, strict=True)
    columns = [column if column.type == field.type else column.cast(field.type) for column, field in pairs]
    return pa.Table.from_arrays(columns, schema=schema)


def no_rows(schema: pa.Schema) -> pa.Table:
    """Return a table without rows: ``Schema.empty_table`` loads pandas.

    Examples
    --------
    >>> no_rows(pa.schema([("a", pa.int32())])).shape
    (0, 1)
    """
    return pa.table([pa.nulls(0, field.type) for field in schema], schema=schema)


def from_list(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return an Arrow array of Python values: numbers, text, times, lists and dictionaries.

    A whole number that the type cannot hold is null, and so is a list with one: a shape with a hole is no shape. What
    is no value of the type otherwise is left to ``pyarrow.array``, which says so.

    Lists may be arrays of numbers, all of them or none.

    Examples
    --------
    >>> from_list(["a", None, "é"], pa.string()).to_pylist()
    ['a', None, 'é']
    >>> from_list([[1, 2], None, []], pa.list_(pa.int64())).to_pylist()
    [[1, 2], None, []]
    >>> from_list([{"a": 1}, None, {}], pa.struct([("a", pa.int32())])).to_pylist()
    [{'a': 1}, None, {'a': None}]
    """
    if pa.types.is_list(kind) and len(values) and all(isinstance(value, np.ndarray) for value in values):
        sizes = from_numpy(np.cumsum([0, *map(len, values)]).astype(np.int32))
        return pa.ListArray.from_arrays(sizes, from_numpy(np.concatenate(values)).cast(kind.value_type), type=kind)
    values = _holdable(values, kind)
    present = [value for value in values if value is not None]
    valid = None
    if len(present) < len(values):
        valid = np.fromiter((value is not None for value in values), bool, len(values))
    found = set(map(type, present))
    types = pa.types
    if not present:
        return no_values(len(values), kind)
    if types.is_dictionary(kind):
        return from_list(values, kind.value_type).dictionary_encode()
    if types.is_string(kind) and found == {str}:
        return _from_texts(values if valid is None else [value or "" for value in values], valid)
    if types.is_binary(kind) and found == {bytes}:
        return from_bytes(values)
    if (types.is_integer(kind) and found == {int}) or (types.is_floating(kind) and found <= {int, float}):
        numbers = values if valid is None else [0 if value is None else value for value in values]
        return from_numpy(np.array(numbers, kind.to_pandas_dtype()), valid)
    if types.is_boolean(kind) and found == {bool}:
        return from_numpy(np.array([bool(value) for value in values]), valid)
    if types.is_timestamp(kind) and kind.unit == "s" and kind.tz is None and found == {datetime}:
        seconds = np.array([None if value is None else value.replace(microsecond=0) for value in values], "M8[s]")
        numbers = from_numpy(seconds.view(np.int64), valid)
        return pa.Array.from_buffers(kind, len(numbers), numbers.buffers())
    if types.is_list(kind) and found <= {list, tuple}:
        offsets = np.zeros(len(values) + 1, np.int32)
        np.cumsum([0 if value is None else len(value) for value in values], out=offsets[1:])
        items = from_list([item for value in present for item in value], kind.value_type)
        mask = None if valid is None else from_numpy(~valid)
        return pa.ListArray.from_arrays(from_numpy(offsets), items, type=kind, mask=mask)
    if types.is_struct(kind) and found == {dict}:
        fields = [kind.field(number) for number in range(kind.num_fields)]
        columns = [from_list([None if v is None else v.get(f.name) for v in values], f.type) for f in fields]
        return pa.StructArray.from_arrays(columns, fields=fields, mask=None if valid is None else from_numpy(~valid))
    return pa.array(values, kind)


def _holdable(values: Sequence[Any], kind: pa.DataType) -> Sequence[Any]:
    """Return the values with None for whole numbers, or lists with one, that the type cannot hold."""
    of_list = pa.types.is_list(kind) and pa.types.is_integer(kind.value_type)
    number = kind.value_type if of_list else kind
    if not pa.types.is_integer(number):
        return values
    limits = np.iinfo(number.to_pandas_dtype())
    items = [item for value in values if value for item in value] if of_list else values
    least, most = int(limits.min), int(limits.max)
    odd = {item for item in items if type(item) is int and not least <= item <= most}
    if not odd:
        return values
    for item in odd:
        unreadable.note(item if abs(item) < 10**100 else "a number of more than 100 digits")
    return [
        None if value is not None and (not odd.isdisjoint(value) if of_list else value in odd) else value
        for value in values
    ]


def _from_texts(values: Sequence[str], valid: Array | None) -> pa.Array:
    whole = "".join(values)
    encoded: Sequence[str | bytes] = values if whole.isascii() else [value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(values)), out=offsets[1:])
    bitmap = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(
        pa.string(), len(values), [bitmap, pa.py_buffer(offsets), pa.py_buffer(whole.encode())]
    )
