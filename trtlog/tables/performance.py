"""What trtexec measured: the summary in all its layouts, and the layer profile."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog.arrays import from_numpy
from trtlog.records import TABLES
from trtlog.tables.cells import float_or_none, lines_of, take, to_int
from trtlog.tables.context import Context
from trtlog.tables.schema import asof, captured_bytes, from_rows
from trtlog.tables.simple import finish_rows, simple

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
_STATISTIC = re.compile(r"(?P<name>[a-z]+)(?:\((?P<percentile>[0-9.]+)%\))? = (?P<value>[^ ]+) (?P<unit>[a-z]+)")


def performance(context: Context) -> pa.Table:
    """One row a metric and statistic."""
    rows: list[dict[str, Any]] = []
    captures = context.captures

    def add(line: int, metric: str, stat: str, value: Any, unit: str) -> None:
        if value is not None:
            rows.append({"line": line, "metric": metric, "stat": stat, "value": float(value), "unit": unit})

    for row in captures.rows("throughput"):
        add(row["line"], "throughput", "value", row["throughput_qps"], "qps")
    for row in captures.rows("performance_statistics"):
        metric = METRICS[row["metric"]]
        for found in _STATISTIC.finditer(row["stats"]):
            stat = f"p{found['percentile']}" if found["percentile"] else found["name"]
            add(row["line"], metric, stat, float_or_none(found["value"]), found["unit"])
    for row in captures.rows("performance_total"):
        add(row["line"], "total_host_walltime", "value", row.get("walltime_s"), "s")
        add(row["line"], "total_gpu_compute_time", "value", row.get("gpu_compute_s"), "s")
    rows.extend(old_blocks(context))
    return finish_rows(context, "performance", rows)


_BLOCKS = {
    "host_latency_block": "latency",
    "enqueue_time_block": "enqueue_time",
    "gpu_compute_block": "gpu_compute_time",
}


def old_blocks(context: Context) -> list[dict[str, Any]]:
    """Return the statistics of TensorRT 7, which stand in blocks with titles of their own.

    The blocks share their keys, so that the title above says which quantity a statistic is of. One without
    a title, in an excerpt, is the latency if it has an end-to-end time, and no row otherwise.
    """
    titles = context.captured(*_BLOCKS)
    metrics = [_BLOCKS[kind] for kind in titles.column("kind").to_pylist()]
    captured = context.captured("block_statistic")
    lines, openers = lines_of(captured), lines_of(titles)
    found = asof(lines, openers, context.run_lines).tolist()
    rows: list[dict[str, Any]] = []
    for row, position in zip(context.captures.rows("block_statistic"), found, strict=True):
        whole = row.get("end_to_end_ms")
        metric = metrics[position] if position >= 0 else "latency" if whole is not None else None
        stat = row.get("stat") or f"p{row['percentile']}"
        for name, value in ((metric, row["time_ms"]), ("end_to_end_host_latency", whole)):
            if name is not None and value is not None:
                rows.append({"line": row["line"], "metric": name, "stat": stat, "value": float(value), "unit": "ms"})
    return rows


def iteration_times(context: Context) -> pa.Table:
    """Times of single queries, from --exportTimes."""
    return _exported(context, "iteration_times")


def outputs(context: Context) -> pa.Table:
    """Output tensors, from --exportOutput."""
    return _exported(context, "outputs")


def _exported(context: Context, table: str) -> pa.Table:
    known = TABLES[table].columns()
    rows = [{k: v for k, v in row.items() if k in known} for row in context.exports.get(table, ())]
    return from_rows(table, rows)


def profile(context: Context) -> pa.Table:
    """Rows of the layer profile with the iterations of its heading; from --exportProfile without such rows."""
    captured = context.captured(*context.kinds_of("profile"))
    if not captured.num_rows:
        return _exported(context, "profile")
    heads = context.captured("profile_opened")
    iterations: Any = None
    if heads.num_rows:
        head_lines = lines_of(heads)
        position = asof(lines_of(captured), head_lines, context.run_lines)
        values = to_int(captured_bytes(heads, "iterations"), pa.int64())
        iterations = take(values, position)
    table = simple(context, "profile", iterations=iterations)
    return table.filter(from_numpy(~_total_rows(captured, heads, context)))


def _total_rows(captured: pa.Table, heads: pa.Table, context: Context) -> np.ndarray[Any, Any]:
    """Return which rows are the sums: the last ``Total`` of each profile. A layer may have that name too."""
    total = np.array([kind == "profile_total" for kind in captured.column("kind").to_pylist()], dtype=bool)
    of_profile = asof(lines_of(captured), lines_of(heads), context.run_lines)
    for number in np.unique(of_profile[total]):
        inside = np.flatnonzero(total & (of_profile == number))
        total[inside[:-1]] = False
    return total
