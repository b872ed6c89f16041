"""Match many bodies at once against the grammar's rules, in the order in which the matcher tries them.

A body's first eight bytes choose the rules that may match, as in :mod:`trtlog.match`; each is then tried on
all bodies of the group. RE2 says which bodies match; fields are cut at the literals that stand between them,
which is exact where each literal stands in the body once. Other bodies go to ``re``.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog.engines.scan import Array, Scan, words_at
from trtlog.grammar import Variant
from trtlog.match import Matcher, Rule

# Fewer bodies are cheaper in the line engine.
MIN_ROWS = 24
# Rules without a literal beginning that are tried on the rest of a chunk.
_FLOATING_TRIES = 12
_TABLE_BITS = 16
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
_HASH = np.uint64(0x9E3779B97F4A7C15)
# Repeats are looked for in a sample of this size.
_SAMPLE = 512


@dataclass
class Extract:
    """Lines of one variant in a chunk: their rows and one binary array a field."""

    variant: int
    rows: Array
    fields: list[Any]


@dataclass
class Bodies:
    """Some rows of a chunk with their bodies as one contiguous array."""

    rows: Array
    values: pa.Array = field(repr=False)

    def pick(self, mask: Array) -> Bodies:
        """Return the rows for which ``mask`` holds."""
        if mask.all():
            return self
        return Bodies(self.rows[mask], self.values.filter(pa.array(mask)))


def slices(buffer: Any, starts: Array, ends: Array) -> pa.Array:
    """Copy ascending, disjoint slices of a buffer into one binary array."""
    size = len(starts)
    if not size:
        return pa.array([], pa.binary())
    # Slices and the gaps between them are one array without a copy; every second value is wanted.
    offsets = np.empty(2 * size + 1, np.int32)
    offsets[0:-1:2] = starts
    offsets[1::2] = ends
    offsets[-1] = ends[-1]
    both = pa.Array.from_buffers(pa.binary(), 2 * size, [None, pa.py_buffer(offsets), buffer])
    return both.take(pa.array(np.arange(0, 2 * size, 2, dtype=np.int32)))


def offsets_of(values: pa.Array) -> Array:
    """Return the offsets of a binary array's values."""
    whole = np.frombuffer(values.buffers()[1], np.int32)
    out: Array = whole[values.offset : values.offset + len(values) + 1]
    return out


def as_bytes(values: pa.Array) -> Array:
    """Return the bytes that a binary array's offsets count in."""
    data = values.buffers()[2]
    return np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)


class BulkRule:
    """One variant: which bodies match it, and their fields."""

    def __init__(self, index: int, variant: Variant) -> None:
        self.index = index
        self.prefix = variant.prefix.encode()
        self.fields = variant.fields
        self._expression = variant.regex.encode()
        # The expression as RE2 takes it for bytes: each byte one character.
        pieces = [_escape(p[1]) if p[0] == "text" else f"(?:{p[-1]})" for p in variant.parts]
        self.pattern = f"^{''.join(pieces)}$"
        self._cut = _Cut.of(variant)

    def matches(self, values: pa.Array) -> Array:
        """Return which bodies match."""
        return np.asarray(pc.match_substring_regex(values, self.pattern), bool)

    def extract(self, bodies: Bodies) -> list[Extract]:
        """Return the fields of bodies that match: nearly always in one piece, in two where some are cut by ``re``."""
        size = len(bodies.rows)
        if not self.fields:
            return [Extract(self.index, bodies.rows, [])]
        if self._cut is None:
            return [self._by_expression(bodies)]
        clear, arrays = self._cut.apply(bodies.values)
        if clear is None:
            return [Extract(self.index, bodies.rows, arrays)]
        out = []
        if clear.any():
            again, arrays = self._cut.apply(bodies.values.filter(pa.array(clear)))
            if again is not None:
                return [self._by_expression(bodies)]
            out.append(Extract(self.index, bodies.rows[clear], arrays))
        if int(clear.sum()) < size:
            out.append(self._by_expression(bodies.pick(~clear)))
        return out

    def _by_expression(self, bodies: Bodies) -> Extract:
        match = re.compile(self._expression).fullmatch
        groups = [match(body).groups() for body in bodies.values.to_pylist()]  # type: ignore[union-attr]
        return Extract(self.index, bodies.rows, [pa.array(c, pa.binary()) for c in zip(*groups, strict=True)])


