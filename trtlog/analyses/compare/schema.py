"""The tables of comparisons, of two sides and of several builds: a record each, which describes the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from trtlog.records.base import Record, column, record

Key = TypeVar("Key")

CATEGORIES = ("added", "removed", "changed", "unchanged")


def _category() -> Any:
    return column("text", "added, removed, changed or unchanged; seen from the control build")


def _text_in(build: str) -> Any:
    return column("text", f"value in the {build} build")


def _time_in(build: str, per_sample: bool = False) -> Any:
    beside = "; per sample where the batch differs" if per_sample else ""
    return column("float64", f"time in the {build} build{beside}", "ms")


def _difference_ms() -> Any:
    return column("float64", "test minus control", "ms")


def _precision() -> Any:
    return column("text", "data type of the computation")


def _formats() -> Any:
    return column("text", "formats of inputs and outputs, with vector size")


def _timed_as() -> Any:
    return column("text", "the equal layer that was timed in its place; null where its time is its own")


@record(frozen=True)
class RunChange(Record):
    """A property of the run on both sides."""

    category: str = _category()
    field: str | None = column("text", "tool, version, command, status, source")
    control: str | None = _text_in("control")
    test: str | None = _text_in("test")


@record(frozen=True)
class OptionChange(Record):
    """A flag of the command line, or an option."""

    category: str = _category()
    section: str | None = column("text", "command: a flag of the command line; else the section of the option")
    key: str | None = column("text", "name of the flag or option")
    control: str | None = _text_in("control")
    test: str | None = _text_in("test")


@record(frozen=True)
class DeviceChange(Record):
    """A property of the GPU on both sides."""

    category: str = _category()
    field: str | None = column("text", "property of the GPU")
    control: str | None = _text_in("control")
    test: str | None = _text_in("test")


@record(frozen=True)
class PerformanceChange(Record):
    """A statistic of a measured quantity, and whether it changed."""

    metric: str | None = column("text", "throughput, latency, gpu_compute_time, ...")
    stat: str | None = column("text", "value, median, mean, p90, ...")
    unit: str | None = column("text", "qps, ms or s")
    control: float | None = column("float64", "value in the control run; of several the geometric mean")
    test: float | None = column("float64", "value in the test run; of several the geometric mean")
    change_percent: float | None = column("float64", "test against control", "%")
    verdict: str | None = column("text", "faster, slower or same (within noise); null where not judged")
    p_value: float | None = column(
        "float64", "how often equal engines differ by that much or more; null where not judged"
    )
    noise_percent: float | None = column("float64", "spread within a run, the largest of all runs", "%")
    method: str | None = column("text", "what the verdict rests on")
    limit_percent: float | None = column(
        "float64", "a rise of up to that much, or a fall by the same factor, is within noise", "%"
    )
    control_runs: int | None = column("int64", "runs of the control that have the figure")
    test_runs: int | None = column("int64", "runs of the test that have the figure")
    reason: str | None = column("text", "why the limit is what it is, or why there is no verdict")


@record(frozen=True)
class LayerChange(Record):
    """A layer of either build and the one it is paired with."""

    category: str = _category()
    control_layer: str | None = column("text", "layer of the control build; several are joined with ' & '")
    test_layer: str | None = column("text", "layer of the test build")
    role: str | None = column("text", "layer, constant, reformat input 0, ...")
    method: str | None = column("text", "how they were paired: name, lineage, tensor, order, none")
    confidence: float | None = column("float64", "that they do the same work, 0 to 1")
    changed: list[str] | None = column("texts", "what changed: fusion, type, precision, formats, tactic")
    time_source: str | None = column("text", "profile: mean of an inference; tactic: what the builder timed")
    control_ms: float | None = _time_in("control", per_sample=True)
    test_ms: float | None = _time_in("test", per_sample=True)
    delta_ms: float | None = _difference_ms()
    speedup: float | None = column("float64", "control time by test time")
    machine_percent: float | None = column(
        "float64", "change of the tactics that both builds timed for it, median", "%"
    )
    control_type: str | None = column("text", "type in the control engine")
    test_type: str | None = column("text", "type in the test engine")
    control_precision: str | None = _precision()
    test_precision: str | None = _precision()
    control_formats: str | None = _formats()
    test_formats: str | None = _formats()
    control_tactic: str | None = column("text", "id of the tactic")
    test_tactic: str | None = column("text", "id of the tactic")
    control_kernel: str | None = column("text", "kernel")
    test_kernel: str | None = column("text", "kernel")
    control_timed_as: str | None = _timed_as()
    test_timed_as: str | None = _timed_as()
    control_line: int | None = column("int64", "line of the control log that lists the layer")
    test_line: int | None = column("int64", "line of the test log that lists the layer")


@record(frozen=True)
class Attribution(Record):
    """Where the change of the layers' time comes from: a kind of operation and its precision."""

    family: str | None = column("text", "kind of operation; reformat for conversions; unpaired layers among them")
    precision: str | None = column("text", "data type before and after")
    layers: int | None = column("int64", "number of layers, of the build that has more")
    control_ms: float | None = _time_in("control", per_sample=True)
    test_ms: float | None = _time_in("test", per_sample=True)
    delta_ms: float | None = _difference_ms()
    machine_ms: float | None = column(
        "float64", "part of the change that tactics timed by both builds explain; null without", "ms"
    )
    share_percent: float | None = column("float64", "share in the change of the sum; they add up to 100", "%")


