"""How likely the next build of the same model chooses otherwise, for each choice that the engine uses.

The next build is drawn a thousand times: each timing of the log is redrawn with the noise of two timings of its
length (:mod:`timing_noise`; two, as the log's own timing is off by as much as the next one will be). A choice flips
where another tactic of the same formats comes out fastest, or where other formats do: alternatives for one layer, and
for two neighbours at once, with the conversions that they need at their borders, at the times that the log gives for
these conversions. An alternative that looked faster already in this log, and was not taken, counts as even.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from trtlog._util.dataclass import dataclass
from trtlog.analyses.layer.timing_noise import CONVERSION_BLOCK, CONVERSION_OWN, DISTURBED, DISTURBED_SHARE, TimingNoise
from trtlog.values.formats import decode_format

DRAWS = 1000
SEED = 8503
# What is slower by more than this is not drawn.
FAR = 1.6
Formats: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
Draws: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TimedFormats:
    """The candidates of one layer for one combination of formats.

    Parameters
    ----------
    tactics : tuple
        What names each candidate: runner and tactic.
    times_ms : tuple of float
        Their times.
    """

    tactics: tuple[Any, ...]
    times_ms: tuple[float, ...]

    @property
    def best_ms(self) -> float:
        """The fastest."""
        return min(self.times_ms)


@dataclass(frozen=True)
class LayerChoice:
    """A layer of the engine: its combinations of formats, the one that is used, and the tensors at its borders.

    Parameters
    ----------
    name : hashable
        What names the layer.
    combinations : mapping
        Formats of inputs and outputs -> candidates.
    used : tuple
        Formats of the one that the engine uses.
    tactic : object
        What names the tactic in use.
    inputs, outputs : tuple of str
        Tensors; conversions between layers are left out, so that both sides name the same one.
    conversion : bool
        It converts between the formats of its neighbours, and is another one where these change.
    """

    name: Any
    combinations: Mapping[Formats, TimedFormats]
    used: Formats
    tactic: Any
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    conversion: bool = False

    @property
    def stands_alone(self) -> bool:
        """Whether it has no other formats, and no neighbours that could take others."""
        return len(self.combinations) == 1 and not self.inputs and not self.outputs


@dataclass(frozen=True)
class EngineChoices:
    """The choices of one engine, and what conversions between formats take.

    Parameters
    ----------
    choices : mapping
        Name -> choice.
    conversions : mapping
        Format before and after -> time in milliseconds.
    borders : mapping
        Network input or output -> the format it has outside.
    """

    choices: Mapping[Any, LayerChoice]
    conversions: Mapping[tuple[str, str], float] = field(default_factory=dict)
    borders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Risk:
    """How likely a choice flips: to another tactic of the same formats, to other formats, either."""

    tactic: float
    formats: float
    either: float


def flip_risks(network: EngineChoices, noise: TimingNoise) -> dict[Any, Risk]:
    """Return the risk of each choice.

    Examples
    --------
    >>> def two(a, b):
    ...     formats = (("Half(8,1)",), ("Half(8,1)",))
    ...     return LayerChoice("conv", {formats: TimedFormats(("x", "y"), (a, b))}, formats, "x")
    >>> even, clear = (flip_risks(EngineChoices({"conv": two(0.012, b)}), TimingNoise()) for b in (0.012, 0.013))
    >>> 0.4 < even["conv"].either < 0.6, clear["conv"].either < 0.05
    (True, True)
    """
    return _Draw(network, noise).risks()


class _Draw:
    """One network drawn :data:`DRAWS` times."""

    def __init__(self, network: EngineChoices, noise: TimingNoise) -> None:
        self.random = np.random.default_rng(SEED)
        self.network = network
        self.noise = noise
        self.writers: dict[str, tuple[Any, int]] = {}
        self.readers: dict[str, list[tuple[Any, int]]] = {}
        for name, choice in network.choices.items():
            if choice.conversion:
                continue
            for place, tensor in enumerate(choice.outputs):
                self.writers[tensor] = (name, place)
            for place, tensor in enumerate(choice.inputs):
                self.readers.setdefault(tensor, []).append((name, place))
        self._best: dict[tuple[Any, Formats], Draws] = {}
        self._fastest: dict[Any, Draws] = {}
        self._converted: dict[tuple[str, str], Draws] = {}

    def risks(self) -> dict[Any, Risk]:
        """Return the risk of each choice."""
        out = {}
        for name, choice in self.network.choices.items():
            if choice.used not in choice.combinations:
                continue
            same = self._same_tactic(choice)
            moved = self._moved_beside(choice) if choice.conversion else self._moved(choice)
            out[name] = Risk(float(1 - same.mean()), float(moved.mean()), float(1 - (same & ~moved).mean()))
        return out

    def _times(self, name: Any, formats: Formats) -> Draws:
        """Draw the time of the fastest candidate of a combination, and remember which it was for the used one."""
        key = (name, formats)
        if key not in self._best:
            choice = self.network.choices[name]
            times, near = _near(choice.combinations[formats])
            drawn = times[near] * self._factors(times[near], choice.conversion)
            self._best[key] = drawn.min(axis=1)
            if formats == choice.used:
                self._fastest[name] = near[drawn.argmin(axis=1)]
        return self._best[key]

    def _draw_alone(self, choice: LayerChoice) -> None:
        """Draw which candidate of a choice is the fastest; how fast nobody asks of one without other formats."""
        times, near = _near(choice.combinations[choice.used])
        found = self._logarithms(times[near], choice.conversion)
        found += np.log(times[near])
        self._fastest[choice.name] = near[found.argmin(axis=1)]

    def _factors(self, times: Draws, conversion: bool) -> Draws:
        """Draw what timings are multiplied by: their own noise, and that of the block, which they share."""
        found = self._logarithms(times, conversion)
        return np.exp(found, out=found)

    def _logarithms(self, times: Draws, conversion: bool) -> Draws:
        shape = (DRAWS, len(times))
        deviation = self.noise.own(times, conversion)
        found = self.random.standard_normal(shape)
        found *= deviation * np.sqrt(2)
        disturbed = np.flatnonzero(self.random.random(shape) < DISTURBED_SHARE)
        found.reshape(-1)[disturbed] += DISTURBED * np.abs(self.random.standard_normal(shape).reshape(-1)[disturbed])
        found += self.noise.block(times.min()) * np.sqrt(2) * self.random.standard_normal((DRAWS, 1))
        return found

    def _same_tactic(self, choice: LayerChoice) -> Draws:
        if choice.stands_alone:
            self._draw_alone(choice)
        else:
            self._times(choice.name, choice.used)
        combination = choice.combinations[choice.used]
        if len(combination.tactics) == 1:
            return np.ones(DRAWS, dtype=bool)
        used = [tactic == choice.tactic for tactic in combination.tactics]
        found: Draws = np.array(used)[self._fastest[choice.name]]
        return found

    # ------------------------------------------------------------------ formats
    def _moved(self, choice: LayerChoice) -> Draws:
        """Return in which draws other formats of the layer, alone or with a neighbour's, are cheaper."""
        moved = np.zeros(DRAWS, dtype=bool)
        others = [formats for formats in choice.combinations if formats != choice.used]
        if not others:
            return moved
        for formats in others:
            moved |= self._cheaper({choice.name: formats})
        for neighbour in self._neighbours(choice):
            theirs = self.network.choices[neighbour]
            for formats in others:
                for other in theirs.combinations:
                    if other != theirs.used:
                        moved |= self._cheaper({choice.name: formats, neighbour: other})
        return moved

    def _moved_beside(self, choice: LayerChoice) -> Draws:
        """Return in which draws the layers that a conversion lies between take other formats."""
        moved = np.zeros(DRAWS, dtype=bool)
        for name in self._neighbours(choice):
            if not self.network.choices[name].conversion:
                moved |= self._moved(self.network.choices[name])
        return moved

    def _neighbours(self, choice: LayerChoice) -> list[Any]:
        found = [self.writers[t][0] for t in choice.inputs if t in self.writers]
        found += [name for t in choice.outputs for name, _ in self.readers.get(t, ())]
        return [
            name
            for name in dict.fromkeys(found)
            if name != choice.name and self.network.choices[name].used in self.network.choices[name].combinations
        ]

    def _cheaper(self, change: Mapping[Any, Formats]) -> Draws:
        """Return in which draws the changed layers and the conversions at their borders take less time."""
        now = {name: self.network.choices[name].used for name in change}
        before, after = self._parts(now), self._parts(change)
        # What both need costs the same in every draw.
        common = set(before) & set(after)
        before, after = ([part for part in side if part not in common] for side in (before, after))
        seen = [self._seen(side) for side in (before, after)]
        # A conversion that was not timed, on either side, leaves nothing to compare.
        if float("inf") in seen or seen[1] > FAR * seen[0]:
            return np.zeros(DRAWS, dtype=bool)
        # The builder did not take it: what this log prices as a gain is none that it saw.
        difference = np.full(DRAWS, -min(0.0, seen[1] - seen[0]))
        for sign, parts in ((1, after), (-1, before)):
            for part in parts:
                difference += sign * self._cost(part)
        found: Draws = difference < 0
        return found

    def _parts(self, formats: Mapping[Any, Formats]) -> list[tuple[Any, ...]]:
        """Return what a choice of formats needs: the layers themselves, and conversions (tensor, before, after)."""
        parts: list[tuple[Any, ...]] = []
        for name, (inputs, outputs) in formats.items():
            choice = self.network.choices[name]
            parts.append(("layer", name, formats[name]))
            for tensor, wanted in zip(choice.inputs, inputs, strict=False):
                parts += _conversion(tensor, self._written(tensor, formats), wanted)
            for tensor, written in zip(choice.outputs, outputs, strict=False):
                readers = [(n, p) for n, p in self.readers.get(tensor, ()) if n not in formats]
                wanted_formats = {_operand(p, self.network.choices[n].used[0]) for n, p in readers}
                if not self.readers.get(tensor):
                    wanted_formats.add(self.network.borders.get(tensor))
                for other in sorted(f for f in wanted_formats if f is not None):
                    parts += _conversion(tensor, written, other)
        return list(dict.fromkeys(parts))

    def _written(self, tensor: str, formats: Mapping[Any, Formats]) -> str | None:
        if tensor not in self.writers:
            return self.network.borders.get(tensor)
        name, place = self.writers[tensor]
        used = formats.get(name, self.network.choices[name].used)
        return _operand(place, used[1])

    def _seen(self, parts: Iterable[tuple[Any, ...]]) -> float:
        """Return what parts take by the log's own timings; infinite where a conversion was not timed."""
        total = 0.0
        for part in parts:
            if part[0] == "layer":
                total += self.network.choices[part[1]].combinations[part[2]].best_ms
            else:
                total += self.network.conversions.get((part[2], part[3]), float("inf"))
        return total

    def _cost(self, part: tuple[Any, ...]) -> Draws:
        if part[0] == "layer":
            return self._times(part[1], part[2])
        key = (part[2], part[3])
        if key not in self._converted:
            deviation = np.hypot(CONVERSION_OWN, CONVERSION_BLOCK) * np.sqrt(2)
            self._converted[key] = self.network.conversions[key] * np.exp(
                deviation * self.random.standard_normal(DRAWS)
            )
        return self._converted[key]


