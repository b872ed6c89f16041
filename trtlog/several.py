"""Many logs one after the other: small ones are read together, so that each table is made once for all of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog.errors import TrtlogError
from trtlog.log import Log
from trtlog.read import export_rows, parse, strict_error
from trtlog.reader import Read, Reader

if TYPE_CHECKING:
    from trtlog.exports.beside import Siblings
    from trtlog.source.logger import Logger
    from trtlog.tables import TableSet

# Logs that are read together, and the size up to which a log counts as small.
MOST_LOGS = 256
SMALL_BYTES = 1 << 20
_PACKED_BYTES = 1 << 16
_TOGETHER_BYTES = 16 << 20
_HEAD = 16


def parse_each(
    sources: Iterable[Any], *, strict: bool = False, logger: str | os.PathLike[str] | Logger | None = None
) -> Iterator[Log | Exception]:
    """Read logs as :func:`trtlog.parse` reads each, in their order; what it would raise is given in the log's place.

    Parameters
    ----------
    sources : iterable
        As for :func:`trtlog.parse`; small files that follow each other are read together.
    strict : bool
        As for :func:`trtlog.parse`.
    logger : path, optional
        As for :func:`trtlog.parse`.

    Yields
    ------
    Log or Exception

    Examples
    --------
    >>> folder = "fixtures/trt-8.5.3-h200"
    >>> found = parse_each([f"{folder}/sweep_r50_fp32_b1.log.gz", "none.log", f"{folder}/sweep_r50_fp32_b8.log.gz"])
    >>> [type(one).__name__ if isinstance(one, Exception) else one.performance.throughput_qps for one in found]
    [1505.71, 'InputError', 870.464]
    """
    folders: dict[Path, Siblings] = {}
    waiting = iter(sources)
    while group := list(islice(waiting, MOST_LOGS)):
        together = _Together(strict, logger, folders)
        for source in group:
            if not _is_small(source):
                yield from together.logs()
                together = _Together(strict, logger, folders)
                yield _alone(source, strict, logger)
                continue
            together.read(source)
            if together.size >= _TOGETHER_BYTES:
                yield from together.logs()
                together = _Together(strict, logger, folders)
        yield from together.logs()


def _is_small(source: Any) -> bool:
    """Return whether a source is the file of a small log; what may be an export is none."""
    from trtlog.exports.content import file_begins_as_export
    from trtlog.exports.files import is_json
    from trtlog.source.decode import is_compressed

    if not isinstance(source, (str, os.PathLike)) or is_json(os.fsdecode(source)):
        return False
    try:
        state = os.stat(source)
        if not stat.S_ISREG(state.st_mode) or state.st_size > SMALL_BYTES:
            return False
        with open(source, "rb") as file:
            if state.st_size > _PACKED_BYTES and is_compressed(file.read(_HEAD)):
                return False
        return not file_begins_as_export(Path(source))
    except (OSError, ValueError, TrtlogError):
        return False


def _alone(source: Any, strict: bool, logger: Any) -> Log | Exception:
    try:
        return parse(source, strict=strict, logger=logger)
    except Exception as error:
        return error


class _Together:
    """Small logs that are read into one set of captures."""

    def __init__(self, strict: bool, logger: Any, folders: dict[Path, Siblings]) -> None:
        self._strict = strict
        self._reader = Reader(logger=logger)
        self._folders = folders
        self._found: list[tuple[Any, Read | Exception]] = []

    @property
    def size(self) -> int:
        """Bytes of text that were read."""
        return self._reader.size

    def read(self, source: Any) -> None:
        """Read a log."""
        try:
            read = self._reader.read(source)
            if self._strict and read.captures.unknown:
                raise strict_error(read.captures, read.name)
            self._found.append((source, read))
        except Exception as error:
            self._found.append((source, error))

    def logs(self) -> Iterator[Log | Exception]:
        """Give the logs, or what became of them, in the order in which they were read."""
        from trtlog.tables import TableSet

        if not self._found:
            return
        names = [""] * self._reader.count
        for _, read in self._found:
            if isinstance(read, Read):
                names[read.number] = read.name
        tables = TableSet(self._reader.finish(), names)
        for place, (source, read) in enumerate(self._found):
            if isinstance(read, Read):
                try:
                    self._put_exports(tables, Path(source), read)
                except Exception as error:
                    self._found[place] = source, error
        for _, read in self._found:
            yield Log(tables.of(read.number), read.name, read.notes) if isinstance(read, Read) else read

    def _put_exports(self, tables: TableSet, path: Path, read: Read) -> None:
        """Read the exports beside a log; each folder is listed once."""
        from trtlog.exports.beside import Siblings

        if path.parent not in self._folders:
            self._folders[path.parent] = Siblings(os.listdir(path.parent))
        commands = tables.commands(read.number)
        names = self._folders[path.parent].of(path.name, " ".join(commands))
        exports = sorted(path.parent / name for name in names if (path.parent / name).is_file())
        tables.put_exports(read.number, export_rows(commands, exports, read.notes, must=False))
