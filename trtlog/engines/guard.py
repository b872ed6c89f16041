"""Tell that no rule of higher precedence can match a body, from the words of its fields.

Rules without a literal beginning are tried in a fixed order. When many bodies were matched by one of them at
once, the rules before it must be excluded: each holds a word, between spaces, that must stand in any body
that it matches. Where that word is in none of the fields, and not in the literals of the rule itself, it is
in none of the bodies. Only rules without such a word are tried with their expression.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import to_numpy
from trtlog.engines.cut import Bodies
from trtlog.engines.scan import Array
from trtlog.grammar import Variant, escape, expression_of

# So many rules are tried with their whole expression.
_FEW = 24


class Guard:
    """Excludes the rules that are tried before one rule.

    Examples
    --------
    >>> from trtlog.grammar import Variant
    >>> rule = Variant("a", "", (("field", "x", ".+"), ("text", " is "), ("field", "y", ".+")))
    >>> other = Variant("b", "", (("field", "x", ".+"), ("text", " is not "), ("field", "y", ".+")))
    >>> values = pa.array([b"it is so", b"it is not so"])
    >>> fields = [pa.array([b"it", b"it"]), pa.array([b"so", b"not so"])]
    >>> Guard(rule, [other]).passes(Bodies.of(values), np.arange(2), fields).tolist()
    [True, False]
    """

    def __init__(self, rule: Variant, before: list[Variant]) -> None:
        literals = [text.encode() for text in rule.literals]
        self._words: set[bytes] = set()
        # Pieces that are matched and not kept are not seen among the fields.
        seen = all(part[0] != "skip" for part in rule.parts)
        own = {word for text in literals for word in text.split(b" ")}
        # A word that a field and a literal share begins or ends with the literal's edge.
        starts = tuple(text.split(b" ")[-1] for text in literals if not text.endswith(b" "))
        ends = tuple(text.split(b" ")[0] for text in literals if not text.startswith(b" "))
        always: list[Variant] = []
        # How the first field must look for rules that hold the first literal with more before it.
        self._heads: dict[bytes, re.Pattern[bytes]] = {}
        for other in before:
            word = next((w for w in _whole_words(other) if w not in own), None)
            if seen and word is not None and not word.startswith(starts) and not word.endswith(ends):
                self._words.add(word)
            elif seen and (longer := _extends(rule, other)) is not None:
                end, expression, word = longer
                self._words.add(word)
                held = self._heads[end].pattern + b"|" if end in self._heads else b""
                self._heads[end] = re.compile(held + expression)
            else:
                always.append(other)
        self._pattern = _any_of(always, rule)

    def passes(self, bodies: Bodies, places: Array, fields: list[Any]) -> Array | None:
        """Return which of the bodies at ``places`` no rule before can match; None for all."""
        clear: Array | None = None
        for number, values in enumerate(fields):
            encoded = isinstance(values, pa.DictionaryArray)
            texts = (values.dictionary if encoded else values).to_pylist()
            good = np.ones(len(texts), bool)
            if not self._words.isdisjoint(b" ".join(texts).split(b" ")):
                good &= [self._words.isdisjoint(text.split(b" ")) for text in texts]
            if number == 0:
                for end, expression in self._heads.items():
                    good &= [not text.endswith(end) or not expression.fullmatch(text) for text in texts]
            if good.all():
                continue
            if encoded:
                good = good[to_numpy(values.indices)]
            clear = good if clear is None else clear & good
        if self._pattern is not None:
            chosen = bodies if len(places) == len(bodies) else bodies.pick(places)
            good = ~to_numpy(pc.match_substring_regex(chosen.bodies(), self._pattern))
            if not good.all():
                clear = good if clear is None else clear & good
        return clear


def _extends(rule: Variant, other: Variant) -> tuple[bytes, bytes, bytes] | None:
    """Return how a body of ``rule`` that ``other`` matches too must look, where ``other`` has a longer literal.

    Returns how the first field must end, an expression that it must match, and a word: where the field does
    not match, the word must stand inside a field. None where that cannot be told.
    """
    if len(rule.parts) < 2 or rule.parts[0][0] != "field":
        return None
    text = rule.parts[1][1]
    words = [word for literal in rule.literals for word in literal.split(" ")]
    inner = [w for w in text.split(" ")[1:-1] if w and words.count(w) == 1]
    if not inner or not text.startswith(" ") or not text.endswith(" "):
        return None
    for place, part in enumerate(other.parts):
        head, found, _ = part[1].partition(text) if part[0] == "text" else ("", "", "")
        if found and head and part[1].split(" ").count(inner[0]) == 1:
            expression = expression_of(other.parts[:place]) + escape(head)
            return head.encode(), expression.encode(), inner[0].encode()
    return None


@cache
def _whole_words(variant: Variant) -> list[bytes]:
    """Return the words that stand between spaces, or at an end, in every body of a variant; longest first."""
    words: list[bytes] = []
    last = len(variant.parts) - 1
    for number, part in enumerate(variant.parts):
        if part[0] != "text":
            continue
        inner = part[1].encode().split(b" ")
        # The first and the last word of a literal may go on in the field beside it.
        words += inner[0 if number == 0 else 1 : len(inner) if number == last else -1]
    return sorted({w for w in words if w}, key=lambda w: (-len(w), w))


def _any_of(variants: list[Variant], rule: Variant) -> str | None:
    """Return an expression that every body holds which one of some variants may match."""
    own = "x".join(rule.literals)
    parts = []
    for other in variants:
        held = ".*".join(escape(text) for text in other.literals)
        # Literals that the rule's own bodies always hold tell nothing: the whole expression does. Many
        # whole expressions at once are slow.
        whole = len(variants) <= _FEW or re.search(held, own)
        parts.append(f"^(?:{other.regex})$" if whole else held)
    return "|".join(parts) or None
