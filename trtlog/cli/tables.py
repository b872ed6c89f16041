"""``trtlog tables``: what tables there are."""

from __future__ import annotations

from textwrap import dedent

import click

from trtlog.cli.common import show


@click.command("tables")
@click.argument("table", required=False)
def command(table: str | None) -> None:
    """List the tables of facts, then those that are computed from them; or the columns of TABLE with meanings.

    Example:  trtlog tables tactics
    """
    from trtlog.analyses.registry import record_of, table_names
    from trtlog.records import TABLES
    from trtlog.report.document import Column, Document, Section, Sentence, Table
    from trtlog.report.sentences import words

    if table is not None:
        record = record_of(table)
        four = (Column("column", "code"), Column("type", "code"), Column("unit", "code"), Column("meaning"))
        rows = [(name, column.type, column.unit, column.doc) for name, column in record.columns().items()]
        statement = dedent(record.sql).strip().splitlines()
        query = (Section("SQL", tuple(Sentence(words(line)) for line in statement)),) if statement else ()
        show(Document(f"trtlog tables {table}", (Table(four, rows), *query)))
        return
    for title, names in (("table", list(TABLES)), ("analysis", table_names())):
        columns = (Column(title, "code"), Column("columns", "number"), Column("one row per"))
        records = [(name, record_of(name)) for name in names]
        docs = [(name, record, (record.__doc__ or "").strip().splitlines()[0]) for name, record in records]
        listed = [(name, str(len(record.columns())), doc) for name, record, doc in docs]
        show(Document("trtlog tables", (Table(columns, listed),)))
