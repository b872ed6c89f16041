from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import each
from trtlog.errors import InputError
from trtlog.values._layer_text import read_pair
from trtlog.values.layer_info import LayerInfo, LayerTensor, onnx_names, parse_layer, tactic_id
from trtlog.values.layouts import layout_of_strides


def rows(tensors):
    return [(t.name, t.dtype, t.shape) for t in tensors]


def test_a_brief_line_of_8_5_and_later():
    line = (
        "Layer(CaskConvolution): conv_a + relu, b -> c, Tactic: 0x85222248e9a8aead, "
        "x (Float[-1,512:4,7,7]), w::1 (Float[2048]) -> "
        "(Unnamed Layer* 3) [Shuffle]_output (Half[-1,2048:8,7,7])"
    )
    found = parse_layer(line, strict=True)
    assert (found.layer, found.type) == ("conv_a + relu, b -> c", "CaskConvolution")
    assert found.tactic == "0x85222248e9a8aead"
    assert rows(found.inputs) == [("x", "FP32", (-1, 512, 7, 7)), ("w::1", "FP32", (2048,))]
    assert rows(found.outputs) == [("(Unnamed Layer* 3) [Shuffle]_output", "FP16", (-1, 2048, 7, 7))]
    assert [t.format for t in found.inputs + found.outputs] == [
        "Float[-1,512:4,7,7]",
        "Float[2048]",
        "Half[-1,2048:8,7,7]",
    ]
    assert [t.layout for t in found.inputs + found.outputs] == [None, None, "NHWC8"]
    assert (found.kernel, found.metadata, found.onnx_names) == (None, None, None)


def test_a_brief_line_up_to_8_4():
    line = (
        "Layer(LogSoftmaxTopK): y + z, Tactic: -1, add:0[Float(-2,10)], "
        "Input 0 to (U* 5) [Pooling][Half(8,64:2,7,7)]"
        " -> (U* 48) [TopK]_output_1[Float(-2,1)], (U* 48) [TopK]_output_2[Int32(-2,1)]"
    )
    found = parse_layer(line, strict=True)
    assert found.tactic == "0xffffffffffffffff"
    assert rows(found.inputs) == [
        ("add:0", "FP32", (-2, 10)),
        ("Input 0 to (U* 5) [Pooling]", "FP16", (8, 64, 7, 7)),
    ]
    assert rows(found.outputs) == [
        ("(U* 48) [TopK]_output_1", "FP32", (-2, 1)),
        ("(U* 48) [TopK]_output_2", "INT32", (-2, 1)),
    ]
    assert found.inputs[1].format == "Half(8,64:2,7,7)"


@pytest.mark.parametrize(
    ("tail", "inputs", "outputs"),
    [
        (",  -> c (Half[960])", [], ["c"]),
        (", s (Bool[]) -> ", ["s"], []),
        (", s (Bool[]) ->", ["s"], []),
        (", s (Bool[])", ["s"], None),  # cut
        (",", None, None),
        ("", None, None),
        (", a -> b (Float[1]) -> c -> d (Float[1])", ["a -> b"], ["c -> d"]),
    ],
)
def test_a_brief_line_may_lack_tensors(tail, inputs, outputs):
    found = parse_layer(f"Layer(Constant): k, Tactic: 0x0000000000000000{tail}", strict=True)
    sides = [None if side is None else [t.name for t in side] for side in (found.inputs, found.outputs)]
    assert sides == [inputs, outputs]


def test_a_detailed_line():
    line = (
        "Name: conv, a: b + relu || c, LayerType: CaskConvolution, "
        "Inputs: [ { Name: x, y [0], Location: Device, Dimensions: [8,3,7,7], "
        "Format/Datatype: Channel major FP16 format where channel % 8 == 0 }, "
        "{ Name: w, Location: Host, Dimensions: [], Format/Datatype: Row major linear FP32 }], "
        "Outputs: [ { Name: z, Dimensions: [-1], Format/Datatype: Int64 }], ParameterType: Convolution, "
        "Kernel: [1,1], PaddingMode: kEXPLICIT_ROUND_DOWN, "
        'Weights: {"Type": "Half", "Count": 10}, Groups: 1, '
        'Operations: ["auto const v = pwgen::f(a, Key: 3);"], Params: [a, b], Activation: , '
        "TacticName: some_kernel<int, 3>, TacticValue: 0x000000000000000a, Groups: 2, StreamId: 0, "
        "Metadata: [ONNX Layer: conv, a]\x1e[ONNX Layer: re]lu]"
    )
    found = parse_layer(line, strict=True)
    assert found == LayerInfo(
        layer="conv, a: b + relu || c",
        type="CaskConvolution",
        tactic="0x000000000000000a",
        kernel="some_kernel<int, 3>",
        inputs=(
            LayerTensor(
                "x, y [0]",
                "FP16",
                (8, 3, 7, 7),
                format="Channel major FP16 format where channel % 8 == 0",
                layout="NHWC8",
                location="Device",
            ),
            LayerTensor("w", "FP32", (), format="Row major linear FP32", layout="linear", location="Host"),
        ),
        outputs=(LayerTensor("z", "INT64", (-1,), format="Int64"),),
        metadata="[ONNX Layer: conv, a]\x1e[ONNX Layer: re]lu]",
        onnx_names=("conv, a", "re]lu"),
        attributes={
            "ParameterType": "Convolution",
            "Kernel": [1, 1],
            "PaddingMode": "kEXPLICIT_ROUND_DOWN",
            "Weights": {"Type": "Half", "Count": 10},
            "Groups": [1, 2],
            "Operations": ["auto const v = pwgen::f(a, Key: 3);"],
            "Params": "[a, b]",
            "Activation": None,
            "StreamId": 0,
        },
    )


