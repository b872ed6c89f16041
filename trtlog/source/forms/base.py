"""What a form is: a way in which people copy logs or programs collect them, found in a text as a whole and undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from trtlog._util.dataclass import dataclass
from trtlog.source.forms.judge import MESSAGE, Judge
from trtlog.source.plain import FARTHEST, holds_record

# How many lines are judged to tell whether a form is there.
JUDGED = 200
# The share of lines that must have a form before it is undone in the hope that another lies below it.
MOST = 0.6
Made = TypeVar("Made")


class Undo:
    """What undoes a form line by line, once it was found.

    Attributes
    ----------
    key : str
        Equal for two that do the same.
    note : str
        What is said of the log: what was found, and what became of it.
    certain : bool
        Whether the text as a whole is evidence enough, though the grammar reads free text in either form.
    outer : bool
        Whether what is cut off is a header itself: lines without another are not known worse for it.
    """

    outer = False

    def __init__(self, key: str, note: str, *, certain: bool = False) -> None:
        self.key = key
        self.note = note
        self.certain = certain

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines undone, as many as there were."""
        raise NotImplementedError


class Replace(Undo):
    """Undoes a form by one replacement in the text: by other bytes, or by what a function makes of what is found."""

    def __init__(
        self,
        key: str,
        note: str,
        expression: bytes,
        by: bytes | Callable[[re.Match[bytes]], bytes] = b"",
        *,
        certain: bool = False,
    ) -> None:
        super().__init__(key, note, certain=certain)
        self._sub = re.compile(expression, re.MULTILINE).sub
        self._by = by

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines undone."""
        return self._sub(self._by, data)


class Reflow(Undo):
    """Undoes a form that changes which lines there are; it may keep the last line until the next is there."""

    def fresh(self) -> Reflow:
        """Return one that does the same and has seen nothing."""
        raise NotImplementedError

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        """Return lines undone, each with the number of the line in the file where it begins.

        Parameters
        ----------
        lines, numbers : sequences
            Lines without line ends, and their numbers.
        last : bool
            Whether no line follows.
        """
        raise NotImplementedError


@dataclass
class Sample:
    """Lines of a log from which forms are found."""

    lines: list[bytes]
    judge: Judge
    joined: int = 0
    _worth: dict[bytes, int] = field(default_factory=dict)
    _holds: dict[bytes, bool] = field(default_factory=dict)
    _undone: dict[str, Sample] = field(default_factory=dict)
    _made: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def data(self) -> bytes:
        """The lines as one text."""
        return b"\n".join(self.lines) + b"\n"

    @cached_property
    def filled(self) -> int:
        """Number of lines that hold something."""
        return sum(bool(line.strip()) for line in self.lines)

    @cached_property
    def hidden(self) -> list[bytes]:
        """Lines without a header of their own that hold what records hold: something may stand in front of one."""
        return [line for line in self.unread if self.holds(line)]

    def holds(self, line: bytes) -> bool:
        """Tell whether a line holds what records hold, or what a logger of the user's own begins records with."""
        known = self._holds.get(line)
        if known is None:
            own = self.judge.logger
            known = holds_record(line) or (own is not None and any(True for _ in own.inside(line, FARTHEST)))
            self._holds[line] = known
        return known

    def worth(self, line: bytes) -> int:
        """Return how much the grammar knows of a line, remembered."""
        known = self._worth.get(line)
        if known is None:
            known = self._worth[line] = self.judge.worth(line)
        return known

    @cached_property
    def unread(self) -> list[bytes]:
        """Lines without a header of their own, some of them where there are many."""
        step = max(1, len(self.lines) // (4 * JUDGED))
        return [line for line in self.lines[::step] if line.strip() and not self.judge.begins(line)]

    @cached_property
    def score(self) -> int:
        """Return the worth of all lines together, and of those that became parts of known ones."""
        return sum(map(self.worth, self.lines)) + self.joined

    @cached_property
    def share(self) -> float:
        """Share of the text that stands in lines that are known."""
        whole = sum(map(len, self.lines))
        return sum(len(line) * self.worth(line) for line in self.lines) / (MESSAGE * whole) if whole else 1.0

    @cached_property
    def clarity(self) -> int:
        """Return the worth of all lines together, less the number of those of which nothing is known."""
        return self.score - sum(bool(line.strip()) and not self.worth(line) for line in self.lines)

    def made(self, make: Callable[[Sample], Made]) -> Made:
        """Return what a function makes of the sample, made once."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made

    def undone(self, undo: Undo) -> Sample:
        """Return the sample as it reads undone, remembered."""
        known = self._undone.get(undo.key)
        if known is None:
            known = self._undone[undo.key] = self._undo(undo)
        return known

    def _undo(self, undo: Undo) -> Sample:
        if isinstance(undo, Reflow):
            lines, numbers = undo.fresh().reflow(self.lines, range(1, len(self.lines) + 1), True)
            return Sample(lines, self.judge, self._joined(lines, numbers), self._worth, self._holds)
        return Sample(undo.rewrite(self.data).split(b"\n")[:-1], self.judge, self.joined, self._worth, self._holds)

    def _joined(self, lines: list[bytes], numbers: list[int]) -> int:
        """Return how many lines of which nothing was known became parts of a known one."""
        count = self.joined
        for line, begin, end in zip(lines, numbers, [*numbers[1:], len(self.lines) + 1], strict=True):
            if end > begin + 1 and self.worth(line) == MESSAGE:
                count += sum(not self.worth(part) for part in self.lines[begin - 1 : end - 1])
        return count

    def gain(self, undo: Undo, after: Sample) -> tuple[int, int, int]:
        """Return how many lines are known better and worse when undone, and how many change."""
        if isinstance(undo, Reflow):
            better = after.score - self.score
            return max(0, better), max(0, -better), len(self.lines)
        pairs = [pair for pair in zip(self.lines, after.lines, strict=True) if pair[0] != pair[1]]
        known = [pair for pair in pairs if self.worth(pair[0]) == MESSAGE]
        others = [pair for pair in pairs if self.worth(pair[0]) < MESSAGE]
        judged = [*known[:: max(1, len(known) // JUDGED)], *others[:: max(1, len(others) // JUDGED)]]
        if undo.certain:
            judged = list(dict.fromkeys(judged))  # a line that is printed again is no further evidence against the form
        worth = [(self.worth(old), self.worth(new)) for old, new in judged]
        better = sum(new > old for old, new in worth)
        return better, 0 if undo.outer else sum(new < old for old, new in worth), len(pairs)


class PerLine(Reflow):
    """Makes lines of each line, or none of it."""

    def fresh(self) -> PerLine:
        """Return itself: it remembers nothing."""
        return self

    def pieces(self, line: bytes) -> Sequence[bytes]:
        """Return what a line becomes."""
        raise NotImplementedError

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        """Return the lines that all become, each with the number of the one that it was."""
        out: list[bytes] = []
        places: list[int] = []
        for line, number in zip(lines, numbers, strict=True):
            pieces = self.pieces(line)
            out += pieces
            places += [number] * len(pieces)
        return out, places


class Form:
    """A form that text comes in.

    Attributes
    ----------
    name : str
        What people call it.
    about : str
        What it looks like and what is undone, a sentence for the documentation.
    samples : tuple of (bytes, bytes)
        Texts as they are found and as they are undone.
    least : int
        Lines that must be known better when it is undone.
    hides : bool
        Whether another form may lie below this one, so that nothing is known before both are undone.
    """

    name: str
    about: str
    samples: tuple[tuple[bytes, bytes], ...]
    least: ClassVar[int] = 2
    hides: ClassVar[bool] = False

    def find(self, sample: Sample) -> list[Undo]:
        """Return what may undo the form in a text, the likeliest first; nothing where it is not there."""
        raise NotImplementedError


class InFront(Form):
    """A form that puts something in front of each line.

    Parameters
    ----------
    name, about, samples
        As for :class:`Form`.
    expressions : tuple of bytes
        What may stand in front, each a form of its own.
    marks : (bytes, bytes), optional
        Where a line may come in parts: ``opening`` and ``joining`` of :class:`Parts`.
    """

    hides = True

    def __init__(
        self,
        name: str,
        about: str,
        samples: tuple[tuple[bytes, bytes], ...],
        expressions: tuple[bytes, ...],
        marks: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.name, self.about, self.samples = name, about, samples
        self.expressions = expressions
        self._marks = marks

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts off what stands in front of most lines."""
        lines = sample.hidden[:JUDGED]
        found = []
        for pattern in self.expressions if lines else ():
            match = re.compile(pattern).match
            count = sum(match(line) is not None for line in lines)
            if count > 1 or (count and sample.filled < 3):
                found.append((count, self.undo(pattern, sample)))
        return [undo for _, undo in sorted(found, key=lambda pair: -pair[0])]

    def undo(self, expression: bytes, sample: Sample) -> Undo:
        """Return what cuts off what an expression matches; lines of others than those who print records go."""
        key, note = f"{self.name} {expression!r}", f"{self.name}: what stands in front of each line was cut off"
        pattern = re.compile(expression)
        if self._marks is not None:
            return Parts(key, note, pattern, *self._marks)
        if not pattern.groups:
            return Replace(key, note, rb"^(?:%b)" % expression)
        found = [(match[1], sample.holds(line)) for line in sample.lines if (match := pattern.match(line))]
        others = sorted({who for who, _ in found} - {who for who, holds in found if holds})
        if not others:
            return Replace(key, note, rb"^(?:%b)" % expression)
        return Cut(key, note, pattern, others)


class Cut(PerLine):
    """Cuts off what stands in front of lines, and leaves out those of other programs."""

    def __init__(self, key: str, note: str, pattern: re.Pattern[bytes], others: list[bytes]) -> None:
        names = ", ".join(who.decode("utf-8", "replace") for who in others[:3])
        super().__init__(key, f"{note}; lines of {names}{' and others' if len(others) > 3 else ''} were left out")
        self._match = pattern.match
        self._others = frozenset(others)

    def pieces(self, line: bytes) -> Sequence[bytes]:
        """Return a line of those who print records, without what stands in front of it."""
        found = self._match(line)
        if found is None:
            return (line,)
        return () if found[1] in self._others else (line[found.end() :],)


class Parts(Reflow):
    """Cuts off what stands in front of lines, and puts together those that came in parts.

    Parameters
    ----------
    pattern : Pattern
        What stands in front; its group is a mark.
    opening, joining : bytes
        The mark of a part that goes on in the next line, and that of a part that belongs to the line above.
    """

    def __init__(self, key: str, note: str, pattern: re.Pattern[bytes], opening: bytes, joining: bytes) -> None:
        super().__init__(key, note)
        self._args = key, note, pattern, opening, joining
        self._match, self._opening, self._joining = pattern.match, opening, joining
        self._text: bytes | None = None
        self._number = 0
        self._open = False

    def fresh(self) -> Parts:
        """Return one that has seen nothing."""
        return Parts(*self._args)

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        """Return whole lines, each with the number of its first part."""
        out: list[bytes] = []
        places: list[int] = []
        for line, number in zip(lines, numbers, strict=True):
            found = self._match(line)
            mark = found[1] if found is not None else b""
            text = line if found is None else line[found.end() :]
            if self._text is not None and found is not None and (self._open or (mark and mark == self._joining)):
                self._text += text
            else:
                self._flush(out, places)
                self._text, self._number = text, number
            self._open = bool(mark) and mark == self._opening
        if last:
            self._flush(out, places)
        return out, places

    def _flush(self, out: list[bytes], places: list[int]) -> None:
        if self._text is not None:
            out.append(self._text)
            places.append(self._number)
            self._text = None
