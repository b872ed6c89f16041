"""``trtlog tactics``: candidates, margins, winners."""

from __future__ import annotations

from typing import Any

import click

from trtlog.cli.answers import NO_SKIPS, all_columns_option, limit_option, print_answer
from trtlog.cli.common import echo, format_option, log_argument, print_rows, read_log, reading_options

_WINNERS = ("engine", "name", "timed", "layers", "combinations_won", "engine_layers", "best_ms")
VIEWS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "margins": ("margins", {}, ("engine", "layer", "input_layout", "precision", "winner_ms", "second_ms",
                                "margin_percent", "candidates", "in_engine", "line", "winner_kernel")),
    "candidates": ("candidates", {}, ("engine", "layer", "rank", "time_ms", "slower_percent", "precision",
                                      "input_layout", "output_layout", "in_engine", "kernel", "runner", "line")),
    "precision": ("best", {"by": "precision"}, ("engine", "layer", "precision", "best_ms", "slower_percent",
                                                "candidates", "in_engine", "kernel", "line")),
    "format": ("best", {"by": "format"}, ("engine", "layer", "precision", "input_layout", "output_layout", "best_ms",
                                          "slower_percent", "in_engine", "kernel", "line")),
    "runners": ("winners", {"by": "runner"}, _WINNERS),
    "families": ("winners", {"by": "family"}, _WINNERS),
    "passed-over": ("passed_over", {}, ("layer", "used_ms", "used_formats", "best_ms", "best_formats", "gap_ms",
                                        "reformat_ms", "verdict", "line")),
    "close-calls": ("close_calls", {}, ("layer", "winner_ms", "second_ms", "margin_percent", "noise_percent",
                                        "flip_probability", "winner_kernel", "second_kernel", "line")),
    "flip-risk": ("flip_risk", {}, ("layer", "time_ms", "margin_percent", "noise_percent", "tactic_probability",
                                    "format_probability", "flip_probability", "timed_as", "line")),
    "repeats": ("repeats", {}, ("input_formats", "output_formats", "count", "min_ms", "median_ms", "max_ms",
                                "spread_percent")),
    "workspace": ("workspace_skips", {}, ("engine", "layer", "runner", "skipped", "requested_mib", "available_mib",
                                          "best_ms", "line")),
}  # fmt: skip


# Views with rows of each layer that was timed.
_TIMED = ("candidates", "margins", "precision", "format")


@click.command("tactics")
@log_argument
@click.option(
    "--by",
    "view",
    type=click.Choice(list(VIEWS)),
    default=None,
    help="What to show. [default: margins; with --layer candidates]",
)
@click.option("--layer", default=None, help="This layer only: exact name, part of it, or regular expression.")
@click.option("--other", default=None, metavar="LOG", help="Layers whose winner differs in another build's log.")
@all_columns_option
@limit_option
@format_option
@reading_options
def command(
    log: str, view: str | None, layer: str | None, other: str | None, all_columns: bool, limit: int | None, format_: str
) -> None:
    """Rank the timed tactics of LOG.

    margins: winner and runner-up of each layer and format combination. candidates: all, ranked. precision,
    format: each layer's best. runners, families: which win. passed-over: faster ones that want other formats.
    close-calls: choices that the next build may make otherwise; flip-risk: how likely, for all. repeats: conversions
    timed more than once. workspace: skipped for lack of memory.

    Example:  trtlog tactics verbose.log --by close-calls
    """
    log_ = read_log(log)
    if other is not None:
        changed = ("layer", "first_formats", "second_formats", "margin_first_percent", "margin_second_percent",
                   "noise_percent", "cause", "line_first", "line_second")  # fmt: skip
        print_answer(log_, "winner_changes", format_, columns=None if all_columns else changed, limit=limit,
                     empty="every layer has the same tactic in both", other=read_log(other, None))  # fmt: skip
        return
    view = view or ("candidates" if layer is not None else "margins")
    analysis, options, columns = VIEWS[view]
    only = None
    if layer is not None:
        from trtlog.analyses.layer.why import find_layers

        found = find_layers(log_, layer)
        if len(found) > 1:
            prose = format_ != "table"  # where data is expected it would be taken for some
            echo(f"{len(found)} layers fit {layer!r}; name one of them:", err=prose)
            for name in found:
                echo(f"  {name}", err=prose)
            if prose:
                print_rows(log_.analyze.table(analysis, **options).slice(0, 0), format_)
            return
        if view == "candidates":
            options = {"layer": found[0]}
        else:
            only = found[0]
        columns = tuple(name for name in columns if name != "layer")
    empty = NO_SKIPS if view == "workspace" else None
    if layer is not None and view in _TIMED:
        from trtlog.analyses.layer.untimed import untimed_words

        empty = untimed_words(log_, found[0])
    shown = None if all_columns else columns
    print_answer(log_, analysis, format_, columns=shown, limit=limit, empty=empty, only=only, **options)
    if view == "flip-risk" and (advice := log_.analyze.missing("candidates")):
        echo(f"trtlog: {advice}", err=True)
