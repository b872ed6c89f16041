"""Tensor formats: ``Half(24200,1:8,440,8)`` is FP16, NHWC8, with these strides.

TensorRT writes a format as element type and one stride an axis, outermost first. ``:8`` behind a stride says
that 8 elements along this axis form one vector; all strides are then counted in vectors. Engine layer lines
write dimensions instead of strides: ``Half[1,64:8,55,55]``. Detailed layer information writes words:
``Channel major FP16 format where channel % 8 == 0``.

Layout names are those of NVIDIA's TREx (``NHWC8``, ``NC/32HW32``); :attr:`TensorFormat.tensor_format` gives
the name in ``nvinfer1::TensorFormat`` (``kHWC8``, ``kCHW32``) where there is one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, TypeAlias

from trtlog.errors import InputError, caret

Extent: TypeAlias = int | str

DTYPES = {
    "float": "FP32",
    "fp32": "FP32",
    "half": "FP16",
    "fp16": "FP16",
    "bfloat16": "BF16",
    "bf16": "BF16",
    "fp8": "FP8",
    "fp8e4m3": "FP8",
    "fp4": "FP4",
    "fp4e2m1": "FP4",
    "e8m0": "E8M0",
    "int8": "INT8",
    "int4": "INT4",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "bool": "BOOL",
}
"""TensorRT's spellings of element types, in lower case, and the name trtlog uses."""

TENSOR_FORMATS = {
    "linear": "kLINEAR",
    "NC/2HW2": "kCHW2",
    "NC/4HW4": "kCHW4",
    "NC/16HW16": "kCHW16",
    "NC/32HW32": "kCHW32",
    "NC/32DHW32": "kCDHW32",
    "NHWC": "kHWC",
    "NHWC8": "kHWC8",
    "NHWC16": "kHWC16",
    "NDHWC": "kDHWC",
    "NDHWC8": "kDHWC8",
    "DLA linear": "kDLA_LINEAR",
    "DLA HWC4": "kDLA_HWC4",
}
"""Layouts that have a name in ``nvinfer1::TensorFormat``; others, such as NHWC4, are internal to TensorRT."""


@dataclass(frozen=True)
class TensorFormat:
    """One tensor format, decoded.

    Parameters
    ----------
    text : str
        The format as printed.
    dtype : str or None
        Element type: FP32 FP16 BF16 FP8 FP4 INT8 INT4 INT32 INT64 UINT8 BOOL E8M0; an unknown spelling is
        kept as printed; None where the text names none.
    strides : tuple of int or str, or None
        Stride of each axis, outermost first, in vectors where ``vector_size`` > 1. Symbolic strides are
        text with the variables of the where-clause put in. None where the text gives no strides.
    dims : tuple of int or str, or None
        Dimensions in elements, -1 (and below, up to 8.4) for one known at run time only.
    vector_dim : int or None
        Axis along which elements are packed into vectors, None for none.
    vector_size : int or None
        Elements in a vector, 1 for none; None where the text does not tell.
    layout : str or None
        ``linear NHWC NHWC8 NC/32HW32 NDHWC8 ...`` as in TREx; None where the text does not tell. N stands
        for any number of leading axes.
    long_strided : bool
        The format is marked ``long-strided`` (8.4 and later): its strides skip memory.

    Examples
    --------
    >>> f = decode_format("Half(24200,1:8,440,8)")
    >>> f.dtype, f.layout, f.tensor_format, f.strides, f.vector_dim, f.vector_size
    ('FP16', 'NHWC8', 'kHWC8', (24200, 1, 440, 8), 1, 8)
    """

    text: str
    dtype: str | None
    strides: tuple[Extent, ...] | None = None
    dims: tuple[Extent, ...] | None = None
    vector_dim: int | None = None
    vector_size: int | None = None
    layout: str | None = None
    long_strided: bool = False

    @property
    def tensor_format(self) -> str | None:
        """Name in ``nvinfer1::TensorFormat``, None for layouts that are internal to TensorRT or unknown."""
        return TENSOR_FORMATS.get(self.layout or "")

    @property
    def title(self) -> str:
        """Short title in TREx's style: ``FP16 NHWC8``."""
        return " ".join(part for part in (self.dtype, self.layout) if part) or self.text

    def describe(self) -> str:
        """Return one sentence for people.

        Examples
        --------
        >>> print(decode_format("Int8(49:32,7,1)").describe())
        INT8, layout NC/32HW32 (kCHW32), vectors of 32 elements along axis 0; strides in vectors: 49, 7, 1
        >>> print(decode_format("Half[1,64:8,55,55]").describe())
        FP16, layout NHWC8 (kHWC8), vectors of 8 elements along axis 1; dimensions: 1 x 64 x 55 x 55
        """
        parts = [self.dtype or "element type not given"]
        if self.layout:
            known = self.tensor_format
            parts.append(f"layout {self.layout} ({known or 'internal to TensorRT'})")
        else:
            parts.append("layout not told by this text")
        if self.vector_size and self.vector_size > 1:
            along = "" if self.vector_dim is None else f" along axis {self.vector_dim}"
            parts.append(f"vectors of {self.vector_size} elements{along}")
        sentence = ", ".join(parts)
        if self.strides is not None:
            unit = "vectors" if self.vector_size and self.vector_size > 1 else "elements"
            sentence += f"; strides in {unit}: {', '.join(map(str, self.strides)) or 'none (a scalar)'}"
        if self.dims is not None:
            sentence += f"; dimensions: {' x '.join(map(str, self.dims)) or 'none (a scalar)'}"
        return sentence


