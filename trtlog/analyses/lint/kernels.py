"""The kernels of the engine: older than the GPU, generated while building, attention in one or in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from trtlog._util.rows import table_rows
from trtlog._util.words import counted, plural, share_in_words, significant
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.lint.gpus import capability, tensor_cores
from trtlog.analyses.lint.registry import Hit, good, rule
from trtlog.log import Log
from trtlog.values.kernels import decode_kernel

# Generations whose tensor cores have instructions of their own; Ada's for FP16 and INT8 are those of Ampere.
_AGE = {"maxwell": 0, "pascal": 0, "volta": 1, "turing": 2, "ampere": 3, "ada": 3, "hopper": 4, "blackwell": 5}
_CAPABILITIES = ((7.5, "volta"), (8.0, "turing"), (9.0, "ampere"), (10.0, "hopper"))
_ADA = 8.9
_PRODUCTS = ("fprop", "dgrad", "gemm", "grouped", "conv_act_pool", "mha")
# From this share of the products' time on older kernels are worth a look.
_SHARE = 0.2


def _generation(log: Log) -> str | None:
    """Return the generation of the GPU's tensor cores."""
    found = capability(log.device)
    if found is None or not tensor_cores(log.device):
        return None
    return next((name for limit, name in _CAPABILITIES if found < limit), "blackwell")


def _called(name: str) -> str:
    """Return a generation as NVIDIA writes it, an architecture such as sm80 as it stands."""
    return name if name.startswith("sm") else name.capitalize()


@rule(
    "older-kernels",
    severity="advice",
    confidence="medium",
    why="A kernel of an older architecture runs on a newer GPU without its newest instructions (on Hopper it "
    "stays well below the tensor cores' peak).",
    action="Try a newer TensorRT: each release brings kernels for newer GPUs. If kernels of this GPU were timed and "
    "were slower, nothing: the layers are too small or memory bound.",
)
def older_kernels(log: Log) -> Iterable[Hit]:
    """Convolutions and matrix products whose kernels were made for an older generation of tensor cores."""
    own = _generation(log)
    if own is None or layers_of(log).source != "engine":
        return
    gpu = "Ampere or Ada" if capability(log.device) == _ADA else _called(own)
    products, older, tried = [], [], 0
    for layer in layers_of(log).layers:
        kernel = decode_kernel(layer.kernel) if layer.kernel else None
        if kernel is None or kernel.generation not in _AGE or kernel.operation not in _PRODUCTS:
            continue
        products.append(layer)
        if _AGE[kernel.generation] < _AGE[own] and kernel.tensor_cores:
            older.append(layer)
            tried += any(_made_for(one.kernel, own) for one in layer.candidates)
    if not older:
        if products and all(_made_for(layer.kernel, own) for layer in products):
            several = f"All {len(products)} convolutions and matrix products run kernels"
            every = plural(len(products), "The one convolution or matrix product runs a kernel", several)
            yield good(f"{every} made for {gpu}.")
        return
    time = sum(layer.tactic_ms or 0.0 for layer in older)
    total = sum(layer.tactic_ms or 0.0 for layer in products)
    if time < _SHARE * total:
        return
    share = f", {share_in_words(100 * time / total)} of their time" if total else ""
    names = sorted({_called(decode_kernel(layer.kernel or "").architecture or "") for layer in older})
    words = (
        f"{len(older)} of {counted(len(products), 'convolution or matrix product', 'convolutions and matrix products')}"
        f" {plural(len(older), 'runs a kernel', 'run kernels')} made for {' and '.join(names)} on {gpu}{share}."
    )
    timed = [layer for layer in older if layer.candidates]
    if not timed:
        words += " The log has no timings that say whether newer ones were tried."
    elif tried == len(older):
        words += f" Kernels for {gpu} were timed for all of them and were not taken."
    elif tried:
        words += f" For {tried} of them kernels for {gpu} were timed and not taken; for the others none was timed."
    else:
        words += f" No kernel made for {gpu} was timed for them."
    # What was tried and lost is well where it is.
    confidence = "low" if not timed or tried == len(older) else None
    yield Hit(words, [layer.line for layer in older], layers=tuple(x.layer for x in older), confidence=confidence)


def _made_for(kernel: str | None, generation: str) -> bool:
    found = decode_kernel(kernel).generation if kernel else None
    return found is not None and found in _AGE and _AGE[found] >= _AGE[generation]


@rule(
    "generated-pointwise",
    severity="advice",
    confidence="high",
    why="Pointwise operations that no other layer took in run as kernels of their own, generated and compiled while "
    "building: they move memory, and each different one adds to the time of the build.",
    action="Write the model so that they follow a convolution or matrix product directly (activation, bias, residual "
    "Add are fused then); a timing cache file spares the compilation in later builds.",
)
def generated_pointwise(log: Log) -> Iterable[Hit]:
    """Pointwise layers of the engine, whose kernels the builder generates and compiles."""
    layers = [x for x in layers_of(log).layers if x.type in ("PointWiseV2", "PointWise")]
    if not layers:
        return
    listed = [
        row["line"]
        for row in table_rows(log.table("facts"))
        if row["kind"] == "kernel_listed" and "generatedNativePointwise" in (row["subject"] or "")
    ]
    time = sum(x.tactic_ms or 0.0 for x in layers)
    total = sum(x.tactic_ms or 0.0 for x in layers_of(log).layers)
    share = f", {share_in_words(100 * time / total)} of the timed tactics' sum" if time and total else ""
    names = {x.layer.strip() for x in layers}
    times = table_rows(log.analyze.table("build_time"))
    spent = [row for row in times if row["build"] == layers_of(log).build and row["name"].strip() in names]
    seconds = sum(row["seconds"] for row in spent)
    built = f"; the builder took {significant(seconds)} s for {len(spent)} of them" if seconds >= 1 else ""
    lines = [*(x.line for x in layers), *listed]
    if not any(line is not None for line in lines):  # no list of engine layers: the tactics that were timed say it
        lines = [row["line"] for row in table_rows(log.table("tactics")) if (row["layer"] or "").strip() in names]
    yield Hit(
        f"{counted(len(layers), 'layer runs a generated pointwise kernel', 'layers run generated pointwise kernels')}"
        f"{share}{built}.",
        lines,
        layers=tuple(x.layer for x in layers),
    )


