"""Which rules are asked where, and in what order: the same for ``re`` and for the scanner in C."""

from __future__ import annotations

from collections.abc import Sequence

from trtlog.grammar.model import Grammar, Variant

# Sets of rules: for bodies behind a header, for lines without one, for lines that lost theirs; those of a section have
# names of their own.
PLAIN, BARE, TEXT = "plain", "bare", "text"
# The least literal text at the beginning of a rule that is looked for where a line has no header.
TEXT_PREFIX = 6
# So much literal text tells a rule wherever it stands in a line; these have less, in a form that nothing else prints.
_TELLING = 27
# Below a line that is the library's this is enough.
_BELOW = 12
_TELLING_KINDS = frozenset({"node_inputs", "node_outputs"})


def within_section(section: str) -> str:
    """Return the name of the set of rules that hold inside a section only."""
    return f"within {section}"


def set_names(grammar: Grammar) -> list[str]:
    """Return the names of the sets of rules, in order.

    Examples
    --------
    >>> from trtlog import grammar
    >>> set_names(grammar.load())[:3]
    ['plain', 'bare', 'text']
    """
    sections = (message.attributes.get("within") for message in grammar.messages.values())
    within = (within_section(name) for names in sections if names is not None for name in names.split(","))
    return list(dict.fromkeys((PLAIN, BARE, TEXT, *within)))


def rule_sets(grammar: Grammar) -> dict[str, list[int]]:
    """Return the sets of rules by name: positions in ``Grammar.variants``, in the order in which they are tried.

    Examples
    --------
    >>> from trtlog import grammar
    >>> list(rule_sets(grammar.load()))[:3]
    ['plain', 'bare', 'text']
    """
    sets: dict[str, list[int]] = {PLAIN: [], BARE: [], TEXT: []}
    variants: list[Variant] = []
    for message in grammar.messages.values():
        sections = message.attributes.get("within")
        homes = [PLAIN] if sections is None else [within_section(section) for section in sections.split(",")]
        if sections is None and "bare" in message.attributes:
            homes.append(BARE)
        for variant in message.variants:
            for home in homes:
                sets.setdefault(home, []).append(len(variants))
            if sections is None and (is_telling(variant) or variant.known_letters >= _BELOW):
                sets[TEXT].append(len(variants))
            variants.append(variant)
    return {name: in_order(numbers, variants) for name, numbers in sets.items()}


def is_telling(variant: Variant) -> bool:
    """Tell whether a line that matches is the library's, whatever is in front of it."""
    return (
        variant.known_beginning >= TEXT_PREFIX
        or variant.known_letters >= _TELLING
        or variant.kind in _TELLING_KINDS
    )


def in_order(numbers: Sequence[int], variants: Sequence[Variant]) -> list[int]:
    """Return rules in the order in which they are tried; ties keep the order of the files.

    Those with the longest literal beginning come first; then those without one, the most literal text first.
    """
    return sorted(numbers, key=lambda number: _key(variants[number]))


def _key(variant: Variant) -> tuple[bool, int]:
    prefix = variant.prefix.encode()
    return (False, -len(prefix)) if prefix else (True, -sum(len(text.encode()) for text in variant.literals))