def canonical_dtype(text: str) -> str:
    """Return trtlog's name of an element type; an unknown one is returned as it is.

    Examples
    --------
    >>> canonical_dtype("Half"), canonical_dtype("FLOAT16"), canonical_dtype("Double")
    ('FP16', 'FP16', 'Double')
    """
    word = text.strip().lower()
    word = {"float32": "float", "float16": "half", "float8": "fp8", "float4": "fp4"}.get(word, word)
    return DTYPES.get(word, text.strip())


def decode_format(text: str, *, dims: bool = False, strict: bool = False) -> TensorFormat | None:
    """Decode one tensor format.

    Parameters
    ----------
    text : str
        ``Half(24200,1:8,440,8)``, ``Half[-1,32:8,1,1]``, ``Float``, ``Float(E0,1) where E0=(..)``,
        ``Row major linear FP32`` or ``(NHWC) Channel major format``.
    dims : bool
        The numbers in parentheses are dimensions: so in engine layer lines up to TensorRT 8.4.
    strict : bool
        Raise on text that is not a format instead of returning None.

    Returns
    -------
    TensorFormat or None

    Raises
    ------
    InputError
        With ``strict``, on text that is not a format.

    Examples
    --------
    >>> decode_format("Float(802816,1:4,3584,16)").layout
    'NHWC4'
    >>> decode_format("Int8(6272,3136:32,56,1)").tensor_format
    'kCHW32'
    >>> decode_format("Thirty-two wide channel vectorized row major Int8 format").layout
    'NC/32HW32'
    >>> decode_format("what") is None, decode_format("Half(1,,2)") is None
    (True, True)
    """
    found = _decode(text.strip(), dims)
    if isinstance(found, TensorFormat):
        return found
    if strict:
        raise InputError(
            "not a tensor format (expected, for example, Half(24200,1:8,440,8)):\n"
            + caret(text.strip(), found)
        )
    return None


def split_formats(text: str) -> list[str]:
    """Split a comma-separated list of formats at the top level; each keeps the definitions it needs.

    Examples
    --------
    >>> split_formats("Float(1,2), Half(3,1:8,4,8)")
    ['Float(1,2)', 'Half(3,1:8,4,8)']
    >>> split_formats("Float(E0,1),Float(1) where E0=(* 2 (# 0 (SHAPE x)))")
    ['Float(E0,1) where E0=(* 2 (# 0 (SHAPE x)))', 'Float(1)']
    >>> split_formats("")
    []
    """
    body, definitions = _split_where(text)
    pieces = [piece.strip() for piece in _split_top(body, ",")]
    return [_with_definitions(piece, definitions) for piece in pieces if piece]


def split_combination(text: str) -> tuple[list[str], list[str]]:
    """Split a format combination ``A, B -> C`` into the formats of its inputs and outputs.

    Text without an arrow counts as inputs. A where-clause at the end serves both sides.

    Examples
    --------
    >>> split_combination("Float(1), Half(2) -> Half(3)")
    (['Float(1)', 'Half(2)'], ['Half(3)'])
    >>> split_combination(" -> Float(E0,1) where E0=(# 0 (SHAPE x))")
    ([], ['Float(E0,1) where E0=(# 0 (SHAPE x))'])
    """
    body, definitions = _split_where(text)
    sides = _split_top(body, "->")
    inputs = sides[0]
    outputs = ",".join(sides[1:])
    return (
        [_with_definitions(p.strip(), definitions) for p in _split_top(inputs, ",") if p.strip()],
        [_with_definitions(p.strip(), definitions) for p in _split_top(outputs, ",") if p.strip()],
    )


