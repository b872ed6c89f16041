"""Arrow arrays from numpy arrays and lists, and back, without pandas.

``pyarrow.array``, ``pyarrow.scalar`` and ``Array.to_numpy`` load pandas to look at their argument's type. That
takes a quarter of a second, more than reading a log of 20 MB, and nothing here is a pandas object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]


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
