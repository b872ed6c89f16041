"""Lines that wrap a line of the log in something of their own: JSON, HTML."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from trtlog._util.expression import expression
from trtlog.source.forms.base import Form, PerLine, Reflow, Sample, Undo
from trtlog.source.forms.letters import unescaped

_OBJECT = expression(rb"\s*(?:,\s*)?(\{.*\})\s*(?:,\s*)?(?:\]\s*)?$", re.DOTALL)
_PARSED = 50
# So much of a text without a line end is kept while its end is awaited.
_LONGEST = 1 << 20
_TAGS = (
    rb"br|p|span|div|pre|code|samp|kbd|tt|b|i|em|strong|font|a|u|table|tbody|tr|td|th|ul|ol|li|h[1-6]|html|body|"
    rb"details|summary|blockquote"
)
_TAG = expression(rb"</?(?:%b)(?:[ \t][^<>\n]*)?/?>" % _TAGS, re.IGNORECASE)
_FEWEST, _NEARLY_ALL = 5, 0.9
_BREAK = expression(rb"[ \t]{0,80}(?:<br[ \t]{0,80}/?>|</(?:p|div|tr|li)>)[ \t]?", re.IGNORECASE)


class JsonLines(Form):
    """One JSON object a line."""

    name = "JSON lines"
    about = (
        "One JSON object a line with the text in `log`, `message`, `msg`, `line` or a field of another name: Docker, "
        "Loki, `journalctl -o json`, collectors of clouds. A text that came in several objects is put together."
    )
    samples = (
        (b'{"log":"[I] [TRT] Loaded\\n","stream":"stdout"}', b"[I] [TRT] Loaded"),
        (b'{"log":"[I] [TRT] Lo","t":1}\n{"log":"aded\\n","t":2}\n{"log":"x\\n"}', b"[I] [TRT] Loaded\nx"),
        (b'{"labels":{"app":"x"},"line":"[I] [TRT] Loaded"}', b"[I] [TRT] Loaded"),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that takes the text out of the field that holds a log."""
        if not any(line.lstrip(b" \t,[")[:1] == b"{" for line in sample.hidden):
            return []
        objects = [line for line in sample.lines if line.lstrip(b" \t,[")[:1] == b"{"][:_PARSED]
        if len(objects) < 2 < sample.filled:
            return []
        texts: dict[tuple[str, ...], list[str]] = {}
        for line in objects:
            for path, text in _texts(_parsed(line)):
                texts.setdefault(path, []).append(text)
        known: Counter[tuple[str, ...]] = Counter()
        for path, found in texts.items():
            lines = [text.rstrip("\r\n").encode("utf-8", "replace") for text in found]
            known[path] = sum(map(sample.judge.begins, lines))
        # If another form lies below this one, the log is the longest text.
        sizes = {path: sum(map(len, found)) for path, found in texts.items()}
        ranked = sorted(texts, key=lambda path: (-known[path], -sizes[path]))[:2]
        return [_Unpack(path, sum(t.endswith("\n") for t in texts[path]) * 2 > len(texts[path])) for path in ranked]


class _Unpack(Reflow):
    """Takes one field out of the object of each line."""

    def __init__(self, path: tuple[str, ...], ended: bool) -> None:
        name = ".".join(path)
        super().__init__(f"json {name}", f"each line is a JSON object: its field {name!r} was read")
        self._path = path
        self._ended = ended  # whether the end of a text is not the end of a line
        self._open = b""
        self._number = 0

    def fresh(self) -> _Unpack:
        return _Unpack(self._path, self._ended)

    def reflow(self, lines: list[bytes], numbers: Sequence[int], last: bool) -> tuple[list[bytes], list[int]]:
        out: list[bytes] = []
        places: list[int] = []
        for line, number in zip(lines, numbers, strict=True):
            text = _field(_parsed(line), self._path)
            if text is None:
                self._flush(out, places)
                out.append(line)
                places.append(number)
                continue
            raw = text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")
            if not self._open:
                self._number = number
            raw = self._open + raw
            whole = raw.endswith(b"\n") or not self._ended or len(raw) > _LONGEST
            pieces = raw.removesuffix(b"\n").split(b"\n") if whole else raw.split(b"\n")
            self._open = b"" if whole else pieces.pop()
            for position, piece in enumerate(pieces):
                out.append(piece)
                places.append(number if position else self._number)
            if pieces:
                self._number = number
        if last:
            self._flush(out, places)
        return out, places

    def _flush(self, out: list[bytes], places: list[int]) -> None:
        if self._open:
            out.append(self._open)
            places.append(self._number)
            self._open = b""


def _parsed(line: bytes) -> Any:
    found = _OBJECT.match(line)
    if found is None:
        return None
    try:
        return json.loads(found[1])
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Return the texts of an object, and those of the objects in it."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str):
            yield (name,), inner
        elif isinstance(inner, dict):
            for below, text in inner.items():
                if isinstance(text, str):
                    yield (name, below), text


def _field(value: Any, path: tuple[str, ...]) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


class Tags(Form):
    """HTML tags."""

    name = "HTML tags"
    about = "Tags such as `<br/>`, `<span>` or `<pre>` in and around lines; `<br>` inside a line ends it."
    samples = (
        (b"[I] [TRT] Loaded <br/>\n<p>[I] [TRT] Loaded</p>", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b"[I] [TRT] Loaded<br>[I] [TRT] Loaded", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that removes the tags, where several lines hold some or there is hardly another line.

        That nearly all lines do is evidence enough, unless something else stands behind those tags.
        """
        tagged = [line for line in sample.lines if b"<" in line and _TAG.search(line) is not None]
        lines = len(tagged)
        whole = lines >= max(_FEWEST, _NEARLY_ALL * sample.filled)
        whole = whole and sum(len(_pieces(line)) > 1 for line in tagged) < lines / 2
        return [_Untag(certain=whole)] if lines > 1 or (lines and sample.filled < 3) else []


class _Untag(PerLine):
    def __init__(self, *, certain: bool) -> None:
        super().__init__("tags", "HTML tags were removed", certain=certain)

    def pieces(self, line: bytes) -> Sequence[bytes]:
        pieces = _pieces(line) if b"<" in line else [line]
        # HTML is escaped throughout, even if few characters needed it.
        return [unescaped(piece) for piece in pieces] if b"&" in line else pieces


def _pieces(line: bytes) -> list[bytes]:
    """Return the lines that a line with tags is, without them."""
    pieces = [_TAG.sub(b"", piece) for piece in _BREAK.split(line)]
    if not pieces[-1].strip() and len(pieces) > 1:
        pieces.pop()
    return pieces
