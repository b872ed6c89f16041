"""Which line of a text that is refused came nearest to TensorRT's."""

from __future__ import annotations

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


def nearest_words(grammar: Grammar, data: bytes) -> str:
    """Return what to say about the first line that ends in a message of the library; empty where none does.

    In front of the message stands something that is no known header.
    """
    matcher = Matcher(grammar)
    for number, line in enumerate(data.split(b"\n")[:_LINES], 1):
        line = line[:_LONGEST].rstrip()
        for found in list(_BREAK.finditer(line))[:_PLACES]:
            body = line[found.end() :]
            known = matcher.match(body) if len(body) >= _LITERAL else None
            if known is not None and len(matcher.variants[known.variant].prefix) >= _LITERAL:
                kind = matcher.variants[known.variant].kind
                return (
                    f"; line {number} came nearest: behind {text(line[: found.end()])!r} stands a message of "
                    f"TensorRT's ({kind}): {text(body)[:100]!r}; if a logger of your own prints that, describe how "
                    f"its lines begin in a file: --logger FILE, or trtlog.parse(..., logger=FILE); "
                    f"see docs/loggers.md"
                )
    return ""
