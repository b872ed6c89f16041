"""``trtlog query``: SQL over the tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trtlog._util.redact import redact_table
from trtlog.cli.common import echo, format_option, log_argument, print_rows, read_tables, reading_options, redact_option
from trtlog.errors import InputError

if TYPE_CHECKING:
    from trtlog.log import Log


@click.command("query")
@log_argument
@click.argument("sql")
@format_option
@redact_option
@reading_options
def command(log: str, sql: str, format_: str, redact: bool) -> None:
    """Run a statement of DuckDB's SQL over the tables of LOG, of a folder of Parquet, or of a dataset.

    'trtlog tables' lists tables and columns. SQL may be @FILE, which holds the statement.

    Example:  trtlog query verbose.log "select layer, min(time_ms) from tactics group by layer order by 2 desc"
    """
    from trtlog.dataset.handle import Dataset
    from trtlog.sql import query

    tables: Log | Dataset = read_tables(log)
    statement = _read(sql[1:]) if sql.startswith("@") else sql
    shown = tables if isinstance(tables, Dataset) or not redact else tables.redacted()
    rows = shown.query(statement) if isinstance(shown, Dataset) else query(shown, statement)
    if not rows.num_rows:
        echo("trtlog: no rows", err=True)
    print_rows(redact_table(rows) if redact else rows, format_)


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the statement {name} cannot be read: {error}") from error
