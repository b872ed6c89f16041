"""``trtlog precision``: data types, what each would cost, and why layers fell back."""

from __future__ import annotations

import click

from trtlog.analyses.programs import worded
from trtlog.cli.answers import limit_option, print_answer
from trtlog.cli.common import echo, format_option, log_argument, read_log, reading_options

_COLUMNS = ("layer", "used", "used_ms", "fp32_ms", "tf32_ms", "fp16_ms", "bf16_ms", "int8_ms", "fp8_ms",
            "reformat_ms", "reason")  # fmt: skip


@click.command("precision")
@log_argument
@click.option("--totals", is_flag=True, help="Sums by precision only.")
@limit_option
@format_option
@reading_options
def command(log: str, totals: bool, limit: int | None, format_: str) -> None:
    """Compare what each layer of LOG costs in each precision, and say why it uses a wider one than allowed.

    Example:  trtlog precision verbose.log --limit 20
    """
    parsed = read_log(log)
    used = parsed.analyze.table("precision").column("used")
    if len(used) and used.null_count == len(used):
        flag = worded("<<--profilingVerbosity=detailed|--verbose>>", parsed)
        echo(f"trtlog: no line tells in which types the layers compute: {flag} names their kernels", err=True)
    if not totals:
        columns = [c for c in _COLUMNS if not c.endswith("_ms") or parsed.analyze.precision()[c].notna().any()]
        if not print_answer(parsed, "precision", format_, columns=columns, limit=limit):
            return
        if format_ not in ("table", "md"):
            return
        echo()
    found = print_answer(parsed, "precision_totals", format_)
    times = parsed.analyze.table("precision").column("used_ms")
    if found and times.null_count and times.null_count < len(times):
        timed = len(times) - times.null_count
        echo(f"trtlog: time_ms sums the {timed} of {len(times)} layers that have timings", err=True)
