"""What other formats and precisions would cost, and what keeps the engine from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trtlog._util.words import counted, plural
from trtlog.analyses.programs import worded
from trtlog.log import Log
from trtlog.report.document import Block, Cell, Column, Document, Note, Number, Point, Points, Section, Sentence, Table
from trtlog.report.numbers import figure
from trtlog.report.sentences import Words, aside, code, strong, words

_PLANS = (
    Column("plan", "code"),
    Column("us", "number"),
    Column("change us", "number"),
    Column("noise us", "number", spare=True),
    Column("layers us", "number"),
    Column("conversions us", "number"),
    Column("conversions", "number"),
    Column("runs in it", "number", spare=True),
    Column("without it", "number", spare=True),
)
_FLAGS = {
    "FP16": "<<--fp16|a model in FP16>>",
    "BF16": "<<--bf16|a model in BF16>>",
    "INT8": "<<--int8 or Q/DQ nodes|Q/DQ nodes in the model>>",
    "FP8": "<<--fp8 and Q/DQ nodes|Q/DQ nodes in the model>>",
}


def what_if(
    log: Log,
    plans: Sequence[Mapping[str, Any]],
    blocks: Sequence[Mapping[str, Any]],
    missing: str | None = None,
    precision: str | None = None,
    path: tuple[str, str] | None = None,
    most: int = 10,
) -> Document:
    """Return the plans side by side, and for each precision the blocks that would be faster in it.

    Parameters
    ----------
    log : Log
        A log of one run.
    plans, blocks : sequence of mapping
        Rows of ``what_if`` and ``what_if_blocks``.
    missing : str, optional
        Why there is no answer.
    precision : str, optional
        The one that was asked about.
    path : tuple of str, optional
        The first and the last layer whose choice is free.
    most : int
        Blocks of a precision.
    """
    if missing is not None or not plans:
        text = missing or "no layer of the path was timed"
        return Document("trtlog what-if", (Note(f"What other formats would cost is not known: {text}"),))
    engine = plans[0]
    where = "the whole engine" if path is None else path[0] if path[0] == path[1] else f"{path[0]} to {path[1]}"
    free = f": {engine['layers']} of {counted(engine['of_layers'], 'layer')} with a choice"
    out: list[Block] = [Sentence(words(strong(where), free))]
    out.append(Table(_PLANS, [_plan(row) for row in plans], most=len(plans)))
    asked = _asked(plans, blocks, precision)
    if not asked:
        out.append(Sentence(words("no timed candidate is known to be in a narrower precision than FP32")))
    for one in asked:
        row = next((plan for plan in plans if plan["plan"] == one), None)
        own = [block for block in blocks if block["precision"] == one]
        answer = _answer(log, one, engine, row, own)
        out.append(Section(one, tuple(_precision(answer, row, own, most)), apart=True))
    return Document("trtlog what-if", tuple(out))


def answers(log: Log, plans: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> Points:
    """Return for each narrower precision whether it would be faster and why not, and what holds its blocks back.

    Parameters
    ----------
    log : Log
        A log of one run.
    plans, blocks : sequence of mapping
        Rows of ``what_if`` and ``what_if_blocks``.
    """
    points = []
    for one in _asked(plans, blocks, None) if plans else ():
        row = next((plan for plan in plans if plan["plan"] == one), None)
        own = [block for block in blocks if block["precision"] == one]
        under = [words(f"block {b['block']}, from ", code(b["first"]), f": {b['explained']}") for b in own[:_FEW]]
        points.append(Point(words(strong(one), ": ", _answer(log, one, plans[0], row, own)), tuple(under)))
    return Points(tuple(points))


_BASE = ("engine", "best")
_FEW = 5


def _asked(plans: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]], precision: str | None) -> list[str]:
    """Return the precisions to tell of: the one that was asked about, else the narrow ones that were timed."""
    if precision:
        return [precision.upper()]
    found = [row["plan"] for row in plans if row["plan"] not in (*_BASE, "FP32")]
    return list(dict.fromkeys([*found, *(row["precision"] for row in blocks)]))


def _plan(row: Mapping[str, Any]) -> list[Cell]:
    name = row["plan"] if row["plan"] in _BASE else f"{row['plan']} throughout"
    own = row["plan"] == "engine"
    return [
        name,
        _us(row["total_ms"]),
        Number("") if own else figure(1000 * row["change_ms"], "+.2f"),
        _us(None if own else row["noise_ms"]),
        _us(row["layers_ms"]),
        _us(row["conversions_ms"]),
        Number(str(row["conversions"]), row["conversions"]),
        Number("" if row["chosen"] is None else str(row["chosen"]), row["chosen"]),
        Number(str(len(row["missing"])), len(row["missing"])) if row["missing"] else Number(""),
    ]


def _us(value_ms: float | None) -> Number:
    return figure(None if value_ms is None else 1000 * value_ms, ".2f")


def _answer(
    log: Log,
    precision: str,
    engine: Mapping[str, Any],
    plan: Mapping[str, Any] | None,
    blocks: Sequence[Mapping[str, Any]],
) -> Words:
    """Return whether the precision would be faster, and why not."""
    if plan is None and not blocks:
        flag = worded(_FLAGS.get(precision, ""), log)
        ask = f": build with {flag} to time it" if flag else ""
        return words(f"no layer of this log was timed in {precision}{ask}")
    if plan is None:
        return words("fewer than half of the layers were timed in it; these blocks would be faster by themselves")
    change, noise = plan["change_ms"], plan["noise_ms"]
    if plan["chosen"] == plan["layers"]:
        return words(f"the engine runs all {counted(plan['layers'], 'layer')} in it")
    if plan["chosen"] + len(plan["missing"] or ()) == plan["layers"]:
        return words(f"the engine runs all {counted(plan['chosen'], 'layer')} in it that have a candidate in it")
    if change < -noise:
        return words(strong("faster"), f" throughout by {1000 * -change:.4g} us: the engine chose otherwise")
    if change <= noise:
        return words("throughout it takes as long as the engine, within the noise of the timings")
    layers, conversions = (1000 * (plan[name] - engine[name]) for name in ("layers_ms", "conversions_ms"))
    by = (
        f"throughout it would take {1000 * change:.4g} us more than the engine ({layers:+.4g} us of layers, "
        f"{conversions:+.4g} us of conversions)"
    )
    several = plan["holders_ms"] is not None and plan["holders_ms"] >= change and plan["holders"] > 1
    if several or (plan["holder_ms"] is not None and plan["holder_ms"] >= change):
        saved = plan["holders_ms"] if several else plan["holder_ms"]
        who = f"{plan['holders']} layers like " if several else ""
        return words(
            strong("not faster"), f": {by}; {who}", code(plan["holder"]),
            f" {'decide' if several else 'decides'}: in the formats of {'their' if several else 'its'} neighbours, "
            f"{'each at its best speed, they' if several else 'at its best speed, it'} would save {1000 * saved:.4g} us"
        )  # fmt: skip
    if layers > conversions:
        return words(strong("not faster"), f": {by}; mostly because its kernels are slower by themselves")
    return words(strong("not faster"), f": {by}; no single layer decides")


def _precision(
    answer: Words, plan: Mapping[str, Any] | None, blocks: Sequence[Mapping[str, Any]], most: int
) -> list[Block]:
    out: list[Block] = [Sentence(answer)]
    if plan is not None and plan["chosen"] < plan["layers"]:
        others = plan["layers"] - plan["chosen"] - plan["faster"] - len(plan["missing"] or ())
        parts = [
            f"the engine runs {plan['chosen']} of {counted(plan['layers'], 'layer')} in it",
            f"{plan['faster']} more would be faster in it by {plural(plan['faster'], 'itself', 'themselves')}"
            if plan["faster"] else None,
            f"{others} would be no faster" if others else None,
            f"{len(plan['missing'])} {plural(len(plan['missing']), 'has', 'have')} no candidate in it"
            if plan["missing"] else None,
        ]  # fmt: skip
        out.append(Sentence(words(aside("; ".join(filter(None, parts))))))
    points = []
    for block in blocks[:most]:
        ends = block["first"] if block["first"] == block["last"] else f"{block['first']} .. {block['last']}"
        under = [words(block["explained"])]
        if block["missing"]:
            under.append(words(aside(f"no candidate in {block['precision']}: {', '.join(block['missing'][:3])}")))
        if block["line"] is not None:
            under.append(words(aside(f"lines {', '.join(map(str, block['lines'][:6]))}")))
        points.append(Point(words(strong(f"block {block['block']}"), " ", code(ends)), tuple(under)))
    if points:
        out.append(Points(tuple(points), apart=True))
    if len(blocks) > most:
        out.append(Sentence(words(aside(f"{most} of {len(blocks)} blocks; --limit shows more"))))
    return out