@lru_cache(maxsize=65536)
def layouts(text: str) -> str | None:
    """Return the layouts of a list or combination of formats, for the tables' ``layout`` columns.

    Examples
    --------
    >>> layouts("Float(3,1),Half(24200,1:8,440,8)")
    'FP32 linear, FP16 NHWC8'
    >>> layouts("Half(24200,1:8,440,8) -> Half(1605632,12544,112,1)")
    'FP16 NHWC8 -> FP16 linear'
    >>> layouts("") is None
    True
    """
    inputs, outputs = split_combination(text)
    if not inputs and not outputs:
        return None
    sides = [", ".join(_title(piece) for piece in side) for side in (inputs, outputs)]
    return " -> ".join(sides).strip() if outputs else sides[0]


def _title(piece: str) -> str:
    decoded = decode_format(piece)
    return decoded.title if decoded else piece


# ------------------------------------------------------------------------------------------ splitting
_WHERE = re.compile(r"\bwhere(?= +E[0-9]+=)")
_DEFINITION = re.compile(r"(?:^|[ ,])(E[0-9]+)=")
_VARIABLE = re.compile(r"(?<![A-Za-z0-9_])E[0-9]+(?![A-Za-z0-9_])")


def _split_top(text: str, separator: str) -> list[str]:
    """Split at ``separator`` outside parentheses and brackets."""
    if separator not in text:
        return [text]
    pieces: list[str] = []
    depth = start = position = 0
    step = len(separator)
    while position < len(text):
        char = text[position]
        if char in "([":
            depth += 1
        elif char in ")]":
            depth = max(0, depth - 1)
        elif depth == 0 and text.startswith(separator, position):
            pieces.append(text[start:position])
            position = start = position + step
            continue
        position += 1
    pieces.append(text[start:])
    return pieces


def _split_where(text: str) -> tuple[str, dict[str, str]]:
    """Cut the where-clause off and return it by variable."""
    found = _WHERE.search(text)
    if not found:
        return text, {}
    clause = text[found.end() :]
    marks = list(_DEFINITION.finditer(clause))
    ends = [mark.start() for mark in marks[1:]] + [len(clause)]
    definitions = {
        mark[1]: clause[mark.end() : end].strip(" ,") for mark, end in zip(marks, ends, strict=True)
    }
    return text[: found.start()], definitions


def _with_definitions(piece: str, definitions: dict[str, str]) -> str:
    if not definitions:
        return piece
    needed: dict[str, str] = {}
    todo = _VARIABLE.findall(piece)
    while todo:
        name = todo.pop()
        if name in definitions and name not in needed:
            needed[name] = definitions[name]
            todo += _VARIABLE.findall(definitions[name])
    ordered = [f"{name}={needed[name]}" for name in definitions if name in needed]
    return f"{piece} where {' '.join(ordered)}" if ordered else piece


# ------------------------------------------------------------------------------------------ decoding
@lru_cache(maxsize=65536)
def _decode(text: str, dims: bool) -> TensorFormat | int:
    """Return the format, or the position at which the text stops being one."""
    from lark.exceptions import UnexpectedInput, VisitError

    try:
        parsed: dict[str, Any] = _parser().parse(text)  # the callbacks of _Builder give a dict, not a tree
    except UnexpectedInput as error:
        position: int | None = error.pos_in_stream  # negative or None at the end of the text
        return len(text) if position is None or position < 0 else position
    except VisitError:  # a number of more digits than Python converts
        return 0
    if parsed["kind"] == "strides" and dims:
        parsed = {**parsed, "kind": "dims"}
    return _build(text, parsed)


def _build(text: str, parsed: dict[str, Any]) -> TensorFormat | int:
    kind = parsed["kind"]
    if kind == "bare":
        known = parsed["dtype"].lower() in DTYPES
        return TensorFormat(text, canonical_dtype(parsed["dtype"])) if known else 0
    if kind == "description":
        return TensorFormat(
            text,
            canonical_dtype(parsed["dtype"]) if parsed["dtype"] else None,
            vector_size=parsed["vector_size"],
            layout=parsed["layout"],
        )
    dtype = canonical_dtype(parsed["dtype"])
    axes: list[tuple[Extent, int]] = parsed["axes"]
    extents = tuple(extent for extent, _ in axes)
    packed = [(i, size) for i, (_, size) in enumerate(axes) if size > 1]
    if len(packed) > 1:  # never seen; say no more than the text does
        return TensorFormat(text, dtype, **{kind: extents})  # type: ignore[arg-type]  # strides or dims
    vector_dim, vector_size = packed[0] if packed else (None, 1)
    if kind == "strides":
        layout = layout_of_strides(extents, vector_dim, vector_size)
        long = parsed.get("long_strided", False)
        return TensorFormat(text, dtype, extents, None, vector_dim, vector_size, layout, long)
    layout = None
    if vector_dim is not None:
        layout = _layout_of_vector(len(extents) - vector_dim - 1, vector_size)
    return TensorFormat(text, dtype, None, extents, vector_dim, vector_size if packed else None, layout)


