"""Which logs are meant: files, folders, globs, lists, archives and URLs become jobs, one a file."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.paths import shown
from trtlog.dataset.archives import archive_kind, members
from trtlog.dataset.storage import filesystem, is_url, reason
from trtlog.errors import InputError, TrtlogError
from trtlog.exports.beside import Siblings
from trtlog.exports.files import is_json
from trtlog.runner.folder import COMMAND, LOG

_MAGIC = expression(r"[*?\[]")


@dataclass(frozen=True)
class Job:
    """A file that may be a log.

    Attributes
    ----------
    source : str
        Its name in the catalogue: a path, a URL, ``zip://MEMBER::PATH`` or ``tar://MEMBER::PATH``.
    kind : str
        ``file``, ``zip``, ``tar`` or ``url``.
    location : str
        The path or URL of the file, or of the archive that it is in.
    member : str
        Its name inside the archive.
    size, modified : int, float or None
        Size in bytes and time of the last change, as far as known.
    stamp : str
        What tells, without reading, that it is unchanged, with its exports.
    exports : tuple of str
        Names of JSON files beside it that carry its name.
    named : bool
        Whether the user named this very file: then it is an error if it is no log.
    beside : bool
        Whether there are JSON files in its folder, which its command may name.
    """

    source: str
    kind: str
    location: str
    member: str
    size: int | None
    modified: float | None
    stamp: str
    exports: tuple[str, ...]
    named: bool
    beside: bool = True


@dataclass(frozen=True)
class Left:
    """A file that was found and not read; ``failed`` if it should have been."""

    source: str
    reason: str
    failed: bool = False


def find(sources: Iterable[str | os.PathLike[str]]) -> Iterator[Job | Left]:
    """Yield the files that sources mean, each once.

    Parameters
    ----------
    sources : iterable of str or PathLike
        Files, folders (with all below), globs (``logs/**/*.log``), ``@FILE`` with a source a line, archives
        (.zip, .tar, .tar.gz, .tgz, ..), URLs (``s3://bucket/logs``).
    """
    seen: set[str] = set()
    folders = Folders()
    for source in sources:
        for found in _expand(os.fsdecode(source), folders):
            if found.source not in seen:
                seen.add(found.source)
                yield _printable(found)


class Folders(dict[str, Siblings]):
    """The JSON files of the folders of files that were named: each folder is listed once."""

    def __missing__(self, folder: str) -> Siblings:
        self[folder] = found = Siblings(os.listdir(folder))
        return found


def _printable(found: Job | Left) -> Job | Left:
    """Return what was found with names as text that a table can hold, also of files whose names are not UTF-8."""
    if isinstance(found, Left):
        return replace(found, source=shown(found.source), reason=shown(found.reason))
    return replace(found, source=shown(found.source), stamp=shown(found.stamp))


def _expand(text: str, folders: Folders) -> Iterator[Job | Left]:
    try:
        if text == "-":
            yield Left(text, "standard input has no name to know it by: convert it to a folder of its own", True)
        elif text.startswith("@") and not os.path.exists(text):
            for line in _list(text[1:]):
                yield from _expand(line, folders)
        elif is_url(text):
            yield from _url(text)
        else:
            yield from _local(Path(text).expanduser(), folders)
    except TrtlogError as error:
        yield Left(text, str(error), True)
    except OSError as error:
        yield Left(text, f"cannot be read: {reason(error)}", True)


def _list(name: str) -> list[str]:
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the list of logs cannot be read: {reason(error)}") from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _local(path: Path, folders: Folders) -> Iterator[Job | Left]:
    if path.is_dir():
        yield from _folder(path.absolute())
    elif path.exists():
        path = path.absolute()
        yield from _file(path, folders[str(path.parent)], named=True)
    elif _MAGIC.search(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))
        if not matches:
            yield Left(str(path), "no file matches", True)
        directories = [name for name in matches if os.path.isdir(name)]
        for name in directories if "**" not in str(path) else ():
            yield from _folder(Path(name).absolute())
        files = [Path(name).absolute() for name in matches if os.path.isfile(name)]
        for parent, inside in itertools.groupby(sorted(files), key=lambda file: file.parent):
            together = list(inside)
            beside = folders[str(parent)]
            exports = beside.owned(file.name for file in together)
            for file in together:
                if file.name not in exports:
                    yield from _file(file, beside)
    else:
        yield Left(str(path), "no such file or folder", True)


def _folder(folder: Path) -> Iterator[Job | Left]:
    """Yield what lies in a folder and below, in the order of names."""
    if (folder / "_trtlog").is_dir():
        yield Left(str(folder), "a dataset that trtlog wrote")
        return
    with os.scandir(folder) as entries:
        inside = sorted(entries, key=lambda entry: entry.name)
    beside = Siblings(entry.name for entry in inside)
    if {LOG, COMMAND} <= {entry.name for entry in inside}:
        # the folder of a run holds one log; the other files are about the run, or its exports
        inside = [entry for entry in inside if entry.name == LOG]
    exports = beside.owned(entry.name for entry in inside)
    for entry in inside:
        path = folder / entry.name
        if entry.name in exports:
            continue
        try:
            if entry.is_dir(follow_symlinks=True):
                if entry.name.startswith("."):
                    yield Left(str(path), "a hidden folder")
                elif entry.is_symlink():
                    yield Left(str(path), "a link to a folder: name it to have it read")
                else:
                    yield from _folder(path)
            elif entry.is_file(follow_symlinks=True):
                yield from _file(path, beside)
            else:
                yield Left(str(path), "neither a file nor a folder")
        except OSError as error:
            yield Left(str(path), f"cannot be read: {reason(error)}", True)
        except TrtlogError as error:  # an archive that is damaged
            yield Left(str(path), str(error).removeprefix(f"{path}: "), True)


def _file(path: Path, beside: Siblings, *, named: bool = False) -> Iterator[Job | Left]:
    kind = archive_kind(path.name, path if named else None)
    state = path.stat()
    if kind:
        with path.open("rb") as file:
            yield from _archive(kind, file, str(path), f"{state.st_size}:{state.st_mtime_ns}")
        return
    exports = beside.of(path.name)
    yield Job(
        source=str(path),
        kind="file",
        location=str(path),
        member="",
        size=state.st_size,
        modified=state.st_mtime,
        stamp=" ".join([_stamp(state), *(f"{name}:{_stamp_of(path.parent / name)}" for name in exports)]),
        exports=tuple(exports),
        named=named,
        beside=bool(beside),
    )


def _stamp_of(path: Path) -> str:
    """Return the stamp of an export; one that is a link to nowhere does not keep its log from being read."""
    try:
        return _stamp(path.stat())
    except OSError:
        return "missing"


def _stamp(state: os.stat_result) -> str:
    return f"{state.st_size}:{state.st_mtime_ns}"


def _archive(kind: str, file: Any, location: str, whole: str) -> Iterator[Job | Left]:
    inside = members(kind, file, location)
    by_folder: dict[str, list[str]] = {}
    stamps = {member.name: member.stamp or whole for member in inside}
    for member in inside:
        by_folder.setdefault(member.folder, []).append(member.base)
    beside = {folder: Siblings(names) for folder, names in by_folder.items()}
    exports_in = {folder: siblings.owned(by_folder[folder]) for folder, siblings in beside.items()}
    for member in inside:
        if member.base in exports_in[member.folder]:
            continue
        source = f"{kind}://{member.name}::{location}"
        if archive_kind(member.base, None):
            yield Left(source, "an archive inside an archive: unpack it")
            continue
        if member.refused:
            yield Left(source, member.refused, True)
            continue
        prefix = f"{member.folder}/" if member.folder else ""
        exports = [prefix + name for name in beside[member.folder].of(member.base)]
        yield Job(
            source=source,
            kind=kind,
            location=location,
            member=member.name,
            size=member.size,
            modified=member.modified,
            stamp=" ".join([stamps[member.name], *(f"{name}:{stamps[name]}" for name in exports)]),
            exports=tuple(exports),
            named=False,
            beside=bool(beside[member.folder]),
        )


def _url(url: str) -> Iterator[Job | Left]:
    system, path = filesystem(url)
    if _MAGIC.search(path) and not system.exists(path):
        listing = {name: about for name, about in system.glob(path, detail=True).items() if about["type"] == "file"}
        named = False
    elif system.isdir(path):
        listing = system.find(path, detail=True)
        named = False
    elif system.exists(path):
        listing = {path: system.info(path)}
        named = True
    else:
        yield Left(url, "no such file or folder", True)
        return
    if not listing:
        yield Left(url, "no file matches", True)
    by_folder: dict[str, list[str]] = {}
    for name in listing:
        folder, _, base = name.rpartition("/")
        by_folder.setdefault(folder, []).append(base)
    if named:
        folder = path.rpartition("/")[0]
        around = system.ls(folder, detail=True) if folder else []
        listing = {**{about["name"]: about for about in around if is_json(about["name"])}, **listing}
        by_folder = {folder: [name.rpartition("/")[2] for name in listing]}
    beside = {folder: Siblings(names) for folder, names in by_folder.items()}
    exports_in = {folder: siblings.owned(by_folder[folder]) for folder, siblings in beside.items()}
    for name, about in sorted(listing.items()):
        folder, _, base = name.rpartition("/")
        if (named and name != path) or (not named and base in exports_in[folder]):
            continue
        full = system.unstrip_protocol(name)
        if "/_trtlog/" in full:
            continue
        kind = archive_kind(base, None)
        if kind:
            with system.open(name, "rb") as file:
                yield from _archive(kind, file, full, _remote_stamp(about))
            continue
        exports = [f"{folder}/{export}" for export in beside[folder].of(base)]
        yield Job(
            source=full,
            kind="url",
            location=full,
            member="",
            size=about.get("size"),
            modified=_remote_time(about),
            stamp=" ".join([_remote_stamp(about), *(f"{e}:{_remote_stamp(listing[e])}" for e in exports)]),
            exports=tuple(system.unstrip_protocol(e) for e in exports),
            named=named,
            beside=bool(beside[folder]),
        )


def _remote_stamp(about: dict[str, Any]) -> str:
    """Return what an object store says of a version of a file: its tag, else its time."""
    keys = ("ETag", "etag", "md5Hash", "checksum", "LastModified", "mtime", "updated", "created")
    marks = [str(about[key]) for key in keys if about.get(key)]
    return f"{about.get('size')}:{marks[0] if marks else ''}"


def _remote_time(about: dict[str, Any]) -> float | None:
    for key in ("LastModified", "mtime", "updated", "last_modified", "created"):
        value: Any = about.get(key)
        if isinstance(value, int | float):
            return float(value)
        if hasattr(value, "timestamp"):
            return float(value.timestamp())
    return None
