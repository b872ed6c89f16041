"""Timings, tactics and skips: the rows know their layer, runner and formats by where they stand.

A tactic line names no layer: that stands in the ``Timing Runner`` line above it, and the formats in the
``Autotuning`` line above that. All is joined by line number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog.captures import one_column
from trtlog.tables.context import Context
from trtlog.tables.join import keys_of, last_equal, least_equal
from trtlog.tables.schema import (
    asof,
    captured_bytes,
    coalesced,
    empty,
    encoded,
    from_columns,
    one_array,
    take,
    to_float,
    to_int,
    to_name,
    to_tactic,
    to_tactic_id,
    to_text,
)

# Printed in place of a tactic where none could be timed.
NO_TACTIC = 0xD15EA5EDD15EA5ED
_FLOAT_MAX = 3.4e38
_COSTS = ("costs", "reformat_costs")
_FORMATS = ("format_combination", "reformat_combination")
_OLD_REFORMATS = ("Optimizer Reformat(", "<reformat>")

Lines = np.ndarray[Any, Any]


@dataclass
class Blocks:
    """The timing blocks of a log, with what the other tables need of them."""

    captured: pa.Table
    lines: Lines
    starts: Lines  # lines of all blocks that tactic lines may stand in
    formats: Lines  # position in the format lines, -1 for none
    format_table: pa.Table
    group: Lines  # number of the boundary that the block stands under
    bounds: Lines  # lines at which a combination begins or ends


def _lines(table: pa.Table) -> Lines:
    return table.column("line").to_numpy()  # type: ignore[no-any-return]


def _blocks(context: Context) -> Blocks:
    captured = context.captured("timing_runner", "cached_result", "timing_layer")
    numbers = captured_bytes(captured, "runner_number")
    if numbers.null_count < len(numbers):
        # TensorRT 5 numbers its runners: 'Timing conv1(14)'.
        named = coalesced(captured_bytes(captured, "runner"), numbers)
        captured = captured.set_column(captured.column_names.index("runner"), "runner", named)
    formats = context.captured(*_FORMATS)
    costs = _lines(context.captured(*_COSTS))
    lines, format_lines = _lines(captured), _lines(formats)
    breaks = np.unique(np.concatenate([context.run_lines, costs]))
    # The result of a combination is complete at its "Chose" line; the next one begins after it.
    chosen = _lines(context.captured("chosen_tactic")) + 1
    bounds = np.unique(np.concatenate([breaks, format_lines, chosen]))
    return Blocks(
        captured=captured,
        lines=lines,
        starts=lines,
        formats=asof(lines, format_lines, breaks),
        format_table=formats,
        group=np.searchsorted(bounds, lines, side="right"),
        bounds=bounds,
    )


class Autotuning:
    """Joins the lines of the autotuner once, for the three tables that need it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.blocks = _blocks(context)
        blocks = self.blocks
        self.tactics = context.captured("tactic")
        self.tactic_lines = _lines(self.tactics)
        self.tactic_block = asof(self.tactic_lines, blocks.starts, context.run_lines)
        size = len(blocks.lines)
        fastest = context.captured("fastest_tactic")
        self.fastest_block = asof(_lines(fastest), blocks.starts, context.run_lines)
        self.fastest_row = np.full(size, -1, dtype=np.int64)
        held = self.fastest_block >= 0
        self.fastest_row[self.fastest_block[held]] = np.flatnonzero(held)
        self.fastest = fastest
        self.fastest_ids = _ids(fastest)
        self.fastest_ms = to_float(captured_bytes(fastest, "time_ms"), pa.float64())
        self.cached = np.asarray(pc.equal(blocks.captured.column("kind"), "cached_result"))
        self._block_fastest()
        self._choose()

    def _block_fastest(self) -> None:
        """Find each block's fastest tactic: the block's own line, or what the cache held."""
        blocks = self.blocks
        size = len(blocks.lines)
        self.block_id = np.zeros(size, dtype=np.uint64)
        self.block_ms = np.full(size, np.nan)
        self.block_has = np.zeros(size, dtype=bool)
        rows = self.fastest_row
        printed = rows >= 0
        if printed.any():
            self.block_id[printed] = self.fastest_ids[rows[printed]]
            self.block_ms[printed] = self.fastest_ms.to_numpy(zero_copy_only=False)[rows[printed]]
            self.block_has |= printed
        if self.cached.any():
            ids = _ids(blocks.captured)
            times = to_float(captured_bytes(blocks.captured, "time_ms"), pa.float64()).to_numpy(zero_copy_only=False)
            self.block_id[self.cached] = ids[self.cached]
            self.block_ms[self.cached] = times[self.cached]
            self.block_has |= self.cached
        # Nothing was timed where the id is the builder's mark for "none" or the time is no time.
        none = (self.block_id == np.uint64(NO_TACTIC)) & ~(self.block_ms < _FLOAT_MAX)
        self.block_none = self.block_has & none
        self.block_has &= ~none

    def _choose(self) -> None:
        """Find the block that each 'Chose Runner Type' line names."""
        blocks, context = self.blocks, self.context
        self.block_chosen = np.zeros(len(blocks.lines), dtype=bool)
        self.tactic_chosen = np.zeros(len(self.tactic_lines), dtype=bool)
        chosen = context.captured("chosen_tactic")
        if not chosen.num_rows:
            return
        chosen_lines = _lines(chosen)
        chosen_group = np.searchsorted(blocks.bounds, chosen_lines, side="right")
        chosen_ids = _ids(chosen)
        runner_names = [captured_bytes(table, "runner") for table in (blocks.captured, chosen)]
        both = one_column(runner_names, [len(names) for names in runner_names])
        codes = encoded(both).indices.fill_null(-1).to_numpy(zero_copy_only=False)
        runners, wanted = codes[: len(blocks.lines)], codes[len(blocks.lines) :]
        has = np.flatnonzero(self.block_has)
        keys, sought = keys_of(
            (blocks.group[has], chosen_group), (runners[has], wanted), (self.block_id[has], chosen_ids)
        )
        place = last_equal(keys, sought)
        found = np.flatnonzero(place >= 0)
        named = has[place[found]]
        self.block_chosen[named] = True
        # The same tactic may be timed twice in a block.
        keys, sought = keys_of((self.tactic_block, named), (self.tactic_ids, chosen_ids[found]))
        rows = least_equal(keys, self.tactic_ms.to_numpy(zero_copy_only=False), sought)
        self.tactic_chosen[rows[rows >= 0]] = True
        left = np.flatnonzero(place < 0)
        if len(left):
            self._choose_by_runner(runners, chosen_group[left], wanted[left], chosen_ids[left])

    def _choose_by_runner(self, runners: Lines, groups: Lines, wanted: Lines, chosen_ids: Lines) -> None:
        """Find the blocks of choices that no block's fastest tactic equals: the runner's last, or its only one."""
        by_runner: dict[tuple[int, int], list[int]] = {}
        near = np.flatnonzero(np.isin(self.blocks.group, groups))
        for number, group, runner in zip(
            near.tolist(), self.blocks.group[near].tolist(), runners[near].tolist(), strict=True
        ):
            by_runner.setdefault((group, runner), []).append(number)
        rows_of = _RowsOf(self.tactic_block)
        for group, runner, tactic in zip(groups.tolist(), wanted.tolist(), chosen_ids.tolist(), strict=True):
            candidates = by_runner.get((group, runner), [])
            for candidate in reversed(candidates):
                rows = rows_of(candidate)
                same = rows[self.tactic_ids[rows] == np.uint64(tactic)]
                if not len(same) and len(candidates) > 1:
                    continue
                self.block_chosen[candidate] = True
                if len(same):
                    times = self.tactic_ms.to_numpy(zero_copy_only=False)[same]
                    self.tactic_chosen[same[np.lexsort((same, times))[0]]] = True
                break

    @cached_property
    def tactic_ids(self) -> Lines:
        """Id of each tactic line."""
        return _ids(self.tactics)

    @cached_property
    def tactic_ms(self) -> pa.Array:
        """Time of each tactic line."""
        return to_float(captured_bytes(self.tactics, "time_ms"), pa.float64())

    def format_columns(self, positions: Lines) -> dict[str, Any]:
        """Return kind and formats for blocks given by their position, null where that is negative."""
        blocks = self.blocks
        table = blocks.format_table
        row = np.where(positions >= 0, blocks.formats[np.maximum(positions, 0)], -1)
        return {n: take(to_name(captured_bytes(table, n)), row) for n in ("input_formats", "output_formats")}


