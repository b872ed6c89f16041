"""``trtlog stability``: several builds of one model."""

from __future__ import annotations

import click

from trtlog.cli.common import echo_json, read_logs, show, strict_option, text_format_option


@click.command("stability")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@text_format_option
@click.option("--limit", type=click.IntRange(1), default=15, show_default=True, help="Rows of a table (text, md).")
@strict_option
def command(logs: tuple[str, ...], format_: str, limit: int) -> None:
    """Show which layers change their tactic over the builds of the LOGs, margins against noise, and advice.

    A folder, a glob or a dataset stands for all its logs. Each run of a log of several counts as a build; failed runs
    are left out.

    Example:  trtlog stability build1.log build2.log build3.log
    """
    from trtlog.analyses.compare.stability import stability
    from trtlog.report.documents.stability import stability as document_of

    found = stability([log for _, log in read_logs(logs)])
    if format_ == "json":
        echo_json(found.to_json(), nl=False)
    else:
        show(document_of(found), format_, limit)
