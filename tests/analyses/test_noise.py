"""Two builds of one network: the layers whose winner changed, and whether noise explains it."""

import statistics

import pytest

from tests.analyses.conftest import engine, parsed, timed

FIRST, SECOND = "resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild"


def test_layers_whose_winner_changed_are_named():
    found = parsed(FIRST).analyze.table("winner_changes", other=parsed(SECOND)).to_pylist()
    a, b = engine(FIRST), engine(SECOND)
    own = {layer for _, layer, *_ in timed(FIRST)} & {layer for _, layer, *_ in timed(SECOND)}
    changed = {layer for layer in a if layer in own and layer in b and a[layer][1] != b[layer][1]}
    assert {row["layer"] for row in found} == changed
    assert "/layer2/layer2.0/conv2/Conv + /layer2/layer2.0/relu_1/Relu" in changed
    assert len(changed) == 13


def test_a_change_within_noise_has_both_margins():
    # layer2.0/conv2: the two rivals lie 0.12 % apart in the first build and 0.71 % in the second
    layer = "/layer2/layer2.0/conv2/Conv + /layer2/layer2.0/relu_1/Relu"
    found = parsed(FIRST).analyze.table("winner_changes", other=parsed(SECOND)).to_pylist()
    row = next(r for r in found if r["layer"] == layer)
    for name, used, other, margin in (
        (FIRST, row["first_tactic"], row["second_tactic"], row["margin_first_percent"]),
        (SECOND, row["second_tactic"], row["first_tactic"], row["margin_second_percent"]),
    ):
        times = {t: ms for _, of, _, c, t, ms in timed(name) if of == layer and ":4," in c[1]}
        assert margin == pytest.approx(100 * (times[other] / times[used] - 1))
    assert row["cause"] == "noise"
    assert max(row["margin_first_percent"], row["margin_second_percent"]) < 1 < row["noise_percent"]


def test_noise_rests_on_conversions_timed_more_than_once():
    name = "mobilenet_fp16_verbose"
    row = parsed(name).analyze.table("repeats").to_pylist()[0]
    pair = f"{row['input_formats']} -> {row['output_formats']}"
    times = [t for *_, c, tactic, t in timed(name) if c == ("Reformat", pair) and tactic == row["tactic"]]
    assert row["count"] == len(times) > 1
    assert (row["min_ms"], row["max_ms"]) == (min(times), max(times))
    assert row["median_ms"] == pytest.approx(statistics.median(times))


def test_close_calls_lie_within_the_noise_and_the_others_do_not():
    ask = parsed(SECOND).analyze
    close = ask.table("close_calls").to_pylist()
    assert close
    assert all(row["margin_percent"] <= row["noise_percent"] and row["in_engine"] for row in close)
    named = {(row["layer"], row["winner"]) for row in close}
    largest = max(row["noise_percent"] for row in close)
    for row in ask.table("margins").to_pylist():
        if row["in_engine"] and row["second"] and (row["layer"], row["winner"]) not in named:
            assert row["margin_percent"] > 0
            assert row["margin_percent"] > min(r["noise_percent"] for r in close) or row["margin_percent"] > largest


def test_without_repeats_the_noise_is_assumed_and_says_so():
    close = parsed("unet_smallws_verbose").analyze.table("close_calls").to_pylist()
    assert close
    assert {row["noise_assumed"] for row in close} == {True}
