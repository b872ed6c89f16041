"""Narrow types that were allowed and not used, tensor cores that idle, values that do not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted, plural
from trtlog.analyses.layer.base import formats_of
from trtlog.analyses.layer.engine_layer import is_conversion, layers_of
from trtlog.analyses.layer.precision import allowed_precisions
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.values.kernels import decode_kernel

if TYPE_CHECKING:
    from trtlog.log import Log

_MATRIX = ("conv", "gemm", "matmul", "matrix", "fullyconnected", "fc")
_REASONS = {
    "formats": "the narrow type is faster, but its conversions cost more than they gain layer by layer",
    "slower": "the narrow type is slower for this layer",
    "not_offered": "no tactic in the narrow type was timed",
    "refused": "a message says why",
    "narrow_faster": "the narrow type was faster even with its conversions",
    "unknown": "the log holds no timings",
}


@rule(
    "precision-fallback",
    severity="warning",
    confidence="medium",
    why="These layers run in a wider type than the options allow, which is why FP16 or INT8 gains less than expected.",
    action="See 'trtlog precision LOG'. Formats: larger batches amortise conversions; the same type for "
    "neighbouring layers "
    "(<<--precisionConstraints=obey --layerPrecisions=..., or a strongly typed network|a "
    "strongly typed network>>) removes them. Not offered "
    "or refused: "
    "missing INT8 scales, shapes no kernel serves, plugins.",
)
def precision_fallback(log: Log) -> Iterable[Hit]:
    """Layers in a wider type than the narrowest allowed."""
    rows = log.analyze.table("precision").to_pylist()
    known = [r for r in rows if r["fallback"] is not None]
    fallen = [r for r in known if r["fallback"]]
    if not known:
        return
    allowed = "+".join(allowed_precisions(log.table("options")).get(log.run.run, []))
    if not fallen:
        every = plural(len(known), "The one layer that computes uses", f"All {len(known)} layers that compute use")
        yield good(f"{every} the narrowest type allowed ({allowed}).")
        return
    time_ms = sum(r["used_ms"] or 0.0 for r in fallen)
    total = sum(r["used_ms"] or 0.0 for r in known)
    counts: dict[str, int] = {}
    for row in fallen:
        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    reasons = "; ".join(f"{n}: {_REASONS[name]}" for name, n in sorted(counts.items(), key=lambda item: -item[1]))
    share = f", {100 * time_ms / total:.0f} % of the timed tactics' sum" if total else ""
    yield Hit(
        f"{len(fallen)} of {counted(len(known), 'layer')} {plural(len(fallen), 'uses', 'use')} a wider type "
        f"than allowed ({allowed}){share}. {reasons}.",
        [r["line"] for r in fallen[:10]],
        layers=tuple(r["layer"] for r in fallen),
        severity="warning" if not total or time_ms > 0.2 * total else "advice",
    )


def _kernels(log: Log) -> list[tuple[dict[str, Any], str | None, bool | None]]:
    """Return the engine's convolutions and matrix products with kernel and whether it uses tensor cores."""
    out = []
    for layer in layers_of(log).layers:
        kind = (layer.type or "").lower()
        if layer.row is None or not any(word in kind for word in _MATRIX) or "constant" in kind:
            continue
        kernel = layer.kernel
        out.append((dict(layer.row), kernel, decode_kernel(kernel).tensor_cores if kernel else None))
    return out


def _depthwise(layer: dict[str, Any], kernel: str | None) -> bool:
    groups = json.loads(layer["attributes"]).get("Groups") if layer["attributes"] else None
    if isinstance(groups, int) and groups > 1:
        return True
    operation = decode_kernel(kernel).operation if kernel else None
    return operation in ("depthwise", "grouped") or "_c1_k1_" in (kernel or "")


@rule(
    "off-tensor-cores",
    severity="warning",
    confidence="medium",
    why="Convolutions and matrix products reach the GPU's rated speed on tensor cores only.",
    action="Allow FP16, BF16 or INT8 (FP32 data need TF32, on by default from Ampere on); pad channels to a "
    "multiple of 8; "
    "use a larger batch, which pays for the conversions that tensor core formats need.",
)
def off_tensor_cores(log: Log) -> Iterable[Hit]:
    """Convolutions and matrix products whose kernels use no tensor cores; depthwise ones do not count."""
    device = log.device
    if device is not None and device.compute_capability and float(device.compute_capability) < 7.0:
        return
    found = [(layer, kernel, on) for layer, kernel, on in _kernels(log) if not _depthwise(layer, kernel)]
    known = [entry for entry in found if entry[2] is not None]
    off = [(layer, kernel) for layer, kernel, on in known if on is False]
    if off:
        layer, kernel = off[0]
        yield Hit(
            f"{len(off)} of {len(known)} convolutions and matrix products {plural(len(off), 'runs', 'run')} without "
            f"tensor cores, for example {layer['layer']} with {kernel}.",
            [entry["line"] for entry, _ in off],
            layers=tuple(entry["layer"] for entry, _ in off),
        )
    elif known:
        yield good(f"All {len(known)} convolutions and matrix products of known kernels run on tensor cores.")


