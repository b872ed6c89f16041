"""Which layers of two builds are the same, in spite of renames and other fusions.

Four steps, the surest first; each pairs only what the steps before left over:

==========  ===================================================================  ============
method      two layers are the same because                                      confidence
==========  ===================================================================  ============
name        they have the same name and role                                     1
lineage     they were fused from the same ONNX nodes, in full or in part; one    0.5 to 0.95
            layer may stand against several, where fusions differ
tensor      they write the same output tensors                                   0.8
order       between the same neighbours, they have the same kind of operation    0.3 to 0.5
==========  ===================================================================  ============

Order is tried only where the two builds are of one model. Whether they are is judged by the ONNX nodes that
both name, or by the share of layers that the sure steps pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import field
from difflib import SequenceMatcher

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.names import stable_name
from trtlog.log import Log

Node = tuple[str, ...]

_ORDER_LIMIT = 4000  # difflib's time grows with the square of what is left over


@dataclass(frozen=True)
class Pair:
    """Layers of the control build and the layers of the test build that do the same work.

    Parameters
    ----------
    control, test : tuple of Layer
        Usually one each; empty for a layer that only the other build has; several where fusions differ.
    method : str
        ``name``, ``lineage``, ``tensor``, ``order`` or ``none``.
    confidence : float
        0 to 1; 0 for a layer without a counterpart.
    """

    control: tuple[Layer, ...]
    test: tuple[Layer, ...]
    method: str
    confidence: float


@dataclass(frozen=True)
class Alignment:
    """All layers of two builds, paired.

    Parameters
    ----------
    pairs : tuple of Pair
        In the order of the control build, layers of the test build alone last.
    same_model : bool
        Whether the builds are of one model; where not, layers are not compared.
    shared : float or None
        Share of the smaller build's layers (without constants and reformats) that name, lineage or tensors
        pair; None where a build has none.
    """

    pairs: tuple[Pair, ...] = field(repr=False)
    same_model: bool
    shared: float | None


def align(
    control: Sequence[Layer],
    test: Sequence[Layer],
    control_nodes: Sequence[Node] = (),
    test_nodes: Sequence[Node] = (),
) -> Alignment:
    """Pair the layers of two builds.

    Parameters
    ----------
    control, test : sequence of Layer
        Layers in the order of the engine.
    control_nodes, test_nodes : sequence of tuple of str
        ONNX nodes in the order of the import: name, operator, and what else tells nodes of one name apart,
        as :func:`read_nodes` returns them.

    Examples
    --------
    >>> a = [Layer("Conv_0", 0, "layer", parts=frozenset({"Conv_0"})),
    ...      Layer("Relu_1", 1, "layer", parts=frozenset({"Relu_1"}))]
    >>> b = [Layer("Conv_0 + Relu_1", 0, "layer", parts=frozenset({"Conv_0", "Relu_1"}))]
    >>> [(len(p.control), len(p.test), p.method, p.confidence) for p in align(a, b).pairs]
    [(2, 1, 'lineage', 0.95)]
    """
    work = _Work(list(control), list(test))
    work.pair_equal(lambda layer: (layer.role, layer.layer.strip()), "name", 1.0)
    work.pair_lineage(_members(control, control_nodes), _members(test, test_nodes))
    work.pair_equal(_output_key, "tensor", 0.8)
    shared = work.shared(min)
    same_model = _same_model(control_nodes, test_nodes, work)
    if same_model:
        work.pair_equal(lambda layer: (layer.role, stable_name(layer.layer)), "order", 0.5)
        work.pair_order()
    return Alignment(work.finish(), same_model, shared)


def _output_key(layer: Layer) -> Hashable:
    outputs = [name for name in layer.outputs if not name.startswith("Reformatted ")]
    return (layer.role, tuple(sorted(outputs))) if outputs else None


def read_nodes(log: Log) -> list[Node]:
    """Return the ONNX nodes of a log: name, operator, and the shapes of all operands but the first.

    Exporters number nodes (``Conv_0``), so that other models have nodes of the same names; the shapes of
    their weights differ. The first operand is left out, for it has the shape of the input.
    """
    rows = table_rows(log.table("onnx_nodes").select(["node", "op", "inputs"]))
    return [(row["node"], row["op"], repr([t["shape"] for t in (row["inputs"] or ())[1:]])) for row in rows]


def _same_model(control: Sequence[Node], test: Sequence[Node], work: _Work) -> bool:
    """Judge by the ONNX nodes where both logs list them, else by the layers that were paired."""
    if control and test:
        ours, theirs = set(control), set(test)
        if len(ours & theirs) / max(len(ours), len(theirs)) >= 0.3:
            return True
        left, right = ([node[1:] for node in nodes[:_ORDER_LIMIT]] for nodes in (control, test))
        return SequenceMatcher(None, left, right, autojunk=False).ratio() >= 0.8
    shared, of_larger = work.shared(min), work.shared(max)
    return shared is not None and of_larger is not None and shared >= 0.3 and of_larger >= 0.1


def _members(layers: Sequence[Layer], nodes: Sequence[Node]) -> dict[int, frozenset[str]]:
    """Return the nodes of each layer by position.

    A ForeignNode names its first and last node only: all nodes imported between them that no other layer
    claims are taken as its own.
    """
    place = {node[0]: number for number, node in enumerate(nodes)}
    known = place.keys()
    members = {layer.position: (layer.parts & known) or layer.parts for layer in layers}
    claimed = set().union(*(members[layer.position] for layer in layers if "ForeignNode[" not in layer.layer), ())
    for layer in layers:
        if "ForeignNode[" not in layer.layer:
            continue
        ends = sorted(place[part] for part in layer.parts if part in known)
        if len(ends) > 1:
            inside = {node[0] for node in nodes[ends[0] : ends[-1] + 1]}
            members[layer.position] = frozenset(inside - claimed) | layer.parts
    return members


class _Work:
    """The layers still to be paired, and the pairs."""

    def __init__(self, control: list[Layer], test: list[Layer]) -> None:
        self.control, self.test = control, test
        self.pairs: list[Pair] = []
        # Weights and conversions say nothing about the model, unless there is nothing else.
        enough = all(any(map(_counts, side)) for side in (control, test))
        self.counts: Callable[[Layer], bool] = _counts if enough else lambda layer: True
        self.sizes = [sum(map(self.counts, side)) for side in (control, test)]

    def _take(self, control: Iterable[Layer], test: Iterable[Layer], method: str, confidence: float) -> None:
        self._add([Pair(tuple(control), tuple(test), method, round(confidence, 2))])

    def _add(self, pairs: list[Pair]) -> None:
        self.pairs += pairs
        gone = {layer.position for pair in pairs for layer in pair.control}
        self.control = [layer for layer in self.control if layer.position not in gone]
        gone = {layer.position for pair in pairs for layer in pair.test}
        self.test = [layer for layer in self.test if layer.position not in gone]

    def pair_equal(self, key: Callable[[Layer], Hashable], method: str, confidence: float) -> None:
        """Pair layers with the same key; of several with one key the first goes with the first."""
        groups: dict[Hashable, list[Layer]] = defaultdict(list)
        for layer in self.test:
            if key(layer) is not None:
                groups[key(layer)].append(layer)
        found = []
        for layer in self.control:
            same = groups.get(key(layer)) if key(layer) is not None else None
            if same:
                found.append(Pair((layer,), (same.pop(0),), method, confidence))
        self._add(found)

    def pair_lineage(self, ours: dict[int, frozenset[str]], theirs: dict[int, frozenset[str]]) -> None:
        """Pair layers that share nodes: all that hang together through shared nodes make one pair."""
        for control, test in _components(self.control, self.test, ours, theirs):
            left = frozenset().union(*(ours[layer.position] for layer in control))
            right = frozenset().union(*(theirs[layer.position] for layer in test))
            overlap = len(left & right) / len(left | right)
            if overlap >= 0.2:
                self._take(control, test, "lineage", 0.5 + 0.45 * overlap)

    def pair_order(self) -> None:
        """Pair what is left between the same neighbours and does the same kind of work."""
        if not self.control or not self.test or max(len(self.control), len(self.test)) > _ORDER_LIMIT:
            return
        matched = {layer.position: number for number, pair in enumerate(self.pairs) for layer in pair.control}
        matched_test = {layer.position: number for number, pair in enumerate(self.pairs) for layer in pair.test}
        left, right = ([_order_key(layer) for layer in side] for side in (self.control, self.test))
        found: list[tuple[Layer, Layer, float]] = []
        for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
            for offset in range(block.size):
                ours, theirs = self.control[block.a + offset], self.test[block.b + offset]
                near = _neighbour(ours, matched) == _neighbour(theirs, matched_test)
                alike = ours.shape is not None and theirs.shape is not None and ours.shape[1:] == theirs.shape[1:]
                if near or alike:
                    found.append((ours, theirs, 0.3 + 0.1 * near + 0.1 * alike))
        for ours, theirs, confidence in found:
            self._take((ours,), (theirs,), "order", confidence)

    def shared(self, which: Callable[..., int]) -> float | None:
        """Return which share of the smaller (``min``) or larger build's layers is paired by now."""
        size = which(self.sizes)
        if not min(self.sizes):
            return None
        side = self.sizes.index(size)
        paired = sum(self.counts(layer) for pair in self.pairs for layer in (pair.control, pair.test)[side])
        return min(1.0, paired / size)

    def finish(self) -> tuple[Pair, ...]:
        """Return all pairs in the order of the control build, then what the test build alone has."""
        alone = [Pair((layer,), (), "none", 0.0) for layer in self.control]
        new = [Pair((), (layer,), "none", 0.0) for layer in self.test]
        ordered = sorted([*self.pairs, *alone], key=lambda pair: pair.control[0].position)
        return (*ordered, *new)


