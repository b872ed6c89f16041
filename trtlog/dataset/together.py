"""Small logs of a batch: they are read one after the other, and each table is made once for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path

from trtlog._util.dataclass import dataclass
from trtlog._util.redact import redact, redact_table
from trtlog.dataset.catalogue import partitions, rows_of
from trtlog.dataset.collected import Collected, Converted
from trtlog.dataset.fetch import Fetched
from trtlog.dataset.find import Job
from trtlog.dataset.outcome import Outcome, outcome_of
from trtlog.dataset.reading import renamed
from trtlog.errors import NoLogError
from trtlog.log import Log, holds_help_only
from trtlog.read import export_rows
from trtlog.reader import Read, Reader
from trtlog.records import TABLES
from trtlog.source.logger import Logger
from trtlog.tables import TableSet
from trtlog.tables.parted import Parted

# So much text is collected before tables are made of it. A larger log is read by itself, by threads if that helps.
_MOST_BYTES = 16 << 20


@dataclass
class _Entry:
    """A log that was read."""

    job: Job
    read: Read
    digest: str
    exports: list[Path]
    files: ExitStack | None  # what keeps exports that were fetched
    notes: list[str]
    copies: list[Job] = field(default_factory=list)  # the same log under other names


class Together:
    """Logs that are read into one set of captures.

    Parameters
    ----------
    logger : Logger, optional
        How lines of a logger of the user's own begin.
    """

    def __init__(self, logger: Logger | None = None) -> None:
        self.reader = Reader(logger=logger)
        self._entries: dict[str, _Entry] = {}

    def has_room_for(self, size: int) -> bool:
        """Return whether a log of so many bytes is read with those that were."""
        return not self.reader.count or (not self.reader.is_full and self.reader.size + size <= _MOST_BYTES)

    def add(self, log: Fetched, read: Read, digest: str, exports: list[Path], files: ExitStack | None) -> None:
        """Keep a log that was read; ``files`` are closed when its exports were read too."""
        self._entries[digest] = _Entry(log.job, read, digest, exports, files, renamed(read.notes, log))

    def add_copy(self, digest: str, job: Job) -> bool:
        """Note another name of a log that is kept already; return whether it is."""
        entry = self._entries.get(digest)
        if entry is not None:
            entry.copies.append(job)
        return entry is not None

    def finish(self, collected: Collected, *, redacting: bool = False) -> Iterator[Outcome]:
        """Make the tables, collect their rows; yield what came of each log."""
        if self._entries:
            sources = [""] * self.reader.count
            for entry in self._entries.values():
                sources[entry.read.number] = entry.job.source
            tables = TableSet(self.reader.finish(), sources)
            yield from _finished(tables, list(self._entries.values()), collected, redacting=redacting)
        self.close()

    def close(self) -> None:
        """Remove what was fetched."""
        for entry in self._entries.values():
            if entry.files is not None:
                entry.files.close()
        self.reader.close()


def _finished(tables: TableSet, entries: list[_Entry], collected: Collected, *, redacting: bool) -> Iterator[Outcome]:
    """Yield what came of some logs of a set of tables, whose rows are collected."""
    try:
        for entry in entries:
            _put_exports(tables, entry)
        made = {name: tables.parted(name) for name in TABLES}
        if redacting:
            made = {name: Parted(redact_table(parted.table), parted.bounds) for name, parted in made.items()}
    except Exception as error:
        if len(entries) == 1 and tables.count == 1:
            yield from _outcomes(entries[0], outcome_of(entries[0].job, error), error)
            return
        # The rows of one log caused an error: try each log by itself.
        for entry in entries:
            yield from _finished(tables.alone(entry.read.number), [entry], collected, redacting=redacting)
        return
    converted: list[Converted] = []
    for entry in entries:
        number = entry.read.number if tables.count > 1 else 0
        source = redact(entry.job.source) if redacting else entry.job.source
        log = Log(tables.of(number), entry.job.source, entry.notes)
        try:
            if holds_help_only(log):
                raise NoLogError("is trtexec's help text: nothing was run")
            shown = log.redacted() if redacting else log
            rows = tuple(rows_of(shown, entry.digest, source, entry.job))
        except Exception as error:
            yield from _outcomes(entry, outcome_of(entry.job, error), error)
            continue
        converted.append(Converted(number, entry.digest, source, partitions(rows)))
        yield from _outcomes(entry, Outcome(entry.job, "converted", entry.digest, rows))
    collected.add(made, converted)


def _put_exports(tables: TableSet, entry: _Entry) -> None:
    if entry.exports:
        number = entry.read.number if tables.count > 1 else 0
        rows = export_rows(tables.commands(number), entry.exports, entry.notes, must=False)
        tables.put_exports(number, rows)


def _outcomes(entry: _Entry, outcome: Outcome, error: Exception | None = None) -> Iterator[Outcome]:
    """Yield what came of a log, under each of its names."""
    yield outcome
    for job in entry.copies:
        yield Outcome(job, "known", entry.digest) if error is None else outcome_of(job, error)
