"""Detailed layer lines read with the terminals of ``grammars/values/layer_info.lark``, without lark's tables.

The grammar needs no look ahead: in each place the first terminal that matches is the one, in the order in which
lark tries them. Reading so takes a tenth of the time, and lark need not be loaded. What is not read here is
left to lark, and tests hold both to the same result.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from trtlog._util.expression import expression

Pair = tuple[str, Any]

_INTEGER = expression(r"-?(?:0|[1-9][0-9]{0,17})")


def read_value(text: str) -> Any:
    """Read a value: an integer, a list or object as in JSON, else the text as printed; None for nothing.

    Examples
    --------
    >>> read_value("3"), read_value("[1, 2]"), read_value("[1, x]"), read_value(" ")
    (3, [1, 2], '[1, x]', None)
    """
    text = text.strip(" ")
    if not text:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if text[0] in "[{":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def read_pair(text: str) -> Pair:
    """Split ``, Key: value``."""
    key, _, printed = text.partition(":")
    return key.strip(", "), read_value(printed)


def read_pairs(text: str) -> list[Pair] | None:
    """Return the keys and values of a layer in printed order, or None where the text is to be left to lark.

    Examples
    --------
    >>> read_pairs("Name: c, LayerType: Conv, Inputs: [ { Name: x, Dimensions: [1,3] }], Groups: 1")
    [('Name', 'c'), ('LayerType', 'Conv'), ('Inputs', [{'Name': 'x', 'Dimensions': [1, 3]}]), ('Groups', 1)]
    """
    is_ = _terminals()
    found = is_["NAME_KEY"].match(text)
    if found is None:
        return None
    position = found.end()
    tensors_key, attribute = is_["TENSORS_KEY"].match, is_["ATTRIBUTE"].match
    name = ""
    if not tensors_key(text, position) and not attribute(text, position):
        found = is_["NAME"].match(text, position)
        if found is not None:
            name, position = found[0], found.end()
    pairs: list[Pair] = [("Name", name)]
    ahead = -1  # where the next list of tensors may begin
    while position < len(text):
        if ahead < position:
            following = is_["TENSORS_KEY"].search(text, position)
            ahead = len(text) if following is None else following.start()
            rest = _attributes(text, position) if following is None else None
            if rest is not None:
                return pairs + rest
        found = tensors_key(text, position)
        if found is not None:
            tensors = read_tensors(text, found.end())
            if tensors is None:
                return None
            pairs.append((found[0].strip(",: "), tensors[0]))
            position = tensors[1]
            continue
        found = attribute(text, position)
        if found is None:
            return None
        pairs.append(read_pair(found[0]))
        position = found.end()
    return pairs


def _attributes(text: str, position: int) -> list[Pair] | None:
    """Return the keys and values up to the end, found in one go; None where something else is among them."""
    printed = _terminals()["ATTRIBUTE"].findall(text, position)
    return list(map(read_pair, printed)) if sum(map(len, printed)) == len(text) - position else None


def read_tensors(text: str, position: int) -> tuple[list[dict[str, Any]], int] | None:
    """Return a list of tensors and where it ends."""
    is_ = _terminals()
    found = is_["LIST_OPEN"].match(text, position)
    if found is None:
        return None
    position = found.end()
    tensors: list[dict[str, Any]] = []
    opens, closes, separates = is_["TENSOR_OPEN"].match, is_["LIST_CLOSE"].match, is_["SEP"].match
    while True:
        found = opens(text, position)
        if found is None:
            break
        tensor = _tensor(text, found.end())
        if tensor is None:
            return None
        tensors.append(tensor[0])
        position = tensor[1]
        found = separates(text, position)
        if found is None:
            break
        position = found.end()
        if opens(text, position) is None:
            return None
    found = closes(text, position)
    return None if found is None else (tensors, found.end())


def _tensor(text: str, position: int) -> tuple[dict[str, Any], int] | None:
    """Return one tensor and where it ends."""
    is_ = _terminals()
    tensor: dict[str, Any] = {}
    found = is_["NAME_KEY"].match(text, position)
    if found is not None:
        position = found.end()
        found = is_["TENSOR_NAME"].match(text, position)
        tensor["Name"] = "" if found is None else found[0]
        position = position if found is None else found.end()
    fields, end = _read_fields(text, position)
    tensor.update(fields)
    found = is_["TENSOR_CLOSE"].match(text, end)
    return None if found is None else (tensor, found.end())


def _read_fields(text: str, position: int) -> tuple[list[Pair], int]:
    """Return what is said of a tensor and where that ends."""
    field = _terminals()["FIELD"].match
    pairs: list[Pair] = []
    while (found := field(text, position)) is not None:
        pairs.append(read_pair(found[0]))
        position = found.end()
    return pairs, position


def fields_of(text: str) -> dict[str, Any] | None:
    """Return what a text up to a brace says of a tensor; None where more has to be read, as where a list is open."""
    pairs, end = _read_fields(text, 0)
    whole = text.rfind("[") <= text.rfind("]") and _terminals()["TENSOR_CLOSE"].fullmatch(text, end) is not None
    return dict(pairs) if whole else None


class _Terminals(dict[str, re.Pattern[str]]):
    """The expression of each terminal, compiled when it is needed: few lines need all."""

    def __init__(self, patterns: dict[str, str]) -> None:
        super().__init__()
        self._patterns = patterns

    def __missing__(self, name: str) -> re.Pattern[str]:
        compiled = self[name] = re.compile(self._patterns[name])
        return compiled


@lru_cache(maxsize=1)
def _terminals() -> _Terminals:
    """Return the terminals of the grammar."""
    from trtlog.grammar import value_terminals

    return _Terminals(value_terminals("layer_info"))
