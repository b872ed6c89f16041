"""No expression of the grammar takes time that grows with the square of a line, whatever the line holds."""

from __future__ import annotations

import re

import pytest

from tests.conftest import each
from tests.fuzz.material import samples
from trtlog import grammar
from trtlog.engines.line import LineEngine
from trtlog.grammar.regex_tree import names, parse
from trtlog.messages import match
from trtlog.messages.match import LONGEST_BACKTRACKED, Matcher, Rule

RULES = grammar.load()
# All of the grammar, or some of it in a run of the suite.
EACH = pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)])
HEAD = b"[11/22/2026-13:22:03] [V] [TRT] "


def groups(tree, optional=False):
    """Give for each group of an expression its shortest match, and whether it may be left out."""
    for code, value in tree:
        if code is names.SUBPATTERN:
            if value[0] is not None:
                yield value[-1].getwidth()[0], optional
            yield from groups(value[-1], optional)
        elif code in (names.MAX_REPEAT, names.MIN_REPEAT):
            yield from groups(value[2], optional or not value[0])
        elif code is names.BRANCH:
            for branch in value[1]:
                yield from groups(branch, True)


def test_no_group_is_empty_or_left_out():
    """RE2, through Arrow, gives an empty text for a group that takes no part."""
    for variant in each(RULES.variants):
        odd = [group for group in groups(parse(variant.regex)) if not group[0] or group[1]]
        assert odd == [], variant.regex


@EACH
def test_long_bodies_are_read_as_short_ones_are(monkeypatch, step):
    """The same expression in ``re`` and in RE2, on every sample."""
    rules, printed = Matcher(RULES)._rules, samples()[::step]
    found = [[rule.fullmatch(body) for rule in rules if rule._may_match(body)] for body in printed]
    monkeypatch.setattr(match, "LONGEST_BACKTRACKED", 0)
    long = [[rule.match_long(body) for rule in rules if rule._may_match(body)] for body in printed]
    captured = [[None if m is None else m.groups() for m in row] for row in found]
    assert len(captured) > 1000 // step
    assert [[None if m is None else m.groups() for m in row] for row in long] == captured


def test_a_name_of_any_length_and_bytes_that_are_no_text_are_captured():
    name = b"\xff(" + b"n -> m, " * 5000 + b"\x00)"
    body = b"Eliminating slice " + name + b" by retargeting " + name + b" from x to " + name
    found = Matcher(RULES).match(body)
    assert found.groups == (name, name, b"x", name)
    assert re.fullmatch(rb"Eliminating slice (.+) by retargeting (.+) from (.+) to (.+)", body, re.DOTALL) is not None


def attacks(variant, size):
    """Give bodies that hold a rule's literals, in their order, again and again, and do not match, or late."""
    literals = [text for text in variant.literals if text]
    rest = literals[1:] if variant.prefix and literals[:1] == [variant.prefix] else literals
    begin = f"{variant.prefix}a"
    if rest:
        times = size // sum(map(len, rest))
        yield begin + "".join(rest) * times
        yield begin + "".join(f"{text}a" * (size // len(rest) // (len(text) + 1)) for text in rest) + "~" + rest[-1]
        yield begin + "a".join(rest) + "a" + f"{rest[0]}a" * (size // (len(rest[0]) + 1)) + rest[-1]
        yield begin + ("".join(rest[:-1]) + rest[-1][:-1]) * times + rest[-1]
    yield begin + "a1 (" * (size // 4) + "".join(rest)


class Watched:
    """An expression that must not see long texts."""

    def __init__(self, expression):
        self._expression = expression

    def fullmatch(self, body):
        assert len(body) <= LONGEST_BACKTRACKED
        return self._expression.fullmatch(body)


@pytest.fixture
def watched(monkeypatch):
    """Have every expression of a rule complain where it runs on a long text."""

    class Expressions:
        compile = staticmethod(lambda pattern: Watched(re.compile(pattern)))

    matcher = Matcher(RULES)
    monkeypatch.setattr(match, "re", Expressions)
    return matcher


@EACH
def test_nothing_that_backtracks_sees_a_long_body(watched, step):
    """Not by the clock: ``re`` is not given what could take it long; 0.1 MB of each would take it minutes."""
    for variant in each(list(RULES.variants)[::step]):
        for body in each(attacks(variant, 2 * LONGEST_BACKTRACKED)):
            watched.match(body.encode())


@pytest.mark.slow
def test_bodies_made_to_slow_expressions_down_are_read_at_once():
    """20,000 bytes of each: quadratic expressions took a tenth of a second for one, and minutes for 0.5 MB."""
    for variant in each(RULES.variants):
        for body in each(attacks(variant, 20_000)):
            engine = LineEngine(RULES)
            engine.feed(HEAD + body.encode().replace(b"\n", b" ") + b"\n", 1)
            assert sum(lines for lines, _ in engine.finish().counts.values()) == 1


def test_a_rule_may_be_asked_without_a_matcher():
    (variant,) = [v for v in RULES.variants if v.kind == "pattern_found"]
    rule = Rule(0, variant)
    body = b"Found " + b"x to be part of " * 20_000 + b"y pattern."
    assert rule.match_long(body).groups() == (b"x to be part of " * 19_999 + b"x", b"y")
    assert rule.match_long(body + b"a pattern") is None
