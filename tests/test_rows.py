"""Rows of tables as dictionaries, and values of columns, are those that Arrow makes one by one."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.conftest import FIXTURES, each, parsed_once
from trtlog._util.rows import listed, table_rows, values_of


@pytest.mark.parametrize("name", ["resnet50_fp16_dyn_detailed", "err_bad_shape"])
def test_rows_of_all_tables_of_a_log(name):
    log = parsed_once(FIXTURES / "trt-8.5.3-h200" / f"{name}.log.gz")
    for table in each(log.tables):
        rows = log.table(table)
        # As text: nan is not equal to nan, and 1 is to True.
        assert repr(listed(rows)) == repr(rows.to_pylist()), table
        assert repr(list(table_rows(rows))) == repr(rows.to_pylist()), table
        for column in each(rows.columns):
            assert repr(values_of(column)) == repr(column.to_pylist()), table


WORDS = pa.array(["a", None, "b", "a"] * 20).dictionary_encode()


@pytest.mark.parametrize(
    "column",
    [
        pa.chunked_array([WORDS, pa.array(["c", "a", None] * 10).dictionary_encode()]),
        pa.chunked_array([WORDS])[3:50],
        pa.chunked_array([pa.array([f"name {n}" for n in range(5000)]).dictionary_encode()])[4000:4030],
        pa.chunked_array([pa.array([None] * 20, pa.dictionary(pa.int32(), pa.string()))]),
        pa.chunked_array([pa.array([b"x", None] * 20).dictionary_encode()]),
        pa.chunked_array([], pa.dictionary(pa.int32(), pa.string())),
        pa.chunked_array([pa.array([["a"], None] * 20)]),
    ],
    ids=["another dictionary in each chunk", "some", "some of many names", "nulls", "bytes", "nothing", "lists"],
)
def test_values_of_a_column(column):
    assert values_of(column) == column.to_pylist()
    assert listed(pa.table({"x": column})) == pa.table({"x": column}).to_pylist()


def test_values_of_an_array():
    assert values_of(WORDS) == WORDS.to_pylist()
    assert values_of(WORDS[5:60]) == WORDS[5:60].to_pylist()
