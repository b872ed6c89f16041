"""Sentences with marked words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from trtlog._util.dataclass import dataclass

Mark = Literal["", "strong", "aside", "code", "badge"]
Tone = Literal["", "good", "bad", "caution", "hint", "accent"]

# Words that judge, and how.
TONES: dict[str, Tone] = {
    **dict.fromkeys(("passed", "good", "ok", "faster", "better", "added"), "good"),
    **dict.fromkeys(("failed", "FAILED", "error", "fatal", "fail", "slower", "worse", "removed"), "bad"),
    **dict.fromkeys(("killed", "timed_out", "hung", "disk_full"), "bad"),
    **dict.fromkeys(("interrupted", "incomplete", "waived", "warning", "warn", "changed"), "caution"),
    **dict.fromkeys(("advice", "note"), "hint"),
}


@dataclass(frozen=True)
class Span:
    """A piece of a sentence.

    Attributes
    ----------
    text : str
        The text.
    mark : str
        What it is: ``strong``, ``aside``, ``code`` (a name to be copied), ``badge`` (a status, a severity); or
        nothing of these.
    tone : str
        How it judges: ``good``, ``bad``, ``caution``, ``hint``; ``accent`` only stands out.
    """

    text: str
    mark: Mark = ""
    tone: Tone = ""


Words = tuple[Span, ...]


def words(*parts: str | Span | Words | None) -> Words:
    """Return texts and marked pieces as one sentence; what is None or empty is left out.

    Examples
    --------
    >>> plain(words(strong("layers"), ": 3 ", None, toned("faster")))
    'layers: 3 faster'
    """
    found: list[Span] = []
    for part in parts:
        if isinstance(part, tuple):
            found += part
        elif part:
            found.append(Span(part) if isinstance(part, str) else part)
    return tuple(span for span in found if span.text)


def strong(text: str | None) -> Span:
    """Return a text that stands out."""
    return Span(text or "", "strong")


def aside(text: str | None) -> Span:
    """Return a text of less weight."""
    return Span(text or "", "aside")


def code(text: str | None) -> Span:
    """Return a name or a call, to be copied as it is."""
    return Span(text or "", "code")


def badge(word: str | None) -> Span:
    """Return a status or a severity."""
    return Span(word or "", "badge", TONES.get(word or "", ""))


def toned(text: str | None, word: str | None = None) -> Span:
    """Return a text in the tone of a word that judges, by default the text itself."""
    return Span(text or "", "", TONES.get((text if word is None else word) or "", ""))


def plain(part: Words | Sequence[Span]) -> str:
    """Return a sentence without its marks."""
    return "".join(span.text for span in part)


def joined(parts: Iterable[Words], separator: str) -> Words:
    """Return sentences one after the other, with a text between them.

    Examples
    --------
    >>> plain(joined([words("a"), words("b")], ", "))
    'a, b'
    """
    found: list[Span] = []
    for part in parts:
        found += [Span(separator), *part] if found else part
    return tuple(found)