def _counts(layer: Layer) -> bool:
    """Tell whether a layer says something about the model: weights and conversions do not."""
    return layer.role == "layer" and layer.family != "reformat"


def _order_key(layer: Layer) -> Hashable:
    return layer.role.rstrip("0123456789 "), layer.family


def _neighbour(layer: Layer, matched: dict[int, int]) -> int | None:
    """Return the pair of the next paired layer in front of a layer."""
    for position in range(layer.position - 1, -1, -1):
        if position in matched:
            return matched[position]
    return None


def _components(
    control: Sequence[Layer],
    test: Sequence[Layer],
    ours: dict[int, frozenset[str]],
    theirs: dict[int, frozenset[str]],
) -> list[tuple[list[Layer], list[Layer]]]:
    """Return the layers of both builds that hang together through shared nodes, role by role."""
    by_node: dict[tuple[str, str], tuple[list[Layer], list[Layer]]] = defaultdict(lambda: ([], []))
    for side, (layers, members) in enumerate(((control, ours), (test, theirs))):
        for layer in layers:
            for node in members[layer.position]:
                by_node[layer.role, node][side].append(layer)
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(key: tuple[int, int]) -> tuple[int, int]:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for sides in by_node.values():
        if sides[0] and sides[1]:
            keys = [(side, layer.position) for side in (0, 1) for layer in sides[side]]
            for key in keys[1:]:
                parent[root(key)] = root(keys[0])
    groups: dict[tuple[int, int], tuple[list[Layer], list[Layer]]] = defaultdict(lambda: ([], []))
    for side, layers in enumerate((control, test)):
        for layer in layers:
            if (side, layer.position) in parent:
                groups[root((side, layer.position))][side].append(layer)
    return list(groups.values())
