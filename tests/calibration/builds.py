"""How far timings of the same tactic are apart between builds, and how well flips are foretold."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

import trtlog
from tests.conftest import FIXTURES, parsed_once
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.risk import flip_risk_by, timing_noise
from trtlog.analyses.layer.timing_noise import LENGTHS_US, TimingNoise

FOLDER = FIXTURES / "trt-8.5.3-h200"
SETS = {
    "conv, FP16": [f"repeats/build_{n}" for n in range(5)],
    "ResNet-50, FP32": ["resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild"],
}
_KEY = ["layer", "runner", "input_formats", "output_formats", "tactic"]
_BLOCK = _KEY[:4]
BINS = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 1.01)


@functools.cache
def parsed(name: str) -> trtlog.Log:
    return parsed_once(FOLDER / f"{name}.log.gz")


@functools.cache
def frame(name: str) -> Any:
    return pd.DataFrame(layers_of(parsed(name)).timed_tactics)


def rows_of_engine(name: str) -> list[dict[str, Any]]:
    """Return the engine's layers as its log lists them."""
    return parsed(name).table("engine_layers").to_pylist()


def common_times(names: Sequence[str]) -> pd.DataFrame:
    """Return the logarithm of each kernel's time, a column a build; the first where one was timed again."""
    columns = {}
    for name in names:
        timed = frame(name)
        timed = timed[timed["kind"] != "reformat"].drop_duplicates(_KEY)
        columns[name] = np.log(timed.set_index(_KEY)["time_ms"].astype(float))
    return pd.concat(columns, axis=1).dropna()


def deviations(names: Sequence[str]) -> tuple[tuple[float, ...], tuple[float, ...], list[int]]:
    """Return the deviation within and of blocks by length, outliers aside, and on how many tactics each rests.

    Lengths between two of :data:`LENGTHS_US` count for the nearer one, on a logarithmic scale.
    """
    logs = common_times(names)
    middle = logs.median(axis=1)
    off = logs.sub(logs.mean(axis=1), axis=0) * math.sqrt(len(names) / (len(names) - 1))
    blocks = [logs.index.get_level_values(level) for level in _BLOCK]
    grouped = off.groupby(blocks, sort=False, dropna=False)
    of_block, sizes = grouped.transform("median"), grouped.transform("size")
    own, block, counts = [], [], []
    for low, high in pairwise(_edges()):
        chosen = (np.exp(middle) >= low) & (np.exp(middle) < high) & (sizes.to_numpy() >= 5)
        counts.append(int(chosen.sum()))
        own.append(_robust((off - of_block)[chosen]))
        block.append(_robust(of_block[chosen]))
    return tuple(own), tuple(block), counts


def deviations_of_all(names: Sequence[str]) -> tuple[tuple[float, ...], list[int]]:
    """Return the deviation by length with disturbed timings included, and on how many tactics it rests."""
    logs = common_times(names)
    middle = np.exp(logs.median(axis=1))
    off = logs.sub(logs.mean(axis=1), axis=0) * math.sqrt(len(names) / (len(names) - 1))
    chosen = [(middle >= low) & (middle < high) for low, high in pairwise(_edges())]
    found = tuple(float(np.sqrt(np.mean(off[rows].to_numpy() ** 2))) if rows.any() else math.nan for rows in chosen)
    return found, [int(rows.sum()) for rows in chosen]


def _edges() -> list[float]:
    return [0.0, *(math.sqrt(a * b) / 1000 for a, b in pairwise(LENGTHS_US)), math.inf]


def _robust(values: pd.DataFrame) -> float:
    flat = values.to_numpy().ravel()
    return float(1.4826 * np.median(np.abs(flat - np.median(flat)))) if flat.size else math.nan


def foretold(names: Sequence[str], noise: TimingNoise | None = None) -> tuple[list[float], list[bool], list[str]]:
    """Return probability and outcome for each choice and each other build: did it take another tactic or formats?"""
    probabilities, outcomes, named = [], [], []
    used = {name: {x["layer"]: _choice(x) for x in rows_of_engine(name)} for name in names}
    for name in names:
        layers = layers_of(parsed(name))
        for row in flip_risk_by(layers, noise or timing_noise(layers)).to_pylist():
            if row["flip_probability"] is None or row["timed_as"] is not None:
                continue
            for other in names:
                if other != name and row["layer"] in used[other]:
                    probabilities.append(row["flip_probability"])
                    outcomes.append(used[name][row["layer"]] != used[other][row["layer"]])
                    named.append(row["layer"])
    return probabilities, outcomes, named


def _choice(layer: dict[str, Any]) -> Any:
    operands = [[(o["dtype"], o["format"]) for o in layer[side] or ()] for side in ("inputs", "outputs")]
    return layer["tactic"], operands


def reliability(
    probabilities: Sequence[float], outcomes: Sequence[bool], layers: Sequence[str]
) -> list[tuple[float, float, int, float, float, float]]:
    """Return for each range of probabilities: its ends, how many choices, the mean foretold, the share that flipped.

    The last figure is what that share may be off by: one standard deviation, outcomes of one layer going together.
    """
    p, y, named = np.array(probabilities), np.array(outcomes), np.array(layers)
    rows = []
    for low, high in pairwise(BINS):
        inside = (p >= low) & (p < high)
        if inside.any():
            off = scatter(list(p[inside]), list(y[inside]), list(named[inside])) / int(inside.sum())
            rows.append((low, high, int(inside.sum()), float(p[inside].mean()), float(y[inside].mean()), off))
    return rows


def brier(probabilities: Sequence[float], outcomes: Sequence[bool]) -> float:
    return float(np.mean((np.array(probabilities) - np.array(outcomes)) ** 2))


def scatter(probabilities: Sequence[float], outcomes: Sequence[bool], layers: Sequence[str]) -> float:
    """Return what the number of flips may be off by: outcomes of one layer go together, layers do not."""
    off = pd.Series(np.array(outcomes, dtype=float) - np.array(probabilities)).groupby(list(layers)).sum()
    return float(np.sqrt((off**2).sum()))
