"""Work and roofline of layers: shape arithmetic in the open, against what trtlog makes of the logs."""

from __future__ import annotations

import functools
import gzip
import re

import pytest

import trtlog
from tests.conftest import each, parsed_once
from tests.runner.conftest import find_capture
from trtlog.analyses.layer.dynamic_shapes import DynamicShapes
from trtlog.analyses.layer.work import work_of
from trtlog.display import draw
from trtlog.values.peaks import peaks_of

H200_FP16 = 132 * 1.98e9 * 4096  # multiprocessors, clock, dense operations a clock
H200_MEMORY = 2 * 3.201e9 * 6016 / 8


@functools.cache
def rows(name):
    log = parsed_once(find_capture(f"{name}.log"))
    return {row["layer"]: row for row in log.analyze.table("roofline").to_pylist()}


def row_of(name, begin):
    found = [row for layer, row in rows(name).items() if layer.startswith(begin)]
    assert len(found) == 1, [row["layer"] for row in found]
    return found[0]


# Network, beginning of the layer's name, multiplications, bytes. Each as one would count by hand: places of the output
# x filters x (inputs a group x kernel), and the elements of inputs, outputs, weights and bias with their sizes.
BY_HAND = [
    # ResNet-50, FP16, batch 8
    ("resnet50_fp16_dyn_detailed", "/conv1/Conv + ", 8 * 112 * 112 * 64 * (3 * 7 * 7),
     2 * (8 * 3 * 224 * 224 + 8 * 64 * 112 * 112 + 64 * 3 * 7 * 7 + 64)),
    ("resnet50_fp16_dyn_detailed", "/layer1/layer1.0/conv1/Conv + ", 8 * 56 * 56 * 64 * 64,
     2 * (8 * 64 * 56 * 56 * 2 + 64 * 64 + 64)),
    ("resnet50_fp16_dyn_detailed", "/layer4/layer4.2/conv2/Conv + ", 8 * 7 * 7 * 512 * (512 * 3 * 3),
     2 * (8 * 512 * 7 * 7 * 2 + 512 * 512 * 3 * 3 + 512)),
    ("resnet50_fp16_dyn_detailed", "/layer1/layer1.0/downsample/downsample.0/Conv + /layer1/layer1.0/Add",
     8 * 56 * 56 * 256 * 64, 2 * (8 * 64 * 56 * 56 + 2 * 8 * 256 * 56 * 56 + 256 * 64 + 256)),
    # ResNet-50, FP32, batch 1 (trtexec sets the open dimension to 1): weights from the ONNX nodes, without bias
    ("resnet50_fp32_verbose", "/conv1/Conv + ", 112 * 112 * 64 * (3 * 7 * 7),
     4 * (3 * 224 * 224 + 64 * 112 * 112 + 64 * 3 * 7 * 7)),
    ("resnet50_fp32_verbose", "/layer2/layer2.0/conv2/Conv + ", 28 * 28 * 128 * (128 * 3 * 3), None),
    ("resnet50_fp32_verbose", "/fc/Gemm", 2048 * 1000, 4 * (2048 + 1000 + 2048 * 1000)),
    ("resnet50_fp32_verbose", "/maxpool/MaxPool", 0, 4 * (64 * 112 * 112 + 64 * 56 * 56)),
    # MobileNetV2: a depthwise convolution has one input a group
    ("mobilenet_fp16_verbose", "/features/features.2/conv/conv.1/conv.1.0/Conv", 56 * 56 * 96 * (3 * 3), None),
    ("mobilenet_fp16_verbose", "/features/features.18/features.18.0/Conv", 7 * 7 * 1280 * 320,
     2 * (320 * 7 * 7 + 1280 * 7 * 7 + 1280 * 320)),
    ("mobilenet_fp16_verbose", "/features/features.7/conv/conv.2/Conv", 14 * 14 * 64 * 192,
     4 * (192 * 14 * 14 + 64 * 14 * 14 + 64 * 192)),
    # U-Net, FP16, batch 2: a transposed convolution uses each weight once at every place of its input
    ("unet_fp16_verbose", "/up1/ConvTranspose", 2 * 16 * 16 * 64 * (32 * 2 * 2),
     2 * (2 * 64 * 16 * 16 + 2 * 32 * 32 * 32 + 64 * 32 * 2 * 2)),
    ("unet_fp16_verbose", "/up0/conv1/Conv + ", 2 * 64 * 64 * 16 * (32 * 3 * 3),
     2 * (2 * 32 * 64 * 64 + 2 * 16 * 64 * 64 + 16 * 32 * 3 * 3)),
    ("unet_fp16_verbose", "/mid/conv2/Conv + ", 2 * 16 * 16 * 64 * (64 * 3 * 3), None),
    ("unet_fp16_verbose", "/head/Conv + PWN(/head/Sigmoid)", 2 * 64 * 64 * 16,
     2 * (2 * 16 * 64 * 64 + 2 * 64 * 64 + 16)),
    # ten convolutions, INT8, batch 8: one byte an element, the residual is read too
    ("conv_int8_verbose", "/stem/Conv + ", 8 * 48 * 48 * 32 * (3 * 3 * 3),
     8 * 3 * 96 * 96 + 8 * 32 * 48 * 48 + 32 * 3 * 3 * 3),
    ("conv_int8_verbose", "/layer1/conv2/Conv + /layer1/Add", 8 * 24 * 24 * 32 * (32 * 3 * 3),
     3 * 8 * 32 * 24 * 24 + 32 * 32 * 3 * 3),
    ("conv_int8_verbose", "/dw/depthwise/Conv", 8 * 6 * 6 * 128 * (3 * 3), 2 * 8 * 128 * 6 * 6 + 128 * 3 * 3),
    ("conv_int8_verbose", "/fc/Gemm", 8 * 128 * 100, 8 * 128 + 4 * 8 * 100 + 128 * 100),
    ("conv_int8_verbose", "Reformatting CopyNode for Input Tensor 0 to /stem", 0, (4 + 1) * 8 * 3 * 96 * 96),
    # two layers of a transformer as one foreign node: 4 x 128 tokens, width 256, four products of 256 x 256, two of
    # 256 x 1024, and attention over 128 tokens twice
    ("bert_fp16_verbose", "{ForeignNode[", 4 * 128 * 2 * (4 * 256 * 256 + 2 * 256 * 1024 + 2 * 128 * 256), None),
]  # fmt: skip


