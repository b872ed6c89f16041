"""What the measured times mean: the figures of the diagnosis, each with its meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trtlog._util.words import plural
from trtlog.report.document import Block, Cell, Column, Document, Sentence, Table
from trtlog.report.sentences import aside, strong, words
from trtlog.report.tables import cell

_STEPS = (
    Column("step", "code"),
    Column("ms", "number"),
    Column("change", "number"),
    Column("of layers", "number"),
    Column("explained by"),
)
_COLUMNS = (Column("figure", "code"), Column("value", "number"), Column("meaning"))


def performance(
    figures: Mapping[str, Any], meanings: Mapping[str, str], steps: Sequence[Mapping[str, Any]] = ()
) -> Document:
    """Return the diagnosis: what bounds the throughput, a line for each figure, and how the sums of times differ."""
    bound = words("bound by ", strong(figures["bound_by"])) if figures["bound_by"] else ("the bound is not known",)
    backing = figures["lines"] or ()
    lines = aside(f" ({plural(len(backing), 'line')} {', '.join(map(str, backing))})") if backing else None
    rows: list[list[Cell]] = [
        [name, cell(round(value, 6) if isinstance(value, float) else value), meanings[name]]
        for name, value in figures.items()
        if name not in ("run", "because", "lines")
    ]
    sentence = Sentence(words(*bound, f": {figures['because'] or 'no figures'}", lines))
    blocks: list[Block] = [sentence, Table(_COLUMNS, rows, most=len(rows))]
    if steps:
        title = Sentence(words(strong("From the builder's timings to the walltime"), ", for one inference"))
        blocks += [title, Table(_STEPS, [_row(step) for step in steps], most=len(steps))]
    return Document("trtlog performance", tuple(blocks))


def _row(step: Mapping[str, Any]) -> list[Cell]:
    layers = "" if step["layers"] is None else f"{step['layers']}/{step['of_layers']}"
    change = "" if step["change_ms"] is None else f"{step['change_ms']:+.4f}"
    time = "" if step["time_ms"] is None else f"{step['time_ms']:.4f}"
    return [step["step"], time, change, layers, step["explained"]]
