"""Each rule on a log that shows it and on one that does not; evidence is looked up in the text."""

import functools
import json
import re

import pytest

import trtlog
from tests.analyses.conftest import lines_of, parsed
from tests.conftest import CORPUS, ROOT, each, parsed_once
from trtlog.analyses.lint.examples import EXAMPLES
from trtlog.analyses.lint.known_errors import IN_MODEL, KNOWN
from trtlog.analyses.lint.registry import SEVERITIES, lint, load
from trtlog.analyses.programs import worded
from trtlog.flags import all_flags, parse_version
from trtlog.log import is_exports_alone


@functools.cache
def findings(name):
    return {f["rule"]: f for f in lint(parsed(name)).to_pylist()}


V = "[01/02/2026-10:00:00] [V] [TRT] "


def of_text(text):
    return {f["rule"]: f for f in lint(trtlog.parse(text.encode())).to_pylist()}


# rule -> (a log that shows it, severity, words of its first line of evidence)
SHOWN = {
    "enqueue-bound": ("mobilenet_fp16_verbose", "warning", "Throughput"),
    "unstable-gpu-time": ("mobilenet_fp16_verbose", "warning", "GPU Compute Time"),
    "reformat-share": ("mobilenet_fp16_verbose", "warning", "Reformatting CopyNode"),
    "constant-copies": ("mobilenet_fp16_verbose", "warning", "Layer(Reformat): Identity_70"),
    "precision-fallback": ("mobilenet_fp16_verbose", "warning", "Time: "),
    "off-tensor-cores": ("mobilenet_fp16_verbose", "warning", "Layer(Cask"),
    "weights-lose-precision": ("mobilenet_fp16_verbose", "advice", "weights are affected"),
    "reformat-round-trip": ("mobilenet_fp16_verbose", "advice", "Adding reformat layer"),
    "timing-cache-unused": ("mobilenet_fp16_verbose", "advice", "timing cache in use"),
    "tiny-layers": ("mobilenet_fp16_verbose", "advice", "Conv"),
    "choices-within-noise": ("mobilenet_fp16_verbose", "advice", "Time: "),
    "hot-layer": ("bert_fp16_verbose", "advice", "ForeignNode"),
    "int64-cast": ("bert_fp16_verbose", "advice", "INT64"),
    "only-fp32": ("lstm_verbose", "advice", "Precision: FP32"),
    "build-failed": ("err_unsupported_op", "error", "While parsing node"),
    "plugin-not-found": ("err_unsupported_op", "error", "ERROR: builtin_op_importers"),
    "run-died": ("unet_smallws_verbose", "error", "Timing Runner"),
}


@pytest.mark.parametrize("rule", SHOWN)
def test_a_rule_shows_its_evidence(rule):
    name, severity, words = SHOWN[rule]
    found = findings(name)[rule]
    assert found["severity"] == severity
    assert all(found[name] for name in ("why", "action", "text"))
    assert found["line"] == found["lines"][0]
    assert words in lines_of(name)[found["line"] - 1]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("enqueue-bound", "resnet50_fp16_dyn_detailed"),
        ("unstable-gpu-time", "resnet50_fp16_dyn_detailed"),
        ("transfers-dominate", "mobilenet_fp16_verbose"),
        ("profile-mixed-with-timing", "mobilenet_fp16_verbose"),
        ("precision-fallback", "resnet50_fp16_dyn_detailed"),
        ("skipped-for-memory", "mobilenet_fp16_verbose"),
        ("build-failed", "mobilenet_fp16_verbose"),
        ("reformat-share", "resnet50_fp16_dyn_detailed"),
    ],
)
def test_what_is_fine_is_said(rule, name):
    assert findings(name)[rule]["severity"] == "good"


def test_root_cause_of_a_chain():
    # line 1419: number of dimensions is 4 but profile 0 has 5; then five consequences
    found = findings("err_bad_shape")["build-failed"]
    errors = [n for n, line in enumerate(lines_of("err_bad_shape"), 1) if re.match(r"\[.*?\] \[E\]", line)]
    assert found["lines"] == errors
    assert found["action"].startswith(f"Start with line {errors[0]}. The given shape of input has another number")
    assert "--minShapes" in found["action"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("err_bad_flag", "trtexec --help"),
        ("err_unsupported_op", "no operator MagicOp"),
        ("err_corrupt_engine", "build it again"),
        ("err_missing_onnx", "nope.onnx cannot be opened: check the path"),
        ("err_dla", "DLA core"),
        ("unet_smallws_verbose", "LD_LIBRARY_PATH"),
    ],
)
def test_remedies(name, words):
    assert words in findings(name)["build-failed"]["action"]


