"""Joins by place: what is counted in blocks is what one look-up a line gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtlog.engines.library import library
from trtlog.tables import join

LINES = st.integers(1, 200)
SORTED = st.lists(LINES, max_size=60).map(lambda lines: np.array(sorted(lines), np.int64))


@pytest.fixture(scope="module", autouse=True, params=["in C", "in Python alone"])
def small_blocks(request):
    """Lists of a few lines go the way of long ones, both ways."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "in Python alone":
            patch.setattr(join, "library", lambda: None)
        else:
            assert library() is not None
        patch.setattr(join, "_SMALL", 2)
        patch.setattr(join, "_BLOCK", 16)
        yield


@given(SORTED, SORTED)
def test_marks_above_lines(lines, marks):
    assert join.counts_upto(lines, marks).tolist() == [sum(mark <= line for mark in marks) for line in lines.tolist()]


@given(st.lists(LINES, max_size=40), SORTED)
def test_marks_above_lines_in_any_order(lines, marks):
    expected = [sum(mark <= line for mark in marks) for line in lines]
    assert join.counts_upto(np.array(lines, np.int64), marks).tolist() == expected


@given(SORTED, SORTED, SORTED)
def test_last_opener_since_the_last_break(lines, openers, breaks):
    def opener(line: int) -> int:
        last = max((b for b in breaks.tolist() if b <= line), default=0)
        return max((n for n, o in enumerate(openers.tolist()) if last <= o <= line), default=-1)

    assert join.asof(lines, openers, breaks).tolist() == [opener(line) for line in lines.tolist()]
