"""The timed tactics of a build by layer, and which of them the engine runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trtlog.values.formats import decode_format, split_formats

if TYPE_CHECKING:
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
    """

    runner: str | None
    tactic: str
    kernel: str | None
    formats: tuple[str, ...]
    raw_formats: str
    time_ms: float
    chosen: bool
    line: int


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
    """Return the timed tactics of a log's layers, without those of reformats under their layer's name."""
    table = log.table("tactics").select(
        [
            "layer",
            "runner",
            "kind",
            "input_formats",
            "output_formats",
            "tactic",
            "kernel",
            "time_ms",
            "chosen",
            "line",
        ]
    )
    keys = _FormatKeys()
    found: dict[str, list[TacticTime]] = {}
    for batch in table.to_batches(max_chunksize=65536):
        for row in batch.to_pylist():
            layer, time = row["layer"], row["time_ms"]
            if layer is None or time is None or not 0 < time < UNTIMED_MS:
                continue
            inputs, outputs = row["input_formats"] or "", row["output_formats"] or ""
            formats = (*keys[inputs], "->", *keys[outputs])
            found.setdefault(layer.strip(), []).append(
                TacticTime(
                    row["runner"],
                    row["tactic"],
                    row["kernel"],
                    formats,
                    f"{inputs} -> {outputs}",
                    time,
                    bool(row["chosen"]),
                    row["line"],
                )
            )
    return found


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
