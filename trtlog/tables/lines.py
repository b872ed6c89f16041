"""Line numbers of the file in place of those of the undone text, where lines were joined or cut."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import from_numpy, is_valid, to_filled
from trtlog.source.forms.numbering import LineMap
from trtlog.tables.cells import one_array

# Columns that name a line of the log, and those that name the last of several.
FIRST = ("line", "timing_line", "costs_line")
LAST = ("last_line",)


def in_file(table: pa.Table, lines: LineMap | None) -> pa.Table:
    """Return a table with the line numbers of the file.

    Examples
    --------
    >>> lines = LineMap()
    >>> lines.add(1, [1, 4])
    >>> in_file(pa.table({"line": [1, 2, 3], "last_line": [1, 2, None]}), lines).to_pydict()
    {'line': [1, 4, 5], 'last_line': [3, 4, None]}
    """
    if not lines:
        return table
    for name in (*FIRST, *LAST):
        if name in table.column_names:
            place = table.column_names.index(name)
            column = one_array(table.column(place))
            numbers = to_filled(column, 0).astype(np.int64)
            mapped = lines.ends_of(numbers) if name in LAST else lines.all_of(numbers)
            valid = None if not column.null_count else is_valid(column)
            table = table.set_column(place, table.schema.field(place), from_numpy(mapped, valid))
    return table
