"""Make an input small that shows a fault: first lines, then pieces of lines (delta debugging)."""

from __future__ import annotations

import re
from collections.abc import Callable


def reduced(data: bytes, shows: Callable[[bytes], bool], tries: int = 1500) -> bytes:
    """Return a small input for which ``shows`` is still true.

    Parameters
    ----------
    data : bytes
        An input for which it is true.
    shows : callable
        Whether an input shows the fault.
    tries : int
        How often to ask at most.

    Examples
    --------
    >>> reduced(b"a\\nb bad c\\nd\\n", lambda data: b"bad" in data)
    b'bad'
    """
    budget = [tries]

    def ask(data: bytes) -> bool:
        budget[0] -= 1
        return budget[0] >= 0 and shows(data)

    for pattern in (rb"[^\n]*\n|[^\n]+\Z", rb"\n|\w+|[^\w\n]", rb"(?s)."):
        before = None
        while before != data and budget[0] > 0:
            before = data
            parts = re.findall(pattern, data)
            if len(parts) > 4000:
                break
            data = b"".join(_fewest(parts, ask))
    return data


def _fewest(parts: list[bytes], ask: Callable[[bytes], bool]) -> list[bytes]:
    """Drop runs of parts, half of them first, then shorter ones."""
    size = max(1, len(parts) // 2)
    while True:
        at = 0
        while at < len(parts):
            shorter = parts[:at] + parts[at + size :]
            if shorter and ask(b"".join(shorter)):
                parts = shorter
            else:
                at += size
        if size == 1:
            return parts
        size //= 2
