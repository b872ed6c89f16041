"""What a layer computes in, by one rule for timed tactics and for the layers of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import formats_of
from trtlog.values.formats import canonical_dtype
from trtlog.values.kernels import decode_kernel

if TYPE_CHECKING:
    from trtlog.analyses.layer.layer import Layer

# From wide to narrow: a layer falls back where its precision is wider than the narrowest allowed.
WIDTH = {"FP32": 32, "TF32": 32, "FP16": 16, "BF16": 16, "INT8": 8, "FP8": 8, "FP4": 4, "INT4": 4}
_INDEX_TYPES = ("INT32", "INT64", "BOOL", "UINT8")


@lru_cache(maxsize=65536)
def precision_of(input_formats: str | None, output_formats: str | None, kernel: str | None) -> str | None:
    """Return what a tactic computes in: FP32 TF32 FP16 BF16 INT8 FP8 ...; None where nothing tells.

    The data type is that of the first operand, inputs before outputs, that holds no indices. FP32 data are
    multiplied as TF32 where the kernel's name says so. Without formats the kernel's name alone decides.

    Examples
    --------
    >>> precision_of("Float(3,1)", "Float(3,1)", "sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize64x64x16")
    'TF32'
    >>> precision_of("Half(3,1)", "Float(3,1)", None), precision_of(None, None, None)
    ('FP16', None)
    """
    types = [f.dtype for f in (*formats_of(input_formats), *formats_of(output_formats)) if f is not None and f.dtype]
    return _computed_in(tuple(types), kernel)


@lru_cache(maxsize=65536)
def timed_precision(
    input_formats: str | None, output_formats: str | None, kernel: str | None, runner: str | None
) -> str | None:
    """Return what a timed tactic computes in.

    Myelin compiles many operations into one: without a kernel's name the formats at its borders say little of the
    inside.

    Examples
    --------
    >>> timed_precision("Half(3,1)", "Half(3,1)", None, "Myelin") is None
    True
    """
    return None if runner == "Myelin" and not kernel else precision_of(input_formats, output_formats, kernel)


def operand_precision(layer: Mapping[str, Any], kernel: str | None) -> str | None:
    """Return what an engine layer computes in, by the operands that the engine lists and its kernel's name.

    Examples
    --------
    >>> halves = [{"name": "x", "dtype": "FP16", "shape": None, "format": "Half[1,8]"}]
    >>> operand_precision({"type": "PointWise", "inputs": halves, "outputs": []}, None)
    'FP16'
    """
    if layer.get("type") == "Myelin" and not kernel:
        return None
    types = []
    for operand in (*(layer.get("inputs") or ()), *(layer.get("outputs") or ())):
        found = formats_of(operand["format"], dims=True) if operand["format"] else ()
        dtype = found[0].dtype if found and found[0] is not None and found[0].dtype else operand["dtype"]
        if dtype:
            types.append(dtype)
    return _computed_in(tuple(types), kernel)


@lru_cache(maxsize=65536)
def _computed_in(types: tuple[str, ...], kernel: str | None) -> str | None:
    # Indices and shapes (a Gather's, a Shuffle's) tell nothing of the arithmetic.
    dtype = next((t for t in types if t not in _INDEX_TYPES), types[0] if types else None)
    decoded = decode_kernel(kernel) if kernel else None
    if dtype is None:
        return None if decoded is None else decoded.math_type or decoded.input_type
    if dtype == "FP32" and decoded is not None and decoded.math_type == "TF32":
        return "TF32"
    return dtype


def comparable(ours: Layer, theirs: Layer) -> bool:
    """Return whether the precisions of two layers can be compared.

    FP32 and TF32 differ by the kernel alone: where a side does not name it, nothing can be said.
    """
    both_known = all(layer.kernel for layer in (ours, theirs))
    return both_known or {ours.precision, theirs.precision} != {"FP32", "TF32"}


def allowed_precisions(options: pa.Table) -> dict[int, list[str]]:
    """Return by run the precisions that the build options allow, such as FP32, FP16.

    A line such as ``Precision: FP32+FP16``. Strongly typed networks (10.x) allow what the network says, and
    loaded engines were built by other options: they have no entry.
    """
    out: dict[int, list[str]] = {}
    listed = table_rows(options)
    # Of a loaded engine the options tell nothing: they are trtexec's defaults.
    loaded = {r["run"] for r in listed if r["key"] == "Load engine" and r["value"]}
    for row in listed:
        if row["run"] not in loaded and row["section"] == "build" and row["key"] == "Precision" and row["value"]:
            found = [canonical_dtype(part.strip()) for part in row["value"].split(" ")[0].split("+")]
            known = [name for name in found if name in WIDTH]
            if known and "strongly" not in row["value"].lower():
                out[row["run"]] = known
    return out
