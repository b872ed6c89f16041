"""Candidates of a layer: every timed tactic, decoded, ranked, and which of them the engine uses.

``Chose Runner Type`` names the best tactic of one combination of formats. The builder then picks one
combination a layer, so that the whole network with its reformats is fastest. Which one is known only from
the engine's layers: their tactic and formats are matched with the timed ones here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.base import (
    MISSING_TIME_MS,
    Frame,
    answer,
    family_of,
    formats_of,
    frame,
    from_frame,
    layout_of,
    precision_of,
    rows,
)
from trtlog.records.base import Record, column, line_column, run_column
from trtlog.values.formats import TensorFormat, decode_format
from trtlog.values.kernels import decode_kernel

COMBINATION = ["run", "layer", "input_formats", "output_formats"]


@dataclass(frozen=True)
class Candidate(Record):
    """A timed tactic of a layer, with its rank among all of the layer."""

    run: int = run_column()
    layer: str = column("name", "layer")
    rank: int = column("int64", "place by time among all candidates of the layer, from 1")
    time_ms: float = column("float64", "time", "ms")
    slower_percent: float = column("float64", "how much slower than the layer's fastest candidate", "%")
    precision: str | None = column("name", "FP32 TF32 FP16 BF16 INT8 FP8 ...: formats, and the kernel's name for TF32")
    input_layout: str | None = column("name", "data type and layout of the first input")
    output_layout: str | None = column("name", "data type and layout of the first output")
    runner: str | None = column("name", "kind of implementation")
    tactic: str = column("name", "id of the tactic")
    kernel: str | None = column("name", "kernel")
    family: str | None = column("name", "architecture and operation of the kernel, else the runner")
    tensor_cores: bool | None = column("bool", "whether the kernel computes on tensor cores; null where unknown")
    chosen: bool = column("bool", "best of its combination of formats, by 'Chose Runner Type'")
    in_engine: bool | None = column("bool", "whether the engine uses it; null where the log shows no engine layers")
    input_formats: str | None = column("name", "formats of the inputs")
    output_formats: str | None = column("name", "formats of the outputs")
    line: int = line_column("the time")


def decoded(tactics: pa.Table) -> Frame:
    """Return the timed tactics with precision, layouts, family; those without a time are left out."""
    import numpy as np
    import pandas as pd

    held = frame(tactics)
    times = held["time_ms"].to_numpy(dtype=float)
    held = held[np.isfinite(times) & (times < MISSING_TIME_MS)].reset_index(drop=True)
    keys = list(zip(held["input_formats"], held["output_formats"], held["kernel"], held["runner"], strict=True))
    columns: dict[str, list[Any]] = {
        # Myelin compiles many operations into one: the formats at its borders say little of the inside.
        "precision": [None if r == "Myelin" and not k else precision_of(i, o, k) for i, o, k, r in keys],
        "input_layout": [layout_of(i) for i, _, _, _ in keys],
        "output_layout": [layout_of(o) for _, o, _, _ in keys],
        "family": [family_of(r, k) for _, _, k, r in keys],
        "tensor_cores": [decode_kernel(k).tensor_cores if k else None for _, _, k, _ in keys],
    }
    return held.assign(**{name: pd.Series(values, dtype=object) for name, values in columns.items()})


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


class Selections:
    """The timed tactics that the engine uses, by run and layer.

    Parameters
    ----------
    held : DataFrame
        From :func:`decoded`.
    engine_layers : pyarrow.Table
        The table of that name.
    """

    def __init__(self, held: Frame, engine_layers: pa.Table) -> None:
        self.held = held
        self.layers = rows(engine_layers)
        self.known = any(layer["tactic"] is not None for layer in self.layers)
        self._window = windows(self.layers, held[["run", "line"]].itertuples(index=False, name=None))
        self._groups = held.groupby(["run", "layer", "tactic"], sort=False, dropna=False).indices if len(held) else {}
        self.by_layer: dict[tuple[int, str], Selection] = {}
        for layer in self.layers:
            if layer["tactic"] is not None:
                self.by_layer[layer["run"], layer["layer"]] = self._own(layer, layer["layer"])
        self._borrow()

    def _own(self, layer: dict[str, Any], name: str) -> Selection:
        found = self._groups.get((layer["run"], name, layer["tactic"]))
        if found is None or not len(found):
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
        return Selection(best, "timed" if len(combinations) == 1 else "ambiguous", name)

    def _borrow(self) -> None:
        """Give layers without a timing that of a layer of the same type, tactic, shapes and formats."""
        timed: dict[Any, str] = {}
        for layer in self.layers:
            found = self.by_layer.get((layer["run"], layer["layer"]))
            if found is not None and found.row is not None:
                timed.setdefault(_signature(layer), layer["layer"])
        for layer in self.layers:
            key = (layer["run"], layer["layer"])
            found = self.by_layer.get(key)
            if found is None or found.row is not None:
                continue
            twin = timed.get(_signature(layer))
            if twin is not None:
                row = self.by_layer[layer["run"], twin].row
                self.by_layer[key] = Selection(row, "same_shape", twin)

    def of(self, run: int, layer: str) -> Selection:
        """Return the selection of a layer."""
        return self.by_layer.get((run, layer), Selection(None, "unknown"))

    def rows(self) -> dict[int, str]:
        """Return position in the frame -> layer, for selections that are the layer's own timing."""
        return {s.row: layer for (_, layer), s in self.by_layer.items() if s.row is not None and s.how != "same_shape"}


