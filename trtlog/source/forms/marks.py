"""The same text in front of each line: comment marks of any language, quotes, indentation, any other prefix."""

from __future__ import annotations

import re
from collections import Counter

from trtlog.source.forms.base import Form, Replace, Sample, Undo

# Where a record may begin inside a line; the grammar tells whether one does.
_BEGINNINGS = re.compile(
    rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-|\[[VIWEFX]\]|\[TRT\]|\[TensorRT\]|&&&& |\b[A-Z]+: \[|Layer\(|\b[VIWE][0-9]{4} "
)
_FARTHEST = 200
_LEAST = 2
_SHARE = 0.02
_MOST = 0.5


class Marks(Form):
    """A prefix that lines have in common."""

    name = "comment marks, quotes, indentation"
    about = (
        "The same text in front of each line: comment marks of any language, `> ` of a quotation, indentation, or "
        "any other prefix that differs in its numbers only."
    )
    samples = (
        (b"// [I] [TRT] Loaded\n//\n// [I] [TRT] Loaded", b"[I] [TRT] Loaded\n\n[I] [TRT] Loaded"),
        (b"> > [I] [TRT] Loaded\n> > [I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b"    [I] [TRT] Loaded\n    [I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b"rank 3 says: [I] [TRT] Loaded\nrank 12 says: [I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return what cuts off each text that stands in front of several records."""
        return list(map(_cut, self.shapes(sample)))

    def shapes(self, sample: Sample) -> list[bytes]:
        """Return expressions for what stands in front of several records, the commonest first."""
        fronts: Counter[bytes] = Counter()
        for line in sample.hidden:
            front = _front(sample, line)
            if front:
                fronts[_shape(front)] += 1
        least = max(_LEAST, _SHARE * len(sample.unread))
        blank = [shape for shape in fronts if not shape.replace(b"\\", b"").strip()]
        if sum(fronts[shape] for shape in blank) <= _MOST * _records(sample):
            for shape in blank:  # what is indented belongs to what stands above it
                del fronts[shape]
        return [shape for shape, count in fronts.most_common(4) if count >= least]


MARKS = Marks()


def _records(sample: Sample) -> int:
    """Return in how many lines records begin or stand behind something."""
    return sum(sample.holds(line) for line in sample.lines)


def _front(sample: Sample, line: bytes) -> bytes:
    """Return what stands in front of the first record of a line; nothing where there is none."""
    own = sample.judge.logger
    places = [found.start() for found in _BEGINNINGS.finditer(line, 1, _FARTHEST)]
    for place in [*places, *(own.inside(line, _FARTHEST) if own is not None else ())]:
        if sample.judge.begins(line, place):
            front = line[:place]
            return b"" if b'{"' in front or b"] [" in front else front
    return b""


def _shape(front: bytes) -> bytes:
    """Return an expression for a prefix whose numbers may differ; blanks in front of a number align it."""
    if not front.strip():
        return re.escape(front)
    pieces = re.split(rb"( *[0-9]+)", front)
    return b"".join(rb" *[0-9]+" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def _cut(shape: bytes) -> Undo:
    bare = re.sub(rb"(?:\\ |\\\t|\\?\t| )+$", b"", shape)
    words = shape.replace(rb" *[0-9]+", b"0").replace(b"\\", b"").decode("utf-8", "replace")
    note = f"{words!r} in front of each line was cut off" if words.strip() else "indentation was cut off"
    ending = rb"^(?:%b|%b[ \t]*$)" % (shape, bare) if bare else rb"^%b" % shape
    return Replace(f"front {shape!r}", note, ending)
