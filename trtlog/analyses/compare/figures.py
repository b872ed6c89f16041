"""One run as one row: what ran, on what, and the figures that runs are compared by."""

from __future__ import annotations

import datetime
from typing import Any

from trtlog.analyses.build.builds import build_seconds, builds_of
from trtlog.analyses.build.memory import gpu_memory
from trtlog.analyses.build.overview import layer_precisions
from trtlog.analyses.build.performance import launched_graph
from trtlog.analyses.compare.work import batch_of, inference_shapes, shapes_text
from trtlog.analyses.programs import loads_engine, model_of
from trtlog.log import Log
from trtlog.records.base import Record, column, record


@record(frozen=True)
class RunFigures(Record):
    """A run of a log, with its headline figures; null where the log does not print one."""

    source: str = column("text", "where the log was found: a path, a URL, or MEMBER::ARCHIVE")
    run: int | None = column("int32", "number of the run in the file, from 0; null for a log that failed")
    status: str | None = column("text", "passed, failed, waived or incomplete; null without a banner, and for --help")
    model: str | None = column("text", "path of the model, as printed; of the engine where one is loaded")
    batch: int | None = column(
        "int64", "first dimension of the inputs, where all share it; the batch size of --batch; null where not printed"
    )
    shapes: str | None = column("text", "shapes of the inputs that were inferred with, as input:8x3x224x224")
    precision: str | None = column(
        "text", "precisions that the build allowed, as printed; of a loaded engine those of its layers, commonest first"
    )
    tensorrt_version: str | None = column("text", "version of TensorRT, as 8.5.3")
    gpu: str | None = column("text", "name of the GPU")
    cuda_graph: bool | None = column("bool", "whether inferences were launched as a CUDA graph")
    throughput_qps: float | None = column("float64", "throughput", "qps")
    latency_median_ms: float | None = column("float64", "latency, median", "ms")
    latency_mean_ms: float | None = column("float64", "latency, mean", "ms")
    latency_p99_ms: float | None = column("float64", "latency, 99th percentile", "ms")
    gpu_compute_median_ms: float | None = column("float64", "GPU compute time, median", "ms")
    gpu_compute_mean_ms: float | None = column("float64", "GPU compute time, mean", "ms")
    engine_mib: float | None = column("float64", "size of the engine, as printed when it is built or loaded", "MiB")
    gpu_memory_mib: int | None = column(
        "int64", "GPU memory that TensorRT manages once the execution context is made: weights and activations", "MiB"
    )
    build_seconds: float | None = column(
        "float64", "time of the build of the engine that the run ended with: Engine built in, else the sum of Engine "
        "generation completed over its backend strategies", "s"
    )  # fmt: skip
    builds: int | None = column("int64", "engines that the run built, one after the other; null where none is printed")
    started_at: datetime.datetime | None = column("time", "first time printed")
    tool: str | None = column("text", "program that ran")
    compute_capability: str | None = column("text", "compute capability of the GPU, major.minor")
    command: str | None = column("text", "command line, as the banner prints it")


def figures(log: Log) -> dict[str, Any]:
    """Return the row of a log of one run, without its source and number.

    Examples
    --------
    >>> import trtlog
    >>> row = figures(trtlog.parse("fixtures/trt-8.5.3-h200/sweep_r50_fp32_b8.log.gz"))
    >>> row["batch"], row["shapes"], row["throughput_qps"], row["engine_mib"], row["gpu_memory_mib"]
    (8, 'input:8x3x224x224', 870.464, 98.0, 158)
    """
    run, device, performance = log.run, log.device, log.performance
    latency, gpu = performance.latency, performance.gpu_compute_time
    shapes = inference_shapes(log)
    return {
        "status": run.status,
        "model": model_of(log),
        "batch": batch_of(log, shapes),
        "shapes": shapes_text(shapes) or None,
        "precision": _precision(log),
        "tensorrt_version": run.tensorrt_version,
        "gpu": device.name if device else None,
        "cuda_graph": launched_graph(log),
        "throughput_qps": performance.throughput_qps,
        "latency_median_ms": latency.median_ms if latency else None,
        "latency_mean_ms": latency.mean_ms if latency else None,
        "latency_p99_ms": latency.p99_ms if latency else None,
        "gpu_compute_median_ms": gpu.median_ms if gpu else None,
        "gpu_compute_mean_ms": gpu.mean_ms if gpu else None,
        "engine_mib": engine_mib(log),
        "gpu_memory_mib": gpu_memory(log.table("memory")).engine_mib,
        "build_seconds": build_seconds(log),
        "builds": len(builds_of(log)) or None,
        "started_at": run.started_at,
        "tool": run.tool,
        "compute_capability": device.compute_capability if device else None,
        "command": run.command,
    }


def _precision(log: Log) -> str | None:
    if not loads_engine(log):
        return log.build.precision
    return "+".join(name for name, _ in layer_precisions(log)) or None


def engine_mib(log: Log) -> float | None:
    """Return the size of the engine that ran: trtexec's own figure (from 9.1), else the runtime's, in whole MiB."""
    facts = log.table("facts")
    kinds = facts.column("kind").to_pylist()
    if "engine_created" in kinds:
        return float(facts.column("value")[len(kinds) - 1 - kinds[::-1].index("engine_created")].as_py())
    engines = log.table("engines")
    columns = (engines.column(name).to_pylist() for name in ("kept", "size_mib"))
    sizes = [size for kept, size in zip(*columns, strict=True) if kept is not False and size is not None]
    return float(sizes[-1]) if sizes else None
