"""Which tactic won, by how much, and what was passed over; every figure counted again from the text."""

import pytest

from tests.analyses.conftest import engine, lines_of, parsed, timed
from tests.conftest import each

LOGS = ["resnet50_fp32_verbose", "mobilenet_fp16_verbose"]


@pytest.mark.parametrize("name", LOGS)
def test_candidates_are_all_timed_tactics_in_order(name):
    found = parsed(name).analyze.table("candidates").to_pylist()
    want = {}
    for line, layer, _, _, _, time in timed(name):
        want.setdefault(layer, []).append((time, line))
    assert len(found) == sum(map(len, want.values()))
    for row in each(found):
        assert sorted(want[row["layer"]])[row["rank"] - 1] == (row["time_ms"], row["line"])


@pytest.mark.parametrize("name", LOGS)
def test_the_tactic_in_the_engine_is_the_one_the_engine_line_names(name):
    used = [r for r in parsed(name).analyze.table("candidates").to_pylist() if r["in_engine"]]
    # Each layer that computes, but for those whose result the timing cache had; what became a NoOp runs nothing.
    assert len(used) == (76 if name.startswith("mobile") else 77)
    for row in each(used):
        _, tactic, rest = engine(name)[row["layer"]]
        assert row["tactic"] == tactic
        first = rest.split("(", 1)[1] if " (" in rest else rest  # input (Half[1,32:8,1,1]) -> ...
        word = {"FP16": "Half", "FP32": "Float", "TF32": "Float"}[row["precision"]]
        assert f"({word}[" in f"({first}"


def test_margin_of_a_layer():
    # How clearly did the winner of layer3.1/conv2 win?
    #   Tactic: 0x... Time: 0.0111483      the fastest under Half(6272,1:8,448,32) -> Half(6272,1:8,448,32)
    #   Tactic: 0x... Time: 0.0111785      the next
    name, layer = "resnet50_fp16_dyn_detailed", "/layer3/layer3.1/conv2/Conv + /layer3/layer3.1/relu_1/Relu"
    row = next(m for m in parsed(name).analyze.table("margins").to_pylist() if m["layer"] == layer and m["in_engine"])
    formats = f"{row['input_formats']} -> {row['output_formats']}"
    times = sorted(t for _, of, _, c, _, t in timed(name) if of == layer and c[1] == formats)
    assert (row["winner_ms"], row["second_ms"], row["candidates"]) == (times[0], times[1], len(times))
    assert (times[0], times[1]) == (0.0111483, 0.0111785)
    assert row["margin_percent"] == pytest.approx(100 * (times[1] / times[0] - 1))


def test_best_by_precision():
    # What would the first convolution of MobileNet cost in each precision?
    name = "mobilenet_fp16_verbose"
    layer = "/features/features.0/features.0.0/Conv + PWN(/features/features.0/features.0.2/Clip)"
    found = {b["precision"]: b for b in parsed(name).analyze.table("best").to_pylist() if b["layer"] == layer}
    lines = lines_of(name)

    def kind(line, combination):  # the kernel's name stands on the line above the time
        return "FP16" if combination.startswith("Half") else "TF32" if "_tf32f32_" in lines[line - 2] else "FP32"

    want = {}
    for line, of, _, combination, _, time in timed(name):
        if of == layer:
            want.setdefault(kind(line, combination[1]), []).append(time)
    assert {p: (b["best_ms"], b["candidates"]) for p, b in found.items()} == {
        p: (min(times), len(times)) for p, times in want.items()
    }
    assert found["FP32"]["in_engine"]
    assert not found["FP16"]["in_engine"]


def test_the_engine_passes_over_what_needs_other_formats():
    name = "mobilenet_fp16_verbose"
    found = parsed(name).analyze.table("passed_over").to_pylist()
    assert len(found) == 20  # reshape_after_.. was timed as a Shuffle and became a NoOp: nothing to pass over
    row = found[0]
    assert row["layer"] == "/features/features.8/conv/conv.2/Conv + /features/features.8/Add"
    own = [(t, c[1]) for _, layer, _, c, _, t in timed(name) if layer == row["layer"]]
    assert (row["best_ms"], row["used_ms"]) == (min(own)[0], 0.0116972)
    assert min(own)[1].startswith("Half(9408,1:8,672,48)")
    # in: Float(75264,196,14,1) -> Half(9408,1:8,672,48); out: the other way round at 64 channels
    # the residual: Float(12544,196,14,1) -> Half(1568,1:8,112,8); the bias is a constant and costs nothing
    pairs = (
        "Float(75264,196,14,1) -> Half(9408,1:8,672,48)",
        "Float(12544,196,14,1) -> Half(1568,1:8,112,8)",
        "Half(1568,1:8,112,8) -> Float(12544,196,14,1)",
    )
    costs = [min(t for *_, c, _, t in timed(name) if c == ("Reformat", pair)) for pair in pairs]
    assert row["reformat_ms"] == pytest.approx(sum(costs))
    assert row["verdict"] == "reformat_costs_more"


def test_which_runners_win():
    name = "mobilenet_fp16_verbose"
    found = {r["name"]: r for r in parsed(name).analyze.table("winners").to_pylist()}
    chosen = [line for line in lines_of(name) if "Chose Runner Type: CaskConvolution" in line]
    assert found["CaskConvolution"]["combinations_won"] == len(chosen)
    assert found["CaskConvolution"]["engine_layers"] == sum(t == "CaskConvolution" for t, *_ in engine(name).values())
    own = [t for _, _, runner, c, _, t in timed(name) if runner == "FusedConvActConvolution" and c[0] != "Reformat"]
    assert (found["FusedConvActConvolution"]["timed"], found["FusedConvActConvolution"]["best_ms"]) == (
        len(own),
        min(own),
    )
