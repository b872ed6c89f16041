"""Callbacks that turn what ``grammars/values/layer_info.lark`` matched into keys and values.

Loaded together with lark, when the first detailed layer line is read.
"""

from __future__ import annotations

import json
import re
from typing import Any

from lark import Token, Transformer, v_args

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")


@v_args(inline=True)
class LayerBuilder(Transformer):  # type: ignore[misc, type-arg, unused-ignore]  # lark may come without types
    """One method a rule; lark calls them as it reduces."""

    def start(self, _key: Token, name: Token | None, *parts: Any) -> list[tuple[str, Any]]:
        """Return the pairs of the layer in printed order."""
        return [("Name", str(name or "")), *(part for part in parts if isinstance(part, tuple))]

    def tensors(self, key: Token, *parts: Any) -> tuple[str, Any]:
        """Return the tensors of ``Inputs``, ``Outputs`` or ``Constants``."""
        return key.strip(",: "), [part for part in parts if isinstance(part, dict)]

    def tensor(self, _open: Token, key: Token | None, name: Token | None, *parts: Any) -> dict[str, Any]:
        """Return one tensor."""
        found: dict[str, Any] = {"Name": str(name or "")} if key else {}
        found.update(part for part in parts if isinstance(part, tuple))
        return found

    def attribute(self, text: Token) -> tuple[str, Any]:
        """Return any other key and its value."""
        key, _, value = text.partition(":")
        return key.strip(", "), _value(value)


def _value(text: str) -> Any:
    """Read a value: an integer, a list or object as in JSON, else the text as printed; None for nothing."""
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
