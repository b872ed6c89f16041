"""Runs that failed or died, why, and errors that runs survived."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.rows import table_rows
from trtlog._util.words import counted, first_of
from trtlog.analyses.build.memory import is_memory_skip
from trtlog.analyses.layer.messages import MessageRows
from trtlog.analyses.lint.causes import (
    Cause,
    cause_of,
    errors_of,
    find_cause,
    is_crash,
    is_skip,
    lines_of,
    missing_device,
    words_of,
)
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.analyses.programs import loads_engine
from trtlog.log import Log

_REFUSED = expression(r"Unknown option|Model missing or format not recognized")
_BUILD_ENDED = expression(
    r"[Cc]ould not find any implementation|buildSerializedNetwork|[Ee]ngine could not be created|"
    r"Assertion engine(?:Ptr)? != nullptr failed|[Bb]uilding serialized network failed|"
    r"Building engine failed|Network must have at least one output|Network validation failed|"
    r"violate shape constraints|has no runners that implement it|cannot be used to compute a shape tensor|"
    r"[Bb]uild engine (?:file )?failed|[Ff]ailed to build (?:trt |the )?(?:engine|network)|"
    r"While parsing node number|Failed to parse|Invalid Node - |\(parse(?:Graph|Node)\): \w+: "
)
_SHOWN = 4
_OPTIONS = ("model", "build", "system", "inference", "reporting")


@dataclass(frozen=True)
class RunEnd:
    """How a run ended, as far as its log tells.

    Attributes
    ----------
    how
        ``passed``, ``failed`` (it says so, or its engine could not be loaded), ``died`` (a crash is printed), ``cut``
        (no end, and no sign of why), ``help`` (a usage text), ``errors`` (no banner, and errors that no engine was
        lost by), ``unknown``.
    built
        Line that says that an engine was built, loaded or run; None for none.
    errors
        The run's errors, in order.
    """

    how: str
    built: int | None
    errors: MessageRows


def _is_parsers_list(error: Mapping[str, Any]) -> bool:
    """Tell whether an error is of the parser's list, which programs print bare once a model could not be parsed."""
    return error["kind"] == "node_failed" and error["function"] is not None and error["origin"] is None


def outcome_of(log: Log) -> RunEnd:
    """Tell how a run ended.

    Examples
    --------
    >>> import trtlog
    >>> outcome_of(trtlog.parse("fixtures/trt-8.5.3-h200/unet_smallws_verbose.log.gz")).how
    'died'
    """
    errors, status = errors_of(log), log.run.status
    built = _built(log)
    crashes = errors.where(is_crash)
    lost = errors.where(lambda e: _is_parsers_list(e) or _BUILD_ENDED.search(e["text"] or ""))
    lost = lost if built is None else lost.behind(built)
    if built is None and _usage_only(log):
        how = "failed" if errors else "help"
    elif status in ("passed", "waived"):
        how = "failed" if _not_loaded(log, built, errors) else "passed"
    elif status == "failed" or errors.where(lambda e: _REFUSED.search(e["text"] or "")):
        how = "failed"
    elif crashes and (built is None or crashes[-1]["line"] > built):
        how = "died"
    elif built is None and (
        missing_device(log) is not None if not errors else status is None and _not_loaded(log, built, errors)
    ):
        how = "failed"
    elif status == "incomplete":
        how = "failed" if lost.where(lambda e: e["kind"] == "step_failed") else "cut"
    elif lost:
        how = "failed"
    else:
        how = "errors" if errors else "unknown"
    return RunEnd(how, built, errors)


def _built(log: Log) -> int | None:
    """Return the last line that says that there is an engine."""
    names = ("engine_generation", "engine_built", "engine_deserialized", "deserialization")
    lines = [p["line"] for p in table_rows(log.table("phases")) if p["name"] in names]
    for table in ("performance", "profile", "iterations"):
        lines += log.table(table).column("line").to_pylist()
    return max((line for line in lines if line is not None), default=None)


_NOT_LOADED = expression(
    r"[Ee]ngine deserialization failed|deserializeCudaEngine|Deserialize the cuda engine failed|"
    r"[Ee]ngine plan file is|plan->header|kSERIALIZATION_VERSION"
)


def _not_loaded(log: Log, built: int | None, errors: MessageRows) -> bool:
    """Whether the engine that was to be loaded was not.

    Without inference trtexec says then too that it passed; of other programs no other engine is there.
    """
    if built is not None or not (loads_engine(log) or log.run.status is None or log.run.command is None):
        return False
    return bool(errors.where(lambda e: _NOT_LOADED.search(e["text"] or "")))


