"""What copying or a shell does to lines: a lost bracket, tabs for blanks, PowerShell's first line, marks at ends."""

from __future__ import annotations

import re

from trtlog.source.forms.base import Form, Replace, Sample, Undo
from trtlog.source.plain import ENDS

_NEARLY_ALL = 0.97
# No message ends in most of the marks; of a sample some lines were cut where it goes on further down.
_MARKED = 0.9
_BLANK = b" \t|"
_FEWEST = 5
_TIME = rb"/[0-9]{2}/[0-9]{4}-[0-9]{2}:[0-9]{2}:[0-9]{2}\] \["


class LostBracket(Form):
    """Headers without their first character or two."""

    name = "a lost bracket"
    about = "A header that lost its first bracket, or the bracket and a zero, when it was marked to be copied."
    samples = (
        (b"11/22/2026-13:22:03] [V] [TRT] Loaded", b"[11/22/2026-13:22:03] [V] [TRT] Loaded"),
        (b"8/20/2023-17:51:29] [I] === Profile", b"[08/20/2023-17:51:29] [I] === Profile"),
        (b"V] [TRT] Loaded", b"[V] [TRT] Loaded"),
    )
    # One line is enough: nothing else begins with the rest of a header.
    least = 1
    _LOST = rb"^(?:[0-9]{1,2}(?=%b)|(?=[VIWEF]\] \[TRT\] )|(?=TRT\] \[[VIWEF]\] ))" % _TIME

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that puts the bracket back."""
        note = "the bracket that a header had lost was put back"
        lost = re.search(self._LOST, sample.data, re.MULTILINE)
        return [Replace("bracket", note, self._LOST, _put_back)] if lost else []


def _put_back(found: re.Match[bytes]) -> bytes:
    return b"[" + (found[0].zfill(2) if found[0] else b"")


class Tabs(Form):
    """Tabs in place of blanks."""

    name = "tabs for blanks"
    hides = True
    about = "Tabs where blanks were printed, one for each or as many as reach the next stop."
    samples = ((b"[I]\t[TRT]\tLoaded\n[I]\t[TRT]\tLoaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),)

    def find(self, sample: Sample) -> list[Undo]:
        """Return one for each way to put blanks back."""
        if b"\t" not in sample.data:
            return []
        note = "tabs were read as blanks"
        header = rb"(?<=\])\t(?=\[|$)|(?<=\])\t"
        return [
            Replace("tabs", note, rb"\t", b" "),
            Replace("tab stops", note, rb"^[^\n\t]*\t[^\n]*", lambda found: found[0].expandtabs(8)),
            Replace("tabs in headers", "tabs between the parts of headers were read as blanks", header, b" "),
        ]


class PowerShell(Form):
    """PowerShell's report of a native command that wrote to standard error."""

    name = "PowerShell's first line"
    about = "The program's name and a colon in front of the first line, which PowerShell reports as an error."
    samples = (
        (
            b"trtexec.exe : &&&& RUNNING TensorRT.trtexec # trtexec\n    + FullyQualifiedErrorId : NativeCommandError",
            b"&&&& RUNNING TensorRT.trtexec # trtexec\n    + FullyQualifiedErrorId : NativeCommandError",
        ),
    )
    least = 1
    _FRONT = rb"^[^\s:\[]+(?: [^\s:\[]+)? : (?=&&&& |\[)"

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts the name off, where PowerShell says that it is there."""
        if b"NativeCommandError" not in sample.data:
            return []
        return [Replace("powershell", "what PowerShell put in front of the first line was cut off", self._FRONT)]


def end_of_all(sample: Sample) -> bytes | None:
    """Return the mark or the blanks that nearly all lines end in; None where there is none."""
    marked = [line for line in sample.lines if line.endswith(ENDS) and line.strip()]
    for end in ENDS if marked else ():
        count = sum(line.endswith(end) for line in marked)
        if count >= max(_FEWEST, (_MARKED if end.strip(_BLANK) else _NEARLY_ALL) * sample.filled):
            return end
    return None


class Endings(Form):
    """The same at the end of every line."""

    name = "marks at the ends of lines"
    about = (
        "The same mark or blanks at the end of each line: `$` of `cat -e`, a backslash or two blanks of Markdown, the "
        "`↵` of an editor, a table's `|`."
    )
    samples = (
        (
            b"[I] [TRT] Loaded$\n[V] [TRT] Original: 3 layers$\n[I] [TRT] a$\n[I] [TRT] b$\n[I] [TRT] c$",
            b"[I] [TRT] Loaded\n[V] [TRT] Original: 3 layers\n[I] [TRT] a\n[I] [TRT] b\n[I] [TRT] c",
        ),
    )

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that cuts off what nearly all lines end with; that they all do is evidence enough."""
        end = sample.made(end_of_all)
        if end is None:
            return []
        words = f"{end.decode()!r}" if end.strip() else "a tab" if end == b"	" else "blanks"
        note = f"{words} at the end of each line {'were' if words == 'blanks' else 'was'} cut off"
        return [Replace(f"end {end!r}", note, re.escape(end) + b"$", certain=True)]
