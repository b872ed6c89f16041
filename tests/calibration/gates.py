"""Whether identical rebuilds and reruns pass ``check``, also by noise that was measured without them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import trtlog
from tests.calibration import builds, runs
from trtlog.analyses.layer import timing_noise

# One command each; the third run of the ResNet-50 has another one.
REBUILDS = {row: [name for name in names if "sweep" not in name] for row, names in runs.ROWS.items()}
# Rows of builds -> the tactics that their noise is measured on, when it is not their own.
_OTHERS = {"conv, FP16": "ResNet-50, FP32", "ResNet-50, FP32": "conv, FP16"}


@functools.cache
def locked(name: str) -> trtlog.Lock:
    return trtlog.lock(builds.parsed(name))


def failing(row: str, exact: bool = False) -> tuple[int, list[tuple[str, str, list[str]]]]:
    """Return how many ordered pairs a row has, and those that fail, with the rules that do."""
    pairs = list(itertools.permutations(REBUILDS[row], 2))
    failed = []
    for a, b in pairs:
        outcome = trtlog.check(builds.parsed(b), locked(a), exact=exact)
        if not outcome.passed:
            failed.append((a, b, sorted({f.rule for f in outcome.findings if f.level == "fail"})))
    return len(pairs), failed


@contextmanager
def noise_without(model: str) -> Iterator[None]:
    """Measure the floors between runs, and the deviations between builds, on the other models only."""
    kept = timing_noise.ALL
    if model in _OTHERS:
        found, counts = builds.deviations_of_all(builds.SETS[_OTHERS[model]])
        timing_noise.ALL = tuple(  # type: ignore[assignment]
            max(f, 1e-4) if n >= 20 else u for f, n, u in zip(found, counts, kept, strict=True)
        )
    try:
        with runs.floors_without(runs.MODELS[model]):
            yield
    finally:
        timing_noise.ALL = kept
