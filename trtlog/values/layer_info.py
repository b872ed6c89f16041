"""Layers of the built engine, as every generation of TensorRT prints them.

- Up to 8.4, verbose: ``Layer(Type): name, Tactic: 141, x[Float(1,3,8,8)] -> y[Half(1,8,8,8)]``;
- 8.5 and later: ``Layer(Type): name, Tactic: 0x..., x (Float[1,3,8,8]) -> y (Half[1,8:8,8,8])``;
- 8.2 and later, detailed: ``Name: .., LayerType: .., Inputs: [ { Name: .., Dimensions: [..] .. }], ..``;
- exported files: one JSON object a layer with the same keys, or the name alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.maybe import MaybeNone
from trtlog.errors import InputError
from trtlog.values._layer_text import fields_of, read_pairs
from trtlog.values.formats import Extent, TensorFormat, canonical_dtype, decode_format

_BRIEF = expression(r"Layer\(([^)]*)\): (.*?), Tactic: (0x[0-9a-fA-F]+|-?[0-9]+)(?:,(?: (.*))?)?$")
# Where a tensor ends: 8.5 and later ` (Float[1,3])`, before `[Float(1,3)]`. Names hold brackets and
# parentheses of their own, so the separator behind it is part of the sign.
_FORMAT = r"[A-Za-z0-9_]+(?:\[[^\]()\[]*\])?"
_TENSOR_END = expression(rf"(?: \(({_FORMAT})\)|\[([A-Za-z0-9_]+\([^)\[\](]*\))\])(?=, | ->|\s*$)")
_WHOLE_FORMAT = expression(_FORMAT)
_TACTIC = expression(r"(0[xX][0-9a-fA-F]{1,16})|(-?[0-9]{1,20})")
_TACTIC_WIDTH = len("0x0000000000000000")
_METADATA_ITEM = expression(r"[\x1e\x1f]|(?<=\])\ufffd?(?=\[ONNX Layer: )")
_ONNX = expression(r"\[ONNX Layer: (.*)\]", re.DOTALL)
KNOWN_KEYS = {"Name", "LayerType", "Inputs", "Outputs", "Constants", "TacticValue", "TacticName", "Metadata"}


@dataclass(frozen=True)
class LayerTensor:
    """An input, output or constant of an engine layer.

    Parameters
    ----------
    name : str
        Name of the tensor.
    dtype : str or None
        Element type: FP32 FP16 INT8 ...
    shape : tuple of int or str, or None
        Dimensions in elements, negative where known at run time only.
    strides : tuple of int or str, or None
        Strides, printed by TensorRT-RTX only.
    format : str or None
        The format as printed: ``Half[1,8:8,8,8]``, ``Row major linear FP32``.
    layout : str or None
        Decoded layout, see :class:`trtlog.values.formats.TensorFormat`.
    location : str or None
        ``Device`` or ``Host``.
    attributes : dict
        Keys of detailed information that have no field of their own, such as ``StrideOrder``.
    """

    name: str
    dtype: str | None = None
    shape: tuple[Extent, ...] | None = None
    strides: tuple[Extent, ...] | None = None
    format: str | None = None
    layout: str | None = None
    location: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerInfo:
    """A layer of the built engine.

    Parameters
    ----------
    layer : str
        Its name, as printed.
    type : str or None
        ``CaskConvolution``, ``Reformat``, ``kgen`` ...
    tactic : str or None
        Id as ``0x`` and 16 digits; signed decimals (up to 8.2) in two's complement.
    kernel : str or None
        Name of the tactic (``TacticName``), detailed information only.
    inputs, outputs, constants : tuple of LayerTensor, or None
        None where the text gives none: layers known by name only.
    metadata : str or None
        As printed; None up to 8.5.
    onnx_names : tuple of str, or None
        Names of the ONNX nodes the layer was made of, from the metadata.
    attributes : dict
        All other keys and their values in printed order; a repeated key has the list of its values.
    """

    layer: str
    type: str | None = None
    tactic: str | None = None
    kernel: str | None = None
    inputs: tuple[LayerTensor, ...] | MaybeNone = None
    outputs: tuple[LayerTensor, ...] | MaybeNone = None
    constants: tuple[LayerTensor, ...] | None = None
    metadata: str | None = None
    onnx_names: tuple[str, ...] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def parse_layer(text: str, *, strict: bool = False) -> LayerInfo | MaybeNone:
    """Read one engine layer in any of the forms: brief, detailed or a JSON object.

    A line of the name alone cannot be distinguished from other text here: use ``LayerInfo(name)`` for it.

    Raises
    ------
    InputError
        With ``strict``, on anything else; without it the result is None.

    Examples
    --------
    >>> found = parse_layer("Layer(Scale): a -> b, Tactic: 0x1, x (Float[1,3]) -> y (Half[1,8:8,4,4])")
    >>> found.layer, found.type, found.tactic
    ('a -> b', 'Scale', '0x0000000000000001')
    >>> [(t.name, t.dtype, t.shape, t.layout) for t in found.outputs]
    [('y', 'FP16', (1, 8, 4, 4), 'NHWC8')]
    >>> found = parse_layer("Name: c, LayerType: Conv, Inputs: [ { Name: x, Dimensions: [1,3] }], Groups: 1")
    >>> found.inputs[0].shape, found.outputs, found.attributes
    ((1, 3), None, {'Groups': 1})
    """
    text = text.strip(" \t\r\n")
    found: LayerInfo | None = None
    if text.startswith("Layer("):
        found = _parse_brief(text)
    elif text.startswith("Name: "):
        found = _parse_detailed(text)
    elif text.startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and isinstance(value.get("Name"), str):
            found = layer_from_object(value)
    if found is None and strict:
        raise InputError(
            "not an engine layer: expected 'Layer(Type): name, Tactic: .., inputs -> outputs', "
            f"'Name: .., LayerType: ..' or a JSON object with \"Name\", got {text[:200]!r}"
        )
    return found


@lru_cache(maxsize=4096)
def tactic_id(text: str) -> str | None:
    """Return a tactic id as ``0x`` and 16 hexadecimal digits.

    Examples
    --------
    >>> tactic_id("0x3e8"), tactic_id("-1"), tactic_id("x")
    ('0x00000000000003e8', '0xffffffffffffffff', None)
    """
    found = _TACTIC.fullmatch(text.strip())
    if not found:
        return None
    number = int(found[1], 16) if found[1] else int(found[2])
    return f"0x{number % 2**64:016x}"


def onnx_names(metadata: str | None) -> tuple[str, ...] | None:
    r"""Return the ONNX node names in a layer's metadata.

    Items stand apart by the control characters 0x1e (TensorRT) and 0x1f (TensorRT-RTX, fused regions), which pages
    that a log was pasted into leave out or replace.
    An item that is no ``[ONNX Layer: ..]``, such as ``{ForeignNode[a...b]}``, is given as it is.

    Examples
    --------
    >>> onnx_names("[ONNX Layer: a[0]]\x1e[ONNX Layer: b]\x1f{ForeignNode[c...d]}")
    ('a[0]', 'b', '{ForeignNode[c...d]}')
    >>> onnx_names("") is None
    True
    """
    if not metadata or not metadata.strip():
        return None
    names = []
    for item in _METADATA_ITEM.split(metadata):
        found = _ONNX.fullmatch(item.strip(" "))
        name = found[1] if found else item.strip(" ")
        if name:
            names.append(name)
    return tuple(names) or None


def layer_from_object(value: Mapping[str, Any]) -> LayerInfo:
    """Return the layer of a JSON object: an element of ``Layers`` in an ``--exportLayerInfo`` file."""
    metadata = _text(value.get("Metadata"))
    tactic = value.get("TacticValue", value.get("Tactic"))
    return LayerInfo(
        layer=str(value.get("Name", "")),
        type=_text(value.get("LayerType")),
        tactic=tactic_id(str(tactic)) if tactic is not None else None,
        kernel=_text(value.get("TacticName")),
        inputs=_tensors(value.get("Inputs")),
        outputs=_tensors(value.get("Outputs")),
        constants=_tensors(value.get("Constants")),
        metadata=metadata,
        onnx_names=onnx_names(metadata),
        attributes={key: item for key, item in value.items() if key not in KNOWN_KEYS},
    )


def layer_row(layer: LayerInfo) -> dict[str, Any]:
    """Return a layer as a row of the table ``engine_layers``, in types that Arrow holds.

    Tensors become dicts; a shape or stride that holds a symbol becomes None (``format`` keeps the text);
    ``attributes`` become JSON text, None for none.

    Examples
    --------
    >>> row = layer_row(parse_layer("Layer(Scale): a, Tactic: 0x1, x (Float[1,3]) -> "))
    >>> row["layer"], row["inputs"][0]["shape"], row["outputs"], row["attributes"]
    ('a', [1, 3], [], None)
    """
    row: dict[str, Any] = {name: getattr(layer, name) for name in ("layer", "type", "tactic", "kernel")}
    for side in ("inputs", "outputs", "constants"):
        tensors: tuple[LayerTensor, ...] | None = getattr(layer, side)
        row[side] = None if tensors is None else [_tensor_row(tensor) for tensor in tensors]
    row["metadata"] = layer.metadata
    row["onnx_names"] = None if layer.onnx_names is None else list(layer.onnx_names)
    row["attributes"] = json.dumps(layer.attributes, ensure_ascii=False) if layer.attributes else None
    return row


def _tensor_row(tensor: LayerTensor) -> dict[str, Any]:
    row: dict[str, Any] = {"name": tensor.name, "dtype": tensor.dtype}
    for name in ("shape", "strides"):
        extents: tuple[Extent, ...] | None = getattr(tensor, name)
        numbers = [extent for extent in extents or () if isinstance(extent, int)]
        row[name] = numbers if extents is not None and len(numbers) == len(extents) else None
    return {**row, "format": tensor.format, "layout": tensor.layout, "location": tensor.location}


# ------------------------------------------------------------------------------------------ brief lines
# Name and format of a tensor, as printed.
_Printed: TypeAlias = "list[tuple[str, str]]"


class BriefLine(NamedTuple):
    """A brief line cut into its parts; tensors as printed, None for a side that is not."""

    layer: str
    type: str | None
    tactic: str | None
    inputs: _Printed | None
    outputs: _Printed | None


def split_brief(text: str) -> BriefLine | None:
    """Cut a brief line into its parts, or return None where it is none.

    Examples
    --------
    >>> split_brief("Layer(Scale): a, Tactic: 0x1, x (Float[1,3]) -> y (Half[1,8:8,4,4])").outputs
    [('y', 'Half[1,8:8,4,4]')]
    """
    usual = _split_at_marks(text)
    if usual is not None:
        return usual
    found = _BRIEF.match(text)
    if not found:
        return None
    type_, name, tactic, tensors = found.groups()
    sides = _split_tensors(tensors or "")
    if sides is None:
        return None
    # without anything behind it the id may be cut as well as the line
    whole = tactic_id(tactic) if tensors is not None else None
    return BriefLine(name, type_ or None, whole, *sides)


def _parse_brief(text: str) -> LayerInfo | None:
    line = split_brief(text)
    if line is None:
        return None
    sides = [None if side is None else tuple(brief_tensor(*t) for t in side) for side in (line.inputs, line.outputs)]
    return LayerInfo(line.layer, line.type, line.tactic, inputs=sides[0], outputs=sides[1])


def _split_at_marks(text: str) -> BriefLine | None:
    """Cut a line of 8.5 and later at its marks; None where one of them may be a part of a name."""
    head, _, rest = text.partition("): ")
    layer, _, rest = rest.partition(", Tactic: ")
    tactic, _, rest = rest.partition(", ")
    before, _, after = rest.rstrip().partition("->")
    id_ = tactic_id(tactic) if tactic.startswith("0x") and tactic.isalnum() else None
    if id_ is None or head[:6] != "Layer(" or ")" in head or "->" in after or ")]" in rest or "\n" in text:
        return None
    before = before.lstrip(" ")
    inputs: _Printed | None = [] if not before else _tensors_at_marks(before[:-1]) if before[-1] == " " else None
    outputs = _tensors_at_marks(after.lstrip(" ,"))
    return None if inputs is None or outputs is None else BriefLine(layer, head[6:] or None, id_, inputs, outputs)


def _tensors_at_marks(side: str) -> _Printed | None:
    if not side.endswith(")"):
        return None
    tensors: _Printed = []
    for piece in side[:-1].split("), "):
        name, _, printed = piece.rpartition(" (")
        if name[:1] in ("", " ", ",") or not _is_format(printed):
            return None
        tensors.append((name, printed))
    return tensors


@lru_cache(maxsize=4096)
def _is_format(printed: str) -> bool:
    return _WHOLE_FORMAT.fullmatch(printed) is not None


def _split_tensors(text: str) -> tuple[_Printed | None, _Printed | None] | None:
    """Return inputs and outputs; None for a side that is not printed, None for all where it is cut."""
    sides: tuple[_Printed, _Printed] = ([], [])
    side = position = 0
    text = text.rstrip()
    end = len(text)
    while position < end:
        if side == 0 and text.startswith("->", position):
            side = 1
            position += 2
        elif text[position] in " ,":
            position += 1
        else:
            found = _TENSOR_END.search(text, position)
            if not found:
                return None
            sides[side].append((text[position : found.start()], found[1] or found[2]))
            position = found.end()
    if not end:
        return None, None
    return sides[0], sides[1] if side else None  # a line without the arrow is cut


def brief_tensor(name: str, text: str) -> LayerTensor:
    """Return a tensor of a brief line, of its name and format; the numbers of a format are dimensions there."""
    decoded = decode_format(text, dims=True) or TensorFormat(text, None)
    return LayerTensor(name, decoded.dtype, decoded.dims, None, text, decoded.layout)


# ------------------------------------------------------------------------------------- detailed lines
class DetailedLine(NamedTuple):
    """A detailed line cut into its parts; what is said of a tensor, and of the layer besides, is as printed."""

    layer: str
    type: str
    inputs: _Printed
    outputs: _Printed
    rest: str


def split_detailed(text: str) -> DetailedLine | None:
    """Cut a detailed line into its parts; None where marks alone do not cut it, which is left to `parse_layer`.

    Examples
    --------
    >>> inputs, outputs = "{ Name: x, Dimensions: [1] }", "{ Name: y, Dimensions: [2] }"
    >>> split_detailed(f"Name: c, LayerType: Conv, Inputs: [ {inputs}], Outputs: [ {outputs}], Groups: 1")[2:]
    ([('x', 'Dimensions: [1] ')], [('y', 'Dimensions: [2] ')], ', Groups: 1')
    """
    head, *pieces = text.split("{ Name: ")
    layer, _, head = head.removeprefix("Name: ").partition(", LayerType: ")
    type_, _, end = head.partition(", Inputs: [")
    sides: tuple[_Printed, _Printed] = ([], [])
    before_outputs = "], Outputs: [ "
    side = {" ": 0, before_outputs: 1}.get(end)
    for piece in pieces:
        name, _, rest = piece.partition(", ")
        printed, _, end = rest.partition("}")
        if side is None or "}" in name or tensor_of_text(printed) is None:
            return None
        sides[side].append((name, printed))
        if end != ", ":
            side = 1 if end == before_outputs and side == 0 else None
    if layer.startswith(",") or not type_.isidentifier() or not sides[1] or end[:1] != "]" or "\n" in text:
        return None
    return DetailedLine(layer, type_, *sides, end[1:])


@lru_cache(maxsize=4096)
def tensor_of_text(printed: str) -> LayerTensor | None:
    """Return the tensor, but for its name, of what a detailed line says of it; None where it is no usual text.

    Examples
    --------
    >>> tensor_of_text("Location: Device, Dimensions: [1,3], Format/Datatype: Row major linear FP16 format ").shape
    (1, 3)
    """
    found = fields_of(f", {printed}}}") if printed.startswith(("Location: ", "Dimensions: ")) else None
    return None if found is None or "Name" in found else tensor_of_object(found)


def _parse_detailed(text: str) -> LayerInfo | None:
    pairs = read_pairs(text)
    if pairs is None:
        pairs = _parsed(text)
    if pairs is None:
        return None
    key, value = pairs[-1]
    if key == "TacticValue" and len(str(value)) < _TACTIC_WIDTH:
        pairs.pop()  # the line is cut within the id: no id is better than a wrong one
    return layer_from_object(merge_pairs(pairs))


def _parsed(text: str) -> list[tuple[str, Any]] | None:
    """Read with lark."""
    from lark.exceptions import UnexpectedInput

    try:
        pairs: list[tuple[str, Any]] = _parser().parse(text)  # the callbacks give pairs, not a tree
    except UnexpectedInput:
        return None
    return pairs


def merge_pairs(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict in which a key that repeats has the list of its values.

    Examples
    --------
    >>> merge_pairs([("a", 1), ("b", 2), ("a", 3)])
    {'a': [1, 3], 'b': 2}
    """
    merged: dict[str, Any] = {}
    repeated: set[str] = set()
    for key, value in pairs:
        if key not in merged:
            merged[key] = value
        elif key in repeated:
            merged[key].append(value)
        else:
            merged[key] = [merged[key], value]
            repeated.add(key)
    return merged


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _tensors(value: Any) -> tuple[LayerTensor, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(tensor_of_object(item) for item in value if isinstance(item, Mapping))


_TENSOR_KEYS = {"Name", "Location", "Dimensions", "Strides", "Format/Datatype", "Format", "Datatype"}


def tensor_of_object(value: Mapping[str, Any]) -> LayerTensor:
    """Return the tensor of a JSON object: an element of a layer's ``Inputs``."""
    text = _text(value.get("Format/Datatype", value.get("Format")))
    decoded = decode_format(text) if text else None
    dtype = _text(value.get("Datatype"))
    return LayerTensor(
        name=str(value.get("Name", "")),
        dtype=canonical_dtype(dtype) if dtype else decoded.dtype if decoded else None,
        shape=_extents(value.get("Dimensions")),
        strides=_extents(value.get("Strides")),
        format=text,
        layout=decoded.layout if decoded else None,
        location=_text(value.get("Location")),
        attributes={key: item for key, item in value.items() if key not in _TENSOR_KEYS},
    )


def _extents(value: Any) -> tuple[Extent, ...] | None:
    if not isinstance(value, list):
        return None
    return tuple(v if isinstance(v, int) else str(v) for v in value)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from trtlog.grammar import value_parser
    from trtlog.values._layer_tree import LayerBuilder

    return value_parser("layer_info", LayerBuilder())
