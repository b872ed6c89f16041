"""``trtlog graph``: the engine's graph as a picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from trtlog._util.words import counted, plural
from trtlog.cli.common import echo, echo_data, log_argument, read_log, reading_options
from trtlog.errors import InputError, QueryError

if TYPE_CHECKING:
    from trtlog.log import Log

_ENDINGS = (".svg", ".dot", ".gv", ".onnx")


@click.command("graph")
@log_argument
@click.option("-o", "--output", required=True, help="File to write: .svg, .dot or .onnx; - prints DOT.")
@click.option(
    "--color",
    type=click.Choice(("type", "precision", "time", "bound")),
    default="type",
    show_default=True,
    help="What colours stand for (svg, dot).",
)
@click.option("--around", metavar="LAYER", help="Only what lies near a layer, named as in 'trtlog why' (svg, dot).")
@click.option("--radius", type=click.IntRange(0), default=3, show_default=True, help="How many tensors away that is.")
@click.option("--weights", is_flag=True, help="Draw constants, and what is made of them alone, too (svg, dot).")
@click.option("--diff", "other", metavar="OTHER", help="Colour layers by what became of them in OTHER (svg, dot).")
@reading_options
def command(
    log: str,
    output: str,
    color: str,
    around: str | None,
    radius: int,
    weights: bool,
    other: str | None,
    strict: bool,
    run_number: int | None,
) -> None:
    """Draw the graph of LOG's engine: layers, and the tensors between them with shape and format.

    Conversions between formats are dashed and orange; a tensor whose ends compute in different precisions is red.
    SVG opens in every browser, DOT is for Graphviz, ONNX for Netron (pip install 'trtlog[onnx]').

    Example:  trtlog graph verbose.log -o engine.svg --color precision
    """
    found = read_log(log, strict=strict, run_number=run_number)
    ending = os.path.splitext(output)[1].lower()
    if output != "-" and ending not in _ENDINGS:
        raise QueryError(f"{output}: its name ends in none of {', '.join(_ENDINGS)}, which tell what to write")
    if not found.analyze.table("graph_edges").num_rows:
        raise QueryError(found.analyze.missing("graph_edges") or _NO_TENSORS)
    if ending == ".onnx":
        from trtlog.report.graph.onnx_file import to_onnx

        _write(output, to_onnx(found))
        return
    from trtlog.report.graph.drawing import draw

    names: list[str] = []
    if around is not None:
        from trtlog.analyses.layer.why import find_layers

        names = find_layers(found, around)
    changed = None if other is None else _changes(found, read_log(other, strict=strict))
    drawing = draw(found, color=color, around=names, radius=radius, weights=weights, changed=changed)
    if around is not None and not drawing.boxes:
        raise QueryError(f"{', '.join(names)} is no layer of the engine that is drawn; --weights draws constants too")
    if ending == ".svg":
        from trtlog.report.graph.svg import to_svg

        _write(output, to_svg(drawing).encode())
        return
    from trtlog.report.graph.dot import to_dot

    if output == "-":
        echo_data(to_dot(drawing), nl=False)
    else:
        _write(output, to_dot(drawing).encode())


_NO_TENSORS = (
    "The log names the layers of the engine and no tensors: --profilingVerbosity=detailed with --dumpLayerInfo or "
    "--exportLayerInfo prints them."
)


def _changes(log: Log, other: Log) -> dict[str, str]:
    """Return what became of each layer of ``log`` in ``other``."""
    from trtlog.analyses.compare.diff import diff

    changed: dict[str, str] = {}
    added = 0
    for row in diff(log, other).layers.to_dict("records"):
        if not isinstance(row["control_layer"], str):
            added += 1
            continue
        for name in row["control_layer"].split(" & "):
            changed[name] = row["category"]
    if added:
        echo(
            f"trtlog: {counted(added, 'layer')} of the other engine {plural(added, 'has', 'have')} no counterpart",
            err=True,
        )
    return changed


def _write(output: str, data: bytes) -> None:
    try:
        with open(output, "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    echo(f"{len(data)} bytes -> {output}", err=True)