def test_rules_on_texts_of_their_own():
    found = of_text(
        "[11/22/2026-13:22:57] [W] Dynamic dimensions required for input: x, but no shapes were provided. "
        "Automatically overriding shape to: 1x3x8x8\n"
    )
    assert found["default-shapes"]["lines"] == [1]
    found = of_text(
        "[11/22/2026-13:22:57] [I] === Inference Options ===\n"
        "[11/22/2026-13:22:57] [I] Separate profiling: Disabled\n"
        "[11/22/2026-13:22:57] [I] === Reporting Options ===\n"
        "[11/22/2026-13:22:57] [I] Profile: Enabled\n"
        "[11/22/2026-13:22:57] [I] === Performance summary ===\n"
        "[11/22/2026-13:22:57] [I] Throughput: 100 qps\n"
        + "".join(
            f"[11/22/2026-13:22:57] [I] {name}: min = {t} ms, max = {t} ms, mean = {t} ms, median = {t} ms, "
            f"percentile(99%) = {t} ms\n"
            for name, t in (("Latency", 9), ("H2D Latency", 5), ("GPU Compute Time", 3), ("D2H Latency", 1))
        )
    )
    assert found["profile-mixed-with-timing"]["lines"] == [2, 4]
    assert found["transfers-dominate"]["severity"] == "warning"
    assert (
        "66.7 % of the latency (5 ms in, 1 ms out), longer than the computation" in found["transfers-dominate"]["text"]
    )


def test_channels_that_defeat_alignment():
    """30 channels between two convolutions; the 3 colours and whatever comes out at the end do not count."""
    found = lint(trtlog.parse(ROOT / "tests" / "cases" / "odd-channels.log")).to_pylist()
    [found] = [f for f in found if f["rule"] == "channel-alignment"]
    assert found["layers"] == ["conv_a", "conv_b"]
    assert "conv_a: 30 output channels, no multiple of 8" in found["text"]


def test_int8_that_does_not_pay():
    """conv_a: 30 us in INT8 where 20 us in FP16 were timed; conv_b gains by it."""
    found = of_text((ROOT / "tests/cases/int8-slower.log").read_text())["int8-slower"]
    assert found["layers"] == ["conv_a"]
    assert "1 of 2 layers in INT8 was timed faster in FP16, by 10 us" in found["text"]


def test_int8_that_does_not_pay_with_its_conversions():
    """FP16 saves conv_a 10 us: with two conversions of 2 us still 6 us; with two of 8 us it would lose."""
    found = of_text((ROOT / "tests/cases/int8-slower-conversions-included.log").read_text())["int8-slower"]
    assert (found["layers"], found["confidence"]) == (["conv_a"], "medium")
    assert "by 10 us in sum (6 us with the conversions that each by itself would need)" in found["text"]
    assert "int8-slower" not in of_text((ROOT / "tests/cases/int8-kept-by-formats.log").read_text())


def test_quantizations_of_a_real_network_that_stay_layers():
    """The export names 17 layers QuantizeLinear_N that are nothing else; the first reads the network's input."""
    path = CORPUS / "8.2-trex" / "trex-tests-inputs-mobilenet.qat.onnx.engine.graph.json"
    if not path.exists():
        pytest.skip("the third-party logs are not here")
    (found,) = [row for row in lint(trtlog.parse(path)).to_pylist() if row["rule"] == "qdq-alone"]
    names = [layer["Name"] for layer in json.loads(path.read_text())["Layers"]]
    alone = [name for name in names if re.fullmatch(r"QuantizeLinear_[0-9]+", name)]
    assert found["layers"] == alone[1:]
    assert len(alone) == 17


def test_pairs_that_stay_layers():
    """The pair around the Sigmoid; not the quantization of the input and the dequantization of the output."""
    found = of_text((ROOT / "tests/cases/qdq-alone.log").read_text())["qdq-alone"]
    assert (found["layers"], found["lines"]) == (["/mid/DequantizeLinear", "/mid/QuantizeLinear_1"], [4, 6])


def test_placeholders_are_told_from_ranges_of_data():
    head = "[11/22/2026-13:22:57] [V] [TRT] Setting dynamic range for {} to [{}]\n"
    placeholders = "".join(head.format(name, "-2,2" if name == "x" else "-4,4") for name in "xabcd")
    assert "All 5 tensors" in of_text(placeholders)["int8-uncalibrated"]["text"]
    assert "int8-uncalibrated" not in of_text(placeholders + head.format("e", "-3.17,3.17"))


INT8 = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec --onnx=a.onnx --int8
[11/22/2026-13:22:57] [I] === Model Options ===
[11/22/2026-13:22:57] [I] Format: ONNX
[11/22/2026-13:22:57] [I] === Build Options ===
[11/22/2026-13:22:57] [I] Precision: FP32+INT8
[11/22/2026-13:22:57] [I] Calibration: Dynamic
"""


def test_int8_without_a_calibration_file_where_warnings_went_elsewhere():
    """Standard output alone: neither trtexec's warning nor the nodes are printed, so the model may hold scales."""
    found = of_text(INT8)["int8-uncalibrated"]
    assert (found["severity"], found["confidence"], found["lines"]) == ("advice", "low", [6])
    assert "cannot tell" in found["text"]
    assert "--verbose" in found["action"]
    caffe = of_text(INT8.replace("Format: ONNX", "Format: Caffe"))["int8-uncalibrated"]
    assert (caffe["severity"], caffe["confidence"]) == ("warning", "medium")
    assert "a Caffe model holds no scales" in caffe["text"]


