"""Reads the names and shapes of an ONNX model's inputs, for sweeps over the batch size.

Only these few fields are needed, so the file is walked in protobuf's wire format and weights are skipped over:
a model of gigabytes takes no time and no memory, and the ``onnx`` package is not needed.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from trtlog._util.dataclass import dataclass
from trtlog.errors import InputError

# Field numbers of onnx.proto3; they have never changed.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_SPARSE_INITIALIZER = 5, 11, 15
_TENSOR_NAME = 8
_SPARSE_VALUES = 1
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_SHAPE = 2
_SHAPE_DIM = 1
_DIM_VALUE, _DIM_PARAM = 1, 2
# Where a message, or the value of a field, begins and ends.
_Place = tuple[int, int]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class ModelInput:
    """One input of a model.

    Attributes
    ----------
    name
        Its name.
    shape
        A number for a fixed dimension, a name or None for a dynamic one; None if the model does not tell.
    """

    name: str
    shape: tuple[int | str | None, ...] | None


def read_inputs(path: str | os.PathLike[str]) -> list[ModelInput]:
    """Return the inputs of an ONNX model, without those that are weights.

    Raises
    ------
    InputError
        The file cannot be read, or is no ONNX model.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return _inputs(view, path)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else "it is empty"
        raise InputError(f"{path} cannot be read: {reason}.") from error


def _inputs(view: mmap.mmap, path: Path) -> list[ModelInput]:
    try:
        graphs = list(_at(view, (0, len(view)), _MODEL_GRAPH))
        inputs = [_input(view, place) for graph in graphs for place in _at(view, graph, _GRAPH_INPUT)]
        weights = {
            _text(view, tensor, _TENSOR_NAME)
            for graph in graphs
            for below in ((_GRAPH_INITIALIZER,), (_GRAPH_SPARSE_INITIALIZER, _SPARSE_VALUES))
            for tensor in _at(view, graph, *below)
        }
    except (IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no ONNX model, or is damaged.") from error
    if len(graphs) != 1:
        raise InputError(f"{path} is no ONNX model: it holds no graph.")
    return [item for item in inputs if item.name not in weights]


def _input(view: mmap.mmap, place: _Place) -> ModelInput:
    shape = None
    for dims in _at(view, place, _VALUE_TYPE, _TYPE_TENSOR, _TENSOR_SHAPE):
        shape = tuple(_dimension(view, dim) for dim in _at(view, dims, _SHAPE_DIM))
    return ModelInput(_text(view, place, _VALUE_NAME), shape)


def _dimension(view: mmap.mmap, place: _Place) -> int | str | None:
    for value, _ in _at(view, place, _DIM_VALUE):
        return value if value < 1 << 63 else None  # -1 means dynamic
    return _text(view, place, _DIM_PARAM) or None


def _text(view: mmap.mmap, place: _Place, field: int) -> str:
    """Return the text in a field, empty where there is none."""
    return next((view[start:end].decode() for start, end in _at(view, place, field)), "")


def _at(view: mmap.mmap, place: _Place, field: int, *below: int) -> Iterator[_Place]:
    """Yield where each field of a number stands in a message, or the fields below it, message in message."""
    for number, *found in _fields(view, *place):
        if number == field:
            start, end = found
            yield from _at(view, (start, end), *below) if below else [(start, end)]


def _fields(view: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (field number, start, end) of each field; for a number its value stands as start."""
    while start < end:
        key, start = _varint(view, start)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, start = _varint(view, start)
            yield field, value, start
            continue
        if kind == _BYTES:
            size, start = _varint(view, start)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise IndexError(kind)
        if start + size > end or field == 0:
            raise IndexError(start)
        yield field, start, start + size
        start += size


def _varint(view: mmap.mmap, start: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
        shift += 7
        if shift > 63:
            raise IndexError(start)
