"""Logs whose lines have no header, or a common word in front: what they hold tells that they are the library's."""

from __future__ import annotations

import pytest

import trtlog
from tests.command import trtlog as command

SUMMARY = """\
=== Performance summary ===
Throughput: 169.352 qps
Latency: min = 5.38 ms, max = 6.19 ms, mean = 5.9328 ms, median = 6.02 ms, percentile(99%) = 6.17 ms
Enqueue Time: min = 0.59 ms, max = 0.80 ms, mean = 0.62 ms, median = 0.625 ms, percentile(99%) = 0.69 ms
H2D Latency: min = 0.80 ms, max = 0.90 ms, mean = 0.8232 ms, median = 0.8174 ms, percentile(99%) = 0.89 ms
GPU Compute Time: min = 3.17 ms, max = 3.88 ms, mean = 3.6324 ms, median = 3.72 ms, percentile(99%) = 3.87 ms
D2H Latency: min = 1.30 ms, max = 1.56 ms, mean = 1.4772 ms, median = 1.4866 ms, percentile(99%) = 1.50 ms
Total Host Walltime: 3.053 s
Total GPU Compute Time: 1.878 s
* GPU compute time is unstable, with coefficient of variance = 5.5%.
  If not already in use, locking GPU clock frequency or adding --useSpinWait may improve the stability.
"""
BUILD = [
    "I [MemUsageChange] Init CUDA: CPU +20, GPU +0, now: CPU 36, GPU 526 (MiB)",
    "V Parsing node: /conv1/Conv [Conv]",
    "V /conv1/Conv [Conv] inputs: [input -> (1, 3, 8, 8)[FLOAT]], [w -> (4, 3, 3, 3)[FLOAT]], ",
    "V /conv1/Conv [Conv] outputs: [conv1 -> (1, 4, 6, 6)[FLOAT]], ",
    "V Original: 3 layers",
    "V After dead-layer removal: 2 layers",
    "V --------------- Timing Runner: /conv1/Conv (CaskConvolution[0x80000009])",
    "V /conv1/Conv Set Tactic Name: sm80_xmma_fprop_implicit_gemm_f16f16_nhwc Tactic: 0x00000000000203f5",
    "V Tactic: 0x00000000000203f5 Time: 0.0212",
    "I Total Host Persistent Memory: 1024",
    "I Local timing cache in use. Profiling results in this builder pass will not be stored.",
]


def severities(log):
    """Return what lint found, but for what is fine."""
    return {row["rule"]: row["severity"] for row in log.lint().to_dict("records") if row["severity"] != "good"}


WORDS = {"V": "VERBOSE", "I": "INFO"}
FRONTS = {
    "none": lambda _: "",
    "a word in a box": lambda letter: f"[{WORDS[letter]}] ",
    "a word and a colon": lambda letter: f"{WORDS[letter]}: ",
    "TorchScript": lambda letter: f"{WORDS[letter]}: [Torch-TensorRT TorchScript Conversion Context] - ",
    "Torch-TensorRT, debug build": lambda letter: f"{WORDS[letter]}: [Torch-TensorRT - Debug Build] - ",
    "TRTorch": lambda letter: f"{WORDS[letter]}: [TRTorch Conversion Context] - ",
}


@pytest.mark.parametrize("engine", ["line", "auto"])
@pytest.mark.parametrize("front", FRONTS)
def test_a_build_is_read_whatever_is_in_front_of_its_lines(front, engine):
    text = "".join(f"{FRONTS[front](line[0])}{line[2:]}\n" for line in BUILD)
    log = trtlog.parse(text.encode(), engine=engine)
    (node,) = log.table("onnx_nodes").to_pylist()
    assert (node["node"], [i["tensor"] for i in node["inputs"]]) == ("/conv1/Conv", ["input", "w"])
    assert log.passes.layers.tolist() == [3, 2]
    (tactic,) = log.table("tactics").to_pylist()
    assert (tactic["layer"], tactic["time_ms"]) == ("/conv1/Conv", 0.0212)
    assert tactic["kernel"] == "sm80_xmma_fprop_implicit_gemm_f16f16_nhwc"
    assert log.memory_totals[["name", "bytes"]].values.tolist() == [["host_persistent", 1024]]
    assert log.memory.event.tolist() == ["Init CUDA"]
    assert log.timing_cache.event.tolist() == ["in_use"]


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_a_summary_without_headers(engine):
    log = trtlog.parse(SUMMARY.encode(), engine=engine)
    performance = log.performance
    assert (performance.throughput_qps, performance.latency.mean_ms, performance.gpu_compute_time.p99_ms) == (
        169.352, 5.9328, 3.87,
    )  # fmt: skip
    assert log.messages.severity.tolist() == ["warning", "warning"]
    assert severities(log)["unstable-gpu-time"] == "warning"


def test_blanks_at_the_ends_of_lines_without_headers_are_no_matter():
    bare = trtlog.parse(SUMMARY.encode()).table("performance").to_pylist()
    assert trtlog.parse(SUMMARY.replace("\n", "  \n").encode()).table("performance").to_pylist() == bare
    assert len(bare) == 28


