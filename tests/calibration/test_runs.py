"""The floors between runs are those of the repeats, and hold on rows that they were not computed from."""

import itertools

import pytest

import trtlog
from tests.calibration import gates, runs
from tests.conftest import each
from trtlog.analyses.compare import floors
from trtlog.report.documents.diff import headline
from trtlog.report.sentences import plain


@pytest.mark.parametrize("kind", runs.KINDS)
def test_floors_are_the_measured_ones_rounded_up(kind):
    table = runs.KINDS[kind][0]
    for stat in ("median", "p90", "p95", "p99"):
        measured, freedom = runs.spread(kind, stat)
        assert freedom >= floors.FLOOR_FREEDOM
        assert measured <= table[stat] <= 2.5 * measured, (stat, measured)


def test_tails_differ_between_runs_by_the_share_in_use():
    """The largest of the measured ones, rounded up; of each kind also with any row or model left out."""
    left_out = [(), *((row,) for row in runs.ROWS), *runs.MODELS.values()]
    shares = {kind: [runs.tail_share(kind, rows)[0] for rows in left_out] for kind in runs.TAILS}
    assert max(max(found) for found in shares.values()) <= floors.TAIL_SHARE
    assert 1.25 * shares["GPU"][0] >= floors.TAIL_SHARE
    assert runs.tail_share("GPU")[1] >= 100


def test_equal_engines_are_the_same():
    for row in each(runs.ROWS):
        _, wrong, figures = runs.called_different(row)
        assert wrong == 0, (row, figures)


@pytest.mark.parametrize("left_out", [[(row,) for row in runs.ROWS], list(runs.MODELS.values())], ids=["row", "model"])
def test_one_pair_in_twenty_by_floors_of_other_runs(left_out):
    """The floors are computed anew without the row, or without all of its model, and its pairs are compared."""
    pairs = wrong = 0
    for rows in left_out:
        with runs.floors_without(rows):
            for row in rows:
                count, different, _ = runs.called_different(row)
                pairs, wrong = pairs + count, wrong + different
    assert pairs == 41
    assert wrong <= pairs / 20


def test_another_precision_is_different_by_floors_of_other_runs():
    """All but the pair at batch 1 that the host launches: 0.6558 and 0.6183 ms, trtexec itself warns of the enqueue."""
    for model in (None, *runs.MODELS):
        with runs.floors_without(runs.MODELS[model] if model else ()):
            for metric, stat in (("throughput", "value"), ("latency", "median"), ("gpu_compute_time", "median")):
                missed = runs.another_precision_missed(metric, stat)
                assert missed == [("sweep_r50_best_b1", "sweep_r50_fp32_b1")], (model, metric)


def test_engines_of_another_precision_are_never_left_the_same():
    """Where times do not tell them apart, the first sentence of the diff does."""
    pairs = runs.another_precision_missed("gpu_compute_time", "median")
    assert pairs == [("sweep_r50_best_b1", "sweep_r50_fp32_b1")]
    for pair in each(pairs):
        found = trtlog.diff(*(runs.FOLDER / f"{name}.log.gz" for name in pair))
        assert found.engines.differ is True
        assert "activation memory 3.875 MiB -> 7.744 MiB" in found.engines.evidence
        assert "built with FP32+FP16+INT8 -> FP32" in found.engines.evidence
        first = plain(headline(found)[0].words)
        assert first.startswith("engines: they differ")
        assert "their times do not differ beyond noise" in first
        assert "which is faster these runs cannot tell" in first


def test_reruns_of_one_engine_are_not_called_other_engines():
    for row in ("load", "graph", "graph32"):
        for pair in each(itertools.combinations(runs.ROWS[row][:3], 2)):
            found = trtlog.diff(*(runs.FOLDER / f"{name}.log.gz" for name in pair))
            assert found.engines.differ is not True, (pair, found.engines.evidence)


def test_rebuilds_pass_check_by_noise_of_the_other_models():
    for model, rows in each(runs.MODELS.items()):
        with gates.noise_without(model):
            for row in each(rows):
                _, failed = gates.failing(row)
                assert failed == []
