"""The builds of a run: how long each took, and which of them made the engine that the run ended with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, distinct, from_numpy, is_valid, to_filled
from trtlog._util.dataclass import dataclass
from trtlog._util.rows import TableRows, table_rows
from trtlog._util.words import counted
from trtlog.analyses.layer.engines import kept_engine, number_of, numbers_in
from trtlog.log import Log

# The first that a log prints: trtexec's own figure holds all that it built.
_BUILD_PHASES = ("engine_built", "engine_generation", "builder")
_RANKS = {name: rank for rank, name in enumerate(_BUILD_PHASES)}
# Of more builds, and of more engines that are loaded, a sentence tells how many there are.
_TOLD = 50


@dataclass(frozen=True)
class EngineBuild:
    """A build of one engine, with the backend strategies that were tried for it.

    Parameters
    ----------
    number : int or None
        Its number in the run, from 0; None where the log tells of no engine.
    engines : sequence of dict
        Its rows of the table ``engines``: one, or one a strategy.
    phases : sequence of dict
        The rows of the table ``phases`` that :attr:`seconds` is the sum of. ``Engine built in`` is trtexec's figure for
        the whole build. Where it is not printed, ``Engine generation completed in`` is, once a strategy.
    """

    number: int | None
    engines: Sequence[dict[str, Any]]
    phases: Sequence[dict[str, Any]]

    @property
    def seconds(self) -> float | None:
        """How long it took, None where the log does not tell."""
        return sum(row["seconds"] for row in self.phases) if self.phases else None


class Builds(Sequence[EngineBuild]):
    """The builds of a run in order, each made when it is asked for: a log may open one with each line.

    Attributes
    ----------
    numbers : ndarray
        Number of each build in the run, ascending; of a log that tells of no engine none.
    timed : ndarray of bool
        Whether the log tells how long it took, for each.
    """

    def __init__(self, engines: pa.Table, phases: pa.Table) -> None:
        self._engines, self._phases = engines, phases
        builds = numbers_in(engines, "build")
        self._engine_places, self._engine_bounds, self.numbers = _grouped(builds)
        # The phases that are times of a build, and by which name.
        names = phases.column("name").combine_chunks()
        ranks = np.array([_RANKS.get(name, -1) for name in names.dictionary.to_pylist()] + [-1], np.int8)
        rank = ranks[to_filled(names.indices, -1)]
        rank[~is_valid(phases.column("seconds").combine_chunks())] = -1
        timing = np.flatnonzero(rank >= 0)
        if len(self.numbers) < 2:  # what is printed is of this one, also above its first line
            of_phases, chosen = np.zeros(len(timing), np.int64), timing
        else:
            of_phases, chosen = self._joined(builds, timing)
        count = max(1, len(self.numbers))
        best = np.full(count, len(_RANKS), np.int8)
        np.minimum.at(best, of_phases, rank[chosen])
        own = rank[chosen] == best[of_phases]
        self._phase_places = chosen[own]
        self._phase_bounds = np.searchsorted(of_phases[own], np.arange(count + 1))
        timed = np.diff(self._phase_bounds) > 0
        self._count = len(self.numbers) or int(timed[0])
        self.timed = timed[: self._count]

    def _joined(self, builds: Array, timing: Array) -> tuple[Array, Array]:
        """Return places of builds and of their phases, those of a build together and in order."""
        engines = numbers_in(self._engines, "engine").astype(np.int64)[self._engine_places]
        of_engines = np.searchsorted(self.numbers, builds[self._engine_places])
        pairs = distinct((engines << 32) + of_engines)
        engines, of_engines = pairs >> 32, pairs & 0xFFFFFFFF
        printed = numbers_in(self._phases, "engine")[timing]
        order = np.argsort(printed, kind="stable")
        firsts, ends = (np.searchsorted(printed[order], engines, side=side) for side in ("left", "right"))
        counts = ends - firsts
        # Each pair of an engine and its build, with each phase of the engine.
        steps = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        of_phases, places = np.repeat(of_engines, counts), timing[order][np.repeat(firsts, counts) + steps]
        together = np.lexsort((places, of_phases))
        return of_phases[together], places[together]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> EngineBuild: ...
    @overload
    def __getitem__(self, place: slice) -> list[EngineBuild]: ...
    def __getitem__(self, place: int | slice) -> EngineBuild | list[EngineBuild]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        phases = _rows(self._phases, self._phase_places, self._phase_bounds, place)
        if not len(self.numbers):
            return EngineBuild(None, (), phases)
        own = _rows(self._engines, self._engine_places, self._engine_bounds, place)
        return EngineBuild(int(self.numbers[place]), own, phases)

    def place_of(self, number: int | None) -> int | None:
        """Return the place of the build of a number, None for none."""
        found = np.flatnonzero(self.numbers == (-1 if number is None else number))
        return int(found[0]) if len(found) else None

    @property
    def lines(self) -> list[int]:
        """The lines that say how long the builds took."""
        lines: list[int] = numbers_in(self._phases, "line")[self._phase_places].tolist()
        return lines

    @property
    def longest_s(self) -> float:
        """How long the longest took, 0 where the log tells of none."""
        seconds = numbers_in(self._phases, "seconds")[self._phase_places]
        builds = np.repeat(np.arange(len(self._phase_bounds) - 1), np.diff(self._phase_bounds))
        return max(0.0, float(np.bincount(builds, seconds).max())) if len(seconds) else 0.0


def _grouped(numbers: Array) -> tuple[Array, Array, Array]:
    """Return the places of equal numbers from 0 on together, where each begins and the last ends, and the numbers."""
    order = np.flatnonzero(numbers >= 0).astype(np.int32)
    order = order[np.argsort(numbers[order], kind="stable")]
    ordered = numbers[order]
    found = distinct(ordered)
    return order, np.append(np.searchsorted(ordered, found), len(order)), found


def _rows(table: pa.Table, places: Array, bounds: Array, number: int) -> TableRows:
    """Return the rows of a table at some places, those between two bounds."""
    first, last = bounds[number : number + 2].tolist()
    return table_rows(table.take(from_numpy(places[first:last])))


def builds_of(log: Log) -> Builds:
    """Return the builds of a run in order; engines that are only loaded are none.

    Examples
    --------
    >>> import trtlog
    >>> [found] = builds_of(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"))
    >>> found.number, found.seconds
    (0, 23.2068)
    """
    return Builds(log.table("engines"), log.table("phases"))


def kept_build(log: Log) -> EngineBuild | None:
    """Return the build of the engine that a run ended with; of one that loads an engine in the end, its last build."""
    builds = builds_of(log)
    engines = log.table("engines")
    place = builds.place_of(number_of(engines, kept_engine(engines, log.table("engine_layers"))))
    if not builds:
        return None
    return builds[-1 if place is None else place]


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


def which_build(log: Log, builds: Builds | None = None) -> str | None:
    r"""Return which engine answers about layers are of, in words; None for a run that builds one.

    Parameters
    ----------
    log : Log
        A log of one run.
    builds : Builds, optional
        Its builds, where they are known already.

    Examples
    --------
    >>> import trtlog
    >>> text = b"".join(
    ...     b"[V] [TRT] Original: 3 layers\n[I] [TRT] Engine generation completed in %d seconds.\n" % n for n in (2, 3)
    ... )
    >>> which_build(trtlog.parse(text))
    'engine 1, that of the last of 2 builds'
    """
    builds, engines = builds or builds_of(log), log.table("engines")
    engine = kept_engine(engines, log.table("engine_layers"))
    number = number_of(engines, engine)
    place = builds.place_of(number)
    if len(builds) < 2 or place is None:
        return None
    where = "the last" if place == len(builds) - 1 else f"build {number}"
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
    timed = np.flatnonzero(builds.timed).tolist()
    times = [builds[place].seconds for place in timed[:4]]
    if not times:
        return "the log gives no build time"
    if len(builds) == 1:
        return f"the build took {times[0]:g} s"
    shown = [f"{time:g} s" for time in times] + (["..."] if len(timed) > 4 else [])
    untold = len(builds) - len(timed)
    rest = f"; of {counted(untold, 'build')} the log gives no time" if untold else ""
    return f"the {len(timed)} builds took {', '.join(shown[:-1])} and {shown[-1]}{rest}" if len(shown) > 1 else (
        f"one of {len(builds)} builds took {shown[0]}{rest}"
    )


def builds_in_words(log: Log) -> str | None:
    """Return what became of the engines of a run in one sentence, None where it has one."""
    engines = log.table("engines")
    if engines.num_rows < 2:
        return None
    builds = builds_of(log)
    words = [(f"build {build.number}: " if len(builds) > 1 else "") + _attempts(build) for build in builds[:_TOLD]]
    built = numbers_in(engines, "build") >= 0
    loaded = numbers_in(engines, "engine")[~built]
    words += [f"engine {number} loaded" for number in loaded[:_TOLD].tolist()]
    for left, what in ((len(builds) - _TOLD, "build"), (len(loaded) - _TOLD, "loaded engine")):
        words += [f"and {counted(left, f'more {what}')}"] if left > 0 else []
    head = f"{len(builds)} built one after the other: " if len(builds) > 1 else ""
    which = which_build(log, builds)
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
    left = len(build.engines) - _TOLD
    told = [*map(_fate, build.engines[:_TOLD]), *([f"and {left} more"] if left > 0 else [])]
    return "; ".join(told) + whole


def _fate(row: dict[str, Any]) -> str:
    name = f"engine {row['engine']}" if row["strategy"] is None else f"backend strategy {row['strategy']}"
    time = "" if row["estimated_ms"] is None else f", estimated {row['estimated_ms']:g} ms"
    return f"{name} {'kept' if row['kept'] else 'discarded'}{time}"
