"""Several builds of one model: flips are counted and distinguished from noise."""

from __future__ import annotations

import json
import math
import re
from statistics import fmean, median

import pytest

import trtlog
from tests.conftest import each
from trtlog.errors import QueryError
from trtlog.report.documents import diff as diff_document
from trtlog.report.documents import stability as stability_document
from trtlog.report.sentences import plain

FP32, AGAIN = "resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild"


def test_rebuilds_name_the_layers_that_flip(capture, capture_text):
    found = trtlog.stability([capture(FP32), capture(AGAIN)])
    lines = [
        dict(re.findall(r"^Layer\(\w+\): (.+), Tactic: (0x[0-9a-f]{16}),", capture_text(name), re.MULTILINE))
        for name in (FP32, AGAIN)
    ]
    flipped = {name for name in lines[0] if lines[0][name] != lines[1][name]}
    assert {row["layer"] for row in found.layer_rows if row["winners"] == 2} == flipped
    assert {row["flips_percent"] for row in found.layer_rows if row["winners"] == 2} == {50.0}
    assert any("--timingCacheFile" in line for line in found.advice)


def test_the_same_build_thrice_is_stable(capture):
    found = trtlog.stability([capture(FP32)] * 3)
    assert {row["verdict"] for row in found.layer_rows} == {"stable"}
    assert found.noise_percent == 0
    assert {row["timing_shift_percent"] for row in found.build_rows} == {0.0}


def test_noise_is_the_standard_deviation_of_one_tactic_over_the_builds(capture, capture_text):
    """All times of one build are longer by 10 %: ln 1.1 / sqrt 2 is the deviation of two values."""
    slow = re.sub(
        r"(Tactic: 0x[0-9a-f]{16} Time: )([0-9.e-]+)",
        lambda m: f"{m[1]}{float(m[2]) * 1.1:.9g}",
        capture_text(FP32),
    )
    found = trtlog.stability([capture(FP32), trtlog.parse(slow.encode())])
    assert found.noise_percent == pytest.approx(100 * (1.1 ** (1 / 2**0.5) - 1), abs=0.01)
    assert found.build_rows[1]["timing_shift_percent"] == pytest.approx(10, abs=0.01)
    assert found.build_rows[1]["layers_ms"] == pytest.approx(1.1 * found.build_rows[0]["layers_ms"], rel=1e-4)
    assert any("lock the clocks" in line for line in found.advice)


def test_shares_of_the_variance_add_up(capture):
    found = trtlog.stability([capture(FP32), capture(AGAIN)])
    shares = [row["share_percent"] for row in found.layer_rows if row["share_percent"] is not None]
    assert sum(shares) == pytest.approx(100)
    # With two builds a layer's share is its part of the change of the sum.
    changes = [row["layers_ms"] for row in found.build_rows]
    top = found.layer_rows[0]
    assert top["share_percent"] == pytest.approx(100 * (top["max_ms"] - top["min_ms"]) / abs(changes[0] - changes[1]))


def test_a_disturbed_timing_is_told_from_a_tie(capture):
    rows = {row["layer"]: row for row in trtlog.stability([capture(FP32), capture(AGAIN)]).layer_rows}
    assert rows["Identity_45"]["verdict"] == "disturbed"
    assert rows["Identity_45"]["noise_percent"] > 50
    tie = rows["/layer2/layer2.0/conv2/Conv + /layer2/layer2.0/relu_1/Relu"]
    assert tie["verdict"] == "tie"
    assert tie["margin_percent"] < 1


def test_other_models_and_too_few_builds_are_refused(capture):
    with pytest.raises(QueryError, match="builds of different models"):
        trtlog.stability([capture(FP32), capture("mobilenet_fp16_verbose")])
    with pytest.raises(QueryError, match="needs two builds or more, and there is 1"):
        trtlog.stability([capture(FP32), capture("err_dla")])


def test_builds_that_are_no_repeats_are_told(capture):
    found = trtlog.stability([capture("sweep_r50_fp32_b1"), capture("sweep_r50_best_b8")])
    assert any("different shapes: input:1x3x224x224; input:8x3x224x224" in note for note in found.notes)
    assert any("Precision" in note for note in found.notes)
    assert found.layer_rows == ()


