"""Answers that were derived from the log's text a second way, and differed: log text, question, answer."""

from __future__ import annotations

import trtlog

V = "[04/25/2026-04:28:20] [V] [TRT] "


def test_a_cached_result_below_a_combination_is_that_of_other_formats():
    text = f"""\
{V}=============== Computing costs for a + b
{V}*************** Autotuning format combination: Float(784,1:4,28,1) -> Float(25088,784,28,1) ***************
{V}Skipping CaskConvolution: No valid tactics for a + b
{V}a + b [Float(784,1:4,28,1) -> Float(6272,1:4,224,8)] got cached result: CaskConvolution, tactic 0x00a1, 0.02 ms
{V}*************** Autotuning format combination: Half(784,784,28,1) -> Half(25088,784,28,1) ***************
{V}--------------- Timing Runner: a + b (CaskConvolution[0x80000009])
{V}Tactic Name: k Tactic: 0x00a2 Time: 0.03
{V}a + b (CaskConvolution[0x80000009]) profiling completed in 0.01 seconds. Fastest Tactic: 0x00a2 Time: 0.03
{V}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x00a2
"""
    log = trtlog.parse(text.encode())
    assert log.table("combinations").column("runners").to_pylist() == [0, 1]
    use = log.table("cache_use").to_pylist()[0]
    assert (use["timed"], use["not_timed"], use["cached_results"]) == (1, 1, 1)
