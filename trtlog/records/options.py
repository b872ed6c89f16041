"""The option sections as typed records, and the performance summary.

Each field names the keys that trtexec prints for it, over all versions; keys that no field names are kept
in ``other``. The rows of table ``options`` are the lossless form.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeVar

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.maybe import MaybeNone
from trtlog.display import InNotebook
from trtlog.records.base import Column


def option(keys: str, type_: str, doc: str, unit: str = "") -> Any:
    """Declare a field: the printed keys, ``|`` between them; how to read the value; its meaning."""
    return field(default=None, metadata={"keys": keys.split("|"), "column": Column(type_, doc, unit)})


@dataclass(frozen=True)
class Options(InNotebook):
    """Base of the option sections. ``other`` holds unknown keys with all their values."""

    other: dict[str, list[str | None]] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True)
class ModelOptions(Options):
    """``=== Model Options ===``: what was built or loaded."""

    format: str | None = option("Format", "text", "ONNX, Caffe or UFF; null where an engine is loaded")
    model: str | None = option("Model", "text", "path of the model")
    prototxt: str | None = option("Prototxt", "text", "path of the Caffe description; to 8.6")
    outputs: list[str] | None = option("Output", "list", "names of marked outputs")


@dataclass(frozen=True)
class BuildOptions(Options):
    """``=== Build Options ===``: how the engine was built."""

    max_batch: str | None = option("Max batch", "text", "implicit batch, or explicit; to 9.3")
    workspace_mib: float | None = option("Workspace", "number", "workspace limit; to 8.2", "MiB")
    memory_pools: dict[str, str] | None = option("Memory Pools", "pools", "limit of each pool as printed; from 8.4")
    min_timing: int | None = option("minTiming", "int", "timing iterations at least; to 9.3")
    avg_timing: int | None = option("avgTiming", "int", "timing iterations that are averaged")
    precision: str | None = option("Precision", "text", "allowed precisions as printed, FP32 first")
    layer_precisions: str | None = option("LayerPrecisions", "text", "precision of single layers; 8.4 to 10.16")
    calibration: str | None = option("Calibration", "text", "INT8 calibration: Dynamic or the cache's path; to 10.16")
    refit: bool | None = option("Refit", "bool", "whether the engine can be refitted; from 7.2")
    strip_weights: bool | None = option("Strip weights|Weightless", "bool", "whether weights are left out; from 9.3")
    version_compatible: bool | None = option("Version Compatible", "bool", "whether other versions load it; from 8.6")
    sparsity: str | None = option("Sparsity", "text", "Disabled, Enabled or Forced; from 8.0")
    safe_mode: bool | None = option("Safe mode", "bool", "whether the engine is for the safety runtime")
    direct_io: bool | None = option("DirectIO mode", "bool", "whether reformats at the borders are avoided; from 8.2")
    build_only: bool | None = option("Build only|Skip inference", "bool", "whether there is no inference; from 8.4")
    save_engine: str | None = option("Save engine", "text", "path the engine is saved to")
    load_engine: str | None = option("Load engine", "text", "path the engine is loaded from; to 9.3")
    profiling_verbosity: int | None = option(
        "Profiling verbosity", "int", "0 layer names, 1 none, 2 detailed; from 8.2"
    )
    tactic_sources: str | None = option("Tactic sources", "text", "libraries of tactics as printed; from 7.2")
    timing_cache_mode: str | None = option("timingCacheMode", "text", "global, local or disable; from 8.0")
    timing_cache_file: str | None = option("timingCacheFile", "text", "path of the timing cache; from 8.0")
    heuristic: bool | None = option("Heuristic", "bool", "heuristic selection of tactics; 8.5 to 9.3")
    preview_features: str | None = option("Preview Features", "text", "preview features as printed; from 8.5")
    max_aux_streams: int | None = option("MaxAuxStreams", "int", "auxiliary streams at most, -1: heuristic; from 8.6")
    optimization_level: int | None = option("BuilderOptimizationLevel", "int", "0 to 5, -1: default; from 8.6")
    max_tactics: int | None = option("MaxTactics", "int", "tactics timed at most, -1: no limit; from 10.4")
    weight_streaming: bool | None = option("Weight Streaming", "bool", "whether weights may be streamed; from 10.0")
    input_formats: list[str] | None = option(
        "Input(s)s format|Inputs format|Input(s)|Input", "list", "formats of the inputs as printed"
    )
    output_formats: list[str] | None = option(
        "Output(s)s format|Outputs format|Output(s)|Output", "list", "formats of the outputs as printed"
    )
    input_shapes: list[str] | None = option(
        "Input build shape|Input build shapes|Input build shape (profile 0)", "list",
        "NAME=MIN+OPT+MAX for each input, or model; those of the first optimization profile, more are in other",
    )  # fmt: skip


@dataclass(frozen=True)
class SystemOptions(Options):
    """``=== System Options ===``: where it ran, and with what plugins."""

    device: int | None = option("Device", "int", "number of the GPU")
    dla_core: str | None = option("DLACore", "text", "DLA core as printed; null for none")
    plugins: list[str] | None = option("Plugins|Loaded static plugins", "list", "paths of plugin libraries")


@dataclass(frozen=True)
class InferenceOptions(Options):
    """``=== Inference Options ===``: how the inference was measured."""

    batch: str | None = option("Batch", "text", "batch size, or Explicit")
    input_shapes: list[str] | None = option(
        "Input inference shape|Input inference shapes|Input inference shape ", "list", "NAME=SHAPE, or model"
    )
    iterations: int | None = option("Iterations", "int", "iterations at least")
    duration_s: float | None = option("Duration", "number", "duration at least", "s")
    warm_up_ms: float | None = option("Duration", "warm_up", "warm-up before the measurement", "ms")
    sleep_time_ms: float | None = option("Sleep time", "number", "delay before the first enqueue", "ms")
    idle_time_ms: float | None = option("Idle time", "number", "pause between iterations; from 8.2", "ms")
    streams: int | None = option("Streams|Inference Streams", "int", "inference streams")
    expose_dma: bool | None = option("ExposeDMA", "bool", "whether copies and compute do not overlap")
    data_transfers: bool | None = option("Data transfers", "bool", "whether inputs and outputs are copied; from 7.2")
    spin_wait: bool | None = option("Spin-wait", "bool", "whether the host spins on synchronisation")
    multithreading: bool | None = option("Multithreading", "bool", "one thread a stream")
    cuda_graph: bool | None = option("CUDA Graph", "bool", "whether a CUDA graph is used")
    separate_profiling: bool | None = option("Separate profiling", "bool", "profile in a second run; 7.2 to 10.16")
    time_deserialize: bool | None = option("Time Deserialize", "bool", "whether deserialization is timed; from 8.0")
    time_refit: bool | None = option("Time Refit", "bool", "whether refitting is timed; from 8.0")
    nvtx_verbosity: int | None = option("NVTX verbosity", "int", "0 layer names, 1 none, 2 detailed; from 8.5")
    persistent_cache_ratio: float | None = option("Persistent Cache Ratio", "number", "share of the L2 cache; from 8.5")
    optimization_profile: int | None = option("Optimization Profile Index", "int", "profile in use; from 9.1")
    weight_streaming_budget: str | None = option("Weight Streaming Budget", "text", "as printed; from 10.0")


@dataclass(frozen=True)
class ReportingOptions(Options):
    """``=== Reporting Options ===``: what was printed and written."""

    verbose: bool | None = option("Verbose", "bool", "whether the library's verbose messages are printed")
    averages: int | None = option("Averages", "number_int", "runs averaged a line", "inferences")
    percentiles: list[float] | None = option("Percentiles|Percentile", "numbers", "percentiles of the summary", "%")
    dump_refit: bool | None = option("Dump refittable layers", "bool", "whether refittable layers are printed")
    dump_output: bool | None = option("Dump output", "bool", "whether outputs are printed")
    profile: bool | None = option("Profile", "bool", "whether layers are profiled")
    export_times: str | None = option("Export timing to JSON file", "text", "path of the times of all queries")
    export_output: str | None = option("Export output to JSON file", "text", "path of the outputs")
    export_profile: str | None = option("Export profile to JSON file", "text", "path of the layer profile")


_NUMBER = expression(r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
_WARM_UP = expression(r"\+ ([0-9]+(?:\.[0-9]+)?)\s*ms")


def _number(value: str) -> float | None:
    found = _NUMBER.match(value)
    return float(found[0]) if found else None


def _int(value: str) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) else None


def _pools(value: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in value.split(", "))
    return {name.strip(): size.strip() for name, _, size in pairs}


def _warm_up(value: str) -> float | None:
    found = _WARM_UP.search(value)
    return float(found[1]) if found else None


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "int": _int,
    "number": _number,
    "number_int": _int,
    "numbers": lambda value: [n for n in map(_number, value.split(",")) if n is not None],
    "bool": lambda value: value.lower() in ("enabled", "1", "true"),
    "pools": _pools,
    "warm_up": _warm_up,
}

OptionsType = TypeVar("OptionsType", bound=Options)


def read_options(section: type[OptionsType], rows: Iterable[tuple[str, str | None]]) -> OptionsType:
    """Make a typed section of (key, value) rows; what cannot be read as its type is None.

    Examples
    --------
    >>> read_options(InferenceOptions, [("Duration", "3s (+ 200ms warm up)")]).warm_up_ms
    200.0
    """
    given: dict[str, list[str | None]] = {}
    for key, value in rows:
        given.setdefault(key.strip(), []).append(value)
    values: dict[str, Any] = {}
    named: set[str] = set()
    for item in dataclasses.fields(section):
        if "keys" not in item.metadata:
            continue
        for key in item.metadata["keys"]:
            named.add(key.strip())
            if key.strip() not in given or values.get(item.name) is not None:
                continue
            found = given[key.strip()]
            type_ = item.metadata["column"].type
            if type_ == "list":
                values[item.name] = [v for v in found if v is not None] or None
            elif found[-1] is not None:
                values[item.name] = _READERS[type_](found[-1])
    if section is ModelOptions and values.get("format") == "*":
        values["format"] = None  # printed where an engine is loaded
    other = {key: found for key, found in given.items() if key not in named}
    return section(**values, other=other)


@dataclass(frozen=True)
class Statistics(InNotebook):
    """Statistics of one measured time, all in milliseconds; None where trtexec printed none.

    ``percentiles`` maps each printed percentile to its value; ``p90_ms``, ``p99_ms``, ``p99_9_ms`` ... read
    from it.
    """

    min_ms: float | None = None
    max_ms: float | None = None
    mean_ms: float | None = None
    median_ms: float | None = None
    percentiles: dict[float, float] = field(default_factory=dict)

    def percentile(self, percent: float) -> float | None:
        """Return a percentile, None where trtexec did not print it."""
        return self.percentiles.get(float(percent))

    if TYPE_CHECKING:  # those that are usual, for type checkers and completion; __getattr__ gives any

        @property
        def p50_ms(self) -> float | None: ...  # noqa: D102 - as its neighbours: a percentile
        @property
        def p90_ms(self) -> float | None: ...  # noqa: D102
        @property
        def p95_ms(self) -> float | None: ...  # noqa: D102
        @property
        def p99_ms(self) -> float | None: ...  # noqa: D102
        @property
        def p99_9_ms(self) -> float | None: ...  # noqa: D102

    else:

        def __getattr__(self, name: str) -> float | None:
            if found := re.fullmatch(r"p([0-9]+(?:_[0-9]+)?)_ms", name):
                return self.percentile(float(found[1].replace("_", ".")))
            raise AttributeError(name)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *(f"p{percent:g}_ms".replace(".", "_", 1) for percent in self.percentiles)]


@dataclass(frozen=True)
class Performance(InNotebook):
    """The performance summary; None where trtexec printed none (profiling, skipped inference, failure).

    A throughput of 0 is none either: trtexec of TensorRT 7 prints it of networks with explicit batch, whose queries it
    does not count. The table ``performance`` holds it as it is printed.
    """

    throughput_qps: float | None = None
    latency: Statistics | MaybeNone = None
    enqueue_time: Statistics | MaybeNone = None
    h2d_latency: Statistics | MaybeNone = None
    gpu_compute_time: Statistics | MaybeNone = None
    d2h_latency: Statistics | MaybeNone = None
    end_to_end_host_latency: Statistics | MaybeNone = None
    total_host_walltime_s: float | None = None
    total_gpu_compute_time_s: float | None = None


_TOTALS = {
    "throughput": "throughput_qps",
    "total_host_walltime": "total_host_walltime_s",
    "total_gpu_compute_time": "total_gpu_compute_time_s",
}


# Key of the option that gives an input's dimensions in the build; TensorRT 9.1 and later name the profile.
BUILD_SHAPE = expression(r"Input build shape(?: \(profile ([0-9]+)\))?")
_Figure = TypeVar("_Figure")


def last_summary(rows: Iterable[_Figure], key: Callable[[_Figure], Any]) -> list[_Figure]:
    """Return the figures of the last performance summary of several, in their order: one begins where a figure repeats.

    Figures that only an earlier one prints are of another measurement.

    Parameters
    ----------
    rows : iterable
        Figures in the order of the log.
    key : callable
        Metric and statistic of a figure.

    Examples
    --------
    >>> last_summary([("throughput", 1), ("h2d", 2), ("throughput", 3), ("latency", 4)], lambda row: row[0])
    [('throughput', 3), ('latency', 4)]
    """
    found: list[_Figure] = []
    seen: set[Any] = set()
    for row in rows:
        if key(row) in seen:
            found.clear()
            seen.clear()
        found.append(row)
        seen.add(key(row))
    return found


def read_performance(rows: Iterable[tuple[str, str, float]]) -> Performance:
    """Make the summary of (metric, statistic, value) rows; of several summaries the last one counts.

    Examples
    --------
    >>> p = read_performance([("throughput", "value", 10.5), ("latency", "mean", 2.0), ("latency", "p99", 3.0)])
    >>> p.throughput_qps, p.latency.mean_ms, p.latency.p99_ms, p.latency.p90_ms
    (10.5, 2.0, 3.0, None)
    """
    totals: dict[str, float | None] = {}
    times: dict[str, dict[str, Any]] = {}
    for metric, stat, value in last_summary(rows, lambda row: row[:2]):
        if metric in _TOTALS:
            totals[_TOTALS[metric]] = None if metric == "throughput" and value == 0 else value
        elif re.fullmatch(r"p[0-9]+(?:\.[0-9]+)?", stat):
            times.setdefault(metric, {}).setdefault("percentiles", {})[float(stat[1:])] = value
        elif stat in ("min", "max", "mean", "median"):
            times.setdefault(metric, {})[f"{stat}_ms"] = value
    known = {item.name for item in dataclasses.fields(Performance)}
    statistics = {metric: Statistics(**values) for metric, values in times.items() if metric in known}
    return Performance(**totals, **statistics)  # type: ignore[arg-type]
