"""Callbacks that turn what ``grammars/values/formats.lark`` matched into plain values.

Loaded together with lark, when the first format is decoded.
"""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog.values.layouts import layout_of_words

_VARIABLE = expression(r"(?<![A-Za-z0-9_])E[0-9]+(?![A-Za-z0-9_])")
# A definition may use other definitions. Real ones nest once or twice; the limit stops hostile text that
# would double in length with every level.
_MAX_TEXT = 20_000


@dataclass(frozen=True)
class _Axis:
    extent: int | str
    size: int


@dataclass(frozen=True)
class _Definition:
    name: str
    extent: int | str


@v_args(inline=True)
class FormatBuilder(Transformer):  # type: ignore[misc, type-arg, unused-ignore]  # lark may come without types
    """One method a rule; lark calls them as it reduces, so deep nesting costs no recursion."""

    def start(self, parsed: dict[str, Any]) -> dict[str, Any]:
        """Return what the one alternative gave."""
        return parsed

    def bare(self, dtype: Token) -> dict[str, Any]:
        """``Float``: an element type alone."""
        return {"kind": "bare", "dtype": str(dtype)}

    def strides(self, dtype: Token, *parts: Any) -> dict[str, Any]:
        """``Half(24200,1:8,440,8)``, with the where-clause put in."""
        definitions = {p.name: p.extent for p in parts if isinstance(p, _Definition)}
        axes = [(_put_in(p.extent, definitions), p.size) for p in parts if isinstance(p, _Axis)]
        noted = any(isinstance(p, Token) and p.type == "NOTE" for p in parts)
        return {"kind": "strides", "dtype": str(dtype), "axes": axes, "long_strided": noted}

    def dimensions(self, dtype: Token, *parts: Any) -> dict[str, Any]:
        """``Half[-1,32:8,1,1]``."""
        axes = [(p.extent, p.size) for p in parts if isinstance(p, _Axis)]
        return {"kind": "dims", "dtype": str(dtype), "axes": axes}

    def axis(self, extent: int | str, size: Token | None) -> _Axis:
        """Return one stride or dimension and the number of elements packed along it."""
        return _Axis(extent, int(size) if size else 1)

    def number(self, value: Token) -> int:
        """Return a number."""
        return int(value)

    def symbol(self, value: Any) -> str:
        """Return a variable or an expression as text."""
        return str(value)

    def group(self, *parts: Any) -> str:
        """Return an expression in parentheses as text."""
        return "(" + "".join(map(str, parts)) + ")"

    def definition(self, name: Token, extent: int | str) -> _Definition:
        """``E0=(..)`` of the where-clause."""
        return _Definition(str(name), extent)

    def equal(self, subject: Token, value: Token) -> tuple[str, int]:
        """``channel == 4``."""
        return (f"{subject} ==", int(value))

    def multiple(self, subject: Token, divisor: Token, _rest: Token) -> tuple[str, int]:
        """``channel % 8 == 0``."""
        return (f"{subject} %", int(divisor))

    def description(self, *parts: Any) -> dict[str, Any]:
        """Words of the detailed layer information."""
        tokens = {p.type: str(p) for p in parts if isinstance(p, Token)}
        conditions: dict[str, int] = dict(p for p in parts if isinstance(p, tuple))
        width = tokens["WIDTH"].split()[0] if "WIDTH" in tokens else None
        letters = "DHW" if "3" in tokens.get("SPATIAL", "") else "HW"
        layout, size = layout_of_words(tokens["ORDER"], width, letters, conditions)
        return {
            "kind": "description",
            "dtype": tokens.get("DTYPE_WORD"),
            "vector_size": size,
            "layout": layout,
        }


def _put_in(extent: int | str, definitions: dict[str, int | str]) -> int | str:
    """Replace the variables of a where-clause by what they stand for."""
    if not definitions or isinstance(extent, int):
        return extent
    if extent in definitions and isinstance(definitions[extent], int):
        return definitions[extent]
    text = extent
    for _ in definitions:
        longer = _VARIABLE.sub(lambda found: str(definitions.get(found[0], found[0])), text)
        if longer == text or len(longer) > _MAX_TEXT:
            break
        text = longer
    return text
