"""A running trtexec: one line with a bar, as wide as there is room, on a terminal or in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from trtlog._util.dataclass import dataclass
from trtlog._util.words import counted
from trtlog.report.document import Bar
from trtlog.report.safe import shown, visible
from trtlog.report.terminal.plain import drawn
from trtlog.report.terminal.text import fitted
from trtlog.runner.progress import PHASES

if TYPE_CHECKING:
    from trtlog.runner.progress import Event
    from trtlog.runner.session import Session

_BAR, _LEAST_BAR = 20, 8
# The least of a layer's name that says anything.
_LEAST_NAME = 8
# A notebook is drawn anew this often at most.
_PAUSE_S = 0.2


@dataclass(frozen=True)
class Pieces:
    """What the line says, in parts that go one after the other where there is no room.

    Attributes
    ----------
    where
        The phase, and which layer of how many.
    name
        The layer.
    best
        Its best time so far.
    clock
        Seconds since the start, and seconds left: of the measurement, or of the build where it was built before.
    counts
        Warnings and errors.
    share
        How much of the phase is done, 0 to 1; None where the log does not tell.
    """

    where: str
    name: str
    best: str
    clock: str
    counts: str
    share: float | None


def pieces(event: Event, label: str = "") -> Pieces:
    """Return the parts of the line that shows an event.

    Examples
    --------
    >>> from trtlog.runner.progress import Event
    >>> pieces(Event("layer", "autotune", layer="fc", layer_number=3, layers=12, elapsed_s=4.2)).where
    'timing tactics: layer 3 of 12'
    """
    where, name, best = PHASES[event.phase], "", ""
    if event.phase == "autotune" and event.layer is not None:
        of = f" of {event.layers}" if event.layers is not None else ""
        where, name = f"{where}: layer {event.layer_number}{of}", event.layer
        best = f"best {event.best.time_ms:.4g} ms" if event.best is not None else ""
    if event.kind == "quiet" and event.text:
        where = f"{where} ({event.text})"
    times = [f"{event.elapsed_s:.0f} s"] if event.elapsed_s is not None else []
    if event.eta_s is not None:
        about = "" if event.phase == "inference" else "about "
        times.append(f"{about}{event.eta_s:.0f} s left")
    counts = ", ".join(
        counted(count, word) for count, word in ((event.warnings, "warning"), (event.errors, "error")) if count
    )
    before = f"{label}: " if label else ""
    return Pieces(f"{before}{where}", name, best, ", ".join(times), counts, event.share)


class LiveLine:
    """The line on a terminal; rich draws it anew several times a second."""

    def __init__(self) -> None:
        self.pieces = Pieces("starting", "", "", "", "", None)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(fit(self.pieces, options.max_width, options.ascii_only), no_wrap=True, overflow="ignore")


def fit(line: Pieces, width: int, ascii_only: bool = False) -> str:
    """Return the line in at most ``width`` cells: a bar and a name where there is room for them.

    Examples
    --------
    >>> line = Pieces("timing tactics: layer 3 of 12", "/layer1/layer1.0/conv1/Conv", "best 0.01 ms", "4 s", "", 0.25)
    >>> fit(line, 90)
    'timing tactics: layer 3 of 12 █████···············  /layer1/layer1.0/conv1/Conv  4 s'
    >>> fit(line, 40)
    'timing tactics: layer 3 of 12  4 s'
    """
    gap = "  "
    where, clock = visible(line.where), line.clock
    left = width - cell_len(where)
    tail = ""
    if cell_len(gap + clock) > left:
        clock = clock.partition(",")[0]
    for part in (clock, line.counts):
        if part and left - cell_len(tail) - cell_len(gap + part) >= 0:
            tail += gap + part
    left -= cell_len(tail)
    bar = ""
    if line.share is not None and left > _LEAST_BAR:
        length = min(_BAR, left - 1)
        full = drawn(Bar(line.share), length, ascii_only)
        bar = f" {full}{('.' if ascii_only else '·') * (length - cell_len(full))}"
        left -= cell_len(bar)
    name = visible(line.name)
    if name and left >= _LEAST_NAME + len(gap):
        name = gap + fitted(name, left - len(gap), "..." if ascii_only else "…")
        left -= cell_len(name)
    else:
        name = ""
    best = gap + line.best if name and line.best and left >= len(gap + line.best) else ""
    return fitted(f"{where}{bar}{name}{best}{tail}", width, "..." if ascii_only else "…")


def as_html(line: Pieces) -> str:
    """Return the line as HTML: the browser finds the room."""
    bar = "" if line.share is None else f'<progress value="{line.share:.4f}" max="1" style="width:12em"></progress> '
    rest = [escape(shown(part)) for part in (line.best, line.clock, line.counts) if part]
    name = f" <code>{escape(shown(line.name, 80))}</code>" if line.name else ""
    words = f"{bar}{escape(shown(line.where))}{name}{'' if not rest else ' · ' + ' · '.join(rest)}"
    return f'<div class="trtlog" style="max-width:100%;overflow-wrap:anywhere">{words}</div>'


@contextmanager
def progress_of(session: Session | None, label: str = "") -> Iterator[Callable[[Event], None]]:
    """Show where a run is: in a notebook under the cell, else on standard error where that is a terminal.

    Gives what to call with each event.
    """
    handle = _notebook()
    if handle is None:
        with _on_terminal(label) as show:
            yield show
        return
    last = 0.0

    def update(event: Event) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PAUSE_S or event.kind in ("phase", "ended"):
            last = now
            handle(as_html(pieces(event, label)))

    yield update


@contextmanager
def _on_terminal(label: str) -> Iterator[Callable[[Event], None]]:
    from rich.live import Live

    console = Console(stderr=True)
    line = LiveLine()

    def update(event: Event) -> None:
        line.pieces = pieces(event, label)

    if not console.is_terminal:
        yield update
        return
    with Live(line, console=console, transient=True, refresh_per_second=8):
        yield update


def _notebook() -> Callable[[str], None] | None:
    """Return what shows HTML under a notebook's cell, in place of what it showed before; None outside of one."""
    if "IPython" not in sys.modules:
        return None
    from IPython import display as ipython  # type: ignore[import-not-found,unused-ignore]
    from IPython.core.getipython import get_ipython  # type: ignore[import-not-found,unused-ignore]

    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown_as: Any = ipython
    handle = shown_as.display(shown_as.HTML(""), display_id=True)
    return lambda text: handle.update(shown_as.HTML(text))
