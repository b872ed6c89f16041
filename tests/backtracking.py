"""How many steps an expression takes on a text: ``re`` backtracks the same way, and does not tell.

The expression's tree, as ``re`` parses it, becomes a small programme; what runs it counts each place that it tries.
Classes, literals, repetition, choice, lookaround and anchors are known; an expression with anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from trtlog.grammar.regex_tree import names, parser

# A group that is repeated more often than that is repeated as often as one likes: that takes no fewer steps.
_UNROLLED = 4
_MANY = 1 << 20
# Characters that stand for all others of a class.
_EVERY = [chr(number) for number in range(256)] + ["\u2028", "\u200b"]
_WORD = re.compile(r"\w")


class TooMany(Exception):
    """More steps than allowed."""


class Unknown(Exception):
    """A part of an expression that is not known here."""


@cache
def _category(code: Any, ascii_only: bool) -> frozenset[str]:
    name = str(code).lower().removeprefix("category_").replace("not_", "!")
    letter = {"digit": r"\d", "!digit": r"\D", "space": r"\s", "!space": r"\S", "word": r"\w", "!word": r"\W"}[name]
    found = re.compile(letter, re.ASCII if ascii_only else 0)
    return frozenset(c for c in _EVERY if found.match(c))


class Programme:
    """An expression that counts."""

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        self.bytes = isinstance(pattern, bytes)
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        tree = parser.parse(text, flags)
        self._flags = tree.state.flags
        self.tree = tree
        self._code: list[tuple[Any, ...]] = []
        self._put(tree)
        self._code.append(("end",))

    # ------------------------------------------------------------------ programme
    def chars(self, code: Any, value: Any) -> frozenset[str] | None:
        """Return the characters that a part takes one of, None for a part that is no class."""
        if code is names.LITERAL:
            return self._folded({chr(value)})
        if code is names.NOT_LITERAL:
            return frozenset(_EVERY) - self._folded({chr(value)})
        if code is names.ANY:
            return frozenset(_EVERY) - (frozenset() if self._flags & re.DOTALL else frozenset("\n"))
        if code is names.IN:
            found: set[str] = set()
            for kind, item in value:
                if kind is names.LITERAL:
                    found.add(chr(item))
                elif kind is names.RANGE:
                    found |= {c for c in _EVERY if item[0] <= ord(c) <= item[1]}
                elif kind is names.CATEGORY:
                    found |= _category(item, self.bytes or bool(self._flags & re.ASCII))
            folded = self._folded(found)
            return frozenset(_EVERY) - folded if value[0][0] is names.NEGATE else folded
        return None

    def _folded(self, found: set[str]) -> frozenset[str]:
        if self._flags & re.IGNORECASE:
            return frozenset(found | {c.lower() for c in found} | {c.upper() for c in found})
        return frozenset(found)

    def _put(self, tree: Any) -> None:
        for code, value in tree:
            self._part(code, value)

    def _part(self, code: Any, value: Any) -> None:
        out = self._code
        one = self.chars(code, value)
        if one is not None:
            out.append(("one", one))
        elif code is names.SUBPATTERN:
            kept = self._flags
            self._flags = (kept | value[1]) & ~value[2]
            self._put(value[-1])
            self._flags = kept
        elif code is names.BRANCH:
            ends = []
            for number, branch in enumerate(value[1]):
                last = number == len(value[1]) - 1
                if not last:
                    at = len(out)
                    out.append(())
                self._put(branch)
                ends.append(len(out))
                out.append(())
                if not last:
                    out[at] = ("split", at + 1, len(out))
            for end in ends:
                out[end] = ("jump", len(out))
        elif code in (names.MAX_REPEAT, names.MIN_REPEAT):
            self._repeat(value, greedy=code is names.MAX_REPEAT)
        elif code is names.AT:
            out.append(("at", value))
        elif code in (names.ASSERT, names.ASSERT_NOT):
            at = len(out)
            out.append(())
            self._put(value[1])
            out.append(("end",))
            width = value[1].getwidth()[0] if value[0] < 0 else 0
            out[at] = ("look", code is names.ASSERT, width, len(out))
        else:
            raise Unknown(str(code))

    def _repeat(self, value: Any, *, greedy: bool) -> None:
        low, high, inside = int(value[0]), min(int(value[1]), _MANY), value[2]
        out = self._code
        if len(inside) == 1 and (one := self.chars(*inside[0])) is not None:
            out.append(("run", one, low, high, greedy))
            return
        for _ in range(min(low, _UNROLLED)):
            self._put(inside)
        if high - low > _UNROLLED or low > _UNROLLED:
            at = len(out)
            out.append(())
            self._put(inside)
            out.append(("jump", at))
            out[at] = ("split", at + 1, len(out)) if greedy else ("split", len(out), at + 1)
            return
        splits = []
        for _ in range(high - low):
            splits.append(len(out))
            out.append(())
            self._put(inside)
        for at in splits:
            out[at] = ("split", at + 1, len(out)) if greedy else ("split", len(out), at + 1)

    # ------------------------------------------------------------------ running
    def steps(self, text: str, how: str, most: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the steps on a text, and what matches.

        Parameters
        ----------
        text : str
            The text; bytes as characters.
        how : {"match", "fullmatch", "scan"}
            What is asked for; ``scan`` for all matches, also by ``search``.
        most : int
            Steps that are allowed.

        Raises
        ------
        TooMany
            It takes more.
        """
        self._left = most
        self._text = text
        found = []
        start = 0
        while start <= len(text):
            end = self._run(0, start, whole=how == "fullmatch")
            if end is not None:
                found.append((start, end))
            if how != "scan":
                break
            start = start + 1 if end is None else max(end, start + 1)
        return most - self._left, found

    def _spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMany

    def _run(self, begin: int, start: int, *, whole: bool = False) -> int | None:
        text, code = self._text, self._code
        size = len(text)
        stack: list[tuple[int, int, int, int]] = [(begin, start, -1, 0)]  # place, position, ways of a run left
        while stack:
            at, position, least, step = stack.pop()
            self._spend()
            if least >= 0:  # another length of a run
                if position != least:
                    stack.append((at, position + step, least, step))
                at += 1
            while True:
                what = code[at]
                kind = what[0]
                if kind == "one":
                    if position >= size or text[position] not in what[1]:
                        break
                    at, position = at + 1, position + 1
                elif kind == "run":
                    _, one, low, high, greedy = what
                    end = position
                    last = min(size, position + high)
                    while end < last and text[end] in one:
                        end += 1
                    self._spend(end - position if greedy else 1)
                    if end - position < low:
                        break
                    first = position + low
                    if greedy:
                        if end > first:
                            stack.append((at, end - 1, first, -1))
                        position = end
                    else:
                        if end > first:
                            stack.append((at, first + 1, end, 1))
                        position = first
                    at += 1
                elif kind == "split":
                    stack.append((what[2], position, -1, 0))
                    at = what[1]
                elif kind == "jump":
                    at = what[1]
                elif kind == "at":
                    if not self._is_at(what[1], position):
                        break
                    at += 1
                elif kind == "look":
                    _, wanted, width, after = what
                    place = position - width
                    found = place >= 0 and self._run(at + 1, place) is not None
                    if found is not wanted:
                        break
                    at = after
                else:
                    if whole and position != size:
                        break
                    return position
                self._spend()
        return None

    def _is_at(self, code: Any, position: int) -> bool:
        text, size = self._text, len(self._text)
        many = bool(self._flags & re.MULTILINE)
        name = str(code).lower()
        if name in ("at_beginning", "at_beginning_string", "at_beginning_line"):
            line = many and name != "at_beginning_string"
            return position == 0 or (line and text[position - 1] == "\n")
        if name in ("at_end", "at_end_line"):
            rest = text[position : position + (1 if many else 2)]
            return position == size or rest == "\n"
        if name == "at_end_string":
            return position == size
        before = position > 0 and _WORD.match(text[position - 1]) is not None
        behind = position < size and _WORD.match(text[position]) is not None
        if name == "at_boundary":
            return before != behind
        if name == "at_non_boundary":
            return before == behind
        raise Unknown(name)


