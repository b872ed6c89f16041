"""``trtlog tables``: what tables there are."""

from __future__ import annotations

import click

from trtlog.errors import QueryError


@click.command("tables")
@click.argument("table", required=False)
def command(table: str | None) -> None:
    """List tables, or the columns of TABLE with types, units and meanings.

    Example:  trtlog tables tactics
    """
    from trtlog.cli.common import show
    from trtlog.records import TABLES
    from trtlog.report.terminal.text import Column, Sheet

    if table is None:
        columns = (Column("table", "code"), Column("columns", "number"), Column("one row per"))
        docs = {name: (record.__doc__ or "").strip().splitlines()[0] for name, record in TABLES.items()}
        show(Sheet(columns, [(name, str(len(TABLES[name].columns())), doc) for name, doc in docs.items()]))
    elif table in TABLES:
        about = TABLES[table].columns().items()
        four = (Column("column", "code"), Column("type", "code"), Column("unit", "code"), Column("meaning"))
        show(Sheet(four, [(name, column.type, column.unit, column.doc) for name, column in about]))
    else:
        raise QueryError(f"there is no table {table!r}; the tables are {', '.join(TABLES)}")
