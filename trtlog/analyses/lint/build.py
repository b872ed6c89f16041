"""The build: timing cache, workspace, choices within the noise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from trtlog._util.rows import table_rows, values_of
from trtlog._util.words import counted, significant, size
from trtlog.analyses.build.builds import builds_of, took
from trtlog.analyses.lint.failures import outcome_of
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.analyses.programs import is_rtx
from trtlog.log import Log
from trtlog.records.autotune import UNNAMED

_LONG_BUILD_S = 10.0
_MIB = 2**20
# Below this a workspace is mostly a slip of the unit: the smallest GPU has thousands of times as much.
_TINY_WORKSPACE = _MIB
_FEW_LAYERS = 0.1
# A request of that share of the GPU's memory may not be met beside weights and activations.
_LARGE = 0.25
_MOST = 0.5


@rule(
    "timing-cache-unused",
    severity="advice",
    confidence="high",
    why="Without a timing cache file each build times all tactics anew: slow, and other tactics may win.",
    action="Keep one timing cache for all builds on this GPU and version (--timingCacheFile=FILE): the second build "
    "takes a fraction of the time and chooses the same tactics.",
)
def timing_cache_unused(log: Log) -> Iterable[Hit]:
    """Long builds without a timing cache file, and what a cache file that was loaded was used for."""
    use = table_rows(log.analyze.table("cache_use"))
    if is_rtx(log) or not use:
        return  # TensorRT-RTX times no tactics, so there is nothing to keep
    events = table_rows(log.table("timing_cache"))
    builds, time = builds_of(log), took(log)
    lines = [*(e["line"] for e in events), *builds.lines]
    scopes = {e["scope"] for e in events if e["scope"]}
    # A verbose build that timed nothing gains nothing.
    idle = log.table("passes").num_rows and not log.table("tactics").num_rows
    files = [row["file"] for row in use if row["file"] is not None]
    if not files and not idle and scopes == {"Local"} and builds.longest_s > _LONG_BUILD_S:
        yield Hit(f"No timing cache file is in use; {time}.", lines)
    elif any(row["loaded"] for row in use):
        anew, why = _timed_anew(log, events)
        served = [row["hits"] for row in use if row["hits"] is not None]
        hits = f", {counted(sum(served), 'result')} served" if served else ""
        if anew:
            yield Hit(
                f"A timing cache was loaded{hits}, but it did not hold all: {why}; {time}.",
                lines,
                confidence="medium",
                action="Nothing, if this is the first build of this network with the file: the next one finds the "
                "results in it. Else keep one file for each GPU, version and network.",
            )
        else:
            yield good(f"A timing cache was loaded{hits}{why}; {time}.", lines)
    elif any(e["event"] == "unreadable" for e in events):
        yield Hit(f"The timing cache file {files[-1]} could not be read and was made anew; {time}.", lines,
                  action="Nothing on a first build. Else check the path, and that version and GPU are the same.",
                  confidence="low")  # fmt: skip


def _timed_anew(log: Log, events: Sequence[dict[str, Any]]) -> tuple[bool, str]:
    """Return whether tactics were timed though a cache was loaded, and the figures that say so.

    What is timed before the cache is loaded is of a build without it: one program may build twice.
    """
    start = min(e["line"] for e in events if e["event"] == "loaded")
    combinations = table_rows(log.table("combinations").select(["line", "runners"]))
    runners = [row["runners"] for row in combinations if row["line"] > start]
    timed = sum(count > 0 for count in runners)
    blocks = table_rows(log.table("timings").select(["line", "outcome"]))
    cached = sum(row["outcome"] == "cached" for row in blocks if row["line"] > start)
    loaded = [e["bytes"] for e in events if e["event"] == "loaded" and e["bytes"] is not None]
    saved = [e["bytes"] for e in events if e["event"] == "saved" and e["bytes"] is not None]
    entries = [[e["entries"] for e in events if e["event"] == name and e["entries"] is not None and e["line"] >= start]
               for name in ("loaded", "deleted")]  # fmt: skip
    if timed and all(entries) and entries[0][0] == entries[1][-1]:
        # It is as large as when it was loaded: what was timed are layers whose results no cache keeps.
        return False, f" and had all that it keeps; {timed} of {len(runners)} combinations are timed in each build"
    if timed:
        return True, f"{timed} of {len(runners)} combinations of formats were timed"
    if loaded and saved and saved[-1] > loaded[0]:
        grown = f"the file grew from {size(loaded[0])} to {size(saved[-1])}"
        return True, f"{grown}, so that tactics were timed and added"
    return False, " and had all results" if runners or cached else ""


@rule(
    "slow-layers-to-build",
    severity="advice",
    confidence="high",
    why="A few layers take most of the time of the build.",
    action="A timing cache file answers for them in later builds. Pointwise layers are generated and compiled anew for "
    "each shape; slow kernels and many tactics take long to time: a lower --builderOptimizationLevel tries fewer.",
)
def slow_layers_to_build(log: Log) -> Iterable[Hit]:
    """A tenth of the layers or less that takes half of the builder's timing time or more, and ten seconds."""
    ended = outcome_of(log)
    if ended.built is None and ended.how in ("failed", "died"):
        return  # the seconds are those of what failed or hung
    by_build: dict[int | None, list[dict[str, Any]]] = {}
    for row in table_rows(log.analyze.table("build_time")):
        if row["name"]:
            by_build.setdefault(row["build"], []).append(row)
    # Builds of one program are mostly alike: the longest stands for them.
    rows = max(by_build.values(), key=lambda own: sum(row["seconds"] for row in own), default=[])
    total = sum(row["seconds"] for row in rows)
    spent, few = 0.0, []
    for row in rows:
        spent += row["seconds"]
        few.append(row)
        if spent >= _MOST * total:
            break
    if not rows or spent < _LONG_BUILD_S or len(few) > max(1.0, _FEW_LAYERS * len(rows)):
        return
    names = {row["name"] for row in few}
    lines: dict[str, int] = {}
    for timing in table_rows(log.table("timings").select(["layer", "line"])):
        if timing["layer"] in names:
            lines.setdefault(timing["layer"], timing["line"])
    named = ", ".join(f"{row['name']} {significant(row['seconds'])} s" for row in few[:3])
    builds = builds_of(log)
    place = builds.place_of(rows[0]["build"])
    if place is None and rows[0]["build"] is None and builds and builds[0].number is None:
        place = 0  # of a log that tells of no engine
    build = None if place is None else builds[place]
    which = f"build {build.number}" if build is not None and len(by_build) > 1 else "the build"
    beside = f"; {which} took {build.seconds:.4g} s" if build is not None and build.seconds is not None else ""
    yield Hit(
        f"{counted(len(few), 'layer takes', 'layers take')} {significant(spent)} of the {significant(total)} s that "
        f"the builder spent on {counted(len(rows), 'layer')} and conversions{beside}: "
        f"{named}{', ...' if len(few) > 3 else ''}.",
        lines.values(),
        layers=tuple(row["name"] for row in few),
        # Before 8.6 a block's seconds are read off a clock of whole seconds.
        confidence=None if rows[0]["source"] == "printed" else "medium",
    )


