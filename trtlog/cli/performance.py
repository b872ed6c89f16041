"""``trtlog performance``: what the measured times mean."""

from __future__ import annotations

import click

from trtlog.cli.answers import print_answer
from trtlog.cli.common import cell, format_option, log_argument, print_rows, read_log, reading_options


@click.command("performance")
@log_argument
@click.option("--statistics", is_flag=True, help="All printed statistics instead of the diagnosis.")
@format_option
@reading_options
def command(log: str, statistics: bool, format_: str, strict: bool, run_number: int | None) -> None:
    """Diagnose the measurement in LOG: what bounds the throughput, how stable it is, what the host costs.

    Example:  trtlog performance verbose.log
    """
    held = read_log(log, strict=strict, run_number=run_number)
    if statistics:
        print_rows(held.table("performance"), format_)
        return
    found = held.analyze.table("performance")
    if not found.num_rows or format_ != "table":
        print_answer(held, "performance", format_)
        return
    docs = held.analyze.columns("performance")
    row = found.to_pylist()[0]
    because, lines = row.pop("because"), row.pop("lines")
    click.echo(
        f"bound by {row['bound_by'] or 'what the log cannot tell'}: {because} (lines {', '.join(map(str, lines))})"
    )
    for name, value in row.items():
        if name != "run":
            click.echo(f"{name:18} {cell(round(value, 6) if isinstance(value, float) else value):>14}  {docs[name]}")
