"""What a log does not tell is not guessed, and of several measurements in one text the last one counts, whole."""

from __future__ import annotations

import pytest

import trtlog
from tests.command import trtlog as run
from trtlog.analyses.layer.profile import kept_profile, shown_percent
from trtlog.analyses.lint.causes import cause_of
from trtlog.analyses.lint.failures import outcome_of

INFO = "[11/22/2026-13:22:04] [I] "
V = "[11/22/2026-13:22:04] [V] [TRT] "
OLD = "[TensorRT] VERBOSE: "
RUNNING = "&&&& RUNNING TensorRT.trtexec [TensorRT v100800] [b43] # trtexec --onnx=a.onnx --verbose --dumpProfile\n"


def profile(rows, iterations=100):
    text = f"{INFO}=== Profile ({iterations} iterations ) ===\n{INFO}  Layer   Time (ms)   Avg. Time (ms)   Time %\n"
    for layer, time, percent in rows:
        text += f"{INFO}  {layer}   {time:.2f}   {time / iterations:.4f}   {percent}\n"
    total = sum(time for _, time, _ in rows)
    return f"{text}{INFO}  Total   {total:.2f}   {total / iterations:.4f}   100.0\n{INFO}\n"


FIRST = [("conv1", 30.0, 75.0), ("conv2", 10.0, 25.0)]
LAST = [("conv1", 20.0, 40.0), ("conv2", 30.0, 60.0)]


def findings(log):
    return {row["rule"]: row for row in log.lint().to_dict("records")}


# ------------------------------------------------------------------ several profiles, several summaries


@pytest.mark.parametrize("iterations", [100, 50])
def test_of_two_profiles_the_last_one_counts(tmp_path, iterations):
    path = tmp_path / "a.log"
    path.write_text(profile(FIRST) + profile(LAST, iterations))
    log = trtlog.parse(path)
    kept = kept_profile(log)
    assert [(row["layer"], row["time_ms"]) for row in kept.rows] == [("conv1", 20.0), ("conv2", 30.0)]
    assert kept.profiles == 2
    assert shown_percent(kept.rows) is None
    times = log.analyze.table("layer_times").to_pylist()
    assert [(row["layer"], row["time_ms"], row["percent"]) for row in times] == [
        ("conv1", pytest.approx(20 / iterations), 40.0), ("conv2", pytest.approx(30 / iterations), 60.0)
    ]  # fmt: skip
    assert "slowest of 2 layers in the last of 2 profiles" in run("summary", path).stdout
    assert "number 1 of 2 layers" in run("why", "conv2", path).stdout


def test_of_a_profile_that_was_shortened_the_rest_is_said_to_be_missing(tmp_path):
    path = tmp_path / "a.log"
    shown = [("conv1", 20.0, 10.0), ("conv2", 30.0, 15.0)]
    path.write_text("\n".join(profile(shown).splitlines()[:4]) + "\n")
    assert shown_percent(kept_profile(trtlog.parse(path)).rows) == pytest.approx(25)
    assert "slowest of 2 rows of the profile: the log holds about 25 % of its time" in run("summary", path).stdout
    assert "15 % of the total, number 1 of 2 layers that the log shows of it" in run("why", "conv2", path).stdout
    steps = trtlog.parse(path).analyze.table("reconciliation").to_pylist()
    [step] = [row for row in steps if row["step"] == "profile"]
    assert step["time_ms"] is None
    assert "others were left out" in step["explained"]


def test_of_two_summaries_no_figure_of_the_first_is_left():
    first = (
        f"{INFO}=== Performance summary ===\n{INFO}Throughput: 100 qps\n"
        f"{INFO}H2D Latency: min = 1 ms, max = 1 ms, mean = 1 ms, median = 1 ms, percentile(99%) = 1 ms\n"
        f"{INFO}GPU Compute Time: min = 8 ms, max = 9 ms, mean = 8.5 ms, median = 8.5 ms, percentile(99%) = 9 ms\n"
        f"{INFO}Total Host Walltime: 3 s\n{INFO}Total GPU Compute Time: 2.9 s\n"
    )
    last = (
        f"{INFO}=== Performance summary ===\n{INFO}Throughput: 200 qps\n"
        f"{INFO}GPU Compute Time: min = 4 ms, max = 5 ms, mean = 4.5 ms, median = 4.5 ms, percentile(99%) = 5 ms\n"
    )
    log = trtlog.parse((first + last).encode())
    [row] = log.analyze.table("performance").to_pylist()
    assert (row["throughput_qps"], row["gpu_ms"], row["h2d_ms"]) == (200, 4.5, None)
    assert row["gpu_busy_percent"] == pytest.approx(90)  # of the last throughput, not of the first walltime
    assert row["lines"] == [8, 9]
    assert log.performance.h2d_latency is None
    assert log.performance.total_host_walltime_s is None


