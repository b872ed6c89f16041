"""One layer's story."""

import re

import pytest

import trtlog
from tests.analyses.conftest import lines_of, parsed, timed
from tests.conftest import each
from trtlog.analyses.layer.why import find_layers
from trtlog.analyses.layer.why_words import _rival
from trtlog.cli.console import console

MOBILENET, RESNET = "mobilenet_fp16_verbose", "resnet50_fp16_dyn_detailed"


def text_of_story(story, capsys):
    console().print(story)
    return re.sub(r"\s+", " ", capsys.readouterr().out)


def test_a_layer_that_fp16_does_not_make_faster(capsys):
    layer = "/features/features.8/conv/conv.2/Conv + /features/features.8/Add"
    story = parsed(MOBILENET).why(layer)
    own = [(t, line) for line, of, *_, t in timed(MOBILENET) if of == layer]
    assert story.candidates == len(own)
    assert (story.top[0]["time_ms"], story.top[0]["line"]) == min(own)
    assert [n["node"] for n in story.nodes] == ["/features/features.8/conv/conv.2/Conv", "/features/features.8/Add"]
    words = text_of_story(story, capsys)
    assert "in FP16" not in words.split("candidates")[0]
    for part in (
        "TF32) at 0.0116972 ms",
        "In other formats (FP16 NHWC8 -> FP16 NHWC8) it could run in 0.00525045 ms",
        "and /features/features.9/conv/conv.2/Conv + /features/features.9/Add moved along.",
        "ConvEltwiseSumFusion: fused",
        "CaskFlattenConvolution: no valid tactics, 8 times",
        "best by precision: FP16 0.00525045 ms, TF32",
        "profile: 0.01342 ms an inference, 2 % of the total",
        "host persistent 3264 bytes",
    ):
        assert part in words, part
    memory = next(x for x in lines_of(MOBILENET) if f"Layer: {layer} Host Persistent" in x)
    assert "Host Persistent: 3264 " in memory


def test_a_layer_that_the_timing_cache_answered(capsys):
    story = parsed(RESNET).why("/layer3/layer3.2/conv2/Conv")  # the name of an ONNX node
    assert story.layer == "/layer3/layer3.2/conv2/Conv + /layer3/layer3.2/relu_1/Relu"
    assert not [1 for _, of, *_ in timed(RESNET) if of == story.layer]
    assert (story.selection, story.timed_layer) == (
        "same_shape",
        "/layer3/layer3.1/conv2/Conv + /layer3/layer3.1/relu_1/Relu",
    )
    # line 27652: .. TacticName: sm90_xmma_fprop_.., TacticValue: 0x..
    detail = lines_of(RESNET)[story.engine["line"] - 1]
    assert story.winner["tactic"] == re.search(r"TacticValue: (0x[0-9a-f]+)", detail)[1]
    assert story.winner["kernel"] == re.search(r"TacticName: (\w+)", detail)[1]
    words = text_of_story(story, capsys)
    assert "the timing cache had the result" in words
    assert "within the noise" in words


def test_finding_layers():
    log = parsed(MOBILENET)
    exact = "/features/features.8/conv/conv.2/Conv + /features/features.8/Add"
    assert find_layers(log, exact) == [exact]
    assert find_layers(log, "/features/features.8/Add") == [exact]  # an ONNX node
    assert find_layers(log, "features.8/conv/conv.2") == [exact]  # a part
    assert find_layers(log, r"features\.8/.*conv\.2/") == [exact]  # a regular expression
    with pytest.raises(trtlog.QueryError, match="no layer fits"):  # takes no longer than another, however it doubles
        find_layers(log, "((([a-zA-Z0-9/. +]+)+)+)+$x")
    assert find_layers(log, "classifier") == ["/classifier/classifier.1/Gemm"]  # not its own conversions
    several = find_layers(log, "features.8")
    assert len(several) > 1
    with pytest.raises(trtlog.QueryError, match=f"{len(several)} layers fit 'features.8'"):
        log.why("features.8")
    with pytest.raises(trtlog.QueryError, match="no layer fits"):
        log.why("nothing of the kind")


@pytest.mark.parametrize("name", ["bert_fp16_verbose", "lstm_verbose", "resnet50_load_profile", MOBILENET])
def test_every_layer_has_a_story(name, capsys):
    from trtlog.analyses.layer.why import layer_names, story

    log = parsed(name)
    for layer in each(layer_names(log)[::30]):
        told = story(log, layer)
        assert told.layer == layer
        assert layer[:20] in text_of_story(told, capsys)


def test_a_log_without_the_lines_says_which_flag_prints_them():
    story = parsed("resnet50_load_profile").why("/fc/Gemm")
    assert any("--verbose" in words and "loaded" in words for words in story.missing)
    ask = parsed("sweep_r50_fp32_b1").analyze
    assert "--verbose" in ask.missing("margins")
    assert "--dumpProfile" in ask.missing("reformat_shares")
    assert parsed(MOBILENET).analyze.missing("margins") is None
    with pytest.raises(trtlog.QueryError, match="--verbose"):
        parsed("sweep_r50_fp32_b1").why("conv1")


def test_a_rival_of_the_same_kernel_is_told_by_what_differs():
    """One kernel may be timed as several tactics, and by several runners: its name alone would tell nothing."""
    winner = {"kernel": "glow_gemm", "tactic": "0x0000000000000001", "runner": "CaskGemm"}
    assert _rival(winner, {**winner, "tactic": "0x0000000000000002"}) == "the same kernel as tactic 0x0000000000000002"
    assert _rival(winner, {**winner, "runner": "CaskFlatten"}) == "the same tactic by CaskFlatten"
    assert _rival(winner, {**winner, "kernel": "shine_gemm"}) == "shine_gemm"
    assert _rival(winner, {**winner, "kernel": None, "tactic": "0x0000000000000002"}) == "0x0000000000000002"
