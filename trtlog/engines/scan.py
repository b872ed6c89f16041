"""Find lines and headers of a chunk in bulk: positions of line ends, headers by fixed offsets.

trtexec and TensorRT's Python logger print headers of a fixed width, and one header stands on many lines in
a row: each distinct one is read once by the line engine's own reader. Whatever looks otherwise is left to
the line engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trtlog.grammar import Grammar
from trtlog.messages.classify import asks_section
from trtlog.messages.headers import Header, HeaderReader

Array = np.ndarray[Any, Any]

# "[11/22/2026-13:22:03] [V] " and "[11/22/2026-13:22:03] [V] [TRT] " or the same with the two boxes swapped.
SHORT, LONG = 26, 32
# Where their second bracket stands; the third begins at SHORT.
_SECOND = 22
_CLOSE = np.uint64(0x205D)  # "] "
_BRACKET = ord("[")
_WORD = 8
# What stands in "[11/22/2026-" at which distance from its beginning.
_STAMP_MARKS = ((3, ord("/")), (6, ord("/")), (11, ord("-")))


@dataclass
class Scan:
    r"""Lines of one chunk.

    Attributes
    ----------
    starts, stops : ndarray of int64
        Where each line begins, and where its ``\n`` stands.
    ends : ndarray of int64
        Where its text ends: at the ``\n``, or at a carriage return in front of it.
    sizes : ndarray of int64
        Bytes with the line end.
    header : ndarray of int32
        Number of the header in ``HeaderTable.headers``, -1 where the line engine must look.
    bodies : ndarray of int64
        Where the body begins; meaningless where ``header`` is -1.
    bare : ndarray of bool
        Lines without a header to be read in bulk that hold nothing odd, such as a torn line.
    """

    data: bytes
    first_line: int
    starts: Array
    stops: Array
    ends: Array
    sizes: Array
    header: Array
    bodies: Array
    bare: Array


    def packed(self) -> PackedScan:
        """Return what another process needs beside the chunk."""
        starts, ends, bodies = (array.astype(np.int32) for array in (self.starts, self.ends, self.bodies))
        return PackedScan(self.first_line, starts, ends, bodies, self.header, self.bare)


@dataclass
class PackedScan:
    """A `Scan` on its way between processes, without the chunk."""

    first_line: int
    starts: Array
    ends: Array
    bodies: Array
    header: Array
    bare: Array

    def restored(self, data: bytes, numbers: list[int]) -> Scan:
        """Return the scan; ``numbers`` are those of the headers here."""
        starts = self.starts.astype(np.int64)
        stops = np.append(starts[1:] - 1, len(data) - data.endswith(b"\n"))
        sizes = np.minimum(stops + 1, len(data)) - starts
        header = np.array([*numbers, -1], np.int32)[self.header]
        ends, bodies = self.ends.astype(np.int64), self.bodies.astype(np.int64)
        return Scan(data, self.first_line, starts, stops, ends, sizes, header, bodies, self.bare)


class HeaderTable:
    """The distinct headers of a log that is read in bulk, numbered in the order of their first sight.

    Attributes
    ----------
    headers : list of Header
        What the line engine's reader says about each.
    printed : list of bytes
        Their text.
    times : list of int
        Number of each header's printed time: equal numbers, equal times.
    asks_section : list of bool
        Whether rules that hold inside a section only are tried first.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._reader = HeaderReader(grammar)
        self._known: dict[bytes, int] = {}
        self._times: dict[bytes, int] = {}
        self.headers: list[Header] = []
        self.printed: list[bytes] = []
        self.times: list[int] = []
        self.asks_section: list[bool] = []

    def number(self, printed: bytes) -> int:
        """Return the number of a header, -1 for one that is not to be read in bulk."""
        known = self._known.get(printed)
        if known is None:
            known = self._known[printed] = self._add(printed)
        return known

    def _add(self, printed: bytes) -> int:
        header = self._reader.read(printed + b"x")
        if header is None or header.end != len(printed) or header.time is None or header.start:
            return -1
        if len(printed) == LONG and self._reader.read(printed + b"[") != header:
            return -1
        if header.weak or header.origin not in ("tensorrt", "trtexec"):
            return -1
        if header.severity not in ("V", "I"):  # the text of warnings and errors is kept whole
            return -1
        self.headers.append(header)
        self.printed.append(printed)
        self.times.append(self._times.setdefault(header.time, len(self._times)))
        self.asks_section.append(asks_section(header))
        return len(self.headers) - 1


def words_at(data: bytes | Array, positions: Array) -> Array:
    """Return the eight bytes at each position as one number; positions must leave eight bytes to the end."""
    view: Array = np.ndarray((len(data) - _WORD + 1,), np.dtype("<u8"), buffer=data, strides=(1,))
    out: Array = view[positions]
    return out


