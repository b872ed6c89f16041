"""The outcome of a check on the terminal and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

if TYPE_CHECKING:
    from trtlog.analyses.gate.check import Check, Finding

_STYLES = {"fail": "bold red", "warn": "yellow"}
_LIMIT = 40
_MARKDOWN = str.maketrans({"|": "\\|", "`": "'", "\n": " ", "<": "&lt;", ">": "&gt;"})


def screen(check: Check, limit: int = _LIMIT) -> RenderableType:
    """Return the outcome as something rich can print: a line a finding, what passed, the verdict last."""
    parts: list[RenderableType] = []
    for finding in check.findings[:limit]:
        text = Text.assemble((f"{finding.level} ", _STYLES[finding.level]), (finding.rule, "bold"))
        text.append(f": {finding.reason}")
        if finding.line is not None:
            text.append(f" (line {finding.line})", style="dim")
        parts.append(text)
    if len(check.findings) > limit:
        parts.append(Text(f"... and {len(check.findings) - limit} more: --format json gives all", style="dim"))
    broken = {finding.rule for finding in check.findings}
    if kept := [rule for rule in check.checked if rule not in broken]:
        parts.append(Text.assemble(("ok ", "green"), (", ".join(kept), "dim")))
    parts += [Text(f"not checked: {rule}: {why}", style="dim") for rule, why in check.skipped.items()]
    parts.append(Text(check.verdict, style="bold green" if check.passed else "bold red"))
    return Group(*parts)


def _where(finding: Finding) -> str:
    return finding.reason if finding.line is None else f"{finding.reason} (line {finding.line})"


def to_markdown(check: Check, limit: int = _LIMIT) -> str:
    """Return the outcome as Markdown."""
    lines = [f"## trtlog check: {'passed' if check.passed else 'failed'}", "", check.verdict.translate(_MARKDOWN)]
    if check.findings:
        lines += ["", "| level | rule | reason |", "|---|---|---|"]
        lines += [f"| {f.level} | {f.rule} | {_where(f).translate(_MARKDOWN)} |" for f in check.findings[:limit]]
        if len(check.findings) > limit:
            lines += ["", f"... and {len(check.findings) - limit} more"]
    if check.skipped:
        lines += ["", "Not checked: " + "; ".join(f"{rule} ({why})" for rule, why in check.skipped.items())]
    return "\n".join(lines) + "\n"