@rule(
    "timing-cache-mismatch",
    severity="warning",
    confidence="high",
    why="A timing cache of another GPU or version is thrown away: the build times everything anew.",
    action="Keep one cache file for each GPU model and TensorRT version.",
)
def timing_cache_mismatch(log: Log) -> Iterable[Hit]:
    """A timing cache that does not fit this GPU or version."""
    found = [*messages(log, "timing cache", "mismatch"), *messages(log, "invalid timing cache")]
    if found:
        words = " ".join(line.strip() for line in found[0]["text"].strip().splitlines()[:2])
        yield Hit(f"{words}.", [m["line"] for m in found])


@rule(
    "workspace-limit",
    severity="warning",
    confidence="high",
    why="A limit far below what tactics need shuts out the fast ones; one above the GPU's memory is no limit.",
    action="Give MiB without a unit, or the units K, M, G (<<--memPoolSize=workspace:1024M|--workspace=1024>>; trtexec "
    "reads 1024MiB as 1024 bytes), or leave the limit out: the default is the GPU's memory.",
)
def workspace_limit(log: Log) -> Iterable[Hit]:
    """A workspace limit below one MiB, or above the memory of the GPU."""
    limit = _workspace_bytes(log)
    if limit is None:
        return
    lines = [r["line"] for r in table_rows(log.table("options")) if r["key"] in ("Memory Pools", "Workspace")]
    device = log.device
    memory = device.memory_mib * _MIB if device is not None and device.memory_mib else None
    if 0 < limit < _TINY_WORKSPACE:
        yield Hit(f"The workspace is limited to {size(limit)}: most likely a slip of the unit.", lines)
    elif memory is not None and limit > memory:
        words = f"The workspace is limited to {size(limit)}, more than the {size(memory)} of the GPU's memory."
        yield Hit(words, [*lines, device.line if device else None], severity="advice")


