"""A lock."""

from __future__ import annotations

from trtlog.analyses.gate.lock import Lock
from trtlog.report.document import Block, Column, Document, Section, Table, Tiles, Title
from trtlog.report.documents.log import value_text
from trtlog.report.sentences import badge, strong, words


def lock(found: Lock) -> Document:
    """Return a lock: what is written down, its budgets and rules."""
    document = found.document
    counts = tuple((name, str(len(document.get(name) or ())), "") for name in ("layers", "reformats", "messages"))
    blocks: list[Block] = [Title(words(strong("Lock"), f" of {found.name}")), Tiles(counts)]
    budgets = [(name, value_text(value)) for name, value in (document.get("budgets") or {}).items()]
    if shown := [(name, value) for name, value in budgets if value]:
        table = Table((Column(""), Column("")), shown, most=len(shown))
        blocks.append(Section("budgets", (table,)))
    rules = [
        (name, badge(rule["level"]), ", ".join(f"{key} {value_text(v)}" for key, v in rule.items() if key != "level"))
        for name, rule in found.rules.items()
    ]
    table = Table((Column("rule", "code"), Column("level", "code"), Column("")), rules, most=len(rules))
    blocks.append(Section("rules", (table,), opened=False))
    layers = document.get("layers") or []
    if layers:
        names = list(dict.fromkeys(key for layer in layers for key in layer))
        cells = [[value_text(layer.get(name)) for name in names] for layer in layers]
        table = Table([Column(name, "name") for name in names], cells)
        blocks.append(Section("layers", (table,), opened=False, count=len(layers)))
    return Document("trtlog lock", tuple(blocks))
