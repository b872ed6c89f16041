"""``trtlog why``: one layer's whole story."""

from __future__ import annotations

import dataclasses
import json

import click

from trtlog._util.redact import redact_json
from trtlog.cli.common import echo, echo_json, log_argument, read_log, reading_options, show, text_format_option

_SHOWN = 40


@click.command("why")
@click.argument("layer")
@log_argument
@text_format_option
@reading_options
def command(layer: str, log: str, format_: str) -> None:
    """Tell the story of LAYER in LOG: ONNX nodes, fusions, formats, candidates, choice, conversions, cost.

    LAYER is a layer's or ONNX node's name: exact, else a part of it, else a regular expression. Several
    layers that fit are listed.

    Example:  trtlog why "/layer1/layer1.0/conv1/Conv" verbose.log
    """
    from trtlog.analyses.layer.why import find_layers, story

    parsed = read_log(log)
    parsed.analyze  # noqa: B018 - says which run to ask where the file holds several
    found = find_layers(parsed, layer)
    if len(found) > 1:
        prose = format_ == "json"  # where data is expected it would be taken for some
        echo(f"{len(found)} layers fit {layer!r}; name one of them:", err=prose)
        for name in found[:_SHOWN]:
            echo(f"  {name}", err=prose)
        if len(found) > _SHOWN:
            echo(f"  and {len(found) - _SHOWN} more", err=prose)
        if prose:
            echo_json("null")
        return
    answer = story(parsed, found[0])
    if format_ == "json":
        echo_json(json.dumps(redact_json(dataclasses.asdict(answer)), ensure_ascii=False, default=str))
        return
    from trtlog.report.documents.why import why

    show(why(answer), format_)