def _workspace_bytes(log: Log) -> float | None:
    """Return the limit as printed, None for the default."""
    printed = (log.build.memory_pools or {}).get("workspace")
    found = re.match(r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?) ?([KMG]?i?B)", printed) if printed else None
    if found:
        factor = {"K": 2**10, "M": _MIB, "G": 2**30}.get(found[2][0], 1)
        return float(found[1]) * factor
    return log.build.workspace_mib * _MIB if log.build.workspace_mib is not None else None


@rule(
    "skipped-for-memory",
    severity="warning",
    confidence="high",
    why="Tactics that need more memory than there was were not timed: the engine may miss its fastest kernels.",
    action="Raise <<--memPoolSize=workspace:MIB|--workspace=MIB>> above the largest request.",
)
def skipped_for_memory(log: Log) -> Iterable[Hit]:
    """Tactics skipped for lack of workspace or of the GPU's memory."""
    found = table_rows(log.analyze.table("workspace_skips"))
    ended = outcome_of(log)
    if not found:
        # A log that ends early, or an excerpt, cannot say that nothing was skipped.
        whole = ended.how == "passed" or (ended.built is not None and ended.how not in ("failed", "died", "cut"))
        if log.table("tactics").num_rows and log.table("passes").num_rows and whole:
            yield good("No tactic was skipped for lack of memory.")
        return
    device = log.device
    memory = device.memory_mib * _MIB if device is not None and device.memory_mib else None
    for pool in ("workspace", "device", None):
        rows = [r for r in found if r["pool"] == pool and r["skipped"] is not None]
        if rows:
            yield _skipped(log, rows, memory, pool)
    unnamed = [r for r in found if r["skipped"] is None]
    if unnamed:
        yield _unnamed(log, unnamed)


def _unnamed(log: Log, rows: list[dict[str, Any]]) -> Hit:
    """Return the finding on a line that says that some tactics were skipped, but not which."""
    lines = [s["line"] for s in table_rows(log.table("skips")) if s["reason"] == UNNAMED]
    most = max((r["requested_mib"] for r in rows if r["requested_mib"] is not None), default=None)
    limit = _workspace_bytes(log)
    words = "Some tactics were skipped for lack of workspace"
    words += f", which is limited to {size(limit)}" if limit is not None else ""
    words += f"; {size(most * _MIB)} would do for the largest" if most is not None else ""
    action = "Raise <<--memPoolSize=workspace:MIB|--workspace=MIB>>"
    if most is None:
        words += "; the log does not say which, nor how much they ask for"
        action += ", and build with <<--verbose|a verbose logger>>: its lines say which tactics ask for how much"
    options = [r["line"] for r in table_rows(log.table("options")) if r["key"] in ("Memory Pools", "Workspace")]
    return Hit(f"{words}.", [*lines, *(options if limit is not None else [])], severity="advice", action=f"{action}.",
               layers=tuple(r["layer"] for r in rows if r["layer"]), confidence="medium")  # fmt: skip


_POOLS = {"workspace": "workspace", "device": "free memory of the GPU", None: "memory"}


