"""``trtlog convert``: logs to Parquet: a folder for one log, a dataset for many."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trtlog._util.words import plural
from trtlog.cli.common import echo, is_strict, progress_of, read_log, redact_option, source_of, strict_option
from trtlog.cli.console import console

if TYPE_CHECKING:
    from trtlog.dataset.build import Conversion

_SHOWN = 20


@click.command("convert")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, help="Folder or URL to write to.")
@click.option("--dataset", "as_dataset", is_flag=True, help="Write a dataset, also for one log.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=None, help="Processes; by default one a core.")
@click.option("--dask", metavar="ADDRESS", default=None, help="Convert on the cluster of this Dask scheduler.")
@click.option(
    "--batch-logs", type=click.IntRange(1), default=256, show_default=True, help="Logs that are committed together."
)
@click.option("--all", "show_all", is_flag=True, help="Name all files that were left out, not only the first.")
@redact_option
@partial(strict_option, words="Fail for logs with lines that no rule knows.")
@click.pass_context
def command(
    ctx: click.Context,
    logs: tuple[str, ...],
    output: str,
    as_dataset: bool,
    jobs: int | None,
    dask: str | None,
    batch_logs: int,
    show_all: bool,
    redact: bool,
) -> None:
    """Write LOG as Parquet: one file a table for a single log, a partitioned dataset for many.

    One log file, or -, becomes a folder with one file a table. Anything else (several, a folder, a glob,
    an archive, @LIST, a URL), or --dataset, or an output that is one, makes a dataset or adds to it: logs it
    holds are left alone, changed ones are replaced, and a conversion that was interrupted goes on.

    Exit codes: 0 done, 1 some logs could not be read, 2 nothing could be done. 130 stopped: Ctrl-C
    ends after the logs under way, a second one at once.

    Example:  trtlog convert ci-logs/ nightly.zip -o dataset/
    """
    if not as_dataset and dask is None and is_single(logs, output):
        _single(logs[0], Path(output), redact)
        return
    from trtlog.dataset.build import to_dataset

    with _progress() as progress:
        done = to_dataset(
            logs,
            output,
            jobs=jobs or 0,
            client=dask,
            strict=is_strict(),
            progress=progress,
            batch_logs=batch_logs,
            redact=redact,
        )
    _tell(done, output, show_all)
    if done.stopped:
        ctx.exit(130)
    if done.failed:
        ctx.exit(1)


def is_single(logs: tuple[str, ...], output: str) -> bool:
    """Return whether there is one plain log, and the output is no dataset."""
    from trtlog.dataset.archives import archive_kind
    from trtlog.dataset.storage import is_url

    if len(logs) > 1 or is_url(logs[0]) or is_url(output) or os.path.isdir(os.path.join(output, "_trtlog")):
        return False
    log = Path(logs[0])
    if logs[0] == "-":
        return True
    if log.is_file():
        return not archive_kind(log.name, log)
    return not log.is_dir() and not logs[0].startswith("@") and not any(mark in logs[0] for mark in "*?[")


def _single(path: str, folder: Path, redact: bool) -> None:
    from trtlog.dataset.reading import is_long
    from trtlog.parquet.stream import convert

    # How long standard input is, nobody knows.
    long = path == "-" or (os.path.isfile(path) and is_long(path, os.path.getsize(path)))
    if long:
        with progress_of(path) as progress:
            notes = convert(source_of(path), folder, strict=is_strict(), progress=progress, redact=redact)
        for note in notes:
            echo(f"trtlog: {path}: {note}", err=True)
    else:
        read_log(path).to_parquet(folder, redact=redact)
    echo(f"{path} -> {folder}")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show how many logs are done, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("logs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(done: Conversion, output: str, show_all: bool) -> None:
    counts = [
        (len(done.converted), "converted"),
        (len(done.replaced), "of them replaced older rows"),
        (len(done.known), "known"),
        (len(done.unchanged), "unchanged"),
        (len(done.skipped), plural(len(done.skipped), "file is no log", "files are no logs")),
        (len(done.failed), "failed"),
    ]
    _list("left out", done.skipped, show_all)
    _list("failed", done.failed, True)
    summary = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "nothing found"
    echo(f"{summary} -> {output}")
    if done.stopped:
        echo("trtlog: stopped; the same command goes on from here", err=True)


def _list(what: str, rows: list[tuple[str, str]], show_all: bool) -> None:
    for source, reason in rows if show_all else rows[:_SHOWN]:
        echo(f"trtlog: {what}: {source}: {reason}", err=True)
    if not show_all and len(rows) > _SHOWN:
        echo(f"trtlog: {what}: and {len(rows) - _SHOWN} more; --all names them", err=True)