class _RowsOf:
    """Rows of tactic lines by block: rows of one block stand together."""

    def __init__(self, block_of_row: Lines) -> None:
        self._blocks = block_of_row

    def __call__(self, block: int) -> Lines:
        first = np.searchsorted(self._blocks, block, side="left")
        last = np.searchsorted(self._blocks, block, side="right")
        return np.arange(first, last)


def _ids(table: pa.Table) -> Lines:
    values = captured_bytes(table, "tactic")
    return to_tactic_id(values).fill_null(0).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]




def autotuning(context: Context) -> Autotuning:
    """Return the joined lines of the autotuner, computed once for a context."""
    held = getattr(context, "_autotuning", None)
    if held is None:
        held = Autotuning(context)
        context._autotuning = held  # type: ignore[attr-defined]
    return held


def timings(context: Context) -> pa.Table:
    """Blocks of one runner's tactics."""
    joined = autotuning(context)
    blocks = joined.blocks
    size = len(blocks.lines)
    if not size:
        return empty("timings")
    everything = np.arange(size)
    counts = np.bincount(joined.tactic_block[joined.tactic_block >= 0], minlength=size)
    no_valid = _marks(context, joined, ("no_valid_tactics",), size)
    skipped = _marks(context, joined, tuple(context.kinds_of("skips")), size)
    outcome = np.full(size, "untimed", dtype=object)
    outcome[skipped] = "skipped"
    outcome[no_valid | joined.block_none] = "no_valid_tactics"
    outcome[(counts > 0) | joined.block_has] = "timed"
    outcome[joined.cached] = "cached"
    formats = joined.format_columns(everything)
    own = joined.cached
    for name in ("input_formats", "output_formats"):
        printed = to_text(captured_bytes(blocks.captured, name))
        formats[name] = pc.if_else(own, printed, formats[name].cast(pa.string()))
    seconds = to_float(captured_bytes(joined.fastest, "seconds"), pa.float64()) if joined.fastest.num_rows else None
    distinct, codes = np.unique(joined.block_id, return_inverse=True)
    ids = pa.array([f"0x{i:016x}" for i in distinct.tolist()], pa.string()).take(pa.array(codes))
    columns: dict[str, Any] = {
        "run": context.run_of(blocks.lines),
        "line": blocks.captured.column("line"),
        "layer": captured_bytes(blocks.captured, "layer"),
        "runner": captured_bytes(blocks.captured, "runner"),
        "runner_id": captured_bytes(blocks.captured, "runner_id"),
        "kind": _kind(joined, everything, to_name(captured_bytes(blocks.captured, "layer"))),
        **formats,
        "outcome": pa.array(outcome, pa.string()),
        "seconds": None if seconds is None else take(seconds, joined.fastest_row),
        "tactics": pa.array(counts, pa.int64()),
        "fastest_tactic": pc.if_else(joined.block_has, ids, None),
        "fastest_ms": pa.array(joined.block_ms, mask=~joined.block_has),
        "chosen": pa.array(joined.block_chosen),
    }
    return from_columns("timings", columns, size)


