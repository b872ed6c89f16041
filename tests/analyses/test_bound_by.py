"""What bounds the throughput: one verdict in every answer, and none against a line of the log."""

import pytest

import trtlog
from tests.analyses.conftest import parsed
from tests.command import trtlog as command
from tests.conftest import CORPUS, ROOT, each
from trtlog.analyses.build.performance import BUSY_PERCENT
from trtlog.analyses.compare.figures import figures
from trtlog.analyses.lint.registry import lint

CASES = ROOT / "tests" / "cases"
HEADER = "[01/02/2026-10:00:00] [{}] "


def summary_of(qps, gpu, *, enqueue=None, h2d=None, d2h=None, wall=None, total=None, options="", warnings=()):
    """Return a performance summary with the same value as every statistic."""
    named = {"Enqueue Time": enqueue, "H2D Latency": h2d, "GPU Compute Time": gpu, "D2H Latency": d2h}
    lines = [*options.splitlines(), "=== Performance summary ===", f"Throughput: {qps} qps"]
    if h2d is not None and d2h is not None:
        named = {"Latency": h2d + gpu + d2h, **named}
    for name, value in named.items():
        if value is not None:
            lines.append(f"{name}: min = {value} ms, max = {value} ms, mean = {value} ms, median = {value} ms")
    lines += [f"Total Host Walltime: {wall} s", f"Total GPU Compute Time: {total} s"] if wall else []
    text = "".join(f"{HEADER.format('I')}{line}\n" for line in lines)
    return text + "".join(f"{HEADER.format('W')}{line}\n" for line in warnings)


ENQUEUE = "* Throughput may be bound by Enqueue Time rather than GPU Compute and the GPU may be under-utilized."
GRAPH = "=== Inference Options ===\nStreams: 1\nCUDA Graph: Enabled"
PROFILED = "=== Inference Options ===\nSeparate profiling: Disabled\n=== Reporting Options ===\nProfile: Enabled"
STREAMS = "=== Inference Options ===\nStreams: 2\nMultithreading: Enabled"
BATCH = "=== Inference Options ===\nBatch: 4\nStreams: 1"


@pytest.mark.parametrize(
    ("text", "bound", "words"),
    [
        (summary_of(990, 1.0, enqueue=0.5, wall=1, total=0.99), "gpu", "99.0 % of the walltime; the enqueue"),
        (summary_of(990, 1.0, enqueue=0.95, wall=1, total=0.99, warnings=[ENQUEUE]), "gpu", "may wait for launches"),
        (summary_of(990, 1.0, enqueue=0.99, wall=1, total=0.99, warnings=[ENQUEUE]), None, "or the host for the GPU"),
        (summary_of(980, 1.0, enqueue=1.1, wall=1, total=0.98), None, "the enqueue takes 110 % of its time"),
        (summary_of(990, 1.0, enqueue=0.99, wall=1, total=0.99, options=GRAPH), "gpu", "99.0 % of the walltime"),
        # Several streams in an excerpt: how many is not printed, nor how large a batch is.
        (summary_of(7900, 1.0, enqueue=0.1, wall=1, total=7.9), None, "computes 7.9 queries at a time"),
        (summary_of(8864, 0.193, enqueue=0.187, wall=1, total=1.71, warnings=[ENQUEUE]), None, "1.7 queries at a time"),
        (summary_of(8864, 0.193, enqueue=0.187, wall=1, total=1.71, options=STREAMS), "enqueue", "each of 2 streams"),
        (summary_of(17836, 400.0, enqueue=0.1), "gpu", "of the stages that overlap the computation is the longest"),
        (summary_of(700, 1.0, enqueue=0.9, wall=1, total=0.7, warnings=[ENQUEUE]), "enqueue", "waits for launches"),
        (summary_of(920, 1.0, enqueue=1.05, wall=1, total=0.92), "enqueue", "the enqueue takes 105 % of its time"),
        (summary_of(700, 1.0, enqueue=0.01, wall=1, total=0.7, options=GRAPH), "host", "neither launches nor copies"),
        (summary_of(500, 1.0, enqueue=0.1, h2d=1.9, d2h=0.1, wall=1, total=0.5), "h2d", "a copy of 1.9 ms"),
        (summary_of(800, 1.0, enqueue=0.1, h2d=0.1, d2h=0.14, wall=1, total=0.8), "gpu", "do not overlap"),
        (summary_of(990, 1.0, enqueue=0.5, wall=1, total=0.99, options=PROFILED), None, "profiler was attached"),
        (summary_of(1700, 1.0, enqueue=0.95, wall=1, total=1.7, options=STREAMS), "enqueue", "each of 2 streams"),
        (summary_of(3960, 1.0, enqueue=0.5, wall=1, total=0.99, options=BATCH), "gpu", "99.0 % of the walltime"),
        (summary_of(500, 1.0), "host", "50.0 % of the walltime, and"),
        (summary_of(500, 1.0, enqueue=0.9, warnings=[ENQUEUE]), "enqueue", "the enqueue takes 90 %"),
    ],
)  # fmt: skip
def test_what_bounds_the_throughput(text, bound, words):
    log = trtlog.parse(text.encode())
    [found] = log.analyze.table("performance").to_pylist()
    assert found["bound_by"] == bound
    assert words in found["because"]
    assert set(each(found["lines"])) <= set(range(1, text.count("\n") + 1))
    assert found["host_overhead_ms"] is None or found["host_overhead_ms"] >= 0
    warned = {f["rule"] for f in lint(log).to_pylist() if f["severity"] == "warning"}
    assert ("enqueue-bound" in warned) == (bound == "enqueue")
    assert ("host-bound" in warned) == (bound == "host")
    assert ("profile-mixed-with-timing" in warned) == ("profiler was attached" in words)
    assert ("transfers-dominate" in warned) == (bound == "h2d" or "do not overlap" in words)


