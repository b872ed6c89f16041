"""Joins of lines by equal values, without a loop over rows; joins by place are ``asof`` in ``schema``."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    >>> left.tolist(), right.tolist()
    ([0, 1, 3], [3, 2])
    """
    size = len(pairs[0][0])
    keys = np.zeros(size + len(pairs[0][1]), np.int64)
    for left, right in pairs:
        distinct, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
        # Numbered anew after each column, so that the product cannot overflow.
        keys = np.unique(keys * len(distinct) + codes, return_inverse=True)[1].astype(np.int64)
    return keys[:size], keys[size:]


def last_equal(keys: Array, wanted: Array) -> Array:
    """For each wanted key, return the position of the last equal one in ``keys``, -1 for none.

    Examples
    --------
    >>> last_equal(np.array([4, 9, 4]), np.array([9, 4, 5])).tolist()
    [1, 2, -1]
    """
    order = np.argsort(keys, kind="stable")
    return _found(keys, order, wanted, "right")


def least_equal(keys: Array, values: Array, wanted: Array) -> Array:
    """For each wanted key, return the position of the equal one with the least value, -1 for none.

    Among equal values the first counts; nan is more than any number.

    Examples
    --------
    >>> least_equal(np.array([4, 4, 9]), np.array([2.0, 1.0, np.nan]), np.array([4, 9])).tolist()
    [1, 2]
    """
    order = np.lexsort((np.arange(len(keys)), values, keys))
    return _found(keys, order, wanted, "left")


def _found(keys: Array, order: Array, wanted: Array, side: Any) -> Array:
    ordered = keys[order]
    place = np.searchsorted(ordered, wanted, side=side) - (side == "right")
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    inside = np.clip(place, 0, len(keys) - 1)
    held = (place >= 0) & (place < len(keys)) & (ordered[inside] == wanted)
    out: Array = np.where(held, order[inside], -1)
    return out
