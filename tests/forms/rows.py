"""A log in some forms, and the rows of a log with the line numbers that forms give them."""

from __future__ import annotations

from typing import Any

import trtlog
from tests.forms.collected import COLLECTED
from tests.forms.writers import FORMS
from trtlog._util.rows import listed
from trtlog.tables.lines import FIRST, LAST


def written(lines: list[bytes], names: tuple[str, ...]) -> tuple[bytes, list[int]]:
    """Return a log in some forms, the innermost first, and where each of its lines begins."""
    numbers = list(range(1, len(lines) + 1))
    for name in names:
        lines, where = (FORMS.get(name) or COLLECTED[name])(lines)
        numbers = [where[number - 1] for number in numbers]
    return b"\n".join(lines) + b"\n", numbers


def rows_of(log: trtlog.Log, numbers: list[int] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return all rows; the line numbers of a bare log become those that a form gives them."""
    out = {}
    for name in log.tables:
        rows = [] if name == "coverage" else listed(log.table(name))
        for row in rows:
            for column in LAST:
                row.pop(column, None)
            for column in FIRST if numbers else ():
                if row.get(column):
                    row[column] = numbers[row[column] - 1]
        out[name] = rows
    return out
