"""The same tactic timed in two builds tells a slower machine from a worse choice.

Both builds time mostly the same tactics. The ratio of the two timings of one tactic has nothing to do with
which was chosen: its median over all common tactics is how much faster or slower the machine was while the
test build ran (clocks, temperature, other work), and the scatter around it is the typical noise
of the builder's timings, outliers aside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from statistics import median
from typing import Any, TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.words import significant
from trtlog.analyses.compare.align import Pair
from trtlog.analyses.compare.performance import change_percent
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.timing_noise import TimingNoise
from trtlog.analyses.layer.timings import TacticTime

MIN_COMMON = 5
TIE_PERCENT = 2.0  # below, the builder's own averaging does not settle which tactic is faster
# Returns the noise of the timings of control and test, for which it goes over all their tactics.
Noises: TypeAlias = Callable[[], Sequence[TimingNoise]]


@dataclass(frozen=True)
class Machine:
    """What the common tactics tell.

    Parameters
    ----------
    common : int
        Number of tactics that both builds timed, for the same layer and formats.
    shift_percent : float or None
        By how much the test build's timings are longer, median over the common tactics; None below 5.
    noise_percent : float or None
        Typical scatter of a ratio around that shift, over all tactics, outliers aside: 1.4826 times the median absolute
        deviation, which is one standard deviation where the noise is normal. None below 5.
    """

    common: int
    shift_percent: float | None = None
    noise_percent: float | None = None


def candidate_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Return the tactics that both builds timed: one row a layer, runner, tactic and formats.

    Where a build timed one tactic several times, the shortest time counts, as for the builder. A layer that
    took over another layer's timing is left out.
    """
    rows = []
    for pair in pairs:
        if len(pair.control) != 1 or len(pair.test) != 1 or pair.control[0].timed_as or pair.test[0].timed_as:
            continue
        ours, theirs = by_key(pair.control[0]), by_key(pair.test[0])
        for key, control in ours.items():
            test = theirs.get(key)
            if test is not None:
                rows.append(
                    {
                        "layer": pair.test[0].layer,
                        "runner": test.runner,
                        "tactic": test.tactic,
                        "kernel": test.kernel,
                        "formats": test.raw_formats,
                        "control_ms": control.time_ms,
                        "test_ms": test.time_ms,
                        # A time that rounds to 0 says nothing of the machine.
                        "ratio": test.time_ms / control.time_ms if control.time_ms and test.time_ms else None,
                    }
                )
    return rows


def _key(candidate: TacticTime) -> tuple[str | None, ...]:
    return candidate.runner, candidate.tactic, candidate.kernel, candidate.raw_formats


def by_key(layer: Layer) -> dict[tuple[str | None, ...], TacticTime]:
    """Return a layer's fastest timing of each runner, tactic, kernel and combination of formats.

    None for a conversion that the builder added: one timing stands for all equally large tensors and would count again.
    """
    found: dict[tuple[str | None, ...], TacticTime] = {}
    for candidate in () if layer.role.startswith("reformat") else layer.candidates:
        key = _key(candidate)
        if key not in found or candidate.time_ms < found[key].time_ms:
            found[key] = candidate
    return found


def machine(rows: Sequence[dict[str, Any]]) -> Machine:
    """Return shift and noise of the common tactics.

    Examples
    --------
    >>> found = machine([{"ratio": r} for r in (1.09, 1.10, 1.10, 1.11, 1.30)])
    >>> found.common, round(found.shift_percent, 1), round(found.noise_percent, 2)
    (5, 10.0, 1.35)
    """
    logs = [math.log(row["ratio"]) for row in rows if row["ratio"]]
    if len(logs) < MIN_COMMON:
        return Machine(len(logs))
    middle = median(logs)
    deviation = 1.4826 * median(abs(value - middle) for value in logs)
    return Machine(len(logs), 100 * math.expm1(middle), 100 * math.expm1(deviation))