@pytest.mark.parametrize(("network", "layer", "macs", "moved"), BY_HAND, ids=lambda value: str(value)[:40])
def test_work_by_hand(network, layer, macs, moved):
    row = row_of(network, layer)
    assert row["flops"] == 2 * macs
    if moved is not None:
        assert row["bytes"] == moved


def test_a_network_adds_up_to_what_its_paper_says():
    """ResNet-50 takes 4.1 billion multiplications an image, MobileNetV2 300 million."""
    for network, batch, macs in (("resnet50_fp16_dyn_detailed", 8, 4.09e9), ("mobilenet_fp16_verbose", 1, 300.8e6)):
        total = sum(row["flops"] or 0 for row in rows(network).values()) / 2 / batch
        assert total == pytest.approx(macs, rel=1e-3)


def test_rates_of_a_layer_by_hand():
    row = row_of("resnet50_fp16_dyn_detailed", "/conv1/Conv + ")
    with gzip.open(find_capture("resnet50_fp16_dyn_detailed.log"), "rt") as file:
        (printed,) = re.findall(r"\] +/conv1/Conv \+ /relu/Relu +[0-9.]+ +([0-9.]+) ", file.read())
    seconds = row["time_ms"] / 1e3
    assert row["time_ms"] == pytest.approx(float(printed), abs=5.1e-5)
    assert row["tflops"] == pytest.approx(2 * 8 * 112 * 112 * 64 * 147 / seconds / 1e12)
    assert row["percent_of_compute"] == pytest.approx(100 * row["tflops"] * 1e12 / H200_FP16)
    assert row["gb_per_s"] == pytest.approx(row["bytes"] / seconds / 1e9)
    assert row["percent_of_bandwidth"] == pytest.approx(100 * row["bytes"] / seconds / H200_MEMORY)
    assert row["intensity"] == pytest.approx(row["flops"] / row["bytes"])
    assert row["ideal_ms"] == pytest.approx(1e3 * max(row["flops"] / H200_FP16, row["bytes"] / H200_MEMORY))


def test_a_known_answer():
    """A 1x1 convolution with a residual at INT8: 34.9 us are 94 TOPS and 1,655 GB/s, 34 % of an H200's memory."""
    x, y = ({"name": "x", "dtype": "INT8", "shape": [32, size, 56, 56]} for size in (64, 256))
    parameters = '{"ParameterType": "Convolution", "Weights": {"Type": "Int8", "Count": 16384}}'
    work = work_of(([x, y], [y]), parameters, [], "INT8", "CaskConvolution", None)
    assert round(work.flops / 34.9e-6 / 1e12) == 94
    assert round(work.bytes / 34.9e-6 / 1e9, -1) == 1660
    assert round(100 * work.bytes / 34.9e-6 / H200_MEMORY) == 34


