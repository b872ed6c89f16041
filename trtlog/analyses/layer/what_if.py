"""What other formats and precisions would cost: the best choice for all layers together, by the builder's own timings.

A layer's tactic reads and writes certain formats; between two layers whose formats differ a conversion is needed. The
builder looks for the choice that makes both together fastest. So does this module, from the timings that the log
holds: layer by layer in the engine's order, it keeps the cheapest way to every set of formats that the tensors in use
can have (a shortest path over formats). With all candidates that is the builder's own problem; with the candidates of
one precision it says what this precision throughout would cost, and which layer makes it dear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog._util.words import counted, plural
from trtlog.analyses.layer.base import answer, layout_of
from trtlog.analyses.layer.conversion_times import operand_formats
from trtlog.analyses.layer.engine_layer import Layer, Layers
from trtlog.analyses.layer.precision import timed_precision
from trtlog.analyses.layer.timing_noise import TimingNoise
from trtlog.analyses.layer.timings import format_key
from trtlog.errors import QueryError
from trtlog.records.base import Record, column, line_column, record, run_column

_PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "FP8")
# More states than these are not kept; the cheapest are. Residual networks need some hundreds.
_STATES = 1500
# So many layers of a plan are tried as the one that holds it back.
_SUSPECTS = 6
_ANY = "any format"
_NINETY = 1.645
# Of fewer timed layers nothing can be said of the engine.
_MOST = 0.8
# Sums of the same times in another order.
_EQUAL_MS = 1e-9


@record(frozen=True)
class WhatIf(Record):
    """What the layers would cost together, conversions included, under one rule for choosing their tactics."""

    run: int = run_column()
    plan: str = column(
        "name",
        "engine: what the engine chose; best: the cheapest choice of all timed candidates; FP32 (with TF32), FP16, "
        "BF16, INT8, FP8: the cheapest in this precision throughout, layers without a candidate in it as they can",
    )
    total_ms: float = column("float64", "layers and conversions", "ms")
    layers_ms: float = column("float64", "layers alone", "ms")
    conversions_ms: float = column("float64", "conversions between formats", "ms")
    conversions: int = column("int64", "number of conversions")
    change_ms: float = column("float64", "total less the engine's", "ms")
    change_percent: float = column("float64", "change of the engine's total", "%")
    noise_ms: float = column(
        "float64", "what nine of ten repeated builds would stay within, by the noise of timings", "ms"
    )
    layers: int = column("int64", "layers whose tactics are chosen here")
    of_layers: int = column("int64", "layers that compute; the others were not timed and keep their formats")
    missing: list[str] | None = column("texts", "layers without a candidate in the precision of the plan")
    holder: str | None = column(
        "name",
        "the layer that makes the plan dearest: with kernels in the formats of its neighbours it would gain most",
    )
    holder_ms: float | None = column(
        "float64", "what the plan would gain if that layer took any format at its speed", "ms"
    )
    holders: int | None = column("int64", "layers beside conversions that were timed in the same formats only")
    holders_ms: float | None = column("float64", "what the plan would gain if all of these took any format", "ms")
    explained: str = column("text", "the comparison in words")
    lines: list[int] | None = column(
        "int64s", "the holder's candidates in the plan's precision, else the layers chosen otherwise"
    )
    line: int | None = line_column("the first of them")


@dataclass(frozen=True)
class _Choice:
    """A combination of formats of a layer, with its fastest tactic."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    time_ms: float
    line: int


@dataclass(frozen=True)
class _Node:
    """A layer among others: its tensors, what it may choose, what it chose."""

    layer: Layer
    inputs: tuple[str | None, ...]
    outputs: tuple[str | None, ...]
    choices: tuple[tuple[_Choice, str | None], ...]
    used: _Choice | None


@dataclass(frozen=True)
class _State:
    cost: float
    conversions: float
    number: int
    choice: _Choice | None
    before: _State | None