def test_means_tell_that_copies_wait_for_the_computation():
    """0.8232 + 3.6324 + 1.4772 ms are the 5.9 ms between two queries; the medians of unstable times are more."""
    (row,) = trtlog.parse(SUMMARY.encode()).table("diagnosis").to_pylist()
    assert (row["bound_by"], row["copies_overlap"]) == ("gpu", False)
    assert "copies of 2.304 ms that do not overlap with it take the rest" in row["because"]


RUN = f"""\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx --verbose
=== Model Options ===
Format: ONNX
Model: net.onnx
=== Build Options ===
Max batch: explicit batch
=== Device Information ===
Selected Device: NVIDIA H200
{"".join(line[2:] + chr(10) for line in BUILD)}Engine built in 23.5 sec.
{SUMMARY}&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx --verbose
"""


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_a_whole_log_that_lost_its_headers_is_no_help_text(engine):
    """Its headings are those of the help text, which ended at the next header only."""
    log = trtlog.parse(RUN.encode(), engine=engine)
    assert log.run.status == "passed"
    assert log.passes.layers.tolist() == [3, 2]
    assert log.tactics.time_ms.tolist() == [0.0212]
    assert log.phases[["name", "seconds"]].values.tolist() == [["engine_built", 23.5]]
    assert log.performance.latency.mean_ms == 5.9328
    good = [row["text"] for row in log.lint().to_dict("records") if row["rule"] == "build-failed"]
    assert good == ["The run passed, without any error."]


def test_a_help_text_holds_no_message():
    text = "=== Model Options ===\n  --onnx=<file>  ONNX model\n=== Build Options ===\n  --fp16  Enable fp16\n"
    assert set(trtlog.parse(text.encode()).coverage.kind) == {"usage"}


PROSE = """\
The kernel: a short story with many words
model: Fusing conv with bn
INFO: downloading weights
[INFO] model summary: 25 layers
x [y] inputs: none
"""


def test_prose_is_no_message():
    text = PROSE + "[V] [TRT] Original: 3 layers\n" + PROSE
    log = trtlog.parse(text.encode())
    assert log.passes.layers.tolist() == [3]
    assert {row["kind"] for row in log.table("coverage").to_pylist()} == {"foreign", "original_layers"}


def test_what_a_word_stands_in_front_of_is_the_layer_alone():
    text = (
        "WARNING: Default DLA is enabled but layer conv_3 is not running on DLA, falling back to GPU.\n"
        "WARNING: route_4: Concatenation on DLA requires at least two inputs.\n"
        "ERROR: [TRT]: leaky_5: ActivationLayer (with ActivationType = LEAKY_RELU) not supported for DLA.\n"
    )
    log = trtlog.parse(text.encode())
    assert log.placements[["layer", "line", "fallback"]].values.tolist() == [
        ["conv_3", 1, True], ["route_4", 2, True], ["leaky_5", 3, True],
    ]  # fmt: skip
    # What the DLA does not take is told by a rule of its own: no error that was survived.
    assert severities(log) == {"dla-fallback": "warning"}


def test_a_converter_that_cannot_read_its_model():
    text = (
        "[INFO] [MemUsageChange] Init CUDA: CPU +564, GPU +0, now: CPU 1929, GPU 277 (MiB)\n"
        "[ERROR] UffParser: Unsupported number of graph 0\n"
        "[ERROR] Failed to parse the model, please check the encoding key to make sure it's correct\n"
        "[ERROR] 4: [network.cpp::validate::1] Error Code 4: Internal Error (Network must have at least one output)\n"
        "[ERROR] Unable to create engine\n"
        "Segmentation fault (core dumped)\n"
    )
    log = trtlog.parse(text.encode())
    assert log.messages.severity.tolist() == ["error"] * 4 + ["fatal"]
    (finding,) = (row for row in log.lint().to_dict("records") if row["rule"] == "build-failed")
    assert "UffParser: Unsupported number of graph 0 (line 2)" in finding["text"]
    assert "check the key" in finding["action"]


def test_the_ending_of_a_summary_is_worded_for_the_program(tmp_path):
    """Advice with alternatives by version is chosen from, also where it stands in the summary."""
    log = tmp_path / "a.log"
    log.write_text(
        "[06/07/2026-19:05:53] [E] Error[10]: [optimizer.cpp::computeCosts::2011] Error Code 10: Internal Error "
        "(Could not find any implementation for node {ForeignNode[a...b]}.)\n"
        "[06/07/2026-19:05:53] [E] Engine could not be created from network\n"
        "&&&& FAILED TensorRT.trtexec [TensorRT v8205] # ./trtexec --onnx=a.onnx\n"
    )
    for more in ([], ["--format", "json"]):
        shown = command("summary", log, *more).stdout
        assert "<<" not in shown
        assert "--workspace=MIB" in shown
