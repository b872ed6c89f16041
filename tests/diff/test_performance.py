"""Real changes are told from noise; the test statistic is checked against the exact distribution."""

from __future__ import annotations

import functools
import gzip
import json
import math
import random
import re
import shutil

import pytest

import trtlog
from tests.diff.conftest import CAPTURES
from trtlog.analyses.compare.performance import block_means, compare_performance, mann_whitney, read_samples


def verdicts(rows):
    return {row["metric"]: row["verdict"] for row in rows if row.get("verdict")}


@functools.cache
def deals(n, m, u):
    """Return in how many orders of n and m values exactly u pairs stand the wrong way round (Mann, Whitney 1947)."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return deals(n - 1, m, u - m) + deals(n, m - 1, u)


@pytest.mark.parametrize("moved", [0, 2, 4, 6])
def test_mann_whitney_against_the_exact_distribution(moved):
    theirs = [float(n) + (6 if n < 20 - moved else -30) for n in range(20)]
    ours = [n + 0.5 for n in range(20)]
    u = sum(a > b for a in ours for b in theirs)
    tail = min(u, 400 - u)
    exact = min(1.0, 2 * sum(deals(20, 20, value) for value in range(tail + 1)) / math.comb(40, 20))
    assert mann_whitney(ours, theirs) == pytest.approx(exact, rel=0.15)


def test_mann_whitney_finds_chance_as_often_as_it_should():
    source = random.Random(7)
    hits = sum(
        mann_whitney([source.gauss(1, 0.1) for _ in range(30)], [source.gauss(1, 0.1) for _ in range(30)]) < 0.05
        for _ in range(2000)
    )
    assert 60 <= hits <= 140  # 5 % of 2000 is 100


def test_block_means_keep_the_mean():
    blocks = block_means([float(n) for n in range(1003)])
    assert len(blocks) == 30
    assert math.fsum(blocks) / 30 == pytest.approx(501.0, abs=0.5)


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


def test_a_shift_of_five_percent_is_seen_and_one_of_a_tenth_is_not(capture_text):
    text = capture_text("sweep_r50_best_b32")
    control = trtlog.parse(text.encode())
    for factor, verdict in ((1.05, "slower"), (0.95, "faster"), (1.001, "same")):
        found = compare_performance(control, trtlog.parse(scaled(text, factor).encode()))
        assert verdicts(found)["gpu_compute_time"] == verdict
        [row] = [r for r in found if (r["metric"], r["stat"]) == ("gpu_compute_time", "median")]
        assert row["change_percent"] == pytest.approx(100 * (factor - 1), abs=0.01)
        assert "blocks of averages" in row["method"]


def test_a_summary_alone_is_judged_by_its_spread(capture_text):
    lines = capture_text("sweep_r50_fp32_b8").splitlines()
    text = "\n".join(line for line in lines if "Average on" not in line)
    log = trtlog.parse(text.encode())
    other = trtlog.parse(text.replace("median = 1.14404 ms", "median = 1.19404 ms").encode())
    [row] = [r for r in compare_performance(log, other) if (r["metric"], r["stat"]) == ("gpu_compute_time", "median")]
    assert row["method"] == "spread of the summary"
    assert row["p_value"] is None
    assert (row["verdict"], round(row["change_percent"], 2)) == ("slower", 4.37)


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
