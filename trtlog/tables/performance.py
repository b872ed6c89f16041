"""What trtexec measured: the summary in all its layouts, and the layer profile."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, distinct, from_numpy
from trtlog._util.expression import expression
from trtlog.messages.captures import Matches
from trtlog.tables.blocks import kind_is
from trtlog.tables.cells import float_or_none, take, to_int
from trtlog.tables.context import Context
from trtlog.tables.join import asof
from trtlog.tables.schema import captured_bytes, from_rows
from trtlog.tables.simple import finish_columns, simple

METRICS = {
    "Throughput": "throughput",
    "Latency": "latency",
    "Host latency": "latency",
    "Host Latency": "latency",
    "End-to-End Host Latency": "end_to_end_host_latency",
    "Enqueue Time": "enqueue_time",
    "H2D Latency": "h2d_latency",
    "GPU Compute": "gpu_compute_time",
    "GPU Compute Time": "gpu_compute_time",
    "D2H Latency": "d2h_latency",
    "Total Host Walltime": "total_host_walltime",
    "Total GPU Compute Time": "total_gpu_compute_time",
}
_STATISTIC = expression(r"\b([a-z]+)(?:\(([0-9.]+)%\))? = ([^ ]+) ([a-z]+)")


# Line, metric, statistic, value and unit.
_Row: TypeAlias = tuple[int, str, str, float, str]


def performance(context: Context) -> pa.Table:
    """One row a metric and statistic."""
    rows: list[_Row] = []
    captures = context.captures

    def add(line: int, metric: str, stat: str, value: Any, unit: str) -> None:
        number = float_or_none(value)
        if number is not None:
            rows.append((line, metric, stat, number, unit))

    for line, value in zip(*captures.lists(("throughput",), ("line", "throughput_qps")), strict=True):
        add(line, "throughput", "value", value, "qps")
    known: dict[str, list[tuple[str, float, str]]] = {}
    printed = captures.lists(("performance_statistics",), ("line", "metric", "stats"))
    for line, name, stats in zip(*printed, strict=True):
        metric = METRICS[name]
        if stats not in known:
            known[stats] = _statistics(stats)
        rows += [(line, metric, stat, value, unit) for stat, value, unit in known[stats]]
    totals = captures.lists(("performance_total",), ("line", "walltime_s", "gpu_compute_s"))
    for line, walltime, gpu_compute in zip(*totals, strict=True):
        add(line, "total_host_walltime", "value", walltime, "s")
        add(line, "total_gpu_compute_time", "value", gpu_compute, "s")
    rows += old_blocks(context)
    rows.sort(key=itemgetter(0))
    names = ("line", "metric", "stat", "value", "unit")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    return finish_columns(context, "performance", columns)


def _statistics(printed: str) -> list[tuple[str, float, str]]:
    """Return name, value and unit of each statistic of a line."""
    found = [
        (f"p{percentile}" if percentile else name, float_or_none(value), unit)
        for name, percentile, value, unit in _STATISTIC.findall(printed)
    ]
    return [(stat, value, unit) for stat, value, unit in found if value is not None]


_BLOCKS = {
    "host_latency_block": "latency",
    "enqueue_time_block": "enqueue_time",
    "gpu_compute_block": "gpu_compute_time",
}


def old_blocks(context: Context) -> list[_Row]:
    """Return the statistics of TensorRT 7, which stand in blocks with titles of their own.

    The blocks share their keys, so that the title above says which quantity a statistic is of. One without
    a title, in an excerpt, is the latency if it has an end-to-end time, and no row otherwise.
    """
    fields = ("line", "stat", "percentile", "time_ms", "end_to_end_ms")
    printed = context.captures.lists(("block_statistic",), fields)
    if not printed[0]:
        return []
    titles = context.captured(*_BLOCKS)
    metrics = [_BLOCKS[kind] for kind in titles.column("kind").to_pylist()]
    found = asof(np.array(printed[0], np.int64), titles.lines, context.run_lines).tolist()
    rows: list[_Row] = []
    for position, line, name, percentile, time, whole in zip(found, *printed, strict=True):
        metric = metrics[position] if position >= 0 else "latency" if whole is not None else None
        stat = name or f"p{percentile}"
        time_ms, whole_ms = float_or_none(time), float_or_none(whole)
        if metric is not None and time_ms is not None:
            rows.append((line, metric, stat, time_ms, "ms"))
        if whole_ms is not None:
            rows.append((line, "end_to_end_host_latency", stat, whole_ms, "ms"))
    return rows


def iteration_times(context: Context) -> pa.Table:
    """Times of single queries, from --exportTimes."""
    return exported(context, "iteration_times")


def outputs(context: Context) -> pa.Table:
    """Output tensors, from --exportOutput."""
    return exported(context, "outputs")


def exported(context: Context, table: str, without: Sequence[int] = ()) -> pa.Table:
    """Return the rows of a table that exports hold, but for those of some logs; they have no line."""
    return from_rows(table, context.exported(table, without))


def profile(context: Context) -> pa.Table:
    """Rows of the layer profile with the iterations of its heading; from --exportProfile without such rows."""
    captured = context.captured(*context.kinds_of("profile"))
    if not captured.num_rows:
        return exported(context, "profile")
    heads = context.captured("profile_opened")
    iterations: Any = None
    if heads.num_rows:
        head_lines = heads.lines
        position = asof(captured.lines, head_lines, context.run_lines)
        values = to_int(captured_bytes(heads, "iterations"), pa.int64())
        iterations = take(values, position)
    table = simple(context, "profile", iterations=iterations)
    total = _total_rows(captured, heads, context)
    table = table.filter(from_numpy(~total)) if total.any() else table
    # A log that prints none has those of its export.
    others = exported(context, "profile", distinct(context.log_of(captured.lines)).tolist())
    return pa.concat_tables([table, others]).unify_dictionaries().combine_chunks() if others.num_rows else table


def _total_rows(captured: Matches, heads: Matches, context: Context) -> Array:
    """Return which rows are the sums: the last ``Total`` of each profile. A layer may have that name too."""
    total = kind_is(captured, "profile_total")
    if not total.any():
        return total
    of_profile = asof(captured.lines, heads.lines, context.run_lines)
    of_profile = np.where(of_profile >= 0, of_profile, -1 - context.log_of(captured.lines))
    for number in distinct(of_profile[total]):
        inside = np.flatnonzero(total & (of_profile == number))
        total[inside[:-1]] = False
    return total
