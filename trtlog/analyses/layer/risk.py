"""The risk that each choice of an engine flips in the next build, read from a log's timings."""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import median_of
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.flips import FAR, EngineChoices, LayerChoice, Risk, TimedFormats, flip_risks
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.timed import Timed, timed_rows
from trtlog.analyses.layer.timing_noise import DISTURBED, DISTURBED_SHARE, MEASURED_ON, TimingNoise
from trtlog.analyses.layer.timings import same_format
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.values.formats import decode_format, split_formats

# A conversion this long scatters for no other reason than the machine.
_LONG_MS = 0.03
_FEW = 8


@record(frozen=True)
class FlipRisk(Record):
    """How likely the next build chooses otherwise for a layer of the engine."""

    run: int = run_column()
    layer: str = column("name", "layer of the engine")
    tactic: str | None = column("name", "id of the tactic in use")
    kernel: str | None = column("name", "its kernel, else its runner")
    time_ms: float | None = column("float64", "its time", "ms")
    margin_percent: float | None = column("float64", "how much slower the next candidate of the same formats is", "%")
    noise_percent: float | None = column(
        "float64", "deviation that 90 % of repeated timings of this length, side by side, stay within", "%"
    )
    tactic_probability: float | None = column(
        "float64", "that another tactic of the same formats comes out fastest in the next build"
    )
    format_probability: float | None = column("float64", "that other formats are taken in the next build")
    flip_probability: float | None = column(
        "float64", "that the next build takes another tactic or other formats; null where because says why"
    )
    timed_as: str | None = column("name", "the equal layer whose timing stands for it; both flip together")
    because: str | None = column("text", "why there is no probability, or what it leaves out")
    line: int | None = line_column("the time")


def flip_risk(layers: Layers) -> pa.Table:
    """Return the risk of each choice of the engine, the most likely to flip first."""
    return flip_risk_by(layers, timing_noise(layers))


def flip_risk_by(layers: Layers, noise: TimingNoise) -> pa.Table:
    """Return the answer of :func:`flip_risk` for a given noise."""
    listed = [layer for layer in layers.layers if layer.row is not None]
    if not listed:
        return answer(FlipRisk, [])
    reader = _Reader(layers.timed_tactics, listed, layers.engine)
    risks = flip_risks(reader.network, noise)
    out = []
    for position, layer in enumerate(listed):
        if layer.tactic is not None and layer.type not in ("Constant", "NoOp"):
            out.append(_row(layer, position, reader, risks.get(reader.key(position, layer)), noise))
    out.sort(key=lambda row: (row["run"], -(row["flip_probability"] or 0.0)))
    return answer(FlipRisk, out)


def timing_noise(layers: Layers) -> TimingNoise:
    """Return the noise of a log's timings: the measured curve, and what its long conversions scatter by."""
    names = ("run", "runner", "tactic", "input_formats", "output_formats", "time_ms", "kind")
    groups: dict[tuple[Any, ...], array[float]] = {}
    for *key, time, kind in timed_rows(layers.log.table("tactics"), *names):
        if kind == "reformat" and None not in key:
            groups.setdefault(tuple(key), array("d")).append(time)
    times, middles = array("d"), array("d")
    for group in groups.values():
        middle = median(group)
        if len(group) > 1 and middle >= _LONG_MS:
            times += group
            middles += array("d", [middle]) * len(group)
    own = 0.0
    if len(times) >= _FEW:
        with np.errstate(all="ignore"):  # a log may print nan and inf
            own = 1.4826 * median_of(np.abs(np.log(np.array(times) / np.array(middles))))
    return TimingNoise(layers.log.build.avg_timing, own)


def measured_here(layers: Layers) -> bool:
    """Return whether the log is of the GPU that the noise was measured on."""
    device = layers.log.device
    return device is not None and device.name is not None and MEASURED_ON in device.name


# By how much the timing in use may be longer for being disturbed, and how often: the normal distribution in thirds.
_DISTURBED = ((1 - DISTURBED_SHARE, 0.0), *((DISTURBED_SHARE / 3, DISTURBED * part) for part in (0.2, 0.7, 1.4)))
# More rivals than these make no difference.
_RIVALS = 200
# Time, line, runner and tactic of the fastest of a combination.
_Best: TypeAlias = tuple[float, int, Any, Any]


