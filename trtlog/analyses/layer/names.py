"""What a layer's name tells: the nodes it was fused from, its role, the kind of operation."""

from __future__ import annotations

import re

from trtlog._util.expression import expression
from trtlog.values.brackets import split_outside

_REFORMAT = expression(r"Reformatting CopyNode for (Input|Output) Tensor ([0-9]+) to (.+)", re.DOTALL)
_PROFILE_SUFFIX = expression(r" \[profile [0-9]+\]")
_MYELIN_NUMBER = expression(r"_myl[0-9]+_[0-9]+$")
_FAMILIES = (
    ("reformat", expression("reformat|noop|copy|identity", re.IGNORECASE)),
    ("constant", expression("constant", re.IGNORECASE)),
    ("convolution", expression("conv", re.IGNORECASE)),
    ("pooling", expression("pool", re.IGNORECASE)),
    ("matrix product", expression("gemm|matmul|matrix|fullyconnected", re.IGNORECASE)),
    ("pointwise", expression("pointwise|elementwise|activation|scale|unary", re.IGNORECASE)),
    ("myelin", expression("myelin|kgen|foreign", re.IGNORECASE)),
)


def constituents(name: str) -> tuple[str, ...]:
    """Return the names of the nodes that a layer's name says it was fused from, in order.

    Examples
    --------
    >>> constituents("Conv_1 + PWN(Sigmoid_2, PWN(Mul_3))")
    ('Conv_1', 'Sigmoid_2', 'Mul_3')
    >>> constituents("MatMul_1 || MatMul_2"), constituents("{ForeignNode[a/MatMul...b + (Shuffle 3)]}")
    (('MatMul_1', 'MatMul_2'), ('a/MatMul', 'b', '(Shuffle 3)'))
    >>> constituents("Reformatting CopyNode for Input Tensor 0 to Conv_1 + Relu_2")
    ('Conv_1', 'Relu_2')
    """
    found = _REFORMAT.fullmatch(name.strip())
    return tuple(dict.fromkeys(_parts(found[3] if found else name)))


def _parts(name: str) -> list[str]:
    name = _PROFILE_SUFFIX.sub("", name).strip()
    if name.startswith("{ForeignNode[") and name.endswith("]}"):
        return [part for end in name[len("{ForeignNode[") : -2].split("...") for part in _parts(end)]
    for separator in (" + ", " || "):
        pieces = split_outside(name, separator, loose=True)
        if len(pieces) > 1:
            return [part for piece in pieces for part in _parts(piece)]
    if name.startswith("PWN(") and name.endswith(")"):
        return [part for piece in split_outside(name[4:-1], ", ", loose=True) for part in _parts(piece)]
    return [name] if name else []


def role_of(name: str, type_: str | None) -> str:
    """Return ``layer``, ``constant`` or ``reformat input 0``.

    Examples
    --------
    >>> role_of("Reformatting CopyNode for Output Tensor 1 to Conv_1", "Reformat"), role_of("w", "Constant")
    ('reformat output 1', 'constant')
    """
    found = _REFORMAT.fullmatch(name.strip())
    if found:
        return f"reformat {found[1].lower()} {found[2]}"
    return "constant" if type_ == "Constant" else "layer"


def stable_name(name: str) -> str:
    """Return a name without what changes from build to build: spaces at the end, Myelin's counters."""
    return _MYELIN_NUMBER.sub("", name.strip())


def family_of(type_: str | None, name: str) -> str | None:
    """Return the kind of operation of an engine layer's type."""
    for text in (type_ or "", name if type_ is None else ""):
        for family, pattern in _FAMILIES:
            if text and pattern.search(text):
                return family
    return type_
