"""What equal runs differ by, and how often equal engines would be called different with a row left out."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import fmean, variance

import trtlog
from tests.conftest import FIXTURES
from trtlog.analyses.compare import floors
from trtlog.analyses.compare.performance import MeasuredRun, performance_rows

FOLDER = FIXTURES / "trt-8.5.3-h200"
ROWS = {
    "build": [f"repeats/build_{n}" for n in range(5)],
    "load": [f"repeats/load_{n}" for n in range(6)],
    "graph": [f"repeats/graph_{n}" for n in range(4)],
    "graph32": [f"repeats/graph32_{n}" for n in range(4)],
    "engine": ["repeats/engine0_graph", "repeats/engine1_graph"],
    "resnet50": ["resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild", "sweep_r50_fp32_b1"],
}
# Rows of one network; a floor that none of them was used for is one of another model.
MODELS = {
    "conv, FP16": ("build", "engine"),
    "unet, FP16 and FP32": ("load", "graph", "graph32"),
    "ResNet-50, FP32": ("resnet50",),
}
# FP16 against FP32 under a CUDA graph, and builds of a ResNet-50 at one batch in each precision.
OTHER_PRECISION = [
    *itertools.product(ROWS["graph"], ROWS["graph32"]),
    *((f"sweep_r50_best_b{n}", f"sweep_r50_fp32_b{n}") for n in (1, 8, 32, 128)),
]
# What a figure depends on -> the table of floors, and the figures that count for it.
KINDS = {
    "GPU": (floors.GPU, ("gpu_compute_time", "latency")),
    "LAUNCH": (floors.LAUNCH, ("gpu_compute_time", "latency")),
    "HOST": (floors.HOST, ("throughput", "enqueue_time")),
}


@functools.cache
def run(name: str) -> MeasuredRun:
    return MeasuredRun.of(trtlog.parse(FOLDER / f"{name}.log.gz", exports=[]))


def kind_of(name: str, metric: str) -> str | None:
    """Return which floor a figure of a run has."""
    regime = run(name).regime
    if metric == "enqueue_time":
        return None if regime.cuda_graph else "HOST"  # of microseconds the clock's resolution is most of it
    if metric == "throughput":
        return "HOST" if regime.host_bound else None
    return "LAUNCH" if regime.launch_bound else "GPU"


def spread(kind: str, stat: str, without: Iterable[str] = ()) -> tuple[float, int]:
    """Return the standard deviation between runs, pooled over rows and figures, and the degrees of freedom."""
    total, freedom = 0.0, 0
    for row, names in ROWS.items():
        if row in without:
            continue
        for metric in KINDS[kind][1]:
            wanted = "value" if metric == "throughput" else stat
            of_kind = [name for name in names if kind_of(name, metric) == kind]
            logs = [math.log(run(name).values[metric, wanted]) for name in of_kind]
            if len(logs) > 1:
                total += variance(logs) * (len(logs) - 1)
                freedom += len(logs) - 1
    return math.sqrt(total / freedom) if freedom else math.nan, freedom


# Figures whose tails are looked at together.
TAILS = {
    "GPU": ("gpu_compute_time", "latency"),
    "copies": ("h2d_latency", "d2h_latency"),
    "enqueue": ("enqueue_time",),
}


def tail_share(kind: str, without: Iterable[str] = ()) -> tuple[float, int]:
    """Return by what share of it the distance from median to percentile deviates between runs; degrees of freedom."""
    seen = length = 0.0
    freedom = 0
    for row, names in ROWS.items():
        if row in without:
            continue
        for metric, stat in itertools.product(TAILS[kind], ("p90", "p95", "p99")):
            figures = [run(name).values for name in names]
            tails = [math.log(own[metric, stat] / own[metric, "median"]) for own in figures]
            seen += variance(tails) * (len(tails) - 1)
            length += fmean(tail**2 for tail in tails) * (len(tails) - 1)
            freedom += len(tails) - 1
    return math.sqrt(seen / length), freedom


@contextmanager
def floors_without(rows: Iterable[str]) -> Iterator[None]:
    """Compute the floors anew without some rows, rounded up by the same share, and use them.

    Where fewer than four differences are left to compute one from, the floor in use stays.
    """
    kept = {kind: dict(table) for kind, (table, _) in KINDS.items()}
    fresh = {}
    for kind in KINDS:
        for stat in ("median", "p90", "p95", "p99"):
            measured, freedom = spread(kind, stat, without=rows)
            if freedom >= 4:
                fresh[kind, stat] = measured * kept[kind][stat] / spread(kind, stat)[0]
    try:
        for (kind, stat), floor in fresh.items():
            share = floor / kept[kind][stat]
            KINDS[kind][0][stat] = floor
            if stat == "median":
                KINDS[kind][0]["value"] = kept[kind]["value"] * share
        yield
    finally:
        for kind, table in kept.items():
            KINDS[kind][0].update(table)


def called_different(row: str) -> tuple[int, int, list[tuple[str, str]]]:
    """Return of how many pairs of a row how many are called different in any figure, and in which."""
    pairs = list(itertools.combinations(ROWS[row], 2))
    found = [differences(*pair) for pair in pairs]
    return len(pairs), sum(map(bool, found)), [figure for figures in found for figure in figures]


def differences(control: str, test: str) -> list[tuple[str, str]]:
    """Return metric and statistic of each figure that is called different."""
    rows = performance_rows([run(control)], [run(test)])
    return [(row["metric"], row["stat"]) for row in rows if row.get("verdict") in ("faster", "slower")]


def another_precision_missed(metric: str, stat: str) -> list[tuple[str, str]]:
    """Return the pairs of other precisions in which a figure is not called different."""
    return [pair for pair in OTHER_PRECISION if (metric, stat) not in differences(*pair)]