@pytest.mark.parametrize(
    "more",
    [
        "[W] [TRT] Calibrator won't be used in explicit precision mode. Use quantization aware training to generate "
        "network with Quantize/Dequantize nodes.",
        "[I] [TRT] Starting Calibration.",
        "[V] [TRT] Parsing node: q_2 [QuantizeLinear]",
        "[V] [TRT] Engine Layer Information:\n"
        "Layer(Scale): w_QuantizeLinear, Tactic: 0x0000000000000000, x (Float[1,3]) -> y (Int8[1,3])",
    ],
    ids=["explicit", "calibrates", "nodes", "layers"],
)
def test_int8_whose_scales_the_log_shows(more):
    assert "int8-uncalibrated" not in of_text(f"{INT8}[11/22/2026-13:22:58] {more}\n")


def test_int8_of_a_loaded_engine_or_with_a_calibration_file():
    assert "int8-uncalibrated" not in of_text(INT8.replace("--int8", "--int8 --calib=a.cache"))
    assert "int8-uncalibrated" not in of_text(INT8.replace("--onnx=a.onnx", "--loadEngine=a.engine"))


def test_attention_in_pieces_in_one_and_inside_of_a_foreign_node():
    header = "[01/02/2026-10:00:00] [V] [TRT] "
    node = header + "{0} [{1}] inputs: {2}\n" + header + "{0} [{1}] outputs: [{0}_out -> (1, 8, 64, 64)[FLOAT]], \n"
    tensor = "[{} -> (1, 8, 64, 64)[FLOAT]], "
    model = "".join(
        header + f"Parsing node: {name} [{op}]\n" + node.format(name, op, "".join(map(tensor.format, inputs)))
        for name, op, inputs in (
            ("q", "Add", "x"), ("k", "Add", "x"), ("v", "Add", "x"), ("scores", "MatMul", ["q_out", "k_out"]),
            ("scale", "Div", ["scores_out", "root"]), ("soft", "Softmax", ["scale_out"]),
            ("mix", "MatMul", ["soft_out", "v_out"]),
        )
    )  # fmt: skip
    engine = model + header + "Engine Layer Information:\n"
    layer = "Layer({}): {}, Tactic: 0x0000000000000000, a (Half[1,8,64,64]) -> b (Half[1,8,64,64])\n"
    pieces = of_text(engine + layer.format("MatrixMultiply", "scores") + layer.format("CudaSoftMax", "soft"))
    assert "1 of 1 attention of the model is in pieces: soft" in pieces["attention-fused"]["text"]
    foreign = of_text(engine + layer.format("Myelin", "{ForeignNode[q...mix]}"))["attention-fused"]
    assert "cannot tell" in foreign["text"]
    fused = layer.format("mha", "_mha_myl0_0")
    assert of_text(engine + fused)["attention-fused"]["severity"] == "good"
    assert "attention-fused" not in of_text(engine + layer.format("CaskConvolution", "conv"))


EXAMPLE_LOGS = [
    (name, log, fires)
    for name, (firing, silent) in EXAMPLES.items()
    for fires, logs in ((True, firing), (False, silent))
    for log in logs
]


@functools.cache
def first_run(name):
    path = ROOT.parent / "shared" / name if name.startswith("corpus/") else ROOT / name
    if not path.exists():
        pytest.skip("the third-party logs are not here")
    return parsed_once(path).runs[0]


@pytest.mark.parametrize(("rule", "name", "fires"), EXAMPLE_LOGS)
def test_a_rule_fires_where_it_must_and_only_there(rule, name, fires):
    log = first_run(name)
    hits = [hit for hit in load()[rule].find(log) if hit.severity != "good"]
    assert bool(hits) == fires, [hit.text for hit in hits]
    total = sum(log.table("coverage").column("lines").to_pylist()) if len(log.runs) == 1 else None
    if is_exports_alone(log):  # JSON names layers, no lines
        assert [hit for hit in hits if not hit.layers] == []
        return
    cited = [[line for line in hit.lines if line is not None] for hit in hits]
    assert [lines for lines in cited if not lines or min(lines) < 1 or max(lines) > (total or max(lines))] == []


def test_examples_are_there_for_each_rule():
    assert set(EXAMPLES) == set(load())
    assert all(firing and silent for firing, silent in each(EXAMPLES.values()))


def test_sizes_are_those_of_people():
    [found] = [f for f in lint(trtlog.parse(ROOT / "tests/cases/request-above-device.log")).to_pylist() if f["action"]]
    assert "it asks for 153.8 GiB, 39.39 GiB was available. A larger workspace does not help." in found["text"]
    assert "memPoolSize" not in found["action"]


def test_shares_of_an_excerpt_are_those_that_are_printed():
    """The row says 0.6 %; of the two rows that are left it takes a tenth."""
    header = "[01/02/2026-10:00:00] [I] "
    found = of_text(
        f"{header}=== Profile (32 iterations ) ===\n"
        f"{header}   Layer   Time (ms)   Avg. Time (ms)   Median Time (ms)   Time %\n"
        f"{header}   Reformatting CopyNode for Input Tensor 0 to conv1   18.53   0.5790   0.5765   0.6\n"
        f"{header}   conv1   166.7   5.21   5.2   5.4\n"
    )
    assert found["reformat-share"]["severity"] == "good"
    assert " 0.6 % of the profile" in found["reformat-share"]["text"]