def windows(layers: Iterable[Mapping[str, Any]], timed: Iterable[tuple[int, int]]) -> dict[Any, tuple[float, float]]:
    """Return between which lines the tactics of an engine's layers were timed: a run may build several engines.

    Parameters
    ----------
    layers : iterable of mapping
        Rows of the engine's layers, with ``run`` and ``line``.
    timed : iterable of (int, int)
        Run and line of each timing.

    Returns
    -------
    dict
        Run and line of a layer -> the line of the engine before, and the layer's own; layers of exports, which have
        no line, may be timed anywhere.

    Examples
    --------
    >>> layers = [{"run": 0, "line": line} for line in (10, 11, 30)]
    >>> windows(layers, [(0, 5), (0, 20)])
    {(0, 10): (0, 10), (0, 11): (0, 11), (0, 30): (11, 30)}
    """
    lines: dict[int, list[int]] = {}
    for run, line in timed:
        lines.setdefault(run, []).append(line)
    own: dict[int, set[int]] = {}
    out: dict[Any, tuple[float, float]] = {}
    for layer in layers:
        run, line = layer["run"], layer["line"]
        if line is None:
            out[run, line] = (0, float("inf"))
        else:
            own.setdefault(run, set()).add(line)
    for run, numbers in own.items():
        ordered, times = sorted(numbers), sorted(lines.get(run, ()))
        for line in ordered:
            place = bisect_left(times, line)
            before = bisect_left(ordered, times[place - 1]) if place else 0
            out[run, line] = (ordered[before - 1] if before else 0, line)
    return out


def _signature(layer: dict[str, Any]) -> Any:
    def operand(tensor: dict[str, Any]) -> Any:
        return tensor["dtype"], tuple(tensor["shape"] or ()), tensor["format"]

    return (
        layer["run"],
        layer["type"],
        layer["tactic"],
        tuple(operand(t) for t in layer["inputs"] or ()),
        tuple(operand(t) for t in layer["outputs"] or ()),
        layer["attributes"] and _geometry(layer["attributes"]),
    )


_GEOMETRY = ("Kernel", "Stride", "Dilation", "Groups", "OutMaps", "PrePadding", "PostPadding")


def _geometry(attributes: str) -> Any:
    import json

    held = json.loads(attributes)
    return tuple(str(held.get(name)) for name in _GEOMETRY)


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


def candidates(tactics: pa.Table, engine_layers: pa.Table, layer: str | None = None) -> pa.Table:
    """Rank the timed tactics of each layer, over all its combinations of formats.

    Parameters
    ----------
    tactics, engine_layers : pyarrow.Table
        The tables of these names.
    layer : str, optional
        One layer's exact name; by default all layers.
    """
    held = decoded(tactics)
    selections = Selections(held, engine_layers)
    if layer is not None:
        held = held[held["layer"] == layer]
    return ranked(held, selections)


def ranked(held: Frame, selections: Selections) -> pa.Table:
    """Return the answer of :func:`candidates` for decoded tactics."""
    if not len(held):
        return answer(Candidate, [])
    held = held.sort_values(["run", "layer", "time_ms", "line"], kind="stable")
    groups = held.groupby(["run", "layer"], sort=False)["time_ms"]
    held = held.assign(rank=groups.cumcount() + 1, best=groups.transform("min"))
    used = selections.rows()
    held = held.assign(
        slower_percent=100 * (held["time_ms"] / held["best"].where(held["best"] > 0) - 1),
        in_engine=held.index.isin(list(used)) if selections.known else None,
    )
    return from_frame(Candidate, held)
