"""Exports without a log: which files make one, where a user has nothing but JSON."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog.errors import InputError
from trtlog.exports.content import export_in, file_begins_as_export
from trtlog.exports.documents import Export, read_exports
from trtlog.exports.files import find_siblings, is_json

# Of what one engine has one of: a second such file is of another engine.
_SINGLE = {"engine_layers": "layers", "profile": "a profile", "iteration_times": "times", "performance": "a summary"}
# Kind of an export -> the table of its rows, where its name is another.
TABLES = {"output": "outputs"}


@dataclass(frozen=True)
class ExportFile:
    """An exported file and what it holds."""

    path: Path
    documents: tuple[Export, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The tables that its rows belong to."""
        return frozenset(document.kind for document in self.documents)


def exports_alone(source: Any) -> tuple[list[ExportFile], list[str]] | None:
    """Return the exports that stand for a log, and notes; None where the source is something else.

    Parameters
    ----------
    source : any
        The path of an export, with which those that belong to it are read; or a list of paths, which are all.

    Raises
    ------
    InputError
        One of several files cannot be read, or two hold the layers of an engine.
    """
    if isinstance(source, (str, os.PathLike)):
        return _with_siblings(Path(os.fspath(source)))
    if not isinstance(source, (list, tuple)) or not source or not all(map(_is_path_of_json, source)):
        return None
    found = [ExportFile(path, tuple(read_exports(path))) for path in map(Path, source)]
    clash = _clash(found)
    if clash is not None:
        one, other, kind = clash
        raise InputError(
            f"{one} and {other} both hold {kind}: they are of two engines; name the files of one, or compare them: "
            f"trtlog diff {one} {other}"
        )
    return found, []


def _is_path_of_json(item: Any) -> bool:
    if not isinstance(item, (str, os.PathLike)):
        return False
    path = os.fspath(item)
    return isinstance(path, str) and "\n" not in path and (is_json(path) or _holds_json(Path(path)))


def _holds_json(path: Path) -> bool:
    try:
        return path.is_file() and file_begins_as_export(path)
    except (OSError, ValueError):  # a line of a log as a path: too long, or with a NUL
        return False


def export_alone(source: Any) -> tuple[list[ExportFile] | None, Any]:
    """Return the export in bytes or an open file that stands for a log, or None and what to read as a log.

    Parameters
    ----------
    source : any
        Whatever is to be read; standard input is an open file.
    """
    documents, name, source = export_in(source)
    return (None if documents is None else [ExportFile(Path(name), tuple(documents))]), source


def _with_siblings(path: Path) -> tuple[list[ExportFile], list[str]] | None:
    if not _is_path_of_json(path) or not path.is_file():
        return None
    try:
        found = [ExportFile(path, tuple(read_exports(path)))]
    except InputError:
        return None  # a log in JSON, as containers write it; else who reads logs says what is wrong
    notes: list[str] = []
    for other in find_siblings(path):
        if other == path:
            continue
        try:
            sibling = ExportFile(other, tuple(read_exports(other)))
        except InputError as error:
            notes.append(f"the export beside it is left out: {error}")
            continue
        clash = _clash([*found, sibling])
        if clash is not None:
            notes.append(f"{other.name}: left out; it holds {clash[2]}, as {clash[0].name} does")
        else:
            found.append(sibling)
    if len(found) > 1:
        notes.insert(0, f"read with {', '.join(one.path.name for one in found[1:])}, which lie beside it")
    return found, notes


def _clash(files: Sequence[ExportFile]) -> tuple[Path, Path, str] | None:
    """Return two files that hold the same of two engines, and what; None where there are none."""
    seen: dict[str, Path] = {}
    for file in files:
        for kind in sorted(file.kinds & _SINGLE.keys()):
            if kind in seen:
                return seen[kind], file.path, _SINGLE[kind]
            seen[kind] = file.path
    return None


def rows_by_table(files: Sequence[ExportFile]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Return the rows of exports by table, all of run 0, and what was put right while reading."""
    tables: dict[str, list[dict[str, Any]]] = {}
    notes: list[str] = []
    for file in files:
        for document in file.documents:
            table = TABLES.get(document.kind, document.kind)
            if document.kind == "devices" and table in tables:
                # The build's and the profile's metadata tell of one GPU.
                tables[table] = [max((*tables[table], {**document.rows[0], "run": 0}), key=_known)]
                continue
            notes.extend(f"{file.path.name}: {note}" for note in document.notes)
            extra = {"run": 0, **({"iterations": document.iterations} if document.kind == "profile" else {})}
            tables.setdefault(table, []).extend({**row, **extra} for row in document.rows)
    return tables, notes


def _known(row: dict[str, Any]) -> int:
    return sum(value is not None for value in row.values())


def grouped(paths: Sequence[str]) -> list[list[str]]:
    """Return paths in groups: exports that follow one another and are of one engine stand together.

    Parameters
    ----------
    paths : sequence of str
        Logs and exports in the order in which they were given.
    """
    groups: list[list[str]] = []
    files: list[ExportFile] = []
    for path in paths:
        file = _export_file(path)
        if file is not None and files and _clash([*files, file]) is None:
            groups[-1].append(path)
            files.append(file)
        else:
            groups.append([path])
            files = [] if file is None else [file]
    return groups


def _export_file(path: str) -> ExportFile | None:
    if not _is_path_of_json(path) or not os.path.isfile(path):
        return None
    try:
        return ExportFile(Path(path), tuple(read_exports(path)))
    except InputError:
        return None
