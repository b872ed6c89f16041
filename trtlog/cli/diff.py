"""``trtlog diff``: two builds side by side."""

from __future__ import annotations

import click

from trtlog.cli.common import echo_json, grouped_paths, read_log, read_logs, show, strict_option, text_format_option
from trtlog.errors import QueryError


class _Sides(click.Command):
    """A command whose option ``--against`` takes all words up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        found: list[str] = []
        taking = False
        for word in args:
            if word == "--against":
                taking = True
            elif taking and (word == "-" or not word.startswith("-")):
                found += ["--against", word]
            else:
                taking = False
                found.append(word)
        if taking and "--against" not in found:
            found.append("--against")
        return super().parse_args(ctx, found)


@click.command("diff", cls=_Sides)
@click.argument("logs", nargs=-1, required=True, metavar="CONTROL... TEST")
@click.option(
    "--against",
    multiple=True,
    metavar="TEST...",
    help="Several logs a side: those before it are the control, those after it the test; each repeats one measurement.",
)
@text_format_option
@click.option("--limit", type=click.IntRange(1), default=12, show_default=True, help="Rows of a table (text, md).")
@click.option("--all", "unchanged", is_flag=True, help="With json: unchanged rows and common tactics too.")
@click.option("--control-run", type=int, default=None, help="Which run of CONTROL, from 0, where it holds several.")
@click.option("--test-run", type=int, default=None, help="Which run of TEST, from 0, where it holds several.")
@strict_option
def command(
    logs: tuple[str, ...],
    against: tuple[str, ...],
    format_: str,
    limit: int,
    unchanged: bool,
    control_run: int | None,
    test_run: int | None,
) -> None:
    """Show what changed from the build or run of CONTROL to that of TEST, and what of it matters.

    Layers are paired in spite of renames and other fusions; a change of performance is distinguished from noise, a
    slower machine from a worse choice of tactics.

    Two runs of one engine differ. Several logs a side show by how much, and the verdicts rest on that.

    Example:  trtlog diff before.log after.log --format md

    Example:  trtlog diff a1.log a2.log a3.log --against b1.log b2.log b3.log

    Example:  trtlog diff 'before/*.log' --against 'after/*.log'
    """
    from trtlog.analyses.compare.diff import diff
    from trtlog.report.documents.diff import diff as document_of

    named, others = grouped_paths(logs), grouped_paths(against)
    control, test = (named, others) if against else (named[:1], named[1:])
    if not against and len(named) != 2:
        raise click.UsageError(
            "give two logs, CONTROL and TEST; several a side as: trtlog diff A1 A2 A3 --against B1 B2 B3"
        )
    if [*control, *test].count("-") > 1:
        raise QueryError("only one of the logs can come from standard input")
    sides = [(control, control_run), (test, test_run)]
    if against:  # a folder, a glob or a dataset stands for all its logs
        found = diff(*([log for _, log in read_logs(side, run)] for side, run in sides))
    else:
        found = diff(*(read_log(side[0], run) for side, run in sides))
    if format_ == "json":
        echo_json(found.to_json(unchanged=unchanged), nl=False)
    else:
        show(document_of(found), format_, limit)
