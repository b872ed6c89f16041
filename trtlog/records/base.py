"""What a record is: a frozen dataclass whose fields carry type, unit and meaning.

The Arrow schema, the DataFrame and the documentation page are made from these classes; nothing about a
column stands anywhere else.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

# Column types, by the name used here: name in documentation. "name" is text with many repeats, which is
# dictionary-encoded.
TYPES = (
    "int32",
    "int64",
    "uint64",
    "float64",
    "bool",
    "text",
    "name",
    "texts",  # a list of texts
    "int64s",  # a list of integers
    "float64s",  # a list of numbers
    "tensors",  # a list of (tensor, dtype, shape)
    "operands",  # a list of (name, dtype, shape, format)
    "json",  # text that holds a JSON object
    "time",  # a local time without a zone
)


@dataclasses.dataclass(frozen=True)
class Column:
    """Type, unit and meaning of a column."""

    type: str
    doc: str
    unit: str = ""


def column(type_: str, doc: str, unit: str = "") -> Any:
    """Declare a field of a record: its column type, what it means, its unit."""
    if type_ not in TYPES:
        raise TypeError(f"unknown column type {type_!r}")
    return dataclasses.field(default=None, metadata={"column": Column(type_, doc, unit)})


class Record:
    """Base of the records: one class a table, one instance a row.

    Every field may be None, which means that the log does not say.
    """

    table: ClassVar[str]
    registry: ClassVar[dict[str, type[Record]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        name = cls.__dict__.get("table")
        if name is not None:
            Record.registry[name] = cls

    def _repr_html_(self) -> str:
        from trtlog.report.notebook import record_html

        return record_html(self)

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return the columns of the table, in order."""
        return {f.name: f.metadata["column"] for f in dataclasses.fields(cls)}  # type: ignore[arg-type]


def run_column() -> Any:
    """Declare the column that every table has first."""
    return column("int32", "number of the run in the file, from 0")


def line_column(what: str) -> Any:
    """Declare the column that names the line of the fact."""
    return column("int64", f"line of the log, from 1: {what}")
