"""Pieces of HTML for a notebook: the one place where an answer becomes markup.

A piece is legible on a light and on a dark page, because text keeps the page's own colours and a badge brings its
background with it, and where styles are taken away (GitHub), because tables, bold text and what folds remain.
Everything passes :func:`text`, which takes secrets out and escapes; only :class:`Html` goes through as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from trtlog._util.redact import redact

LONGEST = 300
_ROWS = 20
# White text on each of these is legible (contrast 4.5 and more), whatever the page's own background.
_BADGES = {
    "passed": "#1a7f45",
    "good": "#1a7f45",
    "failed": "#b3261e",
    "error": "#b3261e",
    "fatal": "#b3261e",
    "fail": "#b3261e",
    "killed": "#b3261e",
    "timed_out": "#b3261e",
    "hung": "#b3261e",
    "disk_full": "#b3261e",
    "interrupted": "#8a5a00",
    "incomplete": "#8a5a00",
    "waived": "#8a5a00",
    "warning": "#8a5a00",
    "warn": "#8a5a00",
    "advice": "#0b5cad",
}
_OTHER = "#5f6368"
_LEFT = "text-align:left;vertical-align:top"
_RIGHT = "text-align:right;vertical-align:top;white-space:nowrap"
# Characters that turn the direction of text around or break lines: shown by their number.
_ODD = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LONG = re.compile(r"([^\s<>]{24,}?[_/])(?=[^\s<>]{8})")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object, longest: int = LONGEST) -> Html:
    """Return a value as markup: without secrets, escaped, cut in the middle where it is too long.

    Examples
    --------
    >>> text("<script>"), text("https://me:secret@host/m.onnx"), text(None)
    ('&lt;script&gt;', 'https://***@host/m.onnx', '')
    """
    if isinstance(value, Html):
        return value
    if value is None:
        return Html()
    return Html(escape(words(value, longest)))


def words(value: object, longest: int = LONGEST) -> str:
    """Return a value as text to show: without secrets and odd characters, cut in the middle where it is too long."""
    # at first roughly: what is searched for secrets need not be a megabyte
    plain = _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", redact(_cut(str(value), 50 * longest)))
    return _cut(plain, longest)


def _cut(plain: str, longest: int) -> str:
    if len(plain) <= longest:
        return plain
    head = longest * 2 // 3
    return f"{plain[:head]} … {plain[-(longest - head) :]}"


def badge(word: str | None) -> Html:
    """Return a status or a severity on its own background."""
    if not word:
        return Html()
    color = _BADGES.get(word, _OTHER)
    style = f"background:{color};color:#fff;border-radius:3px;padding:1px 6px;font-size:85%"
    return Html(f'<span style="{style}">{text(word)}</span>')


def strong(value: object) -> Html:
    """Return a value in bold."""
    return Html(f"<b>{text(value)}</b>")


def dim(value: object) -> Html:
    """Return a value as an aside."""
    return Html(f'<small style="opacity:.75">{text(value)}</small>')


def join(parts: Iterable[object], separator: str = " ") -> Html:
    """Return parts one after the other; an empty one is left out."""
    made = [text(part) for part in parts]
    return Html(separator.join(part for part in made if part))


def line(*parts: object) -> Html:
    """Return parts as one paragraph."""
    return Html(f'<div style="margin:2px 0">{join(parts)}</div>')


def items(values: Sequence[object], most: int = _ROWS) -> Html:
    """Return a list, at most ``most`` of it."""
    if not values:
        return Html()
    shown = "".join(f"<li>{text(value)}</li>" for value in values[:most])
    return Html(f'<ul style="margin:2px 0 6px 0">{shown}</ul>{_more(len(values) - most)}')


def table(
    heads: Sequence[tuple[str, bool]], rows: Sequence[Sequence[object]], *, most: int = _ROWS, hints: Sequence[str] = ()
) -> Html:
    """Return a table, at most ``most`` rows, and how many were left out.

    Parameters
    ----------
    heads
        Heading of each column, and whether it holds numbers; without any heading there is no head line.
    rows
        A value for each column.
    most
        Rows to show.
    hints
        A text for each row, shown where the mouse points at it.
    """
    styles = [_RIGHT if right else _LEFT for _, right in heads]
    head = ""
    if any(name for name, _ in heads):
        cells = "".join(
            f'<th style="{style}">{text(name)}</th>' for (name, _), style in zip(heads, styles, strict=True)
        )
        head = f"<thead><tr>{cells}</tr></thead>"
    body = []
    for number, row in enumerate(rows[:most]):
        hint = f' title="{text(hints[number])}"' if hints else ""
        cells = "".join(
            f'<td style="{style}">{_breakable(value)}</td>' for value, style in zip(row, styles, strict=True)
        )
        body.append(f"<tr{hint}>{cells}</tr>")
    wide = "overflow-x:auto;max-width:100%"
    made = f'<table style="margin:4px 0;border-collapse:collapse">{head}<tbody>{"".join(body)}</tbody></table>'
    return Html(f'<div style="{wide}">{made}</div>{_more(len(rows) - most)}')


def tiles(values: Iterable[tuple[str, object, str]]) -> Html:
    """Return numbers side by side: label, value and unit of each."""
    place, one_line = f"{_LEFT};padding-right:20px", "white-space:nowrap"
    cells = "".join(
        f'<td style="{place}">{dim(label)}<br><span style="{one_line}">{strong(value)} {text(unit)}</span></td>'
        for label, value, unit in values
    )
    return Html(f'<table style="margin:4px 0"><tbody><tr>{cells}</tr></tbody></table>') if cells else Html()


def folded(title: object, *parts: object, opened: bool = False) -> Html:
    """Return parts that fold away under a title."""
    state = " open" if opened else ""
    shown = title if isinstance(title, Html) else strong(title)
    inner = f'<div style="margin-left:16px">{join(parts, "")}</div>'
    return Html(
        f'<details{state} style="margin:4px 0"><summary style="cursor:pointer">{shown}</summary>{inner}</details>'
    )


def block(*parts: object) -> Html:
    """Return the whole: what ``_repr_html_`` gives."""
    return Html(f'<div class="trtlog" style="max-width:100%">{join(parts, "")}</div>')


def number(value: Any) -> str:
    """Return a number as printed, with at most ten digits; nothing for None."""
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _breakable(value: object) -> str:
    """Return a cell that may be broken inside a long name, so that a kernel does not push columns out of sight."""
    return value if isinstance(value, Html) else _LONG.sub(r"\1<wbr>", text(value))


def _more(count: int) -> str:
    return f'<div style="margin:2px 0">{dim(f"... and {count} more")}</div>' if count > 0 else ""
