"""The builder's problem over formats: layers with what they may choose, and the cheapest choice for all together.

A layer's tactic reads and writes certain formats; between two layers whose formats differ a conversion is needed. The
cheapest choice is searched layer by layer in the engine's order: the cheapest way to every set of formats that the
tensors in use can have is kept (a shortest path over formats).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.words import counted
from trtlog.analyses.layer.base import layout_of
from trtlog.analyses.layer.conversion_times import operand_formats
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.risk import timing_noise
from trtlog.analyses.layer.timing_noise import TimingNoise
from trtlog.analyses.layer.timings import TacticTime, format_key

# More states than these are not kept; the cheapest are. Residual networks need some hundreds.
_STATES = 1500
# So many layers of a plan are tried as the one that holds it back.
_SUSPECTS = 6
_ANY = "any format"
_NINETY = 1.645
# Of fewer timed layers nothing can be said of the engine.
_MOST = 0.8
# Sums of the same times in another order.
EQUAL_MS = 1e-9


@dataclass(frozen=True)
class Choice:
    """A combination of formats of a layer, with its fastest tactic."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    time_ms: float
    line: int


@dataclass(frozen=True)
class Node:
    """A layer among others: its tensors, what it may choose, what it chose.

    ``renames`` is one that computes nothing: a reshape that the engine turned into another name for the same memory,
    which it would be in any data type of that layout.
    """

    layer: Layer
    inputs: tuple[str | None, ...]
    outputs: tuple[str | None, ...]
    choices: tuple[tuple[Choice, str | None], ...]
    used: Choice | None
    precision: str | None
    renames: bool = False

    def in_precision(self, precision: str) -> list[Choice]:
        """Return what it may choose in one precision."""
        return [choice for choice, found in self.choices if found == precision]


@dataclass(frozen=True)
class _State:
    cost: float
    conversions: float
    number: int
    choice: Choice | None
    before: _State | None


# Tensors in use, with the formats they are there in, the one they were made in first -> the cheapest way to that.
Ways: TypeAlias = dict[tuple[tuple[str, tuple[str, ...]], ...], _State]
_START: Ways = {(): _State(0.0, 0.0, 0, None, None)}


@dataclass(frozen=True)
class Plan:
    """A choice for each layer, and what all cost together: all, the conversions in it in ms, and their number."""

    total: float
    conversions: float
    number: int
    choices: tuple[Choice | None, ...]


