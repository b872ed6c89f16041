"""The builds of a run: how long each took, and which of them made the engine that the run ended with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import counted
from trtlog.analyses.layer.engines import kept_engine, numbers_of

if TYPE_CHECKING:
    from trtlog.log import Log

# The first that a log prints: trtexec's own figure holds all that it built.
_BUILD_PHASES = ("engine_built", "engine_generation", "builder")
# Of more builds, and of more engines that are loaded, a sentence tells how many there are.
_TOLD = 50


@dataclass(frozen=True)
class EngineBuild:
    """A build of one engine, with the backend strategies that were tried for it.

    Parameters
    ----------
    number : int or None
        Its number in the run, from 0; None where the log tells of no engine.
    engines : tuple of dict
        Its rows of the table ``engines``: one, or one a strategy.
    phases : tuple of dict
        The rows of the table ``phases`` that :attr:`seconds` is the sum of. ``Engine built in`` is trtexec's figure for
        the whole build. Where it is not printed, ``Engine generation completed in`` is, once a strategy.
    """

    number: int | None
    engines: tuple[dict[str, Any], ...]
    phases: tuple[dict[str, Any], ...]

    @property
    def seconds(self) -> float | None:
        """How long it took, None where the log does not tell."""
        return sum(row["seconds"] for row in self.phases) if self.phases else None


def builds_of(log: Log) -> list[EngineBuild]:
    """Return the builds of a run in order; engines that are only loaded are none.

    Examples
    --------
    >>> import trtlog
    >>> [found] = builds_of(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"))
    >>> found.number, found.seconds
    (0, 23.2068)
    """
    phases = [row for row in table_rows(log.table("phases")) if row["seconds"] is not None]
    by_build: dict[int | None, list[dict[str, Any]]] = {}
    for row in table_rows(log.table("engines")):
        if row["build"] is not None:
            by_build.setdefault(row["build"], []).append(row)
    if len(by_build) < 2:  # what is printed is of this one, also above its first line
        [(number, engines)] = by_build.items() or [(None, [])]
        own = _time_of(phases)
        return [EngineBuild(number, tuple(engines), own)] if engines or own else []
    found = []
    of_engine: dict[int | None, list[int]] = {}
    for place, row in enumerate(phases):
        of_engine.setdefault(row["engine"], []).append(place)
    for number, engines in by_build.items():
        placed = sorted(place for engine in {row["engine"] for row in engines} for place in of_engine.get(engine, ()))
        found.append(EngineBuild(number, tuple(engines), _time_of([phases[place] for place in placed])))
    return found


def _time_of(phases: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    by_name = (tuple(row for row in phases if row["name"] == name) for name in _BUILD_PHASES)
    return next((found for found in by_name if found), ())


def kept_build(log: Log) -> EngineBuild | None:
    """Return the build of the engine that a run ended with; of one that loads an engine in the end, its last build."""
    builds = builds_of(log)
    engines = log.table("engines")
    number = numbers_of(engines).get(kept_engine(engines, log.table("engine_layers")))
    return next((build for build in builds if build.number == number), builds[-1] if builds else None)


def build_seconds(log: Log) -> float | None:
    """Return the seconds that the engine took that a run ended with, None where the log does not tell.

    Examples
    --------
    >>> import trtlog
    >>> build_seconds(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"))
    23.2068
    """
    found = kept_build(log)
    return found.seconds if found is not None else None


def which_build(log: Log) -> str | None:
    r"""Return which engine answers about layers are of, in words; None for a run that builds one.

    Examples
    --------
    >>> import trtlog
    >>> text = b"".join(
    ...     b"[V] [TRT] Original: 3 layers\n[I] [TRT] Engine generation completed in %d seconds.\n" % n for n in (2, 3)
    ... )
    >>> which_build(trtlog.parse(text))
    'engine 1, that of the last of 2 builds'
    """
    builds, engines = builds_of(log), log.table("engines")
    engine = kept_engine(engines, log.table("engine_layers"))
    number = numbers_of(engines).get(engine)
    if len(builds) < 2 or number is None:
        return None
    place = next(place for place, build in enumerate(builds, 1) if build.number == number)
    where = "the last" if place == len(builds) else f"build {number}"
    return f"engine {engine}, that of {where} of {len(builds)} builds"


def took(log: Log) -> str:
    """Return how long a run's builds took, each by itself, as words of a sentence.

    Examples
    --------
    >>> import trtlog
    >>> took(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"))
    'the build took 23.2068 s'
    """
    builds = builds_of(log)
    times = [build.seconds for build in builds if build.seconds is not None]
    if not times:
        return "the log gives no build time"
    if len(builds) == 1:
        return f"the build took {times[0]:g} s"
    shown = [f"{time:g} s" for time in times[:4]] + (["..."] if len(times) > 4 else [])
    untold = len(builds) - len(times)
    rest = f"; of {counted(untold, 'build')} the log gives no time" if untold else ""
    return f"the {len(times)} builds took {', '.join(shown[:-1])} and {shown[-1]}{rest}" if len(shown) > 1 else (
        f"one of {len(builds)} builds took {shown[0]}{rest}"
    )


def builds_in_words(log: Log) -> str | None:
    """Return what became of the engines of a run in one sentence, None where it has one."""
    engines = table_rows(log.table("engines"))
    if len(engines) < 2:
        return None
    builds = builds_of(log)
    words = [(f"build {build.number}: " if len(builds) > 1 else "") + _attempts(build) for build in builds[:_TOLD]]
    loaded = [row["engine"] for row in engines if row["origin"] == "loaded"]
    words += [f"engine {number} loaded" for number in loaded[:_TOLD]]
    for left, what in ((len(builds) - _TOLD, "build"), (len(loaded) - _TOLD, "loaded engine")):
        words += [f"and {counted(left, f'more {what}')}"] if left > 0 else []
    head = f"{len(builds)} built one after the other: " if len(builds) > 1 else ""
    which = which_build(log)
    return head + "; ".join(words) + (f". Layers and memory are those of {which}" if which else "")


def _attempts(build: EngineBuild) -> str:
    """Return with which backend strategies a build tried, and how long it took."""
    time = "" if build.seconds is None else f"{build.seconds:g} s"
    if len(build.engines) == 1:
        strategy = build.engines[0]["strategy"]
        named = "built" if strategy is None else f"backend strategy {strategy}"
        return f"{named}, {time}" if time else named
    whole = f"; {time} in all" if time else ""
    if any(row["kept"] is None for row in build.engines):
        return f"{len(build.engines)} backend strategies, a verbose log says which was kept{whole}"
    return "; ".join(map(_fate, build.engines)) + whole


def _fate(row: dict[str, Any]) -> str:
    name = f"engine {row['engine']}" if row["strategy"] is None else f"backend strategy {row['strategy']}"
    time = "" if row["estimated_ms"] is None else f", estimated {row['estimated_ms']:g} ms"
    return f"{name} {'kept' if row['kept'] else 'discarded'}{time}"
