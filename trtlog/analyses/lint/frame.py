"""Findings as a DataFrame that shows itself in a notebook as findings, not as cut columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from trtlog.analyses.lint.registry import lint
from trtlog.display import draw
from trtlog.log import Log, to_frame

_SHOWN = frozenset({"rule", "severity", "confidence", "text", "why", "action", "lines"})


class Findings(pd.DataFrame):
    """The findings of ``log.lint()``: a DataFrame like any other, also when rows are chosen from it.

    In a notebook each finding is shown with its evidence, reason and remedy as long as these columns are there.
    """

    @property
    def _constructor(self) -> Any:  # pandas asks it what a selection of rows becomes
        return Findings

    def _repr_html_(self) -> str | None:
        if not self.columns.is_unique or not set(self.columns) >= _SHOWN:
            shown: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas' stubs leave it out
            return shown
        drawn: str = draw("html", self)
        return drawn


def findings(log: Log) -> Findings:
    """Run all rules on a log of one run; return what they found as a frame."""
    found: Findings = Findings(to_frame(lint(log)))
    return found