def _near(combination: TimedFormats) -> tuple[Draws, Draws]:
    """Return the times of a combination, and the places of those that may come out fastest."""
    times = np.array(combination.times_ms)
    return times, np.flatnonzero(times <= times.min() * FAR)  # of times of 0 those of 0


def _operand(place: int, side: Sequence[str]) -> str | None:
    return side[place] if place < len(side) else None


def _conversion(tensor: str, before: str | None, after: str | None) -> list[tuple[Any, ...]]:
    if before is None or after is None or before == after or _is_free(before, after):
        return []
    return [("conversion", tensor, before, after)]


@lru_cache(maxsize=4096)
def _is_free(before: str, after: str) -> bool:
    """Whether two formats are the same bytes: of one data type and size, with a single element in each channel."""
    ours, theirs = decode_format(before), decode_format(after)
    if ours is None or theirs is None or ours.dtype != theirs.dtype:
        return False
    sides = [(format_.strides or (), format_.vector_size or 1) for format_ in (ours, theirs)]
    if not all(strides and all(isinstance(stride, int) for stride in strides) for strides, _ in sides):
        return False
    sizes = [int(strides[0]) * vector for strides, vector in sides]
    return sizes[0] == sizes[1] and any(vector == 1 and set(strides[1:]) == {1} for strides, vector in sides)
