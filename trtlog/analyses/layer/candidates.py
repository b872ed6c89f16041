"""Candidates of a layer: every timed tactic, decoded, ranked, and which of them the engine uses.

``Chose Runner Type`` names the best tactic of one combination of formats. The builder then picks one
combination a layer, so that the whole network with its reformats is fastest. Which one is known only from
the engine's layers: their tactic and formats are matched with the timed ones here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import (
    MISSING_TIME_MS,
    Frame,
    answer,
    family_of,
    frame,
    from_frame,
    layout_of,
    precision_of,
)
from trtlog.analyses.layer.selections import Selections
from trtlog.records.base import Record, column, line_column, run_column
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
