"""Layers that were not timed themselves, and the equal layer whose timing is theirs as well.

A network repeats itself, and the builder times one of several equal layers: for the others its timing cache
answers. Which timing that is, the log does not say; an equal layer's is taken, where all of them tell the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.layer import Layer

_GEOMETRY = ("Kernel", "Stride", "Dilation", "Groups", "OutMaps", "PrePadding", "PostPadding")


def operators(onnx_nodes: pa.Table) -> dict[str, Any]:
    """Return what each imported node computes: its operator and the shapes of its operands."""
    return {
        row["node"]: (row["op"], _shapes(row["inputs"]), _shapes(row["outputs"]))
        for row in onnx_nodes.select(["node", "op", "inputs", "outputs"]).to_pylist()
    }


def _shapes(tensors: Iterable[Mapping[str, Any]] | None) -> list[Any]:
    return [tensor["shape"] for tensor in tensors or ()]


def find_equals(layers: Sequence[Layer], nodes: Mapping[str, Any]) -> dict[int, int]:
    """Return the position of a layer without a timing -> that of the equal layer whose timing stands for it.

    Equal means: type, tactic, shapes and formats of all operands, the geometry of a convolution where it is told,
    the number of parts, and operator and operand shapes of the ONNX nodes among them. The engine's own layers come
    first, then those of the engine built before it. Where equal layers were timed and their times differ, it
    stays unknown.

    Parameters
    ----------
    layers : sequence of Layer
        Layers of an engine or of several.
    nodes : mapping
        From :func:`operators`.
    """
    timed: dict[Any, list[int]] = {}
    for position, layer in enumerate(layers):
        key = _equality(layer, nodes) if layer.tactic_ms is not None else None
        if key is not None:
            timed.setdefault(key, []).append(position)
    out = {}
    for position, layer in enumerate(layers if timed else ()):
        key = _equality(layer, nodes) if layer.tactic_ms is None else None
        same = timed.get(key, []) if key is not None else []
        if not same:
            continue
        engines = [layers[other].engine or 0 for other in same]
        earlier = [number for number in engines if number <= (layer.engine or 0)]
        nearest = max(earlier) if earlier else min(engines)
        near = [other for other, number in zip(same, engines, strict=True) if number == nearest]
        if len({layers[other].tactic_ms for other in near}) == 1:
            out[position] = near[0]
    return out


def _equality(layer: Layer, nodes: Mapping[str, Any]) -> Any:
    row = layer.row or {}
    if row.get("tactic") is None or layer.role != "layer":
        return None
    members = sorted((nodes[part] for part in layer.parts if part in nodes), key=repr)
    operands = tuple(
        tuple((o["dtype"], tuple(o["shape"] or ()), o["format"]) for o in layer.operands(side))
        for side in ("inputs", "outputs")
    )
    geometry = _geometry(row["attributes"]) if row["attributes"] else None
    return layer.type, layer.tactic, operands, geometry, len(layer.parts), repr(members)


def _geometry(attributes: str) -> tuple[str, ...]:
    printed = json.loads(attributes)
    return tuple(str(printed.get(name)) for name in _GEOMETRY)
