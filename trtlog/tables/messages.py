"""Warnings and errors with their whole text, and the account of all lines."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, alike, from_list
from trtlog._util.expression import expression
from trtlog.grammar.model import PACKAGE
from trtlog.messages.captures import Captures, text
from trtlog.tables.cells import codes_of, int_or_none, take, to_name
from trtlog.tables.context import Context
from trtlog.tables.schema import empty, from_columns, from_rows, schema_of
from trtlog.tables.simple import finish_columns

_SEVERITY = {"W": "warning", "E": "error", "F": "fatal"}
_FIELDS = ("code", "error_class", "file", "source_line", "function")
# How TensorRT 5 to 8.0 print the same.
_OLD_FIELDS = ("negative_code", "old_error_class", "old_function")
_CODE = expression(r"Error Code:? ([0-9]+)")


def messages(context: Context) -> pa.Table:
    """One row a warning, error or fatal message; lines that continue it are part of its text.

    What makes a row is read once for all lines that say the same.
    """
    remarks = context.captures.remarks
    if not len(remarks):
        return empty("messages")
    lines, keys = remarks.lines(), remarks.keys
    continued, texts = _continued(context.captures, lines)
    fields, values = _fields(context, keys, lines)
    numbers = [remarks.codes(), continued, *fields]
    firsts, codes = alike(numbers)
    rows = []
    for row in np.stack([column[firsts] for column in numbers], axis=1):
        severity, origin, kind, body, _ = keys[row[0]]
        own, *rest = [None if code < 0 else known[code] for known, code in zip(values, row[2:].tolist(), strict=True)]
        more = None if row[1] < 0 else texts[row[1]]
        rows.append((_SEVERITY.get(severity or "", "warning"), origin, kind, *_read(text(body), own, rest, more)))
    schema = schema_of("messages")
    names = ("severity", "origin", "kind", "text", *_FIELDS)
    columns: dict[str, Any] = context.places(lines)
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        distinct = from_list(cells, schema.field(name).type)
        columns[name] = take(distinct, codes) if distinct.null_count < len(distinct) else None
    return from_columns("messages", columns, len(lines))


def _read(body: str, own: str | None, fields: Sequence[str | None], more: str | None) -> tuple[Any, ...]:
    """Return text, code, class of the error, file, its line and function of a message."""
    code, error_class, file, source_line, function, *old = fields
    code, error_class, function = (
        older if value is None else value for value, older in zip((code, error_class, function), old, strict=True)
    )
    # The place stands in columns of its own; without one the whole line is the message.
    placed = not (code is error_class is file is source_line is function is None)
    words = own if placed and own is not None else body
    if more is not None:
        words = f"{words}\n{more}"
    words = words.rstrip()
    if error_class is not None and words.endswith(")") and words.count(")") > words.count("("):
        words = words[:-1].rstrip()  # the bracket that the class opened
    if code is None and "Error Code" in body and (found := _CODE.search(body)):
        code = found[1]
    return words, int_or_none(code), error_class, file, int_or_none(source_line), function


def _continued(captures: Captures, lines: Array) -> tuple[Array, list[str]]:
    """Return for each message the number of the text that continues it, -1 for none, and those texts."""
    pieces: dict[int, list[str]] = {}
    heads = set(lines.tolist()) if len(captures.continuations) else ()
    for _, count, record, body in captures.continuations.entries():
        if record in heads:
            pieces.setdefault(record, []).extend([text(body)] * count)
    numbers: dict[str, int] = {}
    found = np.broadcast_to(np.int64(-1), len(lines))
    records = np.array(list(pieces), np.int64)
    codes = np.array([numbers.setdefault("\n".join(more), len(numbers)) for more in pieces.values()], np.int64)
    if len(records):
        place = np.searchsorted(records, lines).clip(max=len(records) - 1)
        found = np.where(records[place] == lines, codes[place], -1)
    return found, list(numbers)


def _fields(context: Context, keys: list[Any], lines: Array) -> tuple[list[Array], list[list[str]]]:
    """Return what rules captured of the messages: for each field the numbers of its values, -1 for none, and those."""
    names = ("text", *_FIELDS, *_OLD_FIELDS)
    kinds = sorted({kind for _, _, kind, _, _ in keys if kind in context.captures.grammar.messages})
    captured = context.captures.matches(*kinds)
    at = captured.lines
    place = np.searchsorted(at, lines, side="right") - 1  # of several records in a line the last
    place = np.where(at[place] == lines, place, -1) if len(at) else np.full(len(lines), -1)
    numbers, values = [], []
    for name in names:
        if name in captured.column_names and captured.num_rows:
            column = to_name(captured.column(name))
            numbers.append(np.append(codes_of(column), -1)[place])
            values.append(column.dictionary.to_pylist())
        else:
            numbers.append(np.broadcast_to(np.int64(-1), len(lines)))
            values.append([])
    return numbers, values


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
