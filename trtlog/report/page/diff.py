"""The page of two logs: the tables of a diff, as the script reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog.report.diff_words import Section, points, sections

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff

_ROWS = 20_000


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return the data of the page: headline and notes first, then a section a table."""
    tables: dict[str, Any] = {}
    first: list[dict[str, Any]] = [{"kind": "missing", "text": redact(note)} for note in diff.notes]
    items = [{"text": redact(text), "items": [redact(line) for line in under]} for text, under in points(diff)]
    first.append({"kind": "list", "items": items})
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
        numbers, unit, digits = _numbers(values) if kind == "number" else (None, "", None)
        cols.append(
            {
                "name": f"c{number}",
                "label": name or " ",
                "unit": unit,
                "doc": "",
                "type": "text" if numbers is None else "number",
                "digits": digits,
                "signed": numbers is not None and any(value.startswith("+") for value in values),
            }
        )
        words = list(dict.fromkeys(value for value in values if value))
        place = {word: i for i, word in enumerate(words)}
        index = [place.get(value, -1) for value in values]
        data.append({"words": words, "index": index} if numbers is None else numbers)
    return {"columns": cols, "data": data, "rows": len(rows), "total": len(section.rows)}


_NUMBER = re.compile(r"([+-]?[0-9]+(?:\.([0-9]+))?(?:e[+-]?[0-9]+)?)(%|x)?")


def _numbers(texts: list[str]) -> tuple[list[float | None] | None, str, int | None]:
    """Return a column's numbers, their unit, and their decimals where all have as many; None where one is none."""
    found = [_NUMBER.fullmatch(text) if text else None for text in texts]
    units = {match[3] or "" for match in found if match}
    if any(text and not match for text, match in zip(texts, found, strict=True)) or len(units) > 1:
        return None, "", None
    decimals = {len(match[2] or "") for match in found if match}
    unit = units.pop() if units else ""
    digits = decimals.pop() if unit and len(decimals) == 1 else None
    return [float(match[1]) if match else None for match in found], unit, digits
