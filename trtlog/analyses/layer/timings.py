"""The timed tactics of a build, decoded, and which of them an engine layer uses.

``Chose Runner Type`` names the best tactic of one combination of formats. The builder then picks one combination a
layer, so that the whole network with its reformats is fastest. Which one is known only from the engine's layers: their
tactic and formats are matched with the timed ones here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, overload

import numpy as np

from trtlog._util.arrow import Array
from trtlog._util.dataclass import dataclass
from trtlog._util.rows import AT_ONCE
from trtlog.analyses.layer.base import formats_of
from trtlog.analyses.layer.precision import timed_precision
from trtlog.analyses.layer.timed import MOST_KEPT, TimedTactics
from trtlog.tables.cells import codes_of
from trtlog.values.formats import TensorFormat, decode_format, split_formats


class TacticTime(NamedTuple):
    """A timed tactic of a layer.

    Parameters
    ----------
    runner, tactic, kernel : str or None
        As in table ``tactics``.
    formats : tuple of str
        ``FP16:8`` data type and vector size: of the inputs, then ``->``, then of the outputs.
    input_formats, output_formats : str or None
        The formats as printed, with strides.
    time_ms : float
        Time in milliseconds.
    chosen : bool
        Whether the log says that its combination of formats chose it.
    line, engine : int
        Where the time stands, and the engine that it was made for.
    row : int
        Place among the timed tactics (:mod:`trtlog.analyses.layer.timed`).
    kind : str or None
        As in table ``tactics``: ``reformat`` for a conversion.
    left_out : bool
        Whether its own line was left out of the log, and so perhaps others of its formats.
    """

    runner: str | None
    tactic: str
    kernel: str | None
    formats: tuple[str, ...]
    input_formats: str | None
    output_formats: str | None
    time_ms: float
    chosen: bool
    line: int
    engine: int = 0
    row: int = -1
    kind: str | None = None
    left_out: bool = False

    @property
    def raw_formats(self) -> str:
        """The formats of inputs and outputs as printed."""
        return f"{self.input_formats or ''} -> {self.output_formats or ''}"

    @property
    def precision(self) -> str | None:
        """What it computes in."""
        return timed_precision(self.input_formats, self.output_formats, self.kernel, self.runner)

    @property
    def combination(self) -> tuple[str | None, str | None]:
        """The formats of inputs and of outputs as printed, which tactics compete in."""
        return self.input_formats, self.output_formats


@dataclass(frozen=True)
class Selection:
    """Which timed tactic an engine layer uses.

    Attributes
    ----------
    row : int or None
        Place among the timed tactics (:mod:`trtlog.analyses.layer.timed`); None where no timing of the layer is there.
    how : str
        ``timed``: the layer's own timing; ``ambiguous``: several combinations fit, the fastest is taken;
        ``same_shape``: not timed itself, the timing of a layer of the same type, tactic, shapes and formats;
        ``unknown``: no timing fits.
    layer : str or None
        The layer whose timing ``row`` is.
    """

    row: int | None = None
    how: str = "unknown"
    layer: str | None = None

    @property
    def borrowed(self) -> bool:
        """Whether the timing is another layer's."""
        return self.how == "same_shape"


UNKNOWN = Selection()


def format_key(text: str | None) -> str:
    """Return data type and vector size of one format: ``FP16:8``; ``?`` where it cannot be read.

    Strides and dimensions are left out, so that formats of different shapes compare.

    Examples
    --------
    >>> format_key("Half(24200,1:8,440,8)"), format_key("Float[1,64,56,56]"), format_key(None)
    ('FP16:8', 'FP32', '?')
    """
    decoded = decode_format(text) if text else None
    if decoded is None or decoded.dtype is None:
        return "?"
    return f"{decoded.dtype}:{decoded.vector_size}" if (decoded.vector_size or 1) > 1 else decoded.dtype


@lru_cache(maxsize=65536)
def _keys(text: str) -> tuple[str, ...]:
    """Return a list of formats as keys."""
    return tuple(format_key(piece) for piece in split_formats(text))


@lru_cache(maxsize=65536)
def _both_keys(inputs: str | None, outputs: str | None) -> tuple[str, ...]:
    return (*_keys(inputs or ""), "->", *_keys(outputs or ""))


_COLUMNS = (
    "runner", "tactic", "kernel", "input_formats", "output_formats", "time_ms", "chosen", "line", "engine", "kind",
    "left_out",
)  # fmt: skip


