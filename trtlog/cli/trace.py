"""``trtlog trace``: a log as a timeline for Perfetto and Chrome."""

from __future__ import annotations

import os

import click

from trtlog.cli.common import echo, echo_json, log_argument, read_log, reading_options


@click.command("trace")
@log_argument
@click.option("-o", "--output", default="-", show_default=True, help="File to write, - for standard output.")
@reading_options
def command(log: str, output: str) -> None:
    """Write a log as trace events: open the file in https://ui.perfetto.dev or chrome://tracing.

    Builds become nested slices (phases, layers, combinations of formats, runners, with their tactics), memory becomes
    counters, and inferences that trtexec exported (--exportTimes) slices of their own.

    Example:  trtlog trace verbose.log -o trace.json
    """
    from trtlog.report.trace.events import save, trace, write

    made = trace(read_log(log))
    if note := made["otherData"]["notes"]:
        echo(f"trtlog: {note}", err=True)
    if output == "-":
        for part in write(made):
            echo_json(part, nl=False)
        return
    save(made, output)
    size = os.path.getsize(output)
    events = f"{len(made['traceEvents']):,} events"
    echo(f"{output}: {events}, {size:,} bytes; open it in https://ui.perfetto.dev")
