"""What other formats would cost: the engine's own choice is found, and a brute force agrees."""

from __future__ import annotations

import gzip
import itertools
import json
import re

import pytest
from click.testing import CliRunner

import trtlog
from tests.analyses.conftest import parsed
from tests.conftest import FIXTURES, each, parsed_once
from trtlog.cli import cli

FOLDER = FIXTURES / "trt-8.5.3-h200"
NAMES = (
    "resnet50_fp32_verbose",
    "mobilenet_fp16_verbose",
    "resnet50_fp16_dyn_detailed",
    *(f"repeats/build_{number}" for number in range(5)),
)
T = "[01/02/2026-10:00:00] [V] [TRT] "
WIDE, NARROW, VECTOR = "Float(512,256,16,1)", "Half(512,256,16,1)", "Half(64,1:8,4,1)"


def plans(log, **options):
    return {row["plan"]: row for row in log.analyze.what_if(**options).to_dict("records")}


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_chose_the_best(name):
    path = FOLDER / f"{name}.log.gz"
    if not path.exists():
        pytest.skip("this capture is not among the fixtures")
    found = plans(parsed_once(path))
    assert found["best"]["total_ms"] == pytest.approx(found["engine"]["total_ms"], abs=found["engine"]["noise_ms"])
    assert found["best"]["total_ms"] <= found["engine"]["total_ms"] + 1e-9


def block(layer, before, after, time):
    return (
        f"{T}*************** Autotuning format combination: {before} -> {after} ***************\n"
        f"{T}--------------- Timing Runner: {layer} (CaskConvolution)\n"
        f"{T}Tactic: 0x0000000000000011 Time: {time}\n"
        f"{T}Fastest Tactic: 0x0000000000000011 Time: {time}\n"
        f"{T}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000011\n"
    )


def conversion(tensor, before, after, time):
    return (
        f"{T}*************** Autotuning Reformat: {before} -> {after} ***************\n"
        f"{T}--------------- Timing Runner: Optimizer Reformat({tensor} -> <out>) (Reformat)\n"
        f"{T}Tactic: 0x0000000000000000 Time: {time}\n"
        f"{T}Fastest Tactic: 0x0000000000000000 Time: {time}\n"
    )


# conv_b is a depthwise convolution: fast in FP16, but linear only. Its neighbours are fast in vectors of 8 only.
TIMES = {
    "conv_a": {WIDE: 0.020, NARROW: 0.019, VECTOR: 0.008},
    "conv_b": {WIDE: 0.006, NARROW: 0.005},
    "conv_c": {WIDE: 0.020, NARROW: 0.019, VECTOR: 0.008},
}
BETWEEN = 0.015


def network(times=None, between=0.015):
    times = times or TIMES
    out = "".join(block(name, form, form, time) for name, own in times.items() for form, time in own.items())
    for tensor in "xabc":
        for before, after in itertools.permutations((WIDE, NARROW, VECTOR), 2):
            out += conversion(tensor, before, after, between)
    out += f"{T}Engine Layer Information:\n"
    for name, (read, made) in {"conv_a": "xa", "conv_b": "ab", "conv_c": "bc"}.items():
        line = (
            "Layer(CaskConvolution): {}, Tactic: 0x0000000000000011, {} (Float[1,2,16,16]) -> {} (Float[1,2,16,16])\n"
        )
        out += line.format(name, read, made)
    return trtlog.parse(out.encode())


def cheapest(forms):
    """Every choice of every layer, with the network's input and output in FP32."""
    totals = []
    for choice in itertools.product(*forms):
        edges = itertools.pairwise((WIDE, *choice, WIDE))
        layers = sum(TIMES[name][form] for name, form in zip(TIMES, choice, strict=True))
        totals.append(layers + BETWEEN * sum(before != after for before, after in edges))
    return min(totals)


def test_all_combinations_of_a_small_network():
    found = plans(network())
    assert found["engine"]["total_ms"] == pytest.approx(0.046)
    assert found["best"]["total_ms"] == pytest.approx(cheapest([list(own) for own in TIMES.values()]))
    narrow = [[form for form in own if form != WIDE] for own in TIMES.values()]
    assert found["FP16"]["total_ms"] == pytest.approx(cheapest(narrow))


def test_a_path_leaves_the_others_alone():
    """conv_b alone in FP16: 1 us less for it, two conversions of 15 us more."""
    found = plans(network(), first="conv_b", last="conv_b")
    assert found["FP16"]["change_ms"] == pytest.approx(2 * BETWEEN - 0.001)
    assert (found["FP16"]["layers"], found["FP16"]["of_layers"]) == (1, 1)
    with pytest.raises(trtlog.TrtlogError, match="no layer 'conv_x'"):
        network().analyze.what_if(first="conv_x")
    with pytest.raises(trtlog.TrtlogError, match="conv_a stands before conv_c"):
        network().analyze.what_if(first="conv_c", last="conv_a")


