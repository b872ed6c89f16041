"""Blocks of layers that would be faster in a precision by themselves, and what keeps the engine from it.

A block is a connected set of layers that the engine runs in other precisions, between layers that would be faster in
the one in question. What the block would cost in it, with the conversions that it then needs, comes from the builder's
own timings; so does the cause: one layer's formats, several layers', the conversions at the ends, or all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.words import counted, plural
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.formats_network import EQUAL_MS, Choice, EngineFormats, Plan, chosen, compared, kinds
from trtlog.analyses.layer.what_if import PRECISIONS, us
from trtlog.records.base import Record, column, line_column, record, run_column


@record(frozen=True)
class WhatIfBlock(Record):
    """A block of layers that would be faster in a precision by themselves, and what keeps the engine from it."""

    run: int = run_column()
    precision: str = column("name", "the precision that the layers would be faster in: FP32 (with TF32), FP16, ..")
    block: int = column("int64", "number of the block, from 1: the one with most to gain first")
    first: str = column("name", "its first layer in the engine's order")
    last: str = column("name", "its last layer")
    layers: list[str] = column("texts", "its layers")
    faster: int = column("int64", "layers of it that are faster in the precision by themselves")
    missing: list[str] | None = column("texts", "layers of it without a candidate in the precision")
    engine_ms: float = column("float64", "its layers as the engine has them, without conversions", "ms")
    alone_ms: float = column(
        "float64", "its layers, each at its fastest in the precision where that is faster, without conversions", "ms"
    )
    change_ms: float = column(
        "float64", "what the network would cost more with the block in the precision, conversions included", "ms"
    )
    conversions: int = column("int64", "conversions that would be added; negative where they would be fewer")
    conversions_ms: float = column("float64", "their time", "ms")
    noise_ms: float = column("float64", "what nine of ten repeated builds would stay within", "ms")
    cause: str = column(
        "name",
        "layer: one layer's formats decide; layers: those of several alike; ends: the conversions at its ends; "
        "conversions: all together; equal: the change is within the noise; faster: it would be faster than the engine",
    )
    holder: str | None = column("name", "the layer that the block would gain most by, if it took any format")
    holder_ms: float | None = column("float64", "that gain", "ms")
    holders: int | None = column("int64", "layers beside conversions that were timed in the holder's formats only")
    holders_ms: float | None = column("float64", "the gain if all of these took any format", "ms")
    ends_ms: float = column("float64", "the gain if conversions at the block's ends cost nothing", "ms")
    explained: str = column("text", "the cause in words")
    lines: list[int] | None = column("int64s", "the holder's candidates, else the layers of the block as chosen")
    line: int | None = line_column("the first of them")


def what_if_blocks(layers: Layers, precision: str | None = None) -> pa.Table:
    """Return the blocks that would be faster in a narrower precision, the one with most to gain first.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    precision : str, optional
        The precision to ask about; by default all but FP32.
    """
    found = compared(layers)
    if isinstance(found, str):
        return answer(WhatIfBlock, [])
    out = []
    for one in PRECISIONS[1:] if precision is None else (precision.upper(),):
        blocks = sorted((_Block(found, one, part) for part in _parts(found, one)), key=lambda block: -block.promised)
        rows = [block.row() for block in blocks if block.promised > block.promised_noise]
        out += [{**row, "block": number} for number, row in enumerate(filter(None, rows), 1)]
    return answer(WhatIfBlock, out)


def _parts(found: EngineFormats, precision: str) -> list[list[int]]:
    """Return connected layers in other precisions, without those at the ends that are not faster in this one."""
    nodes = found.network.nodes
    members = {place for place in found.timed if nodes[place].precision != precision}
    makers: dict[str, list[int]] = {}
    for place in members:
        for name in nodes[place].outputs:
            if name is not None:
                makers.setdefault(name, []).append(place)
    near: dict[int, set[int]] = {place: set() for place in members}
    for place in members:
        for name in nodes[place].inputs:
            for maker in makers.get(name or "", ()):
                near[place].add(maker)
                near[maker].add(place)
    wanted = {place for place in members if found.is_faster(place, precision)}
    ends = [place for place in members if place not in wanted and len(near[place]) < 2]
    while ends:
        place = ends.pop()
        members.discard(place)
        for other in near.pop(place):
            near[other].discard(place)
            if other in members and other not in wanted and len(near[other]) < 2 and other not in ends:
                ends.append(other)
    out = []
    left = set(members)
    while left:
        part, reached = set(), [left.pop()]
        while reached:
            place = reached.pop()
            part.add(place)
            reached += near[place] & left
            left -= near[place]
        if part & wanted:
            out.append(sorted(part))
    return out


@dataclass(frozen=True)
class _Block:
    """Connected layers, and the precision that some of them would be faster in."""

    found: EngineFormats
    precision: str
    members: Sequence[int]

    @property
    def wanted(self) -> list[int]:
        return [i for i in self.members if self.found.is_faster(i, self.precision)]

    @property
    def promised(self) -> float:
        """What its layers would gain by themselves."""
        return sum(self._used(i).time_ms - self._fastest(i).time_ms for i in self.wanted)

    @property
    def promised_noise(self) -> float:
        engine = self.found.noise(self.found.engine, self.wanted, 0)
        return math.hypot(engine, self.found.noise(self._alone(), self.wanted, 0))

    def _used(self, i: int) -> Choice:
        used = self.found.network.nodes[i].used
        assert used is not None  # the members were timed
        return used

    def _fastest(self, i: int) -> Choice:
        return min(self.found.network.nodes[i].in_precision(self.precision), key=lambda choice: choice.time_ms)

    def _alone(self) -> Plan:
        choices = list(self.found.engine.choices)
        for i in self.wanted:
            choices[i] = self._fastest(i)
        return replace(self.found.engine, choices=tuple(choices))

    def _ends(self) -> frozenset[str]:
        """Return the tensors between the block and what is around it."""
        nodes = self.found.network.nodes
        inside = {name for i in self.members for name in (*nodes[i].inputs, *nodes[i].outputs) if name is not None}
        made = {name for i in self.members for name in nodes[i].outputs}
        read = {name for i in self.members for name in nodes[i].inputs}
        around = [node for i, node in enumerate(nodes) if i not in set(self.members)]
        outside = {name for node in around for name in (*node.inputs, *node.outputs)}
        return frozenset(name for name in inside if name in outside or name not in made or name not in read)

    def row(self) -> dict[str, Any] | None:
        """Return the row of the block; None where a conversion that it would need was not timed."""
        found, nodes, engine = self.found, self.found.network.nodes, self.found.engine
        allowed: list[list[Choice]] = [chosen(node) for node in nodes]
        for place in self.members:
            allowed[place] = [choice for choice, _ in nodes[place].choices]
        for place in self.wanted:
            allowed[place] = nodes[place].in_precision(self.precision)
        found.rename_freely(allowed, self.members)
        plan = found.network.solve(allowed)
        if plan is None:
            return None
        change = plan.total - engine.total
        change = 0.0 if abs(change) < EQUAL_MS else change
        other = [place for place in self.members if plan.choices[place] != engine.choices[place]]
        more = plan.number - engine.number
        noise = math.hypot(found.noise(engine, other, 0), found.noise(plan, other, abs(more)))
        holder, gain = found.holder(plan, allowed, self.members)
        group, together = found.alike(plan, allowed, holder, self.members)
        free = found.network.solve(allowed, self._ends())
        # The engine's own conversions at those tensors cost nothing then, too: only what the block adds counts.
        before = found.network.solve([chosen(node) for node in nodes], self._ends())
        ends = plan.total - free.total if free is not None else 0.0
        ends -= engine.total - before.total if before is not None else 0.0
        cause = _cause(change, noise, gain, together, ends)
        missing = [place for place in self.members if not nodes[place].in_precision(self.precision)]
        lines = [choice.line for choice in (allowed[holder] if holder is not None else ())]
        lines = lines if cause in ("layer", "layers") else [self._used(place).line for place in self.members]
        engine_ms = sum(self._used(place).time_ms for place in self.members)
        row = {
            "run": found.network.layers.log.run.run,
            "precision": self.precision,
            "first": nodes[self.members[0]].layer.layer,
            "last": nodes[self.members[-1]].layer.layer,
            "layers": [nodes[place].layer.layer for place in self.members],
            "faster": len(self.wanted),
            "missing": [nodes[place].layer.layer for place in missing] or None,
            "engine_ms": engine_ms,
            "alone_ms": engine_ms - self.promised,
            "change_ms": change,
            "conversions": more,
            "conversions_ms": plan.conversions - engine.conversions,
            "noise_ms": noise,
            "cause": cause,
            "holder": nodes[holder].layer.layer if holder is not None else None,
            "holder_ms": gain if holder is not None else None,
            "holders": len(group) or None,
            "holders_ms": together if group else None,
            "ends_ms": ends,
            "lines": sorted(lines)[:20] or None,
            "line": min(lines, default=None),
        }
        known = kinds(allowed[holder]) if holder is not None else set()
        return {**row, "explained": _words(row, known, holder in missing)}


def _cause(change: float, noise: float, gain: float, together: float, ends: float) -> str:
    if abs(change) <= noise:
        return "equal"
    if change < 0:
        return "faster"
    # What alone would make the block as fast as the engine's choice decides; a single layer before several.
    enough = {"layer": gain, "layers": together, "ends": ends}
    return next((name for name, saved in enough.items() if saved >= change), "conversions")


def _words(row: Mapping[str, Any], known: set[str], unserved: bool) -> str:
    precision, cause, change = row["precision"], row["cause"], row["change_ms"]
    count = len(row["layers"])
    where = f"in {precision}" if row["faster"] == count else f"{row['faster']} of them in {precision}"
    promise = (
        f"{counted(count, 'layer')} of {us(row['engine_ms'])} would take {us(row['alone_ms'])} "
        f"by {plural(count, 'itself', 'themselves')}, {where}"
    )
    sign = "more" if row["conversions"] > 0 else "fewer"
    cost = f"with {counted(abs(row['conversions']), f'{sign} conversion', f'{sign} conversions')}"
    cost = cost if row["conversions"] else "with as many conversions"
    if cause == "equal":
        return f"{promise}; {cost} that is the engine's time within the noise of the timings"
    if cause == "faster":
        return f"{promise}; {cost} the network would take {us(-change)} less than as the engine has it"
    cost += f" the network would take {us(change)} more than as the engine has it"
    formats = f"only {sorted(known)[0]}" if len(known) == 1 else f"{len(known)} combinations of formats"
    lacks = f"has no candidate in {precision}, and was timed in {formats}" if unserved else f"was timed in {formats}"
    if cause == "layer":
        why = (
            f"one layer holds the block back, {row['holder']}: it {lacks}; in the formats of its neighbours it would "
            f"save {us(row['holder_ms'])}"
        )
    elif cause == "layers":
        why = (
            f"{counted(row['holders'], 'layer')} like {row['holder']} hold the block back: each {lacks}; in the "
            f"formats of their neighbours they would save {us(row['holders_ms'])} together"
        )
    elif cause == "ends":
        why = f"the conversions at its ends, {us(row['ends_ms'])}, cost more than its layers gain"
    else:
        why = f"its conversions together, {us(row['conversions_ms'])} more, cost more than its layers gain"
    return f"{promise}; {cost}: {why}"
