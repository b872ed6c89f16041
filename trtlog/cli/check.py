"""``trtlog check``: hold a build to its lock file."""

from __future__ import annotations

import click

from trtlog.cli.common import echo, echo_json, logs_argument, read_logs, reading_options, show, text_format_option


@click.command("check")
@logs_argument
@click.option("--against", required=True, metavar="LOCK", help="The lock file that 'trtlog lock' wrote.")
@click.option("--exact", is_flag=True, help="Excuse nothing as noise: for builds that share a timing cache.")
@text_format_option
@reading_options
@click.pass_context
def command(ctx: click.Context, logs: tuple[str, ...], against: str, exact: bool, format_: str) -> None:
    """Check the build of LOG against a lock file; exit 1, with the reasons, where it breaks a rule.

    What identical rebuilds differ by is a note: a tactic that the timings do not tell from the locked one, a budget
    missed by less than runs of one engine differ by.

    Several logs, also a folder, a glob or a dataset, are each checked; all must pass.

    Exit codes: 0 passed, 1 a rule of level fail is broken, 2 the log or the lock cannot be read.

    Example:  trtlog check build.log --against trtlog.lock.json
    """
    from trtlog.analyses.gate.check import check
    from trtlog.analyses.gate.lock import read_lock
    from trtlog.report.documents.check import check as document_of

    lock = read_lock(against)
    logs_read = read_logs(logs)
    outcomes = [(name, check(log, lock, exact=exact)) for name, log in logs_read]
    if format_ == "json":
        texts = [outcome.to_json().rstrip() for _, outcome in outcomes]
        echo_json(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    else:
        for number, (name, outcome) in enumerate(outcomes):
            if len(outcomes) > 1:
                echo(("\n" if number else "") + (f"## {name}\n" if format_ == "md" else f"==> {name} <=="))
            show(document_of(outcome), format_)
    ctx.exit(0 if all(outcome.passed for _, outcome in outcomes) else 1)
