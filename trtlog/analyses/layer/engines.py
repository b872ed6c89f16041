"""Which engine a run ended with, where it built several, and the rows of a table that are about it."""

from __future__ import annotations

import pyarrow as pa

from trtlog._util.arrow import from_numpy, to_filled


def kept_engine(engines: pa.Table, engine_layers: pa.Table) -> int | None:
    """Return the number of the engine that a run ended with; None for a run without one.

    It is the last one that was not discarded for another backend strategy and whose layers are listed, else the last
    one that was not discarded.

    Parameters
    ----------
    engines, engine_layers : pyarrow.Table
        The tables of these names, of one run.
    """
    kept = [row["engine"] for row in engines.to_pylist() if row["kept"] is not False]
    listed = set(engine_layers.column("engine").to_pylist())
    if not kept:  # exports without a log, or an excerpt that tells of nothing but layers
        last: int | None = max((number for number in listed if number is not None), default=None)
        return last
    found: int | None = next((number for number in reversed(kept) if number in listed), kept[-1])
    return found


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
    discarded = {row["engine"] for row in engines.to_pylist() if row["strategy"] is not None and row["kept"] is False}
    while first is not None and first - 1 in discarded:
        first -= 1
    if first == engine:
        return own
    built = [row for row in phases.to_pylist() if row["engine"] == first and row["name"] == "graph_construction"]
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