def test_a_detailed_line_of_tensorrt_rtx():
    line = (
        "Name: __myl_Move_myl0_0, LayerType: kgen, Inputs: [ { Name: x, Dimensions: [1,3,8,8], "
        "Strides: [192,1,24,3], StrideOrder: [3,0,2,1], "
        "Datatype: Half, Format: (NHWC) Channel major format }], "
        "Constants: [], Outputs: [], TacticName: __myl_Move, StreamId: 0, Metadata: "
    )
    found = parse_layer(line, strict=True)
    tensor = found.inputs[0]
    assert (tensor.dtype, tensor.shape, tensor.strides) == ("FP16", (1, 3, 8, 8), (192, 1, 24, 3))
    assert (tensor.layout, tensor.attributes) == ("NHWC", {"StrideOrder": [3, 0, 2, 1]})
    assert (found.constants, found.outputs, found.metadata, found.tactic) == ((), (), None, None)


def test_an_object_reads_like_its_line():
    line = (
        "Name: a, LayerType: Reformat, Inputs: [ { Name: x, Location: Device, Dimensions: [1,3], "
        "Format/Datatype: Row major linear FP32 }], "
        "Outputs: [], Origin: REFORMAT, TacticValue: 0x00000000000003e8"
    )
    value = {
        "Name": "a",
        "LayerType": "Reformat",
        "Inputs": [
            {
                "Name": "x",
                "Location": "Device",
                "Dimensions": [1, 3],
                "Format/Datatype": "Row major linear FP32",
            }
        ],
        "Outputs": [],
        "Origin": "REFORMAT",
        "TacticValue": "0x00000000000003e8",
    }
    assert parse_layer(json.dumps(value), strict=True) == parse_layer(line, strict=True)


def test_metadata_and_tactics():
    assert onnx_names("[ONNX Layer: a]\x1f[ONNX Layer: b]") == ("a", "b")
    assert onnx_names("[ONNX Layer: a][ONNX Layer: b]") == ("a", "b")  # where a terminal ate the separator
    assert onnx_names("[ONNX Layer: a]\ufffd[ONNX Layer: b]") == ("a", "b")  # where a page replaced it
    assert onnx_names("{ForeignNode[a...b]}") == ("{ForeignNode[a...b]}",)
    assert onnx_names(None) is None
    assert tactic_id("-3360065831133338131") == "0xd15ea5edd15ea5ed"
    assert tactic_id("18446744073709551615") == "0xffffffffffffffff"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "conv1",
        "Layer(Conv): cut, Tac",
        "Layer(Conv): a, Tactic: 0x1, x (Float[1,3]) -> y (Fl",
        "Name: a, LayerType: b, Inputs: [ { Name: x, Dimen",
        '{"Name": 3}',
        "{",
    ],
)
def test_anything_else_is_null_and_strict_raises(text):
    assert parse_layer(text) is None
    with pytest.raises(InputError, match="not an engine layer"):
        parse_layer(text, strict=True)


@pytest.mark.parametrize(
    "line",
    [
        "Layer(Conv): a -> b, Tactic: 0x00000000000003e8, x (Float[1,3]), y (Half[12]) -> z (Float[1,8])",
        "Name: a, LayerType: Conv, Inputs: [ { Name: x, Dimensions: [1,3], Format/Datatype: Float }], Outputs: [], "
        "TacticName: k, TacticValue: 0x00000000000003e8",
    ],
)
def test_a_line_cut_anywhere_says_nothing_wrong(line):
    whole = parse_layer(line, strict=True)
    read = 0
    for end in each(range(len(line))):
        found = parse_layer(line[:end])
        if found is None:
            continue
        read += 1
        assert found.tactic in (None, whole.tactic)
        assert found.inputs is None or found.inputs == whole.inputs[: len(found.inputs)]
        assert found.outputs is None or found.outputs == whole.outputs[: len(found.outputs)]
    assert read > 10


WORDS = """Layer( ): , Tactic: 0x1 -> (Float[ 1,2 ]) Name: LayerType: Inputs: [ { Dimensions: } ]
    "Type" " \\ a Key: b"""
