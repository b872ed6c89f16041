"""``trtlog fusions``: what the optimizer made of the graph, and the way from ONNX nodes to engine layers."""

from __future__ import annotations

from typing import Any

import click

from trtlog.cli.answers import limit_option, print_answer
from trtlog.cli.common import format_option, log_argument, read_log, reading_options

VIEWS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "waterfall": ("fusion_waterfall", None),
    "rules": ("fusion_rules", None),
    "attempts": ("fusion_attempts", None),
    "lineage": ("lineage", ("layer", "node", "op", "how", "layer_line", "node_line")),
    "lost": ("lost_nodes", None),
}


@click.command("fusions")
@log_argument
@click.option(
    "--by", "view", type=click.Choice(list(VIEWS)), default="waterfall", show_default=True, help="What to show."
)
@limit_option
@format_option
@reading_options
def command(log: str, view: str, limit: int | None, format_: str) -> None:
    """Show what was fused in LOG.

    waterfall: layers after each pass. rules: rewrites tried and applied. attempts: each with what came of it.
    lineage: engine layers and their ONNX nodes. lost: ONNX nodes that ended in no engine layer, and why.

    Example:  trtlog fusions verbose.log --by lost
    """
    parsed = read_log(log)
    analysis, columns = VIEWS[view]
    options: dict[str, Any] = {"columns": columns, "limit": limit}
    print_answer(parsed, analysis, format_, empty="every ONNX node is in an engine layer", **options)
