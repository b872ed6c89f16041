"""Text generated from the grammar: what lark can write, the compiled expression can read, alike."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lark.grammar import Terminal
from lark.lexer import PatternStr

from tests.grammar import oracle
from trtlog import grammar

RULES = grammar.shipped()
# A letter a digit and what names are made of: long free text adds nothing but time.
TEXT = st.text("ab/_.0 +([", min_size=1, max_size=6).filter(lambda s: s == s.strip())
FREE = {".+": TEXT, "[^ ]+": st.text("ab/_.0+([", min_size=1, max_size=6)}


@cache
def compiled():
    """Return lark's terminals by name, and the expansions of each of its rules, the shortest first."""
    terminals, rules, ignored = oracle.parser().grammar.compile(list(RULES.messages), ())
    assert not ignored
    expansions = {}
    for rule in sorted(rules, key=lambda rule: len(rule.expansion)):
        expansions.setdefault(rule.origin.name, []).append(rule.expansion)
    return {t.name: t.pattern for t in terminals}, {name: st.sampled_from(found) for name, found in expansions.items()}


class Writer:
    """Write what lark can: by rule, with the expressions of some terminals drawn from strategies of one's own."""

    def __init__(self, characters, free):
        self.characters, self.free = characters, free
        self.terminals = {}

    def terminal(self, name):
        """Return what can stand for a terminal; made when first drawn, as a kind has few of the two thousand."""
        if name not in self.terminals:
            self.terminals[name] = self._terminal(compiled()[0][name])
        return self.terminals[name]

    def _terminal(self, pattern):
        if isinstance(pattern, PatternStr) and not pattern.flags:
            return st.just(pattern.value)
        expression = re.compile(pattern.to_regexp())
        if expression.pattern in self.free:
            return self.free[expression.pattern]
        text = st.from_regex(expression, fullmatch=True, alphabet=self.characters)
        return text.filter(lambda text: expression.match(text).end() == len(text))  # as lark's lexer takes it

    def of(self, kind):
        """Return what is of one kind of message."""
        return st.composite(lambda draw: "".join(self._pieces(draw, kind)))()

    def _pieces(self, draw, rule):
        for part in draw(compiled()[1][rule]):
            if isinstance(part, Terminal):
                yield draw(self.terminal(part.name))
            else:
                yield from self._pieces(draw, part.name)


WRITER = Writer(st.characters(codec="utf-8"), FREE)


@pytest.mark.parametrize("kind", sorted(RULES.messages))
def test_generated_lines_read_alike(kind):
    message = RULES.messages[kind]

    # Lines of a kind with one wording are more alike than those of one with several.
    @settings(max_examples=min(8, 3 + len(message.variants)), deadline=None, database=None)
    @given(line=WRITER.of(kind))
    def check(line):
        reads_alike(message, line)

    check()


def reads_alike(message, line):
    assume("\n" not in line and "\r" not in line)
    mine = [
        {n: v for n, v in zip(variant.fields, found.groups(), strict=True) if v is not None}
        for variant in message.variants
        if (found := re.fullmatch(variant.regex, line))
    ]
    assert mine, f"{message.kind}: lark writes {line!r}, the expression does not read it"
    theirs = oracle.readings(message, line)
    assert any(fields in theirs for fields in mine), f"{message.kind}: {line!r}\n  {mine}\n  {theirs}"
