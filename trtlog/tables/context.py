"""What the table builders share: the captures, run numbers, and tables that others are joined with."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import Array, from_list, from_numpy
from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures, Matches
from trtlog.tables.bounds import RunBounds, runs_by_log
from trtlog.tables.builds import Builds, find_builds
from trtlog.tables.cells import NAME, codes_of, one_array, to_name
from trtlog.tables.clock import parse_times
from trtlog.tables.join import counts_upto, sorted_lines

# Headers that have a time always.
_STAMPED = frozenset({"trtexec_tensorrt", "trtexec_own", "python", "onnxruntime_tensorrt", "triton"})


def _kinds_by_table(grammar: Grammar) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, message in grammar.messages.items():
        found.setdefault(message.attributes.get("table", ""), []).append(kind)
    return found


class Context:
    """Captures of one log, or of several that were read together, on their way to tables.

    Runs are numbered through, as lines are (`trtlog.tables.parted`).

    Parameters
    ----------
    captures : Captures
        What the engine found.
    sources : sequence of str
        Name of the file or stream of each log.
    exports : sequence of mapping
        Rows read from trtexec's JSON exports, by table name, for each log.
    """

    def __init__(self, captures: Captures, sources: Sequence[str], exports: Sequence[Mapping[str, Any]]) -> None:
        self.captures = captures
        self.sources = sources
        self._exports = exports
        self._captured: dict[tuple[str, ...], Matches] = {}

    def captured(self, *kinds: str) -> Matches:
        """Return the matches of some kinds, sorted by line; kept for the next asker."""
        known = tuple(k for k in kinds if k in self.captures.grammar.messages)
        if known not in self._captured:
            self._captured[known] = self.captures.matches(*known)
        return self._captured[known]

    @cached_property
    def runs_by_log(self) -> list[list[RunBounds]]:
        """The runs of each log with their banners."""
        return runs_by_log(self.captures)

    @cached_property
    def runs(self) -> list[RunBounds]:
        """The runs with their banners."""
        return [run for runs in self.runs_by_log for run in runs]

    @cached_property
    def first_runs(self) -> Array:
        """Number of the first run of each log, and of all runs."""
        return np.cumsum([0, *map(len, self.runs_by_log)])

    @cached_property
    def log_lines(self) -> Array:
        """First line of each log."""
        return np.array([log.first for log in self.captures.logs], np.int64)

    @cached_property
    def last_lines(self) -> Array:
        """Last line of each log."""
        return np.array([max(log.lines, log.first) for log in self.captures.logs], np.int64)

    def log_of(self, lines: Array) -> Array:
        """Return the number of the log of each line."""
        numbers: Array = np.maximum(counts_upto(lines, self.log_lines) - 1, 0)
        return numbers

    def exported(self, table: str, without: Sequence[int] = ()) -> list[dict[str, Any]]:
        """Return the rows of exports that go to a table, but for those of some logs."""
        rows: list[dict[str, Any]] = []
        for number, exports in enumerate(self._exports):
            own = () if number in without else exports.get(table, ())
            first = int(self.first_runs[number]) if own else 0
            rows.extend({**row, "run": row["run"] + first} if first else row for row in own)
        return rows

    @cached_property
    def run_lines(self) -> Array:
        """First line of each run."""
        return np.array([run.first for run in self.runs], np.int64)

    @cached_property
    def builds(self) -> Builds:
        """The builds of all runs."""
        return find_builds(self.captures, self.runs, self.first_runs)

    @cached_property
    def breaks(self) -> Array:
        """Lines at which a run or a build begins: nothing above one belongs to what is below."""
        return sorted_lines(self.run_lines, self.builds.column("lines"))

    def places(self, lines: Array) -> dict[str, pa.Array]:
        """Return the columns run, engine and line of lines."""
        return {**self.builds.places(lines), "line": from_numpy(lines)}

    @cached_property
    def clock(self) -> tuple[Array, Array]:
        """Lines at which a run begins or the printed time changes, and the times, in seconds since 1970; only dates."""
        times = self.captures.times
        again = self._begun_within_a_second()
        whole = list(heapq.merge(times, again)) if again else times
        lines, stamps = zip(*whole, strict=True) if whole else ((), ())
        seconds, valid = parse_times(stamps)
        return np.array(lines, np.int64)[valid], seconds[valid]

    def _begun_within_a_second(self) -> list[tuple[int, bytes]]:
        """Return the first line with a time of runs that began in the second in which the one above them ended.

        The engines note a time where it changes. Only where every header of a log has a time do the first lines of a
        run have one too.
        """
        times, found = self.captures.times, []
        changes = [line for line, _ in times]
        headed: list[int] | None = None
        for log, runs in zip(self.captures.logs, self.runs_by_log, strict=True):
            if (len(runs) < 2 and log.time_above is None) or not _STAMPED.issuperset(log.producers):
                continue
            if headed is None:
                headed = [line for line, name in self.captures.openings if name]
            for run in runs:
                place = bisect_left(headed, run.first)
                line = headed[place] if place < len(headed) else run.last + 1
                above = bisect_right(changes, line) - 1
                changed = above >= 0 and changes[above] >= runs[0].first
                time = times[above][1] if changed else log.time_above
                if line <= run.last and time is not None and not (changed and changes[above] >= run.first):
                    found.append((line, time))
        return found

    def run_of(self, lines: Array) -> pa.Array:
        """Return the run of each line."""
        return from_numpy(np.maximum(counts_upto(lines, self.run_lines) - 1, 0, dtype=np.int32))

    def kinds_of(self, table: str) -> list[str]:
        """Return the kinds of message whose rows go to a table."""
        return self.captures.grammar.once(_kinds_by_table).get(table, [])

    def constants(self, captured: Matches, name: str) -> pa.Array | None:
        """Return a constant column that the rules' attributes give, or None where no rule has it."""
        messages = self.captures.grammar.messages
        kinds = one_array(captured.column("kind"))
        values = [messages[k].attributes.get(name) for k in kinds.dictionary.to_pylist()]
        if all(v is None for v in values):
            return None
        if "@wording" not in values:
            return from_list(values, pa.string()).take(kinds.indices)
        wordings = one_array(captured.column("wording")).to_pylist()
        own = ((values[code], wording) for code, wording in zip(codes_of(kinds).tolist(), wordings, strict=True))
        return from_list([wording if value == "@wording" else value for value, wording in own], pa.string())

    def column(self, captured: Matches, name: str) -> Any:
        """Return a captured column as bytes, or the rules' constant of that name, or None."""
        constant = self.constants(captured, name)
        if name not in captured.column_names:
            return constant
        values = one_array(captured.column(name))
        if constant is None:
            return values

        merged = pc.coalesce(to_name(values).cast(pa.string()), constant)
        return merged.dictionary_encode().cast(NAME)
