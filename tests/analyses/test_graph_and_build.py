"""Fusions, lineage, memory, build time, performance: counted again from the text."""

import datetime
import re

import pytest

import trtlog
from tests.analyses.conftest import engine, lines_of, parsed
from tests.conftest import each
from trtlog.analyses.build.fusions import describe
from trtlog.analyses.build.memory import memory_totals, weights_in_words, workspace_skips
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.report.documents.summary import summary
from trtlog.report.markdown import to_markdown
from trtlog.tables.schema import empty, from_rows

RESNET, MOBILENET = "resnet50_fp32_verbose", "mobilenet_fp16_verbose"


def test_waterfall():
    # Original: 179 layers ... After vertical fusions: 151 layers
    found = parsed(RESNET).analyze.table("fusion_waterfall").to_pylist()
    shape = re.compile(r"\[TRT\] (?:After )?([^\]]*): (\d+) layers$")
    want = [(m[1], int(m[2])) for line in lines_of(RESNET) if (m := shape.search(line))]
    assert [(r["name"], r["layers"]) for r in found] == want
    assert sum(r["change"] or 0 for r in found) == want[-1][1] - want[0][1]


@pytest.mark.parametrize("rule", ["ConvReluFusion", "CastToCopyTransform", "ConstantSplit"])
def test_rules_tried_and_applied(rule):
    row = next(r for r in parsed(RESNET).analyze.table("fusion_rules").to_pylist() if r["rule"] == rule)
    lines = [line[31:] for line in lines_of(RESNET) if "] [TRT] " in line]
    at = [
        n
        for n, line in enumerate(lines)
        if line.startswith(f"[TRT] Running: {rule} on") or f"Running: {rule} on" in line
    ]
    followed = sum(bool(re.search(r"Fusing|Removing|Swap the layer|Convert layer", lines[n + 1])) for n in at)
    assert (row["tried"], row["applied"]) == (len(at), followed)
    assert row["outcome"] == ("silent" if rule == "ConstantSplit" else "applied")


def test_every_convolution_is_in_the_layer_that_names_it():
    links = parsed(RESNET).analyze.table("lineage").to_pylist()
    nodes = [m[1] for line in lines_of(RESNET) if (m := re.search(r"Parsing node: (\S+) \[Conv\]", line))]
    assert len(nodes) == 53
    for node in each(nodes):
        of = {k["layer"] for k in links if k["node"] == node and k["how"] == "name"}
        assert of == {layer for layer in engine(RESNET) if node in layer.split(" + ")}
        assert len(of) == 1


def test_nodes_that_ended_nowhere():
    lost = parsed(MOBILENET).analyze.table("lost_nodes").to_pylist()
    constants = [line for line in lines_of(MOBILENET) if re.search(r"Parsing node: .* \[Constant\]", line)]
    assert sum(r["reason"] == "no_layer" for r in lost) == len(constants) == 70
    (flatten,) = [r for r in lost if r["reason"] != "no_layer"]
    assert (flatten["node"], flatten["reason"]) == ("/Flatten", "fused_away")
    assert "Removing /Flatten + reshape_before_" in lines_of(MOBILENET)[flatten["line"] - 1]


QDQ = """Parsing node: Q_1 [QuantizeLinear]
Parsing node: DQ_2 [DequantizeLinear]
Parsing node: DQ_3 [DequantizeLinear]
Parsing node: Conv_4 [Conv]
Registering layer: Conv_4 for ONNX node: Conv_4
Parsing node: Relu_5 [Relu]
Registering layer: Relu_5 for ONNX node: Relu_5
Parsing node: Const_6 [Constant]
Running: QuantizeDoubleInputNodes on Conv_4
QuantizeDoubleInputNodes: fusing Q_1 into Conv_4
QuantizeDoubleInputNodes: fusing (DQ_2 and DQ_3) into Conv_4
Removing Q_1
Removing DQ_2
Removing DQ_3
Running: QConvScaleFusion on Conv_4
Removing Relu_5
"""


