"""What other formats would cost: the engine's own choice is found, and a brute force agrees."""

from __future__ import annotations

import itertools

import pytest

import trtlog
from tests.conftest import FIXTURES

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
    found = plans(trtlog.parse(path))
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


def network():
    out = "".join(block(name, form, form, time) for name, own in TIMES.items() for form, time in own.items())
    for tensor in "xabc":
        for before, after in itertools.permutations((WIDE, NARROW, VECTOR), 2):
            out += conversion(tensor, before, after, BETWEEN)
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


def test_depthwise_convolutions_hold_mobilenet_back():
    row = plans(trtlog.parse(FOLDER / "mobilenet_fp16_verbose.log.gz"))["FP16"]
    assert "/conv.1/conv.1.0/Conv" in row["holder"]
    assert row["holders"] == 17
    assert "only FP16 linear -> FP16 linear" in row["explained"]
