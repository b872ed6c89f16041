"""Text generated from the grammar: what lark can write, the compiled expression can read, alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from trtlog import grammar
from trtlog.grammar import oracle

RULES = grammar.compile_grammar(grammar.grammar_dir())
# A letter a digit and what names are made of: long free text adds nothing but time.
TEXT = st.text("ab/_.0 +([", min_size=1, max_size=6).filter(lambda s: s == s.strip())
FREE = {".+": TEXT, "[^ ]+": st.text("ab/_.0+([", min_size=1, max_size=6)}


def generated(message):
    parser = oracle.parser(message.file)
    free = {t.name: FREE[t.pattern.to_regexp()] for t in parser.terminals if t.pattern.to_regexp() in FREE}
    used = {terminal.name for terminal in parser.grammar.compile([message.kind], ())[0]}
    return from_lark(parser, start=message.kind, explicit={n: s for n, s in free.items() if n in used})


@pytest.mark.parametrize("kind", sorted(RULES.messages))
def test_generated_lines_read_alike(kind):
    message = RULES.messages[kind]

    @settings(max_examples=8, deadline=None, database=None)
    @given(line=generated(message))
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
