"""Write a log of any size as Parquet in bounded memory: read a piece, write its rows, forget it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trtlog import grammar
from trtlog._util.arrow import from_numpy, to_numpy
from trtlog._util.interrupts import delayed_interrupts
from trtlog._util.redact import redact, redact_table
from trtlog._util.unreadable import in_words
from trtlog._util.worker import WorkerThread
from trtlog.errors import InputError
from trtlog.messages.captures import Captures
from trtlog.parquet.commit import Staging
from trtlog.parquet.files import CONVERSION, drop_former_analyses, metadata_of
from trtlog.parquet.segments import SEGMENTED, cut_at_run, cut_inside_run, segmented_kinds, split
from trtlog.read import export_paths, export_rows, strict_error
from trtlog.reader import SAMPLE_BYTES, check_captures, checked_engine
from trtlog.records import TABLES
from trtlog.source.logger import Logger, logger_of
from trtlog.tables import TableSet, schema_of
from trtlog.tables.bounds import run_bounds
from trtlog.tables.cells import one_array

if TYPE_CHECKING:
    from trtlog.source.chunks import Source

# Log text whose captures stay in memory before rows are written; a cut is looked for each time as much was read.
SEGMENT_BYTES = 24 << 20
# Rows of a table that are written together: few rows a row group would make files large and slow to read.
GROUP_ROWS = 16_384
# Segments that wait while another is written.
_WAITING = 1
# Metadata that is known at the end only.
_LATE = ("tensorrt.version", "trtlog.notes")


def convert(
    source: Any,
    folder: str | os.PathLike[str],
    *,
    engine: str = "auto",
    strict: bool = False,
    exports: Sequence[str | os.PathLike[str]] | None = None,
    must: bool = True,
    progress: Callable[[int], None] | None = None,
    segment_bytes: int | None = None,
    logger: str | os.PathLike[str] | Logger | None = None,
    redact: bool = False,
) -> list[str]:
    """Write a log as Parquet, one file a table, without ever holding all of it.

    The files are those of ``trtlog.parse(source).to_parquet(folder)``, but for row groups. The JSON exports of a
    long log of several runs are left out, and a note says so.

    Parameters
    ----------
    source : path, bytes, file object, or iterable of lines or chunks
        As for :func:`trtlog.parse`.
    folder : path
        Where to write; made where it is missing.
    engine : {"auto", "line"}
        As for :func:`trtlog.parse`.
    strict : bool
        Make a line that no rule knows an error.
    exports : sequence of paths, optional
        As for :func:`trtlog.parse`; they are read whole.
    must : bool
        Whether a given export that cannot be read is an error; else it is noted.
    progress : callable, optional
        Called with the number of bytes read so far.
    segment_bytes : int, optional
        How much log text to read between two writes.
    logger : path, optional
        As for :func:`trtlog.parse`.
    redact : bool
        Take passwords, tokens and keys out, as ``Log.to_parquet``.

    Returns
    -------
    list of str
        What was odd about the source, as ``Log.notes``.

    Raises
    ------
    InputError
        The source cannot be read, is no log of TensorRT, or the folder cannot be written.
    StrictError
        ``strict`` and there are unknown lines.
    """
    from trtlog.engines.line import LineEngine
    from trtlog.source.chunks import open_source

    engine = checked_engine(engine)
    target = Path(folder)
    segment_bytes = SEGMENT_BYTES if segment_bytes is None else segment_bytes
    sample = b""
    done, since = 0, 0
    reader: Any = None
    with open_source(source, logger=logger_of(logger)) as opened:
        writer = _Writer(target, opened, redacting=redact)
        try:
            for data, begin, end, first_line in opened.windows():
                if reader is None:
                    reader = LineEngine(grammar.load(), native=engine != "line")
                    reader.captures.line_map = opened.line_map
                    sample = data[begin : min(end, begin + SAMPLE_BYTES)]
                reader.feed(data, first_line, begin, end)
                opened.tell_last_line(reader.last_line)
                done, since = done + end - begin, since + end - begin
                if since >= segment_bytes:
                    reader.drain()
                    if strict and reader.captures.unknown:
                        raise strict_error(reader.captures, opened.name)
                    writer.flush(reader.captures)
                    since = 0
                if progress is not None:
                    progress(done)
            captures = (reader or LineEngine(grammar.load())).finish()
            check_captures(captures, opened.name, sample)
            if strict and captures.unknown:
                raise strict_error(captures, opened.name)
            notes = [*opened.notes, *captures.notes]
            rows: dict[str, Any] = {}
            commands = [run.printed("command") or "" for run in run_bounds(captures)]
            paths = export_paths(commands, source, exports)
            if writer.runs:
                notes += [f"{path}: left out: a log of several runs was written run by run" for path in paths]
            else:
                rows = export_rows(commands, paths, notes, must=must and exports is not None)
            notes = writer.finish(captures, rows, notes)
        except OSError as error:
            raise InputError(f"cannot write {target}: {error.strerror or error}") from error
        finally:
            with delayed_interrupts():
                writer.close()
    return notes


class _Writer:
    """Appends the rows of segments to one Parquet file a table; the files appear at the end, all or none.

    Tables are made and written by a thread of its own, while the next segment is read.
    """

    def __init__(self, folder: Path, source: Source, *, redacting: bool = False) -> None:
        self._staging = Staging(folder)
        self._source = source
        self._redacting = redacting
        self._files: dict[str, pq.ParquetWriter] = {}
        self.runs = 0  # runs above those that are read now
        self._versions: dict[str, None] = {}
        self._unread: dict[str, dict[str, int | None]] = {}  # by table, as TableSet.unread
        self._rows: dict[str, list[pa.Table]] = {}  # rows that are not yet a row group
        self._thread: WorkerThread[None] = WorkerThread("trtlog-write", _WAITING)

    def flush(self, captures: Captures) -> None:
        """Write what no later line can change, and forget it."""
        line = cut_at_run(captures)
        if line is not None:
            above = split(captures, line)
            runs = len(run_bounds(above))
            self._thread.give(self._write, above, [name for name in TABLES if name != "coverage"], self.runs)
            self.runs += runs
        line = cut_inside_run(captures)
        if line is not None:
            self._thread.give(self._write, split(captures, line, segmented_kinds(captures)), SEGMENTED, self.runs)

    def finish(self, captures: Captures, exports: Mapping[str, Any], notes: Sequence[str]) -> list[str]:
        """Write the rest with the rows of exports, and make the files appear; return all notes."""
        self._thread.give(self._write, captures, list(TABLES), self.runs, exports)
        self._thread.finish()
        for name in list(self._rows):
            self._write_group(name)
        unread = [in_words(name, found) for name, found in self._unread.items()]
        remarks = [redact(note) if self._redacting else note for note in (*notes, *unread)]
        metadata = metadata_of(list(self._versions), self._name, remarks)
        for file in self._files.values():
            file.add_key_value_metadata({key: metadata[key] for key in _LATE})
            file.close()
        self._files = {}
        self._staging.commit()
        drop_former_analyses(self._staging.folder, self._staging.id)
        return remarks

    def close(self) -> None:
        """Remove files that did not come to an end."""
        self._thread.close()
        self._thread.wait()
        for file in self._files.values():
            with suppress(OSError, pa.ArrowException):  # as on a full disk: that it failed is known already
                file.close()
        self._files = {}
        self._staging.discard()

    @property
    def _name(self) -> str:
        """Name of the log."""
        return redact(self._source.name) if self._redacting else self._source.name

    def _write(
        self, captures: Captures, names: Sequence[str], runs_above: int, exports: Mapping[str, Any] | None = None
    ) -> None:
        tables = TableSet(captures, self._source.name, exports)
        for name in names:
            table = redact_table(tables[name]) if self._redacting else tables[name]
            if name == "runs":
                self._versions.update(dict.fromkeys(v for v in table.column("tensorrt_version").to_pylist() if v))
            if name not in self._files:
                self._files[name] = pq.ParquetWriter(
                    self._staging.file(name), self._schema(name), compression="zstd", use_dictionary=True
                )
            if table.num_rows:
                self._rows.setdefault(name, []).append(_numbered(table, runs_above))
            if sum(waiting.num_rows for waiting in self._rows.get(name, ())) >= GROUP_ROWS:
                self._write_group(name)
        for name, found in tables.unread.items():
            for text, line in found.items():
                self._unread.setdefault(name, {}).setdefault(text, line)

    def _write_group(self, name: str) -> None:
        """Write the collected rows of a table as a row group."""
        waiting = self._rows.pop(name)
        whole = pa.concat_tables(waiting).unify_dictionaries() if len(waiting) > 1 else waiting[0]
        file = self._files[name]
        file.write_table(whole.replace_schema_metadata(file.schema.metadata))

    def _schema(self, name: str) -> pa.Schema:
        early = {**metadata_of([], self._name, []), CONVERSION: self._staging.id}
        return schema_of(name).with_metadata({k: v for k, v in early.items() if k not in _LATE})


def _numbered(table: pa.Table, runs_above: int) -> pa.Table:
    """Return the table with runs counted from the log's first."""
    if not runs_above or "run" not in table.column_names:
        return table
    place = table.column_names.index("run")
    field = table.schema.field(place)
    runs = to_numpy(one_array(table.column(place))) + np.int32(runs_above)
    return table.set_column(place, field, from_numpy(runs))
