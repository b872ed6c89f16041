"""The engine's graph: who reads what from whom, and how it is drawn."""

from __future__ import annotations

import gzip
import itertools
import re
import xml.etree.ElementTree as ET

import onnx
import pytest
from click.testing import CliRunner

import trtlog
from tests.analyses.conftest import FOLDER, parsed
from tests.conftest import each
from trtlog.analyses.compare.engines import paired_nodes
from trtlog.cli import cli
from trtlog.report.graph.both import draw_both
from trtlog.report.graph.drawing import draw
from trtlog.report.graph.layout import GAP, ROW, lay_out
from trtlog.report.graph.svg import to_svg

TO_D = "Reformatting CopyNode for Input Tensor 0 to d"
# A branch, its concatenation written in place by two layers, a conversion, an FP32 layer: as TensorRT 8.5 prints them.
ENGINE = f"""[11/22/2026-13:22:03] [V] [TRT] Engine Layer Information:
Layer(CaskConvolution): a, Tactic: 0x1, x (Half[1,8,4,4]) -> y (Half[1,8,4,4])
Layer(CaskPooling): b, Tactic: 0x2, y (Half[1,8,4,4]) -> cat (Half[1,16,4,4])
Layer(CaskPooling): c, Tactic: 0x3, y (Half[1,8,4,4]) -> cat (Half[1,16,4,4])
Layer(Reformat): {TO_D}, Tactic: 0x4, cat (Half[1,16,4,4]) -> cat2 (Float[1,16,4,4])
Layer(CudnnConvolution): d, Tactic: 0x5, cat2 (Float[1,16,4,4]) -> z (Float[1,16,4,4])
Layer(CaskConvolution): e, Tactic: 0x6, z (Float[1,16,4,4]), y (Half[1,8,4,4]) -> out (Half[1,8,4,4])
"""


def edges(log):
    return [(row["from_layer"], row["tensor"], row["to_layer"]) for row in log.table("graph_edges").to_pylist()]


def test_edges_go_from_writers_to_readers():
    log = trtlog.parse(ENGINE.encode())
    assert edges(log) == [
        (None, "x", "a"),
        ("a", "y", "b"),
        ("a", "y", "c"),
        ("b", "cat", TO_D),
        ("c", "cat", TO_D),
        (TO_D, "cat2", "d"),
        ("d", "z", "e"),
        ("a", "y", "e"),
        ("e", "out", None),
    ]
    kinds = {row["layer"]: row["kind"] for row in log.table("graph_nodes").to_pylist()}
    assert kinds == {"a": "layer", "b": "layer", "c": "layer", TO_D: "conversion", "d": "layer", "e": "layer"}
    first, last = log.table("graph_edges").to_pylist()[0], log.table("graph_edges").to_pylist()[5]
    assert (first["shape"], first["dtype"], first["line"]) == ([1, 8, 4, 4], "FP16", 2)
    assert last["dtype"] == "FP32"


def test_a_precision_change_is_between_two_layers_that_compute():
    log = trtlog.parse(ENGINE.encode())
    changes = {
        (row["from_layer"], row["to_layer"]): row["precision_change"] for row in log.table("graph_edges").to_pylist()
    }
    precisions = {row["layer"]: row["precision"] for row in log.table("graph_nodes").to_pylist()}
    assert changes["a", "b"] is None
    assert changes["b", TO_D] is None  # a conversion computes nothing
    expected = None if precisions["d"] == precisions["e"] else f"{precisions['d']} -> {precisions['e']}"
    assert changes["d", "e"] == expected


