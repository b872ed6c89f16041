"""The autotuner's lines joined: which block a line stands in, its formats, its fastest tactic, what was chosen.

A tactic line names no layer: that stands in the ``Timing Runner`` line above it, and the formats in the
``Autotuning`` line above that. All is joined by line number.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, among, from_list, from_numpy, to_filled
from trtlog._util.dataclass import dataclass
from trtlog.messages.captures import Matches, one_column
from trtlog.tables.cells import codes_of, encoded, from_codes, take, to_float, to_name, to_tactic_id
from trtlog.tables.context import Context
from trtlog.tables.join import asof, counts_upto, first_of_each, keys_of, last_equal, opened, sorted_lines
from trtlog.tables.schema import captured_bytes, coalesced, symbols_in

# Printed in place of a tactic where none could be timed.
NO_TACTIC = 0xD15EA5EDD15EA5ED
_FLOAT_MAX = 3.4e38
COSTS = ("costs", "reformat_costs")
FORMATS = ("format_combination", "reformat_combination")
_OLD_REFORMATS = ("Optimizer Reformat(", "<reformat>")
KINDS = from_list(["layer", "reformat"], pa.string())


@dataclass
class Blocks:
    """The timing blocks of a log, with what the other tables need of them."""

    captured: Matches
    lines: Array
    starts: Array  # lines of blocks, and those at which what is above ends
    numbers: Array  # of the block that a line stands in, by how many starts are at or before it
    formats: Array  # position in the format lines, -1 for none
    format_table: Matches
    group: Array  # number of the boundary that the block stands under
    bounds: Array  # lines at which a combination begins or ends


def _blocks(context: Context) -> Blocks:
    captured = context.captured("timing_runner", "cached_result", "timing_layer")
    numbers = captured_bytes(captured, "runner_number")
    if numbers.null_count < len(numbers):
        # TensorRT 5 numbers its runners: 'Timing conv1(14)'.
        named = coalesced(captured_bytes(captured, "runner"), numbers)
        captured.put("runner", named)
    formats = context.captured(*FORMATS)
    costs = context.captured(*COSTS).lines
    lines, format_lines = captured.lines, formats.lines
    starts, numbers = opened(lines, context.breaks)
    breaks = sorted_lines(context.breaks, costs)
    # The result of a combination is complete at its "Chose" line; the next one begins after it.
    chosen = context.captured("chosen_tactic").lines + 1
    bounds = np.sort(np.concatenate([breaks, format_lines, chosen]), kind="stable")
    return Blocks(
        captured=captured,
        lines=lines,
        starts=starts,
        numbers=numbers,
        formats=asof(lines, format_lines, breaks),
        format_table=formats,
        group=counts_upto(lines, bounds),
        bounds=bounds,
    )


class Autotuning:
    """Joins the lines of the autotuner once, for the three tables that need it."""

    def __init__(self, context: Context) -> None:
        self.blocks = _blocks(context)
        blocks = self.blocks
        self.tactics = context.captured("tactic")
        self.tactic_lines = self.tactics.lines
        before = counts_upto(blocks.starts - 1, self.tactic_lines)
        sizes = np.diff(before, prepend=0, append=len(self.tactic_lines))
        self.tactic_start = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self.tactic_block = np.repeat(blocks.numbers, sizes)
        self.tactic_counts = sizes[blocks.numbers >= 0]  # of each block
        size = len(blocks.lines)
        fastest = context.captured("fastest_tactic")
        self.fastest_block = asof(fastest.lines, blocks.lines, context.breaks)
        self.fastest_row = np.full(size, -1, dtype=np.int64)
        known = self.fastest_block >= 0
        self.fastest_row[self.fastest_block[known]] = np.flatnonzero(known)
        self.fastest = fastest
        self.fastest_ids = ids_of(fastest)
        self.fastest_ms = to_float(captured_bytes(fastest, "time_ms"), pa.float64())
        self.cached = kind_is(blocks.captured, "cached_result")
        self.named: Array | None = None  # the line that names each tactic, once it was looked for
        self._block_fastest()
        self._choose(context)

    def _block_fastest(self) -> None:
        """Find each block's fastest tactic: the block's own line, or the cached result."""
        blocks = self.blocks
        size = len(blocks.lines)
        self.block_id = np.zeros(size, dtype=np.uint64)
        self.block_ms = np.full(size, np.nan)
        self.block_has = np.zeros(size, dtype=bool)
        rows = self.fastest_row
        printed = rows >= 0
        if printed.any():
            self.block_id[printed] = self.fastest_ids[rows[printed]]
            self.block_ms[printed] = to_filled(self.fastest_ms, np.nan)[rows[printed]]
            self.block_has |= printed
        if self.cached.any():
            ids = ids_of(blocks.captured)
            times = to_filled(to_float(captured_bytes(blocks.captured, "time_ms"), pa.float64()), np.nan)
            self.block_id[self.cached] = ids[self.cached]
            self.block_ms[self.cached] = times[self.cached]
            self.block_has |= self.cached
        # Nothing was timed where the id is the builder's mark for "none" or the time is no time.
        none = (self.block_id == np.uint64(NO_TACTIC)) & ~(self.block_ms < _FLOAT_MAX)
        self.block_none = self.block_has & none
        self.block_has &= ~none

    def _choose(self, context: Context) -> None:
        """Find the block that each 'Chose Runner Type' line names."""
        blocks = self.blocks
        self.block_chosen = np.zeros(len(blocks.lines), dtype=bool)
        self.tactic_chosen = np.zeros(len(self.tactic_lines), dtype=bool)
        chosen = context.captured("chosen_tactic")
        if not chosen.num_rows:
            return
        chosen_lines = chosen.lines
        chosen_group = counts_upto(chosen_lines, blocks.bounds)
        chosen_ids = ids_of(chosen)
        runners, wanted = same_codes(captured_bytes(blocks.captured, "runner"), captured_bytes(chosen, "runner"))
        has = np.flatnonzero(self.block_has)
        keys, sought = keys_of(
            (blocks.group[has], chosen_group), (runners[has], wanted), (self.block_id[has], chosen_ids)
        )
        place = last_equal(keys, sought)
        found = np.flatnonzero(place >= 0)
        named = has[place[found]]
        self.block_chosen[named] = True
        # The same tactic may be timed twice in a block.
        rows = self.fastest_rows[self.block_chosen[self.tactic_block[self.fastest_rows]]]
        ordered = rows[np.lexsort((rows, self.tactic_times[rows], self.tactic_block[rows]))]
        self.tactic_chosen[ordered[first_of_each(self.tactic_block[ordered])]] = True
        left = np.flatnonzero(place < 0)
        if len(left):
            self._choose_by_runner(runners, chosen_group[left], wanted[left], chosen_ids[left])

    def _choose_by_runner(self, runners: Array, groups: Array, wanted: Array, chosen_ids: Array) -> None:
        """Find the blocks of choices that no block's fastest tactic equals: the runner's last, or its only one."""
        blocks = self.blocks
        if not len(blocks.lines):  # a choice without anything that was timed
            return
        near = among(blocks.group, groups)
        rows = np.flatnonzero((self.tactic_block >= 0) & near[self.tactic_block])
        block = self.tactic_block[rows]
        keys, sought = keys_of(
            (blocks.group[block], groups), (runners[block], wanted), (self.tactic_ids[rows], chosen_ids)
        )
        timed = last_equal(keys, sought)
        of_block, of_choice = keys_of((blocks.group, groups), (runners, wanted))
        last = last_equal(of_block, of_choice)
        ordered = np.sort(of_block)
        only = np.searchsorted(ordered, of_choice, side="right") - np.searchsorted(ordered, of_choice) == 1
        # Lines outside of all blocks count to the block above, so that the numbers are in order.
        in_order = np.maximum.accumulate(self.tactic_block)
        for row, number, alone, tactic in zip(timed.tolist(), last.tolist(), only.tolist(), chosen_ids, strict=True):
            if row >= 0:
                candidate = block[row]
                first, end = (np.searchsorted(in_order, candidate, side=side) for side in ("left", "right"))
                inside = np.arange(first, end)
                same = inside[(self.tactic_block[inside] == candidate) & (self.tactic_ids[inside] == tactic)]
                self.tactic_chosen[same[np.lexsort((same, self.tactic_times[same]))[0]]] = True
                self.block_chosen[candidate] = True
            elif alone:
                self.block_chosen[number] = True

    def name_above(self, lines: Array, starts: Array, ids: Array, has_id: Array) -> Array:
        """Return the line above each tactic that names it, -1 for none.

        Parameters
        ----------
        lines, starts, ids, has_id : ndarray
            Lines that name tactics, how many starts of blocks are above each, the ids that they name, and which do.
        """
        # A name belongs to the next tactic line alone, and to none where a block begins between them.
        named = np.full(len(self.tactic_lines), -1, np.int32)
        if not len(named):
            return named
        below = counts_upto(lines - 1, self.tactic_lines)
        inside = np.minimum(below, len(named) - 1)
        near = (below < len(named)) & (self.tactic_start.take(inside) == starts)
        numbers = np.arange(len(lines), dtype=np.int32)
        numbers[has_id & (ids != self.tactic_ids.take(inside))] = -1
        if not near.all():
            below, numbers = below[near], numbers[near]
        named[below] = numbers  # the last one stays
        return named

    @cached_property
    def tactic_id(self) -> pa.Array:
        """Id of each tactic line, null where none is printed."""
        return to_tactic_id(captured_bytes(self.tactics, "tactic"))

    @cached_property
    def tactic_ids(self) -> Array:
        """Id of each tactic line, 0 for none."""
        return to_filled(self.tactic_id, 0)

    @cached_property
    def tactic_ms(self) -> pa.Array:
        """Time of each tactic line, null for one that could not be timed."""
        return times_of(self.tactics)

    @cached_property
    def tactic_times(self) -> Array:
        """Time of each tactic line, nan where there is none."""
        return to_filled(self.tactic_ms, np.nan)

    @cached_property
    def fastest_rows(self) -> Array:
        """The tactic lines that have the id of their block's fastest tactic."""
        if not len(self.blocks.lines):
            return np.zeros(0, np.int64)
        rows = np.flatnonzero(self.tactic_ids == self.block_id.take(self.tactic_block))
        block = self.tactic_block[rows]
        found: Array = rows[(block >= 0) & self.block_has[block]]
        return found

    @cached_property
    def layers(self) -> pa.DictionaryArray:
        """Layer of each block."""
        return to_name(captured_bytes(self.blocks.captured, "layer"))

    @cached_property
    def runners(self) -> pa.DictionaryArray:
        """Runner of each block."""
        return to_name(captured_bytes(self.blocks.captured, "runner"))

    @cached_property
    def format_columns(self) -> dict[str, pa.DictionaryArray]:
        """Formats of each block."""
        blocks = self.blocks
        names = ("input_formats", "output_formats")
        columns = {n: take(to_name(captured_bytes(blocks.format_table, n)), blocks.formats) for n in names}
        return {**columns, "symbols": symbols_in(columns["output_formats"])}

    @cached_property
    def kinds(self) -> pa.DictionaryArray:
        """Layer or reformat, of each block: the Autotuning line decides, without one the layer's name does."""
        blocks = self.blocks
        old = [n is not None and n.startswith(_OLD_REFORMATS) for n in self.layers.dictionary.to_pylist()]
        layers = codes_of(self.layers)
        codes = np.where(layers >= 0, np.array([*old, False], np.int32)[layers], np.int32(-1))
        under = np.flatnonzero(blocks.formats >= 0)
        codes[under] = kind_is(blocks.format_table, "reformat_combination")[blocks.formats[under]]
        return from_codes(codes, KINDS)


