"""What stands for a log on the command line: a file, ``-``, a run or sweep folder, Parquet, a dataset, a glob."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import trtlog
from trtlog._util.dataclass import dataclass
from trtlog.errors import InputError, QueryError

if TYPE_CHECKING:
    from trtlog.dataset.find import Job
    from trtlog.log import Log

_SHOWN = 8
_MAGIC = "*?["


@dataclass(frozen=True)
class LogPlace:
    """One log.

    Attributes
    ----------
    kind : str
        ``log``, ``run`` (a run folder), ``parquet`` (a folder of tables), ``dataset`` (one log of it), ``found`` (a
        file of a folder, glob or archive).
    path : str
        The file, folder or dataset.
    key : str
        In a dataset, the log's source.
    job : Job, optional
        How a found file is read.
    """

    kind: Literal["log", "run", "parquet", "dataset", "found"]
    path: str
    key: str = ""
    job: Job | None = None

    @property
    def name(self) -> str:
        """What the log is called."""
        return self.key or self.path


def is_dataset(path: str) -> bool:
    """Return whether a path is a dataset, which 'trtlog convert' made of many logs, or the URL of one."""
    return "://" in path or (path != "-" and os.path.isdir(os.path.join(path, "_trtlog")))


def place_of(path: str, key: str | None = None) -> LogPlace:
    """Return the one log that a path means; ``key`` says which where it holds several.

    Raises
    ------
    QueryError
        There are several, or none; the message lists them and says how to choose.
    """
    found = places_of(path, key)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"{path} holds no log")
    names = [place.name for place in found]
    what = f"{path} is a dataset of {len(found)} logs" if is_dataset(path) else f"{path} holds {len(found)} logs"
    listed = "\n  ".join(names[:_SHOWN])
    rest = f"\n  and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    how = "choose one with --log NAME (or the end of a name)" if os.path.isdir(path) or is_dataset(path) else "name one"
    raise QueryError(f"{what}; {how}:\n  {listed}{rest}")


def places_of(path: str, key: str | None = None) -> list[LogPlace]:
    """Return all logs that a path means, in their order; with ``key`` the one of that name, or whose name ends so.

    Raises
    ------
    QueryError
        No log, or several, have the name.
    """
    if is_dataset(path):
        return [LogPlace("dataset", path, name) for name in _sources(path, key)]
    found = _local(path)
    if key is None:
        return found
    fitting = [place for place in found if place.name == key] or [
        place for place in found if place.name.endswith(key) or Path(place.name).name == key
    ]
    if not fitting:
        listed = ", ".join(place.name for place in found[:_SHOWN])
        raise QueryError(f"{path} holds no log whose name is {key} or ends so; the logs are {listed}")
    return fitting


def _local(path: str) -> list[LogPlace]:
    if path != "-" and os.path.isdir(path):
        from trtlog.parquet.commit import file_of
        from trtlog.runner.folder import LOG

        folder = Path(path)
        if file_of(folder, "runs").exists():
            return [LogPlace("parquet", path)]
        if (folder / LOG).is_file():
            return [LogPlace("run", path)]
        if (folder / "sweep.json").is_file():
            return [LogPlace("run", str(log.parent)) for log in sorted(folder.glob(f"*/{LOG}"))]
        return _found(path)
    if path != "-" and any(mark in path for mark in _MAGIC) and not os.path.exists(path):
        return _found(path)
    return [LogPlace("log", path)]


def _found(path: str) -> list[LogPlace]:
    from trtlog.dataset.find import Job, find

    return [LogPlace("found", path, job.source, job) for job in find([path]) if isinstance(job, Job)]


def _sources(path: str, key: str | None) -> list[str]:
    dataset = trtlog.open_dataset(path)
    if key is not None:
        return [dataset.log(key).source]
    frame = dataset.table("catalogue", columns=["log", "sources", "error"]).to_pylist()
    rows = {row["log"]: row["sources"][0] for row in frame if row["error"] is None}
    return list(rows.values())


def read_found(job: Job, *, strict: bool) -> Log:
    """Read a file of a folder, a glob or an archive, with the exports beside it."""
    from trtlog.dataset.archives import Archives
    from trtlog.dataset.fetch import fetched
    from trtlog.dataset.reading import command_of, read_alone

    with Archives() as archives, fetched(job, archives) as log:
        return read_alone(log, log.exports(command_of(log.path)), strict=strict)


def text_path(path: str) -> str:
    """Return the file that holds the text of a log: of a run folder that of trtexec.

    Raises
    ------
    InputError
        It has no text: tables and datasets hold none.
    """
    if path == "-" or not os.path.isdir(path):
        return path
    from trtlog.runner.folder import LOG

    place = place_of(path)
    if place.kind == "run":
        return os.path.join(place.path, LOG)
    if place.job is not None and place.job.kind == "file":
        return place.job.location
    raise InputError(f"{path} holds tables, not the text of a log: name the log itself")
