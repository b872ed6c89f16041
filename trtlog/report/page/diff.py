"""The page of a diff or a comparison: its document, as the script reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog._util.words import counted
from trtlog.report.document import (
    Column,
    Document,
    Note,
    Points,
    Section,
    Sentence,
    Table,
)
from trtlog.report.documents.compare import compare as compare_document
from trtlog.report.documents.compare import short_names
from trtlog.report.documents.diff import diff as document_of
from trtlog.report.numbers import figure
from trtlog.report.page.writer import page_block, page_table

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff
    from trtlog.analyses.compare.ranking import Comparison


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return the data of the page of two logs: headline and notes first, then a section a table."""
    head = {
        "name": f"{_base(diff.control.source)} → {_base(diff.test.source)}",
        "status": None,
        "facts": [f"control: {redact(diff.control.source)}", f"test: {redact(diff.test.source)}"],
        "tiles": [],
    }
    data = _data("diff", document_of(diff), head, "What changed")
    _charts(diff, data["runs"][0])
    return data


def _charts(diff: Diff, run: dict[str, Any]) -> None:
    """Put bars of what became faster and slower before the tables, and let layers' names lead to their row."""
    places = {section["title"]: section for section in run["sections"]}
    if "Layers" in places:
        run["layers"] = places["Layers"]["id"]
    for title, section in places.items():
        for column in run["tables"].get(section["id"], {"columns": ()})["columns"]:
            if column["label"] == "layer" and title != "Layers":
                column["find"] = True
    groups = [
        (f"{row['family']} {row['precision']} ({counted(row['layers'], 'layer')})", row["delta_ms"])
        for row in diff.rows("attribution")
    ]
    layers = [
        (row["test_layer"] or row["control_layer"] or "", row["delta_ms"])
        for row in diff.rows("layers")
        if row["delta_ms"]
    ]
    layers.sort(key=lambda row: -abs(row[1]))
    per = diff.work.scale != (1, 1)
    for title, name, rows in (
        ("Where the change comes from", "groups", groups),
        ("Layers", "changes", layers[:_BARS]),
    ):
        rows = [row for row in rows if row[1]]
        if title not in places or not rows:
            continue
        cells = [(text, figure(delta, "+.4g"), "less time" if delta < 0 else "more time") for text, delta in rows]
        columns = (Column("what", "name"), Column("change", "number"), Column("verdict", "code"))
        run["tables"][name] = page_table(Table(columns, cells))
        run["tables"][name]["columns"][1]["unit"] = "ms"
        bars = {"kind": "bars", "table": name, "label": "c0", "value": "c1", "color": "c2", "ordered": True}
        note = f"Layer times are per sample: {' and '.join(map(str, diff.work.scale))} in an inference." if per else ""
        heading = "The largest changes" if name == "changes" else "Change of the layers' time"
        bars |= {"title": heading, "note": note, "names": True, "find": name == "changes"}
        places[title]["blocks"].insert(0, bars)


# Layers whose change is drawn.
_BARS = 15


def comparison_data(found: Comparison) -> dict[str, Any]:
    """Return the data of the page of many runs: the answer, then a section a group with bars."""
    document = compare_document(found)
    groups = found.groups()
    tiles = [("runs", len(found.rows)), ("groups", len(groups))]
    if found.has_baseline:
        tiles.append(("regressions", len(found.regressions)))
    head = {
        "name": f"{counted(len(found.rows), 'run')} compared",
        "status": None,
        "facts": [f"ranked by {found.metric}", f"grouped by {', '.join(found.by)}"],
        "tiles": [{"label": label, "value": value, "unit": ""} for label, value in tiles],
    }
    data = _data("comparison", document, head, "Answer")
    run = data["runs"][0]
    shown = short_names(found.rows)
    sections = [section for section in run["sections"] if section["id"] != "headline"]
    for section, rows in zip(sections, groups, strict=True):
        ranked = [row for row in rows if row["rank"] is not None]
        parts = filter(None, (_base(rows[0]["model"] or ""), rows[0]["shapes"]))
        section["nav"] = redact(", ".join(parts)) or "no model"
        if len(ranked) < 2:
            continue
        name = f"bars{section['id']}"
        run["tables"][name] = page_table(
            Table(
                (Column("run", "name"), Column("figure", "number"), Column("verdict", "code")),
                [(shown[id(r)], figure(r["ranked_by"]), r["verdict"] or "not judged") for r in ranked],
            )
        )
        bars = {"kind": "bars", "table": name, "label": "c0", "value": "c1", "color": "c2", "ordered": True, "most": 40}
        bars["names"] = True
        section["blocks"].append(bars | {"title": _TITLES[found.metric], "note": ""})
    return data


# What the bars of a comparison show.
_TITLES = {
    "gpu": "GPU compute time (ms), the shortest first",
    "latency": "Latency (ms), the shortest first",
    "p99": "p99 latency (ms), the shortest first",
    "throughput": "Throughput (queries/s; samples/s where batch sizes differ), the highest first",
}


def _data(kind: str, document: Document, head: dict[str, Any], title: str) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    first: list[dict[str, Any]] = []
    made = [{"id": "headline", "title": title, "blocks": first}]
    if document.answer and kind != "diff":
        first.append(page_block(Sentence(document.answer)))
    for block in document.blocks:
        if isinstance(block, (Note, Points)):
            first.append(page_block(block))
        elif isinstance(block, Section):
            [table] = block.blocks
            assert isinstance(table, Table)
            name = f"{kind}{len(tables)}"
            tables[name] = page_table(table)
            shown = {"kind": "table", "table": name, "title": block.title, "bare": True, "note": ""}
            made.append({"id": name, "title": redact(block.title), "blocks": [shown]})
    return {"kind": kind, "title": head["name"], "runs": [{"head": head, "sections": made, "tables": tables}]}


def _base(source: str) -> str:
    return redact(source).replace("\\", "/").rpartition("/")[2]
