"""Each rule has samples; each sample is of one kind, and both readers of the grammar agree on it."""

from __future__ import annotations

import json
import re

import pytest

from tests.conftest import each
from tests.grammar import oracle
from tests.grammar.oracle import written
from trtlog import grammar
from trtlog.grammar import compiler, files
from trtlog.grammar.precedence import within_section
from trtlog.messages.match import Matcher

RULES = grammar.shipped()
MATCHER = Matcher(RULES)


def test_the_compiled_grammar_is_fresh():
    """compiled.json is what the files say: otherwise run 'python -m trtlog.grammar' and commit it."""
    path = grammar.grammar_dir() / grammar.COMPILED_NAME
    compiled = files._to_json(written())
    assert path.read_text(encoding="utf-8") == compiled, "run: python -m trtlog.grammar"
    assert RULES == grammar.load() == files._from_json(json.loads(compiled))


@pytest.mark.parametrize("kind", sorted(RULES.messages))
def test_a_kind_has_samples_and_they_are_of_this_kind_alone_for_both_readers(kind):
    message = written().messages[kind]
    every_wording_has_a_sample(message)
    a_sample_is_of_one_kind(message)
    the_expression_agrees_with_lark(message)


def every_wording_has_a_sample(message: grammar.Message) -> None:
    kind = message.kind
    matched = set()
    for sample in each(message.samples):
        found = [v for v in message.variants if re.fullmatch(v.regex, sample)]
        assert found, f"{message.file}:{message.line}: no wording of {kind} matches its sample {sample!r}"
        matched.update(v.wording for v in found)
    missing = {v.wording for v in message.variants} - matched
    assert not missing, f"{message.file}:{message.line}: wordings of {kind} without a sample: {sorted(missing)}"


def a_sample_is_of_one_kind(message: grammar.Message) -> None:
    """Rules that only count inside a section are told apart by the section, the others by the text alone.

    A rule marked ``general`` describes a family (any note of Myelin, any line of the ONNX parser with its
    place in the source); where a rule of its own reads the same line, that one must come first.
    """
    kind = message.kind
    within = set(message.attributes.get("within", "").split(",")) - {""}
    for sample in each(message.samples):
        body = sample.encode()
        if within:
            for section in each(within):
                found = MATCHER.sets[within_section(section)].match(body)
                assert found is not None
                assert MATCHER.variants[found.variant].kind == kind
            continue
        kinds = {
            variant.kind
            for variant, message_of, rule in zip(MATCHER.variants, MATCHER.messages, MATCHER._rules, strict=True)
            if "within" not in message_of.attributes and rule.match_long(body) is not None
        }
        first = MATCHER.match(body)
        assert first is not None
        assert MATCHER.variants[first.variant].kind == kind
        kinds = {k for k in kinds if k == kind or "general" not in RULES.messages[k].attributes}
        assert kinds == {kind}, f"{message.file}:{message.line}: {sample!r} is of {sorted(kinds)}"


def the_expression_agrees_with_lark(message: grammar.Message) -> None:
    """lark's Earley parser reads each sample as the compiled expression does."""
    for sample in each(message.samples):
        mine = [
            {n: v for n, v in zip(variant.fields, found.groups(), strict=True) if v is not None}
            for variant in message.variants
            if (found := re.fullmatch(variant.regex, sample))
        ]
        theirs = oracle.readings(message, sample)
        assert mine, sample
        for fields in each(mine):
            assert fields in theirs, f"{message.kind}: {sample!r}\n  expression {fields}\n  lark {theirs}"


def test_headers_are_told_apart():
    for message in each(written().headers.values()):
        for sample in each(message.samples):
            assert any(re.match(v.regex, sample) for v in message.variants), (message.kind, sample)


def test_every_field_is_used_and_described():
    used = {f for m in (*RULES.messages.values(), *RULES.headers.values()) for v in m.variants for f in v.fields}
    assert used <= set(RULES.fields)
    for field in each(RULES.fields.values()):
        assert field.doc
        assert field.type in compiler.FIELD_TYPES