def _marks(context: Context, joined: Autotuning, kinds: tuple[str, ...], size: int) -> Lines:
    """Return which blocks hold a line of the given kinds."""
    lines = _lines(context.captured(*kinds))
    found = asof(lines, joined.blocks.starts, context.run_lines)
    marks = np.zeros(size, dtype=bool)
    marks[found[found >= 0]] = True
    return marks


def _kind(joined: Autotuning, positions: Lines, layers: pa.DictionaryArray) -> pa.Array:
    """Return layer or reformat: the Autotuning line decides, without one the layer's name does."""
    blocks = joined.blocks
    row = blocks.formats[np.maximum(positions, 0)]
    of_line = pc.equal(one_array(blocks.format_table.column("kind")), "reformat_combination")
    by_line = take(of_line, np.where(positions >= 0, row, -1))
    names = [n is not None and n.startswith(_OLD_REFORMATS) for n in layers.dictionary.to_pylist()]
    by_name = pa.array(names, pa.bool_()).take(layers.indices)
    reformat = pc.coalesce(by_line, by_name)
    kind = pc.if_else(reformat, "reformat", "layer")
    return pc.if_else(pa.array(positions >= 0), kind, pa.scalar(None, pa.string()))


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
    layers = take(to_name(captured_bytes(blocks.captured, "layer")), position)
    raw_ids = captured_bytes(joined.tactics, "tactic")
    columns: dict[str, Any] = {
        "run": context.run_of(joined.tactic_lines),
        "line": joined.tactics.column("line"),
        "layer": layers,
        "runner": take(to_name(captured_bytes(blocks.captured, "runner")), position),
        "kind": _kind(joined, position, layers) if len(blocks.lines) else None,
        **(joined.format_columns(position) if len(blocks.lines) else {}),
        "tactic": to_tactic(raw_ids),
        "tactic_id": to_tactic_id(raw_ids),
        "kernel": _kernels(context, joined),
        "time_ms": joined.tactic_ms,
        "fastest": pa.array(_fastest_rows(joined)),
        "chosen": pa.array(joined.tactic_chosen),
        "timing_line": take(pa.array(blocks.lines, pa.int64()), position),
    }
    return from_columns("tactics", columns, size)


