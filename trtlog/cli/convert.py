"""``trtlog convert``: logs to Parquet."""

from __future__ import annotations

import os
from pathlib import Path

import click

from trtlog.cli.common import progress_of, read_log, source_of
from trtlog.errors import InputError, TrtlogError

# From this size on a log is converted piece by piece.
_LONG_BYTES = 64 << 20


@click.command("convert")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--strict", is_flag=True, help="Fail when there are lines that no rule knows.")
def command(logs: tuple[str, ...], output: Path, strict: bool) -> None:
    """Write each LOG as Parquet, one file a table: into the folder, or into a folder a log for several.

    A long log is converted piece by piece, in bounded memory; JSON exports beside it are then left out.

    Example:  trtlog convert verbose.log -o out/
    """
    from trtlog.convert import convert

    folders = [output] if len(logs) == 1 else [output / name for name in folder_names(logs)]
    failed = 0
    for path, folder in zip(logs, folders, strict=True):
        try:
            if _is_long(path):
                with progress_of(path) as progress:
                    notes = convert(source_of(path), folder, strict=strict, progress=progress)
                for note in notes:
                    click.echo(f"trtlog: {path}: {note}", err=True)
            else:
                read_log(path, strict=strict).to_parquet(folder)
        except TrtlogError as error:
            if len(logs) == 1:
                raise
            failed += 1
            click.echo(f"trtlog: {error}", err=True)
            continue
        click.echo(f"{path} -> {folder}")
    if failed:
        raise InputError(f"{failed} of {len(logs)} logs could not be converted")


def _is_long(path: str) -> bool:
    """Return whether a log is to be converted piece by piece: its length is large, or not known."""
    if path == "-":
        return True
    if not os.path.isfile(path):
        return False
    packed = path.endswith((".gz", ".xz", ".bz2", ".zst"))
    return os.path.getsize(path) >= (_LONG_BYTES // 16 if packed else _LONG_BYTES)


def folder_names(logs: tuple[str, ...]) -> list[str]:
    """Return a folder name for each log, told apart by a number where the names are the same.

    Examples
    --------
    >>> folder_names(("a/net.log.gz", "b/net.log", "-"))
    ['net', 'net-2', 'stdin']
    """
    names: list[str] = []
    for path in logs:
        name = "stdin" if path == "-" else Path(path).name
        for suffix in (".gz", ".xz", ".bz2", ".zst", ".log", ".txt"):
            name = name.removesuffix(suffix)
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = f"{name}-{number}"
        names.append(unique)
    return names
