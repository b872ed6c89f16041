"""Joins of lines by equal values, without a loop over rows; joins by place are ``asof`` in ``schema``."""

from __future__ import annotations

from typing import Any

import numpy as np

from trtlog.arrays import from_numpy, to_numpy

Array = np.ndarray[Any, Any]


def keys_of(*pairs: tuple[Array, Array]) -> tuple[Array, Array]:
    """Number the distinct rows of two sides, given column by column.

    Parameters
    ----------
    *pairs : (left, right)
        A column of the left and of the right side; whole numbers.

    Returns
    -------
    left, right : ndarray of int64
        A number a row; rows with equal numbers are equal in all columns.

    Examples
    --------
    >>> left, right = keys_of((np.array([7, 7, 8]), np.array([8, 7])), (np.array([1, 2, 1]), np.array([1, 9])))
    >>> bool(left[2] == right[0]), len({*left.tolist(), *right.tolist()})
    (True, 4)
    """
    size = len(pairs[0][0])
    keys = np.zeros(size + len(pairs[0][1]), np.int64)
    span = 1
    for left, right in pairs:
        codes, width = _numbered(np.concatenate([left, right]))
        if span * width >= 1 << 62:  # the product would overflow
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            span = len(keys)
        keys = keys * width + codes
        span *= width
    return keys[:size], keys[size:]


def _numbered(values: Array) -> tuple[Array, int]:
    """Return numbers from 0 on, equal for equal values, and how many there may be."""
    if values.dtype.kind == "i" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < 1 << 32:
            return values.astype(np.int64) - low, high - low + 1
    encoded = from_numpy(values).dictionary_encode()
    return to_numpy(encoded.indices), max(1, len(encoded.dictionary))


def sorted_lines(*lines: Array) -> Array:
    """Return the distinct lines of several sorted lists, sorted.

    Examples
    --------
    >>> sorted_lines(np.array([1, 5]), np.array([2, 5, 9])).tolist()
    [1, 2, 5, 9]
    """
    # A stable sort merges what is sorted in pieces.
    both = np.sort(np.concatenate(lines), kind="stable")
    out: Array = both[first_of_each(both)]
    return out


def first_of_each(values: Array) -> Array:
    """Return the positions at which a new value begins, where equal values stand together.

    Examples
    --------
    >>> first_of_each(np.array([4, 4, 6, 7, 7])).tolist()
    [0, 2, 3]
    """
    if not len(values):
        return np.zeros(0, np.int64)
    out: Array = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    return out


def last_equal(keys: Array, wanted: Array) -> Array:
    """For each wanted key, return the position of the last equal one in ``keys``, -1 for none.

    Examples
    --------
    >>> last_equal(np.array([4, 9, 4]), np.array([9, 4, 5])).tolist()
    [1, 2, -1]
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    place = np.searchsorted(ordered, wanted, side="right") - 1
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    inside = np.clip(place, 0, len(keys) - 1)
    held = (place >= 0) & (place < len(keys)) & (ordered[inside] == wanted)
    out: Array = np.where(held, order[inside], -1)
    return out
