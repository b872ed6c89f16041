"""The run folder: everything one run of trtexec was started with, printed and wrote.

======================  ===================================================================
``trtexec.log``         what trtexec printed, byte for byte
``command.json``        the command line, limits, trtexec's version, what was warned about
``environment.json``    GPU, driver, system, versions
``result.json``         how it ended: status, exit code, cause, size and digest of the log
``times.json``          ``--exportTimes``; ``profile.json`` and ``layers.json`` likewise
``model.engine``        the engine built
``timing.cache``        the timing cache
======================  ===================================================================
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog.display import InNotebook
from trtlog.errors import RunError
from trtlog.runner.arguments import split_flag
from trtlog.runner.writer import LOCK, FolderLock

if TYPE_CHECKING:
    from trtlog.exports.documents import Export
    from trtlog.runner.run_log import RunLog

LOG = "trtexec.log"
COMMAND = "command.json"
ENVIRONMENT = "environment.json"
RESULT = "result.json"
RESERVED = ".reserved"
_RESERVED_BYTES = 64 * 1024
#: File in the folder for each flag that writes one.
WRITTEN = {
    "--exportTimes": "times.json",
    "--exportProfile": "profile.json",
    "--exportLayerInfo": "layers.json",
    "--exportOutput": "output.json",
    "--saveEngine": "model.engine",
    "--timingCacheFile": "timing.cache",
}
SCHEMA = 1
_NUMBER, _TEXT = (int, float), (str, type(None))
# What this program reads of each file: key -> its types; those of the result must be there.
_KINDS: dict[str, dict[str, tuple[type, ...]]] = {
    RESULT: {
        "status": (str,), "headline": (str,), "cause": _TEXT, "messages": (list,), "wall_s": _NUMBER,
        "built_after_s": (*_NUMBER, type(None)), "log_bytes": (int,), "log_sha256": _TEXT, "files": (dict,),
    },
    COMMAND: {
        "argv": (list,), "args": (list,), "added": (list,), "cwd": _TEXT, "version": _TEXT, "warnings": (list,),
        "shell": _TEXT, "variables": (dict,), "trtexec": (list,),
    },
    ENVIRONMENT: {"system": _TEXT, "gpus": (list, type(None)), "variables": (dict,)},
}  # fmt: skip
_MUST = ("status", "headline", "cause", "wall_s", "log_bytes")
_OF_TEXTS = ("argv", "args", "added", "warnings", "trtexec", "messages")


class RunFolder(InNotebook):
    """A run on disk. Made by ``trtlog.run``, opened again by ``trtlog.open_run``.

    Attributes
    ----------
    path
        The folder.
    log_path
        The raw log in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.log_path = self.path / LOG
        self._writer: FolderLock | None = None

    def __repr__(self) -> str:
        try:
            status = self.status or "not finished"
        except RunError:
            status = f"{RESULT} cannot be read"
        return f"RunFolder({str(self.path)!r}, {status})"

    @property
    def command(self) -> dict[str, Any]:
        """``command.json``: ``argv``, ``args``, ``trtexec``, ``release``, ``cwd``, ``warnings`` and more."""
        return self._read(COMMAND) or {}

    @property
    def environment(self) -> dict[str, Any]:
        """``environment.json``."""
        return self._read(ENVIRONMENT) or {}

    @property
    def result(self) -> dict[str, Any] | None:
        """``result.json``; None while the run is under way, or if this program was killed before its end."""
        found: dict[str, Any] | None = self._read(RESULT)
        return found

    @property
    def status(self) -> str | None:
        """``passed failed killed timed_out hung interrupted disk_full``; None without a result."""
        result = self.result
        return None if result is None else result["status"]

    @property
    def log(self) -> RunLog:
        """The parsed log.

        Raises
        ------
        InputError
            It is empty, or no log.
        """
        from trtlog.runner.run_log import read_run

        return read_run(self)

    @property
    def files(self) -> dict[str, Path]:
        """What trtexec wrote, by the flag that asked for it, as far as it is there.

        A path that a flag names outside the folder is found as well.
        """
        written = {}
        base = Path(self.command.get("cwd") or ".")
        for argument in self.command.get("args", []):
            name, value = split_flag(argument)
            if name not in WRITTEN or not value:
                continue
            for path in (self.path / WRITTEN[name], base / value):
                if path.is_file():
                    written[name] = path
                    break
        return written

    @property
    def engine(self) -> Path | None:
        """The engine file; None if none was written."""
        return self.files.get("--saveEngine")

    @property
    def timing_cache(self) -> Path | None:
        """The timing cache; None if there is none."""
        return self.files.get("--timingCacheFile")

    def export(self, flag: str) -> Export | None:
        """Return what a flag such as ``--exportTimes`` wrote; None if it wrote nothing.

        Raises
        ------
        InputError
            The file is damaged.
        """
        from trtlog.exports.documents import read_exports

        path = self.files.get(flag)
        return None if path is None else read_exports(path)[-1]

    @property
    def times(self) -> Export | None:
        """What ``--exportTimes`` wrote, a row per query; None if it wrote nothing."""
        return self.export("--exportTimes")

    @property
    def profile(self) -> Export | None:
        """What ``--exportProfile`` wrote, a row per layer; None if it wrote nothing."""
        return self.export("--exportProfile")

    @property
    def layers(self) -> Export | None:
        """What ``--exportLayerInfo`` wrote, a row per layer of the engine; None if it wrote nothing."""
        return self.export("--exportLayerInfo")

    def _read(self, name: str) -> Any:
        path = self.path / name
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except RecursionError as error:
            raise RunError(f"{path} cannot be read: it is nested too deeply.") from error
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}.") from error
        if wrong := _wrong(document, name):
            raise RunError(f"{path} is damaged: {wrong}.")
        return document

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the JSON files, whole or not at all."""
        path = self.path / name
        beside = path.with_name(f".{name}.part")
        try:
            beside.write_text(json.dumps({"schema": SCHEMA, **content}, indent=1) + "\n", encoding="utf-8")
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise

    def discard(self) -> None:
        """Remove what was written for a run that never started; the folder too, if nothing else is in it."""
        for name in (COMMAND, ENVIRONMENT, RESERVED):
            (self.path / name).unlink(missing_ok=True)
        self.close()
        (self.path / LOCK).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def claim(self) -> None:
        """Become the folder's one writer, until :meth:`close`.

        Raises
        ------
        RunError
            Somebody else is; the message says who.
        """
        self._writer = FolderLock(self.path)

    def close(self) -> None:
        """Let others write into the folder."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def reserve(self) -> None:
        """Take room for the result, so that it can be written when the log has filled the disk."""
        (self.path / RESERVED).write_bytes(bytes(_RESERVED_BYTES))

    def release(self) -> None:
        """Give that room back."""
        (self.path / RESERVED).unlink(missing_ok=True)


