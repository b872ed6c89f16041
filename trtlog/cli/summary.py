"""``trtlog summary``: a log on one screen."""

from __future__ import annotations

import click

from trtlog.cli.common import document_format_option, echo, log_argument, read_log, reading_options, show


@click.command("summary")
@log_argument
@document_format_option
@reading_options
def command(log: str, format_: str, strict: bool, run_number: int | None) -> None:
    """Show what ran, on what, headline numbers, build phases, top layers and warnings of LOG.

    Example:  trtlog summary verbose.log
    """
    from trtlog.report.documents.summary import summary

    whole = read_log(log, strict=strict, run_number=run_number)
    for number, run in enumerate(whole.runs):
        if number:
            echo()
        show(summary(run), format_)
