"""Captured bytes turned into values: text, names, numbers, ids of tactics.

Captured bytes come plain or as a dictionary; a dictionary's values are read once each, and names stay numbers of
a dictionary up to the finished table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util import unreadable
from trtlog._util.arrow import Array, from_list, from_numpy, no_values, to_filled
from trtlog.messages.captures import text

NAME = pa.dictionary(pa.int32(), pa.string())


# ------------------------------------------------------------------------------------------ arrays
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
    """Return values as a dictionary array; a dictionary may hold values that no row has."""
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()


def codes_of(values: pa.DictionaryArray) -> Array:
    """Return the numbers of a dictionary array's values, -1 for null."""
    return to_filled(values.indices, -1)


def from_codes(codes: Array, dictionary: pa.Array) -> pa.DictionaryArray:
    """Return the dictionary array of some codes, null where they are negative."""
    return pa.DictionaryArray.from_arrays(places(codes.astype(np.int32, copy=False)), dictionary)


def take(values: pa.Array | pa.ChunkedArray, positions: Array) -> pa.Array:
    """Take rows by position, null where the position is negative."""
    values = one_array(values)
    last = positions.max(initial=-1)
    if last < 0 or values.null_count == len(values):
        return no_values(len(positions), values.type)
    if last >= len(values):
        raise IndexError(f"position {last} of {len(values)} rows")
    return pc.take(values, places(positions), boundscheck=False)  # which would look at each anew


def places(positions: Array) -> pa.Array:
    """Return positions as an Arrow array, null where they are negative."""
    valid = positions >= 0
    return from_numpy(positions, None if valid.all() else valid)


def spread(values: pa.Array, coded: pa.DictionaryArray) -> pa.Array:
    """Return what became of the dictionary's values, for each row; the numbers of the rows fit, as they did before."""
    if pa.types.is_dictionary(values.type) and len(values) == len(values.dictionary):
        return pa.DictionaryArray.from_arrays(coded.indices, values.dictionary, safe=False)  # as many as they were
    return pc.take(values, coded.indices, boundscheck=False)


# ------------------------------------------------------------------------------------------ text
def to_text(values: pa.Array) -> pa.Array:
    r"""Decode bytes; what is not UTF-8 stands as ``\xNN``, nothing is lost."""
    if pa.types.is_dictionary(values.type):
        return spread(to_text(values.dictionary), values)
    try:
        found = values.view(pa.string())
        found.validate(full=True)  # a cast does no more, and takes longer to begin
        return found
    except pa.ArrowInvalid:
        return from_list([None if v is None else text(v) for v in values.to_pylist()], pa.string())


def to_name(values: pa.Array) -> pa.DictionaryArray:
    """Decode bytes with many repeats into a dictionary array."""
    coded = encoded(values)
    return pa.DictionaryArray.from_arrays(coded.indices, to_text(coded.dictionary), safe=False)  # they fit as before


def name_by_distinct(values: pa.Array, function: Callable[[str], str | None]) -> pa.DictionaryArray:
    """Apply a function to the distinct texts only; null stays null."""
    coded = encoded(values)
    found = [None if v is None else function(v) for v in to_text(coded.dictionary).to_pylist()]
    distinct = from_list(found, pa.string()).dictionary_encode()
    return spread(distinct, coded)


def by_distinct(values: pa.Array, function: Callable[[bytes], Any], target: pa.DataType) -> pa.Array:
    """Apply a Python function to the distinct values only; null stays null."""
    coded = encoded(values)
    distinct = from_list([function(v) for v in coded.dictionary.to_pylist()], target)
    return spread(distinct, coded)


