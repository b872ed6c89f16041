"""Line numbers of the file in place of those of what an engine read.

They differ where lines were joined or cut when the text was undone, and in logs that were read together with others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_numpy, is_valid, to_filled
from trtlog.messages.captures import Captures
from trtlog.tables.cells import one_array

# Columns that name a line of the log, and those that name the last of several.
FIRST = ("line", "timing_line", "costs_line", "selected_line", "reason_line")
LAST = ("last_line",)


def in_file(table: pa.Table, logs: Sequence[Captures], bounds: Array) -> pa.Table:
    """Return a table with the line numbers of the files.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of some logs, one log after the other.
    logs : sequence of Captures
        What tells the lines of each log.
    bounds : ndarray
        Where the rows of each log begin, and where the last ends.
    """
    mapped = [number for number, log in enumerate(logs) if log.line_map]
    above = np.array([log.above for log in logs], np.int64)
    if not mapped and not above.any():
        return table

    def moved(numbers: Array, *, last: bool) -> Array:
        numbers = numbers - np.repeat(above, np.diff(bounds))
        for number in mapped:
            rows, lines = slice(bounds[number], bounds[number + 1]), logs[number].line_map
            assert lines is not None
            numbers[rows] = lines.ends_of(numbers[rows]) if last else lines.all_of(numbers[rows])
        return numbers

    for name in (*FIRST, *LAST):
        if name in table.column_names:
            table = replaced(table, name, partial(moved, last=name in LAST))
    return table


def replaced(table: pa.Table, name: str, function: Callable[[Array], Array]) -> pa.Table:
    """Return a table with other whole numbers in a column; null stays null.

    Examples
    --------
    >>> replaced(pa.table({"line": [1, None]}), "line", lambda numbers: numbers + 1).to_pydict()
    {'line': [2, None]}
    """
    place = table.column_names.index(name)
    field = table.schema.field(place)
    column = one_array(table.column(place))
    numbers = to_filled(column, 0)
    valid = is_valid(column) if column.null_count else None
    return table.set_column(place, field, from_numpy(function(numbers).astype(numbers.dtype, copy=False), valid))
