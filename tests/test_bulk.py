"""Rules tried on many bodies at once say what ``re`` says of each: which match, and what is captured."""

from __future__ import annotations

import random
import re

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import each
from trtlog import grammar
from trtlog.engines.alphabet import alphabet, sufficient_classes
from trtlog.engines.bare import BareRules
from trtlog.engines.bulk import BulkMatcher
from trtlog.engines.cut import Bodies, BulkRule
from trtlog.grammar import compiler
from trtlog.messages.classify import Classifier
from trtlog.messages.match import Matcher

RULES = grammar.load()
MATCHER = Matcher(RULES)
FOLDER = grammar.grammar_dir()
SAMPLES = [
    sample.encode()
    for message in compiler.compile_files(
        grammar.field_files(FOLDER), sorted((FOLDER / "messages").glob("*.lark"))
    ).values()
    for sample in message.samples
]
PATTERNS = sorted({p[-1] for v in MATCHER.variants for p in v.parts if p[0] != "text"})


def bodies_for(index: int, chance: random.Random, size: int = 60) -> list[bytes]:
    """Return bodies that a rule may match: made of its literals and of pieces of samples, literals among them."""
    variant = MATCHER.variants[index]
    fitting = [s for s in SAMPLES if re.fullmatch(variant.regex.encode(), s)]
    words = [w for s in chance.sample(SAMPLES, 20) for w in s.split(b" ")] + [t.encode() for t in variant.literals]
    out = list(fitting)
    while len(out) < size:
        pieces = []
        for part in variant.parts:
            if part[0] == "text":
                pieces.append(part[1].encode())
            elif chance.random() < 0.6 and fitting:
                groups = [g for g in re.fullmatch(variant.regex.encode(), chance.choice(fitting)).groups() if g]
                pieces.append(chance.choice(groups or [b"x"]))
            else:
                pieces.append(chance.choice([b" ", b""]).join(chance.choices(words, k=chance.randint(1, 4))))
        out.append(b"".join(pieces))
    return [b for b in out if b.startswith(variant.prefix.encode()[:8])]


@pytest.mark.parametrize("first", range(0, len(MATCHER.variants), 100))
def test_a_rule_matches_what_its_expression_matches(first):
    chance = random.Random(first)
    for index in each(range(first, min(first + 100, len(MATCHER.variants)))):
        bodies = bodies_for(index, chance)
        found = {}
        for places, fields in BulkRule(index, MATCHER.variants[index]).match(Bodies.of(pa.array(bodies, pa.binary()))):
            for row, place in enumerate(places.tolist()):
                found[place] = tuple(field[row].as_py() for field in fields)
        match = re.compile(MATCHER.variants[index].regex.encode()).fullmatch
        expected = {n: m.groups() for n, m in enumerate(map(match, bodies)) if m is not None}
        assert found == expected, MATCHER.variants[index]


def test_rules_without_a_literal_beginning_keep_their_order():
    """What is matched at once is matched by the rule that comes first; what is doubtful is left."""
    chance = random.Random(0)
    floating = MATCHER.plain.floating
    bulk = BulkMatcher(MATCHER, frozenset(), BareRules(RULES, MATCHER, Classifier(RULES, MATCHER)), min_rows=1)
    taken = 0
    for _ in range(40):
        bodies = [b for rule in chance.sample(floating, 6) for b in bodies_for(rule.index, chance, 80)]
        bodies = [b for b in bodies if b and not MATCHER.plain.candidates(b[:8])]
        found, left = bulk._match_floating(Bodies.of(pa.array(bodies, pa.binary())))
        accounted = [*left.tolist(), *(place for places, _, _ in found for place in places.tolist())]
        assert sorted(accounted) == [*range(len(bodies))]
        for places, variant, fields in each(found):
            for row, place in each(enumerate(places.tolist())):
                expected = MATCHER.match(bodies[place])
                assert (variant, tuple(f[row].as_py() for f in fields)) == tuple(expected), bodies[place]
                taken += 1
    assert taken > 1000


@pytest.mark.parametrize("pattern", PATTERNS)
def test_alphabets(pattern):
    """No byte of a match is missing in the alphabet; of a sufficient class every text matches."""
    match = re.compile(pattern.encode()).fullmatch
    letters = set(np.flatnonzero(alphabet(pattern)).tolist())
    for sample in each(SAMPLES):
        for found in each(re.finditer(pattern.encode(), sample)):
            assert set(found[0]) <= letters
    for begin, enough in each(sufficient_classes(pattern)):
        chance = random.Random(pattern)
        alone = np.flatnonzero(enough).tolist()
        for size in (1, 2, 7):
            for _ in range(20):
                assert match(begin + (bytes(b for b in chance.choices(alone, k=size) if b != 10) or bytes(alone[-1:])))
