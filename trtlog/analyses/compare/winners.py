"""The layers for which two builds chose otherwise, each with a cause: a view of what a diff pairs and times."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from trtlog.analyses.compare.candidates import candidate_rows, layer_shifts, tactic_row, usual_margin
from trtlog.analyses.compare.diff import diff
from trtlog.analyses.layer.base import answer
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.risk import timing_noise
from trtlog.log import Log
from trtlog.records.base import Record, column, line_column, record


@record(frozen=True)
class WinnerChange(Record):
    """A layer for which two builds of the same network chose different tactics or formats."""

    layer: str = column("name", "layer")
    first_tactic: str = column("name", "tactic in the first engine")
    first_kernel: str | None = column("name", "its kernel, else its runner")
    first_formats: str | None = column("name", "data type and layout of its first input")
    second_tactic: str = column("name", "tactic in the second engine")
    second_kernel: str | None = column("name", "its kernel, else its runner")
    second_formats: str | None = column("name", "data type and layout of its first input")
    margin_first_percent: float | None = column(
        "float64", "in the first build: how much slower the second's choice was; null where it was not timed", "%"
    )
    margin_second_percent: float | None = column(
        "float64", "in the second build: how much slower the first's choice was; null where it was not timed", "%"
    )
    noise_percent: float = column(
        "float64", "what equally fast tactics of this length differ by, timed side by side, in nine of ten cases", "%"
    )
    drift_percent: float | None = column(
        "float64", "median change of the layer's candidates from the first build to the second", "%"
    )
    cause: str = column(
        "name",
        "noise: the margin lies within it in either build; drift: the layer's timings differ as a whole; formats: "
        "other formats, which the whole network decides; unexplained; unknown: not timed in both",
    )
    line_first: int | None = line_column("the time in the first log")
    line_second: int | None = line_column("the time in the second log")


def winner_changes(log: Log, other: Log) -> pa.Table:
    """List layers whose tactic or formats in the engine differ between two builds, with margin and noise in both."""
    first, second = layers_of(log), layers_of(other)
    found = diff(log, other)
    pairs = found.alignment.pairs if found.alignment and found.alignment.same_model else ()
    shifts = layer_shifts(candidate_rows(pairs))
    noises = timing_noise(first), timing_noise(second)
    out = []
    for pair in pairs:
        if len(pair.control) != 1 or len(pair.test) != 1:
            continue
        control, test = pair.control[0], pair.test[0]
        ours, theirs = control.timing, test.timing
        if control.role != "layer" or ours.borrowed or theirs.borrowed or ours.row is None or theirs.row is None:
            continue
        before, after = first.timed_tactics[ours.row], second.timed_tactics[theirs.row]
        if all(before[name] == after[name] for name in ("tactic", "runner", "input_formats", "output_formats")):
            continue
        margins = tactic_row(control, test, found.machine, lambda: noises)
        first_margin, second_margin = margins["control_margin_percent"], margins["test_margin_percent"]
        limit = usual_margin(control, test, noises)
        drift = 100 * (shifts[test.layer] - 1) if test.layer in shifts else None
        out.append(
            {
                "layer": control.layer,
                **_side("first", before),
                **_side("second", after),
                "margin_first_percent": first_margin,
                "margin_second_percent": second_margin,
                "noise_percent": limit,
                "drift_percent": drift,
                "cause": _cause(before, after, first_margin, second_margin, limit, drift),
            }
        )
    return answer(WinnerChange, out)


def _side(prefix: str, row: Any) -> dict[str, Any]:
    return {
        f"{prefix}_tactic": row["tactic"],
        f"{prefix}_kernel": row["kernel"] or row["runner"],
        f"{prefix}_formats": row["input_layout"],
        f"line_{prefix}": int(row["line"]),
    }


def _cause(a: Any, b: Any, in_a: float | None, in_b: float | None, limit: float, drift: float | None) -> str:
    if in_a is None or in_b is None:
        return "unknown"
    if any(a[n] != b[n] for n in ("input_formats", "output_formats")):
        return "formats"
    if min(abs(in_a), abs(in_b)) <= limit:
        return "noise"
    if drift is not None and abs(drift) > limit:
        return "drift"
    return "unexplained"