def scan(data: bytes, first_line: int, table: HeaderTable) -> Scan:
    """Cut a chunk into lines and read the headers of those that can be read in bulk."""
    buffer = np.frombuffer(data, np.uint8)
    stops = places_of(buffer == 10)
    if not len(stops) or stops[-1] != len(data) - 1:
        stops = np.append(stops, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), stops[:-1] + 1])
    sizes = np.minimum(stops + 1, len(data)) - starts
    ends = stops
    odd = [places_of(buffer == byte) for byte in (0x1B, 0x00) if byte in data]
    if b"\r" in data:
        ends = ends - ((buffer[np.maximum(ends - 1, 0)] == 13) & (ends > starts))
        odd.append(np.setdiff1d(places_of(buffer == 13), ends, assume_unique=True))
    header = np.full(len(starts), -1, np.int32)
    bodies = starts.copy()
    # The last bytes of the chunk are left out: words are read past the end of short lines.
    usual = (ends - starts >= SHORT) & (starts + LONG + _WORD < len(data))
    # Rows that may be read in bulk ascend without a gap but for short lines.
    rows = np.flatnonzero(usual)
    brackets = buffer == _BRACKET
    if len(rows):
        begins = starts if len(rows) == len(starts) else starts[rows]
        numbers, boxed = _headers(data, buffer, begins, ends[rows], brackets, table)
        header[rows] = numbers
        bodies[rows] += np.where(boxed, LONG, SHORT)
    odd.append(_stamps(buffer, starts, brackets))
    for places in odd:
        if len(places):
            # At the beginning of a line there is nothing odd about a time.
            row = np.searchsorted(starts, places, side="right") - 1
            torn = row[starts[row] != places]
            usual[torn] = False
            header[torn] = -1
    return Scan(data, first_line, starts, stops, ends, sizes, header, bodies, usual & (header < 0))


def places_of(mask: Array) -> Array:
    """Return where a long mask is true, for few true values: eight at a time are looked at.

    Examples
    --------
    >>> places_of(np.arange(20) % 7 == 3)
    array([ 3, 10, 17])
    """
    whole = len(mask) & ~(_WORD - 1)
    words = np.flatnonzero(mask[:whole].view(np.uint64) != 0)
    inside = np.flatnonzero(mask[:whole].view(np.uint64)[words].view(np.bool_))
    found: Array = (words[inside >> 3] << 3) + (inside & 7)
    if whole == len(mask):
        return found
    return np.concatenate([found, np.flatnonzero(mask[whole:]) + whole])


def _stamps(buffer: Array, starts: Array, brackets: Array) -> Array:
    """Return where the times of headers stand that are not the first text of their line: such lines are torn.

    ``brackets`` tells where brackets stand whose text was not looked at; it is changed.
    """
    brackets[starts[starts < len(buffer)]] = False
    stamps = places_of(brackets)
    for shift, mark in _STAMP_MARKS:
        stamps = stamps[: np.searchsorted(stamps, len(buffer) - shift)]
        stamps = stamps[buffer[stamps + shift] == mark]
    return stamps


def _headers(
    data: bytes, buffer: Array, starts: Array, ends: Array, brackets: Array, table: HeaderTable
) -> tuple[Array, Array]:
    """Return for each line the number of its header, -1 for none of fixed width, and whether it is of the long form.

    The brackets of headers are crossed out in ``brackets``.
    """
    windows: Array = np.ndarray((len(data) - LONG + 1,), f"V{LONG}", data, strides=(1,))
    words = windows[starts].view("<u8").reshape(len(starts), LONG // _WORD)
    last = words[:, 3]
    boxed: Array = ((last >> np.uint64(16)) & np.uint64(0xFF)) == _BRACKET
    fits = (last & np.uint64(0xFFFF)) == _CLOSE
    fits &= ~boxed | (ends - starts >= LONG)
    fits &= (words[:, 0] & np.uint64(0xFF)) == _BRACKET
    words[:, 3] = np.where(boxed, last, _CLOSE)
    changed = np.empty(len(starts), bool)
    changed[0] = True
    np.not_equal(fits[1:], fits[:-1], out=changed[1:])
    for column in range(LONG // _WORD):
        changed[1:] |= words[1:, column] != words[:-1, column]
    heads = np.flatnonzero(changed)
    numbers = np.full(len(heads), -1, np.int32)
    fitting = np.flatnonzero(fits[heads])
    if len(fitting):
        printed = np.ascontiguousarray(words[heads[fitting]]).view(f"S{LONG}").ravel()
        _, first, inverse = np.unique(printed, return_index=True, return_inverse=True)
        spans = zip(starts[heads[fitting[first]]].tolist(), boxed[heads[fitting[first]]].tolist(), strict=True)
        known = [table.number(data[start : start + (LONG if long else SHORT)]) for start, long in spans]
        numbers[fitting] = np.array(known, np.int32)[inverse]
    number = np.repeat(numbers, np.diff(np.append(heads, len(starts))))
    known_rows = starts if (number >= 0).all() else starts[number >= 0]
    brackets[known_rows + _SECOND] = False
    brackets[known_rows + SHORT] = False
    return number, boxed
