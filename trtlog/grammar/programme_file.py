"""The programme of a grammar on disk: ``grammars/programme.bin``, with plug-ins one among the user's cached files.

The first line is JSON: the digest of the grammar's text, how long each table is, and a checksum; the tables follow.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from trtlog.grammar.files import grammar_dir, shipped
from trtlog.grammar.model import Grammar, Programme

PROGRAMME_NAME = "programme.bin"
# Bump when the programme of the same grammar changes.
PROGRAMME_VERSION = 3
_TABLES = Programme._fields[2:]


def programme_of(grammar: Grammar) -> Programme:
    """Return the programme of a grammar, from a file where that is fresh, else made anew, and kept with plug-ins."""
    for path in _places(grammar):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            programme = from_bytes(path.read_bytes(), grammar.digest)
            if grammar is shipped() or programme.field_counts() == [len(v.fields) for v in grammar.variants]:
                return programme
    from trtlog.grammar.programme import make_programme  # local: it is hardly ever made

    programme = make_programme(grammar)
    if grammar.digest != shipped().digest:
        from trtlog.grammar.plugins import keep

        keep(_kept(grammar), to_bytes(programme, grammar.digest))
    return programme


def write_programme() -> Path:
    """Write the programme of the shipped grammar; return its path."""
    from trtlog.grammar.programme import make_programme

    target = grammar_dir() / PROGRAMME_NAME
    grammar = shipped()
    target.write_bytes(to_bytes(make_programme(grammar), grammar.digest))
    return target


def to_bytes(programme: Programme, digest: str) -> bytes:
    """Return a programme as it stands in a file."""
    tables = [getattr(programme, name) for name in _TABLES]
    head = {
        "digest": f"{PROGRAMME_VERSION}-{digest}",
        "sets": list(programme.sets),
        "n_variants": programme.n_variants,
        "sizes": [len(table) for table in tables],
        "crc32": zlib.crc32(b"".join(tables)),
    }
    return b"\n".join([json.dumps(head).encode(), b"".join(tables)])


def from_bytes(data: bytes, digest: str) -> Programme:
    """Return the programme that a file holds.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is of another grammar, or damaged.
    """
    end = data.index(b"\n")
    head, tables = json.loads(data[:end]), memoryview(data)[end + 1 :]
    if head["digest"] != f"{PROGRAMME_VERSION}-{digest}" or head["crc32"] != zlib.crc32(tables):
        raise ValueError("not the programme of this grammar")
    parts = []
    begin = 0
    for size in head["sizes"]:
        parts.append(bytes(tables[begin : begin + size]))
        begin += size
    return Programme({name: number for number, name in enumerate(head["sets"])}, head["n_variants"], *parts)


def _places(grammar: Grammar) -> Iterator[Path]:
    yield grammar_dir() / PROGRAMME_NAME
    if grammar.digest != shipped().digest:
        yield _kept(grammar)


def _kept(grammar: Grammar) -> Path:
    from trtlog.grammar.plugins import cache_folder

    return cache_folder() / f"programme-{zlib.crc32(grammar.digest.encode()):08x}.bin"
