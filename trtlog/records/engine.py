"""Memory, phases, the layers of the engine and their profile."""

from __future__ import annotations

from typing import Any, ClassVar

from trtlog.records.base import Record, column, engine_column, line_column, record, run_column


@record(frozen=True)
class MemoryEvent(Record):
    """Memory in use, at a step of build or inference."""

    table: ClassVar[str] = "memory"

    run: int = run_column()
    line: int = line_column("[MemUsageChange], or [MemUsageSnapshot] of 8.0 to 8.4")
    event: str = column("name", "the step")
    cpu_delta_mib: int | None = column("int64", "change of host memory; null for a snapshot", "MiB")
    gpu_delta_mib: int | None = column("int64", "change of GPU memory; null for a snapshot", "MiB")
    cpu_mib: int = column("int64", "host memory in use", "MiB")
    gpu_mib: int = column("int64", "GPU memory in use", "MiB")
    engine: int = engine_column()


@record(frozen=True)
class LayerMemory(Record):
    """Memory of one layer. Layers that need none are not printed."""

    table: ClassVar[str] = "layer_memory"

    run: int = run_column()
    line: int = line_column("the layer")
    layer: str = column("name", "layer")
    host_persistent_bytes: int = column("int64", "host memory kept with the engine", "bytes")
    device_persistent_bytes: int = column("int64", "device memory kept with the engine", "bytes")
    scratch_bytes: int = column("int64", "scratch memory", "bytes")
    weights_bytes: int | None = column("int64", "weights; printed by TensorRT 5 and 6", "bytes")
    engine: int = engine_column()


@record(frozen=True)
class MemoryTotal(Record):
    """A total of memory."""

    table: ClassVar[str] = "memory_totals"

    run: int = run_column()
    line: int = line_column("the total")
    name: str = column("name", "host_persistent, device_persistent, scratch, activation, weights, peak_gpu, ...")
    bytes: int = column("int64", "size; peaks are printed in MiB", "bytes")
    engine: int = engine_column()


@record(frozen=True)
class Phase(Record):
    """A phase of build or start that the log gives a duration for."""

    table: ClassVar[str] = "phases"

    run: int = run_column()
    line: int = line_column("the duration")
    name: str = column("name", "import, graph_construction, graph_optimization, engine_generation, engine_built, ...")
    seconds: float = column("float64", "duration", "s")
    engine: int = engine_column()


@record(frozen=True)
class Engine(Record):
    """A build of an engine, one attempt with one backend strategy, or an engine that is only loaded."""

    table: ClassVar[str] = "engines"

    run: int = run_column()
    line: int = line_column("the first of the build")
    last_line: int = column("int64", "last line that belongs to the engine")
    engine: int = engine_column()
    build: int | None = column(
        "int32", "number of the build in the run, from 0: backend strategies tried for one engine share it; null where "
        "the engine is only loaded"
    )  # fmt: skip
    origin: str = column("name", "built, or loaded where the run only reads it")
    strategy: str | None = column("name", "backend strategy; TensorRT 8.6 and 10.14 and later, under --verbose")
    estimated_ms: float | None = column("float64", "inference time by which strategies are compared", "ms")
    kept: bool | None = column(
        "bool", "whether it is what the build gave; false for a strategy that was discarded; null where no line says so"
    )
    seconds: float | None = column("float64", "duration of 'Engine generation completed'", "s")
    size_mib: int | None = column("int64", "size of the loaded engine", "MiB")


@record(frozen=True)
class EngineLayer(Record):
    """A layer of the built engine."""

    table: ClassVar[str] = "engine_layers"

    run: int = run_column()
    line: int | None = line_column("the layer; null for a layer of an export")
    source: str = column("name", "brief: 'Layer(..)'; detailed: 'Name: ..'; names: a bare name; json or export")
    layer: str = column("name", "layer")
    type: str | None = column("name", "type of the layer")
    tactic: str | None = column("name", "id of the tactic, 0x and 16 digits")
    kernel: str | None = column("name", "TacticName of detailed information")
    inputs: list[dict[str, Any]] | None = column("operands", "inputs with data type, shape and format")
    outputs: list[dict[str, Any]] | None = column("operands", "outputs with data type, shape and format")
    onnx_names: list[str] | None = column("texts", "ONNX nodes of the layer's metadata; TensorRT 8.6 and later")
    metadata: str | None = column("text", "metadata as printed")
    attributes: str | None = column("json", "all other parameters, as a JSON object")
    engine: int | None = engine_column()


@record(frozen=True)
class ProfileRow(Record):
    """A layer's time in the inference, from --dumpProfile."""

    table: ClassVar[str] = "profile"

    run: int = run_column()
    line: int | None = line_column("the row; null for a row of an export")
    layer: str = column("name", "layer; the closing row of totals is no layer and is left out")
    time_ms: float = column("float64", "time over all iterations", "ms")
    avg_ms: float = column("float64", "time of one iteration, mean", "ms")
    median_ms: float | None = column("float64", "time of one iteration, median; TensorRT 8.4 and later", "ms")
    percent: float = column("float64", "share of the total time", "%")
    iterations: int | None = column("int64", "iterations of the profile")
