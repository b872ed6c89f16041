"""Whether two logs are of engines that differ, by all that they print but their times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.words import counted, percent, size

# What an engine needs is the same in every run of it, to the byte.
_EXACT = ("activation", "host_persistent", "device_persistent", "scratch", "weights")
_WHOLE_MIB = 1.0
# A log without the builder's total of activations has what the execution context allocated: rounded up, in TensorRT
# 8.4.1 by 1016 bytes.
_ALLOCATED_BYTES = 1 << 10


@dataclass(frozen=True)
class EngineVerdict:
    """Whether the engines of two logs differ.

    Parameters
    ----------
    differ : bool or None
        True where a figure or a layer says so; False where both logs list the layers, and they and the memory are the
        same; None where the logs cannot tell.
    evidence : tuple of str
        What says so, in words.
    """

    differ: bool | None
    evidence: tuple[str, ...]


def engine_verdict(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], sizes_mib: tuple[float | None, float | None], known: bool
) -> EngineVerdict:
    """Judge by the tables of a diff.

    Parameters
    ----------
    tables : mapping
        Table of a diff -> rows; ``layers``, ``memory`` and ``options`` are looked at.
    sizes_mib : (float or None, float or None)
        Sizes of the engines, as printed: in whole MiB.
    known : bool
        Whether both logs list the layers of their engines with their tactics.

    Examples
    --------
    >>> memory = [{"name": "activation", "control_bytes": 4096, "test_bytes": 2048}]
    >>> engine_verdict({"layers": [], "memory": memory, "options": []}, (None, None), False)
    EngineVerdict(differ=True, evidence=('activation memory 4 KiB -> 2 KiB',))
    """
    evidence = [*_layers(tables["layers"]), *_memory(tables["memory"])]
    control, test = sizes_mib
    if control is not None and test is not None and abs(control - test) > _WHOLE_MIB:
        evidence.append(f"engine of {control:g} -> {test:g} MiB")
    if not evidence:
        return EngineVerdict(False if known else None, ())
    built = [row for row in tables["options"] if (row["section"], row["key"]) == ("build", "Precision")]
    evidence += [f"built with {row['control']} -> {row['test']}" for row in built if row["category"] == "changed"]
    return EngineVerdict(True, tuple(evidence))


def _layers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    changed = [row for row in rows if row["category"] != "unchanged"]
    if not changed:
        return []
    what = Counter(name for row in changed for name in row["changed"] or ())
    named = ", ".join(f"{name} of {count}" for name, count in what.most_common(3))
    alone = Counter(row["category"] for row in changed)
    parts = [named, *(f"{alone[name]} {name}" for name in ("added", "removed") if alone[name])]
    return [f"{len(changed)} of {counted(len(rows), 'layer')} ({'; '.join(filter(None, parts))})"]


def compared_memory(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Return the memory that equal engines need exactly, by name, of those that both logs tell.

    Parameters
    ----------
    rows : sequence of mapping
        The table ``memory`` of the diff.

    Examples
    --------
    >>> compared_memory([{"name": "activation", "control_bytes": 4096, "test_bytes": None}])
    {}
    """
    both = {row["name"]: (row["control_bytes"], row["test_bytes"]) for row in rows}
    return {name: both[name] for name in _EXACT if name in both and None not in both[name]}


def is_rounding(name: str, control: int, test: int) -> bool:
    """Return whether two figures of memory may be of one engine, one of them rounded up.

    Examples
    --------
    >>> is_rounding("activation", 2408456, 2409472), is_rounding("scratch", 2408456, 2409472)
    (True, False)
    """
    return name == "activation" and 0 < abs(control - test) <= _ALLOCATED_BYTES


def _memory(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} memory {size(control)} -> {size(test)}"
        for name, (control, test) in compared_memory(rows).items()
        if control != test and not is_rounding(name, control, test)
    ]


def beside_times(found: EngineVerdict, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what the verdicts of the times mean for the engines; None where there is nothing to add.

    Parameters
    ----------
    found : EngineVerdict
        Whether the engines differ.
    rows : sequence of mapping
        The table ``performance`` of the diff.
    """
    judged = [
        row
        for row in rows
        if row["metric"] in ("throughput", "latency", "gpu_compute_time") and row["stat"] in ("value", "median", "mean")
        and row["verdict"] is not None
    ]  # fmt: skip
    if not found.differ or not judged or any(row["verdict"] != "same" for row in judged):
        return None
    limit = max((row["limit_percent"] for row in judged if row["limit_percent"] is not None), default=None)
    noise = f" of {percent(limit)}" if limit is not None else ""
    return f"their times do not differ beyond noise{noise}, so which is faster these runs cannot tell"
