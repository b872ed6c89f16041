"""Texts with brackets: split where none is open."""

from __future__ import annotations

import re
from functools import lru_cache


def split_outside(text: str, separator: str, *, loose: bool = False) -> list[str]:
    """Split at a separator outside parentheses, brackets and braces.

    Parameters
    ----------
    text : str
        The text.
    separator : str
        What stands between the pieces.
    loose : bool
        Split a text whose brackets do not match, for instance a cut one, at every separator.

    Examples
    --------
    >>> split_outside("a,(b,c),d", ",")
    ['a', '(b,c)', 'd']
    >>> split_outside("f(a + b", " + "), split_outside("f(a + b", " + ", loose=True)
    (['f(a + b'], ['f(a', 'b'])
    """
    if separator not in text:
        return [text]
    pieces: list[str] = []
    depth = start = 0
    for found in _marks(separator).finditer(text):
        mark = found[0]
        if len(mark) > 1 and mark[0] == "(":
            continue  # closed again
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(0, depth - 1)
        elif depth == 0:
            pieces.append(text[start : found.start()])
            start = found.end()
    if depth and loose:
        return text.split(separator)
    return [*pieces, text[start:]]


@lru_cache(maxsize=16)
def _marks(separator: str) -> re.Pattern[str]:
    """Return what matches a pair of parentheses, a bracket or the separator, which holds none of these."""
    return re.compile(rf"\([^()\[\]{{}}]*\)|[()\[\]{{}}]|{re.escape(separator)}")
