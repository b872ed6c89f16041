"""Timings, tactics and skips: the rows know their layer, runner and formats by where they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import Array, distinct, from_list, from_numpy, is_valid, to_filled, to_numpy
from trtlog.messages.captures import Matches
from trtlog.tables.blocks import COSTS, FORMATS, Autotuning, autotuning, ids_of, is_time, kind_is, times_of
from trtlog.tables.cells import (
    from_codes,
    tactic_names,
    take,
    to_float,
    to_int,
    to_name,
    to_tactic,
    to_tactic_id,
    to_text,
)
from trtlog.tables.context import Context
from trtlog.tables.join import asof, counts_upto, first_of_each, keys_of, last_equal, sorted_lines
from trtlog.tables.schema import captured_bytes, empty, from_columns, symbols_in

_OUTCOMES = ("untimed", "skipped", "no_valid_tactics", "timed", "cached")


def timings(context: Context) -> pa.Table:
    """Blocks of one runner's tactics."""
    joined = autotuning(context)
    blocks = joined.blocks
    size = len(blocks.lines)
    if not size:
        return empty("timings")
    counts = joined.tactic_counts
    no_valid = _marks(context, joined, ("no_valid_tactics",), size)
    skipped = _marks(context, joined, tuple(context.kinds_of("skips")), size)
    outcome = np.full(size, _OUTCOMES.index("untimed"), np.int32)
    outcome[skipped] = _OUTCOMES.index("skipped")
    outcome[no_valid | joined.block_none] = _OUTCOMES.index("no_valid_tactics")
    outcome[(counts > 0) | joined.block_has] = _OUTCOMES.index("timed")
    outcome[joined.cached] = _OUTCOMES.index("cached")
    formats: dict[str, Any] = dict(joined.format_columns)
    if joined.cached.any():
        for name in ("input_formats", "output_formats"):
            printed = to_text(captured_bytes(blocks.captured, name))
            formats[name] = pc.if_else(from_numpy(joined.cached), printed, formats[name].cast(pa.string()))
        formats["symbols"] = symbols_in(formats["output_formats"])
    seconds = to_float(captured_bytes(joined.fastest, "seconds"), pa.float64()) if joined.fastest.num_rows else None
    columns: dict[str, Any] = {
        **context.places(blocks.lines),
        "layer": joined.layers,
        "runner": joined.runners,
        "runner_id": captured_bytes(blocks.captured, "runner_id"),
        "kind": joined.kinds,
        **formats,
        "outcome": from_codes(outcome, from_list(_OUTCOMES, pa.string())),
        "seconds": None if seconds is None else take(seconds, joined.fastest_row),
        "tactics": from_numpy(counts),
        "fastest_tactic": tactic_names(from_numpy(joined.block_id, joined.block_has)),
        "fastest_ms": from_numpy(joined.block_ms, joined.block_has & is_time(joined.block_ms)),
        "chosen": from_numpy(joined.block_chosen),
    }
    return from_columns("timings", columns, size)


def _marks(context: Context, joined: Autotuning, kinds: tuple[str, ...], size: int) -> Array:
    """Return which blocks hold a line of the given kinds."""
    lines = context.captured(*kinds).lines
    found = asof(lines, joined.blocks.lines, context.breaks)
    marks = np.zeros(size, dtype=bool)
    marks[found[found >= 0]] = True
    return marks


def tactics(context: Context) -> pa.Table:
    """Timed tactics, those of Myelin's own tables among them."""
    own = _foreign_node_tactics(context)
    timed = _timed_tactics(context)
    if own is None:
        return timed
    both = pa.concat_tables([timed, own]).unify_dictionaries().combine_chunks()
    return both.take(pc.sort_indices(both.column("line")))


