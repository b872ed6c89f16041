"""Records that were cut at a fixed width, at any character or between words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from trtlog.source.forms.base import Form, Reflow, Sample, Undo
from trtlog.source.forms.judge import Judge
from trtlog.source.forms.stamps import COLLECTORS

_NARROWEST, _WIDEST = 40, 1000
_LEAST = 2
_SHARE = 0.8
_FRONT_SHARE = 0.1
# What may stand in front of a record, be it an expression of a collector's or a number.
FRONTS = (
    *(expression for form in COLLECTORS for expression in form.expressions),
    rb" *[0-9]+\t",
    rb" *[0-9]+ ?\| ",
    rb"[0-9]+[:-](?=[\[&])",
)
# A record is put together up to this size.
_LONGEST = 1 << 20
_OPENING = re.compile(rb"[(\[{]")
_CLOSING = re.compile(rb"[)\]}]")


class Wrapped(Form):
    """Hard wraps."""

    name = "hard wraps"
    about = (
        "Lines cut at a fixed width, as a terminal, `fold` or a mail program cuts them, at any character or between "
        "words. A record has the number of its first line."
    )
    samples = (
        (
            b"[11/22/2026-13:22:03] [V] [TRT] Layer one\nand two\n[11/22/2026-13:22:03] [V] [TRT] Layer six\nand ten",
            b"[11/22/2026-13:22:03] [V] [TRT] Layer oneand two\n[11/22/2026-13:22:03] [V] [TRT] Layer sixand ten",
        ),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that joins lines of the commonest width, and one that joins words."""
        if len(sample.unread) < _LEAST:
            return []
        begins = [sample.judge.begins(line) or sample.judge.behind(line) > 0 for line in sample.lines]
        pairs = [
            (line, following)
            for line, following, record in zip(sample.lines, sample.lines[1:], begins[1:], strict=False)
            if not record and line.strip() and following
        ]
        undos: list[Undo] = []
        widths = Counter(_width(line) for line, _ in pairs)
        for width, count in widths.most_common(3):
            if count >= _LEAST and _NARROWEST <= width <= _WIDEST:
                undos.append(_Join(width, sample, words=False))
        if len(pairs) >= _LEAST:
            longest = sorted(_width(line) for line, _ in pairs)[-1 - len(pairs) // 50]
            full = sum(_is_full(line, following, longest) for line, following in pairs)
            if _NARROWEST <= longest <= _WIDEST and full >= _SHARE * len(pairs):
                undos.append(_Join(longest, sample, words=True))
        return undos

    def evident(self, sample: Sample) -> list[Undo]:
        """Return one for a width that many lines reach and none is over, whatever stands in front of records."""
        widths = Counter(map(_width, sample.lines))
        widest = max(widths, default=0)
        if widths[widest] > _LEAST and _NARROWEST <= widest <= _WIDEST:
            return [_Join(widest, sample, words=False)]
        return []


def _width(line: bytes) -> int:
    return len(line) if line.isascii() else len(line.decode("utf-8", "replace"))


def _is_full(line: bytes, following: bytes, width: int) -> bool:
    """Tell whether the first word of the next line would not have found room in a line."""
    return _width(line.rstrip()) + 1 + _width((following.split(None, 1) or [b""])[0]) > width


def _front(sample: Sample) -> re.Pattern[bytes] | None:
    """Return what collectors of logs put in front of many lines of a text: where it stands, no line goes on."""
    fronts = []
    for expression in FRONTS:
        match = re.compile(expression).match
        if sum(match(line) is not None for line in sample.lines) >= max(_LEAST, _FRONT_SHARE * len(sample.lines)):
            fronts.append(b"(?:%b)" % expression)
    return re.compile(b"|".join(fronts)) if fronts else None


class _Join(Reflow):
    """Joins lines that are as wide as can be with the next, where no record begins there."""

    def __init__(self, width: int, sample: Sample, *, words: bool) -> None:
        where = "between words, at a width of" if words else "at a width of"
        note = f"lines were cut {where} {width} characters: they were joined, a record has its first line's number"
        super().__init__(f"wrap {width} {words}", note)
        self._width = width
        self._sample = sample
        self._judge: Judge = sample.judge
        # A terminal leaves the blank at the end of a line out, other programs do not.
        trimmed = not any(line.endswith(b" ") and _width(line) == width for line in sample.lines)
        self._least = width - 1 if trimmed else width
        self._front = _front(sample)
        self._words = words
        self._pieces: list[bytes] = []
        self._size = 0
        self._number = 0

    def fresh(self) -> _Join:
        return _Join(self._width, self._sample, words=self._words)

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        out: list[bytes] = []
        places: list[int] = []
        for line, number in zip(lines, numbers, strict=True):
            if self._pieces and not self._goes_on(line):
                out.append(self._joined())
                places.append(self._number)
                self._pieces = []
            if not self._pieces:
                self._number, self._size = number, 0
            self._pieces.append(line)
            self._size += len(line)
        if last and self._pieces:
            out.append(self._joined())
            places.append(self._number)
            self._pieces = []
        return out, places

    def _goes_on(self, line: bytes) -> bool:
        """Tell whether a line is the rest of the one before it."""
        before = self._pieces[-1]
        if self._size > _LONGEST or not line or not before.strip() or (self._words and not line.strip()):
            return False
        full = self._least <= _width(before) <= self._width
        if self._words:
            full = _is_full(before, line, self._width)
        if not full or self._judge.behind(line) or (self._front is not None and self._front.match(line)):
            return False
        # What records without a header begin with may stand inside of one, in brackets.
        return not self._judge.begins(line) or (not self._judge.header(line) and self._is_open())

    def _is_open(self) -> bool:
        text = b"".join(self._pieces)
        return len(_OPENING.findall(text)) > len(_CLOSING.findall(text))

    def _joined(self) -> bytes:
        pieces = self._pieces
        if len(pieces) == 1:
            return pieces[0]
        best = b""
        for between in (b" ", b"") if self._words else (b"",):
            whole = pieces[0]
            for before, piece in pairwise(pieces):
                narrow = _width(before) < self._width
                parted = before[-1:] == b" " or piece[:1] == b" "
                whole += (b"" if parted else b" " if narrow else between) + piece
            if not best or self._judge.worth(whole) > self._judge.worth(best):
                best = whole
        return best
