"""A thread that calls functions, one after the other, for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
# How long one waits for room, or for the end of a thread, before one looks again.
_PATIENCE_S = 0.001


class WorkerThread(Generic[Result]):
    """Calls what it is given, one after the other, in a thread of its own, up to an error or its end.

    What two threads touch are queues that take no lock of Python's, as an executor does: Ctrl-C can leave one of those
    locked, and who waits for the thread then waits for ever. If it is never closed, it does not keep the process.

    Parameters
    ----------
    name : str
        The thread's.
    room : int
        Calls that wait, so that what they hold is bounded.

    Examples
    --------
    >>> thread = WorkerThread("example", 2)
    >>> thread.give(sum, [1, 2])
    >>> thread.found()
    3
    >>> thread.finish()
    """

    def __init__(self, name: str, room: int) -> None:
        self._room = room
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._given: SimpleQueue[tuple[Any, ...] | None] = SimpleQueue()
        self._found: SimpleQueue[Result | None] = SimpleQueue()  # None where the thread ended
        self._error: BaseException | None = None

    def start(self) -> bool:
        """Start the thread; false where the system starts no more."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    def give(self, call: Callable[..., Result | None], *arguments: Any) -> None:
        """Have a function called, as soon as there is room; at once where the system starts no thread."""
        if self._thread.ident is None and not self.start():
            call(*arguments)
            return
        while self.waiting >= self._room and self._error is None:
            time.sleep(_PATIENCE_S)
        if self._error is not None:
            raise self._error
        self._given.put((call, *arguments))

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return self._given.qsize()

    @property
    def is_done(self) -> bool:
        """Whether `found` does not wait."""
        return not self._found.empty()

    def found(self) -> Result:
        """Wait for what a call returned that is not None, in the order of calls; raise what ended the thread."""
        found = self._found.get()
        if found is None:
            self._found.put(None)  # for who asks again
            raise self._error or RuntimeError("the thread was closed")
        return found

    def finish(self) -> None:
        """Wait until all is called; raise what ended the thread."""
        self._given.put(None)
        self.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Have the thread end behind the call that it is at, whatever waits."""
        with suppress(Empty):
            while True:
                self._given.get_nowait()
        self._given.put(None)

    def wait(self) -> None:
        """Wait until the thread, which was told to, ended."""
        while self._thread.is_alive():  # to join it takes a lock
            time.sleep(_PATIENCE_S)

    def _run(self) -> None:
        try:
            while (given := self._given.get()) is not None:
                found = given[0](*given[1:])
                if found is not None:
                    self._found.put(found)
                del given, found  # their memory is free while the next is waited for
        except BaseException as error:  # is raised where one gives, or waits
            self._error = error
        self._found.put(None)
