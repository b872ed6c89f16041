"""Where the runs of a log begin and end.

A run of trtexec stands between its two banners. Where the first one is missing it begins behind the run before it;
where the last one is missing it ends before the next. Text of TensorRT outside of banners, as a Python program prints
it, is a run of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from trtlog._util.arrow import Array, among
from trtlog.messages.captures import BLANK, Captures
from trtlog.tables.clock import parse_times

# What trtexec's libraries print after its last banner, when they are unloaded.
_CLOSING = frozenset({"memory_change", "memory_snapshot", "timing_cache_deleted", "memory_peak"})
_CLOSING_EVENT = b"Init CUDA"  # of memory_change: a process begins, none ends
# Threads print their times in another order, but not by so much.
_SET_BACK_S = 2
_TRTEXEC = ("trtexec_tensorrt", "trtexec_own", "untimed_tensorrt")


class RunBounds(NamedTuple):
    """The lines of a run, and the fields of its banners, None for one that is missing."""

    first: int
    last: int
    started: dict[str, Any] | None
    ended: dict[str, Any] | None

    @property
    def line(self) -> int:
        """The line of the first banner, else the first line."""
        return int(self.started["line"]) if self.started else self.first

    def printed(self, field: str) -> Any:
        """Return a field of the first banner, else of the last."""
        for banner in (self.started, self.ended):
            if banner is not None and banner.get(field) is not None:
                return banner[field]
        return None


_Banner = tuple[str, dict[str, Any]]


def run_bounds(captures: Captures) -> list[RunBounds]:
    """Return the runs of a log, in order; there is at least one."""
    return [run for runs in runs_by_log(captures) for run in runs]


def runs_by_log(captures: Captures) -> list[list[RunBounds]]:
    """Return the runs of each log."""
    banners: list[_Banner] = [
        *(("start", row) for row in captures.rows("run_started")),
        *(("end", row) for row in captures.rows("run_ended")),
    ]
    banners.sort(key=lambda banner: int(banner[1]["line"]))
    text = _Text(captures) if banners else None
    lines = [int(banner["line"]) for _, banner in banners]
    out = []
    for log in captures.logs:
        own = banners[bisect_left(lines, log.first) : bisect_right(lines, log.lines)]
        last = max(log.lines, log.first)
        out.append(_runs(log.first, last, own, text) if text and own else [RunBounds(log.first, last, None, None)])
    return out


def _runs(first: int, last_line: int, banners: Sequence[_Banner], text: _Text) -> list[RunBounds]:
    """Return the runs between two lines; ``first`` becomes the first line that is in no run yet."""
    runs: list[RunBounds] = []
    started: dict[str, Any] | None = None
    after_end = False
    for word, banner in banners:
        line = int(banner["line"])
        if word == "start":
            if started is not None:
                runs.append(RunBounds(first, line - 1, started, None))
                first = line
            else:
                first = _between(text, runs, first, line, after_end)
            started = banner
        elif started is not None and not _same_command(started, banner):
            restart = text.second_options(first, line) or text.set_back(first, line) or line
            runs += [RunBounds(first, restart - 1, started, None), RunBounds(restart, line, None, banner)]
            first, started = line + 1, None
        else:
            if started is None:
                first = _begin(text, runs, first, line, after_end) or (line if runs else first)
            runs.append(RunBounds(first, line, started, banner))
            first, started = line + 1, None
        after_end = word == "end"
    if started is not None:
        runs.append(RunBounds(first, last_line, started, None))
    else:
        _between(text, runs, first, last_line + 1, after_end)
    return runs


def _between(text: _Text, runs: list[RunBounds], first: int, end: int, after_end: bool) -> int:
    """Make a run of TensorRT's text between two runs, where there is some; return the first line that is in none."""
    above = len(runs)
    begin = _begin(text, runs, first, end, after_end)
    if begin is not None:
        runs.append(RunBounds(begin, end - 1, None, None))
    return end if above or begin is not None else first