@pytest.mark.parametrize(
    ("capability", "sms", "ghz", "precision", "tera"),
    [  # rates of the data sheets, dense
        ("7.0", 80, 1.53, "FP16", 125), ("7.5", 40, 1.59, "INT8", 130), ("8.0", 108, 1.41, "FP16", 312),
        ("8.0", 108, 1.41, "TF32", 156), ("8.0", 108, 1.41, "FP32", 19.5), ("8.6", 72, 1.695, "FP16", 125),
        ("8.9", 142, 2.52, "FP8", 733), ("9.0", 132, 1.83, "FP16", 989), ("9.0", 132, 1.83, "FP8", 1979),
        ("10.0", 148, 1.85, "FP16", 2250), ("12.0", 170, 2.407, "FP4", 1676), ("8.7", 16, 1.3, "INT8", 85),
    ],
)  # fmt: skip
def test_rates_are_those_of_the_data_sheets(capability, sms, ghz, precision, tera):
    text = (
        "[11/22/2026-13:22:03] [I] === Device Information ===\n[11/22/2026-13:22:03] [I] Selected Device: A\n"
        f"[11/22/2026-13:22:03] [I] Compute Capability: {capability}\n[11/22/2026-13:22:03] [I] SMs: {sms}\n"
        f"[11/22/2026-13:22:03] [I] Compute Clock Rate: {ghz} GHz\n"
    )
    found = peaks_of(trtlog.parse(text.encode()).device)
    assert found.operations[precision] / 1e12 == pytest.approx(tera, rel=0.02)


def test_what_the_log_does_not_tell_is_null_and_said():
    row = row_of("bert_fp16_verbose", "{ForeignNode[")
    assert (row["bytes"], row["percent_of_compute"], row["bound"], row["ideal_ms"]) == (None, None, None, None)
    assert "what it computes in is not printed" in row["note"]
    found = parsed_once(find_capture("rtxpy_bert_tiny.log")).analyze.table("roofline_total").to_pylist()
    assert not found or found[0]["ideal_ms"] is None


@pytest.mark.parametrize("network", sorted({case[0] for case in BY_HAND}))
def test_no_share_above_all_without_a_word(network):
    checked = 0
    for row in each(rows(network).values()):
        for name in ("percent_of_compute", "percent_of_bandwidth"):
            if row[name] is not None and row[name] > 100:
                assert row["note"]
            checked += row[name] is not None
    assert checked


def test_totals_are_the_sums_of_the_layers():
    log = parsed_once(find_capture("resnet50_fp16_dyn_detailed.log"))
    (total,) = log.analyze.table("roofline_total").to_pylist()
    own = [row for row in log.analyze.table("roofline").to_pylist() if row["type"] != "Reformat"]
    assert total["layers"] == total["known"] == len(own)
    assert total["measured_ms"] == pytest.approx(sum(row["time_ms"] for row in own))
    assert total["ideal_ms"] == pytest.approx(sum(row["ideal_ms"] for row in own))
    assert total["ideal_percent"] == pytest.approx(100 * total["ideal_ms"] / total["measured_ms"])


def test_the_plot_has_a_point_a_layer():
    log = parsed_once(find_capture("resnet50_fp16_dyn_detailed.log"))
    figure = log.plot.roofline()
    points = sum(len(trace.x) for trace in figure.data if trace.mode == "markers")
    assert points == sum(1 for row in rows("resnet50_fp16_dyn_detailed").values() if row["intensity"])


def test_why_and_report_say_it_too():
    log = parsed_once(find_capture("resnet50_fp16_dyn_detailed.log"))
    told = log.why("/conv1/Conv + /relu/Relu")
    assert told.roofline["flops"] == 2 * 8 * 112 * 112 * 64 * 147
    text = draw("markdown", told)
    assert re.search(r"roofline: 77\.4 TFLOP/s, 7\.2 % of the GPU's rate; 626 GB/s, 13 % of its memory's", text)
    assert "Against what the GPU can do" in log.report()


def operand(name, shape, dtype="FP16"):
    return {"name": name, "tensor": name, "dtype": dtype, "shape": list(shape)}


def node(op, inputs, output):
    named = [operand(f"i{place}", shape) for place, shape in enumerate(inputs)]
    return {"op": op, "inputs": named, "outputs": [operand("out", output)]}