@record(frozen=True)
class TacticChange(Record):
    """Layers whose tactic differs, and whether the choice or the machine made the difference."""

    layer: str | None = column("text", "layer of the test build")
    control_tactic: str | None = column("text", "tactic of the control build")
    test_tactic: str | None = column("text", "tactic of the test build")
    control_kernel: str | None = column("text", "kernel of the control build")
    test_kernel: str | None = column("text", "kernel of the test build")
    control_ms: float | None = column("float64", "control's tactic, timed by the control build", "ms")
    test_ms: float | None = column("float64", "test's tactic, timed by the test build", "ms")
    control_tactic_in_test_ms: float | None = column("float64", "control's tactic, timed by the test build", "ms")
    test_tactic_in_control_ms: float | None = column("float64", "test's tactic, timed by the control build", "ms")
    control_margin_percent: float | None = column(
        "float64", "by how much the control build found test's tactic slower than its own", "%"
    )
    test_margin_percent: float | None = column(
        "float64", "by how much the test build found control's tactic slower than its own", "%"
    )
    noise_percent: float | None = column(
        "float64", "typical scatter over all tactics that both builds timed, outliers aside", "%"
    )
    machine_percent: float | None = column(
        "float64", "change of control's tactic from build to build: not the choice", "%"
    )
    choice_percent: float | None = column(
        "float64", "test's tactic against control's, both timed by the test build", "%"
    )
    verdict: str | None = column("text", "tie, unstable, better, worse, formats, not timed, unknown")
    reason: str | None = column("text", "the verdict in words")
    layers: int | None = column("int64", "number of layers with the same change")


@record(frozen=True)
class CandidateChange(Record):
    """A tactic that both builds timed for a layer."""

    layer: str | None = column("text", "layer of the test build")
    runner: str | None = column("text", "kind of implementation")
    tactic: str | None = column("text", "id of the tactic")
    kernel: str | None = column("text", "kernel")
    formats: str | None = column("text", "formats of inputs and outputs")
    control_ms: float | None = _time_in("control")
    test_ms: float | None = _time_in("test")
    ratio: float | None = column("float64", "test by control")


@record(frozen=True)
class FormatChange(Record):
    """Inputs or outputs of a layer whose formats differ."""

    layer: str | None = column("text", "layer of the test build")
    side: str | None = column("text", "inputs or outputs")
    control: str | None = _text_in("control")
    test: str | None = _text_in("test")


@record(frozen=True)
class FusionChange(Record):
    """A rewrite of the graph that only one build did, or both."""

    category: str = _category()
    action: str | None = column("text", "fuse, remove, merge, ...")
    rule: str | None = column("text", "name of the rewrite")
    layer: str | None = column("text", "layer that is rewritten")
    other: str | None = column("text", "layer that is fused with it")


@record(frozen=True)
class ReformatChange(Record):
    """A conversion of either build."""

    category: str = _category()
    reformat: str | None = column("text", "the conversion layer")
    control: str | None = column("text", "formats before and after, in the control build")
    test: str | None = column("text", "formats before and after, in the test build")
    control_ms: float | None = _time_in("control")
    test_ms: float | None = _time_in("test")


@record(frozen=True)
class MemoryChange(Record):
    """A total of memory."""

    category: str = _category()
    name: str | None = column("text", "total or peak")
    control_bytes: int | None = column("int64", "bytes in the control build", "bytes")
    test_bytes: int | None = column("int64", "bytes in the test build", "bytes")
    change_percent: float | None = column("float64", "test against control", "%")
    verdict: str | None = column(
        "text", "more, less or same, as exact figures are; null where it tells nothing of the engine or a side has none"
    )
    reason: str | None = column("text", "how exact the figures are, and what else than the change may be behind it")


