"""The tables of a diff that rest on paired layers: layers, formats, reformats, attribution."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from trtlog.analyses.compare.align import Pair
from trtlog.analyses.compare.candidates import formats_text
from trtlog.analyses.compare.schema import CATEGORIES, category
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.precision import comparable


def time_source(*engines: Layers) -> str | None:
    """Return which times all builds have: of the profile, else of the tactics; None for neither."""
    if all(layers.profiled for layers in engines):
        return "profile"
    return "tactic" if all(layers.timed for layers in engines) else None


def pair_times(sides: Sequence[Sequence[Layer | None]], source: str | None) -> list[float | None]:
    """Return the time of each side's layers together, None where one of them has none.

    What one side runs and the other turned into a NoOp takes no time there; a NoOp on all sides has none.
    """
    times = [[(layer, _time_of(layer, source)) for layer in side] for side in sides]
    if not any(time for side in times for _, time in side):
        return [None] * len(times)
    sums: list[float | None] = []
    for side in times:
        known = [0.0 if time is None and layer and layer.type == "NoOp" else time for layer, time in side]
        sums.append(None if not known or None in known else sum(time for time in known if time is not None))
    return sums


def _time_of(layer: Layer | None, source: str | None) -> float | None:
    if layer is None or source is None:
        return None
    return layer.profile_ms if source == "profile" else layer.tactic_ms


def layer_rows(
    pairs: Iterable[Pair], source: str | None, scale: tuple[int, int], shifts: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return one row a pair, the largest change of time first; ``scale`` is samples an inference."""
    rows = []
    for pair in pairs:
        changed = changes(pair)
        times = pair_times((pair.control, pair.test), source)
        ours, theirs = (_scaled(time, samples) for time, samples in zip(times, scale, strict=True))
        kind = "added" if not pair.control else "removed" if not pair.test else "changed" if changed else "unchanged"
        rows.append(
            {
                "category": kind,
                "control_layer": _joined(pair.control, lambda layer: layer.layer),
                "test_layer": _joined(pair.test, lambda layer: layer.layer),
                "role": (pair.control or pair.test)[0].role,
                "method": pair.method,
                "confidence": pair.confidence,
                "changed": changed,
                "time_source": source if ours is not None or theirs is not None else None,
                "control_ms": ours,
                "test_ms": theirs,
                "delta_ms": None if ours is None or theirs is None else theirs - ours,
                "speedup": ours / theirs if ours is not None and theirs else None,
                "machine_percent": None if (shift := _shift(pair, shifts)) is None else 100 * (shift - 1),
                **_sides(pair, "type", lambda layer: layer.type),
                **_sides(pair, "precision", lambda layer: layer.precision),
                **_sides(pair, "formats", formats_text),
                **_sides(pair, "tactic", lambda layer: layer.tactic),
                **_sides(pair, "kernel", lambda layer: layer.kernel),
                "control_timed_as": _timed_as(pair.control, source),
                "test_timed_as": _timed_as(pair.test, source),
                "control_line": pair.control[0].line if pair.control else None,
                "test_line": pair.test[0].line if pair.test else None,
            }
        )
    return sorted(rows, key=_cost)


def _shift(pair: Pair, shifts: Mapping[str, float]) -> float | None:
    """Return how much longer the test build timed a layer's tactics, or those of the layer timed for it."""
    if len(pair.control) != 1 or len(pair.test) != 1:
        return None
    return shifts.get(pair.test[0].timed_as or pair.test[0].layer)


def _cost(row: dict[str, Any]) -> tuple[float, int]:
    """Order by change of time; a layer that one build has alone changes by all of its time."""
    if row["delta_ms"] is not None:
        cost = abs(row["delta_ms"])
    else:
        cost = row["control_ms"] if not row["test_layer"] else row["test_ms"] if not row["control_layer"] else 0.0
    return -(cost or 0.0), CATEGORIES.index(row["category"])


def _timed_as(layers: Iterable[Layer], source: str | None) -> str | None:
    """Return the equal layers whose timings stand for those of layers that were not timed; a profile measures all."""
    return _joined(layers, lambda layer: layer.timed_as) if source == "tactic" else None


def _scaled(time: float | None, samples: int) -> float | None:
    return None if time is None else time / samples


def _sides(pair: Pair, name: str, read: Callable[[Layer], str | None]) -> dict[str, str | None]:
    return {f"control_{name}": _joined(pair.control, read), f"test_{name}": _joined(pair.test, read)}


def _joined(layers: Iterable[Layer], read: Callable[[Layer], str | None]) -> str | None:
    values = [value for value in map(read, layers) if value]
    return " & ".join(values) or None


