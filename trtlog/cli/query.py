"""``trtlog query``: SQL over the tables."""

from __future__ import annotations

import click

from trtlog.cli.common import format_option, log_argument, print_rows, read_log, reading_options


@click.command("query")
@log_argument
@click.argument("sql")
@format_option
@reading_options
def command(log: str, sql: str, format_: str, strict: bool, run_number: int | None) -> None:
    """Run a statement of DuckDB's SQL over the tables of LOG, or of a folder of Parquet.

    'trtlog tables' lists tables and columns.

    Example:  trtlog query verbose.log "select layer, min(time_ms) from tactics group by layer order by 2 desc"
    """
    from trtlog.sql import query

    print_rows(query(read_log(log, strict=strict, run_number=run_number), sql), format_)