def test_depthwise_convolutions_hold_mobilenet_back():
    row = plans(parsed("mobilenet_fp16_verbose"))["FP16"]
    assert "/conv.1/conv.1.0/Conv" in row["holder"]
    assert row["holders"] == 17
    assert "only FP16 linear -> FP16 linear" in row["explained"]


def blocks(log, **options):
    return log.analyze.what_if_blocks(**options).to_dict("records")


def test_one_layer_holds_the_whole_block_back():
    """Conversions of 10 us: vectors beside conv_b, linear, take 8 + 5 + 8 us and four of them, in FP32 all take 46.

    With a kernel of conv_b in vectors only the two at the ends would be left, 5 us less than in FP32.
    """
    (row,) = blocks(network(between=0.010))
    assert (row["precision"], row["cause"], row["holder"]) == ("FP16", "layer", "conv_b")
    assert list(row["layers"]) == ["conv_a", "conv_b", "conv_c"]
    assert row["engine_ms"] == pytest.approx(0.046)
    assert row["alone_ms"] == pytest.approx(0.021)
    assert row["change_ms"] == pytest.approx(0.021 + 4 * 0.010 - 0.046)
    assert row["holder_ms"] == pytest.approx(2 * 0.010)
    assert (row["conversions"], row["conversions_ms"]) == (4, pytest.approx(0.040))
    assert "only FP16 linear -> FP16 linear" in row["explained"]


def test_a_layer_without_a_candidate_holds_the_block_back():
    """conv_b in FP32 only: two conversions beside it, two at the ends."""
    log = network({**TIMES, "conv_b": {WIDE: 0.006}}, 0.010)
    (row,) = blocks(log)
    assert (row["cause"], row["holder"], list(row["missing"]), row["faster"]) == ("layer", "conv_b", ["conv_b"], 2)
    assert "has no candidate in FP16" in row["explained"]
    assert list(plans(log)["FP16"]["missing"]) == ["conv_b"]


def test_the_ends_cost_more_than_the_layers_gain():
    """All in linear FP16: 3 us less for the layers, 30 us more for the conversions at both ends."""
    (row,) = blocks(network())
    assert (row["cause"], row["change_ms"]) == ("ends", pytest.approx(0.027))
    assert row["ends_ms"] == pytest.approx(0.030)


def test_no_block_where_the_layers_are_slower_by_themselves():
    """A narrow type that is slower everywhere is no block: nothing is held back."""
    slower = {
        name: {form: time * (1 if form == WIDE else 3) for form, time in own.items()} for name, own in TIMES.items()
    }
    assert blocks(network(slower)) == []
    assert plans(network(slower))["FP16"]["faster"] == 0


def test_no_block_in_an_engine_that_is_narrow_already():
    log = parsed("resnet50_fp16_dyn_detailed")
    assert blocks(log) == []
    assert plans(log)["FP16"]["chosen"] == 56
    assert len(blocks(log, precision="fp32")) == 0  # FP16 is faster for each


def test_the_blocks_of_mobilenet():
    """Its first 32 layers in FP32; the convolution of features.12 in FP32 is faster so, and no block."""
    (row,) = blocks(parsed("mobilenet_fp16_verbose"))
    assert (row["cause"], row["faster"], row["holders"]) == ("layers", 28, 7)
    assert "features.0/" in row["first"]
    assert "features.11/conv/conv.1" in row["last"]
    assert not any("features.12" in name for name in row["layers"])


def test_the_command():
    runner = CliRunner()
    path = str(FOLDER / "mobilenet_fp16_verbose.log.gz")
    text = runner.invoke(cli, ["what-if", path])
    assert text.exit_code == 0
    assert "not faster: throughout it would take 34.23 us more" in text.output
    found = json.loads(runner.invoke(cli, ["what-if", path, "--precision", "FP16", "--format", "json"]).output)
    assert [row["plan"] for row in found["plans"]] == ["engine", "best", "FP16"]
    assert [row["block"] for row in found["blocks"]] == [1]
    one = runner.invoke(cli, ["what-if", path, "--layer", "features.3/conv/conv.2", "--format", "json"])
    assert {row["of_layers"] for row in json.loads(one.output)["plans"]} == {1}
    untimed = runner.invoke(cli, ["what-if", path, "--precision", "int8"]).output
    assert "no layer of this log was timed in INT8: build with --int8" in untimed
    quiet = runner.invoke(cli, ["what-if", str(FOLDER / "sweep_r50_fp32_b8.log.gz"), "--format", "json"])
    assert "--verbose" in json.loads(quiet.output)["missing"]
    assert runner.invoke(cli, ["what-if", path, "--to", "features.3"]).exit_code == 2
    with pytest.raises(trtlog.TrtlogError, match="104 layers fit 'conv'"):
        runner.invoke(cli, ["what-if", path, "--layer", "conv"], catch_exceptions=False)


