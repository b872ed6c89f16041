"""From engine layers back to ONNX nodes, and forth.

An engine layer's metadata names its nodes from TensorRT 8.6 on (``--profilingVerbosity=detailed``). Before, its
name does: fused layers are named ``A + B``, wrapped ones ``PWN(A)``, foreign nodes ``{ForeignNode[A...B]}``. The
parts are looked up among the layers that the ONNX parser registered. Nodes that no engine layer names are
followed through the rewrites.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import pyarrow as pa

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer, copied_for
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.records.base import Record, column, line_column, run_column

# Where a name can begin and end inside of a layer's name; the words that TensorRT puts before a name.
_BEGIN = expression(r"^|[(\[{]|, | \+ | \|\| |\.\.\.")
_END = expression(
    r"$|[)\]}]|, | \+ | \|\| |\.\.\.|_clone_[0-9]|_copy_(?:in|out)put| copy\b|_(?:de)?quantize_scale_node"
    r"|_\(Unnamed Layer"
)
_HELPER = expression(
    r"(?:reshape_before_|reshape_after_|copied_|(?:un)?squeeze_(?:node_)?(?:before|after)_|shuffle_(?:before|after)_"
    r"|transpose_(?:before|after)_)"
)
# A name holds no more marks than this.
_MOST_ENDS = 40
# A rewrite prints no more lines than this.
_MOST_LINES = 1000
# So many names of one length are compared one by one.
_FEW = 4


@dataclass(frozen=True)
class Link(Record):
    """An engine layer and an ONNX node that went into it."""

    run: int = run_column()
    layer: str = column("name", "engine layer")
    node: str = column("name", "ONNX node")
    op: str | None = column("name", "operator of the node")
    how: str = column(
        "name",
        "metadata; name: the layer's name holds it; range: between the ends of a foreign node's name; "
        "reformat: a conversion for the layer that holds it",
    )
    layer_line: int | None = line_column("the engine layer")
    node_line: int | None = line_column("Parsing node")


@dataclass(frozen=True)
class Lost(Record):
    """An ONNX node that no engine layer names."""

    run: int = run_column()
    node: str = column("name", "ONNX node")
    op: str | None = column("name", "operator")
    reason: str = column(
        "name",
        "no_layer: the parser made no layer of it (a constant, a shape, folded at import); removed; fused_into: a "
        "rewrite took it into the layer that the text names; fused_away: fused into something that was then removed; "
        "shape: it computes a shape from shapes, which no layer of an engine does; unknown: no line of the log tells",
    )
    text: str | None = column("text", "what the log says")
    line: int | None = line_column("the message, else Parsing node")


class Names:
    """Finds the known names inside the name of an engine layer.

    TensorRT builds names of names: ``A + B``, ``A || B``, ``PWN(PWN(A), B)``, ``{ForeignNode[A...B]}``, ``A_clone_1``,
    ``reshape_before_A``, ``A_copy_input``. A known name may itself hold any of these marks, so that nothing is taken
    apart: where a name can begin, the longest known one that ends where a name can end is taken.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)
        self._of_length: dict[int, list[str]] = {}
        for name in self.known:
            self._of_length.setdefault(len(name), []).append(name)

    def _is_known(self, name: str, start: int, end: int) -> bool:
        """Tell whether a part of a name is a known one, without copying what is longer than those."""
        same = self._of_length.get(end - start, ())
        if len(same) > _FEW:
            return name[start:end] in self.known
        return any(name.startswith(one, start) for one in same)

    def parts(self, name: str | None) -> list[str]:
        """Return the known names that make up a layer's name, in order, each once.

        Examples
        --------
        >>> Names(["/a/Conv", "/b + c", "/clip"]).parts("/a/Conv + /b + c + PWN(/clip)")
        ['/a/Conv', '/b + c', '/clip']
        >>> Names(["a", "b", "c"]).parts("PWN(PWN(a_clone_2), b) + reshape_before_c")
        ['a', 'b', 'c']
        """
        name = (name or "").strip()
        if name in self.known:
            return [name]
        ends = [found.start() for found in _END.finditer(name)]
        out: dict[str, None] = {}
        taken = 0
        for start in _beginnings(name):
            if start < taken:
                continue
            first = bisect_right(ends, start)
            for end in reversed(ends[first : first + _MOST_ENDS]):
                if self._is_known(name, start, end):
                    out[name[start:end]] = None
                    taken = end
                    break
        return list(out)

    def stand_in(self, name: str | None) -> bool:
        """Return whether a layer's name holds any known one; quick where few names are known."""
        return any(one in (name or "") for one in self.known) and bool(self.parts(name))