def test_a_slip_of_the_unit():
    pools = "[11/22/2026-13:22:57] [I] === Build Options ===\n[11/22/2026-13:22:57] [I] Memory Pools: workspace: {}\n"
    found = of_text(pools.format("0.000976562 MiB, dlaSRAM: default"))["workspace-limit"]
    assert (found["severity"], found["lines"]) == ("warning", [2])
    assert "1,024 bytes" in found["text"]
    assert "workspace-limit" not in of_text(pools.format("16 MiB, dlaSRAM: default"))


def test_clamped_values_are_not_denied():
    header = "[11/22/2026-13:22:57] [W] [TRT] onnx2trt_utils.cpp:377: "
    cast = f"{header}Your ONNX model has been generated with INT64 weights, while TensorRT does not natively support "
    cast += "INT64. Attempting to cast down to INT32.\n"
    clamp = f"{header}One or more weights outside the range of INT32 was clamped\n"
    assert "no line says" in of_text(cast)["int64-cast"]["text"]
    found = of_text(cast + clamp)["int64-cast"]
    assert (found["severity"], found["lines"]) == ("warning", [1, 2])
    assert "were clamped" in found["text"]


def test_a_cache_that_grew_did_not_answer_all():
    """The log: 'Loaded 20695 bytes of timing cache' and 'Saved 41183 bytes of timing cache'."""
    found = findings("sweep_r50_fp32_b8")["timing-cache-unused"]
    assert found["severity"] == "advice"
    assert "grew from 20.21 KiB to 40.22 KiB" in found["text"]


@pytest.mark.parametrize(
    ("name", "capability", "fires"),
    [("NVIDIA GeForce GTX 1650", "7.5", False), ("Tesla T4", "7.5", True), ("NVIDIA Tegra X1", "5.3", False)],
)
def test_gpus_without_tensor_cores(name, capability, fires):
    text = (
        "[01/02/2026-10:00:00] [I] === Device Information ===\n"
        f"[01/02/2026-10:00:00] [I] Selected Device: {name}\n"
        f"[01/02/2026-10:00:00] [I] Compute Capability: {capability}\n"
    ) + (ROOT / "tests" / "cases" / "odd-channels.log").read_text()
    assert ("channel-alignment" in of_text(text)) == fires


def test_every_rule_is_whole():
    rules = load()
    assert len(rules) >= 20
    for entry in each(rules.values()):
        assert entry.summary.endswith(".")
        assert entry.severity in SEVERITIES[:3]
        assert len(entry.why) > 20
        assert len(entry.action) > 20
    assert all(re.compile(pattern) for pattern, _ in each((*KNOWN, *IN_MODEL)))


def test_all_captures_can_be_linted(fixtures):
    for path in each(sorted(fixtures.glob("*/*.log.gz"))):
        found = lint(parsed_once(path)).to_pylist()
        order = [SEVERITIES.index(f["severity"]) for f in found]
        assert order == sorted(order)
        failed = "err" in path.name or "unet" in path.name
        if path.parent.name.startswith("trt-8"):
            assert (order[0] == 0) == failed, path.name


def actions(text):
    return {row["rule"]: row["action"] for row in lint(trtlog.parse(text.encode())).to_pylist() if row["action"]}


@pytest.mark.parametrize(
    ("banner", "option"),
    [
        ("[TensorRT v8503] # trtexec", "--plugins=FILE"),
        ("[TensorRT v8601] # trtexec", "--staticPlugins=FILE"),
        ("[TensorRT v101600] # trtexec", "--staticPlugins=FILE"),
        ("[TensorRT v10701] [b1] # tensorrt_rtx", "--staticPlugins=FILE"),
        ("# trtexec", "--plugins=FILE"),
    ],
)
def test_advice_spells_flags_as_the_version_does(banner, option):
    error = "[11/22/2026-13:22:03] [E] Plugin not found"
    found = actions(f"&&&& RUNNING TensorRT.trtexec {banner} --onnx=m.onnx\n{error}\n")
    assert f"({option})" in found["plugin-not-found"]
    assert "<<" not in "".join(found.values())


def test_a_timing_cache_is_no_advice_for_tensorrt_rtx():
    lines = (
        "[11/22/2026-13:22:03] [V] [TRT] Local timing cache in use. "
        "Profiling results in this builder pass will not be stored.\n"
        "[11/22/2026-13:22:43] [V] [TRT] Engine generation completed in 31.4 seconds.\n"
    )
    for banner, advised in (("[TensorRT v8503] # trtexec", True), ("[TensorRT v10701] [b1] # tensorrt_rtx", False)):
        found = actions(f"&&&& RUNNING TensorRT.trtexec {banner} --onnx=m.onnx --verbose\n{lines}")
        assert ("timing-cache-unused" in found) == advised


