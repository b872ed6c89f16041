"""The trees of regular expressions as ``re`` itself parses them: what can be read off a pattern of the grammar."""

from __future__ import annotations

import sys
from typing import Any

# The parser of ``re``, which lark uses too; its trees are stable since Python 3.6.
if sys.version_info >= (3, 11):
    from re import _constants as names
    from re import _parser as parser
else:
    import sre_constants as names
    import sre_parse as parser

__all__ = ["EVERY_BYTE", "byte_class", "names", "parse"]

EVERY_BYTE = frozenset(range(256))


def parse(pattern: str) -> Any:
    """Return the tree of a pattern for bytes: one character a byte."""
    return parser.parse(pattern.encode().decode("latin-1"))


def byte_class(items: Any) -> frozenset[int]:
    """Return the bytes that a character class matches, given its items in a tree; all where one is unknown.

    Examples
    --------
    >>> bytes(sorted(byte_class(parse("[a-cx]")[0][1])))
    b'abcx'
    """
    found: set[int] = set()
    negated = False
    for code, value in items:
        if code is names.NEGATE:
            negated = True
        elif code is names.LITERAL:
            found.add(value)
        elif code is names.RANGE:
            found |= set(range(value[0], value[1] + 1))
        else:
            return EVERY_BYTE
    return EVERY_BYTE - found if negated else frozenset(found)