@record(frozen=True)
class PhaseChange(Record):
    """A phase of build or start."""

    category: str = _category()
    name: str | None = column("text", "phase of build or start; a repeated one is added up")
    control_s: float | None = column("float64", "seconds in the control build", "s")
    test_s: float | None = column("float64", "seconds in the test build", "s")
    delta_s: float | None = column("float64", "test minus control", "s")


@record(frozen=True)
class MessageChange(Record):
    """A warning or an error, and how often each log says it."""

    category: str = _category()
    severity: str | None = column("text", "warning, error or fatal")
    text: str | None = column("text", "the message")
    control_count: int | None = column("int64", "how often the control log says it")
    test_count: int | None = column("int64", "how often the test log says it")


DIFF_TABLES: dict[str, type[Record]] = {
    "run": RunChange,
    "options": OptionChange,
    "device": DeviceChange,
    "performance": PerformanceChange,
    "layers": LayerChange,
    "attribution": Attribution,
    "tactics": TacticChange,
    "candidates": CandidateChange,
    "formats": FormatChange,
    "fusions": FusionChange,
    "reformats": ReformatChange,
    "memory": MemoryChange,
    "phases": PhaseChange,
    "messages": MessageChange,
}
"""The tables of a diff, by name."""


@record(frozen=True)
class BuildSummary(Record):
    """One of the builds."""

    build: int | None = column("int64", "number of the build, from 0")
    source: str | None = column("text", "log")
    tensorrt_version: str | None = column("text", "version of TensorRT")
    gpu: str | None = column("text", "name of the GPU")
    status: str | None = column("text", "passed, failed, ...")
    throughput_qps: float | None = column("float64", "queries a second", "qps")
    gpu_compute_ms: float | None = column("float64", "median GPU compute time", "ms")
    latency_ms: float | None = column("float64", "median host latency", "ms")
    spread_percent: float | None = column("float64", "spread of the GPU compute time within the run", "%")
    layers_ms: float | None = column("float64", "sum of the layers that have a time in every build", "ms")
    timing_shift_percent: float | None = column(
        "float64", "timings of the same tactics against the first build, median", "%"
    )
    build_seconds: float | None = column("float64", "time of the build", "s")


@record(frozen=True)
class LayerAcrossBuilds(Record):
    """A layer of the first build, and what the builds chose for it."""

    layer: str | None = column("text", "layer, as the first build names it")
    builds: int | None = column("int64", "builds that have it")
    winners: int | None = column("int64", "different tactics among the builds")
    flips_percent: float | None = column("float64", "share of builds that do not have the commonest tactic", "%")
    tactics: str | None = column("text", "each tactic and in how many builds it won")
    margin_percent: float | None = column(
        "float64", "lead of the winner over the next tactic of the same formats, median", "%"
    )
    noise_percent: float | None = column(
        "float64", "spread of one tactic's timing over the builds, standard deviation with outliers", "%"
    )
    min_ms: float | None = column("float64", "shortest time of the layer", "ms")
    median_ms: float | None = column("float64", "median time of the layer", "ms")
    max_ms: float | None = column("float64", "longest time of the layer", "ms")
    share_percent: float | None = column(
        "float64", "share in the variance of the sum of the layers; may be negative", "%"
    )
    verdict: str | None = column(
        "text", "stable, tie, disturbed, formats or flips; null where no two builds name the tactic"
    )
    timed_as: str | None = column("text", "the equal layer that was timed in its place")


STABILITY_TABLES: dict[str, type[Record]] = {"builds": BuildSummary, "layers": LayerAcrossBuilds}
"""The tables of several builds, by name."""


def category(control: object, test: object) -> str:
    """Return the category of a value that either side may lack.

    Examples
    --------
    >>> category(None, 1), category(1, None), category(1, 2), category(1, 1)
    ('added', 'removed', 'changed', 'unchanged')
    """
    if control is None and test is not None:
        return "added"
    if control is not None and test is None:
        return "removed"
    return "unchanged" if control == test else "changed"


def both_sides(control: Mapping[Key, Any], test: Mapping[Key, Any]) -> Iterator[tuple[Key, Any, Any, str]]:
    """Give each key of either side with both values, None where a side lacks it, and their category.

    Examples
    --------
    >>> list(both_sides({"fp16": "set"}, {"fp16": "set", "int8": "set"}))
    [('fp16', 'set', 'set', 'unchanged'), ('int8', None, 'set', 'added')]
    """
    for key in dict.fromkeys([*control, *test]):
        ours, theirs = control.get(key), test.get(key)
        yield key, ours, theirs, category(ours, theirs)
