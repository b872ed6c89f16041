"""``trtlog performance``: what the measured times mean."""

from __future__ import annotations

import click

from trtlog.cli.answers import print_answer
from trtlog.cli.common import format_option, log_argument, print_rows, read_log, reading_options, show


@click.command("performance")
@log_argument
@click.option("--statistics", is_flag=True, help="All printed statistics instead of the diagnosis.")
@format_option
@reading_options
def command(log: str, statistics: bool, format_: str) -> None:
    """Diagnose the measurement in LOG: what bounds the throughput, how stable it is, what the host costs.

    Example:  trtlog performance verbose.log
    """
    parsed = read_log(log)
    if statistics:
        print_rows(parsed.table("performance"), format_)
        return
    found = parsed.analyze.table("performance")
    if not found.num_rows or format_ not in ("table", "md"):
        print_answer(parsed, "performance", format_)
        return
    from trtlog.report.documents.performance import performance

    steps = parsed.analyze.table("reconciliation").to_pylist()
    show(performance(found.to_pylist()[0], parsed.analyze.columns("performance"), steps), format_)
