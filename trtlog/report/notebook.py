"""How a log shows itself in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from trtlog.report.page import head

if TYPE_CHECKING:
    from trtlog.log import Log

_COLORS = {"passed": "#1a7f45", "failed": "#b3261e", "incomplete": "#9a6200", "waived": "#9a6200"}


def log_html(log: Log) -> str:
    """Return the headline of each run as a piece of HTML: model, GPU, version, precision, numbers."""
    return "".join(_run(head(run)) for run in log.runs)


def _run(shown: dict[str, Any]) -> str:
    status = shown["status"]
    badge = f" <span style='color:{_COLORS[status]}'>{escape(status)}</span>" if status else ""
    cells = "".join(
        f"<td style='text-align:left;padding-right:1.5em'><small>{escape(tile['label'])}</small><br>"
        f"<b>{tile['value']:.10g}</b> {escape(tile['unit'])}</td>"
        for tile in shown["tiles"]
    )
    facts = " · ".join(escape(fact) for fact in shown["facts"])
    return f"<div><b>{escape(shown['name'])}</b>{badge}<br>{facts}<table><tr>{cells}</tr></table></div>"
