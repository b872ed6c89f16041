"""Where Arrow takes memory for tables."""

from __future__ import annotations

import os
import threading
from types import TracebackType

import pyarrow as pa

# What Arrow reads the user's choice from, and what it takes where nobody chose.
_VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"
_DEFAULT = "mimalloc"


class SystemMemory:
    """Has Arrow take memory from the system, as the rest of the process does, unless the user chose something else.

    Arrow's own gives that of large arrays back at once and takes it anew, and the kernel has to clear it each time: a
    second of the five that all tables of a log of 1 GB take. The setting is the process's: it holds from the first
    thread that enters to the last that leaves. An array knows where its memory belongs, whatever holds when it goes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._former: pa.MemoryPool | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            pool = pa.default_memory_pool()
            if self._inside == 1 and pool.backend_name == _DEFAULT and _VARIABLE not in os.environ:
                self._former = pool
                pa.set_memory_pool(pa.system_memory_pool())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._former is not None:
                pa.set_memory_pool(self._former)
                self._former = None


system_memory = SystemMemory()
"""The one of this process."""
