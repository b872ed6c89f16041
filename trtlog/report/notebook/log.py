"""How a log and what hangs on it show themselves in a notebook."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from trtlog._util.words import plural
from trtlog.analyses.registry import METHODS
from trtlog.records import TABLES, Record
from trtlog.records.options import Statistics
from trtlog.report.notebook.fragment import (
    Html,
    badge,
    block,
    dim,
    items,
    join,
    line,
    number,
    strong,
    table,
    text,
    tiles,
)
from trtlog.report.page.page import head

if TYPE_CHECKING:
    from trtlog.analyses.handle import Analyses
    from trtlog.log import Log, Tables
    from trtlog.records.options import Performance
    from trtlog.report.plots.plots import Plots

_RUNS = 10
_ERRORS = 3
_LONGEST = 1500
_NAMES = (("", False), ("", False))


def log_html(log: Log) -> str:
    """Return the headline of each run: model, GPU, version, precision, numbers; errors where it failed."""
    parts = [_run(run) for run in log.runs[:_RUNS]]
    more = len(log.runs) - _RUNS
    if more > 0:
        parts.append(line(dim(f"... and {more} more {plural(more, 'run')}: log.runs")))
    parts += [line(strong("Note:"), note) for note in log.notes]
    return block(*parts)


def _run(log: Log) -> Html:
    shown = head(log)
    parts = [line(strong(shown["name"]), badge(shown["status"])), line(" · ".join(shown["facts"]))]
    if shown["status"] in ("failed", "incomplete"):
        errors = [row for row in log.table("messages").to_pylist() if row["severity"] in ("error", "fatal")]
        parts += [line(badge(row["severity"]), row["text"], dim(f"line {row['line']}")) for row in errors[:_ERRORS]]
    parts.append(tiles((tile["label"], number(tile["value"]), tile["unit"]) for tile in shown["tiles"]))
    return join(parts, "")


def record_html(record: Record) -> str:
    """Return a record: names and values with units, meanings on hover; what is null is left out."""
    columns = type(record).columns()
    return _fields(type(record).__name__, [(n, getattr(record, n), c.unit, c.doc) for n, c in columns.items()])


def options_html(options: Any) -> str:
    """Return an option section: what the log prints of it, then the keys that no field names."""
    known = []
    for field in dataclasses.fields(options):
        if field.name != "other":
            column = field.metadata["column"]
            known.append((field.name, getattr(options, field.name), column.unit, column.doc))
    for key, values in options.other.items():
        shown = ", ".join("(empty)" if value is None else value for value in values)
        known.append((f"other[{key!r}]", shown, "", "a key that no field names, with all its values"))
    return _fields(type(options).__name__, known)


def _fields(title: str, fields: list[tuple[str, Any, str, str]]) -> str:
    held = [field for field in fields if field[1] is not None]
    rows = [(strong(name), text(f"{_plain(value)} {unit}".rstrip(), _LONGEST)) for name, value, unit, _ in held]
    if not rows:
        return block(line(strong(title)), line(dim("the log prints nothing of it")))
    return block(line(strong(title)), table(_NAMES, rows, most=60, hints=[doc for _, _, _, doc in held]))


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    return str(value)


def performance_html(performance: Performance) -> str:
    """Return the performance summary: totals, then a line for each time that was measured."""
    named = [(field.name, getattr(performance, field.name)) for field in dataclasses.fields(performance)]
    times = [(name, value) for name, value in named if isinstance(value, Statistics)]
    totals = [
        (" ".join(name.split("_")[:-1]), number(value), name.rpartition("_")[2])
        for name, value in named
        if isinstance(value, float)
    ]
    if not times and not totals:
        return block(line(strong("Performance")), line(dim("the log prints no performance summary")))
    percentiles = sorted({percent for _, value in times for percent in value.percentiles})
    heads = [("ms", False), *((name, True) for name in ("min", "mean", "median"))]
    heads += [(f"p{percent:g}", True) for percent in percentiles] + [("max", True)]
    rows = [[name.replace("_", " "), *_statistics(value, percentiles)] for name, value in times]
    return block(line(strong("Performance")), tiles(totals), table(heads, rows) if rows else "")


def _statistics(times: Statistics, percentiles: list[float]) -> list[str]:
    values = [times.min_ms, times.mean_ms, times.median_ms, *map(times.percentile, percentiles), times.max_ms]
    return [number(value) for value in values]


def statistics_html(times: Statistics) -> str:
    """Return the statistics of one measured time."""
    percentiles = sorted(times.percentiles)
    heads = [(name, True) for name in ("min", "mean", "median")]
    heads += [(f"p{percent:g}", True) for percent in percentiles] + [("max", True)]
    return block(line(strong("Statistics"), "ms"), table(heads, [_statistics(times, percentiles)]))


def tables_html(tables: Tables) -> str:
    """Return the tables of a log: how many rows each has, and what they are."""
    log = tables.log
    rows = [
        (strong(name), log.table(name).num_rows, " ".join((record.__doc__ or "").replace("``", "").split()))
        for name, record in TABLES.items()
    ]
    held = [row for row in rows if row[1]]
    empty = ", ".join(str(name) for name in TABLES if not log.table(name).num_rows)
    parts = [line(strong("Tables"), f"of {log.source}"), table([("table", False), ("rows", True), ("a row is", False)],
             held, most=len(held))]  # fmt: skip
    if empty:
        parts.append(line(dim(f"without rows: {empty}")))
    return block(*parts)


def analyses_html(analyses: Analyses) -> str:
    """Return what can be computed of a log, and why an analysis would be empty."""
    rows: list[tuple[Html, str]] = []
    missing: dict[str, list[str]] = {}
    for name, analysis in METHODS.items():
        advice = analyses.missing(name)
        if advice is None:
            rows.append((Html(f"<code>{text(f'log.analyze.{name}()')}</code>"), _first(analysis.about)))
        else:
            missing.setdefault(advice, []).append(name)
    parts = [line(strong("Analyses"))]
    parts += [table((("answered here", False), ("with", False)), rows, most=len(rows))] if rows else []
    parts += [line(strong(", ".join(names)), dim(advice)) for advice, names in missing.items()]
    return block(*parts)


def plots_html(plots: Plots) -> str:
    """Return the plots of a log."""
    from trtlog.report.plots.plots import Plots

    names = [name for name, held in vars(Plots).items() if callable(held) and not name.startswith("_")]
    shown = [join((Html(f"<code>log.plot.{name}()</code>"), _first(getattr(Plots, name).__doc__))) for name in names]
    return block(line(strong("Plots")), items(shown))


def _first(doc: str | None) -> str:
    return (doc or "").strip().splitlines()[0].replace("``", "")
