"""Lists of tensor formats: ``A, B -> C where E0=..`` cut into its formats."""

from __future__ import annotations

from trtlog._util.expression import expression
from trtlog.values.brackets import split_outside

_WHERE = expression(r"\bwhere(?= +E[0-9]+=)")
_DEFINITION = expression(r"(?:^|[ ,])(E[0-9]+)=")
# A format of numbers alone and what separates it from the next one: lists of such are cut at once.
_PLAIN = expression(r"\b[A-Za-z0-9_]+\([-0-9,:]*\)(?:, ?|$)")
_VARIABLE = expression(r"(?<![A-Za-z0-9_])E[0-9]+(?![A-Za-z0-9_])")


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
    pieces = [piece.strip() for piece in split_outside(body, ",")]
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
    plain = _PLAIN.findall(text)
    if sum(map(len, plain)) == len(text):
        return [piece.rstrip(", ") for piece in plain], []
    body, definitions = _split_where(text)
    sides = split_outside(body, "->")
    inputs = sides[0]
    outputs = ",".join(sides[1:])
    return (
        [_with_definitions(p.strip(), definitions) for p in split_outside(inputs, ",") if p.strip()],
        [_with_definitions(p.strip(), definitions) for p in split_outside(outputs, ",") if p.strip()],
    )


def _split_where(text: str) -> tuple[str, dict[str, str]]:
    """Cut the where-clause off and return it by variable."""
    found = _WHERE.search(text)
    if not found:
        return text, {}
    clause = text[found.end() :]
    marks = list(_DEFINITION.finditer(clause))
    ends = [mark.start() for mark in marks[1:]] + [len(clause)]
    definitions = {mark[1]: clause[mark.end() : end].strip(" ,") for mark, end in zip(marks, ends, strict=True)}
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
