"""What a layer has to do: operations, and bytes from and to memory, from shapes and types alone.

Operations are those of convolutions, matrix products and recurrent cells: a multiplication and an addition are two. The
engine's own parameters come first (``Weights`` and shapes of detailed layer information), then the ONNX nodes that the
layer was made of, with the shapes that the parser printed, then its type: pooling, pointwise operations and the like
move data, and their operations are 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.values.peaks import bytes_of

# ONNX operators that multiply matrices.
_MATRIX = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM", "GRU", "RNN", "MatMulInteger", "ConvInteger",
                     "QLinearConv", "QLinearMatMul"})  # fmt: skip
# Those without multiplications to speak of. Of any other (Einsum, Attention, Loop, a plug-in's) the work is not known.
_MOVING = frozenset({
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "AveragePool",
    "BatchNormalization", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast", "CastLike",
    "Ceil", "Celu", "CenterCropPad", "Clip", "Compress", "Concat", "Constant", "ConstantOfShape", "Cos", "Cosh",
    "CumSum", "DepthToSpace", "DequantizeLinear", "Div", "Dropout", "DynamicQuantizeLinear", "Elu", "Equal", "Erf",
    "Exp", "Expand", "EyeLike", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu",
    "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "GridSample",
    "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization", "IsInf",
    "IsNaN", "LRN", "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
    "LpNormalization", "LpPool", "Max", "MaxPool", "MaxRoiPool", "MaxUnpool", "Mean", "MeanVarianceNormalization",
    "Min", "Mish", "Mod", "Mul", "Neg", "NonMaxSuppression", "NonZero", "Not", "OneHot", "Or", "PRelu", "Pad",
    "Pow", "QuantizeLinear", "RMSNormalization", "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu",
    "Reshape", "Resize", "ReverseSequence", "RoiAlign", "Round", "Scatter", "ScatterElements", "ScatterND", "Selu",
    "Shape", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign",
    "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Tile",
    "TopK", "Transpose", "Trilu", "Unsqueeze", "Upsample", "Where", "Xor"
})  # fmt: skip
_COUNTED = _MATRIX | _MOVING
_WIDE = ("FP32", "TF32", "FP16", "BF16")
# Types of layers that move data and multiply nothing to speak of.
_MOVES = expression(
    r"Pooling|Reformat|PointWise|Shuffle|Slice|ElementWise|Activation|Concat|Resize|Reduce|TopK|Gather|Softmax|SoftMax|Scale"
    r"|Select|Unary|Padding|Cast|Shape|NoOp|Identity|Squeeze|Fill|NonZero|Scatter|Copy"
)
# Types of weights as detailed layer information names them.
_WEIGHT_TYPES = {"Float": "FP32", "Half": "FP16", "BFloat16": "BF16", "Int8": "INT8", "FP8": "FP8", "Int4": "INT4",
                 "FP4": "FP4", "Int32": "INT32"}  # fmt: skip


@dataclass(frozen=True)
class LayerWork:
    """What a layer has to do for one inference.

    Attributes
    ----------
    flops : float or None
        Operations of convolutions, matrix products and recurrent cells, 0 for a layer that has none; None where the log
        does not tell.
    bytes : float or None
        Size of inputs, outputs and weights, each once; None where a shape or type is missing.
    """

    flops: float | None = None
    bytes: float | None = None


def work_of(
    operands: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]],
    attributes: str | None,
    nodes: Iterable[Mapping[str, Any]],
    precision: str | None,
    type_: str | None,
    activations: frozenset[str] = frozenset(),
    packed: frozenset[str] = frozenset(),
) -> LayerWork:
    """Return the work of one layer.

    Parameters
    ----------
    operands : tuple
        Inputs and outputs, as table ``engine_layers`` has them, open dimensions filled where they are known.
    attributes : str or None
        Its parameters as JSON.
    nodes : iterable of mapping
        Rows of ``onnx_nodes`` that it was made of, likewise.
    precision : str or None
        What it computes in: the type of weights that the engine's own parameters do not tell.
    type_ : str or None
        Type of the layer.
    activations : frozenset of str
        Tensors of the network that are computed, from :func:`activations_of`; others are weights.
    packed : frozenset of str
        Weights that are stored in a narrower type than they are computed with, from :func:`packed_weights`.

    Examples
    --------
    >>> x = {"name": "x", "dtype": "FP16", "shape": [8, 64, 56, 56]}
    >>> y = {"name": "y", "dtype": "FP16", "shape": [8, 256, 56, 56]}
    >>> parameters = '{"ParameterType": "Convolution", "Weights": {"Type": "Half", "Count": 16384}}'
    >>> work_of(([x], [y]), parameters, [], "FP16", None)
    LayerWork(flops=822083584.0, bytes=16089088.0)
    """
    inputs, outputs = ([_sized(one) for one in side] for side in operands)
    nodes = list(nodes)
    found = json.loads(attributes) if attributes else {}
    parameters = found if isinstance(found, dict) else {}
    macs, weights = _of_parameters(parameters, inputs, outputs)
    if macs is None:
        # A layer that only moves data may bear the name of a product: its bias, its reshape.
        moves = _MOVES.search(type_ or "") is not None
        macs, elements = (0.0, 0.0) if moves else _of_nodes(nodes, activations)
        weights = None if macs is None else bytes_of(precision, elements) if elements else 0.0
        read = {one["tensor"] for node in nodes if node["op"] in _MATRIX for one in node["inputs"] or ()}
        if elements and precision in _WIDE and read & packed:
            weights = None
    sizes = [one.bytes for one in (*inputs, *outputs)]
    moved: float | None = None
    if sizes and None not in sizes and weights is not None:
        moved = sum(size for size in sizes if size is not None) + weights
    return LayerWork(None if macs is None else 2.0 * macs, moved)


@dataclass(frozen=True)
class _Operand:
    shape: tuple[int, ...] | None
    bytes: float | None


def _sized(operand: Mapping[str, Any]) -> _Operand:
    shape = known_shape(operand.get("shape"))
    return _Operand(shape, None if shape is None else bytes_of(operand.get("dtype"), math.prod(shape)))


def known_shape(shape: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return a shape without open dimensions, None for one that has some."""
    return None if shape is None or any(size < 0 for size in shape) else tuple(shape)


