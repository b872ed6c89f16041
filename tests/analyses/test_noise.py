"""Two builds of one network: the layers whose winner changed, and whether noise explains it."""

import gzip
import statistics
from pathlib import Path

import pytest

import trtlog
from tests.analyses.conftest import engine, parsed, timed
from tests.conftest import each

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


def test_close_calls_are_the_choices_at_risk():
    """layer2.0/conv2 leads by 0.12 % at 10.7 us, layer4.0/downsample by 5.7 % at 10.5 us."""
    ask = parsed(FIRST).analyze
    close = {row["layer"]: row for row in ask.table("close_calls").to_pylist()}
    assert close["/layer2/layer2.0/conv2/Conv + /layer2/layer2.0/relu_1/Relu"]["flip_probability"] > 0.4
    clear = "/layer4/layer4.0/downsample/downsample.0/Conv + /layer4/layer4.0/Add + /layer4/layer4.0/relu_2/Relu"
    assert clear not in close
    assert all(0.1 <= row["flip_probability"] <= 1 and row["in_engine"] for row in each(close.values()))
    for row in each(close.values()):
        assert row["margin_percent"] == pytest.approx(100 * (row["second_ms"] / row["winner_ms"] - 1))
    every = ask.table("close_calls", engine_only=False).num_rows
    assert every > len(close)


def test_every_choice_of_the_engine_has_a_risk_or_a_reason():
    rows = parsed(SECOND).analyze.table("flip_risk").to_pylist()
    assert {row["layer"] for row in rows} <= set(engine(SECOND))
    assert len(rows) > 90
    for row in each(rows):
        assert (row["flip_probability"] is None) == (row["time_ms"] is None)
        assert row["because"] or row["flip_probability"] is not None
        if row["flip_probability"] is not None:
            assert row["flip_probability"] >= max(row["tactic_probability"], row["format_probability"])
    only = next(r for r in rows if r["layer"] == "/avgpool/GlobalAveragePool")
    assert only["tactic_probability"] == 0  # its only candidate


def test_noise_measured_on_another_gpu_says_so():
    assert {row["noise_assumed"] for row in parsed(FIRST).analyze.table("close_calls").to_pylist()} == {False}
    log = trtlog.parse(gzip.decompress(Path(parsed(FIRST).source).read_bytes()).replace(b"NVIDIA H200", b"NVIDIA T4"))
    assert {row["noise_assumed"] for row in log.analyze.table("close_calls").to_pylist()} == {True}
