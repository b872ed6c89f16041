"""The timed tactics of a build by layer, and which of them the engine runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trtlog.values.formats import decode_format, split_formats

if TYPE_CHECKING:
    import pyarrow as pa

    from trtlog.log import Log
UNTIMED_MS = 1e30  # the largest float, or inf, is printed for a tactic that could not be timed


@dataclass(frozen=True)
class TacticTime:
    """A timed tactic of a layer.

    Parameters
    ----------
    runner, tactic, kernel : str or None
        As in table ``tactics``.
    formats : tuple of str
        ``FP16:8`` data type and vector size: of the inputs, then ``->``, then of the outputs.
    raw_formats : str
        The formats as printed, with strides.
    time_ms : float
        Time in milliseconds.
    chosen : bool
        Whether the log says that its combination of formats chose it.
    line, run : int
        Where the time stands.
    """

    runner: str | None
    tactic: str
    kernel: str | None
    formats: tuple[str, ...]
    raw_formats: str
    time_ms: float
    chosen: bool
    line: int
    run: int = 0


def format_key(text: str | None) -> str:
    """Return data type and vector size of one format: ``FP16:8``; ``?`` where it cannot be read.

    Strides and dimensions are left out, so that formats of different shapes compare.

    Examples
    --------
    >>> format_key("Half(24200,1:8,440,8)"), format_key("Float[1,64,56,56]"), format_key(None)
    ('FP16:8', 'FP32', '?')
    """
    if not text:
        return "?"
    decoded = decode_format(text)
    if decoded is None or decoded.dtype is None:
        return "?"
    return f"{decoded.dtype}:{decoded.vector_size}" if (decoded.vector_size or 1) > 1 else decoded.dtype


class _FormatKeys(dict[str, tuple[str, ...]]):
    """Lists of formats as keys, each text decoded once."""

    def __missing__(self, text: str) -> tuple[str, ...]:
        keys = tuple(format_key(piece) for piece in split_formats(text))
        self[text] = keys
        return keys


def read_candidates(log: Log) -> dict[str, list[TacticTime]]:
    """Return the timed tactics of a log by layer; times that stand for a failure are left out."""
    table = log.table("tactics")
    names = ("layer", "runner", "tactic", "kernel", "input_formats", "output_formats", "time_ms", "chosen", "line")
    keys = _FormatKeys()
    combinations: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {}
    found: dict[str, list[TacticTime]] = {}
    for layer, runner, tactic, kernel, inputs, outputs, time, chosen, line, run in zip(
        *(_values(table, name) for name in (*names, "run")), strict=True
    ):
        if layer is None or time is None or not 0 < time < UNTIMED_MS:
            continue
        sides = inputs or "", outputs or ""
        if sides not in combinations:
            combinations[sides] = (*keys[sides[0]], "->", *keys[sides[1]]), f"{sides[0]} -> {sides[1]}"
        formats, raw = combinations[sides]
        found.setdefault(layer.strip(), []).append(
            TacticTime(runner, tactic, kernel, formats, raw, time, bool(chosen), line, run)
        )
    return found


def _values(table: pa.Table, name: str) -> list[Any]:
    """Return a column as Python values; those of a dictionary are made once, not once a row."""
    import pyarrow as pa

    values = table.column(name).combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of no chunks at all
        return values.to_pylist()  # type: ignore[no-any-return]
    if pa.types.is_dictionary(values.type):
        words = values.dictionary.to_pylist()
        return [None if i is None else words[i] for i in values.indices.to_pylist()]
    return values.to_pylist()  # type: ignore[no-any-return]


def used_tactic(
    candidates: tuple[TacticTime, ...],
    tactic: str | None,
    type_: str | None,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> TacticTime | None:
    """Return the timing of what the engine runs: the same tactic, then runner, formats, the log's own choice.

    Without an engine's layers the fastest of the chosen ones stands for it.
    """
    if tactic is None:
        return min((c for c in candidates if c.chosen), key=lambda c: c.time_ms, default=None)
    same = [c for c in candidates if c.tactic == tactic]
    if not same:
        return None

    def rank(candidate: TacticTime) -> tuple[bool, bool, bool, bool, float]:
        split = candidate.formats.index("->")
        return (
            candidate.runner != type_,
            candidate.formats[split + 1 :][:1] != outputs[:1],
            candidate.formats[:split][:1] != inputs[:1],
            not candidate.chosen,
            candidate.time_ms,
        )

    return min(same, key=rank)
