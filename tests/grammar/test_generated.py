"""Text generated from the grammar: what lark can write, the compiled expression can read, alike."""

from __future__ import annotations

import re
from random import Random

import pytest

from tests.conftest import each
from tests.grammar import oracle
from tests.grammar.writing import ANYWHERE, Writer
from trtlog import grammar

RULES = grammar.shipped()
# A letter, a digit and what names are made of: long free text adds nothing but time.
FREE = {".+": "ab/_.0 +([", "[^ ]+": "ab/_.0+(["}


# Kinds of one file together: their tables are made once in a process.
@pytest.mark.parametrize("kind", sorted(RULES.messages, key=lambda kind: (RULES.messages[kind].file, kind)))
def test_generated_lines_read_alike(kind):
    message = RULES.messages[kind]
    writer = Writer(Random(kind), ANYWHERE, FREE)
    # Lines of a kind with one wording are more alike than those of one with several.
    lines = {writer.of_kind(message.file, kind) for _ in range(min(24, 6 + 3 * len(message.variants)))}
    for line in each([line for line in sorted(lines) if "\n" not in line and "\r" not in line]):
        mine = [
            {n: v for n, v in zip(variant.fields, found.groups(), strict=True) if v is not None}
            for variant in message.variants
            if (found := re.fullmatch(variant.regex, line))
        ]
        assert mine, f"{kind}: lark writes {line!r}, the expression does not read it"
        theirs = oracle.readings(message, line)
        assert any(fields in theirs for fields in mine), f"{kind}: {line!r}\n  {mine}\n  {theirs}"