def test_what_vanished_says_what_removed_it():
    """The parser registers no layer for Q/DQ nodes, and the rewrites name them all the same."""
    lines = [f"[01/02/2026-10:00:00] [V] [TRT] {line}" for line in QDQ.splitlines()]
    lines += ["[01/02/2026-10:00:00] [V] [TRT] Engine Layer Information:"]
    lines += ["Layer(CaskConvolution): Conv_4, Tactic: 0x0000000000000012, x (Int8[1,32,8,8]) -> y (Int8[1,32,8,8])"]
    rows = trtlog.parse("\n".join(lines).encode()).analyze.table("lost_nodes").to_pylist()
    assert {row["node"]: (row["reason"], row["line"], row["text"]) for row in rows} == {
        "Q_1": ("fused_into", 12, "QuantizeDoubleInputNodes: fusing Q_1 into Conv_4"),
        "DQ_2": ("fused_into", 13, "QuantizeDoubleInputNodes: fusing DQ_2 into Conv_4"),
        "DQ_3": ("fused_into", 14, "QuantizeDoubleInputNodes: fusing DQ_3 into Conv_4"),
        "Relu_5": ("removed", 16, "QConvScaleFusion on Conv_4: Removing Relu_5"),
        "Const_6": ("no_layer", 8, "Constant: no layer registered"),
    }


def test_a_foreign_node_holds_the_nodes_between_its_ends():
    links = parsed("lstm_verbose").analyze.table("lineage").to_pylist()
    assert {k["how"] for k in links} == {"range"}
    assert {"LSTM", "Gemm"} <= {k["op"] for k in links}


def test_build_time_from_timestamps_adds_up_to_the_clock():
    rows = parsed(MOBILENET).analyze.table("build_time", by="kind").to_pylist()
    stamps = [re.match(r"\[(\S+)\].*Timing Runner", line) for line in lines_of(MOBILENET)]
    times = [datetime.datetime.strptime(m[1], "%m/%d/%Y-%H:%M:%S") for m in stamps if m]
    assert {r["source"] for r in rows} == {"timestamps"}
    assert sum(r["seconds"] for r in rows) == pytest.approx((times[-1] - times[0]).total_seconds(), abs=1)
    assert sum(r["timings"] for r in rows) == len(times)


def test_build_time_that_is_printed():
    text = b"""[V] [TRT] --------------- Timing Runner: conv_a (Cask[0x80000009])
[V] [TRT] Tactic Name: k Tactic: 0x0000000000000001 Time: 0.25
[V] [TRT] conv_a (Cask[0x80000009]) profiling completed in 1.5 seconds. Fastest Tactic: 0x0000000000000001 Time: 0.25
[V] [TRT] --------------- Timing Runner: conv_a (Flat[0x80000036])
[V] [TRT] Tactic Name: k2 Tactic: 0x0000000000000002 Time: 0.75
[V] [TRT] conv_a (Flat[0x80000036]) profiling completed in 0.5 seconds. Fastest Tactic: 0x0000000000000002 Time: 0.75
"""
    (row,) = trtlog.parse(text).analyze.table("build_time").to_pylist()
    assert (row["name"], row["seconds"], row["timings"], row["source"]) == ("conv_a", 2.0, 2, "printed")


def test_timing_cache():
    # Deleting timing cache: 1501 entries, served 2177 hits since creation.
    (row,) = parsed(MOBILENET).analyze.table("cache_use").to_pylist()
    assert "\n".join(lines_of(MOBILENET)).count("1501 entries, served 2177 hits") == 1
    assert (row["scope"], row["entries"], row["hits"], row["file"], row["loaded"]) == ("Local", 1501, 2177, None, False)
    combinations = [line for line in lines_of(MOBILENET) if "] *************** Autotuning" in line]
    assert row["timed"] + row["not_timed"] == len(combinations)


def test_memory():
    # Total Activation Memory: 7070208, after the placeholder at the start
    rows = parsed(MOBILENET).analyze.table("memory_use").to_pylist()
    printed = [int(m[1]) for line in lines_of(MOBILENET) if (m := re.search(r"Total Activation Memory: (\d+)", line))]
    by_name = {r["name"]: r["mib"] for r in rows}
    assert (by_name["activation_before"], by_name["activation"]) == tuple(n / 2**20 for n in printed)
    assert by_name["host_persistent"] == 161200 / 2**20


