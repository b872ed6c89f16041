"""From the builder's timings to the walltime: sums of lines that stand in the log."""

from __future__ import annotations

import re

import pytest

import trtlog
from tests.runner.conftest import find_capture
from trtlog.analyses.build.reconciliation import other_shapes

LOG = """\
[01/02/2026-10:00:00] [I] === Build Options ===
[01/02/2026-10:00:00] [I] Input build shape: x=1x3+8x3+32x3
[01/02/2026-10:00:00] [I] === Inference Options ===
[01/02/2026-10:00:00] [I] CUDA graph: Disabled
[01/02/2026-10:00:00] [I] Input inference shape: x={shape}
[01/02/2026-10:00:01] [V] [TRT] *************** Autotuning format combination: Half(3,1) -> Half(8,1) ***************
[01/02/2026-10:00:01] [V] [TRT] --------------- Timing Runner: a (CaskGemm)
[01/02/2026-10:00:01] [V] [TRT] Tactic: 0x0000000000000011 Time: {a}
[01/02/2026-10:00:01] [V] [TRT] Fastest Tactic: 0x0000000000000011 Time: {a}
[01/02/2026-10:00:01] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskGemm Tactic: 0x0000000000000011
[01/02/2026-10:00:01] [V] [TRT] Engine Layer Information:
Layer(CaskGemm): a, Tactic: 0x0000000000000011, x (Half[8,3]) -> y (Half[8,8])
[01/02/2026-10:00:02] [I] === Performance summary ===
[01/02/2026-10:00:02] [I] Throughput: 20000 qps
[01/02/2026-10:00:02] [I] Latency: min = 0.04 ms, max = 0.04 ms, mean = 0.04 ms, median = 0.04 ms, percentile(99%) = 0.04 ms
[01/02/2026-10:00:02] [I] H2D Latency: min = 0.01 ms, max = 0.01 ms, mean = 0.01 ms, median = 0.01 ms, percentile(99%) = 0.01 ms
[01/02/2026-10:00:02] [I] GPU Compute Time: min = 0.02 ms, max = 0.02 ms, mean = 0.02 ms, median = 0.02 ms, percentile(99%) = 0.02 ms
[01/02/2026-10:00:02] [I] D2H Latency: min = 0.01 ms, max = 0.01 ms, mean = 0.01 ms, median = 0.01 ms, percentile(99%) = 0.01 ms
"""  # noqa: E501


def steps_of(log):
    return {row["step"]: row for row in log.analyze.table("reconciliation").to_pylist()}


def read(a="0.018", shape="8x3"):
    return trtlog.parse(LOG.format(a=a, shape=shape).encode())


def test_each_sum_and_its_difference():
    steps = steps_of(read())
    assert {name: row["time_ms"] for name, row in steps.items()} == pytest.approx(
        {
            "tactics": 0.018,
            "conversions": 0.018,
            "profile": None,
            "gpu_compute": 0.02,
            "latency": 0.04,
            "walltime": 0.05,
        }
    )
    assert steps["gpu_compute"]["change_ms"] == pytest.approx(0.002)
    assert steps["gpu_compute"]["explained"] == "no CUDA graph, gaps between kernels: 2 us a layer"
    assert steps["latency"]["explained"] == "copies: h2d 10 us, d2h 10 us"
    assert steps["profile"]["explained"] == "the log holds no profile (--dumpProfile)"


def test_a_builder_that_timed_slower_is_a_finding():
    """The tactic takes 130 us in the build, the whole inference 20 us."""
    log = read(a="0.13")
    assert steps_of(log)["gpu_compute"]["factor"] == pytest.approx(6.5)
    [found] = [row for row in log.analyze.table("findings").to_pylist() if row["rule"] == "builder-timed-slower"]
    assert "timed 6.5 times slower in the build" in found["text"]
    assert found["lines"] == [12, 17]
    assert not [row for row in read().analyze.table("findings").to_pylist() if row["rule"] == "builder-timed-slower"]


def test_other_shapes_are_not_compared():
    log = read(a="0.13", shape="1x3")
    assert steps_of(log)["gpu_compute"]["factor"] is None
    assert steps_of(log)["gpu_compute"]["explained"] == "the builder timed x=8x3, the inference ran x=1x3"
    assert not [row for row in log.analyze.table("findings").to_pylist() if row["rule"] == "builder-timed-slower"]


def test_shapes_are_those_of_the_profile_in_use():
    """A run in profile 1 is compared with what the builder timed for it, not with profile 0."""
    keys = ["Input build shape (profile 0)", "Input build shape (profile 1)", "Input inference shape"]
    shapes = ["1x3+4x3+8x3", "8x3+32x3+64x3", "32x3"]
    rows = [{"key": key, "value": f"x={shape}"} for key, shape in zip(keys, shapes, strict=True)]
    assert other_shapes([*rows, {"key": "Optimization Profile Index", "value": "1"}]) is None
    told = "the builder timed x=4x3, the inference ran x=32x3"
    assert other_shapes([*rows, {"key": "Optimization Profile Index", "value": "0"}]) == told == other_shapes(rows)


def test_sums_of_a_log_are_those_of_its_lines():
    """The profile's rows added up in the text: total over 100 iterations and so on, as the header prints them."""
    path = find_capture("mobilenet_fp16_verbose.log")
    log = trtlog.parse(path)
    from tests.analyses.conftest import lines_of

    lines = lines_of("mobilenet_fp16_verbose")
    [head] = [n for n, line in enumerate(lines) if "=== Profile (" in line]
    iterations = int(re.search(r"\(([0-9]+) iterations", lines[head])[1])
    [end] = [n for n, line in enumerate(lines) if n > head and re.search(r"\] +Total ", line)]
    total = float(re.search(r"Total +([0-9.]+)", lines[end])[1])
    steps = steps_of(log)
    assert steps["profile"]["time_ms"] == pytest.approx(total / iterations, rel=1e-3)
    assert steps["profile"]["layers"] == end - head - 2
    [gpu] = [line for line in lines if "GPU Compute Time: min" in line]
    assert steps["gpu_compute"]["time_ms"] == float(re.search(r"mean = ([0-9.]+)", gpu)[1])


PROFILE = """\
[01/02/2026-10:00:03] [I] === Profile (100 iterations ) ===
[01/02/2026-10:00:03] [I]    Layer    Time (ms)    Avg. Time (ms)    Median Time (ms)    Time %
[01/02/2026-10:00:03] [I]        a         3.50            0.0350              0.0350     100.0
[01/02/2026-10:00:03] [I]    Total         3.50            0.0350              0.0350     100.0
"""


def test_each_step_is_explained_against_the_one_above_it():
    """130 us in the build, 35 us in the profile, 20 us in the inference: the last step is not the builder's."""
    log = trtlog.parse((LOG.format(a="0.13", shape="8x3") + PROFILE).encode())
    steps = steps_of(log)
    profiled = "1 layer has both: 130 us when built, 35 us in the profile; the builder timed under other conditions"
    assert steps["profile"]["explained"].startswith(profiled)
    assert steps["gpu_compute"]["change_ms"] == pytest.approx(-0.015)
    assert steps["gpu_compute"]["explained"].startswith("15 us a layer less, usually the profiler's events")
    assert steps["gpu_compute"]["factor"] == pytest.approx(6.5)
    # And the shares of the profile's times are told to be too low.
    [total] = log.analyze.table("roofline_total").to_pylist()
    assert "the profile takes 1.8 times the GPU compute time: shares are too low" in total["note"]
