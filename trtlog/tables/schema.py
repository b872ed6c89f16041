"""Arrow schemas from the records, and captured bytes turned into typed columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog.captures import text
from trtlog.records import TABLES, Record

NAME = pa.dictionary(pa.int32(), pa.string())
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


def schema_of_record(record: type[Record]) -> pa.Schema:
    """Return the Arrow schema of a record class."""
    fields = []
    for name, column in record.columns().items():
        metadata = {"doc": column.doc, **({"unit": column.unit} if column.unit else {})}
        fields.append(pa.field(name, ARROW_TYPES[column.type], metadata=metadata))
    return pa.schema(fields)


def empty(table: str) -> pa.Table:
    """Return a table without rows."""
    return schema_of(table).empty_table()


def from_columns(table: str, columns: Mapping[str, Any], size: int) -> pa.Table:
    """Make a table of columns that are arrays, captured bytes or absent (null)."""
    schema = schema_of(table)
    arrays = [convert(columns.get(field.name), field.type, size) for field in schema]
    return pa.table(arrays, schema=schema)


def from_rows(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Make a table of dictionaries; what a row lacks is null."""
    schema = schema_of(table)
    plain = pa.schema([_plain(field) for field in schema])
    return pa.Table.from_pylist(rows, schema=plain).cast(schema) if rows else schema.empty_table()


