"""Cut the header off a line: who prints it, when, how severe, and where the body begins."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from trtlog.grammar import Grammar
from trtlog.grammar.headers import HeaderRule, HeaderRules
from trtlog.source.logger import SEVERITY_LETTERS

# No header stands inside a line without this text.
INNER_MARK = b"] ["
# The most things that are passed over in front of a header.
MAX_DECORATIONS = 4


class Header(NamedTuple):
    """The header of one line.

    ``producer`` is the header rule's name, ``origin`` ``tensorrt``, ``trtexec`` or ``host``, or None where
    the header does not tell, ``severity`` one of ``V I W E F`` or None, ``time`` the bytes as printed or
    None, ``end`` the position at which the body begins, ``start`` the position at which the header begins
    behind decorations.
    """

    producer: str
    origin: str | None
    severity: str | None
    time: bytes | None
    end: int
    weak: bool = False
    start: int = 0


NO_HEADER = Header("none", None, None, None, 0)


class HeaderReader:
    """Reads headers with the rules of ``grammars/header.lark``.

    The rule that matched last is tried first: a log keeps to few producers.

    Examples
    --------
    >>> from trtlog import grammar
    >>> reader = HeaderReader(grammar.load())
    >>> reader.read(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers").severity
    'V'
    >>> reader.read(b"build-1  | [11/22/2026-13:22:03] [TRT] [I] Loaded engine size: 21 MiB").start
    11
    """

    def __init__(self, grammar: Grammar) -> None:
        self._rules = grammar.once(HeaderRules)
        self._rule = self._rules.first
        self._text = b"\n"  # the bytes of the last header, of which no longer one begins with; no line holds \n
        self._before: tuple[bytes, ...] = ()
        self._header = NO_HEADER

    @property
    def last(self) -> tuple[bytes, tuple[bytes, ...], Header]:
        """What `read` knows without a look at its rules.

        A line that begins with the first, and goes on with none of the second, has the third as its header.
        """
        return self._text, self._before, self._header

    def state(self) -> tuple[object, ...]:
        """Return all that decides, with a line, what its header is."""
        return *self.last, self._rule

    def read(self, line: bytes) -> Header | None:
        """Return the line's header, or None for a line without one.

        Where several rules match, the longest header is the right one: ``[time] [V] [TRT] `` is not
        ``[time] [V] `` before a body that begins with ``[TRT]``. What containers, terminals and collectors
        put in front is passed over.
        """
        if line.startswith(self._text) and not line.startswith(self._before, len(self._text)):
            return self._header
        return self._read_at(line, 0) or self._read_decorated(line)

    def decoration(self, line: bytes, start: int = 0) -> int:
        """Return where the decoration that begins at ``start`` ends; ``start`` where there is none."""
        for rule in self._rules.of(line, start)[1]:
            if rule.may_match(line, start):
                found = rule.match(line, start)
                if found is not None:
                    return found.end()
        return start

    def _read_at(self, line: bytes, start: int) -> Header | None:
        last = self._rule
        found = last.match(line, start)
        if found is not None and last.before is not None and not line.startswith(last.before, found.end()):
            header = _header(last, found)
            if start == 0:
                self._text, self._before, self._header = line[: header.end], last.before, header
            return header
        best = self._longest(line, start)
        if line[-1:] in (b"]", b":", b"|", b"-"):
            # A header at the end of a line may have lost its trailing blank.
            longer = self._longest(line + b" ", start)
            if longer is not None and longer.end == len(line) + 1 and (best is None or best.end < len(line)):
                return longer._replace(end=len(line))
        return best

    def _longest(self, line: bytes, start: int) -> Header | None:
        best: re.Match[bytes] | None = None
        chosen = self._rule
        for rule in self._rules.of(line, start)[0]:
            if rule.may_match(line, start):
                found = rule.match(line, start)
                if found is not None and (best is None or found.end() > best.end()):
                    best, chosen = found, rule
        if best is None:
            return None
        if not chosen.weak:
            self._rule = chosen
        return _header(chosen, best)

    def _read_decorated(self, line: bytes) -> Header | None:
        position = 0
        for _ in range(MAX_DECORATIONS):
            end = self.decoration(line, position)
            if end == position:
                return None
            header = self._read_at(line, end)
            if header is not None:
                return header
            position = end
        return None


def _header(rule: HeaderRule, found: re.Match[bytes]) -> Header:
    """Return what the match of a rule says."""
    groups = found.groups()
    if rule.severity is None:
        letter = rule.fixed
    else:
        word = groups[rule.severity]
        letter = SEVERITY_LETTERS.get(word) or SEVERITY_LETTERS.get(word.upper(), "I")
    time = None if rule.time is None else groups[rule.time]
    return Header(rule.producer, rule.origin, letter, time, found.end(), rule.weak, found.start())


@cache
def _inner_header() -> re.Pattern[bytes]:
    # Nothing but a torn line holds one. The repetition is bounded, or a line of nothing but times would take quadratic
    # time.
    return re.compile(
        rb"(?:\[[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}\] ){1,8}(?:\[[VIWEF]\] |\[TRT\] \[[VIWEF]\] )"
    )


@cache
def _ansi() -> re.Pattern[bytes]:
    return re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Za-z0-9]|[=>78MDEHc])")


def inner_headers(line: bytes, start: int) -> list[int]:
    """Return where further headers begin inside a torn line, behind ``start``.

    Examples
    --------
    >>> inner_headers(b"[I] Local timing cache in u[11/22/2026-13:22:03] [I] Detected 1 inputs", 4)
    [27]
    """
    if line.find(INNER_MARK, start) < 0:
        return []
    return [found.start() for found in _inner_header().finditer(line, start)]


def plain_text(line: bytes) -> bytes:
    r"""Return the line without terminal colours and without the NULs of a hole around it.

    Examples
    --------
    >>> plain_text(b"\x1b[36m[TRT]\x1b[0m    loaded")
    b'[TRT]    loaded'
    """
    if b"\x1b" in line:
        line = _ansi().sub(b"", line)
    if line[:1] == b"\0" or line[-1:] == b"\0":
        line = line.strip(b"\0")
    return line
