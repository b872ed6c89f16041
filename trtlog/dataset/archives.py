"""Zip and tar archives: what is in them, and a member as a stream."""

from __future__ import annotations

import datetime
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from trtlog._util.dataclass import dataclass
from trtlog.dataset.storage import filesystem, is_url, reason
from trtlog.errors import InputError

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error)


@dataclass(frozen=True)
class Member:
    """A file of an archive; ``refused`` says why it cannot be read."""

    name: str
    size: int
    modified: float | None
    stamp: str
    refused: str

    @property
    def folder(self) -> str:
        """The folder that it is in, "" for none."""
        return self.name.rpartition("/")[0]

    @property
    def base(self) -> str:
        """Its name without folders."""
        return self.name.rpartition("/")[2]


def archive_kind(name: str, path: Path | None) -> str:
    """Return ``zip``, ``tar`` or "", by the name, and by the content where a path is given.

    Examples
    --------
    >>> archive_kind("logs.tar.gz", None), archive_kind("logs.zip", None), archive_kind("a.log.gz", None)
    ('tar', 'zip', '')
    """
    lower = name.lower()
    if lower.endswith(".zip"):
        return "zip"
    if lower.endswith(_TAR):
        return "tar"
    if path is not None:
        with path.open("rb") as file:
            head = file.read(512)
        if head.startswith(b"PK\x03\x04"):
            return "zip"
        if head[257:262] == b"ustar":
            return "tar"
    return ""


def members(kind: str, file: IO[bytes], name: str) -> list[Member]:
    """Return the files of an archive, in its order; of several with one name the last.

    Raises
    ------
    InputError
        The archive is damaged.
    """
    by_name: dict[str, Member] = {}
    try:
        if kind == "zip":
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    if not info.is_dir():
                        refused = "encrypted: unpack it" if info.flag_bits & 1 else ""
                        time, crc = _zip_time(info.date_time), f"{info.CRC:08x}"
                        by_name[info.filename] = Member(info.filename, info.file_size, time, crc, refused)
        else:
            with tarfile.open(fileobj=file, mode="r:*") as tar:
                for entry in tar:
                    if entry.isfile():
                        by_name[entry.name] = Member(entry.name, entry.size, float(entry.mtime), "", "")
    except (*_DAMAGE, zipfile.BadZipFile, tarfile.TarError) as error:
        raise InputError(f"{name}: the archive cannot be read: {reason(error)}") from error
    return list(by_name.values())


def _zip_time(date: tuple[int, int, int, int, int, int]) -> float | None:
    try:
        return datetime.datetime(*date, tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        return None


class Archives:
    """Holds the last archive open, so that members in its order are read in one pass."""

    def __init__(self) -> None:
        self._location = ""
        self._file: Any = None
        self._archive: Any = None

    def extract(self, kind: str, location: str, member: str, target: Path) -> bool:
        """Write a member to a file; return whether there is such a member.

        Raises
        ------
        InputError
            The archive or the member is damaged.
        """
        try:
            self._open(kind, location)
            try:
                stream = self._archive.open(member) if kind == "zip" else self._archive.extractfile(member)
            except KeyError:
                return False
            with stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
        except (*_DAMAGE, zipfile.BadZipFile, tarfile.TarError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise InputError(f"{location}: member {member} cannot be read: {reason(error)}") from error
        return True

    def _open(self, kind: str, location: str) -> None:
        if self._location == location:
            return
        self.close()
        if is_url(location):
            system, path = filesystem(location)
            self._file = system.open(path, "rb")
        else:
            self._file = open(location, "rb")  # noqa: SIM115 - closed by close()
        if kind == "zip":
            self._archive = zipfile.ZipFile(self._file)
        else:
            self._archive = tarfile.open(fileobj=self._file, mode="r:*")  # noqa: SIM115 - closed by close()
        self._location = location

    def close(self) -> None:
        """Close the archive."""
        for opened in (self._archive, self._file):
            if opened is not None:
                opened.close()
        self._archive = self._file = None
        self._location = ""

    def __enter__(self) -> Archives:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
