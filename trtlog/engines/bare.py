"""Lines without a header that are records all the same, in bulk: the layers of an engine.

Such a line means what its rule says whatever stands around it, as long as it has no header and nothing in
front of one. Most rules begin with text that no header begins with; for the others the headers that may are
tried on each line.
"""

from __future__ import annotations

import re

import numpy as np

from trtlog.engines.cut import holds
from trtlog.engines.scan import Array, Scan
from trtlog.grammar import Grammar
from trtlog.messages.classify import Classifier
from trtlog.messages.match import Matcher

_WORD = 8


class BareRules:
    """The rules for lines without a header that can be tried in bulk.

    Attributes
    ----------
    variants : tuple of int
        Their numbers.

    Examples
    --------
    >>> from trtlog import grammar
    >>> rules = grammar.load()
    >>> matcher = Matcher(rules)
    >>> bare = BareRules(rules, matcher, Classifier(rules, matcher))
    >>> [matcher.variants[number].prefix for number in bare.variants]
    ['Layer(', 'Name: ', '[libprotobuf ']
    """

    def __init__(self, grammar: Grammar, matcher: Matcher, classifier: Classifier) -> None:
        headers = [v for message in grammar.headers.values() for v in message.variants]
        self._rules: list[tuple[int, bytes, re.Pattern[bytes] | None]] = []
        # Rules without a literal beginning (a crashed process names itself first) are tried after all that have one.
        prefixes = {number: prefix for number in matcher.bare.numbers if (prefix := matcher.variants[number].prefix)}
        for number, prefix in prefixes.items():
            begin = prefix[:_WORD]
            alone = sum(other.startswith(begin) or begin.startswith(other) for other in prefixes.values()) == 1
            if not alone or not classifier.is_plain_bare(number):
                continue
            first = prefix.encode().decode("latin-1")
            possible = [v.regex.encode() for v in headers if v.may_begin(first)]
            text = b"|".join(b"(?:%b)" % regex for regex in possible)
            self._rules.append((number, prefix.encode(), re.compile(text) if possible else None))
        self.variants = tuple(rule[0] for rule in self._rules)

    def rows(self, scan: Scan) -> list[tuple[int, Array]]:
        """Return, for each rule, the rows that begin as it does and have no header."""
        rows = np.flatnonzero(scan.bare)
        # A first line may be another piece of the line before.
        rows = rows[np.searchsorted(rows, 1) :]
        if not len(rows):
            return []
        buffer = np.frombuffer(scan.data, np.uint8)
        out = []
        for number, prefix, possible in self._rules:
            here = rows[holds(buffer, scan.starts[rows], prefix)]
            if possible is not None and len(here):
                spans = zip(scan.starts[here].tolist(), scan.ends[here].tolist(), strict=True)
                # A header at the end of a line may have lost its trailing blank.
                lines = (scan.data[start:end] + b" " for start, end in spans)
                here = here[np.array([possible.match(line) is None for line in lines], bool)]
            if len(here):
                out.append((number, here))
        return out
