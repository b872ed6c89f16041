"""Whether a text is a log as it was printed: most logs are, and what finds forms is loaded for the others only."""

from __future__ import annotations

import re

from trtlog._util.expression import expression
from trtlog.source.logger import Logger

# So much of a text is looked at, so much of each later part of it, unless a glance at less tells that it is plain.
SAMPLE_BYTES = 2 << 20
LATER_BYTES = 64 << 10
GLANCE_BYTES = 8 << 10
# Behind so much of a text lines are looked at by their first characters alone, and some of those that begin oddly.
_LOOKED_AT = 256 << 10
_JUDGED_ODD = 400
# How the lines of a log begin that was written to a file by what printed it.
PLAIN = expression(
    rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9:]{8}\] \[(?:[VIWEF]|TRT)\](?: |\r?$)|\[[VIWEF]\] (?:\[TRT\] )?|"
    rb"&&&& [A-Z]+ |Layer\([A-Za-z]+\): |\r?$"
)
# What no such log holds: entities, tags, colours without their escape; spaces, dashes and quotes of other kinds.
_TEXTS = (
    *(b"\t", b"\x1b", b"[0m", b"NativeCommandError"),
    *(b"&gt;", b"&lt;", b"&quot;", b"&amp;", b"&nbsp;", b"&#", b"<br", b"<p", b"</", b"<span", b"<pre", b"<BR"),
)
_BY_BYTE = {byte: tuple(t for t in _TEXTS if t.startswith(byte)) for byte in sorted({t[:1] for t in _TEXTS})}
# A byte that stands in a text more often is not gone through: each of the texts that begin with it is looked for.
_OFTEN = 4096
ODD = expression(b"|".join(map(re.escape, _TEXTS)) + rb"|[\xc2\xe2][\x80-\xbf]|\xe3\x80|(?<![\x80-\xff])[\x80-\xbf]")
# The end of a line behind which neither a date or a severity in brackets begins nor a banner, a layer, an empty line.
_ODD_BEGIN = expression(rb"\n(?!\[.(?:\]|./)|&&|[\r\nL])", re.DOTALL)
_STRANGE = 0.02
_SAME_END = 0.9
# What records hold, whatever they are wrapped in.
_MARKS = expression(
    rb"\[[VIWEF]\]|\[TRT\]|\[TensorRT\]|&&&& |(?:&amp;){4} |\bSeverity\.|\b[VIWE][0-9]{4} |\b[A-Z]+: \[|Layer\("
)
FARTHEST = 400
# What may stand at the ends of all lines, the longest of each kind first.
ENDS = (*(sign.encode() for sign in "$\\|\t\u00b6\u00ac\u21b5\u21b2\u23ce"), b"  ", b" ")
_ALL, _EVERY = 600, 4
# A header holds this twice; a line that holds it more often may hold several records.
_BETWEEN = b"] ["


def holds_record(line: bytes) -> bool:
    """Tell whether a line holds what records hold, whatever stands in front of it."""
    return _MARKS.search(line, 0, FARTHEST) is not None


def looks_plain(data: bytes) -> bool:
    r"""Tell from a few beginnings whether a text is a log as it was printed: nothing is to be looked for.

    Examples
    --------
    >>> looks_plain(b"[I] [TRT] Loaded\n[I] [TRT] Loaded\n"), looks_plain(b"> [I] [TRT] Loaded\n")
    (True, False)
    """
    if len(data) > 2 * _LOOKED_AT:
        if any(data.find(byte, _LOOKED_AT) >= 0 for byte in (b"\t", b"\x1b")):
            return False
        if any(map(holds_record, _oddly_begun(data, _LOOKED_AT))):
            return False
        data = data[:_LOOKED_AT]
    # Single bytes are looked for first, which is fast.
    if any(_holds_any(data, byte, texts) for byte, texts in _BY_BYTE.items()):
        return False
    if not data.isascii() and (any(byte in data for byte in (b"\xc2", b"\xe2", b"\xe3")) or not _is_utf8(data)):
        return False
    lines = data.split(b"\n")
    match = PLAIN.match
    # A part of a few lines in a form of its own is still seen further down.
    looked_at = lines[:_ALL] + lines[_ALL::_EVERY]
    strange = [line for line in looked_at if match(line) is None]
    if len(strange) > _STRANGE * len(looked_at) or any(holds_record(line) for line in strange):
        return False
    filled = [line.rstrip(b"\r") for line in looked_at if len(line) > 1]
    marked = [line for line in filled if line.endswith(ENDS)]
    if any(sum(line.endswith(end) for line in marked) > _SAME_END * len(filled) for end in ENDS if marked):
        return False
    return data.count(_BETWEEN) <= 3 * len(lines)


def _holds_any(data: bytes, byte: bytes, texts: tuple[bytes, ...]) -> bool:
    """Tell whether a text holds any of some texts that begin with the same byte."""
    if len(texts) == 1 or data.count(byte) > _OFTEN:
        return byte in data and any(text in data for text in texts)
    place = data.find(byte)
    while place >= 0:
        if data.startswith(texts, place):
            return True
        place = data.find(byte, place + 1)
    return False


def _oddly_begun(data: bytes, begin: int) -> list[bytes]:
    """Return some of the lines behind a place that begin neither with a date or a severity in brackets nor a banner."""
    starts = [found.end() for found in _ODD_BEGIN.finditer(data, begin) if found.end() <= len(data) - 4]
    return [data[start : data.find(b"\n", start)] for start in starts[:: 1 + len(starts) // _JUDGED_ODD]]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start > len(data) - 4  # a character that is cut at the end
    return True


def odd_lines(data: bytes, *, whole: bool = False, logger: Logger | None = None) -> bytes | None:
    """Return the whole lines of a text that does not look plain; None of one that does.

    Parameters
    ----------
    data : bytes
        The beginning of a text; a line that is cut at its end is not looked at, unless it is the only one.
    whole : bool
        Whether this is all of the text.
    logger : Logger, optional
        How lines of a logger of the user's own begin.
    """
    if not whole and b"\n" in data:
        data = data[: data.rindex(b"\n") + 1]
    return None if looks_plain(data if logger is None else logger.rewrite(data)) else data
