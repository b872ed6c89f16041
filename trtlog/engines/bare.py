"""Lines without a header that are records all the same, in bulk: the layers of an engine.

Such a line means what its rule says whatever stands around it, as long as it has no header and nothing in
front of one. Most rules begin with text that no header begins with; for the others the headers that may are
tried on each line.
"""

from __future__ import annotations

import re

import numpy as np

from trtlog.classify import Classifier
from trtlog.engines.alphabet import can_begin
from trtlog.engines.scan import Array, Scan, words_at
from trtlog.grammar import Grammar
from trtlog.match import Matcher

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
        prefixes = [matcher.variants[number].prefix.encode() for number in matcher.bare.numbers]
        self._rules: list[tuple[int, np.uint64, np.uint64, re.Pattern[bytes] | None]] = []
        # A rule without a literal beginning could match any line.
        numbers = [] if matcher.bare.floating else matcher.bare.numbers
        for number, prefix in zip(numbers, prefixes, strict=True):
            begin = prefix[:_WORD]
            alone = sum(other.startswith(begin) or begin.startswith(other) for other in prefixes) == 1
            if not alone or not classifier.is_plain_bare(number):
                continue
            first = prefix.decode("latin-1")
            possible = [v.regex.encode() for v in headers if v.may_begin(first) and can_begin(v.regex, prefix)]
            text = b"|".join(b"(?:%b)" % regex for regex in possible)
            mask = np.frombuffer((b"\xff" * len(begin)).ljust(_WORD, b"\0"), "<u8")[0]
            wanted = np.frombuffer(begin.ljust(_WORD, b"\0"), "<u8")[0]
            self._rules.append((number, wanted, mask, re.compile(text) if possible else None))
        self.variants = tuple(rule[0] for rule in self._rules)

    def rows(self, scan: Scan) -> list[tuple[int, Array]]:
        """Return, for each rule, the rows that begin as it does and have no header."""
        rows = np.flatnonzero(scan.bare)
        # A first line may be another piece of the line before.
        rows = rows[np.searchsorted(rows, 1) :]
        if not len(rows):
            return []
        words = words_at(scan.data, scan.starts[rows])
        out = []
        for number, wanted, mask, possible in self._rules:
            here = rows[(words & mask) == wanted]
            if possible is not None and len(here):
                spans = zip(scan.starts[here].tolist(), scan.ends[here].tolist(), strict=True)
                # A header at the end of a line may have lost its trailing blank.
                lines = (scan.data[start:end] + b" " for start, end in spans)
                here = here[np.array([possible.match(line) is None for line in lines], bool)]
            if len(here):
                out.append((number, here))
        return out
