"""No rule takes long for a hostile line of 20,000 characters, in either engine."""

from __future__ import annotations

import json
import multiprocessing
import re
from itertools import cycle

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from trtlog import grammar

LENGTH = 20_000
# Far above what any machine needs for a rule that does not blow up: this is a guard against hanging.
GUARD_S = 240
RULES = grammar.load()


def hostile_lines(variant):
    """Make lines that hold the variant's literals again and again, begin as it does and end as it does not."""
    literals = [text for text in variant.literals if text.strip()] or ["a"]
    prefix = variant.prefix
    yield prefix + "a" * LENGTH
    yield prefix + "a " * (LENGTH // 2)
    for text in literals:
        yield prefix + (text + "a") * (LENGTH // (len(text) + 1))
        yield prefix + (text + "1") * (LENGTH // (len(text) + 1)) + "\x01"
    joined, parts = [], cycle(literals)
    size = 0
    while size < LENGTH:
        joined.append(next(parts) + "x")
        size += len(joined[-1])
    yield prefix + "".join(joined) + "\x01"
    yield prefix + "".join(reversed(joined)) + "\x01"


def read_all(kinds, report):
    for kind in kinds:
        report.send(kind)
        for variant in RULES.messages[kind].variants:
            expression = re.compile(variant.regex.encode())
            lines = [line.encode() for line in hostile_lines(variant)]
            mine = [expression.fullmatch(line) is not None for line in lines]
            anchored = f"^(?:{variant.regex})$"
            theirs = pc.match_substring_regex(pa.array(lines, pa.string()), anchored).to_pylist()
            if mine != theirs:
                report.send(json.dumps([kind, variant.regex]))
    report.send("done")


@pytest.mark.parametrize("part", range(2))
def test_hostile_lines_end_soon_and_read_alike(part):
    """Read in another process, which is stopped when it hangs; the message then names the rule."""
    kinds = sorted(RULES.messages)[part::2]
    mine, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=read_all, args=(kinds, theirs), daemon=True)
    process.start()
    last = "the first"
    try:
        while last != "done":
            assert mine.poll(GUARD_S), f"rule {last} takes forever on a line of {LENGTH} characters"
            last = mine.recv()
            assert not last.startswith("["), f"re and RE2 disagree on a hostile line: {last}"
    finally:
        process.terminate()
        process.join()
