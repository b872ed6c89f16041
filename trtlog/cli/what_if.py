"""``trtlog what-if``: what other formats and precisions would cost, and what keeps the engine from them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from trtlog._util.redact import redact_json
from trtlog._util.words import first_of
from trtlog.cli.common import echo_json, log_argument, read_log, reading_options, show, text_format_option
from trtlog.errors import QueryError

if TYPE_CHECKING:
    from trtlog.log import Log

_PRECISIONS = ("fp32", "fp16", "bf16", "int8", "fp8")
_SHOWN = 5


@click.command("what-if")
@log_argument
@click.option("--precision", type=click.Choice(_PRECISIONS, case_sensitive=False), help="Only this one.")
@click.option("--layer", metavar="LAYER", help="Only the choice of this layer is free, named as in 'trtlog why'.")
@click.option("--to", "last", metavar="LAYER", help="And of all up to this one, in the engine's order.")
@text_format_option
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="Blocks of a precision.")
@reading_options
def command(log: str, precision: str | None, layer: str | None, last: str | None, format_: str, limit: int) -> None:
    """Say what other formats would cost in LOG, and why a narrower precision is not faster.

    The engine's choice against the best one of all timed candidates and against each precision throughout, with the
    conversions between formats; then the blocks of layers that would be faster in a precision by themselves, and what
    keeps the engine from it: one layer's formats, several layers', or the conversions at the block's ends.

    Example:  trtlog what-if verbose.log --precision fp16
    """
    from trtlog.analyses.layer.what_if import no_answer
    from trtlog.report.documents.what_if import what_if

    if last is not None and layer is None:
        raise click.UsageError("--to takes --layer, where the path begins")
    found = read_log(log)
    ask = found.analyze
    reason = ask.missing("what_if") or no_answer(ask._layers)
    first = None if layer is None or reason else _one(found, layer)
    end = first if last is None or reason else _one(found, last)
    plans = ask.table("what_if", first=first, last=end, precision=precision).to_pylist()
    blocks = [] if layer is not None else ask.table("what_if_blocks", precision=precision).to_pylist()
    if format_ == "json":
        answer = {"plans": plans, "blocks": blocks, "missing": reason}
        echo_json(json.dumps(redact_json(answer), ensure_ascii=False))
        return
    path = None if first is None else (first, end or first)
    show(what_if(found, plans, blocks, reason, precision, path, limit), format_)


def _one(log: Log, wanted: str) -> str:
    """Return the layer that computes and that a text names."""
    from trtlog.analyses.layer.why import find_layers

    found = find_layers(log, wanted)
    if len(found) > 1:
        raise QueryError(f"{len(found)} layers fit {wanted!r}; name one of them: {first_of(found, _SHOWN)}")
    return found[0]
