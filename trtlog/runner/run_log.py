"""The log of a run that trtlog started: a Log that knows its run folder."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING

import trtlog
from trtlog._util.expression import expression
from trtlog.errors import InputError
from trtlog.log import Log

if TYPE_CHECKING:
    from trtlog.runner.folder import RunFolder

_COMMAND = expression(rb"^&&&& RUNNING [^\n]* # ([^\n]*)", re.MULTILINE)
_QUERIES = expression(rb"Timing trace has ([0-9]+) queries over ")
_JOINED = ("--exportTimes", "--exportProfile", "--exportLayerInfo", "--exportOutput")


class RunLog(Log):
    """A log, and the folder that its run left.

    Attributes
    ----------
    folder
        The run folder: ``log.folder.result``, ``log.folder.command``, ``log.folder.environment``,
        ``log.folder.engine``, ``log.folder.times`` and more.
    """

    def __init__(self, log: Log, folder: RunFolder, notes: tuple[str, ...] = ()) -> None:
        super().__init__(log._tables, log.source, (*log.notes, *notes))
        self.folder = folder
        result = folder.result
        if result is None:
            self.ending = "The run has no result yet: it is under way, or whatever followed it was killed."
        elif result["status"] != "passed":
            self.ending = " ".join(filter(None, (result["headline"], result["cause"])))


def read_run(folder: RunFolder) -> RunLog:
    """Parse the log of a run, with the exports that it says were written.

    Raises
    ------
    InputError
        The log is empty, or none of TensorRT.
    """
    paths, notes = exports_of(folder)
    return RunLog(trtlog.parse(folder.log_path, exports=paths), folder, notes)


def exports_of(folder: RunFolder) -> tuple[list[Path], tuple[str, ...]]:
    """Return the exported files whose rows belong to the log, and why others are left out.

    A file belongs to it if the log's own command line asked for it, it can be read, and, for times, it has a row
    for each query of the trace at least (until 8.4.3 the warm-up is in it as well).
    """
    from trtlog.exports.documents import read_exports

    files = {flag: path for flag, path in folder.files.items() if flag in _JOINED}
    if not files:
        return [], ()
    commands, queries = _asked(folder.log_path)
    paths, notes = [], []
    for flag, path in files.items():
        if not any(f"{flag}=".encode() in command for command in commands):
            continue
        try:
            rows = sum(len(export.rows) for export in read_exports(path))
        except InputError as error:
            notes.append(f"the export {path.name} is left out: {error}")
            continue
        if flag == "--exportTimes" and rows < queries:
            notes.append(f"the export {path.name} is left out: it has {rows} rows, the trace {queries} queries")
            continue
        paths.append(path)
    return paths, tuple(notes)


def _asked(log: Path) -> tuple[list[bytes], int]:
    """Return the command lines in a log's banners, and how many queries its last trace has."""
    try:
        with open(log, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            commands = [found[1] for found in _COMMAND.finditer(view)]
            traces = [int(found[1]) for found in _QUERIES.finditer(view)]
    except (OSError, ValueError):  # an empty file cannot be mapped
        return [], 0
    return commands, traces[-1] if traces else 0
