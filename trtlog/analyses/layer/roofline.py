"""How far each layer is from what the GPU can do: its roofline.

A layer can be no faster than its operations at the GPU's rate for its precision, nor than its bytes at the rate of the
memory. The longer of the two is its ideal time. What the log does not tell is null; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pyarrow as pa

from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.dynamic_shapes import DynamicShapes, option_shapes
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.work import LayerWork, activations_of, packed_weights, work_of
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.values.peaks import Peaks, peaks_of

# Below this share of both rates neither bounds the layer: launches, synchronisation and small work do.
_LATENCY_PERCENT = 10.0
# From this factor on the profile is told to take longer than the inference.
_LENGTHENED = 1.25
# Layers that may fold the first dimension with others.
_FOLDS = expression(r"Shuffle|Myelin|Foreign|Gather|Slice|Concat|Plugin|Loop|Scatter|^kgen|^gemm")


@record(frozen=True)
class Roofline(Record):
    """A layer against what the GPU can do."""

    run: int = run_column()
    layer: str = column("name", "layer of the engine")
    type: str | None = column("name", "type of the layer")
    precision: str | None = column("name", "what it computes in")
    flops: float | None = column(
        "float64", "operations of convolutions, matrix products and recurrent cells, a multiplication and an addition "
        "being two; null where the log does not tell"
    )  # fmt: skip
    bytes: float | None = column("float64", "inputs, outputs and weights, each once, without padding", "bytes")
    time_ms: float | None = column("float64", "mean time in the layer profile, else of the chosen tactic", "ms")
    time_from: str | None = column("name", "profile, or tactic: the builder's timing")
    intensity: float | None = column("float64", "operations a byte", "FLOP/B")
    tflops: float | None = column("float64", "operations a second", "TFLOP/s")
    gb_per_s: float | None = column("float64", "bytes a second", "GB/s")
    percent_of_compute: float | None = column("float64", "share of the GPU's dense rate in this precision", "%")
    percent_of_bandwidth: float | None = column("float64", "share of the memory's rate", "%")
    bound: str | None = column("name", "compute, memory: which of the two is nearer; latency: less than 10 % of both")
    ideal_ms: float | None = column("float64", "the longer of operations and bytes at the GPU's rates", "ms")
    note: str | None = column("text", "why something is null, or above 100 %")
    line: int | None = line_column("the layer; null for an export's")


@record(frozen=True)
class RooflineTotal(Record):
    """A network against what the GPU can do."""

    run: int = run_column()
    layers: int = column("int64", "layers that compute or move data; conversions are left out")
    known: int = column("int64", "of these, layers with an ideal time and a measured one")
    flops: float | None = column("float64", "operations of the known layers", "FLOP")
    bytes: float | None = column("float64", "bytes of the known layers", "bytes")
    measured_ms: float | None = column("float64", "time of the known layers", "ms")
    ideal_ms: float | None = column("float64", "ideal time of the known layers", "ms")
    ideal_percent: float | None = column("float64", "ideal time of the measured one", "%")
    conversions_ms: float | None = column("float64", "time of conversions between formats, ideally none", "ms")
    time_from: str | None = column("name", "profile or tactic")
    note: str | None = column("text", "what is not known, or makes the shares too low")


def roofline(layers: Layers) -> pa.Table:
    """Return the layers of the engine that was kept, the longest first.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    """
    return answer(Roofline, _rows(layers))


def roofline_total(layers: Layers) -> pa.Table:
    """Return one row: the ideal time of the network on this GPU against the measured one."""
    found = _rows(layers)
    if not found:
        return answer(RooflineTotal, [])
    conversions = {layer.layer for layer in layers.layers if layer.converts}
    own = [row for row in found if row["layer"] not in conversions]
    known = [row for row in own if row["ideal_ms"] is not None and row["time_ms"] is not None]
    measured = _sum(row["time_ms"] for row in known)
    ideal = _sum(row["ideal_ms"] for row in known)
    missing = peaks_of(layers.log.device).missing
    return answer(
        RooflineTotal,
        [
            {
                "run": found[0]["run"],
                "layers": len(own),
                "known": len(known),
                "flops": _sum(row["flops"] for row in known),
                "bytes": _sum(row["bytes"] for row in known),
                "measured_ms": measured,
                "ideal_ms": ideal,
                "ideal_percent": 100 * ideal / measured if ideal is not None and measured else None,
                "conversions_ms": _sum(row["time_ms"] for row in found if row["layer"] in conversions),
                "time_from": next((row["time_from"] for row in known), None),
                "note": "; ".join(filter(None, (missing, _lengthened(layers)))) or None,
            }
        ],
    )


def _lengthened(layers: Layers) -> str | None:
    """Say that the profile's times are longer than those of an inference without the profiler's events."""
    profile = _sum(layer.profile_ms for layer in layers.layers)
    gpu = layers.log.performance.gpu_compute_time
    if profile is None or gpu is None or not gpu.mean_ms or profile < _LENGTHENED * gpu.mean_ms:
        return None
    return f"the profile takes {profile / gpu.mean_ms:.2g} times the GPU compute time: shares are too low"


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _rows(layers: Layers) -> list[dict[str, Any]]:
    peaks = peaks_of(layers.log.device)
    nodes = {node["node"]: node for node in table_rows(layers.log.table("onnx_nodes"))}
    made = {one["name"] for layer in layers.layers for one in layer.operands("outputs")}
    inputs = {one["name"] for layer in layers.layers for one in layer.operands("inputs")} - made
    activations = activations_of(nodes.values(), inputs)
    packed = packed_weights(nodes.values(), activations)
    profiled = any(layer.profile_ms is not None for layer in layers.layers)
    shapes, comparable = _shapes(layers, nodes.values(), profiled)
    nodes = {
        name: {**node, **{side: _filled(node[side], shapes, "tensor") for side in ("inputs", "outputs")}}
        for name, node in nodes.items()
    }
    foreign = [one for one in layers.layers if "ForeignNode[" in one.layer and not one.converts]
    alone = foreign[0] if len(foreign) == 1 else None
    out = []
    for layer in layers.layers:
        if layer.role == "constant" or (layer.type or "").lower() in ("noop", "constant"):
            continue
        work = _work(layer, alone, layers, nodes, shapes, (activations, packed))
        out.append(_row(layer, work, peaks, profiled, comparable))
    out.sort(key=lambda row: -(row["time_ms"] or 0.0))
    return out


def _work(
    layer: Layer,
    alone: Layer | None,
    layers: Layers,
    nodes: Mapping[str, Any],
    shapes: DynamicShapes,
    tensors: tuple[frozenset[str], frozenset[str]],
) -> LayerWork:
    row = layer.row or {}
    names = dict.fromkeys([*(row.get("onnx_names") or ()), *sorted(layer.parts)])
    own = [nodes[name] for name in names if name in nodes]
    if layer.converts:
        own = []
    elif layer is alone:
        # The one foreign node computes all that no other layer of the engine does.
        elsewhere = {part for one in layers.layers if one is not layer for part in one.parts}
        own = [node for name, node in nodes.items() if name not in elsewhere]
    elif "ForeignNode[" in layer.layer:
        own = [{"op": "Loop"}]  # which nodes it computes the log does not say
    return work_of(
        (_filled(layer.operands("inputs"), shapes), _filled(layer.operands("outputs"), shapes)),
        row.get("attributes"),
        own,
        layer.precision,
        layer.type,
        *tensors,
    )


def _filled(
    operands: Iterable[Mapping[str, Any]] | None, shapes: DynamicShapes, name: str = "name"
) -> list[dict[str, Any]]:
    """Return operands with their open dimensions filled, where these are known."""
    found = [(one, shapes.of(one[name], one["shape"])) for one in operands or ()]
    return [{**one, "shape": one["shape"] if shape is None else list(shape)} for one, shape in found]


def _shapes(layers: Layers, nodes: Collection[Mapping[str, Any]], profiled: bool) -> tuple[DynamicShapes, bool]:
    """Return the shapes at which times were taken, and whether those that the engine's layers print are the same.

    The profile is of inference; the builder times the optimum of its optimization profile. The inspector of an engine
    prints the shapes of inference.
    """
    options = table_rows(layers.log.table("options"))
    inference, build = option_shapes(options, "inference"), option_shapes(options, "build")
    at = inference if profiled or build is None else build
    batches = {shape[0] for shape in (at or {}).values()}
    batch = batches.pop() if len(batches) == 1 else None if at else _engine_batch(layers, nodes)
    open_ = [
        one["shape"]
        for layer in layers.layers
        for side in ("inputs", "outputs")
        for one in layer.operands(side)
        if one["shape"] is not None and any(size < 0 for size in one["shape"])
    ]
    folding = not nodes and any(_FOLDS.search(layer.type or "") for layer in layers.layers)
    comparable = profiled or bool(open_) or build is None or inference is None or build == inference
    return DynamicShapes(nodes, at or {}, batch, folding), comparable


def _row(layer: Layer, work: LayerWork, peaks: Peaks, profiled: bool, comparable: bool) -> dict[str, Any]:
    time_ms = layer.profile_ms if profiled else layer.tactic_ms
    time_from = None if time_ms is None else "profile" if profiled else "tactic"
    rate = peaks.operations.get(layer.precision or "")
    seconds = time_ms / 1e3 if time_ms and comparable else None
    flops_per_s = work.flops / seconds if work.flops is not None and seconds else None
    bytes_per_s = work.bytes / seconds if work.bytes is not None and seconds else None
    of_compute = 100 * flops_per_s / rate if flops_per_s is not None and rate else None
    of_bandwidth = 100 * bytes_per_s / peaks.bytes_per_s if bytes_per_s is not None and peaks.bytes_per_s else None
    limits = [
        0.0 if work.flops == 0 else work.flops / rate if work.flops is not None and rate else None,
        work.bytes / peaks.bytes_per_s if work.bytes is not None and peaks.bytes_per_s else None,
    ]
    # An ideal time needs both limits.
    ideal = None if None in limits else max(limit for limit in limits if limit is not None)
    return {
        "run": layer.run,
        "layer": layer.layer,
        "type": layer.type,
        "precision": layer.precision,
        "flops": work.flops,
        "bytes": work.bytes,
        "time_ms": time_ms,
        "time_from": time_from,
        "intensity": work.flops / work.bytes if work.flops is not None and work.bytes else None,
        "tflops": None if flops_per_s is None else flops_per_s / 1e12,
        "gb_per_s": None if bytes_per_s is None else bytes_per_s / 1e9,
        "percent_of_compute": of_compute,
        "percent_of_bandwidth": of_bandwidth,
        "bound": None if ideal is None else _bound(of_compute or 0.0, of_bandwidth),
        "ideal_ms": None if ideal is None else 1e3 * ideal,
        "note": _note(layer, work, of_compute, of_bandwidth, peaks, rate, comparable),
        "line": layer.line,
    }


def _bound(of_compute: float, of_bandwidth: float | None) -> str | None:
    if of_bandwidth is None:
        return None
    if max(of_compute, of_bandwidth) < _LATENCY_PERCENT:
        return "latency"
    return "compute" if of_compute > of_bandwidth else "memory"


def _note(
    layer: Layer,
    work: LayerWork,
    of_compute: float | None,
    of_bandwidth: float | None,
    peaks: Peaks,
    rate: float | None,
    comparable: bool,
) -> str | None:
    notes = []
    if not comparable:
        notes.append("the builder timed other shapes than those printed, of inference: --dumpProfile times these")
    if of_bandwidth is not None and of_bandwidth > 100:
        notes.append("above the memory's rate: the data were in the GPU's cache")
    if of_compute is not None and of_compute > 100:
        notes.append("above the GPU's dense rate: a sparse kernel, another precision, or a higher clock than printed")
    if work.bytes is None:
        notes.append("shape or type of an operand is not printed, nor does it follow from the inputs' shapes")
    if work.flops is None:
        notes.append("its operations are unknown: no layer parameters (--profilingVerbosity=detailed), no ONNX shapes")
    if work.flops and rate is None:
        unknown = "what it computes in is not printed"
        known = f"the GPU has no rate of its own for {layer.precision}" if layer.precision else unknown
        notes.append(peaks.missing or known)
    elif peaks.bytes_per_s is None and peaks.missing:
        notes.append(peaks.missing)
    return "; ".join(notes) or None


def _engine_batch(layers: Layers, nodes: Iterable[Mapping[str, Any]]) -> int | None:
    """Return what the engine has where the model leaves the first dimension open; None where it is not one number."""
    shapes = {one["name"]: one["shape"] for layer in layers.layers for one in layer.operands("inputs") if one["shape"]}
    found = set()
    for node in nodes:
        for one in node["inputs"] or ():
            if one["shape"] and one["shape"][0] == -1 and shapes.get(one["tensor"], [-1])[0] > 0:
                found.add(shapes[one["tensor"]][0])
    return found.pop() if len(found) == 1 else None
