"""Which line of a text that is refused came nearest to TensorRT's."""

from __future__ import annotations

from typing import NamedTuple

from trtlog._util.expression import expression
from trtlog.grammar import Grammar
from trtlog.messages.captures import text
from trtlog.messages.match import Matcher

# Lines that are looked at, places in a line at which a message may begin, and the least literal text of its rule.
_LINES = 400
_PLACES = 24
_LITERAL = 8
_LONGEST = 2_000
_BREAK = expression(rb"[\]>):|;,\t] *|- | {2,}|(?<=[A-Za-z]) ")


class Nearest(NamedTuple):
    """A line that holds a message of the library, and what stands in front of it."""

    line: int
    kind: str
    front: str
    body: str


def nearest_line(grammar: Grammar, data: bytes) -> Nearest | None:
    """Return the first line that ends in a message of the library behind something that is no known header."""
    matcher = Matcher(grammar)
    for number, line in enumerate(data.split(b"\n")[:_LINES], 1):
        line = line[:_LONGEST].rstrip()
        for found in list(_BREAK.finditer(line))[:_PLACES]:
            body = line[found.end() :]
            known = matcher.match(body) if len(body) >= _LITERAL else None
            if known is not None and len(matcher.variants[known.variant].prefix) >= _LITERAL:
                kind = matcher.variants[known.variant].kind
                return Nearest(number, kind, text(line[: found.end()]), text(body))
    return None


def nearest_words(grammar: Grammar, data: bytes) -> str:
    """Return what to say about the line that came nearest; empty where none did."""
    found = nearest_line(grammar, data)
    if found is None:
        return ""
    return (
        f"; line {found.line} came nearest: behind {found.front!r} stands a message of TensorRT's ({found.kind}): "
        f"{found.body[:100]!r}; if a logger of your own prints that, describe how its lines begin in a file: "
        f"--logger FILE, or trtlog.parse(..., logger=FILE); see docs/loggers.md"
    )
