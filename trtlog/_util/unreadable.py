"""What is printed where a number belongs and is none, or none that 64 bits hold: null in its table, and noted.

Readers of values call :func:`note`; who asks for a table collects what its readers noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_SHOWN = 60
_found: ContextVar[dict[str, int] | None] = ContextVar("found", default=None)


def note(printed: Any) -> None:
    """Note a text or number that became null."""
    found = _found.get()
    if found is not None:
        shown = printed.decode("utf-8", "backslashreplace") if isinstance(printed, bytes) else str(printed)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        found[shown] = found.get(shown, 0) + 1


@contextmanager
def collecting() -> Iterator[dict[str, int]]:
    """Collect what is noted: text -> how often.

    Examples
    --------
    >>> with collecting() as found:
    ...     note("18446744073709551616")
    >>> found
    {'18446744073709551616': 1}
    """
    found: dict[str, int] = {}
    before = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(before)


def in_words(table: str, found: Mapping[str, int | None]) -> str:
    """Return the note on a table: what stands there, the first with its line where that is known.

    Examples
    --------
    >>> in_words("devices", {".": 3})
    "table devices: null stands for '.' in line 3, which cannot be read as the number it should be"
    """
    first, line = next(iter(found.items()))
    more = len(found) - 1
    place = "" if line is None else f" in line {line}"
    others = f" and {more} other {'text' if more == 1 else 'texts'}" if more else ""
    verb = "which cannot be read as the number it should be" if not more else "which are no numbers that 64 bits hold"
    return f"table {table}: null stands for {first!r}{place}{others}, {verb}"


def printed_bytes(shown: str) -> bytes:
    """Return what stands in the log of a text that was noted: the beginning of a long one."""
    return (shown[:_SHOWN] if len(shown) > _SHOWN else shown).encode()
