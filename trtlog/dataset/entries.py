"""The catalogue in memory, while a dataset is being changed: which source holds which log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow.parquet as pq

from trtlog.dataset.storage import Storage

_NEW = ""


class _Entry:
    """A log, or a source that failed; its rows say the same of sources."""

    def __init__(self, rows: Sequence[dict[str, Any]], part: str) -> None:
        self.rows = list(rows)
        self.part = part

    @property
    def sources(self) -> list[str]:
        sources: list[str] = self.rows[0]["sources"]
        return sources

    @property
    def failed(self) -> bool:
        return self.rows[0]["error"] is not None

    def set_sources(self, stamps: dict[str, str]) -> None:
        for row in self.rows:
            row["sources"] = list(stamps)
            row["stamps"] = list(stamps.values())
            row["source"] = next(iter(stamps), row["source"])

    @property
    def stamps(self) -> dict[str, str]:
        return dict(zip(self.rows[0]["sources"], self.rows[0]["stamps"], strict=True))


class Entries:
    """The rows of the catalogue by log, and by source; follows what other writers add.

    Parameters
    ----------
    storage : Storage
        Where the dataset lies.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._parts: dict[str, set[str]] = {}  # part -> keys that were read from it
        self._entries: dict[str, _Entry] = {}
        self._by_source: dict[str, set[str]] = {}
        self._changed: set[str] = set()  # parts whose rows have changed

    def __contains__(self, digest: str) -> bool:
        return digest in self._entries

    def update(self, parts: Iterable[str]) -> None:
        """Read the parts that are new, and forget those that are gone."""
        now = list(parts)
        for part in [p for p in self._parts if p not in now]:
            for key in self._parts.pop(part):
                if key in self._entries and self._entries[key].part == part:
                    self._forget(key)
        for part in now:
            if part not in self._parts:
                with self._storage.open(part) as file:
                    rows = pq.ParquetFile(file).read().to_pylist()  # read_table would load pandas
                by_key: dict[str, list[dict[str, Any]]] = {}
                for row in rows:
                    by_key.setdefault(_key(row), []).append(row)
                for key, own in by_key.items():
                    self._put(key, _Entry(own, part))
                self._parts[part] = set(by_key)
        self._changed = set()

    def unchanged(self, source: str, stamp: str) -> bool:
        """Return whether a source was read and has not changed since."""
        found = self._by_source.get(source, ())
        entries = [self._entries[key] for key in found]
        return bool(entries) and all(not e.failed and e.stamps.get(source) == stamp for e in entries)

    # ------------------------------------------------------------------ changes
    def add(self, digest: str, rows: Sequence[dict[str, Any]]) -> None:
        """Enter a new log."""
        self._put(digest, _Entry([dict(row) for row in rows], _NEW))

    def attach(self, digest: str, source: str, stamp: str) -> None:
        """Add a source to a log that is there."""
        entry = self._entries[digest]
        stamps = entry.stamps
        if stamps.get(source) != stamp:
            self._touch(entry)
            entry.set_sources({**stamps, source: stamp})
            self._by_source.setdefault(source, set()).add(digest)

    def detach(self, source: str, digest: str | None, *, failed_only: bool = False) -> None:
        """Take a source from all logs but one: it holds that one now. Its failures are forgotten."""
        for key in list(self._by_source.get(source, ())):
            entry = self._entries[key]
            if key == digest or (failed_only and not entry.failed):
                continue
            self._touch(entry)
            if entry.failed:
                self._forget(key)
                continue
            entry.set_sources({name: stamp for name, stamp in entry.stamps.items() if name != source})
            self._by_source[source].discard(key)

    def fail(self, row: dict[str, Any]) -> None:
        """Enter a source that could not be read; rows that were read from it before stay."""
        key = _key(row)
        if key in self._entries:
            self._touch(self._entries[key])
            self._forget(key)
        self._put(key, _Entry([row], _NEW))

    def orphans(self) -> set[str]:
        """Return the logs that no source holds any more."""
        return {key for key, entry in self._entries.items() if not entry.failed and not entry.sources}

    def remove(self, digests: Iterable[str]) -> list[str]:
        """Remove logs; return the sources that held them last."""
        last = []
        for digest in digests:
            entry = self._entries[digest]
            last.append(entry.rows[0]["source"])
            self._touch(entry)
            self._forget(digest)
        return last

    # ------------------------------------------------------------------ to be written
    def changed_parts(self) -> set[str]:
        """Return the parts that hold rows that have changed."""
        return self._changed - {_NEW}

    def has_new(self) -> bool:
        """Return whether there are rows that are in no part."""
        return any(entry.part == _NEW for entry in self._entries.values())

    def rows_outside(self, parts: Sequence[str]) -> list[dict[str, Any]]:
        """Return all rows but those of some parts."""
        return [row for entry in self._entries.values() if entry.part not in parts for row in entry.rows]

    def written(self, part: str, kept: Sequence[str]) -> None:
        """Note that all rows outside of ``kept`` are in a new part."""
        keys = {key for key, entry in self._entries.items() if entry.part not in kept}
        for key in keys:
            self._entries[key].part = part
        self._parts = {**{name: keys_of for name, keys_of in self._parts.items() if name in kept}, part: keys}
        self._changed = set()

    def _touch(self, entry: _Entry) -> None:
        self._changed.add(entry.part)

    def _put(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        for source in entry.sources:
            self._by_source.setdefault(source, set()).add(key)

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key)
        for source in entry.sources:
            self._by_source.get(source, set()).discard(key)


def _key(row: dict[str, Any]) -> str:
    """Return what a row is known by: the log, or the source of one that failed."""
    return f"failed {row['source']}" if row["error"] is not None else str(row["log"])
