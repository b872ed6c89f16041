"""The rows of a layer profile: their times, their layers, and the copies of a DLA among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from trtlog._util.expression import expression

# Up to TensorRT 7 the profile names a conversion after the layer it is for.
REFORMATTER = expression(r" (?:in|out)put reformatter [0-9]+$")
_DLA_COPY = expression(r" (?:to|from) nvm$")


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
