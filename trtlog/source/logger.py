r"""A logger of the user's own: patterns in a small file say how its lines begin.

Each line of the file is a regular expression for the beginning of a line of the log, with named groups: ``severity``,
``time`` and ``message``, all optional; without ``message`` the message is what stands behind the match. A line
``@severity WORD = X`` gives the letter (V I W E F) of a word that trtlog does not know; ``@origin trtexec`` says that
trtexec's own messages are among the lines: those that do not begin with ``[TRT]``. ``#`` begins a comment::

    # 12:00:01.250 <chatty> gpu-builder: Original: 179 layers
    (?P<time>[0-9:.]+) <(?P<severity>[a-z]+)> gpu-builder:\s
    @severity chatty = V

What such a pattern begins is read as a message of the library, or of trtexec, under the header that trtexec prints.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from trtlog._util.expression import expression
from trtlog._util.words import counted
from trtlog.errors import InputError

# One letter for the words and marks that other loggers use.
_SEVERITY_WORDS = {
    "V": "VERBOSE DEBUG TRACE LOG EXTRA_VERBOSE ULTRA_VERBOSE UNKNOWN V D X S U",
    "I": "INFO NOTICE I",
    "W": "WARNING WARN FIXME W",
    "E": "ERROR E",
    "F": "INTERNAL_ERROR CRITICAL BUG FATAL F C !",
}
SEVERITY_LETTERS = {word.encode(): letter for letter, words in _SEVERITY_WORDS.items() for word in words.split()}
# Where a path of patterns is taken from where none is given; processes that read for this one inherit it.
VARIABLE = "TRTLOG_LOGGER"
_GROUPS = frozenset({"time", "severity", "message"})
_ISO_TIME = expression(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})")
_US_TIME = expression(rb"[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}")
_DIRECTIVE = expression(r"@severity\s+(\S+)\s*=\s*([VIWEF])\s*$")
_ORIGIN = expression(r"@origin\s+trtexec\s*$")
_LIBRARY = b"[TRT] "
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

    def __init__(
        self,
        patterns: list[str],
        severities: dict[bytes, str] | None = None,
        source: str = "",
        *,
        trtexec: bool = False,
    ) -> None:
        self._origin = b"" if trtexec else _LIBRARY
        self._patterns = [re.compile(pattern.encode()) for pattern in patterns]
        self._severities = {**SEVERITY_LETTERS, **_NUMBERS, **(severities or {})}
        self.source = source
        self.lines = 0  # that a pattern began

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines, those that a pattern begins under a header of TensorRT's."""
        return b"\n".join([self._rewritten(line) for line in data.split(b"\n")])

    def _rewritten(self, line: bytes) -> bytes:
        found = self._match(line)
        if found is None:
            return line
        self.lines += 1
        groups = found.groupdict()
        message = groups.get("message")
        body = line[found.end() :] if message is None else message
        origin = b"" if body.startswith(_LIBRARY) else self._origin
        return b"%s[%s] %s%s" % (_clock(groups.get("time")), self._letter(groups.get("severity")), origin, body)

    def _match(self, line: bytes) -> re.Match[bytes] | None:
        return next(filter(None, (pattern.match(line) for pattern in self._patterns)), None)

    def header(self, line: bytes, start: int = 0) -> int:
        r"""Return where the message begins of a line that begins at a place as a pattern says; 0 for none.

        Examples
        --------
        >>> Logger([r"<(?P<severity>\w+)> trt: "]).header(b"> <info> trt: Loaded", 2)
        14
        """
        found = self._match(line[start:])
        if found is None:
            return 0
        begin = found.start("message") if "message" in found.re.groupindex else -1
        return start + (begin if begin >= 0 else found.end())

    def inside(self, line: bytes, farthest: int) -> Iterator[int]:
        """Yield where in the first bytes of a line something may begin as a pattern says."""
        for pattern in self._patterns:
            yield from (found.start() for found in pattern.finditer(line, 0, farthest))

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
    trtexec = False
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("@"):
            if _ORIGIN.match(line):
                trtexec = True
                continue
            found = _DIRECTIVE.match(line)
            if found is None:
                choice = "'@severity WORD = X', X one of V I W E F, or '@origin trtexec'"
                raise InputError(f"{path}:{number}: write {choice}, not {line!r}")
            severities[found[1].encode()] = found[2]
            continue
        patterns.append(_checked(line, f"{path}:{number}"))
    if not patterns:
        raise InputError(
            f"{path}: holds no pattern; write one a line, as (?P<severity>[A-Z]+) trt: , for what stands in front "
            f"of TensorRT's text"
        )
    return Logger(patterns, severities, str(path), trtexec=trtexec)


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