def _of_parameters(
    parameters: Mapping[str, Any], inputs: Sequence[_Operand], outputs: Sequence[_Operand]
) -> tuple[float | None, float | None]:
    """Return multiplications, and bytes of weights, by the engine's own parameters."""
    weights = parameters.get("Weights")
    kind = str(parameters.get("ParameterType", ""))
    if not isinstance(weights, Mapping) or not isinstance(weights.get("Count"), int) or kind not in _PLACES:
        return None, None
    side = inputs if kind == "Deconvolution" else outputs
    shape = side[0].shape if side else None
    if shape is None:
        return None, None
    count = weights["Count"]
    # Each weight is used once at every place: of the output, and of the input of a deconvolution.
    places = shape[0] if kind == "FullyConnected" or len(shape) < 3 else shape[0] * math.prod(shape[2:])
    bias = parameters.get("Bias")
    elements = count + (bias["Count"] if isinstance(bias, Mapping) and isinstance(bias.get("Count"), int) else 0)
    return float(places * count), bytes_of(_WEIGHT_TYPES.get(str(weights.get("Type"))), elements)


def weights_bytes(parameters: Mapping[str, Any]) -> float | None:
    """Return the size of a layer's weights without the bias; None where its parameters are not printed.

    Examples
    --------
    >>> weights_bytes({"Weights": {"Type": "Half", "Count": 9408}}), weights_bytes({"ParameterType": "Pooling"})
    (18816.0, 0.0)
    """
    weights = parameters.get("Weights")
    if not isinstance(weights, Mapping):
        return 0.0 if parameters else None
    count = weights.get("Count")
    return bytes_of(_WEIGHT_TYPES.get(str(weights.get("Type"))), count) if isinstance(count, int) else None


_PLACES = frozenset({"Convolution", "Deconvolution", "FullyConnected"})


