"""Layers of the engine as the table of layers needs them, from the captured parts of brief and detailed lines.

An engine has hundreds of layers that share most of what their lines say: formats of tensors, lists of parameters.
These texts are read once, by the careful readers of :mod:`trtlog.values.layer_info`, and the lines are cut at plain
marks. A line that is not of the usual form, or could be cut in another way too, is left to the careful readers as a
whole; tests hold both to the same result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from trtlog.values._layer_text import Pair, read_pair, read_tensors
from trtlog.values.layer_info import (
    KNOWN_KEYS,
    LayerTensor,
    brief_format,
    onnx_names,
    parse_layer,
    split_brief,
    tensor_of_object,
)

Described: TypeAlias = "tuple[str | None, tuple[int, ...] | None, str | None]"
"""Element type, dimensions (negative where known at run time only) and format of a tensor."""
Operands: TypeAlias = "Sequence[tuple[str, Described]]"
"""Names of tensors, and what is told of them."""


class LayerParts(NamedTuple):
    """What the line of a layer tells; what it does not is None."""

    layer: str
    type: str | None = None
    tactic: str | None = None
    kernel: str | None = None
    inputs: Operands | None = None
    outputs: Operands | None = None
    onnx_names: Sequence[str] | None = None
    metadata: str | None = None
    attributes: str | None = None


_TACTIC_MARK = ", Tactic: "
_BRIEF_ID = re.compile(r"0x[0-9a-f]{16}, ")
_ID_WIDTH = len("0x0000000000000000, ")
_FORMAT = re.compile(r"[A-Za-z0-9_]+(?:\[[^\]()\[]*\])?")
_LONG_ID = re.compile(r"0x[0-9a-f]{16}")
_LIST = r"\[(?: \{ Name: ([^{}\n]+ \}(?:, \{ Name: [^{}\n]+ \})*))?\]"
_HEAD = re.compile(rf"([A-Za-z_][A-Za-z0-9_]*), Inputs: {_LIST}, Outputs: {_LIST}(?=, |$)")
_NEXT_TENSOR = " }, { Name: "
# Where a key and its value end, outside of quotes: before the next key.
_CUT = re.compile(r", (?=[A-Za-z][A-Za-z0-9_/]*:(?: |$))")
# What shows lists of tensors, and quotes that are no plain ones.
_UNUSUAL = ("Inputs:", "Outputs:", "Constants:", ": [ {", "\\", "\n")
_FIELDS = KNOWN_KEYS | {"Tactic"}


# ------------------------------------------------------------------------------------------ brief lines
def brief_parts(kind: str, info: str) -> LayerParts:
    """Read ``Layer(kind): info``; what is no such line is a name.

    Examples
    --------
    >>> found = brief_parts("Scale", "a, Tactic: 0x0000000000000001, x (Float[1,3]) -> y (Half[1,8:8,4,4])")
    >>> found.layer, found.tactic, found.outputs
    ('a', '0x0000000000000001', [('y', ('FP16', (1, 8, 4, 4), 'Half[1,8:8,4,4]'))])
    """
    return _usual_brief(kind, info) or _careful_brief(kind, info)


def _usual_brief(kind: str, info: str) -> LayerParts | None:
    name, _, rest = info.partition(_TACTIC_MARK)
    # Formats stood in square brackets up to TensorRT 8.4.
    if rest[-1:] != ")" or ")]" in rest or "\n" in info or not _BRIEF_ID.match(rest) or not kind.isidentifier():
        return None
    inputs: list[tuple[str, Described]] = []
    outputs: list[tuple[str, Described]] = []
    side = inputs
    first = True
    tensor, *pieces = rest[_ID_WIDTH:].split(" (")
    left = len(pieces)
    for piece in pieces:
        printed, _, behind = piece.partition(")")
        left -= 1
        # A comma at the end of a piece stands before a blank too.
        ends = behind[:2] == ", " or behind[:3] == " ->" or (behind == "," if left else not behind)
        described = _known_format(printed) if ends else None
        if described is None:
            tensor = f"{tensor} ({piece}"  # of the name
            continue
        if tensor[:4] == " -> " and side is inputs:
            side = outputs
            tensor = tensor[4:]
        elif not first:
            if tensor[:2] != ", ":
                return None
            tensor = tensor[2:]
        if not tensor or tensor[0] in " ,-":
            return None
        side.append((tensor, described))
        first = False
        tensor = behind
    if tensor:
        return None
    return LayerParts(name, kind, rest[: _ID_WIDTH - 2], None, inputs, outputs if side is outputs else None)


def _careful_brief(kind: str, info: str) -> LayerParts:
    found = split_brief(f"Layer({kind}): {info}".strip(" \t\r\n"))
    if found is None:
        return LayerParts(info)
    inputs, outputs = (
        None if side is None else [(name, _brief_format(printed)) for name, printed in side]
        for side in (found.inputs, found.outputs)
    )
    return LayerParts(found.layer, found.type, found.tactic, None, inputs, outputs)


@lru_cache(maxsize=4096)
def _brief_format(printed: str) -> Described:
    decoded = brief_format(printed)
    return decoded.dtype, _numbers(decoded.dims), printed


@lru_cache(maxsize=4096)
def _known_format(printed: str) -> Described | None:
    return _brief_format(printed) if _FORMAT.fullmatch(printed) else None


def _numbers(shape: Sequence[int | str] | None) -> tuple[int, ...] | None:
    """Return dimensions as integers; a named one is -1, as one known at run time only."""
    return None if shape is None else tuple(d if isinstance(d, int) else -1 for d in shape)


# --------------------------------------------------------------------------------------- detailed lines
def detailed_parts(name: str, info: str) -> LayerParts:
    """Read ``Name: name, LayerType: info``; what is no such line is a name.

    Examples
    --------
    >>> tensor = "[ { Name: x, Location: Device, Dimensions: [1,3], Format/Datatype: Row major linear FP32 }]"
    >>> found = detailed_parts("a", f"Conv, Inputs: {tensor}, Outputs: [], Groups: 1, TacticValue: 0x0000000000000001")
    >>> found.tactic, found.inputs, found.attributes
    ('0x0000000000000001', [('x', ('FP32', (1, 3), 'Row major linear FP32'))], '{"Groups": 1}')
    """
    return _usual_detailed(name, info) or _careful_detailed(name, info)


def _usual_detailed(name: str, info: str) -> LayerParts | None:
    head = _HEAD.match(info)
    if head is None or not name or name[0] == "," or "\n" in name or ", LayerType: " in name or info[-1].isspace():
        return None
    inputs, outputs = _tensors(head[2]), _tensors(head[3])
    told = _parameters(info[head.end() :])
    if inputs is None or outputs is None or told is None:
        return None
    kernel, tactic, metadata, attributes = told
    return LayerParts(name, head[1], tactic, kernel, inputs, outputs, onnx_names(metadata), metadata, attributes)


def _careful_detailed(name: str, info: str) -> LayerParts:
    layer = parse_layer(f"Name: {name}, LayerType: {info}")
    if layer is None:
        return LayerParts(name)
    inputs, outputs = (
        None if side is None else [(tensor.name, _described(tensor)) for tensor in side]
        for side in (layer.inputs, layer.outputs)
    )
    attributes = json.dumps(layer.attributes, ensure_ascii=False) if layer.attributes else None
    return LayerParts(
        layer.layer,
        layer.type,
        layer.tactic,
        layer.kernel,
        inputs,
        outputs,
        layer.onnx_names,
        layer.metadata,
        attributes,
    )


def _described(tensor: LayerTensor) -> Described:
    return tensor.dtype, _numbers(tensor.shape), tensor.format


def _tensors(printed: str | None) -> Operands | None:
    """Return the tensors of a list, cut at the braces around them; None to leave them to the careful reader."""
    found: list[tuple[str, Described]] = []
    for tensor in [] if printed is None else printed[: -len(" }")].split(_NEXT_TENSOR):
        name, _, fields = tensor.partition(", ")
        described = _fields(fields) if name and fields else None
        if described is None:
            return None
        found.append((name, described))
    return found


@lru_cache(maxsize=4096)
def _fields(printed: str) -> Described | None:
    """Read what stands behind the name of a tensor; None where the name could reach into it."""
    whole = f"[ {{ Name: x, {printed} }}]"
    read = read_tensors(whole, 0)
    if read is None or read[1] != len(whole) or len(read[0]) != 1 or read[0][0].get("Name") != "x":
        return None
    return _described(tensor_of_object(read[0][0]))


def _parameters(printed: str) -> tuple[str | None, str | None, str | None, str | None] | None:
    """Return kernel, tactic, metadata and the other parameters as JSON; None to leave them to the careful reader."""
    if any(mark in printed for mark in _UNUSUAL):
        return None
    begin = printed.find(", Tactic")
    if begin < 0:
        begin = len(printed)
    shared = _shared_parameters(printed[:begin])
    own = _pairs(printed[begin:])
    if shared is None or own is None:
        return None
    words, keys = shared
    kernel = tactic = metadata = None
    known = set(keys)
    for key, value in own:
        if key in known:
            return None  # a repeated key has the list of its values
        known.add(key)
        if key == "TacticName" and isinstance(value, str):
            kernel = value
        elif key == "TacticValue" and isinstance(value, str) and _LONG_ID.fullmatch(value):
            tactic = value
        elif key == "Metadata" and isinstance(value, str):
            metadata = value
        elif key in _FIELDS:
            return None
        else:
            words = f"{words}, {_as_json(key, value)}" if words else _as_json(key, value)
    return kernel, tactic, metadata, f"{{{words}}}" if words else None


@lru_cache(maxsize=4096)
def _shared_parameters(printed: str) -> tuple[str, frozenset[str]] | None:
    """Return parameters as the inside of a JSON object, and their keys; layers of one kind share them."""
    pairs = None if printed.endswith(":") else _pairs(printed)
    if pairs is None:
        return None
    keys = frozenset(key for key, _ in pairs)
    if len(keys) < len(pairs) or not keys.isdisjoint(_FIELDS):
        return None
    return ", ".join([_as_json(key, value) for key, value in pairs]), keys


def _as_json(key: str, value: Any) -> str:
    return json.dumps({key: value}, ensure_ascii=False)[1:-1]


def _pairs(printed: str) -> list[Pair] | None:
    """Return keys and values; None where a mark between them may stand in quotes."""
    if not printed:
        return []
    first, *pieces = _CUT.split(printed)
    if first or any(piece.count('"') % 2 for piece in pieces):
        return None
    return [read_pair(piece) for piece in pieces]
