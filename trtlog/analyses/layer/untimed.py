"""Why the log holds no timing of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trtlog.analyses.layer.base import rows

if TYPE_CHECKING:
    from trtlog.log import Log

_ERRORS = ("exception", "error")


@dataclass(frozen=True)
class Untimed:
    """Why a layer has no timing.

    Parameters
    ----------
    reason : str
        ``error``: its timing ended in one; ``skipped``: all its tactics were passed over; ``cache``: the builder timed
        others and not this one, so the timing cache answered, or there was nothing to choose; ``not_printed``: the log
        holds no timings at all.
    line : int or None
        The line that tells.
    text : str or None
        Its words.
    """

    reason: str
    line: int | None = None
    text: str | None = None


def why_untimed(log: Log, layer: str) -> Untimed | None:
    """Return why a layer has no timing of its own, None where it has one.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_load_profile.log.gz")
    >>> why_untimed(log, "/conv1/Conv + /relu/Relu").reason
    'not_printed'
    """
    name = layer.strip()
    timings = rows(log.table("timings").select(["layer", "line", "outcome", "tactics", "fastest_ms"]))
    own = [row for row in timings if row["layer"] and row["layer"].strip() == name]
    if any(row["tactics"] or (row["fastest_ms"] is not None and row["outcome"] == "timed") for row in own):
        return None
    skips = [row for row in rows(log.table("skips")) if row["layer"] and row["layer"].strip() == name]
    for row in skips:
        if any(word in row["reason"] for word in _ERRORS):
            return Untimed("error", row["line"], row["text"])
    cached = next((row["line"] for row in own if row["outcome"] == "cached"), None)
    if cached is not None:
        return Untimed("cache", cached)
    if own:
        return Untimed("skipped", own[0]["line"], skips[0]["text"] if skips else None)
    return Untimed("cache" if timings else "not_printed")