def _fastest_rows(joined: Autotuning) -> Lines:
    """Return which tactic rows their block's 'Fastest Tactic' line names: one a block at most."""
    size = len(joined.tactic_lines)
    out = np.zeros(size, dtype=bool)
    position = joined.tactic_block
    held = position >= 0
    if not held.any():
        return out
    safe = np.maximum(position, 0)
    ids = joined.tactic_ids
    times = joined.tactic_ms.to_numpy(zero_copy_only=False)
    same = held & joined.block_has[safe] & (ids == joined.block_id[safe])
    exact = same & (times == joined.block_ms[safe])
    for candidates in (exact, same):
        rows = np.flatnonzero(candidates)
        first = rows[np.unique(position[rows], return_index=True)[1]] if len(rows) else rows
        done = np.unique(position[out])
        out[first[~np.isin(position[first], done)]] = True
    return out


def _kernels(context: Context, joined: Autotuning) -> pa.Array:
    """Return each tactic's kernel: on its own line from 8.6, on a line above it before."""
    printed = to_name(captured_bytes(joined.tactics, "kernel"))
    names = context.captured("tactic_name")
    if not names.num_rows:
        return printed
    name_lines = _lines(names)
    above = asof(joined.tactic_lines, name_lines, joined.blocks.starts)
    # A name belongs to the tactic line that follows it, not to those after that.
    previous = np.concatenate([[0], joined.tactic_lines[:-1]])
    fresh = (above >= 0) & (name_lines[np.maximum(above, 0)] > previous)
    name_ids = _ids(names)
    has_id = np.asarray(pc.is_valid(captured_bytes(names, "tactic")))
    ids = joined.tactic_ids
    safe = np.maximum(above, 0)
    usable = fresh & (~has_id[safe] | (name_ids[safe] == ids))
    row = np.where(usable, above, -1)
    missing = np.flatnonzero((row < 0) & np.asarray(pc.is_null(printed)))
    if len(missing):
        # Names and times may be printed apart, as a list of names before the times.
        block_of_name = asof(name_lines, joined.blocks.starts, context.run_lines)
        named = np.flatnonzero(has_id & (block_of_name >= 0))
        keys, sought = keys_of(
            (block_of_name[named], joined.tactic_block[missing]), (name_ids[named], ids[missing])
        )
        place = last_equal(keys, sought)
        row[missing] = np.where(place >= 0, named[np.maximum(place, 0)], -1) if len(named) else -1
    above_names = take(to_name(captured_bytes(names, "kernel")), row)
    if pc.all(pc.is_null(printed)).as_py():
        return above_names
    return pc.coalesce(printed.cast(pa.string()), above_names.cast(pa.string())).dictionary_encode()


