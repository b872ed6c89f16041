"""Captured fields may come plain or as dictionaries, chunk by chunk: the tables are the same."""

from __future__ import annotations

import gc
import gzip
import random
import weakref
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from trtlog import grammar
from trtlog.engines.line import LineEngine
from trtlog.log import Log
from trtlog.messages.captures import Captures, one_column
from trtlog.records import TABLES
from trtlog.tables import TableSet

RULES = grammar.load()
LOGS = sorted((Path(__file__).parents[1] / "fixtures").glob("*/*.log.gz"))
assert LOGS


def captures_of(data: bytes, chunk_bytes: int = 100_000):
    engine = LineEngine(RULES)
    line, begin = 1, 0
    while begin < len(data):
        end = data.find(b"\n", begin + chunk_bytes) + 1 or len(data)
        engine.feed(data[begin:end], line)
        line += data.count(b"\n", begin, end)
        begin = end
    return engine.finish()


def spoiled(array: pa.Array, chance: random.Random) -> pa.DictionaryArray:
    """Encode with a value that no row has, and each value twice."""
    plain = array.cast(pa.binary())
    found = plain.dictionary_encode()
    size = len(found.dictionary)
    twice = pa.concat_arrays([found.dictionary, pa.array([b"no such value 1"]), found.dictionary])
    second = np.array([chance.random() < 0.5 for _ in range(len(plain))])
    codes = found.indices.fill_null(-1).to_numpy()
    moved = np.where(second & (codes >= 0), codes + size + 1, codes).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(moved, mask=moved < 0), twice)


def encoded(array: pa.Array) -> pa.DictionaryArray:
    out = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    assert out.to_pylist() == array.to_pylist()
    return out


def encode_some(captures, chance: random.Random) -> int:
    changed = 0
    for chunks in captures.columns.values():
        for number, (lines, arrays) in enumerate(chunks):
            fields = []
            for array in arrays:
                if chance.random() < 0.5:
                    fields.append(encoded(array))
                    changed += 1
                else:
                    fields.append(array)
            chunks[number] = (lines, fields)
    return changed


@pytest.mark.parametrize("path", LOGS, ids=lambda p: p.name)
def test_tables_of_encoded_fields_are_those_of_plain_ones(path: Path):
    data = gzip.decompress(path.read_bytes())
    plain, encoded = captures_of(data), captures_of(data)
    assert encode_some(encoded, random.Random(path.name)) > 0
    tables = TableSet(encoded, "log")
    assert Log(TableSet(plain, "log"), "log") == Log(tables, "log")
    for name in TABLES:
        tables[name].validate(full=True)


def test_a_dictionary_may_hold_values_twice_and_values_that_no_row_has():
    chance = random.Random(1)
    values = pa.array([chance.choice([b"a", b"bc", b"", None]) for _ in range(200)], pa.binary())
    pieces = [values, None, spoiled(values, chance), values.dictionary_encode(), None]
    sizes = [200, 3, 200, 200, 1]
    expected = [*values.to_pylist(), None, None, None, *values.to_pylist(), *values.to_pylist(), None]
    order = np.array(chance.sample(range(604), 604))
    for wanted in (None, order):
        found = one_column(pieces, sizes, wanted)
        found.validate(full=True)
        assert found.to_pylist() == (expected if wanted is None else [expected[i] for i in order])
        distinct = found.dictionary.to_pylist()
        assert len(distinct) == len(set(distinct))


@pytest.mark.parametrize("native", [False, True])
def test_few_rows_are_fields_in_order(native):
    engine = LineEngine(RULES, native=native)
    engine.feed(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n" * 3, 1)
    table = engine.finish().table("original_layers")
    assert table.column("line").to_pylist() == [1, 2, 3]
    assert table.column("layers").to_pylist() == [b"179"] * 3
    kind = table.schema.field("layers").type
    assert kind in (pa.binary(), pa.dictionary(pa.int32(), pa.binary()))


def test_tables_are_freed_without_the_collector():
    """Pieces of a long log are made while the collector pauses: nothing of them may be in a cycle."""
    captures = captures_of(gzip.decompress(LOGS[0].read_bytes()))
    tables = TableSet(captures, "log")
    context = weakref.ref(tables._context)
    gc.disable()
    try:
        for name in TABLES:
            tables[name]
        del tables
        assert context() is None
    finally:
        gc.enable()


def test_rows_of_text_that_is_not_utf8():
    captures = Captures(RULES, variants := [v for m in RULES.messages.values() for v in m.variants])
    index = next(n for n, v in enumerate(variants) if v.kind == "node_parsing")
    fields = [pa.array([b"caf\xc3\xa9", b"\xff", None]), pa.array([b"Conv"] * 3)]
    for arrays in (fields, [field.dictionary_encode() for field in fields]):
        captures.columns = {index: [(np.array([1, 2, 3]), arrays)]}
        rows = captures.rows("node_parsing")
        assert [row["line"] for row in rows] == [1, 2, 3]
        assert sorted(map(str, (row[variants[index].fields[0]] for row in rows))) == ["None", "\\xff", "café"]
