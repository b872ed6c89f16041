"""The scanner in C as Python sees it: the library, its structures, and the programme of a grammar in memory.

Where the library is missing (no compiler was there when trtlog was installed), or was built of another source, the
line engine runs its inner loop in Python: the same rows, more slowly.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from trtlog.engines.digest import source_digest
from trtlog.grammar import Grammar
from trtlog.grammar.model import Programme
from trtlog.grammar.programme_file import programme_of

# Set to 0 to read logs in Python alone, to a path to use another build of the library.
VARIABLE = "TRTLOG_SCANNER"
# The library's file, beside this module: with a further point in its name Python does not take it for a module.
NAME = "_scan.lib"
SUFFIXES = {"win32": ".dll", "darwin": ".dylib"}
_VERSION = 7
# Room, as scan.c has it.
_HEADERS, _HEADER_TEXT, _BEFORE, _BEFORE_TEXT, _TIME_TEXT, _PLACES = 16, 64, 4, 16, 24, 512

_POINTER, _INT, _LONG = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "scan_run": (_LONG, [_POINTER, ctypes.c_char_p, _LONG, _LONG, _LONG]),
    "scan_put": (_INT, [_POINTER, _INT, _LONG, ctypes.c_char_p, _POINTER]),
    "scan_free_rows": (None, [_POINTER, _POINTER]),
    "scan_match": (_INT, [_POINTER, _INT, ctypes.c_char_p, _LONG, _POINTER]),
    "scan_count_lines": (_LONG, [ctypes.c_char_p, _LONG, _LONG]),
    "scan_counts_upto": (None, [_POINTER, _LONG, _POINTER, _LONG, _POINTER]),
}
# Those that take long let other threads run. The rest keep Python's lock: to wait for it again costs more than they do.
_LONG_ONES = frozenset({"scan_run", "scan_free_rows", "scan_count_lines", "scan_counts_upto"})


class Column(ctypes.Structure):
    """Values of one field."""

    _fields_ = (
        *((name, _POINTER) for name in ("offsets", "codes", "follows", "text", "slots")),
        *((name, _LONG) for name in ("values", "offsets_room", "codes_room", "text_room", "slots_room")),
    )


class Rows(ctypes.Structure):
    """Lines of one variant."""

    _fields_ = (
        ("lines", _POINTER),
        *((name, _LONG) for name in ("count", "room", "scanned", "bytes")),
        ("columns", ctypes.POINTER(Column)),
    )


class Header(ctypes.Structure):
    """A header that lines may begin with."""

    _fields_ = (
        ("text", ctypes.c_char * _HEADER_TEXT),
        ("before", (ctypes.c_char * _BEFORE_TEXT) * _BEFORE),
        *((name, _INT) for name in ("length", "time", "time_end")),
        ("before_lengths", _INT * _BEFORE),
        ("asks_section", _INT),
        ("lines", _LONG),
    )

    def fill(self, text: bytes, time: tuple[int, int], before: Sequence[bytes], asks_section: bool) -> bool:
        """Tell what the header is; false where there is no room for it, or a NUL, at which ctypes ends a text."""
        if b"\0" in text or len(text) > _HEADER_TEXT:
            return False
        if len(before) > _BEFORE or any(len(mark) > _BEFORE_TEXT for mark in before):
            return False
        self.text, self.length, self.asks_section = text, len(text), asks_section
        self.time, self.time_end = time
        for number, mark in enumerate(before):
            self.before[number].value, self.before_lengths[number] = mark, len(mark)
        return True


class Places(ctypes.Structure):
    """Places that are told by line."""

    _fields_ = (("count", _LONG), ("all", _LONG * (2 * _PLACES)))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Return each line with its place."""
        found = self.all[: 2 * self.count]
        return zip(found[::2], found[1::2], strict=True)


class Scan(ctypes.Structure):
    """All state of a log: what is set before a run, and what the scanner tells behind it (``scan.c``)."""

    _fields_ = (
        *((name, _POINTER) for name in ("programme", "sections", "rows")),
        *((name, _LONG) for name in ("line", "last_headed", "last_variant", "empty_lines", "empty_bytes")),
        *((name, _INT) for name in ("bare_index", "n_headers", "current", "section", "bare", "time_known")),
        ("time", ctypes.c_char * _TIME_TEXT),
        ("headers", Header * _HEADERS),
        *((name, Places) for name in ("times", "openings")),
    )


class Sections(ctypes.Structure):
    """The sections of a log as the library takes them; it holds the memory that it points to."""

    _fields_ = tuple((name, ctypes.c_char_p) for name in ("stops", "opens", "behind_empty", "indexes"))


class Tables(ctypes.Structure):
    """The programme as the library takes it; it holds the memory that it points to."""

    _fields_ = (
        *((name, ctypes.c_char_p) for name in ("nodes", "indexes", "variants", "words", "text", "classes")),
        ("n_variants", _INT),
    )

    def __init__(self, programme: Programme) -> None:
        super().__init__(*(getattr(programme, field[0]) for field in self._fields_))
        self.sets = programme.sets
        self.field_counts = programme.field_counts()


_VERSIONS = (_VERSION, *map(ctypes.sizeof, (Column, Rows, Scan)))


def library_path() -> Path:
    """Return where the library stands, if there is one."""
    return Path(__file__).with_name(NAME + SUFFIXES.get(sys.platform, ".so"))


@cache
def library() -> Any:
    """Return the library, None where there is none for this Python."""
    chosen = os.environ.get(VARIABLE)
    if chosen == "0" or sys.byteorder != "little":
        return None
    try:
        path = chosen or os.fspath(library_path())
        found, held = ctypes.CDLL(path), ctypes.PyDLL(path)
        found.scan_version.restype = found.scan_source.restype = _LONG
        if source_digest() not in (None, found.scan_source()):
            return None
        if found.scan_version() != sum(number << 16 * n for n, number in enumerate(_VERSIONS)):
            return None
    except (OSError, AttributeError):
        return None
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(found if name in _LONG_ONES else held, name)
        function.restype, function.argtypes = result, arguments
        setattr(found, name, function)
    return found


def tables_of(grammar: Grammar) -> Tables:
    """Return the programme of a grammar in memory; read or made once a process."""
    return grammar.once(_tables)


def _tables(grammar: Grammar) -> Tables:
    return Tables(programme_of(grammar))


def engine_in_words() -> str:
    """Return how logs are read here: for ``trtlog --version``."""
    if library() is not None:
        return "line engine in C"
    stale = library_path().exists() and os.environ.get(VARIABLE) is None
    why = "was built of another source: install trtlog again" if stale else "is missing"
    return f"line engine in Python, slower: the part in C {why}"
