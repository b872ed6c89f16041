"""Warnings and errors with their whole text, and the account of all lines."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from trtlog.captures import SPECIAL_KINDS, text
from trtlog.tables.context import Context
from trtlog.tables.schema import from_rows
from trtlog.tables.simple import finish_rows

_SEVERITY = {"W": "warning", "E": "error", "F": "fatal"}
_FIELDS = ("code", "error_class", "file", "source_line", "function")
_CODE = re.compile(r"Error Code:? ([0-9]+)")


def messages(context: Context) -> pa.Table:
    """One row a warning, error or fatal message; lines that continue it are part of its text."""
    captures = context.captures
    more: dict[int, list[str]] = {}
    for _, record, continued in captures.continuations:
        more.setdefault(record, []).append(text(continued))
    kinds = {r.kind for r in captures.remarks if r.kind not in SPECIAL_KINDS}
    known: dict[int, dict[str, Any]] = {}
    for row in captures.rows(*sorted(kinds)) if kinds else ():
        known[row["line"]] = row
    rows = []
    for remark in captures.remarks:
        fields = known.get(remark.line, {})
        body = text(remark.body)
        # The place stands in columns of its own; without one the whole line is the message.
        own = fields.get("text") if any(fields.get(n) is not None for n in _FIELDS) else None
        lines = more.get(remark.line, [])
        words = "\n".join([own if own is not None else body, *lines]).rstrip()
        bracketed = words.endswith(")") and words.count(")") > words.count("(")
        if fields.get("error_class") is not None and bracketed:
            words = words[:-1].rstrip()  # the bracket that the class opened
        row = {
            "line": remark.line,
            "severity": _SEVERITY.get(remark.severity or "", "warning"),
            "origin": remark.origin,
            "kind": remark.kind,
            "text": words,
        }
        for name in _FIELDS:
            value = fields.get(name)
            row[name] = int(value) if value is not None and name in ("code", "source_line") else value
        if row["code"] is None and (found := _CODE.search(body)):
            row["code"] = int(found[1])
        rows.append(row)
    return finish_rows(context, "messages", rows)


def coverage(context: Context) -> pa.Table:
    """Lines and bytes by kind, the commonest first."""
    counts = context.captures.counts
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return from_rows("coverage", [{"kind": k, "lines": v[0], "bytes": v[1]} for k, v in ordered])
