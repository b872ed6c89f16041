"""Which JSON exports belong to a log of the same folder, fast for folders of many logs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from trtlog._util.expression import expression
from trtlog.exports.files import exports_among, exports_named, is_json, stems_of, uncompressed

# Exports whose kind stands in front of the log's name: layers_net.json.
_IN_FRONT = expression(r"(?:export)?(?:layer|graph|profile|tim|output)", re.IGNORECASE)


class Siblings:
    """The JSON files of a folder.

    Parameters
    ----------
    names : iterable of str
        Names of all files of the folder.

    Examples
    --------
    >>> Siblings(["net.log", "net.times.json", "other.times.json", "layers_net.json"]).of("net.log")
    ['layers_net.json', 'net.times.json']
    """

    def __init__(self, names: Iterable[str]) -> None:
        exports = [name for name in names if is_json(name)]
        self._sorted = sorted((name.lower(), name) for name in exports)
        self._in_front = [name for name in exports if _IN_FRONT.match(name)]
        self._named: dict[str, list[str]] = {}
        for name in exports:
            self._named.setdefault(uncompressed(name).lower(), []).append(name)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._sorted)

    def of(self, log: str, command: str | None = None) -> list[str]:
        """Return the names of the exports that carry a log's name, or that its command names."""
        if not self._sorted:
            return []
        candidates = dict.fromkeys(self._in_front)
        for export in exports_named(command):
            candidates.update(dict.fromkeys(self._named.get(export, ())))
        for stem in stems_of(log):
            start = stem.lower()
            position = bisect_left(self._sorted, (start, ""))
            while position < len(self._sorted) and self._sorted[position][0].startswith(start):
                candidates[self._sorted[position][1]] = None
                position += 1
        return exports_among(candidates, log, command)

    def owned(self, logs: Iterable[str]) -> set[str]:
        """Return the exports that carry the name of one of the logs: they are read with it."""
        if not self._sorted:
            return set()
        own = {uncompressed(export) for log in logs if not is_json(log) for export in self.of(log)}
        return {name for _, name in self._sorted if uncompressed(name) in own}
