"""Conversions between formats: what they cost, and who forces them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer, formats_of
from trtlog.analyses.layer.conversion_times import OperandPlace, operand_formats, place_of
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer, is_conversion
from trtlog.analyses.layer.profile import dla_copies, kept_profile, mean_ms, whole_ms
from trtlog.analyses.layer.timings import TacticTime
from trtlog.records.base import Record, column, line_column, record, run_column

# Operators whose layers copy data from one place to another where they could not be eliminated.
_PLACING = ("concat", "slice", "split", "gather", "pad")
_MOVING = (
    *("cast", "identity", "transpose", "shuffle", "reshape", "flatten", "squeeze", "unsqueeze", "expand"),
    *("quantize", "dequantize"),
)


@record(frozen=True)
class ReformatCost(Record):
    """A conversion that the engine holds, its cost, and who forces it."""

    run: int = run_column()
    layer: str = column("name", "layer that it serves; for a copy of the network's own, the layer that reads it")
    side: str | None = column("name", "input or output of that layer; null for a copy that is a layer of its own")
    tensor: str = column("name", "tensor that is converted")
    before: str | None = column("name", "data type and layout before")
    after: str | None = column("name", "data type and layout after")
    change: str = column("name", "dtype, layout, dtype+layout, or strides")
    timed_ms: float | None = column(
        "float64",
        "the builder's timing of it: of the engine's tactic where the engine's layers are listed, else the fastest; "
        "null where none was printed",
        "ms",
    )
    profile_ms: float | None = column("float64", "mean time in the layer profile; null without --dumpProfile", "ms")
    percent: float | None = column("float64", "share of the profile", "%")
    forced_by: str = column(
        "name",
        "network_io: the formats asked for inputs and outputs, also through a reshape that runs nothing; consumer: who "
        "reads it has no tactic for the format before; producer: the maker of the tensor has none for the format "
        "after; cost: both have, and the layer is faster behind it; elimination: a concatenation or slice that could "
        "not be eliminated left the copy; network: a cast or the like of the network itself; unknown: the log lists "
        "no engine layers, or no timings tell",
    )
    gain_ms: float | None = column(
        "float64", "with forced_by cost: what the layer gains by the format after, by its own timings", "ms"
    )
    round_trip: bool = column("bool", "a layer's other side is converted back: it stands alone in its format")
    round_trip_of: str | None = column("name", "that layer: the one between this conversion and the one back")
    line: int | None = line_column("Adding reformat layer, else the engine layer")
    conversion: str | None = column("name", "the engine's layer; null where the log lists none")
    timed_as: str | None = column("name", "whose timing it is, where it was printed for an equally large tensor")


@dataclass(frozen=True)
class Conversion:
    """A conversion of an engine.

    Attributes
    ----------
    place : Place or None
        At which operand of which layer the builder put it; None for a copy that is a layer of the network.
    layer : Layer or None
        The engine's layer; None where the log lists none.
    serves : str
        The layer that it is there for.
    tensor : str
        What is converted, as the builder names it.
    listed : str
        Its name in the engine's list of layers, which may be another one: networks made by the API name tensors later.
    before, after : str or None
        Formats, as printed.
    listed_formats : bool
        Whether they stand in the engine's list of layers, whose numbers are dimensions and no strides.
    timed_ms : float or None
        The builder's timing.
    timed_as : str or None
        Whose timing that is, where it is not its own.
    line : int or None
        Where the log adds it, else where the engine lists it.
    """

    place: OperandPlace | None
    layer: Layer | None
    serves: str
    tensor: str
    listed: str
    before: str | None
    after: str | None
    timed_ms: float | None
    timed_as: str | None
    line: int | None
    run: int
    profile: Mapping[str, Any] | None
    listed_formats: bool = False

    def change_to(self, other: Conversion) -> dict[str, Any]:
        """Say what differs between the format before this conversion and the one after another one."""
        one, two = formats_of(self.before, dims=self.listed_formats), formats_of(other.after, dims=other.listed_formats)
        a, b = (one[0] if one else None), (two[0] if two else None)
        if a is None or b is None:
            return {"before": self.before, "after": other.after, "change": "strides"}
        parts = [name for name in ("dtype", "layout") if getattr(a, name) != getattr(b, name)]
        return {"before": a.title, "after": b.title, "change": "+".join(parts) or "strides"}


def copies_constants(found: Layers, layer: Layer) -> bool:
    """Whether a layer reads nothing but constants: where it is of type Reformat, it moves weights at each inference."""
    inputs = layer.operands("inputs")
    return bool(inputs) and all(operand["name"] in found.constants for operand in inputs)


def copies_of_constants(found: Layers) -> list[Layer]:
    """Return the layers of the engine that copy constants at each inference."""
    return [layer for layer in found.layers if layer.type == "Reformat" and copies_constants(found, layer)]


def conversions(found: Layers) -> list[Conversion]:
    """Return the conversions of the engine: its layers of type Reformat, copies of constants left out.

    Where the log lists no engine layers, those that the builder added. A NoOp is none, by whatever name.
    """
    added = {entry.name: entry for entry in found.added_conversions}
    out: list[Conversion] = []
    names = set()
    for layer in found.layers if found.source == "engine" else ():
        names.add(layer.layer.strip())
        inputs = layer.operands("inputs")
        if not layer.converts or copies_constants(found, layer):
            continue
        entry = added.get(layer.layer.strip())
        place = place_of(layer.layer)
        outputs = layer.operands("outputs")
        ends = outputs if place and place.side == "output" else inputs  # of the two the one that is no copy
        serves = place.layer if place else None
        out.append(
            Conversion(
                place=place,
                layer=layer,
                serves=serves or _reader(found, layer) or layer.layer,
                tensor=entry.tensor if entry else ends[0]["name"] if ends else layer.layer,
                listed=ends[0]["name"] if ends else entry.tensor if entry else layer.layer,
                before=entry.before if entry else inputs[0]["format"] if inputs else None,
                after=entry.after if entry else outputs[0]["format"] if outputs else None,
                timed_ms=layer.tactic_ms,
                timed_as=layer.timed_as,
                line=entry.line if entry else layer.line,
                run=layer.run,
                profile=layer.profile,
                listed_formats=entry is None,
            )
        )
    measured = {row["layer"].strip(): row for row in found.only_profiled}
    for entry in found.added_conversions:
        if entry.name in names:
            continue
        time = found.conversion_times.of(entry.tensor, entry.before, entry.after)
        out.append(
            Conversion(
                place=entry.place,
                layer=None,
                serves=entry.layer,
                tensor=entry.tensor,
                listed=entry.tensor,
                before=entry.before,
                after=entry.after,
                timed_ms=time.timing.time_ms if time else None,
                timed_as=time.layer if time and not time.own else None,
                line=entry.line,
                run=entry.run,
                profile=measured.get(entry.name),
            )
        )
    return out


def _reader(found: Layers, copy: Layer) -> str | None:
    """Return the layer behind a copy that reads what it writes: a copy into a larger tensor shares that one's name."""
    behind = (layer for layer in found.layers if layer.position > copy.position and not layer.converts)
    return next((x.layer for x in behind if any(o["name"] in copy.outputs for o in x.operands("inputs"))), None)


