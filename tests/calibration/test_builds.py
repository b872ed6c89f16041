"""Flips are foretold as often as they are seen, also with noise that was measured on the other network's builds."""

import pytest

from tests.calibration import builds
from tests.calibration.__main__ import curves
from tests.conftest import each
from trtlog.analyses.layer.timing_noise import BLOCK, OWN, TimingNoise


def other(name):
    return next(each for each in builds.SETS if each != name)


def test_the_curve_is_the_measured_one():
    """Within a factor of two of either network where it has fifty tactics of a length, and between 5 and 100 us."""
    checked = 0
    for names in each(builds.SETS.values()):
        own, _, counts = builds.deviations(names)
        for measured, used, count in each(list(zip(own, OWN, counts, strict=True))[1:6]):
            if count >= 50:
                checked += 1
                assert measured / 2 <= used <= 2 * measured, (measured, used)
    assert checked == 10
    assert list(OWN) == sorted(OWN, reverse=True)
    assert list(BLOCK) == sorted(BLOCK, reverse=True)


@pytest.mark.parametrize("source", ["in use", "other network"])
@pytest.mark.parametrize("name", builds.SETS)
def test_as_many_flips_are_foretold_as_seen(name, source):
    noise = None if source == "in use" else TimingNoise(curves=curves(other(name)))
    p, y, layers = builds.foretold(builds.SETS[name], noise)
    assert sum(y) == {"conv, FP16": 183, "ResNet-50, FP32": 26}[name]
    assert abs(sum(p) - sum(y)) <= 2 * builds.scatter(p, y, layers)
    share = sum(y) / len(y)
    # Better than telling each choice the share of all that flip.
    assert builds.brier(p, y) < share * (1 - share)


def test_likely_flips_are_likely():
    for names in each(builds.SETS.values()):
        p, y, layers = builds.foretold(names)
        groups = [group for group in builds.reliability(p, y, layers) if group[2] >= 20]
        for low, high, _, foretold, seen, off in each(groups):
            assert abs(foretold - seen) < 0.15, (low, high, foretold, seen)
            assert abs(foretold - seen) <= 2 * off or abs(foretold - seen) < 0.02, (low, high, foretold, seen, off)


def test_flips_of_the_rebuild_counted_in_the_text():
    """Six of the kernels that both builds timed have another tactic; counted from the engine's own lines."""
    first, second = (
        {x["layer"]: x["tactic"] for x in builds.rows_of_engine(name)} for name in builds.SETS["ResNet-50, FP32"]
    )
    rows = builds.parsed("resnet50_fp32_verbose").analyze.table("flip_risk").to_pylist()
    own = [r for r in rows if r["flip_probability"] is not None and not r["timed_as"] and r["layer"][0] == "/"]
    changed = [r for r in own if first[r["layer"]] != second[r["layer"]]]
    assert (len(own), len(changed)) == (30, 6)
    assert min(r["flip_probability"] for r in changed) > 0.1
    steady = [r["flip_probability"] for r in own if r not in changed]
    assert sum(steady) / len(steady) < 0.2 < sum(r["flip_probability"] for r in changed) / len(changed)
