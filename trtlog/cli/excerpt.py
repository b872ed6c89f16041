"""``trtlog excerpt``: some lines of a log, to paste into a report."""

from __future__ import annotations

import re

import click

from trtlog.cli.common import echo_data
from trtlog.cli.inputs import text_path
from trtlog.errors import InputError


@click.command("excerpt")
@click.argument("place", metavar="LOG:LINES")
@click.option("--redact", is_flag=True, help="Replace passwords, tokens, keys and names of users in paths by ***.")
@click.option("--numbers", is_flag=True, help="Print each line's number in front of it.")
def command(place: str, redact: bool, numbers: bool) -> None:
    """Print lines of LOG as they stand, decompressed: LINES is a number, or FIRST-LAST.

    Read what is printed before you publish it: names of layers, models and machines stay.

    Example:  trtlog excerpt verbose.log:1420-1431 --redact
    """
    from trtlog.messages.excerpt import excerpt

    path, _, lines = place.rpartition(":")
    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", lines)
    if not path or found is None:
        raise InputError(f"{place!r} names no lines; write LOG:FIRST-LAST, as verbose.log:1420-1431")
    for number, line in excerpt(text_path(path), int(found[1]), int(found[2] or found[1]), redacted=redact):
        echo_data(f"{number}: {line}" if numbers else line)
