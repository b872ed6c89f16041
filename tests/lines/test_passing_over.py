"""What the loops of the engine pass over without its classifier is what the classifier says of it, line by line."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_engines import LOG, LOGS, RULES, assert_same, feed_at, in_c, in_python
from trtlog.engines.line import LineEngine
from trtlog.source.chunks import open_source

LOOPS = pytest.mark.parametrize("make", [in_python, in_c])


def line_by_line(data: bytes):
    engine = in_python()
    lines = data.split(b"\n")
    tail = lines.pop()
    for number, line in enumerate(lines, 1):
        engine.take(number, line, len(line) + 1)
    if tail:
        engine.take(len(lines) + 1, tail, len(tail))
    return engine.finish()


@LOOPS
@settings(max_examples=150)
@given(data=LOG, cuts=st.lists(st.integers(0, 300), max_size=4), ended=st.booleans())
def test_generated_logs(data, cuts, ended, make):
    if not ended:
        data = data.rstrip(b"\n") or b"x"
    assert_same(line_by_line(data), feed_at(make(), data, cuts), tables=False)


@LOOPS
@pytest.mark.parametrize("path", LOGS[::4], ids=lambda p: p.name)
def test_fixtures(path, make):
    data = b"".join(chunk.data for chunk in open_source(path))
    assert_same(line_by_line(data), feed_at(make(), data, [7, 1000]), tables=False)


V = b"[11/22/2026-13:22:03] [V] [TRT] "


@LOOPS
@pytest.mark.parametrize(
    "lines",
    [
        [V + b"Original: 9 layers", b"  a line below", V + b"Original: 8 layers", b"  another"],
        [V + b"Original: 9 layers", V + b"Origi" + V + b"Original: 8 layers", V + b"Original: 7 layers"],
        [V + b"Original: 9 layers\r", V + b"Original: 8 layers", V + b"x\r" + V + b"Original: 7 layers"],
        [V + b"Original: 9 layers", V + b"Original: \x1b[1m8\x1b[0m layers", V + b"Original: 7 layers\0"],
        [V + b"Engine Layer Information:", V + b"Original: 9 layers", b"Layer: x", V + b"Original: 9 layers", b"y"],
        [b"ctr-1  | " + V + b"Original: 9 layers", V + b"Original: 9 layers", b"ctr-1  | " + V + b"Original: 9 layers"],
        [
            b"[11/22/2026-13:22:03] [I] Original: 9 layers",
            b"[11/22/2026-13:22:03] [I] [TRT] Original: 9 layers",
            b"[11/22/2026-13:22:04] [I] Original: 9 layers",
        ],
        [V + b"Original: 9 layers\0\r", V + b"\0\r", V + b"x\0\r\r", V + b"Original: 8 layers\r\0"],
        [V + b"Original: 9 layers", V, V + b" ", V + b"Original: 9 layers ", V + b"Original: 9 layers"],
    ],
    ids=["continued", "torn", "returns", "colours", "multiline", "decorated", "longer header", "NULs", "blank"],
)
def test_a_line_that_is_not_passed_over(lines, make):
    data = b"".join(line + b"\n" for line in lines)
    assert_same(line_by_line(data), feed_at(make(), data, []), tables=False)


def test_the_collector_is_left_as_it_was():
    engine = LineEngine(RULES)
    engine.feed(V + b"Original: 9 layers\n", 1)
    assert gc.isenabled()
    gc.disable()
    try:
        engine.feed(V + b"Original: 9 layers\n", 2)
        assert not gc.isenabled()
    finally:
        gc.enable()
