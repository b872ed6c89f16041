"""One rule on many bodies at once: cut them at the literals between the fields, then check the fields.

Where a literal can stand in one place only, a body matches exactly if each piece between the literals
matches its field. Pieces repeat far more than bodies do, so that only distinct ones meet an expression. A
body whose cut is not the only possible one is left to ``re``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import from_bytes, from_numpy, to_numpy
from trtlog.engines.alphabet import alphabet, sufficient_classes
from trtlog.engines.scan import Array, places_of
from trtlog.grammar import Variant, expression_of

# Repeats are looked for in a sample of this size.
_SAMPLE = 512
_WORD = 8


@dataclass
class Bodies:
    """Bodies as ascending slices of one buffer.

    Attributes
    ----------
    values : BinaryArray
        The buffer's bytes; slices that were left out by ``pick`` may stand in it.
    begins, ends : ndarray
        Where each body stands in ``data``.
    """

    values: pa.Array = field(repr=False)
    data: Array
    begins: Array
    ends: Array

    @classmethod
    def of(cls, values: pa.Array) -> Bodies:
        """Return all values of a binary array as bodies."""
        offsets = offsets_of(values)
        return cls(values, as_bytes(values), offsets[:-1], offsets[1:])

    def __len__(self) -> int:
        return len(self.begins)

    def pick(self, chosen: Array) -> Bodies:
        """Return the bodies at some ascending positions; copied where that leaves much out."""
        begins, ends = self.begins[chosen], self.ends[chosen]
        if len(chosen) and 2 * len(chosen) < len(self.begins):
            return Bodies.of(slices(self.values.buffers()[2], begins, ends))
        return Bodies(self.values, self.data, begins, ends)

    def body(self, position: int) -> bytes:
        """Return one body."""
        return self.data[self.begins[position] : self.ends[position]].tobytes()

    def bodies(self) -> pa.Array:
        """Return the bodies as an array."""
        if len(self.values) == len(self.begins):
            return self.values
        return slices(self.values.buffers()[2], self.begins, self.ends)


def slices(buffer: Any, starts: Array, ends: Array) -> pa.Array:
    """Copy ascending, disjoint slices of a buffer into one binary array."""
    size = len(starts)
    if not size:
        return pa.nulls(0, pa.binary())
    # Slices and the gaps between them are one array without a copy; every second value is wanted.
    offsets = np.empty(2 * size + 1, np.int32)
    offsets[0:-1:2] = starts
    offsets[1::2] = ends
    offsets[-1] = ends[-1]
    both = pa.Array.from_buffers(pa.binary(), 2 * size, [None, pa.py_buffer(offsets), buffer])
    return both.take(from_numpy(np.arange(0, 2 * size, 2, dtype=np.int32)))


def offsets_of(values: pa.Array) -> Array:
    """Return the offsets of a binary array's values."""
    whole = np.frombuffer(values.buffers()[1], np.int32)
    out: Array = whole[values.offset : values.offset + len(values) + 1]
    return out


def as_bytes(values: pa.Array) -> Array:
    """Return the bytes that a binary array's offsets count in."""
    data = values.buffers()[2]
    return np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)


def is_repeated(values: pa.Array) -> bool:
    """Tell from a sample whether many values are clearly fewer distinct ones."""
    step = len(values) // _SAMPLE
    if step < 2:
        return False
    sample = values.take(from_numpy(np.arange(0, step * _SAMPLE, step, dtype=np.int32)))
    return 4 * len(sample.unique()) < 3 * _SAMPLE


@dataclass
class Piece:
    """What stands between two literals.

    Attributes
    ----------
    kept : bool
        Whether it is a field.
    pattern : str or None
        What RE2 checks, None for any text that is not empty.
    classes : tuple of (bytes, ndarray)
        Texts with bytes: what begins with the text, and goes on with some of the bytes, fits.
    """

    kept: bool
    pattern: str | None
    classes: tuple[tuple[bytes, Array], ...] = ()

    def check(self, values: pa.Array) -> Array | None:
        """Return which values fit; None for all."""
        offsets = offsets_of(values)
        if self.pattern is None:
            filled = offsets[1:] > offsets[:-1]
            return None if filled.all() else filled
        data = as_bytes(values)
        for begin, table in self.classes:
            if _all_of(data, offsets, begin, table):
                return None
        fits = to_numpy(pc.match_substring_regex(values, self.pattern))
        return None if fits.all() else fits


