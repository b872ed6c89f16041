"""Real changes are told from what runs of one engine differ by."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import re
import shutil

import pytest

import trtlog
from tests.conftest import each
from tests.diff.conftest import CAPTURES, load
from trtlog.analyses.compare.performance import MeasuredRun, performance_rows
from trtlog.analyses.compare.samples import read_samples
from trtlog.analyses.compare.significance import Value, judge, student


def compare_performance(*sides):
    logs = (side if isinstance(side, list) else [side] for side in sides)
    return performance_rows(*(list(map(MeasuredRun.of, side)) for side in logs))


def verdicts(rows):
    return {row["metric"]: row["verdict"] for row in rows if row.get("verdict")}


def test_exported_times_are_used_where_they_lie_beside_the_log(capture):
    samples = read_samples(capture("sweep_r50_fp32_b1"))
    assert samples["gpu_compute_time"].source == "iteration times"
    # Question: how many inferences did the run measure? The file has 3014 objects with "computeMs".
    assert len(samples["gpu_compute_time"].values) == 3014
    # Log: [I] GPU Compute Time: min = 0.650879 ms, max = 1.24496 ms, mean = 0.660551 ms, median = 0.655762 ms
    assert sum(samples["gpu_compute_time"].values) / 3014 == pytest.approx(0.660551, abs=1e-6)


def test_averages_are_used_without_exports(capture, capture_text):
    samples = read_samples(capture("resnet50_fp32_verbose"))
    assert samples["latency"].source == "averages"
    assert len(samples["latency"].values) == capture_text("resnet50_fp32_verbose").count("Average on 10 runs") == 401


def test_a_run_is_not_different_from_itself(capture):
    for name in ("sweep_r50_fp32_b1", "resnet50_fp32_verbose", "sweep_r50_best_b32"):
        found = verdicts(compare_performance(capture(name), capture(name)))
        assert set(found.values()) == {"same"}, name


def scaled(text, factor):
    """Return a log whose times of inference are all longer by a factor."""

    def longer(found):
        return f"{found[1]}{float(found[2]) * factor:.6g}"

    text = re.sub(r"((?:GPU latency|Host latency|enqueue): )([0-9.e-]+)", longer, text)
    return re.sub(r"((?:min|max|mean|median|percentile\([0-9]+%\)) = )([0-9.e-]+)", longer, text)


def judged(rows, metric="gpu_compute_time", stat="median"):
    [row] = [r for r in rows if (r["metric"], r["stat"]) == (metric, stat)]
    return row


def test_a_shift_of_eight_percent_is_seen_on_one_run_and_one_of_two_is_not(capture_text):
    """A GPU-bound run: [I] GPU Compute Time: ... median = 1.11755 ms, [I] Enqueue Time: ... mean = 0.790387 ms."""
    text = capture_text("sweep_r50_best_b32")
    control = trtlog.parse(text.encode())
    for factor, verdict in ((1.08, "slower"), (0.92, "faster"), (1.02, "same")):
        row = judged(compare_performance(control, trtlog.parse(scaled(text, factor).encode())))
        assert row["verdict"] == verdict
        assert row["change_percent"] == pytest.approx(100 * (factor - 1), abs=0.01)
        assert row["method"] == "one run a side, against the floor between runs"


def test_several_runs_a_side_see_two_percent(capture_text):
    """Four runs of one FP32 engine: medians 0.215576 0.215332 0.215393 0.215576 ms, apart by 0.1 %."""
    texts = [capture_text(f"graph32_{n}") for n in range(4)]
    control = [trtlog.parse(text.encode()) for text in texts[:2]]
    test = [trtlog.parse(scaled(text, 1.02).encode()) for text in texts[2:]]
    assert judged(compare_performance(control[:1], test[:1]))["verdict"] == "same"
    third = trtlog.parse(scaled(texts[0], 1.02).encode())
    row = judged(compare_performance([*control, load("graph32_2")], [*test, third]))
    assert (row["verdict"], row["control_runs"], row["test_runs"]) == ("slower", 3, 3)
    assert row["method"] == "Welch's t-test over 3 and 3 runs"


def test_a_summary_alone_is_judged_against_the_floor_and_its_spread(capture_text):
    lines = capture_text("sweep_r50_fp32_b8").splitlines()
    text = "\n".join(line for line in lines if "Average on" not in line)
    log = trtlog.parse(text.encode())
    for median, verdict in (("1.19404", "same"), ("1.24404", "slower")):  # 4.4 % and 8.7 % more
        other = trtlog.parse(text.replace("median = 1.14404 ms", f"median = {median} ms").encode())
        assert judged(compare_performance(log, other))["verdict"] == verdict


REPEATS = {
    "build": [f"build_{n}" for n in range(5)],
    "load": [f"load_{n}" for n in range(6)],
    "graph": [f"graph_{n}" for n in range(4)],
    "graph32": [f"graph32_{n}" for n in range(4)],
    "engine": ["engine0_graph", "engine1_graph"],
    "resnet50": ["resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild", "sweep_r50_fp32_b1"],
}


@pytest.mark.parametrize("row", REPEATS)
def test_equal_engines_and_rebuilds_are_the_same(row):
    for a, b in each(itertools.combinations(REPEATS[row], 2)):
        found = [r for r in compare_performance(load(a), load(b)) if r.get("verdict")]
        assert len(found) > 10
        assert [r for r in found if r["verdict"] != "same"] == [], (a, b)


def test_another_precision_under_a_cuda_graph_is_different():
    """FP16 takes 0.0898 ms, FP32 0.2155 ms."""
    for a, b in each(itertools.product(REPEATS["graph"], REPEATS["graph32"])):
        rows = compare_performance(load(a), load(b))
        for metric, stat in (("throughput", "value"), ("latency", "median"), ("gpu_compute_time", "median")):
            assert judged(rows, metric, stat)["verdict"] == "slower", (a, b, metric)


def test_what_the_host_decides_is_said():
    """graph_0 and graph_1: one engine, 10054 and 8519 qps, GPU time 0.0898438 ms in both.

    [I] Total Host Walltime: 1.00029 s and 1.00022 s; [I] Total GPU Compute Time: 0.908389 s and 0.770131 s
    """
    found = trtlog.diff(load("graph_0"), load("graph_1"))
    rate = judged(found.rows("performance"), "throughput", "value")
    assert rate["verdict"] == "same"
    assert "the GPU was busy 91% of the wall time" in rate["reason"]
    notes = " ".join(found.notes)
    assert "the GPU was busy 77% of the wall time" in notes
    assert "--against" in notes
    assert "--useSpinWait" in notes


def test_opposite_verdicts_are_explained(capture_text):
    """The throughput falls by half while the GPU time falls too: the time between inferences grew."""
    text = scaled(capture_text("graph_3"), 0.8)
    text = text.replace("Throughput: 10719.8 qps", "Throughput: 4000 qps")
    text = re.sub(r"Total GPU Compute Time: [0-9.]+ s", "Total GPU Compute Time: 0.288 s", text)
    found = trtlog.diff(load("graph_3"), trtlog.parse(text.encode()))
    rows = found.rows("performance")
    assert judged(rows)["verdict"] == "faster"
    assert judged(rows, "throughput", "value")["verdict"] == "slower"
    assert any("time between inferences" in note and "29% in test" in note for note in found.notes)


def test_extremes_and_thin_percentiles_get_no_verdict(capture):
    """73 averages of 10 at batch 128: seven inferences lie beyond p99."""
    rows = compare_performance(capture("sweep_r50_best_b128"), capture("sweep_r50_fp32_b128"))
    assert judged(rows, stat="max").get("verdict") is None
    assert judged(rows, stat="max")["reason"] == "one inference decides it: no verdict"
    assert judged(rows, stat="p99")["verdict"] is None
    assert judged(rows, stat="p99")["reason"] == "too few inferences lie beyond it: no verdict"
    assert judged(rows, stat="p90")["verdict"] == "slower"


# Two-sided critical values from the tables of Student's t.
@pytest.mark.parametrize(
    ("t", "degrees", "p"), [(12.706, 1, 0.05), (4.303, 2, 0.05), (5.841, 3, 0.01), (3.499, 7, 0.01), (2.042, 30, 0.05)]
)
def test_student_against_the_tables(t, degrees, p):
    assert student(t, degrees) == pytest.approx(p, rel=2e-3)


def test_the_spread_between_runs_decides():
    wide, narrow = [100.0, 120.0, 105.0], [100.0, 100.2, 100.1]
    for values, real in ((wide, False), (narrow, True)):
        control = [Value(v, 0.1) for v in values]
        assert judge(control, [Value(v * 1.05, 0.1) for v in values]).real is real


def test_two_runs_a_side_are_weighed_with_the_floor():
    found = judge([Value(1.0, 0.05), Value(1.001, 0.05)], [Value(1.1, 0.05), Value(1.101, 0.05)])
    # Floor of 10 degrees of freedom, spread of nearly 0 of 2: 0.05 * sqrt(10 / 12) a run, two runs a side.
    error = 0.05 * math.sqrt(10 / 12)
    assert found.p_value == pytest.approx(student(math.log(1.1) / error, 12), rel=0.02)


def test_times_of_another_run_beside_the_log_are_refused(capture_text, tmp_path):
    (tmp_path / "x.log").write_text(capture_text("sweep_r50_fp32_b1"))
    shutil.copy(CAPTURES / "sweep_r50_fp32_b8.times.json.gz", tmp_path / "x.times.json.gz")
    assert read_samples(trtlog.parse(tmp_path / "x.log"))["latency"].source == "averages"
    shutil.copy(CAPTURES / "sweep_r50_fp32_b1.times.json.gz", tmp_path / "x.times.json.gz")
    assert read_samples(trtlog.parse(tmp_path / "x.log"))["latency"].source == "iteration times"


def test_a_warm_up_in_the_file_is_left_out(capture_text, tmp_path):
    """Files until 8.4 hold the warm-up too; the log says 'Duration: 2s (+ 200ms warm up)'."""
    text = capture_text("sweep_r50_fp32_b1")
    assert "ms warm up)" in text
    rows = json.loads(gzip.decompress((CAPTURES / "sweep_r50_fp32_b1.times.json.gz").read_bytes()))
    early = [{**row, "startComputeMs": n + 1.0, "computeMs": 9.0} for n, row in enumerate(rows[:50])]
    (tmp_path / "x.log").write_text(text)
    (tmp_path / "x.times.json").write_text(json.dumps(early + rows))
    samples = read_samples(trtlog.parse(tmp_path / "x.log"))
    assert samples["gpu_compute_time"].source == "iteration times"
    assert len(samples["gpu_compute_time"].values) == len(rows) == 3014


def test_a_tail_of_few_disturbed_inferences_is_no_change(capture_text):
    """One run of a steady engine has a p99 of 2.2 times the median, its repeat one of 1.02 times."""
    text = capture_text("graph32_0")
    tail = re.compile(r"(\[I\] (?:Latency|GPU Compute Time): .*percentile\(99%\) = )([0-9.]+)")
    longer = tail.sub(lambda found: f"{found[1]}{2.2 * float(found[2]):.6g}", text)
    assert longer != text
    rows = compare_performance(trtlog.parse(longer.encode()), trtlog.parse(capture_text("graph32_1").encode()))
    assert judged(rows, stat="p99")["verdict"] == judged(rows)["verdict"] == "same"
    # All inferences longer by two fifths have a longer p99 too.
    slower = trtlog.parse(scaled(text, 1.4).encode())
    assert judged(compare_performance(slower, load("graph32_1")), stat="p99")["verdict"] == "faster"
