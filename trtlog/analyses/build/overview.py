"""What stands on the first screen of a log: what bounds it, its slowest layers, its precision, its first errors."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import counted
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.messages import messages_of
from trtlog.analyses.layer.profile import kept_profile, shown_percent
from trtlog.analyses.lint.causes import Cause, cause_of, is_node_text, words_of
from trtlog.analyses.lint.failures import cut_words, outcome_of
from trtlog.analyses.programs import loads_engine, worded
from trtlog.log import Log

_TOP = 5
# Lines of more messages are kept as numbers of eight bytes each.
_FEW = 1 << 12
_ORDER = {"fatal": 0, "error": 1, "warning": 2}


@dataclass(frozen=True)
class SlowLayer:
    """One of the slowest layers."""

    layer: str
    time_ms: float
    percent: float | None
    runner: str | None
    line: int | None


@dataclass(frozen=True)
class Slowest:
    """The slowest layers, and what their times are."""

    title: str
    layers: tuple[SlowLayer, ...]


@dataclass(frozen=True)
class Remark:
    """A message of the log, with the lines that repeat it."""

    severity: str
    text: str
    lines: Sequence[int]
    cause: bool = False


def slowest(log: Log) -> Slowest | None:
    """Return the slowest layers as the engine runs them: profiled, else by the tactic that it uses in its formats.

    Examples
    --------
    >>> import trtlog
    >>> found = slowest(trtlog.parse("fixtures/trt-8.5.3-h200/lstm_verbose.log.gz"))
    >>> found.title
    'slowest layers, by the time of the tactic that the engine uses (no profile)'
    """
    rows, profiles = kept_profile(log)
    if rows:
        top = sorted(rows, key=lambda row: -(row["avg_ms"] or 0.0))[:_TOP]
        slow = [
            SlowLayer(r["layer"], r["avg_ms"], r["percent"], None, r["line"]) for r in top if r["avg_ms"] is not None
        ]
        where = "the profile" if profiles == 1 else f"the last of {profiles} profiles"
        title = f"slowest of {counted(len(rows), 'layer')} in {where}"
        if (shown := shown_percent(rows)) is not None:
            title = f"slowest of {counted(len(rows), 'row')} of {where}: the log holds about {shown:.2g} % of its time"
        return Slowest(title, tuple(slow)) if slow else None
    found = layers_of(log)
    layers = [layer for layer in found.layers if layer.tactic_ms is not None]
    layers.sort(key=lambda x: -(x.tactic_ms or 0.0))
    slow = [SlowLayer(x.layer, x.tactic_ms or 0.0, None, x.runner, x.line) for x in layers[:_TOP]]
    title = "slowest layers, by the time of the tactic that the engine uses (no profile)"
    if found.source != "engine":
        title = "slowest timed layers, by the time of the tactic chosen (the log lists no layers of an engine)"
    return Slowest(title, tuple(slow)) if slow else None


def precision_of(log: Log) -> str | None:
    """Return the allowed precisions of a build; of a loaded engine those of its layers, as the flags say nothing of it.

    Examples
    --------
    >>> import trtlog
    >>> precision_of(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_load_profile.log.gz"))
    'FP16 (57 layers), by the layers of the loaded engine'
    """
    if not loads_engine(log):
        return log.build.precision
    named = layer_precisions(log)
    if not named:
        return None
    words = ", ".join(f"{name} ({counted(n, 'layer')})" for name, n in named)
    return f"{words}, by the layers of the loaded engine"


def layer_precisions(log: Log) -> list[tuple[str, int]]:
    """Return the precisions of the layers that compute, and how many layers have each, the commonest first."""
    listed = layers_of(log).layers if log.table("engine_layers").num_rows else ()
    counts = Counter(x.precision for x in listed if x.precision and not x.converts and x.role == "layer")
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def cause(log: Log) -> Cause | None:
    """Return why a run failed or died, None for one that did neither."""
    return cause_of(log) if outcome_of(log).how in ("failed", "died") else None


def ending(log: Log) -> str | None:
    """Return how a run ended that did not pass: what its runner knows, what killed it, or where its log was cut.

    Examples
    --------
    >>> import trtlog
    >>> ending(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")) is None
    True
    """
    cut = cut_words(log)
    words = [word for word in (log.ending, cut) if word]
    if not words and log.run.status != "passed":
        found = cause(log)
        words = [worded(found.meaning, log)] if found is not None and found.meaning else []
    return " ".join(words) or None


def remarks(log: Log) -> list[Remark]:
    """Return errors and warnings, those that say the same as one: the cause of a failure first, then crashes, errors.

    Dumps of nodes that could not be imported are left out.
    """
    found = cause(log)
    messages = messages_of(log)
    seen: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(messages.distinct):
        if row["severity"] == "warning" or not is_node_text(row):
            seen.setdefault((row["severity"], _words(row)), []).append(place)
    out = []
    for (severity, text), lines in zip(seen, messages.lines_of(list(seen.values())), strict=True):
        explains = found is not None and bool((lines == found.line).any())
        numbers = tuple(lines.tolist()) if len(lines) < _FEW else array("q", lines.tobytes())
        out.append(Remark(severity, found.text if found and explains else text, numbers, explains))
    return sorted(out, key=lambda r: (not r.cause, _ORDER[r.severity], r.lines[0]))


def bound_by(log: Log) -> str | None:
    """Return what bounds the throughput and why, None where nothing was measured."""
    rows = table_rows(log.analyze.table("performance"))
    if not rows or rows[-1]["gpu_ms"] is None:
        return None
    return f"{rows[-1]['bound_by'] or 'not known'}: {rows[-1]['because']}"


def _words(row: dict[str, Any]) -> str:
    return words_of(row) if row["severity"] != "warning" else (row["text"].splitlines() or [""])[0]
