"""Which rules are asked where, and in what order: the same for ``re`` and for the scanner in C."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog.grammar.model import Grammar, Variant

# Sets of rules: for bodies behind a header, for lines without one; those of a section have names of their own.
PLAIN, BARE = "plain", "bare"


def within_section(section: str) -> str:
    """Return the name of the set of rules that hold inside a section only."""
    return f"within {section}"


def set_names(grammar: Grammar) -> list[str]:
    """Return the names of the sets of rules, in order.

    Examples
    --------
    >>> from trtlog import grammar
    >>> set_names(grammar.load())[:2]
    ['plain', 'bare']
    """
    sections = (message.attributes.get("within") for message in grammar.messages.values())
    within = (within_section(name) for names in sections if names is not None for name in names.split(","))
    return list(dict.fromkeys((PLAIN, BARE, *within)))


def rule_sets(grammar: Grammar) -> dict[str, list[int]]:
    """Return the sets of rules by name: positions in ``Grammar.variants``, in the order in which they are tried.

    Examples
    --------
    >>> from trtlog import grammar
    >>> list(rule_sets(grammar.load()))[:2]
    ['plain', 'bare']
    """
    sets: dict[str, list[int]] = {PLAIN: [], BARE: []}
    variants: list[Variant] = []
    for message in grammar.messages.values():
        sections = message.attributes.get("within")
        homes = [PLAIN] if sections is None else [within_section(section) for section in sections.split(",")]
        if sections is None and "bare" in message.attributes:
            homes.append(BARE)
        for variant in message.variants:
            for home in homes:
                sets.setdefault(home, []).append(len(variants))
            variants.append(variant)
    return {name: in_order(numbers, variants) for name, numbers in sets.items()}


def in_order(numbers: Sequence[int], variants: Sequence[Variant]) -> list[int]:
    """Return rules in the order in which they are tried; ties keep the order of the files.

    Those with the longest literal beginning come first; then those without one, the most literal text first.
    """
    return sorted(numbers, key=lambda number: _key(variants[number]))


def _key(variant: Variant) -> tuple[bool, int]:
    prefix = variant.prefix.encode()
    return (False, -len(prefix)) if prefix else (True, -sum(len(text.encode()) for text in variant.literals))
