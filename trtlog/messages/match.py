"""Tell which kind of message a body is, and cut out its fields.

A body is looked up by its first bytes: each rule knows the literal text it begins with, so nearly all rules
are excluded before an expression runs. Rules that begin with a field are tried after those, by the length
of their literal text; each needs its longest literal inside the body first. Which of them can have it is
remembered by the body's shape, its first byte and what is left of it without hexadecimal digits: names and
numbers differ from line to line, shapes hardly do. What holds a text also holds it where both lack their digits.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cached_property, partial
from typing import NamedTuple

from trtlog._util.expression import expression
from trtlog.grammar import Grammar, Message, Variant
from trtlog.grammar.precedence import BARE, PLAIN, TEXT, rule_sets, set_names

_KEY_LENGTH = 8
_MEMO_LIMIT = 50_000
_HEX_DIGITS = b"0123456789abcdef"
# Shapes of longer bodies are not remembered. Expressions run on those only where all literals are there.
_SHAPE_LENGTH = 400
# An expression with several free texts may take ``re`` quadratic time to find that, or how, a body matches. On longer
# ones RE2 runs it, whose time grows with the body; a call of it takes as long as a hundred of ``re``.
LONGEST_BACKTRACKED = 4096
# So often a rule is refused without its expression before that is compiled.
_REFUSALS = 64


class Found(NamedTuple):
    """A matched body: the rule's position in ``Matcher.variants`` and the captured bytes."""

    variant: int
    groups: tuple[bytes | None, ...]


class _Same:
    """The match of a rule without fields."""

    __slots__ = ()

    def groups(self) -> tuple[()]:
        """Return what is captured: nothing."""
        return ()


class _Groups:
    """What RE2 captured."""

    __slots__ = ("_found",)

    def __init__(self, found: tuple[bytes, ...]) -> None:
        self._found = found

    def groups(self) -> tuple[bytes, ...]:
        """Return what is captured."""
        return self._found


_SAME = _Same()
Match = re.Match[bytes] | _Same | _Groups
_GROUP = expression(r"(\\.|\[(?:\\.|[^\]\\])+\])|\((?!\?)")


class Rule:
    """One variant, its expression compiled when it is first needed.

    Attributes
    ----------
    prefix : bytes
        Literal text at the beginning.
    literals : list of bytes
        All literal texts, in order.
    anchor : bytes
        The longest of them.
    suffix : bytes
        Literal text at the end.
    fullmatch : callable
        Takes a body; returns a match, or None.
    """

    def __init__(self, index: int, variant: Variant) -> None:
        self.index = index
        self._variant = variant
        self.prefix = variant.prefix.encode()
        self._refused = 0
        self.fullmatch: Callable[[bytes], Match | None] = self._prepare

    @cached_property
    def literals(self) -> list[bytes]:
        """All literal texts, in order."""
        return [text.encode() for text in self._variant.literals]

    @cached_property
    def anchor(self) -> bytes:
        """The longest literal text."""
        return max(self.literals, key=len, default=b"")

    @cached_property
    def suffix(self) -> bytes:
        """Literal text at the end."""
        last = self._variant.parts[-1]
        return last[1].encode() if last[0] == "text" else b""

    def _prepare(self, body: bytes) -> Match | None:
        variant = self._variant
        if len(variant.parts) == 1 and self.prefix:
            text = self.prefix
            self.fullmatch = lambda body: _SAME if body == text else None
        elif self._refused < _REFUSALS and not self._may_match(body):
            self._refused += 1
            return None
        else:
            self.fullmatch = re.compile(variant.regex.encode()).fullmatch
        return self.fullmatch(body)

    def match_long(self, body: bytes) -> Match | None:
        """Match a body of any length, as `fullmatch`, in time that grows with its length."""
        if len(body) <= LONGEST_BACKTRACKED:
            return self.fullmatch(body)
        if not self._may_match(body):
            return None
        import pyarrow as pa
        import pyarrow.compute as pc

        # Bytes that are no UTF-8 are read one by one; no rule has a group that may be empty or left out.
        found = pc.extract_regex(pa.array([body], pa.binary()), pattern=self._in_re2)[0]
        if not found.is_valid:
            return None
        return _Groups(tuple(value.as_py() for value in found.values()))

    @cached_property
    def _in_re2(self) -> str:
        """The expression as RE2 takes it: groups have names."""
        number = itertools.count()
        named = _GROUP.sub(lambda m: m[1] or f"(?P<g{next(number)}>", self._variant.regex)
        return rf"\A(?:{named})\z"

    def may_begin(self, body: bytes) -> bool:
        """Tell whether a match can begin as a body does, from its first bytes."""
        return self._variant.may_begin(body[:_KEY_LENGTH].decode("latin-1"))

    def _may_match(self, body: bytes) -> bool:
        """Tell without the expression whether a body may match: to compile one takes longer than many such looks."""
        variant = self._variant
        return (
            body.endswith(self.suffix)
            and _holds(body, self.literals)
            and variant.needs.encode("latin-1") in body
            and self.may_begin(body)
        )


