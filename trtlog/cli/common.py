"""What the commands share: the LOG argument, reading with progress, rows out in every format."""

from __future__ import annotations

import functools
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

import trtlog
from trtlog._util.words import counted
from trtlog.cli.console import console, is_plain, is_unbounded, keeper, kept, speaks_ascii_only
from trtlog.cli.inputs import LogPlace, is_dataset, place_of, places_of, read_found
from trtlog.errors import InputError, NoLogError, QueryError
from trtlog.report.safe import spelled, visible

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.dataset.handle import Dataset
    from trtlog.log import Log
    from trtlog.report.document import Document, Table

FORMATS = ("table", "json", "jsonl", "csv", "md", "parquet")
# A terminal shows so many rows of a table, unless it is hardly longer.
_SHOWN, _LONGEST = 40, 50
# And a pull request so many before the rest folds away.
_FOLDED = 10
# Below this size a log is read before a progress bar could be seen.
_PROGRESS_BYTES = 30_000_000
_RAW, _LOG, _WIDE, _LOGGER = "trtlog.raw", "trtlog.log", "trtlog.wide", "trtlog.logger"
_STRICT, _RUN = "trtlog.strict", "trtlog.run"
# The run that --run says, where a reader is given no other.
_OF_OPTION: Any = object()

Function = TypeVar("Function", bound=Callable[..., Any])


class ExportPaths(str):
    """The exports of one engine, named one after the other; as a text the first of them."""

    paths: tuple[str, ...] = ()

    @classmethod
    def of(cls, paths: Sequence[str]) -> str:
        """Return one path as it is, several as one text that keeps all."""
        if len(paths) == 1:
            return paths[0]
        made = cls(paths[0])
        made.paths = tuple(paths)
        return made


def grouped_paths(paths: Sequence[str]) -> list[str]:
    """Return what was named, exports of one engine as one: ``layers.json profile.json``."""
    if len(paths) < 2:
        return list(paths)
    from trtlog.exports.alone import grouped

    return [ExportPaths.of(group) for group in grouped(paths)]