def _beginnings(name: str) -> list[int]:
    """Return where a name can begin: behind marks, and behind the words that TensorRT puts before a name."""
    out = []
    for found in _BEGIN.finditer(name):
        place = found.end()
        out.append(place)
        while helper := _HELPER.match(name, place):
            place = helper.end()
            out.append(place)
    return out


def links(layers: Layers) -> pa.Table:
    """Link the layers of the engine that was kept with the ONNX nodes that went into them, one row a pair."""
    return answer(Link, _links(layers))


def _links(layers: Layers) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    tables = ("engine_layers", "onnx_nodes", "registered_layers")
    listed, nodes, registered = (list(table_rows(layers.rows(table))) for table in tables)
    for run in dict.fromkeys(layer["run"] for layer in listed):
        out += _links_of_run(run, listed, nodes, registered)
    return out


def _links_of_run(run: int, layers: list[Any], nodes: list[Any], registered: list[Any]) -> list[dict[str, Any]]:
    by_name = {n["node"]: n for n in nodes if n["run"] == run}
    node_of: dict[str, str] = {name: name for name in by_name}
    for entry in registered:
        if entry["run"] == run and entry["node"]:
            node_of[entry["layer"]] = entry["node"]
    # A copy that is left of a concatenation bears the name of the tensor.
    tensors = {t["tensor"]: n["node"] for n in by_name.values() for t in n["outputs"] or () if t["tensor"]}
    node_of = {**tensors, **node_of}
    names = Names(node_of)
    out: list[dict[str, Any]] = []
    claimed: set[str] = set()
    foreign = []
    for layer in layers:
        if layer["run"] != run:
            continue
        target = copied_for(layer["layer"])
        how = "name" if target is None else "reformat"
        found = list(layer["onnx_names"] or ())
        if found:
            how = "metadata"
        else:
            found = [node_of[part] for part in names.parts(target or layer["layer"])]
        end = _end_of_foreign(target or layer["layer"]) if how != "metadata" else None
        if end is not None and how == "name":
            how = "range"
            foreign.append((layer, end))
        elif how != "reformat":
            claimed.update(found)
        out += [_link(layer, node, by_name, how) for node in dict.fromkeys(found)]
    named = {(link["layer"], link["node"]) for link in out}
    for layer, end in foreign:
        last = names.parts(end)
        inside_of = _behind(node_of[last[-1]], by_name, claimed) if last else []
        if len(foreign) == 1:
            # All that no other layer names is in the one foreign node, also where its end is a helper of the parser.
            inside_of = [name for name, node in by_name.items() if node["layers"] and name not in claimed]
        out += [_link(layer, n, by_name, "range") for n in inside_of if (layer["layer"], n) not in named]
    return out


def _link(layer: dict[str, Any], node: str, by_name: dict[str, Any], how: str) -> dict[str, Any]:
    known = by_name.get(node)
    return {
        "run": layer["run"],
        "layer": layer["layer"],
        "node": node,
        "op": known["op"] if known else None,
        "how": how,
        "layer_line": layer["line"],
        "node_line": known["line"] if known else None,
    }


