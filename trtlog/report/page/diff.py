"""The pages of a diff and of a comparison: their documents with charts beside the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from trtlog._util.redact import redact
from trtlog._util.words import base_name, counted, number
from trtlog.analyses.compare.diff import Diff
from trtlog.analyses.compare.ranking import Comparison
from trtlog.report.document import Block, Chart, Data, Document, Note, Points, Section, Sentence
from trtlog.report.documents.compare import compare as compare_document
from trtlog.report.documents.compare import short_names
from trtlog.report.documents.diff import diff as document_of
from trtlog.report.page.writer import PageWriter

_ROWS = 20_000
# Layers whose change is drawn, and runs of a comparison.
_CHANGES, _RUNS = 15, 40
# What the bars of a comparison show.
_TITLES = {
    "gpu": "GPU compute time (ms), the shortest first",
    "latency": "Latency (ms), the shortest first",
    "p99": "p99 latency (ms), the shortest first",
    "throughput": "Throughput (queries/s; samples/s where batch sizes differ), the highest first",
}


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return the data of the page of two logs: headline and notes first, then a section a table."""
    head = {
        "name": f"{base_name(redact(diff.control.source))} → {base_name(redact(diff.test.source))}",
        "facts": [f"control: {redact(diff.control.source)}", f"test: {redact(diff.test.source)}"],
        "tiles": [],
    }
    document = document_of(diff)
    charts = dict(_changes(diff))
    sections = [
        replace(section, name=f"diff{place}", blocks=(*charts.get(section.title, ()), *section.blocks))
        for place, section in enumerate(_sections(document))
    ]
    data = _data("diff", head, Section("What changed", _first(document), name="headline"), sections)
    data["runs"][0]["layers"] = next((section.name for section in sections if section.title == "Layers"), None)
    return data


def _changes(diff: Diff) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """Give bars of what became faster and slower, by the title of the section that they stand in."""
    per = diff.work.scale != (1, 1)
    note = f"Layer times are per sample: {' and '.join(map(str, diff.work.scale))} in an inference." if per else ""
    groups = [
        (f"{row['family']} {row['precision']} ({counted(row['layers'], 'layer')})", row["delta_ms"])
        for row in diff.rows("attribution")
    ]
    layers = [(row["test_layer"] or row["control_layer"] or "", row["delta_ms"] or 0.0) for row in diff.rows("layers")]
    layers.sort(key=lambda row: -abs(row[1]))
    for title, heading, name, label, rows in (
        ("Where the change comes from", "Change of the layers' time", "groups", "group", groups),
        ("Layers", "The largest changes", "changes", "layer", layers[:_CHANGES]),
    ):
        bars = [(text, delta, "less time" if delta < 0 else "more time") for text, delta in rows if delta]
        if bars:
            yield title, (_bars(name, label, "change_ms", bars, heading, note=note),)


def comparison_data(found: Comparison) -> dict[str, Any]:
    """Return the data of the page of many runs: the answer, then a section a group with bars."""
    document, groups, whole = compare_document(found), found.groups(), found.whole
    tiles = [("runs", len(whole.rows)), ("groups", len(whole.groups()))]
    if found.has_baseline:
        tiles.append(("regressions", len(found.regressions)))
    head = {
        "name": f"{counted(len(whole.rows), 'run')} compared",
        "facts": [f"ranked by {found.metric}", f"grouped by {', '.join(found.by)}"],
        "tiles": [{"label": label, "value": value, "unit": ""} for label, value in tiles],
    }
    shown, sections = short_names(whole.rows), []
    for place, (section, rows) in enumerate(zip(_sections(document), groups, strict=True)):
        parts = filter(None, (base_name(rows[0]["model"] or ""), rows[0]["shapes"]))
        name = f"comparison{place}"
        bars = [(shown[id(r)], r["ranked_by"], r["verdict"] or "not judged") for r in rows if r["rank"] is not None]
        chart: tuple[Block, ...] = ()
        if len(bars) > 1:
            chart = (_bars(f"bars{name}", "log", "figure", bars, _TITLES[found.metric], most=_RUNS),)
        short = ", ".join(parts) or "no model"
        sections.append(replace(section, name=name, short=short, blocks=(*section.blocks, *chart)))
    return _data("comparison", head, Section("Answer", _first(document), name="headline"), sections)


def _bars(name: str, label: str, value: str, bars: list[tuple[str, float, str]], title: str, **more: Any) -> Chart:
    """Return bars of figures with four digits, in their order, coloured by a verdict."""
    texts, figures, verdicts = zip(*bars, strict=True)
    rounded = [float(number(figure)) for figure in figures]
    unit = {"unit": "ms", "signed": "yes"} if value == "change_ms" else None
    schema = pa.schema(
        [pa.field(label, pa.string()), pa.field(value, pa.float64(), metadata=unit), pa.field("verdict", pa.string())]
    )
    table = pa.table([texts, rounded, verdicts], schema=schema)
    return Chart("bars", Data(name, table), title, label, (value,), color="verdict", ordered=True, **more)


def _sections(document: Document) -> list[Section]:
    return [block for block in document.blocks if isinstance(block, Section)]


def _first(document: Document) -> tuple[Block, ...]:
    """Return what stands before the tables."""
    answer = (Sentence(document.answer),) if document.answer else ()
    return (*answer, *(block for block in document.blocks if isinstance(block, (Note, Points))))


def _data(kind: str, head: dict[str, Any], first: Section, sections: list[Section]) -> dict[str, Any]:
    writer = PageWriter(_ROWS)
    made = list(map(writer.section, [first, *sections]))
    return {"kind": kind, "title": head["name"], "runs": [{"head": head, "sections": made, "tables": writer.tables}]}
