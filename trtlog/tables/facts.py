"""Numbers that lines print and no table of their own holds, one row a number.

A kind of message whose numbers are columns of a table is not listed here; the grammar says which table that is, and
`HELD` names the kinds that other builders read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import from_list, from_numpy
from trtlog.grammar import Grammar, Variant
from trtlog.records import TABLES
from trtlog.tables.cells import NAME, by_distinct, to_name
from trtlog.tables.context import Context
from trtlog.tables.schema import empty, from_columns

# Kinds of message without a table of their own in the grammar that builders read.
HELD = frozenset({
    "algorithm_selector", "argument", "available_device", "backend_strategy", "block_statistic",
    "cached_result", "calibration_step", "chosen_tactic", "compiler_backend", "compute_capability", "compute_clock",
    "costs", "device_information", "device_memory", "dla_fallback", "dla_offloaded", "dla_unsupported", "engine_layer",
    "engine_size", "error", "fastest_tactic", "foreign_node_chosen", "foreign_node_op", "foreign_node_tactic",
    "format_combination",
    "layer_detail", "layer_information", "layer_list", "layer_placed", "layer_registered", "memory_bus",
    "memory_build_peak", "memory_clock", "memory_peak", "node_inputs", "node_outputs", "node_parsing", "option",
    "option_entry", "performance_statistics", "performance_total", "profile_opened", "reformat_combination",
    "reformat_costs", "run_ended", "run_started", "selected_device", "selected_device_id", "selected_device_uuid",
    "shared_memory", "sms", "tactic", "tactic_name", "tensorrt_version", "throughput", "timing_cache_deleted",
    "timing_cache_file", "timing_cache_loaded", "timing_cache_off", "timing_cache_serialized",
    "timing_cache_unreadable", "timing_cache_use", "timing_layer", "timing_runner",
})  # fmt: skip
# Fields that tables hold under another name or in another unit, and the places of messages.
_ELSEWHERE = {
    "phases": frozenset({"time_ms", "microseconds"}),
    "skips": frozenset({"requested_mib", "available_mib"}),
    "memory_totals": frozenset({"bytes", "mib"}),
    "profile": frozenset({"time_ms"}),
}
_OF_MESSAGES = frozenset({"code", "negative_code", "source_line"})
# What a number may be about, the first of them that the line has.
_SUBJECTS = (
    "layer", "tensor", "node", "kernel", "tactic", "plugin", "name", "algorithm", "path", "flag", "memory_kind",
    "precision_name", "processor", "runner", "op",
)  # fmt: skip


def fields_of(grammar: Grammar, variant: Variant) -> list[str]:
    """Return the numbers of a wording that no table of their own holds."""
    message = grammar.messages[variant.kind]
    if variant.kind in HELD:
        return []
    table = message.attributes.get("table", "")
    columns = set(TABLES[table].columns()) | _ELSEWHERE.get(table, frozenset()) if table in TABLES else set()
    return [
        name
        for name in variant.fields
        if grammar.fields[name].type in ("int", "float") and name not in columns and name not in _OF_MESSAGES
    ]


def facts(context: Context) -> pa.Table:
    """Return the numbers, in the order of the lines."""
    captures = context.captures
    parts: list[pa.Table] = []
    for index, chunks in sorted(captures.columns.items()):  # of one line in the order of the rules
        variant = captures.variants[index]
        names = fields_of(captures.grammar, variant)
        subject = next((name for name in _SUBJECTS if name in variant.fields), None)
        for lines, fields in chunks if names else ():
            place = context.places(lines)
            about = None if subject is None else to_name(fields[variant.fields.index(subject)])
            for order, name in enumerate(names):
                columns: dict[str, Any] = {
                    **place,
                    "line": from_numpy(lines),
                    "kind": _repeated(variant.kind, len(lines)),
                    "wording": _repeated(variant.wording, len(lines)),
                    "field": _repeated(name, len(lines)),
                    "value": by_distinct(fields[variant.fields.index(name)], _number, pa.float64()),
                    "unit": _repeated(captures.grammar.fields[name].unit or None, len(lines)),
                    "subject": about,
                }
                part = from_columns("facts", columns, len(lines))
                parts.append(part.append_column("order", from_numpy(np.full(len(lines), order, np.int32))))
    if not parts:
        return empty("facts")

    whole = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    whole = whole.filter(pc.is_valid(whole.column("value")))
    return whole.sort_by([("line", "ascending"), ("order", "ascending")]).drop_columns(["order"])


def _number(printed: bytes) -> float | None:
    """Return a number; null for what is none, nan among it."""
    try:
        value = float(printed)
    except ValueError:
        return None
    return None if value != value else value


def _repeated(value: str | None, size: int) -> pa.Array:
    if value is None:
        return pa.nulls(size, NAME)
    return pa.DictionaryArray.from_arrays(from_numpy(np.zeros(size, np.int32)), from_list([value], pa.string()))
