"""One writer at a time: locks that the operating system drops when their process ends, however it ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from trtlog.dataset.manifest import CONTROL
from trtlog.dataset.storage import Storage
from trtlog.errors import InputError

WAIT_SECONDS = 600.0
_STAGING = f"{CONTROL}/staging"


@contextmanager
def locked(storage: Storage, wait_s: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the dataset's lock; on an object store, which has none, do nothing.

    Raises
    ------
    InputError
        Another process holds it for longer than ``wait_s``.
    """
    if storage.local is None:
        yield
        return
    from filelock import FileLock, Timeout

    path = storage.local / CONTROL / "lock"
    try:
        with FileLock(path, timeout=wait_s):
            yield
    except Timeout:
        raise InputError(
            f"{storage.place}: another process has been changing this dataset for {wait_s:g} s ({path}); "
            f"wait for it, then run this again"
        ) from None


class SessionFolder:
    """A conversion's own folder for parts that are not committed yet; those of dead ones are removed.

    Attributes
    ----------
    folder : str
        The folder, inside the dataset.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._name = uuid.uuid4().hex
        self.folder = f"{_STAGING}/{self._name}"
        self._lock: Any = None
        storage.folder(_STAGING)
        if storage.local is not None:
            self._lock = self._lock_of(self._name)
            self._lock.acquire()
            self._sweep()
        storage.folder(self.folder)

    def _lock_of(self, name: str) -> Any:
        from filelock import FileLock

        assert self._storage.local is not None
        return FileLock(self._storage.local / _STAGING / f"{name}.lock", timeout=0)

    def _sweep(self) -> None:
        """Remove what conversions left that were killed: nobody holds their lock."""
        from filelock import Timeout

        names = {name.removesuffix(".lock") for name in self._storage.names(_STAGING)}
        for name in names - {self._name}:
            lock = self._lock_of(name)
            with suppress(Timeout):
                lock.acquire()
                self._remove(name, lock)

    def _remove(self, name: str, lock: Any) -> None:
        self._storage.remove_folder(f"{_STAGING}/{name}")
        if lock is not None:
            with suppress(OSError):
                self._storage.remove(f"{_STAGING}/{name}.lock")
            lock.release()

    def leave(self) -> None:
        """Let the folder stay: the next conversion removes it."""
        if self._lock is not None:
            self._lock.release()

    def close(self) -> None:
        """Remove the folder."""
        self._remove(self._name, self._lock)
