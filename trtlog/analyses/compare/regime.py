"""What a run's times depend on: the GPU alone, or the host that launches the work as well.

Without a CUDA graph the host launches every kernel. Where that takes about as long as the kernels do, the GPU
waits between them, and what trtexec prints as GPU compute time is the host's time in part. Between inferences
the GPU waits where the host is late, and the throughput is the host's then. The host's time differs from run to
run by a quarter, the GPU's hardly. The figures are those of ``log.analyze.performance()``, which says what bounds a
run; here they decide how far two runs of one engine may be apart.
"""

from __future__ import annotations

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import share_in_words
from trtlog.analyses.build.performance import graph_failures
from trtlog.analyses.programs import worded
from trtlog.log import Log

# Runs of one engine with an enqueue time of 74 % of the GPU time and less kept their GPU time within 0.5 %; from
# 80 % on it moved with the enqueue time.
LAUNCH_SHARE = 0.75
# Graph runs of one engine, busy 77 to 97 % of the wall time, differed in throughput by that much; runs of 99 % did not.
BUSY_SHARE = 0.97


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
        Median enqueue time over median GPU compute time.
    cuda_graph : bool
        Whether the inferences were launched as a CUDA graph.
    streams : int
        Inference streams.
    profiled : bool
        Whether a layer profiler was attached to the measured run.
    copies : bool
        Whether it is copies that do not overlap with the computation that the GPU waits for, not the host.
    remedy : str or None
        What takes the host out of the times, of what this run did not do yet.
    """

    launch_bound: bool
    host_bound: bool
    busy_percent: float | None
    enqueue_percent: float | None
    cuda_graph: bool
    streams: int
    profiled: bool = False
    copies: bool = False
    remedy: str | None = None

    @property
    def reason(self) -> str:
        """Why the host has a part in the times; empty where it has none."""
        if self.streams > 1:
            return f"{self.streams} streams share the GPU"
        words = ["a layer profiler was attached"] if self.profiled else []
        if self.launch_bound and not self.profiled:
            if self.enqueue_percent is None:
                words.append("no enqueue time is printed")
            else:
                share = share_in_words(self.enqueue_percent, "%")
                words.append(f"the enqueue time is {share} of the GPU time, without a CUDA graph")
        if self.host_bound:
            if self.busy_percent is None:
                words.append("how busy the GPU was is not printed")
            else:
                waits = ", and waited for copies that do not overlap with it" if self.copies else ""
                words.append(f"the GPU was busy {share_in_words(self.busy_percent, '%')} of the wall time{waits}")
        return " and ".join(words)


def read_regime(log: Log) -> Regime:
    """Return what a run's times depend on, by the figures of its summary.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    found = next(iter(table_rows(log.analyze.table("performance"))), None)
    if found is None:
        return Regime(True, True, None, None, False, 1)
    gpu, enqueue = found["gpu_ms"], found["enqueue_ms"]
    # Of an excerpt without options trtexec's defaults are assumed.
    streams, graph, profiled = found["streams"] or 1, bool(found["cuda_graph"]), bool(found["profiled"])
    share = enqueue / gpu if gpu and enqueue is not None else None
    busy = found["gpu_busy_percent"] if streams == 1 else None
    launch_bound = streams > 1 or profiled or (not graph and (share is None or share >= LAUNCH_SHARE))
    host_bound = streams > 1 or busy is None or busy < 100 * BUSY_SHARE
    copies = host_bound and not launch_bound and found["bound_by"] == "gpu" and found["copies_overlap"] is False
    return Regime(
        launch_bound=launch_bound,
        host_bound=host_bound,
        busy_percent=busy,
        enqueue_percent=None if share is None else 100 * share,
        cuda_graph=graph,
        streams=streams,
        profiled=profiled,
        copies=copies,
        remedy=_remedy(log, launch_bound and not graph, host_bound, copies),
    )


def _remedy(log: Log, launches: bool, host: bool, copies: bool) -> str | None:
    if launches and not graph_failures(log):
        flag = worded("<<--useCudaGraph|without --noCudaGraph>>", log)
        return f"launch as a CUDA graph ({flag}), which takes the host out of the GPU time"
    if not (launches or host):
        return None
    if copies:
        flag = worded("<<--noDataTransfers|without --includeDataTransfers>>", log)
        return f"measure without copies ({flag}), or look at the GPU compute time"
    spin = "" if log.inference.spin_wait else worded(" and let it spin (<<--useSpinWait|without --noSpinWait>>)", log)
    return f"keep the host free{spin}, or look at the GPU compute time"
