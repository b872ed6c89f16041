"""What of a difference between a build and its lock lies within what identical rebuilds differ by.

Rebuilds of one model choose other tactics and other formats where the builder's timings do not tell them apart, and
run slower or faster with the machine. The evidence is the build's own log: it timed the locked tactic too, and its
timings say which choices were open (:mod:`trtlog.analyses.layer.risk`). Where a log has no such timings nothing is
excused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from trtlog._util.words import percent, significant
from trtlog.analyses.compare.performance import MeasuredRun
from trtlog.analyses.compare.significance import Value, judge
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.risk import flip_risk_by, timing_noise
from trtlog.analyses.layer.timing_noise import TimingNoise
from trtlog.log import Log

# A network has a hundred layers with some hundred candidates: of so many timings some are off by this many
# deviations.
_DEVIATIONS = 3.0
# Other formats within noise: this build takes them in one of twenty draws and more.
_OPEN = 0.05


class Noise:
    """What one build's log says of its own noise.

    Parameters
    ----------
    log : Log
        A log of one run.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    @cached_property
    def _run(self) -> MeasuredRun:
        return MeasuredRun.of(self._log)

    @cached_property
    def _timings(self) -> TimingNoise:
        return timing_noise(layers_of(self._log))  # of all tactics: once a build, not once a layer

    @cached_property
    def _risks(self) -> Mapping[str, Mapping[str, Any]]:
        rows = flip_risk_by(layers_of(self._log), self._timings).to_pylist()
        return {row["layer"].strip(): row for row in rows if row["flip_probability"] is not None}

    def tactic(self, layer: Layer, slower_percent: float | None, locked_ms: float | None) -> str | None:
        """Return why another tactic of the same formats is no more than noise; None where it is, or nothing tells.

        Either this build timed the locked tactic about as fast as its own; or it runs its own about as fast as the
        locked build ran the locked one, and only its timing of that was disturbed.

        Parameters
        ----------
        layer : Layer
            The layer of this build.
        slower_percent : float or None
            How much slower this build timed the locked tactic; below 0 it was faster.
        locked_ms : float or None
            The locked build's time of the locked tactic.
        """
        if layer.tactic_ms is None:
            return None
        deviation = self._timings.disturbed(layer.tactic_ms, layer.converts)
        limit = _DEVIATIONS * 2**0.5 * float(deviation)
        length, most = significant(1000 * layer.tactic_ms), percent(100 * math.expm1(limit))
        words = f"two timings of {length} us differ by up to {most}"
        if slower_percent is not None and abs(math.log1p(slower_percent / 100)) <= limit:
            return f"{words} from build to build"
        if locked_ms and layer.tactic_ms <= locked_ms * math.exp(limit):
            times = f"it takes {layer.tactic_ms:.4g} ms, the locked one took {locked_ms:.4g} ms in its build"
            return f"{times}, and {words}"
        return None

    def formats(self, name: str) -> str | None:
        """Return why other formats of a layer, or another conversion, are no more than noise."""
        risk = self._risks.get(name.strip())
        if risk is None or (risk["format_probability"] or 0.0) < _OPEN:
            return None
        chance = f"{100 * risk['format_probability']:.0f}%"
        return f"by this build's timings other formats are as fast: a rebuild takes them with a probability of {chance}"

    def timed_in(self, layer: Layer, expected: Layer) -> bool:
        """Whether this build timed a candidate with the formats that the lock has."""
        wanted = (*expected.input_formats, "->", *expected.output_formats)
        return any(candidate.formats == wanted for candidate in layer.candidates)

    def figure(self, metric: str, stat: str, locked: float, found: float) -> str | None:
        """Return why a figure of the performance is no worse than runs of one engine differ by."""
        deviation = self._run.deviation(metric, stat)
        if deviation is None or locked <= 0 or found <= 0:
            return None
        judged = judge([Value(locked, deviation)], [Value(found, deviation)], self._run.by_host(metric))
        if judged.real:
            return None
        reason = self._run.regime.reason
        return f"runs of one engine differ by {percent(judged.limit_percent)}{': ' if reason else ''}{reason}"
