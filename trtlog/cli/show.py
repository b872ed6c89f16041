"""``trtlog show``: rows of a table."""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

import click

from trtlog._util.expression import expression
from trtlog._util.files import write_whole
from trtlog._util.redact import redact_table
from trtlog.cli.common import (
    echo,
    format_option,
    grouped_paths,
    logs_argument,
    parquet_bytes,
    print_rows,
    read_logs,
    read_tables,
    reading_options,
    redact_option,
)
from trtlog.cli.inputs import is_dataset, places_of
from trtlog.errors import QueryError
from trtlog.report.rows import known_column, ordered, plain

if TYPE_CHECKING:
    from trtlog.dataset.handle import Dataset
    from trtlog.log import Log

_CONDITION = expression(r"\s*([a-z_0-9]+)\s*(==|=|!=|<=|>=|<|>|~)\s*(.*?)\s*$", re.DOTALL)


@click.command("show")
@click.argument("table")
@logs_argument
@click.option("--columns", help="Columns to show, comma-separated.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="Keep rows: COLUMN=VALUE, != < <= > >=, or ~ for a regular expression; repeat for and.",
)
@click.option("--sort", metavar="COLUMN", help="Sort by a column; a leading - sorts downwards.")
@click.option("--limit", type=click.IntRange(0), default=None, help="At most so many rows.")
@format_option
@click.option("-o", "--output", type=click.Path(dir_okay=False), default=None, help="File to write to.")
@redact_option
@reading_options
def command(
    table: str,
    logs: tuple[str, ...],
    columns: str | None,
    where: tuple[str, ...],
    sort: str | None,
    limit: int | None,
    format_: str,
    output: str | None,
    redact: bool,
) -> None:
    """Show rows of TABLE of LOG or of a dataset; 'trtlog tables' lists tables, analyses and their columns.

    Of several logs (also a folder, a glob) the rows stand one below the other, with the log's name in a column log.

    Example:  trtlog show tactics verbose.log --where layer~conv1 --sort time_ms --limit 5
    """
    rows = _rows(table, logs)
    rows = redact_table(rows) if redact else rows
    for condition in where:
        rows = keep(rows, condition)
    if sort is not None:
        rows = ordered(rows, sort)
    if limit is not None:
        rows = rows.slice(0, limit)
    if columns is not None:
        names = [name.strip() for name in columns.split(",")]
        for name in names:
            known_column(rows, name)
        rows = rows.select(names)
    if not rows.num_rows:
        echo("trtlog: no rows", err=True)
    if output is None:
        print_rows(rows, format_)
    else:
        _write(rows, format_, output)


def _rows(table: str, logs: tuple[str, ...]) -> Any:
    """Return the rows of one log or dataset, or of several logs with their names."""
    import pyarrow as pa

    from trtlog._util import arrow

    paths = grouped_paths(logs)
    if len(paths) == 1 and (is_dataset(paths[0]) or len(places_of(paths[0])) == 1):
        read = read_tables(paths[0])
        rows = read.table(table)
        _say_what_is_missing(read, table, rows)
        return rows
    found = []
    for name, log in read_logs(logs):
        own = arrow.plain(log.table(table))
        found.append(own.add_column(0, "log", pa.array([name] * own.num_rows, pa.string())))
    return pa.concat_tables(found, promote_options="default")


def _say_what_is_missing(opened: Log | Dataset, table: str, rows: Any) -> None:
    """Say on standard error why an analysis is empty."""
    from trtlog.log import Log

    if not rows.num_rows and isinstance(opened, Log) and table in opened.analyses and len(opened.runs) == 1:
        advice = opened.analyze.missing(table)
        if advice is not None:
            echo(f"trtlog: {advice}", err=True)


def _write(rows: Any, format_: str, output: str) -> None:
    if format_ == "parquet":
        write_whole(output, parquet_bytes(rows))
        return
    with contextlib.redirect_stdout(io.StringIO()) as text:
        print_rows(rows, format_)
    write_whole(output, [text.getvalue()])


def keep(rows: Any, condition: str) -> Any:
    """Return the rows that satisfy a condition such as ``time_ms<0.01`` or ``layer~conv``.

    Raises
    ------
    QueryError
        The condition cannot be read, or does not fit the column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = _CONDITION.match(condition)
    if found is None:
        raise QueryError(f"cannot read the condition {condition!r}; write COLUMN=VALUE, or with != < <= > >= ~")
    name, operator, wanted = found.groups()
    known_column(rows, name)
    values = plain(rows.column(name))
    if operator == "~":
        if not pa.types.is_string(values.type):
            raise QueryError(f"~ needs a text column; {name} is {values.type}")
        try:
            return rows.filter(pc.match_substring_regex(values, wanted))
        except pa.ArrowInvalid as error:
            raise QueryError(f"cannot read the regular expression {wanted!r}: {error}") from error
    if wanted.lower() in ("null", "none") and operator in ("=", "==", "!="):
        empty = pc.is_null(values)
        return rows.filter(pc.invert(empty) if operator == "!=" else empty)
    try:
        scalar = pa.scalar(wanted, pa.string()).cast(values.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise QueryError(f"{wanted!r} does not fit column {name} of type {values.type}") from error
    compare = {
        "=": pc.equal,
        "==": pc.equal,
        "!=": pc.not_equal,
        "<": pc.less,
        "<=": pc.less_equal,
        ">": pc.greater,
        ">=": pc.greater_equal,
    }[operator]
    return rows.filter(compare(values, scalar))
