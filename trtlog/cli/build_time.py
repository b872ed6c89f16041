"""``trtlog build-time``: where the builder's time went."""

from __future__ import annotations

import click

from trtlog.cli.answers import limit_option, print_answer
from trtlog.cli.common import echo, format_option, log_argument, print_rows, read_log, reading_options

VIEWS = ("layer", "runner", "kind", "phase", "cache")


@click.command("build-time")
@log_argument
@click.option("--by", "view", type=click.Choice(VIEWS), default="layer", show_default=True, help="What to sum over.")
@limit_option
@format_option
@reading_options
def command(log: str, view: str, limit: int | None, format_: str) -> None:
    """Show where the builder's time of LOG went: by layer, runner, kind or phase, or what the timing cache did.

    Example:  trtlog build-time verbose.log --by runner
    """
    parsed = read_log(log)
    if view == "phase":
        print_rows(parsed.table("phases"), format_)
    elif view == "cache":
        print_answer(parsed, "cache_use", format_)
    else:
        empty = "the log prints no time of it, neither seconds nor timestamps"
        if parsed.table("timestamps").num_rows:
            empty = "the log prints no time of it: its timestamps count whole seconds, and what was timed is within one"
        rows = print_answer(parsed, "build_time", format_, limit=limit, empty=empty, by=view)
        source = parsed.analyze.table("build_time", by="kind").column("source")
        if rows and format_ == "table" and source[0].as_py() == "timestamps":
            echo("estimated from the log's timestamps, which count whole seconds: TensorRT 8.6 and later print times")
