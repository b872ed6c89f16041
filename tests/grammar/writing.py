"""Text that an expression matches, or that a rule of lark's can write, drawn by chance.

Hypothesis draws such text too; it takes ten times as long, which is a tenth as many examples.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from random import Random
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from tests.grammar import oracle

# What names are made of, blanks, brackets and what stands between fields; then all of ASCII, and letters of others.
NAMES = "ab/_.0 +([:,-'\"x9"
ASCII = "".join(map(chr, range(32, 127)))
ANY = NAMES * 4 + ASCII + "\t\r\x00\x01\x1b\x7f\x85\xa0\xb5\xe9\xff"
ANYWHERE = ANY + "\u0100\u20ac\u2028\u4e2d\U0001f600"
CATEGORIES = {
    op.CATEGORY_DIGIT: string.digits,
    op.CATEGORY_SPACE: " \t",
    op.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
}


class Writer:
    """Draws text with the characters that it is given where an expression leaves the choice."""

    def __init__(self, chance: Random, letters: str = ANY, free: Mapping[str, str] | None = None) -> None:
        self._chance = chance
        self._letters = letters
        self._free = free or {}  # expression -> the letters of what is written for it, one to six

    def matching(self, pattern: str) -> str:
        """Return a text that the whole of an expression matches."""
        if pattern in self._free:
            return self._text(self._free[pattern])
        return "".join(self._write(_parsed(pattern)))

    def of_kind(self, file: str, kind: str) -> str:
        """Return a body that lark can write of a kind of message."""
        rules, terminals = _grammar(file)
        return "".join(
            self.matching(terminals[symbol]) for symbol in self._symbols(rules, self._chance.choice(rules[kind]))
        )

    def _symbols(self, rules: Mapping[str, list[list[Any]]], expansion: list[Any], depth: int = 0) -> list[str]:
        """Return the terminals of an expansion; where rules stand in rules, the shortest ends it."""
        out: list[str] = []
        for symbol in expansion:
            if symbol.is_term:
                out.append(symbol.name)
                continue
            choices = rules[symbol.name]
            inner = min(choices, key=len) if depth > 6 else self._chance.choice(choices)
            out += self._symbols(rules, inner, depth + 1)
        return out

    def _text(self, letters: str) -> str:
        while True:
            text = "".join(self._chance.choices(letters, k=self._chance.randint(1, 6)))
            if text == text.strip():
                return text

    def _write(self, parsed: Any) -> list[str]:
        out = []
        for code, what in parsed:
            if code is op.LITERAL:
                out.append(chr(what))
            elif code is op.SUBPATTERN:
                out += self._write(what[3])
            elif code is op.BRANCH:
                out += self._write(self._chance.choice(what[1]))
            elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
                least, most, inner = what
                times = self._chance.randint(least, min(most, least + self._chance.choice((0, 1, 2, 2, 6))))
                for _ in range(times):
                    out += self._write(inner)
            elif code is not op.AT:
                out.append(self._chance.choice(self._letters_of(code, what)))
        return out

    def _letters_of(self, code: Any, what: Any) -> str:
        """Return what a character is chosen from; of ranges the ends, and some between."""
        if code is op.ANY:
            return self._letters.replace("\n", "")
        if code is op.NOT_LITERAL:
            return self._letters.replace(chr(what), "")
        assert code is op.IN, f"nothing writes {code}"
        if what[0][0] is op.NEGATE:
            members = _members(what[1:])
            return "".join(letter for letter in self._letters if letter not in members)
        code, what = self._chance.choice(what)
        if code is not op.RANGE:
            return chr(what) if code is op.LITERAL else CATEGORIES[what]
        first, last = what
        return chr(first) + chr(last) + chr(self._chance.randint(first, last))


def _members(items: Any) -> set[str]:
    found: set[str] = set()
    for code, what in items:
        if code is op.LITERAL:
            found.add(chr(what))
        elif code is op.RANGE:
            found.update(map(chr, range(what[0], what[1] + 1)))
        else:
            found.update(CATEGORIES[what])
    return found


@functools.cache
def _parsed(pattern: str) -> Any:
    return _parser.parse(pattern)


@functools.cache
def _grammar(file: str) -> tuple[dict[str, list[list[Any]]], dict[str, str]]:
    """Return the expansions of each rule of a file, and the expression of each terminal."""
    parser = oracle.parser(file)
    rules: dict[str, list[list[Any]]] = {}
    for rule in parser.rules:
        rules.setdefault(str(rule.origin.name), []).append(rule.expansion)
    return rules, {terminal.name: terminal.pattern.to_regexp() for terminal in parser.terminals}


