"""Precision by layer: what each data type would cost, what was chosen, and why a layer fell back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from trtlog._util.rows import table_rows
from trtlog.analyses.layer.base import answer, copied_for
from trtlog.analyses.layer.conversions import spent_on
from trtlog.analyses.layer.engine_layer import Layers
from trtlog.analyses.layer.layer import Layer
from trtlog.analyses.layer.messages import Messages
from trtlog.analyses.layer.precision import WIDTH, allowed_precisions
from trtlog.analyses.layer.timings import TacticTime
from trtlog.records.base import Record, column, line_column, record, run_column

_NO_ARITHMETIC = ("Constant", "NoOp", "Reformat", "Shuffle", "Reshape", "Signal", "Wait", "shape_call", "reshape")


@record(frozen=True)
class LayerPrecision(Record):
    """What one layer costs in each precision, what the engine uses, and why not less."""

    run: int = run_column()
    layer: str = column("name", "engine layer")
    type: str | None = column("name", "type of the layer")
    used: str | None = column("name", "precision in the engine")
    used_ms: float | None = column("float64", "time of the engine's tactic", "ms")
    reformat_ms: float | None = column(
        "float64", "conversions inserted for this layer: profile time, else timed cost; null where neither", "ms"
    )
    fp32_ms: float | None = column("float64", "best time in FP32 without TF32", "ms")
    tf32_ms: float | None = column("float64", "best time with FP32 data multiplied as TF32", "ms")
    fp16_ms: float | None = column("float64", "best time in FP16", "ms")
    bf16_ms: float | None = column("float64", "best time in BF16", "ms")
    int8_ms: float | None = column("float64", "best time in INT8", "ms")
    fp8_ms: float | None = column("float64", "best time in FP8", "ms")
    fastest: str | None = column("name", "precision of the fastest candidate, formats of the neighbours disregarded")
    fallback: bool | None = column("bool", "the engine uses a wider type than the narrowest allowed")
    reason: str | None = column(
        "name",
        "why it fell back. not_offered: nothing was timed in the narrow type; refused: a message says so (missing "
        "scale, constraint); slower: the narrow type is slower for this layer; formats: the narrow type is faster, but "
        "its conversions cost more; narrow_faster: faster even with its timed conversions; unknown",
    )
    text: str | None = column("text", "the reason in words, with numbers")
    timings_of: str | None = column("name", "layer whose timings these are: another of the same shape for a cache hit")
    line: int | None = line_column("the time of the engine's tactic, else the engine layer")


def layer_precisions(layers: Layers, engine: int | None = None) -> pa.Table:
    """Compare, for each engine layer that computes, its precisions; slowest layer first.

    Parameters
    ----------
    engine : int, optional
        Number of an engine of the run; by default the one that the run ended with.
    """
    work = _Work(layers)
    out = []
    for layer in layers.of(engine):
        if layer.row is None or layer.type in _NO_ARITHMETIC or layer.converts or copied_for(layer.layer) is not None:
            continue
        out.append(work.row(layer))
    out.sort(key=lambda row: (row["run"], -(row["used_ms"] or 0.0)))
    return answer(LayerPrecision, out)


class _Work:
    def __init__(self, layers: Layers) -> None:
        log = layers.log
        self.allowed = allowed_precisions(log.table("options"))
        self.refusals = _refusals(log.table("skips"), log.table("messages"))
        self.layers = layers
        self.spent = spent_on(layers)

    @staticmethod
    def _best(timed: Iterable[TacticTime]) -> dict[str, TacticTime]:
        """Return the fastest tactic by precision."""
        fastest: dict[str, TacticTime] = {}
        for one in timed:
            precision = one.precision
            if one.kind == "reformat" or precision is None:
                continue
            if precision not in fastest or one.time_ms < fastest[precision].time_ms:
                fastest[precision] = one
        return dict(sorted(fastest.items()))

    def row(self, layer: Layer) -> dict[str, Any]:
        run = layer.run
        source = layer.timing.layer or layer.layer
        used_row = None if layer.timing.row is None else self.layers.timed_by_row[layer.timing.row]
        timed = self.layers.candidates.get(source.strip(), [])
        engine = layer.engine if used_row is None else used_row.engine
        best = self._best([one for one in timed if one.engine == engine] or timed)
        row: dict[str, Any] = {"run": run, "layer": layer.layer, "type": layer.type, "used": layer.precision}
        row["used_ms"] = layer.tactic_ms
        row["reformat_ms"] = self.spent.get(layer.layer)
        for name in ("FP32", "TF32", "FP16", "BF16", "INT8", "FP8"):
            row[f"{name.lower()}_ms"] = best[name].time_ms if name in best else None
        times = {name: one.time_ms for name, one in best.items() if name in WIDTH}
        row["fastest"] = min(times, key=lambda name: times[name]) if times else None
        row["timings_of"] = source if best else None
        row["line"] = used_row.line if used_row is not None else layer.line
        row |= self._reason(run, layer, used_row, best)
        return row

    def _reason(
        self, run: int, layer: Layer, used_row: TacticTime | None, best: dict[str, TacticTime]
    ) -> dict[str, Any]:
        used, allowed = layer.precision, self.allowed.get(run)
        if not allowed or used not in WIDTH:
            return {"fallback": None, "reason": None, "text": None}
        narrow = [p for p in allowed if WIDTH[p] < WIDTH[used]]
        if not narrow:
            return {"fallback": False, "reason": None, "text": None}
        refused = self.refusals.get((run, layer.layer))
        offered = {p: best[p] for p in narrow if p in best}
        if not offered:
            if refused:
                return {"fallback": True, "reason": "refused", "text": refused}
            if not best:
                return {"fallback": True, "reason": "unknown", "text": "the log holds no timings of this layer"}
            words = f"no tactic was timed in {' or '.join(narrow)}"
            return {"fallback": True, "reason": "not_offered", "text": words}
        name = min(offered, key=lambda p: offered[p].time_ms)
        return {"fallback": True, **self._compare(name, offered[name], layer, used_row)}

    def _compare(self, name: str, wanted: TacticTime, layer: Layer, used_row: TacticTime | None) -> dict[str, Any]:
        narrow_ms = wanted.time_ms
        if used_row is None:
            return {"reason": "unknown", "text": f"{name} took {narrow_ms:.6g} ms; the engine's tactic was not timed"}
        used_ms = used_row.time_ms
        pair = f"{name} {narrow_ms:.6g} ms, {layer.precision} {used_ms:.6g} ms"
        if narrow_ms >= used_ms:
            return {"reason": "slower", "text": pair}
        sides = used_row.combination, wanted.combination
        convert = self.layers.conversion_times.between(*sides, self.layers.tensors(layer))
        if convert is None:
            return {"reason": "formats", "text": f"{pair}; the conversions it needs were not timed"}
        total = f"{pair}; with conversions from and to its neighbours' formats {narrow_ms + convert:.6g} ms"
        return {"reason": "formats" if narrow_ms + convert >= used_ms else "narrow_faster", "text": total}


_REFUSALS = ("scale", "precision", "constraint", "int8", "requested")


def _refusals(skips: pa.Table, messages: pa.Table) -> dict[tuple[int, str], str]:
    """Return by layer what messages say against a narrow type: missing scales, constraints."""
    out: dict[tuple[int, str], str] = {}
    for row in table_rows(skips):
        text = row["text"] or row["reason"].replace("_", " ")
        if row["layer"] and any(word in f"{row['reason']} {text}".lower() for word in _REFUSALS):
            out.setdefault((row["run"], row["layer"]), f"line {row['line']}: {text}")
    found = Messages(messages)
    for row, lowered in zip(found.distinct, found.lowered, strict=True):
        if "no implementation" in lowered and ("constraint" in lowered or "precision" in lowered):
            name = row["text"].split("layer ", 1)[-1].split(" obeys", 1)[0]
            out.setdefault((row["run"], name), f"line {row['line']}: {row['text']}")
    return out


@record(frozen=True)
class PrecisionTotal(Record):
    """Sum over the engine's layers of a precision: the analysis ``precision`` summed, the most time first."""

    run: int = run_column()
    precision: str | None = column("name", "precision in the engine; null where unknown")
    layers: int = column("int64", "engine layers that compute in it")
    time_ms: float | None = column("float64", "sum of their timed tactics", "ms")
    fallbacks: int = column("int64", "of these, wider than the narrowest allowed")
    reasons: str | None = column("text", "why, with counts")

    sql = """
        with listed as (
            select *, row_number() over () as place from precision
        ), counted as (
            select run, used, reason, count(*) as layers, min(place) as first
            from listed where fallback and reason <> '' group by run, used, reason
        ), worded as (
            select run, used, string_agg(reason || ' ' || layers, ', ' order by first) as reasons
            from counted group by run, used
        )
        select l.run, l.used as precision, count(*) as layers, sum(used_ms) as time_ms,
            count(*) filter (fallback) as fallbacks, any_value(w.reasons) as reasons
        from listed l left join worded w on w.run = l.run and w.used is not distinct from l.used
        group by l.run, l.used
        order by l.run, coalesce(sum(used_ms), 0) desc, min(place)
    """
