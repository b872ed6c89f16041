"""``why`` of every type of layer: what its story says, against the lines of the log."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from click.testing import CliRunner

import trtlog
from tests.analyses.conftest import FOLDER, parsed
from tests.conftest import ROOT, each
from trtlog.analyses.layer.untimed import untimed_words, why_untimed
from trtlog.analyses.layer.why_words import FORCED_WORDS
from trtlog.cli import cli
from trtlog.errors import QueryError
from trtlog.report.documents.why import why
from trtlog.report.markdown import to_markdown

DETAILED = "resnet50_fp16_dyn_detailed"
V = "[11/22/2026-13:00:00] [V] [TRT] "
CONVERSION = "Reformatting CopyNode for Input Tensor 0 to /conv1/Conv + /relu/Relu"


def test_a_conversion_says_what_it_costs_and_who_forces_it():
    told = parsed(DETAILED).why(CONVERSION)
    first, cost, vanish = told.verdict[:3]
    change = "from FP32 linear to FP16 NHWC4, for /conv1/Conv + /relu/Relu;"
    assert first.startswith(f"This layer only converts input {change}")
    assert "--inputIOFormats" in first
    with gzip.open(FOLDER / f"{DETAILED}.log.gz", "rt") as file:
        (average,) = re.findall(re.escape(CONVERSION) + r" +[0-9.]+ +([0-9.]+) ", file.read())
    assert float(re.search(r"costs ([0-9.]+) ms in the profile", cost)[1]) == pytest.approx(float(average), abs=5.1e-5)
    assert vanish == "If the caller gave FP16 NHWC4 itself, it would vanish."


def test_a_foreign_node_shows_its_candidates_by_format():
    told = parsed("bert_fp16_verbose").why("{ForeignNode[q.0.n1.bias.../n2_1/Add_1]}")
    assert told.verdict[0].startswith("This layer is a foreign node")
    with gzip.open(FOLDER / "bert_fp16_verbose.log.gz", "rt") as file:
        text = file.read()
    times = {
        found[1]: float(found[2])
        for found in re.finditer(
            r"format combination: Int32\(128,1\) -> (Half|Float)\([0-9,]+\) \*+\n"
            r".*Timing Runner: \{ForeignNode.*\n(?:.*\(foreignNode\).*\n)*.*Tactic: 0x0+ Time: ([0-9.]+)", text
        )
    }  # fmt: skip
    assert set(times) == {"Half", "Float"}
    (words,) = [sentence for sentence in told.verdict if sentence.startswith("Its best times by formats")]
    assert f"INT32 linear -> FP16 linear {times['Half']:.6g} ms" in words
    assert f"INT32 linear -> FP32 linear {times['Float']:.6g} ms" in words


def log_of(*lines):
    return trtlog.parse("".join(line + "\n" for line in lines).encode())


def test_a_plugin():
    told = log_of(
        V + "Engine Layer Information:",
        "Layer(PluginV2): nms, Tactic: 0x0000000000000000, x (Float[1,3]) -> y (Float[1,3])",
    ).why("nms")
    assert told.verdict[0].startswith("This layer is a plugin")


ERROR = (
    V + "--------------- Timing Runner: a (Shuffle)",
    V + "Tactic: 0x0000000000000000 Time: 0.3",
    V + "--------------- Timing Runner: b (TiledPooling)",
    "[11/22/2026-13:00:12] [W] [TRT] GPU error during getBestTactic: b : the launch timed out and was terminated",
)


def test_a_layer_whose_timing_ended_in_an_error_is_not_the_caches():
    told = log_of(*ERROR).why("b")
    assert told.verdict == [
        "Its timing ended in an error: the launch timed out and was terminated [line 4]",
    ]
    assert not any("cache" in text for text in told.missing)


@pytest.mark.parametrize(
    ("lines", "layer", "reason", "line"),
    [
        (ERROR, "b", "error", 4),
        ((*ERROR[:2], V + "--------------- Timing Runner: c (Shuffle)"), "c", "cut", 3),
        ((*ERROR[:1], V + "Fastest Tactic: 0xd15ea5edd15ea5ed Time: inf", *ERROR[2:3]), "a", "no_valid_tactics", 1),
        ((V + "*************** Autotuning format combination: Float(3,1) -> Float(3,1) ***************", *ERROR[:2]),
         "z", "unknown", None),
    ],
)  # fmt: skip
def test_why_a_layer_has_no_timing(lines, layer, reason, line):
    found = why_untimed(log_of(*lines), layer)
    assert (found.reason, found.line) == (reason, line)


def test_a_layer_without_tactics_says_whose_timings_stand_for_it():
    """No line 'Timing Runner: /layer2/layer2.2/conv2/Conv ..': the builder timed the equal layer2.1 alone."""
    path = str(FOLDER / "resnet50_fp32_verbose.log.gz")
    own, other = (f"/layer2/layer2.{n}/conv2/Conv + /layer2/layer2.{n}/relu_1/Relu" for n in (2, 1))
    words = f"no tactic was timed for '{own}': it takes the timings of '{other}', a layer of the same type"
    for view in ("candidates", "margins", "precision", "format"):
        done = CliRunner().invoke(cli, ["tactics", path, "--layer", own, "--by", view])
        assert words in " ".join(done.stdout.split())
    done = CliRunner().invoke(cli, ["tactics", path, "--layer", own, "--format", "json"])
    assert json.loads(done.stdout) == []
    assert words in " ".join(done.stderr.split())
    with pytest.raises(QueryError, match=re.escape(words)):
        parsed("resnet50_fp32_verbose").plot.tactics(own)


def test_a_layer_without_tactics_says_why():
    log = log_of(
        V + "--------------- Timing Runner: p (TiledPooling)",
        V + "TiledPooling has no valid tactics for this config, skipping",
    )
    assert untimed_words(log, "p") == (
        "no tactic was timed for 'p' (line 1). No tactic that was tried for it could be timed."
    )


def chain(*layers, before=()):
    """An engine of layers in a row; the first and the last also read and write the network's own tensors."""
    out = list(before)
    for layer in layers:
        for formats, time in (("Float(64,1)", 0.5), ("Half(64,1)", 0.1)):
            out += [
                V + f"*************** Autotuning format combination: {formats} -> {formats} ***************",
                V + f"--------------- Timing Runner: {layer} (Shuffle)",
                V + f"Tactic: 0x0000000000000001 Time: {time}",
                V + f"Fastest Tactic: 0x0000000000000001 Time: {time}",
                V + ">>>>>>>>>>>>>>> Chose Runner Type: Shuffle Tactic: 0x0000000000000001",
            ]
    for tensor in ("x0", *(f"x{n + 1}" for n in range(len(layers)))):
        for formats in (("Float(64,1)", "Half(64,1)"), ("Half(64,1)", "Float(64,1)")):
            out += [
                V + f"*************** Autotuning Reformat: {formats[0]} -> {formats[1]} ***************",
                V + f"--------------- Timing Runner: Optimizer Reformat({tensor} -> <out>) (Reformat)",
                V + "Tactic: 0x00000000000003e8 Time: 0.9",
                V + "Fastest Tactic: 0x00000000000003e8 Time: 0.9",
            ]
    out.append(V + "Engine Layer Information:")
    out += [
        f"Layer(Shuffle): {layer}, Tactic: 0x0000000000000001, x{n} (Float[1,64]) -> x{n + 1} (Float[1,64])"
        for n, layer in enumerate(layers)
    ]
    return log_of(*out)