pieces = st.sampled_from(WORDS.split())


@given(st.lists(pieces, max_size=40).map(" ".join), st.sampled_from(["", "Layer(a): ", "Name: ", "{"]))
def test_no_text_raises(text, start):
    parse_layer(start + text)


@pytest.mark.parametrize(
    "unit",
    ["a: [, ", 'a: "\\"', "Name: x", ', "', " -> (Float[1]), ", ", Tactic: 1", "{ Name: x }, ", "[ { "],
)
@pytest.mark.parametrize("start", ["Layer(T): ", "Name: x, LayerType: y, Inputs: [ { ", "Name: x, k: "])
def test_long_hostile_text_ends(start, unit):
    parse_layer(start + unit * 20_000)


def lines_of(real_logs, begin: str, *inside: str) -> list[str]:
    """Return the distinct texts of layers that begin so behind any headers."""
    behind = re.compile(rf"(?:\[.*?\] )*({re.escape(begin)}.*)")
    lines = (line for _, log in real_logs for line in log.split("\n") if all(word in line for word in (begin, *inside)))
    return list(dict.fromkeys(found[1] for line in lines if (found := behind.match(line))))


def test_every_layer_line_of_the_real_logs_reads(real_logs):
    brief, detailed = lines_of(real_logs, "Layer("), lines_of(real_logs, "Name: ", "LayerType: ")
    for line in each(brief):
        found = parse_layer(line, strict=True)
        counted = len(re.findall(r" \([A-Z][A-Za-z0-9]+\[[-0-9:,]*\]\)|\[[A-Z][A-Za-z0-9]+\([-0-9:,]*\)\]", line))
        tensors = found.inputs + found.outputs
        assert len(tensors) == counted
        assert [t for t in tensors if t.shape is None or not t.dtype] == []
        printed = [(f"{t.name} ({t.format})", f"{t.name}[{t.format}]") for t in tensors]
        assert [forms for forms in printed if not any(form in line for form in forms)] == []
    for line in each(detailed):
        found = parse_layer(line, strict=True)
        tensors = [*found.inputs, *found.outputs, *(found.constants or ())]
        assert len(tensors) == line.count("{ Name: ")
        assert [t for t in tensors if t.shape is None or not t.dtype] == []
        assert [key for key in found.attributes if key not in line] == []
    print(f"{len(brief)} brief and {len(detailed)} detailed lines read")


def test_layouts_in_words_and_from_strides_agree(real_logs):
    """TensorRT-RTX prints strides and the layout in words: one check of the other."""
    lines = lines_of(real_logs, "Name: ", "Strides: ")
    if not lines:
        pytest.skip("no log of TensorRT-RTX with detailed layers is there")
    layers = [parse_layer(line, strict=True) for line in lines]
    for tensor in each(t for layer in layers for t in (*layer.inputs, *layer.outputs, *(layer.constants or ()))):
        assert layout_of_strides(tensor.strides) == tensor.layout, tensor


def test_brief_detailed_and_exported_layers_of_one_engine_agree(real_logs):
    """The same engine, printed three ways by TensorRT: a check that does not rest on this reader."""
    logs = {path.name: text for path, text in real_logs}
    name = "resnet50_fp16_dyn_detailed"
    if f"{name}.log.gz" not in logs:
        pytest.skip(f"the capture {name} is not there")
    log = logs[f"{name}.log.gz"]
    brief = [parse_layer(line, strict=True) for line in re.findall(r"(?m)^Layer\(.*", log)]
    printed = [parse_layer(line, strict=True) for line in re.findall(r"(?m)^Name: .*LayerType.*", log)]
    objects = json.loads(logs[f"{name}.layers.json.gz"])["Layers"]
    exported = [parse_layer(json.dumps(value), strict=True) for value in objects]
    assert printed == exported

    detailed = {layer.layer: layer for layer in exported}
    assert len(detailed) == len(brief) > 50
    decoded = 0
    for layer in each(brief):
        other = detailed[layer.layer]
        assert (layer.type, layer.tactic) == (other.type, other.tactic)
        for short, long in each(zip(layer.inputs + layer.outputs, other.inputs + other.outputs, strict=True)):
            assert (short.name, short.dtype) == (long.name, long.dtype)
            # the brief line has -1 where the export has the optimum of the profile
            assert [a for a, b in zip(short.shape, long.shape, strict=True) if a not in (b, -1)] == []
            assert short.layout in (None, long.layout)
            decoded += short.layout is not None
    assert decoded > 50


def test_lists_of_attributes_are_each_layers_own():
    for text, value in ((", Kernel: [3, 3]", [3, 3]), (", Pads: [[0, 1], [2]]", [[0, 1], [2]])):
        for _ in range(3):
            key, found = read_pair(text)
            assert (key, found) == (text[2:].split(":")[0], value)
            found.append(9)
            found[0] = None
