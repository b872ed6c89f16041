"""Real logs for the value readers: own captures, and third-party logs where the folder is there."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _texts(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in ("MANIFEST.tsv", "README.md"):
            data = path.read_bytes()
            data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            yield path, data.decode("utf-8", "replace")


@functools.cache
def real_texts() -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for folder in (ROOT / "fixtures", ROOT.parent / "shared" / "captures", ROOT.parent / "shared" / "corpus"):
        if folder.is_dir():
            seen = {(path.parent.name, path.name) for path, _ in found}  # fixtures are among the captures
            found += [(path, text) for path, text in _texts(folder) if (path.parent.name, path.name) not in seen]
    return found


@pytest.fixture(scope="session")
def real_logs() -> list[tuple[Path, str]]:
    found = real_texts()
    if not found:
        pytest.skip("no real logs: neither fixtures nor ../shared/captures nor ../shared/corpus is there")
    return found
