"""What a worker does: read some logs, write their rows as one part a table and partition, tell what came of each."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from trtlog._util.redact import redact
from trtlog.dataset import manifest
from trtlog.dataset.archives import Archives
from trtlog.dataset.catalogue import rows_of
from trtlog.dataset.fetch import Fetched, fetched
from trtlog.dataset.find import Job
from trtlog.dataset.manifest import Group
from trtlog.dataset.parts import Partition, as_part, new_id, split, write_part
from trtlog.dataset.reading import command_of, digest_of, is_long, pieces, read_long, read_small, renamed
from trtlog.dataset.storage import Storage, reason
from trtlog.errors import NoLogError, TrtlogError
from trtlog.log import Log, holds_help_only
from trtlog.records import TABLES
from trtlog.source.logger import Logger

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TRIES = 3

Reader = Callable[..., Log]


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
    read: Reader = read_small
    redact: bool = False
    logger: Logger | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a log: ``converted``, ``known``, ``no_log`` or ``failed``, and its rows of the catalogue."""

    job: Job
    what: str
    digest: str | None = None
    rows: tuple[dict[str, Any], ...] = ()
    error: str = ""


@dataclass
class Done:
    """What came of a task; the parts of ``groups`` lie in ``staging``, named ``ID-TABLE``."""

    staging: str
    outcomes: list[Outcome] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)


class WriteFailed(Exception):
    """Parts cannot be written: the disk is full, or closed to this user. Passes between processes."""


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
    known = before.logs() if before is not None else set()
    done = Done(task.staging)
    collected = _Collected()
    try:
        storage.folder(task.staging)
        with Archives() as archives:
            for job in task.jobs:
                done.outcomes.append(_one(job, task, storage, known, collected, done, archives))
        collected.write(storage, done)
    except (OSError, pa.ArrowException) as error:
        raise WriteFailed(f"{task.place} cannot be written: {reason(error)}") from error
    return done


def _one(
    job: Job, task: Task, storage: Storage, known: set[str], collected: _Collected, done: Done, archives: Archives
) -> Outcome:
    try:
        with fetched(job, archives) as log:
            try:
                return _convert(log, task, storage, known, collected, done)
            except TrtlogError as error:
                what = "no_log" if isinstance(error, NoLogError) and not job.named else "failed"
                return Outcome(job, what, error=_why(renamed([str(error)], log)[0], job))
    except WriteFailed:
        raise
    except TrtlogError as error:
        return Outcome(job, "failed", error=_why(str(error), job))
    except MemoryError:
        return Outcome(job, "failed", error="out of memory: convert it alone, or on a larger machine")
    except OSError as error:
        if error.errno in _FULL:
            raise
        return Outcome(job, "failed", error=f"cannot be read: {reason(error)}")
    except Exception as error:
        # A mistake of trtlog's own must not stop the other logs; it is told with the log's name.
        return Outcome(job, "failed", error=f"a mistake in trtlog itself ({type(error).__name__}: {error})")


def _why(text: str, job: Job) -> str:
    """Return a message without the name of the log, which stands beside it wherever it is shown."""
    return text.removeprefix(job.source).lstrip(": ")


def _convert(log: Fetched, task: Task, storage: Storage, known: set[str], collected: _Collected, done: Done) -> Outcome:
    job = log.job
    for _ in range(_TRIES):
        before = log.path.stat()
        exports = log.exports(command_of(log.path))
        digest = digest_of(log.path, exports)
        if digest in known:
            return Outcome(job, "known", digest)
        tables: dict[str, pa.Table] = {}
        groups: list[Group] = []
        if is_long(log.path.name, before.st_size):
            rows, groups = _long(log, exports, digest, task, storage)
        else:
            read = task.read(log, exports, strict=task.strict, logger=task.logger)
            read = read.redacted() if task.redact else read
            tables = {name: read.table(name) for name in TABLES}
            if holds_help_only(read):
                raise NoLogError("is trtexec's help text: nothing was run")
            rows = rows_of(read, digest, _shown(job.source, task), job.stamp, job.size, job.modified)
        after = log.path.stat()
        if (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
            break
    else:
        return Outcome(job, "failed", error="it is being written: convert it when it is complete")
    done.groups.extend(groups)
    collected.add(digest, _shown(job.source, task), partitions(rows), tables)
    known.add(digest)
    return Outcome(job, "converted", digest, tuple(rows))


def _shown(source: str, task: Task) -> str:
    """Return the name of a source as the dataset holds it."""
    return redact(source) if task.redact else source


def partitions(rows: list[dict[str, Any]]) -> dict[int, Partition]:
    """Return version and GPU of each run, from the rows of the catalogue."""
    return {row["run"]: (row["tensorrt_version"], row["gpu"]) for row in rows}


def _long(
    log: Fetched, exports: list[Path], digest: str, task: Task, storage: Storage
) -> tuple[list[dict[str, Any]], list[Group]]:
    """Convert a long log piece by piece, and its tables one after the other into parts of their own."""
    job = log.job
    beside = storage.local / task.staging if storage.local is not None else None
    with tempfile.TemporaryDirectory(prefix="trtlog-", dir=beside) as folder:
        try:
            read, _ = read_long(
                log, Path(folder), exports, strict=task.strict, redact=task.redact, logger=task.logger
            )
        except TrtlogError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL:
                raise WriteFailed(f"{task.place} cannot be written: {reason(error.__cause__)}") from error
            raise
        rows = rows_of(read, digest, _shown(job.source, task), job.stamp, job.size, job.modified)
        runs = partitions(rows)
        groups = []
        for partition in dict.fromkeys(runs.values()):
            name = new_id()
            tables = {}
            for table in TABLES:
                own = (
                    as_part(piece, table, digest, _shown(job.source, task))
                    for whole in pieces(read, table)
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
    return rows, groups


class _Collected:
    """Rows of the logs of a batch, by partition, until they are written together."""

    def __init__(self) -> None:
        self._tables: dict[Partition, dict[str, dict[str, pa.Table]]] = {}

    def add(self, digest: str, source: str, runs: dict[int, Partition], tables: dict[str, pa.Table]) -> None:
        """Hold the rows of a log."""
        for name, table in tables.items():
            if not table.num_rows:
                continue
            for partition, rows in split(table, runs):
                by_log = self._tables.setdefault(partition, {}).setdefault(name, {})
                by_log[digest] = as_part(rows, name, digest, source)

    def write(self, storage: Storage, done: Done) -> None:
        """Write a part a table and partition, the logs sorted by digest."""
        for partition, tables in self._tables.items():
            name = new_id()
            logs = sorted({digest for by_log in tables.values() for digest in by_log})
            written = {
                table: write_part(
                    storage, f"{done.staging}/{name}-{table}", table, (by_log[d] for d in logs if d in by_log)
                )
                for table, by_log in tables.items()
            }
            done.groups.append(Group(name, *partition, tuple(logs), written))
