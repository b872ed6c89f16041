"""The build: timing cache, workspace, choices within the noise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from trtlog._util.words import counted
from trtlog.analyses.lint.registry import Hit, good, messages, rule
from trtlog.analyses.missing import is_rtx
from trtlog.tables.durations import build_phases, build_seconds

if TYPE_CHECKING:
    from trtlog.log import Log

_LONG_BUILD_S = 10.0


@rule(
    "timing-cache-unused",
    severity="advice",
    confidence="high",
    why="Without a timing cache file each build times all tactics anew: slow, and other tactics may win.",
    action="Give --timingCacheFile=FILE to all builds on this GPU and version; the second build takes a fraction "
    "of the time and "
    "chooses the same tactics.",
)
def timing_cache_unused(log: Log) -> Iterable[Hit]:
    """Long builds without a timing cache file."""
    use = log.analyze.table("cache_use").to_pylist()
    if is_rtx(log):
        return  # it times no tactics, so there is nothing to keep
    events = log.table("timing_cache").to_pylist()
    if not use:
        return
    spent, seconds = build_phases(log.table("phases")), build_seconds(log.table("phases"))
    lines = [*(e["line"] for e in events), *(p["line"] for p in spent)]
    took = f"the build took {seconds:g} s" if seconds is not None else "the log gives no build time"
    if use[0]["file"] is None and seconds is not None and seconds > _LONG_BUILD_S:
        yield Hit(f"No timing cache file is in use; {took}.", lines)
    elif use[0]["loaded"]:
        hits = "" if use[0]["hits"] is None else f", {counted(use[0]['hits'], 'result')} served"
        yield good(f"A timing cache was loaded{hits}; {took}.", lines)
    elif any(e["event"] == "unreadable" for e in events):
        yield Hit(f"The timing cache file {use[0]['file']} could not be read and was made anew; {took}.", lines,
                  action="Nothing on a first build. Else check the path, and that version and GPU are the same.",
                  confidence="medium")  # fmt: skip


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
        yield Hit(found[0]["text"].strip().splitlines()[0], [m["line"] for m in found])


@rule(
    "skipped-for-memory",
    severity="warning",
    confidence="high",
    why="Tactics that need more memory than there was were not timed: the engine may miss its fastest kernels.",
    action="Raise <<--memPoolSize=workspace:MIB|--workspace=MIB>> above the largest request, and free the "
    "GPU's memory.",
)
def skipped_for_memory(log: Log) -> Iterable[Hit]:
    """Tactics skipped for lack of workspace or memory."""
    found = log.analyze.table("workspace_skips").to_pylist()
    if not found:
        if log.table("timings").num_rows:
            yield good("No tactic was skipped for lack of memory.")
        return
    count = sum(r["skipped"] for r in found)
    most = max((r["requested_mib"] for r in found if r["requested_mib"] is not None), default=None)
    asked = "" if most is None else f"; the largest request is {most:.4g} MiB"
    there = next((r["available_mib"] for r in found if r["available_mib"] is not None), None)
    asked += "" if there is None else f" of {there:.4g} MiB available"
    layers = tuple(dict.fromkeys(r["layer"] for r in found if r["layer"]))
    words = f"{counted(count, 'tactic was', 'tactics were')} skipped for lack of memory, at "
    yield Hit(f"{words}{counted(len(layers), 'layer')}{asked}.", [r["line"] for r in found], layers=layers)


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
    found = log.analyze.table("close_calls").to_pylist()
    chosen = [r for r in found if r["in_engine"]]
    if not chosen:
        return
    expected = sum(r["flip_probability"] for r in chosen)
    yield Hit(
        f"{counted(len(chosen), 'tactic of the engine is', 'tactics of the engine are')} hardly faster than the next "
        f"one: by the noise of repeated builds the next build takes another one for about {expected:.0f} of them.",
        [r["line"] for r in chosen[:10]],
        layers=tuple(r["layer"] for r in chosen),
        confidence="low" if chosen[0]["noise_assumed"] else None,
    )