class BulkRule:
    """One variant: which bodies match it, and their fields.

    Examples
    --------
    >>> from trtlog.grammar import Variant
    >>> parts = (("text", "Tactic: "), ("field", "tactic", "[0-9]+"), ("text", " Time: "), ("field", "time_ms", ".+"))
    >>> rule = BulkRule(0, Variant("tactic", "plain", parts))
    >>> found = rule.match(Bodies.of(pa.array([b"Tactic: 12 Time: 0.5", b"Tactic: Time: 1"])))
    >>> [(rows.tolist(), [f.to_pylist() for f in fields]) for rows, fields in found]
    [([0], [[b'12'], [b'0.5']])]
    """

    def __init__(self, index: int, variant: Variant) -> None:
        self.index = index
        self.fields = variant.fields
        self.prefix = variant.prefix.encode()
        self._expression = variant.regex.encode()
        # The expression as RE2 takes it for bytes: each byte one character.
        self.pattern = f"^{expression_of(variant.parts)}$"
        parts = list(variant.parts)
        if self.prefix:
            del parts[0]
        self._suffix = parts.pop()[1].encode() if parts and parts[-1][0] == "text" else b""
        self._cuts = all((p[0] == "text") == (n % 2 == 1) for n, p in enumerate(parts)) and len(parts) % 2 == 1
        self._whole = not parts
        self._literals = [p[1].encode() for p in parts[1::2]] if self._cuts else []
        self._pieces = [_piece(p) for p in parts[::2]] if self._cuts else []
        letters = [alphabet(p[-1]) for p in parts[::2]] if self._cuts else []
        # A literal's place is certain where the field before it cannot hold its first byte ..
        self._leftmost = [not letters[n][text[0]] for n, text in enumerate(self._literals)]
        # .. or the field behind it cannot hold its last one.
        self._rightmost = [not letters[n + 1][text[-1]] for n, text in enumerate(self._literals)]

    def match(self, bodies: Bodies) -> list[tuple[Array, list[Any]]]:
        """Return positions of the bodies that match, and their fields.

        The first eight bytes of the rule's literal beginning are taken for granted. Nearly always one piece; two
        where some bodies had to be matched by ``re``.
        """
        if not self._cuts and not self._whole:
            chosen = np.flatnonzero(to_numpy(pc.match_substring_regex(bodies.bodies(), self.pattern)))
            return self._by_expression(bodies, chosen)
        chosen = self._framed(bodies)
        if self._whole:
            exact = chosen[(bodies.ends - bodies.begins)[chosen] == len(self.prefix)]
            return [(exact, [])] if len(exact) else []
        if not len(chosen):
            return []
        begins, ends = bodies.begins, bodies.ends
        if len(chosen) < len(bodies):
            begins, ends = begins[chosen], ends[chosen]
        inner, last = begins + len(self.prefix), ends - len(self._suffix)
        edges, certain, unclear = self._cut(bodies.data, inner, last)
        out = []
        if len(certain):
            if len(certain) < len(chosen):
                inner, last, edges = inner[certain], last[certain], [e[certain] for e in edges]
            fits, fields = self._check(bodies, inner, last, edges)
            rows = chosen[certain]
            if fits is not None:
                rows = rows[fits]
                fields = [f.filter(from_numpy(fits)) for f in fields]
            if len(rows):
                out.append((rows, fields))
        return out + self._by_expression(bodies, chosen[unclear])

    def _framed(self, bodies: Bodies) -> Array:
        """Return the positions of bodies that begin and end as the rule says and leave a byte for each field."""
        least = len(self.prefix) + len(self._suffix) + sum(map(len, self._literals)) + len(self._pieces)
        fits = (bodies.ends - bodies.begins) >= least
        if len(self.prefix) > _WORD:
            fits &= holds(bodies.data, bodies.begins + _WORD, self.prefix[_WORD:])
        if self._suffix:
            fits &= holds(bodies.data, bodies.ends - len(self._suffix), self._suffix)
        return np.flatnonzero(fits)

    def _cut(self, data: Array, inner: Array, last: Array) -> tuple[list[Array], Array, Array]:
        """Return where each literal stands, which bodies can be cut there only, and which are unclear."""
        size = len(inner)
        edges: list[Array] = [inner] * len(self._literals)
        missing = np.zeros(size, bool)
        unclear = np.zeros(size, bool)
        places: dict[bytes, Array] = {}
        # Literals whose place is sought, numbers [low, high), and where they may stand.
        open_parts = [(0, len(self._literals), inner, last)]
        while open_parts:
            low, high, left, right = open_parts.pop()
            if low == high:
                continue
            if self._leftmost[low]:
                number, side = low, "left"
            elif self._rightmost[high - 1]:
                number, side = high - 1, "right"
            else:
                number, side = max(range(low, high), key=lambda n: len(self._literals[n])), "only"
            literal = self._literals[number]
            found = places.get(literal)
            if found is None:
                found = places[literal] = find(data, int(inner[0]), int(last[-1]), literal)
            if not len(found):
                return edges, np.zeros(0, np.int64), np.zeros(0, np.int64)
            room = right - len(literal)
            if len(found) == size and np.all((found >= left) & (found <= room)):
                place = found
            elif side == "right":
                position = np.searchsorted(found, room, side="right") - 1
                place = found[np.maximum(position, 0)]
                missing |= (position < 0) | (place < left)
            else:
                position = np.searchsorted(found, left)
                place = found[np.minimum(position, len(found) - 1)]
                missing |= (position >= len(found)) | (place > room)
                if side == "only":
                    follower = found[np.minimum(position + 1, len(found) - 1)]
                    unclear |= (position + 1 < len(found)) & (follower <= room)
            edges[number] = place
            open_parts += [(low, number, left, place), (number + 1, high, place + len(literal), right)]
        if not missing.any() and not unclear.any():
            return edges, np.arange(size), np.zeros(0, np.int64)
        return edges, np.flatnonzero(~(missing | unclear)), np.flatnonzero(unclear)

    def _check(self, bodies: Bodies, inner: Array, last: Array, edges: list[Array]) -> tuple[Array | None, list[Any]]:
        """Return which bodies' pieces fit, None for all, and the fields."""
        buffer = bodies.values.buffers()[2]
        fits: Array | None = None
        fields = []
        for number, piece in enumerate(self._pieces):
            start = inner if number == 0 else edges[number - 1] + len(self._literals[number - 1])
            end = edges[number] if number < len(edges) else last
            if piece.pattern is None and not piece.kept:
                good: Array | None = end > start
            else:
                values = slices(buffer, start, np.maximum(end, start))
                if is_repeated(values):
                    values = values.dictionary_encode()
                    good = piece.check(values.dictionary)
                    if good is not None:
                        good = good[to_numpy(values.indices)]
                else:
                    good = piece.check(values)
                if piece.kept:
                    fields.append(values)
            if good is not None and not good.all():
                fits = good if fits is None else fits & good
        return fits, fields

    def _by_expression(self, bodies: Bodies, chosen: Array) -> list[tuple[Array, list[Any]]]:
        if not len(chosen):
            return []
        match = re.compile(self._expression).fullmatch
        data = memoryview(bodies.values.buffers()[2])
        spans = zip(bodies.begins[chosen].tolist(), bodies.ends[chosen].tolist(), strict=True)
        found = [match(data[begin:end]) for begin, end in spans]
        rows = np.array([n for n, m in zip(chosen.tolist(), found, strict=True) if m is not None], np.int64)
        if not len(rows):
            return []
        groups = zip(*[m.groups() for m in found if m is not None], strict=True)
        return [(rows, [from_bytes(column) for column in groups])]


