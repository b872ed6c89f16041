"""Captures in, Arrow tables out: one builder a table, each computed when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

from trtlog._util import unreadable
from trtlog._util.arrow import to_filled
from trtlog._util.gc import no_collection
from trtlog.messages.captures import Captures
from trtlog.records import TABLES
from trtlog.tables import autotune, build, engine, facts, messages, nodes, performance, runs, simple
from trtlog.tables.cells import one_array
from trtlog.tables.context import Context
from trtlog.tables.lines import in_file
from trtlog.tables.performance import exported
from trtlog.tables.schema import schema_of

BUILDERS: dict[str, Callable[[Context], pa.Table]] = {
    "runs": runs.runs,
    "engines": runs.engines,
    "sections": runs.sections,
    "options": runs.options,
    "devices": runs.devices,
    "onnx_nodes": nodes.onnx_nodes,
    "registered_layers": simple.registered_layers,
    "passes": simple.passes,
    "fusions": simple.fusions,
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
    "memory": simple.memory,
    "layer_memory": simple.layer_memory,
    "memory_totals": simple.memory_totals,
    "phases": simple.phases,
    "engine_layers": engine.engine_layers,
    "profile": performance.profile,
    "performance": performance.performance,
    "iterations": simple.iterations,
    "iteration_times": performance.iteration_times,
    "outputs": performance.outputs,
    "messages": messages.messages,
    "plugins": simple.plugins,
    "extension_messages": messages.extension_messages,
    "coverage": messages.coverage,
}


class TableSet:
    """The tables of one log, built on demand and kept.

    Parameters
    ----------
    captures : Captures
        What an engine found.
    source : str
        Name of the file or stream.
    exports : mapping, optional
        Rows of trtexec's JSON exports, by table name.
    """

    names = tuple(BUILDERS)

    def __init__(self, captures: Captures, source: str, exports: Mapping[str, Any] | None = None) -> None:
        self._context = Context(captures, source, exports)
        self._lines = captures.line_map
        self._built: dict[str, pa.Table] = {}
        # What could not be read in the tables that were built, with the first line where it stands.
        self.unread: dict[str, dict[str, int | None]] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> pa.Table:
        with self._lock:  # threads may share a log
            if name not in self._built:
                with no_collection(), unreadable.collecting() as found:
                    table = self._build(name)
                    self._built[name] = in_file(table, self._lines)
                if found:
                    self.unread[name] = self._with_lines(found, table)
            return self._built[name]

    @property
    def notes(self) -> list[str]:
        """What could not be read in the tables that were built."""
        return [unreadable.in_words(name, found) for name, found in self.unread.items()]

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
        return {"_built": {name: self[name] for name in self.names}, "unread": self.unread}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


__all__ = ["BUILDERS", "TABLES", "TableSet", "schema_of"]
