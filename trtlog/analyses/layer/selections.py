"""Which timed tactic each layer of an engine uses: its own, or that of the equal layer that was timed for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import Frame, formats_of, rows
from trtlog.analyses.layer.equal import find_twins, operators, windows
from trtlog.values.formats import TensorFormat, decode_format


@dataclass(frozen=True)
class Selection:
    """Which timed tactic an engine layer uses.

    Attributes
    ----------
    row : int or None
        Position in the frame of :func:`decoded`; None where no timing of the layer is in the log.
    how : str
        ``timed``: the layer's own timing; ``ambiguous``: several combinations fit, the fastest is taken;
        ``same_shape``: not timed itself (the timing cache answered), the timing of a layer of the same type,
        tactic, shapes and formats; ``unknown``: no timing fits.
    layer : str or None
        The layer whose timing ``row`` is.
    """

    row: int | None
    how: str
    layer: str | None = None

    @property
    def borrowed(self) -> bool:
        """Whether the timing is another layer's."""
        return self.how == "same_shape"


class Selections:
    """The timed tactics that the engines use: one for each row of their layers, as a run may build several engines.

    Parameters
    ----------
    held : DataFrame
        From :func:`~trtlog.analyses.layer.candidates.decoded`.
    engine_layers : pyarrow.Table
        The table of that name.
    onnx_nodes : pyarrow.Table, optional
        The table of that name: layers of other operators are not equal then.
    """

    def __init__(self, held: Frame, engine_layers: pa.Table, onnx_nodes: pa.Table | None = None) -> None:
        self.held = held
        self.layers = rows(engine_layers)
        self.known = any(layer["tactic"] is not None for layer in self.layers)
        self._window = windows(self.layers, held[["run", "line"]].itertuples(index=False, name=None))
        self._groups = held.groupby(["run", "layer", "tactic"], sort=False, dropna=False).indices if len(held) else {}
        found = [self._own(layer) for layer in self.layers]
        times = [None if one.row is None else float(held.at[one.row, "time_ms"]) for one in found]
        nodes = operators(onnx_nodes) if onnx_nodes is not None else {}
        for untimed, twin in find_twins(self.layers, times, self._window, nodes).items():
            found[untimed] = Selection(found[twin].row, "same_shape", self.layers[twin]["layer"])
        self._by_layer: dict[tuple[int, str], list[tuple[int | None, Selection]]] = {}
        for layer, one in zip(self.layers, found, strict=True):
            if layer["tactic"] is not None:
                self._by_layer.setdefault((layer["run"], layer["layer"]), []).append((layer["line"], one))

    def _own(self, layer: dict[str, Any]) -> Selection:
        found = self._groups.get((layer["run"], layer["layer"], layer["tactic"]))
        if layer["tactic"] is None or found is None or not len(found):
            return Selection(None, "unknown")
        wanted = _operand_formats(layer)
        fitting = [row for row in found.tolist() if _fits(self.held, row, wanted)]
        if not fitting:
            return Selection(None, "unknown")
        first, last = self._window[layer["run"], layer["line"]]
        fitting = [row for row in fitting if first < self.held.at[row, "line"] < last] or fitting
        # What the engine uses is the best of its combination; without such a line the fastest stands for it.
        fitting = [row for row in fitting if self.held.at[row, "chosen"]] or fitting
        combinations = {(self.held.at[row, "input_formats"], self.held.at[row, "output_formats"]) for row in fitting}
        best = min(fitting, key=lambda row: float(self.held.at[row, "time_ms"]))
        return Selection(best, "timed" if len(combinations) == 1 else "ambiguous", layer["layer"])

    def of(self, run: int, layer: str, line: int | None = None) -> Selection:
        """Return the selection of a layer.

        Where several engines have a layer of that name, ``line`` tells which is meant: that of the engine whose
        layers are listed there, or next. Without it the first.
        """
        found = self._by_layer.get((run, layer), [])
        listed = (one for at, one in found if line is None or at is None or at >= line)
        return next(listed, found[-1][1] if found else Selection(None, "unknown"))

    def all(self) -> Iterator[tuple[int, str, list[Selection]]]:
        """Give run and name of each layer with a tactic, and its selection in each engine."""
        for (run, layer), found in self._by_layer.items():
            yield run, layer, [one for _, one in found]

    def rows(self) -> dict[int, str]:
        """Return position in the frame -> layer, for selections that are the layer's own timing."""
        own = ((layer, one) for _, layer, found in self.all() for one in found if not one.borrowed)
        return {one.row: layer for layer, one in own if one.row is not None}


def _operand_formats(layer: dict[str, Any]) -> tuple[list[TensorFormat | None], list[TensorFormat | None]]:
    sides = []
    for side in ("inputs", "outputs"):
        sides.append([decode_format(t["format"], dims=True) if t["format"] else None for t in layer[side] or ()])
    return sides[0], sides[1]


def _fits(held: Frame, row: int, wanted: tuple[list[Any], list[Any]]) -> bool:
    for name, side in (("input_formats", wanted[0]), ("output_formats", wanted[1])):
        for timed, engine in zip(formats_of(held.at[row, name]), side, strict=False):
            if timed is not None and engine is not None and not _same(timed, engine):
                return False
    return True


def _same(timed: TensorFormat, engine: TensorFormat) -> bool:
    """Whether a timed format (strides) can be the engine's (dimensions or words)."""
    if timed.dtype and engine.dtype and timed.dtype != engine.dtype:
        return False
    engine_size = engine.vector_size or (1 if engine.dims is not None else None)
    if timed.vector_size and engine_size and timed.vector_size != engine_size:
        return False
    return not (timed.layout and engine.layout and timed.layout != engine.layout and engine.dims is None)
