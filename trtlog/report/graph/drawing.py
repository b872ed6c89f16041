"""What a picture of the engine's graph shows: boxes and lines with their words, before a format is chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.redact import redact
from trtlog._util.rows import table_rows
from trtlog.log import Log
from trtlog.report.graph.layout import neighbourhood
from trtlog.report.numbers import number

COLORS = ("type", "precision", "time", "bound")
_LONGEST = 34
_NODE = expression(r" \+ ")


@dataclass(frozen=True)
class Box:
    """A layer, or an end of the network.

    Attributes
    ----------
    layer : str
        Name of the layer, of the tensor for an end.
    kind : str
        ``layer``, ``conversion``, ``noop``, ``constant``, ``input``, ``output``.
    title, line : str
        What stands in the box.
    key : str or None
        The word that its colour stands for; None where the log does not tell.
    share : float or None
        Of the longest time, where boxes are coloured by time.
    hint : str
        All that is known, for who points at it.
    strong : bool
        Whether it is what the reader asked for.
    """

    layer: str
    kind: str
    title: str
    line: str = ""
    key: str | None = None
    share: float | None = None
    hint: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Line:
    """A tensor between two boxes.

    Attributes
    ----------
    source, target : int
        Numbers of the boxes.
    tensor, label : str
        Name, and shape with format.
    dtype : str or None
        Data type.
    change : str or None
        The precisions of its ends, where they differ.
    shape : tuple of int, or None
        Dimensions.
    state : str
        ``added`` or ``removed``, where only one of two engines has it.
    """

    source: int
    target: int
    tensor: str
    label: str
    dtype: str | None = None
    change: str | None = None
    shape: tuple[int, ...] | None = None
    state: str = ""


@dataclass(frozen=True)
class Drawing:
    """A picture: its title, what colours stand for, boxes and lines."""

    title: str
    color: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    @property
    def keys(self) -> list[str]:
        """The words that colours stand for, the most frequent first."""
        shown = (box.key for box in self.boxes if box.kind not in ("input", "output"))
        counts = Counter(key for key in shown if key is not None)
        return sorted(counts, key=lambda key: (-counts[key], key))


def draw(
    log: Log, *, color: str = "type", around: Collection[str] = (), radius: int = 2, weights: bool = False
) -> Drawing:
    """Return the graph of the engine that a run ended with.

    Parameters
    ----------
    log : Log
        A log of one run.
    color : {"type", "precision", "time", "bound"}
        What the colour of a layer tells.
    around : collection of str
        Names of layers: only what is near them is drawn.
    radius : int
        How near: so many tensors away.
    weights : bool
        Whether constants, and what is made of them alone, are drawn.
    """
    nodes, edges = shown_rows(log, weights)
    longest = max((row["time_ms"] for row in nodes if row["time_ms"] is not None), default=0.0)
    wanted = set(around)
    boxes = [box_of(row, color, longest, row["layer"] in wanted) for row in nodes]
    places = {row["node"]: place for place, row in enumerate(nodes)}
    boxes, lines = with_ends(boxes, places, edges)
    boxes, lines = near_layers(boxes, lines, radius) if wanted else (boxes, lines)
    return Drawing(redact(log.source), color, tuple(boxes), tuple(lines))


def shown_rows(log: Log, weights: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return nodes and edges of the engine's graph, without constants where these are not wanted."""
    nodes = list(table_rows(log.table("graph_nodes")))
    edges = list(table_rows(log.table("graph_edges")))
    if weights:
        return nodes, edges
    hidden = {row["node"] for row in nodes if row["kind"] == "constant"}
    edges = [row for row in edges if row["source"] not in hidden and row["target"] not in hidden]
    return [row for row in nodes if row["node"] not in hidden], edges


def near_layers(boxes: list[Box], lines: list[Line], radius: int) -> tuple[list[Box], list[Line]]:
    """Return what is near the boxes that the reader asked for."""
    start = [place for place, box in enumerate(boxes) if box.strong]
    return _part(boxes, lines, neighbourhood(start, [(line.source, line.target) for line in lines], radius))


