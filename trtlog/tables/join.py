"""Joins of lines by equal values, without a loop over rows; joins by place in sorted lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from trtlog._util.arrow import Array, from_numpy, to_numpy
from trtlog.engines.library import library

# Fewer lines are looked up one by one; so many times fewer marks than lines are few; so many lines of the log for
# each mark are close together.
_SMALL = 2000
_FEWER = 8
_DENSE = 32
_BLOCK = 1 << 16


def asof(lines: Array, openers: Array, breaks: Array) -> Array:
    """For each line, return the position of the last opener at or before it, -1 for none.

    An opener counts no longer after a break: ``breaks`` are sorted lines at which the context ends.

    Examples
    --------
    >>> asof(np.array([1, 5, 6, 9]), np.array([2, 5]), np.array([8])).tolist()
    [-1, 1, 1, -1]
    """
    if len(lines) >= len(openers):
        marks, numbers = opened(openers, breaks)
        return numbers.take(counts_upto(lines, marks))
    found = counts_upto(lines, openers) - 1
    if len(breaks):
        above = counts_upto(lines, breaks)
        # The opener stands before the last break; position -1 is no opener or no break, and changes nothing.
        found[(above > 0) & (openers[found] < breaks[above - 1])] = -1
    return found


def opened(openers: Array, breaks: Array) -> tuple[Array, Array]:
    """Return the lines of openers and breaks together, and by how many of them are at or before a line its opener.

    Examples
    --------
    >>> marks, numbers = opened(np.array([2, 5]), np.array([3]))
    >>> marks.tolist(), numbers.tolist()
    ([2, 3, 5], [-1, 0, -1, 1])
    """
    opens = np.ones(len(openers) + len(breaks), bool)
    opens[np.searchsorted(openers, breaks) + np.arange(len(breaks))] = False  # of one line the break is first
    marks, numbers = np.empty(len(opens), np.int64), np.full(len(opens) + 1, -1, np.int32)
    marks[opens], marks[~opens] = openers, breaks
    numbers[1:][opens] = np.arange(len(openers))
    return marks, numbers


def counts_upto(lines: Array, marks: Array) -> Array:
    """Return how many of some sorted marks are at or before each line, as ``searchsorted``; int32.

    Lines are looked up among marks one by one where they are few, or in no order. Else both lists are gone through
    together, in C. In Python alone the shorter list is looked up in the other, or the marks are counted line by line, a
    block of the log after the other: a table as long as the log costs more time in fresh memory than in counting.

    Examples
    --------
    >>> counts_upto(np.array([1, 2, 3, 7]), np.array([2, 2, 5])).tolist()
    [0, 2, 2, 3]
    """
    if len(lines) < _SMALL or np.any(lines[1:] < lines[:-1]):
        return np.searchsorted(marks, lines, side="right").astype(np.int32)
    loop = library()
    if loop is not None:
        return _counted(loop, lines, marks)
    if len(marks) * _FEWER < len(lines):
        bounds = np.zeros(len(marks) + 2, np.int64)
        bounds[1:-1] = np.searchsorted(lines, marks)
        bounds[-1] = len(lines)
        return np.repeat(np.arange(len(marks) + 1, dtype=np.int32), np.diff(bounds))
    low, high = int(marks[0]), int(marks[-1])
    if high - low > _DENSE * len(marks):
        return np.searchsorted(marks, lines, side="right").astype(np.int32)
    starts = np.arange(low, high + _BLOCK, _BLOCK)
    of_marks, of_lines = (np.searchsorted(found, starts).tolist() for found in (marks, lines))
    out = np.zeros(len(lines), np.int32)
    out[of_lines[-1] :] = len(marks)
    for number, start in enumerate(starts[:-1].tolist()):
        first, last = of_marks[number], of_marks[number + 1]
        table = np.bincount(marks[first:last] - start, minlength=_BLOCK)
        np.cumsum(table, out=table)
        inside = slice(of_lines[number], of_lines[number + 1])
        np.add(table[lines[inside] - start], first, out=out[inside], casting="same_kind")
    return out


def _counted(loop: Any, lines: Array, marks: Array) -> Array:
    lines, marks = (np.ascontiguousarray(numbers, np.int64) for numbers in (lines, marks))
    counts = np.empty(len(lines), np.int32)
    loop.scan_counts_upto(lines.ctypes.data, len(lines), marks.ctypes.data, len(marks), counts.ctypes.data)
    return counts


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
    found = (place >= 0) & (place < len(keys)) & (ordered[inside] == wanted)
    out: Array = np.where(found, order[inside], -1)
    return out
