"""Layers that were not timed themselves, and the equal layer whose timing is theirs as well.

A network repeats itself, and the builder times one of several equal layers: for the others its timing cache
answers. Which timing that is, the log does not say; an equal layer's is taken, where all of them tell the same.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.names import constituents, role_of

_GEOMETRY = ("Kernel", "Stride", "Dilation", "Groups", "OutMaps", "PrePadding", "PostPadding")
Window = tuple[float, float]


def windows(layers: Iterable[Mapping[str, Any]], timed: Iterable[tuple[int, int]]) -> dict[Any, Window]:
    """Return between which lines the tactics of an engine's layers were timed: a run may build several engines.

    Parameters
    ----------
    layers : iterable of mapping
        Rows of the engine's layers, with ``run`` and ``line``.
    timed : iterable of (int, int)
        Run and line of each timing.

    Returns
    -------
    dict
        Run and line of a layer -> the line of the engine before, and the layer's own; layers of exports, which have
        no line, may be timed anywhere.

    Examples
    --------
    >>> layers = [{"run": 0, "line": line} for line in (10, 11, 30)]
    >>> windows(layers, [(0, 5), (0, 20)])
    {(0, 10): (0, 10), (0, 11): (0, 11), (0, 30): (11, 30)}
    """
    lines: dict[int, list[int]] = {}
    for run, line in timed:
        lines.setdefault(run, []).append(line)
    own: dict[int, set[int]] = {}
    out: dict[Any, Window] = {}
    for layer in layers:
        run, line = layer["run"], layer["line"]
        if line is None:
            out[run, line] = (0, float("inf"))
        else:
            own.setdefault(run, set()).add(line)
    for run, numbers in own.items():
        ordered, times = sorted(numbers), sorted(lines.get(run, ()))
        for line in ordered:
            place = bisect_left(times, line)
            before = bisect_left(ordered, times[place - 1]) if place else 0
            out[run, line] = (ordered[before - 1] if before else 0, line)
    return out


def operators(onnx_nodes: pa.Table) -> dict[str, Any]:
    """Return what each imported node computes: its operator and the shapes of its operands."""
    return {
        row["node"]: (row["op"], _shapes(row["inputs"]), _shapes(row["outputs"]))
        for row in onnx_nodes.select(["node", "op", "inputs", "outputs"]).to_pylist()
    }


def _shapes(tensors: Iterable[Mapping[str, Any]] | None) -> list[Any]:
    return [tensor["shape"] for tensor in tensors or ()]


def find_twins(
    layers: Sequence[Mapping[str, Any]],
    times: Sequence[float | None],
    between: Mapping[Any, Window],
    nodes: Mapping[str, Any],
) -> dict[int, int]:
    """Return the position of a layer without a timing -> that of the equal layer whose timing stands for it.

    Equal means: type, tactic, shapes and formats of all operands, the geometry of a convolution where it is told,
    the number of parts, and operator and operand shapes of the ONNX nodes among them. The engine's own layers come
    first, then those of the engine built before it. Where equal layers were timed and their times differ, it
    stays unknown.

    Parameters
    ----------
    layers : sequence of mapping
        Rows of the engine's layers.
    times : sequence of float or None
        The time of each one's own tactic, in milliseconds.
    between : mapping
        From :func:`windows`.
    nodes : mapping
        From :func:`operators`.
    """
    timed: dict[Any, list[int]] = {}
    for position, (layer, time) in enumerate(zip(layers, times, strict=True)):
        key = _equality(layer, nodes) if time is not None else None
        if key is not None:
            timed.setdefault(key, []).append(position)
    if not timed:
        return {}

    def engine(position: int) -> float:
        return between[layers[position]["run"], layers[position]["line"]][0]

    out = {}
    for position, (layer, time) in enumerate(zip(layers, times, strict=True)):
        key = _equality(layer, nodes) if time is None else None
        same = timed.get(key, []) if key is not None else []
        if not same:
            continue
        own = engine(position)
        earlier = [engine(other) for other in same if engine(other) <= own]
        nearest = max(earlier) if earlier else min(engine(other) for other in same)
        near = [other for other in same if engine(other) == nearest]
        if len({times[other] for other in near}) == 1:
            out[position] = near[0]
    return out


def _equality(layer: Mapping[str, Any], nodes: Mapping[str, Any]) -> Any:
    name, type_, tactic = layer["layer"], layer["type"], layer["tactic"]
    if tactic is None or role_of(name, type_) != "layer":
        return None
    parts = {*(layer["onnx_names"] or ()), *constituents(name)}
    members = sorted((nodes[part] for part in parts if part in nodes), key=repr)
    operands = tuple(
        tuple((o["dtype"], tuple(o["shape"] or ()), o["format"]) for o in layer[side] or ())
        for side in ("inputs", "outputs")
    )
    geometry = _geometry(layer["attributes"]) if layer["attributes"] else None
    return layer["run"], type_, tactic, operands, geometry, len(parts), repr(members)


def _geometry(attributes: str) -> tuple[str, ...]:
    held = json.loads(attributes)
    return tuple(str(held.get(name)) for name in _GEOMETRY)
