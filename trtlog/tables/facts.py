"""Numbers that lines print and no table of their own holds, one row a number.

A kind of message whose numbers are columns of a table is not listed here; the grammar says which table that is, and
`HELD` names the kinds that other builders read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import from_list, from_numpy, is_valid, no_values
from trtlog.grammar import Grammar, Variant
from trtlog.records import TABLES
from trtlog.tables.cells import NAME, by_distinct, take, to_name
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
# The columns that say which number it is.
_TEXTS = ("kind", "wording", "field", "unit")
# What a number may be about, the first of them that the line has.
_SUBJECTS = (
    "layer", "tensor", "node", "kernel", "tactic", "plugin", "name", "algorithm", "path", "flag", "memory_kind",
    "precision_name", "processor", "runner", "op", "budget_bound", "memory_place", "allocation",
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


class _Numbers(NamedTuple):
    """The numbers of a wording: fields, their places, units; and the place of what they are about."""

    names: list[str]
    places: list[int]
    units: list[str | None]
    subject: int | None


def _numbers_of(grammar: Grammar, index: int, variant: Variant) -> _Numbers:
    """Return the numbers of a wording; those that a log has are looked up once a process."""
    known: dict[int, _Numbers] = grammar.once(_known_numbers)
    if index not in known:
        names = fields_of(grammar, variant)
        subject = next((variant.fields.index(name) for name in _SUBJECTS if name in variant.fields), None)
        units = [grammar.fields[name].unit or None for name in names]
        known[index] = _Numbers(names, [variant.fields.index(name) for name in names], units, subject)
    return known[index]


def _known_numbers(_: Grammar) -> dict[int, _Numbers]:
    return {}


def facts(context: Context) -> pa.Table:
    """Return the numbers, in the order of the lines."""
    captures = context.captures
    sizes: list[int] = []
    lines, orders, values, subjects = [], [], [], []
    texts: list[tuple[str | None, ...]] = []
    for index in sorted(captures.columns):  # of one line in the order of the rules
        variant = captures.variants[index]
        of = _numbers_of(captures.grammar, index, variant)
        for printed, fields in captures.columns[index] if of.names else ():
            about = no_values(len(printed), NAME) if of.subject is None else to_name(fields[of.subject])
            for order, (name, place, unit) in enumerate(zip(of.names, of.places, of.units, strict=True)):
                sizes.append(len(printed))
                lines.append(printed)
                orders.append(order)
                values.append(by_distinct(fields[place], _number, pa.float64()))
                subjects.append(about)
                texts.append((variant.kind, variant.wording, name, unit))
    if not sizes:
        return empty("facts")
    found = np.concatenate(lines)
    value = pa.concat_arrays(values)
    chosen = np.lexsort((np.repeat(orders, sizes), found))
    chosen = chosen[is_valid(value)[chosen]]
    of_part = np.repeat(np.arange(len(sizes)), sizes)[chosen]
    columns = {
        **context.places(found[chosen]),
        **{name: _named(words, of_part) for name, words in zip(_TEXTS, zip(*texts, strict=True), strict=True)},
        "value": value.take(from_numpy(chosen)),
        "subject": take(pa.chunked_array(subjects, NAME).unify_dictionaries().combine_chunks(), chosen),
    }
    return from_columns("facts", columns, len(chosen))


def _number(printed: bytes) -> float | None:
    """Return a number; null for what is none, nan among it."""
    try:
        value = float(printed)
    except ValueError:
        return None
    return None if value != value else value


def _named(words: Sequence[str | None], codes: np.ndarray[Any, Any]) -> pa.Array:
    """Return the words that codes stand for, as names."""
    return from_list(words, NAME).take(from_numpy(codes))
