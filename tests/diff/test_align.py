"""Layers are paired in spite of renames and other fusions, and layers of other models are not."""

from __future__ import annotations

from collections import Counter

import trtlog
from tests.conftest import each
from trtlog.analyses.compare.align import align
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.names import constituents


def layer(name, position, role="layer", **more):
    return Layer(name, position, role, parts=frozenset(constituents(name)), **more)


def layers(*names, **more):
    return [layer(name, position, **more) for position, name in enumerate(names)]


def told(alignment):
    return [
        (" & ".join(x.layer for x in p.control), " & ".join(x.layer for x in p.test), p.method, p.confidence)
        for p in alignment.pairs
    ]


def test_other_fusions_make_one_pair_of_several_layers():
    control = layers("Conv_0", "PWN(Relu_1)", "Conv_2 + Add_3 + Relu_4", "MatMul_5")
    test = layers("Conv_0 + PWN(Relu_1)", "Conv_2 + Add_3", "PWN(Relu_4)", "MatMul_5")
    assert told(align(control, test)) == [
        ("Conv_0 & PWN(Relu_1)", "Conv_0 + PWN(Relu_1)", "lineage", 0.95),
        ("Conv_2 + Add_3 + Relu_4", "Conv_2 + Add_3 & PWN(Relu_4)", "lineage", 0.95),
        ("MatMul_5", "MatMul_5", "name", 1.0),
    ]


def test_partly_shared_nodes_lower_the_confidence():
    control = layers("A", "Conv_0 + Relu_1")
    test = layers("A", "Conv_0 + Clip_9")
    # One node of three in common: 0.5 + 0.45 / 3.
    assert told(align(control, test))[1] == ("Conv_0 + Relu_1", "Conv_0 + Clip_9", "lineage", 0.65)


def test_a_foreign_node_is_paired_with_what_it_swallowed():
    nodes = [(f"n{i}", "Op") for i in range(6)]
    control = layers("n0", "n1 + n2", "n3", "n4", "n5")
    test = layers("n0", "{ForeignNode[n1...n4]}", "n5")
    assert told(align(control, test, nodes, nodes)) == [
        ("n0", "n0", "name", 1.0),
        ("n1 + n2 & n3 & n4", "{ForeignNode[n1...n4]}", "lineage", 0.95),
        ("n5", "n5", "name", 1.0),
    ]


def test_a_renamed_export_of_the_same_model_is_paired_by_order():
    ops = ["Conv", "Relu", "MaxPool", "Conv", "Relu", "Gemm", "Softmax", "ArgMax", "Cast", "Add"]
    ours = [(f"a{i}", op) for i, op in enumerate(ops)]
    theirs = [(f"b{i}", op) for i, op in enumerate(ops)]
    control = [layer("a0 + a1", 0, family="convolution"), layer("a2", 1, family="pooling")]
    test = [layer("b0 + b1", 0, family="convolution"), layer("b2", 1, family="pooling")]
    found = align(control, test, ours, theirs)
    assert found.same_model
    assert [(p.method, p.confidence <= 0.5) for p in found.pairs] == [("order", True)] * 2


def test_reformats_pair_by_what_they_feed_and_never_with_layers():
    control = [
        layer("Reformatting CopyNode for Input Tensor 0 to A + B", 0, role="reformat input 0"),
        layer("A + B", 1),
    ]
    test = [
        layer("Reformatting CopyNode for Input Tensor 0 to A", 0, role="reformat input 0"),
        layer("A", 1),
        layer("B", 2),
    ]
    assert [(p.method, p.control[0].role, len(p.test)) for p in align(control, test).pairs] == [
        ("lineage", "reformat input 0", 1),
        ("lineage", "layer", 2),
    ]


def test_other_models_are_told(capture):
    resnet, mobilenet = (layers_of(capture(n)).layers for n in ("resnet50_fp32_verbose", "mobilenet_fp16_verbose"))
    assert not align(resnet, mobilenet).same_model
    assert align(resnet, resnet).same_model


def test_every_layer_stands_in_exactly_one_pair(capture):
    ours = layers_of(capture("resnet50_fp32_verbose")).layers
    theirs = layers_of(capture("rtxpy_resnet50_bs_dynamic")).layers
    pairs = align(ours, theirs).pairs
    for side, wanted in (("control", ours), ("test", theirs)):
        paired = Counter(x.position for p in pairs for x in getattr(p, side))
        assert paired == Counter(x.position for x in wanted)


def test_tensorrt_and_tensorrt_rtx_agree_on_convolutions_by_lineage(capture):
    """TensorRT-RTX calls a layer '/layer1/layer1.0/conv1/Conv_myl0_4' and names its ONNX nodes in the metadata."""
    found = trtlog.diff(capture("rtxpy_resnet50_bs_dynamic"), capture("resnet50_fp32_verbose"))
    pairs = {
        part: (row["method"], row["confidence"])
        for row in found.rows("layers")
        for one in (row["test_layer"] or "").split(" & ")
        for part in constituents(one)
        if part.endswith("/Conv")
    }
    assert len([p for p in pairs if "layer1" in p]) == 10
    assert set(pairs.values()) == {("lineage", 0.95)}


def test_versions_fuse_otherwise(corpus, capture):
    """8.5.1 fuses Add and Relu into conv3, 8.5.3 into the downsampling: one pair of two and two layers."""
    other = trtlog.parse(corpus / "8.5.1" / "kalfazed-5-1-trtexec-resnet50-build-build.log.gz")
    rows = trtlog.diff(other, capture("resnet50_fp32_verbose")).rows("layers")
    fused = [row for row in rows if row["method"] == "lineage"]
    assert len(fused) == 4
    for row in each(fused):
        assert row["control_layer"].count(" & ") == row["test_layer"].count(" & ") == 1
        assert "downsample" in row["control_layer"]
        assert "fusion" in row["changed"]


def test_numbered_names_do_not_make_one_model_of_two():
    """Exporters that number their nodes give 'Conv_0', 'Relu_1', ... to every model: the weights tell."""
    kinds = ["Conv", "Relu", "MaxPool"] * 4
    ours = [(f"{kind}_{i}", kind, "[[64, 3, 7, 7]]" if kind == "Conv" else "[]") for i, kind in enumerate(kinds)]
    deeper = ["Conv", "Conv", "Add"] * 30
    theirs = [(f"{kind}_{i}", kind, f"[[{i}, 8, 3, 3]]") for i, kind in enumerate(deeper)]
    control = layers(*(node[0] for node in ours), family="convolution")
    test = layers(*(node[0] for node in theirs), family="convolution")
    assert not align(control, test, ours, theirs).same_model
    assert align(control, control, ours, ours).same_model


def test_an_engine_of_one_conversion_is_itself():
    alone = [layer("Reformat", 0, family="reformat")]
    assert align(alone, alone).same_model
