"""The line engine: tells of each line what it is, in order, and keeps what it captures.

Nearly all lines repeat the header of the line above, and nothing but the rule that their body matches tells what they
are. An inner loop passes over those: in C where that was built (:mod:`trtlog.engines.native`), else in Python
(:mod:`trtlog.engines.loop`). It hands every other line to `LineEngine.take`, and tells the classifier how far it went
(`Classifier.skip_to`): so both loops say the same of every line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trtlog._util.gc import no_collection
from trtlog.engines.library import library
from trtlog.engines.loop import PythonLoop
from trtlog.engines.native_match import fastest_matcher
from trtlog.grammar import Grammar
from trtlog.messages.captures import BLANK, CONTINUATION, FOREIGN, UNKNOWN, USAGE, Captures, Remark
from trtlog.messages.classify import Classifier, Line
from trtlog.messages.headers import NO_HEADER
from trtlog.messages.match import shared_matcher
from trtlog.messages.together import GAP, joined

if TYPE_CHECKING:
    from trtlog.engines.native import NativeLoop

# Bytes of lines that are compared at once with the one above.
_ALIKE_BYTES = 1 << 16
_HEADLESS = frozenset({FOREIGN, BLANK, USAGE, CONTINUATION})


class LineEngine:
    r"""Fills captures from chunks of whole lines.

    Parameters
    ----------
    grammar : Grammar
        The rules.
    native : bool
        Whether the inner loop runs in C, where that was built.

    Examples
    --------
    >>> from trtlog import grammar
    >>> engine = LineEngine(grammar.load())
    >>> engine.feed(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n", 1)
    >>> engine.finish().counts
    {'original_layers': [1, 53]}
    """

    reads_several = True

    def __init__(self, grammar: Grammar, *, native: bool = True) -> None:
        self._grammar = grammar
        self.matcher = fastest_matcher(grammar) if native else shared_matcher(grammar)
        self._logs: list[Captures] = []  # that were read before the one that is
        self._start(0)
        self._loop = _loop_of(self.captures, self.classifier, native)

    def _start(self, above: int) -> None:
        """Begin a log; its first line has the number behind ``above``."""
        self.classifier = Classifier(self._grammar, self.matcher)
        self.captures = Captures(self._grammar, self.matcher.variants, above=above, first=above + 1, lines=above)
        self.time: bytes | None = None  # that was printed last
        self._section = ""
        self._kind = BLANK  # of the last line that `take` read

    def begin_log(self, above: int | None = None) -> None:
        """Go on with another log: its lines are numbered behind those of the one above, of which nothing else is left.

        Also where an error ended that one in the middle. Lines may have the numbers behind ``above`` instead.
        """
        self._loop.count()
        self._logs.append(self.captures)
        self._start(self.captures.lines + GAP if above is None else above)
        self._loop.begin_log(self.captures, self.classifier)

    def end_log(self) -> Captures:
        """Complete what is counted of a log; return its captures, whose rows come with `finish`."""
        self._loop.count()
        return self.captures

    def feed(self, chunk: bytes, first_line: int, begin: int = 0, end: int | None = None) -> None:
        """Read whole lines, ``begin`` to ``end`` of a chunk; at the end of the log the last may lack its line end."""
        with no_collection():
            self._loop.feed(self, chunk, first_line, begin, len(chunk) if end is None else end)

    @property
    def last_line(self) -> int:
        """The number of the last line that was read."""
        return self.captures.lines

    def take(self, number: int, line: bytes, size: int) -> Line:
        """Read one line without its line end, ``size`` bytes with it; return what it is.

        A line of the same number as the one before is another piece of it: the records in it are read.
        """
        captures = self.captures
        if number == captures.lines:
            return self._take_more(number, line, size)
        result = self.classifier.classify(number, line)
        self._kind = result.kind
        captures.lines = number
        captures.size += size
        kind = result.kind
        entry = captures.counts.get(kind)
        if entry is None:
            captures.counts[kind] = [1, size]
        else:
            entry[0] += 1
            entry[1] += size
        part: Line | None = result
        while part is not None:  # a torn line holds several records
            self._keep(number, part, torn=result.tail is not None)
            part = part.tail
        return result

    def take_alike(self, number: int, chunk: bytes, begin: int, end: int, limit: int) -> int:
        """Read the lines up to ``limit`` that repeat line ``number``, ``begin`` to ``end``, just read; return how many.

        A line that leaves all state as it was makes of an equal line behind it what it was made of: a file of ten
        million times one word, or one error, is counted, not read. A line with a header begins a record of its own.
        """
        line, captures = chunk[begin:end], self.captures
        if not chunk.startswith(line, end, limit) or not line.endswith(b"\n"):
            return 0
        before = self.classifier.state(number)
        result = self.take(number + 1, line[:-1], len(line))
        headless = result.found is None and result.header is NO_HEADER and self._kind in _HEADLESS
        begins = result.header is not NO_HEADER and result.record == number + 1
        if result.tail is not None or not (headless or begins):
            return 1
        if self.classifier.state(number + begins) != before:
            return 1
        more, step, most = 0, 1, max(1, _ALIKE_BYTES // len(line))
        place = end + len(line)
        while step:
            if chunk.startswith(line * step, place, limit):
                more, place, step = more + step, place + step * len(line), min(2 * step, most)
            else:
                step //= 2
        captures.lines += more
        captures.size += more * len(line)
        captures.count(result.kind, more, more * len(line))
        self._keep_alike(number + 2, more, result)
        return 1 + more

    def _keep_alike(self, number: int, times: int, result: Line) -> None:
        """Keep what a line is for the equal ones from a number on, as `_keep` does."""
        captures, header, found = self.captures, result.header, result.found
        if result.kind == CONTINUATION:
            captures.continuations.repeat_last(times)
        if found is not None:
            for line in range(number, number + times):
                self._loop.hold(found.variant, line, found.groups)
        if header.severity is not None and header.severity not in ("V", "I"):
            captures.remarks.repeat_last(times)
        if header.severity is not None and result.kind == UNKNOWN:
            captures.unknown.repeat_last(times)
        if header.producer != "none":
            captures.producers[header.producer] += times
        if header is not NO_HEADER:
            self.classifier.begin_record(number + times - 1)

    def _take_more(self, number: int, piece: bytes, size: int) -> Line:
        """Read another piece of a line that is too long to be read at once; it is counted with the first."""
        self.captures.size += size
        self.captures.counts[self._kind][1] += size
        first = part = self.classifier.records_in(number, piece)
        while part is not None:
            self._keep(number, part, torn=True)
            part = part.tail
        return first or Line(number, CONTINUATION, None, NO_HEADER, piece, number)

    def _keep(self, number: int, result: Line, *, torn: bool) -> None:
        captures = self.captures
        kind = result.kind
        found = result.found
        if found is not None:
            self._loop.hold(found.variant, number, found.groups)
            if torn:
                captures.torn.setdefault(number, []).append(found.variant)
        elif kind == CONTINUATION:
            captures.continuations.append((number, result.record, result.body))
        header = result.header
        if header.severity is not None and (kind == UNKNOWN or header.severity not in ("V", "I")):
            remark = Remark(number, header.severity, header.origin, kind, result.body, header.producer)
            if header.severity not in ("V", "I"):
                captures.remarks.append(remark)
            if kind == UNKNOWN:
                captures.unknown.append(remark)
        self.note_time(number, header.time)
        if header.producer != "none":
            captures.producers[header.producer] = captures.producers.get(header.producer, 0) + 1
        self.note_section(number)

    def note_time(self, number: int, time: bytes | None) -> None:
        """Note the time that a line prints, where it is another than before."""
        if time is not None and time != self.time:
            self.time = time
            self.captures.times.append((number, time))

    def note_section(self, number: int) -> None:
        """Note the section that the classifier is in, where a line began another."""
        section = self.classifier.section
        if section != self._section:
            self._section = section
            self.captures.openings.append((number, section))

    def drain(self) -> None:
        """Complete the captures of all that was fed."""
        self._loop.flush()

    def finish(self) -> Captures:
        """Return all captures."""
        self.drain()
        return joined([*self._logs, self.captures]) if self._logs else self.captures

    def close(self) -> None:
        """Release what the engine holds: nothing but memory."""


def _loop_of(captures: Captures, classifier: Classifier, native: bool) -> PythonLoop | NativeLoop:
    if native and library() is not None:
        from trtlog.engines.native import NativeLoop

        return NativeLoop(captures, classifier)
    return PythonLoop(captures, classifier)