# ------------------------------------------------------------------------------------------ numbers
def to_int(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse whole numbers; a leading plus sign is the log's own. A number past 64 bits is null."""
    if pa.types.is_dictionary(values.type):
        return spread(to_int(values.dictionary, target), values)
    if values.null_count == len(values):
        return no_values(len(values), target)
    as_text = pc.utf8_ltrim(to_text(values), characters="+")
    try:
        return as_text.cast(target)
    except pa.ArrowInvalid:
        return from_list([_int_or_none(v, target) for v in as_text.to_pylist()], target)


def _int_or_none(value: str | None, target: pa.DataType) -> int | None:
    number = int_or_none(value)
    try:
        return None if number is None else pa.scalar(number, target).as_py()
    except (OverflowError, pa.ArrowInvalid):
        unreadable.note(value)
        return None


def int_or_none(value: str | None) -> int | None:
    """Return a printed whole number, None for what is none that 64 bits hold.

    Examples
    --------
    >>> int_or_none("12"), int_or_none("9223372036854775808"), int_or_none("-"), int_or_none(None)
    (12, None, None, None)
    """
    try:
        number = None if value is None else int(value)
    except ValueError:  # also of more digits than Python reads
        number = 1 << 63
    if number is None or -(1 << 63) <= number < 1 << 63:
        return number
    unreadable.note(value)
    return None


def to_float(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse numbers as C++ streams print them: 1.23457e+06, inf, nan."""
    if pa.types.is_dictionary(values.type):
        return spread(to_float(values.dictionary, target), values)
    if values.null_count == len(values):
        return no_values(len(values), target)
    try:
        return values.view(pa.string()).cast(target)  # a number's digits need not be looked at as text before
    except pa.ArrowInvalid:
        return from_list([float_or_none(v) for v in to_text(values).to_pylist()], target)


def float_or_none(value: str | None) -> float | None:
    """Return a printed number, None for what is none."""
    try:
        return None if value is None else float(value)
    except ValueError:
        unreadable.note(value)
        return None


_TRUE = frozenset({b"enabled", b"true", b"1", b"on", b"yes"})


def to_bool(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Parse Enabled/Disabled, enabled/disabled, 1/0."""
    return by_distinct(values, is_true, target)


def is_true(printed: bytes) -> bool:
    """Tell whether a printed word says yes."""
    return printed.lower() in _TRUE


# ------------------------------------------------------------------------------------------ tactics
def tactic_number(printed: bytes | None) -> int | None:
    """Return a tactic's id as an unsigned 64-bit number, None for one that has no place in 64 bits.

    Examples
    --------
    >>> tactic_number(b"0x0000000000000bb9"), hex(tactic_number(b"-3360065831133338131"))
    (3001, '0xd15ea5edd15ea5ed')
    >>> tactic_number(b"18446744073709551616") is None
    True
    """
    if printed is None:
        return None
    try:
        number = int(printed, 16 if printed[:2] in (b"0x", b"0X") else 10)
    except ValueError:  # no number, or of more digits than Python reads
        number = 1 << 64
    if -(1 << 63) <= number < 1 << 64:
        return number & 0xFFFFFFFFFFFFFFFF
    unreadable.note(printed)
    return None


def to_tactic_id(values: pa.Array) -> pa.Array:
    """Parse tactic ids into unsigned numbers."""
    coded = pa.types.is_dictionary(values.type)
    numbers = _hexadecimal(values.dictionary if coded else values)
    if numbers is None:
        return by_distinct(values, tactic_number, pa.uint64())
    return spread(from_numpy(numbers), values) if coded else from_numpy(numbers)


def to_tactic(values: pa.Array) -> pa.DictionaryArray:
    """Parse tactic ids into their usual text, 0x and 16 digits."""
    if not pa.types.is_dictionary(values.type):
        return tactic_names(to_tactic_id(values))
    distinct = tactic_names(to_tactic_id(values.dictionary))
    return spread(distinct, values)


def tactic_names(numbers: pa.Array) -> pa.DictionaryArray:
    """Return the usual text of ids.

    Examples
    --------
    >>> tactic_names(pa.array([3001, None], pa.uint64())).to_pylist()
    ['0x0000000000000bb9', None]
    """
    coded = numbers.dictionary_encode()
    distinct = [None if number is None else f"0x{number:016x}" for number in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, from_list(distinct, pa.string()))


_WIDTH = len("0x0000000000000000")


def _hexadecimal(values: pa.Array) -> Array | None:
    """Parse ids that are all printed with 0x and 16 digits; None where one is not."""
    size = len(values)
    if not size or values.null_count:
        return None
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + size + 1]
    if not np.all(np.diff(offsets) == _WIDTH):
        return None
    printed = np.frombuffer(values.buffers()[2], np.uint8)[offsets[0] : offsets[-1]].reshape(size, _WIDTH)
    digits = printed[:, 2:].copy()
    lower = digits | np.uint8(0x20)  # of digits, this leaves the last four bits as they are
    letters = digits > np.uint8(ord("9"))
    known = np.where(letters, lower - np.uint8(ord("a")) < 6, digits - np.uint8(ord("0")) < 10)
    if not known.all() or not np.all((printed[:, 0] == ord("0")) & (printed[:, 1] | 0x20 == ord("x"))):
        return None
    digits &= np.uint8(0x0F)
    digits += letters.view(np.uint8) * np.uint8(9)
    pairs = (digits[:, 0::2] << np.uint8(4)) | digits[:, 1::2]
    out: Array = pairs.view(">u8").ravel().astype(np.uint64)
    return out
