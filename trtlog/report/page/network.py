"""The panel of the engine's graph: boxes and lines in their places, as the page's script draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact

if TYPE_CHECKING:
    from trtlog.log import Log

# Beyond this many a page would be slow; 'trtlog graph' draws them.
MOST_BOXES = 4000
_TITLE = "Graph of the engine"
_NOTE = (
    "Layers and the tensors between them, constants left out. Conversions between formats are dashed; a red line joins "
    "layers that compute in different precisions. Drag to move, Ctrl and wheel to zoom, a click opens the layer."
)


def network(log: Log) -> dict[str, Any] | None:
    """Return the panel's block; None where the log tells of no tensors between layers.

    Parameters
    ----------
    log : Log
        A log of one run.
    """
    edges, nodes = log.table("graph_edges"), log.table("graph_nodes")
    if not edges.num_rows or nodes.num_rows < 2:
        return None
    from trtlog.report.graph.drawing import draw
    from trtlog.report.graph.placed import placed

    drawing = draw(log)
    if len(drawing.boxes) > MOST_BOXES:
        text = f"The engine's graph has {len(drawing.boxes)} boxes; 'trtlog graph LOG -o engine.svg' draws it."
        return {"kind": "text", "text": text}
    place = placed(drawing)
    facts = {row["layer"]: row for row in nodes.to_pylist()}
    longest = max((row["time_ms"] or 0.0 for row in facts.values()), default=0.0)
    return {
        "kind": "network",
        "title": _TITLE,
        "note": _NOTE,
        "width": round(place.width),
        "height": round(place.height),
        "boxes": [_box(one, facts.get(one.box.layer), longest) for one in place.boxes],
        "lines": [
            [
                one.path,
                " ".join(filter(None, (one.line.tensor, one.line.label, one.line.change))),
                bool(one.line.change),
                [[text, round(x), round(y), change] for text, x, y, change in one.words],
            ]
            for one in place.lines
        ],
    }


def _box(one: Any, row: dict[str, Any] | None, longest: float) -> list[Any]:
    box = one.box
    own = row if box.kind not in ("input", "output") else None
    time = own["time_ms"] if own else None
    colors = [own[name] if own else None for name in ("type", "precision", "bound")]
    share = None if time is None or not longest else round(time / longest, 4)
    place = [round(one.x), round(one.y), round(one.width)]
    return [*place, box.kind, redact(box.layer), box.title, box.line, box.hint, *colors, share]
