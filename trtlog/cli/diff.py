"""``trtlog diff``: two builds side by side."""

from __future__ import annotations

import click

from trtlog.cli.common import read_log, show, text_format_option
from trtlog.errors import QueryError


@click.command("diff")
@click.argument("control", metavar="CONTROL")
@click.argument("test", metavar="TEST")
@text_format_option
@click.option("--limit", type=click.IntRange(1), default=12, show_default=True, help="Rows of a table (text, md).")
@click.option("--all", "unchanged", is_flag=True, help="With json: unchanged rows and common tactics too.")
@click.option("--control-run", type=int, default=None, help="Which run of CONTROL, from 0, where it holds several.")
@click.option("--test-run", type=int, default=None, help="Which run of TEST, from 0, where it holds several.")
@click.option("--strict", is_flag=True, help="Fail when there are lines that no rule knows.")
def command(
    control: str,
    test: str,
    format_: str,
    limit: int,
    unchanged: bool,
    control_run: int | None,
    test_run: int | None,
    strict: bool,
) -> None:
    """Show what changed from the build or run of CONTROL to that of TEST, and what of it matters.

    Layers are paired in spite of renames and other fusions; a change of performance is told from noise, a
    slower machine from a worse choice of tactics.

    Example:  trtlog diff before.log after.log --format md
    """
    from trtlog.analyses.compare.diff import diff
    from trtlog.report.terminal.diff import screen

    if control == test == "-":
        raise QueryError("only one of the two logs can come from standard input")
    found = diff(
        read_log(control, strict=strict, run_number=control_run), read_log(test, strict=strict, run_number=test_run)
    )
    if format_ == "json":
        click.echo(found.to_json(unchanged=unchanged), nl=False)
    elif format_ == "md":
        click.echo(found.to_markdown(limit=limit), nl=False)
    else:
        show(screen(found, limit))