def _one_log(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> str:
    found = grouped_paths(value)
    if len(found) > 1:
        rest = " ".join(value[1:])
        raise click.UsageError(f"Got unexpected extra argument{'s' if value[2:] else ''} ({rest})", context)
    return found[0]


logs_argument = click.argument("logs", metavar="LOG...", nargs=-1, required=True)
log_argument = click.argument("log", metavar="LOG", nargs=-1, required=True, callback=_one_log)


def format_option(function: Function) -> Function:
    """Add ``--format``."""
    option = click.option(
        "--format",
        "format_",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How rows come out: json is one document, jsonl an object a line.",
    )
    words = "Tables: all columns, however wide."
    wide = click.option("--wide", is_flag=True, expose_value=False, callback=keeper(_WIDE), help=words)
    return option(wide(raw_option(function)))


def raw_option(function: Function) -> Function:
    """Add ``--raw``, for commands that print CSV."""
    words = "CSV: leave cells that a spreadsheet would run as they are."
    return click.option("--raw", is_flag=True, expose_value=False, callback=keeper(_RAW), help=words)(function)


def redact_option(function: Function) -> Function:
    """Add ``--redact``, for commands whose rows are the log's own text."""
    words = "Take passwords, tokens and keys out; else tables keep the log's own text."
    return click.option("--redact", is_flag=True, help=words)(function)


def text_format_option(function: Function) -> Function:
    """Add ``--format`` for what comes out as a text, not as rows."""
    help_ = "How the answer comes out."
    choice = click.Choice(("text", "md", "json"))
    return click.option("--format", "format_", type=choice, default="text", show_default=True, help=help_)(function)


def strict_option(function: Function, words: str = "Fail when there are lines that no rule knows.") -> Function:
    """Add ``--strict``, which :func:`read_log` and :func:`read_logs` obey."""
    return click.option("--strict", is_flag=True, expose_value=False, callback=keeper(_STRICT), help=words)(function)


def reading_options(function: Function) -> Function:
    """Add the options of every command that reads a log: :func:`read_log` and its like know what they say."""
    words = "Which run of a file of several, from 0."
    run = click.option("--run", type=int, expose_value=False, callback=keeper(_RUN), help=words)
    words = "Which log of a dataset or folder of several: its name, or the end of it."
    log = click.option("--log", "log_key", metavar="NAME", expose_value=False, callback=keeper(_LOG), help=words)
    return log(run(strict_option(function)))


# Commands that read logs, and so take --logger.
_READING = frozenset({"log", "logs", "place", "other", "control", "test", "file", "trtexec_args", "allow"})


def add_logger_option(command: click.Command) -> click.Command:
    """Give a command that reads logs ``--logger``."""
    reads = any(parameter.name in _READING for parameter in command.params)
    if not reads or any(parameter.name == "logger" for parameter in command.params):
        return command
    words = "Patterns that say how lines of a logger of your own begin; one a line, see docs/loggers.md."
    option = click.Option(["--logger"], metavar="FILE", expose_value=False, callback=_checked_logger, help=words)
    command.params.append(option)
    run = command.callback
    assert run is not None

    @functools.wraps(run)
    def run_with_logger(*args: Any, **options: Any) -> Any:
        # Only while the command runs: click closes no context whose later options are wrong.
        with _logger_in_environment(click.get_current_context().meta.get(_LOGGER)):
            return run(*args, **options)

    command.callback = run_with_logger
    return command


def _checked_logger(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        from trtlog.source.logger import read_logger

        read_logger(value)
        context.meta[_LOGGER] = os.path.abspath(value)


@contextmanager
def _logger_in_environment(path: str | None) -> Iterator[None]:
    """Name a file of patterns where this process and those that it starts look for it."""
    if path is None:
        yield
        return
    from trtlog.source.logger import VARIABLE

    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = path
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text for people: no character of a log steers the terminal."""
    click.echo(visible(text), err=err, nl=nl)


def echo_data(text: str, *, nl: bool = True) -> None:
    """Print CSV or Markdown to standard output: into a file as it is, on a terminal as :func:`echo` does."""
    click.echo(visible(text) if sys.stdout.isatty() else text, nl=nl)


def echo_json(text: str, *, nl: bool = True) -> None:
    """Print JSON to standard output: the same value on a terminal and in a file."""
    click.echo(spelled(text), nl=nl)


def show(document: Document, format_: str = "text", limit: int | None = None) -> None:
    """Print a document to standard output, at most ``limit`` rows of a table that may be cut.

    Parameters
    ----------
    document : Document
        Made by a module of :mod:`trtlog.report.documents`.
    format_ : str
        ``text`` for people, ``md`` for Markdown.
    limit : int, optional
        Rows of a table.
    """
    if format_ == "md":
        from trtlog.report.markdown import to_markdown

        echo_data(to_markdown(document, limit), nl=False)
        return
    if is_plain():
        from trtlog.report.terminal.plain import lines

        sys.stdout.writelines(f"{line}\n" for line in lines(document, limit, ascii_only=speaks_ascii_only()))
        sys.stdout.flush()
        return
    from trtlog.report.terminal.writer import render

    console().print(render(document, limit), end="", crop=False)


def read_log(path: str, run_number: int | None = _OF_OPTION) -> Log:
    """Read what stands for one log: a file, ``-``, a run folder, Parquet, a dataset or folder with one (or ``--log``).

    Shows progress for a large file on a terminal.

    Parameters
    ----------
    path : str
        What stands for the log.
    run_number : int, optional
        Which run of several, None for all; by default the one of ``--run``.

    Raises
    ------
    InputError
        The log cannot be read.
    QueryError
        There is no run of that number, or there are several logs.
    """
    log = _open(path if isinstance(path, ExportPaths) else place_of(path, kept(_LOG)))
    return _run_of(log, path, run_number)


def _run_of(log: Log, name: str, run_number: int | None) -> Log:
    """Return one run of a log, or the log where none is asked for."""
    number = kept(_RUN) if run_number is _OF_OPTION else run_number
    if number is None:
        return log
    if not 0 <= number < len(log.runs):
        runs = counted(len(log.runs), "run")
        raise QueryError(f"{name} holds {runs}, numbered from 0; there is no run {number}")
    return log.runs[number]


def read_logs(paths: Sequence[str], run_number: int | None = _OF_OPTION) -> Iterator[tuple[str, Log]]:
    """Read all logs that paths mean, one after the other, with their names: folders, globs and datasets hold several.

    Small files that follow each other are read together (`trtlog.several`).

    A file of a folder that is no log is left out, and a word on standard error says so.

    Raises
    ------
    InputError
        A log that was named cannot be read, or there is none.
    """
    from trtlog.log import Log, holds_help_only

    found = 0
    for place, log in _opened(_places(paths)):
        name = place if isinstance(place, str) else place.name
        if isinstance(log, Log) and isinstance(place, LogPlace) and place.kind == "found" and holds_help_only(log):
            log = NoLogError(f"{name} is trtexec's help text: nothing was run")
        if isinstance(log, Exception):
            if not isinstance(log, NoLogError) or isinstance(place, str) or place.kind != "found":
                raise log
            echo(f"trtlog: left out: {log}", err=True)
            continue
        found += 1
        yield name, _run_of(log, name, run_number)
    if not found:
        raise InputError(f"{', '.join(paths)}: no log found")


def _places(paths: Sequence[str]) -> Iterator[LogPlace | ExportPaths]:
    for path in grouped_paths(paths):
        yield from [path] if isinstance(path, ExportPaths) else places_of(path, kept(_LOG))


def _opened(places: Iterable[LogPlace | ExportPaths]) -> Iterator[tuple[LogPlace | ExportPaths, Log | Exception]]:
    """Open logs in their order; what goes wrong with one is given in its place."""
    from trtlog.several import parse_each

    for is_file, group in itertools.groupby(places, lambda place: _small_file(place) is not None):
        if is_file:
            files = list(group)
            for place, log in zip(files, parse_each(map(_small_file, files), strict=is_strict()), strict=True):
                if not isinstance(log, Exception):
                    _print_notes(log)
                yield place, log
            continue
        for place in group:
            try:
                yield place, _open(place)
            except NoLogError as error:
                yield place, error


def _small_file(place: LogPlace | ExportPaths) -> str | None:
    """Return the file of a log that may be read together with others; None for what else a place is."""
    from trtlog.several import SMALL_BYTES

    if not isinstance(place, LogPlace):
        return None
    path = place.path if place.kind == "log" else place.job.location if place.job and place.job.kind == "file" else "-"
    return path if path != "-" and os.path.isfile(path) and os.path.getsize(path) <= SMALL_BYTES else None


def is_strict() -> bool:
    """Whether ``--strict`` is given."""
    return bool(kept(_STRICT))


def _open(place: LogPlace | ExportPaths) -> Log:
    if isinstance(place, ExportPaths):
        log = trtlog.parse(list(place.paths))
    elif place.kind == "dataset":
        log = trtlog.open_dataset(place.path).log(place.key)
    elif place.kind == "parquet":
        log = trtlog.read_parquet(place.path)
    elif place.kind == "run":
        log = trtlog.open_run(place.path)
        if is_strict():
            _parse(os.path.join(place.path, "trtexec.log"))
    elif place.job is not None:
        log = read_found(place.job, strict=is_strict())
    else:
        log = _parse(place.path)
    _print_notes(log)
    return log


def _print_notes(log: Log) -> None:
    """Print what was odd about a log: now, and at the end of the command what its tables turned out to hold."""
    printed: list[str] = []

    def show_new() -> None:
        for note in log.notes[len(printed) :]:
            echo(f"trtlog: {log.source}: {note}", err=True)
            printed.append(note)

    show_new()
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(show_new)


def read_tables(path: str) -> Log | Dataset:
    """Read a log as :func:`read_log` does, or open a dataset.

    Raises
    ------
    QueryError
        A run of a dataset is asked for.
    """
    if not is_dataset(path) or kept(_LOG) is not None:
        return read_log(path)
    if kept(_RUN) is not None or is_strict():
        raise QueryError(f"{path} is a dataset: --run and --strict are for single logs; its tables have a column run")
    return trtlog.open_dataset(path)


def _parse(path: str) -> Log:
    source = source_of(path)
    with progress_of(path) as progress:
        return trtlog.parse(source, strict=is_strict(), progress=progress)


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
    from trtlog.report import rows
    from trtlog.report.tables import table_of

    if format_ == "csv":
        rows.write_csv(table, lambda line: echo_data(line, nl=False), raw=bool(kept(_RAW)))
    elif format_ == "json":
        for line in rows.json_document(table):
            click.echo(line)
    elif format_ == "jsonl":
        for line in rows.json_lines(table):
            click.echo(line)
    elif format_ == "parquet":
        _print_parquet(table)
    elif format_ == "md":
        for line in rows.markdown_lines(table):
            echo_data(line)
    else:
        shown, rest = _rows_that_fit(table)
        _print_table(table_of(shown), title)
        if rest:
            echo(rest)


def print_folded(table: pa.Table, title: str | None = None) -> None:
    """Print rows as Markdown for a pull request: the first of them, and all of many where they fold away."""
    from trtlog.report import rows

    if title:
        echo_data(f"### {title}\n")
    many = table.num_rows > _FOLDED
    for line in rows.markdown_lines(table.slice(0, _FOLDED) if many else table):
        echo_data(line)
    if many:
        echo_data(f"\n<details><summary>all {table.num_rows:,} rows</summary>\n")
        for line in rows.markdown_lines(table):
            echo_data(line)
        echo_data("\n</details>")


def parquet_bytes(table: pa.Table) -> bytes:
    """Return rows as a Parquet file."""
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(table, made, compression="zstd")
    return made.getvalue()


def _print_parquet(table: pa.Table) -> None:
    if sys.stdout.isatty():
        raise click.UsageError("--format parquet is no text: send it to a file: ... --format parquet > rows.parquet")
    click.echo(parquet_bytes(table), nl=False)


def _rows_that_fit(table: pa.Table) -> tuple[pa.Table, str]:
    """Return the rows to show on a terminal, and how to see the rest: of many, unless --limit says how many."""
    context = click.get_current_context(silent=True)
    asked = context is not None and context.params.get("limit") is not None
    if asked or not sys.stdout.isatty() or table.num_rows <= _LONGEST:
        return table, ""
    left = table.num_rows - _SHOWN
    takes = context is not None and any(parameter.name == "limit" for parameter in context.command.params)
    how = f"--limit {table.num_rows} shows all, " if takes else ""
    words = f"... and {left:,} more of {table.num_rows:,} rows: {how}--format csv > FILE keeps all"
    return table.slice(0, _SHOWN), words


def _print_table(table: Table, title: str | None) -> None:
    """Print rows as a table that fits the terminal; in a pipe a row is a line, and nothing is cut."""
    from trtlog.report.document import Document, Title
    from trtlog.report.sentences import strong, words
    from trtlog.report.terminal.plain import table_lines

    if not is_unbounded() and not kept(_WIDE):
        show(Document("", (*([Title(words(strong(title)))] if title else []), table)))
        return
    if title:
        echo(title)
    for line in table_lines(table):
        click.echo(line)