def kind_is(captured: Matches, kind: str) -> Array:
    """Return which rows of captured lines are of a kind."""
    kinds = captured.column("kind")
    names = kinds.dictionary.to_pylist()
    found: Array = codes_of(kinds) == (names.index(kind) if kind in names else -1)
    return found


def times_of(captured: Matches) -> pa.Array:
    """Return the times of captured lines; null where the builder printed that it could not time, or did not."""
    values = to_filled(to_float(captured_bytes(captured, "time_ms"), pa.float64()), np.nan)
    return from_numpy(values, is_time(values))


def is_time(values: Array) -> Array:
    """Return which numbers are times: infinity and the largest float stand for a failure, 0 for no timing at all."""
    found: Array = (values > 0) & (values < _FLOAT_MAX)
    return found


def same_codes(left: pa.Array, right: pa.Array) -> tuple[Array, Array]:
    """Number the captured texts of two columns alike, -1 for null."""
    both = codes_of(encoded(one_column([left, right], [len(left), len(right)])))
    return both[: len(left)], both[len(left) :]


def ids_of(captured: Matches) -> Array:
    """Return the ids of captured tactics, 0 for none."""
    values = captured_bytes(captured, "tactic")
    return to_filled(to_tactic_id(values), 0)


def autotuning(context: Context) -> Autotuning:
    """Return the joined lines of the autotuner, computed once for a context."""
    made = getattr(context, "_autotuning", None)
    if made is None:
        made = Autotuning(context)
        context._autotuning = made  # type: ignore[attr-defined]
    return made
