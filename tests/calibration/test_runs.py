"""The floors between runs are those of the repeats, and hold on rows that they were not computed from."""

import pytest

from tests.calibration import runs
from trtlog.analyses.compare import floors


@pytest.mark.parametrize("kind", runs.KINDS)
def test_floors_are_the_measured_ones_rounded_up(kind):
    table = runs.KINDS[kind][0]
    for stat in ("median", "p90", "p95", "p99"):
        measured, freedom = runs.spread(kind, stat)
        assert freedom >= floors.FLOOR_FREEDOM
        assert measured <= table[stat] <= 2.5 * measured, (stat, measured)


def test_equal_engines_are_the_same():
    for row in runs.ROWS:
        _, wrong, figures = runs.called_different(row)
        assert wrong == 0, (row, figures)


def test_one_pair_in_twenty_with_its_row_left_out(monkeypatch):
    """The floors are computed anew without the row, rounded up by the same share, and its pairs are compared."""
    shares = {
        (kind, stat): table[stat] / runs.spread(kind, stat)[0]
        for kind, (table, _) in runs.KINDS.items()
        for stat in ("median", "p90", "p95", "p99")
    }
    pairs = wrong = 0
    for row in runs.ROWS:
        with monkeypatch.context() as without:
            for (kind, stat), share in shares.items():
                table = runs.KINDS[kind][0]
                measured, freedom = runs.spread(kind, stat, without=[row])
                if freedom >= 4:  # fewer say nothing: the floor in use stays
                    without.setitem(table, stat, measured * share)
                    if stat == "median" and kind == "HOST":
                        without.setitem(table, "value", measured * share)
            count, different, _ = runs.called_different(row)
        pairs += count
        wrong += different
    assert pairs == 41
    assert wrong <= pairs / 20
