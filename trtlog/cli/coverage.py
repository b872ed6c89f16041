"""``trtlog coverage``: the account of all lines."""

from __future__ import annotations

import click

from trtlog._util.words import counted
from trtlog.cli.common import echo, format_option, log_argument, print_rows, read_log, reading_options


@click.command("coverage")
@log_argument
@format_option
@reading_options
def command(log: str, format_: str) -> None:
    """Count the lines of LOG by kind. All kinds add up to all lines.

    Example:  trtlog coverage verbose.log
    """
    table = read_log(log).table("coverage")
    print_rows(table, format_)
    if format_ == "table":
        counts = dict(zip(table.column("kind").to_pylist(), table.column("lines").to_pylist(), strict=True))
        total = sum(counts.values())
        unknown = counts.get("unknown", 0)
        echo(f"{counted(total, 'line')}, {unknown} unknown ({100 * unknown / max(total, 1):.2f} %)")