def box_of(row: Mapping[str, Any], color: str, longest: float, strong: bool) -> Box:
    """Return the box of a layer; ``longest`` is the time that the reddest one takes."""
    time = None if row["time_ms"] is None else f"{number(row['time_ms'])} ms"
    facts = [row["type"], row["precision"], time]
    key = None if color == "time" else row[color]
    share = row["time_ms"] / longest if color == "time" and longest and row["time_ms"] is not None else None
    if row["kind"] == "conversion" and color != "time":
        key = "conversion"
    bound = f"bound by {row['bound']}" if row["bound"] else None
    line = f"line {row['line']}" if row["line"] is not None else None
    timed = {"profile": "in the profile", "tactic": "as the builder timed it"}.get(row["time_from"] or "")
    hint = [row["layer"], *facts[:2], f"{time} {timed}" if time else None, bound, line]
    return Box(
        layer=row["layer"],
        kind=row["kind"],
        title=short(row["layer"]),
        line=" · ".join(filter(None, (_short_type(row["type"]), row["precision"], time))),
        key=key,
        share=share,
        hint=redact("\n".join(filter(None, hint))),
        strong=strong,
    )


def _short_type(type_: str | None) -> str | None:
    return None if type_ is None else type_.removeprefix("Cask").removeprefix("Cuda")


def short(name: str) -> str:
    """Return a name that fits a box: of fused nodes the first, and how many others; of a path its end.

    Examples
    --------
    >>> short("/layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu")
    '/layer1/layer1.0/conv1/Conv +1'
    >>> short("Reformatting CopyNode for Input Tensor 0 to /layer1/layer1.0/conv1/Conv + /relu/Relu")
    '→ input 0 /layer1/layer1.0/conv1/Conv'
    """
    text = redact(name)
    found = re.match(r"Reformatting CopyNode for (Input|Output) Tensor (\d+) (?:to|from) (.*)", text, re.DOTALL)
    before = f"→ {found[1].lower()} {found[2]} " if found else ""
    first, *others = _NODE.split(found[3] if found else text)
    after = f" +{len(others)}" if others and not found else ""
    room = _LONGEST - len(before) - len(after) + (3 if found else 0)
    if len(first) > room:
        first = "…" + first[-(room - 1) :]
    return f"{before}{first}{after}"


def with_ends(
    boxes: list[Box], places: Mapping[int, int], edges: Iterable[Mapping[str, Any]]
) -> tuple[list[Box], list[Line]]:
    """Add a box for each input of the network above, and for each output below; return all boxes and lines."""
    edges = list(edges)
    ends = {
        side: list(dict.fromkeys(row["tensor"] for row in edges if row[side] is None)) for side in ("source", "target")
    }
    above = {name: place for place, name in enumerate(ends["source"])}
    below = {name: len(above) + len(boxes) + place for place, name in enumerate(ends["target"])}
    described = {(side, row["tensor"]): _label(row) for row in edges for side in ends if row[side] is None}

    def end(name: str, kind: str, side: str) -> Box:
        label = described[side, name]
        return Box(name, kind, short(name), label, None, None, redact(f"{kind} {name}\n{label}"))

    lines = [
        Line(
            above[row["tensor"]] if row["source"] is None else len(above) + places[row["source"]],
            below[row["tensor"]] if row["target"] is None else len(above) + places[row["target"]],
            redact(row["tensor"]),
            _label(row),
            row["dtype"],
            row["precision_change"],
            tuple(row["shape"]) if row["shape"] is not None else None,
        )
        for row in edges
    ]
    made = [
        *(end(name, "input", "source") for name in above),
        *boxes,
        *(end(name, "output", "target") for name in below),
    ]
    return made, lines


def _label(row: Mapping[str, Any]) -> str:
    shape = "x".join("?" if size < 0 else str(size) for size in row["shape"]) if row["shape"] is not None else ""
    return " ".join(filter(None, (shape, row["layout"])))


def _part(boxes: list[Box], lines: list[Line], kept: Collection[int]) -> tuple[list[Box], list[Line]]:
    """Return the boxes of some numbers, numbered anew, and the lines between them."""
    numbers = {place: number for number, place in enumerate(sorted(kept))}
    inside = [line for line in lines if line.source in numbers and line.target in numbers]
    moved = [replace(line, source=numbers[line.source], target=numbers[line.target]) for line in inside]
    return [boxes[place] for place in sorted(kept)], moved
