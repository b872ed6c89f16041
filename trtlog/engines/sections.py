"""The sections of a log as the scanner takes them: what opens one, and which rules hold inside of it."""

from __future__ import annotations

import struct

from trtlog.engines.library import Sections, tables_of
from trtlog.grammar import Grammar
from trtlog.messages.classify import Facts, rule_names, section_behind_empty

_STOPS_HEADED, _STOPS_BARE = 1, 2
_NO_SECTION, _NO_RULES = 255, -1


def section_numbers(grammar: Grammar) -> dict[str, int]:
    """Return the number of each section by its name, in order."""
    return grammar.once(_section_numbers)


def _section_numbers(grammar: Grammar) -> dict[str, int]:
    opened = grammar.sections.values()
    names = dict.fromkeys(("", *opened, *map(section_behind_empty, opened)))
    return {name: number for number, name in enumerate(names)}


def sections_of(grammar: Grammar) -> Sections:
    """Return the sections of a grammar in memory; made once a process."""
    return grammar.once(_sections)


def _sections(grammar: Grammar) -> Sections:
    facts, sets = grammar.once(Facts), tables_of(grammar).sets
    numbers = section_numbers(grammar)
    stops = bytes(
        stops * _STOPS_HEADED | (not facts.leaves_plainly(index)) * _STOPS_BARE
        for index, stops in enumerate(facts.stops)
    )
    opens = bytes(_NO_SECTION if name is None else numbers[name] for name in facts.opens)
    behind = bytes(numbers[section_behind_empty(name)] for name in numbers)
    rules: list[int] = []
    for name in numbers:
        for asks in (False, True):
            found = [sets[rule] for rule in rule_names(name, asks) if rule in sets]
            rules += (*found, *[_NO_RULES] * (2 - len(found)))
    return Sections(stops, opens, behind, struct.pack(f"{len(rules)}i", *rules))
