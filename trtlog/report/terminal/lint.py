"""Findings as terminal text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.words import plural
from trtlog.report.terminal.text import Indented

_STYLE = {"error": "bold red", "warning": "bold yellow", "advice": "bold cyan", "good": "green"}
_PLURAL = {"error": "errors", "warning": "warnings"}
_LINES = 6


def render(findings: Iterable[dict[str, Any]], *, show_good: bool = True) -> RenderableType:
    """Return findings, rows of the lint table, as something rich can print: gravest first, a count last."""
    parts: list[RenderableType] = []
    counts = dict.fromkeys(_STYLE, 0)
    for finding in findings:
        severity = finding["severity"]
        counts[severity] += 1
        if severity == "good" and not show_good:
            continue
        parts.append(_head(finding))
        if severity != "good":
            for word, text in (("why", finding["why"]), ("do", finding["action"])):
                parts.append(Indented(Text.assemble((f"{word}: ", "dim"), text), 4))
            parts.append(Text(""))
    return Group(*parts, _counts(counts))


def _counts(counts: dict[str, int]) -> Text:
    """Return how many findings there are of each severity."""
    words = [
        Text(f"{n} {_PLURAL.get(severity, severity) if n > 1 else severity}", style=_STYLE[severity])
        for severity, n in counts.items()
        if n
    ]
    return Text(", ").join(words) if words else Text("No rule found anything to say about this log.")


def _head(finding: dict[str, Any]) -> Text:
    severity = finding["severity"]
    text = Text()
    text.append(f"{severity} ", style=_STYLE[severity])
    text.append(finding["rule"], style="bold")
    if severity != "good":
        text.append(f" ({finding['confidence']} confidence)", style="dim")
    text.append(f"  {finding['text']}")
    lines = finding["lines"] or []
    if lines:
        shown = ", ".join(str(line) for line in lines[:_LINES])
        more = f" and {len(lines) - _LINES} more" if len(lines) > _LINES else ""
        text.append(f"  [{plural(len(lines), 'line')} {shown}{more}]", style="dim")
    return text
