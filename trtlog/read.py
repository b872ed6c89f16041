"""From a source to a Log: its captures, its exports, and whether that is what was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtlog import grammar
from trtlog._util.cores import load_arrays
from trtlog._util.gc import no_collection
from trtlog._util.words import counted
from trtlog.errors import InputError, NoLogError, StrictError
from trtlog.log import Log
from trtlog.reader import read_captures

if TYPE_CHECKING:
    from trtlog.messages.captures import Captures
    from trtlog.source.logger import Logger

_SHOWN = 10


def parse(
    source: str | os.PathLike[str] | bytes | Iterable[Any] | Any,
    *,
    engine: str = "auto",
    strict: bool = False,
    exports: Sequence[str | os.PathLike[str]] | None = None,
    progress: Callable[[int], None] | None = None,
    logger: str | os.PathLike[str] | Logger | None = None,
) -> Log:
    r"""Read a log of trtexec or of anything else that prints TensorRT's messages.

    Parameters
    ----------
    source : path, bytes, file object, or iterable of lines or chunks
        Text may be compressed (gzip, xz, bzip2, zstd) and of UTF-8 or UTF-16. Without a log: what trtexec exported
        as JSON, told by its content. A path is read with the exports that lie beside it under the same name, a list
        of paths as it is.
    engine : {"auto", "line"}
        How to read: ``line`` in Python alone, ``auto`` with the part in C where that was built. The result is the same.
    strict : bool
        Make a line that no rule knows an error.
    exports : sequence of paths, optional
        JSON files that trtexec wrote in the same run: layer information, profile, times, output. By default
        those beside the log that carry its name are read; an empty sequence reads none.
    progress : callable, optional
        Called with the number of bytes read so far, chunk by chunk.
    logger : path, optional
        A file of patterns that say how the lines of a logger of your own begin (`trtlog.source.logger`).

    Returns
    -------
    Log

    Raises
    ------
    InputError
        The source is missing, empty, binary, or no log of TensorRT.
    StrictError
        ``strict`` and there are unknown lines; the message names them.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n")
    >>> log.passes.layers.tolist()
    [179]

    What a user of trt-engine-explorer has:

    >>> folder = "fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed"
    >>> log = trtlog.parse([f"{folder}.layers.json.gz", f"{folder}.profile.json.gz"])
    >>> len(log.engine_layers), len(log.profile), log.run.status
    (154, 154, None)
    """
    reading = source
    if exports is None:
        alone, reading = read_alone(source)
        if alone is not None:
            return alone
    try:
        captures, name, notes = read_captures(
            reading, engine=engine, progress=progress, logger=logger, load=_load_tables
        )
    except NoLogError:
        complain_of_export(source)
        raise
    finally:
        if reading is not source and hasattr(reading, "close"):
            reading.close()
    if strict and captures.unknown:
        raise strict_error(captures, name)
    from trtlog.tables import TableSet

    tables = TableSet(captures, name)
    commands = tables.commands(0)
    paths = export_paths(commands, source, exports)
    tables.put_exports(0, export_rows(commands, paths, notes, must=exports is not None))
    return Log(tables, name, notes)


def _load_tables() -> None:
    """Load what makes tables, and what that needs."""
    with no_collection():
        load_arrays()
        import trtlog.tables  # noqa: F401  it is to be loaded here


def read_alone(source: Any) -> tuple[Log | None, Any]:
    """Read exports that stand for a log; None where the source is something else, and what to read on."""
    from trtlog.exports.alone import export_alone, exports_alone, rows_by_table

    files, source = export_alone(source)
    found = exports_alone(source) if files is None else (files, [])
    if found is None:
        return None, source
    from trtlog.engines.line import LineEngine
    from trtlog.tables import TableSet

    files, notes = found
    rows, read = rows_by_table(files)
    name = str(files[0].path)
    return Log(TableSet(LineEngine(grammar.load()).finish(), name, rows), name, [*notes, *read]), source


def complain_of_export(source: Any) -> None:
    """Say what is wrong with a file that is called as an export is, and is no log either.

    Raises
    ------
    InputError
        It cannot be read as an export.
    """
    from trtlog.exports.documents import read_exports
    from trtlog.exports.files import is_json

    if isinstance(source, (str, os.PathLike)) and is_json(str(source)):
        read_exports(Path(source))


def export_paths(commands: Sequence[str], source: Any, given: Sequence[str | os.PathLike[str]] | None) -> list[Path]:
    """Return the exports that were given, else those that lie beside a log and carry its name, or are in a command."""
    if given is not None:
        return [Path(path) for path in given]
    if not isinstance(source, (str, os.PathLike)):
        return []
    from trtlog.exports.files import find_exports

    return find_exports(Path(source), " ".join(commands))


def export_rows(
    commands: Sequence[str], paths: Sequence[Path], notes: list[str], *, must: bool
) -> dict[str, list[dict[str, Any]]]:
    """Read the exports of a log; return their rows by table.

    Parameters
    ----------
    commands : sequence of str
        The command of each run of the log, "" for none.
    paths : sequence of Path
        The exports.
    notes : list of str
        What is odd is added here.
    must : bool
        Whether one that cannot be read is an error; else it is noted.
    """
    if not paths:
        return {}
    from trtlog.exports.alone import TABLES
    from trtlog.exports.documents import read_exports
    from trtlog.exports.files import uncompressed

    tables: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        try:
            documents = read_exports(path)
        except InputError as error:
            if must:
                raise
            notes.append(f"the export beside it is left out: {error}")
            continue
        named = [number for number, command in enumerate(commands) if uncompressed(path.name) in command]
        if len(commands) > 1 and len(named) != 1:
            notes.append(f"{path}: left out; of {len(commands)} runs no command tells whose it is")
            continue
        run = named[0] if len(commands) > 1 else 0
        for document in documents:
            notes.extend(f"{path.name}: {note}" for note in document.notes)
            rows = tables.setdefault(TABLES.get(document.kind, document.kind), [])
            extra = {"run": run, **({"iterations": document.iterations} if document.kind == "profile" else {})}
            rows.extend({**row, **extra} for row in document.rows)
    return tables


def strict_error(captures: Captures, name: str) -> StrictError:
    """Return the error that names the lines that no rule knows."""
    from trtlog.messages.captures import text

    unknown = captures.unknown
    texts = {body: text(body) for _, _, _, body, _ in unknown.keys}
    shown = "\n".join(f"  {name}:{captures.file_line(r.line)}: {text(r.body)[:160]}" for r in unknown[:_SHOWN])
    more = f"\n  ... and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return StrictError(
        f"{name}: {counted(len(unknown), 'line')} that no rule knows:\n{shown}{more}\n"
        f"'trtlog unknown {name}' ranks their shapes; leave strict out to read the rest",
        [(captures.file_line(r.line), texts[r.body]) for r in unknown],
    )