def _timed_tactics(context: Context) -> pa.Table:
    joined = autotuning(context)
    size = len(joined.tactic_lines)
    if not size:
        return empty("tactics")
    blocks = joined.blocks
    position = joined.tactic_block
    named = _names_of(context, joined)
    columns: dict[str, Any] = {
        **context.places(joined.tactic_lines),
        **_of_blocks(context, joined, named),
        "kind": take(joined.kinds, position),
        **{name: take(values, position) for name, values in joined.format_columns.items()},
        "tactic": to_tactic(captured_bytes(joined.tactics, "tactic")),
        "tactic_id": joined.tactic_id,
        "kernel": _with_names(context, joined, named, "kernel"),
        "time_ms": joined.tactic_ms,
        "fastest": from_numpy(_fastest_rows(joined)),
        "chosen": from_numpy(joined.tactic_chosen),
        "timing_line": take(from_numpy(blocks.lines), position),
        **_kernel_numbers(context, joined, named),
    }
    return from_columns("tactics", columns, size)


def _of_blocks(context: Context, joined: Autotuning, named: Array) -> dict[str, pa.Array]:
    """Return layer and runner of each tactic: of its block, where it stands in none of the line that names it."""
    position = joined.tactic_block
    out = {"layer": take(joined.layers, position), "runner": take(joined.runners, position)}
    outside = (position < 0) & (named >= 0)
    if outside.any():
        names = context.captured("tactic_name")
        rows = np.where(outside, named, -1)
        for name, known in out.items():
            own = take(to_name(captured_bytes(names, name)), rows)
            out[name] = pc.coalesce(known.cast(pa.string()), own.cast(pa.string()))
    return out


def _fastest_rows(joined: Autotuning) -> Array:
    """Return which tactic rows their block's 'Fastest Tactic' line names: one a block at most."""
    out = np.zeros(len(joined.tactic_lines), dtype=bool)
    done = np.zeros(len(joined.blocks.lines), dtype=bool)
    rows = joined.fastest_rows
    block = joined.tactic_block[rows]
    exact = joined.tactic_times[rows] == joined.block_ms[block]
    for candidates in (rows[exact], rows):
        candidates = candidates[~done[joined.tactic_block[candidates]]]
        first = candidates[first_of_each(joined.tactic_block[candidates])]
        out[first] = True
        done[joined.tactic_block[first]] = True
    return out


def _names_of(context: Context, joined: Autotuning) -> Array:
    """Return the line that names each tactic, -1 for none; found once for the tables of a log."""
    if joined.named is None:
        joined.named = _name_rows(context, joined)
    return joined.named


def _name_rows(context: Context, joined: Autotuning) -> Array:
    """Return the line that names each tactic: from 8.6 its own, before a line above it, -1 for none."""
    names = context.captured("tactic_name")
    printed = captured_bytes(joined.tactics, "kernel")
    if not names.num_rows:
        return np.full(len(joined.tactic_lines), -1, np.int64)
    unnamed = printed.null_count == len(printed)
    name_ids = ids_of(names)
    has_id = is_valid(captured_bytes(names, "tactic"))
    ids = joined.tactic_ids
    starts = counts_upto(names.lines, joined.blocks.starts)
    row = joined.name_above(names.lines, starts, name_ids, has_id)
    missing = np.flatnonzero(row < 0 if unnamed else (row < 0) & ~is_valid(printed))
    # Names and times may be printed apart, as a list of names before the times.
    block_of_name = joined.blocks.numbers.take(starts)
    missing, named = _in_same_blocks(missing, joined.tactic_block, np.flatnonzero(has_id), block_of_name)
    if len(missing):
        keys, sought = keys_of((block_of_name[named], joined.tactic_block[missing]), (name_ids[named], ids[missing]))
        place = last_equal(keys, sought)
        row[missing] = np.where(place >= 0, named[np.maximum(place, 0)], -1)
    return row


def _with_names(context: Context, joined: Autotuning, rows: Array, field: str) -> pa.Array:
    """Return what each tactic's line says of its kernel, else what the line that names it says."""
    printed = captured_bytes(joined.tactics, field)
    names = context.captured("tactic_name")
    own = captured_bytes(names, field)
    if own.null_count == len(own):
        return to_name(printed)
    named = take(to_name(own), rows)
    if printed.null_count == len(printed):
        return named
    return pc.coalesce(to_text(printed), named.cast(pa.string())).dictionary_encode()


