"""Logs inside the texts of one line of JSON: a notebook that was minified, what a task of a program returned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, PerLine, Sample, Undo
from trtlog.source.plain import holds_record

# A text may be cut at the end of a sample.
_TOKEN = expression(rb'"(?:[^"\\]|\\.)*(?:"|\\?$)|[\[\]{}:]', re.DOTALL)
_LINE_END = b"\\n"
_MEMBER = expression(rb'[ \t]*("(?:[^"\\]|\\.)*"),?$')
_LEAST, _MANY = 2, 4


class Documents(Form):
    """Texts of several lines in a JSON document."""

    name = "JSON documents"
    about = (
        "Many lines of the log in the texts of one line of JSON: a notebook (`.ipynb`) that was minified, the "
        "`stdout` of a task or a request. Texts without a record are left out; all lines have the number of the one."
    )
    samples = (
        (
            b'{"cells":[{"source":["!trtexec\\n"]},{"outputs":[{"text":["[I] [TRT] one\\n","[I] [TRT] \\"two\\""]}]}]}',
            b'[I] [TRT] one\n[I] [TRT] "two"',
        ),
        (b'  "stdout": "[I] [TRT] one\\n[I] [TRT] two",', b"[I] [TRT] one\n[I] [TRT] two"),
    )

    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that takes the texts out, where a line holds one of several records.

        Many records with escaped line ends between them are evidence enough: nothing else is written so.
        """
        most = max((sum(map(holds_record, _records(line))) for line in sample.lines), default=0)
        return [_Texts(certain=most >= _MANY)] if most else []


class _Texts(PerLine):
    def __init__(self, *, certain: bool) -> None:
        super().__init__("document", "the log was taken out of the texts of a JSON document", certain=certain)
        self._taken: list[bytes] = []  # of the last text, the last line first

    def fresh(self) -> _Texts:
        return _Texts(certain=self.certain)

    def pieces(self, line: bytes) -> Sequence[bytes]:
        if texts := _records(line):
            self._taken = texts[::-1]
            return texts
        return () if self._is_again(line) else (line,)

    def _is_again(self, line: bytes) -> bool:
        """Tell whether a list holds the lines of a text again, as ``stdout_lines`` of Ansible those of ``stdout``."""
        member = _MEMBER.match(line) if self._taken else None
        if member is None or _unescaped(member[1]) != self._taken[-1]:
            return False
        self._taken.pop()
        return True


def _records(line: bytes) -> list[bytes]:
    """Return the lines of the texts in a line of JSON that hold records; none where there are no several."""
    if _LINE_END not in line or b'"' not in line:
        return []
    lines: list[bytes] = []
    count = 0
    for text in _texts(line):
        pieces = text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        if found := sum(map(holds_record, pieces)):
            lines += pieces
            count += found
    return lines if count >= _LEAST else []


def _texts(line: bytes) -> Iterator[bytes]:
    """Return the texts that hold line ends; the members of a list are one text."""
    lists: list[list[bytes] | None] = []
    valued = False
    for token in _TOKEN.findall(line):
        if token[:1] == b'"':
            if lists and lists[-1] is not None:
                lists[-1].append(token)
            elif valued and _LINE_END in token:
                yield _read([token])
        elif token in (b"[", b"{"):
            lists.append([] if token == b"[" else None)
        elif token != b":" and lists:
            yield from _whole(lists.pop())
        valued = token == b":"
    for rest in lists:
        yield from _whole(rest)


def _whole(texts: list[bytes] | None) -> Iterator[bytes]:
    if texts and any(_LINE_END in text for text in texts):
        yield _read(texts)


def _read(texts: list[bytes]) -> bytes:
    return b"".join(map(_unescaped, texts))


def _unescaped(token: bytes) -> bytes:
    inner = token[1:].removesuffix(b'"')
    try:
        text: str = json.loads(b'"%b"' % inner, strict=False)
    except ValueError:
        return inner  # cut inside an escape
    return text.encode("utf-8", "surrogatepass")
