"""Several records on one line: the line ends were lost, as in a paste that a web page took for prose."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, PerLine, Sample, Undo

_TIME = rb"\[[0-9]{2}/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}\]"
_RECORD = expression(
    rb"(?:%b ){1,8}\[(?:[VIWEF]|TRT)\]|\[TRT\] \[[VIWEF]\]|\[[VIWEF]\] \[TRT\]|\[TensorRT\] [A-Z]+: |"
    rb"&&&& (?:RUNNING|PASSED|FAILED|WAIVED) |(?<=[\]\):\r ])Layer\([A-Za-z]+\): " % _TIME
)
# Two programs that write at the same time may put two records on one line, but hardly ever so many.
_MANY = 4
_SHARE = 0.5


class Jammed(Form):
    """Records on one line."""

    name = "records jammed on one line"
    about = "Several records on one line: it is cut in front of each; all have the line's number."
    samples = (
        (
            b"[I] [TRT] one [I] [TRT] two [I] [TRT] three [I] [TRT] four",
            b"[I] [TRT] one\n[I] [TRT] two\n[I] [TRT] three\n[I] [TRT] four",
        ),
    )

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts lines in front of records, where many lines hold several or one holds many."""
        counts = [len(_RECORD.findall(line)) for line in sample.lines]
        several = sum(n > 1 for n in counts)
        if several > 1 and several >= _SHARE * sum(map(bool, counts)):
            return [_Split(2)]
        long = [line for line, n in zip(sample.lines, counts, strict=True) if n >= _MANY]
        enough = len(long) > 1 or 2 * sum(map(len, long)) > len(sample.data)
        return [_Split(_MANY)] if long and enough else []


class _Split(PerLine):
    def __init__(self, least: int) -> None:
        super().__init__(f"jammed {least}", "several records stood on one line: it was cut in front of each")
        self._least = least

    def pieces(self, line: bytes) -> Sequence[bytes]:
        starts = [found.start() for found in _RECORD.finditer(line)]
        if len(starts) < self._least:
            return (line,)
        begins = starts if not line[: starts[0]].strip() else [0, *starts]
        ends = [*begins[1:], len(line)]
        pieces = [line[begin:end] for begin, end in zip(begins, ends, strict=True)]
        # The line end became a blank.
        return [*(piece.removesuffix(b" ") for piece in pieces[:-1]), pieces[-1]]