class Matcher:
    """Matches bodies against all rules of a grammar.

    Attributes
    ----------
    variants : sequence of Variant
        All variants; ``Found.variant`` points into it.
    messages : list of Message
        The message of each variant.
    sets : dict of Index
        The rules by the name of their set (`rule_sets`).
    plain, bare, text : Index
        Those for bodies behind a header, for lines without one, and for lines that lost theirs.

    Examples
    --------
    >>> from trtlog import grammar
    >>> matcher = Matcher(grammar.load())
    >>> found = matcher.match(b"Tactic: 0x0000000000000bb9 Time: 0.0181029")
    >>> matcher.variants[found.variant].kind, found.groups
    ('tactic', (b'0x0000000000000bb9', b'0.0181029'))
    """

    def __init__(self, grammar: Grammar, index: Callable[[str, Callable[[], list[Rule]]], Index] | None = None) -> None:
        self._grammar = grammar
        self.variants = grammar.variants
        rules = {name: partial(self._rules_in, name) for name in set_names(grammar)}
        self.sets = {name: Index(own) if index is None else index(name, own) for name, own in rules.items()}
        self.plain, self.bare, self.text = self.sets[PLAIN], self.sets[BARE], self.sets[TEXT]

    @cached_property
    def messages(self) -> list[Message]:
        """The message of each variant."""
        return [m for m in self._grammar.messages.values() for _ in range(len(m.variants))]

    @cached_property
    def _rules(self) -> list[Rule]:
        return [Rule(number, variant) for number, variant in enumerate(self.variants)]

    @cached_property
    def _numbers(self) -> dict[str, list[int]]:
        return rule_sets(self._grammar)

    def _rules_in(self, name: str) -> list[Rule]:
        return [self._rules[number] for number in self._numbers[name]]

    def match(self, body: bytes) -> Found | None:
        """Return the rule that matches a body that came with a header, or None."""
        return self.plain.match(body)

    def match_bare(self, line: bytes) -> Found | None:
        """Return the rule that matches a line without a header, or None."""
        return self.bare.match(line)

    def match_text(self, line: bytes) -> Found | None:
        """Return the rule that holds known text and matches a line that lost its header, or None."""
        return self.text.match(line)


def shared_matcher(grammar: Grammar) -> Matcher:
    """Return a matcher of a grammar, the same for each log: making one takes longer than reading a small log.

    What it remembers of bodies is bounded, and the same for all logs.
    """
    return grammar.once(Matcher)


