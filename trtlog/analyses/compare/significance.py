"""Whether the difference of two groups of runs is larger than runs of one engine differ among themselves.

One run a side says nothing of how runs differ; the floor measured on repeats (:mod:`floors`) stands in, widened by
what the run varies within itself. With a few runs a side floor and observed spread are weighed by their degrees of
freedom; from four degrees on (three runs a side) the observed spread decides alone, in Welch's test. All on
logarithms: noise is a share of the time, not an amount of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from trtlog._util.dataclass import dataclass
from trtlog.analyses.compare.floors import ALPHA, FLOOR_FREEDOM, HOST_ALPHA

MIN_CHANGE_PERCENT = 1.0
ENOUGH_FREEDOM = 4
# Two runs may agree by chance to the last digit printed; no spread is taken for smaller.
_SMALLEST = 0.001


@dataclass(frozen=True)
class Value:
    """One run's figure.

    Parameters
    ----------
    value : float
        The figure, above 0.
    deviation : float
        Standard deviation of its logarithm that is to be expected from run to run.
    """

    value: float
    deviation: float


@dataclass(frozen=True)
class Judgement:
    """What a comparison found.

    Parameters
    ----------
    control, test : float
        Geometric mean of the runs' figures.
    change_percent : float
        Test against control.
    p_value : float
        How often equal engines would differ by that much.
    limit_percent : float
        A change of up to that much is within noise.
    real : bool
        Whether the change is larger.
    method : str
        In words.
    """

    control: float
    test: float
    change_percent: float
    p_value: float
    limit_percent: float
    real: bool
    method: str


def judge(control: Sequence[Value], test: Sequence[Value], host: bool = False) -> Judgement:
    """Compare the runs of two sides.

    Parameters
    ----------
    control, test : sequence of Value
        A figure of each run.
    host : bool
        Whether the host decides the figure: against the floor such figures count from p < 0.02 on, others from 0.01.

    Examples
    --------
    >>> found = judge([Value(10.0, 0.01)], [Value(10.4, 0.01)])
    >>> found.real, round(found.limit_percent, 1), round(found.p_value, 3)
    (False, 4.6, 0.02)
    >>> judge([Value(x, 0.1) for x in (10.0, 10.1, 10.05)], [Value(x, 0.1) for x in (10.4, 10.5, 10.45)]).real
    True
    """
    sides = [[math.log(one.value) for one in side] for side in (control, test)]
    counts = [len(side) for side in sides]
    own = [variance(side) if len(side) > 1 else 0.0 for side in sides]
    freedom = sum(counts) - 2
    alpha = HOST_ALPHA if host and freedom < ENOUGH_FREEDOM else ALPHA
    names = f"{counts[0]} and {counts[1]} runs"
    if freedom >= ENOUGH_FREEDOM:
        if min(counts) == 1:
            pooled = max(max(own), _SMALLEST**2)
            error, degrees = math.sqrt(pooled * sum(1 / n for n in counts)), float(freedom)
            method = f"t-test over {names}, the spread of the side that has several"
        else:
            parts = [max(v, _SMALLEST**2) / n for v, n in zip(own, counts, strict=True)]
            error = math.sqrt(sum(parts))
            degrees = sum(parts) ** 2 / sum(p**2 / (n - 1) for p, n in zip(parts, counts, strict=True))
            method = f"Welch's t-test over {names}"
    else:
        floor = fmean(one.deviation**2 for one in (*control, *test))
        seen = sum(v * (n - 1) for v, n in zip(own, counts, strict=True))
        degrees = float(FLOOR_FREEDOM + freedom)
        mixed = (FLOOR_FREEDOM * floor + seen) / degrees
        error = math.sqrt(mixed * sum(1 / n for n in counts))
        method = (
            "one run a side, against the floor between runs"
            if freedom == 0
            else f"t-test over {names}, their spread and the floor between runs"
        )
    means = [fmean(side) for side in sides]
    difference = means[1] - means[0]
    p_value = student(difference / error, degrees)
    limit = max(error * critical(degrees, alpha), math.log1p(MIN_CHANGE_PERCENT / 100))
    return Judgement(
        math.exp(means[0]) if counts[0] > 1 else control[0].value,
        math.exp(means[1]) if counts[1] > 1 else test[0].value,
        100 * math.expm1(difference),
        p_value,
        100 * math.expm1(limit),
        p_value < alpha and abs(difference) >= math.log1p(MIN_CHANGE_PERCENT / 100),
        method,
    )


def student(t: float, degrees: float) -> float:
    """Return the two-sided p-value of Student's t.

    For whole degrees of freedom by the finite series (Abramowitz and Stegun 26.7.3 and 26.7.4), between them by
    interpolation over their reciprocal.

    Examples
    --------
    >>> round(student(2.228, 10), 3), round(student(12.706, 1), 3), student(0.0, 5)
    (0.05, 0.05, 1.0)
    """
    degrees = max(1.0, degrees)
    below = int(degrees)
    p_value = _student(t, below)
    if degrees > below:
        share = (1 / below - 1 / degrees) / (1 / below - 1 / (below + 1))
        p_value += share * (_student(t, below + 1) - p_value)
    return p_value


def _student(t: float, degrees: int) -> float:
    angle = math.atan(abs(t) / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    term = total = cosine if degrees % 2 else 1.0
    for k in range(3 if degrees % 2 else 2, degrees - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    rest = sine * total if degrees > 1 else 0.0
    covered = 2 / math.pi * (angle + rest) if degrees % 2 else rest
    return min(1.0, max(0.0, 1 - covered))


def critical(degrees: float, alpha: float) -> float:
    """Return the t above which the two-sided p-value is less than ``alpha``.

    Examples
    --------
    >>> round(critical(10, 0.01), 3), round(critical(4, 0.05), 3)
    (3.169, 2.776)
    """
    low, high = 0.0, 1.0
    while student(high, degrees) > alpha:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student(middle, degrees) > alpha else (low, middle)
    return high
