"""Make the parts of batches part of the dataset: all of a change or nothing, each log once.

A change is written to files that nobody reads, then the manifest is replaced: from then on it counts. Moves and
removals follow; whoever opens the dataset next to write does what is left of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from trtlog._util.arrow import no_rows
from trtlog._util.dataclass import dataclass
from trtlog.dataset import manifest
from trtlog.dataset.batch import Done
from trtlog.dataset.catalogue import SCHEMA, failed_row, to_table
from trtlog.dataset.entries import Entries
from trtlog.dataset.find import Job
from trtlog.dataset.lock import SessionFolder, locked
from trtlog.dataset.manifest import CATALOGUE, CONTROL, Group, Manifest
from trtlog.dataset.outcome import Outcome
from trtlog.dataset.parts import join, new_id, part_schema, write_file
from trtlog.dataset.storage import Storage, reason
from trtlog.errors import InputError, TrtlogError
from trtlog.records import TABLES

# The group of tables that no log has rows of: a part without rows, so that every table can be read.
EMPTY = "empty"
# Groups smaller than this are joined where a partition has more than so many of them.
_SMALL_BYTES = 16 << 20
_JOINED_BYTES = 256 << 20
_SMALL_GROUPS = 8
_CATALOGUE_PARTS = 8


@dataclass
class Change:
    """What a change adds to a manifest, and takes from it."""

    groups: list[tuple[Group, str]] = field(default_factory=list)  # with the folder that its parts lie in
    gone: set[str] = field(default_factory=set)  # ids of groups
    moves: list[tuple[str, str]] = field(default_factory=list)
    removes: list[str] = field(default_factory=list)


@dataclass
class Committed:
    """What came of the outcomes of a batch."""

    converted: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    no_log: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    again: list[Job] = field(default_factory=list)


class DatasetWriter:
    """Changes a dataset; makes it where there is none.

    Parameters
    ----------
    storage : Storage
        Where it lies.

    Raises
    ------
    InputError
        The folder holds something else, or cannot be written.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._check_place()
        self.entries = Entries(storage)
        try:
            storage.folder(CONTROL)
            with locked(storage):
                # Finish what another writer began: its parts lie in its folder, which is removed next.
                current = manifest.load(storage)
                if current is not None:
                    manifest.settle(storage, current)
                self.session = SessionFolder(storage)
                try:
                    self._current()
                except BaseException:
                    self.session.close()
                    raise
        except OSError as error:
            raise InputError(f"{storage.place} cannot be written: {reason(error)}") from error

    def _check_place(self) -> None:
        place = self.storage.place
        if self.storage.exists(""):
            raise InputError(f"{place} is a file: give the folder of a dataset, or a new one")
        names = [name for name in self.storage.names("") if not name.startswith(".")]
        if names and CONTROL not in names:
            what = "a log that 'trtlog convert' wrote" if "runs.parquet" in names else "something else"
            raise InputError(f"{place} holds {what}, no dataset: give a new folder")

    def _current(self) -> Manifest:
        """Return what the dataset holds now, and the catalogue with it; finish what another writer began.

        A new one is written with its first batch: parts without rows lie beside those of logs, which are not known yet.
        """
        current = manifest.load(self.storage)
        if current is None:
            return Manifest()
        current = manifest.settle(self.storage, current)
        self.entries.update(current.catalogue)
        return current

    def close(self) -> None:
        """Remove parts that were not committed; what a commit left undone, and a dataset of no log, is made first."""
        try:
            with locked(self.storage):
                current = manifest.load(self.storage)
                if current is None:
                    self._save(Manifest(), Change())  # no batch came: a dataset without logs
                else:
                    manifest.settle(self.storage, current)
        except (OSError, TrtlogError):
            # The next writer moves them; until then they stay where they are.
            self.session.leave()
            return
        self.session.close()

    # ------------------------------------------------------------------ one batch
    def commit(self, done: Done) -> Committed:
        """Add a batch's rows, but those that another writer added meanwhile; old rows of changed sources go."""
        with locked(self.storage):
            current = self._current()
            known = current.logs()
            result = Committed()
            here = {digest for group in done.groups for digest in group.logs}
            twice = here & known
            for outcome in done.outcomes:
                self._enter(outcome, known, here, result)
            orphans = self.entries.orphans()
            result.replaced.extend(self.entries.remove(orphans))
            change = Change()
            for group in done.groups:
                self._add(change, group, done.staging, twice)
            for group in current.groups:
                if not orphans.isdisjoint(group.logs):
                    self._rewrite(change, [group], {}, orphans)
            self._save(current, change)
        return result

    def _enter(self, outcome: Outcome, known: set[str], here: set[str], result: Committed) -> None:
        """Enter what came of a log in the catalogue."""
        job, digest = outcome.job, outcome.digest
        if outcome.what == "no_log":
            self.entries.detach(job.source, None, failed_only=True)
            result.no_log.append((job.source, outcome.error))
        elif outcome.what == "failed":
            self.entries.fail(failed_row(job, outcome.error, digest))
            result.failed.append((job.source, outcome.error))
        elif digest is None or (digest not in known and digest not in here):
            result.again.append(job)
        else:
            if digest in self.entries:
                self.entries.attach(digest, job.source, job.stamp)
                result.known.append(job.source)
            else:
                self.entries.add(digest, outcome.rows)
                result.converted.append(job.source)
            self.entries.detach(job.source, digest)

    # ------------------------------------------------------------------ groups
    def _add(self, change: Change, group: Group, staging: str, without: set[str]) -> None:
        if without.isdisjoint(group.logs):
            change.groups.append((group, staging))
            return
        places = {group.part(table): f"{staging}/{group.id}-{table}" for table in group.tables}
        self._rewrite(change, [group], places, without)

    def _rewrite(self, change: Change, groups: list[Group], places: dict[str, str], without: Iterable[str]) -> None:
        kept = join(self.storage, self.session.folder, groups, places, sorted(without))
        if kept is not None:
            change.groups.append((kept, self.session.folder))
        change.gone.update(group.id for group in groups)

    def _save(self, current: Manifest, change: Change) -> Manifest:
        """Let a change count, then move and remove files."""
        groups = [group for group in current.groups if group.id not in change.gone]
        groups += [group for group, _ in change.groups]
        change.removes += [g.part(table) for g in current.groups if g.id in change.gone for table in g.tables]
        change.moves += [
            (f"{staging}/{group.id}-{table}", group.part(table))
            for group, staging in change.groups
            for table in group.tables
        ]
        groups = self._with_empty(groups, change)
        parts = self._write_catalogue(current, change)
        new = Manifest(current.generation + 1, groups, parts, change.moves, change.removes)
        manifest.save(self.storage, new)
        return manifest.settle(self.storage, new)

    def _with_empty(self, groups: list[Group], change: Change) -> list[Group]:
        """Return the groups with one that holds a part without rows for each table that has none."""
        real = [group for group in groups if not group.id.startswith(EMPTY)]
        old = [group for group in groups if group.id.startswith(EMPTY)]
        filled = {table for group in real for table in group.tables}
        lacking = [table for table in TABLES if table not in filled]
        partitions = {group.partition for group in real}
        if old and list(old[0].tables) == lacking and (not real or old[0].partition in partitions):
            return groups
        change.removes += [group.part(table) for group in old for table in group.tables]
        if not lacking:
            return real
        where = real[0] if real else Group("", None, None, (), {})
        group = Group(f"{EMPTY}-{new_id()}", where.tensorrt_version, where.gpu, (), {})
        for table in lacking:
            staged = f"{self.session.folder}/{group.id}-{table}"
            schema = part_schema(table)
            group.tables[table] = write_file(self.storage, staged, schema, [no_rows(schema)], empty=True)
            change.moves.append((staged, group.part(table)))
        return [group, *real]

    def _write_catalogue(self, current: Manifest, change: Change) -> list[str]:
        """Write the changed part of the catalogue; return the names of all its parts."""
        changed = self.entries.changed_parts()
        kept = [part for part in current.catalogue if part not in changed]
        fresh = self.entries.has_new()
        if kept == current.catalogue and not fresh and current.catalogue:
            return current.catalogue
        if len(kept) >= _CATALOGUE_PARTS:
            kept = []
        part = f"{CATALOGUE}/part-{new_id()}.parquet"
        staged = f"{self.session.folder}/{part.rpartition('/')[2]}"
        rows = self.entries.rows_outside(kept)
        write_file(self.storage, staged, SCHEMA, [to_table(rows)], empty=True)
        change.moves.append((staged, part))
        change.removes += [old for old in current.catalogue if old not in kept]
        self.entries.written(part, kept)
        return [*kept, part]

    # ------------------------------------------------------------------ few large files
    def compact(self) -> int:
        """Join small groups where a partition has many; return how many groups went into others."""
        with locked(self.storage):
            current = self._current()
            change = Change()
            by_partition: dict[str, list[Group]] = {}
            for group in current.groups:
                if group.bytes < _SMALL_BYTES and not group.id.startswith(EMPTY):
                    by_partition.setdefault(group.partition, []).append(group)
            for groups in by_partition.values():
                if len(groups) > _SMALL_GROUPS:
                    for together in _packed(groups):
                        self._rewrite(change, together, {}, ())
            if change.gone:
                self._save(current, change)
            return len(change.gone)


def _packed(groups: list[Group]) -> list[list[Group]]:
    """Return groups in lists of a total size that is not too large."""
    lists: list[list[Group]] = [[]]
    size = 0
    for group in groups:
        if lists[-1] and size + group.bytes > _JOINED_BYTES:
            lists.append([])
            size = 0
        lists[-1].append(group)
        size += group.bytes
    return [together for together in lists if len(together) > 1]
