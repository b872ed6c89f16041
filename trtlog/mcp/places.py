"""What an agent may read: files in folders that were allowed, opened once and kept while they do not change."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trtlog
from trtlog.errors import InputError, QueryError
from trtlog.exports.files import uncompressed

if TYPE_CHECKING:
    from trtlog.dataset.handle import Dataset
    from trtlog.log import Log

_KEPT = 4
_ENDINGS = (".log", ".txt", ".out", ".err")
# How many files of a folder are looked at to list its logs.
_MOST_LISTED = 20_000


class Places:
    """The folders that may be read, and the logs that were.

    Parameters
    ----------
    folders : sequence of paths
        What is allowed; a path is inside of one when it is after its symbolic links are followed.

    Examples
    --------
    >>> places = Places(["fixtures"])
    >>> places.find("trt-8.5.3-h200/err_missing_onnx.log.gz").name
    'err_missing_onnx.log.gz'
    >>> places.find("../README.md")
    Traceback (most recent call last):
    trtlog.errors.InputError: ../README.md: outside of the folders that may be read ...
    """

    def __init__(self, folders: Sequence[str | os.PathLike[str]]) -> None:
        self.folders = [Path(folder).expanduser().resolve() for folder in folders]
        for folder in self.folders:
            if not folder.is_dir():
                raise InputError(f"{folder}: no folder; --allow takes folders with logs")
        self._kept: OrderedDict[Any, Log | Dataset] = OrderedDict()

    def allows(self, path: Path) -> bool:
        """Whether a path lies in an allowed folder, wherever its symbolic links lead."""
        try:
            resolved = path.resolve()
        except (OSError, RuntimeError):  # links that go in circles
            return False
        return any(resolved.is_relative_to(folder) for folder in self.folders)

    def find(self, name: str) -> Path:
        """Return the path that an agent names, relative to one of the folders or absolute.

        Raises
        ------
        InputError
            It is not there, or not in an allowed folder.
        """
        if "://" in name or name == "-" or "\0" in name:
            raise InputError(f"{name!r}: only files and folders are read here; name one as list_logs does")
        tried = [Path(name)] if os.path.isabs(name) else [folder / name for folder in self.folders]
        inside = [path for path in tried if self.allows(path)]
        if not inside:
            allowed = ", ".join(map(str, self.folders))
            raise InputError(
                f"{name}: outside of the folders that may be read ({allowed}); start with --allow to add one"
            )
        for path in inside:
            if path.exists():
                return path.resolve()
        raise InputError(f"{name}: there is no such file; list_logs names those that are there")

    def named(self, path: Path) -> str:
        """Return the short name of a path: relative to the first folder that holds it."""
        for folder in self.folders:
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix() or "."
        return str(path)

    # ------------------------------------------------------------------ what is there
    def listed(self, folder: Path) -> list[tuple[str, str, int | None]]:
        """Return name, kind (log, run folder, Parquet, dataset) and size of what can be opened below a folder."""
        return sorted(self._walk(folder))

    def _walk(self, start: Path) -> Iterator[tuple[str, str, int | None]]:
        seen = 0
        for root, folders, files in os.walk(start):
            here = Path(root)
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
            kind = kind_of_folder(here)
            if kind is not None:
                folders.clear()
                yield self.named(here), kind, None
                continue
            for name in files:
                seen += 1
                path = here / name
                if is_log_name(name) and self.allows(path) and path.is_file():
                    yield self.named(path), "log", path.stat().st_size
            if seen > _MOST_LISTED:
                return

    # ------------------------------------------------------------------ opened
    def open(self, name: str) -> Log | Dataset:
        """Open a log, a run folder, a folder of Parquet or a dataset.

        Raises
        ------
        InputError
            It cannot be read, or not from here.
        """
        path = self.find(name)
        key = (path, _state(path))
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._kept[key] = self._read(path)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]

    def log(self, name: str, source: str | None = None) -> Log:
        """Open a log; of a dataset, the one that ``source`` names.

        Raises
        ------
        QueryError
            It is a dataset and no source is named, or the reverse.
        """
        from trtlog.dataset.handle import Dataset

        opened = self.open(name)
        if isinstance(opened, Dataset):
            if source is None:
                raise QueryError(f"{name} is a dataset of many logs: name one with source=, or ask all with sql")
            return opened.log(source)
        if source is not None:
            raise QueryError(f"{name} is one log; source= is for datasets")
        return opened

    def run(self, name: str, run: int | None = None, source: str | None = None) -> Log:
        """Open one run of a log.

        Raises
        ------
        QueryError
            It holds several and none is named, or not the one named.
        """
        whole = self.log(name, source)
        if run is None and len(whole.runs) > 1:
            raise QueryError(f"{name} holds {len(whole.runs)} runs; say run=0 to {len(whole.runs) - 1}")
        if run is not None and not 0 <= run < len(whole.runs):
            raise QueryError(f"{name} holds runs 0 to {len(whole.runs) - 1}; there is no run {run}")
        return whole.runs[run or 0]

    def _read(self, path: Path) -> Log | Dataset:
        from trtlog.exports.files import is_json

        if path.is_dir():
            self._check_links(path)
            kind = kind_of_folder(path)
            if kind == "dataset":
                return trtlog.open_dataset(path)
            if kind == "parquet":
                return trtlog.read_parquet(path)
            if kind == "run folder":
                return self._read_run(path)
            raise InputError(
                f"{self.named(path)}: neither a run folder nor Parquet of trtlog; list_logs names what is there"
            )
        if is_json(path.name):
            raise InputError(f"{self.named(path)}: an export; open the log beside it, with which it is read")
        return self._read_log(path)

    def _read_log(self, path: Path) -> Log:
        """Read a log and what trtexec exported beside it, as far as it may be read."""
        from trtlog.log import Log
        from trtlog.read import export_paths, export_rows
        from trtlog.reader import read_captures
        from trtlog.tables import TableSet

        captures, _, notes = read_captures(path)
        name = self.named(path)
        tables = TableSet(captures, name)
        commands = tables.commands(0)
        exports = [export for export in export_paths(commands, path, None) if self.allows(export)]
        tables.put_exports(0, export_rows(commands, exports, notes, must=False))
        return Log(tables, name, notes)

    def _read_run(self, path: Path) -> Log:
        from trtlog.runner.folder import open_folder
        from trtlog.runner.run_log import read_run

        folder = open_folder(path)
        # Its command line may name files anywhere.
        outside = [file for file in folder.files.values() if not self.allows(file)]
        return self._read_log(folder.log_path) if outside else read_run(folder)

    def _check_links(self, folder: Path) -> None:
        for root, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(root, name)
                if path.is_symlink() and not self.allows(path):
                    raise InputError(f"{self.named(path)}: leads out of the folders that may be read")


def kind_of_folder(path: Path) -> str | None:
    """Return what a folder holds: a dataset, Parquet of one log, a run; None for any other.

    Examples
    --------
    >>> kind_of_folder(Path("fixtures")) is None
    True
    """
    from trtlog.parquet.commit import file_of
    from trtlog.runner.folder import COMMAND, LOG

    if (path / "_trtlog").is_dir():
        return "dataset"
    if file_of(path, "runs").exists():
        return "parquet"
    return "run folder" if (path / LOG).is_file() and (path / COMMAND).is_file() else None


def is_log_name(name: str) -> bool:
    """Whether a file may be a log, by its name.

    Examples
    --------
    >>> is_log_name("net.log.gz"), is_log_name("net.onnx")
    (True, False)
    """
    return uncompressed(name).lower().endswith(_ENDINGS)


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does, and a folder's newest entries."""
    paths = [path, *path.iterdir()] if path.is_dir() else [path]
    states = [entry.stat() for entry in paths if entry.exists()]
    return tuple(number for state in states for number in (state.st_mtime_ns, state.st_size))
