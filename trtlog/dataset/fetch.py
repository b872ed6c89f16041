"""A log and its exports as local files, wherever they lie."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trtlog._util.words import base_name
from trtlog.dataset.archives import Archives
from trtlog.dataset.find import Job
from trtlog.dataset.storage import filesystem
from trtlog.errors import InputError
from trtlog.exports.files import COMPRESSED, exports_named


class Fetched:
    """A log as a local file; its exports are fetched when they are asked for."""

    def __init__(self, job: Job, path: Path, archives: Archives) -> None:
        self.job = job
        self.path = path
        self._archives = archives

    def exports(self, command: str | None) -> list[Path]:
        """Return the exports that carry the log's name, or that its command names, as local files."""
        job = self.job
        if job.kind == "url":
            folder = job.location.rpartition("/")[0]
        elif job.kind == "file":
            folder = str(self.path.parent)
        else:
            folder = job.member.rpartition("/")[0]
        names = {base_name(name): True for name in job.exports}
        for name in exports_named(command):
            for ending in ("", *COMPRESSED):
                names.setdefault(name + ending, False)
        found = [self._beside(folder, name, sure) for name, sure in names.items()]
        return sorted(path for path in found if path is not None)

    def _beside(self, folder: str, name: str, sure: bool) -> Path | None:
        job = self.job
        if job.kind == "file":
            path = Path(folder) / name
            return path if path.is_file() else None
        target = self.path.parent / name
        full = f"{folder}/{name}" if folder else name
        if job.kind == "url":
            system, path_there = filesystem(full)
            if not sure and not system.exists(path_there):
                return None
            download(full, target)
            return target
        return target if self._archives.extract(job.kind, job.location, full, target) else None


def download(url: str, target: Path) -> None:
    """Copy a file from a URL.

    Raises
    ------
    InputError
        It cannot be read.
    """
    system, path = filesystem(url)
    try:
        with system.open(path, "rb") as stream, target.open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
    except FileNotFoundError as error:
        raise InputError(f"{url}: no such file") from error


@contextmanager
def fetched(job: Job, archives: Archives) -> Iterator[Fetched]:
    """Give a job's log as a local file, which is gone afterwards unless it lies there."""
    if job.kind == "file":
        yield Fetched(job, Path(job.location), archives)
        return
    with tempfile.TemporaryDirectory(prefix="trtlog-") as folder:
        name = (job.member or job.location).rpartition("/")[2]
        target = Path(folder) / name
        if job.kind == "url":
            download(job.location, target)
        elif not archives.extract(job.kind, job.location, job.member, target):
            raise InputError(f"{job.source}: is no longer in the archive")
        yield Fetched(job, target, archives)