def test_launches_as_long_as_the_computation_are_worth_a_graph():
    """Which of both waits for the other only a run with a CUDA graph tells: no verdict, and no good one."""
    log = trtlog.parse(summary_of(32.7, 30.3, enqueue=30.2, wall=3.09, total=3.06).encode())
    [found] = [row for row in lint(log).to_pylist() if row["rule"] == "enqueue-bound"]
    assert (found["severity"], found["confidence"]) == ("advice", "medium")
    assert "a run with a CUDA graph does" in found["text"]


def test_a_batch_that_is_not_printed_makes_no_copies_overlap():
    """4000 samples a second of a batch of 8 are 500 queries, each of 1 ms and two copies one after the other."""
    text = summary_of(4000, 1.0, enqueue=0.1, h2d=0.5, d2h=0.5, wall=1, total=0.5)
    [found] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    assert (found["copies_overlap"], found["bound_by"], found["gpu_busy_percent"]) == (False, "gpu", 50.0)
    several = summary_of(4000, 1.0, enqueue=0.1, h2d=0.5, d2h=0.5, wall=1, total=3.0)
    [found] = trtlog.parse(several.encode()).analyze.table("performance").to_pylist()
    assert (found["copies_overlap"], found["bound_by"]) == (None, None)


def test_a_copy_that_is_not_printed_took_no_0_ms():
    text = summary_of(500, 1.0, enqueue=0.1, h2d=0.2, d2h=0.1, wall=1, total=0.5)
    cut = "".join(line for line in text.splitlines(keepends=True) if "D2H" not in line)
    [found] = trtlog.parse(cut.encode()).analyze.table("performance").to_pylist()
    assert (found["h2d_ms"], found["d2h_ms"], found["copies_percent"]) == (0.2, None, None)
    assert "transfers-dominate" not in {row["rule"] for row in lint(trtlog.parse(cut.encode())).to_pylist()}


@pytest.mark.parametrize(
    ("text", "overlap"),
    [
        (summary_of(200, 4.9, h2d=1.6, d2h=3.2, enqueue=1.4, wall=1, total=0.98, options=GRAPH), True),
        (summary_of(100, 4.9, h2d=1.6, d2h=3.2, enqueue=1.4, wall=1, total=0.49, options=GRAPH), False),
        (summary_of(50, 4.9, h2d=1.6, d2h=3.2, enqueue=1.4, wall=1, total=0.245, options=GRAPH), None),
        (summary_of(200, 4.9, h2d=1.6, d2h=3.2, enqueue=1.4, wall=1, total=0.98, options=PROFILED), None),
    ],
    ids=["longer than the time between queries", "as long", "shorter", "profiled"],
)
def test_whether_copies_overlap_is_said_alike_by_performance_and_lint(text, overlap):
    log = trtlog.parse(text.encode())
    [found] = log.analyze.table("performance").to_pylist()
    assert found["copies_overlap"] is overlap
    [words] = [row["text"] for row in lint(log).to_pylist() if row["rule"] == "transfers-dominate"]
    said = {True: "they overlap with", False: "do not overlap with", None: "does not tell"}
    assert said[overlap] in words


