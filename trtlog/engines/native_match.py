"""Tells with the scanner which rule a body matches: for lines that its loop leaves to Python, without an expression."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from trtlog.engines.library import Tables, library, tables_of
from trtlog.grammar import Grammar
from trtlog.messages.match import Index, Matcher, Rule, shared_matcher

# What `scan_match` says of a body that no rule matches.
_NONE = -1
# Where fields begin and end: as many as the scanner has room for.
_Spans = ctypes.c_int32 * 64


class NativeIndex(Index):
    """A set of rules that the scanner asks first; what it cannot tell is asked of the expressions."""

    def __init__(self, name: str, rules: Callable[[], list[Rule]], tables: Tables) -> None:
        super().__init__(rules)
        self._match: Any = library().scan_match
        self._tables = ctypes.byref(tables)
        self._number = tables.sets[name]
        self._fields = tables.field_counts

    def search(self, body: bytes) -> tuple[int, tuple[bytes | None, ...]] | None:
        """Return the number of the first rule that matches, and what it captures."""
        spans = _Spans()  # of this call alone: threads share the index
        found: int = self._match(self._tables, self._number, body, len(body), spans)
        if found >= 0:
            places = spans[: 2 * self._fields[found]]
            return found, tuple([body[begin:end] for begin, end in zip(places[::2], places[1::2], strict=True)])
        return None if found == _NONE else super().search(body)


def fastest_matcher(grammar: Grammar) -> Matcher:
    """Return a matcher that asks the scanner where there is one, the same for each log."""
    return shared_matcher(grammar) if library() is None else grammar.once(_native_matcher)


def _native_matcher(grammar: Grammar) -> Matcher:
    tables = tables_of(grammar)
    return Matcher(grammar, lambda name, rules: NativeIndex(name, rules, tables))
