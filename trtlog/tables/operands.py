"""Lists of operands of imported nodes, cut in bulk.

``[x -> (-1, 3)[FLOAT]], [w -> (3)[FLOAT]], `` holds two brackets of each sort and one arrow a tensor. Where a text
holds as many, they tell where its names, dimensions and types stand. All other texts are read one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_list, from_numpy
from trtlog._util.expression import expression
from trtlog.tables.cells import codes_of, spread, take, to_text
from trtlog.tables.schema import TENSOR
from trtlog.values.shapes import parse_dims, split_operands

_TENSORS = pa.list_(TENSOR)
# What stands between the arrow with its parenthesis and the last two brackets.
_DIMS_AND_TYPE = expression(r"([^()\[\]]*)\)\[([A-Za-z0-9_ ]+)")
_ARROW, _END = b" -> (", b"]], "
_TO_NAME_END = _ARROW.index(b">")
_TO_DIMS = len(_ARROW) - _TO_NAME_END


def read_operands(texts: pa.Array, rows: Array | None = None) -> pa.ListArray:
    """Read lists of operands; null for a text that is no list.

    Parameters
    ----------
    texts : pyarrow.Array
        Captured bytes, plain and without nulls.
    rows : ndarray, optional
        Which of the texts stands in each row, negative for none, which is null; without it each text is a row.

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
    marks = _Marks(texts)
    while True:
        found = _cut(texts, marks)
        if isinstance(found, pa.ListArray):
            break
        marks.whole[found] = False
    rows = np.arange(len(texts)) if rows is None else rows
    if not marks.whole.all():
        others = np.flatnonzero(~marks.whole)
        careful = _one_by_one(to_text(texts.take(from_numpy(others))).to_pylist())
        found = pa.concat_arrays([found, careful])
        places = np.full(len(texts) + 1, -1)  # the last one stands for row -1
        places[np.concatenate([np.flatnonzero(marks.whole), others])] = np.arange(len(texts))
        rows = places[np.maximum(rows, -1)]
    return take(found, rows)


class _Marks:
    """Where brackets and arrows stand in texts; `whole` are the texts that have as many as their tensors need."""

    def __init__(self, texts: pa.Array) -> None:
        size = len(texts)
        self.offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + size + 1]
        self.data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: self.offsets[-1]]
        found = [np.flatnonzero(self.data == ord(mark)) for mark in "[]>"]
        bounds = [np.searchsorted(places, self.offsets) for places in found]
        self._all = [places[bound[0] :] for places, bound in zip(found, bounds, strict=True)]
        self._counts = [np.diff(bound) for bound in bounds]
        opens, closes, self._tensors = self._counts
        self.whole = (self._tensors > 0) & (opens == 2 * self._tensors) & (closes == 2 * self._tensors)

    def of_whole(self) -> tuple[list[Array], Array]:
        """Return the marks of the texts that are whole, and where the tensors of each begin, and the last ends."""
        if self.whole.all():
            found = self._all
        else:
            found = [m[np.repeat(self.whole, counts)] for m, counts in zip(self._all, self._counts, strict=True)]
        return found, np.cumsum([0, *self._tensors[self.whole]])


def _cut(texts: pa.Array, marks: _Marks) -> pa.ListArray | Array:
    """Return the lists of whole texts, or the positions of those that brackets and arrows alone do not cut."""
    whole, offsets, data = marks.whole, marks.offsets, marks.data
    (opens, closes, arrows), bounds = marks.of_whole()
    if not len(arrows):
        return _one_by_one([])
    opens, ends = opens[0::2], closes[1::2]
    closes = closes[0::2]
    first, last = bounds[:-1], bounds[1:] - 1
    # Behind a tensor the next one begins, or the text ends.
    follows = np.append(opens[1:], 0)
    follows[last] = offsets[1:][whole]
    good = (
        (arrows - opens > _TO_NAME_END + 1)
        & (closes >= arrows + _TO_DIMS)
        & (ends == closes + 1)
        & (closes + len(_END) == follows)
    )
    good[first] &= opens[first] == offsets[:-1][whole]
    if good.all():  # the marks' other bytes are in their text then
        for mark, begin in ((_ARROW, arrows - _TO_NAME_END), (_END, closes)):
            for place, byte in enumerate(mark):
                good &= data[begin + place] == byte
    # Pieces of the texts, one behind the other: the name, the arrow, dimensions with type, the end.
    cuts = np.empty(4 * len(arrows) + 1, np.int32)
    for place, at in enumerate((opens + 1, arrows - _TO_NAME_END, arrows + _TO_DIMS, closes)):
        cuts[place:-1:4] = at
    cuts[-1] = len(data)
    if good.all():
        described = _pieces(texts, cuts, 2).dictionary_encode()
        read = [_described(text) for text in to_text(described.dictionary).to_pylist()]
        good = np.array([tensor is not None for tensor in read])[codes_of(described)]
    if not good.all():
        return np.flatnonzero(whole)[np.unique(np.searchsorted(first, np.flatnonzero(~good), side="right") - 1)]
    dtypes, shapes = (spread(from_list([t[n] for t in read if t], TENSOR[n + 1].type), described) for n in (0, 1))
    structs = pa.StructArray.from_arrays([to_text(_pieces(texts, cuts, 0)), dtypes, shapes], fields=list(TENSOR))
    return pa.ListArray.from_arrays(from_numpy(bounds.astype(np.int32)), structs, type=_TENSORS)


def _pieces(texts: pa.Array, cuts: Array, number: int) -> pa.Array:
    """Return every fourth piece of the texts' bytes, from one on."""
    pieces = pa.Array.from_buffers(pa.binary(), len(cuts) - 1, [None, pa.py_buffer(cuts), texts.buffers()[2]])
    return pieces.take(from_numpy(np.arange(number, len(cuts) - 1, 4)))


@lru_cache(maxsize=4096)
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
