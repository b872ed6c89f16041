"""Text generated from the grammar: what lark can write, the compiled expression can read, alike."""

from __future__ import annotations

import re
from copy import copy
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import LarkStrategy

from tests.grammar import oracle
from trtlog import grammar

RULES = grammar.shipped()
# A letter a digit and what names are made of: long free text adds nothing but time.
TEXT = st.text("ab/_.0 +([", min_size=1, max_size=6).filter(lambda s: s == s.strip())
FREE = {".+": TEXT, "[^ ]+": st.text("ab/_.0+([", min_size=1, max_size=6)}


@cache
def writer():
    """What lark can write; made once, as lark's tables are."""
    parser = oracle.parser()
    free = {t.name: FREE[t.pattern.to_regexp()] for t in parser.terminals if t.pattern.to_regexp() in FREE}
    return LarkStrategy(parser, None, free, st.characters(codec="utf-8"))


def of_kind(writer, kind):
    """What of it is of one kind of message."""
    one = copy(writer)
    one.start = st.just(one.names_to_symbols[kind])
    return one


@pytest.mark.parametrize("kind", sorted(RULES.messages))
def test_generated_lines_read_alike(kind):
    message = RULES.messages[kind]

    # Lines of a kind with one wording are more alike than those of one with several.
    @settings(max_examples=min(8, 3 + len(message.variants)), deadline=None, database=None)
    @given(line=of_kind(writer(), kind))
    def check(line):
        assume("\n" not in line and "\r" not in line)
        mine = [
            {n: v for n, v in zip(variant.fields, found.groups(), strict=True) if v is not None}
            for variant in message.variants
            if (found := re.fullmatch(variant.regex, line))
        ]
        assert mine, f"{kind}: lark writes {line!r}, the expression does not read it"
        theirs = oracle.readings(message, line)
        assert any(fields in theirs for fields in mine), f"{kind}: {line!r}\n  {mine}\n  {theirs}"

    check()
