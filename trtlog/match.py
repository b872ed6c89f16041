"""Tell which kind of message a body is, and cut out its fields.

A body is looked up by its first bytes: each rule knows the literal text it begins with, so nearly all rules
are excluded before an expression runs. Rules that begin with a field are tried after those, by the length
of their literal text; each needs its longest literal inside the body first.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from trtlog.grammar import Grammar, Message, Variant

_KEY_LENGTH = 8
_MEMO_LIMIT = 50_000
# The least literal text at the beginning of a rule that is looked for where a line has no header.
_TEXT_PREFIX = 6


class Found(NamedTuple):
    """A matched body: the rule's position in ``Matcher.variants`` and the captured bytes."""

    variant: int
    groups: tuple[bytes | None, ...]


class _Rule:
    """One variant, its expression compiled when it is first needed."""

    __slots__ = ("_regex", "anchor", "fullmatch", "index", "literal_length", "prefix", "suffix")

    def __init__(self, index: int, variant: Variant) -> None:
        self.index = index
        self._regex = variant.regex.encode()
        literals = [text.encode() for text in variant.literals]
        self.prefix = variant.prefix.encode()
        last = variant.parts[-1]
        self.suffix = last[1].encode() if last[0] == "text" else b""
        self.anchor = max(literals, key=len, default=b"")
        self.literal_length = sum(map(len, literals))
        self.fullmatch = self._compile

    def _compile(self, body: bytes) -> re.Match[bytes] | None:
        self.fullmatch = re.compile(self._regex).fullmatch  # type: ignore[assignment]
        return self.fullmatch(body)


class Matcher:
    """Matches bodies against all rules of a grammar.

    Attributes
    ----------
    variants : list of Variant
        All variants; ``Found.variant`` points into it.
    messages : list of Message
        The message of each variant.

    Examples
    --------
    >>> from trtlog import grammar
    >>> matcher = Matcher(grammar.load())
    >>> found = matcher.match(b"Tactic: 0x0000000000000bb9 Time: 0.0181029")
    >>> matcher.variants[found.variant].kind, found.groups
    ('tactic', (b'0x0000000000000bb9', b'0.0181029'))
    """

    def __init__(self, grammar: Grammar) -> None:
        self.variants: list[Variant] = []
        self.messages: list[Message] = []
        plain: list[_Rule] = []
        bare: list[_Rule] = []
        within: dict[str, list[_Rule]] = {}
        for message in grammar.messages.values():
            sections = message.attributes.get("within")
            for variant in message.variants:
                rule = _Rule(len(self.variants), variant)
                self.variants.append(variant)
                self.messages.append(message)
                if sections is not None:
                    for section in sections.split(","):
                        within.setdefault(section, []).append(rule)
                    continue
                plain.append(rule)
                if "bare" in message.attributes:
                    bare.append(rule)
        self._plain = _Index(plain)
        self._bare = _Index(bare)
        self._text = _Index([r for r in plain if len(r.prefix) >= _TEXT_PREFIX])
        self._within = {section: _Index(rules) for section, rules in within.items()}

    def match(self, body: bytes) -> Found | None:
        """Return the rule that matches a body that came with a header, or None."""
        return self._plain.match(body)

    def match_bare(self, line: bytes) -> Found | None:
        """Return the rule that matches a line without a header, or None."""
        return self._bare.match(line)

    def match_text(self, line: bytes) -> Found | None:
        """Return the rule that begins with literal text and matches a line that lost its header, or None."""
        return self._text.match(line)

    def match_within(self, body: bytes, section: str) -> Found | None:
        """Return the rule that matches only inside ``section``, or None."""
        index = self._within.get(section)
        return None if index is None else index.match(body)

    def all_matches(self, body: bytes) -> list[Found]:
        """Return every rule that matches, wherever it may stand: for tests and ``trtlog explain``."""
        out = []
        for number, variant in enumerate(self.variants):
            found = re.fullmatch(variant.regex.encode(), body)
            if found is not None:
                out.append(Found(number, found.groups()))
        return out


class _Index:
    """Rules by the first bytes of what they match, in a fixed order."""

    def __init__(self, rules: list[_Rule]) -> None:
        # Longest literal beginning first; ties keep the order of the files.
        self._prefixed = sorted((r for r in rules if r.prefix), key=lambda r: -len(r.prefix))
        self._floating = sorted((r for r in rules if not r.prefix), key=lambda r: -r.literal_length)
        self._memo: dict[bytes, list[_Rule]] = {}

    def match(self, body: bytes) -> Found | None:
        key = body[:_KEY_LENGTH]
        candidates = self._memo.get(key)
        if candidates is None:
            candidates = self._candidates(key)
        for rule in candidates:
            if not body.startswith(rule.prefix):
                continue
            found = rule.fullmatch(body)
            if found is not None:
                return Found(rule.index, found.groups())
        for rule in self._floating:
            if rule.anchor in body and body.endswith(rule.suffix):
                found = rule.fullmatch(body)
                if found is not None:
                    return Found(rule.index, found.groups())
        return None

    def _candidates(self, key: bytes) -> list[_Rule]:
        if len(self._memo) >= _MEMO_LIMIT:
            self._memo.clear()
        chosen = [r for r in self._prefixed if r.prefix.startswith(key) or key.startswith(r.prefix)]
        self._memo[key] = chosen
        return chosen
