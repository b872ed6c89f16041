"""The rules of ``grammars/header.lark`` by the first bytes of what they match."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import itemgetter

from trtlog.grammar.model import Grammar, Message, Variant

# Bytes by which the rules that may match are looked up: the grammar tells what stands at the first four. So many
# beginnings are remembered.
_DEPTH = 4
_MEMO_LIMIT = 1 << 14
_SEVERITY_FIELDS = frozenset({"severity", "severity_word", "severity_mark", "gst_level"})
_TIME_FIELDS = frozenset({"time", "clock", "hour", "seconds_clock"})


class HeaderRule:
    """One variant of one rule, its expression compiled when it is first needed."""

    def __init__(self, message: Message, variant: Variant) -> None:
        attributes, fields = message.attributes, variant.fields
        self.variant = variant
        self._needs = variant.needs.encode("latin-1")
        self.match: Callable[[bytes, int], re.Match[bytes] | None] = self._prepare
        self.producer = message.kind
        self.origin = attributes.get("origin")
        self.fixed = attributes.get("severity")
        self.weak = "weak" in attributes
        # What behind this header makes a look at the other rules necessary; None: whatever it is.
        self.before: tuple[bytes, ...] | None = None
        if "final" in attributes:
            self.before = ()
        elif "before" in attributes:
            self.before = tuple(text.encode() for text in attributes["before"].split("|"))
        self.severity = next((i for i, name in enumerate(fields) if name in _SEVERITY_FIELDS), None)
        self.time = next((i for i, name in enumerate(fields) if name in _TIME_FIELDS), None)

    def may_match(self, line: bytes, start: int) -> bool:
        """Tell whether the line holds what every match holds."""
        return line.find(self._needs, start) >= 0

    def _prepare(self, line: bytes, start: int) -> re.Match[bytes] | None:
        self.match = re.compile(self.variant.regex.encode()).match
        return self.match(line, start)


class HeaderRules:
    """All rules, the same for all logs."""

    def __init__(self, grammar: Grammar) -> None:
        self._headers: list[HeaderRule] = []
        decorations: list[tuple[int, HeaderRule]] = []
        for message in grammar.headers.values():
            for variant in message.variants:
                rule = HeaderRule(message, variant)
                if "decoration" in message.attributes:
                    decorations.append((-sum(map(len, variant.literals)), rule))
                else:
                    self._headers.append(rule)
        # Longer ones first: the first that fits is taken.
        self._decorations = [rule for _, rule in sorted(decorations, key=itemgetter(0))]
        self.first = self._headers[0]
        self._known: dict[bytes, tuple[list[HeaderRule], list[HeaderRule]]] = {}

    def of(self, line: bytes, start: int) -> tuple[list[HeaderRule], list[HeaderRule]]:
        """Return the rules of headers and of decorations that may match at a place, in their order."""
        key = line[start : start + _DEPTH]
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MEMO_LIMIT:
                self._known.clear()
            if len(key) > 1:  # of those that may begin with its first byte
                headers, decorations = self.of(key[:1], 0)
            else:
                headers, decorations = self._headers, self._decorations
            text = key.decode("latin-1")
            headers = [rule for rule in headers if rule.variant.may_begin(text)]
            found = self._known[key] = headers, [rule for rule in decorations if rule.variant.may_begin(text)]
        return found