def _plain(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field


def convert(values: Any, target: pa.DataType, size: int) -> pa.Array:
    """Turn one column into its type; captured bytes are parsed, None becomes nulls."""
    if values is None:
        return pa.nulls(size, target)
    values = one_array(values) if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    if values.type == target:
        return values
    if pa.types.is_null(values.type):
        return pa.nulls(size, target)
    if is_captured(values):
        return _PARSERS[_family(target)](values, target)
    if pa.types.is_dictionary(target) and not pa.types.is_dictionary(values.type):
        return values.cast(pa.string()).dictionary_encode()
    return values.cast(target)


def one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, without a copy where it is one already."""
    if isinstance(values, pa.Array):
        return values
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def is_captured(values: pa.Array) -> bool:
    """Tell whether an array holds captured bytes, plain or encoded, rather than finished values."""
    kind = values.type
    return bool(pa.types.is_binary(kind) or (pa.types.is_dictionary(kind) and pa.types.is_binary(kind.value_type)))


def encoded(values: pa.Array) -> pa.DictionaryArray:
    """Return captured bytes as a dictionary array; a dictionary may hold values that no row has."""
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()


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


def to_text(values: pa.Array) -> pa.Array:
    r"""Decode bytes; what is not UTF-8 stands as ``\xNN``, nothing is lost."""
    if pa.types.is_dictionary(values.type):
        return to_text(values.dictionary).take(values.indices)
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([None if v is None else text(v) for v in values.to_pylist()], pa.string())


def to_name(values: pa.Array) -> pa.DictionaryArray:
    """Decode bytes with many repeats into a dictionary array."""
    held = encoded(values)
    return pa.DictionaryArray.from_arrays(held.indices, to_text(held.dictionary))


def by_distinct(values: pa.Array, function: Callable[[bytes], Any], target: pa.DataType) -> pa.Array:
    """Apply a Python function to the distinct values only; null stays null."""
    held = encoded(values)
    distinct = pa.array([function(v) for v in held.dictionary.to_pylist()], target)
    return distinct.take(held.indices)


def to_int(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse whole numbers; a leading plus sign is the log's own. A number past 64 bits is null."""
    if pa.types.is_dictionary(values.type):
        return to_int(values.dictionary, target).take(values.indices)
    as_text = pc.utf8_ltrim(to_text(values), characters="+")
    try:
        return as_text.cast(target)
    except pa.ArrowInvalid:
        return pa.array([_int_or_none(v, target) for v in as_text.to_pylist()], target)


def _int_or_none(value: str | None, target: pa.DataType) -> int | None:
    try:
        return None if value is None else pa.scalar(int(value), target).as_py()
    except (ValueError, OverflowError, pa.ArrowInvalid):
        return None


def to_float(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse numbers as C++ streams print them: 1.23457e+06, inf, nan."""
    if pa.types.is_dictionary(values.type):
        return to_float(values.dictionary, target).take(values.indices)
    as_text = to_text(values)
    try:
        return as_text.cast(target)
    except pa.ArrowInvalid:
        return pa.array([float_or_none(v) for v in as_text.to_pylist()], target)


def float_or_none(value: str | None) -> float | None:
    """Return a printed number, None for what is none."""
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


_TRUE = frozenset({b"enabled", b"true", b"1", b"on", b"yes"})


def to_bool(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse Enabled/Disabled, enabled/disabled, 1/0."""
    return by_distinct(values, lambda v: v.lower() in _TRUE, target)


def tactic_number(printed: bytes) -> int:
    """Return a tactic's id as an unsigned 64-bit number.

    Examples
    --------
    >>> tactic_number(b"0x0000000000000bb9"), hex(tactic_number(b"-3360065831133338131"))
    (3001, '0xd15ea5edd15ea5ed')
    """
    return int(printed, 16 if printed[:2] in (b"0x", b"0X") else 10) & 0xFFFFFFFFFFFFFFFF


def to_tactic_id(values: pa.Array) -> pa.Array:
    """Parse tactic ids into unsigned numbers."""
    return by_distinct(values, tactic_number, pa.uint64())


def to_tactic(values: pa.Array) -> pa.DictionaryArray:
    """Parse tactic ids into their usual text, 0x and 16 digits."""
    held = encoded(values)
    distinct = [f"0x{tactic_number(v):016x}" for v in held.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(held.indices, pa.array(distinct, pa.string()))


_PARSERS: dict[str, Callable[[pa.Array, pa.DataType], pa.Array]] = {
    "name": lambda values, _: to_name(values),
    "text": lambda values, _: to_text(values),
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
}


def asof(lines: np.ndarray[Any, Any], openers: np.ndarray[Any, Any], breaks: np.ndarray[Any, Any]) -> Any:
    """For each line, return the position of the last opener at or before it, -1 for none.

    An opener counts no longer after a break: ``breaks`` are sorted lines at which the context ends.
    """
    found = np.searchsorted(openers, lines, side="right") - 1
    if len(breaks) and len(openers):
        last_break = np.searchsorted(breaks, lines, side="right") - 1
        break_line = np.where(last_break >= 0, breaks[np.maximum(last_break, 0)], -1)
        found = np.where((found >= 0) & (openers[np.maximum(found, 0)] < break_line), -1, found)
    return found


def take(values: pa.Array | pa.ChunkedArray, positions: np.ndarray[Any, Any]) -> pa.Array:
    """Take rows by position, null where the position is negative."""
    return one_array(values).take(pa.array(positions, mask=positions < 0))


def in_words(formats: pa.Array, definitions: pa.Array | None = None) -> pa.DictionaryArray:
    """Decode captured formats into data types and layouts; only the distinct texts are decoded.

    ``definitions`` are captured formats whose text may end in the ``where E0=..`` that belongs to both.
    """
    from trtlog.values.formats import layouts

    texts = to_name(formats).cast(pa.string())
    if definitions is not None:
        tail = pc.extract_regex(to_name(definitions).cast(pa.string()), r"(?P<where> where [A-Z][0-9]*=.*)$")
        where = pc.coalesce(pc.struct_field(tail, "where"), "")
        texts = pc.binary_join_element_wise(texts, where, "")
    encoded = texts.dictionary_encode()
    decoded = pa.array([layouts(t) for t in encoded.dictionary.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, decoded).cast(pa.string()).dictionary_encode()


def coalesced(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return captured bytes, where they are null those of another field."""
    return pc.coalesce(*(v.cast(pa.binary()) for v in (first, second)))


def captured_bytes(table: pa.Table, name: str) -> pa.Array:
    """Return a captured column as one array, nulls where no wording captures it."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.binary())
    return one_array(table.column(name))