class Index:
    """A set of rules by the first bytes of what they match.

    Parameters
    ----------
    rules : callable
        Returns the rules in the order in which they are tried; called when the first body is looked up.
    """

    def __init__(self, rules: Callable[[], list[Rule]]) -> None:
        self._rules = rules
        self._memo: dict[bytes, list[Rule]] = {}
        self._by_first: dict[bytes, list[tuple[bytes, list[bytes], bytes, Rule]]] = {}
        self._by_end: dict[bytes, list[tuple[bytes, Rule]]] = {}
        self._by_shape: dict[bytes, list[tuple[bytes, Rule]]] = {}

    @cached_property
    def _by_beginning(self) -> dict[bytes, list[Rule]]:
        found: dict[bytes, list[Rule]] = {}
        for rule in self._rules():
            if rule.prefix:
                found.setdefault(rule.prefix[:_KEY_LENGTH], []).append(rule)
        return found

    @cached_property
    def floating(self) -> list[Rule]:
        """Those without a literal beginning."""
        return [rule for rule in self._rules() if not rule.prefix]

    @cached_property
    def _shapes(self) -> list[tuple[bytes, list[bytes], bytes, Rule]]:
        return [(_shape(r.anchor), [_shape(text) for text in r.literals], _shape(r.suffix), r) for r in self.floating]

    def _shapes_of(self, first: bytes) -> list[tuple[bytes, list[bytes], bytes, Rule]]:
        """Return the shapes of the rules without a literal beginning that may begin with a byte."""
        found = self._by_first.get(first)
        if found is None:
            found = self._by_first[first] = [one for one in self._shapes if one[-1].may_begin(first)]
        return found

    def match(self, body: bytes) -> Found | None:
        """Return the first rule that matches."""
        found = self.search(body)
        return None if found is None else Found(*found)

    def search(self, body: bytes) -> tuple[int, tuple[bytes | None, ...]] | None:
        """Return the number of the first rule that matches, and what it captures: `match` for tight loops."""
        key = body[:_KEY_LENGTH]
        candidates = self._memo.get(key)
        if candidates is None:
            candidates = self.candidates(key)
        long = len(body) > _SHAPE_LENGTH
        for rule in candidates:
            if body.startswith(rule.prefix):  # else its expression need not even be compiled
                if long and not _holds(body, rule.literals):
                    continue
                found = rule.match_long(body) if long else rule.fullmatch(body)
                if found is not None:
                    return rule.index, found.groups()
        floating = self._search_floating(body)
        return None if floating is None else (floating[0].index, floating[1].groups())

    def _search_floating(self, body: bytes) -> tuple[Rule, Match] | None:
        long = len(body) > _SHAPE_LENGTH
        for anchor, rule in self._floating_for(body):
            if anchor in body and body.endswith(rule.suffix):
                if long and not _holds(body, rule.literals):
                    continue
                found = rule.match_long(body) if long else rule.fullmatch(body)
                if found is not None:
                    return rule, found
        return None

    def candidates(self, key: bytes) -> list[Rule]:
        """Return the rules with a literal beginning that may match a body whose first bytes are ``key``.

        A shorter body's key is the whole body.
        """
        if len(self._memo) >= _MEMO_LIMIT:
            self._memo.clear()
        # The longer the beginning that two rules share with the key, the longer their literals.
        chosen: list[Rule] = []
        for length in range(len(key), 0, -1):
            chosen += self._by_beginning.get(key[:length], ())
        self._memo[key] = chosen
        return chosen

    def _floating_for(self, body: bytes) -> list[tuple[bytes, Rule]]:
        """Return the rules without a literal beginning that may match a body, each with its anchor."""
        if len(body) > _SHAPE_LENGTH:
            last = body[-1:]
            ending = self._by_end.get(last)
            if ending is None:
                ending = [(r.anchor, r) for r in self.floating if not r.suffix or r.suffix[-1:] == last]
                self._by_end[last] = ending
            return ending
        shape = _shape(body)
        key = body[:1] + shape
        rules = self._by_shape.get(key)
        if rules is None:
            if len(self._by_shape) >= _MEMO_LIMIT:
                self._by_shape.clear()
            rules = [
                (rule.anchor, rule)
                for anchor, literals, suffix, rule in self._shapes_of(body[:1])
                if anchor in shape and shape.endswith(suffix) and _holds(shape, literals)
            ]
            self._by_shape[key] = rules
        return rules


def _shape(text: bytes) -> bytes:
    return text.translate(None, _HEX_DIGITS)


def _holds(text: bytes, pieces: list[bytes]) -> bool:
    """Return whether a text holds all pieces, one behind the other."""
    position = 0
    for piece in pieces:
        position = text.find(piece, position) + len(piece)
        if position < len(piece):
            return False
    return True