@pytest.mark.parametrize("name", ["resnet50_fp32_verbose", "mobilenet_fp16_verbose", "bert_fp16_verbose"])
def test_every_operand_of_the_engine_is_an_edge(name):
    """Read off the log a second way: the operands of the lines ``Layer(..): name, Tactic: .., inputs -> outputs``."""
    with gzip.open(FOLDER / f"{name}.log.gz", "rt") as file:
        printed = [line for line in file if line.startswith("Layer(")]
    operand = r" \((?:Float|Half|Int8|Int32|Bool)\["
    read = sum(len(re.findall(operand, line.rpartition(" -> ")[0])) for line in printed)
    rows = trtlog.parse(FOLDER / f"{name}.log.gz").table("graph_edges").to_pylist()
    assert len(printed) > 1
    assert sum(row["target"] is not None for row in rows) == read
    assert {row["tensor"] for row in rows if row["source"] is None} == {"input"}
    assert [row["tensor"] for row in rows if row["target"] is None] == ["output"]


def test_names_alone_have_no_edges():
    log = trtlog.parse(b"[11/22/2026-13:22:03] [I] Layer Information:\nLayers:\na\nb\n")
    assert log.table("graph_edges").num_rows == 0


def test_a_layout_has_no_overlaps_and_no_upward_edge():
    widths = [100.0, 40.0, 220.0, 60.0, 90.0, 90.0]
    links = [(0, 1), (0, 2), (1, 3), (2, 4), (0, 4), (3, 5), (4, 5)]
    found = lay_out(widths, links)
    for source, target in each(links):
        assert found.centers[source][1] < found.centers[target][1]
        assert (
            len(found.routes[source, target]) == round((found.centers[target][1] - found.centers[source][1]) / ROW) - 1
        )
    boxes = list(zip(found.centers, widths, strict=True))
    for (x, _), width in each(boxes):
        assert x - width / 2 >= 0
        assert x + width / 2 <= found.width
    for ((x, y), width), ((other_x, other_y), other) in each(itertools.combinations(boxes, 2)):
        assert y != other_y or abs(x - other_x) >= (width + other) / 2 + GAP - 1e-6


def test_a_chain_of_thousands_is_laid_out_straight():
    found = lay_out([100.0] * 3000, [(n, n + 1) for n in range(2999)])
    assert len({round(x, 3) for x, _ in found.centers}) == 1