def _of_nodes(nodes: Sequence[Mapping[str, Any]], activations: frozenset[str]) -> tuple[float | None, float]:
    """Return multiplications and elements of weights of ONNX nodes; None where one cannot be counted."""
    if not nodes or any(node["op"] not in _COUNTED for node in nodes):
        return None, 0.0
    total = elements = 0.0
    for node in nodes:
        if node["op"] in _MATRIX:
            found = _of_node(node, activations)
            if found is None:
                return None, 0.0
            total, elements = total + found[0], elements + found[1]
    return total, elements


def _of_node(node: Mapping[str, Any], activations: frozenset[str]) -> tuple[float, float] | None:
    inputs, outputs = ([known_shape(one["shape"]) for one in node[side] or ()] for side in ("inputs", "outputs"))
    if len(inputs) < 2 or not outputs or None in inputs[:2] or outputs[0] is None:
        return None
    first, second, out = inputs[0], inputs[1], outputs[0]
    assert first is not None
    assert second is not None
    op = node["op"]
    if op in ("QLinearConv", "QLinearMatMul"):  # input, scale, zero, weight, ..
        if len(inputs) < 4 or inputs[3] is None:
            return None
        second = inputs[3]
    if op in ("Conv", "ConvInteger", "QLinearConv"):
        return out[0] * math.prod(out[2:]) * math.prod(second), math.prod(second)
    if op == "ConvTranspose":
        return first[0] * math.prod(first[2:]) * math.prod(second), math.prod(second)
    if op in ("LSTM", "GRU", "RNN"):  # input (steps, batch, size), weights (directions, gates, size), recurrence
        recurrence = inputs[2] if len(inputs) > 2 else None
        if recurrence is None or len(first) != 3:
            return None
        weights = math.prod(second) + math.prod(recurrence)
        return first[0] * first[1] * weights, weights
    if not first or not out:
        return None
    # A matrix product: each element of the result takes as many multiplications as the inner dimension is long.
    rows = out[0] if op == "Gemm" else math.prod(first[:-1]) or 1
    inner = math.prod(first) // rows if rows else 0
    weights = 0 if node["inputs"][1]["tensor"] in activations else math.prod(second)
    return math.prod(out) * inner, weights


def activations_of(nodes: Iterable[Mapping[str, Any]], network_inputs: Iterable[str]) -> frozenset[str]:
    """Return the tensors that are computed from the network's inputs; what is computed from weights alone is a weight.

    Examples
    --------
    >>> nodes = [{"op": "Identity", "inputs": [{"tensor": "w"}], "outputs": [{"tensor": "w2"}]},
    ...          {"op": "MatMul", "inputs": [{"tensor": "x"}, {"tensor": "w2"}], "outputs": [{"tensor": "y"}]}]
    >>> sorted(activations_of(nodes, ["x"]))
    ['x', 'y']
    """
    found = set(network_inputs)
    for node in nodes:
        if any(one["tensor"] in found for one in node["inputs"] or ()):
            found.update(one["tensor"] for one in node["outputs"] or ())
    return frozenset(found)


def packed_weights(nodes: Iterable[Mapping[str, Any]], activations: frozenset[str]) -> frozenset[str]:
    """Return weights that a ``DequantizeLinear`` unpacks: how the engine stores them the log does not say.

    Examples
    --------
    >>> nodes = [{"op": "DequantizeLinear", "inputs": [{"tensor": "w4"}], "outputs": [{"tensor": "w"}]},
    ...          {"op": "Transpose", "inputs": [{"tensor": "w"}], "outputs": [{"tensor": "wt"}]},
    ...          {"op": "MatMul", "inputs": [{"tensor": "x"}, {"tensor": "wt"}], "outputs": [{"tensor": "y"}]}]
    >>> sorted(packed_weights(nodes, activations_of(nodes, ["x"])))
    ['w', 'wt']
    """
    found: set[str] = set()
    for node in nodes:
        made = {one["tensor"] for one in node["outputs"] or ()} - activations
        if node["op"] == "DequantizeLinear" or any(one["tensor"] in found for one in node["inputs"] or ()):
            found |= made
    return frozenset(found)
