"""The timed tactics of a log as rows: dictionaries where they are few, places in the columns where they are many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trtlog._util.arrow import Array, alike, among, from_list, from_numpy, is_valid, to_filled
from trtlog._util.rows import values_of
from trtlog.analyses.layer.base import family_of, layout_of
from trtlog.analyses.layer.precision import timed_precision
from trtlog.tables.cells import codes_of, encoded, one_array, take
from trtlog.values.kernels import decode_kernel

Timed: TypeAlias = Mapping[str, Any]
"""A timed tactic by column, with its place among them as ``row``, and what its formats and kernel say."""


def _on_tensor_cores(kernel: str | None) -> bool | None:
    return decode_kernel(kernel).tensor_cores if kernel else None


# What formats, kernel and runner of a timed tactic say: by name the columns that it is said by, and how it is read.
_DECODED: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "precision": (("input_formats", "output_formats", "kernel", "runner"), timed_precision),
    "input_layout": (("input_formats",), layout_of),
    "output_layout": (("output_formats",), layout_of),
    "family": (("runner", "kernel"), family_of),
    "tensor_cores": (("kernel",), _on_tensor_cores),
}
# So many timed tactics are kept as dictionaries, which are quick to look into; a real log has fewer.
MOST_KEPT = 1 << 15
# Rows that are Python's at a time: of millions of tactics the columns would take more memory than the answers.
_AT_ONCE = 1 << 16


class TimedTactics(Sequence[Timed]):
    """The timed tactics with precision, layouts, family; those that could not be timed are left out.

    Parameters
    ----------
    tactics : pyarrow.Table
        Table ``tactics``, with a column ``left_out`` (:func:`with_left_out`).
    """

    def __init__(self, tactics: pa.Table) -> None:
        self.table = _timed_of(tactics)
        self.names = (*tactics.column_names, *_DECODED, "row")
        self._getters: dict[str, Callable[[int], Any]] = {}
        self._decoded: dict[str, tuple[Array, list[Any]]] = {}

    def __reduce__(self) -> tuple[type[TimedTactics], tuple[pa.Table]]:
        return TimedTactics, (self.table,)

    @cached_property
    def _kept(self) -> list[Timed] | None:
        """The rows as dictionaries, where they are few."""
        if len(self) > MOST_KEPT:
            return None
        columns = [values_of(values) for values in self.table.columns]
        for name in _DECODED:
            codes, said = self._said(name)
            columns.append([said[code] for code in codes.tolist()])
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, range(len(self)), strict=True)]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Timed]:
        return iter(self._kept) if self._kept is not None else (TimedRow(self, place) for place in range(len(self)))

    @overload
    def __getitem__(self, place: int) -> Timed: ...
    @overload
    def __getitem__(self, place: slice) -> list[Timed]: ...
    def __getitem__(self, place: int | slice) -> Timed | list[Timed]:
        kept = vars(self).get("_kept")  # for a few rows none is made of all
        if kept is not None:
            return kept[place]  # type: ignore[no-any-return]
        found = range(len(self))[place]
        return TimedRow(self, found) if isinstance(found, int) else [TimedRow(self, number) for number in found]

    def value(self, name: str, place: int) -> Any:
        """Return what a column says of the tactic at a place."""
        getter = self._getters.get(name)
        if getter is None:
            getter = self._getters[name] = self._getter(name)
        return getter(place)

    def _getter(self, name: str) -> Callable[[int], Any]:
        if name == "row":
            return lambda place: place
        if name not in _DECODED:
            return _getter_of(one_array(self.table.column(name)))
        codes, said = self._said(name)
        return lambda place: said[codes[place]]

    def _said(self, name: str) -> tuple[Array, list[Any]]:
        """Return which of the distinct values of what is decoded each tactic has, and these."""
        if name not in self._decoded:
            self._decoded[name] = _decoded(name, self.table)
        return self._decoded[name]

    def column(self, name: str) -> pa.Array:
        """Return a column as an array; names as a dictionary."""
        if name not in _DECODED:
            return one_array(self.table.column(name))
        return _column(name, *self._said(name))

    def at(self, name: str, places: Array) -> pa.Array:
        """Return a column's values at some places; what is decoded is decoded of these alone."""
        if name not in _DECODED or name in self._decoded:
            return take(self.column(name), places)
        chosen = self.table.select(list(_DECODED[name][0])).take(from_numpy(places))
        return _column(name, *_decoded(name, chosen))

    def places(self, layer: str) -> Array:
        """Return the places of the tactics that were timed for a layer."""
        names = self.column("layer")
        wanted = [code for code, name in enumerate(names.dictionary.to_pylist()) if name == layer]
        return np.flatnonzero(among(codes_of(names), wanted))

    def values(self, places: Array, *names: str) -> Iterator[list[Any]]:
        """Return the values of columns at some places."""
        chosen = self.table.select(list(names)).take(from_numpy(places))
        return map(values_of, chosen.columns)

    def ranks(self, name: str) -> Array:
        """Return numbers for the values of a column: equal for equal ones, in their order, null last."""
        if name == "row":
            return np.arange(len(self))
        return _ranks(self.column(name))


class TimedRow(Mapping[str, Any]):
    """One of very many timed tactics: its place, not its values."""

    __slots__ = ("_of", "_place")

    def __init__(self, of: TimedTactics, place: int) -> None:
        self._of, self._place = of, place

    def __getitem__(self, name: str) -> Any:
        return self._of.value(name, self._place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._of.names)

    def __len__(self) -> int:
        return len(self._of.names)


