"""``trtlog graph``: the engine's graph as a picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from trtlog._util.files import write_whole
from trtlog.cli.common import echo, echo_data, log_argument, read_log, reading_options
from trtlog.errors import QueryError

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
@click.option("--around", metavar="LAYER", help="Only what is near a layer, named as in 'trtlog why' (svg, dot).")
@click.option("--radius", type=click.IntRange(0), default=3, show_default=True, help="How many tensors away that is.")
@click.option("--weights", is_flag=True, help="Draw constants, and what is made of them alone, too (svg, dot).")
@click.option("--diff", "other", metavar="OTHER", help="Draw OTHER too: what each has alone, what changed (svg, dot).")
@reading_options
def command(
    log: str, output: str, color: str, around: str | None, radius: int, weights: bool, other: str | None
) -> None:
    """Draw the graph of LOG's engine: layers, and the tensors between them with shape and format.

    Conversions between formats are dashed and orange; a tensor whose ends compute in different precisions is red.
    SVG opens in every browser, DOT is for Graphviz, ONNX for Netron (pip install '.[onnx]').

    Example:  trtlog graph verbose.log -o engine.svg --color precision
    """
    found = read_log(log)
    ending = os.path.splitext(output)[1].lower()
    if output != "-" and ending not in _ENDINGS:
        raise QueryError(f"{output}: its name ends in none of {', '.join(_ENDINGS)}, which tell what to write")
    _with_tensors(found)
    if ending == ".onnx":
        from trtlog.report.graph.onnx_file import to_onnx

        _write(output, to_onnx(found))
        return
    names: list[str] = []
    if around is not None:
        from trtlog.analyses.layer.why import find_layers

        names = find_layers(found, around)
    if other is None:
        from trtlog.report.graph.drawing import draw

        drawing = draw(found, color=color, around=names, radius=radius, weights=weights)
    else:
        from trtlog.analyses.compare.engines import paired_nodes
        from trtlog.report.graph.both import draw_both

        test = _with_tensors(read_log(other, None))
        pairs = paired_nodes(found, test)
        drawing = draw_both(found, test, pairs, around=names, radius=radius, weights=weights)
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


def _with_tensors(log: Log) -> Log:
    """Return a log that tells the tensors of its engine.

    Raises
    ------
    QueryError
        It does not; the message says which flags print them.
    """
    if not log.analyze.table("graph_edges").num_rows:
        raise QueryError(f"{log.source}: {log.analyze.missing('graph_edges') or _NO_TENSORS}")
    return log


def _write(output: str, data: bytes) -> None:
    write_whole(output, data)
    echo(f"{len(data)} bytes -> {output}", err=True)
