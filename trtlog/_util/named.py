"""Named tuples that cost a quarter to declare: :class:`typing.NamedTuple` compiles each annotation, which nobody reads.

All else is as there: fields and defaults, methods, signatures, annotations as they are written.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Declaration(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.pop("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            made.__annotations__ = made.__new__.__annotations__ = fields
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Declaration):
        """A tuple whose items have names.

        Examples
        --------
        >>> class Point(NamedTuple):
        ...     '''A point.'''
        ...
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == (1, 0), Point(1)._replace(y=2)
        (Point(x=1, y=0), True, Point(x=1, y=2))
        """
