"""``trtlog reformats``: conversions between formats."""

from __future__ import annotations

import click

from trtlog._util.words import counted
from trtlog.cli.answers import limit_option, print_answer
from trtlog.cli.common import echo, format_option, log_argument, read_log, reading_options

_COLUMNS = ("layer", "side", "before", "after", "timed_ms", "profile_ms", "percent", "forced_by", "round_trip", "line")


@click.command("reformats")
@log_argument
@limit_option
@format_option
@reading_options
def command(log: str, limit: int | None, format_: str) -> None:
    """List the conversions between formats that the engine of LOG holds: cost, share, and who forces them.

    Example:  trtlog reformats verbose.log
    """
    parsed = read_log(log)
    from trtlog.analyses.layer.conversions import copies_of_constants
    from trtlog.analyses.layer.engine_layer import layers_of

    empty = "the engine converts no formats"
    if copies := copies_of_constants(layers_of(parsed)):
        several = counted(len(copies), "layer copies", "layers copy")
        empty += f"; {several} constants at each inference: {copies[0].layer}"
    print_answer(parsed, "reformats", format_, columns=_COLUMNS, limit=limit, empty=empty)
    if format_ == "table" and parsed.table("profile").num_rows:
        echo()
        empty = "no layer of the profile converts formats"
        from trtlog.analyses.layer.profile import dla_copies

        if dla_copies(parsed.table("profile").to_pylist()):
            empty = "the copies beside the DLA hold the wait for it: the profile shows no time of conversions"
        print_answer(parsed, "reformat_shares", format_, empty=empty)
