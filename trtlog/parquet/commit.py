"""One conversion at a time counts in a folder: its files come in place of older ones all together, or not at all.

Files are written beside the old ones under hidden names that bear the conversion's own. When all are complete a small
journal is put in the folder: from that moment on the new tables count. The files are then given their names, and the
journal goes. Where the process is killed in between, who reads the folder takes a file that still bears its hidden
name from there, and who writes to it next gives the files their names first.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from trtlog._util.expression import expression

JOURNAL = ".trtlog-commit.json"
_STAGED = expression(r"\.[a-z_]+\.parquet\.([0-9]+)-[0-9a-f]{32}")
_NAME = expression(r"[a-z_]+\.parquet")
# What a killed conversion leaves: files, and the journal before it counts.
_LEFT = expression(r"\.(?:[a-z_]+\.parquet|trtlog-commit\.json)\.([0-9]+)-[0-9a-f]{32}")


class Staging:
    """The files of a conversion, up to the moment at which they count.

    Parameters
    ----------
    folder : Path
        Where the tables go; made when the first file is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._names: dict[str, Path] = {}

    def file(self, table: str) -> Path:
        """Return where to write a table."""
        if not self._names:
            self.folder.mkdir(parents=True, exist_ok=True)
            finish(self.folder)
            _sweep(self.folder)
        name = f"{table}.parquet"
        return self._names.setdefault(name, self.folder / f".{name}.{self.id}")

    def commit(self) -> None:
        """Put the files, which are complete, in place of older ones."""
        for path in self._names.values():
            _sync(path)
        journal = self.folder / JOURNAL
        temporary = self.folder / f"{JOURNAL}.{self.id}"
        try:
            temporary.write_text(json.dumps({name: path.name for name, path in self._names.items()}), encoding="utf-8")
            _sync(temporary)
            temporary.replace(journal)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._names = {}
        finish(self.folder)

    def discard(self) -> None:
        """Remove files that did not come to count."""
        for path in self._names.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._names = {}


def finish(folder: Path) -> None:
    """Give the files of a conversion that counts their names, where that was not done."""
    staged = _journal(folder)
    if staged is None:
        return
    for name, hidden in staged.items():
        with suppress(FileNotFoundError):  # it has its name already
            (folder / hidden).replace(folder / name)
    (folder / JOURNAL).unlink(missing_ok=True)


def file_of(folder: Path, table: str) -> Path:
    """Return the path of a table of a folder."""
    name = f"{table}.parquet"
    hidden = (_journal(folder) or {}).get(name)
    return folder / hidden if hidden is not None and (folder / hidden).exists() else folder / name


def _journal(folder: Path) -> dict[str, str] | None:
    """Return the names and hidden names of a conversion that counts; None where all is in place."""
    try:
        found = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return None  # the tables themselves tell whether they belong together
    pairs = found.items() if isinstance(found, dict) else ()
    return {n: h for n, h in pairs if isinstance(h, str) and _NAME.fullmatch(n) and _STAGED.fullmatch(h)}


def _sync(path: Path) -> None:
    """Have a file on the disk before a name counts on it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sweep(folder: Path) -> None:
    """Remove what conversions left that were killed."""
    for name in _hidden(os.listdir(folder)):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _hidden(names: Iterable[str]) -> list[str]:
    found = ((name, _LEFT.fullmatch(name)) for name in names)
    return [name for name, match in found if match is not None and not _is_alive(int(match[1]))]


def _is_alive(process: int) -> bool:
    """Return whether a process of this number runs; on Windows, where asking ends it, the answer is yes."""
    if os.name != "posix" or process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
