"""Tensor formats: ``Half(24200,1:8,440,8)`` is FP16, NHWC8, with these strides.

TensorRT writes a format as element type and one stride an axis, outermost first. ``:8`` behind a stride says
that 8 elements along this axis form one vector; all strides are then counted in vectors. Engine layer lines
write dimensions instead of strides: ``Half[1,64:8,55,55]``. Detailed layer information writes words:
``Channel major FP16 format where channel % 8 == 0``.

Layout names are those of NVIDIA's TREx (``NHWC8``, ``NC/32HW32``); :attr:`TensorFormat.tensor_format` gives
the name in ``nvinfer1::TensorFormat`` (``kHWC8``, ``kCHW32``) where there is one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.maybe import MaybeNone
from trtlog.errors import InputError, caret
from trtlog.values.format_lists import split_combination, split_formats
from trtlog.values.layouts import Extent, layout_of_strides, layout_of_vector, layout_of_words

__all__ = [
    "DTYPES",
    "TENSOR_FORMATS",
    "Extent",
    "TensorFormat",
    "canonical_dtype",
    "decode_format",
    "layout_of_strides",
    "layouts",
    "split_combination",
    "split_formats",
]

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
            parts.append("layout not in this text")
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


def decode_format(text: str, *, dims: bool = False, strict: bool = False) -> TensorFormat | MaybeNone:
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
            "not a tensor format (expected, for example, Half(24200,1:8,440,8)):\n" + caret(text.strip(), found)
        )
    return None


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


# ------------------------------------------------------------------------------------------ decoding
@lru_cache(maxsize=65536)
def _decode(text: str, dims: bool) -> TensorFormat | int:
    """Return the format, or the position at which the text stops being one."""
    plain = _plain(text)
    if plain is not None:
        return _build(text, {**plain, "kind": "dims"} if plain["kind"] == "strides" and dims else plain)
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


# The common forms, for which lark need not be loaded; tests hold what they give to what lark gives.
_AXES = r"(?:-?[0-9]{1,18}(?::[0-9]{1,9})?(?:,-?[0-9]{1,18}(?::[0-9]{1,9})?)*)?"
_NUMBERS = expression(
    r"(?!Transposed)(?P<dtype>[A-Za-z][A-Za-z0-9_]*)"
    rf"(?:\((?P<strides>{_AXES})\)(?P<long> long-strided)?|\[(?P<dims>{_AXES})\])"
)
_WORDS = expression(
    r"(?:\([A-Za-z0-9/ ]+\) )?(?:(?P<width>Two|Four|Eight|Sixteen|Thirty-two) wide channel vectorized )?"
    r"(?P<order>(?:[Rr]ow|[Cc]hannel) major(?: linear)?|Transposed)(?: (?P<dtype>[A-Z][A-Za-z0-9]+))?(?: format)?"
    r"(?: where channel % (?P<multiple>[0-9]{1,9}) == [0-9]{1,9})?"
)


def _plain(text: str) -> dict[str, Any] | None:
    """Read a format of numbers, of a few words or of an element type alone, as the grammar does; None for others."""
    found = _NUMBERS.fullmatch(text)
    if found is not None:
        kind = "dims" if found["strides"] is None else "strides"
        pairs = [axis.partition(":") for axis in found[kind].split(",")] if found[kind] else []
        axes = [(int(extent), int(size) if size else 1) for extent, _, size in pairs]
        return {"kind": kind, "dtype": found["dtype"], "axes": axes, "long_strided": found["long"] is not None}
    if text.lower() in DTYPES:
        return {"kind": "bare", "dtype": text}
    found = _WORDS.fullmatch(text)
    if found is None:
        return None
    conditions = {"channel %": int(found["multiple"])} if found["multiple"] else {}
    layout, size = layout_of_words(found["order"], found["width"], "HW", conditions)
    return {"kind": "description", "dtype": found["dtype"], "vector_size": size, "layout": layout}


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
        layout = layout_of_vector(len(extents) - vector_dim - 1, vector_size)
    return TensorFormat(text, dtype, None, extents, vector_dim, vector_size if packed else None, layout)


@lru_cache(maxsize=1)
def _parser() -> Any:
    from trtlog.grammar import value_parser
    from trtlog.values._format_tree import FormatBuilder

    return value_parser("formats", FormatBuilder())
