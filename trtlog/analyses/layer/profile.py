"""The rows of a layer profile: their times, their layers, and the copies of a DLA among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from trtlog._util.expression import expression
from trtlog._util.rows import table_rows

if TYPE_CHECKING:
    from trtlog.log import Log

# Up to TensorRT 7 the profile names a conversion after the layer it is for.
REFORMATTER = expression(r" (?:in|out)put reformatter [0-9]+$")
# What stands between two profiles at least: the sums of the one, or its end, heading and names of the other.
_HEADING_LINES = 2
_DLA_COPY = expression(r" (?:to|from) nvm$")


class KeptProfile(NamedTuple):
    """The rows of the last layer profile of a run, and how many profiles the run prints."""

    rows: Sequence[dict[str, Any]]
    profiles: int


def kept_profile(log: Log) -> KeptProfile:
    """Return the layer profile of a run, the last one where several were pasted into one text.

    Parameters
    ----------
    log : Log
        A log of one run.

    Examples
    --------
    >>> import trtlog
    >>> kept = kept_profile(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_load_profile.log.gz"))
    >>> len(kept.rows), kept.profiles
    (105, 1)
    """
    rows = table_rows(log.table("profile"))
    if not rows:
        return KeptProfile(rows, 0)
    # The shares of one profile add up to 100, whatever its number of iterations; between two there is a heading.
    several = sum(row["percent"] or 0.0 for row in rows) > 101 + 0.05 * len(rows)
    starts = [0]
    for place, (before, row) in enumerate(pairwise(rows), 1):
        apart = None not in (before["line"], row["line"]) and row["line"] - before["line"] > _HEADING_LINES
        if apart and (several or before["iterations"] != row["iterations"]):
            starts.append(place)
    return KeptProfile(rows[starts[-1] :], len(starts))


def whole_ms(profile: Sequence[Mapping[str, Any]]) -> float:
    """Return the time of an inference that the printed shares are of: of an excerpt more than its rows.

    Shares are printed in tenths of a percent: of hundreds of small layers they sum to far less than 100, so the
    sum of shares does not tell an excerpt. The rows of at least half a percent do, within their rounding; where there
    is none, the sum does that stays below 100 even if each share was rounded down.

    Parameters
    ----------
    profile : sequence of mapping
        Rows of one profile.

    Examples
    --------
    >>> row = {"iterations": None, "time_ms": None, "avg_ms": 1.0, "percent": 25.0}
    >>> whole_ms([row, row]), whole_ms([row] * 4)
    (4.0, 4.0)
    """
    total = sum(mean_ms(row) or 0.0 for row in profile)
    large = [row for row in profile if (row["percent"] or 0.0) >= 0.5 and mean_ms(row)]
    share = sum(row["percent"] for row in large)
    if not large:
        return _whole_of_small(profile, total)
    if share > 100:
        return total
    whole = sum(mean_ms(row) or 0.0 for row in large) * 100 / share
    rounding = 0.05 * len(large) / share
    return whole if total < 0.98 * (1 - rounding) * whole else total


def _whole_of_small(profile: Sequence[Mapping[str, Any]], total: float) -> float:
    """Return the time of an inference where all rows of its profile have small shares."""
    shares = [row["percent"] for row in profile]
    if None in shares:
        return total
    most = sum(shares) + 0.05 * len(shares)
    return total * 100 / (sum(shares) or most) if 0 < most < 98 else total


def shown_percent(profile: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how much of a profile its rows are, where others were left out of the log; None where none is missing.

    Parameters
    ----------
    profile : sequence of mapping
        Rows of one profile.
    """
    total, whole = sum(mean_ms(row) or 0.0 for row in profile), whole_ms(profile)
    return 100 * total / whole if total < whole else None


def mean_ms(row: Mapping[str, Any]) -> float | None:
    """Return the mean of a row of the profile: the total says more than the mean, which has few digits."""
    if row["iterations"] and row["time_ms"] is not None:
        return float(row["time_ms"]) / int(row["iterations"])
    return row["avg_ms"]  # type: ignore[no-any-return]


def dla_copies(profile: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of a layer profile that copy to or from the DLA, none where no DLA takes part.

    The GPU waits in them for the DLA, whose own work the profile does not show: their times are no times of copies.
    Beside copies to and from the DLA's memory the conversions of the layers after it hold that wait.

    Examples
    --------
    >>> rows = [{"layer": name} for name in ("data to nvm", "prob input reformatter 0", "prob")]
    >>> [row["layer"] for row in dla_copies(rows)], dla_copies(rows[1:])
    (['data to nvm', 'prob input reformatter 0'], [])
    """
    rows = list(profile)
    if not any(_DLA_COPY.search(row["layer"]) for row in rows):
        return []
    return [row for row in rows if _DLA_COPY.search(row["layer"]) or REFORMATTER.search(row["layer"])]


class Profile:
    """The rows of the profile by layer; a name that stands twice in the engine stands twice here, in the same order."""

    def __init__(self, profile: Iterable[Mapping[str, Any]]) -> None:
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self.names: list[str] = []
        for row in profile:
            name = row["layer"].strip()
            if name not in self._rows:
                self.names.append(name)
            self._rows.setdefault(name, []).append(row)

    def next(self, name: str) -> Mapping[str, Any] | None:
        """Return the next row of a layer and take it out."""
        found = self._rows.get(name.strip())
        return found.pop(0) if found else None

    def left(self) -> list[Mapping[str, Any]]:
        """Return the rows that nobody took."""
        return [row for name in self.names for row in self._rows[name]]

    def all_of(self, name: str) -> list[Mapping[str, Any]]:
        """Return the rows of a layer that nobody took."""
        return self._rows.get(name.strip(), [])