def test_a_throughput_of_0_was_not_counted():
    """TensorRT 7 counts the samples of an implicit batch, which a network with explicit batch has none of."""
    head = "[01/30/2021-00:58:04] [I] "
    lines = ["Host Latency", "min: 2.1 ms (end to end 2.2 ms)", "max: 2.3 ms (end to end 2.4 ms)",
             "mean: 2.2 ms (end to end 2.3 ms)", "median: 2.2 ms (end to end 2.3 ms)",
             "percentile: 2.3 ms at 99% (end to end 2.4 ms at 99%)", "throughput: 0 qps", "walltime: 3.00755 s",
             "Enqueue Time", "min: 0.4 ms", "max: 0.7 ms", "median: 0.5 ms", "GPU Compute", "min: 2.1 ms",
             "max: 2.2 ms", "mean: 2.1 ms", "median: 2.1 ms", "percentile: 2.2 ms at 99%",
             "total compute time: 2.97245 s"]  # fmt: skip
    text = "".join(f"{head}{line}\n" for line in lines).encode()
    log = trtlog.parse(text)
    printed = {row["metric"]: row["value"] for row in log.table("performance").to_pylist() if row["stat"] == "value"}
    assert printed["throughput"] == 0  # the table is what the log prints
    [found] = log.analyze.table("performance").to_pylist()
    assert (found["throughput_qps"], found["bound_by"]) == (None, "gpu")
    assert (log.performance.throughput_qps, figures(log)["throughput_qps"]) == (None, None)
    assert trtlog.lock(log).document["budgets"]["throughput_qps"] is None
    assert "throughput" not in {row["metric"] for row in trtlog.diff(log, log).rows("performance")}
    assert "throughput not known: the log prints 0 qps" in command("summary", "-", stdin=text).stdout


def test_how_an_excerpt_without_options_was_measured_is_not_known():
    text = summary_of(500, 1.0, enqueue=0.1, wall=1, total=0.5)
    [found] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    unknown = ("profiled", "cuda_graph", "streams", "host_overhead_ms")
    assert [found[name] for name in unknown] == [None] * 4
    text = summary_of(500, 1.0, enqueue=0.1, wall=1, total=0.5, options=GRAPH)
    [found] = trtlog.parse(text.encode()).analyze.table("performance").to_pylist()
    assert [found[name] for name in unknown] == [False, True, 1, 1.0]


def test_enqueue_near_a_busy_gpu():
    """Enqueue 2400 ms, GPU 2485 ms, 24.85 s of 25 s computing: the GPU, whatever trtexec warns of."""
    log = trtlog.parse(CASES / "enqueue-near-gpu.log")
    [found] = log.analyze.table("performance").to_pylist()
    assert (found["bound_by"], round(found["gpu_busy_percent"], 1)) == ("gpu", 99.4)
    assert {f["rule"]: f["severity"] for f in lint(log).to_pylist()}["enqueue-bound"] == "good"


@pytest.mark.parametrize(
    ("name", "bound"),
    # GPU time over walltime and enqueue over GPU time, by grep: 91.7 % and 1.01, 98.9 % under a CUDA graph, 99.5 %
    # and 0.93 with trtexec's warning, 92.8 % and 1.01.
    [("mobilenet_fp16_verbose", "enqueue"), ("resnet50_fp16_dyn_detailed", "gpu"), ("resnet50_fp32_verbose", "gpu"),
     ("lstm_verbose", "enqueue"), ("sweep_r50_fp32_b128", "gpu")],
)  # fmt: skip
def test_captures(name, bound):
    assert parsed(name).analyze.table("performance").column("bound_by").to_pylist() == [bound]


