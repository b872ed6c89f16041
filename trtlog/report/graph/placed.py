"""The picture with every box and line in its place, for whoever draws it: the SVG file and the page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from trtlog._util.dataclass import dataclass
from trtlog.report.graph.drawing import Box, Drawing, Line
from trtlog.report.graph.layout import lay_out

HEIGHT = 40.0
_LETTER, SMALL = 7.3, 5.9
_LEAST = 120.0
_LABELS = 2
_ENDS, _ROUND = ("input", "output"), 16.0


@dataclass(frozen=True)
class PlacedBox:
    """A box, its upper left corner and its width."""

    box: Box
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class PlacedLine:
    """A line, its path in SVG, and its words: text, place, whether they tell of a change of precision."""

    line: Line
    path: str
    words: tuple[tuple[str, float, float, bool], ...]


@dataclass(frozen=True)
class Placed:
    """All boxes and lines, and the room that they take."""

    boxes: tuple[PlacedBox, ...]
    lines: tuple[PlacedLine, ...]
    width: float
    height: float


def placed(drawing: Drawing) -> Placed:
    """Return the boxes and lines of a drawing in their places.

    Parameters
    ----------
    drawing : Drawing
        Of :func:`trtlog.report.graph.drawing.draw`.
    """
    widths = [
        max(_LEAST, _LETTER * len(box.title) + 20, SMALL * len(box.line) + 20) + (_ROUND if box.kind in _ENDS else 0)
        for box in drawing.boxes
    ]
    layout = lay_out(widths, [(line.source, line.target) for line in drawing.lines])
    boxes = [
        PlacedBox(box, x - width / 2, y - HEIGHT / 2, width)
        for box, width, (x, y) in zip(drawing.boxes, widths, layout.centers, strict=True)
    ]
    lines: list[PlacedLine] = []
    labelled: dict[int, list[str]] = {}
    passed: dict[int, int] = {}
    routes = layout.routes
    for line in sorted(drawing.lines, key=lambda one: (one.source, len(routes.get((one.source, one.target), ())))):
        route = routes.get((line.source, line.target), [])
        points = [layout.centers[line.source], *route, layout.centers[line.target]]
        words = []
        # A tensor that several layers read says once what it is; below a box there is room for two.
        own = labelled.setdefault(line.source, [])
        if line.tensor not in own:
            own.append(line.tensor)
            (x, y), (next_x, _) = points[:2]
            if len(own) <= _LABELS:
                words.append((line.label, (3 * x + next_x) / 4 + 6, y + HEIGHT / 2 + 5 + 13 * len(own), False))
        if line.change:
            words.append((line.change, points[-1][0] + 6, points[-1][1] - HEIGHT / 2 - 10, True))
        # Lines of one box share their way; each is drawn from where the shorter one left it.
        lines.append(PlacedLine(line, _path(points, passed.get(line.source, 0)), tuple(words)))
        passed[line.source] = len(route)
    return Placed(tuple(boxes), tuple(lines), layout.width, layout.height)


def _path(points: Sequence[tuple[float, float]], first: int) -> str:
    """Return the path through points, from the one of a number on."""
    (x, y), (end_x, end_y) = points[0], points[-1]
    stops = [(x, y + HEIGHT / 2), *points[1:-1], (end_x, end_y - HEIGHT / 2)][first:]
    path = [f"M{stops[0][0]:.0f} {stops[0][1]:.0f}"]
    for place, ((ax, ay), (bx, by)) in enumerate(pairwise(stops), 2):
        if abs(ax - bx) >= 0.5:
            middle = (ay + by) / 2
            path.append(f"C{ax:.0f} {middle:.0f} {bx:.0f} {middle:.0f} {bx:.0f} {by:.0f}")
        elif place >= len(stops) or abs(stops[place][0] - bx) >= 0.5:  # it bends here, or ends
            path.append(f"V{by:.0f}")
    return "".join(path)