def _end_of_foreign(name: str) -> str | None:
    """Return the last node of a foreign node, ``{ForeignNode[FIRST...LAST]}``; None for another layer.

    Examples
    --------
    >>> _end_of_foreign("{ForeignNode[/a/Conv.../b/Add]}"), _end_of_foreign("/a/Conv")
    ('/b/Add', None)
    """
    _, begun, inside = name.partition("ForeignNode[")
    _, ranged, behind = inside.partition("...")
    last, ended, _ = behind.partition("]")
    return last if begun and ranged and ended else None


def _behind(last: str, by_name: dict[str, Any], claimed: set[str]) -> list[str]:
    """Return the unclaimed nodes that the last node of a foreign node depends on, and itself."""
    maker = {t["tensor"]: name for name, node in by_name.items() for t in node["outputs"] or ()}
    found: set[str] = set()
    todo = [last]
    while todo:
        name = todo.pop()
        if name in found or name in claimed or name not in by_name:
            continue
        found.add(name)
        todo += [maker[t["tensor"]] for t in by_name[name]["inputs"] or () if t["tensor"] in maker]
    return [name for name in by_name if name in found]


def lost_nodes(layers: Layers) -> pa.Table:
    """List ONNX nodes that ended in no layer of the engine that was kept, and why; those that compute come first."""
    found = {(r["run"], r["node"]) for r in _links(layers)}
    runs = {layer["run"] for layer in table_rows(layers.rows("engine_layers"))}
    events = _Events(list(table_rows(layers.rows("fusions"))))
    nodes = list(table_rows(layers.rows("onnx_nodes")))
    makers = {t["tensor"]: node for node in nodes for t in node["outputs"] or ()}
    out = []
    for node in nodes:
        if node["run"] not in runs or (node["run"], node["node"]) in found:
            continue
        row = {"run": node["run"], "node": node["node"], "op": node["op"]}
        fate = _fate(node, events)
        if fate["reason"] == "unknown":
            fate = _bias(node, events, makers) or _shape(node, makers) or fate
        out.append(row | fate)
    out.sort(key=lambda row: (row["run"], row["op"] in _NO_WORK or row["reason"] == "shape"))
    return answer(Lost, out)


# Operators that hold a value, pass it on or say what shape it has: they do no work of their own.
_NO_WORK = frozenset(
    (
        *("Cast", "Constant", "ConstantOfShape", "Dropout", "Expand", "Flatten", "Identity", "Range", "Reshape"),
        *("Shape", "Size", "Squeeze", "Unsqueeze"),
    )
)


