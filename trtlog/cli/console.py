"""Where texts go: a terminal that rich draws on, or a pipe that gets plain lines."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

_COLOR = "trtlog.color"


def keeper(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Return what keeps an option for the whole program where it is given."""

    def keep(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value is not None:
            context.find_root().meta[name] = value

    return keep


def kept(name: str) -> Any:
    """Return what was given for an option of :func:`keeper`."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_root().meta.get(name)


def console(*, stderr: bool = False) -> Console:
    """Return a rich console: as wide as the terminal, without a width in a pipe, where nothing is wrapped or cut.

    Where ``COLUMNS`` is exported, it tells the width of a pipe.

    Colours: on a terminal, unless ``NO_COLOR`` is set or ``TERM`` is dumb; in a pipe where ``FORCE_COLOR`` is set.
    ``--color`` and ``--no-color`` come before both.
    """
    from rich.console import Console

    from trtlog.report.terminal.text import UNBOUNDED

    class Quitting(Console):
        """A console that says that its reader has gone; rich itself would end the program."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    stream = sys.stderr if stderr else sys.stdout
    wanted = _color_wanted()
    width = None if stream.isatty() else _width_of_pipes() or UNBOUNDED
    options: dict[str, Any] = {"file": stream, "width": width, "highlight": False, "soft_wrap": False, "emoji": False}
    if wanted is False or (wanted is None and (_set("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown"))):
        return Quitting(**options, color_system=None, no_color=True, force_interactive=False)
    if wanted:
        return Quitting(**options, force_terminal=True, no_color=False, color_system=_color_system())
    return Quitting(**options, force_terminal=stream.isatty())


def is_unbounded() -> bool:
    """Whether standard output is a pipe or a file that has no width."""
    return not sys.stdout.isatty() and not _width_of_pipes()


def is_plain() -> bool:
    """Whether standard output gets lines as they are: nothing is wrapped, cut or coloured, so rich is not needed."""
    return is_unbounded() and not _color_wanted()


def speaks_ascii_only() -> bool:
    """Whether standard output cannot show the blocks that bars are made of."""
    return not (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def _width_of_pipes() -> int:
    """Return the width that ``COLUMNS`` gives to pipes, else 0."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() else 0


def silence_broken_streams() -> None:
    """Send what is still buffered for a reader that has gone nowhere, so that the program's end does not fail on it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


def _set(name: str) -> bool:
    """Whether an environment variable holds something; the conventions take an empty one for unset."""
    return bool(os.environ.get(name))


def _color_system() -> Any:
    """Return the colours to use where they were asked for: those of the terminal, else the sixteen that all know."""
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in os.environ.get("TERM", "") else "standard"


def _color_wanted() -> bool | None:
    """Return the choice of ``--color``, ``--no-color`` or ``FORCE_COLOR``, None where there is none."""
    wanted: bool | None = kept(_COLOR)
    if wanted is None and _set("FORCE_COLOR") and not _set("NO_COLOR"):
        return True
    return wanted


def add_color_option(command: click.Command) -> click.Command:
    """Give a command ``--color`` and ``--no-color``."""
    if not any(parameter.name == "color" for parameter in command.params):
        words = "Colours always, or never; by default on a terminal unless NO_COLOR is set."
        option = click.Option(
            ["--color/--no-color"], default=None, expose_value=False, callback=keeper(_COLOR), help=words
        )
        command.params.append(option)
    return command