def test_a_picture_is_xml_that_loads_nothing():
    log = parsed("mobilenet_fp16_verbose")
    drawing = draw(log, color="precision")
    tree = ET.fromstring(to_svg(drawing))
    texts = [node.text for node in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "conversion of a format (14)" in texts
    assert "FP32 (23)" in texts
    shown = log.table("graph_nodes").to_pylist()
    assert sum(row["kind"] == "conversion" for row in shown) == 14
    assert not re.search(r"(?:href|src|url\()=?[\"']?(?!#)", to_svg(drawing).replace("url(#", "url(#"))


def test_hostile_names_stay_text():
    text = ENGINE.replace(": a,", ": </title><script>x</script>\x1b[31m,")
    log = trtlog.parse(text.encode())
    assert "<script" not in to_svg(draw(log))
    assert "\x1b" not in to_svg(draw(log))


def test_around_a_layer():
    log = parsed("resnet50_fp32_verbose")
    layer = "/layer1/layer1.0/conv2/Conv + /layer1/layer1.0/relu_1/Relu"
    near = draw(log, around=[layer], radius=1)
    assert [box.title for box in near.boxes] == [
        "/layer1/layer1.0/conv1/Conv +1",
        "/layer1/layer1.0/conv2/Conv +1",
        "/layer1/layer1.0/conv3/Conv",
    ]
    assert [box.strong for box in near.boxes] == [False, True, False]


def test_the_command_writes_what_the_name_says(tmp_path):
    log = tmp_path / "x.log"
    log.write_text(ENGINE)

    def run(*words):
        return CliRunner().invoke(cli, ["graph", str(log), *words])

    for ending, begin in (("svg", b"<svg"), ("dot", b"digraph engine {")):
        path = tmp_path / f"x.{ending}"
        done = run("-o", str(path))
        assert done.exit_code == 0, done.output
        assert path.read_bytes().startswith(begin)
    assert "n0 -> n1" in run("-o", "-", "--around", "d", "--radius", "1").output
    assert isinstance(run("-o", str(tmp_path / "x.png")).exception, trtlog.QueryError)


def test_the_onnx_file_is_a_graph_of_the_layers(tmp_path):
    log = tmp_path / "x.log"
    log.write_text(ENGINE)
    done = CliRunner().invoke(cli, ["graph", str(log), "-o", str(tmp_path / "x.onnx")])
    assert done.exit_code == 0, done.output
    model = onnx.load(tmp_path / "x.onnx")
    assert [node.op_type for node in model.graph.node] == [
        "CaskConvolution", "CaskPooling", "CaskPooling", "Reformat", "CudnnConvolution", "CaskConvolution"
    ]  # fmt: skip
    assert [one.name for one in model.graph.input] == ["x"]
    assert "out" in [one.name for one in model.graph.output]
    assert model.graph.node[1].input == ["y"]
    outputs = [name for node in model.graph.node for name in node.output]
    assert len(outputs) == len(set(outputs))  # ONNX writes each tensor once


def drawn_both(tmp_path, one, other, *more):
    (tmp_path / "one.log").write_text(one)
    (tmp_path / "other.log").write_text(other)
    paths = [str(tmp_path / name) for name in ("one.log", "other.log", "d.svg")]
    done = CliRunner().invoke(cli, ["graph", paths[0], "-o", paths[2], "--diff", paths[1], *more])
    assert done.exit_code == 0, done.output
    return (tmp_path / "d.svg").read_text()


def test_diff_colours_what_changed(tmp_path):
    svg = drawn_both(tmp_path, ENGINE, ENGINE.replace("Tactic: 0x5", "Tactic: 0x55"))
    assert "changed (1)" in svg
    assert "added (0)" in svg
    assert "only in" not in svg


def test_diff_draws_what_one_engine_has_alone(tmp_path):
    """A conversion that only the second engine has, between two layers; the direct tensor is the first's alone."""
    head, line = "[01/02/2026-10:00:00] [V] [TRT] Engine Layer Information:\n", "Layer({}): {}, Tactic: 0x1, {} -> {}\n"
    x, y, z = (f"{name} (Half[1,8,4,4])" for name in "xyz")
    one = head + line.format("CaskConvolution", "a", x, y) + line.format("CaskPooling", "b", y, z)
    between = "Reformatting CopyNode for Input Tensor 0 to b"
    other = head + line.format("CaskConvolution", "a", x, y)
    other += line.format("Reformat", between, y, "yf (Float[1,8,4,4])")
    other += line.format("CaskPooling", "b", "yf (Float[1,8,4,4])", z)
    svg = drawn_both(tmp_path, one, other)
    assert [f"{word} ({n})" in svg for word, n in (("added", 1), ("removed", 0))] == [True, True]
    assert "tensor only in the first (1)" in svg
    assert "tensor only in the second (2)" in svg
    back = drawn_both(tmp_path, other, one)
    assert [f"{word} ({n})" in back for word, n in (("added", 0), ("removed", 1))] == [True, True]
    pairs = paired_nodes(trtlog.parse(one.encode()), trtlog.parse(other.encode()))
    drawing = draw_both(trtlog.parse(one.encode()), trtlog.parse(other.encode()), pairs)
    order = [box.layer for box in drawing.boxes]
    assert order == ["x", "a", between, "b", "z"]
    lines = {(order[line.source], order[line.target]): line.state for line in drawing.lines}
    assert lines == {
        ("x", "a"): "", ("a", "b"): "removed", ("a", between): "added", (between, "b"): "added", ("b", "z"): ""
    }  # fmt: skip


def test_diff_of_two_models_is_no_picture(tmp_path):
    (tmp_path / "one.log").write_text(ENGINE)
    log = FOLDER / "lstm_verbose.log.gz"
    done = CliRunner().invoke(cli, ["graph", str(tmp_path / "one.log"), "-o", "-", "--diff", str(log)])
    assert isinstance(done.exception, trtlog.TrtlogError)