def test_clocks_of_an_integrated_gpu():
    [found] = [f for f in lint(trtlog.parse(CASES / "jetson-unstable.log")).to_pylist() if f["severity"] != "good"]
    assert found["rule"] == "unstable-gpu-time"
    assert "jetson_clocks" in found["action"]
    assert "nvpmodel" in found["action"]
    assert "nvidia-smi" not in found["action"]


@pytest.mark.skipif(not CORPUS.exists(), reason="the third-party logs are not here")
@pytest.mark.parametrize(
    ("path", "bounds"),
    [
        ("7.x-jetson/jetson-ResNet50_N2-int8-raw.txt", [None] * 7),  # --dumpProfile without a run of its own
        ("7.x-jetson/khairul-GPU-int8_resnet-50.txt", ["gpu"] * 7),  # --batch=1 to 128
        ("8.5.10/lix-build-with-plugin.log", ["h2d"]),  # 6.2 ms a copy, 0.45 ms of computation
        ("8.6.0/tingsong-dynamic_1-128-128-fp16.log", ["gpu"]),  # 36.6 ms of 46.3 ms, 9.5 ms of copies in turn
        ("10.14.1/cookbook-trtexec-result-06.log", ["enqueue"]),  # warned of, 76.9 % of the walltime
    ],
)
def test_logs_of_others(path, bounds):
    rows = [run.analyze.table("performance").to_pylist()[0] for run in trtlog.parse(CORPUS / path).runs]
    assert [row["bound_by"] for row in rows] == bounds
    assert all(row["host_overhead_ms"] is None or row["host_overhead_ms"] >= 0 for row in each(rows))
    if len(rows) > 1 and "gpu" in bounds:
        assert min(row["gpu_busy_percent"] for row in rows if row["bound_by"] == "gpu") >= BUSY_PERCENT


def test_a_short_enqueue_is_not_what_the_gpu_waits_for():
    """27315.5 qps are 36.6 us a query, of which the enqueue takes 4.6; trtexec warns of it all the same."""
    text = """&&&& RUNNING TensorRT.trtexec [TensorRT v101601] # trtexec --onnx=a.onnx
[01/02/2026-10:00:00] [I] === Performance summary ===
[01/02/2026-10:00:00] [I] Throughput: 27315.5 qps
[01/02/2026-10:00:00] [I] Latency: min = 0.011 ms, max = 0.12 ms, mean = 0.013 ms, median = 0.0128 ms, percentile(99%) = 0.018 ms
[01/02/2026-10:00:00] [I] Enqueue Time: min = 0.004 ms, max = 0.11 ms, mean = 0.0047 ms, median = 0.00464 ms, percentile(99%) = 0.006 ms
[01/02/2026-10:00:00] [I] H2D Latency: min = 0.003 ms, max = 0.1 ms, mean = 0.0042 ms, median = 0.00415 ms, percentile(99%) = 0.005 ms
[01/02/2026-10:00:00] [I] GPU Compute Time: min = 0.004 ms, max = 0.11 ms, mean = 0.0054 ms, median = 0.00513 ms, percentile(99%) = 0.008 ms
[01/02/2026-10:00:00] [I] D2H Latency: min = 0.003 ms, max = 0.03 ms, mean = 0.0034 ms, median = 0.0034 ms, percentile(99%) = 0.004 ms
[01/02/2026-10:00:00] [I] Total Host Walltime: 3.0 s
[01/02/2026-10:00:00] [I] Total GPU Compute Time: 0.44 s
[01/02/2026-10:00:00] [W] * Throughput may be bound by Enqueue Time rather than GPU Compute and the GPU may be under-utilized.
&&&& PASSED TensorRT.trtexec [TensorRT v101601] # trtexec --onnx=a.onnx
"""  # noqa: E501
    log = trtlog.parse(text.encode())
    [found] = log.analyze.table("performance").to_pylist()
    assert found["bound_by"] == "host"
    assert "the enqueue takes 13 % of the time between two queries, though trtexec warns of it" in found["because"]
    rules = {row["rule"]: row for row in log.lint().to_dict("records")}
    assert "host-bound" in rules
    assert "enqueue-bound" not in rules
    assert "whether they overlap with the computation the log does not tell" in rules["transfers-dominate"]["text"]


