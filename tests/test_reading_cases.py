"""Small logs in tests/cases that show how a line is read: the log stands there, the right answer here."""

from __future__ import annotations

from pathlib import Path

import pytest

import trtlog
from trtlog.errors import InputError, NoLogError
from trtlog.parquet.stream import convert

CASES = Path(__file__).parent / "cases"


@pytest.fixture(params=["line", "auto"])
def read(request):
    return lambda name: trtlog.parse(CASES / f"{name}.log", engine=request.param)


def kinds(log):
    return set(log.coverage.kind)


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_the_tail_of_a_log_has_version_and_command_of_its_last_banner(engine):
    run = trtlog.parse(CASES / "tail-with-end-banner.log", engine=engine).run
    assert (run.tensorrt_version, run.build, run.status) == ("10.16.1", "11", "failed")
    assert run.command == "trtexec --onnx=m.onnx --fp16"


def test_the_logger_of_edge_llm(read):
    log = read("logger-edge-llm")
    assert kinds(log) == {"memory_total", "engine_generated"}
    assert log.memory_totals.bytes.tolist() == [1076146176]
    assert log.phases.seconds.tolist() == [87.9465]


def test_onnxruntimes_logger_of_the_system(read):
    log = read("logger-ort-e")
    assert log.messages[["severity", "origin", "kind"]].values.tolist() == [["error", "tensorrt", "tactic_exception"]]
    # The place that ONNX Runtime puts behind the message is no part of it.
    assert log.skips[["tactic", "reason", "text"]].values.tolist() == [
        ["0xaa15e43058248292", "exception", "canImplement1"]
    ]
    assert str(log.table("timestamps").column("time")[0]) == "2024-01-02 10:00:43"


def test_why_layers_do_not_run_on_the_dla(read):
    log = read("dla-reasons")
    assert "unknown" not in kinds(log)
    assert log.placements[["layer", "processor", "fallback", "reason", "reason_line"]].values.tolist() == [
        ["/head/Slice_1", "GPU", True, "DLA only supports slicing 4 dimensional tensors.", 1],
        ["conv9", "GPU", True, "does not support dynamic shapes in any dimension.", 3],
        ["gather3", "GPU", True, "DLA only supports FP16 and Int8 precision type.", 5],
    ]


def test_a_request_above_the_device(read):
    log = read("request-above-device")
    assert kinds(log) == {"tactic_memory_unavailable", "tactic_skipped_memory"}
    assert log.skips.requested_bytes.tolist() == [157500 << 20, 157500 << 20]
    assert log.skips.available_bytes.tolist()[0] == 40339 << 20


def test_sizes_without_a_unit_are_in_mib_where_one_repeats_the_line_above():
    log = trtlog.parse(b"""\
[W] [TRT] Tactic Device request: 2688MB Available: 1879MB. Device memory is insufficient to use tactic.
[W] [TRT] Skipping tactic 3 due to insufficient memory on requested size of 2688 detected for tactic 0x0000000000000004.
[W] [TRT] Skipping tactic 5 due to insufficient memory on requested size of 2688 detected for tactic 0x0000000000000006.
[W] [TRT] Skipping tactic 7 due to insufficient memory on requested size of 3359744 detected for tactic 0x0000000000000008.
""")  # noqa: E501
    assert log.skips.requested_bytes.tolist() == [2688 << 20, 2688 << 20, 2688 << 20, 3359744]
    log = trtlog.parse(b"""\
[W] [TRT] Skipping tactic 5 due to insufficient memory on requested size of 2688 detected for tactic 0x0000000000000006.
""")
    assert log.skips.requested_bytes.tolist() == [2688]


def test_a_gpu_error_while_timing(read):
    launch, cudnn, *_ = read("gpu-error-during-timing").table("messages").to_pylist()
    assert (launch["line"], launch["kind"]) == (5, "tactic_gpu_error")
    assert launch["text"] == "GPU error during getBestTactic: pool1 : the launch timed out and was terminated"
    assert (cudnn["code"], cudnn["error_class"], cudnn["text"]) == (4, "Cudnn Error", "CUDNN_STATUS_INTERNAL_ERROR")


def test_a_tactic_that_is_named_with_its_layer_and_runner(read):
    assert read("tactic-name-without-runner").tactics[["layer", "runner", "time_ms", "kernel"]].values.tolist() == [
        ["conv4 + relu4", "scudnn", 0.389856, "volta_scudnn_128x128_relu_exp_medium_nhwc_tn_v1"]
    ]


def test_passes_of_torch_tensorrt_are_no_rewrites_of_the_graph(read):
    log = read("torchtrt-lowering")
    assert len(log.fusions) == 0
    assert log.coverage.set_index("kind").lines.to_dict() == {"foreign": 2, "plugin_experimental": 1}


