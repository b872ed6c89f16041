"""``trtlog check``: hold a build to its lock file."""

from __future__ import annotations

import click

from trtlog.cli.common import echo_json, log_argument, read_log, reading_options, show, text_format_option


@click.command("check")
@log_argument
@click.option("--against", required=True, metavar="LOCK", help="The lock file that 'trtlog lock' wrote.")
@click.option("--exact", is_flag=True, help="Excuse nothing as noise: for builds that share a timing cache.")
@text_format_option
@reading_options
@click.pass_context
def command(
    ctx: click.Context, log: str, against: str, exact: bool, format_: str, strict: bool, run_number: int | None
) -> None:
    """Check the build of LOG against a lock file; exit 1, with the reasons, where it breaks a rule.

    What identical rebuilds differ by is a note: a tactic that the timings do not tell from the locked one, a budget
    missed by less than runs of one engine differ by.

    Exit codes: 0 passed, 1 a rule of level fail is broken, 2 the log or the lock cannot be read.

    Example:  trtlog check build.log --against trtlog.lock.json
    """
    from trtlog.analyses.gate.check import check
    from trtlog.analyses.gate.lock import read_lock
    from trtlog.report.documents.check import check as document_of

    held = read_lock(against)
    outcome = check(read_log(log, strict=strict, run_number=run_number), held, exact=exact)
    if format_ == "json":
        echo_json(outcome.to_json(), nl=False)
    else:
        show(document_of(outcome), format_)
    ctx.exit(0 if outcome.passed else 1)
