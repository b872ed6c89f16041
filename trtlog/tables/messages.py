"""Warnings and errors with their whole text, and the account of all lines."""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import Any

import pyarrow as pa

from trtlog.grammar.model import PACKAGE
from trtlog.messages.captures import SPECIAL_KINDS, text
from trtlog.tables.cells import int_or_none
from trtlog.tables.context import Context
from trtlog.tables.schema import empty, from_rows
from trtlog.tables.simple import finish_columns

_SEVERITY = {"W": "warning", "E": "error", "F": "fatal"}
_FIELDS = ("code", "error_class", "file", "source_line", "function")
# How TensorRT 5 to 8.0 print the same.
_OLD_FIELDS = ("negative_code", "old_error_class", "old_function")
_NOTHING = (None,) * (1 + len(_FIELDS) + len(_OLD_FIELDS))
_CODE = re.compile(r"Error Code:? ([0-9]+)")


def messages(context: Context) -> pa.Table:
    """One row a warning, error or fatal message; lines that continue it are part of its text."""
    captures = context.captures
    remarks = sorted(captures.remarks, key=lambda remark: remark.line)
    heads = {remark.line for remark in remarks}
    more: dict[int, list[str]] = {}
    for _, record, continued in captures.continuations:
        if record in heads:
            more.setdefault(record, []).append(text(continued))
    kinds = sorted({remark.kind for remark in remarks if remark.kind not in SPECIAL_KINDS})
    lines, *fields = captures.lists(kinds, ("line", "text", *_FIELDS, *_OLD_FIELDS)) if kinds else [[]]
    known = dict(zip(lines, zip(*fields, strict=True), strict=True))
    rows = []
    for remark in remarks:
        own, code, error_class, file, source_line, function, *old = known.get(remark.line, _NOTHING)
        code, error_class, function = (
            older if value is None else value for value, older in zip((code, error_class, function), old, strict=True)
        )
        body = text(remark.body)
        # The place stands in columns of its own; without one the whole line is the message.
        placed = not (code is error_class is file is source_line is function is None)
        words = own if placed and own is not None else body
        if remark.line in more:
            words = "\n".join([words, *more[remark.line]])
        words = words.rstrip()
        if error_class is not None and words.endswith(")") and words.count(")") > words.count("("):
            words = words[:-1].rstrip()  # the bracket that the class opened
        if code is None and (found := _CODE.search(body)):
            code = found[1]
        rows.append(
            (
                remark.line,
                _SEVERITY.get(remark.severity or "", "warning"),
                remark.origin,
                remark.kind,
                words,
                int_or_none(code),
                error_class,
                file,
                int_or_none(source_line),
                function,
            )
        )
    names = ("line", "severity", "origin", "kind", "text", *_FIELDS)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    return finish_columns(context, "messages", columns)


def extension_messages(context: Context) -> pa.Table:
    """Lines that rules of plug-in packages matched, with what they captured."""
    captures = context.captures
    grammar = captures.grammar
    packages = {kind: m.attributes[PACKAGE] for kind, m in grammar.messages.items() if PACKAGE in m.attributes}
    if not packages:
        return empty("extension_messages")
    found = captures.matches(*packages)
    names = [name for name in found.column_names if name not in ("line", "kind", "wording")]
    types = [grammar.fields[name].type for name in names]
    lines, kinds, wordings, *captured = captures.lists(list(packages), ("line", "kind", "wording", *names))
    columns = {
        "line": lines,
        "package": [packages[kind] for kind in kinds],
        "kind": kinds,
        "wording": wordings,
        "fields": [
            json.dumps({n: _plain(v, t) for n, t, v in zip(names, types, row, strict=True) if v is not None})
            for row in (zip(*captured, strict=True) if captured else [()] * len(lines))
        ],
    }
    return finish_columns(context, "extension_messages", columns)


def _plain(value: str, kind: str) -> Any:
    """Return a captured text as the value that its field's type says; as printed where it is none."""
    with contextlib.suppress(ValueError):
        if kind == "int":
            return int(value)
        if kind == "float" and math.isfinite(number := float(value)):
            return number
    return value


def coverage(context: Context) -> pa.Table:
    """Lines and bytes by kind of each log, the commonest first."""
    rows = []
    for log in context.captures.logs:
        ordered = sorted(log.counts.items(), key=lambda item: (-item[1][0], item[0]))
        rows += [{"kind": kind, "lines": lines, "bytes": size} for kind, (lines, size) in ordered]
    return from_rows("coverage", rows)
