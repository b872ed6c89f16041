"""What a run's times depend on: the GPU alone, or the host that launches the work as well.

Without a CUDA graph the host launches every kernel. Where that takes about as long as the kernels do, the GPU
waits between them, and what trtexec prints as GPU compute time is the host's time in part. Between inferences
the GPU waits where the host is late, and the throughput is the host's then. The host's time differs from run to
run by a quarter, the GPU's hardly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trtlog.log import Log

# Runs of one engine with an enqueue time of 74 % of the GPU time and less kept their GPU time within 0.5 %; from
# 80 % on it moved with the enqueue time.
LAUNCH_SHARE = 0.75
# Graph runs of one engine, busy 77 to 97 % of the wall time, differed in throughput by that much; runs of 99 % did not.
BUSY_SHARE = 0.97
_GRAPH = re.compile(r"--useCudaGraph\b")


@dataclass(frozen=True)
class Regime:
    """What one run's times depend on.

    Parameters
    ----------
    launch_bound : bool
        The GPU time holds gaps between kernels that the host was late for, or that cannot be ruled out.
    host_bound : bool
        The GPU waits between inferences, or that cannot be ruled out: throughput is the host's.
    busy_percent : float or None
        Total GPU compute time over the wall time; None where the log lacks a figure, or with several streams.
    enqueue_percent : float or None
        Mean enqueue time over mean GPU compute time.
    cuda_graph : bool or None
        Whether the inferences were launched as a CUDA graph.
    streams : int
        Inference streams.
    """

    launch_bound: bool
    host_bound: bool
    busy_percent: float | None
    enqueue_percent: float | None
    cuda_graph: bool | None
    streams: int

    @property
    def reason(self) -> str:
        """Why the host has a part in the times; empty where it has none."""
        if self.streams > 1:
            return f"{self.streams} streams share the GPU"
        words = []
        if self.launch_bound:
            if self.enqueue_percent is None:
                words.append("no enqueue time is printed")
            else:
                words.append(f"the enqueue time is {self.enqueue_percent:.0f}% of the GPU time, without a CUDA graph")
        if self.host_bound:
            if self.busy_percent is None:
                words.append("how busy the GPU was is not printed")
            else:
                words.append(f"the GPU was busy {self.busy_percent:.0f}% of the wall time")
        return " and ".join(words)


def read_regime(log: Log, values: Mapping[tuple[str, str], float]) -> Regime:
    """Return what a run's times depend on, by the figures of its summary.

    Parameters
    ----------
    log : Log
        A log of one run.
    values : mapping
        Metric and statistic -> value.
    """
    options = log.inference
    graph = options.cuda_graph
    if graph is None and log.run.command is not None:
        graph = bool(_GRAPH.search(log.run.command))
    streams = options.streams or 1

    def middle(metric: str) -> float | None:
        return values.get((metric, "mean"), values.get((metric, "median")))

    gpu, enqueue = middle("gpu_compute_time"), middle("enqueue_time")
    share = enqueue / gpu if gpu and enqueue is not None else None
    launch_bound = streams > 1 or (not graph and (share is None or share >= LAUNCH_SHARE))
    busy = _busy(values, gpu) if streams == 1 else None
    return Regime(
        launch_bound=launch_bound,
        host_bound=streams > 1 or busy is None or busy < BUSY_SHARE,
        busy_percent=None if busy is None else 100 * busy,
        enqueue_percent=None if share is None else 100 * share,
        cuda_graph=graph,
        streams=streams,
    )


def _busy(values: Mapping[tuple[str, str], float], gpu_ms: float | None) -> float | None:
    total, wall = values.get(("total_gpu_compute_time", "value")), values.get(("total_host_walltime", "value"))
    if total is not None and wall:
        return min(1.0, total / wall)
    rate = values.get(("throughput", "value"))
    # With an implicit batch the rate counts samples, and the share comes out above 1: then nothing is known.
    share = rate * gpu_ms / 1000 if rate and gpu_ms else None
    return share if share is not None and share <= 1.02 else None