def combination_risks(tactics: pa.Table, noise: TimingNoise, lines: Collection[int]) -> dict[int, float]:
    """Return how likely the winner of a combination of formats is another one in the next build.

    Parameters
    ----------
    tactics : pyarrow.Table
        Table ``tactics``.
    lines : collection of int
        Lines of the winners' times that are asked for.

    Returns
    -------
    dict
        Line of the winner's time -> probability.
    """
    names = ("run", "engine", "layer", "input_formats", "output_formats", "runner", "tactic", "time_ms", "line", "kind")
    groups: dict[Any, tuple[_Best, dict[Any, float]]] = {}
    for run, engine, layer, inputs, outputs, runner, tactic, time, line, kind in timed_rows(tactics, *names):
        if kind == "reformat":
            continue
        key = (run, engine, layer, inputs, outputs)
        best, times = groups.get(key, (None, {}))
        if best is None or time < best[0]:
            groups[key] = ((time, line, runner, tactic), times)
        times[runner, tactic] = min(time, times.get((runner, tactic), float("inf")))
    risks: dict[int, float] = {}
    for (time, line, *own), times in groups.values():
        if line in lines:
            risks[line] = _risk_alone(time, [other for key, other in times.items() if key != tuple(own)], noise)
    return risks


def tactic_risk(rows: Sequence[Mapping[str, Any]], used: Mapping[str, Any], noise: TimingNoise) -> float:
    """Return how likely another of the tactics that were timed for one layer and its formats is fastest next time.

    Parameters
    ----------
    rows : sequence of mapping
        Timed tactics of one combination of formats, the one in use among them.
    used : mapping
        The one in use.
    """
    rivals: dict[Any, float] = {}
    for row in rows:
        key = row["runner"], row["tactic"]
        if key != (used["runner"], used["tactic"]):
            rivals[key] = min(row["time_ms"], rivals.get(key, math.inf))
    return _risk_alone(used["time_ms"], rivals.values(), noise, used["kind"] == "reformat")


def _risk_alone(own: float, rivals: Iterable[float], noise: TimingNoise, conversion: bool = False) -> float:
    """Return how likely one of some rivals is faster next time than what takes so long now.

    By summation over what the timing in use may be, not by drawing: for a choice alone, without numpy's generators.
    """
    near = sorted(time for time in rivals if time <= FAR * own)[:_RIVALS]
    if not near:
        return 0.0
    # Both the timings of the log and the next ones are off.
    deviation, *deviations = (math.sqrt(2) * noise.own([own, *near], conversion)).tolist()
    margins = [(math.log(time / own), math.sqrt(2) * wide) for time, wide in zip(near, deviations, strict=True)]
    kept = 0.0
    for weight, longer in _DISTURBED:
        for step in range(-12, 13):
            density = weight * math.exp(-step * step / 32) / math.sqrt(32 * math.pi)
            start = longer + step / 4 * deviation
            kept += density * math.prod(1 - math.erfc((margin - start) / wide) / 2 for margin, wide in margins)
    return max(0.0, 1 - kept)


def _row(layer: Layer, position: int, reader: _Reader, risk: Risk | None, noise: TimingNoise) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(FlipRisk.__dataclass_fields__)
    row |= {"run": layer.run, "layer": layer.layer, "tactic": layer.tactic, "line": layer.line}
    timed = reader.timed(layer, position)
    if timed is None or risk is None:
        row["because"] = (
            "the log has no timing of it: the timing cache had the result, nothing was to choose, or the lines were "
            "left out"
        )
        return row
    tactic, kernel, time_ms, others, line = timed
    conversion = reader.network.choices[reader.key(position, layer)].conversion
    if reader.is_shortened(layer):
        because = "lines of its timing were left out of the log: what else was timed is not known"
        return row | {"tactic": tactic, "kernel": kernel, "time_ms": time_ms, "because": because, "line": line}
    margin = 100 * (min(others) / time_ms - 1) if others and time_ms else None
    return row | {
        "tactic": tactic,
        "kernel": kernel,
        "time_ms": time_ms,
        "margin_percent": margin,
        "noise_percent": noise.percent_at(time_ms, conversion),
        "tactic_probability": risk.tactic,
        "format_probability": risk.formats,
        "flip_probability": risk.either,
        "timed_as": layer.timed_as,
        "because": "moves of more than two neighbours at once are left out" if risk.formats > 0.01 else None,
        "line": line,
    }


