"""Logs that somebody shortened before they were pasted: what was left out is not known, and no answer says it is."""

from __future__ import annotations

import pytest

import trtlog
from tests.command import trtlog as run
from tests.conftest import each

V = "[11/22/2026-13:22:04] [V] [TRT] "
BLOCK = f"{V}--------------- Timing Runner: /fc/Conv (CaskConvolution)\n"
FORMATS = f"{V}*************** Autotuning format combination: Half(8,1:8,8,8) -> Half(8,1:8,8,8) ***************\n"
CHOSE = f"{V}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x00000000000000aa\n"
# The fastest tactic of the block stands among the lines that were left out.
SHORTENED = (
    f"{FORMATS}{BLOCK}{V}Tactic: 0x0000000000000001 Time: 0.03\n{V}Tactic: 0x0000000000000002 Time: 0.04\n...more\n"
    f"{V}Fastest Tactic: 0x00000000000000aa Time: 0.02\n{CHOSE}"
    f"{V}Engine Layer Information:\n"
    "Layer(CaskConvolution): /fc/Conv, Tactic: 0x00000000000000aa, x (Half[1,8:8,8,8]) -> y (Half[1,8:8,8,8])\n"
)


def write(tmp_path, text, name="a.log"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("mark", [".......", "...", "…", "[...]", "... (20 lines)", ".", "<snip>"])
def test_the_mark_of_what_was_left_out_is_part_of_no_number(mark):
    kernel = f"{V}/fc/Conv Set Tactic Name: sm80_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc_nhwc Tactic: "
    text = FORMATS + BLOCK
    for number in range(1, 5):
        text += f"{kernel}0x000000000000000{number}\n{V}Tactic: 0x000000000000000{number} Time: 0.0{number}\n{mark}\n\n"
    log = trtlog.parse(text.encode())
    assert log.table("tactics").column("time_ms").to_pylist() == [0.01, 0.02, 0.03, 0.04]
    assert not [note for note in each(log.notes or ["-"]) if "cut" in note or "null" in note]


def test_the_mark_of_what_was_left_out_is_no_layer():
    inputs = "[ {{ Name: x, Dimensions: [1,8], Format/Datatype: Half }}]"
    detail = f"Name: {{0}}, LayerType: gemm, Inputs: {inputs}, Outputs: []"
    log = trtlog.parse(f"{V}Layers:\n{detail.format('a')}\n...more\n{detail.format('b')}\n".encode())
    assert log.table("engine_layers").column("layer").to_pylist() == ["a", "b"]
    log = trtlog.parse(f"{V}Layer Information:\n{V}Layers:\n/fc/Conv\n...\n/fc/Relu\n".encode())
    assert log.table("engine_layers").column("layer").to_pylist() == ["/fc/Conv", "/fc/Relu"]


def test_the_winner_is_what_the_block_itself_names():
    log = trtlog.parse(SHORTENED.encode())
    assert log.table("tactics").column("time_ms").to_pylist() == [0.03, 0.04]
    [row] = log.analyze.table("margins").to_pylist()
    assert (row["winner"], row["winner_ms"], row["second_ms"], row["margin_percent"]) == (
        "0x00000000000000aa", 0.02, None, None
    )  # fmt: skip
    [risk] = log.analyze.table("flip_risk").to_pylist()
    assert (risk["time_ms"], risk["flip_probability"]) == (0.02, None)
    assert "left out" in risk["because"]
    assert log.analyze.table("close_calls").num_rows == 0
    best = log.analyze.table("best").to_pylist()
    assert [(row["precision"], row["best_ms"]) for row in best] == [("FP16", 0.02)]


def test_the_story_of_a_layer_does_not_name_a_second_that_nobody_knows():
    words = " ".join(trtlog.parse(SHORTENED.encode()).why("/fc/Conv").verdict)
    assert "at 0.02 ms, as timed by the builder" in words
    assert "Lines of its timing were left out of the log, which does not tell what came second." in words


def test_tactics_above_the_first_block_belong_to_no_foreign_node_and_win_nothing(tmp_path):
    text = f"{V}Tactic: 0x0000000000000001 Time: 0.03\n{V}Fastest Tactic: 0x0000000000000009 Time: 0.01\n"
    text += f"{FORMATS}{BLOCK}{V}Tactic: 0x0000000000000003 Time: 0.05\n"
    text += f"{V}Fastest Tactic: 0x0000000000000003 Time: 0.05\n"
    path = write(tmp_path, text)
    summary = run("summary", path).stdout
    assert "1 timed in 1 runner block, 1 of a block whose beginning is not in the log" in " ".join(summary.split())
    assert "foreign" not in summary
    assert [row["winner_ms"] for row in trtlog.parse(path).analyze.table("margins").to_pylist()] == [0.05]


def test_a_block_that_breaks_off_has_no_winner_that_is_known():
    """The log was cut in the last block: what it timed further may be faster, as it was in the block above."""
    tactics = "".join(f"{V}Tactic: 0x000000000000000{n} Time: 0.{n}\n" for n in (5, 4, 3))
    ended = f"{V}Tactic: 0x0000000000000001 Time: 0.1\n{V}Fastest Tactic: 0x0000000000000001 Time: 0.1\n"
    floats = FORMATS.replace("Half(8,1:8,8,8)", "Float(64,64,8,1)")
    log = trtlog.parse((floats + BLOCK + tactics + ended + FORMATS + BLOCK + tactics).encode())
    [row] = log.analyze.table("margins").to_pylist()
    assert (row["precision"], row["winner_ms"], row["second_ms"]) == ("FP32", 0.1, 0.3)
    # TensorRT 5 names no fastest tactic at all; its runners are numbers.
    five = "--------------- Timing conv1(14)\nTactic 1 time 0.2\nTactic 2 time 0.3\n"
    [row] = trtlog.parse(five.encode()).analyze.table("margins").to_pylist()
    assert (row["winner_ms"], row["second_ms"]) == (0.2, 0.3)


def test_rows_of_small_shares_are_not_a_whole_profile():
    """Three rows of 0.3 % cannot be all: even rounded, shares add up to 100."""
    head = "[11/22/2026-13:22:04] [I] "
    rows = "".join(f"{head}{f'/h.{n}/Range':>40}{time:12.2f}{time / 1000:12.4f}{time / 1000:12.4f}{0.3:9.1f}\n"
                   for n, time in enumerate((10.2, 9.3, 9.2)))  # fmt: skip
    names = f"{head}{'Layer':>40}   Time (ms)   Avg. Time (ms)   Median Time (ms)   Time %\n"
    text = f"{head}=== Profile (1000 iterations ) ===\n{names}{rows}"
    found = {row["rule"]: row for row in trtlog.parse(text.encode()).lint().to_dict("records")}
    assert "reformat-share" not in found
    assert "the log holds about 0.9 % of its time" in " ".join(run("summary", "-", stdin=text.encode()).stdout.split())


def test_an_excerpt_of_timings_does_not_say_that_no_tactic_lacked_memory():
    """A build that ended well, of which a block was pasted: what was skipped in the others is not in it."""
    ended = f"{V}Engine generation completed in 5.1 seconds.\n"
    tactic = "Tactic: 0x0000000000000001 Time: 0.03\n"
    block = f"{FORMATS}{BLOCK}{V}{tactic}{V}Fastest {tactic}"
    for above, rules in (("", set()), (f"{V}After dead-layer removal: 3 layers\n", {"skipped-for-memory"})):
        found = {row["rule"] for row in trtlog.parse(f"{above}{block}{ended}".encode()).lint().to_dict("records")}
        assert found & {"skipped-for-memory"} == rules
