"""Pieces of a terminal text for rich: they fit any width, and nothing of them is cut in a pipe.

On a terminal a long name loses its middle and words wrap. In a pipe (a console of :data:`UNBOUNDED` columns) every
text is whole, so that grep finds it.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from trtlog._util.dataclass import dataclass
from trtlog.report.document import Bar
from trtlog.report.safe import visible
from trtlog.report.sentences import Mark, Span, Tone, Words
from trtlog.report.terminal.plain import drawn

# The width of a console that writes into a pipe or a file.
UNBOUNDED = 1_000_000
_COLORS: dict[Tone, str] = {
    "": "",
    "good": "green",
    "bad": "red",
    "caution": "yellow",
    "hint": "cyan",
    "accent": "cyan",
}
_MARKS: dict[Mark, str] = {"": "", "strong": "bold", "aside": "dim", "code": "", "badge": "bold"}


def unbounded(options: ConsoleOptions) -> bool:
    """Whether the output has no width: nothing is wrapped or cut."""
    return options.max_width >= UNBOUNDED // 2


def style_of(mark: Mark = "", tone: Tone = "") -> str:
    """Return rich's style for a mark and a tone."""
    return f"{_MARKS[mark]} {_COLORS[tone]}".strip()


def text_of(part: Words | Span | str) -> Text:
    """Return a sentence, or a piece of one, as rich's text: no character of it steers the terminal."""
    if isinstance(part, str):
        return Text(visible(part))
    spans = (part,) if isinstance(part, Span) else part
    return Text.assemble(*((visible(span.text), style_of(span.mark, span.tone)) for span in spans))


def fitted(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a text that takes at most ``width`` cells; a longer one loses its middle.

    Examples
    --------
    >>> fitted("/layer1/layer1.0/conv1/Conv", 15)
    '/layer1…v1/Conv'
    """
    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room < 2:
        return set_cell_size(text, width)
    head = (room + 1) // 2
    tail = room - head
    start = set_cell_size(text, head).rstrip() if head else ""
    end = set_cell_size(text[::-1], tail)[::-1].lstrip() if tail else ""
    return f"{start}{ellipsis}{end}"


@dataclass(frozen=True)
class Fitted:
    """A name or a bar of a table: on one line, in the room that there is."""

    part: str | Bar
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if isinstance(self.part, Bar):
            width = min(self.part.width, options.max_width)
            yield Text(drawn(self.part, width, options.ascii_only), style_of(tone=self.part.tone), end="")
            return
        words = fitted(self.part, options.max_width, "..." if options.ascii_only else "…")
        yield Text(words, self.style, no_wrap=True, overflow="ignore", end="")


class Heading:
    """The title of a part, with a line to the right of it on a terminal."""

    def __init__(self, title: str = "") -> None:
        self._title = visible(title)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if unbounded(options):
            yield Text(self._title, style="bold")
            return
        title = Text(self._title, style="bold", no_wrap=True, overflow="ellipsis")
        room = options.max_width - cell_len(self._title) - 1
        if self._title and room > 0:
            title.append(" ")
        if room > 0:
            title.append(("-" if options.ascii_only else "─") * (room if self._title else options.max_width), "dim")
        yield title


class Indented:
    """A part moved to the right."""

    def __init__(self, part: RenderableType, by: int = 2) -> None:
        self._part = part
        self._by = by

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        inner = options.update_width(max(1, options.max_width - self._by))
        for line in console.render_lines(self._part, inner, pad=False):
            yield Segment(" " * self._by)
            yield from line
            yield Segment.line()


class Trimmed:
    """A part without blanks at the ends of its lines."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        new_line = Segment.line()
        for line in console.render_lines(self._part, options, pad=False):
            kept = [segment for segment in line if not segment.control and segment.text]
            while kept and not kept[-1].text.strip():
                kept.pop()
            if kept:
                last = kept.pop()
                kept.append(Segment(last.text.rstrip(), last.style or Style.null()))
            yield from kept
            yield new_line
