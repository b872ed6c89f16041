"""Margins between tactics, the best per data type and format, and which kernels win."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, alike, among, from_numpy, is_valid, to_filled
from trtlog.analyses.layer.base import answer, answer_of
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.timed import TimedTactics
from trtlog.records.base import Record, column, engine_column, line_column, record, run_column
from trtlog.tables.cells import codes_of, take

# What tells layers apart: names come again in another run or engine.
_LAYER = ("run", "engine", "layer")
_COPY = "reformat"


def _own_places(timed: TimedTactics, *by: str) -> Array:
    """Return the places of the timed tactics that are no conversions, in the order of some columns."""
    kinds = timed.column("kind")
    own = np.flatnonzero(~among(codes_of(kinds), [n for n, k in enumerate(kinds.dictionary.to_pylist()) if k == _COPY]))
    return own[np.lexsort([timed.ranks(name)[own] for name in reversed(by)])] if by else own


def _groups(timed: TimedTactics, places: Array, *names: str) -> tuple[Array, Array]:
    """Return the first of each group of places that some columns hold the same of, and the group of each."""
    return alike([timed.ranks(name)[places] for name in names])


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
    timed = layers.timed_tactics
    keys = [timed.ranks(name) for name in (*_LAYER, "time_ms", "line")]
    places = np.arange(len(timed)) if layer is None else timed.places(layer)
    order = places[np.lexsort([key[places] for key in keys[::-1]])]
    firsts, group = alike([key[order] for key in keys[: len(_LAYER)]])
    first = firsts[group]
    # What is timed for no layer has no place among others.
    known = np.logical_and.reduce([is_valid(timed.column(name)) for name in _LAYER])[order]
    times = keys[len(_LAYER)][order]
    with np.errstate(all="ignore"):
        slower = 100 * (times / times[first] - 1)
    columns = {name: take(timed.column(name), order) for name in Candidate.columns() if name in timed.names}
    columns["rank"] = from_numpy(np.arange(len(order)) - first + 1, known)
    columns["slower_percent"] = from_numpy(slower, known & (times[first] > 0))
    if layers.tactics_known:
        columns["in_engine"] = from_numpy(among(order, list(layers.used_rows)))
    return answer_of(Candidate, columns, len(order))


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
    timed = layers.timed_tactics
    own = _own_places(timed, "time_ms", "line")
    # Of a block whose beginning is not in the log nobody knows what else was timed, nor in which formats.
    whole = is_valid(timed.column("timing_line")) | is_valid(timed.column("kind"))
    own = own[whole[own]]
    firsts, group = _groups(timed, own, *_LAYER, "input_formats", "output_formats")
    # The same tactic timed again is no rival.
    tactics, runners = timed.ranks("tactic")[own], timed.ranks("runner")[own]
    rivals = np.flatnonzero((tactics != tactics[firsts][group]) | (runners != runners[firsts][group]))
    seconds = np.full(len(firsts), -1)
    seconds[group[rivals][::-1]] = own[rivals][::-1]
    # Where lines were left out of the log, what came second may be among them.
    left_out = to_filled(timed.column("left_out"), False)[own]
    seconds[group[left_out]] = -1
    # Of a block that breaks off before it names its fastest tactic the choice alone could tell the winner.
    broken_off = left_out & ~to_filled(timed.column("fastest"), False)[own]
    known_winner = np.ones(len(firsts), bool)
    known_winner[group[broken_off]] = False
    known_winner[group[to_filled(timed.column("chosen"), False)[own]]] = True
    winners, sizes = own[firsts], np.bincount(group, minlength=len(firsts))
    winners, seconds, sizes = winners[known_winner], seconds[known_winner], sizes[known_winner]
    in_engine = among(winners, list(layers.used_rows))
    known = layers.tactics_known
    runs, times = (timed.ranks(name)[winners] for name in ("run", "time_ms"))
    order = np.lexsort((-times, ~(in_engine & known), _elsewhere(layers)[winners], runs))
    winners, seconds, times = winners[order], seconds[order], times[order]
    rivalled = seconds >= 0
    places = from_numpy(np.where(rivalled, seconds, 0), rivalled)
    columns = {name: timed.at(name, winners) for name in Margin.columns() if name in timed.names}
    for prefix, said in (("", "tactic"), ("_runner", "runner"), ("_kernel", "kernel")):
        columns[f"winner{prefix}"] = take(timed.column(said), winners)
        columns[f"second{prefix}"] = timed.column(said).take(places)
    behind = timed.ranks("time_ms")[np.where(rivalled, seconds, 0)]
    with np.errstate(all="ignore"):
        margin = behind - times
        percent = 100 * margin / times
    columns |= {"winner_ms": from_numpy(times), "second_ms": from_numpy(behind, rivalled)}
    columns["margin_ms"] = from_numpy(margin, rivalled)
    columns["margin_percent"] = from_numpy(percent, rivalled & (times != 0))
    columns["candidates"] = from_numpy(sizes[order])
    if known:
        columns["in_engine"] = from_numpy(in_engine[order])
    return answer_of(Margin, columns, len(order))


def _elsewhere(layers: Layers) -> Array:
    """Return which of the timed tactics were timed for another engine than the one that the run ended with."""
    engines = to_filled(layers.timed_tactics.column("engine"), -1)
    found: Array = engines != (-1 if layers.engine is None else layers.engine)
    return found


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
    timed, used = layers.timed_tactics, layers.used_rows
    own = _own_places(timed, "time_ms", "line")
    groups = ["precision"] if by == "precision" else ["precision", "input_layout", "output_layout"]
    of_layer, layer = _groups(timed, own, *_LAYER)
    firsts, group = _groups(timed, own, *_LAYER, *groups)
    fastest = timed.ranks("time_ms")[own[of_layer]][layer[firsts]]
    winners, sizes = own[firsts], np.bincount(group, minlength=len(firsts))
    keys = [timed.ranks(name)[winners] for name in ("time_ms", "layer", "run")]
    order = np.lexsort((keys[0], keys[1], _elsewhere(layers)[winners], keys[2]))
    facts = zip(*(values[order].tolist() for values in (winners, sizes, fastest)), strict=True)
    copied = ("run", "engine", "layer", "runner", "tactic", "kernel", "tensor_cores", "line", *groups)

    def row_of(place: int, size: int, layer_best: float) -> dict[str, Any]:
        first = timed[place]
        row: dict[str, Any] = {name: first[name] for name in copied}
        row["candidates"] = size
        row["best_ms"] = first["time_ms"]
        row["slower_percent"] = 100 * (first["time_ms"] / layer_best - 1) if layer_best else None
        row["in_engine"] = (place in used) if layers.tactics_known else None
        return row

    return answer(Best, (row_of(*known) for known in facts))


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
    own = _own_places(pool)
    firsts, group = _groups(pool, own, "run", "engine", by)
    names, named = pool.ranks("layer")[own], is_valid(pool.column("layer"))[own]
    pairs, _ = alike([group[named], names[named]])
    size = len(firsts)
    won = np.bincount(group, to_filled(pool.column("chosen"), False)[own], minlength=size)
    best_ms = np.full(size, np.inf)
    np.minimum.at(best_ms, group, pool.ranks("time_ms")[own])
    counts_of = (np.bincount(group, minlength=size), np.bincount(group[named][pairs], minlength=size), won, best_ms)
    out = []
    facts = zip(own[firsts].tolist(), *map(np.ndarray.tolist, counts_of), strict=True)
    for place, timed, many, combinations, least in facts:
        run, engine, name = (pool[place][column] for column in ("run", "engine", by))
        out.append(
            {
                "run": run,
                "engine": engine,
                "name": name,
                "timed": timed,
                "layers": many,
                "combinations_won": int(combinations),
                "engine_layers": used.get((run, engine, name), 0),
                "best_ms": least,
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
    own = _own_places(pool, "time_ms", "row")
    firsts, _ = _groups(pool, own, *_LAYER)
    fastest = {tuple(pool[place][name] for name in _LAYER): pool[place] for place in own[firsts].tolist()}
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