def _begin(text: _Text, runs: list[RunBounds], first: int, end: int, after_end: bool) -> int | None:
    """Return where TensorRT's text begins between two lines; what stands before it is the end of the run above."""
    begin = text.begin(first, end, closing=after_end)
    if not runs:
        return None if begin is None else first
    runs[-1] = runs[-1]._replace(last=end - 1 if begin is None else begin - 1)
    return begin


def _same_command(started: dict[str, Any], ended: dict[str, Any]) -> bool:
    """Return whether a last banner may be of the run of a first one: a command may be cut, it does not change."""
    commands = [" ".join((banner.get("command") or "").split()) for banner in (started, ended)]
    return commands[0].startswith(commands[1]) or commands[1].startswith(commands[0])


class _Text:
    """The lines of a log that rows of tables come from."""

    def __init__(self, captures: Captures) -> None:
        self._captures = captures
        messages = captures.grammar.messages
        self._chunks: list[tuple[Array, Any, str]] = []
        for index, chunks in captures.columns.items():
            variant = captures.variants[index]
            if "bare" in messages[variant.kind].attributes:
                continue
            place = variant.fields.index("event") if "event" in variant.fields else -1
            for lines, fields in chunks:
                self._chunks.append((lines, fields[place] if place >= 0 else None, variant.kind))

    def _remarks(self, *, closing: bool = False) -> Array:
        """The lines of warnings and errors; with ``closing`` those that trtexec prints as it ends."""
        remarks = self._captures.remarks
        wanted = [kind != BLANK and (by in _TRTEXEC or not closing) for _, _, kind, _, by in remarks.keys]
        lines: Array = remarks.lines()
        out: Array = lines[np.array(wanted, bool)[remarks.codes()]]
        return out

    @cached_property
    def _every(self) -> Array:
        """All lines, those of one variant after those of another."""
        return np.concatenate([*(lines for lines, _, _ in self._chunks), self._remarks()])

    @cached_property
    def _lines(self) -> Array:
        return np.sort(self._every)

    @cached_property
    def _others(self) -> Array:
        """The lines that do not close a run."""
        closes = among(self._every, self._remarks(closing=True))
        end = 0
        for lines, events, kind in self._chunks:
            begin, end = end, end + len(lines)
            if kind in _CLOSING:
                printed = [None] * len(lines) if events is None else events.to_pylist()
                closes[begin:end] = [event != _CLOSING_EVENT for event in printed]
        return np.sort(self._every[~closes])

    @cached_property
    def _options(self) -> Array:
        found = [lines for lines, _, kind in self._chunks if kind == "model_options"]
        return np.sort(np.concatenate([np.zeros(0, np.int64), *found]))

    def begin(self, first: int, end: int, *, closing: bool) -> int | None:
        """Return the first line of TensorRT's text between two lines; what closes the run above is not meant."""
        if first >= end:
            return None
        if not closing and self._captures.begun and first == self._captures.first:
            return first
        lines = self._others if closing else self._lines
        place = int(np.searchsorted(lines, first))
        return int(lines[place]) if place < len(lines) and lines[place] < end else None

    def second_options(self, first: int, end: int) -> int:
        """Return the line of the last heading of the model options where several stand between two lines, else 0."""
        place, last = np.searchsorted(self._options, (first, end)).tolist()
        return int(self._options[last - 1]) if last - place > 1 else 0

    def set_back(self, first: int, end: int) -> int:
        """Return the last line between two at which the printed clock is set back, 0 where it never is.

        Where the banners of two commands say that two runs stand there, this is where the second one goes on.
        """
        times = [(line, stamp) for line, stamp in self._captures.times if first <= line < end]
        seconds, valid = parse_times([stamp for _, stamp in times])
        lines = np.array([line for line, _ in times], np.int64)[valid]
        back = np.flatnonzero(np.diff(seconds[valid]) <= -_SET_BACK_S)
        return int(lines[back[-1] + 1]) if len(back) else 0
