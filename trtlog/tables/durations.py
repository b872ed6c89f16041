"""How long a build took, of the durations that a log prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# The first that a log prints: trtexec's own figure holds all that it built.
_BUILD_PHASES = ("engine_built", "engine_generation", "builder")


def build_phases(phases: pa.Table) -> list[dict[str, Any]]:
    """Return the phases that the time of a build is the sum of.

    ``Engine built in`` is trtexec's figure for the whole build. Where it is not printed, ``Engine generation completed
    in`` is, once for each engine and each backend strategy that was tried.

    Parameters
    ----------
    phases : pyarrow.Table
        The table of that name, of one run.
    """
    timed = [row for row in phases.to_pylist() if row["seconds"] is not None]
    by_name = ([row for row in timed if row["name"] == name] for name in _BUILD_PHASES)
    return next((found for found in by_name if found), [])


def build_seconds(phases: pa.Table) -> float | None:
    """Return the seconds that a run spent on building engines, None where the log does not tell.

    Examples
    --------
    >>> import trtlog
    >>> build_seconds(trtlog.parse("fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz").table("phases"))
    23.2068
    """
    found = build_phases(phases)
    return sum(row["seconds"] for row in found) if found else None
