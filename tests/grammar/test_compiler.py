"""The compiler: lark's rules become expressions that re and RE2 share, or a clear error."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.conftest import each
from tests.grammar.oracle import written
from trtlog import grammar
from trtlog.errors import GrammarError

FIELDS = """\
//: int - a count
COUNT: /[0-9]+/
//: text - a name
NAME: /.+/
_GAP: / +/
"""


@pytest.fixture
def compiled(tmp_path):
    def run(messages: str, fields: str = FIELDS, sections: str = 'start: "x"\n'):
        (tmp_path / "messages").mkdir(exist_ok=True)
        (tmp_path / "fields.lark").write_text(fields)
        (tmp_path / "header.lark").write_text('plain: "> "\n//> > \n')
        (tmp_path / "sections.lark").write_text(sections)
        (tmp_path / "messages" / "all.lark").write_text(messages)
        return grammar.compile_grammar(tmp_path)

    return run


def test_a_rule_becomes_one_expression_a_wording(compiled):
    rules = compiled(
        '// Layers left.\n//@ table=passes\nlayers: "After " NAME ": " COUNT " layers" -> old\n'
        '      | "After" _GAP NAME "=" COUNT -> new\n//> After x: 3 layers\n//> After  x=3\n'
    )
    message = rules.messages["layers"]
    assert (message.doc, message.attributes) == ("Layers left.", {"table": "passes"})
    assert [(v.wording, v.regex, v.fields) for v in message.variants] == [
        ("old", r"After (.+): ([0-9]+) layers", ("name", "count")),
        ("new", r"After(?: +)(.+)=([0-9]+)", ("name", "count")),
    ]


def test_helper_rules_and_options_are_expanded(compiled):
    rules = compiled('one: "a " _who [" x" COUNT]\n_who: NAME "!" | "nobody"\n//> a b!\n')
    assert {v.regex for v in rules.messages["one"].variants} == {
        "a (.+)!",
        "a nobody",
        "a (.+)! x([0-9]+)",
        "a nobody x([0-9]+)",
    }


def test_special_characters_are_literal(compiled):
    rules = compiled('odd: "a.b*c (d) [e] {f} ^$|\\\\ + ? &&" COUNT\n//> a.b*c (d) [e] {f} ^$|\\ + ? &&7\n')
    [variant] = rules.messages["odd"].variants
    assert re.fullmatch(variant.regex, "a.b*c (d) [e] {f} ^$|\\ + ? &&7").groups() == ("7",)


@pytest.mark.parametrize(
    ("messages", "fields", "words"),
    [
        ('loop: COUNT+\n//> 12\n', FIELDS, "is not regular"),
        ('a: "(" b ")"\nb: a | COUNT\n//> (1)\n', FIELDS, "is not regular"),
        ('a: COUNT " " COUNT\n//> 1 1\n', FIELDS, "captures COUNT twice"),
        ('a: COUNT "x"\n', FIELDS, "has no sample"),
        ('//> 1\na: COUNT\n', FIELDS, "stands before any rule"),
        ('a: COUNT\n//> 1\na: COUNT "y"\n//> 1y\n', FIELDS, "stands twice"),
        ('a: LOOK\n//> 1\n', FIELDS + "//: text - x\nLOOK: /a(?=b)/\n", "look-around"),
        ('a: LOOK\n//> 1\n', FIELDS + "//: text - x\nLOOK: /\\d+/\n", "differs between engines"),
        ('a: LOOK\n//> 1\n', FIELDS + "//: text - x\nLOOK: /(a)b/\n", "capturing group"),
        ('a: COUNT\n//> 1\n', "COUNT: /[0-9]+/\n", "has no '//:' line"),
        ('a: COUNT\n//> 1\n', "//: number - x\nCOUNT: /[0-9]+/\n", "expected '//: type unit"),
        ('a: COUNT NO_SUCH\n//> 1\n', FIELDS, "lark refuses the grammar"),
    ],
)
def test_what_cannot_be_compiled_is_refused(compiled, messages, fields, words):
    with pytest.raises(GrammarError, match=re.escape(words)):
        compiled(messages, fields)


def test_sections_name_real_kinds(compiled):
    with pytest.raises(GrammarError, match="there is no message kind no_such"):
        compiled('a: COUNT\n//> 1\n', sections="start: a*\na: NO_SUCH\n%declare NO_SUCH\n")


def named(variant) -> str:
    """The expression with the named groups that Arrow asks for."""
    forms = {
        "text": lambda p: re.escape(p[1]),
        "skip": lambda p: f"(?:{p[1]})",
        "field": lambda p: f"(?P<{p[1]}>{p[2]})",
    }
    return "".join(forms[part[0]](part) for part in variant.parts)


def test_every_expression_runs_in_re2_and_agrees_with_re():
    """Arrow's RE2 reads each sample as Python's re does."""
    rules = written()
    for message in each((*rules.messages.values(), *rules.headers.values())):
        for variant in each(message.variants):
            pattern = named(variant)
            samples = [s.encode() for s in message.samples]
            matches = pc.match_substring_regex(pa.array(samples, pa.binary()), f"^(?:{variant.regex})$").to_pylist()
            assert matches == [bool(re.fullmatch(variant.regex.encode(), s)) for s in samples], variant
            if variant.fields:
                found = pc.extract_regex(pa.array(samples, pa.binary()), f"^{pattern}$").to_pylist()
                for sample, groups in each(zip(samples, found, strict=True)):
                    mine = re.fullmatch(variant.regex.encode(), sample)
                    assert (None if mine is None else [g or b"" for g in mine.groups()]) == (
                        None if groups is None else list(groups.values())
                    ), (variant, sample)
