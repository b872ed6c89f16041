"""Answers that fit a context window: typed, cut at a stated size with a word on how to go on, without secrets."""

from __future__ import annotations

import datetime
import json
import math
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict  # comes with the SDK, which needs it for nested ones before Python 3.12

from trtlog._util.redact import redact, redact_table, redact_value
from trtlog.report.rows import known_column, ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from trtlog.report.document import Document

ROWS, MOST_ROWS = 20, 200
# About 4,000 tokens: one answer leaves room for many others.
MOST_CHARACTERS = 16_000
_MOST_CELL = 300
_MOST_ITEMS = 10
# Significant digits of a computed number; the log's own have fewer.
_DIGITS = 6


class Text(TypedDict):
    """An answer in Markdown; ``more`` says what was cut and how to get it, null where nothing was."""

    text: str
    more: str | None


class Rows(TypedDict):
    """Rows of a table: each a list in the order of ``columns``.

    ``total`` counts all rows, ``more`` says how to get the next ones, null at the end. ``missing`` says which flags
    print the lines that an empty table needs.
    """

    columns: list[str]
    rows: list[list[Any]]
    total: int
    more: str | None
    missing: str | None


class Finding(TypedDict):
    """What a lint rule found; ``lines`` are at most ten of those that show it."""

    rule: str
    severity: str
    confidence: str
    text: str
    why: str | None
    action: str | None
    lines: list[int]


class Findings(TypedDict):
    """Findings, the gravest first, and the names of the rules that found all well."""

    findings: list[Finding]
    fine: list[str]
    more: str | None


def shown(answer: Any) -> str:
    """Return an answer as the text that a host shows to its model: Markdown as it is, all else as JSON without blanks.

    Examples
    --------
    >>> shown({"text": "two lines", "more": None}), shown({"rows": [[1, None]]})
    ('two lines', '{"rows":[[1,null]]}')
    """
    if "text" in answer:
        return answer["text"] if answer["more"] is None else f"{answer['text']}\n\n({answer['more']})"
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def text_of(document: Document, rows: int = 8) -> Text:
    """Return a document as Markdown, with at most so many rows of each table."""
    from trtlog.report.markdown import to_markdown

    return cut(to_markdown(document, rows), "ask for a table with rows() or sql()")


def cut(text: str, advice: str) -> Text:
    """Return a text without secrets, cut at the end of a line where it is long.

    Examples
    --------
    >>> cut("trtexec --token=12ab", "ask again")
    {'text': 'trtexec --token=***', 'more': None}
    """
    text = "\n".join(map(redact, text.splitlines()))
    if len(text) <= MOST_CHARACTERS:
        return {"text": text, "more": None}
    kept = text[:MOST_CHARACTERS].rpartition("\n")[0] or text[:MOST_CHARACTERS]
    return {"text": kept, "more": f"{len(text) - len(kept)} of {len(text)} characters are left out; {advice}"}


def rows_of(
    table: pa.Table,
    *,
    columns: Sequence[str] = (),
    sort: str | None = None,
    limit: int = ROWS,
    offset: int = 0,
    missing: str | None = None,
) -> Rows:
    """Return some rows of a table.

    Parameters
    ----------
    table : pyarrow.Table
        All rows.
    columns : sequence of str
        Which; all without a name. ``line`` comes too where the table has it.
    sort : str, optional
        Column to sort by; with ``-`` in front, the largest first. Null comes last.
    limit, offset : int
        How many, from which on.
    missing : str, optional
        What to do where the log lacks the lines.

    Raises
    ------
    QueryError
        There is no such column, or it holds lists and cannot be sorted by.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rows_of(pa.table({"layer": ["a", "b"], "line": [7, 9]}), limit=1)["rows"]
    [['a', 7]]
    """
    names = [*columns, *(["line"] if columns and "line" in table.column_names and "line" not in columns else [])]
    for name in names:
        known_column(table, name)
    if sort:
        table = ordered(table, sort)
    limit, offset = max(1, min(limit, MOST_ROWS)), max(0, offset)
    wanted = redact_table(table.slice(offset, limit))  # also by the key of a value, which may not be asked for
    if names:
        table, wanted = table.select(names), wanted.select(names)
    out: list[list[Any]] = []
    size = 0
    for row in wanted.to_pylist():
        cells = [_cell(name, value) for name, value in row.items()]
        size += len(json.dumps(cells, ensure_ascii=False, default=str))
        if out and size > MOST_CHARACTERS:
            break
        out.append(cells)
    end = offset + len(out)
    more = None
    if end < table.num_rows:
        more = f"rows {offset} to {end - 1} of {table.num_rows}; ask again with offset={end}"
    return {"columns": table.column_names, "rows": out, "total": table.num_rows, "more": more, "missing": missing}


def _cell(name: str, value: Any) -> Any:
    """Return a value as JSON has it: short, numbers with the digits that mean something, without secrets."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, str):
        shown = redact_value(name, value) or ""
        return shown if len(shown) <= _MOST_CELL else f"{shown[:_MOST_CELL]}... ({len(shown)} characters)"
    if isinstance(value, (list, tuple)):
        items = [_cell(name, item) for item in value[:_MOST_ITEMS]]
        return items if len(value) <= _MOST_ITEMS else [*items, f"... ({len(value)} in all)"]
    if isinstance(value, dict):
        return {key: _cell(str(key), item) for key, item in value.items()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    return value


def findings_of(rows: Sequence[dict[str, Any]], limit: int = ROWS, offset: int = 0) -> Findings:
    """Return findings: what is fine by name only."""
    grave = [row for row in rows if row["severity"] != "good"]
    limit, offset = max(1, min(limit, MOST_ROWS)), max(0, offset)
    shown: list[Finding] = [
        {
            "rule": row["rule"],
            "severity": row["severity"],
            "confidence": row["confidence"],
            "text": _cell("text", row["text"]),
            "why": _cell("why", row["why"]),
            "action": _cell("action", row["action"]),
            "lines": (row["lines"] or [])[:_MOST_ITEMS],
        }
        for row in grave[offset : offset + limit]
    ]
    end = offset + len(shown)
    more = f"findings {offset} to {end - 1} of {len(grave)}; ask again with offset={end}" if end < len(grave) else None
    return {"findings": shown, "fine": [row["rule"] for row in rows if row["severity"] == "good"], "more": more}
