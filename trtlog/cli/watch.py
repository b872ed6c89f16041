"""``trtlog watch``: follow a log that something else writes."""

from __future__ import annotations

import click

from trtlog.cli.live import LiveView


@click.command("watch")
@click.argument("file", metavar="FILE")
@click.option("--wait", "wait_s", type=float, default=0.0, metavar="SECONDS", help="Wait so long for FILE to come.")
@click.option("--stop-after", type=float, metavar="SECONDS", help="End when nothing was written for so long.")
@click.option("--json", "as_json", is_flag=True, help="Write events to standard output as JSON lines.")
def command(file: str, wait_s: float, stop_after: float | None, as_json: bool) -> int:
    """Follow FILE while trtexec writes it: phase, layer, best time so far, warnings.

    Ends at the closing line of the run; exit code 1 if that says FAILED.

    Example:  trtlog watch m.log --wait 10
    """
    from trtlog.runner.follow import watch

    last = None
    with LiveView(as_json=as_json) as view:
        for event in watch(file, wait_s=wait_s, stop_after_s=stop_after):
            view.show(event)
            last = event
            if view.unread:
                break
    return 1 if last is not None and last.kind == "ended" and last.text == "FAILED" else 0