def test_neighbours_of_a_layer_are_layers_or_the_network():
    alone = chain("a").why("a")
    assert alone.neighbours == {"before": (), "after": (), "unlisted": ()}
    assert any("the network's own" in words for words in alone.verdict)
    assert not any("neighbours moved along" in words for words in alone.verdict)
    three = chain("a", "b", "c")
    assert three.why("b").neighbours == {"before": ("a",), "after": ("c",), "unlisted": ()}
    assert any("It could pay if a and c moved along." in words for words in three.why("b").verdict)
    assert any("its input is the network's own (--inputIOFormats)" in words for words in three.why("a").verdict)


def test_a_neighbour_that_the_log_does_not_list_is_not_the_network():
    """TensorRT 8.0 lists no squeezes: what a node of the model writes is no input of the network."""
    node = (
        "Parsing node: squeeze [Squeeze]", "squeeze [Squeeze] inputs: [y -> (1, 64)[FLOAT]], ",
        "squeeze [Squeeze] outputs: [x0 -> (64)[FLOAT]], ",
    )  # fmt: skip
    story = chain("a", before=[V + line for line in node]).why("a")
    assert story.neighbours == {"before": (), "after": (), "unlisted": ("before",)}
    assert any("The log does not list its neighbours." in words for words in story.verdict)
    assert not any("--inputIOFormats" in words for words in story.verdict)


