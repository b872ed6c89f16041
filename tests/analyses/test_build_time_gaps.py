"""Time that is no layer's: between a block's fastest tactic and the next block the clock may jump."""

from __future__ import annotations

import trtlog


def lines(*texts: str) -> bytes:
    return "".join(f"[11/22/2026-13:{text[:5]}] [V] [TRT] {text[6:]}\n" for text in texts).encode()


def test_a_part_that_is_left_out_is_no_layers_time():
    log = trtlog.parse(
        lines(
            "10:00 --------------- Timing Runner: conv1 (CudnnConvolution)",
            "10:03 Tactic: 0x0000000000000000 Time: 0.25",
            "10:03 Fastest Tactic: 0x0000000000000000 Time: 0.25",
            "12:40 >>>>>>>>>>>>>>> Chose Runner Type: CudnnConvolution Tactic: 0x0000000000000000",
            "12:40 --------------- Timing Runner: conv2 (CudnnConvolution)",
            "12:41 Tactic: 0x0000000000000000 Time: 0.25",
            "12:41 Fastest Tactic: 0x0000000000000000 Time: 0.25",
        )
    )
    rows = {row["name"]: row["seconds"] for row in log.table("build_time").to_pylist()}
    assert 3 <= rows["conv1"] <= 5
    assert rows["conv2"] <= 2
    # Nor does lint say that one layer takes the build's time.
    assert not [row for row in log.lint().to_dict("records") if row["rule"] == "slow-layers-to-build"]


def test_what_lies_between_two_builds_is_no_layers_time():
    build = (
        "Original: 3 layers",
        "--------------- Timing Runner: conv1 (CudnnConvolution)",
        "Tactic: 0x0000000000000000 Time: 0.25",
        "Fastest Tactic: 0x0000000000000000 Time: 0.25",
        "Engine generation completed in 1.25 seconds.",
    )
    first = [f"10:00 {text}" for text in build]
    between = [f"10:{second:02d} Something else" for second in range(1, 50)]
    log = trtlog.parse(lines(*first, *between, *(f"10:50 {text}" for text in build)))
    rows = log.table("build_time").to_pylist()
    assert sum(row["seconds"] for row in rows) < 5


def test_channels_of_a_network_with_an_implicit_batch_come_first():
    text = (
        "[TensorRT] VERBOSE: Layer(FusedConvActDirect): conv1, Tactic: 141, data[Half(3,32,32)] -> a[Half(6,28,28)]\n"
        "[TensorRT] VERBOSE: Layer(FusedConvActDirect): conv2, Tactic: 133, a[Half(6,28,28)] -> b[Half(16,10,10)]\n"
        "[TensorRT] VERBOSE: Layer(FullyConnected): fc, Tactic: 0, b[Half(16,10,10)] -> prob[Half(10,1,1)]\n"
    )
    text = "[TensorRT] VERBOSE: Engine Layer Information:\n" + text
    log = trtlog.parse(text.encode())
    (row,) = (row for row in log.lint().to_dict("records") if row["rule"] == "channel-alignment")
    assert "conv1: 6 output channels, no multiple of 8" in row["text"]
    assert row["lines"] == [2, 3]
