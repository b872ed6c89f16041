"""From engine layers back to ONNX nodes, and forth.

An engine layer's metadata names its nodes from TensorRT 8.6 on (``--profilingVerbosity=detailed``). Before, its
name does: fused layers are named ``A + B``, wrapped ones ``PWN(A)``, foreign nodes ``{ForeignNode[A...B]}``. The
parts are looked up among the layers that the ONNX parser registered. Nodes that no engine layer names are
followed through the rewrites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from trtlog.analyses.layer.base import answer, copied_for, rows
from trtlog.records.base import Record, column, line_column, run_column

_WRAPPED = re.compile(r"^(?:PWN|Reformat|\{?ForeignNode)?[\[({](?P<inside>.*)[\])}]+$")
_HELPER = re.compile(r"^(?:reshape_before_|reshape_after_|copied_|squeeze_after_|unsqueeze_before_)")
_CLONE = re.compile(r"_clone_[0-9]+$")
_FOREIGN = re.compile(r"ForeignNode\[(?P<first>.*?)\.\.\.(?P<last>.*?)\]")


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
        "no_layer: the parser made no layer of it (a constant, a shape, folded at import); removed; fused_away: fused "
        "into something that was then removed; unknown: no line of the log tells",
    )
    text: str | None = column("text", "what the log says")
    line: int | None = line_column("the message, else Parsing node")


class Names:
    """Finds the known names inside the name of an engine layer."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)

    def parts(self, name: str | None) -> list[str]:
        """Return the known names that make up a layer's name, in order.

        Examples
        --------
        >>> Names(["/a/Conv", "/b + c", "/clip"]).parts("/a/Conv + /b + c + PWN(/clip)")
        ['/a/Conv', '/b + c', '/clip']
        """
        name = (name or "").strip()
        if name in self.known:
            return [name]
        for pattern in (_CLONE, _HELPER):
            shorter = pattern.sub("", name)
            if shorter != name and shorter in self.known:
                return [shorter]
        for separator in (" || ", " + "):
            pieces = name.split(separator)
            if len(pieces) > 1:
                return self._greedy(pieces, separator)
        found = _WRAPPED.match(name)
        return self.parts(found["inside"]) if found and found["inside"] != name else []

    def _greedy(self, pieces: list[str], separator: str) -> list[str]:
        """Match the longest run of pieces first: a name may itself hold the separator."""
        out: list[str] = []
        start = 0
        while start < len(pieces):
            for end in range(len(pieces), start, -1):
                joined = separator.join(pieces[start:end])
                if joined in self.known:
                    out.append(joined)
                    start = end
                    break
                if end - start == 1:
                    out += self._one(joined)
                    start = end
                    break
                if joined.count("(") == joined.count(")") and joined.startswith("PWN(") and joined.endswith(")"):
                    inner = self.parts(joined[4:-1])
                    if inner and _balanced(joined):
                        out += inner
                        start = end
                        break
        return out

    def _one(self, piece: str) -> list[str]:
        return [] if " + " in piece or " || " in piece else self.parts(piece)


def _balanced(text: str) -> bool:
    """Whether the first bracket is closed by the last character only."""
    depth = 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and char == ")":
            return position == len(text) - 1
    return False


def links(engine_layers: pa.Table, onnx_nodes: pa.Table, registered_layers: pa.Table) -> pa.Table:
    """Link engine layers with the ONNX nodes that went into them, one row a pair."""
    out: list[dict[str, Any]] = []
    layers, nodes, registered = rows(engine_layers), rows(onnx_nodes), rows(registered_layers)
    for run in dict.fromkeys(layer["run"] for layer in layers):
        out += _links_of_run(run, layers, nodes, registered)
    return answer(Link, out)


def _links_of_run(run: int, layers: list[Any], nodes: list[Any], registered: list[Any]) -> list[dict[str, Any]]:
    by_name = {n["node"]: n for n in nodes if n["run"] == run}
    node_of: dict[str, str] = {name: name for name in by_name}
    for entry in registered:
        if entry["run"] == run and entry["node"]:
            node_of[entry["layer"]] = entry["node"]
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
        if how != "reformat":
            claimed.update(found)
        if not found and _FOREIGN.search(layer["layer"]):
            foreign.append(layer)
        out += [_link(layer, node, by_name, how) for node in dict.fromkeys(found)]
    for layer in foreign:
        ends = _FOREIGN.search(layer["layer"])
        inside = _between(ends, node_of, by_name, claimed) if ends else []
        if not inside and len(foreign) == 1:
            # The end is a helper layer of the parser; all that no other layer holds is in the one foreign node.
            inside = [name for name, node in by_name.items() if node["layers"] and name not in claimed]
        out += [_link(layer, node, by_name, "range") for node in inside]
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


def _between(ends: re.Match[str], node_of: dict[str, str], by_name: dict[str, Any], claimed: set[str]) -> list[str]:
    """Return the unclaimed nodes that the last node of a foreign node depends on."""
    last = node_of.get(ends["last"].strip())
    if last is None:
        return []
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


def lost_nodes(
    engine_layers: pa.Table, onnx_nodes: pa.Table, registered_layers: pa.Table, fusions: pa.Table
) -> pa.Table:
    """List ONNX nodes that ended in no engine layer, and why."""
    found = {(r["run"], r["node"]) for r in rows(links(engine_layers, onnx_nodes, registered_layers))}
    runs = {layer["run"] for layer in rows(engine_layers)}
    events = [e for e in rows(fusions) if e["action"] != "attempt"]
    out = []
    for node in rows(onnx_nodes):
        if node["run"] not in runs or (node["run"], node["node"]) in found:
            continue
        row = {"run": node["run"], "node": node["node"], "op": node["op"]}
        out.append(row | _fate(node, events))
    return answer(Lost, out)


def _fate(node: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    made = node["layers"] or []
    if not made:
        return {"reason": "no_layer", "text": f"{node['op']}: no layer registered", "line": node["line"]}
    names = Names([*made, node["node"]])
    for event in events:
        if event["run"] == node["run"] and event["action"] == "remove" and names.parts(event["layer"]):
            alone = event["layer"] in names.known
            return {
                "reason": "removed" if alone else "fused_away",
                "text": f"Removing {event['layer']}",
                "line": event["line"],
            }
    for event in reversed(events):
        whole = [event["layer"], event["other"] or ""]
        if event["run"] == node["run"] and event["action"] == "fuse" and any(names.parts(w) for w in whole):
            return {"reason": "fused_away", "text": f"Fusing {whole[0]} with {whole[1]}", "line": event["line"]}
    return {"reason": "unknown", "text": None, "line": node["line"]}