def _wrong(found: Any, name: str) -> str | None:
    """Return what of a file is not as this program writes it, None for nothing."""
    if not isinstance(found, dict):
        return "it holds no JSON object"
    for key, kinds in _KINDS.get(name, {}).items():
        if key not in found:
            if name == RESULT and key in _MUST:
                return f"{key!r} is missing"
            continue
        value: Any = found[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            return f"{key!r} is {type(value).__name__}"
        if key in _OF_TEXTS and not all(isinstance(item, str) for item in found[key]):
            return f"{key!r} holds something else than texts"
    return None


def new_folder(out: str | os.PathLike[str] | None, *, model: str | None, overwrite: bool) -> RunFolder:
    """Make the folder for a run.

    Parameters
    ----------
    out
        Where; by default ``trtlog-runs/<date>-<time>-<model>`` in the current folder.
    model
        Model or engine file, for that name.
    overwrite
        Remove an earlier run in ``out`` first; without it that is an error.

    Raises
    ------
    RunError
        The folder cannot be made or written, holds a run already, or somebody writes into it now.
    """
    path = Path(out) if out is not None else _default(model)
    folder = RunFolder(path.expanduser().absolute())
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.claim()
        kept = [name for name in (LOG, COMMAND, RESULT) if (folder.path / name).exists()]
        if kept and not overwrite:
            folder.close()
            raise RunError(
                f"{folder.path} holds a run already ({', '.join(kept)}). Give another out=, or overwrite=True (on the "
                "command line --overwrite)."
            )
        for name in (LOG, COMMAND, ENVIRONMENT, RESULT, RESERVED, *WRITTEN.values()) if kept else ():
            (folder.path / name).unlink(missing_ok=True)
    except OSError as error:
        folder.close()
        raise RunError(f"The run folder {folder.path} cannot be made: {error.strerror or error}.") from error
    return folder


def open_folder(path: str | os.PathLike[str]) -> RunFolder:
    """Open a run folder again.

    Raises
    ------
    RunError
        It does not exist, or holds no run.
    """
    folder = RunFolder(Path(path).expanduser().absolute())
    if not folder.path.is_dir():
        raise RunError(f"{folder.path} is no folder; give the out= of a run.")
    if not folder.log_path.exists():
        raise RunError(f"{folder.path} holds no run: there is no {LOG} in it.")
    return folder


def _default(model: str | None) -> Path:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(model).stem) if model else "trtexec"
    base = Path("trtlog-runs", f"{time.strftime('%Y%m%d-%H%M%S')}-{stem}")
    others = (base.with_name(f"{base.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([base], others) if not path.exists())
