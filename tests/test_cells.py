"""Captured bytes to values: what is read in bulk is what Python reads one by one."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trtlog._util import unreadable
from trtlog.messages.captures import text
from trtlog.tables.cells import tactic_number, to_float, to_int, to_tactic, to_tactic_id
from trtlog.tables.clock import parse_time, parse_times

HEXADECIMAL = st.integers(0, 2**64 - 1).map(lambda n: b"0x%016x" % n)
PRINTED = st.one_of(
    HEXADECIMAL,
    HEXADECIMAL.map(bytes.upper),
    st.integers(0, 2**64 - 1).map(lambda n: b"0x%x" % n),
    st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n),
)


@given(st.lists(HEXADECIMAL) | st.lists(PRINTED) | st.lists(st.none() | PRINTED), st.integers(0, 3), st.booleans())
def test_ids_of_tactics(printed, skipped, encoded):
    values = pa.array(printed, pa.binary())
    values = values.dictionary_encode() if encoded else values
    expected = [None if p is None else tactic_number(p) for p in printed][skipped:]
    values = values.slice(skipped)
    before = values.to_pylist()
    assert to_tactic_id(values).to_pylist() == expected
    assert to_tactic(values).to_pylist() == [None if n is None else f"0x{n:016x}" for n in expected]
    assert values.to_pylist() == before


@pytest.mark.parametrize("printed", [b"0x00000000000000g0", b"0x0000000000000-00", b"1x0000000000000000"])
def test_what_is_no_id_is_not_read_as_one(printed):
    with unreadable.collecting() as noted:
        assert to_tactic_id(pa.array([printed])).to_pylist() == [None]
    assert list(noted) == [printed.decode()]


@given(st.lists(st.none() | st.floats(allow_nan=False).map(lambda f: b"%r" % f)), st.booleans())
def test_times(printed, encoded):
    values = pa.array(printed, pa.binary())
    values = values.dictionary_encode() if encoded else values
    assert to_float(values, pa.float64()).to_pylist() == [None if p is None else float(p) for p in printed]


def test_numbers_that_are_none_are_null():
    values = pa.array([b"+5", b"-7", b"99999999999999999999", b"x", None])
    for given_values in (values, values.dictionary_encode()):
        assert to_int(given_values, pa.int64()).to_pylist() == [5, -7, None, None, None]


TIMES = st.one_of(
    st.datetimes().map(lambda t: t.strftime("%m/%d/%Y-%H:%M:%S").encode()),
    st.from_regex(rb"[0-3][0-9]/[0-3][0-9]/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}", fullmatch=True),
    st.datetimes().map(lambda t: t.strftime("%Y-%m-%d %H:%M:%S").encode()),
    st.binary(max_size=22),
)


@given(st.lists(TIMES))
@example([b"02/29/2023-00:00:00", b"02/29/2024-23:59:59", b"12/31/0000-00:00:00", b"01/01/0001-00:00:60"])
def test_printed_times(printed):
    seconds, valid = parse_times(printed)
    epoch = datetime.datetime(1970, 1, 1)
    found = [epoch + datetime.timedelta(seconds=s) if v else None for s, v in zip(seconds.tolist(), valid, strict=True)]
    assert found == [parse_time(text(p)) for p in printed]
