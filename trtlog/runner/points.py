"""The points of a sweep: which command lines, made from axes."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog.errors import InputError
from trtlog.runner.arguments import FlagError, arguments, shapes
from trtlog.runner.onnx_inputs import read_inputs

#: What a precision means in flags. ``fp32`` is what trtexec does without flags: FP32, with TF32 on GPUs that have it.
PRECISIONS: dict[str, tuple[str, ...]] = {
    "fp32": (),
    "tf32": (),
    "fp16": ("--fp16",),
    "bf16": ("--bf16",),
    "int8": ("--int8",),
    "fp8": ("--fp8",),
    "int4": ("--int4",),
    "best": ("--best",),
}
#: Dimensions of a shape that stand for the batch size.
_BATCH_MARKS = frozenset({"-1", "n", "b", "batch", "batch_size", "none", "?"})

Axis = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    name
        Also the name of its folder, such as ``batch8-fp16``.
    values
        Its value on each axis.
    args
        trtexec's arguments for it, without what a run adds by itself.
    """

    name: str
    values: dict[str, Any]
    args: tuple[str, ...]


def make_points(
    onnx: str | os.PathLike[str] | None,
    *,
    batch: Sequence[int] | None = None,
    precision: Sequence[str] | None = None,
    axes: Mapping[str, Sequence[Any]] | None = None,
    shapes: Mapping[str, Any] | str | None = None,
    args: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    alone: bool = False,
) -> list[Point]:
    """Return the points: every combination of the axes' values, the last axis fastest.

    Parameters
    ----------
    onnx
        The model.
    batch
        Batch sizes. They take the place of -1 or ``"N"`` in ``shapes``, or of the first dimension where the model's
        own is dynamic.
    precision
        Names of :data:`PRECISIONS`, also joined: ``"fp16+int8"``.
    axes
        Any flags with the values to try; ``True`` and ``False`` for bare flags, None to leave a flag out.
    shapes
        Input shapes for all points, with -1 or ``"N"`` for the batch.
    args, flags
        What all points share.
    alone
        Whether a single point is enough, where there are no axes: its name is ``run``.

    Raises
    ------
    FlagError
        An axis is empty, unknown or repeated, or the batch size has no place in the shapes.
    InputError
        The model cannot be read, and its shapes are needed.

    Examples
    --------
    >>> for point in make_points("m.onnx", batch=[1, 8], precision=["fp32", "fp16"], shapes="x:Nx3"):
    ...     print(point.name, *point.args)
    batch1-fp32 --onnx=m.onnx --shapes=x:1x3
    batch1-fp16 --onnx=m.onnx --shapes=x:1x3 --fp16
    batch8-fp32 --onnx=m.onnx --shapes=x:8x3
    batch8-fp16 --onnx=m.onnx --shapes=x:8x3 --fp16
    """
    dimensions = [] if alone and not (batch or precision or axes) else _axes(batch, precision, axes)
    template = _template(onnx, shapes, batch is not None)
    points = []
    for values in itertools.product(*(values for _, values in dimensions)):
        chosen = dict(zip((name for name, _ in dimensions), values, strict=True))
        given = [*args, *arguments({"onnx": onnx, **(flags or {})})]
        if template is not None:
            given.append(f"--shapes={_write_shapes(template, chosen.get('batch'))}")
        for name, value in chosen.items():
            if name == "precision":
                given.extend(_precision(value))
            elif name != "batch":
                given.extend(arguments({name: value}))
        points.append(Point(_name(chosen), chosen, tuple(given)))
    if len({point.name for point in points}) != len(points):
        points = [Point(f"{number:03d}-{p.name}", p.values, p.args) for number, p in enumerate(points)]
    return points


def _axes(
    batch: Sequence[int] | None, precision: Sequence[str] | None, axes: Mapping[str, Sequence[Any]] | None
) -> list[Axis]:
    varied: list[Axis] = []
    if batch is not None:
        varied.append(("batch", tuple(batch)))
    if precision is not None:
        varied.append(("precision", tuple(precision)))
    for name, values in (axes or {}).items():
        name = name.lstrip("-")
        if name in ("batch", "precision"):
            raise FlagError(f"Give {name}= beside axes=, not in it.")
        varied.append((name, (values,) if isinstance(values, str) else tuple(values)))
    if not varied:
        raise FlagError("A sweep needs something to vary: batch=, precision= or axes=.")
    for name, values in varied:
        if not values:
            raise FlagError(f"The axis {name} has no values.")
        if len({repr(value) for value in values}) != len(values):
            raise FlagError(f"The axis {name} has a value twice: {list(values)}.")
    for value in batch or ():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise FlagError(f"A batch size is a whole number from 1 on, not {value!r}.")
    for name in precision or ():
        _precision(name)
    return varied