class Network:
    """The layers that compute, their tensors, and the cost of conversions."""

    def __init__(self, layers: Layers, renaming: bool) -> None:
        self.layers = layers
        self._costs: dict[tuple[str, str, str], float] = {}
        added = layers.added_conversions
        own = [x for x in layers.layers if not x.converts and x.type != "Constant" and x.role != "constant"]
        nodes = [self._renaming(layer) if layer.type == "NoOp" else self._node(layer) for layer in own]
        self.nodes = [node for node in nodes if node is not None and (renaming or not node.renames)]
        self._given = {e.tensor: e.before for e in added if e.place is not None and e.place.side == "input"}
        # What an untimed layer reads (a reshape) is converted in front of it; an output of the network, behind.
        names = {node.layer.layer.strip() for node in self.nodes}
        self._wanted = {
            e.tensor: e.after
            for e in added
            if e.place is not None and (e.place.side == "output" or e.layer.strip() not in names)
        }
        # Conversions that the engine turned into another name for the same memory.
        renamed = {layer.layer.strip() for layer in layers.layers if layer.type == "NoOp"}
        self._costs |= {(e.tensor, e.before, e.after): 0.0 for e in added if e.name in renamed}
        self._shapes = {
            one["name"]: one["shape"]
            for node in self.nodes
            for side in ("inputs", "outputs")
            for one in node.layer.operands(side)
            if one.get("name") and one.get("shape")
        }
        self._last: dict[str, int] = {}
        for position, node in enumerate(self.nodes):
            for name in node.inputs:
                if name is not None:
                    self._last[name] = position

    @cached_property
    def noise(self) -> TimingNoise:
        """The noise of the log's timings."""
        return timing_noise(self.layers)

    def _node(self, layer: Layer) -> Node:
        inputs, outputs = self.layers.tensors(layer)
        found: dict[tuple[Any, ...], tuple[Choice, str | None]] = {}
        for one in layer.candidates:
            precision = "FP32" if one.precision == "TF32" else one.precision
            key = (*one.combination, precision)
            if key not in found or one.time_ms < found[key][0].time_ms:
                choice = Choice(_plain(one.input_formats), _plain(one.output_formats), one.time_ms, one.line)
                found[key] = (choice, precision)
        used = None
        chosen_precision = layer.precision
        row = layer.timing.row
        if row is not None and layer.tactic_ms is not None:
            timed = self.layers.timed_by_row[row]
            formats = _plain(timed.input_formats), _plain(timed.output_formats)
            used = Choice(*formats, layer.tactic_ms, timed.line)
            chosen_precision = timed.precision
        chosen_precision = "FP32" if chosen_precision == "TF32" else chosen_precision
        return Node(layer, inputs, outputs, tuple(found.values()), used, chosen_precision)

    def _renaming(self, layer: Layer) -> Node | None:
        """Return a reshape that became a NoOp; None where the log does not tell which formats it has."""
        inputs, outputs = self.layers.tensors(layer)
        if len(inputs) != 1 or len(outputs) != 1 or layer.role != "layer":
            return None
        times: dict[tuple[tuple[str, ...], tuple[str, ...]], TacticTime] = {}
        for one in layer.candidates:
            formats = _plain(one.input_formats), _plain(one.output_formats)
            if len(formats[0]) == len(formats[1]) == 1 and one.time_ms <= times.get(formats, one).time_ms:
                times[formats] = one
        ends = (*layer.input_formats, *layer.output_formats)
        like = [formats for formats in times if tuple(format_key(side[0]) for side in formats) == ends]
        if len(like) > 1:  # channels last or not: as the conversion in front of it says
            added = {e.after for e in self.layers.added_conversions if e.layer.strip() == layer.layer.strip()}
            like = [formats for formats in like if formats[0][0] in added]
        if len(like) != 1:
            return None
        layouts = [_strides(side[0]) for side in like[0]]
        choices = [
            (
                Choice(*formats, 0.0 if [_strides(side[0]) for side in formats] == layouts else one.time_ms, one.line),
                None,
            )
            for formats, one in times.items()
        ]
        used = next(choice for choice, _ in choices if (choice.inputs, choice.outputs) == like[0])
        return Node(layer, inputs, outputs, tuple(choices), used, None, renames=True)

    def without_answer(self, timed: Sequence[int], engine: Plan | None) -> str | None:
        """Return why nothing can be said of the engine; None where most layers were timed and no conversion is odd."""
        computing = [node for node in self.nodes if not node.renames]
        known = sum(1 for node in computing if node.used is not None)
        if not timed or known < _MOST * len(computing):
            return f"{known} of {len(computing)} layers of the engine were timed in this log; {_MOST:.0%} are needed"
        if engine is None:
            return "a conversion that the engine holds was not timed in this log"
        added = sum(1 for layer in self.layers.layers if layer.converts and layer.role.startswith("reformat"))
        if engine.number > added:
            return f"by their formats the layers need {counted(engine.number, 'conversion')}, the engine holds {added}"
        return None

    def cost(self, tensor: str, before: str, after: str) -> float:
        """Return the time of a conversion, infinite where none was timed."""
        key = tensor, before, after
        known = self._costs.get(key)
        if known is None:
            known = self._costs[key] = self._cost(*key)
        return known

    def _cost(self, tensor: str, before: str, after: str) -> float:
        if before == after or _ANY in (before, after) or self._same_bytes(tensor, before, after):
            return 0.0
        time = self.layers.conversion_times.of(tensor, before, after)
        return math.inf if time is None else time.timing.time_ms

    def _same_bytes(self, tensor: str, before: str, after: str) -> bool:
        """Whether a conversion only renames: all layouts of one pixel are the same where no channel is padded."""
        shape: Sequence[int] = self._shapes.get(tensor) or ()
        if len(shape) < 3 or any(size != 1 for size in shape[2:]):
            return False
        type_, _, vector = format_key(before).partition(":")
        other, _, wanted = format_key(after).partition(":")
        sizes = [int(size) for size in (vector, wanted) if size.isdigit()]
        return type_ == other and all(size > 0 and shape[1] % size == 0 for size in sizes)

    def solve(
        self,
        allowed: Sequence[Sequence[Choice]],
        waived: frozenset[str] = frozenset(),
        begun: tuple[int, Ways] | None = None,
    ) -> Plan | None:
        """Return the cheapest plan in which each layer takes one of its allowed choices; None where there is none.

        Conversions of the tensors ``waived`` cost nothing. ``begun`` is a layer and the ways to it, of :meth:`ways_to`.
        """
        first, ways = begun or (0, _START)
        for position in range(first, len(self.nodes)):
            ways = self._behind(position, ways, allowed[position], waived)
            if not ways:
                return None
        best = min(ways.values(), key=lambda state: state.cost)
        chosen: list[Choice | None] = []
        last = best
        while last.before is not None:
            chosen.append(last.choice)
            last = last.before
        return Plan(best.cost, best.conversions, best.number, tuple(reversed(chosen)))

    def ways_to(self, allowed: Sequence[Sequence[Choice]], positions: Sequence[int]) -> dict[int, Ways]:
        """Return the ways to some layers, as far as there are any: plans that differ from there on begin with them."""
        ways, found = _START, {}
        for position in range(max(positions, default=-1) + 1):
            if position in positions:
                found[position] = ways
            ways = self._behind(position, ways, allowed[position], frozenset())
        return found

    def _behind(self, position: int, ways: Ways, own: Sequence[Choice], waived: frozenset[str]) -> Ways:
        """Return the cheapest ways to what can be behind a layer, which takes one of its own choices."""
        found: Ways = {}
        node, choices = self.nodes[position], own or (None,)
        for key, state in ways.items():
            for choice in choices:
                after = self._step(position, node, choice, dict(key), state, waived)
                if after is None:
                    continue
                name = tuple(sorted(after[0].items()))
                if name not in found or after[1].cost < found[name].cost:
                    found[name] = after[1]
        if len(found) > _STATES:
            return dict(sorted(found.items(), key=lambda item: item[1].cost)[:_STATES])
        return found

    def _step(
        self,
        position: int,
        node: Node,
        choice: Choice | None,
        there: dict[str, tuple[str, ...]],
        state: _State,
        waived: frozenset[str],
    ) -> tuple[dict[str, tuple[str, ...]], _State] | None:
        spent, number = 0.0, 0
        for index, name in enumerate(node.inputs):
            if name is None or choice is None or index >= len(choice.inputs):
                continue
            wanted = choice.inputs[index]
            # What comes from outside is there as the engine has it.
            formats = there.get(name) or (self._outside(name, node, index, wanted),)
            if wanted not in formats and _ANY not in formats and wanted != _ANY:
                one = 0.0 if name in waived else self.cost(name, formats[0], wanted)
                if one == math.inf:
                    return None
                spent, number = spent + one, number + (one > 0)
                there[name] = (formats[0], *sorted({*formats[1:], wanted}))
        for index, name in enumerate(node.outputs):
            if name is None or choice is None or index >= len(choice.outputs):
                continue
            made = choice.outputs[index]
            if self._last.get(name, -1) > position:
                # Several layers write the parts of a concatenation, all in its format.
                if name in there and _ANY not in (made, there[name][0]) and there[name][0] != made:
                    return None
                there.setdefault(name, (made,))
                continue
            # An output of the network, or what an untimed layer reads: in the engine's format.
            wanted = self._wanted.get(name) or (
                node.used.outputs[index] if node.used and index < len(node.used.outputs) else made
            )
            one = 0.0 if name in waived else self.cost(name, made, wanted)
            if one == math.inf:
                return None
            spent, number = spent + one, number + (one > 0)
        there = {name: formats for name, formats in there.items() if self._last.get(name, -1) > position}
        time = choice.time_ms if choice is not None else 0.0
        return there, _State(state.cost + spent + time, state.conversions + spent, state.number + number, choice, state)

    def _outside(self, name: str, node: Node, index: int, wanted: str) -> str:
        if name in self._given:
            return self._given[name]
        return node.used.inputs[index] if node.used is not None and index < len(node.used.inputs) else wanted


