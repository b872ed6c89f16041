"""``trtlog memory``: memory of build and engine."""

from __future__ import annotations

import click

from trtlog._util.words import counted
from trtlog.cli.answers import NO_SKIPS, print_answer
from trtlog.cli.common import echo, format_option, log_argument, print_rows, read_log, reading_options

VIEWS = ("totals", "timeline", "layers", "workspace")


@click.command("memory")
@log_argument
@click.option("--by", "view", type=click.Choice(VIEWS), default="totals", show_default=True, help="What to show.")
@format_option
@reading_options
def command(log: str, view: str, format_: str) -> None:
    """Show the memory of LOG: totals, timeline of the build, layers, tactics skipped for lack of workspace.

    Example:  trtlog memory verbose.log --by timeline
    """
    from trtlog.analyses.layer.engine_layer import layers_of

    parsed = read_log(log)
    if view == "totals":
        found = print_answer(parsed, "memory_use", format_, columns=("name", "size", "meaning", "line"))
        steps = parsed.table("memory").num_rows
        if not found and steps:
            what = counted(steps, "step tells", "steps tell")
            echo(f"trtlog: {what} the memory in use: trtlog memory --by timeline", err=True)
    elif view == "workspace":
        print_answer(parsed, "workspace_skips", format_, empty=NO_SKIPS)
    elif view == "layers":
        print_rows(layers_of(parsed).rows("layer_memory"), format_)
    else:
        print_rows(parsed.table("memory"), format_)
