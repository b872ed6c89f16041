"""The same text in front of each line: comment marks of any language, quotes, indentation, any other prefix."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, Replace, Sample, Undo

# Where a record may begin inside a line; the grammar tells whether one does.
_BEGINNINGS = expression(
    rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-|\[[VIWEFX]\]|\[TRT\]|\[TensorRT\]|&&&& |\b[A-Z]+: \[|Layer\(|\b[VIWE][0-9]{4} "
)
# Where any other header may begin.
_WORD = expression(rb"(?<=[ \t])[A-Z]")
# Two parts of a header: what stands before them belongs to a record already.
_BOX = expression(rb"\] \[(?:[VIWEFX]|TRT)\]")
_FARTHEST = 200
_LEAST = 2
_SHARE = 0.02
_MOST = 0.5
_OUTER = 6
_ALL = 0.95


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
        printed: Counter[bytes] = Counter()
        for line in sample.hidden:
            front = _front(sample, line)
            if front:
                fronts[shape_of(front)] += 1
                printed[front] += 1
        least = max(_LEAST, _SHARE * len(sample.unread))
        blank = [shape for shape in fronts if not shape.replace(b"\\", b"").strip()]
        if sum(fronts[shape] for shape in blank) <= _MOST * _records(sample):
            for shape in blank:  # what is indented belongs to what stands above it
                del fronts[shape]
        shapes = [shape for shape, count in fronts.most_common(4) if count >= least]
        shared = _shared(sample, printed.most_common(1)[0][0]) if printed else b""
        return [shape_of(shared), *shapes] if shared and shapes else shapes


MARKS = Marks()


class Relayed(Form):
    """Lines with two headers: a program printed each line of a log through a logger of its own."""

    name = "lines printed again by a logger"
    about = "Another program's header in front of trtexec's own, as of a script that logs what trtexec prints."
    samples = (
        (
            b"2026-11-22 13:22:03,123 - builder - INFO - [11/22/2026-13:22:03] [I] Format: ONNX\n"
            b"2026-11-22 13:22:03,124 - builder - INFO - [11/22/2026-13:22:03] [I] Model: a.onnx",
            b"[11/22/2026-13:22:03] [I] Format: ONNX\n[11/22/2026-13:22:03] [I] Model: a.onnx",
        ),
    )

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts off the outer header, where most lines have one with its own time inside.

        Where all lines have one, it was put there, though it tells of some lines all that is known of them. What a
        logger of the user's own prints is no outer header: what follows may be trtexec's ``[TRT]``.
        """
        fronts: Counter[bytes] = Counter()
        own = sample.judge.logger
        for line in sample.lines:
            end = 0 if own is not None and own.header(line, 0) else sample.judge.header(line)
            if end and not sample.judge.is_dated(line) and sample.judge.header(line, end):
                fronts[shape_of(line[:end])] += 1
        if sum(fronts.values()) < max(_LEAST, _MOST * sample.filled):
            return []
        shapes = b"|".join(shape for shape, _ in fronts.most_common(_OUTER))
        bare = b"|".join(_without(shape, b"\\ ") + b"[ \t]*$" for shape, _ in fronts.most_common(_OUTER))
        note = "the header of a logger in front of each line's own was cut off"
        undo = Replace(f"outer {shapes!r}", note, rb"^(?:%b|%b)" % (shapes, bare))
        outer = re.compile(rb"(?:%b|%b)" % (shapes, bare)).match
        undo.certain = undo.outer = sum(outer(line) is not None for line in sample.lines) > _ALL * sample.filled
        return [undo]


def _shared(sample: Sample, front: bytes) -> bytes:
    """Return the part of a prefix that stands in front of lines without a record too, as where lines were cut."""
    filled = [line for line in sample.lines if line.strip()]
    if sum(line.startswith(front) for line in filled) > _ALL * len(filled):
        return b""
    for found in re.finditer(rb"(?<! ) +(?=[^ ])", front):
        part = front[: found.end()]
        if part.strip() and sum(line.startswith(part.rstrip()) for line in filled) > _ALL * len(filled):
            return part
    return b""


def _records(sample: Sample) -> int:
    """Return in how many lines records begin or stand behind something."""
    return sum(sample.holds(line) for line in sample.lines)


def _front(sample: Sample, line: bytes) -> bytes:
    """Return what stands in front of the first record of a line; nothing where there is none."""
    own = sample.judge.logger
    places = [found.start() for found in _BEGINNINGS.finditer(line, 1, _FARTHEST)]
    words = (found.start() for found in _WORD.finditer(line, 1, _FARTHEST))
    for place in chain(places, own.inside(line, _FARTHEST) if own is not None else (), words):
        if sample.judge.begins(line, place):
            front = line[:place]
            return b"" if _BOX.search(front) else front.partition(b'{"')[0]
    return b""


def shape_of(front: bytes) -> bytes:
    """Return an expression for a prefix whose numbers may differ; blanks in front of a number align it."""
    if not front.strip():
        return re.escape(front)
    pieces = re.split(rb"((?<! ) *[0-9]+)", front)
    return b"".join(rb" *[0-9]+" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def _without(shape: bytes, *endings: bytes) -> bytes:
    """Return an expression without some endings, as often as it has them."""
    while shape.endswith(endings):
        shape = shape.removesuffix(next(ending for ending in endings if shape.endswith(ending)))
    return shape


def _cut(shape: bytes) -> Undo:
    bare = _without(shape, b"\\ ", b"\\\t", b"\t", b" ")
    words = shape.replace(rb" *[0-9]+", b"0").replace(b"\\", b"").decode("utf-8", "replace")
    note = f"{words!r} in front of each line was cut off" if words.strip() else "indentation was cut off"
    # an empty line holds the mark without its blank, and the dollar of "cat -e" behind it
    ending = rb"^(?:%b|%b[ \t]*(?=\$?$))" % (shape, bare) if bare else rb"^%b" % shape
    return Replace(f"front {shape!r}", note, ending)
