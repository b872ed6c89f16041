"""Characters that an editor, a browser or a typesetter put in place of those that were printed."""

from __future__ import annotations

import html
import re
from typing import ClassVar

from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, Replace, Sample, Undo

_ENTITY = expression(rb"&(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});")
# A line that holds nothing but tags: those of the page around the escaped text.
_TAGS = expression(rb"^[ \t\r]*(?:</?[A-Za-z][^<>\n]*>[ \t]*)+$", re.MULTILINE)
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


# So many lines with characters of one kind, and of no other, are evidence enough.
_CERTAIN = 3
# The sample may end within an entity, so a few may be missing.
_WHOLE = 1.05


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
        for pattern, by in self._pairs:
            line = pattern.sub(by, line)
        return line


class Entities(Form):
    """HTML entities."""

    name = "HTML entities"
    about = "`&gt;`, `&quot;`, `&nbsp;`, `&#39;` and their kind in place of characters."
    samples = ((b"[V] [TRT] &gt;&gt;&gt; Chose", b"[V] [TRT] >>> Chose"),)
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that reads the entities."""
        if b"&" not in sample.data or not _ENTITY.search(sample.data):
            return []
        # If the whole text is escaped, "<" and ">" are left in the tags of the page around it only.
        lines = sum(b"&" in line and _ENTITY.search(line) is not None for line in sample.lines)
        bare = _TAGS.sub(b"", sample.data)
        left = any(character in bare for character in (b"<", b">"))
        entities = _ENTITY.findall(sample.data)
        # A single one is evidence enough where the text stands in a page.
        enough = lines >= _CERTAIN or len(set(entities)) > 1 or len(bare) < len(sample.data)
        whole = enough and not left and sample.data.count(b"&") <= _WHOLE * len(entities)
        note = "HTML entities were read as the characters they stand for"
        return [Replace("entities", note, _ENTITY.pattern, _character, certain=whole)]


def unescaped(data: bytes) -> bytes:
    r"""Return a text with the characters that HTML's entities stand for.

    Examples
    --------
    >>> unescaped(b"&gt;&gt;&gt; Chose &quot;a&quot;")
    b'>>> Chose "a"'
    """
    return _ENTITY.sub(_character, data)


def _character(entity: re.Match[bytes]) -> bytes:
    text = html.unescape(entity[0].decode("ascii"))
    return b" " if text in "\r\n\0" else text.encode("utf-8", "replace")


class _Replaced(Form):
    """Characters that stand for others.

    Attributes
    ----------
    note : str
        What is said of the log.
    wanted : bytes
        An expression for the characters that are replaced.
    ways : tuple
        Ways to replace them: pairs of an expression and what is put in its place.
    """

    note: ClassVar[str]
    wanted: ClassVar[bytes]
    ways: ClassVar[tuple[list[tuple[bytes, bytes]], ...]]
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one for each way."""
        if sample.data.isascii() or not re.search(self.wanted, sample.data):
            return []
        certain = self.certain(sample)
        return [_Letters(self.name, self.note, pairs, certain=certain) for pairs in self.ways]

    def certain(self, sample: Sample) -> bool:
        """Tell whether the characters were surely put there, though lines are known with and without."""
        return False


class Spaces(_Replaced):
    """Spaces that are no blanks."""

    name = "no-break and other spaces"
    about = "No-break, thin, wide and zero-width spaces of web pages and word processors in place of blanks."
    samples = (("[I]\u00a0 \u00a0 Device 0".encode(), b"[I]    Device 0"),)
    note = "no-break and other spaces were read as blanks"
    wanted = rb"%b|%b" % (_BLANKS, _EMPTY)
    ways = ([(_BLANKS, b" "), (_EMPTY, b"")],)


class Quotes(_Replaced):
    """Typographic quotation marks."""

    name = "typographic quotation marks"
    about = "Curly and angled quotation marks and the ellipsis in place of plain ones."
    samples = (("Device 0: \u201cNVIDIA H200\u201d".encode(), b'Device 0: "NVIDIA H200"'),)
    note = "typographic quotation marks were read as plain ones"
    wanted = rb"%b|%b" % (_DOUBLE, _SINGLE)
    ways = ([(_DOUBLE, b'"'), (_SINGLE, b"'"), (rb"\xe2\x80\xa6", b"...")],)

    def certain(self, sample: Sample) -> bool:
        """Tell whether an editor replaced quotation marks, which leaves no plain one."""
        lines = [line for line in sample.lines if not line.isascii() and sample.judge.begins(line)]
        return len(lines) >= _CERTAIN and b'"' not in sample.data and b"'" not in sample.data


class Dashes(_Replaced):
    """Dashes in place of hyphens: one editor makes an em dash of two, another of three."""

    name = "typographic dashes"
    about = "En and em dashes, minus signs and other hyphens in place of one, two or three hyphens."
    samples = (("trtexec \u2013onnx=net.onnx \u2013fp16".encode(), b"trtexec --onnx=net.onnx --fp16"),)
    note = "typographic dashes were read as hyphens"
    wanted = rb"%b|%b|%b" % (_HYPHEN, _EN, _EM)
    ways = tuple(
        [(_HYPHEN, b"-"), (_OPTION % _EN, b"--"), (_EN, en), (_OPTION % _EM, b"--"), (_EM, em)]
        for en, em in ((b"--", b"---"), (b"-", b"--"), (b"-", b"-"))
    )
    _IN_COMMAND = re.compile(rb"^&&&& [^\n]* (?:%b|%b)(?=[A-Za-z]+=)" % (_EN, _EM), re.MULTILINE)

    def certain(self, sample: Sample) -> bool:
        """Tell whether an option of a command begins with a dash, which no program would take."""
        return self._IN_COMMAND.search(sample.data) is not None


class Colours(Form):
    """Codes of terminals."""

    name = "terminal colours"
    about = "Colour codes of a terminal, also where the escape character was lost or is written out."
    samples = (
        (b"[36m[I] [TRT] Loaded[0m", b"[I] [TRT] Loaded"),
        (b"\x1b[36m[TRT]\x1b[0m    loaded", b"[TRT]    loaded"),
    )
    hides = True
    _ESCAPE = rb"(?:\x1b|\^\[|\\x1b|\\033|\\e|\\u001[bB]|\xe2\x90\x9b)"
    # A code that lost its escape character must have a number: "[m" alone may stand in any log.
    _CODE = rb"%b\[[0-9;]{0,12}[mK]|\[[0-9;]{1,12}[mK]" % _ESCAPE

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that removes the codes."""
        if not re.search(self._CODE, sample.data):
            return []
        whole = rb"%b|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[()][A-Za-z0-9])" % self._CODE
        return [Replace("colours", "colour codes of a terminal were removed", whole)]
