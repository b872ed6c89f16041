"""The rules: what one is, where they are kept, how they are run."""

from __future__ import annotations

import importlib
from array import array
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog import plugins
from trtlog._util.arrow import Array, distinct, to_numpy
from trtlog._util.dataclass import dataclass
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.messages import MessageRows, messages_of
from trtlog.analyses.programs import worded
from trtlog.errors import PluginError, TrtlogError
from trtlog.log import Log
from trtlog.records.base import Record, column, line_column, record, run_column
from trtlog.tables.cells import one_array

SEVERITIES = ("error", "warning", "advice", "good")
CONFIDENCES = ("high", "medium", "low")
# Themes whose rules go over the engine's layers.
_OF_LAYERS = ("precision", "quantization", "kernels")
_MODULES = ("failures", "measurement", "precision", "quantization", "kernels", "formats", "build")


@record(frozen=True)
class Finding(Record):
    """What a rule found in a log."""

    rule: str = column("name", "name of the rule")
    severity: str = column(
        "name", "error: the run failed; warning: costs time or spoils the measurement; advice: worth a try; good"
    )
    confidence: str = column("name", "high: the log says so; medium: it follows from figures; low: a usual cause")
    text: str = column("text", "what was found, with figures")
    why: str | None = column("text", "why it matters; null for what is fine")
    action: str | None = column("text", "what to do; null for what is fine")
    lines: list[int] | None = column("int64s", "lines of the log that show it")
    layers: list[str] | None = column("texts", "layers concerned; null where it is not about layers")
    run: int = run_column()
    line: int | None = line_column("the first line of evidence")


@dataclass(frozen=True)
class Hit:
    """What a rule yields: text and evidence; severity and confidence where they differ from the rule's.

    What trtexec alone prints is answered with its flags, in a log of whichever programs.
    """

    text: str
    lines: Iterable[int | None] = ()
    severity: str | None = None
    confidence: str | None = None
    layers: tuple[str, ...] = ()
    action: str | None = None
    of_trtexec: bool = False


def good(text: str, lines: Iterable[int | None] = ()) -> Hit:
    """Return a hit that says that all is well."""
    return Hit(text, lines, severity="good")


@dataclass(frozen=True)
class Rule:
    """A rule: its name and theme, how grave a hit is, why it matters, what to do, and the function that finds."""

    name: str
    theme: str
    severity: str
    confidence: str
    why: str
    action: str
    find: Callable[[Log], Iterable[Hit]]

    @property
    def summary(self) -> str:
        """What the rule looks for: the first line of its function's docstring."""
        return (self.find.__doc__ or "").strip().splitlines()[0]


RULES: dict[str, Rule] = {}
"""Rules by name; :func:`load` fills it."""


def rule(name: str, *, severity: str, confidence: str, why: str, action: str) -> Callable[[Any], Any]:
    """Register a function as a rule; its module names the theme, its docstring says what it looks for."""
    if severity not in SEVERITIES or confidence not in CONFIDENCES:
        raise TypeError(f"rule {name}: no severity {severity!r} or confidence {confidence!r}")

    def register(find: Callable[[Log], Iterable[Hit]]) -> Callable[[Log], Iterable[Hit]]:
        theme = find.__module__.rpartition(".")[2]
        known = RULES.get(name)
        if known is not None and known.find.__module__ != find.__module__:
            raise PluginError(f"{find.__module__}: the lint rule {name} is there already; take another name")
        RULES[name] = Rule(name, theme, severity, confidence, why, action, find)
        return find

    return register


def load() -> dict[str, Rule]:
    """Import the modules of rules, and those of plug-in packages; return all rules by name, theme by theme."""
    for module in _MODULES:
        importlib.import_module(f"trtlog.analyses.lint.{module}")
    for entry in plugins.entry_points(plugins.LINT):
        entry.load()
    # A module may have been imported before this one, so the order is not that of the imports above.
    ordered = sorted(RULES.values(), key=_place)
    return {rule.name: rule for rule in ordered}


def _place(rule: Rule) -> int:
    """Return where a rule stands in the list: by theme, those of plug-in packages last."""
    shipped = rule.find.__module__.startswith("trtlog.analyses.lint.")
    return _MODULES.index(rule.theme) if shipped else len(_MODULES)


def _hits(entry: Rule, log: Log) -> list[Hit]:
    """Run a rule; what a plug-in's rule raises is told as its own."""
    if _place(entry) < len(_MODULES):
        return list(entry.find(log))
    try:
        return list(entry.find(log))
    except TrtlogError:
        raise
    except Exception as error:  # another package's code
        raise PluginError(
            f"the lint rule {entry.name} of {entry.find.__module__} failed: {type(error).__name__}: {error}; mend or "
            f"uninstall its package, or leave all plug-ins out with {plugins.VARIABLE}=0"
        ) from error


def _numbers(lines: Iterable[int | None]) -> Array:
    """Return lines as an array: an error may stand in ten million."""
    if isinstance(lines, array):
        return np.frombuffer(lines, np.int64) if lines else np.zeros(0, np.int64)
    return np.fromiter((line for line in lines if line is not None), np.int64)


def lint(log: Log) -> pa.Table:
    """Run all rules on a log of one run; errors first, what is fine last.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/err_missing_onnx.log.gz")
    >>> lint(log).column("rule").to_pylist()[0]
    'build-failed'
    """
    found = []
    cut = _ends_among_layers(log)
    for entry in load().values():
        for hit in _hits(entry, log):
            fine = hit.severity == "good"
            if fine and cut and entry.theme in _OF_LAYERS:
                continue  # the layers that are not there may tell another tale
            lines = distinct(_numbers(hit.lines))
            found.append(
                {
                    "rule": entry.name,
                    "severity": hit.severity or entry.severity,
                    "confidence": hit.confidence or entry.confidence,
                    "text": hit.text,
                    "why": None if fine else entry.why,
                    "action": None if fine else worded(hit.action or entry.action, log, of_trtexec=hit.of_trtexec),
                    "lines": lines,
                    "layers": list(hit.layers) or None,
                    "run": log.run.run,
                    "line": int(lines[0]) if len(lines) else None,
                }
            )
    found.sort(key=lambda f: (SEVERITIES.index(f["severity"]), CONFIDENCES.index(f["confidence"])))
    return answer(Finding, found)


def _ends_among_layers(log: Log) -> bool:
    """Tell whether a log ends in the list of the engine's layers, in the middle of a run."""
    if log.run.status != "incomplete":
        return False
    last = log.table("sections").select(["name", "last_line"]).to_pylist()[-1:]
    return bool(last == [{"name": "engine_layers", "last_line": log.run.last_line}])


def finding_rows(found: pa.Table) -> list[dict[str, Any]]:
    """Return findings as dictionaries; their lines, which may be ten million, as arrays."""
    rows: list[dict[str, Any]] = found.drop_columns(["lines"]).to_pylist()
    lines = one_array(found.column("lines"))
    for place, row in enumerate(rows):
        row["lines"] = to_numpy(lines[place].values) if lines[place].is_valid else None
    return rows


def messages(log: Log, *words: str, kind: str | None = None) -> MessageRows:
    """Return messages of a kind, or whose text holds all words, in lower case."""
    return messages_of(log).where(
        lambda row, text: (kind is not None and row["kind"] == kind) or (words and all(word in text for word in words))
    )
