"""Margins between tactics, the best per data type and format, and which kernels win."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog.analyses.layer.base import answer, nulls_last
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.timings import Timed, decoded_tactic, timed_rows
from trtlog.records.base import Record, column, engine_column, line_column, record, run_column

# What tells layers apart: names come again in another run or engine.
_LAYER = ("run", "engine", "layer")


def own_tactics(layers: Layers) -> list[Timed]:
    """Return the timed tactics of layers, those of conversions left out."""
    return [row for row in layers.timed_tactics if row["kind"] != "reformat"]


def _grouped(rows: Iterable[Timed], *names: str) -> dict[tuple[Any, ...], list[Timed]]:
    """Return rows by what some columns hold, in the order in which that comes first."""
    groups: dict[tuple[Any, ...], list[Timed]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


@record(frozen=True)
class Candidate(Record):
    """A timed tactic of a layer, with its rank among all of the layer."""

    run: int = run_column()
    engine: int | None = engine_column()
    layer: str = column("name", "layer")
    rank: int = column("int64", "place by time among all candidates of the layer, from 1")
    time_ms: float = column("float64", "time", "ms")
    slower_percent: float = column("float64", "how much slower than the layer's fastest candidate", "%")
    precision: str | None = column("name", "FP32 TF32 FP16 BF16 INT8 FP8 ...: formats, and the kernel's name for TF32")
    input_layout: str | None = column("name", "data type and layout of the first input")
    output_layout: str | None = column("name", "data type and layout of the first output")
    runner: str | None = column("name", "kind of implementation")
    tactic: str = column("name", "id of the tactic")
    kernel: str | None = column("name", "kernel")
    family: str | None = column("name", "architecture and operation of the kernel, else the runner")
    tensor_cores: bool | None = column("bool", "whether the kernel computes on tensor cores; null where unknown")
    chosen: bool = column("bool", "best of its combination of formats, by 'Chose Runner Type'")
    in_engine: bool | None = column("bool", "whether the engine uses it; null where the log shows no engine layers")
    input_formats: str | None = column("name", "formats of the inputs")
    output_formats: str | None = column("name", "formats of the outputs")
    line: int = line_column("the time")


def candidates(layers: Layers, layer: str | None = None) -> pa.Table:
    """Rank the timed tactics of each layer, or of one, over all its combinations of formats; by engine."""
    pool = [row for row in layers.timed_tactics if layer is None or row["layer"] == layer]
    pool.sort(key=lambda row: nulls_last(*(row[name] for name in (*_LAYER, "time_ms", "line"))))
    used = layers.used_rows if layers.tactics_known else None
    out = []
    for key, group in _grouped(pool, *_LAYER).items():
        best_ms = group[0]["time_ms"]
        for rank, row in enumerate(group, 1):
            known = None not in key  # what is timed for no layer has no place among others
            slower = 100 * (row["time_ms"] / best_ms - 1) if known and best_ms > 0 else None
            in_engine = None if used is None else row["row"] in used
            out.append({**row, "rank": rank if known else None, "slower_percent": slower, "in_engine": in_engine})
    return answer(Candidate, out)


@record(frozen=True)
class Margin(Record):
    """How clearly the winner of one combination of formats beats the next tactic."""

    run: int = run_column()
    engine: int | None = engine_column()
    layer: str = column("name", "layer")
    input_layout: str | None = column("name", "data type and layout of the first input")
    output_layout: str | None = column("name", "data type and layout of the first output")
    precision: str | None = column("name", "precision of the winner")
    candidates: int = column("int64", "tactics timed for this layer and combination")
    winner: str = column("name", "id of the fastest tactic")
    winner_runner: str | None = column("name", "its runner")
    winner_kernel: str | None = column("name", "its kernel")
    winner_ms: float = column("float64", "its time", "ms")
    second: str | None = column("name", "id of the next tactic; null for none")
    second_runner: str | None = column("name", "its runner")
    second_kernel: str | None = column("name", "its kernel")
    second_ms: float | None = column("float64", "its time", "ms")
    margin_ms: float | None = column("float64", "second less winner", "ms")
    margin_percent: float | None = column("float64", "margin over the winner's time", "%")
    in_engine: bool | None = column("bool", "whether the engine uses the winner; null without engine layers in the log")
    input_formats: str | None = column("name", "formats of the inputs")
    output_formats: str | None = column("name", "formats of the outputs")
    line: int = line_column("the winner's time")


def margins(layers: Layers) -> pa.Table:
    """Compare the winner with the runner-up, by layer and combination; the engine's first, slowest first.

    Where a run builds several engines, the one that it ended with comes first.
    """
    used = layers.used_rows
    tactics = enumerate(timed_rows(layers.log.table("tactics"), *_OF_TACTIC))
    own = [(number, dict(zip(_OF_TACTIC, values, strict=True))) for number, values in tactics]
    own = [(number, row) for number, row in own if row["kind"] != "reformat"]
    own.sort(key=lambda one: (one[1]["time_ms"], one[1]["line"]))
    groups: dict[tuple[Any, ...], _Group] = {}
    for number, row in own:
        key = (row["run"], row["engine"], row["layer"], row["input_formats"], row["output_formats"])
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(number, row)
            continue
        group.size += 1
        first = group.first
        # The same tactic timed again is no rival.
        if group.second is None and (row["tactic"] != first["tactic"] or row["runner"] != first["runner"]):
            group.second = row
    known = layers.tactics_known
    out = [_margin(group, group.number in used if known else None) for group in groups.values()]
    out.sort(key=lambda row: (row["run"], row["engine"] != layers.engine, not row["in_engine"], -row["winner_ms"]))
    return answer(Margin, out)


_OF_TACTIC = (
    "run", "engine", "layer", "kind", "input_formats", "output_formats", "runner", "tactic", "kernel", "time_ms", "line"
)  # fmt: skip


@dataclass
class _Group:
    """The tactics of one combination of formats: place and row of the fastest, the next one, their number."""

    number: int
    first: dict[str, Any]
    second: dict[str, Any] | None = None
    size: int = 1


def _margin(group: _Group, in_engine: bool | None) -> dict[str, Any]:
    first = group.first
    copied = ("run", "engine", "layer", "input_formats", "output_formats", "line")
    row: dict[str, Any] = {name: first[name] for name in copied}
    row["precision"], row["input_layout"], row["output_layout"], _, _ = decoded_tactic(
        first["input_formats"], first["output_formats"], first["kernel"], first["runner"]
    )
    row |= {"candidates": group.size, "in_engine": in_engine}
    for prefix, found in (("winner", first), ("second", group.second)):
        if found is None:
            continue
        row[prefix] = found["tactic"]
        row |= {f"{prefix}_runner": found["runner"], f"{prefix}_kernel": found["kernel"]}
        row[f"{prefix}_ms"] = float(found["time_ms"])
    if group.second is not None:
        row["margin_ms"] = row["second_ms"] - row["winner_ms"]
        row["margin_percent"] = 100 * row["margin_ms"] / row["winner_ms"] if row["winner_ms"] else None
    return row


@record(frozen=True)
class Best(Record):
    """The best time of a layer in one precision and layout."""

    run: int = run_column()
    engine: int | None = engine_column()
    layer: str = column("name", "layer")
    precision: str | None = column("name", "FP32 TF32 FP16 BF16 INT8 FP8 ...")
    input_layout: str | None = column(
        "name", "data type and layout of the first input; null where all are taken together"
    )
    output_layout: str | None = column("name", "data type and layout of the first output")
    candidates: int = column("int64", "tactics timed")
    best_ms: float = column("float64", "time of the fastest", "ms")
    slower_percent: float = column("float64", "how much slower than the layer's fastest candidate", "%")
    runner: str | None = column("name", "its runner")
    tactic: str = column("name", "its id")
    kernel: str | None = column("name", "its kernel")
    tensor_cores: bool | None = column("bool", "whether it computes on tensor cores; null where unknown")
    in_engine: bool | None = column("bool", "whether the engine uses this very tactic")
    line: int = line_column("the time")


def best(layers: Layers, by: str = "precision") -> pa.Table:
    """Find each layer's fastest tactic by precision, or by precision and layout.

    Parameters
    ----------
    by : {"precision", "format"}
        What the layer's candidates are grouped by.
    """
    pool, used = own_tactics(layers), layers.used_rows
    groups = ["precision"] if by == "precision" else ["precision", "input_layout", "output_layout"]
    pool.sort(key=lambda row: (row["time_ms"], row["line"]))
    fastest = {key: group[0]["time_ms"] for key, group in _grouped(pool, *_LAYER).items()}
    out = []
    for group in _grouped(pool, *_LAYER, *groups).values():
        first = group[0]
        copied = ("run", "engine", "layer", "runner", "tactic", "kernel", "tensor_cores", "line", *groups)
        row = {name: first[name] for name in copied}
        layer_best = fastest[tuple(first[name] for name in _LAYER)]
        row["candidates"] = len(group)
        row["best_ms"] = first["time_ms"]
        row["slower_percent"] = 100 * (first["time_ms"] / layer_best - 1) if layer_best else None
        row["in_engine"] = (first["row"] in used) if layers.tactics_known else None
        out.append(row)
    out.sort(key=lambda row: nulls_last(row["run"], row["engine"] != layers.engine, row["layer"], row["best_ms"]))
    return answer(Best, out)


@record(frozen=True)
class Winners(Record):
    """How often a runner or kernel family is timed, wins its combination, and gets into the engine."""

    run: int = run_column()
    engine: int | None = engine_column()
    name: str | None = column("name", "runner, family or precision")
    timed: int = column("int64", "tactics timed")
    layers: int = column("int64", "layers it was timed for")
    combinations_won: int = column("int64", "combinations of formats it won, by 'Chose Runner Type'")
    engine_layers: int = column("int64", "engine layers that use it, those of the timing cache included")
    best_ms: float | None = column("float64", "shortest time", "ms")


def winners(layers: Layers, by: str = "runner") -> pa.Table:
    """Count by runner, family or precision: timed, won, used by the engine; the most used first."""
    pool = layers.timed_tactics
    used: dict[Any, int] = {}
    for layer in layers.all:
        row = pool[layer.timing.row] if layer.row is not None and layer.timing.row is not None else None
        if row is not None and row["kind"] != "reformat":
            key = (row["run"], layer.engine, row[by])
            used[key] = used.get(key, 0) + 1
    out = []
    for (run, engine, name), group in _grouped(own_tactics(layers), "run", "engine", by).items():
        out.append(
            {
                "run": run,
                "engine": engine,
                "name": name,
                "timed": len(group),
                "layers": len({row["layer"] for row in group} - {None}),
                "combinations_won": sum(row["chosen"] for row in group),
                "engine_layers": used.get((run, engine, name), 0),
                "best_ms": min(row["time_ms"] for row in group),
            }
        )
    counts = ("engine_layers", "combinations_won", "timed")
    out.sort(key=lambda row: (row["run"], row["engine"] != layers.engine, *(-row[name] for name in counts)))
    return answer(Winners, out)


@record(frozen=True)
class PassedOver(Record):
    """A layer whose fastest tactic the engine does not use: it wants other formats than its neighbours."""

    run: int = run_column()
    layer: str = column("name", "layer")
    used_ms: float = column("float64", "time of the tactic in the engine", "ms")
    used_formats: str = column("text", "its formats, data type and layout")
    used_kernel: str | None = column("name", "its kernel, else its runner")
    best_ms: float = column("float64", "time of the fastest candidate", "ms")
    best_formats: str = column("text", "its formats")
    best_kernel: str | None = column("name", "its kernel, else its runner")
    best_tactic: str = column("name", "its id")
    gap_ms: float = column("float64", "what the engine's choice costs this layer alone", "ms")
    reformat_ms: float | None = column(
        "float64", "fastest timed conversions between both formats, input and output; null where none was timed", "ms"
    )
    verdict: str = column("name", "reformat_costs_more, reformat_costs_less, or reformat_not_timed")
    line: int = line_column("the fastest candidate's time")


def passed_over(layers: Layers) -> pa.Table:
    """List layers whose fastest candidate was passed over for its formats, the dearest first.

    The builder minimises the time of the whole network; a layer alone may do better in other formats, but
    then its input and output have to be converted. ``reformat_ms`` is what the timed conversions cost.
    """
    pool = layers.timed_tactics
    groups = _grouped(own_tactics(layers), *_LAYER)
    fastest = {key: min(group, key=itemgetter("time_ms")) for key, group in groups.items()}
    out = []
    for one in layers.layers:
        if one.timing.row is None or one.timing.borrowed:
            continue
        used = pool[one.timing.row]
        best_row = fastest.get(tuple(used[name] for name in _LAYER))
        if best_row is None:
            continue
        same = all(used[n] == best_row[n] for n in ("input_formats", "output_formats"))
        if same or best_row["time_ms"] >= used["time_ms"]:
            continue
        convert = layers.conversion_times.between(combination(used), combination(best_row), layers.tensors(one))
        gap = float(used["time_ms"] - best_row["time_ms"])
        verdict = (
            "reformat_not_timed"
            if convert is None
            else ("reformat_costs_more" if convert >= gap else "reformat_costs_less")
        )
        out.append(
            {
                "run": used["run"],
                "layer": one.layer,
                "used_ms": float(used["time_ms"]),
                "used_formats": _formats(used),
                "used_kernel": used["kernel"] or used["runner"],
                "best_ms": float(best_row["time_ms"]),
                "best_formats": _formats(best_row),
                "best_kernel": best_row["kernel"] or best_row["runner"],
                "best_tactic": best_row["tactic"],
                "gap_ms": gap,
                "reformat_ms": convert,
                "verdict": verdict,
                "line": int(best_row["line"]),
            }
        )
    out.sort(key=lambda row: (row["run"], -row["gap_ms"]))
    return answer(PassedOver, out)


def combination(row: Any) -> tuple[str | None, str | None]:
    """Return the formats of a timed tactic's inputs and outputs."""
    return row["input_formats"], row["output_formats"]


def _formats(row: Any) -> str:
    return f"{row['input_layout'] or 'none'} -> {row['output_layout'] or 'none'}"
