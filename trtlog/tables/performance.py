"""What trtexec measured: the summary in all its layouts, and the layer profile."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trtlog.tables.context import Context
from trtlog.tables.schema import asof, to_int, to_text
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
            add(row["line"], metric, stat, _number(found["value"]), found["unit"])
    for row in captures.rows("performance_total"):
        add(row["line"], "total_host_walltime", "value", row.get("walltime_s"), "s")
        add(row["line"], "total_gpu_compute_time", "value", row.get("gpu_compute_s"), "s")
    rows.extend(old_blocks(context))
    return finish_rows(context, "performance", rows)


def _number(printed: str) -> float | None:
    try:
        return float(printed)
    except ValueError:
        return None


def old_blocks(context: Context) -> list[dict[str, Any]]:
    """Return the statistics of TensorRT 7, which stand in blocks with titles of their own.

    The rules of ``performance.lark`` mark the blocks; there is nothing to do before they do.
    """
    return []


def profile(context: Context) -> pa.Table:
    """Rows of the layer profile, with the number of iterations of its heading."""
    captured = context.captured(*context.kinds_of("profile"))
    heads = context.captured("profile_opened")
    iterations: Any = None
    if captured.num_rows and heads.num_rows:
        head_lines = heads.column("line").to_numpy()
        position = asof(captured.column("line").to_numpy(), head_lines, context.run_lines)
        values = to_int(heads.column("iterations").combine_chunks(), pa.int64())
        iterations = values.take(pa.array(position, mask=position < 0))
    if not captured.num_rows:
        return simple(context, "profile")
    # until 8.6.0 the name stands first, and the blanks that fill its column are no part of it
    layer = pc.utf8_rtrim_whitespace(to_text(captured.column("layer").combine_chunks()))
    return simple(context, "profile", iterations=iterations, layer=layer)