def _precision(value: str) -> list[str]:
    result: list[str] = []
    for part in str(value).lower().split("+"):
        if part not in PRECISIONS:
            raise FlagError(f"{value!r} is no precision; they are {', '.join(PRECISIONS)}, also joined by +.")
        result.extend(PRECISIONS[part])
    return result


def _template(
    onnx: str | os.PathLike[str] | None, given: Mapping[str, Any] | str | None, batched: bool
) -> dict[str, list[str]] | None:
    """Return input name -> dimensions as text, with ``N`` for the batch; None if shapes are not to be given."""
    if given is not None:
        template = _read_shapes(given)
        marked = any(_is_batch(dim) for dims in template.values() for dim in dims)
        if batched and not marked:
            raise FlagError(
                f"The shapes {shapes({k: 'x'.join(v) for k, v in template.items()})} leave no place for the batch "
                "size: write N for it, as in input:Nx3x224x224."
            )
        if marked and not batched:
            raise FlagError("The shapes leave a dimension open (N or -1): give batch= with the sizes to try.")
        return template
    if not batched:
        return None
    if onnx is None:
        raise FlagError("A sweep over the batch size needs the model (onnx=) or its input shapes (shapes=).")
    try:
        inputs = read_inputs(onnx)
    except InputError as error:
        raise InputError(f"{error} Its input shapes are needed for the batch size: give them (shapes=).") from error
    template = {}
    for item in inputs:
        if item.shape is None or not item.shape:
            continue
        first, *rest = item.shape
        if isinstance(first, int):
            continue  # this input has no batch dimension, or a fixed one
        if any(not isinstance(dim, int) for dim in rest):
            shown = "x".join("?" if dim is None else str(dim) for dim in item.shape)
            raise FlagError(
                f"The input {item.name} has more dynamic dimensions than the batch ({shown}): give shapes= with "
                "numbers for them and N for the batch."
            )
        template[item.name] = ["N", *(str(dim) for dim in rest)]
    if not template:
        shown = ", ".join(f"{item.name}: {item.shape}" for item in inputs)
        raise FlagError(f"No input of {onnx} has a dynamic first dimension ({shown}): its batch size is fixed.")
    return template


def _read_shapes(given: Mapping[str, Any] | str) -> dict[str, list[str]]:
    if isinstance(given, str):
        parts = re.findall(r"(?:^|,)\s*('[^']*'|[^,:']+):([^,]*)", given)
        if not parts or ",".join(f"{name}:{dims}" for name, dims in parts) != re.sub(r",\s+", ",", given):
            raise FlagError(f"{given!r} are no shapes; write input:Nx3x224x224,mask:Nx128.")
        return {name.strip("'"): dims.lower().split("x") if dims else [] for name, dims in parts}
    result = {}
    for name, dims in given.items():
        if isinstance(dims, str):
            result[name] = dims.lower().split("x")
        else:
            result[name] = ["N" if dim is None else str(dim) for dim in dims]
    return result


def _is_batch(dimension: str) -> bool:
    return dimension.lower() in _BATCH_MARKS


def _write_shapes(template: Mapping[str, Sequence[str]], batch: int | None) -> str:
    return shapes(
        {name: "x".join(str(batch) if _is_batch(dim) else dim for dim in dims) for name, dims in template.items()}
    )


def _name(values: Mapping[str, Any]) -> str:
    parts = []
    for axis, value in values.items():
        text = "on" if value is True else "off" if value is False or value is None else str(value)
        text = re.sub(r"[^A-Za-z0-9.+]+", "_", text).strip("_")
        parts.append(text if axis == "precision" else f"{axis}{text}" if text.isdigit() else f"{axis}_{text}")
    return "-".join(parts)[:150] or "run"