def layer_shifts(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the median ratio of each layer's common tactics, test by control."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row["ratio"]:
            ratios.setdefault(row["layer"], []).append(row["ratio"])
    return {layer: median(values) for layer, values in ratios.items()}


def tactic_rows(pairs: Iterable[Pair], found: Machine, noises: Noises) -> list[dict[str, Any]]:
    """Return the layers whose tactic changed, each with the margins in both builds and what follows.

    Equal changes of layers that share one timing are one row. The noises are asked for where a margin is near them.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for pair in pairs:
        if len(pair.control) != 1 or len(pair.test) != 1:
            continue
        control, test = pair.control[0], pair.test[0]
        if control.role == "constant" or not _tactic_changed(control, test):
            continue
        row = tactic_row(control, test, found, noises)
        shared = control.timed_as or test.timed_as
        key = (control.timed_as or control.layer, test.timed_as or test.layer, control.tactic, test.tactic)
        if key in rows:
            rows[key]["layers"] += 1
            if not shared:
                rows[key] |= row | {"layers": rows[key]["layers"]}
        else:
            rows[key] = row
    cost = [abs((row["test_ms"] or 0) - (row["control_ms"] or 0)) * row["layers"] for row in rows.values()]
    return [row for _, row in sorted(zip(cost, rows.values(), strict=True), key=lambda item: -item[0])]


def _tactic_changed(control: Layer, test: Layer) -> bool:
    if control.tactic is None or test.tactic is None or "NoOp" in (control.type, test.type):
        return False  # a NoOp runs none
    return (control.tactic, control.type) != (test.tactic, test.type)


def tactic_row(control: Layer, test: Layer, found: Machine, noises: Noises) -> dict[str, Any]:
    """Return the tactics of a layer in both builds, and each build's time of the other's choice."""
    ours, theirs = timing_of(control), timing_of(test)
    crossed = _lookup(test.candidates, ours), _lookup(control.candidates, theirs)
    row: dict[str, Any] = {
        "layer": test.layer,
        "control_tactic": control.tactic,
        "test_tactic": test.tactic,
        "control_kernel": control.kernel,
        "test_kernel": test.kernel,
        "control_ms": control.tactic_ms,
        "test_ms": test.tactic_ms,
        "control_tactic_in_test_ms": crossed[0],
        "test_tactic_in_control_ms": crossed[1],
        "control_margin_percent": change_percent(control.tactic_ms, crossed[1]),
        "test_margin_percent": change_percent(test.tactic_ms, crossed[0]),
        "noise_percent": found.noise_percent,
        "machine_percent": change_percent(control.tactic_ms, crossed[0]),
        "choice_percent": change_percent(crossed[0], test.tactic_ms),
        "layers": 1,
    }
    row["verdict"], row["reason"] = _judge(row, control, test, found, noises)
    return row


def noises_of(engines: Sequence[Layers]) -> Noises:
    """Return what gives the noise of each engine's timings, computed when it is first asked for."""

    @cache
    def noises() -> list[TimingNoise]:
        from trtlog.analyses.layer.risk import timing_noise  # loaded only where a changed tactic takes it

        return [timing_noise(engine) for engine in engines]

    return noises


def usual_margin(control: Layer, test: Layer, noises: Iterable[TimingNoise]) -> float:
    """Return what equally fast tactics as short as those of two builds differ by in the noisier one, in percent."""
    sides = zip(noises, (control, test), strict=True)
    return max(noise.margin_at(side.tactic_ms, side.converts) for noise, side in sides if side.tactic_ms is not None)


def _judge(row: dict[str, Any], control: Layer, test: Layer, found: Machine, noises: Noises) -> tuple[str, str]:
    """Return the verdict on a changed tactic, and the reason in words."""
    if row["control_ms"] is None or row["test_ms"] is None:
        return "unknown", "the log of a build has no timing of its tactic"
    if (control.input_formats, control.output_formats) != (test.input_formats, test.output_formats):
        words = f"other formats: {formats_text(control)} before, {formats_text(test)} now"
        if control.precision != test.precision:
            words = f"other precision: {control.precision} before, {test.precision} now"
        return "formats", words
    ours, theirs, noise = row["control_margin_percent"], row["test_margin_percent"], found.noise_percent
    if ours is None or theirs is None:
        missing = [
            f"{side} did not time {whose}'s tactic"
            for side, whose, margin in (("control", "test", ours), ("test", "control", theirs))
            if margin is None
        ]
        return "not timed", "; ".join(missing)
    margins = f"margin {ours:.1f}% in control, {theirs:.1f}% in test"
    if ours < 0 or theirs < 0:
        # A build that runs what it did not find fastest weighed something else, such as a reformat.
        return ("better" if ours < 0 else "worse"), f"{margins}: both builds found the same one faster"
    if noise is None:
        return "unknown", f"{margins}; too few common tactics to know the noise"
    if max(ours, theirs) <= max(TIE_PERCENT, 2 * noise):
        return "tie", f"{margins}: too close to call, either may win"
    # The scatter is that of all tactics, of which many are long; short ones differ by more.
    usual = usual_margin(control, test, noises())
    if max(ours, theirs) <= usual:
        shortest = min(row["control_ms"], row["test_ms"])
        length = f"equally fast ones of {significant(1000 * shortest)} us differ by {usual:.1f}%"
        return "tie", f"{margins}: too close to call, either may win; {length}"
    return "unstable", f"{margins}: the builds contradict each other; {_outlier(row, found)}"


def _outlier(row: Mapping[str, Any], found: Machine) -> str:
    """Return in words which tactic's time differs most between the builds."""
    shift = found.shift_percent or 0.0
    moved = [
        (abs(change - shift), f"{whose}'s tactic took {before:.5g} ms in control and {after:.5g} ms in test")
        for whose, before, after in (
            ("control", row["control_ms"], row["control_tactic_in_test_ms"]),
            ("test", row["test_tactic_in_control_ms"], row["test_ms"]),
        )
        if (change := change_percent(before, after)) is not None
    ]
    return max(moved)[1]


def formats_text(layer: Layer) -> str:
    """Return the formats of a layer in one text: ``FP16:8, FP16 -> FP16:8``."""
    return f"{', '.join(layer.input_formats)} -> {', '.join(layer.output_formats)}".strip()


def timing_of(layer: Layer) -> TacticTime | None:
    """Return the timing of the tactic that a layer uses, or of an equal layer's."""
    same = [c for c in layer.candidates if c.tactic == layer.tactic and c.time_ms == layer.tactic_ms]
    return same[0] if same else None


def _lookup(candidates: Iterable[TacticTime], wanted: TacticTime | None) -> float | None:
    """Return the other build's time of a tactic with the same runner, kernel and formats."""
    if wanted is None:
        return None
    return min((c.time_ms for c in candidates if _key(c) == _key(wanted)), default=None)