# What a node multiplies, counted by hand: places of the output x what each sums over (of the input, transposed).
KINDS = {
    "grouped": (node("Conv", [(2, 64, 28, 28), (128, 16, 3, 3)], (2, 128, 28, 28)), 2 * 28 * 28 * 128 * (64 // 4 * 9)),
    "depthwise": (node("Conv", [(1, 96, 56, 56), (96, 1, 3, 3)], (1, 96, 56, 56)), 56 * 56 * 96 * 9),
    "dilated": (node("Conv", [(1, 32, 30, 30), (32, 32, 3, 3)], (1, 32, 26, 26)), 26 * 26 * 32 * (32 * 9)),
    "3-D": (node("Conv", [(1, 3, 16, 112, 112), (64, 3, 3, 7, 7)], (1, 64, 16, 56, 56)),
            16 * 56 * 56 * 64 * (3 * 3 * 7 * 7)),
    "1-D": (node("Conv", [(1, 80, 3000), (384, 80, 3)], (1, 384, 3000)), 3000 * 384 * (80 * 3)),
    "transposed, grouped": (node("ConvTranspose", [(1, 64, 16, 16), (64, 8, 4, 4)], (1, 32, 32, 32)),
                            16 * 16 * 64 * (32 // 4 * 16)),
    "batched": (node("MatMul", [(8, 12, 128, 64), (8, 12, 64, 128)], (8, 12, 128, 128)), 8 * 12 * 128 * 128 * 64),
    "broadcast": (node("MatMul", [(8, 128, 768), (768, 3072)], (8, 128, 3072)), 8 * 128 * 3072 * 768),
    "vector": (node("MatMul", [(768,), (768, 10)], (10,)), 10 * 768),
    "transposed A": (node("Gemm", [(512, 8), (512, 100), (100,)], (8, 100)), 8 * 100 * 512),
    "transposed B": (node("Gemm", [(8, 512), (100, 512), (100,)], (8, 100)), 8 * 100 * 512),
    "pooling": (node("MaxPool", [(1, 64, 112, 112)], (1, 64, 56, 56)), 0),
    "quantize": (node("QuantizeLinear", [(1, 64, 8, 8), ()], (1, 64, 8, 8)), 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_nodes_by_hand(kind):
    one, macs = KINDS[kind]
    ends = ([one["inputs"][0]], one["outputs"])
    assert work_of(ends, None, [one], "FP16", "CaskConvolution").flops == 2 * macs


def test_what_a_plugin_computes_is_not_known():
    one = node("MSDeformAttn_TRT", [(1, 1000, 256), (1, 300, 256)], (1, 300, 256))
    assert work_of((one["inputs"], one["outputs"]), None, [one], "FP16", "PluginV2").flops is None


def test_weights_that_are_unpacked_have_no_known_size():
    """Weights of 4 bits, computed with in FP16; in INT8 the weights of a pair of Q/DQ are those of the kernel."""
    one = node("MatMul", [(8, 4096), (4096, 4096)], (8, 4096))
    ends = ([one["inputs"][0]], one["outputs"])
    packed = frozenset({"i1"})
    found = work_of(ends, None, [one], "FP16", "gemm", frozenset({"i0"}), packed)
    assert (found.flops, found.bytes) == (2 * 8 * 4096 * 4096, None)
    assert work_of(ends, None, [one], "INT8", "gemm", frozenset({"i0"}), packed).bytes == 2 * 2 * 8 * 4096 + 4096 * 4096
    assert work_of(ends, None, [one], "FP16", "gemm", frozenset({"i0"})).bytes == 2 * (2 * 8 * 4096 + 4096 * 4096)


def test_a_bias_that_bears_the_name_of_its_product_multiplies_nothing():
    """TensorRT 10 splits Gemm: the product goes into a foreign node, PWN(node_linear_1 + node_relu) adds the bias."""
    one = node("Gemm", [(4, 1024), (10, 1024), (10,)], (4, 10))
    assert work_of(([operand("a", (4, 10))], [operand("b", (4, 10))]), None, [one], "FP16", "PointWiseV2").flops == 0


def test_an_open_dimension_behind_a_reshape_is_not_the_batch():
    """Windows of 49 places: 8 images of 64 windows each are 512 rows in front, not 8."""
    images, windows = operand("x", (-1, 64, 49, 96)), operand("w", (-1, 49, 96))
    nodes = [
        {"op": "Reshape", "inputs": [images], "outputs": [windows]},
        {"op": "Split", "inputs": [windows], "outputs": [operand("q", (-1, 49, 32)), operand("k", (-1, 49, 64))]},
        {"op": "Transpose", "inputs": [operand("q", (-1, 49, 32))], "outputs": [operand("qt", (-1, 32, 49))]},
        {"op": "MatMul", "inputs": [windows, operand("qt", (-1, 32, 49))], "outputs": [operand("z", (-1, 96, 49))]},
        {"op": "ReduceMean", "inputs": [windows], "outputs": [operand("m", (-1, 96))]},
        {"op": "Gather", "inputs": [operand("table", (1000, 96)), operand("ids", (-1, 7))],
         "outputs": [operand("e", (-1, 7, 96))]},
        {"op": "Concat", "inputs": [windows, windows], "outputs": [operand("c", (-1, 49, 192))]},
        {"op": "Add", "inputs": [windows, operand("b", (1, 49, 96))], "outputs": [operand("a", (-1, 49, 96))]},
    ]  # fmt: skip
    shapes = DynamicShapes(nodes, {"x": (8, 64, 49, 96), "ids": (8, 7)}, 8)
    known = {name: shapes.of(name, None if name == "none" else shape) for name, shape in {
        "w": (-1, 49, 96), "q": (-1, 49, 32), "qt": (-1, 32, 49), "m": (-1, 96), "e": (-1, 7, 96), "c": (-1, 49, 192),
        "a": (-1, 49, 96), "an engine's own name": (-1, 49, 96), "static": (1, 2), "none": None,
    }.items()}  # fmt: skip
    assert known == {
        "w": (512, 49, 96), "q": (512, 49, 32), "qt": (512, 32, 49), "m": (512, 96), "e": (8, 7, 96),
        "c": (512, 49, 192), "a": (512, 49, 96), "an engine's own name": None, "static": (1, 2), "none": None,
    }  # fmt: skip


def test_two_open_dimensions_that_a_transpose_may_swap_are_not_known():
    heads = operand("x", (-1, -1, 12, 64))
    nodes = [{"op": "Transpose", "inputs": [heads], "outputs": [operand("y", (-1, 12, -1, 64))]}]
    assert DynamicShapes(nodes, {"x": (8, 128, 12, 64)}, 8).of("y", (-1, 12, -1, 64)) is None


TIMED = """[01/02/2026-10:00:00] [I] === Build Options ===
[01/02/2026-10:00:00] [I] Input build shape: x=1x64x8x8+8x64x8x8+32x64x8x8
[01/02/2026-10:00:00] [I] === Inference Options ===
[01/02/2026-10:00:00] [I] Input inference shape: x={inference}x64x8x8
[01/02/2026-10:00:00] [I] === Device Information ===
[01/02/2026-10:00:00] [I] Compute Capability: 9.0
[01/02/2026-10:00:00] [I] SMs: 132
[01/02/2026-10:00:00] [I] Compute Clock Rate: 1.98 GHz
[01/02/2026-10:00:00] [I] Memory Bus Width: 6016 bits (ECC enabled)
[01/02/2026-10:00:00] [I] Memory Clock Rate: 3.201 GHz
[01/02/2026-10:00:01] [V] [TRT] *************** Autotuning format combination: Half(4096,64,8,1) -> Half(4096,64,8,1) ***************
[01/02/2026-10:00:01] [V] [TRT] --------------- Timing Runner: pool (CaskPooling)
[01/02/2026-10:00:01] [V] [TRT] Tactic: 0x0000000000000011 Time: 0.002
[01/02/2026-10:00:01] [V] [TRT] Fastest Tactic: 0x0000000000000011 Time: 0.002
[01/02/2026-10:00:01] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskPooling Tactic: 0x0000000000000011
[01/02/2026-10:00:02] [V] [TRT] Engine Layer Information:
Layer(CaskPooling): pool, Tactic: 0x0000000000000011, x (Half[{printed},64,8,8]) -> y (Half[{printed},64,8,8])
"""  # noqa: E501


@pytest.mark.parametrize(("inference", "printed", "batch"), [(8, -1, 8), (32, -2, 8), (8, 8, 8), (32, 32, None)])
def test_the_builder_times_the_optimum_of_the_profile(inference, printed, batch):
    """With shapes of inference alone printed, and others timed, no rate is known."""
    log = trtlog.parse(TIMED.format(inference=inference, printed=printed).encode())
    (row,) = log.analyze.table("roofline").to_pylist()
    moved = 2 * 2 * (batch or inference) * 64 * 8 * 8
    assert (row["bytes"], row["time_from"]) == (moved, "tactic")
    assert row["gb_per_s"] == (None if batch is None else pytest.approx(moved / 2e-6 / 1e9))
    assert ("other shapes" in (row["note"] or "")) == (batch is None)
