"""The engines of a run: which lines belong to which build, and what became of a build.

A program may build several engines one after the other, and one build may try several backend strategies, of which one
is kept. Layers, tactics and memory carry the number of their build, so that equal names of two builds stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import from_numpy
from trtlog._util.dataclass import dataclass
from trtlog.messages.captures import Captures
from trtlog.tables.bounds import RunBounds

Lines = np.ndarray[Any, Any]

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


class Mark(NamedTuple):
    """A line that tells builds apart."""

    line: int
    kind: str
    wording: str
    strategy: str | None = None
    estimated_ms: str | None = None
    build_step: str | None = None
    seconds: str | None = None
    mib: str | None = None


@dataclass
class Build:
    """A build of an engine, an attempt with one backend strategy, or an engine that is only loaded."""

    run: int
    engine: int
    line: int
    family: int = 0  # number of the first attempt of the same build
    stage: int = _NEW
    originals: int = 0
    calibrated: bool = False
    closed: bool = False  # a line was printed that comes once, after the last attempt
    origin: str = "built"
    strategy: str | None = None
    estimated_ms: float | None = None
    kept: bool | None = None
    seconds: float | None = None
    size_mib: int | None = None

    @property
    def seen(self) -> bool:
        """Whether a line tells of a build or of an engine."""
        return self.stage > _IMPORTING


@dataclass
class Builds:
    """All builds of a log, and the first lines of the pieces of the log that belong to them."""

    builds: list[Build] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def of(self, lines: Lines) -> Lines:
        """Return the number of the build that each line belongs to, counted over the whole log."""
        starts = np.array(self.lines, np.int64)
        place = np.maximum(np.searchsorted(starts, lines, side="right") - 1, 0)
        out: Lines = np.array(self.numbers, np.int64)[place]
        return out

    def columns(self, numbers: Lines) -> dict[str, pa.Array]:
        """Return the columns run and engine of some builds; of a negative number, run -1 - number and no engine."""
        known = numbers >= 0
        runs, engines = (
            np.array([getattr(build, name) for build in self.builds], np.int32)[np.maximum(numbers, 0)]
            for name in ("run", "engine")
        )
        if known.all():
            return {"run": from_numpy(runs), "engine": from_numpy(engines)}
        runs = np.where(known, runs, -1 - numbers).astype(np.int32)
        return {"run": from_numpy(runs), "engine": from_numpy(engines, known)}


def marks_of(captures: Captures) -> list[Mark]:
    """Return the lines that tell builds apart, in order; those that were written out before are remembered."""
    kinds = [kind for kind in MARK_KINDS if kind in captures.grammar.messages]
    found = captures.lists(kinds, ("line", "kind", "wording", *_FIELDS))
    own = [Mark(*row) for row in zip(*found, strict=True) if row[0] >= captures.marked]
    return [*captures.marks, *own]


def find_builds(captures: Captures, runs: Sequence[RunBounds], first_runs: Lines) -> Builds:
    """Return the builds of all runs; ``first_runs`` are the numbers of the first run of each log, and of all runs."""
    out = Builds()
    marks = marks_of(captures)
    last_lines = {number - 1: log.lines for number, log in zip(first_runs[1:].tolist(), captures.logs, strict=True)}
    place = 0
    for number, run in enumerate(runs):
        reader = _Reader(out, number, run.first)
        last = last_lines.get(number, run.last)
        while place < len(marks) and marks[place].line <= last:
            reader.read(marks[place])
            place += 1
        reader.finish()
    return out


class _Reader:
    """Follows the builds of one run."""

    def __init__(self, out: Builds, run: int, line: int) -> None:
        self._out = out
        self._run = run
        self._first = len(out.builds)
        self.build = self._start(line)

    def _start(self, line: int, *, again: bool = False) -> Build:
        """Begin a build; ``again`` one more attempt at the same."""
        builds = self._out.builds
        number = len(builds)
        family = self.build.family if again else number
        build = self.build = Build(self._run, number - self._first, line, family)
        builds.append(build)
        self._own(line, number)
        return build

    def _own(self, line: int, number: int) -> None:
        self._out.lines.append(line)
        self._out.numbers.append(number)

    def _family(self) -> list[Build]:
        return self._out.builds[self.build.family :]

    def read(self, mark: Mark) -> None:
        """Take account of a line."""
        kind, build = mark.kind, self.build
        if kind in _IMPORT:
            if build.stage > _IMPORTING:
                build = self._start(mark.line)
            build.stage = _IMPORTING
        elif kind == "original_layers":
            if build.stage == _DONE or (build.stage == _BUILDING and build.originals and not build.calibrated):
                build = self._start(mark.line)
            build.stage = _BUILDING
            build.originals += 1
        elif kind == "calibration_step":
            build.calibrated = True
        elif kind == "backend_strategy":
            self._strategy(mark)
        elif kind in _TUNING:
            if kind != "compiler_backend" or mark.build_step == "build":
                if build.stage == _DONE:
                    # Below verbose nothing else is printed of another strategy.
                    build = self._start(mark.line, again=not build.closed)
                build.stage = _BUILDING
        elif kind in _CLOSING:
            build.closed = True
        elif kind == "engine_generated":
            if build.seconds is not None:
                build = self._start(mark.line)
            build.seconds = _number(mark.seconds)
            build.stage = _DONE
        elif kind == "engine_size":
            self._loaded(mark)
        else:
            if build.stage == _NEW and kind == "engine_loaded":
                build.origin = "loaded"
            build.stage, build.closed = _DONE, True

    def _strategy(self, mark: Mark) -> None:
        build = self.build
        if mark.wording == "started":
            if build.stage == _DONE or build.strategy is not None:
                build = self._start(mark.line, again=True)
            build.stage = _BUILDING
            build.strategy = mark.strategy
            return
        build.estimated_ms = _number(mark.estimated_ms)
        build.stage = _DONE
        if mark.wording != "skipped":
            for other in self._family():
                other.kept = other is build
            return
        build.kept = False
        kept = [other for other in self._family() if other.kept]
        if kept:
            # What follows is printed of the engine that is kept.
            self._own(mark.line + 1, self._first + kept[-1].engine)

    def _loaded(self, mark: Mark) -> None:
        """An engine is read: the one that was built, another one where the size differs."""
        size = _whole(mark.mib)
        owner = self._out.builds[self._out.numbers[-1]]
        if owner.stage == _DONE and owner.size_mib is not None and owner.size_mib != size:
            owner = self._start(mark.line)
            owner.origin = "loaded"
        elif owner.stage in (_NEW, _IMPORTING):
            owner.origin = "loaded"
        owner.stage = _DONE
        owner.size_mib = size
        self.build.closed = True

    def finish(self) -> None:
        """Mark what was built at one attempt: that is the engine."""
        builds = self._out.builds[self._first :]
        attempts = Counter(build.family for build in builds)
        for build in builds:
            if build.kept is None and build.stage == _DONE and attempts[build.family] == 1:
                build.kept = True


def _whole(printed: str | None) -> int | None:
    size = None if printed is None or not printed.isdigit() else int(printed)
    return None if size is None or size >= 1 << 63 else size


def _number(printed: str | None) -> float | None:
    try:
        return None if printed is None else float(printed)
    except ValueError:
        return None
