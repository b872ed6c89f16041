"""What the measured times mean: what bounds the throughput, how stable they are, what the host costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import answer, rows
from trtlog.records.base import Record, column, line_column, run_column

# trtexec warns of unstable GPU time at a coefficient of variation of 1 % and more; from 5 % on the mean and
# the throughput of two runs can hardly be compared.
UNSTABLE_SPREAD = 1.1


@dataclass(frozen=True)
class Diagnosis(Record):
    """What bounds the throughput of a run, with the figures it rests on."""

    run: int = run_column()
    throughput_qps: float | None = column("float64", "queries a second", "qps")
    latency_ms: float | None = column("float64", "median host latency: copies and GPU", "ms")
    gpu_ms: float | None = column("float64", "median GPU compute time", "ms")
    enqueue_ms: float | None = column("float64", "median enqueue time", "ms")
    h2d_ms: float | None = column("float64", "median time of copies to the GPU", "ms")
    d2h_ms: float | None = column("float64", "median time of copies from the GPU", "ms")
    p99_over_median: float | None = column("float64", "99th percentile of the GPU time over its median")
    max_over_median: float | None = column("float64", "largest GPU time over its median")
    drift_percent: float | None = column(
        "float64", "GPU time of the last quarter of the trace against the first quarter", "%"
    )
    gpu_busy_percent: float | None = column(
        "float64", "total GPU compute time over walltime; above 100 with several streams", "%"
    )
    host_overhead_ms: float | None = column("float64", "walltime an inference, less GPU time an inference", "ms")
    bound_by: str | None = column(
        "name",
        "enqueue: the host launches slower than the GPU computes; h2d or d2h: a copy takes longer than the "
        "computation; gpu; null where a figure is missing",
    )
    copies_percent: float | None = column("float64", "share of the copies in the latency", "%")
    line: int | None = line_column("the throughput")


# Metric of the performance summary -> the beginning of its columns where each run is one row.
_COLUMNS = {
    "latency": "latency",
    "gpu_compute_time": "gpu_compute",
    "enqueue_time": "enqueue",
    "h2d_latency": "h2d",
    "d2h_latency": "d2h",
}


def measures(performance: pa.Table) -> dict[str, float]:
    """Return the performance summary of one run as a row: ``throughput_qps``, ``latency_p99_ms``, ...

    Of repeats the last one counts.
    """
    found: dict[str, float] = {}
    for row in rows(performance):
        if row["metric"] == "throughput":
            found["throughput_qps"] = row["value"]
        elif row["metric"] in _COLUMNS:
            found[f"{_COLUMNS[row['metric']]}_{row['stat']}_ms"] = row["value"]
    return found


def diagnose(performance: pa.Table, iterations: pa.Table) -> pa.Table:
    """Diagnose each run that was measured."""
    found: dict[int, dict[tuple[str, str], float]] = {}
    lines: dict[int, int] = {}
    for row in rows(performance):
        found.setdefault(row["run"], {})[row["metric"], row["stat"]] = row["value"]
        lines.setdefault(row["run"], row["line"])
    out = [_diagnosis(run, values, iterations, lines[run]) for run, values in found.items()]
    return answer(Diagnosis, out)


def _diagnosis(run: int, values: dict[tuple[str, str], float], iterations: pa.Table, line: int) -> dict[str, Any]:
    def middle(metric: str) -> float | None:
        return values.get((metric, "median"), values.get((metric, "mean")))

    gpu, enqueue = middle("gpu_compute_time"), middle("enqueue_time")
    h2d, d2h, latency = middle("h2d_latency"), middle("d2h_latency"), middle("latency")
    qps = values.get(("throughput", "value"))
    total, wall = values.get(("total_gpu_compute_time", "value")), values.get(("total_host_walltime", "value"))
    mean = values.get(("gpu_compute_time", "mean"))
    queries = qps * wall if qps and wall else None
    p99, largest = values.get(("gpu_compute_time", "p99")), values.get(("gpu_compute_time", "max"))
    overhead = None
    if wall and queries and mean is not None and qps:
        overhead = 1000 / qps - mean
    return {
        "run": run,
        "throughput_qps": qps,
        "latency_ms": latency,
        "gpu_ms": gpu,
        "enqueue_ms": enqueue,
        "h2d_ms": h2d,
        "d2h_ms": d2h,
        "p99_over_median": p99 / gpu if p99 and gpu else None,
        "max_over_median": largest / gpu if largest and gpu else None,
        "drift_percent": _drift(run, iterations),
        "gpu_busy_percent": 100 * total / wall if total and wall else None,
        "host_overhead_ms": overhead,
        "bound_by": _bound(gpu, enqueue, h2d, d2h),
        "copies_percent": 100 * (h2d + d2h) / latency if h2d is not None and d2h is not None and latency else None,
        "line": line,
    }


def _bound(gpu: float | None, enqueue: float | None, h2d: float | None, d2h: float | None) -> str | None:
    """Return what bounds the throughput: the longest of the stages that overlap."""
    if gpu is None:
        return None
    stages = {"gpu": gpu, "enqueue": enqueue, "h2d": h2d, "d2h": d2h}
    return max(stages, key=lambda name: stages[name] or 0.0)


def _drift(run: int, iterations: pa.Table) -> float | None:
    times = [r["gpu_ms"] for r in rows(iterations) if r["run"] == run]
    quarter = len(times) // 4
    if quarter < 2:
        return None
    first, last = sum(times[:quarter]) / quarter, sum(times[-quarter:]) / quarter
    return 100 * (last / first - 1) if first else None