def _usage_only(log: Log) -> bool:
    """Whether the run printed trtexec's usage and did nothing else."""
    kinds = set(log.table("coverage").column("kind").to_pylist())
    return "usage" in kinds and not log.table("options").num_rows and len(log.runs) == 1


def timed_layer(log: Log, line: int) -> tuple[str, int] | None:
    """Return the layer that was being timed at a line, and where its timing began; None where none was."""
    rows = [t for t in table_rows(log.table("timings")) if t["line"] is not None and t["line"] <= line]
    if not rows or not rows[-1]["layer"]:
        return None
    last = rows[-1]
    # Up to TensorRT 5, whose runners are numbers, no block names its fastest tactic.
    open_ = last["outcome"] == "timed" and not (last["fastest_tactic"] or last["chosen"] or last["runner"].isdigit())
    return (last["layer"], last["line"]) if open_ or last["outcome"] in ("untimed", "skipped", "unfinished") else None


_STATUS = {"failed": "The run failed", "died": "The process died"}


def _chain(cause: Cause, errors: MessageRows) -> str:
    """Return a sentence on what followed from a cause."""
    own = {words_of(errors[place]) for place in np.flatnonzero(errors.lines == cause.line).tolist()}
    rest = {words: e["line"] for e in reversed(errors.firsts()) if (words := words_of(e)) not in own}
    shown = sorted(rest.items(), key=lambda item: item[1])
    if not shown:
        return ""
    named = "; ".join(f"line {line}: {words[:160].rstrip('.')}" for words, line in shown[:_SHOWN])
    more = f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f" Beside it: {named}{more}."


@rule(
    "build-failed",
    severity="error",
    confidence="high",
    why="Most errors of a failed run follow from one: the first that explains the others names the cause.",
    action="Start with the error that explains the others.",
)
def build_failed(log: Log) -> Iterable[Hit]:
    """Failed runs: the error that explains the others, and what it means."""
    found = outcome_of(log)
    if found.how == "passed" and not found.errors:
        yield good("The run passed, without any error.")
    if found.how not in ("failed", "died"):
        return
    cause = cause_of(log)
    if cause is None:
        action = "The cause is not in this log: run again with --verbose, and keep standard error too."
        words = "The run failed, and the log holds no error message."
        yield Hit(words, [log.run.last_line], confidence="medium", action=action)
        return
    # Of a process that died the way it died is told by another rule.
    beside = found.errors.where(lambda e: not is_crash(e) or e["kind"] == "loader_error")
    if found.how == "died" and not beside:
        return
    status = _STATUS[found.how]
    if log.run.status == "passed":
        status = "trtexec says that the run passed, but the engine could not be loaded"
    elif log.run.status is None and found.how == "failed":
        status = "No engine was loaded" if _not_loaded(log, found.built, found.errors) else "No engine was built"
        if found.built is not None:  # a program may build several
            status = f"There was an engine (line {found.built}), but another one was not built"
        elif cause.text.startswith("node "):
            status = "The model cannot be imported"
    words = f"{status}: {cause.text.rstrip('.')} (line {cause.line}).{_chain(cause, found.errors)}"
    meaning = cause.meaning or "trtlog knows no usual remedy for this error."
    yield Hit(
        words,
        lines_of(found.errors) + array("q", [cause.line] if cause.line is not None else []),
        action=f"Start with line {cause.line}. {meaning}",
        confidence=None if cause.meaning else "medium",
        layers=(cause.node,) if cause.node else (),
    )


@rule(
    "run-died",
    severity="error",
    confidence="high",
    why="The process crashed: an assertion, an exception that nobody caught, a signal, a library that could not be "
    "loaded.",
    action="Look at the last lines; run again with the same options, and without the named layer or plugin.",
)
def run_died(log: Log) -> Iterable[Hit]:
    """Processes that crashed, and the layer that was being timed."""
    found = outcome_of(log)
    if found.how != "died":
        return
    crashes = found.errors.where(is_crash)
    crash = crashes[0]
    timed = timed_layer(log, crash["line"])
    during = f" while {timed[0]} was being timed (from line {timed[1]})" if timed else ""
    lines = [*lines_of(crashes), *([timed[1]] if timed else [])]
    cause = cause_of(log)
    action = None
    if cause is not None and cause.meaning:
        action = cause.meaning
    elif timed is not None:
        action = (
            "Give this layer another precision or form in the model, or use another version of TensorRT: the crash is "
            "TensorRT's or a plugin's. 'trtlog why LAYER LOG' shows what was timed for it before."
        )
    yield Hit(
        f"The process died{during}: {words_of(crash).rstrip('.')}.",
        lines,
        action=action,
        layers=(timed[0],) if timed else (),
    )


