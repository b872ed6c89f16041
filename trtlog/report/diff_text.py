"""A diff as Markdown and JSON; secrets in command lines are redacted."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog.report.diff_words import Section, headline, sections, short

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff

_MARKDOWN = str.maketrans({"|": "\\|", "`": "'", "\n": " ", "<": "&lt;", ">": "&gt;"})
# Long tables fold away in a pull request.
_FOLDED = 8
# A name of thousands of characters (a fused region's) would make a table that nobody can read.
_LONGEST = 200


def to_markdown(diff: Diff, limit: int = 20) -> str:
    """Return the diff as Markdown for a pull request: notes, headline, then the tables."""
    lines = ["## trtlog diff", "", f"control `{_plain(diff.control.source)}`, test `{_plain(diff.test.source)}`", ""]
    lines += [f"> **Note:** {_cell(note)}  " for note in diff.notes]
    lines += [""] if diff.notes else []
    for line in headline(diff):
        indent = "  " if line.startswith("  ") else ""
        lines.append(f"{indent}- {_cell(line.strip())}")
    for section in sections(diff):
        lines += ["", *_markdown_section(section, limit)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return redact(text).replace("`", "'").replace("\n", " ")


def _cell(text: str) -> str:
    return redact(text).translate(_MARKDOWN)


def markdown_table(section: Section, limit: int) -> list[str]:
    """Return the lines of one table, at most ``limit`` rows and how many were left out."""
    lines = ["| " + " | ".join(name or " " for name, _, _ in section.columns) + " |"]
    lines.append("|" + "|".join("--:" if kind == "number" else "---" for _, _, kind in section.columns) + "|")
    for row in section.rows[:limit]:
        lines.append("| " + " | ".join(_cell(short(text(row), _LONGEST)) for _, text, _ in section.columns) + " |")
    if len(section.rows) > limit:
        lines += ["", f"... and {len(section.rows) - limit} more"]
    return lines


def _markdown_section(section: Section, limit: int) -> list[str]:
    body = markdown_table(section, limit)
    if len(section.rows) <= _FOLDED:
        return [f"### {section.title}", "", *body]
    title = f"{section.title} ({len(section.rows)})"
    return [f"<details><summary><b>{title}</b></summary>", "", *body, "", "</details>"]


def to_json(diff: Diff, *, unchanged: bool = False) -> str:
    """Return the diff as JSON, one key a table; null where a log does not tell."""
    from trtlog.analyses.compare.diff import SCHEMA

    tables = {}
    for name in diff.tables:
        if name == "candidates" and not unchanged:
            continue
        rows = diff.rows(name)
        tables[name] = rows if unchanged else [row for row in rows if row.get("category") != "unchanged"]
    alignment = diff.alignment
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "control": _side(diff.control),
        "test": _side(diff.test),
        "notes": list(diff.notes),
        "headline": [line.strip() for line in headline(diff)],
        "same_model": None if alignment is None else alignment.same_model,
        "machine": {
            "common_tactics": diff.machine.common,
            "shift_percent": diff.machine.shift_percent,
            "noise_percent": diff.machine.noise_percent,
        },
        "layer_time_source": diff.layer_time_source,
        "samples_per_inference": list(diff.work.scale),
        "tables": tables,
    }
    return json.dumps(_finite(document), indent=2, ensure_ascii=False) + "\n"


def _side(side: Any) -> dict[str, Any]:
    return {"source": side.source, "tensorrt_version": side.version, "status": side.status}


def _finite(value: Any) -> Any:
    """Return what JSON can hold, texts redacted: it knows no inf and no nan, which become text."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return redact(value) if isinstance(value, str) else value
