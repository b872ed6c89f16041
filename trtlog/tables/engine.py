"""The layers of the built engine: brief, detailed and bare names, one row a layer.

Layers repeat, in the engines of several runs and in what a build and trtexec print of one engine. Each distinct text is
read once, and the columns are made of what the distinct texts tell.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, among, from_list, from_numpy, to_numpy
from trtlog._util.dataclass import dataclass
from trtlog._util.elided import is_elided
from trtlog._util.expression import expression
from trtlog.messages.captures import text
from trtlog.tables.cells import codes_of, encoded, from_codes, to_text
from trtlog.tables.context import Context
from trtlog.tables.schema import OPERAND, captured_bytes, empty, from_columns
from trtlog.values.layer_info import (
    LayerInfo,
    LayerTensor,
    brief_tensor,
    parse_layer,
    split_brief,
    split_detailed,
    tensor_of_text,
)

# Records whose lines without a header are names of layers, where the engine keeps names only.
_NAME_LISTS = ("layer_list", "layer_information")
# What TensorRT-RTX prints below the layers, in the same record.
_AFTER_LAYERS = ("Bindings:", "I/O Tensors:", "Engine Metadata:")
# A line of JSON; {ForeignNode[..]} and [HostToDeviceCopy 0] are names.
_JSON_LINE = expression(r'[\[\]{}, ]*(?:"|$)|[\]}]')
# The fuller form is kept: detailed before brief before names.
_SOURCES = ("detailed", "brief", "names", "export")
_json = json.JSONEncoder(ensure_ascii=False).encode
_DETAILED, _BRIEF, _NAMES, _EXPORT = range(len(_SOURCES))


Described: TypeAlias = "tuple[str | None, tuple[int, ...] | None, str | None]"
"""Element type, dimensions (negative where known at run time only) and format of a tensor."""
Operands: TypeAlias = "Sequence[tuple[str, Described | str]]"
"""Tensors: the name of each, and its description, or what a line says of it: few texts, which are read at the end."""


class LayerParts(NamedTuple):
    """What one text says of a layer; what it does not say is None."""

    layer: str
    type: str | None = None
    tactic: str | None = None
    kernel: str | None = None
    inputs: Operands | None = None
    outputs: Operands | None = None
    onnx_names: Sequence[str] | None = None
    metadata: str | None = None
    attributes: str | None = None


def _brief_parts(kind: str, info: str) -> LayerParts:
    """Read ``Layer(kind): info``; what is no such line is a name."""
    found = split_brief(f"Layer({kind}): {info}".strip(" \t\r\n"))
    if found is None:
        return LayerParts(info)
    return LayerParts(found.layer, found.type, found.tactic, None, found.inputs, found.outputs)


def _detailed_parts(name: str, info: str) -> LayerParts:
    """Read ``Name: name, LayerType: info``; what is no such line is a name."""
    printed = f"Name: {name}, LayerType: {info}"
    line = split_detailed(printed)
    rest = None if line is None else _rest(line.rest)
    if line is None or rest is None:
        layer = parse_layer(printed)
        return LayerParts(name) if layer is None else _parts(layer)
    return rest._replace(layer=line.layer, type=line.type, inputs=line.inputs, outputs=line.outputs)


@lru_cache(maxsize=1024)
def _rest(printed: str) -> LayerParts | None:
    """Read what a detailed line says behind the tensors; None where that changes what stands in front of it."""
    if not f"{printed}, ".startswith(", ") or ", Inputs:" in printed or ", Outputs:" in printed:
        return None
    layer = parse_layer(f"Name: -, LayerType: A{printed}")
    return _parts(layer) if layer is not None and (layer.layer, layer.type) == ("-", "A") else None


def _parts(layer: LayerInfo) -> LayerParts:
    inputs, outputs = (
        None if side is None else [(tensor.name, _described(tensor)) for tensor in side]
        for side in (layer.inputs, layer.outputs)
    )
    attributes = _json(layer.attributes) if layer.attributes else None
    names = layer.onnx_names, layer.metadata
    return LayerParts(layer.layer, layer.type, layer.tactic, layer.kernel, inputs, outputs, *names, attributes)


def _described(tensor: LayerTensor) -> Described:
    shape = tensor.shape
    # A named dimension is -1, as one known at run time only.
    numbers = None if shape is None else tuple(d if isinstance(d, int) else -1 for d in shape)
    return tensor.dtype, numbers, tensor.format


def _read(printed: str) -> Described:
    """Read what a detailed or a brief line says of a tensor."""
    return _described(tensor_of_text(printed) or brief_tensor("", printed))


@dataclass
class _Rows:
    """Rows of layers; what their texts say stands in one list for all of them."""

    builds: Array  # number in the whole log; of an export of several engines, -1 - its run
    lines: Array  # 0 for none
    sources: Array
    numbers: Array  # of the text in the list


def engine_layers(context: Context) -> pa.Table:
    """Layers of the engine, one row a layer.

    A log may print a layer twice: brief under --verbose and detailed under --dumpLayerInfo. The detailed
    one is kept, with what only the brief one tells.
    """
    layers: list[LayerParts] = []
    detailed = _detailed(context, layers)
    # A run has rows of one form; those of other forms are of layers that it lacks, or tell what it does not.
    forms = [_brief(context, layers, detailed), detailed, _names(context, layers)]
    rows = _merged(_joined(forms), layers)
    exported = context.exported("engine_layers")
    if exported:
        rows = _joined([rows, _exported_rows(context, exported, rows, layers)])
    return _table(context, _at(rows, np.argsort(rows.lines, kind="stable")), layers)


def _joined(forms: Sequence[_Rows]) -> _Rows:
    return _Rows(*(np.concatenate([getattr(form, field.name) for form in forms]) for field in fields(_Rows)))


def _at(rows: _Rows, places: Array) -> _Rows:
    return _Rows(*(getattr(rows, field.name)[places] for field in fields(_Rows)))


def _rows(context: Context, lines: Array, source: int, numbers: Array) -> _Rows:
    return _Rows(context.builds.of(lines), lines, np.full(len(lines), source, np.int8), numbers)


def _texts(context: Context, kind: str, *fields_of_kind: str) -> tuple[Array, list[tuple[str, str]]]:
    """Return the number of each captured line's text, and the distinct texts, of two fields each."""
    captured = context.captured(kind)
    first, second = (encoded(captured_bytes(captured, field)) for field in fields_of_kind)
    width = len(second.dictionary) + 1
    pairs = from_numpy(codes_of(first).astype(np.int64) * width + codes_of(second)).dictionary_encode()
    names, rest = (to_text(column.dictionary).to_pylist() for column in (first, second))
    distinct = [(names[pair // width], rest[pair % width]) for pair in pairs.dictionary.to_pylist()]
    return to_numpy(pairs.indices), distinct


def _detailed(context: Context, layers: list[LayerParts]) -> _Rows:
    numbers, texts = _texts(context, "layer_detail", "layer", "layer_info")
    rows = _rows(context, context.captured("layer_detail").lines, _DETAILED, numbers + len(layers))
    layers += [_detailed_parts(*pair) for pair in texts]
    return rows


def _brief(context: Context, layers: list[LayerParts], detailed: _Rows) -> _Rows:
    """Return rows of brief lines, but for those of layers that detailed lines describe whole.

    A brief line may tell type, tactic and tensors; it never names a kernel.
    """
    numbers, texts = _texts(context, "engine_layer", "layer_type", "layer_info")
    rows = _rows(context, context.captured("engine_layer").lines, _BRIEF, numbers)
    last = {
        (build, layers[number].layer): number
        for build, number in zip(detailed.builds.tolist(), detailed.numbers.tolist(), strict=True)
    }
    whole = [None not in (layer.type, layer.tactic, layer.inputs, layer.outputs) for layer in layers]
    complete = {key for key, number in last.items() if whole[number]}
    if complete:
        near = np.flatnonzero(among(rows.builds, [build for build, _ in complete]))
        wanted = np.ones(len(numbers), bool)
        wanted[near] = [
            info.count(", Tactic: ") != 1 or (build, info.partition(", Tactic: ")[0]) not in complete
            for build, (_, info) in zip(rows.builds[near].tolist(), map(texts.__getitem__, numbers[near]), strict=True)
        ]
        rows = _at(rows, wanted)
    used = np.zeros(len(texts), bool)
    used[rows.numbers] = True
    places = len(layers) - 1 + np.cumsum(used)
    layers += [_brief_parts(*texts[number]) for number in np.flatnonzero(used).tolist()]
    rows.numbers = places[rows.numbers]
    return rows


def _names(context: Context, layers: list[LayerParts]) -> _Rows:
    """Return the layers of an engine that keeps their names only: bare lines between two headings."""
    heads = set(context.captured(*_NAME_LISTS).lines.tolist())
    ends = context.captured("bindings").lines.tolist()
    ended: set[int] = set()
    lines: list[int] = []
    first = len(layers)
    for line, record, body in context.captures.continuations if heads else ():
        if record not in heads:
            continue
        name = text(body).strip()
        if not name or _JSON_LINE.match(name) or is_elided(body):
            continue
        if name in _AFTER_LAYERS:
            ended.add(record)
        end = bisect_right(ends, record)
        if record in ended or (end < len(ends) and ends[end] < line):
            continue
        lines.append(line)
        layers.append(LayerParts(name))
    return _rows(context, np.array(lines, np.int64), _NAMES, np.arange(first, len(layers)))


def _merged(rows: _Rows, layers: list[LayerParts]) -> _Rows:
    """Keep one row a layer and engine, of the form that says most; repeats of one form are kept."""
    if not len(rows.builds):
        return rows
    best = np.full(int(rows.builds.max()) + 1, len(_SOURCES), np.int8)
    for source in (_NAMES, _BRIEF, _DETAILED):
        best[rows.builds[rows.sources == source]] = source
    kept = rows.sources == best[rows.builds]
    others = np.flatnonzero(~kept)
    if not len(others):
        return rows
    near = kept & among(rows.builds, rows.builds[others])
    by_name = {_key(rows, place, layers): place for place in np.flatnonzero(near).tolist()}
    apart: list[int] = []
    for place in others.tolist():
        same = by_name.get(_key(rows, place, layers))
        if same is None:
            apart.append(place)
        else:
            _fill(rows, same, layers[rows.numbers[place]], layers)
    return _at(rows, np.concatenate([np.flatnonzero(kept), np.array(apart, np.int64)]))


def _key(rows: _Rows, place: int, layers: list[LayerParts]) -> tuple[int, str]:
    return int(rows.builds[place]), layers[rows.numbers[place]].layer


def _fill(rows: _Rows, place: int, other: LayerParts, layers: list[LayerParts]) -> None:
    """Add to a row what another form tells and its own does not."""
    own = layers[rows.numbers[place]]
    both = LayerParts._make([o if s is None else s for s, o in zip(own, other, strict=True)])
    if both != own:
        rows.numbers[place] = len(layers)
        layers.append(both)


def _exported_rows(
    context: Context, exported: Sequence[dict[str, Any]], rows: _Rows, layers: list[LayerParts]
) -> _Rows:
    """Add what an export says and the log does not, joined by run and name; return its other layers."""
    builds = context.builds.run
    keys = [(builds[rows.builds[place]], layers[rows.numbers[place]].layer) for place in range(len(rows.builds))]
    counts, of_run = Counter(keys), Counter(builds)
    by_name = {key: place for place, key in enumerate(keys)}
    of_builds: list[int] = []
    others: list[LayerParts] = []
    for layer in exported:
        key = (layer["run"], layer["layer"])
        if counts[key] > 1:
            continue  # the export does not say which of them it means
        parts = _exported(layer)
        if key in by_name:
            _fill(rows, by_name[key], parts, layers)
        else:
            run = layer["run"]
            of_builds.append(builds.index(run) if of_run[run] == 1 else -1 - run)
            others.append(parts)
    first = len(layers)
    layers += others
    size = len(of_builds)
    numbers = np.arange(first, len(layers))
    return _Rows(np.array(of_builds, np.int64), np.zeros(size, np.int64), np.full(size, _EXPORT, np.int8), numbers)


def _exported(layer: dict[str, Any]) -> LayerParts:
    values: list[Any] = [layer.get(name) for name in LayerParts._fields]
    for place in (LayerParts._fields.index(side) for side in ("inputs", "outputs")):
        if values[place] is not None:
            values[place] = [
                (t["name"], (t["dtype"], None if t["shape"] is None else tuple(t["shape"]), t["format"]))
                for t in values[place]
            ]
    return LayerParts._make(values)


# ------------------------------------------------------------------------------------------ columns
def _table(context: Context, rows: _Rows, layers: list[LayerParts]) -> pa.Table:
    size = len(rows.builds)
    if not size:
        return empty("engine_layers")
    used = np.zeros(len(layers), bool)
    used[rows.numbers] = True
    numbers = from_numpy((np.cumsum(used) - 1)[rows.numbers])
    distinct = [layers[number] for number in np.flatnonzero(used).tolist()]
    columns: dict[str, Any] = {
        **context.builds.columns(rows.builds),
        "line": from_numpy(rows.lines, None if rows.lines.all() else rows.lines > 0),
        "source": from_codes(rows.sources, from_list(_SOURCES, pa.string())),
    }
    for name, values in zip(LayerParts._fields, zip(*distinct, strict=True), strict=True):
        if name in ("inputs", "outputs"):
            column = _operands(values)
        elif name == "onnx_names":
            column = from_list(values, pa.list_(pa.string()))
        else:
            column = from_list(values, pa.string())
            if name in ("layer", "type", "tactic", "kernel"):
                column = column.dictionary_encode()
        columns[name] = column.take(numbers)
    return from_columns("engine_layers", columns, size)


def _operands(sides: Sequence[Operands | None]) -> pa.Array:
    """Return lists of tensors; each distinct description becomes a row of columns once."""
    tensors = [tensor for side in sides if side for tensor in side]
    names, descriptions = zip(*tensors, strict=True) if tensors else ((), ())
    kinds: dict[Described | str, int] = {}
    of_kind = from_numpy(np.array([kinds.setdefault(described, len(kinds)) for described in descriptions], np.int32))
    ends = np.cumsum([0, *(0 if side is None else len(side) for side in sides)], dtype=np.int32)
    read = [_read(kind) if isinstance(kind, str) else kind for kind in kinds]
    described_by: list[Sequence[Any]] = list(zip(*read, strict=True)) or [(), (), ()]
    fields = [from_list(names, pa.string())]
    for field, values in zip(list(OPERAND)[1:], described_by, strict=True):
        fields.append(from_list(values, field.type).take(of_kind))
    structs = pa.StructArray.from_arrays(fields, fields=list(OPERAND))
    missing = np.fromiter((side is None for side in sides), bool, len(sides))
    mask = from_numpy(missing) if missing.any() else None
    return pa.ListArray.from_arrays(from_numpy(ends), structs, type=pa.list_(OPERAND), mask=mask)
