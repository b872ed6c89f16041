"""One layer's whole story: where it comes from, what was tried, what was chosen, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.dataclass import dataclass
from trtlog._util.maybe import MaybeNone
from trtlog._util.rows import table_rows, values_of
from trtlog.analyses.handle import Analyses
from trtlog.analyses.layer.base import copied_for, formats_of
from trtlog.analyses.layer.lineage import Names
from trtlog.analyses.layer.noise import AT_RISK
from trtlog.analyses.layer.profile import kept_profile, shown_percent
from trtlog.analyses.layer.risk import tactic_risk, timing_noise
from trtlog.analyses.layer.timings import UNKNOWN
from trtlog.analyses.layer.untimed import Untimed, why_untimed
from trtlog.analyses.layer.why_words import missing, verdict
from trtlog.display import InNotebook, OnTerminal
from trtlog.errors import QueryError
from trtlog.log import Log
from trtlog.records.autotune import UNNAMED

_TOP = 5


@dataclass(frozen=True, repr=False)
class Story(InNotebook, OnTerminal):
    """All that a log says of one layer.

    Attributes
    ----------
    layer, type : str
        Name and type of the engine layer; type None where the log shows no engine layers.
    engine : dict or None
        Its row of table ``engine_layers``.
    formats : tuple of (list of str, list of str)
        Inputs and outputs as ``name: FP16 NHWC8 1x64x56x56``.
    nodes : list of dict
        ONNX nodes (table of ``lineage``).
    rewrites : list of dict
        Rows of table ``fusions`` about it, in order; ``attempted`` those without effect.
    selection : str
        How the engine's tactic was found among the timed ones: timed, ambiguous, same_shape or unknown.
    timed_layer : str or None
        Layer whose timings are shown.
    winner, second : dict or None
        The engine's tactic, and the best other one in the same formats.
    shortened : bool
        Whether lines of the timing in these formats were left out of the log: what came second is not known.
    top : list of dict
        The fastest candidates over all formats.
    by_precision : list of dict
        Best candidate a precision.
    candidates, combinations, runners : int
        How many tactics were timed, in how many combinations of formats, by how many runners.
    passed_over : dict or None
        The faster candidate in other formats, where there is one.
    noise_percent : float or None
        What equally fast tactics as short as the winner differ by, timed side by side, in nine of ten cases.
    at_risk : bool
        Whether another tactic of the same formats may be fastest in the next build, as ``close_calls`` counts.
    skips : list of dict
        Reason, runner, count, most memory asked for.
    reformats : list of dict
        Conversions at its inputs and outputs.
    memory, profile : dict or None
        Its rows of tables ``layer_memory`` and ``profile``; ``profile_rank`` and ``profile_layers`` its place,
        ``profile_whole`` whether the log shows all rows of the profile.
    build_seconds : float or None
        What timing it cost the builder; ``build_source`` tells whether printed or from timestamps.
    precision : dict or None
        Its row of the precision answer.
    own_conversion : dict or None
        Of a layer that converts: its row of table ``reformat_costs``.
    by_format : list of dict
        Best candidate by formats, where precision does not tell candidates apart (foreign nodes, plugins).
    neighbours : dict
        ``before`` and ``after``: the layers on both sides, conversions looked through; empty where that is the
        network's own input or output, or where ``unlisted`` names the side: the log lacks the layer there.
    untimed : Untimed or None
        Why the log holds no timing, of a layer that has none.
    roofline : dict or None
        Its row of table ``roofline``.
    verdict : list of str
        The story in sentences.
    missing : list of str
        What the log does not show, and how to get it.
    """

    layer: str
    run: int
    type: str | None = None
    engine: dict[str, Any] | MaybeNone = None
    formats: tuple[list[str], list[str]] = ((), ())  # type: ignore[assignment]  # filled with lists below
    nodes: list[dict[str, Any]] = field(default_factory=list)
    rewrites: list[dict[str, Any]] = field(default_factory=list)
    attempted: list[dict[str, Any]] = field(default_factory=list)
    selection: str = "unknown"
    timed_layer: str | None = None
    winner: dict[str, Any] | MaybeNone = None
    second: dict[str, Any] | MaybeNone = None
    shortened: bool = False
    top: list[dict[str, Any]] = field(default_factory=list)
    by_precision: list[dict[str, Any]] = field(default_factory=list)
    candidates: int = 0
    combinations: int = 0
    runners: list[str] = field(default_factory=list)
    passed_over: dict[str, Any] | MaybeNone = None
    noise_percent: float | None = None
    at_risk: bool = False
    skips: list[dict[str, Any]] = field(default_factory=list)
    reformats: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, Any] | MaybeNone = None
    profile: dict[str, Any] | MaybeNone = None
    profile_rank: int | None = None
    profile_layers: int = 0
    profile_whole: bool = True
    build_seconds: float | None = None
    build_source: str | None = None
    precision: dict[str, Any] | MaybeNone = None
    own_conversion: dict[str, Any] | MaybeNone = None
    by_format: list[dict[str, Any]] = field(default_factory=list)
    neighbours: dict[str, tuple[str, ...]] = field(default_factory=dict)
    untimed: Untimed | None = None
    roofline: dict[str, Any] | MaybeNone = None
    verdict: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<story of {self.layer!r}: {' '.join(self.verdict) or 'the log tells nothing of it'}>"


def why(log: Log, layer: str) -> Story:
    """Tell the story of the one layer that a text names, as :func:`find_layers` reads it.

    Raises
    ------
    QueryError
        No layer fits, or several do; the message lists them.
    """
    return story(log, one_layer(log, layer))


def one_layer(log: Log, wanted: str) -> str:
    """Return the layer that a text names, as `find_layers`; several are an error too."""
    found = find_layers(log, wanted)
    if len(found) > 1:
        raise QueryError(f"{len(found)} layers fit {wanted!r}: {', '.join(found[:20])}")
    return found[0]


def layer_names(log: Log) -> list[str]:
    """Return the names of layers that a story can be told of: the engine's, else timed ones."""
    names: dict[str, None] = {}
    for table in ("engine_layers", "profile"):
        for name in values_of(log.table(table).column("layer")):
            names.setdefault(name)
    if not names:
        for row in table_rows(log.table("timings").select(["layer", "kind"])):
            if row["kind"] != "reformat":
                names.setdefault(row["layer"])
    return list(names)