# ---------------------------------------------------------------- what lines hold
def test_slices_buffers_and_kernels_of_a_tactic():
    log = trtlog.parse(b"""\
[V] [TRT] --------------- Timing Runner: /fc/Gemm (CaskGemmConvolution)
[V] [TRT] /fc/Gemm Set Tactic Name: gemm Tactic: 0x0000000000000001 numSplitK: 8 numBuffers: 1 numKernels: 2
[V] [TRT] Tactic: 0x0000000000000001 Time: 0.5
[V] [TRT] Tactic Name: gemm numSplitK: 4 numBuffers: 0 numKernels: 1 Tactic: 0x0000000000000002 Time: 0.25
[V] [TRT] Tactic Name: relu Tactic: 0x0000000000000003 Time: 0.125
[V] [TRT] /fc/Gemm Set Tactic Name: late Tactic: 0x0000000000000004 numSplitK: 2 numBuffers: 1 numKernels: 1
""")
    columns = ["kernel", "split_k", "buffers", "kernels"]
    assert log.tactics[columns].fillna(-1).values.tolist() == [
        ["gemm", 8, 1, 2],
        ["gemm", 4, 0, 1],
        ["relu", -1, -1, -1],
    ]
    # Named and never timed.
    assert log.tactic_names[["line", "layer", "runner", "tactic", *columns]].values.tolist() == [
        [6, "/fc/Gemm", "CaskGemmConvolution", "0x0000000000000004", "late", 2, 1, 1]
    ]


def test_what_the_symbols_of_formats_stand_for():
    log = trtlog.parse(b"""\
[V] [TRT] *************** Autotuning format combination: Half((* 32 E0),E0,1) -> Half(E0,1) where E0=(# 2 (SHAPE x)) \
***************
[V] [TRT] --------------- Timing Runner: /a (Cask)
[V] [TRT] Tactic: 0x0000000000000001 Time: 0.5
""")
    for table in ("combinations", "timings", "tactics"):
        assert log.frame(table).symbols.tolist() == ["E0=(# 2 (SHAPE x))"], table
    assert log.combinations.input_formats.tolist() == ["Half((* 32 E0),E0,1)"]


def test_which_cache_a_line_is_about():
    log = trtlog.parse(b"""\
[V] [TRT] Timing cache disabled. Turning it on will improve builder speed.
[V] [TRT] Loaded 31 timing cache entries.
[V] [TRT] Loaded 27 bytes of code generator cache.
[I] [TRT] Serialized 3195 bytes of compilation cache.
""")
    assert log.timing_cache[["event", "cache", "entries", "bytes"]].fillna(-1).values.tolist() == [
        ["disabled", "timing", -1, -1],
        ["loaded", "timing", 31, -1],
        ["loaded", "code_generator", -1, 27],
        ["serialized", "compilation", -1, 3195],
    ]


def test_messages_in_the_output_that_polygraphy_captured_are_messages():
    log = trtlog.parse(b"""\
[I]     Running check command: polygraphy run m.engine --trt
[E]     ========== CAPTURED STDERR ==========
        [E] Error Code 4: API Usage Error (Network must have at least one output.)
        [W] Using default stream in enqueueV3() may lead to performance issues.
            Consider another stream.
[I]     RUNNING | Iteration 2
""")
    assert log.messages[["line", "severity", "kind"]].values.tolist() == [
        [2, "error", "debug_check"],
        [3, "error", "error"],
        [4, "warning", "unknown"],
    ]
    assert log.messages.text.tolist()[2].splitlines()[1].strip() == "Consider another stream."


def test_a_kernel_that_cannot_be_generated_and_an_error_with_its_number_alone():
    log = trtlog.parse(b"""\
[07/12/2023-11:55:50] [TRT] [W] Skipping tactic 232 due to kernel generation error.
nvrtc: error: invalid value for --gpu-architecture (-arch)
[07/12/2023-11:55:50] [TRT] [E] 10: Could not find any implementation for node 002_convolutional.
""")
    assert log.skips[["tactic", "reason"]].values.tolist() == [["0x00000000000000e8", "exception"]]
    assert log.messages[["kind", "code"]].fillna(-1).values.tolist() == [
        ["tactic_exception", -1],
        ["error_sentence", 10],
    ]


@pytest.mark.parametrize(
    "title",
    ["=== Inference Options ===", "=== Inference Options===", "===Inference Options ===", "===Inference Options==="],
)
def test_section_titles_with_and_without_blanks(title):
    log = trtlog.parse(f"[I] === Build Options ===\n[I] {title}\n[I] Iterations: 32\n".encode())
    assert log.inference.iterations == 32


