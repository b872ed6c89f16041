"""The page of two logs: the tables of a diff, as the script reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trtlog.redact import redact
from trtlog.report.diff_words import Section, headline, sections

if TYPE_CHECKING:
    from trtlog.analyses.diff import Diff

_ROWS = 20_000


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return the data of the page: headline and notes first, then a section a table."""
    tables: dict[str, Any] = {}
    first: list[dict[str, Any]] = [{"kind": "missing", "text": redact(note)} for note in diff.notes]
    first.append({"kind": "list", "items": [redact(line.strip()) for line in headline(diff)]})
    made = [{"id": "headline", "title": "What changed", "blocks": first}]
    for number, section in enumerate(sections(diff)):
        name = f"diff{number}"
        tables[name] = _table(section)
        block = {"kind": "table", "table": name, "title": section.title, "bare": True, "note": ""}
        made.append({"id": name, "title": section.title, "blocks": [block]})
    head = {
        "name": f"{_base(diff.control.source)} → {_base(diff.test.source)}",
        "status": None,
        "facts": [f"control: {redact(diff.control.source)}", f"test: {redact(diff.test.source)}"],
        "tiles": [],
    }
    return {"kind": "diff", "title": head["name"], "runs": [{"head": head, "sections": made, "tables": tables}]}


def _base(source: str) -> str:
    return redact(source).replace("\\", "/").rpartition("/")[2]


def _table(section: Section) -> dict[str, Any]:
    rows = section.rows[:_ROWS]
    cols, data = [], []
    for number, (name, text, kind) in enumerate(section.columns):
        values = [redact(text(row)) for row in rows]
        numbers = [_number(value) for value in values] if kind == "number" else []
        numeric = kind == "number" and all(n is not None or not v for n, v in zip(numbers, values, strict=True))
        cols.append(
            {
                "name": f"c{number}",
                "label": name or " ",
                "unit": "",
                "doc": "",
                "type": "number" if numeric else "text",
                "digits": None,
            }
        )
        words = list(dict.fromkeys(value for value in values if value))
        place = {word: i for i, word in enumerate(words)}
        data.append(numbers if numeric else {"words": words, "index": [place.get(value, -1) for value in values]})
    return {"columns": cols, "data": data, "rows": len(rows), "total": len(section.rows)}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
