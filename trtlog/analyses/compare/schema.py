"""The tables of a diff: columns with types, units and meanings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

CATEGORIES = ("added", "removed", "changed", "unchanged")

_CATEGORY = ("category", "text", "added, removed, changed or unchanged; seen from the control build")
_BOTH_TEXT = (("control", "text", "value in the control build"), ("test", "text", "value in the test build"))

# Table -> (column, type, meaning). Units stand in the names.
SCHEMAS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "run": (_CATEGORY, ("field", "text", "tool, version, command, status, source"), *_BOTH_TEXT),
    "options": (
        _CATEGORY,
        ("section", "text", "command: a flag of the command line; else the section of the option"),
        ("key", "text", "name of the flag or option"),
        *_BOTH_TEXT,
    ),
    "device": (_CATEGORY, ("field", "text", "property of the GPU"), *_BOTH_TEXT),
    "performance": (
        ("metric", "text", "throughput, latency, gpu_compute_time, ..."),
        ("stat", "text", "value, median, mean, p90, ..."),
        ("unit", "text", "qps or ms"),
        ("control", "float", "value in the control run; of several the geometric mean"),
        ("test", "float", "value in the test run; of several the geometric mean"),
        ("change_percent", "float", "test against control"),
        ("verdict", "text", "faster, slower or same (within noise); null where not judged"),
        ("p_value", "float", "how often equal engines differ by that much or more; null where not judged"),
        ("noise_percent", "float", "spread within a run, the largest of all runs"),
        ("method", "text", "what the verdict rests on"),
        ("limit_percent", "float", "a rise of up to that much, or a fall by the same factor, is not told from noise"),
        ("control_runs", "int", "runs of the control that have the figure"),
        ("test_runs", "int", "runs of the test that have the figure"),
        ("reason", "text", "why the limit is what it is, or why there is no verdict"),
    ),
    "layers": (
        _CATEGORY,
        ("control_layer", "text", "layer of the control build; several are joined with ' & '"),
        ("test_layer", "text", "layer of the test build"),
        ("role", "text", "layer, constant, reformat input 0, ..."),
        ("method", "text", "how they were paired: name, lineage, tensor, order, none"),
        ("confidence", "float", "that they do the same work, 0 to 1"),
        ("changed", "texts", "what changed: fusion, type, precision, formats, tactic"),
        ("time_source", "text", "profile: mean of an inference; tactic: what the builder timed"),
        ("control_ms", "float", "time in the control build; per sample where the batch differs"),
        ("test_ms", "float", "time in the test build; per sample where the batch differs"),
        ("delta_ms", "float", "test minus control"),
        ("speedup", "float", "control time by test time"),
        ("machine_percent", "float", "change of the tactics that both builds timed for it, median"),
        ("control_type", "text", "type in the control engine"),
        ("test_type", "text", "type in the test engine"),
        ("control_precision", "text", "data type of the computation"),
        ("test_precision", "text", "data type of the computation"),
        ("control_formats", "text", "formats of inputs and outputs, with vector size"),
        ("test_formats", "text", "formats of inputs and outputs, with vector size"),
        ("control_tactic", "text", "id of the tactic"),
        ("test_tactic", "text", "id of the tactic"),
        ("control_kernel", "text", "kernel"),
        ("test_kernel", "text", "kernel"),
        ("control_timed_as", "text", "the equal layer that was timed in its place; null where its time is its own"),
        ("test_timed_as", "text", "the equal layer that was timed in its place; null where its time is its own"),
        ("control_line", "int", "line of the control log that lists the layer"),
        ("test_line", "int", "line of the test log that lists the layer"),
    ),
    "attribution": (
        ("family", "text", "kind of operation; reformat for conversions; unpaired layers among them"),
        ("precision", "text", "data type before and after"),
        ("layers", "int", "number of layers, of the build that has more"),
        ("control_ms", "float", "time in the control build; per sample where the batch differs"),
        ("test_ms", "float", "time in the test build; per sample where the batch differs"),
        ("delta_ms", "float", "test minus control"),
        ("machine_ms", "float", "part of the change that tactics timed by both builds explain; null without"),
        ("share_percent", "float", "share in the change of the sum; they add up to 100"),
    ),
    "tactics": (
        ("layer", "text", "layer of the test build"),
        ("control_tactic", "text", "tactic of the control build"),
        ("test_tactic", "text", "tactic of the test build"),
        ("control_kernel", "text", "kernel of the control build"),
        ("test_kernel", "text", "kernel of the test build"),
        ("control_ms", "float", "control's tactic, timed by the control build"),
        ("test_ms", "float", "test's tactic, timed by the test build"),
        ("control_tactic_in_test_ms", "float", "control's tactic, timed by the test build"),
        ("test_tactic_in_control_ms", "float", "test's tactic, timed by the control build"),
        (
            "control_margin_percent",
            "float",
            "by how much the control build found test's tactic slower than its own",
        ),
        (
            "test_margin_percent",
            "float",
            "by how much the test build found control's tactic slower than its own",
        ),
        ("noise_percent", "float", "typical scatter over all tactics that both builds timed, outliers aside"),
        ("machine_percent", "float", "change of control's tactic from build to build: not the choice"),
        ("choice_percent", "float", "test's tactic against control's, both timed by the test build"),
        ("verdict", "text", "tie, unstable, better, worse, formats, not timed, unknown"),
        ("reason", "text", "the verdict in words"),
        ("layers", "int", "number of layers with the same change"),
    ),
    "candidates": (
        ("layer", "text", "layer of the test build"),
        ("runner", "text", "kind of implementation"),
        ("tactic", "text", "id of the tactic"),
        ("kernel", "text", "kernel"),
        ("formats", "text", "formats of inputs and outputs"),
        ("control_ms", "float", "time in the control build"),
        ("test_ms", "float", "time in the test build"),
        ("ratio", "float", "test by control"),
    ),
    "formats": (
        ("layer", "text", "layer of the test build"),
        ("side", "text", "inputs or outputs"),
        *_BOTH_TEXT,
    ),
    "fusions": (
        _CATEGORY,
        ("action", "text", "fuse, remove, merge, ..."),
        ("rule", "text", "name of the rewrite"),
        ("layer", "text", "layer that is rewritten"),
        ("other", "text", "layer that is fused with it"),
    ),
    "reformats": (
        _CATEGORY,
        ("reformat", "text", "the conversion layer"),
        ("control", "text", "formats before and after, in the control build"),
        ("test", "text", "formats before and after, in the test build"),
        ("control_ms", "float", "time in the control build"),
        ("test_ms", "float", "time in the test build"),
    ),
    "memory": (
        _CATEGORY,
        ("name", "text", "total or peak"),
        ("control_bytes", "int", "bytes in the control build"),
        ("test_bytes", "int", "bytes in the test build"),
        ("change_percent", "float", "test against control"),
    ),
    "phases": (
        _CATEGORY,
        ("name", "text", "phase of build or start; a repeated one is added up"),
        ("control_s", "float", "seconds in the control build"),
        ("test_s", "float", "seconds in the test build"),
        ("delta_s", "float", "test minus control"),
    ),
    "messages": (
        _CATEGORY,
        ("severity", "text", "warning, error or fatal"),
        ("text", "text", "the message"),
        ("control_count", "int", "how often the control log says it"),
        ("test_count", "int", "how often the test log says it"),
    ),
}


def build(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return a table of a diff; columns that a row lacks are null."""
    import pyarrow as pa

    types = {"text": pa.string(), "float": pa.float64(), "int": pa.int64(), "texts": pa.list_(pa.string())}
    schema = pa.schema([pa.field(column, types[type_], metadata={"doc": doc}) for column, type_, doc in SCHEMAS[name]])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


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
