"""Dimensions and lists of tensors as the ONNX importer and trtexec print them.

``(-1, 3, 224, 224)`` and ``1x3x224x224`` are dimensions. ``[x -> (3)[FLOAT]], [optional input, not set], ``
is the operand list of an imported node; up to TensorRT 7.1 without the element type. ``x=1x3+8x3+32x3`` is a
line of trtexec's option section: minimum, optimum and maximum.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.maybe import MaybeNone
from trtlog.errors import InputError, caret

Dimension: TypeAlias = int | str

NOT_SET = "[optional input, not set]"
_NUMBER = expression(r"[+-]?[0-9]{1,18}")
_SYMBOL = expression(r"[^\s,()\[\]]+(?: [^\s,()\[\]]+)*")
_OPERAND_END = expression(r" -> \(([^()]*)\)(?:\[([A-Za-z0-9_ ]+)\])?\](?=, ?|\s*$)")
# The usual operand, whose name holds nothing that could be taken for its end.
_PLAIN_OPERAND = expression(r"\[([^\[\]>]+) -> \(([^()\[\]]*)\)\[([A-Za-z0-9_ ]+)\]\], ")
_BY_X = expression(r"-?[0-9]{1,18}(?:x-?[0-9]{1,18})*")


@dataclass(frozen=True)
class Tensor:
    """A tensor in an operand list.

    Parameters
    ----------
    name : str or None
        Name of the tensor, None for an optional input that is not set.
    shape : tuple of int or str, or None
        Dimensions, -1 for one known at run time only, text for a named one; None where none are given.
    dtype : str or None
        Element type as printed (``FLOAT``), None up to TensorRT 7.1 and for inputs that are not set.
    """

    name: str | None
    shape: tuple[Dimension, ...] | None = None
    dtype: str | None = None


@dataclass(frozen=True)
class ShapeRange:
    """Shapes of one input: what an optimization profile is made of.

    ``min``, ``opt`` and ``max`` are equal where one shape is given for all three.
    """

    name: str
    min: tuple[Dimension, ...]
    opt: tuple[Dimension, ...]
    max: tuple[Dimension, ...]


@lru_cache(maxsize=65536)
def parse_dims(text: str) -> tuple[Dimension, ...] | None:
    """Read dimensions.

    Parameters
    ----------
    text : str
        ``(-1, 3, 224, 224)``, ``[1,3]``, ``1x3x224x224``, ``scalar``, ``()`` or empty for a scalar. An
        underscore, TensorRT's sign for an unknown dimension in graph messages, reads as -1.

    Returns
    -------
    tuple or None
        None where the text is no list of dimensions.

    Examples
    --------
    >>> parse_dims("(-1, 3, 224, 224)"), parse_dims("1x3x2"), parse_dims("(_, batch)"), parse_dims("()")
    ((-1, 3, 224, 224), (1, 3, 2), (-1, 'batch'), ())
    >>> parse_dims("one and (two)") is None
    True
    """
    body = text.strip()
    if body in ("", "()", "[]", "scalar"):
        return ()
    if _BY_X.fullmatch(body):
        return tuple(int(part) for part in body.split("x"))
    if (body[0], body[-1]) not in (("(", ")"), ("[", "]")):
        return None
    parts = [part.strip() for part in body[1:-1].split(",")]
    if parts[-1] == "":  # (1,) as Python writes it
        parts.pop()
    dims: list[Dimension] = []
    for part in parts:
        if _NUMBER.fullmatch(part):
            dims.append(int(part))
        elif part == "_":
            dims.append(-1)
        elif _SYMBOL.fullmatch(part):
            dims.append(part.strip("'\""))
        else:
            return None
    return tuple(dims)


@lru_cache(maxsize=16384)
def parse_operands(text: str, *, strict: bool = False) -> tuple[Tensor, ...] | MaybeNone:
    """Read the operand list of an imported node.

    Names may hold brackets, arrows and commas: an operand ends where its dimensions, type and closing
    bracket stand together before a comma or the end.

    Parameters
    ----------
    text : str
        What follows ``inputs: `` or ``outputs: ``.
    strict : bool
        Raise on anything else instead of returning None.

    Raises
    ------
    InputError
        With ``strict``, at the first operand that does not end.

    Examples
    --------
    >>> text = "[x -> (-1, 3)[FLOAT]], [a -> b, [c] -> (64)[HALF]], [optional input, not set], "
    >>> for t in parse_operands(text):
    ...     print(t.name, t.shape, t.dtype)
    x (-1, 3) FLOAT
    a -> b, [c] (64,) HALF
    None None None
    >>> parse_operands("nothing of the kind") is None
    True
    """
    printed = split_operands(text, strict=strict)
    if printed is None:
        return None
    return tuple(
        Tensor(name, None if dims is None else parse_dims(f"({dims})"), dtype) for name, dims, dtype in printed
    )


def split_operands(text: str, *, strict: bool = False) -> list[tuple[str | None, str | None, str | None]] | None:
    """Cut the operand list of an imported node into names, dimensions and element types, as printed.

    Raises
    ------
    InputError
        With ``strict``, at the first operand that does not end.

    Examples
    --------
    >>> split_operands("[x -> (-1, 3)[FLOAT]], [optional input, not set], ")
    [('x', '-1, 3', 'FLOAT'), (None, None, None)]
    """
    tensors: list[tuple[str | None, str | None, str | None]] = []
    position = 0
    end = len(text.rstrip(" ,"))
    while position < end:
        plain = _PLAIN_OPERAND.match(text, position)
        if plain is not None:
            name, dims, dtype = plain.groups()
            tensors.append((name, dims, dtype))
            position = plain.end()
            continue
        if text[position] in " ,":
            position += 1
            continue
        if text.startswith(NOT_SET, position):
            tensors.append((None, None, None))
            position += len(NOT_SET)
            continue
        found = _OPERAND_END.search(text, position + 1) if text[position] == "[" else None
        if found is None:
            if strict:
                raise InputError(
                    "not a list of operands (expected, for example, [x -> (1, 3)[FLOAT]], ):\n" + caret(text, position)
                )
            return None
        tensors.append((text[position + 1 : found.start()], found[1], found[2]))
        position = found.end()
    return tensors


def parse_shape_range(text: str) -> ShapeRange | MaybeNone:
    """Read ``NAME=MIN+OPT+MAX`` (build and calibration shapes) or ``NAME=SHAPE`` (inference shapes).

    Examples
    --------
    >>> r = parse_shape_range("input=1x3x8+4x3x8+32x3x8")
    >>> r.name, r.min, r.opt, r.max
    ('input', (1, 3, 8), (4, 3, 8), (32, 3, 8))
    >>> parse_shape_range("x:0=1x28").max, parse_shape_range("model") is None
    ((1, 28), True)
    """
    name, equals, shapes = text.strip().rpartition("=")
    if not equals or not name:
        return None
    dims = [parse_dims(part) for part in shapes.split("+")]
    known = [d for d in dims if d is not None]
    if len(known) != len(dims) or len(known) not in (1, 3):
        return None
    low, middle, high = known if len(known) == 3 else known * 3
    return ShapeRange(name.strip(), low, middle, high)


def parse_shapes_option(text: str) -> dict[str, tuple[Dimension, ...]] | None:
    """Read the value of ``--shapes``, ``--minShapes`` ...: ``x:1x3,'y:0':8``.

    The last colon before a shape ends the name; names may be quoted.

    Examples
    --------
    >>> parse_shapes_option("input0:1x3x256x256,'x:0':1")
    {'input0': (1, 3, 256, 256), 'x:0': (1,)}
    """
    shapes: dict[str, tuple[Dimension, ...]] = {}
    for part in re.findall(r"""(?:'[^']*'|"[^"]*"|[^,'"])+""", text):
        name, colon, shape = part.strip().rpartition(":")
        dims = parse_dims(shape)
        if not colon or dims is None:
            return None
        shapes[name.strip("'\"")] = dims
    return shapes or None
