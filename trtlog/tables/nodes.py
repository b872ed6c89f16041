"""ONNX nodes with their operands and the layers registered for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_bytes, from_numpy, is_valid
from trtlog.tables.cells import codes_of, encoded, take, to_text
from trtlog.tables.context import Context
from trtlog.tables.join import asof
from trtlog.tables.operands import read_operands
from trtlog.tables.schema import captured_bytes, empty, from_columns


def onnx_nodes(context: Context) -> pa.Table:
    """Imported nodes with operands and the layers registered for them."""
    parsing = context.captured("node_parsing")
    size = parsing.num_rows
    if not size:
        return empty("onnx_nodes")
    starts = parsing.lines
    columns: dict[str, Any] = {
        **context.places(starts),
        "node": captured_bytes(parsing, "node"),
        "op": captured_bytes(parsing, "op"),
        "layers": _registered(context, starts),
    }
    for kind, name in (("node_inputs", "inputs"), ("node_outputs", "outputs")):
        captured = context.captured(kind)
        position = asof(captured.lines, starts, context.breaks)
        below = np.flatnonzero(position >= 0)
        row = np.full(size, -1, np.int64)
        row[position[below]] = below  # of several lines the last stays
        columns[name] = _tensors(captured_bytes(captured, "operands"), row)
    return from_columns("onnx_nodes", columns, size)


def _registered(context: Context, starts: Array) -> pa.Array:
    """Return the layers registered below each node, in order."""
    captured = context.captured("layer_registered")
    layers = captured_bytes(captured, "layer")
    position = asof(captured.lines, starts, context.breaks)
    named = np.flatnonzero((position >= 0) & is_valid(layers))
    offsets = np.searchsorted(position[named], np.arange(len(starts) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(from_numpy(offsets), to_text(take(layers, named)))


def _tensors(printed: pa.Array, rows: Array) -> pa.Array:
    """Return the operands at some rows; null for a negative row, and for what is no list."""
    distinct = encoded(printed)
    texts, codes = distinct.dictionary, np.append(codes_of(distinct), -1)
    if distinct.null_count:
        # The last text stands for lines without operands.
        codes[:-1][codes[:-1] < 0] = len(texts)
        texts = pa.concat_arrays([texts, from_bytes([b""])])
    return read_operands(texts, codes[rows])  # the last code that of row -1
