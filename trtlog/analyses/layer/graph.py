"""The engine's graph: its layers, and the tensors between them.

An edge goes from each layer that writes a tensor to each that reads it later in the engine's order; several layers may
write one tensor, as the branches of a concatenation do that was optimised away. What no layer writes is an input of the
network, or weights; what none reads is an output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.timings import format_key
from trtlog.records.base import Record, column, line_column, record, run_column


@record(frozen=True)
class GraphNode(Record):
    """A layer of the engine as a node of its graph."""

    run: int = run_column()
    node: int = column("int64", "place of the layer in the engine, from 0")
    layer: str = column("name", "layer of the engine")
    kind: str = column("name", "layer, conversion, noop; constant: weights, and what is made of weights alone")
    type: str | None = column("name", "type of the layer")
    precision: str | None = column("name", "what it computes in")
    time_ms: float | None = column("float64", "mean time in the layer profile, else of the chosen tactic", "ms")
    time_from: str | None = column("name", "profile, or tactic: the builder's timing")
    bound: str | None = column("name", "compute, memory or latency, as in roofline; null where the log does not tell")
    line: int | None = line_column("the layer; null for an export's")


@record(frozen=True)
class GraphEdge(Record):
    """A tensor between two layers of the engine, or between the network's outside and a layer."""

    run: int = run_column()
    source: int | None = column("int64", "node that writes it; null for an input of the network")
    target: int | None = column("int64", "node that reads it; null for an output of the network")
    from_layer: str | None = column("name", "layer that writes it; null for an input of the network")
    to_layer: str | None = column("name", "layer that reads it; null for an output of the network")
    tensor: str = column("name", "name of the tensor")
    dtype: str | None = column("name", "data type")
    shape: list[int] | None = column("int64s", "dimensions, -1 where known at run time only")
    format: str | None = column("name", "format as printed")
    layout: str | None = column("name", "data type and vector size, as FP16:8")
    precision_change: str | None = column(
        "name", "FP16 -> FP32 where the two layers compute in different precisions; null where they do not, where one "
        "of them converts, or where the log does not tell"
    )  # fmt: skip
    line: int | None = line_column("the layer that reads it, else the one that writes it; null for an export's")


def nodes(layers: Layers, roofline: pa.Table) -> pa.Table:
    """Return the layers of the engine that was kept, in its order.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    roofline : pyarrow.Table
        The analysis of that name: who bounds a layer.
    """
    bounds = {(row["layer"], row["line"]): row["bound"] for row in table_rows(roofline)}
    profiled = layers.profiled
    out = []
    for place, layer in enumerate(layers.layers):
        time_ms = layer.profile_ms if profiled else layer.tactic_ms
        out.append(
            {
                "run": layer.run,
                "node": place,
                "layer": layer.layer,
                "kind": _kind(layer, layers.constants),
                "type": layer.type,
                "precision": layer.precision,
                "time_ms": time_ms,
                "time_from": None if time_ms is None else "profile" if profiled else "tactic",
                "bound": bounds.get((layer.layer, layer.line)),
                "line": layer.line,
            }
        )
    return answer(GraphNode, out)


def _kind(layer: Layer, constants: frozenset[str]) -> str:
    if layer.role == "constant" or (layer.outputs and constants.issuperset(layer.outputs)):
        return "constant"
    if layer.converts:
        return "conversion"
    return "noop" if (layer.type or "").lower() == "noop" else "layer"


def edges(layers: Layers) -> pa.Table:
    """Return the tensors between the layers of the engine that was kept, in the order of their readers.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    """
    found = layers.layers
    writers: dict[str, list[int]] = {}
    for place, layer in enumerate(found):
        for operand in layer.operands("outputs"):
            writers.setdefault(operand["name"], []).append(place)
    out: list[dict[str, Any]] = []
    read: set[tuple[int, str]] = set()
    for place, layer in enumerate(found):
        for operand in layer.operands("inputs"):
            name = operand["name"]
            above = _latest(writers.get(name, []), place, found, name)
            read.update((writer, name) for writer in above)
            out += [_edge(layers, writer, place, operand) for writer in above]
            if not above:
                out.append(_edge(layers, None, place, operand))
    for place, layer in enumerate(found):
        if _kind(layer, layers.constants) != "constant":
            ends = [operand for operand in layer.operands("outputs") if (place, operand["name"]) not in read]
            out += [_edge(layers, place, None, operand) for operand in ends]
    return answer(GraphEdge, out)


def _latest(writers: list[int], place: int, found: tuple[Layer, ...], name: str) -> list[int]:
    """Return who wrote what a layer reads: those above it, since the last that read the tensor to write it anew."""
    above = [writer for writer in writers if writer < place]
    if not above and writers:
        above = [writer for writer in writers if writer != place]  # a loop carries it to the next round
    first = 0
    for number, writer in enumerate(above):
        if any(operand["name"] == name for operand in found[writer].operands("inputs")):
            first = number
    return above[first:]


def _edge(layers: Layers, source: int | None, target: int | None, operand: Mapping[str, Any]) -> dict[str, Any]:
    one = None if source is None else layers.layers[source]
    other = None if target is None else layers.layers[target]
    end = other or one
    assert end is not None
    key = format_key(operand.get("format"))
    return {
        "run": end.run,
        "source": source,
        "target": target,
        "from_layer": one.layer if one else None,
        "to_layer": other.layer if other else None,
        "tensor": operand["name"],
        "dtype": operand.get("dtype"),
        "shape": operand.get("shape"),
        "format": operand.get("format"),
        "layout": key if key != "?" else operand.get("dtype"),
        "precision_change": _change(one, other, layers.constants),
        "line": end.line,
    }


def _change(one: Layer | None, other: Layer | None, constants: frozenset[str]) -> str | None:
    if one is None or other is None or one.precision is None or other.precision is None:
        return None
    if {_kind(one, constants), _kind(other, constants)} != {"layer"}:
        return None
    return f"{one.precision} -> {other.precision}" if one.precision != other.precision else None
