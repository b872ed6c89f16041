"""What other formats and precisions would cost: the best choice for all layers together, by the builder's own timings.

A layer's tactic reads and writes certain formats; between two layers whose formats differ a conversion is needed. The
builder looks for the choice that makes both together fastest. So does this module, from the timings that the log
holds: layer by layer in the engine's order, it keeps the cheapest way to every set of formats that the tensors in use
can have (a shortest path over formats). With all candidates that is the builder's own problem; with the candidates of
one precision it says what this precision throughout would cost, and which layer makes it dear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.words import counted, plural
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.formats_network import EQUAL_MS, Choice, EngineFormats, Node, Plan, chosen, compared, kinds
from trtlog.errors import QueryError
from trtlog.records.base import Record, column, line_column, record, run_column

PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "FP8")


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
    chosen: int | None = column("int64", "of these layers, those that the engine runs in the precision of the plan")
    faster: int | None = column("int64", "others that would be faster in it by themselves")
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


def what_if(
    layers: Layers, first: str | None = None, last: str | None = None, precision: str | None = None
) -> pa.Table:
    """Compare the engine's choice with the best one, and with each precision throughout.

    Parameters
    ----------
    first, last : str, optional
        Names of the first and the last layer whose choice is free; the others stay as the engine has them.
    precision : str, optional
        Only this one beside the engine's and the best choice; by default those in which half of the layers were timed.
    """
    found = compared(layers)
    if isinstance(found, str):
        return answer(WhatIf, [])
    nodes = found.network.nodes
    free = _range(nodes, first, last)
    computing = sum(not nodes[place].renames for place in free)
    asked = _Asked(replace(found, timed=tuple(place for place in found.timed if place in free)), computing)
    every: list[list[Choice]] = [chosen(node) for node in nodes]
    out = [asked.row("engine", found.engine, every, ())]
    for place in asked.timed:
        every[place] = [choice for choice, _ in nodes[place].choices]
    found.rename_freely(every, asked.timed)
    best = found.network.solve(every)
    if best is not None:
        out.append(asked.row("best", best, every, ()))
    for one in PRECISIONS if precision is None else (precision.upper(),):
        narrow = [list(own) for own in every]
        offering = [place for place in asked.timed if nodes[place].in_precision(one)]
        if not offering or (precision is None and 2 * len(offering) < len(asked.timed)):
            continue
        for place in offering:
            narrow[place] = nodes[place].in_precision(one)
        plan = found.network.solve(narrow)
        if plan is not None:
            missing = [nodes[place].layer.layer for place in asked.timed if place not in offering]
            out.append(asked.row(one, plan, narrow, missing))
    return answer(WhatIf, out)


def no_answer(layers: Layers) -> str | None:
    """Return why the engine's formats cannot be compared with others; None where they can.

    Parameters
    ----------
    layers : Layers
        Of a log of one run.
    """
    found = compared(layers)
    return found if isinstance(found, str) else None


def _range(nodes: Sequence[Node], first: str | None, last: str | None) -> range:
    names = [None if node.renames else node.layer.layer for node in nodes]
    for name in (first, last):
        if name is not None and name not in names:
            raise QueryError(
                f"there is no layer {name!r} that computes in this engine; trtlog show layer_times lists them"
            )
    start = names.index(first) if first is not None else 0
    stop = names.index(last) + 1 if last is not None else len(names)
    if stop <= start:
        raise QueryError(f"{last} stands before {first} in the engine: name the first layer of the path first")
    return range(start, stop)


@dataclass(frozen=True)
class _Asked:
    compared: EngineFormats
    of_layers: int

    @property
    def timed(self) -> tuple[int, ...]:
        return self.compared.timed

    def row(
        self, name: str, plan: Plan, allowed: Sequence[Sequence[Choice]], missing: Iterable[str]
    ) -> Mapping[str, Any]:
        compared, engine, missing = self.compared, self.compared.engine, list(missing)
        nodes = compared.network.nodes
        noise = compared.noise(plan)
        change = plan.total - engine.total
        change = 0.0 if abs(change) < EQUAL_MS else change
        holder, gain = (None, 0.0)
        if name in PRECISIONS and change > noise:
            holder, gain = compared.holder(plan, allowed, self.timed)
        group, together = compared.alike(plan, allowed, holder, self.timed)
        pairs = [(plan.choices[i], engine.choices[i]) for i in self.timed]
        other = [a for a, b in pairs if a and b and (a.inputs, a.outputs) != (b.inputs, b.outputs)]
        lines = [choice.line for choice in other]
        if holder is not None:
            lines = sorted(choice.line for choice in allowed[holder])
        return {
            "run": compared.network.layers.log.run.run,
            "plan": name,
            "total_ms": plan.total,
            "layers_ms": plan.total - plan.conversions,
            "conversions_ms": plan.conversions,
            "conversions": plan.number,
            "change_ms": change,
            "change_percent": 100 * change / engine.total if engine.total else 0.0,
            "noise_ms": noise,
            "layers": len(self.timed),
            "of_layers": self.of_layers,
            "chosen": sum(nodes[i].precision == name for i in self.timed) if name in PRECISIONS else None,
            "faster": sum(
                nodes[i].precision != name and compared.is_faster(i, name) for i in self.timed
            ) if name in PRECISIONS else None,
            "missing": missing or None,
            "holder": nodes[holder].layer.layer if holder is not None else None,
            "holder_ms": gain if holder is not None else None,
            "holders": len(group) or None,
            "holders_ms": together if group else None,
            "explained": self._words(
                name, plan, change, noise, len(other), missing, (holder, gain), (len(group), together), allowed
            ),
            "lines": lines[:20] or None,
            "line": min(lines, default=None),
        }

    def _words(
        self,
        name: str,
        plan: Plan,
        change: float,
        noise: float,
        other: int,
        missing: Sequence[str],
        deciding: tuple[int | None, float],
        group: tuple[int, float],
        allowed: Sequence[Sequence[Choice]],
    ) -> str:
        holder, gain = deciding
        parts = [
            f"{us(plan.total - plan.conversions)} of layers",
            f"{counted(plan.number, 'conversion')} of {us(plan.conversions)}",
        ]
        if name == "best":
            within = "within the noise of the timings" if -change <= noise else "more than the noise of the timings"
            parts.append(
                f"{us(max(0.0, -change))} less than the engine, {within}; {counted(other, 'layer')} in other formats"
            )
        elif name != "engine":
            where = "more than" if change > 0 else "less than" if change else "the same as"
            parts.append(f"{us(abs(change))} {where} the engine" if change else f"{where} the engine")
        if missing:
            parts.append(f"{counted(len(missing), 'layer')} {plural(len(missing), 'has', 'have')} no candidate in it")
        if holder is not None:
            layer = self.compared.network.nodes[holder].layer.layer
            known = kinds(allowed[holder])
            where = f"only {sorted(known)[0]}" if len(known) == 1 else f"{len(known)} combinations of formats"
            parts.append(f"{layer} holds it back by {us(gain)}: it was timed in {where}")
            if group[0] > 1:
                parts.append(
                    f"the {group[0]} layers that were timed in the same hold it back by {us(group[1])} together"
                )
        return "; ".join(parts)


def us(time_ms: float) -> str:
    """Return a time in microseconds."""
    return f"{1000 * time_ms:,.4g} us"
