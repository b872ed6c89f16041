"""What is read off an expression about the beginning of its matches never excludes a match."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import each
from trtlog import grammar
from trtlog.grammar.beginnings import begins, needs
from trtlog.messages.match import Rule

RULES = grammar.load()
TOLD = [v for rules in (RULES.headers, RULES.messages) for m in rules.values() for v in m.variants if v.begins]


def passes(variant, text):
    first = text[:8].decode("latin-1")
    return variant.may_begin(first) and variant.needs.encode("latin-1") in text


def test_headers_and_rules_without_a_literal_beginning_are_told():
    told = {id(v) for v in TOLD}
    assert all(id(v) in told for m in each(RULES.headers.values()) for v in m.variants)
    assert {id(v) for v in RULES.variants} & told == {id(v) for v in RULES.variants if not v.prefix}


@pytest.mark.parametrize("variant", TOLD, ids=lambda v: f"{v.kind}-{v.wording}")
@settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_an_expression_matches_passes(variant, data):
    text = data.draw(st.from_regex(re.compile(variant.regex.encode()), fullmatch=True))
    assert passes(variant, text)
    if re.fullmatch(variant.regex.encode(), text):  # a field may not hold a line end
        assert Rule(0, variant).fullmatch(text) is not None


@pytest.mark.parametrize(
    ("pattern", "first", "needed"),
    [
        ("[0-9]{2}x", ("09", "09", "xx", "\0\xff"), "x"),
        ("(?:ab)*c", ("aacc", "\0\xff", "\0\xff", "\0\xff"), "c"),
        ("(?:ab){0,2}cd", ("aacc", "bbdd", "\0\xff", "\0\xff"), "cd"),
        ("[^a]b?", ("\0`b\xff", "\0\xff", "\0\xff", "\0\xff"), ""),
        ("(?i:a)bc", ("\0\xff", "\0\xff", "\0\xff", "\0\xff"), "bc"),
        ("é", ("ÃÃ", "©©", "\0\xff", "\0\xff"), "Ã©"),  # two bytes
        ("abcd(?:e|f)", ("aa", "bb", "cc", "dd"), "abcd"),
    ],
)
def test_beginnings(pattern, first, needed):
    assert begins(pattern) == first
    assert needs(pattern) == needed


def test_a_rule_is_refused_without_its_expression_and_not_for_ever():
    variant = grammar.Variant("a", "plain", (("text", "Time: "), ("field", "time_ms", "[0-9]+"), ("text", " ms")))
    rule = Rule(0, variant)
    for _ in range(200):
        assert rule.fullmatch(b"Time: 12 s") is None
        assert rule.fullmatch(b"Time: x ms") is None
    assert rule.fullmatch(b"Time: 12 ms").groups() == (b"12",)
    whole = Rule(1, grammar.Variant("b", "plain", (("text", "Done."),)))
    assert whole.fullmatch(b"Done.").groups() == ()
    assert whole.fullmatch(b"Done. ") is None