def conversion_costs(found: Layers) -> pa.Table:
    """List the engine's conversions, the dearest first: by profile time, else by timed cost."""
    work = _Work(found)
    all_of = conversions(found)
    out = [work.row(one, all_of) for one in all_of]
    out.sort(key=lambda r: (r["run"], -(r["profile_ms"] or r["timed_ms"] or 0.0)))
    return answer(ReformatCost, out)


class _Work:
    """The layers on both ends of a conversion, and what they could do."""

    def __init__(self, found: Layers) -> None:
        self.found = found
        self.made: dict[str, Layer] = {}
        self.written: set[str] = set()
        self.read: set[str] = set()
        self.readers: dict[str, list[Layer]] = {}
        for layer in found.layers:
            for operand in layer.operands("inputs"):
                self.read.add(operand["name"])
                self.readers.setdefault(operand["name"], []).append(layer)
            self.written.update(layer.outputs)
            if not layer.converts:
                self.made.update(dict.fromkeys(layer.outputs, layer))
        nodes = table_rows(found.log.table("onnx_nodes"))
        # The list of an excerpt may lack layers: what a node of the network writes is no input of the network.
        self.computed = {t["tensor"] for node in nodes for t in node["outputs"] or ()}
        self.operators = {node["node"]: node["op"].lower() for node in nodes if node["op"]}
        # "Detected 1 inputs and 2 output network tensors": what is more than no layer reads, one reads too.
        counts = [row["value"] for row in table_rows(found.rows("facts"))
                  if row["kind"] == "network_tensors" and row["field"] == "total"]  # fmt: skip
        left = self.written - self.read
        self.outputs_read = ((counts[-1] if counts else 0) or 0) - len(left & self.computed if self.computed else left)

    def row(self, one: Conversion, others: Iterable[Conversion]) -> dict[str, Any]:
        alone = self._round_trip(one, others)
        return {
            "run": one.run,
            "layer": one.serves,
            "side": one.place.side if one.place else None,
            "tensor": one.tensor,
            **one.change_to(one),
            "timed_ms": one.timed_ms,
            "profile_ms": mean_ms(one.profile) if one.profile else None,
            "percent": one.profile["percent"] if one.profile else None,
            **self._forced(one),
            "round_trip": alone is not None,
            "round_trip_of": alone,
            "line": one.line,
            "conversion": one.layer.layer if one.layer else None,
            "timed_as": one.timed_as,
        }

    def _forced(self, one: Conversion) -> dict[str, Any]:
        """Say who forces a conversion: compare what the layers on its two ends can do, by their timed tactics."""
        if one.layer is None:
            return {"forced_by": "unknown", "gain_ms": None}
        if one.place is None:
            return {"forced_by": self._own_copy(one.layer), "gain_ms": None}
        if self._at_border(one):
            return {"forced_by": "network_io", "gain_ms": None}
        side, index = one.place.side, one.place.index
        inside, outside = (one.after, one.before) if side == "input" else (one.before, one.after)
        served = self.found.named(one.serves)
        own = served.candidates if served else ()
        place = 0 if side == "input" else 1
        with_inside, with_outside = _in_format(own, place, index, inside), _in_format(own, place, index, outside)
        maker = self.made.get(one.listed)
        if side == "input" and "dtype" in one.change_to(one)["change"] and self._renamed(served, maker):
            return {"forced_by": "network_io", "gain_ms": None}
        if not with_inside:
            return {"forced_by": "unknown", "gain_ms": None}
        if not with_outside:
            return {"forced_by": "consumer" if side == "input" else "producer", "gain_ms": None}
        if side == "input" and maker is not None and maker.candidates:
            output = maker.outputs.index(one.listed)
            if not _in_format(maker.candidates, 1, output, inside):
                return {"forced_by": "producer", "gain_ms": None}
        if side == "output" and self._unreadable(one.listed, inside):
            return {"forced_by": "consumer", "gain_ms": None}
        gain = min(t.time_ms for t in with_outside) - min(t.time_ms for t in with_inside)
        return {"forced_by": "cost", "gain_ms": gain} if gain > 0 else {"forced_by": "unknown", "gain_ms": None}

    def _renamed(self, served: Layer | None, maker: Layer | None) -> bool:
        """Return whether only a NoOp, which hands on any type, is between a conversion and the network's border."""
        if served is not None and served.type == "NoOp" and not any(name in self.read for name in served.outputs):
            return True
        if maker is None or maker.type != "NoOp":
            return False
        names = [operand["name"] for operand in maker.operands("inputs")]
        return not any(name in self.written or name in self.computed for name in names)

    def _at_border(self, one: Conversion) -> bool:
        """Return whether the tensor is an input or an output of the network, by what its layers read and write."""
        if one.place is not None and one.place.side == "input":
            return one.listed not in self.written and one.listed not in self.computed
        # Between two layers a conversion is one of the reader's input: what a layer writes is converted for outside.
        return one.listed not in self.read or (one.place is not None and self.outputs_read > 0)

    def _unreadable(self, tensor: str, wanted: str | None) -> bool:
        """Return whether a layer that reads a tensor was timed, and never with this format of it."""
        for reader in self.readers.get(tensor, ()):
            places = [i for i, operand in enumerate(reader.operands("inputs")) if operand["name"] == tensor]
            if reader.candidates and not any(_in_format(reader.candidates, 0, place, wanted) for place in places):
                return True
        return False

    def _own_copy(self, layer: Layer) -> str:
        # "/in/QuantizeLinear", "QuantizeLinear_2", "(Unnamed Layer* 4) [Shuffle]"
        last = layer.layer.strip().rsplit(" ", 1)[-1].rsplit("/", 1)[-1]
        words = {last.strip("[]").lower()} | {self.operators.get(p, "") for p in layer.parts}
        if layer.layer.endswith(" copy") or any(word.startswith(_PLACING) for word in words if word):
            return "elimination"
        return "network" if any(word.startswith(_MOVING) for word in words if word) else "unknown"

    def _round_trip(self, one: Conversion, others: Iterable[Conversion]) -> str | None:
        """Return the layer whose input is converted and whose output is converted back to the same format.

        Either conversion may be one of the layer's own, or of its neighbour: of the output before, the input behind.
        """
        behind = self._behind(one)
        if behind is None:
            return None
        back = any(
            (other.listed in behind.outputs if other.place.side == "input" else other.serves == behind.layer)
            and one.change_to(other)["change"] == "strides"
            # Between the network's input and its output it does not stand alone: nobody stands beside it.
            and not (self._at_border(one) and self._at_border(other))
            for other in others
            if other.place is not None and other is not one
        )
        return behind.layer if back else None

    def _behind(self, one: Conversion) -> Layer | None:
        """Return the one layer that reads what a conversion writes, None where several do or none is listed."""
        if one.place is None:
            return None
        if one.place.side == "input":
            return self.found.named(one.serves)
        written = one.layer.outputs if one.layer is not None else (one.listed,)
        readers = {reader.layer: reader for name in written for reader in self.readers.get(name, ())}
        return next(iter(readers.values())) if len(readers) == 1 else None


