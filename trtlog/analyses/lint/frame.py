"""Findings as a DataFrame that shows itself in a notebook as findings, not as cut columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

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
        import pyarrow as pa

        from trtlog.report.notebook.answers import findings_html

        return findings_html(pa.Table.from_pandas(pd.DataFrame(self), preserve_index=False).to_pylist())
