"""What the commands share: the LOG argument, reading with progress, rows out in four formats."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trtlog.errors import InputError, QueryError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from trtlog.dataset.handle import Dataset
    from trtlog.log import Log

FORMATS = ("table", "json", "csv", "md")
# Below this size a log is read before a progress bar could be seen.
_PROGRESS_BYTES = 30_000_000

Function = TypeVar("Function", bound=Callable[..., Any])

log_argument = click.argument("log", metavar="LOG")


def format_option(function: Function) -> Function:
    """Add ``--format``."""
    option = click.option(
        "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True, help="How rows come out."
    )
    return option(function)


def reading_options(function: Function) -> Function:
    """Add the options of every command that reads a log."""
    for option in (
        click.option("--strict", is_flag=True, help="Fail when there are lines that no rule knows."),
        click.option("--run", "run_number", type=int, default=None, help="Which run of a file of several, from 0."),
    ):
        function = option(function)
    return function


def console(*, stderr: bool = False) -> Console:
    """Return a rich console: as wide as the terminal, 120 columns in a pipe, NO_COLOR respected."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 120
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def read_log(path: str, *, strict: bool = False, run_number: int | None = None) -> Log:
    """Read a log, or a folder of Parquet that trtlog wrote; shows progress for a large file on a terminal.

    Raises
    ------
    InputError
        The log cannot be read.
    QueryError
        There is no run of that number.
    """
    import trtlog

    if is_dataset(path):
        raise InputError(
            f"{path} is a dataset of many logs: 'trtlog query' and 'trtlog show' read it; for one of its logs name its "
            f"file, or use trtlog.open_dataset({path!r}).log(...)"
        )
    if path != "-" and os.path.isdir(path) and os.path.exists(os.path.join(path, "runs.parquet")):
        log = trtlog.read_parquet(path)
    else:
        log = _parse(path, strict)
    for note in log.notes:
        click.echo(f"trtlog: {log.source}: {note}", err=True)
    if run_number is not None:
        if not 0 <= run_number < len(log.runs):
            raise QueryError(f"{path} holds {len(log.runs)} runs, numbered from 0; there is no run {run_number}")
        return log.runs[run_number]
    return log


def is_dataset(path: str) -> bool:
    """Return whether a path is a dataset, which 'trtlog convert' made of many logs, or the URL of one."""
    return "://" in path or (path != "-" and os.path.isdir(os.path.join(path, "_trtlog")))


def read_tables(path: str, *, strict: bool = False, run_number: int | None = None) -> Log | Dataset:
    """Read a log as :func:`read_log` does, or open a dataset.

    Raises
    ------
    QueryError
        A run of a dataset is asked for.
    """
    if not is_dataset(path):
        return read_log(path, strict=strict, run_number=run_number)
    import trtlog

    if run_number is not None or strict:
        raise QueryError(f"{path} is a dataset: --run and --strict are for single logs; its tables have a column run")
    return trtlog.open_dataset(path)


def _parse(path: str, strict: bool) -> Log:
    import trtlog

    source = source_of(path)
    with progress_of(path) as progress:
        return trtlog.parse(source, strict=strict, progress=progress)


def source_of(path: str) -> Any:
    """Return standard input for ``-``, else the path.

    Raises
    ------
    InputError
        Standard input is a terminal.
    """
    if path == "-" and sys.stdin.isatty():
        raise InputError("standard input is a terminal; pipe a log into trtlog, or name a file")
    return sys.stdin.buffer if path == "-" else path


@contextmanager
def progress_of(path: str) -> Iterator[Callable[[int], None] | None]:
    """Show how much of a large file is read, on a terminal; gives what to call with the bytes read so far."""
    size = os.path.getsize(path) if path != "-" and os.path.isfile(path) else 0
    if size < _PROGRESS_BYTES or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda done: bar.update(task, completed=done)


def print_rows(table: pa.Table, format_: str, *, title: str | None = None) -> None:
    """Print a table's rows to standard output."""
    if format_ == "csv":
        print_csv(table)
        return
    rows = table.to_pylist()
    if format_ == "json":
        for row in rows:
            click.echo(json.dumps({n: _json_value(v) for n, v in row.items()}, ensure_ascii=False, default=str))
    elif format_ == "md":
        print_markdown(table.column_names, rows)
    else:
        print_table(table, rows, title)


def _json_value(value: Any) -> Any:
    """Return what JSON can hold: it knows no inf and no nan, which stand as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def print_csv(table: pa.Table) -> None:
    """Print rows as CSV; lists become JSON."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for v in row.values()])


def print_markdown(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    click.echo("| " + " | ".join(names) + " |")
    click.echo("|" + "|".join("---" for _ in names) + "|")
    for row in rows:
        click.echo("| " + " | ".join(cell(row[n]).replace("|", "\\|") for n in names) + " |")


def print_table(table: pa.Table, rows: Sequence[dict[str, Any]], title: str | None = None) -> None:
    """Print rows as a table that fits the terminal."""
    import pyarrow as pa
    from rich.table import Table
    from rich.text import Text

    out = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    texts = {name: [cell(row[name]) for row in rows] for name in table.column_names}
    for field in table.schema:
        longest = max(map(len, [field.name, *texts[field.name]]))
        numeric = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        # Text is cut where the terminal is narrow; a number never is.
        least = longest if numeric else min(longest, 8)
        out.add_column(
            field.name, justify="right" if numeric else "left", overflow="ellipsis", no_wrap=True, min_width=least
        )
    for number in range(len(rows)):
        out.add_row(*[Text(values[number]) for values in texts.values()])
    screen = console()
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        screen.width = 2 * len(texts) + sum(max(map(len, [name, *values])) for name, values in texts.items())
    screen.print(out, crop=False)


def cell(value: Any) -> str:
    """Return a value as it stands in a cell, numbers with the digits of the log; null is empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value).replace("\n", "\\n")
