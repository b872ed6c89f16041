"""``trtlog lint``: findings with evidence, reason and remedy."""

from __future__ import annotations

import sys

import click

from trtlog._util.redact import redact_table
from trtlog.cli.common import FORMATS, echo, log_argument, print_rows, raw_option, read_log, reading_options, show


@click.command("lint")
@log_argument
@click.option("--format", "format_", type=click.Choice(["text", *FORMATS[1:]]), default="text", show_default=True)
@raw_option
@click.option("--rules", "list_rules", is_flag=True, help="List the rules instead; LOG may be -.")
@click.option("--no-good", is_flag=True, help="Leave out what is fine.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "advice"]),
    default=None,
    help="Exit with 1 where there is a finding as grave as this.",
)
@reading_options
def command(
    log: str,
    format_: str,
    list_rules: bool,
    no_good: bool,
    fail_on: str | None,
    strict: bool,
    run_number: int | None,
) -> None:
    """Find what costs time or spoils the measurement in LOG: evidence, why it matters, what to do; and what is fine.

    Example:  trtlog lint verbose.log
    """
    from trtlog.analyses.lint.registry import SEVERITIES, lint, load

    if list_rules:
        for rule in load().values():
            echo(f"{rule.name:26} {rule.severity:8} {rule.summary}")
        return
    held = read_log(log, strict=strict, run_number=run_number)
    held.analyze  # noqa: B018 - says which run to ask where the file holds several
    found = lint(held)
    rows = found.to_pylist()
    if format_ in ("text", "md"):
        from trtlog.report.documents.lint import lint as document_of

        show(document_of(rows, show_good=not no_good), format_)
    else:
        print_rows(redact_table(found), format_)  # findings are made to be shared
    if fail_on is not None:
        grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        if any(row["severity"] in grave for row in rows):
            sys.exit(1)
