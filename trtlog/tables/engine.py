"""ONNX nodes and the layers of the built engine: lines whose insides are read with grammars/values."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.captures import text
from trtlog.records import EngineLayer as EngineLayerRow
from trtlog.tables.cells import lines_of
from trtlog.tables.context import Context
from trtlog.tables.schema import asof, from_rows
from trtlog.tables.simple import finish_rows
from trtlog.values.layer_info import EngineLayer, LayerTensor, parse_layer
from trtlog.values.shapes import parse_operands

# Records whose lines without a header are names of layers, where the engine keeps names only.
_NAME_LISTS = ("layer_list", "layer_information")
# What TensorRT-RTX prints below the layers, in the same record.
_AFTER_LAYERS = ("Bindings:", "I/O Tensors:", "Engine Metadata:")
# A line of JSON; {ForeignNode[..]} and [HostToDeviceCopy 0] are names.
_JSON_LINE = re.compile(r'[\[\]{}, ]*(?:"|$)|[\]}]')


def onnx_nodes(context: Context) -> pa.Table:
    """Imported nodes with operands and the layers registered for them."""
    parsing = context.captured("node_parsing")
    if not parsing.num_rows:
        return from_rows("onnx_nodes", [])
    starts = lines_of(parsing)
    rows: list[dict[str, Any]] = [
        {"line": line, "node": text(node), "op": text(op), "layers": []}
        for line, node, op in zip(
            starts.tolist(),
            parsing.column("node").to_pylist(),
            parsing.column("op").to_pylist(),
            strict=True,
        )
    ]
    for kind, name in (("node_inputs", "inputs"), ("node_outputs", "outputs")):
        captured = context.captured(kind)
        for position, operands in _inside(context, captured, starts, "operands"):
            rows[position][name] = _tensors(operands)
    for position, layer in _inside(context, context.captured("layer_registered"), starts, "layer"):
        if layer is not None:
            rows[position]["layers"].append(layer)
    return finish_rows(context, "onnx_nodes", rows)


def _inside(
    context: Context, captured: pa.Table, starts: np.ndarray[Any, Any], column: str
) -> list[tuple[int, str | None]]:
    """Return (position of the node, captured text) for lines that stand below a node."""
    found = asof(lines_of(captured), starts, context.run_lines)
    values = captured.column(column).to_pylist()
    return [
        (position, None if value is None else text(value))
        for position, value in zip(found.tolist(), values, strict=True)
        if position >= 0
    ]


def _tensors(operands: str | None) -> list[dict[str, Any]] | None:
    if operands is None:
        return []
    parsed = parse_operands(operands)
    if parsed is None:
        return None
    return [{"tensor": t.name, "dtype": t.dtype, "shape": _shape(t.shape)} for t in parsed]


def _shape(shape: Sequence[int | str] | None) -> list[int] | None:
    """Return dimensions as integers; a named one is -1, as one known at run time only."""
    return None if shape is None else [d if isinstance(d, int) else -1 for d in shape]


def engine_layers(context: Context) -> pa.Table:
    """Layers of the engine, one row a layer.

    A log may print a layer twice: brief under --verbose and detailed under --dumpLayerInfo. The detailed
    one is kept, with what only the brief one tells.
    """
    rows: list[dict[str, Any]] = []
    for row in context.captures.rows("engine_layer"):
        layer = parse_layer(f"Layer({row['layer_type']}): {row['layer_info']}")
        rows.append(_row(row["line"], "brief", layer, f"{row['layer_info']}"))
    for row in context.captures.rows("layer_detail"):
        layer = parse_layer(f"Name: {row['layer']}, LayerType: {row['layer_info']}")
        rows.append(_row(row["line"], "detailed", layer, row["layer"]))
    rows.extend(_names(context))
    if rows:
        runs = context.run_of(np.array([r["line"] for r in rows], dtype=np.int64)).to_pylist()
        for row, run in zip(rows, runs, strict=True):
            row["run"] = run
    kept = _with_exports(_merged(rows), context.exports.get("engine_layers", ()))
    return finish_rows(context, "engine_layers", kept)


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
