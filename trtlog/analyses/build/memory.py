"""Memory of build and engine, and the tactics that a larger workspace would have allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows, values_of
from trtlog._util.words import memory_size
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.log import Log
from trtlog.records.autotune import UNNAMED
from trtlog.records.base import Record, column, engine_column, line_column, record, run_column

_MEANING = {
    "host_persistent": "host memory that the layers keep",
    "device_persistent": "GPU memory that the layers keep",
    "scratch": "scratch memory of the layers, shared: the largest need",
    "activation": "tensors between layers and scratch, after sharing",
    "activation_before": "a first figure, before memory is assigned: the limit, not a need",
    "weights": "weights on the GPU",
    "peak_cpu": "most host memory that TensorRT's allocators held",
    "peak_gpu": "most GPU memory that TensorRT's allocators held",
    "build_peak_cpu": "most host memory during build and serialization",
    "weight_streaming_limit": "most GPU memory for weights, which are streamed from the host",
    "weight_streaming_minimum": "least GPU memory with which the weights can be streamed",
    "weight_streaming_maximum": "GPU memory of all weights that can be streamed",
}


@record(frozen=True)
class MemoryUse(Record):
    """A figure of memory, for people."""

    run: int = run_column()
    name: str = column("name", "name as in table memory_totals; weight_streaming_limit, _minimum and _maximum")
    size: str | None = column("text", "size in the unit that fits; null where it cannot be read")
    mib: float | None = column("float64", "the same in MiB", "MiB")
    meaning: str | None = column("text", "what it is")
    line: int = line_column("the figure")


def memory_use(layers: Layers, facts: pa.Table) -> pa.Table:
    """Say what of the printed totals and limits counts: of the engine that was kept the last of each name, in MiB.

    TensorRT 8 prints the activation memory twice, 8.0 only the first time. The first figure comes before memory is
    assigned and holds the limit (8.5.3 on a GPU of 143155 MiB: 143182 MiB); it is named ``activation_before``.
    """
    last = {(row["run"], row["name"]): row for row in (*_totals(layers), *_streaming(facts))}
    out = sorted(map(_use, last.values()), key=lambda row: (row["run"], row["line"]))
    return answer(MemoryUse, out)


def memory_totals(layers: Layers) -> dict[str, int]:
    """Return the bytes of each total of the engine that was kept: the last printed, and no limits."""
    found = {row["name"]: row["bytes"] for row in _totals(layers) if row["bytes"] is not None}
    found.pop("activation_before", None)
    return found


def _totals(layers: Layers) -> list[dict[str, Any]]:
    """Return the totals; an activation memory above what the layers keep is the one before memory is assigned.

    Of an engine that was loaded the builder prints none: the execution context's are the same in logs that have both,
    but for activations, which are allocated in whole pieces (TensorRT 8.4.1: 2409472 bytes, the builder's 2408456).
    """
    listed = list(table_rows(layers.rows("memory_totals")))
    if not any(row["name"] in ("host_persistent", "activation") for row in listed):
        listed += _of_context(layers)
    assigned = {row["run"]: row["line"] for row in listed if row["name"] == "host_persistent"}
    return [
        {**row, "name": "activation_before"}
        if row["name"] == "activation" and row["line"] < assigned.get(row["run"], 0)
        else row
        for row in listed
    ]


def _streaming(facts: pa.Table) -> list[dict[str, Any]]:
    """Return what is printed of the GPU memory for streamed weights."""
    rows = table_rows(facts.filter(pc.starts_with(facts.column("kind").cast(pa.string()), "weight_streaming")))
    return [
        {
            "run": row["run"],
            "name": f"weight_streaming_{(row['subject'] or 'limit').lower()}",
            "bytes": row["value"],
            "line": row["line"],
        }
        for row in rows
    ]


def weights_in_words(log: Log) -> str | None:
    """Return how a run streams its weights; None where the log says nothing of it.

    Examples
    --------
    >>> import trtlog
    >>> text = b"[I] Weight streaming is enabled with a device memory limit of 4096 bytes."
    >>> weights_in_words(trtlog.parse(text))
    'streamed, with at most 4 KiB of GPU memory for them'
    """
    limits = {row["name"]: row["size"] for row in table_rows(log.analyze.table("memory_use"))}
    least, most = (limits.get(f"weight_streaming_{name}") for name in ("minimum", "maximum"))
    if limit := limits.get("weight_streaming_limit"):
        return f"streamed, with at most {limit} of GPU memory for them"
    budget = log.inference.weight_streaming_budget if log.build.weight_streaming else None
    if budget == "Automatic":
        return "streamed, with a budget that TensorRT chooses"
    if most is None and budget is None:
        return None
    bounds = "" if most is None else f", with a budget of {f'{least} to' if least else 'at most'} {most}"
    # Without trtexec's options a program may have set a budget: of that TensorRT prints nothing.
    asked = {None: "", "Disabled": "; no budget is set"}.get(budget, f"; budget {budget}")
    return f"could be streamed{bounds}{asked}"


# (kind, what it is about) of a fact -> the total that it is.
_CONTEXT = {
    ("runner_persistent", "host"): "host_persistent",
    ("runner_persistent", "device"): "device_persistent",
    ("device_memory_allocated", "activation device"): "activation",
}


def _of_context(layers: Layers) -> list[dict[str, Any]]:
    rows = ((row, _CONTEXT.get((row["kind"], row["subject"] or ""))) for row in table_rows(layers.rows("facts")))
    return [
        {"run": row["run"], "line": row["line"], "name": name, "bytes": int(row["value"]), "engine": row["engine"]}
        for row, name in rows
        if name is not None and row["value"] is not None
    ]


def _use(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": row["run"],
        "name": row["name"],
        "size": None if row["bytes"] is None else memory_size(row["name"], row["bytes"]),
        "mib": None if row["bytes"] is None else row["bytes"] / 2**20,
        "meaning": _MEANING.get(row["name"]),
        "line": row["line"],
    }


def in_use(memory: pa.Table, *, managed: bool = False) -> pa.Table:
    """Return the steps whose figures are of one kind and can be drawn as a line.

    ``[MemUsageChange]`` prints what the process and the device use (``Init CUDA``), and, in the same words, what
    TensorRT itself manages (``TensorRT-managed allocation in ...``), which is a part of it.

    Parameters
    ----------
    memory : pyarrow.Table
        Table ``memory``.
    managed : bool
        Whether to return what TensorRT manages.
    """
    own = pc.starts_with(memory.column("event").cast(pa.string()), "TensorRT-managed")
    return memory.filter(own if managed else pc.invert(own))


@dataclass(frozen=True)
class GpuMemory:
    """GPU memory of a run, in MiB; None where the log does not print it.

    Parameters
    ----------
    engine_mib : int or None
        What TensorRT manages once the execution context is made: weights and activations.
    peak_mib : int or None
        Most in use on the device, by all programs.
    """

    engine_mib: int | None
    peak_mib: int | None


def gpu_memory(memory: pa.Table) -> GpuMemory:
    """Return the GPU memory of one run, of its table ``memory``."""
    managed, device = [], []
    for row in table_rows(memory):
        if row["gpu_mib"] is None:
            continue
        if "TensorRT-managed allocation" not in row["event"]:
            device.append(row["gpu_mib"])
        elif "IExecutionContext" in row["event"]:
            managed.append(row["gpu_mib"])
    return GpuMemory(max(managed, default=None), max(device, default=None))


@record(frozen=True)
class WorkspaceSkip(Record):
    """A layer some of whose tactics needed more memory than there was."""

    run: int = run_column()
    engine: int = engine_column()
    layer: str | None = column("name", "layer; null where the log names none")
    runner: str | None = column("name", "runner; null where the log names none")
    skipped: int | None = column(
        "int64", "tactics skipped for lack of memory; null where the log says only that some were"
    )
    requested_mib: float | None = column("float64", "most memory asked for", "MiB")
    available_mib: float | None = column("float64", "memory there was", "MiB")
    best_ms: float | None = column(
        "float64", "fastest tactic of the layer that fitted; null where none was timed", "ms"
    )
    least_mib: float | None = column("float64", "least memory asked for", "MiB")
    pool: str | None = column(
        "name", "workspace: the limit of the builder; device: the GPU's memory; null where the log does not say which"
    )
    line: int = line_column("the first skip")


_MEMORY_REASONS = ("scratch", "insufficient_memory", "memory", "workspace", "out_of_memory")


def is_memory_skip(skip: dict[str, Any]) -> bool:
    """Whether a row of table skips is for lack of memory."""
    if skip["requested_bytes"] is not None or skip["reason"] in _MEMORY_REASONS:
        return True
    return "memory" in skip["reason"] or "workspace" in skip["reason"]


def pool_of(skip: Mapping[str, Any]) -> str | None:
    """Return which memory a tactic was skipped for."""
    if skip["reason"] == "scratch":
        return "workspace"
    if skip.get("refused"):
        return "device"
    if skip["reason"] == "insufficient_memory" and skip["available_bytes"] is not None:
        return "device"
    return "workspace" if "workspace" in skip["reason"] else None


def skips_with_refusals(skips: pa.Table, facts: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of table skips, with whether the GPU refused the memory that was asked for, as ``refused``.

    The line on the tactic names the bytes alone; the one on the allocation that failed names the GPU.
    """
    rows: list[dict[str, Any]] = list(table_rows(skips))
    if not any(row["reason"] == "insufficient_memory" and row["available_bytes"] is None for row in rows):
        return rows
    refused = {
        (row["run"], row["engine"], int(row["value"]))
        for row in table_rows(facts)
        if (row["kind"], row["field"], row["subject"]) == ("memory_unavailable", "requested_bytes", "GPU")
    }
    return [
        {**row, "refused": row["reason"] == "insufficient_memory"
         and (row["run"], row["engine"], row["requested_bytes"]) in refused} for row in rows
    ]  # fmt: skip


def workspace_skips(skips: pa.Table, tactics: pa.Table, facts: pa.Table) -> pa.Table:
    """List layers with tactics that a larger workspace would have allowed, the largest request first."""
    best: dict[tuple[int, int, Any], float] = {}
    timed = (values_of(tactics.column(name)) for name in ("run", "engine", "layer", "time_ms"))
    for run, engine, layer, time_ms in zip(*timed, strict=True):
        if time_ms is not None and time_ms < best.get((run, engine, layer), float("inf")):
            best[run, engine, layer] = time_ms
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    skipped = [row for row in skips_with_refusals(skips, facts) if is_memory_skip(row)]
    asked_of_device = {
        (row["run"], row["engine"], row["requested_bytes"]) for row in skipped if pool_of(row) == "device"
    }
    told_again: Counter[tuple[Any, ...]] = Counter()
    named = {(row["run"], row["engine"], row["layer"]) for row in skipped if row["reason"] == "scratch"}
    for row in skipped:
        build = row["run"], row["engine"]
        if row["reason"] == UNNAMED and (*build, row["layer"]) in named:
            continue  # the lines above it in other words
        pool = pool_of(row)
        if pool is None and (*build, row["requested_bytes"]) in asked_of_device:
            told_again.update([(*build, row["layer"], row["runner"], "device")])
            continue  # the line above it in other words; of one that is cut the line above may be missing
        groups.setdefault((*build, row["layer"], row["runner"], pool), []).append(row)
    out = []
    for (run, engine, layer, runner, pool), members in groups.items():
        asked = [m["requested_bytes"] for m in members if m["requested_bytes"] is not None]
        there = [m["available_bytes"] for m in members if m["available_bytes"] is not None]
        out.append(
            {
                "run": run,
                "engine": engine,
                "layer": layer,
                "runner": runner,
                "skipped": None
                if any(m["reason"] == UNNAMED for m in members)
                else max(len(members), told_again[run, engine, layer, runner, pool]),
                "requested_mib": max(asked) / 2**20 if asked else None,
                "least_mib": min(asked) / 2**20 if asked else None,
                "available_mib": min(there) / 2**20 if there else None,
                "pool": pool,
                "best_ms": best.get((run, engine, layer)),
                "line": members[0]["line"],
            }
        )
    out.sort(key=lambda row: (row["run"], -(row["requested_mib"] or 0.0)))
    return answer(WorkspaceSkip, out)