def _kernel_numbers(context: Context, joined: Autotuning, rows: Array) -> dict[str, pa.Array]:
    """Return the numbers of each tactic's kernel, from where `_with_names` has its name; few lines print some."""
    names = context.captured("tactic_name")
    of_names = {name: captured_bytes(names, name) for name in _KERNEL_NUMBERS}
    printing = np.zeros(names.num_rows, np.uint8)
    for values in of_names.values():
        if values.null_count < len(values):
            printing |= is_valid(values)
    below = np.flatnonzero(to_filled(take(from_numpy(printing), rows), 0))
    out: dict[str, pa.Array] = {}
    for name, own in of_names.items():
        numbers, valid = np.zeros(len(rows), np.int64), np.zeros(len(rows), bool)
        printed = captured_bytes(joined.tactics, name)
        at = np.flatnonzero(is_valid(printed)) if printed.null_count < len(printed) else below[:0]
        for places, found in ((below, take(own, rows[below])), (at, take(printed, at))):
            if len(places):
                read = to_int(found, pa.int64())
                numbers[places], valid[places] = to_filled(read, 0), is_valid(read)
        if valid.any():
            out[name] = from_numpy(numbers, valid)
    return out


def unmeasured(context: Context) -> pa.Table:
    """Tactics that are named and not timed."""
    names = context.captured("tactic_name")
    if not names.num_rows:
        return empty("tactic_names")
    joined = autotuning(context)
    used = np.zeros(names.num_rows + 1, bool)
    used[_names_of(context, joined)] = True
    left = np.flatnonzero(~used[:-1])
    if not len(left):
        return empty("tactic_names")
    lines = names.lines[left]
    position = asof(lines, joined.blocks.lines, context.breaks)
    columns: dict[str, Any] = context.places(lines)
    for name, around in (("layer", joined.layers), ("runner", joined.runners)):
        own = take(to_name(captured_bytes(names, name)), left)
        columns[name] = pc.coalesce(own.cast(pa.string()), take(around, position).cast(pa.string()))
    for name in ("tactic", "kernel", *_KERNEL_NUMBERS):
        columns[name] = take(captured_bytes(names, name), left)
    columns["tactic"] = to_tactic(columns["tactic"])
    return from_columns("tactic_names", columns, len(left))


_KERNEL_NUMBERS = ("split_k", "buffers", "kernels")


def _in_same_blocks(left: Array, left_block: Array, right: Array, right_block: Array) -> tuple[Array, Array]:
    """Return the rows of both sides whose block has rows of both."""
    blocks = np.zeros(max(left_block.max(initial=0), right_block.max(initial=0)) + 2, bool)
    blocks[left_block[left]] = True
    blocks[-1] = False  # stands for block -1, for none
    right = right[blocks[right_block[right]]]
    blocks[:] = False
    blocks[right_block[right]] = True
    return left[blocks[left_block[left]]], right


def _in_bytes(captured: Matches, requested: pa.Array, runs: Array) -> pa.Array:
    """Return sizes in bytes; one that repeats the MiB of the line above is in MiB, though it prints no unit.

    So are then those of other lines of the run whose line above was left out: nobody lacks a few hundred bytes.
    """
    values = to_filled(requested, -1)
    lines = captured.lines
    repeats = np.zeros(len(lines), bool)
    repeats[1:] = (lines[1:] - lines[:-1] <= 2) & (values[1:] >= 0) & (values[1:] << 20 == values[:-1])
    skipped = kind_is(captured, "tactic_skipped_memory")
    repeats[1:] &= skipped[1:] & kind_is(captured, "tactic_memory_unavailable")[:-1]
    if repeats.any():
        # A file, and what is read with it, may hold runs of several versions.
        repeats |= skipped & (values >= 0) & (values < 1 << 20) & np.isin(runs, runs[repeats])
    return from_numpy(np.where(repeats, values << 20, values), is_valid(requested)) if repeats.any() else requested


def operations_of(context: Context, lines: Array) -> Array:
    """Return the row of ``foreign_node_op`` that each line belongs to, -1 for none.

    Myelin tunes the operations of a node inside one combination of formats: nothing above the next one belongs below.
    """
    ends = [context.captured(*kinds).lines for kinds in (FORMATS, COSTS)]
    return asof(lines, context.captured("foreign_node_op").lines, sorted_lines(context.breaks, *ends))


