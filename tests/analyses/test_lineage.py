"""From engine layers to ONNX nodes, through every way TensorRT builds names."""

from __future__ import annotations

import re

import pytest

import trtlog
from tests.conftest import FIXTURES, each
from tests.test_corpus import LOGS
from trtlog.analyses.layer.lineage import Names
from trtlog.errors import InputError

KNOWN = ["/a/Conv", "/a/Sigmoid", "/a/Mul", "b", "c + d", "e, f", "g(h)", "QuantizeLinear_7", "conv1.weight", "x...y"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("/a/Conv", ["/a/Conv"]),
        ("/a/Conv + PWN(PWN(/a/Sigmoid), /a/Mul)", ["/a/Conv", "/a/Sigmoid", "/a/Mul"]),
        ("PWN(PWN(PWN(PWN(b + (Unnamed Layer* 87) [Shuffle], /a/Mul), PWN(/a/Sigmoid)), g(h)))",
         ["b", "/a/Mul", "/a/Sigmoid", "g(h)"]),
        ("PWN(/a/Sigmoid, /a/Mul)", ["/a/Sigmoid", "/a/Mul"]),
        ("/a/Conv || b", ["/a/Conv", "b"]),
        ("c + d + b", ["c + d", "b"]),
        ("PWN(e, f, b)", ["e, f", "b"]),
        ("{ForeignNode[conv1.weight.../a/Mul]}", ["conv1.weight", "/a/Mul"]),
        ("{ForeignNode[x...y...b]}", ["x...y", "b"]),
        ("b_clone_3", ["b"]),
        ("conv1.weight + QuantizeLinear_7_quantize_scale_node + b", ["conv1.weight", "QuantizeLinear_7", "b"]),
        ("reshape_before_/a/Mul", ["/a/Mul"]),
        ("/a/Conv + reshape_after_b", ["/a/Conv", "b"]),
        ("unsqueeze_node_after_b + (Unnamed Layer* 21) [Shuffle]", ["b"]),
        ("b_copy_input", ["b"]),
        ("b copy", ["b"]),
        ("bb + abc + /a/Convolution", []),
        ("", []),
    ],
)  # fmt: skip
def test_known_names_in_a_name(name, parts):
    assert Names(KNOWN).parts(name) == parts


SILU = """\
[11/22/2026-13:00:00] [V] [TRT] Parsing node: /a/Conv [Conv]
[11/22/2026-13:00:00] [V] [TRT] /a/Conv [Conv] inputs: [x -> (1, 3, 8, 8)[FLOAT]], [w -> (4, 3, 1, 1)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Registering layer: /a/Conv for ONNX node: /a/Conv
[11/22/2026-13:00:00] [V] [TRT] /a/Conv [Conv] outputs: [c -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Parsing node: /a/Sigmoid [Sigmoid]
[11/22/2026-13:00:00] [V] [TRT] /a/Sigmoid [Sigmoid] inputs: [c -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Registering layer: /a/Sigmoid for ONNX node: /a/Sigmoid
[11/22/2026-13:00:00] [V] [TRT] /a/Sigmoid [Sigmoid] outputs: [s -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Parsing node: /a/Mul [Mul]
[11/22/2026-13:00:00] [V] [TRT] /a/Mul [Mul] inputs: [c -> (1, 4, 8, 8)[FLOAT]], [s -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Registering layer: /a/Mul for ONNX node: /a/Mul
[11/22/2026-13:00:00] [V] [TRT] /a/Mul [Mul] outputs: [m -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Parsing node: /a/Drop [Dropout]
[11/22/2026-13:00:00] [V] [TRT] Registering layer: /a/Drop for ONNX node: /a/Drop
[11/22/2026-13:00:00] [V] [TRT] /a/Drop [Dropout] outputs: [d -> (1, 4, 8, 8)[FLOAT]], 
[11/22/2026-13:00:00] [V] [TRT] Removing /a/Drop
[11/22/2026-13:00:00] [V] [TRT] Engine Layer Information:
Layer(CaskConvolution): /a/Conv, Tactic: 0x0000000000000001, x (Float[1,3,8,8]) -> c (Float[1,4,8,8])
Layer(PointWiseV2): PWN(PWN(/a/Sigmoid), /a/Mul), Tactic: 0x0000000000000002, c (Float[1,4,8,8]) -> m (Float[1,4,8,8])
"""  # noqa: W291 - the log's own lines end with a blank


def test_a_pointwise_layer_of_several_nodes():
    log = trtlog.parse(SILU.encode())
    links = log.analyze.lineage()[["layer", "node", "how"]].values.tolist()
    assert links == [
        ["/a/Conv", "/a/Conv", "name"],
        ["PWN(PWN(/a/Sigmoid), /a/Mul)", "/a/Sigmoid", "name"],
        ["PWN(PWN(/a/Sigmoid), /a/Mul)", "/a/Mul", "name"],
    ]
    (lost,) = log.analyze.lost_nodes().to_dict("records")
    assert (lost["node"], lost["reason"], lost["text"], lost["line"]) == ("/a/Drop", "removed", "Removing /a/Drop", 16)