# The GPU waits for the DLA in its copies: "prob input reformatter 0" is 92 % of the profile and no conversion's cost.
_BESIDE_A_DLA = """\
[I] === Profile (1514 iterations ) ===
[I]                     Layer   Time (ms)   Avg. Time (ms)   Time %
[I]               data to nvm       68.17             0.05      1.2
[I]            {conv1,relu1}      298.26             0.20      5.4
[I]          data copy finish       49.31             0.03      0.9
[I]  prob input reformatter 0     5046.37             3.33     92.1
[I]                      prob       21.85             0.01      0.4
[I]                     Total     5483.96             3.62    100.0
"""


def test_copies_that_wait_for_a_dla_are_no_cost_of_conversions():
    found = of_text(_BESIDE_A_DLA)
    assert "reformat-share" not in found
    assert "the wait for what comes before it (the DLA)" in found["hot-layer"]["text"]
    # Without a DLA the same name is a conversion as any other: 100 * 5046.37 / 5415.79 = 93.2 %.
    found = of_text("\n".join(line for line in _BESIDE_A_DLA.splitlines() if "nvm" not in line))
    assert found["reformat-share"]["text"].startswith("1 conversion takes 93.2 % of the profile")
    assert "DLA" not in found["hot-layer"]["text"]


def test_why_layers_left_the_dla():
    """Too many parts is no fault of the layer named; where nothing runs on the DLA, that is said, with its line."""
    split = "[W] [TRT] DLA supports only 8 subgraphs per DLA core. Switching to GPU for layer conv_6\n"
    unsupported = "[W] [TRT] Default DLA is enabled but layer lstm is not supported on DLA, falling back to GPU.\n"
    unused = "[W] [TRT] setDefaultDeviceType was called but no layer in the network can run on DLA.\n"
    assert "more parts for the DLA than one core can load" in of_text(split)["dla-fallback"]["action"]
    assert "list of supported layers" in of_text(split + unsupported)["dla-fallback"]["action"]
    found = of_text(unsupported + unused)["dla-fallback"]
    assert found["lines"] == [1, 2]
    assert "Nothing runs on the DLA" in found["text"]
    assert of_text(unused)["dla-fallback"]["lines"] == [1]


def test_what_is_timed_before_a_cache_is_loaded_is_no_miss_of_it():
    """One program builds twice: the first build times and saves, the second finds all in the cache."""
    first = (
        "[V] [TRT] =============== Computing costs for a\n"
        "[V] [TRT] *************** Autotuning format combination: Float(8,1) -> Float(8,1) ***************\n"
        "[V] [TRT] --------------- Timing Runner: a (PluginV3[0x80000049])\n"
        "[V] [TRT] Tactic: 0x0000000000000002 Time: 0.0133692\n"
        "[V] [TRT] a (PluginV3[0x80000049]) profiling completed in 0.01 seconds. Fastest Tactic: 0x0000000000000002 "
        "Time: 0.0133692\n"
        "[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: PluginV3 Tactic: 0x0000000000000002\n"
    )
    loaded = "[V] [TRT] Loaded 1 timing cache entries.\n"
    second = (
        "[V] [TRT] a [Float(8,1) -> Float(8,1)] got cached result: PluginV3, tactic 0x0000000000000002, 0.0133692 ms\n"
    )
    found = of_text(first + loaded + second)["timing-cache-unused"]
    assert (found["severity"], "loaded and had all results" in found["text"]) == ("good", True)
    found = of_text(loaded + first)["timing-cache-unused"]
    assert "1 of 1 combinations of formats were timed" in found["text"]


def test_tactics_skipped_for_workspace_are_known_without_verbose_lines():
    """The builder says "Some tactics do not have sufficient workspace memory to run", and names none of them."""
    log = trtlog.parse(ROOT / "tests/cases/workspace-unnamed.log")
    [skip] = log.records("skips")
    assert (skip.line, skip.reason, skip.layer, skip.tactic, skip.requested_bytes) == (4, "workspace", None, None, None)
    [row] = log.analyze.table("workspace_skips").to_pylist()
    assert (row["skipped"], row["pool"]) == (None, "workspace")
    [found] = [f for f in lint(log).to_pylist() if f["rule"] == "skipped-for-memory"]
    assert (found["severity"], found["lines"]) == ("advice", [3, 4])
    assert "limited to 16 MiB; the log does not say which" in found["text"]
    assert "Raise --memPoolSize=workspace:MIB, and build with --verbose" in found["action"]


def test_what_verbose_lines_name_is_not_counted_twice():
    text = """[01/02/2026-10:00:00] [V] [TRT] --------------- Timing Runner: conv1 (CudnnConvolution)
[01/02/2026-10:00:00] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.2
[01/02/2026-10:00:00] [V] [TRT] Tactic: 0x0000000000000004 skipped. Scratch requested: 4194304, available: 1048576
[01/02/2026-10:00:00] [I] [TRT] Some tactics do not have sufficient workspace memory to run. Increasing workspace size may increase performance, please check verbose output.
[01/02/2026-10:00:00] [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.2
[01/02/2026-10:00:00] [V] [TRT] Setting workspace to 4194304enables more tactics for profiling
"""  # noqa: E501
    log = trtlog.parse(text.encode())
    [row] = log.analyze.table("workspace_skips").to_pylist()
    assert (row["skipped"], row["requested_mib"], row["available_mib"]) == (1, 4.0, 1.0)
    [skip] = log.why("conv1").skips
    assert (skip["reason"], skip["count"]) == ("scratch", 1)
    [found] = [f for f in lint(log).to_pylist() if f["rule"] == "skipped-for-memory"]
    assert "1 tactic was skipped for lack of workspace" in found["text"]