def _computed(layers: list[dict[str, Any]]) -> set[str]:
    """Return the tensors that layers compute: network inputs, converted or not, are none of them."""
    copies = [x for x in layers if is_conversion(x["layer"], x["type"])]
    found = {t["name"] for x in layers if x not in copies for t in x["outputs"] or ()}
    for layer in copies:
        if any(t["name"] in found for t in layer["inputs"] or ()):
            found.update(t["name"] for t in layer["outputs"] or ())
    return found


@rule(
    "channel-alignment",
    severity="advice",
    confidence="medium",
    why="Tensor core kernels want channel counts in multiples of 8 (FP16, BF16), 4 (TF32) or 16 (INT8, FP8): "
    "others are "
    "padded or fall back to slower kernels.",
    action="Choose channel counts in such multiples where the model is yours to change; the first and last layer "
    "matter least.",
)
def channel_alignment(log: Log) -> Iterable[Hit]:
    """Channel counts that defeat alignment, the network's inputs left out."""
    multiples = {"FP16": 8, "BF16": 8, "FP32": 4, "INT8": 16, "FP8": 16}
    layers = [layer for layer, _, _ in _kernels(log)]
    made = _computed([dict(layer.row) for layer in layers_of(log).layers if layer.row is not None])
    odd, checked = [], 0
    for layer in layers:
        for side in ("inputs", "outputs"):
            tensor = (layer[side] or [None])[0]
            if tensor is None or (side == "inputs" and tensor["name"] not in made) or len(tensor["shape"] or ()) < 2:
                continue
            found = formats_of(tensor["format"]) if tensor["format"] else ()
            dtype = (found[0].dtype if found and found[0] else None) or tensor["dtype"]
            channels, multiple = tensor["shape"][1], multiples.get(dtype)
            if multiple is None or channels < 1:
                continue
            checked += 1
            if channels % multiple:
                odd.append((layer, side, channels, multiple))
    if odd:
        layer, side, channels, multiple = odd[0]
        count = len({entry[0]["layer"] for entry in odd})
        yield Hit(
            f"{counted(count, 'layer has', 'layers have')} channel counts that are no such multiple, for example "
            f"{layer['layer']}: {channels} {side[:-1]} channels, no multiple of {multiple}.",
            [entry[0]["line"] for entry in odd],
            layers=tuple(dict.fromkeys(entry[0]["layer"] for entry in odd)),
        )
    elif checked:
        yield good("All channel counts of convolutions and matrix products suit tensor cores.")


@rule(
    "only-fp32",
    severity="advice",
    confidence="low",
    why="On GPUs with tensor cores FP16 is commonly about twice as fast, or more, at little loss of accuracy.",
    action="Try <<--fp16|a model in FP16 or BF16 (for example by AutoCast)>>, and check the accuracy.",
)
def only_fp32(log: Log) -> Iterable[Hit]:
    """Builds that allow FP32 alone on a GPU with fast FP16."""
    allowed = allowed_precisions(log.table("options")).get(log.run.run)
    device = log.device
    if allowed != ["FP32"] or log.build.load_engine or not log.table("performance").num_rows:
        return
    if device is not None and device.compute_capability and float(device.compute_capability) >= 7.0:
        lines = [r["line"] for r in log.table("options").to_pylist() if r["key"] == "Precision"]
        yield Hit(
            f"Only FP32 is allowed, on {device.name or 'a GPU'} of compute capability {device.compute_capability}.",
            lines,
        )


@rule(
    "int64-cast",
    severity="advice",
    confidence="high",
    why="TensorRT before 10 computes indices in INT32: larger values are cut, which spoils results silently.",
    action="Harmless for shapes and small indices. Else clamp the values in the model, or use TensorRT 10.",
)
def int64_cast(log: Log) -> Iterable[Hit]:
    """INT64 weights cast down to INT32."""
    found = [*messages(log, "int64", "cast"), *messages(log, "out of the range of int32")]
    unique = list({m["line"]: m for m in found}.values())
    if unique:
        clamped = any("clamp" in m["text"].lower() or "out of" in m["text"].lower() for m in unique)
        words = "values out of INT32's range were clamped" if clamped else "no value is reported as out of range"
        yield Hit(f"INT64 weights were cast to INT32; {words}.", [m["line"] for m in unique],
                  severity="warning" if clamped else None)  # fmt: skip


@rule(
    "weights-lose-precision",
    severity="advice",
    confidence="high",
    why="Weights below FP16's normal range lose digits or become zero: accuracy may suffer.",
    action="Compare outputs with FP32 (polygraphy run --trt --onnxrt). Keep the named layers in FP32 if it "
    "matters, or retrain "
    "with weight decay that keeps weights larger.",
)
def weights_lose_precision(log: Log) -> Iterable[Hit]:
    """Weights that FP16 cannot hold in full."""
    found = messages(log, kind="weights_affected")
    if found:
        words = " ".join(dict.fromkeys(m["text"].strip().lstrip("- ").rstrip(".") + "." for m in found))
        yield Hit(words, [m["line"] for m in found])
