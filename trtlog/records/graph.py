"""The ONNX graph, plugins, and what the optimizer makes of the graph."""

from __future__ import annotations

from typing import Any, ClassVar

from trtlog.records.base import Record, column, engine_column, line_column, record, run_column


@record(frozen=True)
class OnnxNode(Record):
    """A node that the ONNX parser imported. TensorRT 8.0 and later, under --verbose."""

    table: ClassVar[str] = "onnx_nodes"

    run: int = run_column()
    line: int = line_column("Parsing node")
    node: str = column("name", "name of the node, or of its first output where it has none")
    op: str = column("name", "operator")
    inputs: list[dict[str, Any]] | None = column("tensors", "inputs; shape null where it is not printed")
    outputs: list[dict[str, Any]] | None = column("tensors", "outputs")
    layers: list[str] | None = column("texts", "layers registered for the node")
    engine: int = engine_column()


@record(frozen=True)
class Pass(Record):
    """Number of layers after a pass of the graph optimizer; the first row is what the parser made."""

    table: ClassVar[str] = "passes"

    run: int = run_column()
    line: int = line_column("the count")
    name: str = column("name", "name of the pass, Original for the first")
    layers: int = column("int64", "number of layers after the pass")
    engine: int = engine_column()


@record(frozen=True)
class Fusion(Record):
    """A rewrite of the graph."""

    table: ClassVar[str] = "fusions"

    run: int = run_column()
    line: int = line_column("the rewrite")
    rule: str | None = column("name", "name of the rewrite, as ConvReluFusion; null where it is not printed")
    action: str = column("name", "fuse, fuse_into, attempt, remove, convert, swap, merge, ...")
    layer: str | None = column("name", "layer that is rewritten; null where 8.2 and 8.6 name the attempt alone")
    other: str | None = column("name", "layer that is fused with it")
    from_type: str | None = column("name", "type of the layer before")
    to_type: str | None = column("name", "type of the layer after")
    engine: int = engine_column()


@record(frozen=True)
class RegisteredLayer(Record):
    """A layer that the ONNX parser made for a node."""

    table: ClassVar[str] = "registered_layers"

    run: int = run_column()
    line: int = line_column("Registering layer")
    layer: str = column("name", "name of the layer")
    node: str | None = column("name", "ONNX node; null for a helper layer of the parser")
    engine: int = engine_column()


@record(frozen=True)
class Plugin(Record):
    """A plugin creator of the registry."""

    table: ClassVar[str] = "plugins"

    run: int = run_column()
    line: int = line_column("the creator")
    namespace: str | None = column("name", "namespace; null where it is empty")
    name: str = column("name", "name of the plugin")
    version: str = column("text", "version of the plugin")
