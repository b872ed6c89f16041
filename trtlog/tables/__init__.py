"""Captures in, Arrow tables out: one builder a table, each computed when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util import unreadable
from trtlog._util.arrow import from_numpy, to_filled
from trtlog._util.arrow_memory import system_memory
from trtlog._util.gc import no_collection
from trtlog.messages.captures import Captures
from trtlog.messages.together import taken_out
from trtlog.records import ByTable
from trtlog.tables import autotune, build, engine, facts, messages, nodes, performance, runs, simple
from trtlog.tables.cells import one_array
from trtlog.tables.context import Context
from trtlog.tables.parted import Parted, part
from trtlog.tables.performance import exported
from trtlog.tables.schema import schema_of


def _as_printed(table: str) -> Callable[[Context], pa.Table]:
    """Return the builder of a table whose rows are messages as they stand."""
    return lambda context: simple.simple(context, table)


BUILDERS: dict[str, Callable[[Context], pa.Table]] = {
    "runs": runs.runs,
    "engines": runs.engines,
    "sections": runs.sections,
    "options": runs.options,
    "devices": runs.devices,
    "onnx_nodes": nodes.onnx_nodes,
    "registered_layers": simple.registered_layers,
    "passes": simple.passes,
    "fusions": _as_printed("fusions"),
    "timings": autotune.timings,
    "tactics": autotune.tactics,
    "tactic_names": autotune.unmeasured,
    "skips": autotune.skips,
    "reformats": simple.reformats,
    "combinations": build.combinations,
    "timestamps": build.timestamps,
    "timing_cache": build.timing_cache,
    "autotuned_ops": build.autotuned_ops,
    "placements": build.placements,
    "facts": facts.facts,
    "memory": _as_printed("memory"),
    "layer_memory": _as_printed("layer_memory"),
    "memory_totals": simple.memory_totals,
    "phases": simple.phases,
    "engine_layers": engine.engine_layers,
    "profile": performance.profile,
    "performance": performance.performance,
    "iterations": _as_printed("iterations"),
    "iteration_times": performance.iteration_times,
    "outputs": performance.outputs,
    "messages": messages.messages,
    "plugins": simple.plugins,
    "extension_messages": messages.extension_messages,
    "coverage": messages.coverage,
}


class TableSet:
    """The tables of one log, or of several that were read together, built on demand and kept.

    Parameters
    ----------
    captures : Captures
        What an engine found.
    source : str, or sequence of str
        Name of the file or stream, or of each log.
    exports : mapping, or sequence of mapping, optional
        Rows of trtexec's JSON exports, by table name, or those of each log.
    """

    names = tuple(BUILDERS)

    def __init__(self, captures: Captures, source: str | Sequence[str], exports: Any = None) -> None:
        alone = isinstance(source, str)
        self._sources: Sequence[str] = [source] if isinstance(source, str) else source
        self._exports: list[Mapping[str, Any]] = [exports or {}] if alone else list(exports or [{}] * len(source))
        self._context = Context(captures, self._sources, self._exports)
        self._built: dict[str, Parted] = {}
        # What could not be read in the tables that were built, by number of the log and table, with the first line
        # where it stands.
        self._unread: dict[int, dict[str, dict[str, int | None]]] = {}
        self._alone: dict[int, TableSet] = {}
        self._together = True  # whether tables are made for all logs at once
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> pa.Table:
        return self.parted(name).table

    def parted(self, name: str) -> Parted:
        """Return a table of all logs, with where the rows of each begin."""
        with self._lock:  # threads may share a log
            if name not in self._built:
                with no_collection(), system_memory, unreadable.collecting() as found:
                    table = self._build(name)
                    self._built[name] = part(self._context, name, table)
                if found:
                    self._note(name, found, table)
            return self._built[name]

    @property
    def count(self) -> int:
        """How many logs there are."""
        return len(self._sources)

    def commands(self, number: int) -> list[str]:
        """Return the command of each run of one of the logs, "" for none."""
        if self._together:
            try:
                return [run.printed("command") or "" for run in self._context.runs_by_log[number]]
            except Exception:
                if self.count == 1:
                    raise
                self._together = False
        return self.alone(number).commands(0)

    def put_exports(self, number: int, rows: Mapping[str, Any]) -> None:
        """Add the rows of one log's exports; before tables are asked for."""
        self._exports[number] = rows

    def of(self, number: int) -> TablesOf:
        """Return the tables of one of the logs."""
        return TablesOf(self, number)

    def table_of(self, number: int, name: str) -> pa.Table:
        """Return the rows of one of the logs; where a table of all cannot be made, from then on log by log."""
        if self._together:
            try:
                return self.parted(name).of(number)
            except Exception:
                if self.count == 1:
                    raise
                self._together = False
        return self.alone(number)[name]

    def alone(self, number: int) -> TableSet:
        """Return the tables of one of the logs, made of nothing but its own captures."""
        if self.count == 1:
            return self
        with self._lock:
            if number not in self._alone:
                own = taken_out(self._context.captures, number)
                self._alone[number] = TableSet(own, self._sources[number], self._exports[number])
            return self._alone[number]

    def _note(self, name: str, found: Mapping[str, int], table: pa.Table) -> None:
        """Note what could not be read in a table; of several logs each is asked alone, as that is rare."""
        if self.count == 1:
            self._unread.setdefault(0, {})[name] = self._with_lines(found, table)
            return
        for number in range(len(self._sources)):
            alone = self.alone(number)
            alone.parted(name)
            if name in alone.unread:
                self._unread.setdefault(number, {})[name] = alone.unread[name]

    @property
    def unread(self) -> dict[str, dict[str, int | None]]:
        """What could not be read in the tables that were built of the only log."""
        return self._unread.get(0, {})

    @property
    def notes(self) -> list[str]:
        """What could not be read in the tables that were built of the only log."""
        return self.notes_of(0)

    def notes_of(self, number: int) -> list[str]:
        """Return what could not be read in the tables that were built, of one of the logs."""
        unread = dict(self._unread.get(number, {}))
        if number in self._alone:
            unread |= self._alone[number].unread
        return [unreadable.in_words(name, found) for name, found in unread.items()]

    def _with_lines(self, found: Iterable[str], table: pa.Table) -> dict[str, int | None]:
        """Return the texts, the first with the line of the file where it stands: that is the one that is named."""
        texts: dict[str, int | None] = dict.fromkeys(found)
        first = next(iter(texts))
        if "line" in table.column_names:
            captures = self._context.captures
            lines = to_filled(one_array(table.column("line")), 0)
            line = captures.line_with(unreadable.printed_bytes(first), lines)
            texts[first] = None if line is None else captures.file_line(line)
        return texts

    def _build(self, name: str) -> pa.Table:
        table = BUILDERS[name](self._context)
        return table if table.num_rows or self._context.captures.lines else exported(self._context, name)

    def __getstate__(self) -> dict[str, Any]:
        """To another process go the tables, not what they are made of."""
        built = {name: self.parted(name) for name in self.names}
        return {"_built": built, "_unread": self._unread, "_sources": self._sources, "_alone": {}, "_together": True}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


class TablesOf(ByTable):
    """The tables of one of several logs that were read together."""

    def __init__(self, tables: TableSet, number: int) -> None:
        self._tables: TableSet | None = tables
        self._number = number
        self._cut: dict[str, pa.Table] = {}
        self._noted: list[str] = []

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._cut and self._tables is not None:
            self._cut[name] = self._tables.table_of(self._number, name)
        return self._cut[name]

    @property
    def notes(self) -> list[str]:
        """What could not be read in the tables that were built."""
        return self._noted if self._tables is None else self._tables.notes_of(self._number)

    def __getstate__(self) -> dict[str, Any]:
        """To another process go the tables of this log, not what they are made of, nor the rows of the other logs."""
        cut = {name: self[name].take(from_numpy(np.arange(self[name].num_rows))) for name in self}
        return {"_tables": None, "_number": 0, "_cut": cut, "_noted": self.notes}


__all__ = ["BUILDERS", "TableSet", "schema_of"]
