"""Captured logs for the runner's tests, and programs that behave badly on purpose."""

import gzip
import stat
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = (ROOT / "fixtures", ROOT.parent / "shared" / "captures")


def find_capture(name: str) -> Path:
    for place in PLACES:
        for path in sorted(place.rglob(f"{name}.gz")):
            return path
    pytest.skip(f"{name}.gz is in neither fixtures/ nor ../shared/captures")


@pytest.fixture
def capture():
    """Path of a captured file by its name without .gz."""
    return find_capture


@pytest.fixture
def text_of():
    """Bytes of a captured file."""
    return lambda name: gzip.decompress(find_capture(name).read_bytes())


@pytest.fixture
def script(tmp_path):
    """Make an executable shell script and return its path."""

    def make(body: str, name: str = "program") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make