def banners(version, command):
    return tuple(f"&&&& {word} TensorRT.trtexec [TensorRT v{version}] # {command}\n" for word in ("RUNNING", "PASSED"))


ELEVEN = "=== Inference Options ===\nInference Streams: 1\nData transfers: Disabled\nCUDA Graph: Enabled\n"
ELEVEN += "=== Reporting Options ===\nProfile: Enabled"


@pytest.mark.parametrize(
    ("version", "options", "flags", "setup"),
    [
        # From 11.0 on nothing is printed of a separate profiling: it always is one.
        (110100, ELEVEN, "--dumpProfile", (False, True, 1)),
        (10701, ELEVEN, "--dumpProfile", (False, True, 1)),  # TensorRT-RTX 1.7.1
        (101600, ELEVEN, "--dumpProfile", (True, True, 1)),
        # An excerpt without options has its version's defaults.
        (110100, "", "--dumpProfile --infStreams=2", (False, True, 2)),
        (110100, "", "--noCudaGraph", (False, False, 1)),
        (101600, "", "--dumpProfile --streams=3", (True, False, 3)),
        (101600, "", "--useCudaGraph --separateProfileRun --dumpProfile", (False, True, 1)),
    ],
)
def test_defaults_are_those_of_the_version(version, options, flags, setup):
    program = "tensorrt_rtx" if version == 10701 else "trtexec"
    first, last = banners(version, f"{program} --onnx=a.onnx {flags}")
    log = trtlog.parse((first + summary_of(990, 1.0, enqueue=0.1, wall=1, total=0.99, options=options) + last).encode())
    [found] = log.analyze.table("performance").to_pylist()
    assert tuple(found[name] for name in ("profiled", "cuda_graph", "streams")) == setup
    assert (found["bound_by"] is None) == setup[0]
    assert ("profile-mixed-with-timing" in {row["rule"] for row in lint(log).to_pylist()}) == setup[0]


FAILED_GRAPH = "CUDA graph capture failed. The inference will be launched without using CUDA graph."


def test_a_graph_that_failed_is_not_asked_for_again():
    """The option says Enabled, the warning behind it that there was none: the warning counts in every answer."""
    first, last = banners(8503, "trtexec --onnx=a.onnx --useCudaGraph")
    summary = summary_of(700, 1.0, enqueue=0.9, wall=1, total=0.7, options=GRAPH, warnings=[FAILED_GRAPH])
    log, line = trtlog.parse((first + summary + last).encode()), 1 + summary.count("\n")
    [found] = [row for row in lint(log).to_pylist() if row["rule"] == "enqueue-bound"]
    assert f"a CUDA graph was asked for and not used (line {line})" in found["text"]
    assert line in found["lines"]
    assert "--useCudaGraph" not in found["action"]
    assert figures(log)["cuda_graph"] is False
    assert not any("launch as a CUDA graph" in note for note in trtlog.diff(log, log).notes)


@pytest.mark.parametrize(
    ("version", "options", "remedy"),
    [
        (8503, "=== Inference Options ===\nSpin-wait: Disabled\nCUDA Graph: Enabled", "let it spin (--useSpinWait)"),
        (8503, "=== Inference Options ===\nSpin-wait: Enabled\nCUDA Graph: Enabled", "keep the host free, or look"),
        (110000, "=== Inference Options ===\nCUDA Graph: Disabled", "a CUDA graph (without --noCudaGraph)"),
        (110000, "=== Inference Options ===\nSpin-wait: Disabled\nCUDA Graph: Enabled", "spin (without --noSpinWait)"),
    ],
)
def test_a_diff_advises_what_was_not_done_yet_in_the_words_of_the_version(version, options, remedy):
    first, last = banners(version, "trtexec --onnx=a.onnx")
    summaries = [summary_of(qps, 1.0, enqueue=0.9, wall=1, total=qps / 1000, options=options) for qps in (700, 680)]
    two = [trtlog.parse((first + summary + last).encode()) for summary in summaries]
    [note] = [note for note in trtlog.diff(*two).notes if note.startswith("to settle changes")]
    assert remedy in note