def _piece(part: tuple[str, ...]) -> Piece:
    pattern = part[-1]
    if pattern == ".+":
        return Piece(part[0] == "field", None)
    return Piece(part[0] == "field", f"^(?:{pattern})$", sufficient_classes(pattern))


def _all_of(data: Array, offsets: Array, begin: bytes, table: Array) -> bool:
    """Return whether all values begin with a text and go on with some bytes of a table, at least one."""
    if not (np.diff(offsets) > len(begin)).all():
        return False
    for place, byte in enumerate(begin):
        if not (data[offsets[:-1] + place] == byte).all():
            return False
    # The bytes of the beginnings may be outside of the table: just those are.
    outside = sum(not table[byte] for byte in begin) * (len(offsets) - 1)
    inside = int(np.count_nonzero(table[data[offsets[0] : offsets[-1]]]))
    return inside + outside == int(offsets[-1] - offsets[0])


def holds(data: Array, places: Array, literal: bytes) -> Array:
    """Return at which ascending places of ``data`` a literal stands; a place may leave no room for it."""
    size = len(places)
    width = -(-len(literal) // _WORD) * _WORD
    # Whole words are read, so that the last places are looked at one by one.
    first, last = np.searchsorted(places, (0, len(data) - width + 1))
    good: Array = np.zeros(size, bool)
    if first < last:
        windows: Array = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
        words = windows[places[first:last]].view("<u8").reshape(last - first, width // _WORD)
        wanted, mask = _words_of(literal, width)
        if width == _WORD:
            good[first:last] = (words[:, 0] & mask[0]) == wanted[0]
        else:
            same = words[:, 0] == wanted[0]
            for column in range(1, width // _WORD):
                same &= (words[:, column] & mask[column]) == wanted[column]
            good[first:last] = same
    for row in range(last, size):
        at = int(places[row])
        good[row] = data[at : at + len(literal)].tobytes() == literal
    return good


@cache
def _words_of(literal: bytes, width: int) -> tuple[Array, Array]:
    mask = b"\xff" * len(literal)
    return tuple(np.frombuffer(text.ljust(width, b"\0"), "<u8") for text in (literal, mask))  # type: ignore[return-value]


def find(data: Array, first: int, last: int, literal: bytes) -> Array:
    """Return all positions of a literal in ``data[first:last]``."""
    span = last - first - len(literal) + 1
    if span <= 0:
        return np.zeros(0, np.int64)
    # The literal's rarest bytes are looked for, what stands around them is compared there.
    counts = np.bincount(data[first : first + 4096], minlength=256)
    rarest = sorted(range(len(literal)), key=lambda n: counts[literal[n]])[:2]
    marks = [data[first + n : first + n + span] == literal[n] for n in rarest]
    places = places_of(marks[0] & marks[1] if len(marks) > 1 else marks[0]) + first
    if len(literal) > 2 and len(places):
        places = places[holds(data, places, literal)]
    return places
