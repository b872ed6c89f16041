"""Answers that were derived from the log's text a second way, and differed: log text, question, answer."""

from __future__ import annotations

import gzip
import itertools
import math
import re

import pytest

import trtlog
from tests.conftest import FIXTURES
from trtlog.analyses.layer.timing_noise import TimingNoise

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


def test_the_engine_names_its_tactic_though_that_was_not_timed():
    text = f"""\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx --fp16 --verbose
{V}*************** Autotuning format combination: Half(48,16,4,1) -> Half(64,16,4,1) ***************
{V}--------------- Timing Runner: a (CaskConvolution)
{V}Tactic: 0x00000000000000a1 Time: 0.01
{V}Fastest Tactic: 0x00000000000000a1 Time: 0.01
{V}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x00000000000000a1
{V}Engine Layer Information:
Layer(CaskConvolution): a, Tactic: 0x00000000000000b2, x (Float[1,3,4,4]) -> y (Float[1,4,4,4])
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=a.onnx --fp16 --verbose
"""
    verdict = trtlog.parse(text.encode()).why("a").verdict[0]
    assert verdict == (
        "1 tactic was timed, the fastest 0.01 ms; the engine uses 0x00000000000000b2, whose timing in its formats is "
        "not in the log."
    )


def test_a_layer_whose_formats_change_is_not_stable_though_its_tactic_has_one_number():
    """Layer(Reformat): .., Tactic: 0x0.., .. (Half[..]) -> .. of build 0, Layer(NoOp): .. (Float[..]) -> .. of 1."""
    builds = [FIXTURES / f"trt-8.5.3-h200/repeats/build_{number}.log.gz" for number in range(5)]
    name = "Reformatting CopyNode for Input Tensor 0 to reshape_after_/fc/Gemm"
    line = rf"Layer\((\w+)\): {name}, Tactic: 0x0+, .*?\((\w+)"
    printed = [re.findall(line, gzip.open(build, "rt").read()) for build in builds]
    assert printed[:2] == [[("Reformat", "Half")], [("NoOp", "Float")]]
    rows = {row["layer"]: row for row in trtlog.stability(builds).layer_rows}
    assert (rows[name]["winners"], rows[name]["verdict"]) == (1, "formats")
    assert rows["/layer1/conv2/Conv + /layer1/Add + /layer1/relu2/Relu"]["verdict"] == "stable"


def within_blocks(path):
    """Return the times of kernels by layer, runner and formats, and by tactic: read off the lines of 8.5."""
    found, block, formats = {}, None, None
    for line in gzip.open(path, "rt"):
        if match := re.search(r"Autotuning (?:format combination|Reformat): (.*) \*{15}$", line):
            formats = match[1]
        elif match := re.search(r"Timing Runner: (.*) \((\w+)\)$", line):
            block = (*match.groups(), formats)
        elif (match := re.search(r"\] Tactic: (0x[0-9a-f]+) Time: (\S+)$", line)) and block[1] != "Reformat":
            found.setdefault(block, {}).setdefault(match[1], float(match[2]))
    return found


def test_the_noise_of_margins_holds_nine_of_ten():
    builds = [within_blocks(FIXTURES / f"trt-8.5.3-h200/repeats/build_{number}.log.gz") for number in range(5)]
    noise, inside, pairs = TimingNoise(), 0, 0
    for one, other in itertools.combinations(builds, 2):
        for block in one.keys() & other.keys():
            timed = sorted(one[block].keys() & other[block].keys(), key=one[block].get)
            # A tactic and the next: how much their margin is another one in the other build. Both builds are off.
            for a, b in itertools.pairwise(timed):
                first, second = (times[block][b] / times[block][a] for times in (one, other))
                limit = math.sqrt(2) * math.log1p(noise.margin_at(one[block][a]) / 100)
                inside += abs(math.log(first / second)) <= limit
                pairs += 1
    assert pairs > 20_000
    assert 0.86 < inside / pairs < 0.94


@pytest.mark.parametrize("name", ["resnet50_fp32_verbose", "mobilenet_fp16_verbose"])
def test_no_choice_is_clear_that_the_next_build_may_make_otherwise(name):
    log = trtlog.parse(FIXTURES / f"trt-8.5.3-h200/{name}.log.gz")
    told = {"clear": [], "may choose": []}
    for row in log.analyze.table("flip_risk").to_pylist():
        if row["timed_as"] is None and row["tactic_probability"] is not None:
            verdict = " ".join(log.why(row["layer"]).verdict)
            for words, probabilities in told.items():
                if words in verdict:
                    probabilities.append(row["tactic_probability"])
    # Both are drawn a thousand times, apart from each other.
    assert min(map(len, told.values())) > 10
    assert max(told["clear"]) < 0.13
    assert min(told["may choose"]) > 0.07


def test_of_a_log_that_ends_within_the_profile_shares_are_of_the_whole():
    """The rows that are left print their shares: those below 10 us sum to what is told."""
    lines = gzip.open(FIXTURES / "trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz", "rt").read().splitlines(keepends=True)
    text = "".join(lines[:32385])
    row = re.compile(r"\[I\] +(?:\S.*?) +([0-9.]+) +([0-9.]+) +([0-9.]+) +([0-9.]+)$", re.MULTILINE)
    rows = [tuple(map(float, found)) for found in row.findall(text[text.index("=== Profile") :])]
    tiny = [share for total, _, _, share in rows if total / 2441 < 0.01]
    assert len(rows) == 95
    assert sum(tiny) == pytest.approx(73.8, abs=0.5)
    findings = trtlog.parse(text.encode()).analyze.table("findings").to_pylist()
    [told] = [row["text"] for row in findings if row["rule"] == "tiny-layers"]
    assert told == (
        "86 of 95 layers take less than 10 us each, together 74 % of the profile; rows of it were left out."
    )


def test_of_a_log_that_ends_among_the_engines_layers_nothing_is_called_fine_of_all():
    lines = gzip.open(FIXTURES / "trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz", "rt").read().splitlines(keepends=True)
    assert "channel-alignment" not in fine_of(lines[:31760])  # within 'Engine Layer Information'
    assert "channel-alignment" in fine_of(lines[:32000])
    # The performance summary stands at line 32264, the profile, of a run of its own, at 32289.
    assert "profile-mixed-with-timing" not in fine_of(lines[:32280])
    assert "profile-mixed-with-timing" in fine_of(lines[:32300])


def fine_of(lines):
    """Return the rules that find that all is well."""
    table = trtlog.parse("".join(lines).encode()).analyze.table("findings").to_pylist()
    return {row["rule"] for row in table if row["severity"] == "good"}


def test_a_peak_of_0_mib_is_not_0_bytes():
    text = """\
[11/27/2026-05:36:43] [I] [TRT] Total Scratch Memory: 0
[11/27/2026-05:36:43] [I] [TRT] [MemUsageStats] Peak memory usage of TRT CPU/GPU memory allocators: CPU 0 MiB, GPU 4 MiB
"""
    use = trtlog.parse(text.encode()).analyze.table("memory_use").to_pylist()
    assert {row["name"]: row["size"] for row in use} == {"scratch": "0 bytes", "peak_cpu": "0 MiB", "peak_gpu": "4 MiB"}
