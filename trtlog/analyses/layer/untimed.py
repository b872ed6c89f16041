"""Why a log holds no timing of a layer: an error, no valid tactic, a cached result; or the log does not say."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.rows import table_rows
from trtlog._util.words import first_line
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.messages import messages_of
from trtlog.log import Log


@dataclass(frozen=True)
class Untimed:
    """Why a layer has no timing.

    Attributes
    ----------
    reason : str
        ``error``: its timing ended in one; ``no_valid_tactics``: none fitted; ``cached``: a line says that a cached
        result was taken; ``cut``: the log ends in its timing; ``unknown``: no line tells.
    text : str
        The reason in a sentence.
    line : int or None
        The line that tells it.
    """

    reason: str
    text: str
    line: int | None = None


def why_untimed(log: Log, layer: str) -> Untimed | None:
    r"""Return why a log of one run holds no timed tactic of a layer, None where it holds one.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse(
    ...     b"[01/02/2022-10:00:00] [V] [TRT] --------------- Timing Runner: p (TiledPooling)\n"
    ...     b"[01/02/2022-10:00:12] [E] [TRT] GPU error during getBestTactic: p : the launch timed out\n"
    ... )
    >>> found = why_untimed(log, "p")
    >>> found.reason, found.line
    ('error', 2)
    """
    timings = [row for row in table_rows(log.table("timings")) if row["line"] is not None]
    starts = sorted(row["line"] for row in timings)
    name = layer.strip()
    own = [row for row in timings if row["layer"] and row["layer"].strip() == name]
    if any(row["outcome"] == "timed" for row in own):
        return None
    for skip in table_rows(log.table("skips")):
        if skip["layer"] and skip["layer"].strip() == name and any(w in skip["reason"] for w in ("exception", "error")):
            return Untimed("error", f"Its timing ended in an error: {skip['text'] or skip['reason']}", skip["line"])
    messages = messages_of(log).where(lambda row, _: _ends_timing(row))
    for row in own:
        place = bisect_right(starts, row["line"])
        end = starts[place] if place < len(starts) else float("inf")
        inside = [m for m in messages if row["line"] < m["line"] < end]
        if inside:
            text = first_line(inside[0]["text"])
            words = text or "the line ends behind its header"
            return Untimed("error", f"Its timing ended in an error: {words}", inside[0]["line"])
    if cached := next((row for row in own if row["outcome"] == "cached"), None):
        text = f"The builder took a cached result for it and timed nothing{_told(cached)}."
        return Untimed("cached", text, cached["line"])
    if own and own[-1]["line"] == starts[-1] and own[-1]["outcome"] == "untimed":
        return Untimed("cut", "The log ends while it is being timed.", own[-1]["line"])
    if own:
        return Untimed("no_valid_tactics", "No tactic that was tried for it could be timed.", own[0]["line"])
    for row in table_rows(log.table("combinations")):
        if row["layer"] and row["layer"].strip() == name and row["chosen_tactic"] is not None:
            text = "A tactic was chosen for it without timing anything: the timing cache had the result."
            return Untimed("cached", text, row["line"])
    return Untimed(
        "unknown",
        "The log holds no timing of this layer, nor of one of the same shape: the timing cache had one, there was no "
        "choice, or the lines were left out; no line says which.",
    )


def untimed_words(log: Log, layer: str) -> str:
    """Return in words why a log of one run lists no timed tactic of a layer, and whose timings stand for it."""
    found = layers_of(log).named(layer)
    if found is not None and found.timed_as:
        why = f"it takes the timings of {found.timed_as!r}, a layer of the same type, shapes and formats: ask for that"
        return f"no tactic was timed for {layer!r}: {why}"
    untimed = why_untimed(log, layer)
    if untimed is None:
        return f"no tactic is listed for {layer!r}"
    where = f" (line {untimed.line})" if untimed.line else ""
    return f"no tactic was timed for {layer!r}{where}. {untimed.text}"


def _told(cached: dict[str, Any]) -> str:
    """Return what the line of a cached result says of it."""
    tactic = cached["fastest_tactic"] and f"tactic {cached['fastest_tactic']}"
    time = f"{cached['fastest_ms']:.6g} ms" if cached["fastest_ms"] is not None else None
    told = ", ".join(filter(None, (cached["runner"], tactic, time)))
    return f": {told}" if told else ""


def _ends_timing(message: dict[str, Any]) -> bool:
    return message["severity"] in ("error", "fatal") or (message["text"] or "").startswith("GPU error during")
