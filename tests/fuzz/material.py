"""What is mutated: excerpts of real logs, and logs put together of the grammar's own samples."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path
from random import Random

from tests.conftest import CORPUS, FIXTURES, ROOT
from trtlog import grammar
from trtlog.grammar import compiler

_MARKS = re.compile(
    rb"===|&&&&|Engine Layer Information|Chose Runner|Fusing|Registering layer|Total Host|Average on|percentile|"
    rb"\[MemUsage|Building|\] \[[WE]\]|Skipping|Layer\(|Profile",
)
_MOST_BYTES = 5_000_000


def real_logs() -> list[Path]:
    """Return the logs that are at hand: the fixtures, and what lies beside the checkout."""
    beside = [CORPUS, ROOT.parent / "shared" / "captures", ROOT.parent / "shared" / "cases"]
    seen: set[str] = set()
    found = []
    for folder in (FIXTURES, *beside):
        for path in sorted(folder.rglob("*")):
            if re.search(r"\.(log|txt)(\.gz)?$", path.name) and path.is_file() and path.name not in seen:
                seen.add(path.name)
                found.append(path)
    return found


@lru_cache(maxsize=256)
def text_of(path: Path) -> bytes:
    """Return the bytes of a log, decompressed."""
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)[:_MOST_BYTES]


@lru_cache(maxsize=256)
def _starts(path: Path) -> tuple[list[int], list[int]]:
    """Return the line starts of a log, and the indices of lines at which something begins."""
    data = text_of(path)
    starts = [0]
    at = data.find(b"\n")
    while at >= 0:
        starts.append(at + 1)
        at = data.find(b"\n", at + 1)
    marks = []
    line = 0
    for found in _MARKS.finditer(data):
        while line + 1 < len(starts) and starts[line + 1] <= found.start():
            line += 1
        if not marks or marks[-1] != line:
            marks.append(line)
    return starts, marks


def excerpt(noise: Random, logs: list[Path], most: int = 300) -> bytes:
    """Return one to five windows of lines of a real log, in their order."""
    path = noise.choice(logs)
    data = text_of(path)
    starts, marks = _starts(path)
    windows = []
    for _ in range(noise.choice((1, 1, 2, 3, 5))):
        size = noise.choice((1, 5, 20, most)) if windows else noise.choice((20, 40, most))
        how = noise.random()
        if how < 0.2:
            first = 0
        elif how < 0.35:
            first = max(0, len(starts) - size)
        elif how < 0.75 and marks:
            first = max(0, noise.choice(marks) - noise.choice((0, 0, 1, 5)))
        else:
            first = noise.randrange(len(starts))
        windows.append((first, min(len(starts) - 1, first + size)))
    windows.sort()
    return b"".join(data[starts[a] : starts[b] if b < len(starts) - 1 else len(data)] for a, b in windows)


@lru_cache(maxsize=1)
def samples() -> list[bytes]:
    """Return the sample lines of all rules."""
    described = {}
    for path in sorted((grammar.grammar_dir() / "messages").glob("*.lark")):
        described.update(compiler.read_messages(path))
    return [sample.encode() for message in described.values() for sample in message.samples]


_STAMPS = (b"[11/22/2026-13:22:03] ", b"[11/22/2026-13:22:04] ", b"[11/22/2026-13:22:99] ", b"")
_LEVELS = (
    b"[V] [TRT] ", b"[I] [TRT] ", b"[TRT] [V] ", b"[I] ", b"[V] ",
    b"[W] [TRT] ", b"[E] ", b"[TRT] ", b"[X] ", b"",
)  # fmt: skip


def invented(noise: Random) -> bytes:
    """Return a log of sample lines in an order that nobody prints."""
    lines = []
    for _ in range(noise.choice((1, 3, 10, 40))):
        header = noise.choice(_STAMPS) + noise.choice(_LEVELS)
        line = header + noise.choice(samples()) + noise.choice((b"\n", b"\n", b"\n", b"\n", b"\r\n", b""))
        lines.append(line * noise.choice((1, 1, 1, 2, 5)))
    return b"".join(lines)


def material(noise: Random, logs: list[Path]) -> bytes:
    """Return a text to mutate."""
    if noise.random() < 0.2 or not logs:
        return invented(noise)
    return excerpt(noise, logs, noise.choice((40, 40, 100, 400)))
