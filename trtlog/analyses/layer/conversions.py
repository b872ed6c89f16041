"""Conversions between formats: what they cost, and who forces them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import Frame, answer, copied_for, formats_of, is_reformat, rows
from trtlog.analyses.layer.engine_layer import Layers, mean_ms
from trtlog.analyses.layer.tactics import first_format, reformat_costs
from trtlog.records.base import Record, column, line_column, run_column

_NAME = re.compile(r"Reformatted (?P<side>Input|Output) Tensor (?P<index>[0-9]+)")


@dataclass(frozen=True)
class ReformatCost(Record):
    """A conversion that the engine holds, its cost, and who forces it."""

    run: int = run_column()
    layer: str = column("name", "layer that it serves")
    side: str | None = column("name", "input or output of that layer")
    tensor: str = column("name", "tensor that is converted")
    before: str | None = column("name", "data type and layout before")
    after: str | None = column("name", "data type and layout after")
    change: str = column("name", "dtype, layout, dtype+layout, or strides")
    timed_ms: float | None = column("float64", "fastest timed conversion between these formats; null where none", "ms")
    profile_ms: float | None = column("float64", "mean time in the layer profile; null without --dumpProfile", "ms")
    percent: float | None = column("float64", "share of the profile", "%")
    forced_by: str = column(
        "name",
        "network_io: the formats asked for inputs and outputs; consumer: the layer has no tactic for the format "
        "before; producer: the maker of the tensor has none for the format after; cost: both have, and the "
        "conversion pays; unknown: no timings tell",
    )
    gain_ms: float | None = column(
        "float64", "with forced_by cost: what the layer gains by the format after, by its own timings", "ms"
    )
    round_trip: bool = column("bool", "the layer's other side is converted back: it stands alone in its format")
    line: int = line_column("Adding reformat layer")


def conversions(found: Layers) -> pa.Table:
    """List the engine's conversions, the dearest first: by profile time, else by timed cost."""
    costs = reformat_costs(found.timed_tactics)
    layers = [dict(layer.row) for layer in found.layers if layer.row is not None]
    times = {(r["run"], r["layer"]): r for r in rows(found.log.table("profile"))}
    makers = _makers(layers)
    read = {(x["run"], t["name"]) for x in layers for t in x["inputs"] or () if not is_reformat(x["layer"])}
    entries = rows(found.rows("reformats"))
    served = {(r["run"], r["layer"]): r for r in entries if _side(r["name"]) == "input"}
    sources = {(r["run"], r["tensor"]): r for r in entries if _side(r["name"]) == "input"}
    out = []
    for row in entries:
        side = _side(row["name"])
        maker = makers.get((row["run"], row["tensor"]))
        row_out: dict[str, Any] = {k: row[k] for k in ("run", "layer", "tensor", "line")}
        row_out |= {"side": side, **_change(row["from_format"], row["to_format"])}
        row_out["timed_ms"] = costs.get((row["run"], row["from_format"], row["to_format"]))
        measured = times.get((row["run"], copy_node(row)))
        row_out["profile_ms"] = mean_ms(measured) if measured else None
        row_out["percent"] = measured["percent"] if measured else None
        if (side == "input" and maker is None) or (side == "output" and (row["run"], row["tensor"]) not in read):
            row_out |= {"forced_by": "network_io", "gain_ms": None}
        else:
            row_out |= _forced(row, side, _Timed(found), maker)
        row_out["round_trip"] = _round_trip(row, layers, served, sources)
        out.append(row_out)
    out.sort(key=lambda r: (r["run"], -(r["profile_ms"] or r["timed_ms"] or 0.0)))
    return answer(ReformatCost, out)


def copy_node(row: dict[str, Any]) -> str:
    """Return the name that the engine gives the conversion: Reformatting CopyNode for Input Tensor 0 to X."""
    found = _NAME.search(row["name"])
    where = f"{found['side']} Tensor {found['index']}" if found else row["name"]
    return f"Reformatting CopyNode for {where} to {row['layer']}"


def _side(name: str) -> str | None:
    found = _NAME.search(name)
    return found["side"].lower() if found else None


def _change(before: str, after: str) -> dict[str, Any]:
    one, other = formats_of(before), formats_of(after)
    a, b = (one[0] if one else None), (other[0] if other else None)
    if a is None or b is None:
        return {"before": before, "after": after, "change": "strides"}
    parts = [name for name in ("dtype", "layout") if getattr(a, name) != getattr(b, name)]
    return {"before": a.title, "after": b.title, "change": "+".join(parts) or "strides"}