FLAT, THIN = "Float(512,1)", "Half(512,1)"


def reshaped(engine=NARROW, layer="Layer(NoOp)"):
    """A convolution that is faster in FP16 and a reshape that runs nothing; the network reads and writes FP32."""
    out = block("conv_a", WIDE, WIDE, 0.02) + block("conv_a", NARROW, NARROW, 0.012)
    for before, after in ((WIDE, FLAT), (NARROW, THIN)):
        out += block("reshape", before, after, 0.004).replace("CaskConvolution", "Shuffle")
    for name, wide, thin, time in (("x", WIDE, NARROW, 0.001), ("a", WIDE, NARROW, 0.006), ("y", FLAT, THIN, 0.005)):
        out += conversion(name, wide, thin, time) + conversion(name, thin, wide, time)
    added = {"Input Tensor 0 to conv_a": ("x", WIDE, NARROW), "Output Tensor 0 to reshape": ("y", THIN, FLAT)}
    copies, ends, made = [""] * 2, "xy", "Float"
    if engine == NARROW:
        ends, made = [f"Reformatted {place}" for place in added], "Half"
        for place, (name, before, after) in added.items():
            out += f"{T}Adding reformat layer: Reformatted {place} ({name}) from {before} to {after}\n"
        ways = [("x (Float[1,2,16,16])", f"{ends[0]} (Half[1,2,16,16])")]
        ways.append((f"{ends[1]} (Half[1,512])", "y (Float[1,512])"))
        copies = [
            f"Layer(Reformat): Reformatting CopyNode for {place}, Tactic: 0x0000000000000000, {read} -> {written}\n"
            for place, (read, written) in zip(added, ways, strict=True)
        ]
    tactic = "Tactic: 0x0000000000000011"
    return trtlog.parse(
        (
            f"{out}{T}Engine Layer Information:\n{copies[0]}"
            f"Layer(CaskConvolution): conv_a, {tactic}, {ends[0]} ({made}[1,2,16,16]) -> a ({made}[1,2,16,16])\n"
            f"{layer}: reshape, {tactic}, a ({made}[1,2,16,16]) -> {ends[1]} ({made}[1,512])\n{copies[1]}"
        ).encode()
    )


def test_a_reshape_that_runs_nothing_hands_on_any_type():
    """12 us, a conversion of 1 and one of 5 behind the reshape; in FP32 20 us, and nothing to convert anywhere."""
    found = plans(reshaped())
    assert found["engine"]["total_ms"] == pytest.approx(0.018)
    assert (found["engine"]["conversions"], found["engine"]["of_layers"]) == (2, 1)
    assert found["FP32"]["total_ms"] == pytest.approx(0.02)
    assert found["FP32"]["conversions"] == 0


def test_an_fp32_engine_would_convert_behind_the_reshape():
    """20 us; in FP16 12 us and conversions of 1 and 5 us behind the reshape, not of 6 in front of it."""
    found = plans(reshaped(engine=WIDE))
    assert (found["engine"]["total_ms"], found["engine"]["conversions"]) == (pytest.approx(0.02), 0)
    assert found["best"]["total_ms"] == pytest.approx(0.018)
    assert (found["FP16"]["conversions"], found["FP16"]["of_layers"]) == (2, 1)
    with pytest.raises(trtlog.QueryError, match="no layer 'reshape' that computes"):
        reshaped(engine=WIDE).analyze.what_if(first="reshape")


def test_a_reshape_that_runs_a_kernel_is_a_layer_among_others():
    found = plans(reshaped(layer="Layer(Shuffle)"))
    assert found["engine"]["total_ms"] == pytest.approx(0.001 + 0.012 + 0.004 + 0.005)
    assert found["engine"]["of_layers"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_conversions_of_the_engine_are_those_that_it_lists(name):
    path = FOLDER / f"{name}.log.gz"
    if not path.exists():
        pytest.skip("this capture is not among the fixtures")
    listed = re.findall(rb"^Layer\(Reformat\): Reformatting CopyNode", gzip.decompress(path.read_bytes()), re.MULTILINE)
    assert plans(parsed_once(path))["engine"]["conversions"] == len(listed)


def test_the_noise_of_a_plan_is_that_of_the_log():
    """Timings of one round scatter by the square root of eight more than those of eight; conversions have their own."""
    text = gzip.decompress((FOLDER / "mobilenet_fp16_verbose.log.gz").read_bytes())
    noises = []
    for averaged in (b"1", b"8"):
        log = trtlog.parse(text.replace(b"avgTiming: 8", b"avgTiming: " + averaged))
        noises.append({name: row["noise_ms"] for name, row in plans(log).items() if row["noise_ms"] > 0})
    assert len(noises[1]) > 2
    assert all(noises[0][plan] > 1.5 * noise for plan, noise in each(noises[1].items()))
