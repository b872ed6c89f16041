"""What a log lacks, why, and which flag of trtexec prints it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trtlog.log import Log

# Table -> (what is missing, the flag that prints it, whether it is printed by a build only).
_NEEDS: dict[str, tuple[str, str, bool]] = {
    "tactics": ("timed tactics", "--verbose", True),
    "timings": ("'Timing Runner' lines", "--verbose", True),
    "combinations": ("format combinations", "--verbose", True),
    "engine_layers": ("engine layers", "--dumpLayerInfo --profilingVerbosity=detailed", False),
    "passes": ("passes of the graph optimizer", "--verbose", True),
    "fusions": ("rewrites of the graph", "--verbose", True),
    "onnx_nodes": ("imported ONNX nodes", "--verbose", True),
    "memory_totals": ("memory totals of the engine", "--verbose", True),
    "profile": ("layer profile", "--dumpProfile --separateProfileRun", False),
    "performance": ("performance summary", "", False),
}


def advice(log: Log, tables: Sequence[str]) -> str | None:
    """Return one paragraph on the lines that a log lacks, None where it has all.

    Parameters
    ----------
    log : Log
        A log of one run.
    tables : sequence of str
        The tables that must hold rows.
    """
    lacking = [name for name in tables if name in _NEEDS and not log.table(name).num_rows]
    if not lacking:
        return None
    what = [_NEEDS[name][0] for name in lacking]
    flags = list(dict.fromkeys(flag for name in lacking for flag in _NEEDS[name][1].split()))
    words = f"{log.source} holds no {' and no '.join(what)}."
    reasons = _reasons(log, lacking)
    if "performance" in lacking:
        reasons.append(
            "It is printed by a run with inference, that is without --skipInference (--buildOnly up to 8.5)."
        )
    if flags:
        reasons.append(f"To get them, run trtexec with {' '.join(flags)}.")
    return " ".join([words, *reasons])


def _reasons(log: Log, lacking: Sequence[str]) -> list[str]:
    """Return sentences on why the lines are not there."""
    if len(log.runs) != 1:
        return []
    build, run = log.build, log.run
    out = []
    built = any(_NEEDS[name][2] for name in lacking)
    if built and (build.load_engine or (run.command and "--loadEngine" in run.command)):
        out.append("The engine was loaded, not built: the builder's lines are in the log of its build.")
    elif "tactics" in lacking and run.tool and "rtx" in run.tool.lower():
        out.append("TensorRT-RTX compiles kernels at run time and times no tactics in a build.")
    elif run.status in ("failed", "incomplete"):
        out.append("The run did not finish: 'trtlog lint' looks for the cause.")
    elif log.reporting.verbose is False and any("--verbose" in _NEEDS[name][1] for name in lacking):
        out.append("It was made without --verbose.")
    if "tactics" in lacking and log.table("combinations").num_rows:
        out.append("Format combinations are there, so the timing cache may have answered: try an empty one.")
    return out
