"""Places for the nodes of a directed graph, in layers from top to bottom.

An engine's graph is nearly a chain, of up to thousands of layers, with a few long edges. No layout library can be
shipped with a Python program for it: Graphviz is a program of its own, dagre and ELK need JavaScript. So the four steps
of Sugiyama's method stand here: ranks by longest path, a place in every rank for edges that pass it, an order by the
mean of the neighbours, and coordinates by least squares (pool adjacent violators). Same graph, same picture.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import pairwise

from trtlog._util.dataclass import dataclass

_ORDER_SWEEPS = 8
_PLACE_SWEEPS = 8
# Distance of ranks, and the least one between neighbours of a rank.
ROW, GAP = 84.0, 26.0
# A place that an edge passes is narrow, and gives way to boxes: chains of boxes stay straight.
_LANE_WIDTH, _LANE_WEIGHT = 10.0, 0.1
_HUB = 12


@dataclass(frozen=True)
class Layout:
    """Where everything stands.

    Attributes
    ----------
    centers : list of (float, float)
        Middle of each node.
    routes : dict
        Edge (source, target) -> the points that it passes between the two, from top to bottom.
    width, height : float
        Size of the picture.
    """

    centers: list[tuple[float, float]]
    routes: dict[tuple[int, int], list[tuple[float, float]]]
    width: float
    height: float


@dataclass
class _Item:
    """A node, or the place of an edge in a rank that it passes."""

    rank: int
    width: float
    weight: float
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    x: float = 0.0
    order: float = 0.0


def lay_out(widths: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """Return places for nodes of given widths; an edge against the order of the nodes is not looked at.

    Parameters
    ----------
    widths : sequence of float
        Width of each node; nodes are numbered in an order in which edges go from lower to higher numbers.
    edges : sequence of (int, int)
        Source and target.

    Examples
    --------
    >>> found = lay_out([100, 100, 100], [(0, 1), (1, 2), (0, 2)])
    >>> [y for _, y in found.centers], len(found.routes[0, 2])
    ([42.0, 126.0, 210.0], 1)
    """
    forward = sorted({(source, target) for source, target in edges if source < target})
    ranks = _ranks(len(widths), forward)
    items = [_Item(rank, width, 1.0) for rank, width in zip(ranks, widths, strict=True)]
    lanes = _add_lanes(items, forward)
    table = _ordered(items)
    _place(items, table)
    if items and 2 * items[0].x > min(item.x for item in items) + max(item.x for item in items):
        for item in items:  # a reader begins at the upper left, so the first node is there
            item.x = -item.x
    left = min((item.x - item.width / 2 for item in items), default=0.0) - GAP
    for item in items:
        item.x -= left
    points = [(item.x, ROW * item.rank + ROW / 2) for item in items]
    return Layout(
        points[: len(widths)],
        {edge: [points[lane] for lane in passed] for edge, passed in lanes.items()},
        max((item.x + item.width / 2 for item in items), default=0.0) + GAP,
        ROW * (max(ranks, default=-1) + 1),
    )


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the rank of each node: below all that it needs; what needs nothing stands right above its first reader."""
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        above[target].append(source)
        below[source].append(target)
    ranks = [0] * count
    for node in range(count):
        ranks[node] = 1 + max((ranks[other] for other in above[node]), default=-1)
    for node in range(count - 1, -1, -1):
        if not above[node] and below[node]:
            ranks[node] = min(ranks[other] for other in below[node]) - 1
    least = min(ranks, default=0)
    return [rank - least for rank in ranks]


def _add_lanes(items: list[_Item], edges: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[int]]:
    """Give the edges of a node that go far one lane through the ranks between; return the places of each edge."""
    lanes: dict[tuple[int, int], list[int]] = {}
    of_source: dict[int, list[int]] = {}
    for source, target in edges:
        passed = of_source.setdefault(source, [])
        between = items[target].rank - items[source].rank - 1
        while len(passed) < between:
            upper = passed[-1] if passed else source
            items.append(_Item(items[upper].rank + 1, _LANE_WIDTH, _LANE_WEIGHT))
            _join(items, upper, len(items) - 1)
            passed.append(len(items) - 1)
        own = passed[: max(0, between)]
        _join(items, own[-1] if own else source, target)
        lanes[source, target] = own
    return lanes


