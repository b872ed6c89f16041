"""Line numbers that a tool or an editor put in front of each line."""

from __future__ import annotations

import re
from itertools import pairwise

from trtlog._util.expression import expression
from trtlog.source.forms.base import JUDGED, Form, Replace, Sample, Undo

# What may stand around a number. These rise by one from line to line, those of `grep` merely rise. A blank that stands
# behind every number belongs to it, one behind some of them to the line.
_BAR = rb" *([0-9]+) ?(?:\||\xe2\x94\x82|\xe2\x86\x92)"
_COUNTED = (
    rb" *([0-9]+)\t",
    _BAR + rb"(?: |$)",
    _BAR,
    rb" *([0-9]+)[.):](?: |$)",
    rb" *([0-9]+)(?:  |$)",
    rb" *([0-9]+)(?: |$)",
    rb"L([0-9]+)[:]? ",
)
_FOUND = rb"([0-9]+)[:-]"
# PowerShell marks the lines that it found, not those around them.
_MARKED = rb"(?:> |  )?"
_FILE = expression(rb"^%b([A-Za-z0-9_.\\/~-]+(?:\.[A-Za-z]+)?)[:-]([0-9]+)[:-]" % _MARKED, re.MULTILINE)
_STEADY = 0.8
_LEAST = 2
_NUMBER = expression(rb" *L?[0-9]+[^0-9]|%b[^ \t\n:]+[:-][0-9]+[:-]" % _MARKED)


class Numbers(Form):
    """Line numbers."""

    name = "line numbers"
    about = "A number that rises from line to line: `nl`, `cat -n`, `grep -n` with and without file names, editors."
    samples = (
        (b"     1\t[I] [TRT] Loaded\n     2\t[I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b"7:[I] [TRT] Loaded\n8-[I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b"a.log:7:[I] [TRT] Loaded\na.log:9:[I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b" 9 | [I] [TRT] Loaded\n10 | [I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts the numbers off, where they rise."""
        undos: list[Undo] = []
        if sum(_NUMBER.match(line) is not None for line in sample.hidden[:JUDGED]) < _LEAST:
            return undos
        for counted in _COUNTED:
            numbers = _numbers(sample, rb"^" + counted)
            steps = [b - a for a, b in pairwise(numbers)]
            if steps and sum(step == 1 for step in steps) >= _STEADY * len(steps):
                undos.append(_cut(rb"^%b" % counted))
        names = [found[1] for found in _FILE.finditer(sample.data)]
        files = {name for name in names if names.count(name) > 1} if len(names) < 10_000 else {names[0]}
        for front in [_MARKED + re.escape(name) + b"[:-]" for name in sorted(files)] + [b""]:
            numbers = _numbers(sample, rb"^" + front + _FOUND)
            rising = sum(a < b for a, b in pairwise(numbers))
            if rising and rising >= _STEADY * (len(numbers) - 1):
                undos.append(_cut(rb"^%b%b" % (front, _FOUND)))
        return undos


def _numbers(sample: Sample, expression: bytes) -> list[int]:
    return [int(found[1][:18]) for found in re.finditer(expression, sample.data, re.MULTILINE)]


def _cut(expression: bytes) -> Undo:
    return Replace(f"number {expression!r}", "line numbers in front of each line were cut off", expression)
