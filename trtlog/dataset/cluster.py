"""Batches on a Dask cluster: scheduling, retries after lost workers and the movement of data are Dask's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from trtlog.dataset.batch import Done, Task, convert_batch
from trtlog.dataset.workers import Runner, died, split
from trtlog.errors import InputError, MissingExtra, how_to_install

# How often Dask tries a task again that raised an error, as for a file system that was away for a moment.
_RETRIES = 2


class Cluster(Runner):
    """Converts tasks on the workers of a cluster, with the function that processes of one machine call.

    Parameters
    ----------
    client : distributed.Client, or str
        A client, or the address of a scheduler.

    Raises
    ------
    MissingExtra
        Dask distributed is not installed.
    InputError
        No scheduler answers at the address.
    """

    def __init__(self, client: Any) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise MissingExtra(f"a cluster needs Dask distributed; {how_to_install('dask')}") from error
        self._own = isinstance(client, str)
        if isinstance(client, str):
            try:
                client = distributed.Client(client, set_as_default=False)
            except (OSError, ValueError) as error:
                raise InputError(f"no Dask scheduler answers at {client}: {error}") from error
        self._client = client
        self._futures: set[Any] = set()

    @property
    def workers(self) -> int:  # type: ignore[override]  # it changes with the cluster
        """Threads of all workers: how many batches are converted side by side."""
        return max(1, int(sum(self._client.nthreads().values())))

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task; one that ended its workers is tried again log by log.

        Dask suspects all tasks that a worker held when it ended. A log that is suspected alone is therefore tried
        once more when nothing else is under way, and blamed only if its worker ends again.
        """
        suspects: list[Task] = []
        for task, done in self._completed(tasks):
            if done is not None:
                yield done
            elif len(task.jobs) == 1:
                suspects.append(task)
            else:
                for single, again in self._completed(split(task)):
                    if again is not None:
                        yield again
                    else:
                        suspects.append(single)
        for task in suspects:
            for _, done in self._completed([task]):
                yield died(task, _allowed() + 1) if done is None else done

    def _completed(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | None]]:
        """Submit tasks; yield each with what came of it, None where its workers ended; not those cancelled."""
        distributed: Any = import_module("distributed")
        tasks_of = {self._submit(task): task for task in tasks}
        self._futures |= set(tasks_of)
        for future in distributed.as_completed(list(tasks_of), loop=self._client.loop):
            task = tasks_of.pop(future)
            self._futures.discard(future)
            if future.status == "error":
                error = future.exception()
                if not isinstance(error, distributed.KilledWorker):
                    raise error
                yield task, None
            elif future.status != "cancelled":
                yield task, future.result()

    def _submit(self, task: Task) -> Any:
        return self._client.submit(convert_batch, task, pure=False, retries=_RETRIES)

    def stop(self) -> None:
        """Begin no more tasks; those under way are given up."""
        self._client.cancel(list(self._futures))

    def close(self) -> None:
        """Give up what is still under way, and leave a cluster that was joined by its address."""
        if self._futures:
            self._client.cancel(list(self._futures))
            self._futures = set()
        if self._own:
            self._client.close()


def _allowed() -> int:
    """Return how many workers a task may end before Dask gives it up."""
    dask: Any = import_module("dask")
    return int(dask.config.get("distributed.scheduler.allowed-failures", 3))