def _join(items: list[_Item], upper: int, lower: int) -> None:
    items[upper].below.append(lower)
    items[lower].above.append(upper)


def _ordered(items: list[_Item]) -> list[list[int]]:
    """Return the items of each rank from left to right: by the mean place of their neighbours, down and up in turn."""
    table: list[list[int]] = [[] for _ in range(max((item.rank for item in items), default=-1) + 1)]
    for number, item in enumerate(items):
        item.order = len(table[item.rank])
        table[item.rank].append(number)
    best, least = [list(row) for row in table], _crossings(items, table)
    for sweep in range(_ORDER_SWEEPS):
        down = sweep % 2 == 0
        for row in table if down else table[::-1]:
            keys = {
                number: _mean(items, items[number].above if down else items[number].below, number) for number in row
            }
            row.sort(key=keys.__getitem__)
            for place, number in enumerate(row):
                items[number].order = float(place)
        found = _crossings(items, table)
        if found < least:
            best, least = [list(row) for row in table], found
        if not least:
            break
    for row in best:
        for place, number in enumerate(row):
            items[number].order = float(place)
    return best


def _mean(items: list[_Item], neighbours: Sequence[int], number: int) -> float:
    if not neighbours:
        return items[number].order
    return sum(items[other].order for other in neighbours) / len(neighbours)


def _crossings(items: list[_Item], table: Sequence[Sequence[int]]) -> int:
    """Count crossings: pairs of edges between two ranks whose ends are ordered otherwise."""
    total = 0
    for row in table:
        seen: list[float] = []
        for number in row:
            ends = sorted(items[other].order for other in items[number].below)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _place(items: list[_Item], table: Sequence[Sequence[int]]) -> None:
    for row in table:
        right = 0.0
        for number in row:
            items[number].x = right + items[number].width / 2
            right += items[number].width + GAP
        for number in row:
            items[number].x -= right / 2
    for sweep in range(_PLACE_SWEEPS):
        down = sweep % 2 == 0
        for row in table if down else table[::-1]:
            wanted = []
            for number in row:
                item = items[number]
                near = item.above if down else item.below
                near = near or (item.below if down else item.above)
                wanted.append(_pull(items, near, item.x))
            _spread([items[number] for number in row], wanted)


def _pull(items: list[_Item], near: Sequence[int], alone: float) -> float:
    """Return where neighbours pull an item to; boxes before passing edges, so that a chain stays straight."""
    boxes = [items[other].x for other in near if items[other].weight > _LANE_WEIGHT]
    places = boxes or [items[other].x for other in near]
    return sum(places) / len(places) if places else alone


def _spread(row: Sequence[_Item], wanted: Sequence[float]) -> None:
    """Set the items of a rank as near to where they are wanted as their order and widths allow."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP)
    blocks: list[tuple[float, float, int]] = []  # where a block stands, its weight, its items
    for item, want, offset in zip(row, wanted, offsets, strict=True):
        place, weight, count = want - offset, item.weight, 1
        while blocks and blocks[-1][0] >= place:
            before, heavy, several = blocks.pop()
            place = (place * weight + before * heavy) / (weight + heavy)
            weight, count = weight + heavy, count + several
        blocks.append((place, weight, count))
    places = [place for place, _, count in blocks for _ in range(count)]
    for item, place, offset in zip(row, places, offsets, strict=True):
        item.x = place + offset


def neighbourhood(start: Sequence[int], edges: Sequence[tuple[int, int]], radius: int) -> set[int]:
    """Return the nodes that at most ``radius`` edges lead to, in either direction.

    No way leads on from a node with very many neighbours, as the mask of a transformer is: all layers lie near it.

    Examples
    --------
    >>> sorted(neighbourhood([1], [(0, 1), (1, 2), (2, 3)], 1))
    [0, 1, 2]
    """
    near: Mapping[int, set[int]] = _neighbours(edges)
    found, last = set(start), set(start)
    for _ in range(radius):
        open_ = (node for node in last if node in near and (node in start or len(near[node]) <= _HUB))
        last = {other for node in open_ for other in near[node]} - found
        found |= last
    return found


def _neighbours(edges: Sequence[tuple[int, int]]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {}
    for source, target in edges:
        near.setdefault(source, set()).add(target)
        near.setdefault(target, set()).add(source)
    return near