def test_outputs_and_tables(capture):
    found = trtlog.stability([capture(FP32), capture(AGAIN)])
    document = json.loads(found.to_json())
    assert (document["schema"], len(document["layers"])) == ("trtlog.stability/1", 106)
    assert found.to_markdown().startswith("## trtlog stability")
    assert found.layers.shape[0] == 106
    assert list(found.builds.throughput_qps) == [1336.59, 1443.77]


def times(text):
    """The shortest time of each (layer, formats, runner, tactic), by a plain walk over the text."""
    found = {}
    for line in text.split("\n"):
        if match := re.search(r"\*{15} Autotuning (?:format combination|Reformat): ?(.*) \*{15}", line):
            formats = match[1]
        elif match := re.search(r"Timing Runner: (.*) \((\w+)\)$", line):
            layer, runner = match.groups()
        elif (match := re.search(r"\] Tactic: (0x[0-9a-f]{16}) Time: (\S+)$", line)) and 0 < float(match[2]) < 1e30:
            key = (layer, formats, runner, match[1])
            found[key] = min(found.get(key, math.inf), float(match[2]))
    return found


def test_the_two_figures_of_noise_are_named_apart(capture, capture_text):
    """Of the same two logs: the scatter of all tactics without its outliers, and the deviation within each layer."""
    ours, theirs = times(capture_text(FP32)), times(capture_text(AGAIN))
    layers = re.findall(r"^Layer\(\w+\): (.+), Tactic: ", capture_text(FP32), re.MULTILINE)
    ratios = {key: math.log(theirs[key] / ours[key]) for key in ours if key in theirs and key[0] in set(layers)}
    middle = median(ratios.values())
    scatter = 100 * math.expm1(1.4826 * median(abs(ratio - middle) for ratio in ratios.values()))
    builds = [capture(FP32), capture(AGAIN)]
    lines = [plain(point.words) for point in diff_document.headline(trtlog.diff(*builds))]
    [machine] = [line for line in lines if line.startswith("machine: ")]
    assert (len(ratios), round(scatter, 1)) == (3368, 0.2)
    assert "3368 tactics timed by both builds" in machine
    assert machine.endswith("(median; typical scatter 0.2%, outliers aside)")

    found = trtlog.stability(builds)
    # For two builds the variance of a tactic's timing is half the square of their distance.
    within = {
        layer: 100 * math.expm1(math.sqrt(fmean(ratio**2 / 2 for key, ratio in ratios.items() if key[0] == layer)))
        for layer in layers
        if any(key[0] == layer for key in ratios)
    }
    own = {row["layer"]: row["noise_percent"] for row in found.layer_rows if row["timed_as"] is None}
    assert {layer: noise for layer, noise in own.items() if noise is not None} == pytest.approx(within)
    all_layers = [own.get(row["timed_as"] or row["layer"]) for row in found.layer_rows]
    known = [noise for noise in all_layers if noise is not None]
    assert (len(known), round(median(known), 1)) == (104, 8.8)
    assert plain(stability_document.headline(found)[-1].words) == (
        "noise of a layer's timings from build to build, outliers included: 8.8% "
        "(standard deviation; the median of 104 layers)"
    )


def test_layers_that_only_some_builds_hold_are_told_with_their_time(capture, capture_text):
    """Builds of one network convert at other places: the sums are of the layers that both hold."""
    names = ("build_0", "build_3")
    found = trtlog.stability([capture(name) for name in names])
    row = re.compile(r"\[I\] +(\S.*?)  +[0-9.]+  +([0-9.]+)  +[0-9.]+  +[0-9.]+ *$", re.MULTILINE)
    profiles = [dict(row.findall(capture_text(name))) for name in names]
    [note] = [note for note in found.notes if "counterpart" in note]
    own = [{name for name in ours if name not in theirs} for ours, theirs in (profiles, reversed(profiles))]
    assert [len(names) for names in own] == [1, 1]
    for number, [layer] in each(enumerate(own)):
        printed = re.search(rf"([0-9.]+) ms in build {number}", note)
        assert float(printed[1]) == pytest.approx(float(profiles[number][layer]), abs=6e-5)
        whole = float(profiles[number]["Total"])
        assert found.build_rows[number]["layers_ms"] + float(printed[1]) == pytest.approx(whole, abs=1e-4)