def test_runs_under_a_graph_are_not_advised_to_take_one():
    first, last = banners(8503, "trtexec --onnx=a.onnx --useCudaGraph")
    runs = [trtlog.parse((first + summary_of(700, gpu, enqueue=0.1, wall=1, total=0.7, options=GRAPH) + last).encode())
            for gpu in (1.0, 1.02)]  # fmt: skip
    [note] = [note for note in trtlog.compare(runs).notes if "within noise" in note]
    assert note.endswith("repeat them, lock the clocks")


def test_a_diff_names_copies_where_the_diagnosis_does():
    """1 ms of computation and 0.24 ms of copies in turn make 800 qps: the GPU waits for copies, not for the host."""
    first, last = banners(8503, "trtexec --onnx=a.onnx")
    texts = [summary_of(qps, 1.0, enqueue=0.1, h2d=0.1, d2h=0.14, wall=1, total=qps / 1000) for qps in (800, 801)]
    two = [trtlog.parse((first + text + last).encode()) for text in texts]
    [found] = two[0].analyze.table("performance").to_pylist()
    assert (found["bound_by"], found["copies_overlap"]) == ("gpu", False)
    notes = trtlog.diff(*two).notes
    assert not any("the host has a part" in note for note in notes)
    told = "the GPU was busy 80% of the wall time, and waited for copies that do not overlap with it"
    assert f"copies have a part in the throughput of control: {told}" in notes
    two[1] = trtlog.parse((first + texts[0].replace("800 qps", "760 qps") + last).encode())
    [note] = [note for note in trtlog.diff(*two).notes if note.startswith("to settle changes")]
    assert "measure without copies (--noDataTransfers), or look at the GPU compute time" in note


def spread(queries, streams=1):
    """Return a summary whose 99th percentile of the GPU time is 1.3 times the median."""
    lines = f"""=== Inference Options ===
Inference Streams: {streams}
Timing trace has {queries} queries over 3 s
=== Performance summary ===
Throughput: 100 qps
Latency: min = 9 ms, max = 14 ms, mean = 10 ms, median = 10 ms, percentile(99%) = 13 ms
Enqueue Time: min = 1 ms, max = 1 ms, mean = 1 ms, median = 1 ms, percentile(99%) = 1 ms
H2D Latency: min = 0.001 ms, max = 0.001 ms, mean = 0.001 ms, median = 0.001 ms, percentile(99%) = 0.001 ms
GPU Compute Time: min = 9 ms, max = 14 ms, mean = 10 ms, median = 10 ms, percentile(99%) = 13 ms
D2H Latency: min = 0 ms, max = 0 ms, mean = 0 ms, median = 0 ms, percentile(99%) = 0 ms
Total Host Walltime: 3 s
Total GPU Compute Time: 3 s
"""
    text = "".join(f"{HEADER.format('I')}{line}\n" for line in lines.splitlines())
    return {f["rule"]: f for f in lint(trtlog.parse(text.encode())).to_pylist()}


def test_few_queries_say_nothing_about_stable_times():
    """The percentiles of one query are that query, which is neither stable nor unstable."""
    assert "unstable-gpu-time" not in spread(1)
    assert "unstable-gpu-time" not in spread(9)
    assert spread(300)["unstable-gpu-time"]["text"] == "The 99th percentile of the GPU time is 1.30 times the median."


def test_queries_of_several_streams_wait_for_one_another():
    found = spread(300, streams=4)["unstable-gpu-time"]
    assert (found["severity"], found["confidence"]) == ("advice", "low")
    assert found["text"].endswith("in 4 streams, whose queries wait for one another.")
    assert "nvidia-smi" not in found["action"]


def test_a_small_share_of_copies_is_not_told_as_nothing():
    text = spread(300)["transfers-dominate"]["text"]
    assert text == "Copies take 0.01 % of the latency (0.001 ms in, 0 ms out)."


@pytest.mark.parametrize(("percent", "severity"), [("1.33", "advice"), ("2.5", "advice"), ("2.6", "warning")])
def test_a_variation_of_which_later_versions_say_nothing_is_advice(percent, severity):
    text = f"{HEADER.format('W')}* GPU compute time is unstable, with coefficient of variance = {percent}%.\n"
    [found] = lint(trtlog.parse(text.encode())).to_pylist()
    assert (found["rule"], found["severity"]) == ("unstable-gpu-time", severity)
    assert found["text"] == f"trtexec reports a coefficient of variation of {percent} %."
