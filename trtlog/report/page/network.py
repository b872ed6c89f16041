"""The graph of an engine as the page's script draws it: boxes and lines in their places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trtlog._util.redact import redact
from trtlog.report.document import EngineGraph
from trtlog.report.graph.placed import PlacedBox


def network_json(block: EngineGraph) -> dict[str, Any]:
    """Return the graph's block."""
    facts = {row["layer"]: row for row in block.layers}
    longest = max((row["time_ms"] or 0.0 for row in facts.values()), default=0.0)
    return {
        "kind": "network",
        "title": block.title,
        "note": block.note,
        "width": round(block.placed.width),
        "height": round(block.placed.height),
        "boxes": [_box(one, facts.get(one.box.layer), longest) for one in block.placed.boxes],
        "lines": [
            [
                one.path,
                " ".join(filter(None, (one.line.tensor, one.line.label, one.line.change))),
                bool(one.line.change),
                [[text, round(x), round(y), change] for text, x, y, change in one.words],
            ]
            for one in block.placed.lines
        ],
    }


def _box(one: PlacedBox, row: Mapping[str, Any] | None, longest: float) -> list[Any]:
    box = one.box
    own = row if box.kind not in ("input", "output") else None
    time = own["time_ms"] if own else None
    colors = [own[name] if own else None for name in ("type", "precision", "bound")]
    share = None if time is None or not longest else round(time / longest, 4)
    place = [round(one.x), round(one.y), round(one.width)]
    return [*place, box.kind, redact(box.layer), box.title, box.line, box.hint, *colors, share]
