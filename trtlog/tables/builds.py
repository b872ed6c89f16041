"""The engines of a run: which lines belong to which build, and what became of a build.

A program may build several engines one after the other, and one build may try several backend strategies, of which one
is kept. Layers, tactics and memory carry the number of their build, so that equal names of two builds stay apart.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, from_list, from_numpy, no_values, to_numpy
from trtlog.messages.captures import Captures, printed_values
from trtlog.tables.bounds import RunBounds

# Kinds of message that tell builds apart, and what is read of them.
MARK_KINDS = (
    "parse_started", "onnx_header", "original_layers", "calibration_step", "backend_strategy", "timing_cache_use",
    "timing_cache_off", "compiler_backend", "engine_generated", "engine_built", "engine_loaded", "engine_size",
    "memory_peak", "memory_build_peak",
)  # fmt: skip
_FIELDS = ("strategy", "estimated_ms", "build_step", "seconds", "mib")
_IMPORT = ("parse_started", "onnx_header")
_CLOSING = ("memory_peak", "memory_build_peak")
_TUNING = ("timing_cache_use", "timing_cache_off", "compiler_backend")
# How far a build is.
_NEW, _IMPORTING, _BUILDING, _DONE = range(4)
_UNSAID = -1
# Marks that are Python's at a time.
_AT_ONCE = 1 << 12


class Builds:
    """All builds of a log, and the first lines of the pieces of the log that belong to them.

    A log may open a build with each line, so they are columns: arrays of one number a build. A build is one of an
    engine, an attempt with one backend strategy, or an engine that is only loaded.

    Attributes
    ----------
    run, engine, line : array
        Number of the run, number in the run, first line.
    family : array
        Number of the first attempt of the same build.
    stage : array
        How far it is.
    loaded, kept : array
        Whether the engine is only loaded, and whether it is what the build gave, -1 where no line says so.
    strategy : array
        Place in :attr:`strategies`, -1 for none.
    estimated_ms, seconds : array
        Figures; ``has_estimated_ms`` and ``has_seconds`` tell where one is printed.
    size_mib : array
        Size of the engine that was read, -1 for none.
    lines, numbers : array
        First line of each piece of the log, and the number of the build that it belongs to.
    """

    def __init__(self) -> None:
        self.run, self.engine, self.family, self.strategy, self.numbers = (array("i") for _ in range(5))
        self.line, self.size_mib, self.lines = (array("q") for _ in range(3))
        self.stage, self.loaded, self.kept, self.has_estimated_ms, self.has_seconds = (array("b") for _ in range(5))
        self.estimated_ms, self.seconds = array("d"), array("d")
        self.strategies: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.run)

    def add(self, run: int, engine: int, line: int, family: int) -> None:
        """Add a build of which nothing is known yet."""
        self.run.append(run)
        self.engine.append(engine)
        self.line.append(line)
        self.family.append(family)
        self.stage.append(_NEW)
        self.loaded.append(False)
        self.kept.append(_UNSAID)
        self.strategy.append(-1)
        self.has_estimated_ms.append(False)
        self.estimated_ms.append(0.0)
        self.has_seconds.append(False)
        self.seconds.append(0.0)
        self.size_mib.append(-1)

    def column(self, name: str) -> Array:
        """Return a column as numbers; the builds are all found by then."""
        values = getattr(self, name)
        return np.frombuffer(values, values.typecode) if values else np.zeros(0, values.typecode)

    @property
    def seen(self) -> Array:
        """Whether a line tells of a build or of an engine, for each."""
        out: Array = self.column("stage") > _IMPORTING
        return out

    def of(self, lines: Array) -> Array:
        """Return the number of the build that each line belongs to, counted over the whole log."""
        place = np.maximum(np.searchsorted(self.column("lines"), lines, side="right") - 1, 0)
        out: Array = self.column("numbers")[place].astype(np.int64)
        return out

    def places(self, lines: Array) -> dict[str, pa.Array]:
        """Return the columns run and engine of lines."""
        if (lines[1:] < lines[:-1]).any():
            return self.columns(self.of(lines))
        starts = np.searchsorted(lines, self.column("lines"))
        starts[0] = 0  # what stands above the first piece belongs to it
        sizes, numbers = np.diff(starts, append=len(lines)), self.column("numbers")
        return {name: from_numpy(np.repeat(self.column(name)[numbers], sizes)) for name in ("run", "engine")}

    def columns(self, numbers: Array) -> dict[str, pa.Array]:
        """Return the columns run and engine of some builds; of a negative number, run -1 - number and no engine."""
        known = numbers >= 0
        runs, engines = (self.column(name)[np.maximum(numbers, 0)] for name in ("run", "engine"))
        if known.all():
            return {"run": from_numpy(runs), "engine": from_numpy(engines)}
        runs = np.where(known, runs, -1 - numbers).astype(np.int32)
        return {"run": from_numpy(runs), "engine": from_numpy(engines, known)}


def marks_of(captures: Captures) -> pa.Table:
    """Return the lines that tell builds apart, in order; those that were written out before are remembered."""
    found = captures.matches(*(kind for kind in MARK_KINDS if kind in captures.grammar.messages))
    columns = {name: found.column(name) for name in ("line", "kind", "wording")} if found.num_rows else {}
    for name in _FIELDS:
        column = found.column(name) if found.num_rows and name in found.column_names else None
        if column is not None and pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        columns[name] = no_values(found.num_rows, pa.binary()) if column is None else column
    if not found.num_rows:
        return captures.marks if captures.marks is not None else _no_marks()
    own = pa.table(columns)
    own = own.slice(int(np.searchsorted(found.lines, captures.marked)))
    return own if captures.marks is None else pa.concat_tables([captures.marks, own])


def marks_above(captures: Captures, line: int) -> pa.Table:
    """Return those above a line."""
    marks = marks_of(captures)
    lines = to_numpy(marks.column("line").combine_chunks())
    return marks.slice(0, int(np.searchsorted(lines, line)))


def _no_marks() -> pa.Table:
    names = pa.dictionary(pa.int32(), pa.string())
    kinds = {"line": pa.int64(), "kind": names, "wording": names, **dict.fromkeys(_FIELDS, pa.binary())}
    return pa.table({name: from_list([], kind) for name, kind in kinds.items()})


def _each(marks: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Go through marks: line, kind, wording, and the fields as text."""
    for batch in marks.to_batches(max_chunksize=_AT_ONCE):
        yield from zip(*map(printed_values, batch.columns), strict=True)