class _Events:
    """The rewrites of the graph, by the names that may be in the names that they print: each is looked at by few nodes.

    Parameters
    ----------
    rows : list of dict
        Rows of table ``fusions``, in the order of the log, attempts among them.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self._marked: list[int] = []  # whose names hold very many marks

    @cached_property
    def _by_part(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            sides = [_parts_of((name or "").strip()) for name in (row["layer"], row["other"])]
            if None in sides:
                self._marked.append(number)
                continue
            for part in set().union(*filter(None, sides)):
                found.setdefault(part, []).append(number)
        return found

    def near(self, names: Names) -> list[int]:
        """Return the numbers of the rewrites whose names may hold one of some names, in order."""
        by_part = self._by_part
        return sorted({number for name in names.known for number in by_part.get(name, ())}.union(self._marked))


def _parts_of(name: str) -> set[str] | None:
    """Return what `Names.parts` may find in a name; None where it holds very many marks."""
    begins, ends = _beginnings(name), [found.start() for found in _END.finditer(name)]
    if max(len(begins), len(ends)) > _MOST_ENDS:
        return None
    return {name, *(name[start:end] for start in begins for end in ends if start < end)}


def _fate(node: dict[str, Any], events: _Events) -> dict[str, Any]:
    """Return what removed a node, by the rewrites in the order of the log, attempts among them."""
    made = node["layers"] or []
    # Initializers and helper layers of a node may be fused while the node itself stays: they tell nothing of it.
    inputs = {t["tensor"] for t in node["inputs"] or ()}
    names = Names([node["node"], *(name for name in made if name not in inputs and not name.startswith("(Unnamed"))])
    own = [number for number in events.near(names) if events.rows[number]["run"] == node["run"]]
    for number in own:
        event = events.rows[number]
        if event["action"] == "remove" and names.stand_in(event["layer"]):
            return {**_removal(events.rows, number, event["layer"] in names.known), "line": event["line"]}
    for number in reversed(own):
        event = events.rows[number]
        if event["action"] != "fuse":
            continue
        whole = [event["layer"] or "", event["other"] or ""]
        if any(map(names.stand_in, whole)):
            return {"reason": "fused_away", "text": f"Fusing {whole[0]} with {whole[1]}", "line": event["line"]}
    if not made:
        return {"reason": "no_layer", "text": f"{node['op']}: no layer registered", "line": node["line"]}
    return {"reason": "unknown", "text": None, "line": node["line"]}


def _shape(node: dict[str, Any], makers: dict[str, Any]) -> dict[str, Any] | None:
    """Return that a node computes a shape: numbers of rank 0 or 1, from nothing but shapes and constants."""
    found, todo, seen = None, [node], {node["node"]}
    while todo:
        one = todo.pop()
        if any(t["shape"] is None or len(t["shape"]) > 1 for t in one["outputs"] or ()):
            return None
        if one["op"] in ("Shape", "Size"):
            found = found or one
            continue
        for maker in (makers[t["tensor"]] for t in one["inputs"] or () if t["tensor"] in makers):
            if maker["node"] not in seen:
                seen.add(maker["node"])
                todo.append(maker)
    if found is None:
        return None
    text = f"computes a shape, from {found['node']}: no layer of the engine does it"
    return {"reason": "shape", "text": text, "line": node["line"]}


def _bias(node: dict[str, Any], events: _Events, makers: dict[str, Any]) -> dict[str, Any] | None:
    """Return that an Add went into the layer before it as its bias: by a rule that ran on it and prints no outcome."""
    if node["op"] != "Add":
        return None
    before = [makers[t["tensor"]] for t in node["inputs"] or () if t["tensor"] in makers]
    names = Names([name for maker in before for name in (maker["node"], *(maker["layers"] or ()))])
    for event in (events.rows[number] for number in events.near(names)):
        if event["action"] == "attempt" and "BiasAdd" in (event["rule"] or "") and names.stand_in(event["layer"]):
            text = f"{event['rule']} on {event['layer']}, which prints no outcome: its bias"
            return {"reason": "fused_away", "text": text, "line": event["line"]}
    return None


def _removal(events: list[dict[str, Any]], number: int, alone: bool) -> dict[str, Any]:
    """Return why a layer was removed: by the rewrite that the lines above its removal name."""
    event = events[number]
    if event["other"] is not None:
        return {"reason": "removed", "text": f"Eliminating {event['layer']} which duplicates {event['other']}"}
    # Lines of one rewrite follow one another, what it removes last.
    first = number
    while 0 < first > number - _MOST_LINES and events[first]["action"] != "attempt":
        if events[first - 1]["line"] != events[first]["line"] - 1:
            break
        first -= 1
    last = next((e for e in reversed(events[first:number]) if e["action"] != "remove"), None)
    if last is not None and last["action"] == "fuse_into":
        return {"reason": "fused_into", "text": f"{last['rule']}: fusing {event['layer']} into {last['other']}"}
    start = events[first]
    if event["rule"] is not None:
        return {"reason": "removed" if alone else "fused_away", "text": f"{event['rule']} of {event['layer']}"}
    by = f"{start['rule']} on {start['layer']}: " if start["action"] == "attempt" and start["layer"] else ""
    return {"reason": "removed" if alone else "fused_away", "text": f"{by}Removing {event['layer']}"}