def _skipped(log: Log, rows: list[dict[str, Any]], memory: float | None, pool: str | None) -> Hit:
    """Return the finding on tactics skipped for one kind of memory."""
    count = sum(r["skipped"] for r in rows)
    most = max((r["requested_mib"] for r in rows if r["requested_mib"] is not None), default=None)
    least = min((r["least_mib"] for r in rows if r["least_mib"] is not None), default=None)
    there = min((r["available_mib"] for r in rows if r["available_mib"] is not None), default=None)
    layers = tuple(dict.fromkeys(r["layer"] for r in rows if r["layer"]))
    words = f"{counted(count, 'tactic was', 'tactics were')} skipped for lack of {_POOLS[pool]}"
    words += f", at {counted(len(layers), 'layer')}" if layers else ""
    engines = {r["engine"] for r in rows}
    words += f", over {len(engines)} engines" if len(engines) > 1 else ""
    if most is not None and least is not None:
        asked = size(most * _MIB) if most == least else f"{size(least * _MIB)} to {size(most * _MIB)}"
        words += f"; they ask for {asked}" if count > 1 else f"; it asks for {asked}"
        words += (
            f", {size(there * _MIB)} {'is' if pool == 'workspace' else 'was'} available" if there is not None else ""
        )
    words += "."
    timed = {t for t in values_of(log.table("timings").column("layer")) if t}
    without = [r["layer"] for r in rows if r["layer"] and r["best_ms"] is None]
    few = bool(layers) and len(layers) <= _FEW_LAYERS * len(timed)
    # Excerpts and logs of warnings alone do not say whether other tactics of the layers fitted.
    severity = "advice" if few or (not timed - set(without)) else None
    action = None
    large = memory is None or most is None or most * _MIB > _LARGE * memory
    if memory is not None and least is not None and least * _MIB > memory:
        words += f" Each asks for more than the {size(memory)} of the GPU: no workspace helps."
        severity, action = "advice", "Nothing: they do not fit on this GPU. Smaller shapes or batches ask for less."
    elif pool == "device":
        words += " A larger workspace does not help."
        action = (
            "Free the GPU's memory during the build (nvidia-smi shows who uses it; on Jetson the system shares it), or "
        )
        action += "build for smaller shapes. What asks for more than the GPU has cannot be timed on it."
    elif memory is not None and most is not None and most * _MIB > memory:
        action = (
            "Raise <<--memPoolSize=workspace:MIB|--workspace=MIB>> to what the GPU has: some requests are above it."
        )
    elif pool == "workspace" and most is not None and least is not None and most > 16 * least and large:
        action = "Raise <<--memPoolSize=workspace:MIB|--workspace=MIB>> as far as the GPU's memory allows: the largest "
        action += "requests may be above it."
    return Hit(words, [r["line"] for r in rows], layers=layers, severity=severity, action=action)


@rule(
    "choices-within-noise",
    severity="advice",
    confidence="medium",
    why="The next build may choose other tactics at these layers: engines differ from build to build, mostly at "
    "little cost.",
    action="Share a timing cache between builds to get the same tactics; lock the clocks and raise --avgTiming to "
    "time better.",
)
def choices_within_noise(log: Log) -> Iterable[Hit]:
    """Tactics of the engine that the next build may not take."""
    found = table_rows(log.analyze.table("close_calls"))
    chosen = [r for r in found if r["in_engine"]]
    if not chosen:
        return
    total = sum(r["flip_probability"] for r in chosen)
    changes = f"takes another one for {f'about {round(total)}' if round(total) else 'hardly one'} of them"
    if len(chosen) == 1:
        changes = f"takes another one with a probability of {total:.0%}"
    yield Hit(
        f"{counted(len(chosen), 'tactic of the engine is', 'tactics of the engine are')} hardly faster than the next "
        f"one: by the noise of repeated builds the next build {changes}.",
        [r["line"] for r in chosen[:10]],
        layers=tuple(r["layer"] for r in chosen),
        confidence="low" if chosen[0]["noise_assumed"] else None,
    )
