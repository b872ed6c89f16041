"""``trtlog report``: a log, or two logs side by side, as one HTML file, or as Markdown."""

from __future__ import annotations

import os
from typing import Any

import click

from trtlog._util.files import write_whole
from trtlog.cli.common import echo, echo_data, grouped_paths, read_log, strict_option
from trtlog.errors import QueryError

# Rows of a table in Markdown.
_ROWS = 20


@click.command("report")
@click.argument("logs", metavar="LOG [OTHER]", nargs=-1, required=True)
@click.option("-o", "--output", required=True, help="File to write, Markdown if its name ends in .md; - for stdout.")
@strict_option
@click.option(
    "--run",
    "--control-run",
    "run_number",
    type=int,
    default=None,
    help="Which run of LOG, from 0, if there are several.",
)
@click.option("--test-run", type=int, default=None, help="Which run of OTHER, from 0.")
def command(logs: tuple[str, ...], output: str, run_number: int | None, test_run: int | None) -> None:
    """Write LOG as one HTML file to look at and to share; with OTHER, what changed from LOG to OTHER.

    JSON files that trtexec exported stand for a log too: layers.json profile.json.

    The file needs no network and no server. Passwords and tokens in command lines are taken out.

    Example:  trtlog report verbose.log -o report.html
    """
    found = grouped_paths(logs)
    if len(found) > 2:
        raise click.UsageError(f"Got unexpected extra argument ({' '.join(found[2:])})")
    log, other = found[0], found[1] if len(found) > 1 else None
    if log == other == "-":
        raise QueryError("only one of the two logs can come from standard input")
    parsed = read_log(log, run_number)
    made: Any = parsed
    if other is not None:
        from trtlog.analyses.compare.diff import diff

        made = diff(parsed, read_log(other, test_run))
    text = _markdown(made) if output.endswith(".md") else _page(made)
    if output == "-":
        echo_data(text, nl=False)
        return
    write_whole(output, [text])
    echo(f"{os.path.getsize(output)} bytes -> {output}", err=True)


def _page(made: Any) -> str:
    from trtlog.log import Log
    from trtlog.report.page.page import report, report_diff

    return report(made) if isinstance(made, Log) else report_diff(made)


def _markdown(made: Any) -> str:
    from trtlog.log import Log
    from trtlog.report.documents.report import report
    from trtlog.report.markdown import draw_markdown, to_markdown

    if isinstance(made, Log):
        return "\n".join(to_markdown(report(run), _ROWS) for run in made.runs)
    return draw_markdown(made)
