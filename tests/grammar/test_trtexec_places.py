"""Lines of trtexec that mean something only where they stand, in every layout: a log, a question, its answer."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import each


def parse(text: str, header: str = "[11/22/2026-13:22:03] [I] "):
    """Read lines as trtexec prints them; one that begins with & or [ stands as it is."""
    lines = [line if line[:1] in ("&", "[") else header + line for line in text.strip("\n").split("\n")]
    return trtlog.parse(("\n".join(lines) + "\n").encode())


def kinds(log) -> dict[str, int]:
    return {row["kind"]: row["lines"] for row in log.table("coverage").to_pylist()}


def statistics(log) -> list[tuple]:
    rows = log.table("performance").to_pylist()
    return [(row["metric"], row["stat"], row["value"], row["unit"]) for row in rows]


def layers(log) -> list[tuple]:
    rows = log.table("profile").to_pylist()
    return [(row["layer"], row["time_ms"], row["avg_ms"], row["median_ms"], row["percent"]) for row in rows]


def test_blocks_of_tensorrt_7_share_their_keys():
    log = parse("""
&&&& RUNNING TensorRT.trtexec # trtexec --onnx=net.onnx
Starting inference threads
Warmup completed 117 queries over 200 ms
Timing trace has 1700 queries over 3.00412 s
Trace averages of 10 runs:
Average on 10 runs - GPU latency: 1.5 ms - Host latency: 1.75 ms (end to end 3.25 ms, enqueue 0.25 ms)
Host Latency
min: 1.5 ms (end to end 2.5 ms)
max: 2 ms (end to end 4 ms)
mean: 1.75 ms (end to end 3.25 ms)
median: 1.7 ms (end to end 3.2 ms)
percentile: 1.9 ms at 99% (end to end 3.9 ms at 99%)
throughput: 565.9 qps
walltime: 3.004 s
Enqueue Time
min: 0.2 ms
max: 0.6 ms
median: 0.25 ms
GPU Compute
min: 1.25 ms
max: 1.75 ms
mean: 1.5 ms
median: 1.45 ms
percentile: 1.65 ms at 99.5%
total compute time: 2.55 s
&&&& PASSED TensorRT.trtexec # trtexec --onnx=net.onnx
""")
    whole = "end_to_end_host_latency"
    assert statistics(log) == [
        ("latency", "min", 1.5, "ms"),
        (whole, "min", 2.5, "ms"),
        ("latency", "max", 2.0, "ms"),
        (whole, "max", 4.0, "ms"),
        ("latency", "mean", 1.75, "ms"),
        (whole, "mean", 3.25, "ms"),
        ("latency", "median", 1.7, "ms"),
        (whole, "median", 3.2, "ms"),
        ("latency", "p99", 1.9, "ms"),
        (whole, "p99", 3.9, "ms"),
        ("throughput", "value", 565.9, "qps"),
        ("total_host_walltime", "value", 3.004, "s"),
        ("enqueue_time", "min", 0.2, "ms"),
        ("enqueue_time", "max", 0.6, "ms"),
        ("enqueue_time", "median", 0.25, "ms"),
        ("gpu_compute_time", "min", 1.25, "ms"),
        ("gpu_compute_time", "max", 1.75, "ms"),
        ("gpu_compute_time", "mean", 1.5, "ms"),
        ("gpu_compute_time", "median", 1.45, "ms"),
        ("gpu_compute_time", "p99.5", 1.65, "ms"),
        ("total_gpu_compute_time", "value", 2.55, "s"),
    ]
    names = [row["name"] for row in log.table("sections").to_pylist()]
    assert names == ["inference_run", "trace", "host_latency", "enqueue_time", "gpu_compute"]


def test_the_first_word_of_an_explanation_is_no_statistic():
    log = parse("""
=== Performance summary ===
Latency: min = 1 ms, max = 1.23457e+06 ms, mean = inf ms, median = 2 ms
[11/22/2026-13:22:03] [V] === Explanations of the performance metrics ===
[11/22/2026-13:22:03] [V] Latency: the summation of H2D Latency, GPU Compute Time, and D2H Latency.
[11/22/2026-13:22:03] [V] Throughput: the observed throughput computed by dividing the number of queries.
""")
    assert statistics(log) == [
        ("latency", "min", 1.0, "ms"),
        ("latency", "max", 1234570.0, "ms"),
        ("latency", "mean", float("inf"), "ms"),
        ("latency", "median", 2.0, "ms"),
    ]
    assert kinds(log)["explanation"] == 2


PROFILES = {
    "7.1: averages with two decimals, a name that ends in a number": (
        """
=== Profile (1514 iterations ) ===
                  Layer   Time (ms)   Avg. Time (ms)   Time %
           data to nvm       68.17             0.05      1.2
 prob reformatter 0 12.50     5046.37             3.33     92.1
       {a,b} finish 3       49.31             0.03      0.9
                 Total     5163.85             3.41    100.0
""",
        [
            ("data to nvm", 68.17, 0.05, None, 1.2),
            ("prob reformatter 0 12.50", 5046.37, 3.33, None, 92.1),
            ("{a,b} finish 3", 49.31, 0.03, None, 0.9),
        ],
    ),
    "8.2: averages with four decimals": (
        """
=== Profile (400 iterations ) ===
            Layer   Time (ms)   Avg. Time (ms)   Time %
 images to nvm 2       33.99           0.0852      1.1
           Total       33.99           0.0852    100.0
""",
        [("images to nvm 2", 33.99, 0.0852, None, 1.1)],
    ),
    "8.5: a median; nothing ran": (
        """
=== Profile (0 iterations ) ===
              Layer   Time (ms)   Avg. Time (ms)   Median Time (ms)   Time %
 (Unnamed Layer* 4) [Shuffle] + a, b:0        1.50             -nan             0.0000     -nan
              Total        1.50              inf             0.0000    100.0
""",
        [("(Unnamed Layer* 4) [Shuffle] + a, b:0", 1.5, None, 0.0, None)],
    ),
    "8.6.1 and later: the name last, a layer called Total": (
        """
=== Profile (30 iterations ) ===
   Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer
      12.00       0.4000       0.3900       60.0   /conv/Conv + /relu/Relu 1.00 0.5000 7.0
       4.00       0.1333       0.1300       20.0   Total
       4.00       0.1333       0.1300       20.0   Total time
      20.00       0.6667       0.6500      100.0   Total
""",
        [
            ("/conv/Conv + /relu/Relu 1.00 0.5000 7.0", 12.0, 0.4, 0.39, 60.0),
            ("Total", 4.0, 0.1333, 0.13, 20.0),
            ("Total time", 4.0, 0.1333, 0.13, 20.0),
        ],
    ),
}


@pytest.mark.parametrize("layout", PROFILES)
def test_profile(layout):
    text, expected = PROFILES[layout]
    got = layers(parse(text))
    assert [g[0] for g in got] == [e[0] for e in expected]
    for row, wanted in each(zip(got, expected, strict=True)):
        for value, want in each(zip(row[1:], wanted[1:], strict=True)):
            assert value is None or value != value if want is None else value == pytest.approx(want)


def test_the_profile_of_tensorrt_5_has_counts():
    log = parse("""
========== Layer time profile ==========
                TensorRT layer name   Runtime, %  Invocations   Runtime, ms
                              conv1        62.5%          100        12.50
                   relu1 99.0% 3 1.0        37.5%          100         7.50
========== Layer time total runtime = 20 ms ==========
""")
    assert [(row["layer"], row["time_ms"], row["percent"]) for row in log.table("profile").to_pylist()] == [
        ("conv1", 12.5, 62.5),
        ("relu1 99.0% 3 1.0", 7.5, 37.5),
    ]


def test_options_keep_every_colon_and_every_unknown_key():
    log = parse("""
=== Model Options ===
Format: ONNX
Model: C:\\models\\net: final.onnx
Output: prob:0 boxes:0
=== System Options ===
Plugins:
ignoreParsedPluginLibs: 0

=== Inference Options ===
Input inference shape : input:0=1x3x224x224
Some New Thing: 7
Inputs:
input:0<-C:\\data\\in.bin
Debug Tensor Save Destinations:
act: act.npy
Dump All Debug Tensor in Formats:
numpy
summary
=== Reporting Options ===
Dump refittable layers:Enabled

Selected Device: it is no option: the section is over
""")
    rows = [(row["section"], row["key"], row["value"]) for row in log.table("options").to_pylist()]
    assert rows == [
        ("model", "Format", "ONNX"),
        ("model", "Model", "C:\\models\\net: final.onnx"),
        ("model", "Output", "prob:0 boxes:0"),
        ("system", "Plugins", None),
        ("system", "ignoreParsedPluginLibs", "0"),
        ("inference", "Input inference shape", "input:0=1x3x224x224"),
        ("inference", "Some New Thing", "7"),
        ("inference", "Inputs", None),
        ("inference", "Inputs", "input:0<-C:\\data\\in.bin"),
        ("inference", "Debug Tensor Save Destinations", None),
        ("inference", "act", "act.npy"),
        ("inference", "Dump All Debug Tensor in Formats", None),
        ("inference", "Dump All Debug Tensor in Formats", "numpy"),
        ("inference", "Dump All Debug Tensor in Formats", "summary"),
        ("reporting", "Dump refittable layers", "Enabled"),
    ]


def test_output_values_follow_their_name():
    log = parse("""
=== Performance summary ===
Throughput: 14181.2 qps
Explanations of the performance metrics are printed in the verbose logs.

logits:0: (1x3)
-0.0283658 1e-05 nan
count: ()
5
Dumping I/O Bindings to RAW Files:
Writing file for output binding count (with datatype int64 and dimensions ) to count.output..int64.raw
""")
    found = kinds(log)
    assert (found["output_tensor"], found["output_values"], found["raw_binding"]) == (2, 2, 1)
    assert "unknown" not in found
    assert [row["name"] for row in log.table("sections").to_pylist()] == ["performance", "output"]


def test_refittable_weights_have_no_heading():
    log = parse("""
Engine built in 12.5 sec.
conv1.weight + relu Kernel
fc1 Bias
Starting inference
""")
    assert kinds(log)["refittable_weights"] == 2


def test_a_tuning_loop_holds_whole_logs():
    log = parse("""
&&&& RUNNING TensorRT.trtexec [TensorRT v110100] [b106] # trtexec --onnx=n.onnx --tuneBuildRoutes=x
Expanded to 2 build route configurations
Tuning phase1: 2 iterations.
Tuning iteration [0]: x=1
&&&& TASK_BEGIN [iter=0] BuildRoute = 'x=1'
&&&& RUNNING TensorRT.trtexec [TensorRT v110100] [b106] # trtexec --onnx=n.onnx --setBuildRoute=x=1
Using tuning build route: x=1
Throughput: 100 qps
&&&& PASSED TensorRT.trtexec [TensorRT v110100] [b106] # trtexec --onnx=n.onnx --setBuildRoute=x=1
&&&& TASK_END [iter=0] BuildRoute = 'x=1'
[11/22/2026-13:22:03] [W] Iteration [1] failed: killed
Best iteration: x=1 (gpu_time_ms=0.412)
Tuning summary: 1 / 2 iterations succeeded.
&&&& PASSED TensorRT.trtexec [TensorRT v110100] [b106] # trtexec --onnx=n.onnx --tuneBuildRoutes=x
""")
    found = kinds(log)
    assert {k: n for k, n in found.items() if k.startswith("tun")} == {
        "tuning_task": 2,
        "tuning_started": 1,
        "tuning_iteration": 1,
        "tuning_iteration_failed": 1,
        "tuning_best": 1,
        "tuning_summary": 1,
    }
    assert not {"unknown", "foreign"} & set(found)


def test_phases_are_in_seconds_whatever_the_log_prints():
    log = parse("""
Finished parsing network model. Parse time: 0.03125
Engine built in 12.5 sec.
Engine refitted in 250 ms.
Begin deserialization warmup...
First deserialization time = 31.25 milliseconds
Free GPU memory = 30.5 GiB, newly allocated GPU memory = 0.25 GiB, total GPU memory = 31.7 GiB
Total deserialization time = 500 milliseconds, average time = 25, first time = 31.25.
""")
    assert [(row["name"], row["seconds"]) for row in log.table("phases").to_pylist()] == [
        ("import", 0.03125),
        ("engine_built", 12.5),
        ("engine_refitted", 0.25),
        ("first_deserialization", 0.03125),
        ("deserialization_total", 0.5),
    ]


def test_a_failure_without_a_header_is_an_error():
    log = trtlog.parse(
        b"[11/22/2026-13:22:03] [I] Starting inference\nCuda failure at /src/common.h:812: out of memory\n"
    )
    (row,) = log.table("messages").to_pylist()
    assert (row["severity"], row["kind"], row["file"], row["source_line"]) == (
        "error",
        "cuda_failure",
        "/src/common.h",
        812,
    )
    assert "out of memory" in row["text"]


def test_tensorrt_5_prints_arguments_instead_of_options():
    log = parse(
        """
&&&& RUNNING TensorRT.trtexec # trtexec --onnx=net.onnx --fp16
onnx: net.onnx
avgRuns: 100
fp16
Input "data": 3x224x224
Average over 100 runs is 1.5 ms (host walltime is 1.75 ms, 99% percentile time is 1.6).
""",
    )
    rows = [(row["section"], row["key"], row["value"]) for row in log.table("options").to_pylist()]
    assert rows == [("arguments", "onnx", "net.onnx"), ("arguments", "avgRuns", "100"), ("arguments", "fp16", None)]
    (row,) = log.table("iterations").to_pylist()
    assert (row["average_over"], row["gpu_ms"], row["host_ms"], row["enqueue_ms"]) == (100, 1.5, 1.75, None)
