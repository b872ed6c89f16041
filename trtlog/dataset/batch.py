"""What a worker does: read some logs, write their rows as one part a table and partition, tell what came of each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact
from trtlog.dataset import manifest
from trtlog.dataset.archives import Archives
from trtlog.dataset.catalogue import partitions, rows_of
from trtlog.dataset.collected import Collected
from trtlog.dataset.fetch import Fetched, fetched
from trtlog.dataset.find import Job
from trtlog.dataset.manifest import Group
from trtlog.dataset.outcome import FULL, Outcome, WriteFailed, outcome_of, without_name
from trtlog.dataset.parts import Partition, as_part, new_id, repeated, split, write_part
from trtlog.dataset.reading import FolderTables, command_of, digest_of, is_long, read_small, renamed, text_bytes
from trtlog.dataset.storage import Storage, reason
from trtlog.dataset.together import Together
from trtlog.errors import TrtlogError
from trtlog.log import Log
from trtlog.reader import Read
from trtlog.records import TABLES
from trtlog.source.logger import Logger

_TRIES = 3

ReadLog = Callable[..., Read]


@dataclass(frozen=True)
class Task:
    """Some logs to convert.

    Attributes
    ----------
    jobs : tuple of Job
        The logs.
    place : str
        The dataset.
    staging : str
        Folder of the dataset to write parts to; readers do not look there.
    strict : bool
        Make a line that no rule knows an error.
    read : callable
        Reads a log of usual size; tests put one here that fails.
    redact : bool
        Take passwords, tokens and keys out.
    logger : Logger, optional
        How lines of a logger of the user's own begin; its patterns themselves, as workers may not have its file.
    """

    jobs: tuple[Job, ...]
    place: str
    staging: str
    strict: bool = False
    read: ReadLog = read_small
    redact: bool = False
    logger: Logger | None = None


@dataclass
class Done:
    """What came of a task; the parts of ``groups`` lie in ``staging``, named ``ID-TABLE``."""

    staging: str
    outcomes: list[Outcome] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


def convert_batch(task: Task) -> Done:
    """Read the logs of a task and write their rows.

    One bad log is an outcome, no error. A log that the dataset holds is not read again.

    Raises
    ------
    WriteFailed
        The parts cannot be written.
    """
    storage = Storage(task.place)
    before = manifest.load(storage)
    batch = _Batch(task, storage, before.logs() if before is not None else set())
    try:
        storage.folder(task.staging)
        with Archives() as archives:
            for job in task.jobs:
                batch.take(job, archives)
        return batch.finish()
    except (OSError, pa.ArrowException) as error:
        raise WriteFailed(f"{task.place} cannot be written: {reason(error)}") from error
    finally:
        batch.close()


class _Batch:
    """The logs of a task on their way into parts: small ones are read together, as many as are of use.

    Parameters
    ----------
    task : Task
        What to do.
    storage : Storage
        The dataset.
    known : set of str
        Digests of the logs that it holds.
    """

    def __init__(self, task: Task, storage: Storage, known: set[str]) -> None:
        self._task = task
        self._storage = storage
        self._known = known
        self._outcomes: dict[Job, Outcome] = {}
        self._groups: list[Group] = []
        self._collected = Collected()
        self._together = Together(task.logger)

    def take(self, job: Job, archives: Archives) -> None:
        """Read a log."""
        if not self._together.has_room_for(text_bytes(job.member or job.location, job.size)):
            self._finish_together()
        log: Fetched | None = None
        with ExitStack() as stack:
            try:
                log = stack.enter_context(fetched(job, archives))
                outcome = self._read(log, stack)
            except Exception as error:
                outcome = outcome_of(job, error)
                if log is not None:
                    outcome = replace(outcome, error=without_name(renamed([outcome.error], log)[0], job))
        if outcome is not None:
            self._outcomes[job] = outcome

    def _read(self, log: Fetched, stack: ExitStack) -> Outcome | None:
        """Read a log; return what came of it, None where that shows when its batch is complete."""
        job, task = log.job, self._task
        for _ in range(_TRIES):
            before = log.path.stat()
            exports = log.exports(command_of(log.path) if job.beside else None)
            digest = digest_of(log.path, exports)
            if digest in self._known:
                return Outcome(job, "known", digest)
            if self._together.add_copy(digest, job):
                return None
            long = is_long(log.path.name, before.st_size)
            if long:
                rows, groups = _long(log, exports, digest, task, self._storage)
            else:
                read = task.read(self._together.reader, log, strict=task.strict)
            after = log.path.stat()
            if (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
                break
        else:
            return Outcome(job, "failed", error="it is being written: convert it when it is complete")
        if long:
            self._groups += groups
            self._known.add(digest)
            return Outcome(job, "converted", digest, tuple(rows))
        # Exports that were fetched are read when the batch is complete.
        self._together.add(log, read, digest, exports, stack.pop_all() if exports else None)
        return None

    def _finish_together(self) -> None:
        """Make the tables of what was read together."""
        for outcome in self._together.finish(self._collected, redacting=self._task.redact):
            self._outcomes[outcome.job] = outcome
            if outcome.what == "converted" and outcome.digest is not None:
                self._known.add(outcome.digest)
        self._together = Together(self._task.logger)

    def finish(self) -> Done:
        """Write the parts; return what came of all logs, in the order of the jobs."""
        self._finish_together()
        groups = [*self._groups, *self._collected.write(self._storage, self._task.staging)]
        return Done(self._task.staging, [self._outcomes[job] for job in self._task.jobs], groups)

    def close(self) -> None:
        """Remove what was fetched."""
        self._together.close()


def _long(
    log: Fetched, exports: list[Path], digest: str, task: Task, storage: Storage
) -> tuple[list[dict[str, Any]], list[Group]]:
    """Convert a long log piece by piece, and its tables one after the other into parts of their own."""
    from trtlog.parquet.stream import convert

    source = redact(log.job.source) if task.redact else log.job.source
    beside = storage.local / task.staging if storage.local is not None else None
    options: dict[str, Any] = {"strict": task.strict, "redact": task.redact, "logger": task.logger}
    with tempfile.TemporaryDirectory(prefix="trtlog-", dir=beside) as folder:
        try:
            notes = convert(log.path, folder, exports=exports, must=False, **options)
        except TrtlogError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL:
                raise WriteFailed(f"{task.place} cannot be written: {reason(error.__cause__)}") from error
            raise
        tables = FolderTables(Path(folder))
        rows = rows_of(Log(tables, log.job.source, renamed(notes, log)), digest, source, log.job)
        return rows, _groups_of(tables, digest, source, partitions(rows), task, storage)


def _groups_of(
    read: FolderTables, digest: str, source: str, runs: dict[int, Partition], task: Task, storage: Storage
) -> list[Group]:
    """Write the tables of a long log."""
    groups = []
    for partition in dict.fromkeys(runs.values()):
        name = new_id()
        tables = {}
        for table in TABLES:
            own = (
                as_part(piece, table, repeated(digest, piece.num_rows), repeated(source, piece.num_rows))
                for whole in read.batches(table)
                for where, piece in split(whole, runs)
                if where == partition
            )
            try:
                written = write_part(storage, f"{task.staging}/{name}-{table}", table, own)
            except (OSError, pa.ArrowException) as error:
                raise WriteFailed(f"{task.place} cannot be written: {reason(error)}") from error
            if written[0]:
                tables[table] = written
        groups.append(Group(name, *partition, (digest,), tables))
    return groups
