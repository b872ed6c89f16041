"""Characters that an editor, a browser or a typesetter put in place of those that were printed."""

from __future__ import annotations

import html
import re

from trtlog.source.forms.base import Form, Replace, Sample, Undo

_ENTITY = re.compile(rb"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});")
# Bytes above 127 that stand alone are of an older encoding, not of UTF-8.
_ALONE = rb"(?<![\x80-\xff])%b(?![\x80-\xff])"
_BLANKS = rb"\xc2\xa0|\xe2\x80[\x80-\x8a\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xe1\x9a\x80|" + _ALONE % rb"\xa0"
_EMPTY = rb"\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf|\xc2\xad"
_DOUBLE = rb"\xe2\x80[\x9c-\x9f]|\xc2[\xab\xbb]|\xef\xbc\x82|" + _ALONE % rb"[\x93\x94]"
_SINGLE = rb"\xe2\x80[\x98-\x9b]|\xc2\xb4|" + _ALONE % rb"[\x91\x92]"
_HYPHEN = rb"\xe2\x80[\x90-\x92]|\xe2\x88\x92|\xef\xb9\xa3|\xef\xbc\x8d"
_EN = rb"(?:\xe2\x80\x93|%b)" % (_ALONE % rb"\x96")
# A dash in front of the name of an option stands for two hyphens.
_OPTION = rb"(?<![^ \t\n'\"])%b(?=[A-Za-z])"
_EM = rb"(?:\xe2\x80[\x94\x95]|%b)" % (_ALONE % rb"\x97")


# Lines with characters of one kind only that are evidence enough.
_CERTAIN = 3


class _Letters(Undo):
    """Replaces characters, each expression by its text."""

    def __init__(self, key: str, note: str, pairs: list[tuple[bytes, bytes]], *, certain: bool = False) -> None:
        super().__init__(f"{key} {pairs!r}", note, certain=certain)
        self._pairs = [(re.compile(expression), by) for expression, by in pairs]

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines undone."""
        if data.isascii():
            return data
        return b"\n".join([line if line.isascii() else self._replaced(line) for line in data.split(b"\n")])

    def _replaced(self, line: bytes) -> bytes:
        for expression, by in self._pairs:
            line = expression.sub(by, line)
        return line


class Entities(Form):
    """HTML entities."""

    name = "HTML entities"
    about = "`&gt;`, `&quot;`, `&nbsp;`, `&#39;` and their kind in place of characters."
    samples = ((b"[V] [TRT] &gt;&gt;&gt; Chose", b"[V] [TRT] >>> Chose"),)
    least = 1
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that reads the entities."""
        return [_Entities()] if b"&" in sample.data and _ENTITY.search(sample.data) else []


class _Entities(Undo):
    def __init__(self) -> None:
        super().__init__("entities", "HTML entities were read as the characters they stand for")

    def rewrite(self, data: bytes) -> bytes:
        """Return whole lines undone."""
        return _ENTITY.sub(lambda found: _character(found.group()), data)


def _character(entity: bytes) -> bytes:
    text = html.unescape(entity.decode("ascii"))
    return b" " if text in "\r\n\0" else text.encode("utf-8", "replace")


class Spaces(Form):
    """Spaces that are no blanks."""

    name = "no-break and other spaces"
    about = "No-break, thin, wide and zero-width spaces of web pages and word processors in place of blanks."
    samples = (("[I]\u00a0 \u00a0 Device 0".encode(), b"[I]    Device 0"),)
    least = 1
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that puts blanks in their place."""
        if sample.data.isascii() or not re.search(rb"%b|%b" % (_BLANKS, _EMPTY), sample.data):
            return []
        note = "no-break and other spaces were read as blanks"
        return [_Letters("spaces", note, [(_BLANKS, b" "), (_EMPTY, b"")])]


class Quotes(Form):
    """Typographic quotation marks."""

    name = "typographic quotation marks"
    about = "Curly and angled quotation marks and the ellipsis in place of plain ones."
    samples = (("Device 0: \u201cNVIDIA H200\u201d".encode(), b'Device 0: "NVIDIA H200"'),)
    least = 1
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that puts plain quotation marks in their place."""
        if sample.data.isascii() or not re.search(rb"%b|%b" % (_DOUBLE, _SINGLE), sample.data):
            return []
        note = "typographic quotation marks were read as plain ones"
        pairs = [(_DOUBLE, b'"'), (_SINGLE, b"'"), (rb"\xe2\x80\xa6", b"...")]
        # An editor that replaces quotation marks leaves no plain one.
        lines = [line for line in sample.lines if not line.isascii() and sample.judge.begins(line)]
        certain = len(lines) >= _CERTAIN and b'"' not in sample.data and b"'" not in sample.data
        return [_Letters("quotes", note, pairs, certain=certain)]


class Dashes(Form):
    """Dashes in place of hyphens."""

    name = "typographic dashes"
    about = "En and em dashes, minus signs and other hyphens in place of one, two or three hyphens."
    samples = (("trtexec \u2013onnx=net.onnx \u2013fp16".encode(), b"trtexec --onnx=net.onnx --fp16"),)
    least = 1
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return some that put hyphens in their place: one editor makes an em dash of two, another of three."""
        if sample.data.isascii() or not re.search(rb"%b|%b|%b" % (_HYPHEN, _EN, _EM), sample.data):
            return []
        note = "typographic dashes were read as hyphens"
        undos: list[Undo] = []
        for en, em in ((b"--", b"---"), (b"-", b"--"), (b"-", b"-")):
            pairs = [(_HYPHEN, b"-"), (_OPTION % _EN, b"--"), (_EN, en), (_OPTION % _EM, b"--"), (_EM, em)]
            undos.append(_Letters("dashes", note, pairs))
        return undos


class Colours(Form):
    """Codes of terminals."""

    name = "terminal colours"
    about = "Colour codes of a terminal, also where the escape character was lost or is written out."
    samples = (
        (b"[36m[I] [TRT] Loaded[0m", b"[I] [TRT] Loaded"),
        (b"\x1b[36m[TRT]\x1b[0m    loaded", b"[TRT]    loaded"),
    )
    least = 1
    hides = True
    _CODE = rb"(?:\x1b|\^\[|\\x1b|\\033|\\e|\\u001[bB]|\xe2\x90\x9b)?\[[0-9;]{0,12}[mK]"

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that removes the codes."""
        if not re.search(self._CODE, sample.data):
            return []
        whole = rb"%b|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[()][A-Za-z0-9])" % self._CODE
        return [Replace("colours", "colour codes of a terminal were removed", whole)]
