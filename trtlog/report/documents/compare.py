"""Many runs side by side: the answer, then a table for each group."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from trtlog._util.words import base_name, counted, first_of
from trtlog.analyses.compare.ranking import Comparison
from trtlog.report.document import Cell, Column, Document, Kind, Note, Number, Section, Table
from trtlog.report.documents.diff_tables import change, limit, text, value
from trtlog.report.numbers import number, signed
from trtlog.report.sentences import Words, badge, strong, words

Row = dict[str, Any]
# What a group may have in common: its title says it; where runs differ it is a column.
_SETUP: tuple[tuple[str, str, Kind], ...] = (
    ("model", "model", "name"),
    ("shapes", "shapes", "name"),
    ("precision", "precision", "code"),
    ("tensorrt_version", "TensorRT", "code"),
    ("gpu", "GPU", "code"),
    ("cuda_graph", "graph", "code"),
)
_METRIC = {"gpu": "GPU compute time", "latency": "latency", "p99": "p99 latency", "throughput": "throughput"}
# Slower runs named in the answer.
_NAMED = 3


def compare(found: Comparison) -> Document:
    """Return a comparison: the answer, what limits it, the groups with the best of each first."""
    names = short_names(found.whole.rows)
    sections = tuple(_section(found, rows, names) for rows in found.groups())
    return Document("Comparison", (*map(Note, found.notes), *sections), _answer(found.whole, names))


def short_names(rows: Sequence[Row]) -> dict[int, str]:
    """Return what each row's run is called, by the row's identity: the name of its file, or as much of its path as
    tells it apart.
    """  # noqa: D205  # one sentence
    sources = [row["source"].replace("\\", "/") for row in rows]
    distinct = set(sources)
    bases = set(map(base_name, distinct))
    if len(bases) < len(distinct):
        common = os.path.commonpath([os.path.dirname(source) for source in distinct]) if _comparable(distinct) else ""
        shown = {source: source.removeprefix(common).lstrip("/") if common else source for source in distinct}
    else:
        shown = {source: base_name(source) for source in distinct}
    runs = [f", run {row['run']}" if row["run"] is not None else "" for row in rows]
    return {id(row): shown[source] + run for row, source, run in zip(rows, sources, runs, strict=True)}


def _comparable(sources: set[str]) -> bool:
    return len({source.startswith("/") for source in sources}) == 1 and not any("://" in source for source in sources)


def _answer(found: Comparison, names: dict[int, str]) -> Words:
    runs = f"{counted(len(found.rows), 'run')} in {counted(len(found.groups()), 'group')}"
    failed = sum(row["status"] in ("failed", "incomplete") for row in found.rows)
    rest = f", {failed} failed or cut short" if failed else ""
    by = f", by {_METRIC[found.metric]}" + (f" ({found.stat})" if found.stat in ("median", "mean") else "")
    if not found.has_baseline:
        return words(strong("compared: "), f"{runs}{rest}{by}")
    worse = sorted(found.regressions, key=lambda row: -abs(row["change_percent"]))
    if not worse:
        judged = sum(row["verdict"] in ("same", "faster") for row in found.rows)
        return words(strong("no regression: "), f"none of {judged} judged of {runs}{rest}{by} is slower beyond noise")
    named = first_of([f"{names[id(row)]} {signed(row['change_percent'])}" for row in worse], _NAMED)
    return words(strong(f"{counted(len(worse), 'regression')}: "), f"{named}; {runs}{rest}{by}")


def _section(found: Comparison, rows: list[Row], names: dict[int, str]) -> Section:
    columns = list(_columns(found, rows, _common(rows), names))
    cells = [[cell(row) for _, cell in columns] for row in rows]
    table = Table([column for column, _ in columns], cells, rest="--limit shows them", wide="--wide shows all")
    return Section(group_title(rows), (table,), count=len(rows), apart=True)


def _common(rows: Sequence[Row]) -> list[str]:
    # Two paths of one model are one name.
    return [name for name, _, _ in _SETUP if len({_name_of(name, row) for row in rows}) == 1]


def _name_of(name: str, row: Row) -> str | None:
    return _setup(name, row) if name == "model" else str(row[name])


def group_title(rows: Sequence[Row]) -> str:
    """Return what the runs of a group have in common."""
    return ", ".join(filter(None, (_setup(name, rows[0]) for name in _common(rows)))) or "no model named"


def _setup(name: str, row: Row) -> str | None:
    if row[name] is None or (name == "cuda_graph" and not row[name]):
        return None
    if name == "tensorrt_version":
        return f"TensorRT {row[name]}"
    if name == "cuda_graph":
        return "CUDA graph"
    return base_name(str(row[name])) if name == "model" else str(row[name])


def _columns(
    found: Comparison, rows: Sequence[Row], common: Sequence[str], names: dict[int, str]
) -> Iterator[tuple[Column, Callable[[Row], Cell]]]:
    def own(heading: str, kind: Kind, cell: Callable[[Row], Cell], *, spare: bool = True) -> Any:
        return Column(heading, kind, least=26 if heading == "run" else None, spare=spare), cell

    yield own("#", "number", lambda row: Number("" if row["rank"] is None else str(row["rank"])), spare=False)
    yield own("run", "name", lambda row: names[id(row)], spare=False)
    samples = len({row["batch"] for row in rows}) > 1 and all(row["batch"] for row in rows)
    main = {
        "gpu": ("GPU ms", value("gpu_compute_median_ms")),
        "latency": ("median ms", value("latency_median_ms")),
        "p99": ("p99 ms", value("latency_p99_ms")),
        "throughput": ("qps", value("throughput_qps")),
    }
    if samples:
        rate = found.metric == "throughput"
        yield own("samples/s" if rate else "ms/sample", "number", value("ranked_by"), spare=False)
    yield own(main[found.metric][0], "number", main[found.metric][1], spare=samples)
    yield own("change", "number", change("change_percent"), spare=False)
    yield own("verdict", "code", _verdict, spare=False)
    yield own("noise to", "number", limit)
    for name, heading, kind in _SETUP:
        if name not in common:
            yield own(heading, kind, partial(_cell, name))
    for metric, (heading, cell) in main.items():
        if metric != found.metric:
            yield own(heading, "number", cell)
    yield own("engine MiB", "number", value("engine_mib", ".4g"))
    yield own("GPU MiB", "number", value("gpu_memory_mib", ".0f"))
    yield own("build s", "number", value("build_seconds"))
    if any((row["builds"] or 0) > 1 for row in rows):  # the time is that of the last one
        yield own("builds", "number", value("builds", ".0f"))
    yield own("against", "name", lambda row: _reference(row, found))
    yield own("reason", "words", _reason)


def _cell(name: str, row: Row) -> Cell:
    if name == "cuda_graph":
        return "" if row[name] is None else "yes" if row[name] else "no"
    return text(name)(row) if name != "model" else _setup(name, row) or ""


def _verdict(row: Row) -> Cell:
    return badge(row["verdict"] or row["status"] or "") if row["rank"] is None else text("verdict")(row)


def _reference(row: Row, found: Comparison) -> Cell:
    """Return what a run is compared with, where the title and the verdicts do not say it: the best stands first."""
    if not found.has_baseline or row["reference"] is None:
        return ""
    return base_name(str(row["reference"]))


def _reason(row: Row) -> Cell:
    """Return why a run has no place or no verdict."""
    return row["cause"] or ("" if row["verdict"] else row["reason"]) or ""


def in_short(row: Row) -> str:
    """Return a run's figure and verdict for the label of a bar."""
    return f"{number(row['ranked_by'])}{' ' + row['verdict'] if row['verdict'] else ''}"
