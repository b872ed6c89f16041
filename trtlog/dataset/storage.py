"""Where a dataset lies: a local folder, or an object store through fsspec; paths are relative to it."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from trtlog.errors import InputError, MissingExtra, how_to_install


def is_url(text: str) -> bool:
    """Return whether a text is a URL, such as ``s3://bucket/logs``.

    Examples
    --------
    >>> is_url("s3://bucket/logs"), is_url("logs/a.log")
    (True, False)
    """
    return "://" in text


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it.

    Raises
    ------
    MissingExtra
        fsspec, or the package for this kind of URL, is not installed.
    InputError
        The URL cannot be understood.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtra(f"URLs need fsspec; {how_to_install('remote')}") from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise MissingExtra(f"{url}: {error}") from error
    except (ValueError, OSError) as error:
        raise InputError(f"{url}: cannot be opened: {error}") from error
    return system, path


class Storage:
    """The files of a dataset.

    Parameters
    ----------
    place : str or PathLike
        A folder, or a URL that fsspec understands.

    Attributes
    ----------
    local : Path or None
        The folder, where it is a local one.
    fs : pyarrow.fs.FileSystem
        What pyarrow reads and writes through.
    """

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self.place = os.fspath(place)
        self.local: Path | None = None
        if is_url(self.place):
            system, root = filesystem(self.place)
            self.fs = pafs.PyFileSystem(pafs.FSSpecHandler(system))
            self._root = root.rstrip("/")
        else:
            self.local = Path(self.place).expanduser().absolute()
            self.fs = pafs.LocalFileSystem()
            self._root = self.local.as_posix()

    def path(self, name: str) -> str:
        """Return the path, for ``fs``, of a file of the dataset."""
        return f"{self._root}/{name}" if name else self._root

    def exists(self, name: str) -> bool:
        """Return whether there is such a file."""
        return bool(self.fs.get_file_info(self.path(name)).type == pafs.FileType.File)

    def is_folder(self, name: str = "") -> bool:
        """Return whether there is such a folder."""
        return bool(self.fs.get_file_info(self.path(name)).type == pafs.FileType.Directory)

    def folder(self, name: str) -> None:
        """Make a folder, with those above it, where it is missing."""
        self.fs.create_dir(self.path(name), recursive=True)

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder; none where it is missing."""
        found = self.fs.get_file_info(pafs.FileSelector(self.path(folder), allow_not_found=True))
        return sorted(info.base_name for info in found)

    def read(self, name: str) -> bytes:
        """Return what a file holds.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        """
        with self.fs.open_input_stream(self.path(name)) as file:
            return bytes(file.read())

    def replace(self, name: str, data: bytes) -> None:
        """Write a file that appears whole or not at all, also where there is one of that name.

        By one writer at a time, who holds the dataset: what another one left that was killed here is removed.
        """
        if self.local is None:
            with self.fs.open_output_stream(self.path(name)) as file:
                file.write(data)
            return
        target = self.local / name
        for left in target.parent.glob(f".{target.name}.*"):
            left.unlink(missing_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with temporary.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def create(self, name: str) -> Any:
        """Open a new file to write to."""
        return self.fs.open_output_stream(self.path(name))

    def open(self, name: str) -> Any:
        """Open a file to read from, anywhere in it."""
        return self.fs.open_input_file(self.path(name))

    def move(self, name: str, target: str) -> None:
        """Rename a file; on an object store a copy and a removal. Does nothing where that was done already."""
        if not self.exists(name) and self.exists(target):
            return
        self.folder(target.rpartition("/")[0])
        self.fs.move(self.path(name), self.path(target))

    def remove(self, name: str) -> None:
        """Remove a file, where it is there, and folders of partitions that this leaves empty."""
        if self.local is None:
            if self.exists(name):
                self.fs.delete_file(self.path(name))
            return
        file = self.local / name
        file.unlink(missing_ok=True)
        for folder in list(file.parents)[:2]:
            if "=" not in folder.name:
                break
            try:
                folder.rmdir()
            except OSError:
                break

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all in it, where it is there."""
        if self.local is not None:
            shutil.rmtree(self.local / name, ignore_errors=True)
        elif self.is_folder(name):
            self.fs.delete_dir(self.path(name))


def reason(error: BaseException) -> str:
    """Return what went wrong with a file, in words."""
    text = getattr(error, "strerror", None)
    return str(text) if text else str(error).removeprefix("[Errno ").strip() or type(error).__name__
