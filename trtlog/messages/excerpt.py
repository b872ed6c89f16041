"""Some lines of a log as they stand: for a report of a mistake, or to see what an answer rests on."""

from __future__ import annotations

from collections.abc import Iterator

from trtlog._util.expression import expression
from trtlog._util.redact import REDACTED, redact, redact_value
from trtlog._util.words import counted
from trtlog.errors import InputError
from trtlog.messages.captures import text

# The name of a user in a path: of Linux, macOS and Windows, and behind drives that are mounted.
_HOME = expression(r"((?:/home/|/Users/|[\\/]Users[\\/]|/export/home/|/data/home/))[^/\\\s:\"']+")

# An option with its value, as a log lists it: the value goes to the end of the line.
_LISTED = expression(r"((?:\[[^\]\s]{1,40}\] ?)*([A-Za-z][\w.-]*): )(.+)")


def excerpt(path: str, first: int, last: int, *, redacted: bool = False) -> Iterator[tuple[int, str]]:
    """Yield lines ``first`` to ``last`` of a log with their numbers, decompressed and decoded, without line ends.

    Parameters
    ----------
    path : str
        The log.
    first, last : int
        Lines, from 1.
    redacted : bool
        Replace passwords, tokens, keys and the names of users in paths by ``***``.

    Raises
    ------
    InputError
        The log cannot be read, or has no line ``first``.

    Examples
    --------
    >>> log = "fixtures/trt-8.5.3-h200/err_missing_onnx.log.gz"
    >>> [line for _, line in excerpt(log, 3, 3)]
    ['[11/22/2026-13:31:28] [I] Format: ONNX']
    """
    from trtlog.source.chunks import open_source

    if first < 1 or last < first:
        raise InputError(f"lines {first} to {last}: write FIRST-LAST, from 1")
    seen = 0
    found = False
    with open_source(path) as opened:
        for chunk in opened:
            for position, line in chunk.lines():
                number, seen = opened.line_map.of(position), opened.line_map.end(position)
                if number > last:
                    return
                if seen >= first:
                    found = True
                    shown = text(line)
                    yield number, anonymous(shown) if redacted else shown
    if not found:
        raise InputError(f"{path}: has {counted(seen, 'line')}; there is no line {first}")


def anonymous(line: str) -> str:
    """Return a line without secrets and without the names of users in paths.

    Examples
    --------
    >>> anonymous("trtexec --onnx=/home/ann/net.onnx --token=12ab")
    'trtexec --onnx=/home/***/net.onnx --token=***'
    """
    if listed := _LISTED.match(line):
        line = f"{listed[1]}{redact_value(listed[2], listed[3])}"
    return _HOME.sub(rf"\g<1>{REDACTED}", redact(line))