def _layout_of_vector(spatial: int, size: int) -> str | None:
    """Return the layout where only one exists with vectors of this size; 2, 4 and 16 have two each."""
    only = {(2, 8): "NHWC8", (2, 32): "NC/32HW32", (3, 8): "NDHWC8", (3, 32): "NC/32DHW32"}
    return only.get((spatial, size))


def layout_of_strides(
    strides: tuple[Extent, ...], vector_dim: int | None = None, vector_size: int = 1
) -> str | None:
    """Return the layout that the order of the strides tells, None where it is none of the named ones.

    The channel axis is the third (two spatial axes) or fourth from the end (three). A tensor whose
    spatial axes are all of size 1 has the same strides in several layouts; without vectors it is called
    linear, with vectors the layout is None where TensorRT has two of that vector size.

    Examples
    --------
    >>> layout_of_strides((150528, 50176, 224, 1)), layout_of_strides((150528, 1, 672, 3))
    ('linear', 'NHWC')
    >>> layout_of_strides((1, 16384, 128, 1), vector_dim=0, vector_size=8)
    'NDHWC8'
    """
    terms = [_term(stride) for stride in strides]
    rank = len(terms)
    one = _term(1)
    if vector_dim is None:
        if not terms or (terms[-1] == one and _nested(terms)):
            return "linear"
        for channel, name in ((rank - 3, "NHWC"), (rank - 4, "NDHWC")):
            inner = terms[channel + 1 :]
            if channel >= 0 and terms[channel] == one and _nested(terms[:channel] + inner):
                return name
        return None
    spatial = rank - vector_dim - 1
    if spatial not in (2, 3):
        return None
    letters = "HW" if spatial == 2 else "DHW"
    inner = terms[vector_dim + 1 :]
    outer = terms[:vector_dim]
    channels_first = inner[-1] == one and _nested([*outer, terms[vector_dim], *inner])
    channels_last = terms[vector_dim] == one and _nested(outer + inner)
    if channels_first and channels_last:
        return _layout_of_vector(spatial, vector_size)
    if channels_first:
        return f"NC/{vector_size}{letters}{vector_size}"
    if channels_last:
        return f"N{letters}C{vector_size}"
    return None


_Term: TypeAlias = "tuple[int, Counter[str]]"


def _nested(terms: list[_Term]) -> bool:
    """Tell whether each stride is a multiple of the next: the memory order of a packed tensor."""
    return all(_divides(inner, outer) for outer, inner in pairwise(terms))


def _divides(inner: _Term, outer: _Term) -> bool:
    if outer[0] == 0 or inner[0] == 0:
        return outer[0] == inner[0]
    return outer[0] % inner[0] == 0 and not inner[1] - outer[1]


@lru_cache(maxsize=4096)
def _term(extent: Extent) -> _Term:
    """Read a stride as number times symbols: ``(* 256 (# 1 (SHAPE x)))`` is 256 and {(# 1 (SHAPE x))}."""
    if isinstance(extent, int):
        return extent, Counter()
    number, symbols = 1, Counter[str]()
    factors = [extent]
    while factors:  # products of products are common: (* 32 (* a b))
        factor = factors.pop()
        if re.fullmatch(r"-?[0-9]{1,18}", factor):
            number *= int(factor)
        elif factor.startswith("(* ") and factor.endswith(")") and len(factors) < 100:
            factors += [part for part in _split_top(factor[3:-1], " ") if part]
        else:
            symbols[factor] += 1
    return number, symbols


@lru_cache(maxsize=1)
def _parser() -> Any:
    from lark import Lark

    from trtlog.grammar import grammar_dir
    from trtlog.values._format_tree import FormatBuilder

    path = grammar_dir() / "values" / "formats.lark"
    return Lark(path.read_text(encoding="utf-8"), parser="lalr", transformer=FormatBuilder())
