"""``trtlog convert``: logs to Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from trtlog.cli.common import read_log
from trtlog.errors import InputError, TrtlogError


@click.command("convert")
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--strict", is_flag=True, help="Fail when there are lines that no rule knows.")
def command(logs: tuple[str, ...], output: Path, strict: bool) -> None:
    """Write each LOG as Parquet, one file a table: into the folder, or into a folder a log for several.

    Example:  trtlog convert verbose.log -o out/
    """
    folders = [output] if len(logs) == 1 else [output / name for name in folder_names(logs)]
    failed = 0
    for path, folder in zip(logs, folders, strict=True):
        try:
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