def cut_words(log: Log) -> str | None:
    """Return where a log ends in the middle of its run, None for one that ends otherwise."""
    found = outcome_of(log)
    if found.how != "cut":
        return None
    sections = table_rows(log.table("sections"))
    name = sections[-1]["name"] if sections else None
    # Sections of options are named as what they are about, which has not begun.
    where = f" among the {name} options" if name in _OPTIONS else f" in section {name}" if name else ""
    timed = timed_layer(log, log.run.last_line or 0)
    if found.built is not None:
        rest = f", after an engine was there (line {found.built})"
    else:
        rest = f", while {timed[0]} was being timed (from line {timed[1]})" if timed else ""
    return f"The log ends at line {log.run.last_line}{where}{rest}."


@rule(
    "log-incomplete",
    severity="warning",
    confidence="low",
    why="The log has no '&&&& PASSED' or '&&&& FAILED' at its end, and nothing that says why: the process was killed, "
    "still runs, or the log was cut.",
    action="If the process ended, look at its exit code and at the system's log (out-of-memory killer), and run again "
    "with the same options.",
)
def log_incomplete(log: Log) -> Iterable[Hit]:
    """Logs that end in the middle of a run, for no reason that they tell."""
    words = cut_words(log)
    if words is None:
        return
    timed = timed_layer(log, log.run.last_line or 0)
    if outcome_of(log).built is not None:
        yield Hit(words, [log.run.last_line], severity="advice")
    else:
        yield Hit(words, [*([timed[1]] if timed else []), log.run.last_line])


@rule(
    "errors-survived",
    severity="warning",
    confidence="medium",
    why="The log holds errors, and no sign that an engine was lost by them: what they name may be missing, slower or "
    "wrong.",
    action="Read the first one, and what stands around it.",
)
def errors_survived(log: Log) -> Iterable[Hit]:
    """Errors of a run that passed, or that no engine was lost by: tactics passed over, files not found."""
    found = outcome_of(log)
    if found.how not in ("passed", "errors", "cut", "unknown") or not found.errors:
        return
    skipped = found.errors.where(is_skip)
    memory = {row["line"] for row in table_rows(log.table("skips")) if is_memory_skip(row)}
    # A timing cache that does not fit, a plugin that is not there, layers off the DLA and tactics that lack memory
    # have rules of their own.
    others = found.errors.where(
        lambda e: not (is_skip(e) or _is_plugin(e) or e["kind"] == "dla_unsupported" or e["line"] in memory)
        and "iming cache" not in (e["text"] or "")
    )
    built = f"; an engine was there all the same (line {found.built})" if found.built else ""
    if others:
        cause = find_cause(others)
        assert cause is not None
        words = f"{counted(len(others), 'error')}, first line {cause.line}: {cause.text.rstrip('.')}{built}."
        later = found.built is not None and others[-1]["line"] > found.built
        action = f"Start with line {cause.line}. {cause.meaning}" if cause.meaning else f"Read line {cause.line}."
        words = words if not later else words.replace("all the same", "before")
        severity = None if found.how != "passed" else "advice"
        yield Hit(words, lines_of(others), action=action, severity=severity)
    if skipped:
        first = skipped[0]
        count = counted(len(skipped), "tactic was", "tactics were")
        text = re.sub(r"^.*?due to (?:exception|Myelin error:?|kernel error:?) ?", "", words_of(first)).rstrip(".")
        yield Hit(
            f"{count} passed over for an error, first line {first['line']}: {text[:300]}{built}.",
            lines_of(skipped),
            severity="advice",
            action="Nothing, if the engine is fast enough and right: the builder took other tactics. Else look at the "
            "named operation.",
        )


_NO_PLUGIN = ("plugin not found", "no importer registered", "could not find plugin", "cannot find plugin")


def _is_plugin(error: Mapping[str, Any]) -> bool:
    """Whether an error says that an operator has neither importer nor plugin."""
    return any(words in (error["text"] or "").lower() for words in _NO_PLUGIN)


_OPERATOR = expression(
    r"No importer registered for op: (\w+)|[Cc](?:annot|ould not) find plugin(?: creator)?(?: for)?:? *(\w+)"
)


