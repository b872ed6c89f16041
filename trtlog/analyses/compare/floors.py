"""How much runs of one engine, and rebuilds of one model, differ: measured on repeats.

Each figure is the standard deviation of the logarithm of a statistic from run to run, on one NVIDIA H200 with
TensorRT 8.5.3 and clocks that were not locked, pooled over rows of equal runs (``fixtures/trt-8.5.3-h200-repeats``:
five builds of one network, two of their engines under a CUDA graph, six runs of one engine without and four with
a CUDA graph, four of another precision; and three runs of an FP32 ResNet-50 at batch 1), rounded up; p99 and the
launch-bound figures by more, after rows that were left out had been called different. Short runs of
1 to 3 s: longer ones differ less. ``tests/calibration`` computes them anew and leaves each row out in turn.
"""

from __future__ import annotations

# A floor estimated from about ten differences: tails are those of Student's t with so many degrees of freedom.
FLOOR_FREEDOM = 10

# One pair of equal engines in twenty may be called different, in any of its figures together. Throughput and enqueue
# time of runs that the host decides move as one and by far the most: they may take a larger part of that.
ALPHA = 0.01
HOST_ALPHA = 0.02

# Statistic -> standard deviation between runs, by what the times depend on.
GPU = {"median": 0.012, "mean": 0.013, "value": 0.012, "p90": 0.025, "p95": 0.025, "p99": 0.05}
LAUNCH = {"median": 0.045, "mean": 0.050, "value": 0.050, "p90": 0.08, "p95": 0.09, "p99": 0.11}
HOST = {"median": 0.115, "mean": 0.115, "value": 0.102, "p90": 0.13, "p95": 0.13, "p99": 0.15}
COPY = {"median": 0.03, "mean": 0.05, "p90": 0.2, "p95": 0.25, "p99": 0.3}

# Of the distance from the median to a percentile, on logarithms, one standard deviation from run to run: in steady runs
# it is a few percent and counts for nothing, of disturbed ones one has a long tail and the next has none. Measured 0.46
# on GPU compute time and latency (0.44 to 0.48 with a row or a model left out), 0.37 on copies, 0.29 on enqueue times.
TAIL_SHARE = 0.5

# What the clocks behind the figures resolve, in milliseconds: CUDA events for the GPU and the copies, which are
# short and fall into steps, the host's clock for the enqueue time.
RESOLUTION_MS = {
    "latency": 0.0003,
    "gpu_compute_time": 0.0003,
    "h2d_latency": 0.001,
    "d2h_latency": 0.001,
    "enqueue_time": 0.0012,
    "end_to_end_host_latency": 0.001,
}
