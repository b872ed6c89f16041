r"""What a log's text may do where it is shown: nothing. Control characters are seen, formulas of spreadsheets are text.

A log can hold anything: an escape sequence that clears a terminal or writes to its clipboard, characters that turn the
direction of text around, cells that a spreadsheet would run. All that trtlog prints goes through :func:`visible`.
"""

from __future__ import annotations

import re

from trtlog._util.expression import expression
from trtlog._util.redact import redact

# C0 characters stand as pictures, but for the line end; a tab is a blank. C1 characters, those that turn the
# direction of text around, and other ends of lines are spelled.
_SPELLED = (0x61C, 0x200E, 0x200F, *range(0x80, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_VISIBLE: dict[int, str] = {code: chr(0x2400 + code) for code in range(0x20) if code != 0x0A}
_VISIBLE |= {0x09: " ", 0x7F: "\u2421"} | {code: f"\\u{code:04x}" for code in _SPELLED}
_ODD = expression("[" + "".join(map(re.escape, map(chr, _VISIBLE))) + "]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = expression(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?%?")


def visible(text: str) -> str:
    r"""Return a text whose control characters can be seen and do nothing; ends of lines stay.

    Examples
    --------
    >>> visible("\x1b[31mred"), visible("a\x9b2J"), visible("abc\u202etxt.exe")
    ('␛[31mred', 'a\\u009b2J', 'abc\\u202etxt.exe')
    """
    return text.translate(_VISIBLE) if _ODD.search(text) else text


def spelled(json_text: str) -> str:
    r"""Return JSON with its odd characters as escapes: the same value, and safe to print.

    Examples
    --------
    >>> spelled('"a\x9b\u202e"')
    '"a\\u009b\\u202e"'
    """
    return _ODD.sub(_escape, json_text) if _ODD.search(json_text) else json_text


def _escape(found: re.Match[str]) -> str:
    # JSON's own blanks stand between values only: within texts json.dumps has escaped them
    return found[0] if found[0] in "\t\r" else f"\\u{ord(found[0]):04x}"


def no_formula(text: str) -> str:
    """Return a cell of CSV that no spreadsheet runs: what would be a formula is quoted, a number is one still.

    Examples
    --------
    >>> no_formula("=cmd|'/c calc'!A1"), no_formula("-1.5e-3"), no_formula("-fp16"), no_formula("conv1")
    ("'=cmd|'/c calc'!A1", '-1.5e-3', "'-fp16", 'conv1')
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def shown(text: str, longest: int = 300) -> str:
    """Return a text without secrets and odd characters, cut in the middle where it is too long.

    Examples
    --------
    >>> shown("https://me:secret@host/m.onnx"), shown("abcdefghi", 6)
    ('https://***@host/m.onnx', 'abcd … hi')
    """
    # at first roughly: what is searched for secrets need not be a megabyte
    return _cut(visible(redact(_cut(text, 50 * longest))), longest)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head = longest * 2 // 3
    return f"{text[:head]} … {text[head - longest :]}"