# ------------------------------------------------------------------ formats and neighbours


IMPLICIT = (
    f"{OLD}Engine Layer Information:\n"
    f"{OLD}Layer(FusedConvActDirect): conv1, Tactic: 141, data[Float(3,32,32)] -> a[Float(6,28,28)]\n"
    f"{OLD}Layer(FusedConvActDirect): conv2, Tactic: 133, a[Float(6,28,28)] -> b[Float(16,10,10)]\n"
    f"{OLD}Layer(FullyConnected): fc, Tactic: 0, b[Float(16,10,10)] -> prob[Float(10,1,1)]\n"
)


def test_dimensions_of_an_implicit_batch_are_no_strides(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(IMPLICIT.replace("3,32,32", "1,32,32"))  # as the strides of channels that come last
    said = run("why", "conv1", path).stdout
    assert "1x32x32" in said
    assert "NHWC" not in said


def test_no_channels_are_advised_for_tensor_cores_that_no_line_tells_of():
    assert "channel-alignment" not in findings(trtlog.parse(IMPLICIT.encode()))
    kernel = f"{OLD}conv1 Set Tactic Name: sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw Tactic: 1\n"
    block = f"{OLD}--------------- Timing Runner: conv1 (CaskConvolution)\n{kernel}{OLD}Tactic: 1 Time: 0.02\n"
    found = findings(trtlog.parse((block + IMPLICIT).encode()))
    assert "conv1: 6 output channels, no multiple of 4" in found["channel-alignment"]["text"]


def test_formats_that_are_not_in_the_log_are_not_none(tmp_path):
    path = tmp_path / "a.log"
    blocks = (
        f"{V}--------------- Timing Runner: fc (CublasRunner)\n{V}Tactic: 0x0000000000000001 Time: 0.03\n"
        f"{V}*************** Autotuning format combination: Half(8,1) -> Half(8,1) ***************\n"
        f"{V}--------------- Timing Runner: fc (CublasRunner)\n{V}Tactic: 0x0000000000000002 Time: 0.02\n"
    )
    path.write_text(blocks)
    said = run("why", "fc", path).stdout
    assert "not in the log" in said
    assert "none -> none" not in said


@pytest.mark.parametrize("inside", [False, True])
def test_a_network_between_its_own_inputs_and_outputs_is_no_round_trip(inside):
    linear, nhwc = "Float(64,16,4,1)", "Float(64,1,16,4)"
    first, last = (f"Reformatting CopyNode for {side} Tensor 0 to conv" for side in ("Input", "Output"))
    added = f"{V}Adding reformat layer: Reformatted {{}} Tensor 0 to conv ({{}}) from {{}} to {{}}\n"
    layers = [("Reformat", first, "x", "x2"), ("Cask", "conv", "x2", "y2"), ("Reformat", last, "y2", "y")]
    if inside:
        layers = [("Pooling", "before", "data", "x"), *layers, ("Pooling", "behind", "y", "prob")]
    text = added.format("Input", "x", linear, nhwc)
    text += added.format("Output", "y", nhwc, linear)
    text += f"{V}Engine Layer Information:\n" + "".join(
        f"Layer({kind}): {name}, Tactic: 0x0000000000000000, {a} (Float[1,4,4,4]) -> {b} (Float[1,4,4,4])\n"
        for kind, name, a, b in layers
    )
    rows = trtlog.parse(text.encode()).analyze.table("reformats").to_pylist()
    assert [row["change"] for row in rows] == ["layout", "layout"]
    assert any(row["round_trip"] for row in rows) == inside


def test_a_layer_that_converts_for_itself_is_not_told_so(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(
        f"{V}Engine Layer Information:\n"
        "Layer(Reformat): q/QuantizeLinear, Tactic: 0x0000000000000000, x (Float[1,8,4,4]) -> y (Int8[1,8,4,4])\n"
    )
    said = run("why", "q/QuantizeLinear", path).stdout
    assert "This layer only converts x from FP32 to INT8; " in said
    assert "for q/QuantizeLinear" not in said


# ------------------------------------------------------------------ times


def test_a_cached_result_is_told_as_the_line_has_it(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(
        f"{V}fc [Half(8,1:8,8,8) -> Half(8,1:8,8,8)] got cached result: CaskConvolution, tactic 0x00000000000000aa, "
        f"0.0065 ms\n{V}Engine Layer Information:\n"
        "Layer(CaskConvolution): fc, Tactic: 0x00000000000000aa, x (Half[1,8:8,8,8]) -> y (Half[1,8:8,8,8])\n"
    )
    said = run("why", "fc", path).stdout
    told = "a cached result for it and timed nothing: CaskConvolution, tactic 0x00000000000000aa, 0.0065 ms."
    assert told in " ".join(said.split())
    assert "--verbose" not in said  # the line is there


def test_what_is_missing_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(profile(LAST))
    assert run("why", "conv1", path).stdout.count("timed tactics") == 1


def test_seconds_of_a_build_without_timestamps(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(
        f"{OLD}--------------- Timing Runner: fc (CublasRunner)\n{OLD}Tactic: 1 Time: 0.03\n"
        f"{OLD}Fastest Tactic: 1 Time: 0.03\n"
    )
    said = run("build-time", path)
    assert "neither seconds nor timestamps" in said.stdout + said.stderr


def test_seconds_of_a_layer_that_hung_are_no_advice_on_the_cache():
    block = "".join(
        f"[11/22/2026-13:22:{10 + n:02d}] [V] [TRT] --------------- Timing Runner: small{n} (CaskConvolution)\n"
        f"[11/22/2026-13:22:{10 + n:02d}] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.03\n"
        for n in range(12)
    )
    hung = (
        "[11/22/2026-13:22:30] [V] [TRT] --------------- Timing Runner: big (CaskConvolution)\n"
        "[11/22/2026-13:23:50] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.03\n"
    )
    failed = "[11/22/2026-13:23:50] [E] Error[1]: [defaultAllocator.cpp::deallocate::61] Error Code 1: Cuda Runtime " \
        "(an illegal memory access was encountered)\n[11/22/2026-13:23:50] [E] Engine could not be created from " \
        "network\n[11/22/2026-13:23:50] [E] Building engine failed\n"  # fmt: skip
    assert "slow-layers-to-build" in findings(trtlog.parse((RUNNING + block + hung).encode()))
    assert "slow-layers-to-build" not in findings(trtlog.parse((RUNNING + block + hung + failed).encode()))


def same(ms):
    """Return the statistics of a time that is the same in each inference."""
    return f"min = {ms} ms, max = {ms} ms, mean = {ms} ms, median = {ms} ms, percentile(99%) = {ms} ms"


@pytest.mark.parametrize(("median", "bound"), [(0.55, None), (0.2, "host")])
def test_copies_that_take_the_time_between_two_queries_may_be_what_the_gpu_waits_for(median, bound):
    text = (
        f"{INFO}=== Performance summary ===\n{INFO}Throughput: 800 qps\n"
        f"{INFO}Enqueue Time: {same(0.5)}\n{INFO}H2D Latency: {same(median)}\n"
        f"{INFO}GPU Compute Time: {same(1.08)}\n{INFO}D2H Latency: {same(0.65)}\n"
        f"{INFO}Total Host Walltime: 3 s\n{INFO}Total GPU Compute Time: 2.6 s\n"
    )
    [row] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    assert row["bound_by"] == bound
    told = "both copies together take 96 % of the time between two queries"
    assert (told in row["because"]) == (bound is None)


@pytest.mark.parametrize(
    ("ms", "share"), [(0.004, "0.4 %"), (0.00005, "0.005 %"), (0.25, "25 %"), (0.01, "1 %"), (0.997, "99.7 %")]
)
def test_a_share_below_one_percent_is_not_rounded_to_one(ms, share):
    text = (
        f"{INFO}=== Performance summary ===\n{INFO}Throughput: 999 qps\n{INFO}Enqueue Time: {same(ms)}\n"
        f"{INFO}GPU Compute Time: {same(1)}\n{INFO}Total Host Walltime: 3 s\n"
        f"{INFO}Total GPU Compute Time: 2.99 s\n"
    )
    [row] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    assert f"the enqueue takes {share} of its time" in row["because"]


def test_a_mean_of_one_copy_is_not_that_of_both():
    text = (
        f"{INFO}=== Performance summary ===\n{INFO}Throughput: 800 qps\n{INFO}H2D Latency: {same(0.6)}\n"
        f"{INFO}GPU Compute Time: {same(1.08)}\n"
        f"{INFO}D2H Latency: min = 0.6 ms, max = 0.6 ms, mean 0.6 ms, median = 0.6 ms, percentile(99%) = 0.6 ms\n"
    )
    [row] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    assert "both copies together take 96 % of the time between two queries" in row["because"]


# ------------------------------------------------------------------ the run


def test_a_gpu_that_is_not_there_is_the_cause(tmp_path):
    path = tmp_path / "a.log"
    devices = f'{INFO}=== Device Information ===\n{INFO}Available Devices: \n{INFO}  Device 0: "A" UUID: B\n'
    path.write_text(f"{RUNNING}{devices}{INFO}Cannot find device ID 1!\n")
    log = trtlog.parse(path)
    assert outcome_of(log).how == "failed"
    cause = cause_of(log)
    assert (cause.text, cause.line) == ("Cannot find device ID 1", 5)
    assert "Cannot find device ID 1 (line 5)" in findings(log)["build-failed"]["text"]
    assert "There is no GPU number 1" in run("summary", path).stdout


def test_rewrites_by_rule_are_those_of_the_engine_that_was_kept(tmp_path):
    path = tmp_path / "a.log"
    strategy = (
        f"{V}Original: 3 layers\n{V}Running: ReluFusion on conv\n{V}ReluFusion: Fusing conv with relu\n"
        f"{V}After vertical fusions: 2 layers\n{V}--------------- Timing Runner: conv (Cask)\n{V}Tactic: 1 Time: 0.02\n"
    )
    path.write_text(strategy + strategy)
    rows = trtlog.parse(path).analyze.table("fusion_rules").to_pylist()
    assert [(row["rule"], row["tried"], row["applied"]) for row in rows] == [("ReluFusion", 1, 1)]
    assert trtlog.parse(path).analyze.table("fusion_attempts").num_rows == 1
    assert "1 fusion" in run("summary", path).stdout
    assert "2 fusions" not in run("summary", path).stdout


def test_flags_that_were_given_are_not_advised_again(tmp_path):
    path = tmp_path / "a.log"
    passed = RUNNING.replace("RUNNING", "PASSED")
    path.write_text(f"{RUNNING}{profile(LAST)}{passed}")
    said = run("tactics", path)
    said = said.stdout + said.stderr
    assert "those lines were left out of the log" in said
    assert "with --verbose" not in said


def test_what_trtexec_alone_prints_is_answered_with_its_flags():
    warned = "[W] Dynamic dimensions required for input: {}, but no shapes were provided. "
    warned += "Automatically overriding shape to: {}\n"
    text = warned.format("x", "1x8") + warned.format("y", "1x9")
    text += "[I] RUNNING | Command: polygraphy run a.onnx --trt\n"
    found = findings(trtlog.parse(text.encode()))["default-shapes"]
    assert "--minShapes" in found["action"]
    assert "overriding shape to: 1x8; Dynamic" in found["text"]


def test_where_inference_ran_the_summary_is_behind_its_averages(tmp_path):
    path = tmp_path / "a.log"
    averages = f"{INFO}Average on 10 runs - GPU latency: 20.9 ms - Host latency: 21.4 ms (enqueue 0.4 ms)\n"
    path.write_text(f"{INFO}=== Trace details ===\n{INFO}Trace averages of 10 runs:\n{averages * 3}")
    said = run("summary", path).stdout
    assert "its performance summary stands behind the averages" in " ".join(said.split())
    assert "A run with inference" not in said


def test_a_verbose_log_is_not_told_to_be_verbose(tmp_path):
    path = tmp_path / "a.log"
    combination = f"{V}*************** Autotuning format combination: Half(8,1) -> Half(8,1) ***************\n"
    timed = f"{V}--------------- Timing Runner: fc (CublasRunner)\n{V}Tactic: 0x0000000000000001 Time: 0.03\n"
    path.write_text(combination + timed)
    said = " ".join(run("summary", path).stdout.split())
    assert "It is verbose, and begins behind the passes." in said
    assert "--verbose" not in said
    listed = "Layer(PluginV2): fc, Tactic: 0x0000000000000000, x (Half[8]) -> y (Half[8])"
    layers = f"{V}Engine Layer Information:\n{listed}\n"
    path.write_text(f"{V}Original: 1 layers\n{combination}{layers}")
    said = run("tactics", path)
    assert "Its layers had one tactic each" in said.stdout + said.stderr
    assert "--verbose" not in said.stdout + said.stderr


def test_empty_columns_say_what_would_fill_them(tmp_path):
    path = tmp_path / "a.log"
    node = "{ForeignNode[a...b]}"
    layer = f"Layer(Myelin): {node}, Tactic: 0x0000000000000000, x (Int32[1,8]) -> y (Half[1])"
    path.write_text(f"{V}Engine Layer Information:\n{layer}\n")
    assert "--profilingVerbosity=detailed" in run("precision", path).stderr
    assert "no timed tactics" in run("tactics", path, "--by", "flip-risk").stderr


def test_errors_on_memory_are_told_once():
    asked = "Tactic Device request: 2304MB Available: 1536MB. Device memory is insufficient to use tactic.\n"
    found = findings(trtlog.parse((f"[TensorRT] ERROR: {asked}" * 3).encode()))
    assert set(found) == {"skipped-for-memory"}
    assert "3 tactics were skipped" in found["skipped-for-memory"]["text"]


def test_of_an_excerpt_nothing_is_said_to_be_missing_from_the_engine(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("\n".join(profile([("conv1", 20.0, 10.0), ("conv2", 30.0, 15.0)]).splitlines()[:4]) + "\n")
    assert "reformat-share" not in findings(trtlog.parse(path))
    path.write_text(profile(LAST))
    assert findings(trtlog.parse(path))["reformat-share"]["severity"] == "good"
    timed = f"{V}--------------- Timing Runner: fc (CublasRunner)\n{V}Tactic: 0x0000000000000001 Time: 0.03\n"
    path.write_text(timed)
    assert "skipped-for-memory" not in findings(trtlog.parse(path))
    assert "no line tells" in run("tactics", path, "--by", "workspace").stdout


def test_builds_that_died_without_a_banner_are_no_builds_to_compare():
    timed = f"{V}--------------- Timing Runner: fc (CublasRunner)\n{V}Tactic: 0x0000000000000001 Time: 0.03\n"
    died = trtlog.parse(f"{timed}Segmentation fault (core dumped)\n".encode())
    with pytest.raises(trtlog.QueryError, match="died and is left out"):
        trtlog.stability([died, trtlog.parse(timed.encode())])


SGEMM = "sm80_xmma_fprop_implicit_gemm_f32f32_f32f32_f32_nchwkcrs_nchw_tilesize32x32x8_stage3_warpsize1x2x1_g1_ffma"


def test_of_layers_whose_timings_were_left_out_nothing_is_said_to_have_been_tried(tmp_path):
    path = tmp_path / "a.log"

    def timed(layer):
        return (
            f"{V}*************** Autotuning format combination: Float(64,1,8) -> Float(64,1,8) ***************\n"
            f"{V}--------------- Timing Runner: {layer} (CaskConvolution)\n"
            f"{V}{layer} Set Tactic Name: {SGEMM} Tactic: 0x0000000000000001\n"
            f"{V}Tactic: 0x0000000000000001 Time: 0.03\n"
        )

    def listed(*layers):
        return f"{V}Engine Layer Information:\n" + "".join(
            f"Layer(CaskConvolution): {name}, Tactic: 0x0000000000000001, {a} (Float[1,64,8,8]) -> {b}\n"
            for name, a, b in layers
        )

    first, other = ("conv1", "x", "y (Float[1,64,8,8])"), ("conv2", "y", "z (Float[1,32,4,4])")
    path.write_text(timed("conv1") + listed(first, other))
    text = findings(trtlog.parse(path))["off-tensor-cores"]["text"]
    assert "For 1 of them no tensor core tactic was timed; for 1 of them the log holds no timings." in text
    assert "time_ms sums the 1 of 2 layers that have timings" in run("precision", path).stderr
    path.write_text(timed("conv1") * 2)
    said = run("summary", path).stdout
    assert "2 timed in 2 runner blocks" in said
    assert "fusion" not in said


def test_layers_that_were_timed_are_no_engine():
    block = "{V}--------------- Timing Runner: conv{n} (CaskConvolution)\n{V}Tactic: 0x0000000000000001 Time: 0.003\n"
    chosen = "{V}>>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000001\n"
    text = "".join((block + chosen).format(V=V, n=n) for n in range(30))
    assert "tiny-layers" not in findings(trtlog.parse(text.encode()))
