"""The findings of lint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted, plural
from trtlog.report.document import (
    Block,
    Document,
    Entry,
    Folded,
    Sentence,
    Span,
    Words,
    aside,
    badge,
    joined,
    strong,
    words,
)

if TYPE_CHECKING:
    from trtlog.analyses.lint.frame import Findings

_SEVERITIES = ("error", "warning", "advice", "good")
_LINES = 6


def lint(findings: Iterable[dict[str, Any]], *, show_good: bool = True) -> Document:
    """Return findings, rows of the lint table: what is wrong with reason and remedy, then what is fine."""
    rows = list(findings)
    blocks: list[Block] = [_finding(row) for row in rows if row["severity"] != "good"]
    fine = [_finding(row) for row in rows if row["severity"] == "good"]
    if fine and show_good:
        blocks.append(Folded(words(strong(f"{len(fine)} fine")), tuple(fine)))
    return Document("trtlog lint", tuple(blocks), _counts(rows))


def findings(frame: Findings) -> Document:
    """Return a frame of findings."""
    import pandas as pd
    import pyarrow as pa

    return lint(pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False).to_pylist())


def _counts(rows: list[dict[str, Any]]) -> Words:
    """Return how many findings there are of each severity."""
    counts = Counter(row["severity"] for row in rows)
    found = []
    for severity in _SEVERITIES:
        if counts[severity]:
            many = severity if severity in ("advice", "good") else ""
            found.append(words(Span(counted(counts[severity], severity, many), "badge", badge(severity).tone)))
    return joined(found, ", ") or words("No rule found anything to say about this log.")


def _finding(row: dict[str, Any]) -> Entry:
    sure = "" if row["severity"] == "good" else f" ({row['confidence']} confidence)"
    head = words(badge(row["severity"]), " ", strong(row["rule"]), aside(sure), f"  {row['text']}")
    lines = row["lines"] if row["lines"] is not None else []
    if len(lines):
        numbers = ", ".join(map(str, lines[:_LINES]))
        left = f" and {len(lines) - _LINES} more" if len(lines) > _LINES else ""
        head = words(head, aside(f"  [{plural(len(lines), 'line')} {numbers}{left}]"))
    if row["severity"] == "good":
        return Entry(head)
    about = (("why", row["why"]), ("do", row["action"]))
    body = tuple(Sentence(words(aside(f"{word}: "), text)) for word, text in about if text)
    return Entry(head, body, opened=row["severity"] != "advice")