class _Cut:
    """Cuts fields at the literals between them."""

    def __init__(self, prefix: bytes, suffix: bytes, inner: list[bytes], kept: list[bool]) -> None:
        self._prefix = len(prefix)
        self._suffix = len(suffix)
        self._inner = inner
        self._kept = kept

    @classmethod
    def of(cls, variant: Variant) -> _Cut | None:
        """Return how to cut a variant, or None where literals do not tell its fields apart."""
        parts = list(variant.parts)
        prefix = parts.pop(0)[1].encode() if parts[0][0] == "text" else b""
        suffix = parts.pop()[1].encode() if parts and parts[-1][0] == "text" else b""
        if len(parts) % 2 == 0 or any((p[0] == "text") != (n % 2 == 1) for n, p in enumerate(parts)):
            return None
        inner = [p[1].encode() for p in parts[1::2]]
        around = [prefix, suffix, *inner]
        for number, literal in enumerate(inner):
            if any(literal in other for n, other in enumerate(around) if n != number + 2):
                return None
        return cls(prefix, suffix, inner, [p[0] == "field" for p in parts[::2]])

    def apply(self, values: pa.Array) -> tuple[Array | None, list[Any]]:
        """Return the fields; or which bodies hold each literal once, where not all do."""
        offsets = offsets_of(values)
        data = as_bytes(values)
        begins, finals = offsets[:-1] + self._prefix, offsets[1:] - self._suffix
        places = [_find(data, int(offsets[0]), int(offsets[-1]), literal) for literal in self._inner]
        size = len(values)
        if any(len(p) != size or not np.all((p >= offsets[:-1]) & (p < offsets[1:])) for p in places):
            clear = np.ones(size, bool)
            for found in places:
                row = np.searchsorted(offsets, found, side="right") - 1
                clear &= np.bincount(row, minlength=size) == 1
            return clear, []
        buffer = values.buffers()[2]
        out = []
        for number, kept in enumerate(self._kept):
            if kept:
                start = begins if number == 0 else places[number - 1] + len(self._inner[number - 1])
                end = places[number] if number < len(places) else finals
                out.append(slices(buffer, start, end))
        return None, out


def _find(data: Array, first: int, last: int, literal: bytes) -> Array:
    """Return all positions of a literal in ``data[first:last]``."""
    span = last - first - len(literal) + 1
    if span <= 0:
        return np.zeros(0, np.int64)
    head = literal[:4]
    mask = data[first : first + span] == head[0]
    for shift, byte in enumerate(head[1:], 1):
        mask &= data[first + shift : first + shift + span] == byte
    places = np.flatnonzero(mask) + first
    for shift, byte in enumerate(literal[4:], 4):
        places = places[data[places + shift] == byte]
    return places