def test_tactics_that_more_workspace_would_allow():
    skip = {"run": 0, "layer": "conv_a", "runner": "CudnnConvolution", "reason": "insufficient_memory"}
    skips = from_rows(
        "skips",
        [
            {**skip, "line": 7, "tactic": "0x0000000000000001", "requested_bytes": 3 << 20, "available_bytes": 2 << 20},
            {**skip, "line": 9, "tactic": "0x0000000000000002", "requested_bytes": 8 << 20, "available_bytes": 2 << 20},
            {**skip, "line": 11, "reason": "no_valid_tactics"},
        ],
    )
    (row,) = workspace_skips(skips, empty("tactics"), empty("facts")).to_pylist()
    assert (row["skipped"], row["requested_mib"], row["available_mib"], row["line"]) == (2, 8.0, 2.0, 7)
    assert row["best_ms"] is None


def test_performance_diagnosis():
    (row,) = parsed(MOBILENET).analyze.table("performance").to_pylist()
    lines = "\n".join(lines_of(MOBILENET))
    gpu = float(re.search(r"GPU Compute Time: .*?median = ([0-9.]+) ms", lines)[1])
    enqueue = float(re.search(r"Enqueue Time: .*?median = ([0-9.]+) ms", lines)[1])
    assert (row["gpu_ms"], row["enqueue_ms"], row["bound_by"]) == (gpu, enqueue, "enqueue")
    assert enqueue > gpu
    times = [float(m[1]) for m in re.finditer(r"Average on 10 runs - GPU latency: ([0-9.]+) ms", lines)]
    quarter = len(times) // 4
    assert row["drift_percent"] == pytest.approx(100 * (sum(times[-quarter:]) / sum(times[:quarter]) - 1))


def test_an_activation_memory_that_is_a_limit_is_told_as_none_of_the_engine():
    """TensorRT 8.0 prints it only before memory is assigned: with the whole workspace in it."""
    text = b"""[V] [TRT] Total Activation Memory: 1076551681
[I] [TRT] Total Host Persistent Memory: 4032
[I] [TRT] Total Device Persistent Memory: 214528
[I] [TRT] Total Scratch Memory: 0
"""
    log = trtlog.parse(text)
    names = log.analyze.memory_use().set_index("name").line.to_dict()
    assert names == {"activation_before": 1, "host_persistent": 2, "device_persistent": 3, "scratch": 4}
    assert "activation" not in memory_totals(layers_of(log))
    after = trtlog.parse(text + b"[I] [TRT] Total Activation Memory: 2408456\n")
    assert memory_totals(layers_of(after))["activation"] == 2408456
    assert after.analyze.memory_use().name.tolist()[0] == "activation_before"


