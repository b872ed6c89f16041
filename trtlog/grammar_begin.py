"""How a header can begin and what it must hold, read off its expression.

Kept in the compiled grammar, so that a line's first bytes tell which of some sixty rules need to be tried, and
hardly any expression has to be compiled. Loaded only when the compiled grammar is stale.
"""

from __future__ import annotations

import sys
from typing import Any

# The parser of ``re`` itself, which lark uses too; its trees are stable since Python 3.6.
if sys.version_info >= (3, 11):
    from re import _constants as names
    from re import _parser as parser
else:
    import sre_constants as names
    import sre_parse as parser

# Positions that are told: a time with its year last and one with its year first differ at the fourth byte.
DEPTH = 4
_ANY = frozenset(range(256))

# Possible beginnings of a match: which bytes may stand at each position. One shorter than the depth ends there.
Paths = set[tuple[frozenset[int], ...]]


def begins(pattern: str) -> tuple[str, ...]:
    r"""Return which bytes can stand at the first positions of a match, as pairs of the first and last of a range.

    None is missing, some may be too many.

    Examples
    --------
    >>> begins("[0-9]{2}:(?:a|bc)x")
    ('09', '09', '::', 'ab')
    >>> begins("a?b+")
    ('ab', '\x00ÿ', '\x00ÿ', '\x00ÿ')
    """
    sets: list[set[int]] = [set() for _ in range(DEPTH)]
    for path in _paths(_parse(pattern), DEPTH):
        for position, possible in enumerate(sets):
            possible |= path[position] if position < len(path) else _ANY
    return tuple(map(_ranges, sets))


def needs(pattern: str) -> str:
    r"""Return the longest text that stands in every match, one character a byte; may be empty.

    Examples
    --------
    >>> needs("(?:[A-Z] )?Severity\\.[A-Z]+: ?")
    'Severity.'
    """
    best = run = ""
    for code, value in _parse(pattern):
        run = run + chr(value) if code is names.LITERAL else ""
        best = max(best, run, key=len)
    return best


def _parse(pattern: str) -> Any:
    return parser.parse(pattern.encode().decode("latin-1"))  # one character a byte


def _paths(tree: Any, depth: int) -> Paths:
    done: Paths = {()}
    for code, value in tree:
        open_paths = {path for path in done if len(path) < depth}
        if not open_paths:
            break
        done = (done - open_paths) | _joined(open_paths, _steps(code, value, depth), depth)
    return done


def _steps(code: Any, value: Any, depth: int) -> Paths:
    if code is names.LITERAL:
        return {(frozenset([value]),)}
    if code is names.NOT_LITERAL:
        return {(_ANY - {value},)}
    if code is names.ANY:
        return {(_ANY - {ord("\n")},)}
    if code is names.IN:
        return {(_class(value),)}
    if code is names.BRANCH:
        return set().union(*(_paths(branch, depth) for branch in value[1]))
    if code is names.SUBPATTERN and not value[1] and not value[2]:
        return _paths(value[3], depth)
    if code in (names.MAX_REPEAT, names.MIN_REPEAT):
        least, most, inner = value
        once = _paths(inner, depth)
        repeated: Paths = {()}
        out: Paths = set()
        for times in range(depth + 1):
            if times >= min(least, depth):
                out |= repeated
            if times == most:
                break
            repeated = _joined(repeated, once, depth)
        return out
    return {(_ANY,) * n for n in range(depth + 1)}  # nothing else is in the grammar; it may match anything


def _joined(first: Paths, second: Paths, depth: int) -> Paths:
    return {(*a, *b)[:depth] for a in first for b in second}


def _class(items: Any) -> frozenset[int]:
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
            return _ANY
    return _ANY - found if negated else frozenset(found)


def _ranges(possible: set[int]) -> str:
    out = ""
    for byte in sorted(possible):
        if out and ord(out[-1]) == byte - 1:
            out = out[:-1] + chr(byte)
        else:
            out += chr(byte) * 2
    return out
