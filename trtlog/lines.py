"""Cut the header off a line: who prints it, when, how severe, and where the body begins."""

from __future__ import annotations

import re
from typing import NamedTuple

from trtlog.grammar import Grammar

# One letter for the words that other loggers use.
SEVERITY_LETTERS = {
    b"VERBOSE": "V",
    b"DEBUG": "V",
    b"EXTRA_VERBOSE": "V",
    b"ULTRA_VERBOSE": "V",
    b"V": "V",
    b"D": "V",
    b"X": "V",
    b"S": "V",
    b"INFO": "I",
    b"LOG": "I",
    b"NOTICE": "I",
    b"I": "I",
    b"WARNING": "W",
    b"WARN": "W",
    b"W": "W",
    b"ERROR": "E",
    b"E": "E",
    b"INTERNAL_ERROR": "F",
    b"CRITICAL": "F",
    b"FATAL": "F",
    b"F": "F",
    b"C": "F",
}


_Rule = tuple["re.Pattern[bytes]", str, "str | None", "str | None", "int | None", "int | None"]


class Header(NamedTuple):
    """The header of one line.

    ``producer`` is the header rule's name, ``origin`` ``tensorrt`` or ``trtexec`` or None where the header
    does not tell, ``severity`` one of ``V I W E F`` or None, ``time`` the bytes as printed or None, ``end``
    the position at which the body begins.
    """

    producer: str
    origin: str | None
    severity: str | None
    time: bytes | None
    end: int


class HeaderReader:
    """Reads headers with the rules of ``grammars/header.lark``.

    The rule that matched last is tried first: a log keeps to few producers.

    Examples
    --------
    >>> from trtlog import grammar
    >>> reader = HeaderReader(grammar.load())
    >>> reader.read(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers").severity
    'V'
    """

    def __init__(self, grammar: Grammar) -> None:
        self._rules: list[_Rule] = []
        for message in grammar.headers.values():
            for variant in message.variants:
                names = variant.fields
                severity = next((names.index(n) for n in ("severity", "severity_word") if n in names), None)
                time = next((names.index(n) for n in ("time", "clock") if n in names), None)
                self._rules.append(
                    (
                        re.compile(variant.regex.encode()),
                        message.kind,
                        message.attributes.get("origin"),
                        message.attributes.get("severity"),
                        severity,
                        time,
                    )
                )

    def read(self, line: bytes) -> Header | None:
        """Return the line's header, or None for a line without one.

        Where two rules match, the longer header is the right one: ``[time] [V] [TRT] `` is not
        ``[time] [V] `` before a body that begins with ``[TRT]``.
        """
        best: Header | None = None
        best_position = 0
        for position, rule in enumerate(self._rules):
            found = rule[0].match(line)
            if found is None or (best is not None and found.end() <= best.end):
                continue
            best, best_position = self._header(rule, found), position
            if line[best.end : best.end + 1] != b"[":
                break
        if best_position:
            self._rules.insert(0, self._rules.pop(best_position))
        return best

    @staticmethod
    def _header(rule: _Rule, found: re.Match[bytes]) -> Header:
        _, producer, origin, fixed, severity, time = rule
        groups = found.groups()
        letter = fixed if severity is None else SEVERITY_LETTERS.get(groups[severity].upper(), "I")
        return Header(producer, origin, letter, None if time is None else groups[time], found.end())
