"""What the measured times mean: the figures of the diagnosis, each with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trtlog.report.document import Cell, Column, Document, Sentence, Table, aside, strong, words
from trtlog.report.rows import cell

_COLUMNS = (Column("figure", "code"), Column("value", "number"), Column("meaning"))


def performance(figures: Mapping[str, Any], meanings: Mapping[str, str]) -> Document:
    """Return the diagnosis: what bounds the throughput, and a line for each figure that the log allows."""
    bound = figures["bound_by"] or "what the log cannot tell"
    lines = aside(f" (lines {', '.join(map(str, figures['lines']))})") if figures["lines"] else None
    rows: list[list[Cell]] = [
        [name, cell(round(value, 6) if isinstance(value, float) else value), meanings[name]]
        for name, value in figures.items()
        if name not in ("run", "because", "lines")
    ]
    sentence = Sentence(words("bound by ", strong(bound), f": {figures['because'] or 'no figures'}", lines))
    return Document("trtlog performance", (sentence, Table(_COLUMNS, rows, most=len(rows))))
