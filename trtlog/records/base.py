"""What a record is: a frozen dataclass whose fields carry type, unit and meaning.

The Arrow schema, the DataFrame and the documentation page are made from these classes; nothing about a
column stands anywhere else.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from trtlog._util.dataclass import dataclass
from trtlog.display import InNotebook

__all__ = ["TYPES", "Column", "Record", "column", "engine_column", "line_column", "record", "run_column"]

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


@dataclass(frozen=True)
class Column:
    """Type, unit and meaning of a column."""

    type: str
    doc: str
    unit: str = ""


if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool) -> Callable[[type], type]:
        """Declare a record: a frozen dataclass, which is made when an instance or its fields are asked for.

        Python writes and compiles six functions a class, a millisecond for each of thirty; the Arrow schemas need the
        columns alone.
        """
        return lambda cls: cls


def column(type_: str, doc: str, unit: str = "") -> Any:
    """Declare a field of a record: its column type, what it means, its unit."""
    if type_ not in TYPES:
        raise TypeError(f"unknown column type {type_!r}")
    return dataclasses.field(default=None, metadata={"column": Column(type_, doc, unit)})


_COMPLETION = threading.RLock()


def _complete(cls: type) -> None:
    with _COMPLETION:
        if "__dataclass_fields__" not in cls.__dict__:
            dataclasses.dataclass(frozen=True)(cls)  # of the library: users derive their own from it


class _WhenAsked:
    """An attribute of a record class that is made when it is asked for; a class of no table has none."""

    def __init__(self, name: str, make: Callable[[type], Any]) -> None:
        self._name = name
        self._make = make

    def __get__(self, instance: Any, owner: type) -> Any:
        if owner is Record:
            raise AttributeError(self._name)
        _complete(owner)
        return self._make(owner)


def _signature(owner: type) -> Any:
    import inspect

    made = inspect.signature(owner.__init__)  # type: ignore[misc]
    return made.replace(parameters=list(made.parameters.values())[1:])


class Record(InNotebook):
    """Base of the records: one class a table, one instance a row.

    Every field may be None, which means that the log does not say.

    Attributes
    ----------
    table : str
        Name of the table of facts whose rows it describes.
    sql : str
        Of an analysis that is a query: the statement that selects its columns.
    sql_options : dict
        The parameters of the statement, with their defaults.
    """

    table: ClassVar[str]
    sql: ClassVar[str] = ""
    sql_options: ClassVar[dict[str, Any]] = {}
    registry: ClassVar[dict[str, type[Record]]] = {}
    _columns: ClassVar[dict[str, Column]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = {n: value.metadata["column"] for n, value in vars(cls).items() if isinstance(value, dataclasses.Field)}
        cls._columns = getattr(cls, "_columns", {}) | own
        name = cls.__dict__.get("table")
        if name is not None:
            Record.registry[name] = cls

    if not TYPE_CHECKING:  # a type checker sees a plain dataclass
        __dataclass_fields__ = _WhenAsked("__dataclass_fields__", lambda owner: owner.__dict__["__dataclass_fields__"])
        __match_args__ = _WhenAsked("__match_args__", lambda owner: owner.__dict__["__match_args__"])
        __signature__ = _WhenAsked("__signature__", _signature)

        def __new__(cls, *args: Any, **values: Any) -> Record:
            """Make an instance, the first after making the class a dataclass."""
            if "__dataclass_fields__" not in cls.__dict__:
                _complete(cls)
            return object.__new__(cls)

    @classmethod
    def columns(cls) -> dict[str, Column]:
        """Return the columns of the table, in order."""
        return dict(cls._columns)


def run_column() -> Any:
    """Declare the column that every table has first."""
    return column("int32", "number of the run in the file, from 0")


def engine_column() -> Any:
    """Declare the column that says of which engine of the run a row is."""
    return column("int32", "number of the engine in the run, from 0; each backend strategy tried is one: see engines")


def line_column(what: str) -> Any:
    """Declare the column that names the line of the fact."""
    return column("int64", f"line of the log, from 1: {what}")
