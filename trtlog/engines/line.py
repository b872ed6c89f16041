"""The line engine: Python's ``re``, one line after the other. For live runs, small logs and rare lines."""

from __future__ import annotations

from collections.abc import Iterable

from trtlog.captures import CONTINUATION, UNKNOWN, Captures, Remark
from trtlog.classify import Classifier, Line
from trtlog.grammar import Grammar
from trtlog.match import Matcher


class LineEngine:
    r"""Fills captures from chunks of whole lines.

    Examples
    --------
    >>> from trtlog import grammar
    >>> engine = LineEngine(grammar.load())
    >>> engine.feed(b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n", 1)
    >>> engine.finish().counts
    {'original_layers': [1, 53]}
    """

    def __init__(self, grammar: Grammar) -> None:
        self.matcher = Matcher(grammar)
        self.classifier = Classifier(grammar, self.matcher)
        self.captures = Captures(grammar, self.matcher.variants)
        self._pending: dict[int, tuple[list[int], list[tuple[bytes | None, ...]]]] = {}
        self._time: bytes | None = None
        self._section = ""

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Read a chunk of whole lines; the last may lack its line end at the end of the log."""
        lines = chunk.split(b"\n")
        tail = lines.pop()
        number = first_line
        for number, line in enumerate(lines, first_line):
            self.take(number, line, len(line) + 1)
        if tail:
            self.take(number + 1 if lines else first_line, tail, len(tail))
        self.flush()

    def feed_lines(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Read numbered lines without line ends."""
        for number, line in lines:
            self.take(number, line, len(line) + 1)
        self.flush()

    def take(self, number: int, line: bytes, size: int) -> Line:
        """Read one line without its line end, ``size`` bytes with it; return what it is."""
        result = self.classifier.classify(number, line)
        captures = self.captures
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
            self._keep(number, part)
            part = part.tail
        return result

    def _keep(self, number: int, result: Line) -> None:
        captures = self.captures
        kind = result.kind
        found = result.found
        if found is not None:
            pending = self._pending.get(found.variant)
            if pending is None:
                self._pending[found.variant] = ([number], [found.groups])
            else:
                pending[0].append(number)
                pending[1].append(found.groups)
        elif kind == CONTINUATION:
            captures.continuations.append((number, result.record, result.body))
        header = result.header
        if header.severity is not None:
            if header.severity not in ("V", "I"):
                captures.remarks.append(Remark(number, header.severity, header.origin, kind, result.body))
            if kind == UNKNOWN:
                captures.unknown.append(Remark(number, header.severity, header.origin, kind, result.body))
        self.note_time(number, header.time)
        if header.producer != "none":
            captures.producers[header.producer] = captures.producers.get(header.producer, 0) + 1
        self.note_section(number)

    def note_time(self, number: int, time: bytes | None) -> None:
        """Note the time that a line prints, where it is another than before."""
        if time is not None and time != self._time:
            self._time = time
            self.captures.times.append((number, time))

    def note_section(self, number: int) -> None:
        """Note the section that the classifier is in, where a line began another."""
        section = self.classifier.section
        if section != self._section:
            self._section = section
            self.captures.openings.append((number, section))

    def flush(self) -> None:
        """Move pending matches into the captures' arrays."""
        for index, (lines, rows) in self._pending.items():
            self.captures.add_rows(index, lines, rows)
        self._pending = {}

    def drain(self) -> None:
        """Complete the captures of all that was fed: they are."""

    def close(self) -> None:
        """Release what the engine holds: nothing here."""

    def finish(self) -> Captures:
        """Return all captures."""
        self.flush()
        return self.captures
