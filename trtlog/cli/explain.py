"""``trtlog explain``: why a line means what it means."""

from __future__ import annotations

import click

from trtlog.cli.common import echo, source_of
from trtlog.cli.inputs import text_path
from trtlog.errors import InputError


@click.command("explain", context_settings={"ignore_unknown_options": True})  # -:100 is no option
@click.argument("place", metavar="LOG:LINE")
def command(place: str) -> None:
    """Tell which rule matched line LINE of LOG, and its fields; for an unknown line, what came nearest.

    LOG may be - for standard input, or a run folder.

    Example:  trtlog explain verbose.log:1421
    """
    from trtlog.messages.explain import explain_line

    path, _, number = place.rpartition(":")
    if not path or not number.isdigit() or int(number) < 1:
        raise InputError(f"{place!r} names no line; write LOG:LINE, as verbose.log:1421")
    echo(explain_line(text_path(path), int(number), source_of(path) if path == "-" else None))
