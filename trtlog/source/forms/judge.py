"""How much of a line the grammar knows: what tells whether a text reads better undone than as it is.

A line is looked at alone, whatever stands around it, so that the answer depends on no state. It is asked of samples
only; engines read logs with :mod:`trtlog.messages`.
"""

from __future__ import annotations

import re
from functools import cached_property

from trtlog._util.expression import expression
from trtlog.grammar import Grammar, Variant, load
from trtlog.grammar.headers import HeaderRules
from trtlog.source.logger import Logger

# How much is known of a line: nothing, a header behind something else, a header, a header with a known message.
NOTHING, BEHIND, HEADER, MESSAGE = range(4)
_KEY = 4
_MOST_IN_FRONT = 4
# A message that begins with a field is evidence only if so many letters of it are fixed.
_TELLING = 6
# How nearly all records begin.
_USUAL = expression(
    rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9:]{8}\] \[(?:[VIWEF]\] |TRT\] \[[VIWEF]\] )|\[[VIWE]\] |&&&& [A-Z]+ "
)
_DATED = expression(rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9:]{8}\] \[")
# Alternatives at the beginning of a message.
_WORDS = expression(r"\(([A-Za-z][A-Za-z0-9 -]{2,}(?:\|[A-Za-z][A-Za-z0-9 -]{2,})+)\)")
# A line of ordinary words has nothing in front of it that could be cut off.
_NO_DECORATION = expression(rb"[A-Za-z]+ [A-Za-z]+ [a-z]|$")


class _Pattern:
    """A variant of the grammar, its expression compiled when it is first needed."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.literals = [text.encode() for text in variant.literals]

    @cached_property
    def expression(self) -> re.Pattern[bytes]:
        return re.compile(self.variant.regex.encode())

    def knows(self, body: bytes) -> bool:
        """Tell whether a body is of this wording."""
        return all(text in body for text in self.literals) and self.expression.fullmatch(body) is not None


class Judge:
    """Tells what the grammar knows of lines.

    Examples
    --------
    >>> judge = Judge.of_grammar()
    >>> lines = b"[V] [TRT] Original: 3 layers", b"[V] [TRT] Something new", b"> [V] [TRT] Original: 3 layers", b"hello"
    >>> [judge.worth(line) for line in lines]
    [3, 2, 1, 0]
    """

    def __init__(self, grammar: Grammar, logger: Logger | None = None) -> None:
        self.logger = logger
        self._rules = grammar.once(HeaderRules)
        self._by_prefix: dict[bytes, list[_Pattern]] = {}
        self._floating: list[tuple[bytes, _Pattern]] = []
        self._bare: list[_Pattern] = []
        # How a process dies is printed behind whatever it printed, and begins with a name or a signal.
        self._deaths: list[_Pattern] = []
        for message in grammar.messages.values():
            for variant in message.variants:
                pattern = _Pattern(variant)
                words = _WORDS.match(variant.regex)
                begins = words[1].split("|") if words else [variant.prefix] if variant.prefix else []
                for begin in {text.encode()[:_KEY] for text in begins}:
                    self._by_prefix.setdefault(begin, []).append(pattern)
                if not begins and sum(map(len, pattern.literals)) >= _TELLING:
                    self._floating.append((max(pattern.literals, key=len), pattern))
                if "bare" in message.attributes and len(variant.prefix) >= _KEY:
                    self._bare.append(pattern)
                elif "bare" in message.attributes and message.attributes.get("severity") == "F":
                    self._deaths.append(pattern)
        self._bare_prefixes = tuple(p.variant.prefix.encode() for p in self._bare)

    @classmethod
    def of_grammar(cls, logger: Logger | None = None) -> Judge:
        """Return the judge of the project's grammar, made once but for a logger of the user's own."""
        return load().once(cls) if logger is None else cls(load(), logger)

    def worth(self, line: bytes) -> int:
        """Return how much is known of a line."""
        if self.logger is not None:
            line = self.logger.rewrite(line)
        end = self.header(line)
        if end:
            return MESSAGE if self._knows(line[end:]) else HEADER
        if line.startswith(self._bare_prefixes) and any(p.knows(line) for p in self._bare):
            return MESSAGE
        if self._dies(line):
            return MESSAGE
        return self.behind(line)

    def behind(self, line: bytes) -> int:
        """Return whether a header stands behind what containers, terminals and collectors put in front of a line."""
        position = 0
        for _ in range(_MOST_IN_FRONT):
            if _NO_DECORATION.match(line, position):
                return NOTHING
            ends = [
                found.end()
                for rule in self._rules.of(line, position)[1]
                if rule.may_match(line, position) and (found := rule.match(line, position))
            ]
            if not ends or max(ends) == position:
                return NOTHING
            position = max(ends)
            if self.header(line, position):
                return BEHIND
        return NOTHING

    def begins(self, line: bytes, start: int = 0) -> bool:
        """Tell whether a record begins at a place: a header, or a line that has none and is known."""
        if _USUAL.match(line, start):
            return True
        return self.header(line, start) > 0 or line.startswith(self._bare_prefixes, start) or self._dies(line[start:])

    def _dies(self, line: bytes) -> bool:
        """Tell whether a line says how the process died."""
        return line[:1] != b"[" and any(pattern.knows(line) for pattern in self._deaths)

    def is_dated(self, line: bytes) -> bool:
        """Tell whether a line begins with a time of trtexec's, which stands nowhere else."""
        return line[:1] == b"[" and _DATED.match(line) is not None

    def header(self, line: bytes, start: int = 0) -> int:
        """Return where the longest header that begins at a place ends, 0 for none."""
        if self.logger is not None and (end := self.logger.header(line, start)):
            return end
        best = 0
        for rule in self._rules.of(line, start)[0]:
            if rule.may_match(line, start):
                found = rule.match(line, start)
                if found is not None and found.end() > best:
                    best = found.end()
        if not best and line[-1:] == b"]" and start < len(line):
            # A header at the end of a line may have lost its trailing blank.
            return min(len(line), self.header(line + b" ", start))
        return best

    def _knows(self, body: bytes) -> bool:
        if not body.strip():
            return True
        for text in (body, body.strip()):
            if any(p.knows(text) for p in self._by_prefix.get(text[:_KEY], ())):
                return True
            for length in range(_KEY - 1, 0, -1):
                if any(p.knows(text) for p in self._by_prefix.get(text[:length], ())):
                    return True
        return any(anchor in body and p.knows(body) for anchor, p in self._floating)