@pytest.mark.parametrize(("memory_mib", "fits"), [(24000, True), (8, False)])
def test_small_requests_are_not_called_larger_than_the_gpu(memory_mib, fits):
    """Requests of 16 KiB and 4 MiB: only where these are much of the GPU's memory may the larger be out of reach."""
    text = f"""[01/02/2026-10:00:00] [I] === Device Information ===
[01/02/2026-10:00:00] [I] Selected Device: NVIDIA GeForce RTX 4090
[01/02/2026-10:00:00] [I] Device Global Memory: {memory_mib} MiB
[01/02/2026-10:00:00] [V] [TRT] --------------- Timing Runner: conv1 (CudnnConvolution)
[01/02/2026-10:00:00] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.2
[01/02/2026-10:00:00] [V] [TRT] Tactic: 0x0000000000000004 skipped. Scratch requested: 4194304, available: 1024
[01/02/2026-10:00:00] [V] [TRT] Tactic: 0x0000000000000005 skipped. Scratch requested: 16384, available: 1024
[01/02/2026-10:00:00] [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.2
"""
    found = of_text(text)["skipped-for-memory"]
    assert "16 KiB to 4 MiB" in found["text"]
    assert ("above the largest request" in found["action"]) is fits
    assert ("may be above it" in found["action"]) is not fits


def test_generations_are_written_as_names():
    found = findings("resnet50_fp16_dyn_detailed")["older-kernels"]["text"]
    assert "made for sm80 on Hopper" in found
    assert "kernels for Hopper were timed" in found


@pytest.mark.parametrize(
    ("percents", "words"), [((92.1, 7.9), "a takes 92.1 % of the"), ((60.0, 40.0), "a takes 60 %, b 40 % of the")]
)
def test_hot_layers_are_a_sentence(percents, words):
    rows = "".join(
        f"[I] {name:>10} {10 * percent:.2f} {percent / 100:.4f} {percent:.1f}\n"
        for name, percent in zip("ab", percents, strict=True)
    )
    head = "[I] === Profile (1000 iterations ) ===\n[I]      Layer   Time (ms)   Avg. Time (ms)   Time %\n"
    total = "[I]      Total   1000.00   1.0000   100.0\n"
    assert words in of_text(head + rows + total)["hot-layer"]["text"]


def test_a_change_is_said_once():
    found = findings("mobilenet_fp16_verbose")["narrow-type-held-back"]["text"]
    assert found.startswith("FP16 throughout: ")
    assert found.count("34.23 us more than the engine") == 1


def test_one_message_is_one_finding():
    """A plugin that is not there has a rule of its own; the other error remains."""
    plugin = "[04/25/2026-00:48:49] [TRT] [E] IPluginRegistry::getCreator: Error Code 4: API Usage Error (Cannot find "
    plugin += "plugin: Scale, version: 1, namespace:. In getCreatorInternal at dispatch/pluginRegistry.cpp:440)\n"
    other = "[04/25/2026-00:48:50] [TRT] [E] something else went wrong\n"
    found = of_text(plugin + other)
    assert (found["plugin-not-found"]["lines"], found["errors-survived"]["lines"]) == ([1], [2])
    assert "errors-survived" not in of_text(plugin)


SUMMARY = """&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=a.engine
[01/02/2026-10:00:00] [I] === Performance summary ===
[01/02/2026-10:00:00] [I] Throughput: 7000 qps
[01/02/2026-10:00:00] [I] Latency: min = 0.14 ms, max = 0.7 ms, mean = 0.141 ms, median = 0.14 ms, percentile(99%) = {p99} ms
[01/02/2026-10:00:00] [I] Enqueue Time: min = 0.01 ms, max = 0.02 ms, mean = 0.01 ms, median = 0.01 ms, percentile(99%) = 0.01 ms
[01/02/2026-10:00:00] [I] GPU Compute Time: min = 0.133 ms, max = 0.69 ms, mean = 0.135 ms, median = 0.134 ms, percentile(99%) = {p99} ms
[01/02/2026-10:00:00] [W] * GPU compute time is unstable, with coefficient of variance = 7.7%.
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --loadEngine=a.engine
"""  # noqa: E501


@pytest.mark.parametrize(("p99", "severity", "words"), [("0.135", "advice", "a few long"), ("0.160", "warning", "")])
def test_a_few_long_inferences_are_not_an_unstable_gpu(p99, severity, words):
    """All but one in a hundred lie within 1 % of the median; a variation of 7.7 % comes from the one of 0.69 ms."""
    found = of_text(SUMMARY.format(p99=p99))["unstable-gpu-time"]
    assert found["severity"] == severity
    assert words in found["text"]
    assert ("Lock the clocks" in found["action"]) == (severity == "warning")