def pieces(programme: Programme) -> Iterator[str]:
    """Give texts that an expression's parts take: each class, each literal text, all of it."""
    tree = programme.tree
    for words in _texts(programme):
        for begin in range(len(words)):
            yield "".join(words[begin:])
            yield "".join(words[: begin + 1])
            yield words[begin]
    for one in _classes(programme, tree):
        yield from (c for c in "a- 1:/\"'\\=.,_(){}[]\t\n\x00é" if c in one)


def _classes(programme: Programme, tree: Any) -> Iterator[frozenset[str]]:
    for code, value in tree:
        one = programme.chars(code, value)
        if one is not None:
            yield one
        elif code is names.SUBPATTERN:
            yield from _classes(programme, value[-1])
        elif code is names.BRANCH:
            for branch in value[1]:
                yield from _classes(programme, branch)
        elif code in (names.MAX_REPEAT, names.MIN_REPEAT):
            yield from _classes(programme, value[2])
        elif code in (names.ASSERT, names.ASSERT_NOT):
            yield from _classes(programme, value[1])


def _texts(programme: Programme) -> Iterator[list[str]]:
    """Give an expression's parts as texts that they take, with the first of several choices, then the others."""
    for which in range(3):
        words: list[str] = []
        before = None
        for code, value in programme.tree:
            word = _word(programme, code, value, which)
            if word and words and code is before is names.LITERAL:
                words[-1] += word
            elif word:
                words.append(word)
            before = code
        if words:
            yield words


def _word(programme: Programme, code: Any, value: Any, which: int) -> str:
    one = programme.chars(code, value)
    if one is not None:
        some = [c for c in "aA1 :/.-\"'=_,([{" if c in one] or sorted(one)[:1]
        return some[which % len(some)] if some else ""
    if code is names.SUBPATTERN:
        return "".join(_word(programme, *part, which) for part in value[-1])
    if code is names.BRANCH:
        return "".join(_word(programme, *part, which) for part in value[1][which % len(value[1])])
    if code in (names.MAX_REPEAT, names.MIN_REPEAT):
        return "".join(_word(programme, *part, which) for part in value[2]) * max(1, int(value[0]))
    return ""


def attacks(programme: Programme, size: int) -> Iterator[str]:
    """Give long texts: a piece again and again, also behind what stands before it, with an end that fits nothing."""
    found = dict.fromkeys(piece for piece in pieces(programme) if piece)
    wholes = ["".join(words) for words in _texts(programme)]
    tried = set()
    for piece in found:
        many = piece * (size // len(piece))
        begins = ("", *(whole[: whole.index(piece)] for whole in wholes if piece in whole))
        for begin in dict.fromkeys(begins):
            for end in ("", "\x01", "\n"):
                if (begin, piece, end) not in tried:
                    tried.add((begin, piece, end))
                    yield begin + many + end
