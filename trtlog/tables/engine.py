"""ONNX nodes and the layers of the built engine: lines whose insides are read with grammars/values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.arrays import from_list, from_numpy, is_valid, to_numpy
from trtlog.captures import text
from trtlog.records import EngineLayer as EngineLayerRow
from trtlog.tables.cells import lines_of, take, to_text
from trtlog.tables.context import Context
from trtlog.tables.schema import TENSOR, asof, captured_bytes, empty, from_columns, from_rows
from trtlog.values.layer_info import EngineLayer, LayerTensor, brief_format, parse_layer, split_brief
from trtlog.values.shapes import parse_dims, split_operands

# Records whose lines without a header are names of layers, where the engine keeps names only.
_NAME_LISTS = ("layer_list", "layer_information")
# What TensorRT-RTX prints below the layers, in the same record.
_AFTER_LAYERS = ("Bindings:", "I/O Tensors:", "Engine Metadata:")
# A line of JSON; {ForeignNode[..]} and [HostToDeviceCopy 0] are names.
_JSON_LINE = re.compile(r'[\[\]{}, ]*(?:"|$)|[\]}]')


def onnx_nodes(context: Context) -> pa.Table:
    """Imported nodes with operands and the layers registered for them."""
    parsing = context.captured("node_parsing")
    size = parsing.num_rows
    if not size:
        return empty("onnx_nodes")
    starts = lines_of(parsing)
    columns: dict[str, Any] = {
        "run": context.run_of(starts),
        "line": parsing.column("line"),
        "node": captured_bytes(parsing, "node"),
        "op": captured_bytes(parsing, "op"),
        "layers": _registered(context, starts),
    }
    for kind, name in (("node_inputs", "inputs"), ("node_outputs", "outputs")):
        captured = context.captured(kind)
        position = asof(lines_of(captured), starts, context.run_lines)
        below = np.flatnonzero(position >= 0)
        row = np.full(size, -1, np.int64)
        row[position[below]] = below  # of several lines the last stays
        printed = to_text(captured_bytes(captured, "operands")).to_pylist()
        columns[name] = _tensors([None if number < 0 else printed[number] or "" for number in row.tolist()])
    return from_columns("onnx_nodes", columns, size)


def _registered(context: Context, starts: np.ndarray[Any, Any]) -> pa.Array:
    """Return the layers registered below each node, in order."""
    captured = context.captured("layer_registered")
    layers = captured_bytes(captured, "layer")
    position = asof(lines_of(captured), starts, context.run_lines)
    held = np.flatnonzero((position >= 0) & is_valid(layers))
    offsets = np.searchsorted(position[held], np.arange(len(starts) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(from_numpy(offsets), to_text(take(layers, held)))


def _tensors(printed: list[str | None]) -> pa.Array:
    """Read lists of operands; None for a node without such a line, or one that is no list."""
    names: list[str | None] = []
    dtypes: list[str | None] = []
    shapes: list[Sequence[int] | None] = []
    valid = np.ones(len(printed), bool)
    ends = np.zeros(len(printed) + 1, np.int32)
    for number, operands in enumerate(printed):
        found = None if operands is None else split_operands(operands)
        if found is None:
            valid[number] = False
        else:
            for name, dims, dtype in found:
                names.append(name)
                dtypes.append(dtype)
                shapes.append(None if dims is None else _dims(dims))
        ends[number + 1] = len(names)
    fields = [from_list(names, pa.string()), from_list(dtypes, pa.string()), from_list(shapes, TENSOR[2].type)]
    tensors = pa.StructArray.from_arrays(fields, fields=list(TENSOR))
    mask = None if valid.all() else from_numpy(~valid)
    return pa.ListArray.from_arrays(from_numpy(ends), tensors, type=pa.list_(TENSOR), mask=mask)


@lru_cache(maxsize=4096)
def _dims(printed: str) -> Sequence[int] | None:
    return _shape(parse_dims(f"({printed})"))


def _shape(shape: Sequence[int | str] | None) -> list[int] | None:
    """Return dimensions as integers; a named one is -1, as one known at run time only."""
    if shape is None:
        return None
    return [d if isinstance(d, int) else -1 for d in shape]


def engine_layers(context: Context) -> pa.Table:
    """Layers of the engine, one row a layer.

    A log may print a layer twice: brief under --verbose and detailed under --dumpLayerInfo. The detailed
    one is kept, with what only the brief one tells.
    """
    rows = _detailed(context)
    told = {(row["run"], row["layer"]): row for row in rows}
    complete = {key for key, row in told.items() if all(row.get(name) is not None for name in _OF_BRIEF)}
    names = _names(context)
    _number(context, names)
    kept = _with_exports(
        _merged([*_brief(context, complete), *rows, *names]), context.exports.get("engine_layers", ())
    )
    kept.sort(key=lambda row: row["line"] if row["line"] is not None else 0)
    return from_rows("engine_layers", kept)


# What a brief line may tell of a layer that has a detailed one; it never names a kernel.
_OF_BRIEF = ("type", "tactic", "inputs", "outputs")


def _number(context: Context, rows: list[dict[str, Any]]) -> None:
    """Give rows the run of their line."""
    runs = to_numpy(context.run_of(np.array([row["line"] for row in rows], np.int64))).tolist()
    for row, run in zip(rows, runs, strict=True):
        row["run"] = run


def _texts(captured: pa.Table, *names: str) -> list[list[Any]]:
    return [to_text(captured_bytes(captured, name)).to_pylist() for name in names]


def _detailed(context: Context) -> list[dict[str, Any]]:
    captured = context.captured("layer_detail")
    rows = []
    names, infos = _texts(captured, "layer", "layer_info")
    for line, name, info in zip(lines_of(captured).tolist(), names, infos, strict=True):
        rows.append(_row(line, "detailed", parse_layer(f"Name: {name}, LayerType: {info}"), name))
    _number(context, rows)
    return rows


def _brief(context: Context, complete: set[tuple[int, str]]) -> list[dict[str, Any]]:
    """Return rows of brief lines, but for those of layers of which everything is told already."""
    captured = context.captured("engine_layer")
    lines = lines_of(captured)
    rows = []
    types, infos = _texts(captured, "layer_type", "layer_info")
    runs = to_numpy(context.run_of(lines)).tolist()
    for line, run, kind, info in zip(lines.tolist(), runs, types, infos, strict=True):
        if complete:
            name, *rest = info.split(", Tactic: ")
            if len(rest) == 1 and (run, name) in complete:
                continue
        found = split_brief(f"Layer({kind}): {info}".strip(" \t\r\n"))
        row: dict[str, Any] = {"run": run, "line": line, "source": "brief", "layer": info}
        if found is not None:
            row["layer"] = found.layer
            row["type"] = found.type
            row["tactic"] = found.tactic
            for name, side in (("inputs", found.inputs), ("outputs", found.outputs)):
                row[name] = None if side is None else [{"name": n, **_operand(printed)} for n, printed in side]
        rows.append(row)
    return rows


@lru_cache(maxsize=4096)
def _operand(printed: str) -> dict[str, Any]:
    """Return what a printed format tells of a tensor."""
    decoded = brief_format(printed)
    return {"dtype": decoded.dtype, "shape": _shape(decoded.dims), "format": printed}


def _with_exports(rows: list[dict[str, Any]], exported: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what an export tells and the log does not, joined by run and name; its other layers are rows."""
    counts = Counter((row["run"], row["layer"]) for row in rows)
    by_name = {(row["run"], row["layer"]): row for row in rows}
    known = EngineLayerRow.columns()
    for layer in exported:
        key = (layer["run"], layer["layer"])
        if counts[key] > 1:
            continue  # which of them is meant cannot be told
        usable = {name: value for name, value in layer.items() if name in known}
        same = by_name.get(key)
        if same is None:
            rows.append({**usable, "line": None, "source": "export"})
            continue
        for name, value in usable.items():
            if same.get(name) is None:
                same[name] = value
    return rows


