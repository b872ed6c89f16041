"""One log on one screen: what ran, on what, headline numbers, phases, passes, slowest layers, warnings."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from trtlog._util.redact import redact
from trtlog._util.words import counted
from trtlog.records.options import Performance, Statistics
from trtlog.report.terminal.text import Bar, Cell, Column, Heading, Sheet

if TYPE_CHECKING:
    from trtlog.log import Log

STATUS_STYLES = {"passed": "bold green", "failed": "bold red", "incomplete": "bold yellow", "waived": "yellow"}
SEVERITY_STYLES = {"warning": "yellow", "error": "red", "fatal": "bold red"}
_TOP = 5
_MESSAGES = 6
_PASSES = 10
_FACTS = (Column("", "code", "dim"), Column("", "words"))


def summary(log: Log) -> RenderableType:
    """Return the summary of one run as something rich can print.

    Parameters
    ----------
    log : Log
        A log of one run; for a file of several give each of ``log.runs``.
    """
    parts: list[RenderableType] = [_title(log), Sheet(_FACTS, _facts(log))]
    for part in (_performance, _phases, _passes, _search, _layers, _messages, _missing):
        made = part(log)
        if made is not None:
            parts.append(made)
    return Group(*parts, _coverage(log))


def _title(log: Log) -> RenderableType:
    from trtlog.analyses.missing import is_rtx, product

    run = log.run
    title = Text(run.tool or "TensorRT", style="bold")
    if run.tensorrt_version or is_rtx(log):
        title.append(f"  {product(log)}")
    if run.build:
        title.append(f" build {run.build}")
    if run.status:
        title.append("  ")
        title.append(run.status, style=STATUS_STYLES[run.status])
    return title


def _facts(log: Log) -> list[tuple[str, str]]:
    run, device = log.run, log.device
    build, inference = log.build, log.inference
    facts = [("command", redact(run.command or ""))]
    model = log.model.model or build.load_engine
    shapes = ", ".join(s for s in (inference.input_shapes or []) if s != "model")
    if model:
        facts.append(("model", f"{redact(model)}{f'  at {shapes}' if shapes else ''}"))
    if device is not None and device.name:
        capability = f"compute capability {device.compute_capability}" if device.compute_capability else ""
        memory = f"{device.memory_mib} MiB" if device.memory_mib is not None else ""
        facts.append(("GPU", ", ".join(word for word in (device.name, capability, memory) if word)))
    facts.append(("precision", build.precision or ""))
    if run.started_at and run.finished_at:
        facts.append(("time", f"{run.started_at} to {run.finished_at} ({run.finished_at - run.started_at})"))
    return [(name, value) for name, value in facts if value]


def _performance(log: Log) -> RenderableType | None:
    performance = log.performance
    if performance == Performance():
        return None
    parts: list[RenderableType] = [Heading("performance")]
    if performance.throughput_qps is not None:
        parts.append(Text(f"throughput {performance.throughput_qps:.10g} qps", style="bold"))
    named = _statistics(performance)
    percentiles = sorted({p for statistic in named.values() for p in statistic.percentiles})
    names = ["min", "mean", "median", *(f"p{p:g}" for p in percentiles), "max"]
    values: dict[str, list[str]] = {}
    for label, statistic in named.items():
        of_all = [statistic.min_ms, statistic.mean_ms, statistic.median_ms]
        of_all += [statistic.percentile(p) for p in percentiles]
        of_all.append(statistic.max_ms)
        values[label] = ["" if v is None else f"{v:.10g}" for v in of_all]
    first = Column("ms", "words")
    turned = Sheet(
        [first, *(Column(label.removesuffix(" time").removesuffix(" latency"), "number") for label in values)],
        [[name, *row] for name, *row in zip(names, *values.values(), strict=True)],
    )
    rows = [[label, *row] for label, row in values.items()]
    parts.append(Sheet([first, *(Column(name, "number") for name in names)], rows, narrow=turned))
    return Group(*parts)


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
    shown: list[list[Cell]] = [
        [row["name"].replace("_", " "), f"{row['seconds']:.10g} s", Bar(row["seconds"] / longest)] for row in rows
    ]
    return Group(
        Heading("build phases, as printed: one may hold another"),
        Sheet((Column("", "words", "dim"), Column("", "number"), Column("", "bar")), shown),
    )


def _passes(log: Log) -> RenderableType | None:
    """Layers after each pass that changed their number."""
    passes = log.table("passes").to_pylist()
    if not passes:
        return None
    most = max(p["layers"] for p in passes) or 1
    shown: list[list[Cell]] = [[passes[0]["name"], str(passes[0]["layers"]), "", Bar(passes[0]["layers"] / most)]]
    for before, after in pairwise(passes):
        change = after["layers"] - before["layers"]
        if change:
            style = "green" if change < 0 else "yellow"
            bar = Bar(after["layers"] / most)
            shown.append([after["name"], str(after["layers"]), Text(f"{change:+d}", style=style), bar])
    if len(shown) > _PASSES:
        left = len(shown) - _PASSES
        more = Text(f"... {left} more that changed the number: trtlog fusions LOG", style="dim")
        shown = [*shown[: _PASSES - 1], [more, "", "", ""], shown[-1]]
    columns = (Column("", "words", "dim"), Column("", "number"), Column("", "number"), Column("", "bar"))
    return Group(Heading("layers after the passes of the optimizer"), Sheet(columns, shown))


def _search(log: Log) -> RenderableType | None:
    """What the builder looked at: fusions, timed tactics, reformats, memory."""
    facts = []
    fused = sum(1 for action in log.table("fusions").column("action").to_pylist() if action == "fuse")
    tactics, timings = log.table("tactics").num_rows, log.table("timings").num_rows
    if tactics or timings:
        facts.append(("tactics", f"{tactics} timed in {counted(timings, 'runner block')}, {counted(fused, 'fusion')}"))
    reformats = log.table("reformats").num_rows
    if reformats:
        facts.append(("reformats", f"{counted(reformats, 'layer')} added"))
    totals = {row["name"]: row["bytes"] for row in log.table("memory_totals").to_pylist()}
    if totals:
        words = ", ".join(f"{name.replace('_', ' ')} {_size(size)}" for name, size in totals.items())
        facts.append(("memory", words))
    return Group(Heading("builder"), Sheet(_FACTS, facts)) if facts else None


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
        title = f"slowest of {counted(len(rows), 'layer')} in the profile"
        top = sorted(rows, key=lambda r: -(r["avg_ms"] or 0))[:_TOP]
        found = [(r["layer"], r["avg_ms"], f"{r['percent']:.10g} %" if r["percent"] is not None else "") for r in top]
    else:
        best: dict[str, dict[str, Any]] = {}
        for row in log.table("timings").to_pylist():
            if not row["chosen"] or row["fastest_ms"] is None:
                continue
            if row["layer"] not in best or row["fastest_ms"] < best[row["layer"]]["fastest_ms"]:
                best[row["layer"]] = row
        title = "slowest layers, by their fastest chosen tactic (no profile)"
        top = sorted(best.values(), key=lambda r: -r["fastest_ms"])[:_TOP]
        found = [(r["layer"], r["fastest_ms"], r["runner"]) for r in top]
    if not found:
        return None
    longest = max(time or 0.0 for _, time, _ in found) or 1.0
    shown: list[list[Cell]] = [
        ["" if time is None else f"{time:.10g} ms", Bar((time or 0.0) / longest, width=8), Text(more, "dim"), layer]
        for layer, time, more in found
    ]
    columns = (Column("", "number"), Column("", "bar"), Column("", "number"), Column("", "name"))
    return Group(Heading(title), Sheet(columns, shown))


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
    title = ", ".join(counted(n, s, s if s == "fatal" else "") for s, n in counts.items() if n)
    shown: list[list[Cell]] = []
    for (severity, words), lines in ranked[:_MESSAGES]:
        times = f" (x{len(lines)})" if len(lines) > 1 else ""
        shown.append([f"line {lines[0]}", Text(redact(words) + times, style=SEVERITY_STYLES[severity])])
    parts: list[RenderableType] = [Heading(title), Sheet((Column("", "number", "dim"), Column("", "words")), shown)]
    if len(ranked) > _MESSAGES:
        parts.append(Text(f"and {len(ranked) - _MESSAGES} more: trtlog show messages LOG", style="dim"))
    return Group(*parts)


def _missing(log: Log) -> RenderableType | None:
    """What a verbose log with inference would show here besides."""
    from trtlog.analyses.missing import advice

    words = advice(log, ("tactics", "passes", "profile", "performance"))
    return Group(Heading("not in this log"), Text(words, style="dim")) if words else None


def _coverage(log: Log) -> RenderableType:
    rows = log.table("coverage").to_pylist()
    total = sum(row["lines"] for row in rows)
    unknown = next((row["lines"] for row in rows if row["kind"] == "unknown"), 0)
    text = Text(f"{counted(total, 'line')} read, ", style="dim")
    return text.append(f"{unknown} unknown", style="yellow" if unknown else "dim")
