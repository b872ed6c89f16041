"""The timed tactics of a build, decoded, and which of them an engine layer uses.

``Chose Runner Type`` names the best tactic of one combination of formats. The builder then picks one combination a
layer, so that the whole network with its reformats is fastest. Which one is known only from the engine's layers: their
tactic and formats are matched with the timed ones here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.dataclass import dataclass
from trtlog.analyses.layer.base import family_of, formats_of, layout_of, values_of
from trtlog.analyses.layer.precision import timed_precision
from trtlog.values.formats import TensorFormat, decode_format, split_formats
from trtlog.values.kernels import decode_kernel


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
        Place in the list of :func:`timed_tactics`.
    kind : str or None
        As in table ``tactics``: ``reformat`` for a conversion.
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
        Place in the list of :func:`timed_tactics`; None where no timing of the layer is in the log.
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


Timed: TypeAlias = dict[str, Any]
"""A timed tactic by column, with its place among them as ``row``, and what its formats and kernel say."""


def timed_tactics(tactics: pa.Table) -> list[Timed]:
    """Return the timed tactics with precision, layouts, family; those that could not be timed are left out."""
    names = tactics.column_names
    decoded: dict[Any, dict[str, Any]] = {}
    found: list[Timed] = []
    for values in timed_rows(tactics, *names):
        row = dict(zip(names, values, strict=True))
        key = row["input_formats"], row["output_formats"], row["kernel"], row["runner"]
        if key not in decoded:
            decoded[key] = dict(zip(_DECODED, decoded_tactic(*key), strict=True))
        row |= decoded[key]
        row["row"] = len(found)
        found.append(row)
    return found


_DECODED = ("precision", "input_layout", "output_layout", "family", "tensor_cores")


def decoded_tactic(
    inputs: str | None, outputs: str | None, kernel: str | None, runner: str | None
) -> tuple[str | None, str | None, str | None, str | None, bool | None]:
    """Return what formats, kernel and runner of a timed tactic say.

    Returns
    -------
    tuple
        Precision, layouts of the first input and the first output, family, whether it computes on tensor cores.

    Examples
    --------
    >>> decoded_tactic("Half(8,1:8,4,8)", "Half(8,1:8,4,8)", None, "Shuffle")[0::3]
    ('FP16', 'Shuffle')
    """
    return (
        timed_precision(inputs, outputs, kernel, runner),
        layout_of(inputs),
        layout_of(outputs),
        family_of(runner, kernel),
        decode_kernel(kernel).tensor_cores if kernel else None,
    )


# Rows that are Python's at a time: of millions of tactics the columns would take more memory than the answers.
_AT_ONCE = 1 << 16


def timed_rows(tactics: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Return columns of the timed tactics as rows: as many as :func:`timed_tactics` has, in its order.

    Parameters
    ----------
    tactics : pyarrow.Table
        Table ``tactics``.
    *names : str
        The columns.
    """
    timed = tactics.select(list(names)).filter(pc.invert(pc.is_nan(tactics.column("time_ms"))))  # drops nulls too
    for start in range(0, timed.num_rows, _AT_ONCE):
        yield from zip(*map(values_of, timed.slice(start, _AT_ONCE).columns), strict=True)


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


class _FormatKeys(dict[str, tuple[str, ...]]):
    """Lists of formats as keys, each text decoded once."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        keys = tuple(format_key(piece) for piece in split_formats(text))
        self[text] = keys
        return keys


def by_layer(tactics: pa.Table) -> dict[str, list[TacticTime]]:
    """Return the timed tactics by the name of the layer, in the order of the log.

    Parameters
    ----------
    tactics : pyarrow.Table
        Table ``tactics``.
    """
    keys = _FormatKeys()
    pairs: dict[tuple[str, str], tuple[str, ...]] = {}
    found: dict[str, list[TacticTime]] = {}
    for row, (layer, runner, tactic, kernel, inputs, outputs, time, chosen, line, engine, kind) in enumerate(
        timed_rows(
            tactics,
            "layer",
            "runner",
            "tactic",
            "kernel",
            "input_formats",
            "output_formats",
            "time_ms",
            "chosen",
            "line",
            "engine",
            "kind",
        )
    ):
        if layer is None:
            continue
        pair = inputs or "", outputs or ""
        formats = pairs.get(pair)
        if formats is None:
            formats = pairs[pair] = (*keys[pair[0]], "->", *keys[pair[1]])
        found.setdefault(layer.strip(), []).append(
            TacticTime(runner, tactic, kernel, formats, inputs, outputs, time, bool(chosen), line, engine, row, kind)
        )
    return found


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
