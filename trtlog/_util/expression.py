"""Regular expressions that are compiled when they are first used: of those of a command's modules, most are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["expression"]

if TYPE_CHECKING:
    from re import compile as expression
else:
    import re

    class expression:  # noqa: N801 - stands for re.compile
        """What ``re.compile`` returns, made when one of its methods is asked for, which is then an attribute.

        Examples
        --------
        >>> number = expression("[0-9]+")
        >>> number.findall("a1b22"), number.fullmatch("x"), number.pattern
        (['1', '22'], None, '[0-9]+')
        """

        def __init__(self, pattern: Any, flags: int = 0) -> None:
            self._given = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)  # what copy and pickle look for
            if "_compiled" not in self.__dict__:
                self._compiled = re.compile(*self._given)
            found = getattr(self._compiled, name)
            setattr(self, name, found)
            return found

        def __reduce__(self) -> Any:
            return expression, self._given