ORT = "2026-01-02 10:00:00.430807424 [W:onnxruntime:Default, tensorrt_execution_provider.h:83 log] "


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("[01/02/2026-10:00:00] [I] [TRT] ", "Raise --memPoolSize=workspace:MIB, and build with --verbose"),
        ("[01/02/2026-10:00:00] [TRT] [I] ", "Raise the workspace by IBuilderConfig.set_memory_pool_limit, and build"),
        ("[I] ", "Raise --memPoolSize=workspace:MIB or the workspace by IBuilderConfig"),
        ("[I] RUNNING | Command: polygraphy run a.onnx --trt\n[I] ", "Raise --pool-limit workspace:SIZE, and build"),
        (f"{ORT}[2026-01-02 10:00:00    INFO] ", "Raise the option trt_max_workspace_size"),
    ],
)
def test_advice_is_for_the_program_of_the_log(header, advice):
    text = "Some tactics do not have sufficient workspace memory to run. Increasing workspace size may increase"
    found = of_text(f"{header}{text} performance, please check verbose output.\n")["skipped-for-memory"]
    assert found["action"].startswith(advice)


@pytest.mark.parametrize("version", ["5105", "7103", "8001", "8503", "100001", "110000"])
def test_advice_says_where_a_flag_is_not_there(version):
    log = trtlog.parse(f"&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] # trtexec --onnx=a.onnx\n".encode())
    release = parse_version(log.run.tensorrt_version)
    texts = {rule.name: worded(rule.action, log) for rule in load().values()}
    assert [text for text in texts.values() if "<<" in text] == []
    named = [(name, found) for name, text in texts.items() for found in re.finditer(r"--[A-Za-z][A-Za-z0-9]*", text)]
    known = [(name, found, all_flags()[found[0]]) for name, found in named if found[0] in all_flags()]
    absent = [(name, found, flag) for name, found, flag in known if not flag.exists_in(release)]
    wrong = [(name, found[0]) for name, found, flag in absent if flag.span() not in found.string[found.end() :]]
    assert wrong == []
    assert bool(absent) == (version != "100001"), "TensorRT 10.0 has all flags that an advice names"
    assert [name for name, _, flag in known if flag.deprecated is not None and release >= flag.deprecated] == []


