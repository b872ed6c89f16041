r"""A logger of the user's own: patterns in a small file say how its lines begin.

Each line of the file is a regular expression for the beginning of a line of the log, with named groups: ``severity``,
``time`` and ``message``, all optional; without ``message`` the message is what stands behind the match. A line
``@severity WORD = X`` gives the letter (V I W E F) of a word that trtlog does not know; ``#`` begins a comment::

    # 12:00:01.250 <chatty> gpu-builder: Original: 179 layers
    (?P<time>[0-9:.]+) <(?P<severity>[a-z]+)> gpu-builder:\s
    @severity chatty = V

What such a pattern begins is read as a message of the library with TensorRT's own header.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from trtlog._util.words import counted
from trtlog.errors import InputError
from trtlog.messages.headers import SEVERITY_LETTERS

# Where a path of patterns is taken from where none is given; processes that read for this one inherit it.
VARIABLE = "TRTLOG_LOGGER"
_GROUPS = frozenset({"time", "severity", "message"})
_ISO_TIME = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})")
_US_TIME = re.compile(rb"[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}")
_DIRECTIVE = re.compile(r"@severity\s+(\S+)\s*=\s*([VIWEF])\s*$")
# TensorRT's own numbers of severities.
_NUMBERS = {b"0": "F", b"1": "E", b"2": "W", b"3": "I", b"4": "V"}


class Logger:
    r"""Rewrites lines that begin as patterns say into lines with a header of TensorRT's.

    Examples
    --------
    >>> own = Logger([r"(?P<time>\S+ \S+) <(?P<severity>\w+)> trt: "], {b"chatty": "V"})
    >>> own.rewrite(b"2026-11-22 13:22:03.5 <chatty> trt: Original: 179 layers\nother\n")
    b'[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\nother\n'
    """

    def __init__(self, patterns: list[str], severities: dict[bytes, str] | None = None, source: str = "") -> None:
        self._patterns = [re.compile(pattern.encode()) for pattern in patterns]
        self._severities = {**SEVERITY_LETTERS, **_NUMBERS, **(severities or {})}
        self.source = source
        self.lines = 0  # that a pattern began

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines, those that a pattern begins under a header of TensorRT's."""
        return b"\n".join([self._rewritten(line) for line in data.split(b"\n")])

    def _rewritten(self, line: bytes) -> bytes:
        for pattern in self._patterns:
            found = pattern.match(line)
            if found is not None:
                self.lines += 1
                groups = found.groupdict()
                message = groups.get("message")
                body = line[found.end() :] if message is None else message
                return b"%s[%s] [TRT] %s" % (_clock(groups.get("time")), self._letter(groups.get("severity")), body)
        return line

    def _letter(self, word: bytes | None) -> bytes:
        if word is None:
            return b"I"
        known = self._severities
        return (known.get(word) or known.get(word.upper()) or known.get(word.lower()) or "I").encode()

    def note(self) -> str | None:
        """Return what is odd about the patterns: that no line began so."""
        return None if self.lines else f"no line begins as a pattern of {self.source} says"


def _clock(printed: bytes | None) -> bytes:
    """Return a time as TensorRT prints it, empty where it has no date."""
    if printed is None:
        return b""
    if found := _US_TIME.search(printed):
        return b"[%s] " % found[0]
    if found := _ISO_TIME.search(printed):
        year, month, day, clock = found.groups()
        return b"[%s/%s/%s-%s] " % (month, day, year, clock)
    return b""


def read_logger(path: str | os.PathLike[str]) -> Logger:
    """Read a file of patterns.

    Raises
    ------
    InputError
        The file is missing, holds no pattern, or one that is wrong.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{path}: the patterns of a logger cannot be read: {reason}") from error
    patterns: list[str] = []
    severities: dict[bytes, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            found = _DIRECTIVE.match(line)
            if found is None:
                raise InputError(f"{path}:{number}: write '@severity WORD = X', X one of V I W E F, not {line!r}")
            severities[found[1].encode()] = found[2]
            continue
        patterns.append(_checked(line, f"{path}:{number}"))
    if not patterns:
        raise InputError(
            f"{path}: holds no pattern; write one a line, as (?P<severity>[A-Z]+) trt: , for what stands in front "
            f"of TensorRT's text"
        )
    return Logger(patterns, severities, str(path))


def _checked(pattern: str, place: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"{place}: not a regular expression: {error}\n  {pattern}") from error
    unknown = sorted(set(compiled.groupindex) - _GROUPS)
    if unknown:
        names = counted(len(unknown), "group")
        raise InputError(f"{place}: {names} of an unknown name, {', '.join(unknown)}: known are {', '.join(_GROUPS)}")
    return pattern


def logger_of(given: str | os.PathLike[str] | Logger | None) -> Logger | None:
    """Return the logger that is given, else the one that the environment names, else None."""
    if isinstance(given, Logger):
        return given
    path = given if given is not None else os.environ.get(VARIABLE)
    return read_logger(path) if path else None