def compared(layers: Layers) -> EngineFormats | str:
    """Return what other plans are compared with, or why nothing can be said of this engine.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    """
    reason: str | None = None
    for renaming in (True, False):  # without reshapes the formats of what is around them stay as the engine has them
        network = Network(layers, renaming)
        timed = tuple(i for i, x in enumerate(network.nodes) if x.used is not None and x.choices and not x.renames)
        engine = network.solve([chosen(node) for node in network.nodes]) if timed else None
        reason = network.without_answer(timed, engine)
        if reason is None and engine is not None:
            return EngineFormats(network, timed, engine)
        if not any(node.renames for node in network.nodes):
            break
    return reason or "no layer was timed"


def chosen(node: Node) -> list[Choice]:
    """Return what a layer chose: where its formats are not printed, all that were timed of its tactic."""
    if node.used is None:
        return []
    timing = node.layer.timing
    if timing.how != "ambiguous":
        return [node.used]
    alike = [x for x in node.layer.candidates if (x.runner, x.tactic) == (node.layer.runner, node.layer.tactic)]
    return [Choice(_plain(x.input_formats), _plain(x.output_formats), x.time_ms, x.line) for x in alike] or [node.used]


@dataclass(frozen=True)
class EngineFormats:
    """Other plans against the engine's.

    Attributes
    ----------
    network : Network
        The layers.
    timed : tuple of int
        Positions of the layers whose choice is known and may be another.
    engine : Plan
        What the engine chose.
    """

    network: Network
    timed: tuple[int, ...]
    engine: Plan

    def noise(self, plan: Plan, positions: Iterable[int] | None = None, conversions: int | None = None) -> float:
        """Return what nine of ten repeated builds would stay within, in ms; of some layers and conversions only."""
        noise = self.network.noise
        chosen = plan.choices if positions is None else [plan.choices[i] for i in positions]
        number = plan.number if conversions is None else conversions
        own = sum((float(noise.disturbed(x.time_ms)) * x.time_ms) ** 2 for x in chosen if x is not None)
        each = plan.conversions / plan.number if plan.number else 0.0
        converting = number * (float(noise.disturbed(each, conversion=True)) * each) ** 2
        return _NINETY * math.sqrt(own + converting)

    def rename_freely(self, allowed: list[list[Choice]], positions: Iterable[int]) -> None:
        """Let reshapes beside layers whose choice is free take any format, too."""
        nodes, free = self.network.nodes, set(positions)
        made = {name: i for i, node in enumerate(nodes) for name in node.outputs if name is not None}
        read: dict[str, set[int]] = {}
        for i, node in enumerate(nodes):
            for name in node.inputs:
                read.setdefault(name or "", set()).add(i)
        left = {i for i, node in enumerate(nodes) if node.renames}
        while near := {i for i in left if made.get(nodes[i].inputs[0] or "") in free
                       or read.get(nodes[i].outputs[0] or "", set()) & free}:  # fmt: skip
            for i in near:
                allowed[i] = [choice for choice, _ in nodes[i].choices]
            free |= near
            left -= near

    def is_faster(self, position: int, precision: str) -> bool:
        """Whether a layer would be faster in a precision by itself than as the engine has it."""
        node = self.network.nodes[position]
        own = node.in_precision(precision)
        return node.used is not None and bool(own) and min(x.time_ms for x in own) < node.used.time_ms

    def holder(self, plan: Plan, allowed: Sequence[Sequence[Choice]], among: Sequence[int]) -> tuple[int | None, float]:
        """Return the layer that the plan would gain most by, if it read and wrote any format, and that gain."""
        best: tuple[int | None, float] = (None, 0.0)
        spent = {i: self.beside(plan, i) for i in among}
        suspects = [i for i in sorted(among, key=lambda i: -spent[i])[:_SUSPECTS] if spent[i] > 0]
        ways = self.network.ways_to(allowed, suspects)
        for i in suspects:
            gain = self.gain(plan, allowed, (i,), ways)
            if gain > best[1]:
                best = (i, gain)
        return best

    def alike(
        self, plan: Plan, allowed: Sequence[Sequence[Choice]], holder: int | None, among: Sequence[int]
    ) -> tuple[list[int], float]:
        """Return the layers beside conversions that were timed in the holder's formats only, and their joint gain."""
        if holder is None:
            return [], 0.0
        wanted = kinds(allowed[holder])
        group = [i for i in among if kinds(allowed[i]) == wanted and self.beside(plan, i) > 0]
        return group, self.gain(plan, allowed, group)

    def gain(
        self,
        plan: Plan,
        allowed: Sequence[Sequence[Choice]],
        positions: Collection[int],
        ways: Mapping[int, Ways] | None = None,
    ) -> float:
        """Return what a plan would gain if layers read and wrote any format at their speed."""
        nodes, relaxed = self.network.nodes, [list(own) for own in allowed]
        for i in positions:
            fastest = min(allowed[i], key=lambda choice: choice.time_ms)
            anything = (_ANY,) * max(len(nodes[i].inputs), len(fastest.inputs))
            relaxed[i] = [Choice(anything, (_ANY,) * len(fastest.outputs), fastest.time_ms, fastest.line)]
        first = min(positions, default=0)
        begun = (first, ways[first]) if ways is not None else None
        without = self.network.solve(relaxed, begun=begun)
        return plan.total - without.total if without is not None else 0.0

    def beside(self, plan: Plan, position: int) -> float:
        """Return what conversions beside a layer cost in a plan."""
        nodes, choice = self.network.nodes, plan.choices[position]
        if choice is None:
            return 0.0
        makers: dict[str, tuple[int, int]] = {}
        for place, node in enumerate(nodes):
            makers |= {name: (place, output) for output, name in enumerate(node.outputs) if name}
        total = 0.0
        for index, name in enumerate(nodes[position].inputs):
            maker = makers.get(name) if name is not None else None
            made = plan.choices[maker[0]] if maker is not None else None
            if name is None or maker is None or made is None or index >= len(choice.inputs):
                continue
            if maker[1] < len(made.outputs):
                total += self.network.cost(name, made.outputs[maker[1]], choice.inputs[index])
        for output, name in enumerate(nodes[position].outputs):
            for place, node in enumerate(nodes):
                reads = plan.choices[place]
                if name is None or name not in node.inputs or reads is None or output >= len(choice.outputs):
                    continue
                index = node.inputs.index(name)
                if index < len(reads.inputs):
                    total += self.network.cost(name, choice.outputs[output], reads.inputs[index])
        return total if total < math.inf else 0.0


def kinds(choices: Sequence[Choice]) -> set[str]:
    """Return the combinations of formats, in words."""
    return {f"{_layout(choice.inputs)} -> {_layout(choice.outputs)}" for choice in choices}


def _plain(text: str | None) -> tuple[str, ...]:
    """Return formats without the mark of a tensor that is a part of a larger one: the layout is the same."""
    return tuple(one.replace(" long-strided", "") for one in operand_formats(text))


def _strides(text: str) -> str:
    """Return a format without its data type."""
    return text[text.find("(") :]


def _layout(formats: Sequence[str]) -> str:
    return layout_of(formats[0]) or formats[0] if formats else "none"
