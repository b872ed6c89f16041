"""How a header can begin and what it must hold, read off its expression.

Kept in the compiled grammar, so that a line's first bytes tell which of some sixty rules need to be tried, and
hardly any expression has to be compiled. Loaded only when the compiled grammar is stale.
"""

from __future__ import annotations

from typing import Any

from trtlog.grammar.regex_tree import EVERY_BYTE, byte_class, names, parse

# Positions that are noted: a time with its year last and one with its year first differ at the fourth byte.
DEPTH = 4

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
    for path in _paths(parse(pattern), DEPTH):
        for position, possible in enumerate(sets):
            possible |= path[position] if position < len(path) else EVERY_BYTE
    return tuple(map(_ranges, sets))


def needs(pattern: str) -> str:
    r"""Return the longest text that stands in every match, one character a byte; may be empty.

    Examples
    --------
    >>> needs("(?:[A-Z] )?Severity\\.[A-Z]+: ?"), needs("[A-Z]a+:")
    ('Severity.', 'a:')
    """
    best = run = ""
    for code, value in parse(pattern):
        again = _repeated(code, value)  # the last of them stands in front of what follows
        best = max(best, run + again, key=len)
        run = again or (run + chr(value) if code is names.LITERAL else "")
        best = max(best, run, key=len)
    return best


def _repeated(code: Any, value: Any) -> str:
    """Return the character that stands there once or more often; empty for anything else."""
    if code in (names.MAX_REPEAT, names.MIN_REPEAT) and value[0] and len(value[2]) == 1:
        inner, character = value[2][0]
        return chr(character) if inner is names.LITERAL else ""
    return ""


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
        return {(EVERY_BYTE - {value},)}
    if code is names.ANY:
        return {(EVERY_BYTE - {ord("\n")},)}
    if code is names.IN:
        return {(byte_class(value),)}
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
    return {(EVERY_BYTE,) * n for n in range(depth + 1)}  # nothing else is in the grammar; it may match anything


def _joined(first: Paths, second: Paths, depth: int) -> Paths:
    return {(*a, *b)[:depth] for a in first for b in second}


def _ranges(possible: set[int]) -> str:
    out = ""
    for byte in sorted(possible):
        if out and ord(out[-1]) == byte - 1:
            out = out[:-1] + chr(byte)
        else:
            out += chr(byte) * 2
    return out
