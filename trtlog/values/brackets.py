"""Texts with brackets: split where none is open."""

from __future__ import annotations


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
    depth = start = position = 0
    step = len(separator)
    while position < len(text):
        char = text[position]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(0, depth - 1)
        elif depth == 0 and text.startswith(separator, position):
            pieces.append(text[start:position])
            position = start = position + step
            continue
        position += 1
    if depth and loose:
        return text.split(separator)
    return [*pieces, text[start:]]
