"""What a notebook shows of a log and of what hangs on it: its headline, records, sections, tables, analyses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog._util.words import base_name, plural
from trtlog.analyses.build.builds import builds_of
from trtlog.analyses.layer.messages import messages_of
from trtlog.analyses.programs import model_of, product
from trtlog.analyses.registry import methods
from trtlog.records import TABLES, Record
from trtlog.records.options import Statistics
from trtlog.report.document import Block, Cell, Column, Document, Note, Point, Points, Sentence, Table, Tiles, Title
from trtlog.report.documents.summary import statistics_table
from trtlog.report.numbers import printed
from trtlog.report.sentences import aside, badge, code, joined, strong, words

if TYPE_CHECKING:
    from trtlog.analyses.handle import Analyses
    from trtlog.log import Log, Tables
    from trtlog.records.options import Performance
    from trtlog.report.plots.plots import Plots

_RUNS = 10
_ERRORS = 3
_FIELDS = 60
_PAIR = (Column(""), Column(""))


def log(whole: Log) -> Document:
    """Return the headline of each run: model, GPU, version, precision, numbers; errors where it failed."""
    blocks = [block for run in whole.runs[:_RUNS] for block in headline(run)]
    left = len(whole.runs) - _RUNS
    if left > 0:
        blocks.append(Sentence(words(aside(f"... and {left} more {plural(left, 'run')}: log.runs"))))
    return Document("trtlog", (*blocks, *map(Note, whole.notes)))


def head(log: Log) -> dict[str, Any]:
    """Return what stands at the top: the model, on what it ran, and the numbers people look for."""
    run, device, build, performance = log.run, log.device, log.build, log.performance
    model = model_of(log)
    shapes = [shape for shape in log.inference.input_shapes or [] if shape != "model"]
    facts = [product(log), device.name if device else None, build.precision, ", ".join(shapes) or None]
    latency, gpu = performance.latency, performance.gpu_compute_time
    tiles: list[tuple[str, Any, str]] = [("throughput", performance.throughput_qps, "qps")]
    for label, statistics in (("latency", latency), ("GPU time", gpu)):
        if statistics is not None:
            tiles.append((f"median {label}", statistics.median_ms, "ms"))
            percentiles = sorted(statistics.percentiles)
            if percentiles:
                tiles.append((f"p{percentiles[-1]:g} {label}", statistics.percentile(percentiles[-1]), "ms"))
    phases = log.table("phases").to_pylist()
    for name in ("engine_generation", "engine_built"):
        seconds = [row["seconds"] for row in phases if row["name"] == name]
        if len(seconds) == 1:  # a run that builds several engines prints it for each
            tiles.append((name.replace("_", " "), seconds[0], "s"))
    builds = len(builds_of(log))
    if builds > 1:
        tiles.append(("engines built", builds, ""))
    for name, label in (("engine_layers", "engine layers"), ("tactics", "tactics timed"), ("messages", "messages")):
        count = log.table(name).num_rows
        if count:
            tiles.append((label, count, ""))
    return {
        "name": base_name(redact(model or log.source)),
        "status": run.status,
        "facts": [redact(fact) for fact in facts if fact],
        "tiles": [{"label": label, "value": value, "unit": unit} for label, value, unit in tiles if value is not None],
    }


def headline(run: Log) -> list[Block]:
    """Return the head as blocks; errors where the run failed."""
    shown = head(run)
    blocks: list[Block] = [Title(words(strong(shown["name"]), " ", badge(shown["status"])))]
    blocks.append(Sentence(words(" · ".join(shown["facts"]))))
    if shown["status"] in ("failed", "incomplete"):
        errors = messages_of(run).where(lambda row, _: row["severity"] in ("error", "fatal"))
        for row in errors[:_ERRORS]:
            blocks.append(Sentence(words(badge(row["severity"]), f" {row['text']} ", aside(f"line {row['line']}"))))
    blocks.append(Tiles(tuple((tile["label"], printed(tile["value"]), tile["unit"]) for tile in shown["tiles"])))
    return blocks


def record(found: Record) -> Document:
    """Return a record: names and values with units, meanings on hover; what is null is left out."""
    columns = type(found).columns()
    return _fields(type(found).__name__, [(n, getattr(found, n), c.unit, c.doc) for n, c in columns.items()])


def options(found: Any) -> Document:
    """Return an option section: what the log prints of it, then the keys that no field names."""
    known = []
    for field in dataclasses.fields(found):
        if field.name != "other":
            column = field.metadata["column"]
            known.append((field.name, getattr(found, field.name), column.unit, column.doc))
    for key, values in found.other.items():
        shown = ", ".join("(empty)" if value is None else value for value in values)
        known.append((f"other[{key!r}]", shown, "", "a key that no field names, with all its values"))
    return _fields(type(found).__name__, known)


def _fields(title: str, fields: list[tuple[str, Any, str, str]]) -> Document:
    printed_ = [field for field in fields if field[1] is not None]
    if not printed_:
        return Document(title, (Title(words(strong(title))), _nothing("the log prints nothing of it")))
    rows = [(strong(name), words(f"{value_text(value)} {unit}".rstrip())) for name, value, unit, _ in printed_]
    table = Table(_PAIR, rows, most=_FIELDS, hints=[doc for _, _, _, doc in printed_])
    return Document(title, (Title(words(strong(title))), table))


def _nothing(text: str) -> Sentence:
    return Sentence(words(aside(text)))


def value_text(value: Any) -> str:
    """Return a value of a record or a lock in words.

    Examples
    --------
    >>> value_text({"shape": [1, 3], "dtype": "FP16"}), value_text(None)
    ('shape: 1, 3, dtype: FP16', '')
    """
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {value_text(part)}" for key, part in value.items())
    return str(value)


def performance(found: Performance) -> Document:
    """Return the performance summary: totals, then a line for each time that was measured."""
    title = Title(words(strong("Performance")))
    named = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    times = {name.replace("_", " "): value for name, value in named.items() if isinstance(value, Statistics)}
    totals = tuple(
        (" ".join(name.split("_")[:-1]), printed(value), name.rpartition("_")[2])
        for name, value in named.items()
        if isinstance(value, float)
    )
    if not times and not totals:
        return Document("Performance", (title, _nothing("the log prints no performance summary")))
    tables = [statistics_table(times)] if times else []
    return Document("Performance", (title, Tiles(totals), *tables))


def statistics(times: Statistics) -> Document:
    """Return the statistics of one measured time."""
    title = Title(words(strong("Statistics"), " ms"))
    return Document("Statistics", (title, statistics_table({"": times})))


def tables(found: Tables) -> Document:
    """Return the tables of a log: how many rows each has, and what they are."""
    rows: list[tuple[Cell, ...]] = []
    for name, record_ in TABLES.items():
        if count := found[name].num_rows:
            doc = " ".join((record_.__doc__ or "").replace("``", "").split())
            rows.append((strong(name), str(count), doc))
    columns = (Column("table", "code"), Column("rows", "number"), Column("a row is"))
    title = Title(words(strong("Tables"), f" of {found.log.source}"))
    empty = ", ".join(name for name in TABLES if not found[name].num_rows)
    rest = [_nothing(f"without rows: {empty}")] if empty else []
    return Document("Tables", (title, Table(columns, rows, most=len(rows)), *rest))


def analyses(found: Analyses) -> Document:
    """Return what can be computed of a log, and why an analysis would be empty."""
    rows: list[tuple[Cell, ...]] = []
    missing: dict[str, list[str]] = {}
    for name, analysis in methods().items():
        advice = found.missing(name)
        if advice is None:
            rows.append((code(f"log.analyze.{name}()"), _first(analysis.about)))
        else:
            missing.setdefault(advice, []).append(name)
    table = Table((Column("analysis", "code"), Column("with")), rows, most=len(rows))
    blocks = [Sentence(words(strong(", ".join(names)), " ", aside(advice))) for advice, names in missing.items()]
    return Document("Analyses", (Title(words(strong("Analyses"))), *([table] if rows else []), *blocks))


def plots(found: Plots) -> Document:
    """Return the plots of a log."""
    drawn = {name: method for name, method in vars(type(found)).items() if callable(method) and name[0] != "_"}
    points = tuple(
        Point(joined([words(code(f"log.plot.{name}()")), words(_first(method.__doc__))], " "))
        for name, method in drawn.items()
    )
    return Document("Plots", (Title(words(strong("Plots"))), Points(points)))


def _first(doc: str | None) -> str:
    return (doc or "").strip().splitlines()[0].replace("``", "")
