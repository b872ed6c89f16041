"""The memory layout that the strides of a tensor format tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from trtlog.values.brackets import split_outside

Extent: TypeAlias = int | str


def layout_of_vector(spatial: int, size: int) -> str | None:
    """Return the layout where only one exists with vectors of this size; 2, 4 and 16 have two each."""
    only = {(2, 8): "NHWC8", (2, 32): "NC/32HW32", (3, 8): "NDHWC8", (3, 32): "NC/32DHW32"}
    return only.get((spatial, size))


def layout_of_strides(strides: tuple[Extent, ...], vector_dim: int | None = None, vector_size: int = 1) -> str | None:
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
    terms = [stride if isinstance(stride, int) else _term(stride) for stride in strides]
    rank = len(terms)
    one = 1
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
        return layout_of_vector(spatial, vector_size)
    if channels_first:
        return f"NC/{vector_size}{letters}{vector_size}"
    if channels_last:
        return f"N{letters}C{vector_size}"
    return None


WIDTHS = {"Two": 2, "Four": 4, "Eight": 8, "Sixteen": 16, "Thirty-two": 32}


def layout_of_words(
    order: str, width_word: str | None, letters: str, conditions: Mapping[str, int]
) -> tuple[str | None, int | None]:
    """Return the layout that a format in words tells, and the number of elements in a vector.

    Parameters
    ----------
    order : str
        ``Row major linear``, ``Channel major``, ``Transposed`` ...
    width_word : str or None
        The number before ``wide channel vectorized``.
    letters : {"HW", "DHW"}
        The spatial axes.
    conditions : mapping
        ``channel %``, ``channel ==``, ``column stride %`` -> number.

    Examples
    --------
    >>> layout_of_words("row major", "Thirty-two", "HW", {}), layout_of_words("Channel major", None, "HW", {})
    (('NC/32HW32', 32), ('NHWC', 1))
    """
    channels_first = order.lower().startswith("row")
    width = WIDTHS[width_word] if width_word else None
    size: int | None = width or conditions.get("channel %") or 1
    if order == "Transposed":
        return None, None
    if conditions.get("column stride %"):  # formats of the deep learning accelerator
        channels = conditions.get("channel ==", 0)
        layout = "DLA linear" if channels_first else f"DLA HWC{channels}" if channels else None
        return layout, channels or (1 if channels_first else None)
    if channels_first:
        return f"NC/{width}{letters}{width}" if width else "linear", size
    return f"N{letters}C{size if size != 1 else ''}", size


# A number, or number and symbols of a product.
_Term: TypeAlias = "int | tuple[int, Counter[str]]"


def _nested(terms: list[_Term]) -> bool:
    """Tell whether each stride is a multiple of the next: the memory order of a packed tensor."""
    return all(_divides(inner, outer) for outer, inner in pairwise(terms))


def _divides(inner: _Term, outer: _Term) -> bool:
    if isinstance(inner, tuple) or isinstance(outer, tuple):
        (inner, of_inner), (outer, of_outer) = (t if isinstance(t, tuple) else (t, Counter()) for t in (inner, outer))
        if of_inner - of_outer and inner and outer:
            return False
    return outer % inner == 0 if inner and outer else outer == inner


@lru_cache(maxsize=4096)
def _term(extent: str) -> _Term:
    """Read a stride as number times symbols: ``(* 256 (# 1 (SHAPE x)))`` is 256 and {(# 1 (SHAPE x))}."""
    number, symbols = 1, Counter[str]()
    factors = [extent]
    while factors:  # products of products are common: (* 32 (* a b))
        factor = factors.pop()
        if re.fullmatch(r"-?[0-9]{1,18}", factor):
            number *= int(factor)
        elif factor.startswith("(* ") and factor.endswith(")") and len(factors) < 100:
            factors += [part for part in split_outside(factor[3:-1], " ") if part]
        else:
            symbols[factor] += 1
    return (number, symbols) if symbols else number
