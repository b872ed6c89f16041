"""Records that were cut at a fixed width, at any character or between words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from trtlog._util.elided import is_elided
from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, Reflow, Sample, Undo
from trtlog.source.forms.judge import MESSAGE
from trtlog.source.forms.marks import MARKS
from trtlog.source.forms.slips import end_of_all
from trtlog.source.forms.stamps import COLLECTORS

_NARROWEST, _WIDEST = 40, 1000
_LEAST = 2
_SHARE = 0.8
_EXACT = 0.6
# The share of lines that may be wider: text that somebody wrote around what was pasted.
_AROUND = 0.05
_ENDING = 16
_BEGINNING = 8
_DIGIT = expression(rb"[0-9]")
_NUMBER = expression(rb"[^0-9]*([0-9]{1,18})[^0-9]*")
_LAST_WORD = 20
_NEARLY_ALL = 0.95
# What stands in front of a line must be longer than this to be told from text.
_SHORT = 4
# How many places are tried at which the rest of a record may end.
_AHEAD = 4
_FRONT_SHARE = 0.1
# What stands at the end of each line that was cut, where most of these have it.
_CUT_MARKS = tuple(sign.encode() for sign in "\\=\u21a9\u21b5\u21b2\u23ce\u00bb")
_MARKED = 0.5
# What may stand in front of a record: what collectors of logs put there, or a number.
FRONTS = (
    *(expression for form in COLLECTORS for expression in form.expressions),
    rb" *[0-9]+\t",
    rb" *[0-9]+ ?\| ",
    rb"[0-9]+[:-](?=[\[&])",
    rb"\{\"[A-Za-z@_]{1,40}\": ?[\"{0-9tfn]",
)
# What a CI's runner prints around the output of a step: it is the rest of no record, however wide the one above is.
_FENCE = expression(rb"section_(?:start|end):[0-9]+:[A-Za-z]|##\[[a-z]+\]|::(?:end)?group::|\[Pipeline\] ").match
# A record is put together up to this size.
_LONGEST = 1 << 20


class Wrapped(Form):
    """Hard wraps."""

    name = "hard wraps"
    about = (
        "Lines cut at a fixed width, as a terminal, `fold` or a mail program cuts them, at any character or between "
        "words, also with a mark at each cut, as Emacs' backslash. A record has the number of its first line."
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
        usual = _usual_beginning(sample)
        begins = [
            _beginning(line) == usual or sample.judge.begins(line) or sample.judge.behind(line) > 0
            for line in sample.lines
        ]
        pairs = [
            (line, following)
            for line, following, record in zip(sample.lines, sample.lines[1:], begins[1:], strict=False)
            if not record and line.strip() and following
        ]
        undos: list[Undo] = []
        widths = _widths(line for line, _ in pairs)
        most = _AROUND * len(sample.lines)
        for width, count in widths.most_common(3):
            if count < _LEAST or not _NARROWEST <= width <= _WIDEST:
                continue
            wider = sum(len(line) > width and _width(line) > width for line in sample.lines)
            exact = sum(_width(line) == width for line, _ in pairs)
            if _is_marked(sample, width):
                continue
            # Rows of a table have one width too. Of wrapped lines nearly all that another follows do, or none is wider.
            if wider <= most and (exact >= _EXACT * len(pairs) or not wider):
                undos.append(_join(width, sample, words=False))
                if exact >= _EXACT * len(pairs):
                    return undos  # lines that are cut between words would differ in width
        pairs = [pair for pair in pairs if not is_elided(pair[1])]
        divided = sorted(_width(line) for line, _ in pairs if len(line.split(None, 2)) > 1)
        if len(divided) >= _LEAST:
            longest = divided[-1 - len(divided) // 50]
            full = sum(_is_full(line, following, longest) for line, following in pairs)
            if _NARROWEST <= longest <= _WIDEST and full >= _SHARE * len(pairs) and not _is_marked(sample, longest):
                undos.append(_join(longest, sample, words=True))
        return undos

    def evident(self, sample: Sample) -> list[Undo]:
        """Return one for a width that many lines reach and none is over, whatever stands in front of records.

        Where it stands in front of all lines, it was put there after they were cut.
        """
        widths = _widths(sample.lines)
        widest = max(widths, default=0)
        if widths[widest] <= _LEAST or not _NARROWEST <= widest <= _WIDEST:
            return []  # so it is of most texts: what stands in front of their lines is not looked for
        front = sample.made(_front)
        filled = [line for line in sample.lines if line.strip()]
        if front is not None and sum(front.match(line) is not None for line in filled) > _NEARLY_ALL * len(filled):
            return []
        usual = _usual_beginning(sample)
        rests = [below for line, below in pairwise(sample.lines) if below.strip() and _width(line) == widest]
        if sum(_beginning(rest) == usual for rest in rests) > len(rests) / 2 or _is_marked(sample, widest):
            return []
        return [_join(widest, sample, words=False)]


def _widths(lines: Iterable[bytes]) -> Counter[int]:
    """Count lines by width; those that end alike, as a message that is printed again does, count once."""
    return Counter(width for width, _ in {(_width(line), line[-_ENDING:]) for line in lines})


def _is_marked(sample: Sample, width: int) -> bool:
    """Tell whether lines of a width end in the mark that all lines end in: it was put there after they were cut."""
    end = sample.made(end_of_all)
    if end is None or not end.strip(b" "):
        return False  # a blank may be what a line was cut at
    wide = [line for line in sample.lines if _width(line) == width]
    return sum(line.endswith(end) for line in wide) > len(wide) / 2


def _usual_beginning(sample: Sample) -> bytes | None:
    """Return how most lines begin, but for their digits: the rest of a line that was cut seldom begins so.

    Messages of one kind are of one width without having been cut.
    """
    counts = Counter(_beginning(line) for line in sample.lines if line.strip())
    beginning, count = counts.most_common(1)[0] if counts else (b"", 0)
    return beginning if beginning.strip() and count > counts.total() / 2 else None


def _beginning(line: bytes) -> bytes:
    return _DIGIT.sub(b"0", line[:_BEGINNING])


def _width(line: bytes) -> int:
    return len(line) if line.isascii() else len(line.decode("utf-8", "replace"))


def _is_full(line: bytes, following: bytes, width: int) -> bool:
    """Tell whether the first word of the next line would not have found room in a line, with a blank behind it."""
    return _width(line.rstrip()) + 2 + _width((following.split(None, 1) or [b""])[0]) > width


def _join(width: int, sample: Sample, *, words: bool) -> Join:
    # A terminal drops the blank at the end of a line, other programs keep it.
    full = [line for line in sample.lines if 0 <= width - _width(line) < (_LAST_WORD if words else 1)]
    trimmed = sum(line.endswith(b" ") for line in full) < (len(full) / 2 if words else 1)
    return Join(width, sample, words=words, trimmed=trimmed)


def _cut_mark(sample: Sample, width: int) -> bytes:
    """Return what the program that cut lines put at the end of each, as Emacs and mails do; mostly nothing."""
    wide = [line for line in sample.lines if _width(line) == width]
    for mark in _CUT_MARKS if len(wide) >= _LEAST else ():
        marked = sum(line.endswith(mark) for line in wide)
        others = sum(line.endswith(mark) and not line.endswith(3 * mark) for line in sample.lines) - marked
        if marked > _MARKED * len(wide) and others <= marked / 10:
            return mark
    return b""


def _marks(sample: Sample) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Return the short marks in front of lines, no blanks or numbers, and each with what it stands behind elsewhere."""
    front = sample.made(_front)
    found = {match[0] for line in sample.lines if front is not None and (match := front.match(line))}
    marks = {mark for mark in found if 0 < len(mark.strip()) <= _SHORT and not _DIGIT.search(mark)}
    within = {
        line[at.start() - 1 : at.end()]
        for mark in marks
        for line in sample.lines
        for at in re.finditer(re.escape(mark), line)
        if at.start()
    }
    return frozenset(marks), frozenset(within)


