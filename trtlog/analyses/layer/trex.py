"""The layers of an engine under the names that trt-engine-explorer gave them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.work import known_shape, weights_bytes
from trtlog.log import to_frame
from trtlog.values.peaks import bytes_of

if TYPE_CHECKING:
    import pandas as pd

    from trtlog.log import Log

# What trt-engine-explorer leaves out of its frame.
_LEFT_OUT = frozenset({"constant", "noop", "signal", "wait"})


def to_trex(log: Log) -> pd.DataFrame:
    """Return one row a layer with trt-engine-explorer's columns; what the log does not tell is null, not 0.

    Layers of type Constant, NoOp, signal and wait are left out, as there. ``precision`` is trtlog's: what the layer
    computes in; ``input_precision`` and ``output_precision`` are the types of its first input and output.

    Parameters
    ----------
    log : Log
        A log of one run, or exports without a log.

    Examples
    --------
    >>> import trtlog
    >>> stem = "fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed"
    >>> frame = to_trex(trtlog.parse([f"{stem}.layers.json.gz", f"{stem}.profile.json.gz"]))
    >>> conv = frame[frame.type == "Convolution"].iloc[0]
    >>> conv["subtype"], int(conv["weights_size"])
    ('CaskConvolution', 18816)
    """
    kept = [layer for layer in layers_of(log).layers if (layer.type or "").lower() not in _LEFT_OUT]
    return to_frame(pa.Table.from_pylist([_row(layer) for layer in kept], schema=_schema()))


def _schema() -> pa.Schema:
    text, number = pa.string(), pa.float64()
    shape, tensor = pa.list_(pa.int64()), [("Name", text), ("Format/Datatype", text)]
    tensors = pa.list_(pa.struct([tensor[0], ("Dimensions", shape), tensor[1]]))
    special = {"Inputs": tensors, "Outputs": tensors}
    numbers = ("latency.", "total_", "weights_")
    kinds = {name: number if name.startswith(numbers) else special.get(name, text) for name in COLUMNS}
    return pa.schema(list(kinds.items()))


COLUMNS = {
    "Name": "layer of engine_layers",
    "type": "ParameterType of attributes, else type",
    "subtype": "type of engine_layers",
    "Inputs": "inputs of engine_layers",
    "Outputs": "outputs of engine_layers",
    "precision": "precision of layer_times",
    "input_precision": "dtype of the first of inputs",
    "output_precision": "dtype of the first of outputs",
    "tactic": "kernel of layer_times",
    "latency.time": "time_ms of profile",
    "latency.avg_time": "avg_ms of profile",
    "latency.median_time": "median_ms of profile",
    "latency.pct_time": "percent of profile",
    "total_io_size_bytes": "size of inputs and outputs",
    "weights_size": "Weights of attributes, in bytes, without the bias",
    "total_footprint_bytes": "the two together",
    "Metadata": "metadata of engine_layers",
}
"""trt-engine-explorer's column -> where trtlog has it."""


def _row(layer: Layer) -> dict[str, Any]:
    row: Mapping[str, Any] = layer.row or {}
    found = json.loads(row.get("attributes") or "{}")
    attributes: Mapping[str, Any] = found if isinstance(found, dict) else {}
    profile = layer.profile or {}
    sides = layer.operands("inputs"), layer.operands("outputs")
    moved = _size([*sides[0], *sides[1]])
    weights = weights_bytes(attributes)
    return {
        "Name": layer.layer,
        "type": _type(layer, attributes),
        "subtype": layer.type,
        "Inputs": [_tensor(one) for one in sides[0]],
        "Outputs": [_tensor(one) for one in sides[1]],
        "precision": layer.precision,
        "input_precision": sides[0][0]["dtype"] if sides[0] else None,
        "output_precision": sides[1][0]["dtype"] if sides[1] else None,
        "tactic": layer.kernel,
        "latency.time": profile.get("time_ms"),
        "latency.avg_time": profile.get("avg_ms"),
        "latency.median_time": profile.get("median_ms"),
        "latency.pct_time": profile.get("percent"),
        "total_io_size_bytes": moved,
        "weights_size": weights,
        "total_footprint_bytes": None if moved is None or weights is None else moved + weights,
        "Metadata": row.get("metadata"),
    }


def _type(layer: Layer, attributes: Mapping[str, Any]) -> str | None:
    """Return the kind of parameters; a convolution that a kernel for deconvolutions runs is one."""
    kind = attributes.get("ParameterType")
    if kind == "Convolution" and layer.type == "CaskDeconvolutionV2":
        return "Deconvolution"
    return kind if isinstance(kind, str) else layer.type


def _tensor(operand: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Name": "name", "Dimensions": "shape", "Format/Datatype": "format"}
    return {theirs: operand.get(ours) for theirs, ours in names.items()}


def _size(operands: Sequence[Mapping[str, Any]]) -> float | None:
    total = 0.0
    for operand in operands:
        shape = known_shape(operand.get("shape"))
        size = None if shape is None else bytes_of(operand.get("dtype"), math.prod(shape))
        if size is None:
            return None
        total += size
    return total
