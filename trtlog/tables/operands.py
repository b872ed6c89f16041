"""Lists of operands of imported nodes, cut in bulk.

``[x -> (-1, 3)[FLOAT]], [w -> (3)[FLOAT]], `` holds two brackets of each sort and one arrow a tensor. Where a text
holds as many, they tell where its names, dimensions and types stand. All other texts are read one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_list, from_numpy
from trtlog._util.expression import expression
from trtlog.tables.cells import codes_of, to_text
from trtlog.tables.schema import TENSOR
from trtlog.values.shapes import parse_dims, split_operands

_TENSORS = pa.list_(TENSOR)
# What stands between the arrow with its parenthesis and the last two brackets.
_DIMS_AND_TYPE = expression(r"([^()\[\]]*)\)\[([A-Za-z0-9_ ]+)")
_ARROW, _END = b" -> (", b"]], "
_TO_NAME_END = _ARROW.index(b">")
_TO_DIMS = len(_ARROW) - _TO_NAME_END


def read_operands(texts: pa.Array) -> pa.ListArray:
    """Read lists of operands; null for a text that is no list.

    Parameters
    ----------
    texts : pyarrow.Array
        Captured bytes, plain and without nulls.

    Returns
    -------
    pyarrow.ListArray
        Tensors with name, element type and shape; a dimension with a name is -1.

    Examples
    --------
    >>> from trtlog._util.arrow import from_bytes
    >>> found = read_operands(from_bytes([b"[x -> (-1, 3)[FLOAT]], ", b"[optional input, not set], ", b"none"]))
    >>> for tensors in found.to_pylist():
    ...     print(tensors)
    [{'tensor': 'x', 'dtype': 'FLOAT', 'shape': [-1, 3]}]
    [{'tensor': None, 'dtype': None, 'shape': None}]
    None
    """
    whole = np.ones(len(texts), bool)
    while whole.any():
        usual = texts if whole.all() else texts.take(from_numpy(np.flatnonzero(whole)))
        found = _cut(usual)
        if isinstance(found, pa.ListArray):
            break
        whole[np.flatnonzero(whole)[found]] = False
    else:
        found = _one_by_one([])
    if whole.all():
        return found
    others = np.flatnonzero(~whole)
    careful = _one_by_one(to_text(texts.take(from_numpy(others))).to_pylist())
    places = np.zeros(len(texts), np.int64)
    places[np.concatenate([np.flatnonzero(whole), others])] = np.arange(len(texts))
    return pa.concat_arrays([found, careful]).take(from_numpy(places))


def _cut(texts: pa.Array) -> pa.ListArray | Array:
    """Return the lists, or the positions of texts that brackets and arrows alone do not cut."""
    size = len(texts)
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + size + 1]
    begins, ends = offsets[:-1], offsets[1:]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: ends[-1]]
    marks = [np.flatnonzero(data == ord(mark)) for mark in "[]>"]
    marks = [found[np.searchsorted(found, offsets[0]) :] for found in marks]
    bounds = [np.searchsorted(found, offsets) for found in marks]
    tensors = np.diff(bounds[2])
    usual = (tensors > 0) & (np.diff(bounds[0]) == 2 * tensors) & (np.diff(bounds[1]) == 2 * tensors)
    if not usual.all():
        return np.flatnonzero(~usual)
    opens, closes, arrows = marks[0][0::2], marks[1][0::2], marks[2]
    first, last = bounds[2][:-1], bounds[2][1:] - 1
    # Behind a tensor the next one begins, or the text ends.
    follows = np.append(opens[1:], 0)
    follows[last] = ends
    good = (
        (arrows - opens > _TO_NAME_END + 1)
        & (closes >= arrows + _TO_DIMS)
        & (marks[1][1::2] == closes + 1)
        & (closes + len(_END) == follows)
    )
    good[first] &= opens[first] == begins
    if good.all():  # the marks' other bytes are in their text then
        for mark, begin in ((_ARROW, arrows - _TO_NAME_END), (_END, closes)):
            for place, byte in enumerate(mark):
                good &= data[begin + place] == byte
    # Pieces of the text, one behind the other: the name, the arrow, dimensions with type, the end.
    cuts = np.empty(4 * len(arrows) + 1, np.int32)
    for place, at in enumerate((opens + 1, arrows - _TO_NAME_END, arrows + _TO_DIMS, closes)):
        cuts[place:-1:4] = at
    cuts[-1] = len(data)
    if good.all():
        described = _pieces(texts, cuts, 2).dictionary_encode()
        read = [_described(text) for text in to_text(described.dictionary).to_pylist()]
        codes = codes_of(described)
        good = np.array([tensor is not None for tensor in read])[codes]
    if not good.all():
        return np.unique(np.searchsorted(first, np.flatnonzero(~good), side="right") - 1)
    dtypes, shapes = (from_list([t[n] for t in read if t], TENSOR[n + 1].type).take(described.indices) for n in (0, 1))
    structs = pa.StructArray.from_arrays([to_text(_pieces(texts, cuts, 0)), dtypes, shapes], fields=list(TENSOR))
    return pa.ListArray.from_arrays(from_numpy(bounds[2].astype(np.int32)), structs, type=_TENSORS)


def _pieces(texts: pa.Array, cuts: Array, number: int) -> pa.Array:
    """Return every fourth piece of the texts' bytes, from one on."""
    pieces = pa.Array.from_buffers(pa.binary(), len(cuts) - 1, [None, pa.py_buffer(cuts), texts.buffers()[2]])
    return pieces.take(from_numpy(np.arange(number, len(cuts) - 1, 4)))


def _described(printed: str) -> tuple[str, Sequence[int] | None] | None:
    """Return type and dimensions."""
    found = _DIMS_AND_TYPE.fullmatch(printed)
    return None if found is None else (found[2], _shape(found[1]))


def _shape(printed: str) -> Sequence[int] | None:
    dims = parse_dims(f"({printed})")
    return None if dims is None else [d if isinstance(d, int) else -1 for d in dims]


def _one_by_one(printed: Sequence[str]) -> pa.ListArray:
    """Read lists of operands of any form."""
    names: list[str | None] = []
    dtypes: list[str | None] = []
    shapes: list[Sequence[int] | None] = []
    missing = np.zeros(len(printed), bool)
    ends = np.zeros(len(printed) + 1, np.int32)
    for number, operands in enumerate(printed):
        found = split_operands(operands)
        if found is None:
            missing[number] = True
        else:
            for name, dims, dtype in found:
                names.append(name)
                dtypes.append(dtype)
                shapes.append(None if dims is None else _shape(dims))
        ends[number + 1] = len(names)
    columns: tuple[Sequence[Any], ...] = (names, dtypes, shapes)
    fields = [from_list(values, field.type) for values, field in zip(columns, TENSOR, strict=True)]
    tensors = pa.StructArray.from_arrays(fields, fields=list(TENSOR))
    mask = from_numpy(missing) if missing.any() else None
    return pa.ListArray.from_arrays(from_numpy(ends), tensors, type=_TENSORS, mask=mask)
