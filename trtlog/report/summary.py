"""One log on one screen: what ran, on what, headline numbers, phases, top layers, warnings."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from trtlog.records.options import Performance, Statistics

if TYPE_CHECKING:
    from trtlog.log import Log

_STATUS_STYLE = {"passed": "bold green", "failed": "bold red", "incomplete": "bold yellow", "waived": "yellow"}
_SEVERITY_STYLE = {"warning": "yellow", "error": "red", "fatal": "bold red"}
_TOP = 5
_MESSAGES = 6
_BAR = 20


def summary(log: Log) -> RenderableType:
    """Return the summary of one run as something rich can print.

    Parameters
    ----------
    log : Log
        A log of one run; for a file of several give each of ``log.runs``.
    """
    parts: list[RenderableType] = [_title(log), _facts(log)]
    for part in (_performance(log), _phases(log), _search(log), _layers(log), _messages(log), _coverage(log)):
        if part is not None:
            parts.append(part)
    return Group(*parts)


def _title(log: Log) -> RenderableType:
    run = log.run
    title = Text(run.tool or "TensorRT", style="bold")
    if run.tensorrt_version:
        title.append(f"  TensorRT {run.tensorrt_version}")
    if run.build:
        title.append(f" build {run.build}")
    if run.status:
        title.append("  ")
        title.append(run.status, style=_STATUS_STYLE[run.status])
    return title


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _facts(log: Log) -> RenderableType:
    run, device = log.run, log.device
    build, inference = log.build, log.inference
    grid = _grid()
    if run.command:
        grid.add_row("command", Text(run.command))
    model = log.model.model or build.load_engine
    if model:
        shapes = ", ".join(s for s in (inference.input_shapes or []) if s != "model")
        grid.add_row("model", Text(f"{model}{f'  at {shapes}' if shapes else ''}"))
    if device is not None and device.name:
        capability = device.compute_capability
        known = [f"compute capability {capability}" if capability else "", _memory(device)]
        grid.add_row("GPU", Text(", ".join([device.name, *(k for k in known if k)])))
    if build.precision:
        grid.add_row("precision", Text(build.precision))
    if run.started_at and run.finished_at:
        grid.add_row("time", Text(f"{run.started_at} to {run.finished_at} ({run.finished_at - run.started_at})"))
    return grid


def _memory(device: Any) -> str:
    return f"{device.memory_mib} MiB" if device.memory_mib is not None else ""


def _performance(log: Log) -> RenderableType | None:
    performance = log.performance
    if performance == Performance():
        return None
    head = Text()
    if performance.throughput_qps is not None:
        head.append(f"throughput {performance.throughput_qps:.10g} qps", style="bold")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms")
    percentiles = sorted({p for s in _statistics(performance).values() for p in s.percentiles})
    names = ["min", "mean", "median", *(f"p{p:g}" for p in percentiles), "max"]
    for name in names:
        table.add_column(name, justify="right")
    for label, statistic in _statistics(performance).items():
        values = [statistic.min_ms, statistic.mean_ms, statistic.median_ms]
        values += [statistic.percentile(p) for p in percentiles]
        values.append(statistic.max_ms)
        table.add_row(label, *("" if v is None else f"{v:.10g}" for v in values))
    return Group(Rule(style="dim"), head, table)


def _statistics(performance: Performance) -> dict[str, Statistics]:
    named = {
        "latency": performance.latency,
        "end-to-end host latency": performance.end_to_end_host_latency,
        "GPU compute time": performance.gpu_compute_time,
        "enqueue time": performance.enqueue_time,
        "H2D latency": performance.h2d_latency,
        "D2H latency": performance.d2h_latency,
    }
    return {name: value for name, value in named.items() if value is not None}


def _phases(log: Log) -> RenderableType | None:
    rows = log.table("phases").to_pylist()
    if not rows:
        return None
    longest = max(row["seconds"] for row in rows) or 1.0
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="cyan")
    for row in rows:
        bar = "█" * max(1, round(_BAR * row["seconds"] / longest)) if row["seconds"] > 0 else ""
        table.add_row(row["name"].replace("_", " "), f"{row['seconds']:.10g} s", bar)
    return Group(Rule("build phases", align="left", style="dim"), table)


def _search(log: Log) -> RenderableType | None:
    """What the builder looked at: layers through the passes, fusions, timed tactics."""
    grid = _grid()
    passes = log.table("passes").to_pylist()
    if passes:
        counts = [passes[0], *(b for a, b in pairwise(passes) if a["layers"] != b["layers"])]
        grid.add_row("layers", Text(" → ".join(f"{p['layers']} {p['name']}" for p in counts)))
    fused = sum(1 for action in log.table("fusions").column("action").to_pylist() if action == "fuse")
    tactics, timings = log.table("tactics").num_rows, log.table("timings").num_rows
    if tactics or timings:
        grid.add_row("tactics", f"{tactics} timed in {timings} runner blocks, {fused} fusions")
    reformats = log.table("reformats").num_rows
    if reformats:
        grid.add_row("reformats", f"{reformats} layers added")
    totals = {row["name"]: row["bytes"] for row in log.table("memory_totals").to_pylist()}
    if totals:
        grid.add_row("memory", ", ".join(f"{name.replace('_', ' ')} {_size(size)}" for name, size in totals.items()))
    return grid if grid.row_count else None


def _size(size: int) -> str:
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{size} B"


def _layers(log: Log) -> RenderableType | None:
    """The slowest layers of the profile, or of the chosen tactics where nothing was profiled."""
    rows = log.table("profile").to_pylist()
    if rows and rows[-1]["layer"] == "Total":  # a layer may bear this name; the total is the last row
        rows.pop()
    if rows:
        title, key = "top layers of the profile", "avg_ms"
        top = sorted(rows, key=lambda r: -(r["avg_ms"] or 0))[:_TOP]
        shown = [(r["layer"], f"{r['avg_ms']:.10g} ms", f"{r['percent']:.10g} %") for r in top]
    else:
        timings = [r for r in log.table("timings").to_pylist() if r["chosen"] and r["fastest_ms"] is not None]
        if not timings:
            return None
        best: dict[str, dict[str, Any]] = {}
        for row in timings:
            if row["layer"] not in best or row["fastest_ms"] < best[row["layer"]]["fastest_ms"]:
                best[row["layer"]] = row
        title, key = "slowest layers, by their fastest chosen tactic (no profile: add --dumpProfile)", "fastest_ms"
        top = sorted(best.values(), key=lambda r: -r[key])[:_TOP]
        shown = [(r["layer"], f"{r['fastest_ms']:.10g} ms", r["runner"]) for r in top]
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for layer, time, more in shown:
        table.add_row(time, more, Text(layer))
    return Group(Rule(title, align="left", style="dim"), table)


def _messages(log: Log) -> RenderableType | None:
    rows = log.table("messages").to_pylist()
    if not rows:
        return None
    order = {"fatal": 0, "error": 1, "warning": 2}
    seen: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        seen.setdefault((row["severity"], row["text"].splitlines()[0] if row["text"] else ""), []).append(row["line"])
    ranked = sorted(seen.items(), key=lambda item: (order[item[0][0]], item[1][0]))
    counts = {s: sum(1 for r in rows if r["severity"] == s) for s in order}
    title = ", ".join(f"{n} {s}{'s' if n > 1 and s != 'fatal' else ''}" for s, n in counts.items() if n)
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    for (severity, words), lines in ranked[:_MESSAGES]:
        times = f" (x{len(lines)})" if len(lines) > 1 else ""
        table.add_row(f"line {lines[0]}", Text(words + times, style=_SEVERITY_STYLE[severity]))
    if len(ranked) > _MESSAGES:
        table.add_row("", Text(f"and {len(ranked) - _MESSAGES} more: trtlog show messages", style="dim"))
    return Group(Rule(title, align="left", style="dim"), table)


def _coverage(log: Log) -> RenderableType:
    rows = log.table("coverage").to_pylist()
    total = sum(row["lines"] for row in rows)
    unknown = next((row["lines"] for row in rows if row["kind"] == "unknown"), 0)
    return Text(f"{total} lines read, {unknown} unknown", style="dim")