@pytest.mark.parametrize("name", ["mobilenet_fp16_verbose", "bert_fp16_verbose", "lstm_verbose", DETAILED])
def test_every_layer_has_a_story(name):
    log = parsed(name)
    by_type: dict[str, list[str]] = {}
    for row in log.table("engine_layers").to_pylist():
        by_type.setdefault(row["type"], []).append(row["layer"])
    layers = [layer for named in by_type.values() for layer in (*named[:2], named[-1])]
    for layer in each(dict.fromkeys(layers)):
        told = log.why(layer)
        assert told.verdict or told.missing, layer
    assert layers


def test_a_view_of_one_layer(capsys):
    from trtlog.cli import main

    path = str(FOLDER / f"{DETAILED}.log.gz")
    with pytest.raises(SystemExit) as ended:
        main(["tactics", path, "--by", "precision", "--layer", "/fc/Gemm", "--format", "csv", "--all-columns"])
    assert ended.value.code == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) > 1
    assert all(",/fc/Gemm," in row for row in each(rows[1:]))
    with pytest.raises(SystemExit) as ended:
        main(["tactics", path, "--by", "runners", "--layer", "/fc/Gemm"])
    assert ended.value.code == 2
    assert "not about layers" in capsys.readouterr().err


def test_a_layer_wins_over_its_own_conversions():
    assert parsed("bert_fp16_verbose").why("{ForeignNode").layer == "{ForeignNode[q.0.n1.bias.../n2_1/Add_1]}"
    assert parsed("bert_fp16_verbose").why("Reformatting CopyNode").type == "Reformat"


def test_every_reason_of_a_conversion_has_words():
    """Quantize layers of the network itself stand around a convolution: network."""
    log = trtlog.parse((ROOT / "tests/cases/qdq-alone.log").read_bytes())
    story = log.why("conv_a.weight + /a/QuantizeLinear + conv_a")
    places = {row["conversion"]: (row["place"], row["forced_by"]) for row in story.reformats}
    assert places == {"/in/QuantizeLinear": ("before", "network"), "/mid/DequantizeLinear": ("after", "network")}
    assert "an operation of the network itself" in to_markdown(why(story))
    meaning = log.analyze.table("reformats").schema.field("forced_by").metadata[b"doc"].decode()
    assert set(FORCED_WORDS) == set(re.findall(r"(\w+): ", meaning))


def test_rewrites_are_those_of_the_layer_not_of_a_node_of_the_same_name():
    """The parser adds a layer fc_1 to node fc, and fc_1 is a node too, whose layers are fc_1_2 and fc_1_5."""
    lines = ["Parsing node: fc [Gemm]", "Registering layer: fc for ONNX node: fc",
             "Registering layer: fc_1 for ONNX node: fc", "Parsing node: fc_1 [Gemm]",
             "Registering layer: fc_1_2 for ONNX node: fc_1",
             "Registering layer: fc_1_5 for ONNX node: fc_1", "EltReluFusion: Fusing fc_1 with relu",
             "Convert layer type of fc_1_5 from ELEMENTWISE to POINTWISE", "Engine Layer Information:"]  # fmt: skip
    text = "".join(f"{V}{line}\n" for line in lines)
    text += "Layer(PointWiseV2): PWN(fc_1_5), Tactic: 0x0000000000000000, a (Half[1,10]) -> y (Half[1,10])\n"
    text += "Layer(PointWiseV2): PWN(fc_1 + relu), Tactic: 0x0000000000000000, b (Half[1,10]) -> c (Half[1,10])\n"
    log = trtlog.parse(text.encode())
    assert [row["line"] for row in log.why("PWN(fc_1_5)").rewrites] == [8]
    assert [row["line"] for row in log.why("PWN(fc_1 + relu)").rewrites] == [7]
