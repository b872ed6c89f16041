"""``trtlog unknown``: the to-do list for the next rule."""

from __future__ import annotations

import click

from trtlog._util.words import counted
from trtlog.cli.common import echo, log_argument, source_of
from trtlog.cli.inputs import text_path


@click.command("unknown")
@log_argument
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many shapes.")
@click.option("--rules/--no-rules", default=True, help="Print a rule to start from for each shape.")
def command(log: str, limit: int, rules: bool) -> None:
    """Rank the shapes of lines in LOG that no rule knows.

    Example:  trtlog unknown verbose.log
    """
    from trtlog.messages.unknown import rank
    from trtlog.reader import read_captures

    captures, name, _ = read_captures(source_of(text_path(log)))
    shapes = rank(captures.unknown)
    if not shapes:
        echo(f"{name}: every line is known")
        return
    lines = sum(shape.count for shape in shapes)
    echo(f"{name}: {counted(lines, 'unknown line')} of {counted(len(shapes), 'shape')}")
    for shape in shapes[:limit]:
        echo(f"\n{shape.count} x {shape.template}")
        echo(f"  line {captures.file_line(shape.line)}: {shape.example}")
        if rules:
            echo("  " + "\n  ".join(shape.skeleton.splitlines()))
