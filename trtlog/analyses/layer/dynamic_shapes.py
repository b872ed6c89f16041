"""Shapes of a network with open dimensions at the shapes of its inputs: derived node by node, null where that fails.

The model prints -1 where a dimension is open, engines of TensorRT 8.0 to 8.4 print -2. The first one is the batch in a
network of convolutions, but not behind a reshape, which may fold it with others. So each tensor's shape follows from
those of the inputs by what its node does; where that leaves more than one answer there is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any

from trtlog._util.expression import expression

Shape = tuple[int, ...]

_OPTION = expression(r"(?P<tensor>.+?)[=:](?P<shapes>[0-9]+(?:x[0-9]+)*(?:\+[0-9]+(?:x[0-9]+)*)*)$")
# What a node does to the number of elements and to the first dimension.
_KEEPS_VOLUME = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "DepthToSpace", "SpaceToDepth", "Transpose"})
_KEEPS_FIRST = frozenset(
    {"Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "AveragePool", "MaxPool", "LpPool", "GlobalAveragePool",
     "GlobalMaxPool", "Resize", "Upsample", "Pad", "GridSample"}
)  # fmt: skip
_KEEPS_PLACES = frozenset({"ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2",
                           "ReduceSumSquare", "Slice", "Split", "ArgMax", "ArgMin", "TopK"})  # fmt: skip
_MOST_AXES = 6


def option_shapes(options: Iterable[Mapping[str, Any]], which: str) -> dict[str, Shape] | None:
    """Return the shapes of the network's inputs that trtexec lists.

    Parameters
    ----------
    options : iterable of mapping
        Rows of ``options``.
    which : {"inference", "build"}
        Those of inference, or the optimum of the build, which the builder times.

    Returns
    -------
    dict or None
        None where none is listed; empty where several profiles have different ones.

    Examples
    --------
    >>> options = [{"section": "inference", "key": "Input inference shape", "value": "ids=8x128"},
    ...            {"section": "build", "key": "Input build shape (profile 0)", "value": "ids=1x128+4x128+8x128"}]
    >>> option_shapes(options, "inference"), option_shapes(options, "build")
    ({'ids': (8, 128)}, {'ids': (4, 128)})
    """
    found: dict[str, Shape] = {}
    for option in options:
        if option["section"] != which or not str(option["key"]).startswith(f"Input {which} shape"):
            continue
        listed = _OPTION.match(option["value"] or "")
        if listed is None:
            continue
        shapes = [tuple(map(int, one.split("x"))) for one in listed["shapes"].split("+")]
        shape = shapes[1] if len(shapes) == 3 else shapes[0]
        if found.setdefault(listed["tensor"], shape) != shape:
            return {}
    return found or None


class DynamicShapes:
    """The shapes of a network's tensors at given shapes of its inputs.

    Parameters
    ----------
    nodes : iterable of mapping
        Rows of ``onnx_nodes`` in the model's order.
    inputs : mapping
        Shapes of the network's inputs.
    batch : int, optional
        Their first dimension, where they share it.
    reshapes : bool
        Whether the engine has layers that may fold the first dimension with others; asked where there are no nodes.

    Examples
    --------
    >>> nodes = [{"op": "Reshape", "inputs": [{"tensor": "x", "shape": [-1, 64, 96]}],
    ...           "outputs": [{"tensor": "y", "shape": [-1, 96]}]},
    ...          {"op": "MatMul", "inputs": [{"tensor": "y", "shape": [-1, 96]}, {"tensor": "w", "shape": [96, 32]}],
    ...           "outputs": [{"tensor": "z", "shape": [-1, 32]}]}]
    >>> shapes = DynamicShapes(nodes, {"x": (8, 64, 96)}, 8)
    >>> shapes.of("z", [-1, 32]), shapes.of("unnamed", [-1, 32])
    ((512, 32), None)
    """

    def __init__(
        self,
        nodes: Iterable[Mapping[str, Any]],
        inputs: Mapping[str, Shape],
        batch: int | None,
        reshapes: bool = False,
    ) -> None:
        nodes = list(nodes)
        self._known: dict[str, Shape] = dict(inputs)
        self._batch = batch
        self._folds = reshapes
        made = {one["tensor"] for node in nodes for one in node["outputs"] or ()}
        for node in nodes:
            for one in node["inputs"] or ():
                # What no node makes is an input, where no option lists its shape, or a weight.
                shape = _static(one["shape"]) or (None if one["tensor"] in made else self._with_batch(one["shape"]))
                self._keep(one["tensor"], shape)
            for one in node["outputs"] or ():
                if one["shape"] is None or one["tensor"] in self._known:
                    continue
                shape = _static(one["shape"]) or self._derived(node, one["shape"])
                self._keep(one["tensor"], shape)
                if one["shape"] and one["shape"][0] < 0:
                    self._folds |= shape is None or shape[0] != batch

    def of(self, tensor: str | None, printed: Sequence[int] | None) -> Shape | None:
        """Return the shape of a tensor that was printed with open dimensions, None where it does not follow."""
        static = _static(printed)
        if static is not None or printed is None:
            return static
        known = self._known.get(tensor or "")
        if known is not None:
            return known if _fits(known, printed) else None
        return None if self._folds else self._with_batch(printed)

    def _keep(self, tensor: str, shape: Shape | None) -> None:
        if shape is not None:
            self._known.setdefault(tensor, shape)

    def _with_batch(self, printed: Sequence[int] | None) -> Shape | None:
        if not printed or self._batch is None or printed[0] >= 0 or any(size < 0 for size in printed[1:]):
            return None
        return (self._batch, *printed[1:])

    def _derived(self, node: Mapping[str, Any], printed: Sequence[int]) -> Shape | None:
        """Return the one shape of an output that fits what the node does and what was printed."""
        op = node["op"]
        given = [self.of(one["tensor"], one["shape"]) for one in node["inputs"] or ()]
        open_ = [self._known.get(one["tensor"]) for one in node["inputs"] or () if _is_open(one["shape"])]
        if not given or given[0] is None or None in open_:
            return None
        first, fitting = given[0], set[Shape]()
        shapes = [shape for shape in given if shape is not None]
        if op in _KEEPS_VOLUME or op == "Concat":
            volume = sum(map(math.prod, shapes)) if op == "Concat" else math.prod(first)
            fitting |= _of_volume(volume, printed)
        before = node["inputs"][0]["shape"]
        if op == "Transpose" and len(first) == len(printed) <= _MOST_AXES:
            fitting |= _kept(permutations(range(len(first))), first, before, printed)
        elif op in _KEEPS_FIRST and first:
            fitting.add((first[0], *printed[1:]))
        elif op in _KEEPS_PLACES and len(first) == len(printed):
            fitting |= self._cut(node, first, printed)
        elif op in _KEEPS_PLACES and len(first) > len(printed):
            fitting |= _kept(combinations(range(len(first)), len(printed)), first, before, printed)
        elif op == "Gather" and len(shapes) == 2:
            both, their = (*first, *shapes[1]), (*before, *node["inputs"][1]["shape"])
            added = range(len(first), len(both))
            places = ((*range(i), *added, *range(i + 1, len(first))) for i in range(len(first)))
            fitting |= _kept(places, both, their, printed)
        elif op == "MatMul" and len(shapes) == 2 and len(shapes[1]) > 1 and len(first) > 1:
            leading = _broadcast([first[:-2], shapes[1][:-2]])
            fitting |= set() if leading is None else {(*leading, first[-2], shapes[1][-1])}
        elif op == "Gemm" and len(printed) == 2 and printed[1] > 0 and len(shapes) > 1 and math.prod(shapes[1]) > 0:
            fitting.add((math.prod(first) * printed[1] // math.prod(shapes[1]), printed[1]))
        elif op not in _KEEPS_VOLUME and op != "Concat" and op in _PLACEWISE:
            whole = _broadcast(shapes if op in _BROADCASTS else [first])
            fitting |= set() if whole is None else {whole}
        fitting = {shape for shape in fitting if _fits(shape, printed) and not _is_open(shape)}
        return fitting.pop() if len(fitting) == 1 else None

    def _cut(self, node: Mapping[str, Any], first: Shape, printed: Sequence[int]) -> set[Shape]:
        """Return the shape of a part, or sum, along axes whose sizes are printed; none where an open one may be cut."""
        before = node["inputs"][0]["shape"] or ()
        cut = [i for i, size in enumerate(printed) if size >= 0 and size != first[i]]
        reduced = node["op"].startswith("Reduce")
        if any(size < 0 <= old for size, old in zip(printed, before, strict=True)):
            return set()
        if not cut and not reduced:
            return set()
        return {tuple(first[i] if size < 0 else size for i, size in enumerate(printed))}


_BROADCASTS = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Where", "Equal", "Greater", "Less", "GreaterOrEqual",
                         "And", "LessOrEqual", "Or", "Xor", "Min", "Max", "Sum", "Mean", "PRelu", "Mod"})  # fmt: skip
# Each element of the result comes from one place of the first input.
_PLACEWISE = _BROADCASTS | {
    "Abs", "Acos", "Asin", "Atan", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Cos", "DequantizeLinear",
    "Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax",
    "Identity", "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax",
    "LpNormalization", "Mish", "Neg", "Not", "QuantizeLinear", "RMSNormalization", "Reciprocal", "Relu", "Round",
    "Selu", "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "ThresholdedRelu",
    "Trilu"
}  # fmt: skip


def _kept(places: Iterable[Sequence[int]], shape: Shape, before: Sequence[int], printed: Sequence[int]) -> set[Shape]:
    """Return the dimensions at places, where what was printed for them before is printed again."""
    return {
        tuple(shape[i] for i in own)
        for own in places
        if len(own) == len(printed)
        and all(before[i] < 0 or before[i] == size for i, size in zip(own, printed, strict=True))
    }


def _static(printed: Sequence[int] | None) -> Shape | None:
    return None if printed is None or _is_open(printed) else tuple(printed)


def _is_open(printed: Sequence[int] | None) -> bool:
    return printed is None or any(size < 0 for size in printed)


def _fits(shape: Shape, printed: Sequence[int]) -> bool:
    return len(shape) == len(printed) and all(old < 0 or old == new for old, new in zip(printed, shape, strict=True))


def _of_volume(volume: int, printed: Sequence[int]) -> set[Shape]:
    """Return the shape of so many elements, where one dimension is open."""
    rest = math.prod(size for size in printed if size >= 0)
    if sum(size < 0 for size in printed) != 1 or rest == 0 or volume % rest:
        return set()
    return {tuple(volume // rest if size < 0 else size for size in printed)}


def _broadcast(shapes: Sequence[Shape]) -> Shape | None:
    out: list[int] = []
    for place in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {shape[-place] for shape in shapes if len(shape) >= place} - {1}
        if len(sizes) > 1:
            return None
        out.append(sizes.pop() if sizes else 1)
    return tuple(reversed(out))
