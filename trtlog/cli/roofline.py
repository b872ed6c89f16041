"""``trtlog roofline``: how far each layer is from what the GPU can do."""

from __future__ import annotations

import click

from trtlog.cli.answers import all_columns_option, limit_option, print_answer
from trtlog.cli.common import echo, format_option, log_argument, read_log, reading_options

_COLUMNS = ("layer", "precision", "time_ms", "tflops", "percent_of_compute", "gb_per_s", "percent_of_bandwidth",
            "bound", "ideal_ms")  # fmt: skip


@click.command("roofline")
@log_argument
@click.option("--totals", is_flag=True, help="The whole network only.")
@limit_option
@all_columns_option
@format_option
@reading_options
def command(log: str, totals: bool, limit: int | None, all_columns: bool, format_: str) -> None:
    """Compare the layers of LOG with what the GPU can do: operations and bytes a second, and what bounds them.

    Operations and bytes come from shapes, types and parameters of the engine's layers (--profilingVerbosity=detailed
    tells most), times from the layer profile (--dumpProfile), else from the builder's timings.

    Example:  trtlog roofline verbose.log --limit 20
    """
    found = read_log(log)
    if not totals:
        columns = None if all_columns else _COLUMNS
        if not print_answer(found, "roofline", format_, columns=columns, limit=limit) or format_ != "table":
            return
        echo()
    print_answer(found, "roofline_total", format_)
