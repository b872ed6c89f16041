"""Convert logs to a dataset: find them, leave out what is known, convert batches, commit each as it comes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from trtlog._util.cores import usable_cores
from trtlog._util.dataclass import dataclass
from trtlog._util.interrupts import delayed_interrupts
from trtlog._util.words import counted, plural
from trtlog.dataset.batch import ReadLog, Task
from trtlog.dataset.commit import Committed, DatasetWriter
from trtlog.dataset.find import Job, Left, find
from trtlog.dataset.outcome import WriteFailed
from trtlog.dataset.plan import MOST_LOGS, batches
from trtlog.dataset.reading import read_small
from trtlog.dataset.storage import Storage, reason
from trtlog.dataset.workers import Processes, Runner
from trtlog.display import InNotebook
from trtlog.errors import InputError
from trtlog.source.logger import Logger, logger_of

Progress = Callable[[int, int], None]
# How often logs are tried that another writer removed meanwhile.
_ROUNDS = 3


@dataclass
class Conversion(InNotebook):
    """What came of the logs of a conversion, by source.

    Attributes
    ----------
    converted : list of str
        Read and added.
    replaced : list of str
        Sources whose content has changed: their old rows are gone.
    known : list of str
        The dataset holds this very log already.
    unchanged : list of str
        Not looked into: size and time are those of the last conversion.
    skipped : list of (source, reason)
        Found in a folder, glob or archive, and no logs.
    failed : list of (source, reason)
        Logs that could not be read; the catalogue holds them with the reason.
    stopped : bool
        Whether Ctrl-C ended it early; what was converted is in the dataset.
    """

    converted: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def add(self, result: Committed) -> None:
        """Take in what came of a batch."""
        self.converted += result.converted
        self.replaced += result.replaced
        self.known += result.known
        self.skipped += result.no_log
        self.failed += result.failed

    def __repr__(self) -> str:
        counts = (
            (len(self.converted), "converted"),
            (len(self.replaced), "replaced an older content"),
            (len(self.known), "known"),
            (len(self.unchanged), "unchanged"),
            (len(self.skipped), plural(len(self.skipped), "no log", "no logs")),
            (len(self.failed), "failed"),
        )
        parts = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        return f"<trtlog.Conversion: {parts or 'nothing to do'}{', stopped' if self.stopped else ''}>"


def to_dataset(
    sources: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
    dataset: str | os.PathLike[str],
    *,
    jobs: int = 1,
    client: Any = None,
    strict: bool = False,
    progress: Progress | None = None,
    batch_logs: int = MOST_LOGS,
    redact: bool = False,
    logger: str | os.PathLike[str] | Logger | None = None,
    _read: ReadLog = read_small,
) -> Conversion:
    """Add logs to a dataset of partitioned Parquet; make it where there is none.

    Logs that the dataset holds are not converted again; where a source has changed, its rows are replaced. Each
    batch is committed as it comes: a conversion that was interrupted goes on where it was when it is started again.

    Parameters
    ----------
    sources : path, or iterable of paths
        Files, folders, globs, ``@FILE`` (a source a line), archives (zip, tar), URLs.
    dataset : path
        A folder or a URL.
    jobs : int
        Processes; 1 converts in this one, 0 stands for one a core. A script that asks for several calls this under
        ``if __name__ == "__main__":``, as with all of multiprocessing.
    client : distributed.Client or str, optional
        A Dask cluster that converts in place of processes, or the address of its scheduler; workers must see
        logs and dataset under the same names.
    strict : bool
        Make a line that no rule knows an error of its log.
    progress : callable, optional
        Called with the number of logs done and of all logs, after each batch.
    batch_logs : int
        At most so many logs go into a part.
    redact : bool
        Take passwords, tokens and keys out of what is written.
    logger : path, optional
        As for :func:`trtlog.parse`; its patterns are sent to processes and workers.

    Returns
    -------
    Conversion

    Raises
    ------
    InputError
        The dataset cannot be written. What was committed before stays.

    Examples
    --------
    >>> import tempfile, trtlog
    >>> folder = tempfile.mkdtemp()
    >>> trtlog.to_dataset("fixtures/trt-8.5.3-h200/err_*.log.gz", folder)
    <trtlog.Conversion: 7 converted>
    >>> trtlog.to_dataset("fixtures/trt-8.5.3-h200/err_*.log.gz", folder)
    <trtlog.Conversion: 7 unchanged>
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    own = logger_of(logger)
    storage = Storage(dataset)
    done = Conversion()
    writer = DatasetWriter(storage)
    try:
        wanted = _wanted(find(sources), writer, done)
        runner = _runner(len(wanted), jobs or usable_cores(), client)
        total = len(wanted)
        for _ in range(_ROUNDS):
            parts = batches(wanted, runner.workers, batch_logs)
            tasks = [Task(batch, storage.place, writer.session.folder, strict, _read, redact, own) for batch in parts]
            wanted = _convert(runner, tasks, writer, done, progress, total)
            if not wanted or done.stopped:
                break
        runner.close()
        done.failed += [(job.source, "another process removed it meanwhile: run this again") for job in wanted]
        done.skipped.sort()
        done.failed.sort()
        writer.compact()
    except WriteFailed as error:
        raise InputError(f"{error}; {_kept(done)}") from error
    except OSError as error:
        raise InputError(f"{storage.place} cannot be written: {reason(error)}; {_kept(done)}") from error
    finally:
        with delayed_interrupts():
            writer.close()
    return done


def _kept(done: Conversion) -> str:
    logs = counted(len(done.converted), "log was converted and is kept", "logs were converted and are kept")
    return f"{logs}; run the same again to go on"


def _wanted(found: Iterable[Job | Left], writer: DatasetWriter, done: Conversion) -> list[Job]:
    """Return the jobs that have to be looked into."""
    wanted = []
    for item in found:
        if isinstance(item, Left):
            (done.failed if item.failed else done.skipped).append((item.source, item.reason))
        elif writer.entries.unchanged(item.source, item.stamp):
            done.unchanged.append(item.source)
        else:
            wanted.append(item)
    return wanted


def _runner(logs: int, processes: int, client: Any) -> Runner:
    if client is not None:
        from trtlog.dataset.cluster import Cluster

        return Cluster(client)
    return Runner() if min(logs, processes) <= 1 else Processes(processes)


def _convert(
    runner: Runner, tasks: list[Task], writer: DatasetWriter, done: Conversion, progress: Progress | None, total: int
) -> list[Job]:
    """Convert and commit; return the jobs to try again."""
    again: list[Job] = []
    finished = 0
    try:
        with _graceful(runner, done):
            for batch in runner.run(tasks):
                result = writer.commit(batch)
                done.add(result)
                again += result.again
                finished += len(batch.outcomes)
                if progress is not None:
                    progress(finished, total)
    except BaseException:
        runner.close()
        raise
    return again


@contextmanager
def _graceful(runner: Runner, done: Conversion) -> Iterator[None]:
    """Let the first Ctrl-C end the conversion after what is under way, the second at once."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield
        return

    def stop(number: int, frame: Any) -> None:
        if done.stopped:
            signal.default_int_handler(number, frame)
        done.stopped = True
        runner.stop()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
