"""Combinations of formats, the clock, and the timing cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog.captures import text
from trtlog.tables.autotune import autotuning
from trtlog.tables.context import Context
from trtlog.tables.runs import parse_time
from trtlog.tables.schema import asof, captured_bytes, empty, from_columns, in_words, take, to_name, to_tactic, to_text
from trtlog.tables.simple import finish_rows


def combinations(context: Context) -> pa.Table:
    """Format combinations, each with its layer, how many runners were timed for it, and what was chosen."""
    joined = autotuning(context)
    blocks = joined.blocks
    formats = blocks.format_table
    size = formats.num_rows
    if not size:
        return empty("combinations")
    lines = formats.column("line").to_numpy()
    costs = context.captured("costs", "reformat_costs")
    above = asof(lines, costs.column("line").to_numpy(), context.run_lines)
    counts = np.bincount(blocks.formats[blocks.formats >= 0], minlength=size)
    chosen = context.captured("chosen_tactic")
    chosen_row = np.full(size, -1, dtype=np.int64)
    held = asof(chosen.column("line").to_numpy(), lines, context.run_lines)
    chosen_row[held[held >= 0]] = np.flatnonzero(held >= 0)
    columns: dict[str, Any] = {
        "run": context.run_of(lines),
        "line": formats.column("line"),
        "layer": _layers(blocks, costs, above, size),
        "kind": pc.if_else(pc.equal(formats.column("kind"), "reformat_combination"), "reformat", "layer"),
        "input_formats": to_name(captured_bytes(formats, "input_formats")),
        "output_formats": to_name(captured_bytes(formats, "output_formats")),
        "input_layouts": in_words(captured_bytes(formats, "input_formats"), captured_bytes(formats, "output_formats")),
        "output_layouts": in_words(captured_bytes(formats, "output_formats")),
        "runners": pa.array(counts, pa.int64()),
        "chosen_runner": take(to_name(captured_bytes(chosen, "runner")), chosen_row),
        "chosen_tactic": take(to_tactic(captured_bytes(chosen, "tactic")), chosen_row),
        "costs_line": take(costs.column("line"), above),
    }
    return from_columns("combinations", columns, size)


def _layers(blocks: Any, costs: pa.Table, above: np.ndarray[Any, Any], size: int) -> pa.Array:
    """Return each combination's layer: the costs line's, a runner's of its own, or one of its neighbours'."""
    named = take(to_text(captured_bytes(costs, "layer")), above).to_pylist()
    own: list[str | None] = [None] * size
    runners = to_text(captured_bytes(blocks.captured, "layer")).to_pylist()
    by_costs: dict[int, str] = {}
    for block, position in enumerate(blocks.formats.tolist()):
        if position < 0:
            continue
        if own[position] is None:
            own[position] = runners[block]
        if above[position] >= 0:
            by_costs.setdefault(int(above[position]), runners[block])
    found = [named[i] or own[i] or (by_costs.get(int(above[i])) if above[i] >= 0 else None) for i in range(size)]
    return pa.array(found, pa.string()).dictionary_encode()


def timestamps(context: Context) -> pa.Table:
    """Lines at which the printed time changes."""
    rows = [{"line": line, "time": parse_time(text(stamp))} for line, stamp in context.captures.times]
    return finish_rows(context, "timestamps", [row for row in rows if row["time"] is not None])


_CACHE = ("timing_cache_use", "timing_cache_deleted", "timing_cache_file", "timing_cache_unreadable",
          "timing_cache_serialized")  # fmt: skip
_ACTIONS = {"timing_cache_use": "in_use", "timing_cache_deleted": "deleted", "timing_cache_serialized": "serialized"}


def timing_cache(context: Context) -> pa.Table:
    """Messages of the timing cache."""
    rows = []
    for row in context.captures.rows(*(k for k in _CACHE if k in context.captures.grammar.messages)):
        kind = row["kind"]
        event = _ACTIONS.get(kind)
        if event is None:
            event = (row.get("cache_action") or "").lower() or (
                "unwritable" if row["wording"] == "unwritable" else "unreadable"
            )
        rows.append(
            {
                "line": row["line"],
                "event": event,
                "scope": row.get("cache_scope"),
                "path": row.get("path"),
                **{n: int(row[n]) for n in ("entries", "hits", "bytes") if row.get(n) is not None},
            }
        )
    return finish_rows(context, "timing_cache", rows)
