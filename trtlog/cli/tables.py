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
    from rich.table import Table
    from rich.text import Text

    from trtlog.cli.common import console
    from trtlog.records import TABLES

    out = Table(box=None, pad_edge=False, header_style="bold")
    if table is None:
        for name in ("table", "columns", "one row per"):
            out.add_column(name)
        for name, record in TABLES.items():
            doc = (record.__doc__ or "").strip().splitlines()[0]
            out.add_row(name, str(len(record.columns())), Text(doc))
    elif table in TABLES:
        for name in ("column", "type", "unit", "meaning"):
            out.add_column(name)
        for name, column in TABLES[table].columns().items():
            out.add_row(name, column.type, column.unit, Text(column.doc))
    else:
        raise QueryError(f"there is no table {table!r}; the tables are {', '.join(TABLES)}")
    console().print(out)
