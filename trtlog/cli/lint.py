"""``trtlog lint``: findings with evidence, reason and remedy."""

from __future__ import annotations

import sys
from typing import Any

import click

from trtlog._util.redact import redact_table
from trtlog.cli.common import FORMATS, echo, logs_argument, print_rows, raw_option, read_logs, reading_options, show


@click.command("lint")
@logs_argument
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
def command(logs: tuple[str, ...], format_: str, list_rules: bool, no_good: bool, fail_on: str | None) -> None:
    """Find what costs time or spoils the measurement in LOG: evidence, why it matters, what to do; and what is fine.

    Several logs, also a folder, a glob or a dataset, are looked at one after the other.

    Example:  trtlog lint verbose.log
    """
    from trtlog.analyses.lint.registry import SEVERITIES, finding_rows, lint, load

    if list_rules:
        for rule in load().values():
            echo(f"{rule.name:26} {rule.severity:8} {rule.summary}")
        return
    rows: list[dict[str, Any]] = []
    tables = []
    several = False
    for number, (name, log) in enumerate(read_logs(logs)):
        log.analyze  # noqa: B018 - says which run to ask where the file holds several
        found = lint(log)
        own = finding_rows(found)
        rows += own
        if format_ not in ("text", "md"):
            tables.append((name, found))
            continue
        from trtlog.report.documents.lint import lint as document_of

        several = number > 0 or len(logs) > 1 or name != logs[0]
        if several:
            echo(("\n" if number else "") + (f"## {name}\n" if format_ == "md" else f"==> {name} <=="))
        show(document_of(own, show_good=not no_good), format_)
    if tables:
        # findings are made to be shared
        print_rows(redact_table(_joined(tables)), format_)
    if fail_on is not None:
        grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        if any(row["severity"] in grave for row in rows):
            sys.exit(1)


def _joined(tables: list[tuple[str, Any]]) -> Any:
    """Return the findings of one log, or those of several with the names of the logs."""
    import pyarrow as pa

    if len(tables) == 1:
        return tables[0][1]
    return pa.concat_tables(
        [found.add_column(0, "log", pa.array([name] * found.num_rows, pa.string())) for name, found in tables]
    )
