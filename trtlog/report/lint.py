"""Findings as terminal text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

_STYLE = {"error": "bold red", "warning": "yellow", "advice": "cyan", "good": "green"}
_LINES = 6


def render(findings: Iterable[dict[str, Any]], *, show_good: bool = True) -> RenderableType:
    """Return findings, rows of the lint table, as something rich can print."""
    parts: list[RenderableType] = []
    for finding in findings:
        severity = finding["severity"]
        if severity == "good":
            if show_good:
                parts.append(_head(finding))
            continue
        parts.append(_head(finding))
        for word, text in (("why", finding["why"]), ("do", finding["action"])):
            parts.append(Padding(Text.assemble((f"{word}: ", "dim"), text), (0, 0, 0, 4)))
        parts.append(Text(""))
    return Group(*parts)


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
        text.append(f"  [line{'s' if len(lines) > 1 else ''} {shown}{more}]", style="dim")
    return text
