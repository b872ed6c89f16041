"""Tables whose rows are messages as they stand: the rules name the table, the fields its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import from_list, from_numpy, is_valid, to_filled
from trtlog.records import TABLES
from trtlog.tables.cells import int_or_none, to_float, to_text
from trtlog.tables.context import Context
from trtlog.tables.schema import captured_bytes, empty, from_columns, in_words, schema_of


def simple(context: Context, table: str, **extra: Any) -> pa.Table:
    """Make a table of all kinds of message that name it; ``extra`` are columns computed by the caller."""
    kinds = context.kinds_of(table)
    captured = context.captured(*kinds)
    if not captured.num_rows:
        return empty(table)
    columns: dict[str, Any] = context.places(captured.lines)
    for name in TABLES[table].columns():
        if name not in columns:
            columns[name] = extra[name] if name in extra else context.column(captured, name)
    return from_columns(table, columns, captured.num_rows)


def passes(context: Context) -> pa.Table:
    """Layer counts after each pass."""
    captured = context.captured(*context.kinds_of("passes"))
    name = context.column(captured, "name")
    if "pass" in captured.column_names:
        printed = to_text(captured_bytes(captured, "pass"))
        name = printed if name is None else pc.coalesce(name.cast(pa.string()), printed)
    return simple(context, "passes", name=name)


def plugins(context: Context) -> pa.Table:
    """Creators of the plugin registry."""
    captured = context.captured(*context.kinds_of("plugins"))
    names = captured.column_names
    return simple(
        context,
        "plugins",
        name=captured.column("plugin") if "plugin" in names else None,
        version=captured.column("plugin_version") if "plugin_version" in names else None,
    )


def registered_layers(context: Context) -> pa.Table:
    """Layers that the ONNX parser made, with their nodes."""
    captured = context.captured("layer_registered")
    if not captured.num_rows:
        return empty("registered_layers")
    columns = {**context.places(captured.lines), **{n: captured.column(n) for n in ("layer", "node")}}
    return from_columns("registered_layers", columns, captured.num_rows)


def reformats(context: Context) -> pa.Table:
    """Conversions between formats."""
    captured = context.captured(*context.kinds_of("reformats"))
    if not captured.num_rows:
        return empty("reformats")
    words = {n: in_words(captured_bytes(captured, f"{n}_format")) for n in ("from", "to")}
    renamed = captured.column("reformatted") if "reformatted" in captured.column_names else None
    return simple(context, "reformats", name=renamed, from_layout=words["from"], to_layout=words["to"])


_TOTALS = {
    "host persistent": "host_persistent",
    "device persistent": "device_persistent",
    "scratch": "scratch",
    "activation": "activation",
    "weights": "weights",
}


def memory_totals(context: Context) -> pa.Table:
    """Totals and peaks of memory, all in bytes."""
    captures = context.captures
    constants = {kind: message.attributes.get("name") for kind, message in captures.grammar.messages.items()}
    fields = ("line", "kind", "memory_total", "name", "bytes", "mib")
    rows: list[tuple[int, str, int | None]] = []
    for line, kind, printed, name, size, mib in zip(
        *captures.lists(context.kinds_of("memory_totals"), fields), strict=True
    ):
        if size is not None or mib is not None:
            total = constants[kind] or _total_name(printed or name or kind)
            rows.append((line, total, _bytes(size, mib)))
    for kind, prefix in (("memory_peak", "peak"), ("memory_build_peak", "build_peak")):
        for line, *sizes in zip(*captures.lists((kind,), ("line", "cpu_mib", "gpu_mib")), strict=True):
            for place, mib in zip(("cpu", "gpu"), sizes, strict=True):
                if mib is not None:
                    rows.append((line, f"{prefix}_{place}", _bytes(None, mib)))
    rows.sort(key=itemgetter(0))
    columns = dict(zip(("line", "name", "bytes"), zip(*rows, strict=True), strict=True)) if rows else {}
    return finish_columns(context, "memory_totals", columns)


def _bytes(size: str | None, mib: str | None) -> int | None:
    """Return a size that is printed in bytes or in MiB."""
    number = int_or_none(mib if size is None else size)
    return number if number is None or size is not None else number << 20


def _total_name(printed: str) -> str:
    lowered = printed.lower()
    return next((name for words, name in _TOTALS.items() if words in lowered), lowered.replace(" ", "_"))


def phases(context: Context) -> pa.Table:
    """Durations of phases, in seconds whatever unit the log prints."""
    captured = context.captured(*context.kinds_of("phases"))
    if not captured.num_rows:
        return empty("phases")
    seconds: Any = None
    for name, factor in (("seconds", 1.0), ("time_ms", 1e-3), ("microseconds", 1e-6)):
        if name in captured.column_names:
            values = to_float(captured_bytes(captured, name), pa.float64())
            # A division keeps the printed digits better than a product with 0.001.
            if factor != 1.0:
                values = from_numpy(to_filled(values, 0) / round(1 / factor), is_valid(values))
            seconds = values if seconds is None else pc.coalesce(seconds, values)
    keep = pc.is_valid(seconds)
    name_column = context.column(captured, "name")
    table = simple(context, "phases", seconds=seconds, name=name_column)
    return table.filter(keep)


def finish_columns(context: Context, table: str, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Make a table of lists of values, sorted by line; rows get their run."""
    if not columns or not len(columns["line"]):
        return empty(table)
    lines = np.array(columns["line"], np.int64)
    schema = schema_of(table)
    own = {name: from_list(values, schema.field(name).type) for name, values in columns.items() if name != "line"}
    return from_columns(table, {**context.places(lines), **own}, len(lines))
