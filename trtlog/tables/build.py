"""Combinations of formats, the clock, and the timing cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_numpy
from trtlog.messages.captures import Matches, one_column
from trtlog.tables.autotune import operations_of, selected_tactics
from trtlog.tables.blocks import KINDS, Autotuning, autotuning, kind_is
from trtlog.tables.cells import codes_of, from_codes, int_or_none, take, to_name, to_tactic
from trtlog.tables.context import Context
from trtlog.tables.join import asof
from trtlog.tables.schema import captured_bytes, empty, from_columns, in_words, symbols_in
from trtlog.tables.simple import finish_columns
from trtlog.values.layer_info import onnx_names, tactic_id


def combinations(context: Context) -> pa.Table:
    """Format combinations, each with its layer, how many runners were timed for it, and what was chosen."""
    joined = autotuning(context)
    blocks = joined.blocks
    formats = blocks.format_table
    size = formats.num_rows
    if not size:
        return empty("combinations")
    lines = formats.lines
    costs = context.captured("costs", "reformat_costs")
    above = asof(lines, costs.lines, context.breaks)
    # A cached result names formats of its own, for which no combination is printed: it stands below another one's.
    counts = np.bincount(blocks.formats[(blocks.formats >= 0) & ~joined.cached], minlength=size)
    chosen = context.captured("chosen_tactic")
    chosen_row = np.full(size, -1, dtype=np.int64)
    places = asof(chosen.lines, lines, context.breaks)
    chosen_row[places[places >= 0]] = np.flatnonzero(places >= 0)
    columns: dict[str, Any] = {
        **context.places(lines),
        "layer": _layers(joined, costs, above, size),
        "kind": from_codes(kind_is(formats, "reformat_combination").astype(np.int32), KINDS),
        "input_formats": to_name(captured_bytes(formats, "input_formats")),
        "output_formats": to_name(captured_bytes(formats, "output_formats")),
        "input_layouts": in_words(captured_bytes(formats, "input_formats"), captured_bytes(formats, "output_formats")),
        "output_layouts": in_words(captured_bytes(formats, "output_formats")),
        "symbols": symbols_in(captured_bytes(formats, "output_formats")),
        "runners": from_numpy(counts),
        "chosen_runner": take(to_name(captured_bytes(chosen, "runner")), chosen_row),
        "chosen_tactic": take(to_tactic(captured_bytes(chosen, "tactic")), chosen_row),
        "costs_line": take(costs.column("line"), above),
    }
    return from_columns("combinations", columns, size)


def _layers(joined: Autotuning, costs: Matches, above: Array, size: int) -> pa.Array:
    """Return each combination's layer: the costs line's, a runner's of its own, or one of its neighbours'."""
    blocks = joined.blocks
    pieces = [captured_bytes(costs, "layer"), captured_bytes(blocks.captured, "layer")]
    both = to_name(one_column(pieces, [len(piece) for piece in pieces]))
    codes = np.append(codes_of(both), -1)  # the last stands for position -1
    runners = codes[costs.num_rows : -1]
    empty_name = np.array([name == "" for name in both.dictionary.to_pylist()] + [False])
    named = codes.take(above)
    # The first runner of each combination and of each costs line; what is assigned last stays.
    own = np.full(size, -1, codes.dtype)
    known = np.flatnonzero((blocks.formats >= 0) & (runners >= 0))[::-1]
    own[blocks.formats[known]] = runners[known]
    neighbour = np.full(costs.num_rows + 1, -1, codes.dtype)
    inside = np.flatnonzero(blocks.formats >= 0)[::-1]
    neighbour[above[blocks.formats[inside]]] = runners[inside]
    neighbour[-1] = -1
    found = np.where(
        (named >= 0) & ~empty_name[named],
        named,
        np.where((own >= 0) & ~empty_name[own], own, neighbour[above]),
    )
    return from_codes(found, both.dictionary)


def timestamps(context: Context) -> pa.Table:
    """Lines at which the printed time changes."""
    lines, seconds = context.clock
    times = from_numpy(seconds).cast(pa.timestamp("s"))
    columns = {**context.places(lines), "time": times}
    return from_columns("timestamps", columns, len(lines))


_CACHE = (
    "timing_cache_use",
    "timing_cache_off",
    "timing_cache_deleted",
    "timing_cache_file",
    "timing_cache_unreadable",
    "timing_cache_serialized",
    "timing_cache_loaded",
    "algorithm_selector",
)
_ACTIONS = {
    "timing_cache_use": "in_use",
    "timing_cache_deleted": "deleted",
    "timing_cache_serialized": "serialized",
    "timing_cache_loaded": "loaded",
    "algorithm_selector": "disabled",
}
# The wordings that are about another cache than that of timings.
_OTHER_CACHES = ("code_generator", "compilation")


def timing_cache(context: Context) -> pa.Table:
    """Messages of the timing cache."""
    numbers = ("entries", "hits", "bytes")
    fields = ("line", "cache_scope", "path", "kind", "wording", "cache_action", *numbers)
    lines, scopes, paths, kinds, wordings, actions, *counts = context.captures.lists(_CACHE, fields)
    events = [
        _ACTIONS.get(kind) or (action or "").lower() or _cache_event(kind, wording)
        for kind, wording, action in zip(kinds, wordings, actions, strict=True)
    ]
    caches = [wording if wording in _OTHER_CACHES else "timing" for wording in wordings]
    columns: dict[str, list[Any]] = {"line": lines, "event": events, "scope": scopes, "path": paths, "cache": caches}
    for name, printed in zip(numbers, counts, strict=True):
        columns[name] = [int_or_none(value) for value in printed]
    return finish_columns(context, "timing_cache", columns)


def _cache_event(kind: str, wording: str) -> str:
    """Return what a line says that names no action."""
    if kind == "timing_cache_off":
        return "invalid" if wording.startswith("invalid") else "disabled"
    return "unwritable" if wording == "unwritable" else "unreadable"


def autotuned_ops(context: Context) -> pa.Table:
    """Operations whose tactics are listed, with their keys in the editable timing cache."""
    fields = ("line", "layer", "cache_key", "onnx_layers")
    lines, layers, keys, sources = context.captures.lists(("foreign_node_op",), fields)
    if not lines:
        return empty("autotuned_ops")
    listed = operations_of(context, context.captured("foreign_node_tactic").lines)
    chosen = selected_tactics(context)
    rows = [chosen.get(row) for row in range(len(lines))]
    columns: dict[str, Sequence[Any]] = {
        "line": lines,
        "layer": layers,
        "key": keys,
        "onnx_layers": [onnx_names(text) if text else None for text in sources],
        "tactics": np.bincount(listed[listed >= 0], minlength=len(lines)).tolist(),
        "selected": [tactic_id(row[0]) if row else None for row in rows],
        "selected_ms": [float(row[1]) if row else None for row in rows],
        "selected_line": [row[2] if row else None for row in rows],
    }
    return finish_columns(context, "autotuned_ops", columns)


def placements(context: Context) -> pa.Table:
    """One row a layer and engine: where it runs, and why not on the DLA."""
    fields = ("line", "kind", "wording", "layer", "layer_type", "dla_reason", "dla_limit", "reason")
    found = context.captures.lists(_PLACING, fields)
    builds = context.builds.of(np.array(found[0], np.int64)).tolist() if found[0] else []
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for build, line, kind, wording, layer, layer_type, reason, limit, split in zip(builds, *found, strict=True):
        if layer is None:
            continue
        row = rows.setdefault((build, layer), {"line": line, "layer": layer, "fallback": False})
        row["type"] = layer_type or row.get("type")
        if kind == "layer_placed":
            row["processor"] = "GPU" if wording.startswith("gpu") else "DLA"
            continue
        row["fallback"] = True
        row["processor"] = "GPU"
        cause = reason or limit or split or _REASONS.get(wording)
        if cause is not None and row.get("reason") is None:
            row["reason"], row["reason_line"] = cause.strip(), line
    names = ("line", "layer", "type", "processor", "fallback", "reason", "reason_line")
    columns = {name: [row.get(name) for row in rows.values()] for name in names}
    return finish_columns(context, "placements", columns)


_PLACING = ("layer_placed", "dla_fallback", "dla_unsupported", "dla_offloaded")
# Reasons that a wording gives by itself.
_REASONS = {
    "subgraphs": "too many subgraphs for a DLA core",
    "subgraphs_merged": "too many subgraphs for a DLA core",
    "validation": "validation for the DLA failed",
    "split": "validation for the DLA failed",
}
