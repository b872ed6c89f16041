"""``trtlog summary``: a log on one screen."""

from __future__ import annotations

import click

from trtlog.cli.common import echo, echo_json, logs_argument, read_logs, reading_options, show, text_format_option


@click.command("summary")
@logs_argument
@text_format_option
@reading_options
def command(logs: tuple[str, ...], format_: str) -> None:
    """Show what ran, on what, headline numbers, build phases, top layers and warnings of LOG.

    Several logs, also a folder, a glob or a dataset, are summarised one after the other. With --format json a log is
    an object, several logs or runs are a list.

    Example:  trtlog summary verbose.log
    """
    from trtlog.report.documents.summary import summary

    runs = [(name, run) for name, log in read_logs(logs) for run in log.runs]
    if format_ == "json":
        from trtlog.report.summary_json import to_json

        echo_json(to_json([run for _, run in runs]), nl=False)
        return
    several = len({name for name, _ in runs}) > 1
    for number, (name, run) in enumerate(runs):
        if number:
            echo()
        if several:
            echo(f"## {name}\n" if format_ == "md" else f"==> {name} <==")
        show(summary(run), format_)