def selected_tactics(context: Context) -> dict[int, tuple[str, str, int]]:
    """Return what a line says was selected, by the row of ``foreign_node_op`` above it: tactic, time, line."""
    lines, wordings, tactics_, times = context.captures.lists(
        ("foreign_node_chosen",), ("line", "wording", "tactic_hash", "time_ms")
    )
    heads = operations_of(context, np.array(lines, np.int64)).tolist()
    found: dict[int, tuple[str, str, int]] = {}
    for head, line, wording, tactic, time in zip(heads, lines, wordings, tactics_, times, strict=True):
        if wording == "selected" and head >= 0:
            found.setdefault(head, (tactic, time, line))
    return found


def _foreign_node_tactics(context: Context) -> pa.Table | None:
    """Return the rows of Myelin's tables of evaluated tactics; TensorRT 10.14 and later."""
    captured = context.captured("foreign_node_tactic")
    if not captured.num_rows:
        return None
    lines = captured.lines
    heads = context.captured("foreign_node_op")
    head = operations_of(context, lines)
    name = "layer" if "layer" in heads.column_names else "op"
    times = times_of(captured)
    raw = captured_bytes(captured, "tactic_hash" if "tactic_hash" in captured.column_names else "tactic")
    values = to_filled(times, np.nan)
    fastest = np.zeros(len(lines), dtype=bool)
    of_table = np.where(head >= 0, head, -1 - context.log_of(lines))
    for number in distinct(of_table):
        rows = np.flatnonzero(of_table == number)
        if not np.all(np.isnan(values[rows])):
            fastest[rows[np.nanargmin(values[rows])]] = True
    size = len(lines)
    ids = to_tactic_id(raw)
    # Myelin takes the first row of its sorted table; only for an editable timing cache a line says so.
    chosen = np.zeros(size, dtype=bool)
    for number, (tactic, _, _) in selected_tactics(context).items():
        rows = np.flatnonzero(head == number)
        chosen[rows] = [ids[int(row)].as_py() == int(tactic, 16) for row in rows]
    columns: dict[str, Any] = {
        **context.places(lines),
        "layer": take(to_name(captured_bytes(heads, name)), head),
        "runner": from_list(["Myelin"] * size, pa.string()),
        "kind": from_list(["foreign_node"] * size, pa.string()),
        "tactic": to_tactic(raw),
        "tactic_id": ids,
        "kernel": to_name(captured_bytes(captured, "kernel")),
        "time_ms": times,
        "fastest": from_numpy(fastest),
        "chosen": from_numpy(chosen),
    }
    return from_columns("tactics", columns, size)


def skips(context: Context) -> pa.Table:
    """Tactics and runners that were passed over; layer and runner from the block where the line lacks them."""
    captured = context.captured(*context.kinds_of("skips"))
    size = captured.num_rows
    if not size:
        return empty("skips")
    joined = autotuning(context)
    blocks = joined.blocks
    lines = captured.lines
    position = asof(lines, blocks.lines, blocks.bounds)
    columns: dict[str, Any] = context.places(lines)
    for name in ("layer", "runner"):
        printed = to_text(captured_bytes(captured, name))
        around = take(joined.layers if name == "layer" else joined.runners, position)
        columns[name] = around if printed.null_count == size else pc.coalesce(printed, around.cast(pa.string()))
    columns["tactic"] = to_tactic(captured_bytes(captured, "tactic"))
    columns["reason"] = context.column(captured, "reason")
    for name in ("requested_bytes", "available_bytes"):
        columns[name] = to_int(captured_bytes(captured, name), pa.int64())
        mib = name.replace("_bytes", "_mib")
        if mib in captured.column_names:
            printed = to_int(captured_bytes(captured, mib), pa.int64())
            scaled = from_numpy(to_filled(printed, 0) << 20, is_valid(printed))
            columns[name] = pc.coalesce(columns[name], scaled)
    columns["requested_bytes"] = _in_bytes(captured, columns["requested_bytes"], to_numpy(columns["run"]))
    columns["text"] = captured_bytes(captured, "text")
    return from_columns("skips", columns, size)