def _front(sample: Sample) -> re.Pattern[bytes] | None:
    """Return what stands in front of many lines of a text: where it does, no line goes on."""
    fronts = []
    for front in FRONTS:
        match = re.compile(front).match
        if sum(match(line) is not None for line in sample.lines) >= max(_LEAST, _FRONT_SHARE * len(sample.lines)):
            fronts.append(b"(?:%b)" % front)
    fronts += MARKS.shapes(sample)
    return re.compile(b"|".join(fronts)) if fronts else None


class Join(Reflow):
    """Joins lines that are as wide as can be with the next, where no record begins there.

    Behind a line of exactly the width a record may begin, or the rest of a text that looks like one: which of both is
    known when the next record begins. The lines are then parted where both parts are known to the grammar, and joined
    where that makes more sense of them.
    """

    def __init__(self, width: int, sample: Sample, *, words: bool, trimmed: bool) -> None:
        where = "between words, at a width of" if words else "at a width of"
        note = f"lines were cut {where} {width} characters: they were joined, a record has its first line's number"
        super().__init__(f"wrap {width} {words}", note)
        self._width = width
        self._sample = sample
        self._judge = sample.judge
        self._words = words
        self._trimmed = trimmed  # blanks at the ends of lines were left out
        self._cut_mark = _cut_mark(sample, width)
        self._front = sample.made(_front)
        self._marks, self._within = sample.made(_marks)
        self._pieces: list[bytes] = []
        self._numbers: list[int] = []
        self._doubtful: list[int] = []  # pieces with which a record may begin
        self._size = 0

    def fresh(self) -> Join:
        """Return one that has seen nothing."""
        return Join(self._width, self._sample, words=self._words, trimmed=self._trimmed)

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        """Return lines joined, each with its first line's number."""
        out: list[bytes] = []
        places: list[int] = []
        for line, number in zip(lines, numbers, strict=True):
            if self._pieces and not self._goes_on(line):
                self._flush(out, places)
            self._pieces.append(line)
            self._numbers.append(number)
            self._size += len(line)
        if last and self._pieces:
            self._flush(out, places)
        return out, places

    def _goes_on(self, line: bytes) -> bool:
        """Tell whether a line is, or may be, the rest of the one before it."""
        before = self._pieces[-1]
        width = _width(before)
        # A piece of nothing but blanks counts if it is as wide as the others.
        blank = not before.strip() and (len(self._pieces) == 1 or width != self._width)
        if not line or blank or self._size > _LONGEST or not before.endswith(self._cut_mark):
            return False
        if self._words and self._trimmed and not line.strip():
            return False
        full = width == self._width or (self._trimmed and width == self._width - 1)
        if self._words:
            whole_word = width + _width(line.split(b" ", 1)[0]) + 1
            full = _is_full(before, line, self._width) if self._trimmed else whole_word > self._width
        if not full or self._judge.is_dated(line) or _FENCE(line) or (self._words and is_elided(line)):
            return False
        end = self._front_end(line)
        if end and self._judge.begins(line, end):
            return False
        if end and self._rises(line[:end]):
            if len(line[:end].strip()) > _SHORT:
                return False
            self._doubtful.append(len(self._pieces))  # text that short, or blanks, may stand anywhere
            return True
        if self._front_end(self._pieces[0]):
            return True  # another record would have something in front of it too
        if self._judge.begins(line):
            self._doubtful.append(len(self._pieces))
            return True
        return not self._judge.behind(line)

    def _rises(self, front: bytes) -> bool:
        """Tell whether a number in front of a line is above that of the record's first line, as a line's number is."""
        above = _NUMBER.fullmatch(self._pieces[0][: self._front_end(self._pieces[0])])
        below = _NUMBER.fullmatch(front)
        return above is None or below is None or int(below[1]) > int(above[1])

    def _front_end(self, line: bytes) -> int:
        found = self._front.match(line) if self._front is not None else None
        return found.end() if found is not None else 0

    def _flush(self, out: list[bytes], places: list[int]) -> None:
        """Hand on the lines that were collected, as one record or as several."""
        begins = [0]
        doubtful = [*self._doubtful, len(self._pieces)]
        for number, place in enumerate(doubtful[:-1], 1):
            if self._parts(begins[-1], place, doubtful[number : number + _AHEAD]):
                begins.append(place)
        for begin, end in pairwise([*begins, len(self._pieces)]):
            out.append(self._joined(self._pieces[begin:end]))
            places.append(self._numbers[begin])
        self._pieces, self._numbers, self._doubtful, self._size = [], [], [], 0

    def _parts(self, begin: int, place: int, ends: list[int]) -> bool:
        """Tell whether a record begins at a place among the lines that were collected, which may end at several."""
        above, below = self._joined(self._pieces[begin:place]), self._joined(self._pieces[place : ends[0]])
        wholes = [self._joined(self._pieces[begin:end]) for end in ends]
        whole = wholes[0]
        worth = self._judge.worth
        if end := self._front_end(below):
            known = [worth(text[self._front_end(text) :]) == MESSAGE for text in (above, *wholes)]
            # A mark that was never seen behind this character begins a line.
            marked = known[0] and above[-1:] + below[:end] not in self._within and below[:end] in self._marks
            return bool(worth(below[end:])) or not any(known[1:]) or marked
        if self._judge.header(below):
            return worth(whole) < MESSAGE or MESSAGE in (worth(above), worth(below))
        return worth(below) == MESSAGE and (worth(above) == MESSAGE or worth(whole) < MESSAGE)

    def _joined(self, pieces: list[bytes]) -> bytes:
        if len(pieces) == 1:
            return pieces[0]
        best = b""
        for between in (b" ", b"") if self._words and self._trimmed else (b"",):
            whole = pieces[0]
            for before, piece in pairwise(pieces):
                narrow = _width(before) < self._width
                parted = before[-1:] == b" " or piece[:1] == b" "
                whole = whole.removesuffix(self._cut_mark)
                whole += (b"" if parted or not self._trimmed else b" " if narrow else between) + piece
            if not best or self._judge.worth(whole) > self._judge.worth(best):
                best = whole
        return best
