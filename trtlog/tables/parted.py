"""A table of several logs that were read together, and the rows of each: what was numbered through is numbered anew."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_numpy, to_numpy
from trtlog._util.dataclass import dataclass
from trtlog.tables.cells import one_array
from trtlog.tables.context import Context
from trtlog.tables.lines import in_file, replaced


@dataclass(frozen=True)
class Parted:
    """A table of some logs.

    Attributes
    ----------
    table : pyarrow.Table
        The rows, one log after the other; runs and lines have the numbers that they have in their log.
    bounds : ndarray
        Where the rows of each log begin, and where the last ends.
    """

    table: pa.Table
    bounds: Array

    def of(self, number: int) -> pa.Table:
        """Return the rows of one of the logs; its names are those of its rows."""
        first, last = self.bounds[number : number + 2].tolist()
        if len(self.bounds) == 2:
            return self.table
        columns = [_own(one_array(column.slice(first, last - first))) for column in self.table.columns]
        return pa.table(columns, schema=self.table.schema)


def _own(column: pa.Array) -> pa.Array:
    """Return a column whose dictionary holds no values but those of its rows."""
    if not pa.types.is_dictionary(column.type):
        return column
    return column.dictionary_decode().dictionary_encode()


def part(context: Context, name: str, table: pa.Table) -> Parted:
    """Return a table, whose runs and lines are numbered through, as it is to be read.

    Parameters
    ----------
    context : Context
        What it was made of.
    name : str
        Which table it is.
    table : pyarrow.Table
        Its rows, in the order of lines; rows without a line in any order.
    """
    logs = context.captures.logs
    if len(logs) == 1:
        bounds = np.array([0, table.num_rows])
        return Parted(in_file(table, logs, bounds), bounds)
    if name == "coverage":
        return Parted(table, np.cumsum([0, *(len(log.counts) for log in logs)]))
    runs = to_numpy(one_array(table.column("run")))
    of_rows = np.searchsorted(context.first_runs, runs, side="right") - 1
    if (of_rows[1:] < of_rows[:-1]).any():
        order = np.argsort(of_rows, kind="stable")
        table, of_rows = table.take(from_numpy(order)), of_rows[order]
    bounds = np.searchsorted(of_rows, np.arange(len(logs) + 1))
    table = replaced(table, "run", lambda numbers: numbers - context.first_runs[of_rows])
    return Parted(in_file(table, logs, bounds), bounds)
