"""A running trtexec on the terminal: one line that moves, and what is worth keeping above it."""

from __future__ import annotations

import dataclasses
import functools
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import click

from trtlog._util.finite import finite
from trtlog.cli.common import echo_json
from trtlog.cli.console import console, silence_broken_streams
from trtlog.report.safe import visible
from trtlog.runner.progress import Event

if TYPE_CHECKING:
    from rich.live import Live

    from trtlog.report.live import LiveLine

# Without a terminal nothing moves; silence is reported this often.
_QUIET_S = 60.0


def running_options(function: Any) -> Any:
    """Add the options that ``run`` and ``sweep`` share; the function gets those of a run as ``running``, by keyword."""

    @functools.wraps(function)
    def with_running(*, no_verbose: bool, no_exports: bool, no_check: bool, **given: Any) -> Any:
        running = {name: given.pop(name) for name in ("trtexec", "prefix", "seen_as", "timeout_s", "hang_s")}
        running |= {"verbose": not no_verbose, "exports": False if no_exports else None, "check_flags": not no_check}
        return function(running=running, **given)

    added: Any = with_running
    options = (
        click.option("--trtexec", help="Path, folder or whole command of trtexec [default: found on its own]."),
        click.option("--prefix", help="Command that starts trtexec, such as 'docker run --rm --gpus=all IMAGE'."),
        click.option("--seen-as", help="The output folder's path as trtexec sees it, for a container's volume."),
        click.option("--no-verbose", is_flag=True, help="Do not add --verbose."),
        click.option(
            "--no-exports", is_flag=True, help="Do not add --exportTimes, --exportProfile, --exportLayerInfo."
        ),
        click.option("--no-check", is_flag=True, help="Do not ask trtexec --help which flags it has."),
        click.option("--timeout", "timeout_s", type=float, metavar="SECONDS", help="Stop a run after so long."),
        click.option("--hang", "hang_s", type=float, metavar="SECONDS", help="Stop a run that prints nothing so long."),
        click.option("-q", "--quiet", is_flag=True, help="Show no progress."),
        click.option("--json", "as_json", is_flag=True, help="Write live events to standard output as JSON lines."),
    )
    for option in reversed(options):
        added = option(added)
    return added


class LiveView:
    """Shows events: on a terminal a moving line, in a pipe one line for each step, with ``json`` all as JSON lines.

    Everything but JSON goes to standard error, so that standard output holds results alone. ``brief`` leaves out
    metrics, warnings and, in a pipe, phases.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, brief: bool = False) -> None:
        self._console = console(stderr=True)
        self._json = as_json
        self._quiet = quiet and not as_json
        self._brief = brief
        self._live: Live | None = None
        self._line: LiveLine | None = None
        self._phase = ""
        self._quiet_at = 0.0
        self._label = ""
        self.unread = False  # whoever read what is shown has gone: the run goes on, and its log is kept

    def __enter__(self) -> LiveView:
        if self._console.is_terminal and not self._json and not self._quiet:
            with self._reader_may_go():
                from rich.live import Live

                from trtlog.report.live import LiveLine

                self._line = LiveLine()
                self._live = Live(self._line, console=self._console, transient=True, refresh_per_second=8)
                self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            with self._reader_may_go():
                self._live.stop()

    @contextmanager
    def _reader_may_go(self) -> Iterator[None]:
        """Show no more when the terminal or pipe is closed; a build must not end for that."""
        try:
            yield
        except (OSError, ValueError):  # ValueError: the stream was closed in this process
            self.unread = True
            silence_broken_streams()

    def point(self, label: str) -> None:
        """Say which point of a sweep runs now."""
        if label != self._label:
            self._label, self._phase = label, ""

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if not self.unread:
            with self._reader_may_go():
                self._console.print(visible(text), markup=False, soft_wrap=True)

    def show(self, event: Event) -> None:
        """Show an event."""
        if not self.unread:
            with self._reader_may_go():
                self._show(event)

    def _show(self, event: Event) -> None:
        if self._json:
            echo_json(json.dumps(finite(dataclasses.asdict(event)), ensure_ascii=False))
            return
        if self._quiet:
            return
        before = f"{self._label}: " if self._label else ""
        if self._brief and (event.kind in ("metric", "ended") or event.severity == "W"):
            pass  # the table of points tells it
        elif event.kind in ("message", "metric"):
            self.say(f"{before}{event}")
        elif event.kind == "ended" and event.text:
            self.say(f"{before}{event.text} {clock(event.elapsed_s)}".rstrip())
        if self._line is not None:
            from trtlog.report.live import pieces

            self._line.pieces = pieces(event, self._label)
        elif event.kind == "phase" and event.phase not in (self._phase, "ended") and not self._brief:
            self._phase = event.phase
            self.say(f"{before}{event} {clock(event.elapsed_s)}".rstrip())
        elif event.kind == "quiet" and time.monotonic() - self._quiet_at >= _QUIET_S:
            self._quiet_at = time.monotonic()
            self.say(f"{before}{event}")


def clock(elapsed_s: float | None) -> str:
    """Return a time for the end of a line; empty where it is not known."""
    return "" if elapsed_s is None else f"({elapsed_s:.1f} s)"


@contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does: with its child, and with the log kept.

    A signal that is ignored stays so: ``nohup trtlog run`` outlives its terminal.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Callable[..., object] | int | None] = {}
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
