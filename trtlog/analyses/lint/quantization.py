"""INT8: where the scales come from, whether it pays, quantization that stays a layer of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog._util.words import counted, plural, significant
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.formats_network import chosen, compared
from trtlog.analyses.layer.risk import timing_noise
from trtlog.analyses.lint.registry import Hit, messages, rule
from trtlog.analyses.programs import loads_engine
from trtlog.log import Log

# What trtexec gives all tensors where no calibration file is named: 4, and 2 for inputs and poolings.
_PLACEHOLDERS = {(-2.0, 2.0), (-4.0, 4.0)}
_FEW_RANGES = 3
_QDQ = expression(r"(?:Quantize|Dequantize)Linear")
# Exporters name a node after its operator where the log does not list the nodes themselves.
_QDQ_NAME = expression(r"(?:.*[/_. ])?(?:Quantize|Dequantize)Linear(?:[_.].*)?", re.DOTALL)


@rule(
    "int8-uncalibrated",
    severity="warning",
    confidence="high",
    why="INT8 with made-up ranges runs as fast as with real ones, and computes wrong results: the speed is valid, the "
    "accuracy is not.",
    action="For an engine to be used: --calib=FILE with a calibration cache of real data, or a model with Q/DQ nodes "
    "(TensorRT Model Optimizer). For a measurement of speed nothing.",
)
def int8_uncalibrated(log: Log) -> Iterable[Hit]:
    """INT8 without calibration file or Q/DQ nodes, or with the ranges that trtexec sets in their place."""
    nodes = table_rows(log.table("onnx_nodes"))
    if any(_QDQ.search(node["op"] or "") for node in nodes):
        return
    ranges = _ranges(log)
    distinct = {bounds for bounds, _ in ranges}
    absent = [m for m in messages(log, kind="calibrator_unused") if "is not being used" in m["text"]]
    options = [
        row for row in table_rows(log.table("options")) if row["key"] == "Calibration" and row["value"] == "Dynamic"
    ]
    if len(ranges) > _FEW_RANGES and distinct <= _PLACEHOLDERS:
        words = " and ".join(f"[{low:g},{high:g}]" for low, high in sorted(distinct, reverse=True))
        yield Hit(
            f"All {len(ranges)} tensors have the range {words}: placeholders, of no data.",
            [*(row["line"] for row in options), *(line for _, line in ranges[:10]), *(m["line"] for m in absent)],
        )
    elif absent and options and not ranges and "--calib=" not in (log.run.command or ""):
        yield Hit(
            "INT8 is allowed, no calibration file is given and no calibrator is in use: trtexec sets placeholders.",
            [*(row["line"] for row in options), *(m["line"] for m in absent)],
            # Without --verbose the nodes of the model are not printed: it may hold scales of its own.
            confidence=None if nodes or log.model.format in _WITHOUT_SCALES else "medium",
        )
    elif options and not ranges and not _calibrated(log):
        lines = [row["line"] for row in options]
        if nodes or log.model.format in _WITHOUT_SCALES:
            model = "no node of the model is Q/DQ" if nodes else f"a {log.model.format} model holds no scales"
            words = f"INT8 is allowed, no calibration file is given, and {model}: trtexec sets placeholders."
            yield Hit(words, lines, confidence="medium")
        else:
            yield Hit(
                "INT8 is allowed and no calibration file is given. This log cannot tell whether the model brings its "
                "own scales (Q/DQ nodes): if not, trtexec has set placeholders.",
                lines,
                severity="advice",
                confidence="low",
                action="Build with --verbose, which prints the model's nodes and the ranges that are set, and keep "
                "standard error, where trtexec warns of it. Without scales: --calib=FILE with a calibration cache of "
                "real data, or a model with Q/DQ nodes.",
            )


# Formats of models that cannot hold Q/DQ nodes.
_WITHOUT_SCALES = frozenset({"Caffe", "UFF"})
# Kinds of message of a calibration that runs, or whose cache is read.
_CALIBRATING = frozenset({"calibration_step", "calibration_cache"})


def _calibrated(log: Log) -> bool:
    """Whether anything says that the ranges are given: a file, a calibration, or Q/DQ in the model."""
    if "--calib=" in (log.run.command or "") or loads_engine(log) or messages(log, kind="calibrator_unused"):
        return True
    if _CALIBRATING & set(log.table("coverage").column("kind").to_pylist()):
        return True
    layers = layers_of(log)
    parts = {part for layer in layers.layers for part in layer.parts}
    return any(_QDQ_NAME.fullmatch(part) for part in parts)


def _ranges(log: Log) -> list[tuple[tuple[float, float], int]]:
    """Return the dynamic ranges that were set, and their lines."""
    found: dict[int, dict[str, float]] = {}
    for row in table_rows(log.table("facts")):
        if row["kind"] == "dynamic_range_set":
            found.setdefault(row["line"], {})[row["field"]] = row["value"]
    return [
        ((bounds["range_min"], bounds["range_max"]), line)
        for line, bounds in found.items()
        if bounds.keys() >= {"range_min", "range_max"}
    ]


@rule(
    "int8-slower",
    severity="advice",
    confidence="medium",
    why="These layers lose accuracy to INT8 and gain no time by it.",
    action="Let them run in FP16: <<--layerPrecisions with --precisionConstraints=prefer|leave their Q/DQ nodes out "
    "of the model>>. Small layers, depthwise convolutions and channel counts below 32 are usual cases.",
)
def int8_slower(log: Log) -> Iterable[Hit]:
    """INT8 layers that were timed faster in FP16 by more than the noise, where no conversions eat that up."""
    both = [
        row
        for row in table_rows(log.analyze.table("precision"))
        if row["used"] == "INT8" and row["used_ms"] is not None and (row["fp16_ms"] or row["bf16_ms"]) is not None
    ]
    if not both:
        return
    noise = timing_noise(layers_of(log))
    slower: list[tuple[dict[str, Any], float]] = []
    for row in both:
        half = min(time for time in (row["fp16_ms"], row["bf16_ms"]) if time is not None)
        if half > 0 and row["used_ms"] > half * (1 + noise.apart_at(half) / 100):
            slower.append((row, half))
    with_conversions = _alone_in_half(log, {row["layer"] for row, _ in slower}) if slower else None
    if with_conversions is not None:
        slower = [(row, half) for row, half in slower if with_conversions.get(row["layer"], 0.0) < 0]
    if not slower:
        return
    slower.sort(key=lambda entry: entry[1] - entry[0]["used_ms"])
    lost = sum(row["used_ms"] - half for row, half in slower)
    row, half = slower[0]
    if with_conversions is None:
        what = "conversions aside, which were not all timed"
    else:
        gained = -sum(with_conversions[row["layer"]] for row, _ in slower)
        what = f"{significant(1000 * gained)} us with the conversions that each by itself would need"
    yield Hit(
        f"{len(slower)} of {counted(len(both), 'layer')} in INT8 {plural(len(slower), 'was', 'were')} timed faster in "
        f"FP16, by {significant(1000 * lost)} us in sum ({what}): {row['layer']} {1000 * row['used_ms']:.4g} us in "
        f"INT8, {1000 * half:.4g} us in FP16.",
        [row["line"] for row, _ in slower[:10]],
        layers=tuple(row["layer"] for row, _ in slower),
        confidence="low" if with_conversions is None else None,
    )


def _alone_in_half(log: Log, names: Collection[str]) -> dict[str, float] | None:
    """Return what the network would take more with one layer in FP16 or BF16; None where conversions were not timed."""
    found = compared(layers_of(log))
    if isinstance(found, str):
        return None
    nodes = found.network.nodes
    changes: dict[str, float] = {}
    for place in found.timed:
        half = [*nodes[place].in_precision("FP16"), *nodes[place].in_precision("BF16")]
        if nodes[place].layer.layer not in names or not half:
            continue
        allowed = [chosen(node) for node in nodes]
        allowed[place] = half
        found.rename_freely(allowed, (place,))
        plan = found.network.solve(allowed)
        if plan is None:
            return None
        changes[nodes[place].layer.layer] = plan.total - found.engine.total
    return changes


@rule(
    "qdq-alone",
    severity="advice",
    confidence="medium",
    why="A quantization that is fused into no layer is a pass over memory, and often the layer behind it computes in a "
    "wider type than the pair was meant for.",
    action="Move the pair in the model: in front of the inputs of convolutions and matrix products, both inputs of an "
    "Add, none between a convolution and its activation; take pairs out around layers that have no INT8 kernel.",
)
def qdq_alone(log: Log) -> Iterable[Hit]:
    """Q/DQ nodes that are engine layers of their own inside of the network."""
    layers = layers_of(log)
    if layers.source != "engine":
        return
    made = {name for layer in layers.layers for name in layer.outputs}
    used = {operand.get("name") for layer in layers.layers for operand in layer.operands("inputs")}
    nodes = {row["node"] for row in table_rows(log.table("onnx_nodes")) if _QDQ.fullmatch(row["op"] or "")}
    alone = []
    for layer in layers.layers:
        inputs = [operand.get("name") for operand in layer.operands("inputs")]
        of_pairs = layer.parts and all(part in nodes or _QDQ_NAME.fullmatch(part) for part in layer.parts)
        if not of_pairs or not inputs:
            continue
        # The network's inputs have to be quantized and its outputs back, by somebody.
        if not set(inputs) & made or not set(layer.outputs) & used or layer.type in ("Constant", "NoOp"):
            continue
        alone.append(layer)
    if alone:
        times = [layer.profile_ms if layer.profile_ms is not None else layer.tactic_ms for layer in alone]
        total = sum(time for time in times if time is not None)
        took = f", {significant(1000 * total)} us" if total else ""
        yield Hit(
            f"{counted(len(alone), 'quantization or dequantization is', 'quantizations or dequantizations are')} fused "
            f"into no other layer{took}: {alone[0].layer}.",
            [layer.line for layer in alone],
            layers=tuple(layer.layer for layer in alone),
        )
