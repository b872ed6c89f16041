"""Excerpts of logs in a form, or in one inside another: they have the rows of the bare excerpt."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

from tests.forms.collected import COLLECTED
from tests.forms.rows import written
from tests.forms.writers import FORMS
from tests.fuzz.material import excerpt
from trtlog.source.forms.judge import Judge
from trtlog.source.forms.layers import find_layers

# What these make of a text cannot be told from a text that was printed so, or is a part of what was printed.
_LOSSY = {"jammed", "powershell", "tabs", "spaces", "quotes", "hyphens", "crlf", "slack", "word", "fold -s", "tqdm"}
# The characters of a form of its own; lines that another form changes or that no text holds.
_PLAIN = re.compile(rb"[\n\x20-\x7e]*")
_OWN = re.compile(rb"&(?:[a-z]+|#[0-9]+);|<[/a-zA-Z]|\\|\[[0-9;]+[mK]")
# Forms that are told by the records in them, which stand behind nothing else. What is cut twice is not told from what
# is left of one cut, and what is escaped twice is unescaped once.
_ALONE = {"python logging", "logging.basicConfig", "klog", "excel csv", "mail, wrapped and quoted"}
_CUT = {"wrap80", "wrap100", "emacs -nw", "mail, quoted and wrapped", "mail, wrapped and quoted"}
_ESCAPED = {"br", "entities"}
_WIDE, _SEVERAL = 100, 6
_FEWEST, _RECORDS, _TRIES = 40, 0.7, 12
_MARKUP, _ESCAPED_LINES = re.compile(rb"[&<>]"), 3
_SOME = [b"line %d" % number for number in range(50)]


def _lines_and_numbers(name: str) -> tuple[int, list[int]]:
    lines, numbers = COLLECTED[name](_SOME)
    return len(lines), numbers


_SIZES = {name: _lines_and_numbers(name) for name in sorted(set(COLLECTED) - _LOSSY)}
# Lines of others between those of a log may be messages; text above and below it is there in the bare log too.
_OUTER = {name for name, (size, numbers) in _SIZES.items() if set(numbers) == set(range(1, size + 1))}
_AROUND = {
    name for name, (size, numbers) in _SIZES.items() if numbers == list(range(numbers[0], numbers[0] + len(_SOME)))
} - _OUTER
_INNER = set(FORMS) - _LOSSY


def bare_log(noise: Random, logs: list[Path]) -> bytes:
    """Return lines of a real log in which no form is found, most of them records; empty where chance finds none."""
    judge = Judge.of_grammar()
    for _ in range(_TRIES):
        data = excerpt(noise, logs, 300).replace(b"\r\n", b"\n")
        lines = data.split(b"\n")[:-1]
        records = sum(judge.header(line) > 0 for line in lines)
        if len(lines) < _FEWEST or records < _RECORDS * len(lines) or not _PLAIN.fullmatch(data) or _OWN.search(data):
            continue
        if not any(line.endswith(b" ") for line in lines[-1:]) and not find_layers(data, whole=True):
            return b"\n".join(lines) + b"\n"
    return b""


def chosen(noise: Random, data: bytes) -> tuple[str, ...]:
    """Return the names of one form, or of two, the innermost first."""
    # A width is told from several lines that were cut, and what is escaped from three.
    lines = data.split(b"\n")
    never = set() if sum(len(line) > _WIDE for line in lines) >= _SEVERAL else set(_CUT)
    if sum(_MARKUP.search(line) is not None for line in lines) < _ESCAPED_LINES:
        never.add("entities")
    inner = noise.choice(sorted(_INNER - never))
    draw = noise.random()
    if draw < 0.3:
        return (inner,)
    if draw < 0.6:
        return (noise.choice(sorted((_OUTER | _AROUND) - never)),)
    outer = noise.choice(sorted((_INNER | _OUTER | _AROUND) - _ALONE - never))
    twice = {inner, outer} <= _CUT or outer == inner or (inner in _ESCAPED and outer.startswith("html"))
    return (inner,) if twice else (inner, outer)


def with_text_around(lines: list[bytes], names: tuple[str, ...]) -> tuple[bytes, bytes, list[int]]:
    """Return a log in forms, the bare log with the text that they put around it, and where each line of it stands."""
    text, numbers = written(lines, names)
    if names[-1] not in _AROUND:
        return text, b"\n".join(lines) + b"\n", numbers
    out = text.split(b"\n")[:-1]
    above, below = numbers[0] - 1, out[numbers[-1] :]
    bare = b"\n".join([*out[:above], *lines, *below]) + b"\n"
    return text, bare, [*range(1, above + 1), *numbers, *range(numbers[-1] + 1, len(out) + 1)]
