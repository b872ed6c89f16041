"""Which engine a run ended with, where it built several, and the rows of a table that are about it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from trtlog._util.arrow import Array, among, distinct, from_numpy, to_filled, to_numpy


def numbers_in(table: pa.Table, name: str, filling: float = -1) -> Array:
    """Return a column of numbers or truth values, ``filling`` where there is none.

    A log may tell of as many engines as it has lines: no row of them is made an object.
    """
    return to_filled(table.column(name).combine_chunks(), filling)


def kept_engine(engines: pa.Table, engine_layers: pa.Table) -> int | None:
    """Return the number of the engine that a run ended with; None for a run without one.

    It is the last one that was not discarded for another backend strategy and whose layers are listed, else the last
    one that was not discarded.

    Parameters
    ----------
    engines, engine_layers : pyarrow.Table
        The tables of these names, of one run.
    """
    kept = numbers_in(engines, "engine")[numbers_in(engines, "kept", True) != 0]
    listed = distinct(to_numpy(engine_layers.column("engine").drop_null().combine_chunks()))
    if not len(kept):  # exports without a log, or an excerpt that tells of nothing but layers
        return int(listed[-1]) if len(listed) else None
    found = np.flatnonzero(among(kept, listed))
    return int(kept[found[-1] if len(found) else -1])


def rows_of(table: pa.Table, engine: int | None) -> pa.Table:
    """Return the rows of a table that are about an engine; a row of an export, which has no line, is.

    Parameters
    ----------
    table : pyarrow.Table
        A table with a column ``engine``.
    engine : int or None
        Its number; None returns all rows.
    """
    if engine is None or not table.num_rows:
        return table
    numbers = table.column("engine").combine_chunks()
    return table.filter(from_numpy(to_filled(numbers, engine) == engine))


def graph_rows_of(table: pa.Table, phases: pa.Table, engines: pa.Table, engine: int | None) -> pa.Table:
    """Return the passes or rewrites that an engine went through: its own, and those above the first backend strategy.

    All strategies of one build start from one graph, whose construction is printed once, for the first of them.
    """
    own = rows_of(table, engine)
    first = engine
    tried = to_numpy(engines.column("strategy").combine_chunks().is_valid())
    discarded = set(numbers_in(engines, "engine")[tried & (numbers_in(engines, "kept", True) == 0)].tolist())
    while first is not None and first - 1 in discarded:
        first -= 1
    if first == engine:
        return own
    built = [row for row in rows_of(phases, first).to_pylist() if row["name"] == "graph_construction"]
    if not built:
        return own
    shared = rows_of(table, first)
    above = to_filled(shared.column("line").combine_chunks(), built[0]["line"]) < built[0]["line"]
    return pa.concat_tables([shared.filter(from_numpy(above)), own]).unify_dictionaries()


def numbers_of(engines: pa.Table) -> dict[int | None, int | None]:
    """Return the number of the build by the number of the engine, of one run; null for an engine that is loaded.

    Backend strategies that were tried for one engine are engines of one build.
    """
    return dict(zip(*(engines.column(name).to_pylist() for name in ("engine", "build")), strict=True))


def number_of(engines: pa.Table, engine: int | None) -> int | None:
    """Return the number of the build that made an engine, as `numbers_of` does of all."""
    if engine is None:
        return None
    found = np.flatnonzero(numbers_in(engines, "engine") == engine)
    number: int | None = engines.column("build")[int(found[-1])].as_py() if len(found) else None
    return number
