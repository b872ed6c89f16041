"""Which bytes an expression of the grammar can match: the base on which bodies are cut without ambiguity."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

# The parser of ``re`` itself, which lark uses too; its trees are stable since Python 3.6.
if sys.version_info >= (3, 11):
    from re import _constants as names
    from re import _parser as parser
else:
    import sre_constants as names
    import sre_parse as parser

Array = np.ndarray[Any, Any]
_ONE_BYTE = (names.LITERAL, names.NOT_LITERAL, names.ANY, names.IN)


@cache
def alphabet(pattern: str) -> Array:
    """Return which of the 256 bytes can stand in a match: none is missing, some may be too many.

    Examples
    --------
    >>> bytes(np.flatnonzero(alphabet("0x[0-3]+|-?b")).astype(np.uint8))
    b'-0123bx'
    """
    table: Array = np.zeros(256, bool)
    _add(_parse(pattern), table)
    return table


@cache
def sufficient_classes(pattern: str) -> tuple[tuple[bytes, Array], ...]:
    """Return texts, each with bytes: whatever begins with the text and goes on with some of the bytes matches.

    Most values need no expression.

    Examples
    --------
    >>> [(begin, int(table.sum())) for begin, table in sufficient_classes("[0-9]+(?:e[0-9]+)?|nan|0x[0-9a-f]+")]
    [(b'', 10), (b'0x', 16)]
    >>> sufficient_classes("[0-9]{3}"), sufficient_classes("[0-9]+x")
    ((), ())
    """
    tree = _parse(pattern)
    branches = tree[0][1][1] if len(tree) == 1 and tree[0][0] is names.BRANCH else [tree]
    out = []
    for branch in branches:
        needed = [item for item in branch if item[0] is not names.MAX_REPEAT or item[1][0] > 0]
        begin = [value for code, value in needed[:-1] if code is names.LITERAL]
        if not needed or len(begin) != len(needed) - 1 or needed[-1][0] is not names.MAX_REPEAT:
            continue
        least, most, inner = needed[-1][1]
        if least == 1 and most is names.MAXREPEAT and len(inner) == 1 and inner[0][0] is names.IN:
            out.append((bytes(begin), _class(inner[0][1])))
    return tuple(out)


@cache
def can_begin(pattern: str, text: bytes) -> bool:
    """Return whether an expression can match at the beginning of some line that begins with a text.

    Examples
    --------
    >>> can_begin("[A-Z][a-z]*: x", b"Name: "), can_begin("[A-Z][a-z]*: x", b"Layer("), can_begin("a+", b"ab")
    (True, False, True)
    """
    places, beyond = _ends(_parse(pattern), {0}, text)
    return bool(places) or beyond


def _ends(tree: Any, places: set[int], text: bytes) -> tuple[set[int], bool]:
    """Return where matches that begin at some places of a text can end in it, and whether one goes on behind it."""
    beyond = False
    for code, value in tree:
        if code in _ONE_BYTE:
            table: Array = np.zeros(256, bool)
            _add([(code, value)], table)
            beyond |= len(text) in places
            places = {place + 1 for place in places if place < len(text) and table[text[place]]}
        elif code is names.BRANCH:
            found = [_ends(branch, places, text) for branch in value[1]]
            places = set().union(*(ends for ends, _ in found))
            beyond |= any(further for _, further in found)
        elif code is names.SUBPATTERN:
            places, further = _ends(value[3], places, text)
            beyond |= further
        elif code in (names.MAX_REPEAT, names.MIN_REPEAT):
            least, most, inner = value
            reached = places if least == 0 else set()
            for count in range(1, min(int(most), len(text) + least + 1) + 1):
                places, further = _ends(inner, places, text)
                beyond |= further
                if count >= least:
                    if places <= reached:
                        break
                    reached = reached | places
            places = reached
        else:  # nothing else is in the grammar; what is unknown may match anything
            return {0}, True
    return places, beyond


def _parse(pattern: str) -> Any:
    return parser.parse(pattern.encode().decode("latin-1"))  # one character a byte


def _add(tree: Any, table: Array) -> None:
    for code, value in tree:
        if code is names.LITERAL:
            table[value] = True
        elif code is names.NOT_LITERAL:
            table |= np.arange(256) != value
        elif code is names.ANY:
            table |= np.arange(256) != ord("\n")
        elif code is names.IN:
            table |= _class(value)
        elif code is names.BRANCH:
            for branch in value[1]:
                _add(branch, table)
        elif code in (names.MAX_REPEAT, names.MIN_REPEAT):
            _add(value[2], table)
        elif code is names.SUBPATTERN:
            _add(value[3], table)
        else:  # nothing else is in the grammar; what is unknown may match anything
            table[:] = True


def _class(items: Any) -> Array:
    table: Array = np.zeros(256, bool)
    negated = False
    for code, value in items:
        if code is names.NEGATE:
            negated = True
        elif code is names.LITERAL:
            table[value] = True
        elif code is names.RANGE:
            table[value[0] : value[1] + 1] = True
        else:
            table[:] = True
            return table
    return ~table if negated else table
