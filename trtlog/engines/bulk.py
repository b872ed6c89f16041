"""Match many bodies at once against the grammar's rules, in the order in which the matcher tries them.

A body's first eight bytes choose the rules that may match, as in :mod:`trtlog.messages.match`; each is then tried on
all bodies of the group at once (:mod:`trtlog.engines.cut`). Where bodies repeat, as those that name formats
do, only distinct ones are tried. Rules without a literal beginning come last, on what no other rule matched.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import distinct, from_numpy, to_numpy
from trtlog.engines.bare import BareRules
from trtlog.engines.cut import Bodies, BulkRule, is_repeated, slices
from trtlog.engines.guard import Guard
from trtlog.engines.scan import Array, Scan, words_at
from trtlog.messages.match import Matcher, Rule

# Fewer bodies alike are cheaper one by one.
MIN_ROWS = 160
# Longer ones are left to the line engine: most are of no known kind, and a look at them is dear.
_LONG = 400
# Rules without a literal beginning are sought with so many looks at what is left of a chunk, so many times.
_LOOKS = 32
_ROUNDS = 2
# So many bodies are looked at one by one.
_FEW = 48
_TABLE_BITS = 16
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)
_HASH = np.uint64(0x9E3779B97F4A7C15)

# Positions of bodies, the variant that matched them, their fields.
Found = tuple[Array, int, list[Any]]


@dataclass
class Extract:
    """Lines of one variant in a chunk: their rows and one array a field, binary or a dictionary of binary."""

    variant: int
    rows: Array
    fields: list[Any]


@dataclass
class SingleMatches:
    """Lines of one variant in a chunk that were read one by one: their rows, and what each captures."""

    variant: int
    rows: list[int]
    groups: list[tuple[bytes | None, ...]]


class BulkMatcher:
    """Finds the kind and the fields of the bodies of a chunk."""

    def __init__(
        self, matcher: Matcher, excluded: frozenset[int], bare: BareRules, min_rows: int = MIN_ROWS
    ) -> None:
        self.matcher = matcher
        self._bare = bare
        self._min_rows = max(1, min_rows)
        self._rules: dict[int, BulkRule] = {}
        self._excluded = excluded
        self._floating = list(matcher.plain.floating)
        self._guards: dict[int, Guard] = {}
        self._usual: list[Rule] = []  # rules without a literal beginning that the last chunk held
        self._groups: list[tuple[Rule, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._spilled: dict[bytes, int] = {}
        # Hash table from the first eight bytes to the group; a slot is written once.
        self._slot_group = np.full(1 << _TABLE_BITS, -1, np.int32)
        self._slot_key = np.zeros(1 << _TABLE_BITS, np.uint64)

    def rule(self, index: int) -> BulkRule:
        """Return the rule of a variant."""
        rule = self._rules.get(index)
        if rule is None:
            rule = self._rules[index] = BulkRule(index, self.matcher.variants[index])
        return rule

    def match(self, scan: Scan) -> tuple[list[Extract], list[SingleMatches]]:
        """Return what was found; lines that belong to nothing of it are left to the line engine."""
        rows = np.flatnonzero(scan.header >= 0)
        begins, ends = scan.bodies[rows], scan.ends[rows]
        inside = begins + 8 <= len(scan.data)
        if not inside.all():
            rows, begins, ends = rows[inside], begins[inside], ends[inside]
        out, left = self._match_bodies(scan, rows, begins, ends) if len(rows) else ([], rows)
        few = self._one_by_one(scan.data, rows[left], begins[left], ends[left])
        return self._match_bare(scan) + [e for e in out if e.variant not in self._excluded], few

    def _match_bare(self, scan: Scan) -> list[Extract]:
        out = []
        for variant, rows in self._bare.rows(scan):
            if len(rows) >= min(self._min_rows, _FEW):
                lines = Bodies.of(slices(pa.py_buffer(scan.data), scan.starts[rows], scan.ends[rows]))
                out += [Extract(variant, rows[places], fields) for places, fields in self.rule(variant).match(lines)]
        return out

    def _match_bodies(self, scan: Scan, rows: Array, begins: Array, ends: Array) -> tuple[list[Extract], Array]:
        """Return what was found in many bodies alike, and the positions of the other bodies."""
        lengths = np.minimum(ends - begins, 8)
        groups = self._group_of(words_at(scan.data, begins) & _MASKS[lengths], lengths)
        order = np.argsort(groups.astype(np.uint16) if len(self._groups) < 1 << 16 else groups, kind="stable")
        ordered = groups[order]
        cuts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(order)]
        buffer = pa.py_buffer(scan.data)
        out: list[Extract] = []
        rest: list[Array] = []
        few: list[Array] = []
        for first, last in itertools.pairwise(cuts):
            part = order[first:last]
            group = int(ordered[first])
            if group:
                if len(part) < self._min_rows:
                    few.append(part)
                    continue
                found, left = self._try_all(self._groups[group], slices(buffer, begins[part], ends[part]))
                here = rows[part]
                out.extend(Extract(variant, here[places], fields) for places, variant, fields in found)
                part = part[left]
            rest.append(part)
        left = np.sort(np.concatenate(rest)) if rest else np.zeros(0, np.int64)
        if len(left) >= self._min_rows:
            here = rows[left]
            floating, unmatched = self._match_floating(Bodies.of(slices(buffer, begins[left], ends[left])))
            out.extend(Extract(variant, here[places], fields) for places, variant, fields in floating)
            left = left[unmatched]
        return out, np.sort(np.concatenate([*few, left]))

    def _one_by_one(self, data: bytes, rows: Array, begins: Array, ends: Array) -> list[SingleMatches]:
        """Look bodies up as the line engine does."""
        recall = self.matcher.plain.recall
        found: dict[int, SingleMatches] = {}
        short = ends - begins <= _LONG
        if not short.all():
            rows, begins, ends = rows[short], begins[short], ends[short]
        for row, begin, end in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True):
            match = recall(data[begin:end])
            if match is not None:
                variant, groups = match
                held = found.get(variant)
                if held is None:
                    found[variant] = SingleMatches(variant, [row], [groups])
                else:
                    held.rows.append(row)
                    held.groups.append(groups)
        return [few for few in found.values() if few.variant not in self._excluded]

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

    def _try_all(self, rules: tuple[Rule, ...], values: pa.Array) -> tuple[list[Found], Array]:
        """Try rules in order; return what matched, and which bodies none matches."""
        if not is_repeated(values):
            found, left = self._try_each(rules, Bodies.of(values))
            mask = np.zeros(len(values), bool)
            mask[left] = True
            return found, mask
        encoded = values.dictionary_encode()
        codes = to_numpy(encoded.indices)
        distinct = encoded.dictionary
        found, left = self._try_each(rules, Bodies.of(distinct))
        mask = np.zeros(len(distinct), bool)
        mask[left] = True
        return [_spread(piece, codes, len(distinct)) for piece in found], mask[codes]

    def _try_each(self, rules: tuple[Rule, ...], bodies: Bodies) -> tuple[list[Found], Array]:
        out: list[Found] = []
        left = np.arange(len(bodies))
        for rule in rules:
            if not len(left):
                break
            matched = []
            for places, fields in self.rule(rule.index).match(bodies):
                out.append((left[places], rule.index, fields))
                matched.append(left[places])
            if matched:
                remaining = _without(left, matched)
                if len(remaining):
                    bodies = bodies.pick(np.searchsorted(left, remaining))
                left = remaining
        return out, left

    def _match_floating(self, bodies: Bodies) -> tuple[list[Found], Array]:
        """Try the rules without a literal beginning that the chunk before held, then those that a sample points to.

        Returns what was found, and the positions of what is left.
        """
        out: list[Found] = []
        tried: set[int] = set()
        counts: dict[Rule, int] = {}
        left = np.arange(len(bodies))
        for turn in range(1 + _ROUNDS):
            before = len(left)
            for rule in self._sampled(bodies, tried) if turn else self._usual:
                tried.add(rule.index)
                matched = []
                for places, fields in self.rule(rule.index).match(bodies):
                    clear = self._is_first(rule, bodies, places, fields)
                    if clear is not None:
                        places = places[clear]
                        fields = [f.filter(from_numpy(clear)) for f in fields]
                    if len(places):
                        out.append((left[places], rule.index, fields))
                        matched.append(left[places])
                if not matched:
                    continue
                remaining = _without(left, matched)
                counts[rule] = len(left) - len(remaining)
                left, bodies = remaining, bodies.pick(np.searchsorted(left, remaining))
                if len(left) < self._min_rows:
                    break
            if len(left) < self._min_rows or (turn and len(left) == before):
                break
        # A hint only: what is found does not depend on it.
        self._usual = [rule for rule in sorted(counts, key=lambda r: -counts[r]) if counts[rule] >= self._min_rows]
        return out, left

    def _sampled(self, bodies: Bodies, tried: set[int]) -> list[Rule]:
        """Return the rules that match many of the bodies, from a look at a few of them; the commonest first."""
        votes: dict[int, tuple[int, Rule]] = {}
        for position in distinct(np.linspace(0, len(bodies) - 1, _LOOKS).astype(int)).tolist():
            rule = self.matcher.plain.first_floating(bodies.body(position))
            if rule is not None and rule.index not in tried:
                votes[rule.index] = (votes.get(rule.index, (0, rule))[0] + 1, rule)
        enough = self._min_rows * _LOOKS / len(bodies)
        commonest = sorted(votes.values(), key=lambda vote: (-vote[0], vote[1].index))
        return [rule for count, rule in commonest if count >= enough]

    def _is_first(self, rule: Rule, bodies: Bodies, places: Array, fields: list[Any]) -> Array | None:
        """Return which of the bodies that a rule matches no rule before it matches; None for all."""
        if len(places) > _FEW:
            return self._guard(rule).passes(bodies, places, fields)
        first = self.matcher.plain.first_floating
        clear = np.array([first(bodies.body(place)) is rule for place in places.tolist()], bool)
        return None if clear.all() else clear

    def _guard(self, rule: Rule) -> Guard:
        guard = self._guards.get(rule.index)
        if guard is None:
            before = self._floating[: self._floating.index(rule)]
            variants = self.matcher.variants
            guard = Guard(variants[rule.index], [variants[other.index] for other in before])
            self._guards[rule.index] = guard
        return guard

    def match_any(self, rules: tuple[int, ...], scan: Scan, rows: Array) -> Array:
        """Return which rows match one of some rules."""
        values = slices(pa.py_buffer(scan.data), scan.bodies[rows], scan.ends[rows])
        pattern = "|".join(self.rule(index).pattern for index in rules)
        return to_numpy(pc.match_substring_regex(values, pattern))


def _without(left: Array, matched: list[Array]) -> Array:
    gone = np.zeros(int(left[-1]) + 1, bool)
    for places in matched:
        gone[places] = True
    return left[~gone[left]]


def _spread(found: Found, codes: Array, size: int) -> Found:
    """Return for all bodies what was found for the distinct ones: the fields become dictionaries."""
    places, variant, fields = found
    of_distinct = np.full(size, -1, np.int32)
    of_distinct[places] = np.arange(len(places), dtype=np.int32)
    held = of_distinct[codes]
    everywhere = np.flatnonzero(held >= 0)
    held = held[everywhere]
    spread = []
    for values in fields:
        encoded = values if isinstance(values, pa.DictionaryArray) else values.dictionary_encode()
        indices = from_numpy(to_numpy(encoded.indices)[held])
        spread.append(pa.DictionaryArray.from_arrays(indices, encoded.dictionary))
    return everywhere, variant, spread