def find_layers(log: Log, wanted: str) -> list[str]:
    """Return the layers that a text names: exactly, else as a part, else as a regular expression.

    The name of an ONNX node finds the engine layers that it went into. Copies of constants and conversions
    come after the layers that compute.

    Raises
    ------
    QueryError
        Nothing fits; the message names near ones.
    """
    names = layer_names(log)
    if wanted in names:
        return [wanted]
    links = table_rows(log.analyze.table("lineage"))
    of_node = list(dict.fromkeys(k["layer"] for k in links if k["node"] == wanted and k["how"] != "reformat"))
    if of_node:
        return of_node
    found = [name for name in names if wanted.lower() in name.lower()]
    if not found:
        try:  # Arrow's expressions, whose time grows with the names only, whatever is asked
            fits = pc.match_substring_regex(pa.array(names, pa.string()), wanted)
        except pa.ArrowInvalid as error:
            raise QueryError(f"no name holds {wanted!r}, and as a regular expression it is wrong: {error}") from error
        found = [name for name, fit in zip(names, fits.to_pylist(), strict=True) if fit]
    if not found:
        near = _near(wanted, names)
        hint = f"; near ones: {', '.join(near)}" if near else ""
        if not names:
            ask = log.analyze
            hint = f"; {ask.missing('candidates') or ask.missing('lineage') or 'the log names no layers'}"
        raise QueryError(f"no layer fits {wanted!r} (exact, part of a name, regular expression){hint}")
    types = {r["layer"]: r["type"] for r in table_rows(log.table("engine_layers").select(["layer", "type"]))}
    computing = [name for name in found if types.get(name) not in ("Constant", "Reformat", "NoOp")]
    if len(computing) == 1:
        return computing  # its own conversions bear its name too
    return sorted(found, key=lambda name: types.get(name) in ("Constant", "Reformat", "NoOp"))


