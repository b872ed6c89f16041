"""Several small logs as one set of captures: what was found in each is put together, and can be taken out again.

Their lines are numbered through, with a gap between two logs, so that no lines of different logs are neighbours. What
is counted, and what holds for a log as a whole, stays with each log (`Captures.logs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trtlog.messages.captures import Captures

if TYPE_CHECKING:
    import pyarrow as pa

# Numbers that no line has, between the last line of a log and the first of the next.
GAP = 8
# What is a list in the order of lines.
_LISTS = ("remarks", "unknown", "continuations", "times", "openings")


def add(whole: Captures, found: Captures) -> None:
    """Add what was found in lines behind those of the whole."""
    for kind, (lines, size) in found.counts.items():
        whole.count(kind, lines, size)
    for producer, lines in found.producers.items():
        whole.producers[producer] = whole.producers.get(producer, 0) + lines
    add_rows(whole, found)
    for name in _LISTS:
        getattr(whole, name).extend(getattr(found, name))
    whole.torn.update(found.torn)
    whole.lines = found.lines
    whole.size += found.size


def add_rows(whole: Captures, found: Captures) -> None:
    """Move the rows that were found to the whole."""
    for index, chunks in found.columns.items():
        whole.columns.setdefault(index, []).extend(chunks)
    found.columns = {}


def joined(logs: Sequence[Captures]) -> Captures:
    """Return the captures of logs that one engine read one after the other, as those of one log of several runs."""
    if len(logs) == 1:
        return logs[0]
    whole = Captures(logs[0].grammar, logs[0].variants)
    for log in logs:
        add(whole, log)
    whole.parts = list(logs)
    return whole


def taken_out(whole: Captures, number: int) -> Captures:
    """Return the captures of one of several logs, as if it had been read alone but for the numbers of its lines."""
    import numpy as np

    log = whole.logs[number]
    if log is whole:
        return whole
    own = Captures(whole.grammar, whole.variants)
    add(own, log)
    own.line_map, own.above, own.first = log.line_map, log.above, log.first
    for index, chunks in whole.columns.items():
        for lines, fields in chunks:
            first, last = np.searchsorted(lines, (log.first, log.lines + 1)).tolist()
            if first < last:
                # Plain, as a dictionary holds values of the other logs too.
                parts = [_plain(values.slice(first, last - first)) for values in fields]
                own.columns.setdefault(index, []).append((lines[first:last], parts))
    return own


def _plain(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