_BETWEEN = frozenset(
    {"Add", "Sub", "Mul", "Div", "Where", "Cast", "Reshape", "Identity", "Dropout", "Transpose", "Min", "Max", "Clip",
     "Expand", "Unsqueeze", "Squeeze", "QuantizeLinear", "DequantizeLinear"}
)  # fmt: skip
_PRODUCT_OPS = frozenset({"MatMul", "Gemm", "Einsum"})
_STEPS = 8


@rule(
    "attention-fused",
    severity="advice",
    confidence="medium",
    why="Fused attention keeps the matrix of scores on the chip; in pieces it is written and read several times, and "
    "it grows with the square of the sequence.",
    action="Where it is in pieces: FP16, BF16 or FP8, a newer TensorRT, head sizes in multiples of 8, no operations "
    "between Q K^T, scale, mask and softmax but these. Where the log cannot tell: Nsight Systems names the kernels "
    "(fmha or mha in them), and so does --profilingVerbosity=detailed from TensorRT 9 on.",
)
def attention_fused(log: Log) -> Iterable[Hit]:
    """Attention of the model: one fused kernel, in pieces, or inside of Myelin's nodes, where the log cannot tell."""
    nodes = list(table_rows(log.table("onnx_nodes")))
    found = list(_attentions(nodes))
    layers = layers_of(log)
    fused = [x for x in layers.layers if _is_mha(x)]
    if fused:
        of = f" (the model holds {counted(len(found), 'attention')})" if found else ""
        yield good(f"{counted(len(fused), 'layer runs', 'layers run')} fused attention{of}.", [x.line for x in fused])
        return
    if not found or layers.source != "engine":
        return
    pieces: list[tuple[dict[str, Any], Layer]] = []
    for softmax, product in found:
        own = next((x for x in layers.layers if softmax["node"] in x.parts), None)
        # Myelin's own kernels (kgen) are listed one by one from TensorRT 9 on, with the nodes that went into each.
        kind = (own.type or "").lower() if own is not None else ""
        if own is not None and ("softmax" in kind or kind == "kgen") and product["node"] not in own.parts:
            pieces.append((softmax, own))
    if pieces:
        yield Hit(
            f"{len(pieces)} of {counted(len(found), 'attention')} of the model {plural(len(pieces), 'is', 'are')} in "
            f"pieces: {pieces[0][1].layer} is a layer of its own.",
            [x.line for _, x in pieces],
            layers=tuple(x.layer for _, x in pieces),
        )
        return
    myelin = [x for x in layers.layers if not x.converts and (x.type == "Myelin" or "{ForeignNode[" in x.layer)]
    if myelin:
        yield Hit(
            f"The model holds {counted(len(found), 'attention')}, inside of {counted(len(myelin), 'node')} of Myelin: "
            "the log cannot tell whether fused.",
            [*(x.line for x in myelin), *(softmax["line"] for softmax, _ in found[:5])],
            confidence="low",
        )


def _is_mha(layer: Layer) -> bool:
    kernel = decode_kernel(layer.kernel).operation if layer.kernel else None
    return kernel == "mha" or (layer.type or "").lower() in ("mha", "fmha", "fused_mha", "mha_v2")


def _attentions(nodes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each softmax between two matrix products of computed tensors, with the first of these."""
    makers = {tensor["tensor"]: node for node in nodes for tensor in node["outputs"] or ()}
    readers: dict[str, list[dict[str, Any]]] = {}
    for node in nodes:
        for tensor in node["inputs"] or ():
            readers.setdefault(tensor["tensor"], []).append(node)
    for node in nodes:
        if node["op"] != "Softmax":
            continue
        before = _reach(node, lambda x: [makers.get(t["tensor"]) for t in x["inputs"] or ()])
        after = _reach(node, lambda x: [r for t in x["outputs"] or () for r in readers.get(t["tensor"], ())])
        computed = [x for x in before if _computes(x, makers)]
        if computed and any(_computes(x, makers) for x in after):
            yield node, computed[0]


def _reach(start: dict[str, Any], neighbours: Any) -> list[dict[str, Any]]:
    """Return the matrix products that are reached from a node over operations that an attention may have between."""
    seen, edge, found = {id(start)}, [start], []
    for _ in range(_STEPS):
        following = []
        for node in edge:
            for other in neighbours(node):
                if other is None or id(other) in seen:
                    continue
                seen.add(id(other))
                if other["op"] in _PRODUCT_OPS:
                    found.append(other)
                elif other["op"] in _BETWEEN:
                    following.append(other)
        edge = following
    return found


def _computes(product: dict[str, Any], makers: dict[str, Any]) -> bool:
    """Whether both operands of a matrix product are computed, none is a weight."""
    inputs = [makers.get(tensor["tensor"]) for tensor in product["inputs"] or ()]
    return len(inputs) >= 2 and all(maker is not None and maker["op"] != "Constant" for maker in inputs[:2])