def changes(pair: Pair) -> list[str]:
    """Return what differs between paired layers: fusion, type, precision, formats, tactic, kernel.

    What only one of the logs tells is no difference.
    """
    if not pair.control or not pair.test:
        return []
    found = ["fusion"] if _fused_otherwise(pair) else []
    readers: tuple[tuple[str, Callable[[Layer], Any]], ...] = (
        ("type", lambda layer: layer.type),
        ("precision", lambda layer: layer.precision),
        ("formats", lambda layer: (layer.input_formats, layer.output_formats)),
        ("tactic", lambda layer: layer.tactic),
        ("kernel", lambda layer: layer.kernel),
    )
    for name, read in readers:
        ours, theirs = ([read(layer) for layer in side] for side in (pair.control, pair.test))
        unknown = any(value in (None, ((), ())) for value in (*ours, *theirs))
        if not unknown and (ours != theirs if len(ours) == len(theirs) else set(ours) != set(theirs)):
            found.append(name)
    if "precision" in found and len(pair.control) == len(pair.test):
        both = zip(pair.control, pair.test, strict=True)
        if all(ours.precision == theirs.precision for ours, theirs in both if comparable(ours, theirs)):
            found.remove("precision")
    if "tactic" in found and "kernel" in found:
        found.remove("kernel")
    return found


def _fused_otherwise(pair: Pair) -> bool:
    """Tell whether paired layers were fused from different nodes; names of a ForeignNode are cut short."""
    if len(pair.control) != 1 or len(pair.test) != 1:
        return True
    ours, theirs = pair.control[0], pair.test[0]
    if pair.method == "order" or "..." in ours.layer + theirs.layer:
        return False
    return ours.layer.strip() != theirs.layer.strip() and ours.parts != theirs.parts


def format_rows(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """Return the layers whose formats changed, inputs and outputs apart; conversions are in ``reformats``."""
    rows = []
    for pair in pairs:
        if len(pair.control) != 1 or len(pair.test) != 1 or pair.control[0].role.startswith("reformat"):
            continue
        control, test = pair.control[0], pair.test[0]
        for side, ours, theirs in (
            ("inputs", control.input_formats, test.input_formats),
            ("outputs", control.output_formats, test.output_formats),
        ):
            if ours and theirs and ours != theirs:
                rows.append({"layer": test.layer, "side": side, "control": ", ".join(ours), "test": ", ".join(theirs)})
    return rows


def reformat_rows(pairs: Iterable[Pair], source: str | None, scale: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the conversions between formats that were added, removed, changed or kept."""
    rows = []
    for pair in pairs:
        layer = (pair.control or pair.test)[0]
        if not layer.role.startswith("reformat"):
            continue
        ours, theirs = (formats_text(side[0]) if side else None for side in (pair.control, pair.test))
        times = pair_times((pair.control, pair.test), source)
        rows.append(
            {
                "category": category(ours, theirs),
                "reformat": (pair.test or pair.control)[0].layer,
                "control": ours,
                "test": theirs,
                "control_ms": _scaled(times[0], scale[0]),
                "test_ms": _scaled(times[1], scale[1]),
            }
        )
    return sorted(rows, key=lambda row: CATEGORIES.index(row["category"]))


def attribution_rows(
    pairs: Iterable[Pair], source: str | None, scale: tuple[int, int], shifts: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return where the change of the sum of all layers comes from, by kind of operation and precision.

    Pairs without a time on a side that has layers are left out.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for pair in pairs:
        ours, theirs = pair_times((pair.control, pair.test), source)
        if (pair.control and ours is None) or (pair.test and theirs is None):
            continue
        layer = (pair.test or pair.control)[0]
        family = "reformat" if layer.role.startswith("reformat") else layer.family or "other"
        before, after = (_precisions(side) for side in (pair.control, pair.test))
        precision = before if before == after else f"{before or 'none'} -> {after or 'none'}"
        group = groups.setdefault(
            (family, precision),
            {
                "family": family,
                "precision": precision,
                "layers": 0,
                "control_ms": 0.0,
                "test_ms": 0.0,
                "machine_ms": None,
            },
        )
        group["layers"] += max(len(pair.control), len(pair.test))
        group["control_ms"] += (ours or 0.0) / scale[0]
        group["test_ms"] += (theirs or 0.0) / scale[1]
        shift = _shift(pair, shifts) if source == "tactic" else None
        if shift is not None and ours is not None:
            group["machine_ms"] = (group["machine_ms"] or 0.0) + ours * (shift - 1)
    total = sum(group["test_ms"] - group["control_ms"] for group in groups.values())
    for group in groups.values():
        group["delta_ms"] = group["test_ms"] - group["control_ms"]
        group["share_percent"] = 100 * group["delta_ms"] / total if total else None
    return sorted(groups.values(), key=lambda group: -abs(group["delta_ms"]))


def _precisions(layers: Iterable[Layer]) -> str:
    return ", ".join(dict.fromkeys(layer.precision for layer in layers if layer.precision))
