"""How a sweep and the folder of a run show themselves in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trtlog._util.words import counted
from trtlog.report.notebook.fragment import badge, block, dim, join, line, number, strong, table, text
from trtlog.report.plots.sweep import in_words

if TYPE_CHECKING:
    from trtlog.runner.folder import RunFolder
    from trtlog.runner.study import Recommendation, Sweep

# What fits beside each other; the frame of the sweep holds every column.
SHOWN = (
    "throughput_qps",
    "samples_per_s",
    "latency_median_ms",
    "latency_p99_ms",
    "engine_gpu_mib",
    "build_s",
    "status",
)
_POINTS = 40


def shown_columns(sweep: Sweep) -> list[str]:
    """Return the columns of a sweep's table that are shown: the point, and the measures that it has."""
    names = ["point", *(name for name in SHOWN if name in sweep.rows[0])]
    if sweep.speed_column == "throughput_qps":
        names.remove("samples_per_s")
    return names


def sweep_html(sweep: Sweep) -> str:
    """Return a sweep: a line for each point, causes of failures, what to use."""
    done = sum(row["status"] == "passed" for row in sweep.rows)
    title = line(strong("Sweep"), sweep.path.name, dim(f"{done} of {counted(len(sweep.points), 'point')} passed"))
    names = shown_columns(sweep)
    rows = [
        [badge(row[name]) if name == "status" else number(row[name]) for name in names] for row in sweep.rows
    ]
    heads = [(in_words(name), name not in ("point", "status")) for name in names]
    parts = [title, table(heads, rows, most=_POINTS)]
    parts += [line(strong(row["point"]), row["cause"]) for row in sweep.rows if row["cause"]]
    best = sweep.recommend() if _has_p99(sweep) else None
    if best is not None:
        parts.append(line(strong("Recommended:") if best.row else "", best.text))
    return block(*parts)


def _has_p99(sweep: Sweep) -> bool:
    return any(row.get("latency_p99_ms") is not None for row in sweep.rows)


def recommendation_html(found: Recommendation) -> str:
    """Return a recommendation: the sentence, and the point's measures."""
    return block(line(strong(found.row["point"]) if found.row else "", found.text))


def folder_html(folder: RunFolder) -> str:
    """Return the folder of a run: what became of it, why, and what it left."""
    result = folder.result or {}
    command = " ".join(str(part) for part in folder.command.get("argv", ()))
    files = ", ".join(sorted(path.name for path in {folder.log_path, *folder.files.values()} if path.exists()))
    rows = [
        ("command", text(command, 1500)),
        ("trtexec", folder.command.get("version")),
        ("cause", result.get("cause")),
        ("exit code", result.get("exit_code")),
        ("signal", result.get("signal")),
        ("seconds", number(result.get("wall_s"))),
        ("files", files),
    ]
    held = [(strong(name), value) for name, value in rows if value not in (None, "")]
    title = join((strong("Run"), folder.path.name, badge(folder.status or "not finished")))
    return block(line(title), table((("", False), ("", False)), held))
