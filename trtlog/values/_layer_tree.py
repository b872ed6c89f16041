"""Callbacks that turn what ``grammars/values/layer_info.lark`` matched into keys and values.

Loaded together with lark, when the first detailed layer line is read.
"""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from trtlog.values._layer_text import read_pair


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
        return read_pair(text)
