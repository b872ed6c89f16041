"""``trtlog compare``: many runs side by side."""

from __future__ import annotations

import os

import click

from trtlog._util.files import write_whole
from trtlog._util.redact import redact_table
from trtlog.cli.common import (
    echo,
    echo_data,
    echo_json,
    format_option,
    logs_argument,
    print_rows,
    read_logs,
    reading_options,
    show,
)

_METRICS = ("gpu", "latency", "p99", "throughput")


@click.command("compare")
@logs_argument
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="LOG|COLUMN=VALUE",
    help="What to compare with: logs (a folder, a glob; repeat), or the runs with version=8.5.3, gpu=.., precision=..",
)
@click.option(
    "--by",
    default="model,shapes",
    show_default=True,
    metavar="COLUMNS",
    help="What makes a group: model, shapes, batch, precision, version, gpu.",
)
@click.option(
    "--metric", type=click.Choice(_METRICS), default="gpu", show_default=True, help="What runs are ranked by."
)
@click.option("--limit", type=click.IntRange(1), default=None, help="Runs of a group (table, md).")
@click.option("--regressions", is_flag=True, help="Only runs that are slower than the baseline; exit code 1 if any.")
@click.option("--html", metavar="FILE", help="Write a page as well.")
@click.option("--plot", "plots", multiple=True, metavar="FILE", help="Draw: .html, .png, .svg, .pdf. Repeat.")
@format_option
@reading_options
def command(
    logs: tuple[str, ...],
    baselines: tuple[str, ...],
    by: str,
    metric: str,
    limit: int | None,
    regressions: bool,
    html: str | None,
    plots: tuple[str, ...],
    format_: str,
) -> int:
    """Rank many runs side by side: LOGs, folders, globs or datasets.

    Runs of the same model and input shapes make a group. Each is compared with the best of its group, or with
    --baseline, and judged as 'trtlog diff' does: what noise explains is no change.

    Example:  trtlog compare nightly/ --baseline version=8.5.3 --html nightly.html
    """
    from trtlog.analyses.compare.ranking import compare
    from trtlog.report.documents.compare import compare as document_of

    parsed = (log for _, log in read_logs(logs))
    names = [name.strip() for name in by.split(",") if name.strip()]
    if len(baselines) == 1 and "=" in baselines[0] and not os.path.exists(baselines[0]):
        found = compare(parsed, baseline=baselines[0], by=names, metric=metric)
    else:
        against = (log for _, log in read_logs(baselines, None)) if baselines else None
        found = compare(parsed, baseline=against, by=names, metric=metric)
    worse = found.regressions
    if regressions:
        if not found.has_baseline:
            raise click.UsageError("--regressions needs --baseline: what to compare with")
        found = found.only_regressions()
    if html:
        write_whole(html, [found.to_html()])
        echo(f"written: {html}", err=True)
    for plot in plots:
        echo(f"drawn: {found.plot(plot)}", err=True)
    if format_ == "json":
        echo_json(found.to_json(), nl=False)
    elif format_ == "md":
        echo_data(found.to_markdown(limit or 20), nl=False)
    elif format_ == "table":
        show(document_of(found), limit=limit)
    else:
        print_rows(redact_table(found.table), format_)
    return 1 if regressions and worse else 0
