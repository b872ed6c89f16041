"""The engine's graph as an ONNX model that Netron opens: layers as nodes of a domain of their own."""

from __future__ import annotations

import json
from typing import Any

from trtlog._util.redact import redact
from trtlog._util.rows import table_rows
from trtlog.errors import MissingExtra, how_to_install
from trtlog.log import Log

DOMAIN = "trtlog.engine"
_TYPES = {"FP32": "FLOAT", "FP16": "FLOAT16", "BF16": "BFLOAT16", "INT8": "INT8", "UINT8": "UINT8", "INT32": "INT32",
          "INT64": "INT64", "BOOL": "BOOL", "FP8": "FLOAT8E4M3FN", "INT4": "INT4", "FP4": "FLOAT4E2M1"}  # fmt: skip


def to_onnx(log: Log) -> bytes:
    """Return the engine's graph as an ONNX model, to be looked at: it has no weights and cannot run.

    A node's type is the layer's, its attributes hold tactic, kernel, precision, time and parameters; tensors have
    shape and type, and the format as their description.

    Parameters
    ----------
    log : Log
        A log of one run.

    Raises
    ------
    MissingExtra
        The package onnx is not installed.
    """
    try:
        import onnx
        from onnx import helper
    except ImportError:
        raise MissingExtra(f"ONNX files need the package onnx; {how_to_install('onnx')}") from None
    nodes = table_rows(log.table("graph_nodes"))
    layers = log.analyze._layers.layers
    made, tensors = [], {}
    written: dict[str, int] = {}
    current: dict[str, str] = {}
    for node, layer in zip(nodes, layers, strict=True):
        row = layer.row or {}
        read = [current.get(one["name"], one["name"]) for one in layer.operands("inputs")]
        wrote = []
        for one in layer.operands("outputs"):
            # ONNX writes a tensor once; a second writer gets a number.
            written[one["name"]] = written.get(one["name"], 0) + 1
            name = one["name"] if written[one["name"]] == 1 else f"{one['name']} ({written[one['name']]})"
            current[one["name"]] = name
            wrote.append(name)
            tensors[name] = one
        for one, name in zip(layer.operands("inputs"), read, strict=True):
            tensors.setdefault(name, one)
        attributes = {
            **{name: node[name] for name in ("precision", "time_ms", "time_from", "bound", "line")},
            **{name: getattr(layer, name) for name in ("tactic", "kernel", "runner")},
            **_parameters(row.get("attributes")),
            "onnx_names": row.get("onnx_names"),
            "input_formats": [one["format"] or "" for one in layer.operands("inputs")],
            "output_formats": [one["format"] or "" for one in layer.operands("outputs")],
        }
        printed = {name: _plain(value) for name, value in attributes.items() if value not in (None, [], "")}
        made.append(
            helper.make_node(
                _identifier(layer.type or "Layer"), read, wrote, name=redact(layer.layer), domain=DOMAIN, **printed
            )
        )
    produced = {name for node in made for name in node.output}
    consumed = {name for node in made for name in node.input}
    infos = {name: _info(helper, onnx, name, one) for name, one in tensors.items()}
    inputs = [infos[name] for name in tensors if name not in produced]
    outputs = [infos[name] for name in tensors if name not in consumed]
    graph = helper.make_graph(made, "engine", inputs, outputs)
    graph.value_info.extend(infos[name] for name in tensors if name in produced and name in consumed)
    model = helper.make_model(graph, producer_name="trtlog", opset_imports=[helper.make_opsetid(DOMAIN, 1)])
    data: bytes = model.SerializeToString()
    return data


def _parameters(attributes: str | None) -> dict[str, Any]:
    found = json.loads(attributes) if attributes else {}
    return found if isinstance(found, dict) else {}


def _plain(value: Any) -> Any:
    """Return a value as an attribute can hold it; what is nested becomes JSON text."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list) and len({type(item) for item in value}) == 1 and isinstance(value[0], (int, float, str)):
        return [redact(item) if isinstance(item, str) else item for item in value]
    if isinstance(value, (dict, list)):
        return redact(json.dumps(value, ensure_ascii=False))
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return str(value)
    return redact(value) if isinstance(value, str) else value


def _identifier(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in text) or "Layer"


def _info(helper: Any, onnx: Any, name: str, one: Any) -> Any:
    kind = getattr(onnx.TensorProto, _TYPES.get(str(one.get("dtype")).upper(), "UNDEFINED"), 0)
    shape = None if one["shape"] is None else [None if size < 0 else size for size in one["shape"]]
    return helper.make_tensor_value_info(name, kind, shape, doc_string=one["format"] or "")
