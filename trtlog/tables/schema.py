"""Arrow schemas from the records, and captured bytes turned into typed columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import from_list, from_numpy, no_rows, no_values
from trtlog._util.expression import expression
from trtlog.messages.captures import Matches
from trtlog.records import TABLES, Record
from trtlog.tables.cells import (
    NAME,
    codes_of,
    from_codes,
    is_captured,
    name_by_distinct,
    one_array,
    to_bool,
    to_float,
    to_int,
    to_name,
    to_text,
)
from trtlog.values.formats import layouts

TENSOR = pa.struct([("tensor", pa.string()), ("dtype", pa.string()), ("shape", pa.list_(pa.int64()))])
OPERAND = pa.struct(
    [("name", pa.string()), ("dtype", pa.string()), ("shape", pa.list_(pa.int64())), ("format", pa.string())]
)
ARROW_TYPES: dict[str, pa.DataType] = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "name": NAME,
    "texts": pa.list_(pa.string()),
    "int64s": pa.list_(pa.int64()),
    "float64s": pa.list_(pa.float64()),
    "tensors": pa.list_(TENSOR),
    "operands": pa.list_(OPERAND),
    "json": pa.string(),
    "time": pa.timestamp("s"),
}


@cache
def schema_of(table: str) -> pa.Schema:
    """Return the Arrow schema of a table: types, with unit and meaning in the fields' metadata."""
    return schema_of_record(TABLES[table])


_OF_RECORD: dict[type[Record], pa.Schema] = {}


def schema_of_record(record: type[Record]) -> pa.Schema:
    """Return the Arrow schema of a record class."""
    if record in _OF_RECORD:
        return _OF_RECORD[record]
    fields = []
    for name, column in record.columns().items():
        metadata = {"doc": column.doc, **({"unit": column.unit} if column.unit else {})}
        fields.append(pa.field(name, ARROW_TYPES[column.type], metadata=metadata))
    _OF_RECORD[record] = pa.schema(fields)
    return _OF_RECORD[record]


@cache
def empty(table: str) -> pa.Table:
    """Return a table without rows."""
    return no_rows(schema_of(table))


def from_columns(table: str, columns: Mapping[str, Any], size: int) -> pa.Table:
    """Make a table of columns that are arrays, captured bytes or absent (null)."""
    schema = schema_of(table)
    arrays = [convert(columns.get(field.name), field.type, size) for field in schema]
    return pa.table(arrays, schema=schema)


def from_rows(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Make a table of dictionaries; what a row lacks is null."""
    if not rows:
        return empty(table)
    schema = schema_of(table)
    return pa.table([from_list([row.get(f.name) for row in rows], f.type) for f in schema], schema=schema)


def convert(values: Any, target: pa.DataType, size: int) -> pa.Array:
    """Turn one column into its type; captured bytes are parsed, None becomes nulls."""
    if values is None:
        return no_values(size, target)
    values = one_array(values) if isinstance(values, (pa.Array, pa.ChunkedArray)) else from_numpy(np.asarray(values))
    if values.type == target:
        return values
    if pa.types.is_null(values.type):
        return no_values(size, target)
    if is_captured(values):
        return _PARSERS[_family(target)](values, target)
    if pa.types.is_dictionary(target) and not pa.types.is_dictionary(values.type):
        return values.cast(pa.string()).dictionary_encode()
    return values.cast(target)


def _family(target: pa.DataType) -> str:
    if pa.types.is_dictionary(target):
        return "name"
    if pa.types.is_string(target):
        return "text"
    if pa.types.is_floating(target):
        return "float"
    if pa.types.is_boolean(target):
        return "bool"
    if pa.types.is_integer(target):
        return "int"
    raise TypeError(f"captured bytes cannot become {target}")


_PARSERS: dict[str, Callable[[pa.Array, pa.DataType], pa.Array]] = {
    "name": lambda values, _: to_name(values),
    "text": lambda values, _: to_text(values),
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
}


def in_words(formats: pa.Array, definitions: pa.Array | None = None) -> pa.DictionaryArray:
    """Decode captured formats into data types and layouts; only the distinct texts are decoded.

    ``definitions`` are captured formats whose text may end in the ``where E0=..`` that belongs to both.
    """
    if definitions is None:
        return name_by_distinct(formats, layouts)
    texts, others = to_name(formats), to_name(definitions)
    where = [_where(other) for other in others.dictionary.to_pylist()]
    if not any(where):
        return name_by_distinct(texts, layouts)
    # Each pair of a format and a text that defines its variables is read once.
    rows, other_rows = codes_of(texts).astype(np.int64), codes_of(others)
    pairs, codes = np.unique(rows * (len(where) + 1) + other_rows + 1, return_inverse=True)
    printed, clauses = texts.dictionary.to_pylist(), ["", *where]
    read = [
        None if pair < 0 else layouts(printed[pair // len(clauses)] + clauses[pair % len(clauses)])
        for pair in pairs.tolist()
    ]
    distinct = from_list(read, pa.string()).dictionary_encode()
    return from_codes(codes_of(distinct)[codes], distinct.dictionary)


def symbols_in(formats: pa.Array) -> pa.DictionaryArray:
    """Return what the names in formats stand for, as printed behind the outputs; null where nothing is."""
    return name_by_distinct(formats, lambda printed: _where(printed).removeprefix(" where ") or None)


_WHERE = expression(r" where [A-Z][0-9]*=.*$")


def _where(text: str | None) -> str:
    found = _WHERE.search(text) if text and " where " in text else None
    return found[0] if found else ""


def coalesced(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return captured bytes, where they are null those of another field."""
    return pc.coalesce(*(v.cast(pa.binary()) for v in (first, second)))


def captured_bytes(captured: Matches, name: str) -> pa.Array:
    """Return a captured column as one array, nulls where no wording captures it."""
    if name not in captured.column_names:
        return no_values(captured.num_rows, pa.binary())
    return captured.column(name)