class _Reader:
    """The network of one engine, out of its timings."""

    def __init__(self, pool: Sequence[Timed], layers: Sequence[Layer], engine: int | None) -> None:
        self._layers = layers
        self._pool = pool
        own = [row for row in pool if engine is None or row["engine"] == engine] or pool
        self._groups: dict[str, list[Timed]] = {}
        self._conversions: dict[tuple[str, str], list[Timed]] = {}
        shortest: dict[tuple[str, str], dict[str, float]] = {}  # by formats and layer
        for row in own:
            layer, sides = row["layer"], (row["input_formats"], row["output_formats"])
            if layer is not None:
                self._groups.setdefault(layer, []).append(row)
            if row["kind"] == "reformat" and None not in sides:
                self._conversions.setdefault(sides, []).append(row)
                if layer is not None:
                    times = shortest.setdefault(sides, {})
                    times[layer] = min(row["time_ms"], times.get(layer, float("inf")))
        self._converted: dict[int, list[Timed]] = {}
        self._copies = self._trace()
        choices = self._choices()
        borders = self._borders(choices)
        choices |= self._conversion_choices(choices, borders)
        taken = {sides: median(times.values()) for sides, times in shortest.items()}
        self.network = EngineChoices(choices, taken, borders)

    @staticmethod
    def key(position: int, layer: Layer) -> Any:
        """Return what names the choice of a layer: the timing that it uses, which equal layers share."""
        beside = layer.timing.row is None or _is_copy(layer)
        return ("conversion", position) if beside else layer.timing.row

    def timed(self, layer: Layer, position: int) -> tuple[str, str | None, float, list[float], int] | None:
        """Return tactic, kernel, time and line of a choice, and the times of the others of its formats."""
        if layer.timing.row is None or _is_copy(layer):
            rows = self._converted.get(position, [])
            same = [other for other in rows if other["tactic"] == layer.tactic]
            if not same:
                return None
            row, others = same[0], [other for other in rows if other["tactic"] != layer.tactic]
        else:
            row = self._pool[layer.timing.row]
            if row["layer"] not in self._groups:
                return None
            formats = row["input_formats"], row["output_formats"]
            others = [
                other
                for other in self._groups[row["layer"]]
                if None not in formats
                and (other["input_formats"], other["output_formats"]) == formats
                and (other["tactic"], other["runner"]) != (row["tactic"], row["runner"])
            ]
        times = [other["time_ms"] for other in others]
        return row["tactic"], row["kernel"] or row["runner"], row["time_ms"], times, row["line"]

    def is_shortened(self, layer: Layer) -> bool:
        """Tell whether lines of the timing that a layer uses, in its formats, were left out of the log."""
        if layer.timing.row is None:
            return False
        row = self._pool[layer.timing.row]
        formats = row["input_formats"], row["output_formats"]
        return any(
            other["left_out"] and (other["input_formats"], other["output_formats"]) == formats
            for other in self._groups.get(row["layer"], [])
        )

    # ------------------------------------------------------------------ tensors
    def _trace(self) -> dict[str, str]:
        """Return tensors that conversions write -> the tensor that they are a copy of."""
        copies = {}
        for layer in self._layers:
            # A NoOp of that name copies nothing, and still names the tensor anew.
            if layer.converts or _is_copy(layer):
                for before, after in zip(_names(layer, "inputs"), _names(layer, "outputs"), strict=False):
                    if before != after:
                        copies[after] = before
        return copies

    def _root(self, tensor: str) -> str:
        seen = set()
        while tensor in self._copies and tensor not in seen:
            seen.add(tensor)
            tensor = self._copies[tensor]
        return tensor

    # ------------------------------------------------------------------ choices
    def _choices(self) -> dict[Any, LayerChoice]:
        out: dict[Any, LayerChoice] = {}
        for layer in self._layers:
            used = layer.timing.row
            if used is None or layer.timing.borrowed or used in out or _is_copy(layer):
                continue
            row = self._pool[used]
            group = self._groups.get(row["layer"])
            if group is None:
                continue
            out[used] = LayerChoice(
                used,
                _combinations(group),
                _formats(row["input_formats"], row["output_formats"]),
                (row["runner"], row["tactic"]),
                tuple(self._root(t) for t in _names(layer, "inputs")),
                tuple(_names(layer, "outputs")),
                conversion=row["kind"] == "reformat",
            )
        return out

    def _borders(self, choices: Mapping[Any, LayerChoice]) -> dict[str, str]:
        """Return the formats that the network's inputs and outputs have outside of it."""
        borders: dict[str, str] = {}
        kernels = [choice for choice in choices.values() if not choice.conversion]
        written = {t for choice in kernels for t in choice.outputs}
        read = {t for choice in kernels for t in choice.inputs}
        for choice in kernels:
            for side, tensors, others in ((0, choice.inputs, written), (1, choice.outputs, read)):
                for place, tensor in enumerate(tensors):
                    if tensor not in others and place < len(choice.used[side]):
                        borders.setdefault(tensor, choice.used[side][place])
        for layer in self._layers:
            if not layer.converts:
                continue
            for before, after in zip(layer.operands("inputs"), layer.operands("outputs"), strict=False):
                root = self._root(before["name"])
                if root in borders:
                    at_input = root not in written
                    found = self._timed_conversion(before["format"], after["format"], borders[root], at_input)
                    if found is not None:
                        borders[root] = found[0] if at_input else found[1]
        return borders

    def _timed_conversion(self, before: str | None, after: str | None, known: str, at_input: bool) -> Any:
        """Return the timed conversion whose formats are those of an engine's layer, one of them known with strides."""
        for key in self._conversions:
            if key[1 if at_input else 0] == known and _is(key[0], before) and _is(key[1], after):
                return key
        return None

    def _conversion_choices(
        self, choices: Mapping[Any, LayerChoice], borders: Mapping[str, str]
    ) -> dict[Any, LayerChoice]:
        """Return the conversions of the engine as choices among the ways to convert."""
        formats = dict(borders)
        for choice in choices.values():
            formats |= dict(zip(choice.outputs, choice.used[1], strict=False))
        out: dict[Any, LayerChoice] = {}
        for position, layer in enumerate(self._layers):
            if not layer.converts or not _is_copy(layer):
                continue
            sides = [next(iter(layer.operands(side)), None) for side in ("inputs", "outputs")]
            if sides[0] is None or sides[1] is None:
                continue
            known = formats.get(self._root(sides[0]["name"]))
            keys = [
                key
                for key in self._conversions
                if (known is None or key[0] == known)
                and _is(key[0], sides[0]["format"])
                and _is(key[1], sides[1]["format"])
            ]
            if not keys:
                continue
            group = self._conversions[keys[0]]
            group = [row for row in group if row["layer"] == group[0]["layer"]]
            self._converted[position] = group
            used = _formats(*keys[0])
            name = ("conversion", position)
            ways = TimedFormats(tuple(row["tactic"] for row in group), tuple(row["time_ms"] for row in group))
            out[name] = LayerChoice(
                name,
                {used: ways},
                used,
                layer.tactic,
                (self._root(sides[0]["name"]),),
                (self._root(sides[0]["name"]),),
                conversion=True,
            )
        return out


def _combinations(group: Iterable[Timed]) -> dict[Any, TimedFormats]:
    found: dict[Any, dict[Any, float]] = {}
    for row in group:
        times = found.setdefault(_formats(row["input_formats"], row["output_formats"]), {})
        key = row["runner"], row["tactic"]
        times[key] = min(row["time_ms"], times.get(key, float("inf")))
    return {formats: TimedFormats(tuple(times), tuple(times.values())) for formats, times in found.items()}


@lru_cache(maxsize=65536)
def _formats(inputs: str | None, outputs: str | None) -> Any:
    return tuple(split_formats(inputs or "")), tuple(split_formats(outputs or ""))


def _is_copy(layer: Layer) -> bool:
    """Whether the engine put it between two layers, to bring a tensor from the formats of one to those of the other."""
    return layer.role.startswith("reformat")


def _names(layer: Layer, side: str) -> list[str]:
    return [operand["name"] for operand in layer.operands(side)]


def _is(timed: str, engine: str | None) -> bool:
    """Whether a timed format (strides) can be the one that the engine's layer has (dimensions or words)."""
    ours, theirs = decode_format(timed), decode_format(engine, dims=True) if engine else None
    return ours is not None and theirs is not None and same_format(ours, theirs)
