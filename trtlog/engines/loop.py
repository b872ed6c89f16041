"""The inner loop of the line engine in Python alone: for where the one in C is missing, and to hold it against.

`PythonLoop.feed` passes over lines that repeat a header with as little work as Python allows: compare the beginning,
look the body up, append. The engine reads the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trtlog.grammar import Grammar
from trtlog.messages.captures import Captures
from trtlog.messages.classify import Classifier, is_usual
from trtlog.messages.headers import INNER_MARK, NO_HEADER, Header
from trtlog.messages.match import Index

if TYPE_CHECKING:
    import numpy as np

    from trtlog.engines.line import LineEngine

Groups = tuple[bytes | None, ...]
# How to note a line: append its number to the first, and the third to the second.
Hit = tuple[Callable[[int], None], Callable[[Groups], None], Groups]

# Bodies that are remembered, and the length up to which they are.
_BODIES = 1 << 14
_BODY_LENGTH = 400
# Fields of measured values: a body that holds one hardly ever comes again.
_MEASURED = frozenset({"float", "tactic"})
# Text that a line of no surprise does not hold: another header, terminal colours, NULs, carriage returns.
ODD = (INNER_MARK, b"\x1b", b"\0", b"\r")
# The header of no line: none holds a line end.
_NO_TEXT = b"\n"


def odd_texts(chunk: bytes) -> tuple[bytes, ...]:
    """Return the texts that make a line of a chunk one for the classifier."""
    return tuple(mark for mark in ODD if mark is INNER_MARK or mark in chunk)


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


class PythonLoop:
    """Reads chunks line by line.

    Parameters
    ----------
    captures, classifier : Captures, Classifier
        Those of the engine that the loop belongs to; the loop fills the captures and brings the classifier on.
    """

    def __init__(self, captures: Captures, classifier: Classifier) -> None:
        self._pending: dict[int, tuple[list[int], list[Groups]]] = {}
        self._rows = _RowsByVariant(captures.grammar.once(_repeating))
        self._bodies: dict[tuple[str, tuple[Index, ...]], Bodies] = {}
        self.begin_log(captures, classifier)

    def begin_log(self, captures: Captures, classifier: Classifier) -> None:
        """Go on with the captures and the classifier of another log."""
        self._captures = captures
        self._classifier = classifier
        for rows in self._rows.values():  # of a log that an error ended
            rows.lines.clear()
            rows.groups.clear()
        # The last answer of `_expected`, and its section.
        self._expecting = _NO_TEXT, self._classifier.headers.last[1], NO_HEADER, Bodies((), {}, frozenset())
        self._expecting_in = ""

    def feed(self, engine: LineEngine, chunk: bytes, first_line: int, begin: int, end: int) -> None:
        """Read whole lines of a chunk, of which the last may lack its line end; the engine reads what is left."""
        import numpy as np

        chunk = chunk[begin:end]
        lines = chunk.split(b"\n")
        tail = lines.pop()
        self._read(engine, lines, first_line, odd_texts(chunk))
        self._count_rows(np.fromiter(map(len, lines), np.int64, len(lines)) + 1, first_line)
        if tail:
            engine.take(first_line + len(lines), tail, len(tail))
        self.flush()

    def _read(self, engine: LineEngine, lines: list[bytes], first_line: int, odd: tuple[bytes, ...]) -> None:
        """Read lines without line ends; ``odd`` texts make a line one for the classifier.

        What is noted here is counted by `_count_rows`, which must be called before other lines are fed.
        """
        texts = [line.rstrip(b"\r") for line in lines] if b"\r" in odd else lines
        if texts and first_line == self._captures.lines:  # another piece of the line before
            engine.take(first_line, texts[0], len(lines[0]) + 1)
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
                self._pass_over(engine, begun, number, header)
            engine.take(number, line, len(lines[number - first_line]) + 1)
            number += 1
            begun = number
            text, before, header, bodies = self._expected()
            length, known = len(text), bodies.known
        if number > begun:
            self._pass_over(engine, begun, number, header)

    def _expected(self) -> tuple[bytes, tuple[bytes, ...], Header, Bodies]:
        """Return the header that lines are likely to repeat, as `HeaderReader.last`, and the bodies behind it."""
        text, before, header = self._classifier.headers.last
        section = self._classifier.section
        if header is self._expecting[2] and section == self._expecting_in:
            return self._expecting
        if not is_usual(header):
            text = _NO_TEXT
        rules = self._classifier.rules_for(header)
        bodies = self._bodies.get((section, rules))
        if bodies is None:
            bodies = Bodies(rules, self._rows, self._classifier.turning_in(section))
            self._bodies[section, rules] = bodies
        self._expecting_in = section
        self._expecting = text, before, header, bodies
        return self._expecting

    def _pass_over(self, engine: LineEngine, begun: int, end: int, header: Header) -> None:
        """Bring all state up to date behind lines with one header, from ``begun`` to before ``end``."""
        engine.note_time(begun, header.time)
        self._classifier.skip_to(end - 1)
        producers = self._captures.producers
        producers[header.producer] = producers.get(header.producer, 0) + end - begun

    def _count_rows(self, sizes: np.ndarray[Any, Any], first_line: int) -> None:
        """Move what was noted of some lines into the captures; ``sizes`` are those of all lines, with line ends."""
        import numpy as np

        captures = self._captures
        for index, rows in sorted(self._rows.items()):
            if rows.lines:
                numbers = np.array(rows.lines, np.int64)
                size = int(sizes[numbers - first_line].sum())
                captures.count(captures.variants[index].kind, len(numbers), size)
                captures.size += size
                self._hold(index, rows.lines, rows.groups)
                rows.lines.clear()
                rows.groups.clear()
        if len(sizes):
            captures.lines = first_line + len(sizes) - 1

    def count(self) -> None:
        """Complete what is counted: nothing, as each chunk is counted when it was read."""

    def hold(self, variant: int, number: int, groups: Groups) -> None:
        """Keep what the engine read off a line until `flush`."""
        self._hold(variant, [number], [groups])

    def _hold(self, variant: int, numbers: list[int], groups: list[Groups]) -> None:
        lines, rows = self._pending.setdefault(variant, ([], []))
        lines.extend(numbers)
        rows.extend(groups)

    def flush(self) -> None:
        """Move what is kept into the captures' arrays, in order."""
        for index, (lines, rows) in self._pending.items():
            order = sorted(range(len(lines)), key=lines.__getitem__)
            self._captures.add_rows(index, [lines[n] for n in order], [rows[n] for n in order])
        self._pending = {}
