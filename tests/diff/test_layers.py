"""What each layer of a build is: names, formats, the timing that belongs to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trtlog
from tests.conftest import each
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.names import constituents, role_of
from trtlog.analyses.layer.timings import format_key

FP32 = "resnet50_fp32_verbose"


def by_name(log):
    return {layer.layer: layer for layer in layers_of(log).layers}


def test_the_timing_of_the_engine_tactic_is_found(capture, capture_text):
    """Engine: Layer(CaskPooling): /maxpool/MaxPool, Tactic: 0xcb3875826530ea38 ... ; each time stands in the log."""
    text = capture_text(FP32)
    layers = by_name(capture(FP32)).values()
    for layer in each(layer for layer in layers if layer.tactic_ms is not None and not layer.timed_as):
        start = text.index(f"Timing Runner: {layer.timing.layer} (")
        times = re.findall(rf"Tactic: {layer.tactic} Time: (\S+)", text[start:])
        assert layer.tactic_ms in map(float, times), layer.layer


def test_equal_layers_share_one_timing(capture, capture_text):
    """The builder times /layer3/layer3.1/conv1 and not its four equals, so the log has no runner of theirs."""
    text = capture_text(FP32)
    found = by_name(capture(FP32))
    first = "/layer3/layer3.1/conv1/Conv + /layer3/layer3.1/relu/Relu"
    assert f"Timing Runner: {first} (CaskConvolution)" in text
    for number in (2, 3, 4, 5):
        name = first.replace("layer3.1", f"layer3.{number}")
        assert f"Timing Runner: {name} (" not in text
        assert found[name].timed_as == first
        assert found[name].tactic_ms == found[first].tactic_ms


def test_a_layer_with_another_kernel_size_takes_no_timing_over(capture):
    """layer1.0/conv1 is 1x1, layer1.1/conv2 is 3x3; both map 64 to 64 channels of 56x56 with the same type."""
    found = by_name(capture(FP32))
    small = "/layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu"
    wide = found["/layer1/layer1.1/conv2/Conv + /layer1/layer1.1/relu_1/Relu"]
    assert wide.shape == found[small].shape
    assert wide.timed_as == "/layer1/layer1.0/conv2/Conv + /layer1/layer1.0/relu_1/Relu"


def test_the_runner_up_is_of_the_same_formats(capture):
    layers = by_name(capture("mobilenet_fp16_verbose")).values()
    for layer in each(layer for layer in layers if layer.runner_up_ms is not None):
        used = [c for c in layer.candidates if c.tactic == layer.tactic and c.time_ms == layer.tactic_ms]
        same = [c.time_ms for c in layer.candidates if c.raw_formats == used[0].raw_formats]
        assert layer.runner_up_ms in same


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Conv_0 + PWN(Sigmoid_1, Mul_2)", ("Conv_0", "Sigmoid_1", "Mul_2")),
        ("PWN(PWN(PWN(w + (Unnamed Layer* 7) [Shuffle], Div_1), PWN(Erf_2)), Add_3)",
         ("w", "(Unnamed Layer* 7) [Shuffle]", "Div_1", "Erf_2", "Add_3")),
        ("MatMul_1 || MatMul_2 || MatMul_3", ("MatMul_1", "MatMul_2", "MatMul_3")),
        ("{ForeignNode[a...Transpose_2 + Reshape_3]}", ("a", "Transpose_2", "Reshape_3")),
        ("node_conv + node_relu [profile 1]", ("node_conv", "node_relu")),
        ("Reformatting CopyNode for Output Tensor 1 to A + B", ("A", "B")),
        ("(Unnamed Layer* 0) [Convolution] + (Unnamed Layer* 1) [Activation]",
         ("(Unnamed Layer* 0) [Convolution]", "(Unnamed Layer* 1) [Activation]")),
    ],
)  # fmt: skip
def test_names_are_taken_apart(name, parts):
    assert constituents(name) == parts


@given(st.text(alphabet="ab+|(), {}[].PWNForeignNode_", max_size=60))
def test_any_name_can_be_taken_apart(name):
    assert "" not in constituents(name)
    assert role_of(name, None)


@given(st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_/.]{0,12}", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_parts_come_back(names):
    assert constituents(" + ".join(names)) == tuple(names)
    assert constituents(f"PWN({', '.join(names)})") == tuple(names)


def test_formats_compare_across_their_spellings():
    assert format_key("Half(24200,1:8,440,8)") == format_key("Half[1,64:8,55,55]") == "FP16:8"
    assert format_key("Channel major FP16 format where channel % 8 == 0") == "FP16:8"
    assert format_key("Float(150528,50176,224,1)") == format_key("Row major linear FP32") == "FP32"


def test_a_parquet_copy_is_the_same_build(capture, tmp_path):
    capture(FP32).to_parquet(tmp_path)
    assert not trtlog.diff(capture(FP32), trtlog.read_parquet(tmp_path)).changed


def test_untimed_tactics_do_not_count(capture_text):
    text = capture_text(FP32)
    line = next(x for x in text.splitlines() if "Tactic: 0xed09dcddfcf4bffb Time: " in x)
    broken = re.sub(r"Time: \S+", "Time: 3.40282e+38", line)
    log = trtlog.parse(text.replace(line, broken, 1).encode())
    assert all(c.time_ms < 1000 for layer in each(layers_of(log).layers) for c in layer.candidates)


@pytest.mark.parametrize(
    ("control", "test", "note"),
    [
        ({"": 4}, {"": 4}, None),
        ({"": 4}, {"": 32}, "saw other batches (input:4x3x224x224 in control, input:32x3x224x224 in test)"),
        ({" (profile 0)": 4}, {" (profile 0)": 32}, "saw other batches (input:4x3x224x224 in control, "),
        ({"": 4}, {" (profile 0)": 4}, None),
        ({" (profile 0)": 4, " (profile 1)": 16}, {" (profile 0)": 4, " (profile 1)": 16}, None),
        ({" (profile 0)": 4, " (profile 1)": 16}, {" (profile 0)": 4, " (profile 1)": 8}, "saw other input shapes"),
    ],
)
def test_layers_timed_at_other_shapes_are_said_so(capture_text, control, test, note):
    """Input build shape (profile 0): input=1x3x224x224+4x3x224x224+64x3x224x224, as TensorRT 9.1 and later print it."""
    shape = "[11/22/2026-13:21:04] [I] Input build shape{}: input=1x3x224x224+{}x3x224x224+64x3x224x224\n"
    text = capture_text("resnet50_fp32_verbose")
    line = "[I] Input build shapes: model\n"
    start = text.rindex("\n", 0, text.index(line)) + 1
    logs = [
        trtlog.parse(
            (text[:start] + "".join(shape.format(*one) for one in side.items()) + text[text.index(line) + len(line) :])
            .encode()
        )
        for side in (control, test)
    ]  # fmt: skip
    assert logs[0].build.input_shapes == [f"input=1x3x224x224+{control.get('', 4)}x3x224x224+64x3x224x224"]
    notes = [one for one in trtlog.diff(*logs).notes if "saw other" in one]
    assert [note in one for one in notes] == ([True] if note else []), notes