def find_builds(captures: Captures, runs: Sequence[RunBounds], first_runs: Array) -> Builds:
    """Return the builds of all runs; ``first_runs`` are the numbers of the first run of each log, and of all runs."""
    out = Builds()
    marks = _each(marks_of(captures))
    last_lines = {number - 1: log.lines for number, log in zip(first_runs[1:].tolist(), captures.logs, strict=True)}
    mark = next(marks, None)
    for number, run in enumerate(runs):
        reader = _Reader(out, number, run.first)
        last = last_lines.get(number, run.last)
        while mark is not None and mark[0] <= last:
            reader.read(*mark)
            mark = next(marks, None)
    _keep_only_attempts(out)
    return out


def _keep_only_attempts(builds: Builds) -> None:
    """Mark what was built at one attempt: that is the engine."""
    if not len(builds):
        return
    family, kept = builds.column("family"), builds.column("kept")
    alone = np.bincount(family)[family] == 1
    kept[(kept == _UNSAID) & (builds.column("stage") == _DONE) & alone] = True


class _Reader:
    """Follows the builds of one run."""

    def __init__(self, out: Builds, run: int, line: int) -> None:
        self._out = out
        self._run = run
        self._first = len(out)
        self._build = -1  # number of the last build; the next three are told of it alone
        self._originals = 0
        self._calibrated = False
        self._closed = False  # a line was printed that comes once, after the last attempt
        # Of the attempts at one build: the first of which no verdict is said yet, and which is kept by the last one.
        self._unjudged = 0
        self._kept = -1
        self._start(line)

    def _start(self, line: int, *, again: bool = False) -> int:
        """Begin a build; ``again`` one more attempt at the same."""
        out, number = self._out, len(self._out)
        out.add(self._run, number - self._first, line, out.family[self._build] if again else number)
        if not again:
            self._unjudged, self._kept = number, -1
        self._build = number
        self._originals, self._calibrated, self._closed = 0, False, False
        self._own(line, number)
        return number

    def _own(self, line: int, number: int) -> None:
        self._out.lines.append(line)
        self._out.numbers.append(number)

    def read(
        self,
        line: int,
        kind: str,
        wording: str,
        strategy: str | None,
        estimated_ms: str | None,
        build_step: str | None,
        seconds: str | None,
        mib: str | None,
    ) -> None:
        """Take account of a line."""
        out, build = self._out, self._build
        stage = out.stage[build]
        if kind in _IMPORT:
            if stage > _IMPORTING:
                build = self._start(line)
            out.stage[build] = _IMPORTING
        elif kind == "original_layers":
            if stage == _DONE or (stage == _BUILDING and self._originals and not self._calibrated):
                build = self._start(line)
            out.stage[build] = _BUILDING
            self._originals += 1
        elif kind == "calibration_step":
            self._calibrated = True
        elif kind == "backend_strategy":
            self._strategy(line, wording, strategy, estimated_ms)
        elif kind in _TUNING:
            if kind != "compiler_backend" or build_step == "build":
                if stage == _DONE:
                    # Below verbose nothing else is printed of another strategy.
                    build = self._start(line, again=not self._closed)
                out.stage[build] = _BUILDING
        elif kind in _CLOSING:
            self._closed = True
        elif kind == "engine_generated":
            if out.has_seconds[build]:
                build = self._start(line)
            _put(out.seconds, out.has_seconds, build, seconds)
            out.stage[build] = _DONE
        elif kind == "engine_size":
            self._loaded(line, mib)
        else:
            if stage == _NEW and kind == "engine_loaded":
                out.loaded[build] = True
            out.stage[build], self._closed = _DONE, True

    def _strategy(self, line: int, wording: str, strategy: str | None, estimated_ms: str | None) -> None:
        out, build = self._out, self._build
        if wording == "started":
            if out.stage[build] == _DONE or out.strategy[build] >= 0:
                build = self._start(line, again=True)
            out.stage[build] = _BUILDING
            known = out.strategies
            out.strategy[build] = -1 if strategy is None else known.setdefault(strategy, len(known))
            return
        _put(out.estimated_ms, out.has_estimated_ms, build, estimated_ms)
        out.stage[build] = _DONE
        if wording != "skipped":
            # Each attempt is told once that it is not kept, however often another one is chosen.
            for other in (self._kept, *range(self._unjudged, build)):
                if other >= 0:
                    out.kept[other] = False
            out.kept[build] = True
            self._unjudged, self._kept = build + 1, build
            return
        out.kept[build] = False
        if self._kept >= 0 and out.kept[self._kept] == 1:
            # What follows is printed of the engine that is kept.
            self._own(line + 1, self._kept)

    def _loaded(self, line: int, mib: str | None) -> None:
        """An engine is read: the one that was built, another one where the size differs."""
        out, size = self._out, _whole(mib)
        owner = out.numbers[-1]
        stage, known = out.stage[owner], out.size_mib[owner]
        if stage == _DONE and known >= 0 and known != size:
            owner = self._start(line)
            out.loaded[owner] = True
        elif stage in (_NEW, _IMPORTING):
            out.loaded[owner] = True
        out.stage[owner] = _DONE
        out.size_mib[owner] = -1 if size is None else size
        self._closed = True


def _put(values: array[float], known: array[int], place: int, printed: str | None) -> None:
    """Put down a number that is printed, or that there is none."""
    number = _number(printed)
    known[place] = number is not None
    values[place] = 0.0 if number is None else number


def _whole(printed: str | None) -> int | None:
    size = None if printed is None or not printed.isdigit() else int(printed)
    return None if size is None or size >= 1 << 63 else size


def _number(printed: str | None) -> float | None:
    try:
        return None if printed is None else float(printed)
    except ValueError:
        return None
