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
    inputs: list[ModelInput] = []
    weights: set[str] = set()
    graphs = 0
    try:
        for field, start, end in _fields(view, 0, len(view)):
            if field != _MODEL_GRAPH:
                continue
            graphs += 1
            for inner, inner_start, inner_end in _fields(view, start, end):
                if inner == _GRAPH_INPUT:
                    inputs.append(_input(view, inner_start, inner_end))
                elif inner == _GRAPH_INITIALIZER:
                    weights.add(_tensor_name(view, inner_start, inner_end))
                elif inner == _GRAPH_SPARSE_INITIALIZER:
                    for part, part_start, part_end in _fields(view, inner_start, inner_end):
                        if part == _SPARSE_VALUES:
                            weights.add(_tensor_name(view, part_start, part_end))
    except (IndexError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no ONNX model, or is damaged.") from error
    if graphs != 1:
        raise InputError(f"{path} is no ONNX model: it holds no graph.")
    return [item for item in inputs if item.name not in weights]


def _input(view: mmap.mmap, start: int, end: int) -> ModelInput:
    name, shape = "", None
    for field, value_start, value_end in _fields(view, start, end):
        if field == _VALUE_NAME:
            name = view[value_start:value_end].decode()
        elif field == _VALUE_TYPE:
            for kind, kind_start, kind_end in _fields(view, value_start, value_end):
                if kind == _TYPE_TENSOR:
                    for part, part_start, part_end in _fields(view, kind_start, kind_end):
                        if part == _TENSOR_SHAPE:
                            shape = _shape(view, part_start, part_end)
    return ModelInput(name, shape)


def _shape(view: mmap.mmap, start: int, end: int) -> tuple[int | str | None, ...]:
    dimensions: list[int | str | None] = []
    for field, dim_start, dim_end in _fields(view, start, end):
        if field != _SHAPE_DIM:
            continue
        dimension: int | str | None = None
        for part, part_start, part_end in _fields(view, dim_start, dim_end):
            if part == _DIM_VALUE:
                dimension = part_start if part_start < 1 << 63 else None  # -1 means dynamic
            elif part == _DIM_PARAM:
                dimension = view[part_start:part_end].decode() or None
        dimensions.append(dimension)
    return tuple(dimensions)


def _tensor_name(view: mmap.mmap, start: int, end: int) -> str:
    for field, value_start, value_end in _fields(view, start, end):
        if field == _TENSOR_NAME:
            return view[value_start:value_end].decode()
    return ""


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
