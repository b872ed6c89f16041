"""Rows of the logs of a batch, by partition, until they are written together: a part a table and partition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, distinct, from_list, from_numpy, to_numpy
from trtlog._util.dataclass import dataclass
from trtlog.dataset.manifest import Group
from trtlog.dataset.parts import Partition, as_part, new_id, write_part
from trtlog.dataset.storage import Storage
from trtlog.tables.cells import one_array
from trtlog.tables.parted import Parted


@dataclass(frozen=True)
class Converted:
    """A log whose rows are kept: its place in the tables, its names in the dataset, the partition of each run."""

    number: int
    digest: str
    source: str
    partitions: Mapping[int, Partition]


@dataclass
class _Rows:
    """Rows of one table and partition, in pieces, with the number of each row's log."""

    pieces: list[pa.Table] = field(default_factory=list)
    logs: list[Array] = field(default_factory=list)


class Collected:
    """Rows by partition and table."""

    def __init__(self) -> None:
        self._digests: list[str] = []
        self._sources: list[str] = []
        self._rows: dict[Partition, dict[str, _Rows]] = {}

    def add(self, tables: Mapping[str, Parted], logs: Sequence[Converted]) -> None:
        """Hold the rows of some of the logs that tables hold."""
        if not logs:
            return
        numbers = _Numbers(logs, len(self._digests), max(len(parted.bounds) for parted in tables.values()) - 1)
        self._digests += [log.digest for log in logs]
        self._sources += [log.source for log in logs]
        for name, parted in tables.items():
            of_rows = np.repeat(np.arange(len(parted.bounds) - 1), np.diff(parted.bounds))
            for partition, rows in numbers.by_partition(parted.table, of_rows):
                table = parted.table if len(rows) == parted.table.num_rows else parted.table.take(from_numpy(rows))
                group = self._rows.setdefault(partition, {}).setdefault(name, _Rows())
                group.pieces.append(table)
                group.logs.append(numbers.of_logs[of_rows[rows]])

    def write(self, storage: Storage, staging: str) -> Iterator[Group]:
        """Write a part a table and partition, the logs sorted by digest; yield the parts of each partition."""
        ranks = np.empty(len(self._digests), np.int64)
        order = sorted(range(len(ranks)), key=self._digests.__getitem__)
        ranks[order] = np.arange(len(ranks))
        for partition, tables in self._rows.items():
            name = new_id()
            numbers = distinct(np.concatenate([found for rows in tables.values() for found in rows.logs]))
            written = {
                table: write_part(storage, f"{staging}/{name}-{table}", table, [self._part(table, rows, ranks)])
                for table, rows in tables.items()
            }
            yield Group(name, *partition, tuple(sorted(self._digests[number] for number in numbers)), written)

    def _part(self, name: str, rows: _Rows, ranks: Array) -> pa.Table:
        parts = []
        for table, logs in zip(rows.pieces, rows.logs, strict=True):
            digests, sources = (
                from_list(texts, pa.string()).take(from_numpy(logs)) for texts in (self._digests, self._sources)
            )
            parts.append(as_part(table, name, digests, sources))
        whole = parts[0] if len(parts) == 1 else pa.concat_tables(parts)
        keys = ranks[np.concatenate(rows.logs)]
        if (keys[1:] < keys[:-1]).any():
            whole = whole.take(from_numpy(np.argsort(keys, kind="stable")))
        return whole


class _Numbers:
    """Numbers of the partitions that runs of some logs belong to, and of the logs among all that are collected."""

    def __init__(self, logs: Sequence[Converted], collected: int, count: int) -> None:
        self._partitions = list(dict.fromkeys(p for log in logs for p in log.partitions.values()))
        places = {partition: place for place, partition in enumerate(self._partitions)}
        self.of_logs = np.full(count, -1, np.int64)
        runs: list[list[int]] = [[-1]] * count  # of a log that is not kept, no partition
        for place, log in enumerate(logs):
            self.of_logs[log.number] = collected + place
            runs[log.number] = [places[partition] for partition in log.partitions.values()]
        self._first_runs = np.cumsum([0, *map(len, runs)])[:-1]
        self._last_runs = self._first_runs + [len(own) - 1 for own in runs]
        self._of_runs = np.array([number for own in runs for number in own], np.int64)

    def by_partition(self, table: pa.Table, of_rows: Array) -> Iterator[tuple[Partition, Array]]:
        """Yield each partition with its rows of a table; rows without a run go with the first of their log."""
        places = self._first_runs[of_rows]
        if "run" in table.column_names:
            # A log that is not kept has no runs here.
            places = np.minimum(places + to_numpy(one_array(table.column("run"))), self._last_runs[of_rows])
        numbers = self._of_runs[places]
        for number in distinct(numbers[numbers >= 0]).tolist():
            yield self._partitions[number], np.flatnonzero(numbers == number)