@rule(
    "plugin-not-found",
    severity="error",
    confidence="high",
    why="An operator without importer or plugin cannot be built; an engine that holds a plugin cannot be loaded "
    "without it.",
    action="Load the plugin's library (<<--staticPlugins=FILE|--plugins=FILE>>), or replace the operator in the model.",
)
def plugin_not_found(log: Log) -> Iterable[Hit]:
    """Operators for which neither an importer nor a plugin was found."""
    errors = errors_of(log).where(lambda e: e["severity"] != "warning")
    found = errors.where(_is_plugin)
    if not found:
        return
    loading = _not_loaded(log, _built(log), errors_of(log))
    named: dict[str, list[int]] = {}
    places = np.searchsorted(errors.lines, found.lines)
    for place, error in zip(places.tolist(), found, strict=True):
        cause = find_cause(list(errors[max(0, place - 2) : place + 1]))
        own = _OPERATOR.search(error["text"] or "")
        name = next((g for g in own.groups() if g), None) if own else cause.node if cause else None
        words = (name if loading else f"operator {name}") if name else words_of(error)
        named.setdefault(words, []).append(error["line"])
    told = first_of([f"{name} ({_lines(lines)})" for name, lines in named.items()], 20, "; ")
    if loading:
        action = "Load the plugin's library (<<--staticPlugins=FILE|--plugins=FILE>>) before the engine."
        yield Hit(f"The engine holds a plugin that is not registered: {told}.", lines_of(found), action=action)
    else:
        yield Hit(f"No importer and no plugin for {told}.", lines_of(found))


def _lines(lines: list[int]) -> str:
    named = first_of([str(line) for line in dict.fromkeys(lines)], 5)
    return f"{'line' if len(lines) == 1 else 'lines'} {named}"


# A line about a layer is no longer, whatever a log makes up.
_MOST_TEXT = 4000
_FELL = expression(
    r"Layer '(?P<a>[^']+)' \(\w+\): Unsupported on DLA|"
    r"layer (?P<b>(?:(?!layer ).)+?) is not (?:supported|running) on DLA|"
    r"Switching to GPU for layer (?P<c>.+)|Switching (?!this layer)(?P<d>(?:(?!Switching ).)+?) device type to GPU|"
    r"^(?P<e>(?:(?!: ).)+): .*Switching this layer's device type to GPU|"
    r"Validation failed for DLA layer: (?P<f>(?:(?!Validation failed for ).)+?)\. Switching"
)
_REASON = expression(
    r"^(?P<layer>.+?): (?P<a>DLA (?:only )?supports? .+?)(?:\. Switching .*)?$|"
    r"^DLA Layer (?P<of>\S+) (?P<b>does not support .+)$|"
    r"^(?P<c>DLA (?:only )?supports? .+?)\. .*Switching "
)


@rule(
    "dla-fallback",
    severity="warning",
    confidence="high",
    why="Each change between DLA and GPU costs a copy, and the DLA idles meanwhile.",
    action="Replace or reshape the named layers after the DLA's list of supported layers, or keep the network on "
    "the GPU.",
)
def dla_fallback(log: Log) -> Iterable[Hit]:
    """Layers that fell back from the DLA to the GPU, with the reasons that are printed."""
    rows = messages(log, "dla").where(lambda m: m["severity"] == "warning")
    fell: dict[str, int] = {}
    reasons: dict[str, str] = {}
    lines: list[int] = []
    above: tuple[str, int] | None = None  # a reason that names no layer: of the one whose validation fails next
    for row in rows:
        text = row["text"].strip()[:_MOST_TEXT]
        gone, why = _FELL.search(text), _REASON.search(text)
        layer = next((g for g in gone.groups() if g), None) if gone else None
        if layer:
            fell.setdefault(layer, row["line"])
            if above is not None and not why and text.startswith("Validation failed"):
                reasons.setdefault(layer, above[0])
                lines.append(above[1])
            above = None
        elif row["kind"] == "dla_dynamic_tensor":
            above = (text.rstrip("."), row["line"])
        if why:
            of = why["layer"] or why["of"] or layer
            if of:
                reasons.setdefault(of, (why["a"] or why["b"] or why["c"]).rstrip("."))
        if gone or why:
            lines.append(row["line"])
    unused = messages(log, kind="dla_unused")
    if not fell and not unused:
        return
    words = []
    if fell:
        named = [f"{layer} ({reasons[layer]})" if layer in reasons else layer for layer in fell]
        words.append(f"{counted(len(fell), 'layer')} fell back from the DLA to the GPU: {first_of(named, 5)}.")
    if unused:
        words.append("Nothing runs on the DLA: the whole network is on the GPU.")
        lines.extend(lines_of(unused))
    limits = [reasons.get(layer, "") for layer in fell]
    yield Hit(
        " ".join(words),
        sorted(set(lines)),
        layers=tuple(fell),
        action=_TOO_MANY_PARTS if limits and all("subgraphs" in limit for limit in limits) else None,
    )


# The layers themselves may be supported: it is the number of parts that is above the limit.
_TOO_MANY_PARTS = (
    "The network falls into more parts for the DLA than one core can load; the layers named may well be supported. "
    "Replace the unsupported layers in between, so that fewer and longer parts remain, or put one coherent piece of "
    "the network on the DLA and the rest on the GPU."
)
