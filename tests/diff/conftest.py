"""Logs that the tests of diff, stability, lock and check share: parsed once."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path

import pytest

import trtlog
from tests.conftest import FIXTURES, parsed_once

CAPTURES = FIXTURES / "trt-8.5.3-h200"
REPEATS = CAPTURES / "repeats"
RTX = FIXTURES / "trt-rtx-1.7.1-h200"


def load(name: str) -> trtlog.Log:
    """Return a capture by the name of its file without endings."""
    folder = RTX if name.startswith("rtx") else CAPTURES
    if (REPEATS / f"{name}.log.gz").exists():
        folder = REPEATS
    return parsed_once(folder / f"{name}.log.gz")


@functools.cache
def text_of(name: str) -> str:
    return gzip.decompress(Path(load(name).source).read_bytes()).decode()


@functools.cache
def compared(control: str, test: str) -> trtlog.Diff:
    return trtlog.diff(load(control), load(test))


@pytest.fixture
def capture():
    return load


@pytest.fixture
def capture_text():
    return text_of


@pytest.fixture
def diff_of():
    return compared