def _makers(layers: list[dict[str, Any]]) -> dict[tuple[int, str], str]:
    """Return the layer that makes each tensor, conversions left out."""
    out = {}
    for layer in layers:
        if is_reformat(layer["layer"]):
            continue
        for tensor in layer["outputs"] or ():
            out[layer["run"], tensor["name"]] = layer["layer"]
    return out


class _Timed:
    """The timed tactics of a layer, or of the layer of the same shape that answers for it."""

    def __init__(self, layers: Layers) -> None:
        held = layers.timed_tactics
        self.held = held[held["kind"] != "reformat"]
        self.layers = layers

    def of(self, layer: str | None) -> Frame:
        own = self.held[self.held["layer"] == layer]
        if len(own) or layer is None:
            return own
        known = self.layers.named(layer)
        return self.held[self.held["layer"] == (known.timing.layer if known else None)]


def _forced(row: dict[str, Any], side: str | None, timed: _Timed, maker: str | None) -> dict[str, Any]:
    """Say who forces a conversion: compare what the layers on its two ends can do, by their timed tactics."""
    own = timed.of(row["layer"])
    if not len(own):
        return {"forced_by": "unknown", "gain_ms": None}
    first = own["input_formats" if side == "input" else "output_formats"].map(first_format)
    kept, wanted = (row["from_format"], row["to_format"])
    if side == "output":
        kept, wanted = wanted, kept
    with_kept, with_wanted = own[first == kept], own[first == wanted]
    if not len(with_wanted):
        return {"forced_by": "unknown", "gain_ms": None}
    if not len(with_kept):
        return {"forced_by": "consumer" if side == "input" else "producer", "gain_ms": None}
    made = timed.of(maker)
    if side == "input" and len(made) and not (made["output_formats"].map(first_format) == row["to_format"]).any():
        return {"forced_by": "producer", "gain_ms": None}
    return {"forced_by": "cost", "gain_ms": float(with_kept["time_ms"].min() - with_wanted["time_ms"].min())}


def _round_trip(row: dict[str, Any], layers: list[dict[str, Any]], served: Any, sources: Any) -> bool:
    """Whether the layer's input is converted and its output is converted back to the same format."""
    first = served.get((row["run"], row["layer"]))
    if first is None or first is not row:
        return False
    outputs = next((x["outputs"] for x in layers if x["run"] == row["run"] and x["layer"] == row["layer"]), None)
    for tensor in outputs or ():
        back = sources.get((row["run"], tensor["name"]))
        if back is not None and _change(row["from_format"], back["to_format"])["change"] in ("strides", ""):
            return True
    return False


@dataclass(frozen=True)
class ReformatShare(Record):
    """What conversions and other copies take of the profile."""

    run: int = run_column()
    group: str = column("name", "format conversion; constant copy: a layer that copies weights at each inference")
    layers: int = column("int64", "layers of this group in the profile")
    time_ms: float = column("float64", "mean time an inference, sum of the layers", "ms")
    percent: float = column("float64", "share of the profile's total", "%")


def shares(engine_layers: pa.Table, profile: pa.Table) -> pa.Table:
    """Sum what conversions and copies of constants take of the layer profile.

    A copy of a constant is a layer of type Reformat (or a copied Identity) whose only input is the output of
    a Constant layer: it moves weights at each inference.
    """
    layers = {(x["run"], x["layer"]): x for x in rows(engine_layers)}
    constants = {(x["run"], t["name"]) for x in layers.values() if x["type"] == "Constant" for t in x["outputs"] or ()}
    sums: dict[tuple[int, str], list[float]] = {}
    totals: dict[int, float] = {}
    for row in rows(profile):
        time_ms = mean_ms(row) or 0.0
        totals[row["run"]] = totals.get(row["run"], 0.0) + time_ms
        layer = layers.get((row["run"], row["layer"]))
        group = None
        if copied_for(row["layer"]) is not None:
            group = "format conversion"
        elif layer is not None and is_reformat(row["layer"], layer["type"]):
            inputs = layer["inputs"] or []
            copies = bool(inputs) and all((row["run"], t["name"]) in constants for t in inputs)
            group = "constant copy" if copies else "format conversion"
        if group is not None:
            entry = sums.setdefault((row["run"], group), [0, 0.0])
            entry[0] += 1
            entry[1] += time_ms
    out = [
        {"run": run, "group": group, "layers": int(count), "time_ms": time_ms,
         "percent": 100 * time_ms / totals[run] if totals[run] else 0.0}
        for (run, group), (count, time_ms) in sums.items()
    ]  # fmt: skip
    return answer(ReformatShare, out)