def _in_format(candidates: Iterable[TacticTime], side: int, index: int, wanted: str | None) -> list[TacticTime]:
    """Return the timed tactics that have a format at an operand."""
    out = []
    for one in candidates:
        formats = operand_formats(one.combination[side])
        if index < len(formats) and formats[index] == wanted:
            out.append(one)
    return out


def spent_on(found: Layers) -> dict[str, float]:
    """Return by layer the time of the conversions that serve it: from the profile where there is one, else as timed."""
    own = [one for one in conversions(found) if one.place is not None]
    profiled = any(one.profile for one in own)
    out: dict[str, float] = {}
    for one in own:
        time_ms = mean_ms(one.profile) if one.profile else None if profiled else one.timed_ms
        if time_ms is not None:
            out[one.serves] = out.get(one.serves, 0.0) + time_ms
    return out


@record(frozen=True)
class ReformatShare(Record):
    """What conversions and other copies take of the profile."""

    run: int = run_column()
    group: str = column("name", "format conversion; constant copy: a layer that copies weights at each inference")
    layers: int = column("int64", "layers of this group in the profile")
    time_ms: float = column("float64", "mean time an inference, sum of the layers", "ms")
    percent: float = column("float64", "share of the profile's total", "%")


def shares(found: Layers) -> pa.Table:
    """Sum what conversions and copies of constants take of the layer profile.

    A copy of a constant is a layer of type Reformat (or a copied Identity) whose only input is the output of
    a Constant layer: it moves weights at each inference. What waits for a DLA is left out: its time is not a copy's.
    """
    sums: dict[str, list[float]] = {}
    profile = kept_profile(found.log).rows
    total = whole_ms(profile)
    measured = [(layer.profile, layer) for layer in found.layers if layer.profile is not None and layer.row is not None]
    waits = {row["line"] for row in dla_copies(profile)}
    for row, layer in (*measured, *((row, None) for row in found.only_profiled)):
        if row["line"] in waits or not is_conversion(row["layer"], layer.type if layer else None):
            continue
        copies = layer is not None and copies_constants(found, layer)
        entry = sums.setdefault("constant copy" if copies else "format conversion", [0, 0.0])
        entry[0] += 1
        entry[1] += mean_ms(row) or 0.0
    out = [
        {"run": profile[0]["run"], "group": group, "layers": int(count), "time_ms": time_ms,
         "percent": 100 * time_ms / total if total else 0.0}
        for group, (count, time_ms) in sums.items()
    ]  # fmt: skip
    return answer(ReformatShare, out)
