"""The rows of a diff that need no alignment: run, options, device, fusions, memory, phases, messages."""

from __future__ import annotations

import dataclasses
import shlex
from collections import Counter
from typing import Any

from trtlog._util.arrow import distinct
from trtlog._util.expression import expression
from trtlog._util.redact import redact, redact_value
from trtlog._util.rows import listed, table_rows
from trtlog._util.words import WHOLE_MIB, counted
from trtlog.analyses.build.memory import in_use, memory_totals
from trtlog.analyses.compare.performance import change_percent
from trtlog.analyses.compare.schema import CATEGORIES, both_sides
from trtlog.analyses.compare.verdict import is_rounding
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.engines import numbers_in
from trtlog.analyses.layer.messages import messages_of
from trtlog.log import Log

MIB = 1 << 20
_NUMBER = expression(r"0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
# Not a rewrite: the pass tried it.
_TRIED = ("attempt",)
_ALL_LOADED = {
    "highest_cpu_in_use": "what the process holds, libraries included: says nothing of the engine alone",
    "highest_gpu_in_use": "what is used of the device, libraries and other programs included: says nothing of the "
    "engine alone",
}
_RANK = {"fatal": 0, "error": 1, "warning": 2}


def run_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return program, version, status and source of both runs."""
    fields = ("tool", "tensorrt_version", "build", "status")
    sides = ({"source": log.source, **{name: getattr(log.run, name) for name in fields}} for log in (control, test))
    return [
        {"field": field, "control": _redacted(ours), "test": _redacted(theirs), "category": kind}
        for field, ours, theirs, kind in both_sides(*sides)
    ]


def _redacted(text: str | None) -> str | None:
    return None if text is None else redact(text)


def option_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return flags of the command line and printed options; repeated ones are joined. Secrets are redacted.

    What differs comes first, and of that what makes another engine before names of files.
    Where only one log has a command line, or prints options, those are left out.
    """
    ours, theirs = _both(*(_flags(log.run.command) for log in (control, test)))
    for printed, into in zip(_both(*(_options(log) for log in (control, test))), (ours, theirs), strict=True):
        into.update(printed)
    rows = [
        {
            "section": section,
            "key": redact(key),
            "control": redact_value(key, before),
            "test": redact_value(key, after),
            "category": kind,
        }
        for (section, key), before, after, kind in both_sides(ours, theirs)
    ]
    return by_category(sorted(rows, key=lambda row: _weight(row["key"])))


# Flags and printed options that say with which precision, and which only name a file or what is printed.
_PRECISION = expression(
    r"-*(?:fp16|bf16|int8|int4|fp8|fp4|best|noTF32|stronglyTyped|layerPrecisions|Precision|Calibration)"
)
_FILES = expression(
    r"--(?:save|export|load|timingCacheFile|dump|verbose|plugins|staticPlugins|dynamicPlugins)|"
    r"(?i:save engine|timingcachefile|export|dump|verbose|percentiles)"
)


def _weight(key: str) -> int:
    """Return how far down a change of an option stands: precisions, what makes another engine, names of files."""
    return 0 if _PRECISION.fullmatch(key) else 2 if _FILES.match(key) else 1


def _both(control: dict[Any, str], test: dict[Any, str]) -> tuple[dict[Any, str], dict[Any, str]]:
    """Return both, or two empty ones where one log has none."""
    return (control, test) if control and test else ({}, {})


def by_category(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows sorted by category, unchanged ones last; the order within a category is kept."""
    return sorted(rows, key=lambda row: row["category"] == "unchanged")


def _flags(command: str | None) -> dict[tuple[str, str], str]:
    """Return the flags of a command line; a word behind a flag without ``=`` is its value."""
    if not command:
        return {}
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    flags: dict[tuple[str, str], list[str]] = {}
    waiting: tuple[str, str] | None = None
    for word in words[1:]:
        if waiting is not None and not word.startswith("-"):
            flags[waiting][-1] = word
            waiting = None
            continue
        key, equals, value = word.partition("=")
        name = ("command", key)
        flags.setdefault(name, []).append(value if equals else "set")
        waiting = name if word.startswith("-") and not equals else None
    return {name: ", ".join(values) for name, values in flags.items()}


def _options(log: Log) -> dict[tuple[str, str], str]:
    table = log.table("options").select(["section", "key", "value"])
    options: dict[tuple[str, str], str] = {}
    for row in listed(table):
        name = (row["section"], row["key"])
        value = row["value"] if row["value"] is not None else ""
        options[name] = f"{options[name]}, {value}" if name in options else value
    return options


def device_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return the properties of both GPUs; none where only one log tells."""
    devices = [_device(log) for log in (control, test)]
    if not all(devices):
        return []
    return by_category(
        [
            {"field": name, "control": ours, "test": theirs, "category": kind}
            for name, ours, theirs, kind in both_sides(*devices)
        ]
    )


def _device(log: Log) -> dict[str, str]:
    device = log.device
    if device is None:
        return {}
    values = {f.name: getattr(device, f.name) for f in dataclasses.fields(device) if f.name not in ("run", "line")}
    return {
        name: ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if value is not None
    }


def fusion_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return rewrites that one build has and the other has not; attempts are no rewrites."""
    counts = [_fusions(log) for log in (control, test)]
    rows = []
    for key in dict.fromkeys([*counts[0], *counts[1]]):
        action, rule, layer, other = key
        ours, theirs = counts[0][key], counts[1][key]
        for kind, number in (("unchanged", min(ours, theirs)), ("removed", ours - theirs), ("added", theirs - ours)):
            rows += [
                {"category": kind, "action": action, "rule": rule, "layer": layer, "other": other}
                for _ in range(number)
            ]
    return sorted(rows, key=lambda row: CATEGORIES.index(row["category"]))


def _fusions(log: Log) -> Counter[tuple[str, str | None, str, str | None]]:
    table = layers_of(log).rows("fusions").select(["action", "rule", "layer", "other"])
    return Counter(
        (row["action"], row["rule"], row["layer"], row["other"])
        for row in listed(table)
        if row["action"] not in _TRIED
    )


def memory_rows(control: Log, test: Log, rebuilt: int | None) -> list[dict[str, Any]]:
    """Return the totals of memory, and the highest use that the log shows, the largest change first.

    Parameters
    ----------
    control, test : Log
        Logs of one run each.
    rebuilt : int or None
        Layers that run another tactic, in other formats or otherwise fused; None where they were not compared.
    """
    rows = []
    for name, ours, theirs, kind in both_sides(*(_memory(log) for log in (control, test))):
        verdict, reason = memory_verdict(name, ours, theirs, rebuilt)
        rows.append(
            {
                "name": name,
                "control_bytes": ours,
                "test_bytes": theirs,
                "change_percent": change_percent(ours, theirs),
                "verdict": verdict,
                "reason": reason,
                "category": kind,
            }
        )
    return sorted(rows, key=lambda row: -abs((row["test_bytes"] or 0) - (row["control_bytes"] or 0)))


def memory_verdict(
    name: str, control: int | None, test: int | None, rebuilt: int | None
) -> tuple[str | None, str | None]:
    """Return whether an engine needs more memory, and how exact the figure is.

    What an engine needs follows from its tactics and formats and is the same in every run of it. A rebuild that
    chooses others needs other memory: of five builds of one network one took 29 % more activation memory, and the
    host memory of its layers ranged over 12 %. What process and device use depends on all else that is loaded.

    Examples
    --------
    >>> memory_verdict("activation", 2064384, 2654208, 3)
    ('more', 'exact; it follows from tactics, formats and fusions, which differ in 3 layers')
    >>> memory_verdict("peak_gpu", 5 * 2**20, 6 * 2**20, 0)
    ('same', 'printed in whole MiB: a change of 1 MiB may be rounding')
    >>> memory_verdict("highest_gpu_in_use", 10, 20, 0)[0] is None
    True
    """
    if control is None or test is None:
        return None, f"not printed in {'control' if control is None else 'test'}"
    if name in _ALL_LOADED:
        return None, _ALL_LOADED[name]
    more = "same" if control == test else "more" if test > control else "less"
    if name.startswith(WHOLE_MIB):
        if abs(control - test) <= MIB:
            return "same", "printed in whole MiB: a change of 1 MiB may be rounding"
        exact = "printed in whole MiB"
    elif is_rounding(name, control, test):
        return "same", "a change of up to 1 KiB may be rounding: an execution context allocates whole pieces"
    else:
        exact = "exact"
    if more == "same" or rebuilt is None:
        return more, exact
    if not rebuilt:
        return more, f"{exact}; tactics, formats and fusions are the same"
    return more, f"{exact}; it follows from tactics, formats and fusions, which differ in {counted(rebuilt, 'layer')}"


def _memory(log: Log) -> dict[str, int]:
    """Return the last value of each total: a log of build and inference repeats some."""
    totals = memory_totals(layers_of(log))
    # What process and device use and what TensorRT manages are two scales: one is no more or less than the other.
    for managed, words in ((False, "in_use"), (True, "managed")):
        steps = in_use(log.table("memory"), managed=managed)
        for name in ("cpu", "gpu"):
            used = [value for value in steps.column(f"{name}_mib").to_pylist() if value is not None]
            if used:
                totals[f"highest_{name}_{words}"] = max(used) * MIB
    return totals


def phase_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return the phases, the largest change first."""
    rows = []
    for name, ours, theirs, kind in both_sides(*(phase_seconds(log) for log in (control, test))):
        delta = None if ours is None or theirs is None else theirs - ours
        rows.append({"name": name, "control_s": ours, "test_s": theirs, "delta_s": delta, "category": kind})
    return sorted(rows, key=lambda row: -abs((row["test_s"] or 0) - (row["control_s"] or 0)))


def phase_seconds(log: Log) -> dict[str, float]:
    """Return the seconds of each phase, repeats added up; of several builds those of the one that was kept."""
    seconds: dict[str, float] = {}
    engines, build = log.table("engines"), layers_of(log).build
    builds, numbers = (numbers_in(engines, name) for name in ("build", "engine"))
    several = len(distinct(builds[builds >= 0])) > 1
    # Of a run that loads its engine in the end what belongs to no build.
    named = set(numbers[builds >= 0 if build is None else builds == build].tolist()) if several else set()
    for row in table_rows(log.table("phases").select(["name", "seconds", "engine"])):
        if row["seconds"] is not None and (not several or (row["engine"] in named) is (build is not None)):
            seconds[row["name"]] = seconds.get(row["name"], 0.0) + row["seconds"]
    return seconds


def message_rows(control: Log, test: Log) -> list[dict[str, Any]]:
    """Return warnings and errors, new ones first, then those that are gone; numbers make no difference."""
    messages = [_messages(log) for log in (control, test)]
    rows = []
    for key in dict.fromkeys([*messages[1], *messages[0]]):
        (text, ours), (_, theirs) = (side.get(key, ("", 0)) for side in messages)
        if theirs:
            text = messages[1][key][0]
        kind = "added" if not ours else "removed" if not theirs else "unchanged" if ours == theirs else "changed"
        rows.append(
            {
                "category": kind,
                "severity": key[0],
                "text": redact(text),
                "control_count": ours,
                "test_count": theirs,
            }
        )
    return sorted(rows, key=lambda row: (CATEGORIES.index(row["category"]), _RANK.get(row["severity"], 9)))


def _messages(log: Log) -> dict[tuple[str, str], tuple[str, int]]:
    found: dict[tuple[str, str], tuple[str, int]] = {}
    messages = messages_of(log)
    for row, times in zip(messages.distinct, messages.counts(), strict=True):
        text = row["text"] or ""
        key = row["severity"], message_key(text)
        first, count = found.get(key, (text, 0))
        found[key] = first, count + times
    return found


def message_key(text: str) -> str:
    """Return a message without its numbers, so that the same message of two builds is the same."""
    return _NUMBER.sub("#", text)