def _foreign_node_tactics(context: Context) -> pa.Table | None:
    """Return the rows of Myelin's tables of evaluated tactics; TensorRT 10.14 and later."""
    captured = context.captured("foreign_node_tactic")
    if not captured.num_rows:
        return None
    lines = _lines(captured)
    heads = context.captured("foreign_node_op")
    head_lines = _lines(heads)
    head = asof(lines, head_lines, context.run_lines)
    name = "layer" if "layer" in heads.column_names else "op"
    times = to_float(captured_bytes(captured, "time_ms"), pa.float64())
    raw = captured_bytes(captured, "tactic_hash" if "tactic_hash" in captured.column_names else "tactic")
    values = times.to_numpy(zero_copy_only=False)
    fastest = np.zeros(len(lines), dtype=bool)
    for number in np.unique(head):
        rows = np.flatnonzero(head == number)
        if not np.all(np.isnan(values[rows])):
            fastest[rows[np.nanargmin(values[rows])]] = True
    size = len(lines)
    columns: dict[str, Any] = {
        "run": context.run_of(lines),
        "line": captured.column("line"),
        "layer": take(to_name(captured_bytes(heads, name)), head),
        "runner": pa.array(["Myelin"] * size, pa.string()),
        "kind": pa.array(["foreign_node"] * size, pa.string()),
        "tactic": to_tactic(raw),
        "tactic_id": to_tactic_id(raw),
        "kernel": to_name(captured_bytes(captured, "kernel")),
        "time_ms": times,
        "fastest": pa.array(fastest),
        # Myelin takes the first row of its sorted table; no line of the log says so, hence not "chosen".
        "chosen": pa.array(np.zeros(size, dtype=bool)),
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
    lines = _lines(captured)
    position = asof(lines, blocks.starts, blocks.bounds)
    columns: dict[str, Any] = {"run": context.run_of(lines), "line": captured.column("line")}
    for name in ("layer", "runner"):
        printed = to_text(captured_bytes(captured, name))
        around = take(to_name(captured_bytes(blocks.captured, name)), position).cast(pa.string())
        columns[name] = pc.coalesce(printed, around)
    columns["tactic"] = to_tactic(captured_bytes(captured, "tactic"))
    columns["reason"] = context.column(captured, "reason")
    for name in ("requested_bytes", "available_bytes"):
        columns[name] = to_int(captured_bytes(captured, name), pa.int64())
        mib = name.replace("_bytes", "_mib")
        if mib in captured.column_names:
            scaled = pc.multiply(to_int(captured_bytes(captured, mib), pa.int64()), 1 << 20)
            columns[name] = pc.coalesce(columns[name], scaled)
    columns["text"] = captured_bytes(captured, "text")
    return from_columns("skips", columns, size)