def _decoded(name: str, tactics: pa.Table) -> tuple[Array, list[Any]]:
    """Return which of the distinct values of what is decoded each tactic has, and these."""
    columns, decode = _DECODED[name]
    keys = [one_array(tactics.column(column)) for column in columns]
    firsts, codes = alike([codes_of(encoded(values)) for values in keys])
    texts = [values_of(values.take(from_numpy(firsts))) for values in keys]
    return codes, [decode(*key) for key in zip(*texts, strict=True)]


def _column(name: str, codes: Array, values: list[Any]) -> pa.Array:
    said = from_list(values, pa.bool_() if name == "tensor_cores" else pa.string())
    said = said if name == "tensor_cores" else said.dictionary_encode()
    return said.take(from_numpy(codes))


def _getter_of(values: pa.Array) -> Callable[[int], Any]:
    """Return a function that gives the value at a place."""
    if pa.types.is_dictionary(values.type):
        words, codes = [*values.dictionary.to_pylist(), None], codes_of(values)
        return lambda place: words[codes[place]]
    if not pa.types.is_primitive(values.type):
        return lambda place: values[place].as_py()
    numbers = to_filled(values, 0)
    if not values.null_count:
        return lambda place: numbers[place].item()
    valid = is_valid(values)
    return lambda place: numbers[place].item() if valid[place] else None


def _ranks(values: pa.Array) -> Array:
    if pa.types.is_dictionary(values.type):
        words = values.dictionary.to_pylist()
        order = {word: place for place, word in enumerate(sorted(set(words)))}
        ranks = np.array([*(order[word] for word in words), len(order)], np.int64)
        found: Array = ranks[codes_of(values)]
        return found
    numbers = to_filled(values, 0)
    if not values.null_count:
        return numbers
    above = np.inf if pa.types.is_floating(values.type) else int(numbers.max(initial=0)) + 1
    return np.where(is_valid(values), numbers, above)


def with_left_out(tactics: pa.Table, timings: pa.Table) -> pa.Table:
    """Add a column ``left_out``, and rows for the fastest tactics of blocks that do not list them.

    Whoever shortens a log leaves lines of tactics out: the block's own line still tells of the fastest one. Such a row
    is true in ``left_out`` and has the line of its block; others of the block may be missing too. So may they of a
    block that breaks off before that line, as the last one of a log that was cut: its tactics are true there as well.

    Parameters
    ----------
    tactics, timings : pyarrow.Table
        The tables of these names.

    Examples
    --------
    >>> import trtlog
    >>> log = trtlog.parse("fixtures/trt-8.5.3-h200/lstm_verbose.log.gz")  # a whole log lists them all
    >>> with_left_out(log.table("tactics"), log.table("timings")).column("left_out").null_count == log.tactics.shape[0]
    True
    """
    found = tactics.append_column("left_out", pa.nulls(tactics.num_rows, pa.bool_()))
    if not timings.num_rows:
        return found
    outcomes = encoded(one_array(timings.column("outcome")))
    timed = among(codes_of(outcomes), [n for n, name in enumerate(outcomes.dictionary.to_pylist()) if name == "timed"])
    broken_off = timed & _breaks_off(timings)
    if broken_off.any():
        lines = to_filled(one_array(timings.column("line")), -1)[broken_off]
        marked = pa.array(among(to_filled(one_array(tactics.column("timing_line")), -2), lines))
        found = tactics.append_column("left_out", pc.if_else(marked, marked, pa.scalar(None, pa.bool_())))
    told = timed & is_valid(one_array(timings.column("fastest_ms")))
    listed = to_filled(one_array(tactics.column("timing_line")), -1)
    listed = listed[to_filled(one_array(tactics.column("fastest")), False)]
    place = np.flatnonzero(told & ~among(to_filled(one_array(timings.column("line")), -1), listed))
    if not len(place):
        return found
    rows = timings.take(from_numpy(place))
    columns: dict[str, Any] = {name: rows.column(name) for name in found.column_names if name in rows.column_names}
    columns |= {"tactic": rows.column("fastest_tactic"), "time_ms": rows.column("fastest_ms")}
    columns |= {"timing_line": rows.column("line")}
    columns |= {name: pa.array([True] * len(place)) for name in ("fastest", "left_out")}
    added = [
        columns[field.name].cast(field.type) if field.name in columns else pa.nulls(len(place), field.type)
        for field in found.schema
    ]
    both = pa.concat_tables([found, pa.table(added, schema=found.schema)]).unify_dictionaries().combine_chunks()
    return both.take(pc.sort_indices(both.column("line")))


def _breaks_off(timings: pa.Table) -> Array:
    """Return which blocks do not name their fastest tactic, though their version of TensorRT does.

    TensorRT 5 names none, and its runners by number; of a block that was chosen the choice tells the fastest.
    """
    runners = encoded(one_array(timings.column("runner")))
    numbered = [n for n, name in enumerate(runners.dictionary.to_pylist()) if (name or "").isdigit()]
    chosen = to_filled(one_array(timings.column("chosen")), False)
    named = is_valid(one_array(timings.column("fastest_tactic")))
    return ~named & ~chosen & ~among(codes_of(runners), numbered)


def _timed_of(tactics: pa.Table) -> pa.Table:
    """Return the tactics that have a time: null and nan are none."""
    there = pc.invert(pc.is_nan(tactics.column("time_ms")))
    return tactics if pc.all(there, skip_nulls=False).as_py() else tactics.filter(there)


def timed_rows(tactics: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Return columns of the timed tactics as rows: as many as :class:`TimedTactics` has, in its order.

    Parameters
    ----------
    tactics : pyarrow.Table
        Table ``tactics``.
    *names : str
        The columns.
    """
    timed = _timed_of(tactics).select(list(names))
    for start in range(0, timed.num_rows, _AT_ONCE):
        yield from zip(*map(values_of, timed.slice(start, _AT_ONCE).columns), strict=True)
