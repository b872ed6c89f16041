"""One log of a dataset as a Log: its tables are read from the parts when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from trtlog.dataset.manifest import CATALOGUE
from trtlog.errors import QueryError
from trtlog.log import Log
from trtlog.records import ByTable
from trtlog.tables.schema import schema_of

if TYPE_CHECKING:
    from trtlog.dataset.handle import Dataset

_SHOWN = 10


class OneLog(ByTable):
    """The tables of one log of a dataset."""

    def __init__(self, dataset: Dataset, digest: str) -> None:
        self._dataset = dataset
        self._digest = digest
        self._read: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._read:
            self._read[name] = self._rows(name)
        return self._read[name]

    def _rows(self, name: str) -> pa.Table:
        own = self._dataset.table(name, log=self._digest)
        schema = schema_of(name)
        table = own.select(schema.names).cast(schema)
        if "run" in schema.names:
            # Runs of other versions lie in other parts; inside a run the order is that of the log.
            order = np.argsort(table.column("run").to_numpy(), kind="stable")
            table = table.take(pa.array(order))
        return table.combine_chunks()


def log_of(dataset: Dataset, key: str) -> Log:
    """Return the log that a digest or a source means.

    Raises
    ------
    QueryError
        No log fits, or several do; the message lists them.
    """
    rows = dataset.table(CATALOGUE, columns=["log", "sources", "notes", "error"]).to_pylist()
    logs = {row["log"]: row for row in rows if row["error"] is None}
    fitting = _fitting(logs, key)
    if len(fitting) != 1:
        known = [row["sources"][0] for row in (logs[digest] for digest in fitting)] if fitting else []
        failed = [row["error"] for row in rows if row["error"] and key in row["sources"]]
        why = (
            f"{len(fitting)} logs fit {key!r}: {', '.join(known[:_SHOWN])}"
            if fitting
            else f"{key} could not be read: {failed[0]}"
            if failed
            else f"no log fits {key!r}; give a digest or a source of the catalogue, or the end of one"
        )
        raise QueryError(why)
    row = logs[fitting[0]]
    return Log(OneLog(dataset, fitting[0]), row["sources"][0], row["notes"] or ())


def _fitting(logs: dict[str, dict[str, list[str]]], key: str) -> list[str]:
    if key in logs:
        return [key]
    exact = [digest for digest, row in logs.items() if key in row["sources"]]
    if exact:
        return exact
    ending = [d for d, row in logs.items() if any(s.endswith(f"/{key}") or f"{key}::" in s for s in row["sources"])]
    if ending:
        return ending
    shortest = 6
    return [d for d in logs if d.startswith(key)] if len(key) >= shortest else []
