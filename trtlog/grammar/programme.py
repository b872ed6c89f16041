"""The grammar as a programme for the scanner in C (``trtlog/engines/scan.c``): tables of numbers, no code.

Each rule becomes a list of instructions for a small backtracking matcher, made from the tree of its expression. The
literal beginnings of all rules of a set become a prefix tree; rules that begin with a field are found by the rarest
bytes of their literals. What an instruction cannot express becomes ``UNKNOWN``: such bodies are left to Python's
``re``. ``docs/scanner.md`` explains the parts with an example.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from trtlog.grammar.model import Grammar, Part, Programme, Variant
from trtlog.grammar.precedence import BARE, rule_sets
from trtlog.grammar.regex_tree import EVERY_BYTE, byte_class, names, parse

# Instructions with the numbers of their words, the first included; scan.c has the same list.
END, ANY_END, LITERAL, CLASS, REPEAT, SPLIT, JUMP, SAVE, UNKNOWN = range(9)
_WORDS = {END: 1, ANY_END: 1, LITERAL: 3, CLASS: 2, REPEAT: 6, SPLIT: 4, JUMP: 2, SAVE: 2, UNKNOWN: 1}
# What may stand behind a repeat, where it is no literal: anything, nothing that it could take itself, the end.
_ANYTHING, _OTHER, _LAST = -1, -2, -3
# One more than the bytes: the end of a body.
_BODY_END = 256
# As many fields the scanner finds in a line of one rule; with more, lines are left to `re`.
MOST_FIELDS = 32
# Rules of a set that begin with a field; where there are more, all bodies that reach them are left to Python.
MOST_FLOATING = 512
# As many words of instructions a rule can have.
_MOST_WORDS = 20_000
# Bits of a hash of four bytes by which rules without a literal beginning are found: for few, and for many of them.
_FEW_BITS, _MANY_BITS, _FEW = 6, 12, 16
# A node of the prefix tree with more children has a table of all bytes.
_FEW_CHILDREN = 8
# Rules without a literal beginning are found by words of so many bytes, looked for at every place of a stride.
_WORD, _STRIDE = 4, 4
_ENTRY = 5  # numbers of a word's entry
# Bytes of literals that tell little, since names and numbers are made of them.
_COMMON = frozenset(b" etaoinsrlc0123456789")
# Fields of measured values: hardly one comes twice.
_MEASURED = frozenset({"float"})

Classes = frozenset[int]


class _UnknownError(Exception):
    """An expression holds something that the matcher has no instruction for."""


def make_programme(grammar: Grammar) -> Programme:
    """Return the programme of a grammar.

    Examples
    --------
    >>> from trtlog import grammar
    >>> programme = make_programme(grammar.load())
    >>> programme.n_variants == len(list(grammar.load().variants))
    True
    """
    return _Maker(grammar).make()


class _Maker:
    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._variants = list(grammar.variants)
        self._words: list[int] = []
        self._text = bytearray()
        self._places: dict[bytes, int] = {}
        self._classes: dict[Classes, int] = {EVERY_BYTE: 0}
        self._by_number: list[Classes] = [EVERY_BYTE]
        self._nodes: list[Sequence[int]] = []
        self._patterns: dict[str, list[int]] = {}
        self._guard_lists: dict[tuple[int, ...], int] = {}

    def make(self) -> Programme:
        headers = [v for m in self._grammar.headers.values() for v in m.variants]
        header_codes = [self._add(self._code(_without_last_blank(v.parts), whole=False)) for v in headers]
        sets = rule_sets(self._grammar)
        bare = set(sets[BARE])
        rows: list[Sequence[int]] = []
        for number, variant in enumerate(self._variants):
            measured = sum(self._is_measured(name) << bit for bit, name in enumerate(variant.fields[:MOST_FIELDS]))
            guards: tuple[int, ...] = ()
            if number in bare:
                begin = variant.prefix.encode().decode("latin-1")
                guards = tuple(c for v, c in zip(headers, header_codes, strict=True) if v.may_begin(begin))
            code = self._add(self._code(variant.parts))
            prefix, fields = len(variant.prefix.encode()), len(variant.fields)
            rows.append((code, prefix, fields, _signed(measured), self._guards(guards), len(guards)))
        indexes = [self._index(numbers) for numbers in sets.values()]
        classes = bytearray()
        for members in self._by_number:
            others = EVERY_BYTE - members
            classes += bytes(number in members for number in range(_BODY_END + 1))
            classes.append(min(others) if len(others) == 1 else 0)
        return Programme(
            {name: number for number, name in enumerate(sets)},
            len(rows),
            _packed(self._nodes),
            _packed(indexes),
            _packed(rows),
            _packed([self._words]),
            bytes(self._text),
            bytes(classes),
        )

    def _is_measured(self, field: str) -> bool:
        return self._grammar.fields[field].type in _MEASURED

    # -------------------------------------------------------------------------------------- parts
    def _add(self, words: Sequence[int]) -> int:
        """Append words; return where they begin."""
        self._words += words
        return len(self._words) - len(words)

    def _guards(self, codes: tuple[int, ...]) -> int:
        if codes not in self._guard_lists:
            self._guard_lists[codes] = self._add(codes)
        return self._guard_lists[codes]

    def _place(self, text: bytes) -> int:
        """Return where a literal stands."""
        if text not in self._places:
            found = self._text.find(text)
            self._places[text] = found if found >= 0 else len(self._text)
            if found < 0:
                self._text += text
        return self._places[text]

    def _class(self, members: Iterable[int]) -> int:
        """Return the number of a class."""
        found = frozenset(members)
        if found not in self._classes:
            self._classes[found] = len(self._by_number)
            self._by_number.append(found)
        return self._classes[found]

    # -------------------------------------------------------------------------------------- instructions
    def _code(self, parts: Sequence[Part], *, whole: bool = True) -> list[int]:
        """Return the instructions of a rule: ``whole`` ones begin behind the prefix and end with the body."""
        code: list[int] = []
        fields = 0
        try:
            for number, part in enumerate(parts):
                if part[0] == "text":
                    if number or not whole:
                        code += self._literal(part[1].encode())
                    continue
                inner = self._pattern(part[-1])
                code += inner if part[0] == "skip" else [SAVE, 2 * fields, *inner, SAVE, 2 * fields + 1]
                fields += part[0] == "field"
        except _UnknownError:
            return [UNKNOWN]
        if fields > MOST_FIELDS or len(code) > _MOST_WORDS:
            return [UNKNOWN]
        code.append(END if whole else ANY_END)
        self._look_ahead(code)
        return code

    def _literal(self, text: bytes) -> list[int]:
        return [LITERAL, self._place(text), len(text)] if text else []

    def _pattern(self, pattern: str) -> list[int]:
        if pattern not in self._patterns:
            self._patterns[pattern] = self._tree(parse(pattern))
        return self._patterns[pattern]

    def _tree(self, tree: Any) -> list[int]:
        """Return the instructions of an expression's tree."""
        code: list[int] = []
        literal = bytearray()
        for name, value in tree:
            if name is names.LITERAL:
                literal.append(value)
                continue
            code += self._literal(bytes(literal))
            literal.clear()
            code += self._node(name, value)
        return code + self._literal(bytes(literal))

    def _node(self, name: Any, value: Any) -> list[int]:
        if name is names.MAX_REPEAT:
            return self._repeat(*value)
        if name is names.BRANCH:
            *parts, code = [self._tree(branch) for branch in value[1]]
            for part in reversed(parts):
                code = [SPLIT, len(part) + 6, 0, 0, *part, JUMP, len(code) + 2, *code]
            return code
        if name is names.SUBPATTERN and not value[1] and not value[2]:
            return self._tree(value[3])
        return [CLASS, self._class(_bytes_of(name, value))]

    def _repeat(self, least: int, most: Any, inner: Any) -> list[int]:
        endless = most is names.MAXREPEAT
        if len(inner) == 1 and inner[0][0] in (names.LITERAL, names.NOT_LITERAL, names.ANY, names.IN):
            return [REPEAT, self._class(_bytes_of(*inner[0])), least, -1 if endless else int(most), _ANYTHING, 0]
        body = self._tree(inner)
        if len(body) * (least if endless else int(most)) > _MOST_WORDS:
            raise _UnknownError
        if endless:
            return [*body * least, SPLIT, len(body) + 6, 0, 0, *body, JUMP, -(len(body) + 4)]
        code: list[int] = []
        for _ in range(int(most) - least):
            code = [SPLIT, len(body) + len(code) + 4, 0, 0, *body, *code]
        return [*body * least, *code]

    # -------------------------------------------------------------------------------------- what comes next
    def _look_ahead(self, code: list[int]) -> None:
        """Fill in what may stand behind repeats and splits: most of them need no second try then."""
        place = 0
        while place < len(code):
            if code[place] == REPEAT:
                following, ends = self._first(code, place + 6, frozenset())
                if not following & self._by_number[code[place + 1]]:
                    code[place + 4] = _OTHER if following or not ends else _LAST
                else:
                    behind = place + 6
                    while code[behind] == SAVE:
                        behind += 2
                    if code[behind] == LITERAL:
                        code[place + 4] = self._text[code[behind + 1]]
                        code[place + 5] = behind - place
            elif code[place] == SPLIT:
                for word, behind in ((2, place + 4), (3, place + code[place + 1])):
                    following, ends = self._first(code, behind, frozenset({place}))
                    code[place + word] = self._class(following | {_BODY_END} if ends else following)
            place += _WORDS[code[place]]

    def _first(self, code: list[int], place: int, seen: Classes) -> tuple[Classes, bool]:
        """Return the bytes that instructions can begin with, and whether they can match at the end of a body."""
        name = code[place]
        if name == END:
            return frozenset(), True
        if name == ANY_END:
            return EVERY_BYTE, True
        if name == LITERAL:
            return frozenset({self._text[code[place + 1]]}), False
        if name == CLASS:
            return self._by_number[code[place + 1]], False
        if name == REPEAT:
            own = self._by_number[code[place + 1]]
            if code[place + 2]:
                return own, False
            behind, ends = self._first(code, place + 6, seen)
            return own | behind, ends
        if name == SAVE:
            return self._first(code, place + 2, seen)
        if name == JUMP:
            return self._first(code, place + code[place + 1], seen)
        if place in seen:
            return frozenset(), False
        seen = seen | {place}
        one, other = (self._first(code, at, seen) for at in (place + 4, place + code[place + 1]))
        return one[0] | other[0], one[1] or other[1]

    # -------------------------------------------------------------------------------------- sets of rules
    def _index(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the index of rules in the order of precedence."""
        floating = [number for number in numbers if not self._variants[number].prefix]
        bits = _FEW_BITS if len(floating) <= _FEW else _MANY_BITS
        buckets, entries, always = [-1] * (1 << bits), [], 0
        windows = [_windows_of(self._variants[number]) for number in floating]
        seen = Counter(word for found in windows for word in {word for window in found for word in window})
        for place, found in enumerate(windows):
            if not found:
                always |= 1 << place % MOST_FLOATING
                continue
            window = min(found, key=lambda words: _how_common(words, seen))
            text = self._place(window[0] + window[-1][-_STRIDE + 1 :])
            for offset, begin in enumerate(window):
                word = int.from_bytes(begin, "little")
                bucket = (word * 0x9E3779B1 & 0xFFFFFFFF) >> (32 - bits)
                entries += [buckets[bucket], _signed(word), place, text, offset]
                buckets[bucket] = len(entries) - _ENTRY
        prefixed = [(self._variants[number].prefix.encode(), number) for number in sorted(set(numbers) - set(floating))]
        root = self._prefix_tree(prefixed, b"")
        lists = self._add(floating), len(floating), self._add(buckets), self._add(entries)
        return root, *lists, 32 - bits, self._add(array("i", always.to_bytes(MOST_FLOATING // 8, "little")))

    def _prefix_tree(self, rules: list[tuple[bytes, int]], label: bytes) -> int:
        """Return the number of the node that the rest of some prefixes hangs on; children stand by their first byte."""
        here = [number for prefix, number in rules if not prefix]
        groups: dict[int, list[tuple[bytes, int]]] = {}
        for prefix, number in rules:
            if prefix:
                groups.setdefault(prefix[0], []).append((prefix, number))
        node = len(self._nodes)
        self._nodes.append(())
        children: list[int] = []
        for byte, group in sorted(groups.items(), key=lambda item: -len(item[1])):  # the most rules first
            common = _common_prefix(min(group)[0], max(group)[0])
            children += [byte, self._prefix_tree([(prefix[len(common) :], n) for prefix, n in group], common)]
        if len(groups) > _FEW_CHILDREN:
            table = dict(zip(children[::2], children[1::2], strict=True))
            children = [table.get(byte, -1) for byte in range(256)]
        n_children = len(groups) if len(groups) <= _FEW_CHILDREN else len(children)
        lists = self._add(children), n_children, self._add(here), len(here)
        self._nodes[node] = (self._place(label), len(label), *lists)
        return node


def _windows_of(variant: Variant) -> dict[tuple[bytes, ...], None]:
    """Return the windows of a rule's literals: the words that begin at each place of a stride.

    Of these a body that holds the literal has one where the scanner looks.
    """
    texts = [text.encode() for text in variant.literals]
    length = _WORD + _STRIDE - 1
    starts = [(text, at) for text in texts for at in range(len(text) - length + 1)]
    return dict.fromkeys(tuple(text[at + k : at + k + _WORD] for k in range(_STRIDE)) for text, at in starts)


def _how_common(window: Iterable[bytes], seen: Counter[bytes]) -> tuple[int, int, int]:
    """Return how often the words of a window will be met: in other rules' literals, in names of layers and kernels."""
    words = list(window)
    common = sum(byte in _COMMON for word in words for byte in word)
    return max(seen[word] for word in words), sum(word.isalnum() for word in words), common


def _common_prefix(one: bytes, other: bytes) -> bytes:
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _bytes_of(name: Any, value: Any) -> Classes:
    """Return the bytes that a node of one byte matches."""
    if name is names.LITERAL:
        return frozenset({value})
    if name is names.NOT_LITERAL:
        return EVERY_BYTE - {value}
    if name is names.ANY:
        return EVERY_BYTE
    if name is names.IN:
        return byte_class(value)
    raise _UnknownError


def _without_last_blank(parts: Sequence[Part]) -> Sequence[Part]:
    """Return a header without the blanks at its end, which a line may have lost."""
    *above, last = parts
    if last[0] == "text":
        return (*above, (last[0], last[1].rstrip(" ")))
    return above or parts


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


def _packed(rows: Iterable[Sequence[int]]) -> bytes:
    return array("i", [number for row in rows for number in row]).tobytes()
