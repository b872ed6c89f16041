"""The layers of the built engine: brief, detailed and bare names, one row a layer.

Layers repeat, in the engines of several runs and in what a build and trtexec print of one engine. Each distinct text is
read once, and the columns are made of what the distinct texts tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.arrays import from_list, from_numpy, to_numpy
from trtlog.captures import text
from trtlog.tables.cells import lines_of, to_text
from trtlog.tables.context import Context
from trtlog.tables.schema import OPERAND, captured_bytes, empty, from_columns
from trtlog.values.layer_lines import Described, LayerParts, Operands, brief_parts, detailed_parts

# Records whose lines without a header are names of layers, where the engine keeps names only.
_NAME_LISTS = ("layer_list", "layer_information")
# What TensorRT-RTX prints below the layers, in the same record.
_AFTER_LAYERS = ("Bindings:", "I/O Tensors:", "Engine Metadata:")
# A line of JSON; {ForeignNode[..]} and [HostToDeviceCopy 0] are names.
_JSON_LINE = re.compile(r'[\[\]{}, ]*(?:"|$)|[\]}]')
# What a brief line may tell of a layer that has a detailed one; it never names a kernel.
_OF_BRIEF = ("type", "tactic", "inputs", "outputs")
# The form that tells more is kept.
_RANK = {"detailed": 0, "brief": 1, "names": 2}


@dataclass
class _Row:
    run: int
    line: int | None
    source: str
    parts: LayerParts

    @property
    def key(self) -> tuple[int, str]:
        return self.run, self.parts.layer

    def fill(self, other: LayerParts) -> None:
        """Add what another form tells and this one does not."""
        both = LayerParts._make([o if s is None else s for s, o in zip(self.parts, other, strict=True)])
        self.parts = self.parts if both == self.parts else both


def engine_layers(context: Context) -> pa.Table:
    """Layers of the engine, one row a layer.

    A log may print a layer twice: brief under --verbose and detailed under --dumpLayerInfo. The detailed
    one is kept, with what only the brief one tells.
    """
    detailed = _rows(context, "layer_detail", ("layer", "layer_info"), detailed_parts, "detailed")
    told = {row.key: row for row in detailed}
    complete = {
        key for key, row in told.items() if all(getattr(row.parts, name) is not None for name in _OF_BRIEF)
    }
    brief = _rows(context, "engine_layer", ("layer_type", "layer_info"), brief_parts, "brief", complete)
    rows = _merged([*brief, *detailed, *_names(context)])
    rows = _with_exports(rows, context.exports.get("engine_layers", ()))
    rows.sort(key=lambda row: row.line or 0)
    return _table(rows)


def _rows(
    context: Context,
    kind: str,
    names: tuple[str, str],
    read: Callable[[str, str], LayerParts],
    source: str,
    complete: set[tuple[int, str]] | frozenset[tuple[int, str]] = frozenset(),
) -> list[_Row]:
    """Return rows of one form; not of layers of which everything is told already."""
    captured = context.captured(kind)
    lines = lines_of(captured)
    runs = to_numpy(context.run_of(lines)).tolist()
    first, second = (to_text(captured_bytes(captured, name)).to_pylist() for name in names)
    known: dict[tuple[str, str], LayerParts] = {}
    rows = []
    for line, run, pair in zip(lines.tolist(), runs, zip(first, second, strict=True), strict=True):
        if complete:
            name, *rest = pair[1].split(", Tactic: ")
            if len(rest) == 1 and (run, name) in complete:
                continue
        parts = known.get(pair)
        if parts is None:
            parts = known[pair] = read(*pair)
        rows.append(_Row(run, line, source, parts))
    return rows


def _names(context: Context) -> list[_Row]:
    """Return the layers of an engine that keeps their names only: bare lines between two headings."""
    heads = set(lines_of(context.captured(*_NAME_LISTS)).tolist())
    if not heads:
        return []
    ends = lines_of(context.captured("bindings")).tolist()
    ended: set[int] = set()
    found: list[tuple[int, str]] = []
    for line, record, body in context.captures.continuations:
        if record not in heads:
            continue
        name = text(body).strip()
        if not name or _JSON_LINE.match(name):
            continue
        if name in _AFTER_LAYERS:
            ended.add(record)
        if record in ended or any(record < end < line for end in ends):
            continue
        found.append((line, name))
    runs = to_numpy(context.run_of(np.array([line for line, _ in found], np.int64))).tolist()
    return [_Row(run, line, "names", LayerParts(name)) for run, (line, name) in zip(runs, found, strict=True)]


def _merged(rows: list[_Row]) -> list[_Row]:
    """Keep one row a layer and run: detailed before brief before names; repeats of one form are kept."""
    best: dict[int, int] = {}
    for row in rows:
        rank = _RANK[row.source]
        if rank < best.get(row.run, len(_RANK)):
            best[row.run] = rank
    kept: list[_Row] = []
    others: list[_Row] = []
    for row in rows:
        (kept if _RANK[row.source] == best[row.run] else others).append(row)
    if not others:
        return kept
    by_name = {row.key: row for row in kept}
    for row in others:
        same = by_name.get(row.key)
        if same is None:
            kept.append(row)
        else:
            same.fill(row.parts)
    return kept


def _with_exports(rows: list[_Row], exported: Sequence[dict[str, Any]]) -> list[_Row]:
    """Add what an export tells and the log does not, joined by run and name; its other layers are rows."""
    if not exported:
        return rows
    counts = Counter(row.key for row in rows)
    by_name = {row.key: row for row in rows}
    for layer in exported:
        key = (layer["run"], layer["layer"])
        if counts[key] > 1:
            continue  # which of them is meant cannot be told
        parts = _exported(layer)
        same = by_name.get(key)
        if same is None:
            rows.append(_Row(layer["run"], None, "export", parts))
        else:
            same.fill(parts)
    return rows


def _exported(layer: dict[str, Any]) -> LayerParts:
    told: list[Any] = [layer.get(name) for name in LayerParts._fields]
    for place in (LayerParts._fields.index(side) for side in ("inputs", "outputs")):
        if told[place] is not None:
            told[place] = [
                (t["name"], (t["dtype"], None if t["shape"] is None else tuple(t["shape"]), t["format"]))
                for t in told[place]
            ]
    return LayerParts._make(told)


# ------------------------------------------------------------------------------------------ columns
def _table(rows: list[_Row]) -> pa.Table:
    if not rows:
        return empty("engine_layers")
    places: dict[int, int] = {}
    distinct: list[LayerParts] = []
    numbers = np.zeros(len(rows), np.int32)
    for place, row in enumerate(rows):
        number = places.setdefault(id(row.parts), len(distinct))
        if number == len(distinct):
            distinct.append(row.parts)
        numbers[place] = number
    told = dict(zip(LayerParts._fields, zip(*distinct, strict=True), strict=True))
    columns: dict[str, Any] = {
        "run": from_list([row.run for row in rows], pa.int32()),
        "line": from_list([row.line for row in rows], pa.int64()),
        "source": from_list([row.source for row in rows], pa.string()).dictionary_encode(),
    }
    whole = len(distinct) == len(rows)
    for name, values in told.items():
        if name in ("inputs", "outputs"):
            column = _operands(values)
        elif name == "onnx_names":
            column = from_list(values, pa.list_(pa.string()))
        else:
            column = from_list(values, pa.string())
            if name in ("layer", "type", "tactic", "kernel"):
                column = column.dictionary_encode()
        columns[name] = column if whole else column.take(from_numpy(numbers))
    return from_columns("engine_layers", columns, len(rows))


def _operands(sides: Sequence[Operands | None]) -> pa.Array:
    """Return lists of tensors; what is told of them is made into columns once for each distinct telling."""
    kinds: dict[Described, int] = {}
    names: list[str] = []
    numbers: list[int] = []
    ends = np.zeros(len(sides) + 1, np.int32)
    for place, side in enumerate(sides, 1):
        for name, described in side or ():
            names.append(name)
            numbers.append(kinds.setdefault(described, len(kinds)))
        ends[place] = len(names)
    of_kind = from_numpy(np.array(numbers, np.int32))
    told: list[Sequence[Any]] = list(zip(*kinds, strict=True)) or [(), (), ()]
    fields = [from_list(names, pa.string())]
    for field, values in zip(list(OPERAND)[1:], (told[0], told[1], told[2]), strict=True):
        fields.append(from_list(values, field.type).take(of_kind))
    tensors = pa.StructArray.from_arrays(fields, fields=list(OPERAND))
    missing = np.fromiter((side is None for side in sides), bool, len(sides))
    mask = from_numpy(missing) if missing.any() else None
    return pa.ListArray.from_arrays(from_numpy(ends), tensors, type=pa.list_(OPERAND), mask=mask)
