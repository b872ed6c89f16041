"""The findings of lint."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted
from trtlog.report.document import Block, Document, Finding, Folded
from trtlog.report.sentences import Words, badge, joined, strong, words

if TYPE_CHECKING:
    from trtlog.analyses.lint.frame import Findings

NONE = "No rule found anything to say about this log."
_SEVERITIES = ("error", "warning", "advice", "good")
# Lines of more messages are kept as numbers of eight bytes each.
_FEW = 1 << 12
_MANY = {"advice": "advice", "good": "good"}


def lint(findings: Iterable[dict[str, Any]], *, show_good: bool = True) -> Document:
    """Return findings, rows of the lint table: what is wrong with reason and remedy, then what is fine."""
    rows = list(findings)
    wrong, fine = parts(rows)
    blocks: list[Block] = [*wrong]
    if fine and show_good:
        blocks.append(Folded(words(strong(f"{len(fine)} fine")), fine))
    return Document("trtlog lint", tuple(blocks), joined(counts(rows), ", ") or words(NONE))


def findings(frame: Findings) -> Document:
    """Return a frame of findings."""
    import pandas as pd
    import pyarrow as pa

    return lint(pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False).to_pylist())


def counts(rows: Iterable[dict[str, Any]]) -> list[Words]:
    """Return how many findings there are of each severity."""
    number = Counter(row["severity"] for row in rows)
    return [
        words(replace(badge(severity), text=counted(number[severity], severity, _MANY.get(severity, ""))))
        for severity in _SEVERITIES
        if number[severity]
    ]


def parts(rows: Iterable[dict[str, Any]]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return what is wrong and what is fine."""
    names = [field.name for field in fields(Finding)]
    found = [Finding(**{name: _value(row.get(name)) for name in names}) for row in rows]
    fine = tuple(finding for finding in found if finding.severity == "good")
    return tuple(finding for finding in found if finding.severity != "good"), fine


def _value(value: Any) -> Any:
    """Return what a row holds: lists may be arrays."""
    if value is None or isinstance(value, str):
        return value or ""
    if not hasattr(value, "tolist"):
        return tuple(value)
    return array("q", value) if len(value) > _FEW else tuple(value.tolist())
