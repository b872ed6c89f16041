# ruff: noqa: E501 - lines of logs are as long as they are
"""Which timing is a layer's: of its own engine, or of the equal layer that was timed for it."""

from __future__ import annotations

import trtlog
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.untimed import why_untimed

V = "[11/22/2026-13:22:03] [V] [TRT] "


def built(*layers, timed):
    """The lines of one build: timings of some layers, then the list of the engine's."""
    out = [V + "Original: 1 layers"]
    for layer, time_ms in timed.items():
        out += [
            V + f"=============== Computing costs for {layer}",
            V + "*************** Autotuning format combination: Float(64,1) -> Float(64,1) ***************",
            V + f"--------------- Timing Runner: {layer} (Shuffle)",
            V + f"Tactic: 0x0000000000000000 Time: {time_ms}",
            V + f"Fastest Tactic: 0x0000000000000000 Time: {time_ms}",
            V + ">>>>>>>>>>>>>>> Chose Runner Type: Shuffle Tactic: 0x0000000000000000",
        ]
    out += [V + "Engine generation completed in 0.5 seconds.", V + "Engine Layer Information:"]
    out += [f"Layer(Shuffle): {layer}, Tactic: 0x0000000000000000, a (Float[1,64]) -> b (Float[1,64])" for layer in layers]
    return out


def told(lines):
    """(layer, time, whose timing) of each engine layer."""
    log = trtlog.parse("\n".join([*lines, ""]).encode())
    return [(layer.layer, layer.tactic_ms, layer.timed_as) for layer in layers_of(log).all]


def test_the_second_engine_of_a_run_has_its_own_timings():
    lines = [*built("glow", timed={"glow": 0.5}), *built("glow", timed={"glow": 0.25})]
    assert told(lines) == [("glow", 0.5, None), ("glow", 0.25, None)]
    log = trtlog.parse("\n".join([*lines, ""]).encode())
    assert log.why("glow").winner["time_ms"] == 0.25  # the engine that the run ended with
    assert [layer.tactic_ms for layer in layers_of(log).layers] == [0.25]
    assert log.analyze.winners()[["engine", "name", "engine_layers"]].values.tolist() == [
        [1, "Shuffle", 1],
        [0, "Shuffle", 1],
    ]


def test_an_equal_layer_is_timed_for_another():
    assert told(built("glow", "dim", timed={"glow": 0.5})) == [("glow", 0.5, None), ("dim", 0.5, "glow")]


def test_the_equal_layer_of_the_own_engine_comes_first():
    lines = [*built("glow", timed={"glow": 0.5}), *built("shine", "dim", timed={"shine": 0.25})]
    assert told(lines)[-1] == ("dim", 0.25, "shine")


def test_equal_layers_that_tell_different_times_tell_none():
    assert told(built("glow", "shine", "dim", timed={"glow": 0.5, "shine": 0.25}))[-1] == ("dim", None, None)


def test_a_layer_of_more_parts_is_no_equal_one():
    assert told(built("glow", "dim + fade", timed={"glow": 0.5}))[-1] == ("dim + fade", None, None)


def test_diff_marks_whose_timing_it_is():
    control, test = (
        trtlog.parse("\n".join([*built("glow", "dim", timed={"glow": ms}), ""]).encode()) for ms in (0.5, 0.25)
    )
    rows = trtlog.diff(control, test).layers.set_index("test_layer")
    assert rows.loc["dim", ["control_ms", "test_ms"]].tolist() == [0.5, 0.25]
    assert rows.loc["dim", ["control_timed_as", "test_timed_as"]].tolist() == ["glow", "glow"]
    assert rows.loc["glow", ["control_timed_as", "test_timed_as"]].isna().all()


def test_a_timing_that_ended_in_an_error_is_not_the_cache():
    log = trtlog.parse(
        "\n".join([
            "[V] [TRT] --------------- Timing Runner: plug0 (PluginV2)",
            "[V] [TRT] Tactic: 0x0000000000000000 Time: 0.3",
            "[V] [TRT] Fastest Tactic: 0x0000000000000000 Time: 0.3",
            "[V] [TRT] --------------- Timing Runner: pool1 (TiledPooling)",
            "[W] [TRT] GPU error during getBestTactic: pool1 : the launch timed out and was terminated",
            "",
        ]).encode()
    )  # fmt: skip
    found = why_untimed(log, "pool1")
    assert (found.reason, found.line) == ("error", 5)
    assert found.text.endswith("the launch timed out and was terminated")
    assert why_untimed(log, "plug0") is None
    assert why_untimed(log, "conv7").reason == "unknown"  # no line tells
    [words] = [line for line in log.why("pool1").verdict if "error" in line]
    assert words.endswith("the launch timed out and was terminated [line 5]")
    assert not any("cache" in line for line in log.why("pool1").missing)