@dataclass(frozen=True)
class _Plan:
    total: float
    conversions: float
    number: int
    choices: tuple[_Choice | None, ...]


class _Network:
    """The layers that compute, their tensors, and the cost of conversions."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self._costs: dict[tuple[str, str, str], float] = {}
        own = [
            x for x in layers.layers if not x.converts and x.type not in ("Constant", "NoOp") and x.role != "constant"
        ]
        self.nodes = [self._node(layer) for layer in own]
        added = layers.added_conversions
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

    def _node(self, layer: Layer) -> _Node:
        inputs, outputs = self.layers.tensors(layer)
        found: dict[tuple[Any, ...], tuple[_Choice, str | None]] = {}
        for one in layer.candidates:
            precision = timed_precision(one.input_formats, one.output_formats, one.kernel, one.runner)
            precision = "FP32" if precision == "TF32" else precision
            key = (*one.combination, precision)
            if key not in found or one.time_ms < found[key][0].time_ms:
                choice = _Choice(_plain(one.input_formats), _plain(one.output_formats), one.time_ms, one.line)
                found[key] = (choice, precision)
        used = None
        row = layer.timing.row
        if row is not None and layer.tactic_ms is not None:
            held = self.layers.timed_tactics.loc[row]
            formats = _plain(held["input_formats"]), _plain(held["output_formats"])
            used = _Choice(*formats, layer.tactic_ms, int(held["line"]))
        return _Node(layer, inputs, outputs, tuple(found.values()), used)

    def tells(self, engine: _Plan) -> bool:
        """Whether the model is that of the engine: most layers were timed, and no conversion is in it but its own."""
        known = sum(1 for node in self.nodes if node.used is not None)
        held = sum(1 for layer in self.layers.layers if layer.converts and layer.role.startswith("reformat"))
        return known >= _MOST * len(self.nodes) and engine.number <= held

    def cost(self, tensor: str, before: str, after: str) -> float:
        """Return the time of a conversion, infinite where none was timed."""
        if before == after or _ANY in (before, after) or self._same_bytes(tensor, before, after):
            return 0.0
        key = tensor, before, after
        if key not in self._costs:
            time = self.layers.conversion_times.of(*key)
            self._costs[key] = math.inf if time is None else time.timing.time_ms
        return self._costs[key]

    def _same_bytes(self, tensor: str, before: str, after: str) -> bool:
        """Whether a conversion only renames: all layouts of one pixel are the same where no channel is padded."""
        shape: Sequence[int] = self._shapes.get(tensor) or ()
        if len(shape) < 3 or any(size != 1 for size in shape[2:]):
            return False
        type_, _, vector = format_key(before).partition(":")
        other, _, wanted = format_key(after).partition(":")
        sizes = [int(size) for size in (vector, wanted) if size.isdigit()]
        return type_ == other and all(size > 0 and shape[1] % size == 0 for size in sizes)

    def solve(self, allowed: Sequence[Sequence[_Choice]]) -> _Plan | None:
        """Return the cheapest plan in which each layer takes one of its allowed choices; None where there is none."""
        # Tensors in use -> the formats they are there in, the one they were made in first.
        states: dict[tuple[tuple[str, tuple[str, ...]], ...], _State] = {(): _State(0.0, 0.0, 0, None, None)}
        for position, node in enumerate(self.nodes):
            found: dict[tuple[tuple[str, tuple[str, ...]], ...], _State] = {}
            choices: Sequence[_Choice | None] = allowed[position] or (None,)
            for key, state in states.items():
                for choice in choices:
                    after = self._step(position, node, choice, dict(key), state)
                    if after is None:
                        continue
                    name = tuple(sorted(after[0].items()))
                    if name not in found or after[1].cost < found[name].cost:
                        found[name] = after[1]
            if len(found) > _STATES:
                found = dict(sorted(found.items(), key=lambda item: item[1].cost)[:_STATES])
            if not found:
                return None
            states = found
        best = min(states.values(), key=lambda state: state.cost)
        chosen: list[_Choice | None] = []
        last = best
        while last.before is not None:
            chosen.append(last.choice)
            last = last.before
        return _Plan(best.cost, best.conversions, best.number, tuple(reversed(chosen)))

    def _step(
        self, position: int, node: _Node, choice: _Choice | None, there: dict[str, tuple[str, ...]], state: _State
    ) -> tuple[dict[str, tuple[str, ...]], _State] | None:
        spent, number = 0.0, 0
        for index, name in enumerate(node.inputs):
            if name is None or choice is None or index >= len(choice.inputs):
                continue
            wanted = choice.inputs[index]
            # What comes from outside is there as the engine has it.
            formats = there.get(name) or (self._outside(name, node, index, wanted),)
            if wanted not in formats and _ANY not in formats and wanted != _ANY:
                one = self.cost(name, formats[0], wanted)
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
            wanted = self._wanted.get(name) or (node.used.outputs[index] if node.used else made)
            one = self.cost(name, made, wanted)
            if one == math.inf:
                return None
            spent, number = spent + one, number + (one > 0)
        there = {name: formats for name, formats in there.items() if self._last.get(name, -1) > position}
        time = choice.time_ms if choice is not None else 0.0
        return there, _State(state.cost + spent + time, state.conversions + spent, state.number + number, choice, state)

    def _outside(self, name: str, node: _Node, index: int, wanted: str) -> str:
        if name in self._given:
            return self._given[name]
        return node.used.inputs[index] if node.used is not None and index < len(node.used.inputs) else wanted


def what_if(layers: Layers, first: str | None = None, last: str | None = None) -> pa.Table:
    """Compare the engine's choice with the best one, and with each precision throughout.

    Parameters
    ----------
    first, last : str, optional
        Names of the first and the last layer whose choice is free; the others stay as the engine has them.
    """
    network = _Network(layers)
    nodes = network.nodes
    free = _range(nodes, first, last)
    used = [_chosen(node) for node in nodes]
    timed = [i for i in free if nodes[i].used is not None and nodes[i].choices]
    engine = network.solve(used) if timed else None
    if engine is None or not network.tells(engine):
        return answer(WhatIf, [])
    every: list[list[_Choice]] = [list(own) for own in used]
    for i in timed:
        every[i] = [choice for choice, _ in nodes[i].choices]
    asked = _Asked(network, timed, engine, len(free))
    out = [asked.row("engine", engine, used, ())]
    best = network.solve(every)
    if best is not None:
        out.append(asked.row("best", best, every, ()))
    for precision in _PRECISIONS:
        narrow = [list(own) for own in every]
        offering = []
        for i in timed:
            own = [choice for choice, found in nodes[i].choices if found == precision]
            if own:
                narrow[i] = own
                offering.append(i)
        if 2 * len(offering) < len(timed):
            continue
        plan = network.solve(narrow)
        if plan is not None:
            missing = [nodes[i].layer.layer for i in timed if i not in offering]
            out.append(asked.row(precision, plan, narrow, missing))
    return answer(WhatIf, out)


def _chosen(node: _Node) -> list[_Choice]:
    """Return what a layer chose: where its formats are not printed, all that were timed of its tactic."""
    if node.used is None:
        return []
    timing = node.layer.timing
    if timing.how != "ambiguous":
        return [node.used]
    alike = [x for x in node.layer.candidates if (x.runner, x.tactic) == (node.layer.runner, node.layer.tactic)]
    return [_Choice(_plain(x.input_formats), _plain(x.output_formats), x.time_ms, x.line) for x in alike] or [node.used]


def _range(nodes: Sequence[_Node], first: str | None, last: str | None) -> range:
    names = [node.layer.layer for node in nodes]
    for name in (first, last):
        if name is not None and name not in names:
            raise QueryError(
                f"there is no layer {name!r} that computes in this engine; trtlog show layer_times lists them"
            )
    start = names.index(first) if first is not None else 0
    stop = names.index(last) + 1 if last is not None else len(names)
    return range(start, stop)


@dataclass(frozen=True)
class _Asked:
    network: _Network
    timed: Sequence[int]
    engine: _Plan
    of_layers: int

    def row(
        self, name: str, plan: _Plan, allowed: Sequence[Sequence[_Choice]], missing: Iterable[str]
    ) -> Mapping[str, Any]:
        nodes, missing = self.network.nodes, list(missing)
        noise = self._noise(plan)
        change = plan.total - self.engine.total
        change = 0.0 if abs(change) < _EQUAL_MS else change
        holder, gain = self._holder(plan, allowed) if name in _PRECISIONS and change > noise else (None, 0.0)
        group, together = self._alike(plan, allowed, holder)
        pairs = [(plan.choices[i], self.engine.choices[i]) for i in self.timed]
        other = [a for a, b in pairs if a and b and (a.inputs, a.outputs) != (b.inputs, b.outputs)]
        lines = [choice.line for choice in other]
        if holder is not None:
            lines = sorted(choice.line for choice in allowed[holder])
        return {
            "run": self.network.layers.log.run.run,
            "plan": name,
            "total_ms": plan.total,
            "layers_ms": plan.total - plan.conversions,
            "conversions_ms": plan.conversions,
            "conversions": plan.number,
            "change_ms": change,
            "change_percent": 100 * change / self.engine.total if self.engine.total else 0.0,
            "noise_ms": noise,
            "layers": len(self.timed),
            "of_layers": self.of_layers,
            "missing": missing or None,
            "holder": nodes[holder].layer.layer if holder is not None else None,
            "holder_ms": gain if holder is not None else None,
            "holders": len(group) or None,
            "holders_ms": together if group else None,
            "explained": self._words(
                name, plan, noise, len(other), missing, (holder, gain), (len(group), together), allowed
            ),
            "lines": lines[:20] or None,
            "line": min(lines, default=None),
        }

    def _noise(self, plan: _Plan) -> float:
        noise = TimingNoise()
        chosen = [x.time_ms for x in plan.choices if x is not None]
        own = sum((float(noise.disturbed(time)) * time) ** 2 for time in chosen)
        each = plan.conversions / plan.number if plan.number else 0.0
        converting = plan.number * (float(noise.disturbed(each, conversion=True)) * each) ** 2
        return _NINETY * math.sqrt(own + converting)

    def _holder(self, plan: _Plan, allowed: Sequence[Sequence[_Choice]]) -> tuple[int | None, float]:
        """Return the layer that the plan would gain most by, if it read and wrote any format, and that gain."""
        best: tuple[int | None, float] = (None, 0.0)
        for i in sorted(self.timed, key=lambda i: -self._odd(plan, i))[:_SUSPECTS]:
            gain = self._gain(plan, allowed, (i,)) if self._odd(plan, i) > 0 else 0.0
            if gain > best[1]:
                best = (i, gain)
        return best

    def _alike(self, plan: _Plan, allowed: Sequence[Sequence[_Choice]], holder: int | None) -> tuple[list[int], float]:
        """Return the layers beside conversions that were timed in the holder's formats only, and their joint gain."""
        if holder is None:
            return [], 0.0
        kinds = _kinds(allowed[holder])
        group = [i for i in self.timed if _kinds(allowed[i]) == kinds and self._odd(plan, i) > 0]
        return group, self._gain(plan, allowed, group)

    def _gain(self, plan: _Plan, allowed: Sequence[Sequence[_Choice]], positions: Iterable[int]) -> float:
        """Return what a plan would gain if layers read and wrote any format at their speed."""
        nodes, relaxed = self.network.nodes, [list(own) for own in allowed]
        for i in positions:
            fastest = min(allowed[i], key=lambda choice: choice.time_ms)
            anything = (_ANY,) * max(len(nodes[i].inputs), len(fastest.inputs))
            relaxed[i] = [_Choice(anything, (_ANY,) * len(fastest.outputs), fastest.time_ms, fastest.line)]
        without = self.network.solve(relaxed)
        return plan.total - without.total if without is not None else 0.0

    def _odd(self, plan: _Plan, position: int) -> float:
        """Return what conversions beside a layer cost in a plan."""
        nodes, choice = self.network.nodes, plan.choices[position]
        if choice is None:
            return 0.0
        makers = {name: (i, k) for i, node in enumerate(nodes) for k, name in enumerate(node.outputs) if name}
        total = 0.0
        for index, name in enumerate(nodes[position].inputs):
            maker = makers.get(name) if name is not None else None
            made = plan.choices[maker[0]] if maker is not None else None
            if name is None or maker is None or made is None or index >= len(choice.inputs):
                continue
            if maker[1] < len(made.outputs):
                total += self.network.cost(name, made.outputs[maker[1]], choice.inputs[index])
        for k, name in enumerate(nodes[position].outputs):
            for i, node in enumerate(nodes):
                reads = plan.choices[i]
                if name is None or name not in node.inputs or reads is None or k >= len(choice.outputs):
                    continue
                index = node.inputs.index(name)
                if index < len(reads.inputs):
                    total += self.network.cost(name, choice.outputs[k], reads.inputs[index])
        return total if total < math.inf else 0.0

    def _words(
        self,
        name: str,
        plan: _Plan,
        noise: float,
        other: int,
        missing: Sequence[str],
        held: tuple[int | None, float],
        group: tuple[int, float],
        allowed: Sequence[Sequence[_Choice]],
    ) -> str:
        holder, gain = held
        change = plan.total - self.engine.total
        parts = [
            f"{_us(plan.total - plan.conversions)} of layers",
            f"{counted(plan.number, 'conversion')} of {_us(plan.conversions)}",
        ]
        if abs(change) < _EQUAL_MS:
            change = 0.0
        if name == "best":
            within = "within the noise of the timings" if -change <= noise else "more than the noise of the timings"
            parts.append(
                f"{_us(max(0.0, -change))} less than the engine, {within}; {counted(other, 'layer')} in other formats"
            )
        elif name != "engine":
            where = "more than" if change > 0 else "less than" if change else "the same as"
            parts.append(f"{_us(abs(change))} {where} the engine" if change else f"{where} the engine")
        if missing:
            parts.append(f"{counted(len(missing), 'layer')} {plural(len(missing), 'has', 'have')} no candidate in it")
        if holder is not None:
            layer = self.network.nodes[holder].layer.layer
            known = _kinds(allowed[holder])
            kinds = f"only {sorted(known)[0]}" if len(known) == 1 else f"{len(known)} combinations of formats"
            parts.append(f"{layer} holds it back by {_us(gain)}: it was timed in {kinds}")
            if group[0] > 1:
                parts.append(
                    f"the {group[0]} layers that were timed in the same hold it back by {_us(group[1])} together"
                )
        return "; ".join(parts)


def _kinds(choices: Sequence[_Choice]) -> set[str]:
    return {f"{_layout(choice.inputs)} -> {_layout(choice.outputs)}" for choice in choices}


def _plain(text: str | None) -> tuple[str, ...]:
    """Return formats without the mark of a tensor that is a part of a larger one: the layout is the same."""
    return tuple(one.replace(" long-strided", "") for one in operand_formats(text))


def _layout(formats: Sequence[str]) -> str:
    return layout_of(formats[0]) or formats[0] if formats else "none"


def _us(time_ms: float) -> str:
    return f"{1000 * time_ms:,.4g} us"