def _near(wanted: str, names: list[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)


def story(log: Log, layer: str) -> Story:
    """Tell the story of the layer of exactly this name.

    Raises
    ------
    QueryError
        The log has no such layer; :func:`find_layers` finds by parts of names.
    """
    if layer not in layer_names(log):
        raise QueryError(f"no layer is named {layer!r}")
    ask = log.analyze
    known = ask._layers.named(layer)
    engine = dict(known.row) if known is not None and known.row is not None else None
    run = engine["run"] if engine else 0
    facts: dict[str, Any] = {"layer": layer, "run": run, "engine": engine, "type": engine["type"] if engine else None}
    facts["formats"] = _formats(engine)
    facts["nodes"] = [k for k in table_rows(ask.table("lineage")) if k["layer"] == layer]
    facts |= _rewrites(log, layer, facts["nodes"])
    facts |= _tactics(ask, run, layer)
    facts |= _around(log, ask, layer, facts["timed_layer"] or layer)
    if known is not None and known.engine not in (ask._layers.engine, None):
        facts["precision"] = _named(table_rows(ask.table("precision", engine=known.engine)), layer)
    costs = table_rows(ask.table("reformat_costs"))
    facts["own_conversion"] = next((row for row in costs if row["conversion"] == layer), None)
    facts["neighbours"] = _neighbours(ask, layer)
    facts["roofline"] = _named(table_rows(ask.table("roofline")), layer)
    if not facts.get("candidates"):
        facts["untimed"] = why_untimed(log, layer)
    found = Story(**facts)
    found.verdict.extend(verdict(found))
    found.missing.extend(missing(ask, found))
    return found


def _formats(engine: dict[str, Any] | None) -> tuple[list[str], list[str]]:
    sides: list[list[str]] = []
    for side in ("inputs", "outputs"):
        out = []
        for tensor in (engine or {}).get(side) or ():
            found = formats_of(tensor["format"], dims=True) if tensor["format"] else ()
            title = found[0].title if found and found[0] is not None and found[0].layout else tensor["dtype"] or ""
            shape = "x".join("?" if d < 0 else str(d) for d in tensor["shape"] or ())
            out.append(f"{tensor['name']}: {' '.join(p for p in (title, shape) if p)}")
        sides.append(out)
    return sides[0], sides[1]


def _rewrites(log: Log, layer: str, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    # A node's name may be that of another node's layer: the parser numbers the layers that it adds.
    registered = {row["layer"]: row["node"] for row in table_rows(log.table("registered_layers")) if row["node"]}
    named = {n["node"] for n in nodes if registered.get(n["node"], n["node"]) == n["node"]}
    names = named | {layer} | set(Names(registered).parts(copied_for(layer) or layer))
    parts = Names(names)

    def concerns(event: dict[str, Any]) -> bool:
        for name in (event["layer"], event["other"]):
            if name is not None and (name in names or set(parts.parts(name)) & names):
                return True
        return False

    done = [e for e in table_rows(log.table("fusions")) if e["action"] != "attempt" and concerns(e)]
    tried = [
        a for a in table_rows(log.analyze.table("fusion_attempts"))
        if a["outcome"] != "applied" and (a["layer"] in names or set(parts.parts(a["layer"])) & names)
    ]  # fmt: skip
    return {"rewrites": done, "attempted": tried}


def _tactics(ask: Analyses, run: int, layer: str) -> dict[str, Any]:
    timed, known = ask._layers.timed_tactics, ask._layers.named(layer)
    selection = known.timing if known is not None and known.row is not None else UNKNOWN
    source = selection.layer or layer
    own = [row for place in timed.places(source).tolist() if (row := timed[place])["run"] == run]
    # Of several builds: the one whose timing the engine's layer uses, else the last that timed it.
    chosen = None if selection.row is None else timed[selection.row]
    engine = chosen["engine"] if chosen else max((row["engine"] for row in own), default=None)
    own = [row for row in own if row["engine"] == engine]
    out: dict[str, Any] = {"selection": selection.how, "timed_layer": source if own else None}
    if not own:
        return out
    ranked = [r for r in table_rows(ask.table("candidates", layer=source)) if r["engine"] == engine]
    out["candidates"] = len(ranked)
    out["combinations"] = len({(r["input_formats"], r["output_formats"]) for r in ranked})
    out["runners"] = sorted({r["runner"] for r in ranked if r["runner"] is not None})
    out["top"] = ranked[:_TOP]
    best = _of_layer(ask.table("best"), source, run, engine)
    out["by_precision"] = best
    if all(r["precision"] is None for r in best):
        out["by_format"] = _of_layer(ask.table("best", by="format"), source, run, engine)
    out["passed_over"] = next((p for p in table_rows(ask.table("passed_over")) if p["layer"] == source), None)
    if chosen is None:
        return out
    winner = next(r for r in ranked if r["line"] == chosen["line"])
    chosen_formats = (winner["input_formats"], winner["output_formats"])
    rivals = [
        r for r in ranked
        if (r["input_formats"], r["output_formats"]) == chosen_formats
        and (r["tactic"], r["runner"]) != (winner["tactic"], winner["runner"])
    ]  # fmt: skip
    shortened = any(r["left_out"] for r in own if (r["input_formats"], r["output_formats"]) == chosen_formats)
    out |= {"winner": winner, "second": rivals[0] if rivals and not shortened else None, "shortened": shortened}
    noise = timing_noise(ask._layers)
    out["noise_percent"] = noise.margin_at(winner["time_ms"], chosen["kind"] == "reformat")
    if out["second"] is not None:
        same = [r for r in own if (r["input_formats"], r["output_formats"]) == chosen_formats]
        out["at_risk"] = tactic_risk(same, chosen, noise) >= AT_RISK
    return out


def _of_layer(best: pa.Table, layer: str, run: int, engine: int | None) -> list[dict[str, Any]]:
    return [r for r in table_rows(best) if (r["layer"], r["run"], r["engine"]) == (layer, run, engine)]


def _around(log: Log, ask: Analyses, layer: str, source: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    groups: dict[tuple[str, Any], dict[str, Any]] = {}
    own = [skip for skip in table_rows(log.table("skips")) if skip["layer"] in (layer, source)]
    named = any(skip["reason"] == "scratch" for skip in own)
    for skip in own:
        if not (named and skip["reason"] == UNNAMED):  # the same in other words
            entry = groups.setdefault(
                (skip["reason"], skip["runner"]),
                {"reason": skip["reason"], "runner": skip["runner"], "count": 0, "line": skip["line"],
                 "requested_bytes": None, "available_bytes": None, "text": skip["text"]},
            )  # fmt: skip
            entry["count"] += 1
            for name in ("requested_bytes", "available_bytes"):
                if skip[name] is not None:
                    entry[name] = max(entry[name] or 0, skip[name])
    out["skips"] = list(groups.values())
    tensors = set()
    for row in table_rows(log.table("engine_layers")):
        if row["layer"] == layer:
            tensors = {t["name"] for t in row["outputs"] or ()}
    out["reformats"] = [
        {**r, "place": "before" if r["layer"] == layer and r["side"] != "output" else "after"}
        for r in table_rows(ask.table("reformats"))
        if (r["layer"] == layer or r["tensor"] in tensors) and r["conversion"] != layer
    ]
    out["memory"] = _named(table_rows(ask._layers.rows("layer_memory")), layer)
    rows = kept_profile(log).rows
    profile = sorted(rows, key=lambda r: -(r["time_ms"] or 0.0))
    for place, row in enumerate(profile, 1):
        if row["layer"] == layer:
            out |= {"profile": row, "profile_rank": place}
            break
    out |= {"profile_layers": len(profile), "profile_whole": shown_percent(rows) is None}
    build = ask._layers.build
    spent = next((b for b in table_rows(ask.table("build_time")) if b["name"] == source and b["build"] == build), None)
    if spent is not None:
        out |= {"build_seconds": spent["seconds"], "build_source": spent["source"]}
    out["precision"] = _named(table_rows(ask.table("precision")), layer)
    return out


def _named(answers: Iterable[dict[str, Any]], layer: str) -> dict[str, Any] | None:
    return next((row for row in answers if row["layer"] == layer), None)


def _neighbours(ask: Analyses, layer: str) -> dict[str, tuple[str, ...]]:
    """Return the layers that compute on both sides of a layer; conversions and NoOps are looked through."""
    layers = ask._layers.layers
    own = ask._layers.named(layer)
    if own is None or own.row is None:
        return {}
    makers = {name: one for one in layers for name in one.outputs}
    readers: dict[str, list[Any]] = {}
    for one in layers:
        for operand in one.operands("inputs"):
            readers.setdefault(operand["name"], []).append(one)

    def passes(one: Any) -> bool:
        return bool(one.converts or one.type == "NoOp")

    def before(names: list[str], seen: set[str]) -> list[str]:
        found = [makers[name] for name in names if name in makers and name not in seen]
        seen.update(names)
        return [
            name for one in found
            for name in (before([o["name"] for o in one.operands("inputs")], seen) if passes(one) else [one.layer])
        ]  # fmt: skip

    def after(names: list[str], seen: set[str]) -> list[str]:
        found = [one for name in names if name not in seen for one in readers.get(name, ())]
        seen.update(names)
        return [
            name for one in found for name in (after(list(one.outputs), seen) if passes(one) else [one.layer])
        ]  # fmt: skip

    inputs = [operand["name"] for operand in own.operands("inputs")]
    constants = {one.layer for one in layers if one.role == "constant"}
    made = (name for name in before(inputs, set()) if name not in constants)
    # A list may lack layers (TensorRT 8.0 lists no squeezes): what a node of the network writes is no input of it.
    nodes = table_rows(ask._layers.log.table("onnx_nodes"))
    written = {t["tensor"] for node in nodes for t in node["outputs"] or ()} - set(makers)
    read = {t["tensor"] for node in nodes for t in node["inputs"] or ()} - set(readers)
    sides = (("before", written & set(inputs)), ("after", read & set(own.outputs)))
    return {
        "before": tuple(dict.fromkeys(made)),
        "after": tuple(dict.fromkeys(after(list(own.outputs), set()))),
        "unlisted": tuple(side for side, tensors in sides if tensors),
    }