def _row(line: int, source: str, layer: EngineLayer | None, name: str) -> dict[str, Any]:
    if layer is None:
        return {"line": line, "source": source, "layer": name}
    return {
        "line": line,
        "source": source,
        "layer": layer.layer,
        "type": layer.type,
        "tactic": layer.tactic,
        "kernel": layer.kernel,
        "inputs": _operands(layer.inputs),
        "outputs": _operands(layer.outputs),
        "onnx_names": None if layer.onnx_names is None else list(layer.onnx_names),
        "metadata": layer.metadata,
        "attributes": json.dumps(layer.attributes, ensure_ascii=False) if layer.attributes else None,
    }


def _operands(tensors: Sequence[LayerTensor] | None) -> list[dict[str, Any]] | None:
    if tensors is None:
        return None
    return [{"name": t.name, "dtype": t.dtype, "shape": _shape(t.shape), "format": t.format} for t in tensors]


def _names(context: Context) -> list[dict[str, Any]]:
    """Return the layers of an engine that keeps their names only: bare lines between two headings."""
    heads = {row["line"] for row in context.captures.rows(*_NAME_LISTS)}
    if not heads:
        return []
    ends = sorted(row["line"] for row in context.captures.rows("bindings"))
    ended: set[int] = set()
    rows = []
    for line, record, body in context.captures.continuations:
        name = text(body).strip()
        if record not in heads or not name or _JSON_LINE.match(name):
            continue
        if name in _AFTER_LAYERS:
            ended.add(record)
        if record in ended or any(record < end < line for end in ends):
            continue
        rows.append({"line": line, "source": "names", "layer": name})
    return rows


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep one row a layer and run: detailed before brief before names; repeats of one form are kept."""
    rank = {"detailed": 0, "json": 0, "brief": 1, "names": 2}
    best: dict[int, int] = {}
    for row in rows:
        best[row["run"]] = min(best.get(row["run"], 9), rank[row["source"]])
    kept = [row for row in rows if rank[row["source"]] == best[row["run"]]]
    by_name: dict[tuple[int, str], dict[str, Any]] = {(r["run"], r["layer"]): r for r in kept}
    for row in rows:
        if rank[row["source"]] == best[row["run"]]:
            continue
        same = by_name.get((row["run"], row["layer"]))
        if same is None:
            kept.append(row)
            continue
        for key in ("type", "tactic", "kernel", "inputs", "outputs"):
            if same.get(key) is None:
                same[key] = row.get(key)
    return kept