class BulkMatcher:
    """Finds the kind and the fields of the bodies of a chunk; safe to use from several threads."""

    def __init__(self, matcher: Matcher, excluded: frozenset[int], min_rows: int = MIN_ROWS) -> None:
        self.matcher = matcher
        self._min_rows = max(1, min_rows)
        self._rules: dict[int, BulkRule] = {}
        self._excluded = excluded
        self._floating = list(matcher.plain.floating)
        self._before: dict[int, str | None] = {}
        self._groups: list[tuple[Rule, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._spilled: dict[bytes, int] = {}
        # Hash table from the first eight bytes to the group; a slot is written once, the group before the key.
        self._slot_group = np.full(1 << _TABLE_BITS, -1, np.int32)
        self._slot_key = np.zeros(1 << _TABLE_BITS, np.uint64)
        self._lock = threading.Lock()

    def rule(self, index: int) -> BulkRule:
        """Return the rule of a variant."""
        rule = self._rules.get(index)
        if rule is None:
            rule = self._rules[index] = BulkRule(index, self.matcher.variants[index])
        return rule

    def match(self, scan: Scan) -> list[Extract]:
        """Return what was found; lines that belong to no extract are left to the line engine."""
        rows = np.flatnonzero(scan.header >= 0)
        if len(rows) < self._min_rows:
            return []
        begins, ends = scan.bodies[rows], scan.ends[rows]
        inside = begins + 8 <= len(scan.data)
        rows, begins, ends = rows[inside], begins[inside], ends[inside]
        lengths = np.minimum(ends - begins, 8)
        groups = self._group_of(words_at(scan.data, begins) & _MASKS[lengths], lengths)
        order = np.argsort(groups, kind="stable")
        ordered = groups[order]
        cuts = np.flatnonzero(np.diff(ordered)) + 1
        buffer = pa.py_buffer(scan.data)
        out: list[Extract] = []
        rest: list[Array] = []
        for part in np.split(order, cuts):
            group = int(groups[part[0]])
            left: Array = rows[part]
            if group and len(part) >= self._min_rows:
                bodies = Bodies(left, slices(buffer, begins[part], ends[part]))
                left = self._match_group(self._groups[group], bodies, out).rows
            elif group:
                continue
            rest.append(left)
        if rest:
            left = np.sort(np.concatenate(rest))
            if len(left) >= self._min_rows:
                bodies = Bodies(left, slices(buffer, scan.bodies[left], scan.ends[left]))
                self._match_floating(bodies, out)
        return [e for e in out if e.variant not in self._excluded]

    def _group_of(self, keys: Array, lengths: Array) -> Array:
        """Return the number of the group of rules for each key."""
        slots = ((keys * _HASH) >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)
        known = self._slot_key[slots] == keys
        groups: Array = self._slot_group[slots]
        # The zero key needs no special care: its slot's group is -1 until it is written.
        missing = np.flatnonzero(~known | (groups < 0))
        if len(missing):
            distinct, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
            found = np.empty(len(distinct), np.int32)
            with self._lock:
                for number, (key, row) in enumerate(zip(distinct.tolist(), missing[first].tolist(), strict=True)):
                    found[number] = self._learn(key, int(lengths[row]), int(slots[row]))
            groups[missing] = found[inverse]
        return groups

    def _learn(self, key: int, length: int, slot: int) -> int:
        body = key.to_bytes(8, "little")[:length]
        group = self._spilled.get(body)
        if group is None:
            rules = self.matcher.plain.candidates(body)
            name = tuple(r.index for r in rules)
            group = self._numbers.get(name)
            if group is None:
                group = self._numbers[name] = len(self._groups)
                self._groups.append(tuple(rules))
            if self._slot_group[slot] < 0:
                self._slot_group[slot] = group
                self._slot_key[slot] = key
            elif len(self._spilled) < 1 << _TABLE_BITS:
                self._spilled[body] = group
        return group

    def _match_group(self, rules: tuple[Rule, ...], bodies: Bodies, out: list[Extract]) -> Bodies:
        """Try rules in order; return the bodies that none matches."""
        for rule in rules:
            if not len(bodies.rows):
                break
            here = bodies
            if len(rules) > 1:
                begins = np.asarray(pc.starts_with(bodies.values, rule.prefix))
                if not begins.any():
                    continue
                here = bodies.pick(begins)
            matched = self._take(self.rule(rule.index), here, out)
            if matched.any():
                left = np.ones(len(bodies.rows), bool)
                left[np.searchsorted(bodies.rows, here.rows[matched])] = False
                bodies = bodies.pick(left)
        return bodies

    def _take(self, rule: BulkRule, bodies: Bodies, out: list[Extract]) -> Array:
        """Match and extract one rule; return which bodies matched."""
        values = bodies.values
        size = len(values)
        if size > 2 * _SAMPLE and rule.fields:
            sample = values.slice(size // 2, _SAMPLE).dictionary_encode()
            if len(sample.dictionary) < _SAMPLE // 2:
                return self._take_repeated(rule, bodies, out)
        matched = rule.matches(values)
        if matched.any():
            out.extend(rule.extract(bodies.pick(matched)))
        return matched

    def _take_repeated(self, rule: BulkRule, bodies: Bodies, out: list[Extract]) -> Array:
        """Match and extract distinct bodies only."""
        encoded = bodies.values.dictionary_encode()
        codes = encoded.indices.to_numpy()
        distinct = encoded.dictionary
        matches = rule.matches(distinct)
        matched: Array = matches[codes]
        pieces = rule.extract(Bodies(np.flatnonzero(matches), distinct.filter(pa.array(matches))))
        for piece in pieces:
            place = np.full(len(distinct), -1, np.int64)
            place[piece.rows] = np.arange(len(piece.rows))
            held = place[codes]
            wanted = held >= 0
            taken = pa.array(held[wanted])
            out.append(Extract(piece.variant, bodies.rows[wanted], [f.take(taken) for f in piece.fields]))
        return matched

    def _match_floating(self, bodies: Bodies, out: list[Extract]) -> None:
        """Try the rules without a literal beginning that the first unmatched bodies point to."""
        tried: set[int] = set()
        for _ in range(_FLOATING_TRIES):
            size = len(bodies.rows)
            if size < self._min_rows:
                return
            rule = self._guess(bodies, tried)
            if rule is None:
                return
            tried.add(rule.index)
            here = bodies.pick(self.rule(rule.index).matches(bodies.values))
            before = self._rules_before(rule)
            if before is not None and len(here.rows):
                here = here.pick(~np.asarray(pc.match_substring_regex(here.values, before)))
            if not len(here.rows):
                continue
            out.extend(self.rule(rule.index).extract(here))
            left = np.ones(size, bool)
            left[np.searchsorted(bodies.rows, here.rows)] = False
            bodies = bodies.pick(left)

    def _guess(self, bodies: Bodies, tried: set[int]) -> Rule | None:
        """Return a rule that some of the bodies match, from a look at a few of them."""
        size = len(bodies.rows)
        for position in sorted({0, size // 3, size // 2, (2 * size) // 3, size - 1}):
            body = bodies.values[position].as_py()
            for rule in self._floating:
                if rule.anchor in body and body.endswith(rule.suffix) and rule.fullmatch(body):
                    if rule.index not in tried:
                        return rule
                    break
        return None

    def match_any(self, rules: tuple[int, ...], scan: Scan, rows: Array) -> Array:
        """Return which rows match one of some rules."""
        values = slices(pa.py_buffer(scan.data), scan.bodies[rows], scan.ends[rows])
        pattern = "|".join(self.rule(index).pattern for index in rules)
        return np.asarray(pc.match_substring_regex(values, pattern), bool)

    def _rules_before(self, rule: Rule) -> str | None:
        """Return an expression that every body holds which a rule tried before ``rule`` may match."""
        if rule.index not in self._before:
            own = "x".join(self.matcher.variants[rule.index].literals)
            parts = []
            for other in self._floating:
                if other is rule:
                    break
                held = ".*".join(_escape(text) for text in self.matcher.variants[other.index].literals)
                # Literals that the rule's own bodies always hold tell nothing: the whole expression does.
                parts.append(self.rule(other.index).pattern if re.search(held, own) else held)
            self._before[rule.index] = "|".join(parts) or None
        return self._before[rule.index]


def _escape(literal: str) -> str:
    return re.sub(r"([][\\.^$*+?{}|()])", r"\\\1", literal)
