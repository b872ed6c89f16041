"""Which bytes an expression of the grammar can match: the base on which bodies are cut without ambiguity."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from trtlog.grammar.regex_tree import byte_class, names, parse

Array = np.ndarray[Any, Any]


@cache
def alphabet(pattern: str) -> Array:
    """Return which of the 256 bytes can stand in a match: none is missing, some may be too many.

    Examples
    --------
    >>> bytes(np.flatnonzero(alphabet("0x[0-3]+|-?b")).astype(np.uint8))
    b'-0123bx'
    """
    table: Array = np.zeros(256, bool)
    _add(parse(pattern), table)
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
    tree = parse(pattern)
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
    table[list(byte_class(items))] = True
    return table