@pytest.mark.parametrize(
    ("header", "severity"),
    [
        ("[11/22/2026-13:22:03]\t[W]\t[TRT]\t", "warning"),
        ("2026-11-22 13:22:03,123\tWARNING\tTensorRT\t", "warning"),
        ("[NVINFER LOG]: ", "error"),
        ("[10:00:27.874] [WARN] [TensorRT] ", "warning"),
        ("W onnxruntime: [2024-01-02 10:00:43 WARNING] ", "warning"),
        ("[2024-01-02 10:00:43 WARNING] ", "warning"),
        ("[2026-11-22 13:22:03.123] [mmdeploy] [warning] [trt_net.cpp:28] TRTNet: ", "warning"),
    ],
)
def test_headers_of_loggers(header, severity):
    text = "Using default stream in enqueueV3() may lead to performance issues due to additional calls to x"
    log = trtlog.parse(f"{header}{text}\n".encode())
    assert log.messages[["severity", "text"]].values.tolist() == [[severity, text]]
    assert not kinds(log) & {"unknown", "foreign"}


# ---------------------------------------------------------------- a logger of one's own
OWN = b"""\
2026-11-22 13:22:03.25 <chatty> gpu-builder: Original: 179 layers
2026-11-22 13:22:04.25 <oops> gpu-builder: Error Code 1: Cuda Runtime (out of memory)
"""
PATTERNS = r"""# lines of the build farm
(?P<time>\S+ \S+) <(?P<severity>[a-z]+)> gpu-builder:\s
@severity chatty = V
@severity oops = E
"""


@pytest.fixture
def patterns(tmp_path):
    file = tmp_path / "own.logger"
    file.write_text(PATTERNS)
    return file


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_patterns_say_how_the_lines_of_a_logger_begin(patterns, engine):
    log = trtlog.parse(OWN, engine=engine, logger=patterns)
    assert log.passes.layers.tolist() == [179]
    assert log.messages[["severity", "code", "text"]].values.tolist() == [["error", 1, "out of memory"]]
    assert str(log.run.finished_at) == "2026-11-22 13:22:04"


def test_patterns_in_conversion_and_on_the_command_line(patterns, tmp_path):
    from click.testing import CliRunner

    from trtlog.cli import cli

    convert(OWN, tmp_path / "out", logger=patterns)
    assert trtlog.read_parquet(tmp_path / "out").passes.layers.tolist() == [179]
    file = tmp_path / "own.log"
    file.write_bytes(OWN)
    for arguments in (["show", "passes", str(file), "--format", "csv"], ["explain", f"{file}:1"]):
        shown = CliRunner().invoke(cli, [*arguments, "--logger", str(patterns)])
        assert "179" in shown.output, shown.output
    with pytest.raises(NoLogError):  # the option holds for its command alone
        trtlog.parse(OWN)


def test_a_refused_log_is_told_which_line_came_nearest():
    with pytest.raises(NoLogError, match=r"line 1 came nearest: behind .*gpu-builder: ' stands .*\(original_layers\)"):
        trtlog.parse(OWN)


@pytest.mark.parametrize(
    ("patterns_text", "what"),
    [
        ("(?P<severity>[a-z+", ":1: not a regular expression"),
        ("(?P<level>x)", "unknown name, level"),
        ("# x\n", "no pattern"),
    ],
)
def test_patterns_that_are_wrong(tmp_path, patterns_text, what):
    file = tmp_path / "bad.logger"
    file.write_text(patterns_text)
    with pytest.raises(InputError, match=what):
        trtlog.parse(OWN, logger=file)


def test_explain_lists_different_rules(tmp_path):
    from trtlog.messages.explain import explain_line

    file = tmp_path / "x.log"
    file.write_text("[11/22/2026-13:22:03] [V] [TRT] Skipping tactic 7 due to moonlight\n")
    lines = [line.strip() for line in explain_line(str(file), 1).splitlines()]
    rules = [line.split(",")[0] for line in lines if ", wording " in line]
    assert len(rules) > 1
    assert len(set(rules)) == len(rules)


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_errors_of_the_library_that_a_program_prints_without_a_header(engine):
    log = trtlog.parse(
        b"""\
Error[9]: Skipping tactic 0x0 due to exception [graph.h:1182] CheckException:
nvrtc_compile.cpp:1118: CHECK(success) failed. NVRTC Compilation failure
[optimizer.cpp::computeCosts::3869] Error Code 10: Internal Error (Could not find any implementation for node 002.)
Error[100]: something of another program
""",
        engine=engine,
    )
    assert log.messages[["line", "severity", "kind"]].values.tolist() == [
        [1, "error", "tactic_exception"],
        [3, "error", "error"],
    ]
    assert log.skips.text.tolist() == ["[graph.h:1182] CheckException:"]
    assert log.coverage.set_index("kind").lines["foreign"] == 1
