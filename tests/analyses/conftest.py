"""Logs of the captures, parsed once, and their text for counting by other means."""

from __future__ import annotations

import functools
import gzip
import re

import pytest

from tests.conftest import FIXTURES, parsed_once

FOLDER = FIXTURES / "trt-8.5.3-h200"


def parsed(name):
    return parsed_once(FOLDER / f"{name}.log.gz")


@functools.cache
def lines_of(name):
    with gzip.open(FOLDER / f"{name}.log.gz", "rt") as file:
        return file.read().split("\n")


@functools.cache
def timed(name):
    """(line, layer, runner, combination, tactic, time) of every tactic line, by a plain walk over the text."""
    combination = layer = runner = None
    out = []
    for number, line in enumerate(lines_of(name), 1):
        if found := re.search(r"\*{15} Autotuning (format combination|Reformat): ?(.*) \*{15}", line):
            combination = found.groups()
        elif found := re.search(r"Timing Runner: (.*) \((\w+)\)$", line):
            layer, runner = found.groups()
        elif found := re.search(r"\] Tactic: (0x[0-9a-f]{16}) Time: (\S+)$", line):
            out.append((number, layer, runner, combination, found[1], float(found[2])))
    return out


@functools.cache
def engine(name):
    """Layer -> (type, tactic, rest of the line) of the engine's brief lines."""
    found = [re.match(r"Layer\((\w+)\): (.*?), Tactic: (0x[0-9a-f]+), (.*)", line) for line in lines_of(name)]
    return {m[2]: (m[1], m[3], m[4]) for m in found if m}


@pytest.fixture(scope="session")
def log():
    return parsed


@pytest.fixture(scope="session")
def text():
    return lines_of