def test_lost_nodes_that_compute_come_first():
    """The dropout is lost in line 16; a convolution that no layer of the engine holds comes before it."""
    log = trtlog.parse(SILU.replace("/a/Conv, Tactic", "/b/Other, Tactic").encode())
    lost = log.analyze.lost_nodes()[["node", "op"]].values.tolist()
    assert lost == [["/a/Conv", "Conv"], ["/a/Drop", "Dropout"]]
    other = trtlog.parse(FIXTURES / "trt-8.5.3-h200" / "mobilenet_fp16_verbose.log.gz").analyze.lost_nodes()
    assert set(each(other.op[-50:])) <= {"Constant", "Shape", "Reshape", "Flatten", "Identity", "Unsqueeze"}


def real_logs():
    for path in [*LOGS, *sorted((FIXTURES / "trt-8.5.3-h200").rglob("*.log.gz"))]:
        try:
            yield path, trtlog.parse(path)
        except InputError:
            continue


@pytest.mark.slow
def test_no_node_that_stands_in_the_name_of_a_layer_is_called_lost():
    """Looked for in the text of the names by another way: a plain search with borders around it."""
    checked = lost = 0
    for path, log in each(real_logs()):
        for run in each(log.runs):
            kept = run.analyze._layers.rows("engine_layers").column("layer").to_pylist()
            text = "\n".join(name for name in kept if name)
            if not text or not run.table("onnx_nodes").num_rows:
                continue
            rows = run.analyze.table("lost_nodes").to_pylist()
            names = [re.escape(row["node"]) for row in rows if row["node"]]
            assert [name for name in names if re.search(rf"(?<![\w/.:-]){name}(?![\w/.:-])", text)] == [], path
            lost += len(rows)
            checked += run.table("onnx_nodes").num_rows
    assert checked > 500
    assert lost > 50


def test_a_bias_that_a_rule_without_outcome_took_into_the_product_before_it():
    head = "[V] [TRT] "
    node = (
        "Parsing node: {0} [{1}]\n{0} [{1}] inputs: {2}\nRegistering layer: {0} for ONNX node: {0}\n"
        "{0} [{1}] outputs: [{0}_out -> (1, 4)[FLOAT]], \n"
    )
    text = node.format("mm", "MatMul", "[x -> (1, 4)[FLOAT]], ")
    text += node.format("bias", "Add", "[mm_out -> (1, 4)[FLOAT]], [c -> (4)[FLOAT]], ")
    text += node.format("other", "Add", "[x -> (1, 4)[FLOAT]], [c -> (4)[FLOAT]], ")
    text += "Original: 3 layers\nRunning: ConvReshapeBiasAddFusion on mm\nAfter scale fusion: 1 layers\n"
    text = "".join(f"{head}{line}\n" for line in text.splitlines())
    text += f"{head}Engine Layer Information:\nLayer(Cask): mm, Tactic: 1, x[Float(1,4)] -> y[Float(1,4)]\n"
    lost = trtlog.parse(text.encode()).analyze.lost_nodes()
    assert lost[["node", "reason", "line"]].values.tolist() == [["bias", "fused_away", 14], ["other", "unknown", 9]]
    assert lost.text[0] == "ConvReshapeBiasAddFusion on mm, which prints no outcome: its bias"


def test_what_computes_a_shape_is_no_loss():
    node = (
        "Parsing node: {0} [{1}]\n{0} [{1}] inputs: {2}\nRegistering layer: {0} for ONNX node: {0}\n"
        "{0} [{1}] outputs: [{0}_out -> {3}[INT32]], \n"
    )
    text = node.format("sh", "Shape", "[x -> (1, 4)[FLOAT]], ", "(2)")
    text += node.format("take", "Gather", "[sh_out -> (2)[INT32]], [i -> ()[INT32]], ", "()")
    text += node.format("join", "Concat", "[take_out -> ()[INT32]], [c -> (1)[INT32]], ", "(2)")
    text += node.format("data", "Gather", "[x -> (1, 4)[FLOAT]], [take_out -> ()[INT32]], ", "(1, 4)")
    text += node.format("weights", "Mul", "[a -> (2)[FLOAT]], [b -> (2)[FLOAT]], ", "(2)")
    text = "".join(f"[V] [TRT] {line}\n" for line in text.splitlines())
    text += "[V] [TRT] Engine Layer Information:\nLayer(Cask): mm, Tactic: 1, x[Float(1,4)] -> y[Float(1,4)]\n"
    lost = trtlog.parse(text.encode()).analyze.lost_nodes().set_index("node")
    assert lost.reason.to_dict() == {
        "data": "unknown", "weights": "unknown", "sh": "shape", "take": "shape", "join": "shape",
    }  # fmt: skip
    assert lost.index.tolist()[:2] == ["data", "weights"]  # what computes stands first
    assert lost.text["join"] == "computes a shape, from sh: no layer of the engine does it"
