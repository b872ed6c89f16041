"""The line engine: Python's ``re``, one line after the other. For live runs, small logs and rare lines.

Nearly all lines repeat the header of the line above, and nothing but the rule that their body matches tells what
they are. `LineEngine.feed` passes over those with as little work as Python allows: compare the beginning, look
the body up, append. The classifier is told afterwards how far it went (`Classifier.skip_to`), and is given every
other line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from trtlog._util.gc import no_collection
from trtlog.grammar import Grammar
from trtlog.messages.captures import BLANK, CONTINUATION, UNKNOWN, Captures, Remark
from trtlog.messages.classify import Classifier, Line, is_usual
from trtlog.messages.headers import INNER_MARK, NO_HEADER, Header
from trtlog.messages.match import Index, shared_matcher

if TYPE_CHECKING:
    import numpy as np

Groups = tuple[bytes | None, ...]
# How to note a line: append its number to the first, and the third to the second.
Hit = tuple[Callable[[int], None], Callable[[Groups], None], Groups]

# Bodies that are remembered, and the length up to which they are.
_BODIES = 1 << 14
_BODY_LENGTH = 400
# Fields of measured values: a body that holds one hardly ever comes again.
_MEASURED = frozenset({"float", "tactic"})
# Text that a line of no surprise does not hold: terminal colours, NULs, carriage returns.
_ODD = (b"\x1b", b"\0", b"\r")
# The header of no line: none holds a line end.
_NO_TEXT = b"\n"


def odd_texts(chunk: bytes) -> tuple[bytes, ...]:
    """Return the texts that make a line of a chunk one for the classifier."""
    return (INNER_MARK, *(mark for mark in _ODD if mark in chunk))


class Rows:
    """What was noted of one variant: line numbers and captured fields; ``repeats`` where bodies come again."""

    __slots__ = ("groups", "lines", "repeats")

    def __init__(self, repeats: bool) -> None:
        self.lines: list[int] = []
        self.groups: list[Groups] = []
        self.repeats = repeats


def _repeating(grammar: Grammar) -> list[bool]:
    """Return for each variant whether its bodies are likely to come again."""
    measured = {name for name, field in grammar.fields.items() if field.type in _MEASURED}
    return [measured.isdisjoint(variant.fields) for variant in grammar.variants]


class _RowsByVariant(dict[int, Rows]):
    """The rows of each variant, made when the first is noted."""

    def __init__(self, repeating: list[bool]) -> None:
        super().__init__()
        self._repeating = repeating

    def __missing__(self, variant: int) -> Rows:
        rows = self[variant] = Rows(self._repeating[variant])
        return rows


class Bodies:
    """The bodies that some rules know, with what is captured from them.

    Parameters
    ----------
    indexes : sequence of Index
        The rules, in the order of precedence.
    rows : dict of Rows
        What is collected for each variant.
    turning : frozenset of int
        Variants of which the classifier must see each line.
    """

    def __init__(self, indexes: tuple[Index, ...], rows: dict[int, Rows], turning: frozenset[int]) -> None:
        self._indexes = indexes
        self._rows = rows
        self._turning = turning
        self.known: dict[bytes, Hit] = {}

    def look_up(self, body: bytes, odd: tuple[bytes, ...]) -> Hit | None:
        """Return how to note a line of this body; None where the classifier must see it."""
        for mark in odd:
            if mark in body:
                return None
        for index in self._indexes:
            found = index.search(body)
            if found is not None:
                variant, groups = found
                if variant in self._turning:
                    return None
                rows = self._rows[variant]
                hit = rows.lines.append, rows.groups.append, groups
                if rows.repeats and len(body) <= _BODY_LENGTH:
                    if len(self.known) >= _BODIES:
                        self.known.clear()
                    self.known[body] = hit
                return hit
        return None


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
        self.matcher = shared_matcher(grammar)
        self.classifier = Classifier(grammar, self.matcher)
        self.captures = Captures(grammar, self.matcher.variants)
        self._pending: dict[int, tuple[list[int], list[Groups]]] = {}
        self._held = 0
        self._time: bytes | None = None
        self._section = ""
        self._kind = BLANK  # of the last line that `take` read
        self._rows = _RowsByVariant(grammar.once(_repeating))
        self._bodies: dict[tuple[str, tuple[Index, ...]], Bodies] = {}
        # What `_expected` said last, and for which section.
        self._expecting = _NO_TEXT, self.classifier.headers.last[1], NO_HEADER, Bodies((), {}, frozenset())
        self._expecting_in = ""

    def feed(self, chunk: bytes, first_line: int) -> None:
        """Read a chunk of whole lines; the last may lack its line end at the end of the log."""
        import numpy as np

        lines = chunk.split(b"\n")
        tail = lines.pop()
        with no_collection():
            self.read(lines, first_line, odd_texts(chunk))
            self.count(np.fromiter(map(len, lines), np.int64, len(lines)) + 1, first_line)
            if tail:
                self.take(first_line + len(lines), tail, len(tail))
            self.flush()

    def read(self, lines: list[bytes], first_line: int, odd: tuple[bytes, ...]) -> None:
        """Read lines without line ends; ``odd`` texts make a line one for the classifier.

        What is noted here is counted by `count`, which must be called before other lines are fed.
        """
        texts = [line.rstrip(b"\r") for line in lines] if b"\r" in odd else lines
        if texts and first_line == self.captures.lines:  # another piece of the line before
            self.take(first_line, texts[0], len(lines[0]) + 1)
            first_line, lines, texts = first_line + 1, lines[1:], texts[1:]
        number = begun = first_line  # the lines from begun on repeat the header
        text, before, header, bodies = self._expected()
        length, known = len(text), bodies.known
        for line in texts:
            if line.startswith(text) and not (before and line.startswith(before, length)):
                body = line[length:]
                hit = known.get(body) or bodies.look_up(body, odd)
                if hit is not None:
                    hit[0](number)
                    hit[1](hit[2])
                    number += 1
                    continue
            if number > begun:
                self._pass_over(begun, number, header)
            self.take(number, line, len(lines[number - first_line]) + 1)
            number += 1
            begun = number
            text, before, header, bodies = self._expected()
            length, known = len(text), bodies.known
        if number > begun:
            self._pass_over(begun, number, header)

    def _expected(self) -> tuple[bytes, tuple[bytes, ...], Header, Bodies]:
        """Return the header that lines are likely to repeat, as `HeaderReader.last`, and the bodies behind it."""
        text, before, header = self.classifier.headers.last
        section = self.classifier.section
        if header is self._expecting[2] and section == self._expecting_in:
            return self._expecting
        if not is_usual(header):
            text = _NO_TEXT
        rules = self.classifier.rules_for(header)
        bodies = self._bodies.get((section, rules))
        if bodies is None:
            bodies = Bodies(rules, self._rows, self.classifier.turning_in(section))
            self._bodies[section, rules] = bodies
        self._expecting_in = section
        self._expecting = text, before, header, bodies
        return self._expecting

    def _pass_over(self, begun: int, end: int, header: Header) -> None:
        """Bring all state up to date behind lines with one header, from ``begun`` to before ``end``."""
        self.note_time(begun, header.time)
        self.classifier.skip_to(end - 1)
        producers = self.captures.producers
        producers[header.producer] = producers.get(header.producer, 0) + end - begun

    def count(self, sizes: np.ndarray[Any, Any], first_line: int) -> None:
        """Move what was noted of some lines into the captures; ``sizes`` are those of all lines, with line ends."""
        import numpy as np

        captures = self.captures
        for index, rows in sorted(self._rows.items()):
            if rows.lines:
                numbers = np.array(rows.lines, np.int64)
                size = int(sizes[numbers - first_line].sum())
                captures.count(self.matcher.variants[index].kind, len(numbers), size)
                captures.size += size
                self.hold(index, rows.lines, rows.groups)
                rows.lines.clear()
                rows.groups.clear()
        if len(sizes):
            captures.lines = first_line + len(sizes) - 1

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
            self.hold(found.variant, (number,), (found.groups,))
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
        if time is not None and time != self._time:
            self._time = time
            self.captures.times.append((number, time))

    def note_section(self, number: int) -> None:
        """Note the section that the classifier is in, where a line began another."""
        section = self.classifier.section
        if section != self._section:
            self._section = section
            self.captures.openings.append((number, section))

    def hold(self, variant: int, numbers: Sequence[int], groups: Sequence[Groups]) -> None:
        """Keep what lines capture until `flush`."""
        self._held += len(numbers)
        pending = self._pending.get(variant)
        if pending is None:
            self._pending[variant] = (list(numbers), list(groups))
        else:
            pending[0].extend(numbers)
            pending[1].extend(groups)

    def flush(self, most: int = 0) -> None:
        """Move what is held into the captures' arrays, in order, where it is more than ``most`` lines."""
        if self._held <= most:
            return
        self._held = 0
        for index, (lines, rows) in self._pending.items():
            order = sorted(range(len(lines)), key=lines.__getitem__)
            self.captures.add_rows(index, [lines[n] for n in order], [rows[n] for n in order])
        self._pending = {}

    def drain(self) -> None:
        """Complete the captures of all that was fed: they are."""

    def close(self) -> None:
        """Release what the engine holds: nothing here."""

    def finish(self) -> Captures:
        """Return all captures."""
        self.flush()
        return self.captures
