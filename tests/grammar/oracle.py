"""lark's own reading of a rule: the oracle that the compiled expressions are checked against. It is slow."""

from __future__ import annotations

from functools import cache
from typing import Any

import lark

from trtlog.grammar import Grammar, Message, compile_grammar, field_files, grammar_dir, load
from trtlog.grammar.compiler import field_of, load_lark


@cache
def written() -> Grammar:
    """Return the grammar as its files have it, with the samples, which are not compiled."""
    return compile_grammar(grammar_dir())


@cache
def parser() -> lark.Lark:
    """Return lark's Earley parser for all kinds of message: one a file would read the fields' terminals once a file."""
    folder = grammar_dir()
    files = sorted((folder / "messages").glob("*.lark"))
    return load_lark([*field_files(folder), *files], list(load().messages), ambiguity="explicit")


def readings(message: Message, body: str) -> list[dict[str, str]]:
    """Return every way in which lark reads a body as this kind, as dictionaries of fields.

    More than one where free text stands before a literal that the text holds twice; none where the rule
    does not match.
    """
    try:
        tree = parser().parse(body, message.kind)
    except lark.exceptions.UnexpectedInput:
        return []
    return [_fields(t) for t in _derivations(tree)]


def _derivations(tree: Any) -> list[Any]:
    if tree.data != "_ambig":
        nested = [c for c in tree.children if isinstance(c, lark.Tree)]
        return [tree] if not nested else [d for n in nested for d in _derivations(n)]
    return [d for child in tree.children for d in _derivations(child)]


def _fields(tree: Any) -> dict[str, str]:
    return {field_of(t.type): str(t) for t in tree.scan_values(lambda _: True) if not t.type.startswith("_")}
