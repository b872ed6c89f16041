"""Lint rules about the Acme attention plug-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trtlog.analyses.lint import Hit, rule

if TYPE_CHECKING:
    from trtlog import Log


@rule(
    "acme-two-passes",
    severity="warning",
    confidence="high",
    why="Two passes read keys and values twice.",
    action="Build for sequences that fit a tile, or raise ACME_SHARED_KIB.",
)
def two_passes(log: Log) -> Iterator[Hit]:
    """An attention layer falls back to two passes."""
    for row in log.table("extension_messages").to_pylist():
        if row["kind"] == "acme_fallback":
            fields = json.loads(row["fields"])
            text = f"{fields['layer']} computes {fields['acme_tokens']} tokens in two passes"
            yield Hit(text, lines=[row["line"]], layers=(fields["layer"],))
