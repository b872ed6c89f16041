"""The engines of two builds in one picture: what both have, what one has alone, and what changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from trtlog._util.redact import redact
from trtlog._util.words import base_name
from trtlog.analyses.compare.engines import PairedNodes
from trtlog.log import Log
from trtlog.report.graph.drawing import Box, Drawing, box_of, near_layers, shown_rows, with_ends

Row = Mapping[str, Any]
# A node of the picture: of the control (0) or of the test (1), and its place there.
_Node = tuple[int, int]


def draw_both(
    control: Log,
    test: Log,
    pairs: Sequence[PairedNodes],
    *,
    around: Collection[str] = (),
    radius: int = 2,
    weights: bool = False,
) -> Drawing:
    """Return the graph of both engines: boxes are ``unchanged``, ``changed``, ``removed`` or ``added``, lines likewise.

    Parameters
    ----------
    control, test : Log
        Logs of one run each.
    pairs : sequence of PairedNodes
        Which nodes stand for each other.
    around : collection of str
        Names of layers of the control: only what is near them is drawn.
    radius : int
        How near: so many tensors away.
    weights : bool
        Whether constants, and what is made of them alone, are drawn.
    """
    (ours, our_edges), (theirs, their_edges) = shown_rows(control, weights), shown_rows(test, weights)
    rows: dict[_Node, Row] = {(0, row["node"]): row for row in ours} | {(1, row["node"]): row for row in theirs}
    entering, leaving, about = _standing(pairs, rows)
    edges = _edges(our_edges, their_edges, entering, leaving)
    order = _order([node for node in rows if node in about], edges)
    boxes = [_box(node, rows, about[node], node[0] == 0 and rows[node]["layer"] in set(around)) for node in order]
    numbers = {node: number for number, node in enumerate(order)}
    numbered = [
        {
            **row,
            "source": None if source is None else numbers[source],
            "target": None if target is None else numbers[target],
            "precision_change": None,
        }
        for row, source, target, _ in edges
    ]
    boxes, lines = with_ends(boxes, dict(enumerate(range(len(order)))), numbered)
    lines = [replace(line, state=state) for line, (_, _, _, state) in zip(lines, edges, strict=True)]
    boxes, lines = near_layers(boxes, lines, radius) if around else (boxes, lines)
    title = " → ".join(base_name(redact(log.source)) for log in (control, test))
    return Drawing(title, "change", tuple(boxes), tuple(lines))


def _standing(
    pairs: Sequence[PairedNodes], rows: Mapping[_Node, Row]
) -> tuple[dict[_Node, _Node], dict[_Node, _Node], dict[_Node, tuple[PairedNodes, tuple[_Node, ...]]]]:
    """Return which box a node's inputs lead to, which its outputs come from, and what each box stands for."""
    entering: dict[_Node, _Node] = {}
    leaving: dict[_Node, _Node] = {}
    about: dict[_Node, tuple[PairedNodes, tuple[_Node, ...]]] = {}
    for pair in pairs:
        control = [(0, place) for place in pair.control if (0, place) in rows]
        test = [(1, place) for place in pair.test if (1, place) in rows]
        own = control or test
        for node in own:
            entering[node] = leaving[node] = node
            about[node] = (pair, tuple(test if control else ()))
        for node in test if control else ():
            entering[node], leaving[node] = own[0], own[-1]
    return entering, leaving, about


def _edges(
    ours: Sequence[Row], theirs: Sequence[Row], entering: Mapping[_Node, _Node], leaving: Mapping[_Node, _Node]
) -> list[tuple[Row, _Node | None, _Node | None, str]]:
    """Return the edges between boxes: those of the control, then those that only the test has."""

    def placed(side: int, edges: Sequence[Row]) -> list[tuple[tuple[Any, ...], Row, _Node | None, _Node | None]]:
        out = []
        for row in edges:
            source = None if row["source"] is None else leaving[side, row["source"]]
            target = None if row["target"] is None else entering[side, row["target"]]
            if source != target:
                key = source or row["tensor"], target or row["tensor"]
                out.append((key, row, source, target))
        return out

    control, test = placed(0, ours), placed(1, theirs)
    both = {key for key, *_ in control} & {key for key, *_ in test}
    found = [(*rest, "" if key in both else "removed") for key, *rest in control]
    found += [(*rest, "added") for key, *rest in test if key not in both]
    return found  # type: ignore[return-value]


def _order(nodes: Sequence[_Node], edges: Sequence[tuple[Row, _Node | None, _Node | None, str]]) -> list[_Node]:
    """Return the boxes in an order that both engines' edges follow: a box of the test alone behind what it reads."""
    above: dict[_Node, list[_Node]] = {}
    for _, source, target, _ in edges:
        if source is not None and target is not None:
            above.setdefault(target, []).append(source)
    keys: dict[_Node, tuple[int, int, int]] = {node: (node[1], 0, 0) for node in nodes if node[0] == 0}
    for node in nodes:
        if node[0] == 1:
            place, depth, _ = max((keys[one] for one in above.get(node, ()) if one in keys), default=(-1, 0, 0))
            keys[node] = place, depth + 1, node[1]
    return sorted(nodes, key=lambda node: keys[node])


def _box(node: _Node, rows: Mapping[_Node, Row], about: tuple[PairedNodes, tuple[_Node, ...]], strong: bool) -> Box:
    pair, test = about
    box = box_of(rows[node], "type", 0.0, strong)
    names = [rows[one]["layer"] for one in test]
    line = box.line
    if pair.category == "changed" and len(pair.control) == len(test) == 1:
        after = box_of(rows[test[0]], "type", 0.0, False).line
        parts = [
            f"{one} → {other}" if one != other else one
            for one, other in zip(line.split(" · "), after.split(" · "), strict=False)
        ]
        line = " · ".join(parts) if line.count(" · ") == after.count(" · ") else f"{line} → {after}"
    hint = [box.hint, f"{pair.category}{': ' if pair.changed else ''}{', '.join(pair.changed)}"]
    if names and names != [rows[node]["layer"]]:
        hint.append(redact(f"in the other engine: {' & '.join(names)}"))
    return replace(box, key=pair.category, line=line, hint="\n".join(hint))