def test_a_flag_of_other_versions_is_named_with_them():
    log = trtlog.parse(b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx\n")
    assert worded("Lower --builderOptimizationLevel=2.", log) == (
        "Lower --builderOptimizationLevel=2 [from 8.6.0 on]."
    )
    assert worded("Take --fp16.", log) == "Take --fp16."


def test_a_build_that_had_nothing_to_time_needs_no_timing_cache():
    """A network of one plugin: passes are printed and no tactic is timed; the minute went elsewhere."""
    text = f"""&&&& RUNNING TensorRT.trtexec [TensorRT v8510] # trtexec --onnx=a.onnx --verbose
{V}Original: 1 layers
{V}Local timing cache in use. Profiling results in this builder pass will not be stored.
{{timed}}[01/02/2026-10:01:00] [I] Engine built in 62.5 sec.
"""
    timed = f"{V}--------------- Timing Runner: conv1 (CaskConvolution)\n{V}Tactic: 0x0000000000000001 Time: 0.2\n"
    assert "timing-cache-unused" not in of_text(text.format(timed=""))
    assert "took 62.5 s" in of_text(text.format(timed=timed))["timing-cache-unused"]["text"]


FFMA = "sm80_xmma_fprop_implicit_gemm_f32f32_f32f32_f32_nchwkcrs_nchw_tilesize64x64x8_stage3_warpsize1x4x1_g1_ffma"
TF32 = "sm80_xmma_fprop_implicit_gemm_indexed_tf32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize64x64x32_stage3_tensor16x8x8"


def test_layers_off_tensor_cores_are_counted_with_those_that_are_so_rightly():
    """Two of two convolutions run without: one has a slower tensor core tactic, for the other none was timed."""
    lines = [f"{V}*************** Autotuning format combination: Float(64,64,8,1) -> Float(64,64,8,1) ***************"]
    for layer in ("conv_a", "conv_b"):
        lines += [f"{V}--------------- Timing Runner: {layer} (CaskConvolution)"]
        lines += [f"{V}{layer} Set Tactic Name: {FFMA} Tactic: 0x0000000000000001"]
        lines += [f"{V}Tactic: 0x0000000000000001 Time: 0.1"]
        if layer == "conv_a":
            lines += [f"{V}{layer} Set Tactic Name: {TF32} Tactic: 0x0000000000000002"]
            lines += [f"{V}Tactic: 0x0000000000000002 Time: 0.3"]
        lines += [f"{V}Fastest Tactic: 0x0000000000000001 Time: 0.1"]
        lines += [f"{V}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000001"]
    lines += [f"{V}Engine Layer Information:"]
    for layer, before, after in (("conv_a", "x", "a"), ("conv_b", "a", "b")):
        shape = "(Float[1,64,8,8])"
        lines += [f"Layer(CaskConvolution): {layer}, Tactic: 0x0000000000000001, {before} {shape} -> {after} {shape}"]
    found = of_text("\n".join(lines))["off-tensor-cores"]
    assert found["text"] == (
        f"2 of 2 convolutions and matrix products run without tensor cores, for example conv_b with {FFMA}. For 1 of "
        "them tensor core tactics were timed and were slower; for 1 of them no tensor core tactic was timed."
    )
    assert found["layers"] == ["conv_b"]


def test_a_gpu_without_fast_fp16_is_named_where_nothing_ran_in_it():
    layer = "[V] [TRT] --------------- Timing Runner: {0} (CaskConvolution)\n{1}"
    tactic = "[V] [TRT] Tactic: {0} Time: {1}\n[V] [TRT] Fastest Tactic: {0} Time: {1}\n"
    chosen = "[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: {0}\n"
    text = (
        "[I] === Build Options ===\n[I] Precision: FP32+FP16\n[I] === Device Information ===\n"
        "[I] Selected Device: NVIDIA Some GPU\n[I] Compute Capability: 6.1\n[V] [TRT] Original: 1 layers\n"
    )
    for format_, name, time in (("Float(1,4)", 1, 0.02), ("Half(1,4)", 2, 0.07)):
        text += f"[V] [TRT] *************** Autotuning format combination: {format_} -> {format_} ***************\n"
        text += layer.format("a", tactic.format(name, time)) + chosen.format(name)
    text += "[V] [TRT] Engine Layer Information:\n"
    text += "Layer(CaskConvolution): a, Tactic: 1, x[Float(1,4)] -> y[Float(1,4)]\n"
    found = of_text(text)["precision-fallback"]
    assert (found["severity"], "has no fast FP16" in found["text"]) == ("advice", True)
    assert "FP32 alone builds faster" in found["action"]
    other = of_text(text.replace("Capability: 6.1", "Capability: 8.6"))["precision-fallback"]
    assert (other["severity"], "fast FP16" in other["text"]) == ("advice", False)  # slower, so the choice is right


def test_a_gpu_that_only_its_kernels_tell_to_have_no_tensor_cores():
    def built(*kernels):
        text = "[V] [TRT] *************** Autotuning format combination: Float(1,4) -> Float(1,4) ***************\n"
        text += "[V] [TRT] --------------- Timing Runner: a (CaskConvolution)\n"
        for number, kernel in enumerate(kernels, 1):
            text += f"[V] [TRT] a Set Tactic Name: {kernel} Tactic: {number}\n"
            text += f"[V] [TRT] Tactic: {number} Time: {0.01 * number}\n"
        text += "[V] [TRT] Fastest Tactic: 1 Time: 0.01\n"
        text += "[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 1\n"
        text += "[V] [TRT] Engine Layer Information:\n"
        text += "Layer(CaskConvolution): a, Tactic: 1, x[Float(1,8,9,9)] -> y[Float(1,8,9,9)]\n"
        return of_text(text)

    old = "maxwell_scudnn_128x64_relu_small_nn_v1"
    assert "off-tensor-cores" not in built(old, "maxwell_scudnn_128x32_relu_small_nn_v1")
    found = built(old, "volta_scudnn_128x64_relu_small_nn_v1")["off-tensor-cores"]
    assert (found["severity"], found["confidence"]) == ("advice", "low")


def test_a_program_that_built_one_engine_and_failed_at_the_next():
    lost = "[E] [TRT] IBuilder::buildSerializedNetwork: Error Code 10: Internal Error "
    lost += "(Could not find any implementation for node a.)\n"
    built = "[V] [TRT] Original: 1 layers\n[I] [TRT] Engine generation completed in 2.5 seconds.\n"
    second = of_text(f"{built}[V] [TRT] Original: 1 layers\n{lost}")["build-failed"]
    assert second["text"].startswith("There was an engine (line 2), but another one was not built: ")
    assert of_text(f"[V] [TRT] Original: 1 layers\n{lost}")["build-failed"]["text"].startswith("No engine was built: ")


def test_a_cache_that_did_not_grow_held_all_that_it_keeps():
    combination = "[V] [TRT] *************** Autotuning format combination: Float(1,4) -> Float(1,4) ***************\n"
    timed = "[V] [TRT] --------------- Timing Runner: softmax (Shuffle)\n[V] [TRT] Tactic: 1 Time: 0.5\n"
    timed += "[V] [TRT] Fastest Tactic: 1 Time: 0.5\n"
    text = "[V] [TRT] Loaded 31 timing cache entries.\n"
    text += "[V] [TRT] Global timing cache in use. Profiling results in this builder pass will be stored.\n"
    text += combination + timed + combination
    for entries, severity in ((31, "good"), (33, "advice")):
        found = of_text(f"{text}[V] [TRT] Deleting timing cache: {entries} entries, 31 hits\n")["timing-cache-unused"]
        assert (found["severity"], "1 of 2 combinations" in found["text"]) == (severity, True)
        assert ("did not hold all" in found["text"]) == (severity == "advice")
