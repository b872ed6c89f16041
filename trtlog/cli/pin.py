"""``trtlog pin``: entries for an editable timing cache that make the next build take a tactic."""

from __future__ import annotations

import dataclasses
import json

import click

from trtlog._util.files import write_whole
from trtlog._util.redact import redact_json
from trtlog.cli.common import echo, echo_json, log_argument, read_log, reading_options


@click.command("pin")
@log_argument
@click.argument("layer")
@click.argument("tactic")
@click.option("-o", "--output", help="File to write; standard output without it.")
@reading_options
def command(log: str, layer: str, tactic: str, output: str | None) -> None:
    """Write what pins TACTIC for LAYER in an editable timing cache: the key and the hash that LOG prints.

    LAYER is an operation of 'trtlog show autotuned_ops LOG'; TACTIC is the hash, or the name of the kernel, of one of
    'trtlog show tactics LOG --where layer=LAYER'. TensorRT 10.3 and later print keys where
    BuilderFlag.EDITABLE_TIMING_CACHE is set.

    Example:  trtlog pin build.log matMul1 0x393e4ef8ad243 -o edits.json
    """
    from trtlog.analyses.build.pin import pin

    found = read_log(log)
    edits = pin(found, layer, tactic)
    document = {
        "tensorrt_version": found.run.tensorrt_version,
        "edits": redact_json([dataclasses.asdict(edit) for edit in edits]),
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if output is None:
        echo_json(text)
        return
    write_whole(output, [text, "\n"])
    for edit in edits:
        was = f" in place of {edit.replaces}" if edit.replaces not in (None, edit.tactic) else ""
        echo(f"{edit.layer}: {edit.tactic} ({edit.timing_ms:g} ms){was} -> {output}", err=True)
