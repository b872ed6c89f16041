"""Narrow types that were allowed and not used, tensor cores that idle, values that do not fit."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog._util.words import counted, plural, share_in_words
from trtlog.analyses.layer.base import formats_of
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.messages import messages_of
from trtlog.analyses.layer.precision import WIDTH, allowed_precisions
from trtlog.analyses.lint.gpus import tensor_cores, tf32
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.log import Log
from trtlog.values.kernels import decode_kernel
from trtlog.values.peaks import has_units

_MATRIX = ("conv", "gemm", "matmul", "matrix", "fullyconnected", "fc")
# From this share of the time on a finding costs time, below it is worth a try.
_HEAVY = 0.1
_REASONS = {
    "formats": "the narrow type is faster, but its conversions cost more than they gain layer by layer",
    "slower": "the narrow type is slower for this layer",
    "not_offered": "no tactic in the narrow type was timed",
    "refused": "a message says why",
    "narrow_faster": "the narrow type was faster even with its conversions",
    "unknown": "the log lacks the timings that would tell",
}


@rule(
    "precision-fallback",
    severity="warning",
    confidence="medium",
    why="These layers run in a wider type than the options allow, which is why FP16 or INT8 gains less than expected.",
    action="See 'trtlog precision LOG'. Formats: larger batches amortise conversions; the same type for neighbouring "
    "layers (<<--precisionConstraints=obey --layerPrecisions=..., or a strongly typed network|a strongly typed "
    "network>>) removes them. Not offered or refused: missing INT8 scales, shapes no kernel serves, plugins.",
)
def precision_fallback(log: Log) -> Iterable[Hit]:
    """Layers in a wider type than the narrowest allowed."""
    rows = table_rows(log.analyze.table("precision"))
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
    counts = Counter(row["reason"] for row in fallen)
    reasons = "; ".join(f"{n}: {_REASONS[name]}" for name, n in counts.most_common())
    share = f", {share_in_words(100 * time_ms / total)} of the timed tactics' sum" if total else ""
    # Where the narrow type is slower the builder's choice is right, and nothing is lost.
    lost_ms = sum(r["used_ms"] or 0.0 for r in fallen if r["reason"] != "slower")
    words = (
        f"{len(fallen)} of {counted(len(known), 'layer')} {plural(len(fallen), 'uses', 'use')} a wider type "
        f"than allowed ({allowed}){share}. {reasons}."
    )
    without = _without_units(log)
    yield Hit(
        f"{words} {without}" if without else words,
        [r["line"] for r in fallen[:10]],
        layers=tuple(r["layer"] for r in fallen),
        severity="warning" if not without and (not total or lost_ms > 0.2 * total) else "advice",
        action="FP32 alone builds faster; 'trtlog precision LOG' shows what the layers gain." if without else None,
    )


def _without_units(log: Log) -> str | None:
    """Return that the GPU computes no narrow type that is allowed faster than FP32; None where it does, or unknown."""
    device = log.device
    narrow = [p for p in allowed_precisions(log.table("options")).get(log.run.run, []) if WIDTH[p] < WIDTH["FP32"]]
    if device is None or not narrow or any(has_units(device.compute_capability, p) is not False for p in narrow):
        return None
    return f"{device.name} (compute capability {device.compute_capability}) has no fast {' or '.join(narrow)}."


@rule(
    "narrow-type-held-back",
    severity="advice",
    confidence="medium",
    why="The narrow type loses because some layers have no kernel in the formats of their neighbours: each costs a "
    "pair of conversions, and whole blocks stay in the wider type.",
    action="See 'trtlog what-if LOG'. Replace these layers in the model (a grouped convolution with more channels "
    "a group for a depthwise one), use a larger batch, or a newer TensorRT, which has more kernels.",
)
def narrow_type_held_back(log: Log) -> Iterable[Hit]:
    """A narrower type throughout that would cost more than the engine, and the layers that make it dear."""
    allowed = allowed_precisions(log.table("options")).get(log.run.run, [])
    if len(allowed) < 2:
        return
    for row in table_rows(log.analyze.table("what_if")):
        if row["plan"] not in allowed or row["plan"] == "FP32" or row["holder"] is None:
            continue
        # Without what holds it back the type would be worth it; else it is slow of itself.
        if row["change_ms"] > row["noise_ms"] and row["holders_ms"] > row["change_ms"]:
            yield Hit(
                f"{row['plan']} throughout: {row['explained']}.",
                row["lines"] or (),
                layers=(row["holder"],),
            )


def without_tensor_cores(log: Log) -> bool:
    """Whether the GPU has no tensor cores: by the device, else by kernels, none of which was made for a later one."""
    device = log.device
    if device is not None:
        return tensor_cores(device) is False
    kernels = log.table("tactics").column("kernel").unique().to_pylist()
    made_for = {decode_kernel(kernel).architecture for kernel in kernels if kernel} - {None}
    return bool(made_for) and all(_BEFORE_VOLTA.match(str(name)) for name in made_for)


_BEFORE_VOLTA = expression(r"maxwell|pascal|sm_?[56][0-9]$")


@dataclass(frozen=True)
class _Product:
    """A convolution or matrix product of the engine: its kernel, and what tensor core tactics were timed for it."""

    layer: Layer
    kernel: str | None
    on: bool | None
    offered_ms: float | None

    @property
    def slower(self) -> bool:
        """Whether tensor cores were tried for it and were slower."""
        used = self.layer.tactic_ms
        return self.offered_ms is not None and used is not None and self.offered_ms >= used


def _products(log: Log) -> list[_Product]:
    out = []
    for layer in layers_of(log).layers:
        kind = (layer.type or "").lower()
        if layer.row is None or not any(word in kind for word in _MATRIX) or "constant" in kind:
            continue
        on = decode_kernel(layer.kernel).tensor_cores if layer.kernel else None
        timed = [c.time_ms for c in layer.candidates if c.kernel and decode_kernel(c.kernel).tensor_cores]
        out.append(_Product(layer, layer.kernel, on, min((t for t in timed if t is not None), default=None)))
    return out


def _depthwise(product: _Product) -> bool:
    text = (product.layer.row or {}).get("attributes")
    groups = json.loads(text).get("Groups") if text else None
    if isinstance(groups, int) and groups > 1:
        return True
    operation = decode_kernel(product.kernel).operation if product.kernel else None
    return operation in ("depthwise", "grouped") or "_c1_k1_" in (product.kernel or "")


def _matrix_vector(product: _Product) -> bool:
    """Whether the product has one row: it reads each weight once, so memory bounds it and tensor cores gain nothing."""
    name = product.kernel or ""
    if decode_kernel(name).operation == "gemv" or "gemv" in name or "small_batch" in name:
        return True
    outputs = product.layer.operands("outputs")
    shape: list[int] = list(outputs[0]["shape"] or ()) if outputs else []
    if len(shape) < 2 or any(n < 1 for n in shape):
        return False
    columns = shape[-1] if len(shape) < 4 else shape[1]
    return math.prod(shape) == columns


@rule(
    "off-tensor-cores",
    severity="warning",
    confidence="medium",
    why="Convolutions and matrix products reach the GPU's rated speed on tensor cores only.",
    action="Allow FP16, BF16 or INT8 (FP32 data need TF32, on by default from Ampere on); pad channels to a multiple "
    "of 8; use a larger batch, which pays for the conversions that tensor core formats need.",
)
def off_tensor_cores(log: Log) -> Iterable[Hit]:
    """Convolutions and matrix products without tensor cores; not depthwise ones, not products with a vector.

    A layer for which tensor core tactics were timed and were slower is well where it is.
    """
    device = log.device
    if without_tensor_cores(log):
        return
    products = [p for p in _products(log) if p.on is not None and not _depthwise(p) and not _matrix_vector(p)]
    off = [p for p in products if p.on is False]
    left = [p for p in off if not p.slower]
    right = len(off) - len(left)
    if not left:
        if off:
            yield good(
                f"{len(products) - right} of {len(products)} convolutions and matrix products run on tensor cores; for "
                f"the {plural(right, 'other', f'other {right}')} tensor core tactics were timed and were slower.",
                [p.layer.line for p in off],
            )
        elif products:
            yield good(f"All {len(products)} convolutions and matrix products of known kernels run on tensor cores.")
        return
    timed = bool(log.table("tactics").num_rows)
    offered = [p for p in left if p.offered_ms is not None]
    passed = sum(1 for p in offered if p.layer.tactic_ms is not None)
    tried_none = sum(p.offered_ms is None and bool(p.layer.candidates) for p in left)
    reasons = [
        (right, "tensor core tactics were timed and were slower"),
        (passed, "faster tensor core tactics were timed, and passed over for their formats"),
        (len(offered) - passed, "tensor core tactics were timed, and what the engine runs was not"),
        (tried_none, "no tensor core tactic was timed"),
        (len(left) - len(offered) - tried_none, "the log holds no timings"),
    ]
    told = [f"for {plural(len(off), 'it', f'{number} of them')} {why}" for number, why in reasons if number]
    tried = f" {'; '.join(told).capitalize()}." if timed else " The log has no timings that say why."
    share = sum(p.layer.tactic_ms or 0.0 for p in left)
    total = sum(p.layer.tactic_ms or 0.0 for p in products)
    heavy = share > _HEAVY * total if total else len(left) > _HEAVY * len(products)
    only_fp32 = allowed_precisions(log.table("options")).get(log.run.run) == ["FP32"]
    action = None
    if only_fp32 and tf32(device) is False:
        action = "Allow FP16 or INT8: the tensor cores of this GPU compute no FP32 (TF32 comes with Ampere)."
    elif "--noTF32" in (log.run.command or ""):
        action = "Leave out --noTF32, or allow FP16, BF16 or INT8."
    yield Hit(
        f"{len(off)} of {len(products)} convolutions and matrix products {plural(len(off), 'runs', 'run')} without "
        f"tensor cores, {plural(len(off), 'namely', 'for example')} {left[0].layer.layer} with "
        f"{left[0].kernel}.{tried}",
        [p.layer.line for p in left],
        layers=tuple(p.layer.layer for p in left),
        action=action,
        severity=None if heavy and timed and device is not None else "advice",
        confidence=None if timed and device is not None else "low",
    )


def _inner(log: Log, products: Sequence[_Product]) -> set[str]:
    """Return the tensors that lie inside of the network: layers compute them, and products use what becomes of them.

    The channels of the network's inputs and outputs are given by the task: colours, classes.
    """
    layers = layers_of(log).layers
    own = {p.layer.layer for p in products}
    made = {t["name"] for x in layers if not x.converts for t in x.operands("outputs")}
    for layer in layers:
        if layer.converts and any(t["name"] in made for t in layer.operands("inputs")):
            made.update(t["name"] for t in layer.operands("outputs"))
    used: set[str] = set()
    for layer in reversed(layers):
        if layer.layer in own or any(t["name"] in used for t in layer.operands("outputs")):
            used.update(t["name"] for t in layer.operands("inputs"))
    return made & used


def _channels(kind: str, shape: Sequence[int]) -> int:
    """Return the channels of a tensor: of three dimensions the last, of a convolution's the first.

    A convolution has no fewer than four, but for networks with an implicit batch (TensorRT 8 and before), whose
    shapes leave the batch out.
    """
    if len(shape) != 3:
        return shape[1]
    return shape[0] if "conv" in kind.lower() or kind == "FullyConnected" else shape[-1]


@rule(
    "channel-alignment",
    severity="advice",
    confidence="medium",
    why="Tensor core kernels want channel counts in multiples of 8 (FP16, BF16), 4 (TF32) or 16 (INT8, FP8): others "
    "are padded or fall back to slower kernels.",
    action="Choose channel counts in such multiples where the model is yours to change.",
)
def channel_alignment(log: Log) -> Iterable[Hit]:
    """Channel counts inside of the network that defeat alignment; its inputs and outputs are given by the task."""
    if without_tensor_cores(log):
        return
    multiples = {"FP16": 8, "BF16": 8, "INT8": 16, "FP8": 16}
    products = _products(log)
    if _computes_tf32(log):
        multiples["FP32"] = 4
    inner = _inner(log, products)
    odd, checked, unknown = [], 0, tf32(log.device) is None and "FP32" not in multiples
    unchecked = False
    for product in products:
        if _depthwise(product) or _matrix_vector(product):
            continue
        for side in ("inputs", "outputs"):
            tensor = next(iter(product.layer.operands(side)), None)
            if tensor is None or tensor["name"] not in inner or len(tensor["shape"] or ()) < 2:
                continue
            found = formats_of(tensor["format"], dims=True) if tensor["format"] else ()
            dtype = (found[0].dtype if found and found[0] else None) or tensor["dtype"]
            channels, multiple = _channels(product.layer.type or "", tensor["shape"]), multiples.get(dtype)
            unchecked |= unknown and dtype == "FP32"
            if multiple is None or channels < 2:
                continue
            checked += 1
            if channels % multiple:
                odd.append((product.layer, side, channels, multiple))
    if odd:
        layer, side, channels, multiple = odd[0]
        count = len({entry[0].layer for entry in odd})
        yield Hit(
            f"{counted(count, 'layer has', 'layers have')} channel counts that are no such multiple, "
            f"{plural(count, 'namely', 'for example')} {layer.layer}: {channels} {side[:-1]} channels, no multiple "
            f"of {multiple}.",
            [entry[0].line for entry in odd],
            layers=tuple(dict.fromkeys(entry[0].layer for entry in odd)),
        )
    elif checked and not unchecked:
        yield good("All channel counts of convolutions and matrix products suit tensor cores.")


def _computes_tf32(log: Log) -> bool:
    """Whether FP32 may run on tensor cores: by the device, without one by kernels that say so."""
    by_device = tf32(log.device)
    if by_device is not None:
        return by_device
    kernels = (*log.table("tactics").column("kernel").unique().to_pylist(),
               *log.table("engine_layers").column("kernel").unique().to_pylist())  # fmt: skip
    return any(decode_kernel(kernel).math_type == "TF32" for kernel in kernels if kernel)


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
    # Of a strongly typed network the model says the types, not the builder's flags.
    typed = "--stronglyTyped" in (log.run.command or "") or "trongly" in (log.build.precision or "")
    if device is not None and tensor_cores(device) and not typed:
        lines = [r["line"] for r in table_rows(log.table("options")) if r["key"] == "Precision"]
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
    """INT64 weights of the model cast down to INT32, and values that were clamped for it."""
    found = messages_of(log)
    cast = found.where(lambda row, _: _CAST.search(row["text"]))
    clamped = found.where(lambda row, _: _CLAMPED.search(row["text"]))
    lines = [m["line"] for m in (*cast, *clamped)]
    if clamped:
        first = clamped[0]["line"]
        yield Hit(
            f"INT64 weights were cast to INT32, and values out of its range were clamped "
            f"({counted(len(clamped), 'message')}, first line {first}).",
            lines,
            severity="warning",
            action="Harmless where the value stands for 'to the end' (a Slice that ends at the largest INT64). Else "
            "the results are wrong: give the model values that INT32 holds, or use TensorRT 10.",
        )
    elif cast:
        yield Hit("INT64 weights were cast to INT32; no line says that a value was out of range.", lines)


_CAST = expression(r"INT64 weights.{0,400}cast down to INT32", re.DOTALL)
_CLAMPED = expression(
    r"outside (?:the|of the) range of INT32[^\n]{0,200}clamp|out of (?:the )?range of INT32|clamp\w{0,9} to INT32", re.I
)


@rule(
    "weights-lose-precision",
    severity="advice",
    confidence="high",
    why="Weights below FP16's normal range lose digits or become zero: accuracy may suffer.",
    action="Compare outputs with FP32 (polygraphy run --trt --onnxrt). Keep the named layers in FP32 if it matters, or "
    "retrain with weight decay that keeps weights larger.",
)
def weights_lose_precision(log: Log) -> Iterable[Hit]:
    """Weights that FP16 cannot hold in full."""
    found = messages(log, kind="weights_affected")
    if found:
        words = " ".join(dict.fromkeys(m["text"].strip().lstrip("- ").rstrip(".") + "." for m in found))
        yield Hit(words, [m["line"] for m in found])
