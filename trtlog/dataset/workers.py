"""Batches one after the other, or side by side in processes of this machine.

Processes come from :class:`concurrent.futures.ProcessPoolExecutor`. Where one is killed (out of memory, by hand, by
a crash in a library) its pool is lost: the batches that were under way are tried again, each in a pool of its own, then
file by file, so that what kills a process is told by name and nothing else is lost.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import pyarrow as pa

from trtlog._util.cores import usable_cores
from trtlog.dataset.batch import Done, Task, convert_batch
from trtlog.dataset.outcome import Outcome
from trtlog.errors import InputError

# How often a file may end the process that reads it before it is left out.
_DEATHS = 2
_DIED = (
    "the process that read it ended without an answer, {deaths} times: killed, out of memory, or crashed; "
    "convert it alone to see more"
)


class Runner:
    """Converts tasks, in any order; gives what came of each as soon as it is there: here one after the other.

    Attributes
    ----------
    workers : int
        How many batches are converted side by side.
    """

    workers = 1
    _stopped = False

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task."""
        for task in tasks:
            if self._stopped:
                return
            yield convert_batch(task)

    def stop(self) -> None:
        """Begin no more tasks; :meth:`run` ends after those under way."""
        self._stopped = True

    def close(self) -> None:
        """End at once what is still under way."""


def prepare_process() -> None:
    """Set up a worker: one core, Ctrl-C is the parent's affair, and the worker ends when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


class Processes(Runner):
    """Converts tasks side by side in processes.

    Parameters
    ----------
    jobs : int
        How many processes.
    """

    def __init__(self, jobs: int) -> None:
        self.workers = jobs
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self._context: Any = multiprocessing.get_context(method)
        if method == "forkserver":
            # Loaded once by the server from which workers are forked, not by each worker.
            self._context.set_forkserver_preload(["__main__", "trtlog.dataset.batch"])

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task; batches that lost their process are tried again at the end."""
        self._probe()
        waiting = deque(tasks)
        suspects: list[Task] = []
        while waiting and not self._stopped:
            yield from self._side_by_side(waiting, suspects)
        while suspects and not self._stopped:
            yield from self._alone(suspects.pop(0))

    def _pool(self, size: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(size, mp_context=self._context, initializer=prepare_process)

    def _probe(self) -> None:
        """Make sure that processes can be started at all, so that no log is blamed."""
        with self._pool(1) as pool:
            try:
                pool.submit(usable_cores).result()
            except (BrokenProcessPool, OSError) as error:
                raise InputError(
                    "worker processes cannot be started. In a script, put the call under "
                    "'if __name__ == \"__main__\":', so that a worker that imports the script does not start it again; "
                    "or give jobs=1"
                ) from error

    def _side_by_side(self, waiting: deque[Task], suspects: list[Task]) -> Iterator[Done]:
        """Convert until all is done, or the pool is lost; then what was under way joins the suspects."""
        pending: dict[Future[Done], Task] = {}
        pool = self._pool(min(self.workers, len(waiting)))
        try:
            while (waiting and not self._stopped) or pending:
                while waiting and len(pending) < self.workers + 1 and not self._stopped:
                    task = waiting.popleft()
                    try:
                        pending[pool.submit(convert_batch, task)] = task
                    except BrokenProcessPool:
                        waiting.appendleft(task)
                        break
                if not pending:
                    return
                finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                broken = False
                for future in finished:
                    task = pending.pop(future)
                    try:
                        done = future.result()
                    except BrokenProcessPool:
                        suspects.append(task)
                        broken = True
                        continue
                    yield done
                if broken:
                    suspects.extend(pending.values())
                    return
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _alone(self, task: Task) -> Iterator[Done]:
        """Convert a task in a process of its own; if that is lost too, file by file."""
        done = self._try(task)
        if done is not None:
            yield done
            return
        singles = split(task)
        deaths = 2 if len(singles) == 1 else 0
        for single in singles:
            if self._stopped:
                return
            done = None
            for _ in range(deaths, _DEATHS):
                done = self._try(single)
                if done is not None:
                    break
            yield done if done is not None else died(single, _DEATHS)

    def _try(self, task: Task) -> Done | None:
        with self._pool(1) as pool:
            try:
                return pool.submit(convert_batch, task).result()
            except BrokenProcessPool:
                return None

    def close(self) -> None:
        """End the processes at once."""
        self._stopped = True
        for process in multiprocessing.active_children():
            process.terminate()


def split(task: Task) -> list[Task]:
    """Return a task for each log."""
    return [replace(task, jobs=(job,)) for job in task.jobs]


def died(task: Task, deaths: int) -> Done:
    """Return the outcome of a log that ended its process each time."""
    return Done(task.staging, [Outcome(job, "failed", error=_DIED.format(deaths=deaths)) for job in task.jobs])