class TacticTimes(Sequence[TacticTime]):
    """Some of the timed tactics, of very many: their places; an object is made when it is looked at.

    Parameters
    ----------
    timed : TimedTactics
        All of them.
    places : numpy.ndarray
        Places of these.
    """

    def __init__(self, timed: TimedTactics, places: Array) -> None:
        self._timed, self._places = timed, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> TacticTime: ...
    @overload
    def __getitem__(self, place: slice) -> TacticTimes: ...
    def __getitem__(self, place: int | slice) -> TacticTime | TacticTimes:
        if isinstance(place, slice):
            return TacticTimes(self._timed, self._places[place])
        [one] = self._made(self._places[[place]])
        return one

    @property
    def first(self) -> int:
        """Place of the first one."""
        return int(self._places[0])

    def __iter__(self) -> Iterator[TacticTime]:
        for start in range(0, len(self), AT_ONCE):
            yield from self._made(self._places[start : start + AT_ONCE])

    def _made(self, places: Array) -> Iterator[TacticTime]:
        columns = self._timed.values(places, *_COLUMNS)
        runner, tactic, kernel, inputs, outputs, time, chosen, line, engine, kind, left_out = columns
        told = (runner, tactic, kernel, map(_both_keys, inputs, outputs), inputs, outputs, time, map(bool, chosen))
        return map(TacticTime._make, zip(*told, line, engine, places.tolist(), kind, map(bool, left_out), strict=True))


def by_layer(timed: TimedTactics) -> dict[str, Sequence[TacticTime]]:
    """Return the timed tactics by the name of the layer, in the order of the log."""
    layers = timed.column("layer")
    codes = codes_of(layers)
    words = [name.strip() for name in layers.dictionary.to_pylist()]
    if len(timed) <= MOST_KEPT:
        kept: dict[str, list[TacticTime]] = {}
        for code, one in zip(codes.tolist(), TacticTimes(timed, np.arange(len(timed))), strict=True):
            if code >= 0:
                kept.setdefault(words[code], []).append(one)
        return dict(kept)
    names: dict[str, int] = {}
    numbers = [names.setdefault(word, len(names)) for word in words]
    of = np.array([*numbers, len(names)], np.int64)[codes]
    order = np.argsort(of, kind="stable")
    ends = np.cumsum(np.bincount(of, minlength=len(names) + 1))[: len(names)].tolist()
    groups: dict[str, TacticTimes] = {
        name: TacticTimes(timed, order[begin:end])
        for name, begin, end in zip(names, [0, *ends], ends, strict=False)
        if begin < end
    }
    ordered = sorted(groups.items(), key=lambda group: group[1].first)
    return {name: group for name, group in ordered}  # noqa: C416 - dict() would be of another type


def used_by(layer: Mapping[str, Any], candidates: Sequence[TacticTime]) -> Selection:
    """Return which of its timed tactics an engine layer uses.

    The tactic is the engine's, the formats of all operands fit, the runner is the layer's type where there is such a
    one; a timing made for this very engine comes before others, and what the log says was chosen before the rest.
    A layer without a tactic, as in a list of bare names, uses the chosen one where only one combination of formats
    was weighed.
    """
    tactic = layer.get("tactic")
    if tactic is None:
        chosen = [one for one in candidates if one.chosen]
        if len({one.combination for one in chosen}) != 1:
            return UNKNOWN
        return Selection(min(chosen, key=lambda one: one.time_ms).row, "timed", layer["layer"])
    wanted = _operand_formats(layer)
    found = [one for one in candidates if one.tactic == tactic and _fits(one.combination, wanted)]
    found = [one for one in found if one.runner == layer.get("type")] or found
    found = [one for one in found if one.engine == layer.get("engine")] or found
    found = [one for one in found if one.chosen] or found
    if not found:
        return UNKNOWN
    combinations = {one.combination for one in found}
    best = min(found, key=lambda one: one.time_ms)
    return Selection(best.row, "timed" if len(combinations) == 1 else "ambiguous", layer["layer"])


def stands_for(candidates: Iterable[TacticTime]) -> TacticTime | None:
    """Return the fastest of the chosen tactics, which stands for a layer where the log lists no engine layers."""
    return min((one for one in candidates if one.chosen), key=lambda one: one.time_ms, default=None)


_Sides = tuple[list[TensorFormat | None], list[TensorFormat | None]]


def _operand_formats(layer: Mapping[str, Any]) -> _Sides:
    sides = [
        [decode_format(t["format"], dims=True) if t["format"] else None for t in layer.get(side) or ()]
        for side in ("inputs", "outputs")
    ]
    return sides[0], sides[1]


def _fits(combination: tuple[str | None, str | None], wanted: _Sides) -> bool:
    """Return whether timed formats can be those of the engine's operands."""
    for text, side in zip(combination, wanted, strict=True):
        for timed, engine in zip(formats_of(text), side, strict=False):
            if timed is not None and engine is not None and not same_format(timed, engine):
                return False
    return True


def same_format(timed: TensorFormat, engine: TensorFormat) -> bool:
    """Return whether a timed format (strides) can be the engine's (dimensions or words)."""
    if timed.dtype and engine.dtype and timed.dtype != engine.dtype:
        return False
    engine_size = engine.vector_size or (1 if engine.dims is not None else None)
    if timed.vector_size and engine_size and timed.vector_size != engine_size:
        return False
    return not (timed.layout and engine.layout and timed.layout != engine.layout and engine.dims is None)
