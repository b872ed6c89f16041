"""The page of a diff or a comparison: its document, as the script reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog._util.words import counted
from trtlog.report.document import (
    Cell,
    Column,
    Document,
    Note,
    Number,
    Points,
    Section,
    Table,
    cell_text,
    filled,
    plain,
)
from trtlog.report.documents.compare import compare as compare_document
from trtlog.report.documents.compare import short_names
from trtlog.report.documents.diff import diff as document_of
from trtlog.report.numbers import figure

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff
    from trtlog.analyses.compare.ranking import Comparison

_ROWS = 20_000


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
        run["tables"][name] = _table(Table(columns, cells))
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
        run["tables"][name] = _table(
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
        first.append({"kind": "text", "text": redact(plain(document.answer))})
    for block in document.blocks:
        if isinstance(block, Note):
            first.append({"kind": "missing", "text": redact(block.text)})
        elif isinstance(block, Points):
            first.append({"kind": "list", "items": [_point(plain(p.words), map(plain, p.under)) for p in block.points]})
        elif isinstance(block, Section):
            [table] = block.blocks
            assert isinstance(table, Table)
            name = f"{kind}{len(tables)}"
            tables[name] = _table(table)
            shown = {"kind": "table", "table": name, "title": block.title, "bare": True, "note": ""}
            made.append({"id": name, "title": redact(block.title), "blocks": [shown]})
    return {"kind": kind, "title": head["name"], "runs": [{"head": head, "sections": made, "tables": tables}]}


def _point(text: str, under: Any) -> dict[str, Any]:
    return {"text": redact(text), "items": list(map(redact, under))}


def _base(source: str) -> str:
    return redact(source).replace("\\", "/").rpartition("/")[2]


def _table(table: Table) -> dict[str, Any]:
    rows = table.rows[:_ROWS]
    places = [place for place in filled(table)[0] if table.columns[place].kind != "bar"]
    drawn = [_column(number, table.columns[place], [row[place] for row in rows]) for number, place in enumerate(places)]
    return {
        "columns": [column for column, _ in drawn],
        "data": [data for _, data in drawn],
        "rows": len(rows),
        "total": len(table.rows),
    }


def _column(number: int, column: Column, cells: Sequence[Cell]) -> tuple[dict[str, Any], Any]:
    """Return a column and its data: numbers where all are of one unit, else texts by their places in a list."""
    numbers = [cell for cell in cells if isinstance(cell, Number) and cell.value is not None]
    texts = [redact(cell_text(cell)) for cell in cells]
    units = {cell.unit for cell in numbers}
    numeric = len(numbers) == sum(map(bool, texts)) and len(units) == 1
    decimals = {len(cell.text.removesuffix(cell.unit).partition(".")[2]) for cell in numbers}
    unit = units.pop() if numeric else ""
    about = {
        "name": f"c{number}",
        "label": column.heading or " ",
        "unit": unit,
        "doc": "",
        "type": "number" if numeric else "text",
        "digits": decimals.pop() if unit and len(decimals) == 1 else None,
        "signed": numeric and any(cell.text.startswith("+") for cell in numbers),
    }
    if numeric:
        return about, [cell.value if isinstance(cell, Number) else None for cell in cells]
    place = {text: i for i, text in enumerate(dict.fromkeys(text for text in texts if text))}
    return about, {"words": list(place), "index": [place.get(text, -1) for text in texts]}