STREAMED = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b26] # trtexec --onnx=m.onnx --allowWeightStreaming
[11/22/2026-13:22:03] [I] === Build Options ===
[11/22/2026-13:22:03] [I] Weight Streaming: Enabled
[11/22/2026-13:22:03] [I] === Inference Options ===
[11/22/2026-13:22:03] [I] Weight Streaming Budget: {budget}
[11/22/2026-13:22:05] [I] [TRT] - Minimum budget: 0 bytes
[11/22/2026-13:22:05] [I] [TRT] - Maximum budget: 3145728 bytes
[11/22/2026-13:22:06] [I] {line}
"""


@pytest.mark.parametrize(
    ("budget", "line", "words"),
    [
        ("4096 bytes", "Weight streaming is enabled with a device memory limit of 4096 bytes.",
         "streamed, with at most 4 KiB of GPU memory for them"),
        ("Automatic", "The weight streaming budget will automatically be chosen by TensorRT.",
         "streamed, with a budget that TensorRT chooses"),
        ("Disabled", "Weight streaming has been disabled at runtime.",
         "could be streamed, with a budget of 0 bytes to 3 MiB; no budget is set"),
    ],
)  # fmt: skip
def test_streamed_weights(budget, line, words):
    log = trtlog.parse(STREAMED.format(budget=budget, line=line).encode())
    assert weights_in_words(log) == words
    assert words in to_markdown(summary(log))
    names = {"weight_streaming_minimum": 6, "weight_streaming_maximum": 7}
    if budget == "4096 bytes":
        names["weight_streaming_limit"] = 8
    assert log.analyze.memory_use().set_index("name").line.to_dict() == names
    assert weights_in_words(trtlog.parse(STREAMED.splitlines()[0].encode())) is None


def test_a_program_of_ones_own_may_stream_weights_without_a_word():
    """TensorRT prints no budget that a program sets; what is not printed is not 0 either."""
    lines = [line for line in STREAMED.splitlines() if " budget: " in line]
    assert weights_in_words(trtlog.parse("\n".join(lines).encode())) == (
        "could be streamed, with a budget of 0 bytes to 3 MiB"
    )
    assert weights_in_words(trtlog.parse(lines[1].encode())) == "could be streamed, with a budget of at most 3 MiB"


@pytest.mark.parametrize("engine", ["auto", "line"])
def test_the_version_of_a_plan(engine):
    text = (
        "&&&& RUNNING TensorRT.trtexec [TensorRT v100300] [b26] # trtexec --loadEngine=m.engine --getPlanVersionOnly\n"
        "[11/22/2026-13:22:03] [I] Plan was created with TensorRT version {}\n"
        "&&&& PASSED TensorRT.trtexec [TensorRT v100300] [b26] # trtexec --loadEngine=m.engine --getPlanVersionOnly\n"
    )
    log = trtlog.parse((text.format("10.2.0.19") + text.format("8.6.1.6")).encode(), engine=engine)
    assert [(run.run.tensorrt_version, run.run.plan_version) for run in log.runs] == [
        ("10.3.0", "10.2.0.19"),
        ("10.3.0", "8.6.1.6"),
    ]
    assert "created with TensorRT 8.6.1.6" in to_markdown(summary(log.runs[1]))


def test_of_a_squeeze_that_moves_the_layer_in_the_middle_is_the_one_that_moves():
    text = b"[V] [TRT] -----------SqueezePushDown kSQUEEZE_FORK case: mm --> reshape_after_mm --> relu\n"
    [row] = trtlog.parse(text).table("fusions").to_pylist()
    assert (row["action"], row["layer"], row["other"]) == ("push_down", "reshape_after_mm", "relu")
    assert describe(row) == "reshape_after_mm pushed behind relu"


def test_why_a_noop_that_was_timed():
    text = b"""[V] [TRT] *************** Autotuning format combination: Float(10,1,1,1) -> Float(10,1) ***************
[V] [TRT] --------------- Timing Runner: reshape (Shuffle)
[V] [TRT] Tactic: 0x0000000000000000 Time: 0.25
[V] [TRT] Tactic: 0x0000000000000001 Time: 0.5
[V] [TRT] Fastest Tactic: 0x0000000000000000 Time: 0.25
[V] [TRT] Engine Layer Information:
Layer(NoOp): reshape, Tactic: 0x0000000000000000, x (Float[1,10,1,1]) -> y (Float[1,10])
"""
    said = " ".join(trtlog.parse(text).why("reshape").verdict)
    assert "does nothing at run time" in said
    assert "2 tactics were timed for it before it turned into nothing; the engine runs none of them" in said
    assert "not in the log" not in said


def test_the_memory_of_an_engine_that_was_loaded_is_that_of_its_context():
    """The builder prints the same totals in other words; a log of build and inference has them once."""
    lines = [
        "Loaded engine size: 15 MiB",
        "Total per-runner device persistent memory is 1570304",
        "Total per-runner host persistent memory is 279696",
        "Allocated activation device memory of size 289871872",
    ]
    log = trtlog.parse("".join(f"[11/22/2026-13:21:02] [V] [TRT] {line}\n" for line in lines).encode())
    rows = {row["name"]: (row["size"], row["line"]) for row in log.analyze.table("memory_use").to_pylist()}
    assert rows == {
        "device_persistent": ("1.498 MiB", 2), "host_persistent": ("273.1 KiB", 3), "activation": ("276.4 MiB", 4)
    }  # fmt: skip
    lines.insert(0, "Total Host Persistent Memory: 279696")
    both = "".join(f"[11/22/2026-13:21:02] [V] [TRT] {line}\n" for line in lines)
    assert trtlog.parse(both.encode()).analyze.table("memory_use").column("name").to_pylist() == ["host_persistent"]
