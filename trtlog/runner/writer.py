"""One writer a folder: whoever runs or sweeps into it holds a lock that the operating system drops when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from trtlog.errors import RunError

LOCK = ".writing"
_HOLDER = ".writing.json"


class FolderLock:
    """The right to write into a folder, held until :meth:`release`.

    On a file system without locks everybody has it.

    Parameters
    ----------
    folder : Path
        The folder; it must exist.

    Raises
    ------
    RunError
        Another process, or another run of this one, writes into it; the message says which, and since when.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._folder = folder
        # any thread may release it: the one that waits for the run is not always the one that started it
        self._lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise RunError(
                f"{folder} is being written by {_holder(folder)}. Wait for it, or give another out=."
            ) from None
        except (OSError, NotImplementedError):
            return
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with contextlib.suppress(OSError):
            (folder / _HOLDER).write_text(json.dumps(holder) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Let others write; a second call does nothing."""
        if not self._lock.is_locked:
            return
        # The lock's own file stays: who opened it before it was removed would lock what nobody else sees.
        with contextlib.suppress(OSError):
            (self._folder / _HOLDER).unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _holder(folder: Path) -> str:
    try:
        found = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
