"""How far two timings of the same tactic are apart from build to build: measured on repeated builds.

The builder runs a tactic a few times and takes the mean. Built again, the same tactic gets another time. By how
much was measured on five FP16 builds of one network and two FP32 builds of a ResNet-50 (``fixtures/trt-8.5.3-h200``,
NVIDIA H200, TensorRT 8.5.3, clocks not locked, ``avgTiming`` 8): 7,474 tactics timed five times and twice.

- The deviation is a matter of length: 5 % at 5 us, 0.5 % at 12 us, 0.1 % and less from 60 us on. It is nearly the same
  in both networks, so it is taken from a curve, not from the log in question, whose own repeats are conversions:
  these scatter three times as much as kernels and say little of them.
- Timings of one block (one layer, one combination of formats, one runner) move together in part. That part does not
  change which of them is fastest; it does where blocks compete, which is the choice of formats.
- One timing in fifty was disturbed: longer by some ten percent.

``tests/calibration`` computes these figures anew.
"""

from __future__ import annotations

import math
from typing import Any

# Deviation (standard deviation of the logarithm) by length: within a block, and of a block as a whole.
LENGTHS_US = (4.5, 5.8, 8.0, 12.0, 22.0, 60.0, 200.0)
OWN = (0.058, 0.041, 0.015, 0.0055, 0.0021, 0.0009, 0.0005)
BLOCK = (0.070, 0.040, 0.015, 0.0060, 0.0030, 0.0020, 0.0010)
# The same with disturbed timings included, all in all: what a single difference has to be held against.
ALL = (0.11, 0.075, 0.045, 0.020, 0.0135, 0.006, 0.006)
DISTURBED_SHARE = 0.02
DISTURBED = 0.10
# Conversions between formats.
CONVERSION_OWN = 0.06
CONVERSION_BLOCK = 0.13
AVERAGED = 8
MEASURED_ON = "H200"
# Within so many deviations 90 % of normal values lie.
_NINETY = 1.645


class TimingNoise:
    """The noise of one log's timings.

    Parameters
    ----------
    averaged : int, optional
        Timings that the builder averages (``avgTiming``); more of them, less noise.
    own : float
        Deviation that the log's own long repeats show (conversions of 30 us and more, where length explains none
        of it); the curve is not taken below it.
    curves : tuple
        Deviations at :data:`LENGTHS_US`, within a block and of a block.
    """

    def __init__(
        self,
        averaged: int | None = None,
        own: float = 0.0,
        curves: tuple[tuple[float, ...], tuple[float, ...]] = (OWN, BLOCK),
    ) -> None:
        self._curves = curves
        self._scale = math.sqrt(AVERAGED / averaged) if averaged else 1.0
        self._least = own

    def own(self, time_ms: Any, conversion: bool = False) -> Any:
        """Return the deviation of timings of these lengths within their block."""
        found = self._curve(time_ms, self._curves[0])
        if conversion:
            import numpy as np

            return np.maximum(found, CONVERSION_OWN)
        return found

    def block(self, time_ms: Any) -> Any:
        """Return the deviation of blocks of these lengths as a whole."""
        return self._curve(time_ms, self._curves[1])

    def disturbed(self, time_ms: Any, conversion: bool = False) -> Any:
        """Return the deviation of timings of these lengths with disturbed ones included."""
        if conversion:
            return math.hypot(CONVERSION_OWN, CONVERSION_BLOCK)
        return self._curve(time_ms, ALL)

    def _curve(self, time_ms: Any, deviations: tuple[float, ...]) -> Any:
        import numpy as np

        lengths = np.log(np.maximum(np.asarray(time_ms, dtype=float), 1e-6) * 1000)
        found = np.exp(np.interp(lengths, np.log(LENGTHS_US), np.log(deviations)))
        return np.maximum(found * self._scale, self._least)

    def percent_at(self, time_ms: float, conversion: bool = False) -> float:
        """Return the deviation that 90 % of repeated timings of this length stay within beside others, in percent.

        What moves all timings of a block alike from build to build is not in it: it does not change which is fastest.

        Examples
        --------
        >>> noise = TimingNoise()
        >>> round(noise.percent_at(0.005), 1), round(noise.percent_at(0.012), 1), round(noise.percent_at(1.0), 2)
        (8.6, 0.9, 0.08)
        """
        return 100 * math.expm1(_NINETY * float(self.own(time_ms, conversion)))

    def margin_at(self, time_ms: float, conversion: bool = False) -> float:
        """Return what equally fast tactics of one block differ by, in nine of ten cases, in percent."""
        return 100 * math.expm1(_NINETY * math.sqrt(2) * float(self.own(time_ms, conversion)))

    def apart_at(self, time_ms: float) -> float:
        """Return what equally fast tactics of two blocks differ by, in nine of ten cases, in percent.

        Examples
        --------
        >>> noise = TimingNoise()
        >>> round(noise.margin_at(0.008), 1), round(noise.apart_at(0.008), 1)
        (3.6, 5.1)
        """
        deviation = math.hypot(float(self.own(time_ms)), float(self.block(time_ms)))
        return 100 * math.expm1(_NINETY * math.sqrt(2) * deviation)
