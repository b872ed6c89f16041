"""What the commands of the analyses share: an analysis printed as rows, or what to do where the log lacks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trtlog.cli.common import echo, print_folded, print_rows
from trtlog.errors import QueryError

if TYPE_CHECKING:
    from trtlog.log import Log

limit_option = click.option("--limit", type=click.IntRange(0), default=None, help="At most so many rows.")
all_columns_option = click.option("--all-columns", is_flag=True, help="All columns, not only the main ones.")

# What is said where no tactic was skipped for lack of memory, as far as the log tells.
NO_SKIPS = "no line tells of a tactic that was skipped for lack of memory"


def print_answer(
    log: Log,
    analysis: str,
    format_: str,
    *,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    title: str | None = None,
    empty: str | None = None,
    only: str | None = None,
    **options: Any,
) -> int:
    """Print an analysis of ``log.analyze``; return its number of rows.

    In a table only ``columns`` are shown, in Markdown long ones fold away under the first rows; JSON, CSV and Parquet
    carry all. Where the answer is empty because the log lacks the lines, what to do is printed on standard error.
    ``only`` is the layer whose rows are wanted.

    Raises
    ------
    QueryError
        A layer is asked for, and the answer is not about layers.
    """
    answer = log.analyze.table(analysis, **options)
    if only is not None:
        if "layer" not in answer.column_names:
            raise QueryError(f"this view is not about layers: its columns are {', '.join(answer.column_names)}")
        answer = answer.filter([name == only for name in answer.column("layer").to_pylist()])
    if not answer.num_rows:
        advice = log.analyze.missing(analysis)
        # prose where rows are expected would be taken for one
        echo(f"trtlog: {advice}" if advice else (empty or "nothing found"), err=bool(advice) or format_ != "table")
        if format_ != "table":
            print_rows(answer, format_)
        return 0
    shown = answer if limit is None else answer.slice(0, limit)
    if format_ in ("table", "md"):
        for name in ("run", "build", "engine"):
            if name in shown.column_names and len(set(shown.column(name).to_pylist())) == 1:
                shown = shown.drop_columns([name])
        if columns is not None:
            shown = shown.select([name for name in columns if name in shown.column_names])
        shown = rounded(shown)
    if format_ == "md":
        print_folded(shown, title)
    else:
        print_rows(shown, format_, title=title)
    if limit is not None and limit < answer.num_rows and format_ == "table":
        echo(f"{limit} of {answer.num_rows} rows; --limit shows more")
    if format_ == "table" and "engine" not in answer.column_names and "build" not in answer.column_names:
        from trtlog.analyses.build.builds import which_build
        from trtlog.analyses.registry import methods

        which = which_build(log) if "layers" in methods()[analysis].takes else None
        if which:
            echo(f"of {which}")
    return int(answer.num_rows)


def rounded(table: Any) -> Any:
    """Return the table with computed numbers cut to what can be read; times keep the log's digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(table.schema):
        if not pa.types.is_floating(field.type):
            continue
        short = "percent" in field.name or field.name in ("tflops", "gb_per_s", "intensity")
        digits = 1 if short else 3 if field.name.startswith("seconds") else 7
        table = table.set_column(position, field, pc.round(table.column(position), digits))
    return table