def test_nothing_to_do_is_not_said_where_builds_choose_otherwise(capture_text):
    """Each build names a timing cache, and tactics change all the same: no build had the other's timings."""
    empty = re.compile(r"(timingCacheFile: )$", re.MULTILINE)
    cached = [empty.sub(r"\1a.cache", capture_text(name)) for name in (FP32, AGAIN)]
    found = trtlog.stability([trtlog.parse(text.encode()) for text in cached])
    assert sum(row["winners"] > 1 for row in found.layer_rows) == 17
    assert any("changed although each build names a file" in line for line in found.advice)
    assert not any("nothing to do" in line or "use one timing cache" in line for line in found.advice)


def test_tactics_that_no_log_names_are_not_said_to_stay():
    """A layer profile alone tells no tactic: whether the builds choose alike nobody knows."""
    text = (
        "[I] === Profile (10 iterations ) ===\n[I]    Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer\n"
        "[I]        5.00       0.5000       0.5000      50.0   a\n"
        "[I]        5.00       0.5000       0.5000      50.0   b\n"
        "[I]       10.00       1.0000       1.0000     100.0   Total\n"
    )
    log = trtlog.parse(text.encode())
    found = trtlog.stability([log, log])
    assert found.compared == 0
    assert [row["verdict"] for row in found.layer_rows] == [None, None]
    assert plain(stability_document.headline(found)[-1].words) == (
        "the tactics of the 2 layers are not compared: no two logs name one"
    )
    assert found.advice == ("verbose logs would show the tactics of the layers",)


def test_layers_without_a_tactic_are_counted_apart():
    layer = "Layer(CaskConvolution): {0}, Tactic: 0x{1}, x (Float[1,8]) -> y (Float[1,8])\n"
    text = f"[V] [TRT] Engine Layer Information:\n{layer.format('a', 1)}"
    profile = "[I] === Profile (10 iterations ) ===\n[I]    Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer\n"
    log = trtlog.parse((text + "Layer(Constant): w, Tactic: , -> y (Float[1,8])\n" + profile).encode())
    found = trtlog.stability([log, log])
    assert found.compared == 1
    assert plain(stability_document.headline(found)[-1].words) == (
        "0 of 1 layer changes its tactic; of 1 more no two logs name the tactic"
    )
    assert found.advice == ("nothing to do: all builds choose alike at the 1 layer whose tactics two logs name",)


@pytest.mark.parametrize(("averaged", "verdict"), [(8, "disturbed"), (1, "tie")])
def test_a_disturbance_is_more_than_timings_that_are_averaged_so_often_scatter_by(averaged, verdict):
    head = "[11/22/2026-13:21:19] "
    layer = "Layer(CaskConvolution): a, Tactic: 0x{:016x}, x (Float[1,3,4,4]) -> y (Float[1,3,4,4])\n"

    def build(times, fastest):
        lines = ["[I] === Build Options ===", f"[I] avgTiming: {averaged}"]
        formats = "Float(48,16,4,1) -> Float(48,16,4,1)"
        lines += [f"[V] [TRT] *************** Autotuning format combination: {formats} ***************"]
        lines += ["[V] [TRT] --------------- Timing Runner: a (CaskConvolution)"]
        lines += [f"[V] [TRT] Tactic: 0x{tactic:016x} Time: {time}" for tactic, time in enumerate(times, 1)]
        lines += [f"[V] [TRT] Fastest Tactic: 0x{fastest:016x} Time: {times[fastest - 1]}"]
        lines += [f"[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x{fastest:016x}"]
        lines += ["[V] [TRT] Engine Layer Information:"]
        return trtlog.parse(("".join(f"{head}{line}\n" for line in lines) + layer.format(fastest)).encode())

    found = trtlog.stability([build((0.0060, 0.0061), 1), build((0.0075, 0.0074), 2)])
    assert found.layers[["layer", "winners", "verdict"]].values.tolist() == [["a", 2, verdict]]
