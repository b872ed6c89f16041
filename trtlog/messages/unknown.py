"""Shapes of unknown lines: what varies is masked, equal shapes counted, each with a rule to start from."""

from __future__ import annotations

import re

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression
from trtlog._util.redact import redact
from trtlog.messages.captures import Remark, text
from trtlog.messages.repeats import Repeats

_MASKS = (
    (expression(r"0x[0-9a-fA-F]+"), "<HEX>"),
    (expression(r"\"[^\"]*\"|'[^']*'"), "<QUOTED>"),
    (expression(r"(?<![A-Za-z0-9_/.:])-?[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?(?![A-Za-z0-9_/:.])"), "<NUMBER>"),
    (expression(r"(?<![A-Za-z0-9_<])[^\s\[\](){},<>]*[/.:][^\s\[\](){},<>]*[A-Za-z0-9_](?![A-Za-z0-9_])"), "<NAME>"),
    (expression(r"(?<![A-Za-z_])-?[0-9]+(?![A-Za-z_])"), "<INT>"),
)
# What stands behind this in a longer body tells no more about its shape.
_LONGEST = 2_000
_TERMINALS = {"<HEX>": "TACTIC", "<QUOTED>": "TEXT", "<NAME>": "NAME", "<NUMBER>": "NUMBER", "<INT>": "COUNT"}
_MARK = expression(r"(<(?:HEX|QUOTED|NAME|NUMBER|INT)>)")


@dataclass(frozen=True)
class Shape:
    """A shape of unknown lines: its masked text, how often it stands, where first, and a rule for it."""

    template: str
    count: int
    line: int
    example: str
    skeleton: str


def template_of(body: str) -> str:
    """Mask what varies in a body.

    Examples
    --------
    >>> template_of("Layer /conv1/Conv took 0.25 ms of 3 tries, id 0x0bb9")
    'Layer <NAME> took <NUMBER> ms of <INT> tries, id <HEX>'
    """
    for pattern, mask in _MASKS:
        body = pattern.sub(mask, body)
    return body


def skeleton_of(template: str, example: str) -> str:
    """Return a rule to start from, with the example as its sample."""
    words = re.findall(r"[a-z]+", _MARK.sub(" ", template).lower())[:3]
    pieces = []
    for piece in _MARK.split(template):
        if piece in _TERMINALS:
            pieces.append(_TERMINALS[piece])
        elif piece:
            escaped = piece.replace("\\", "\\\\").replace('"', '\\"')
            pieces.append(f'"{escaped}"')
    name = "_".join(words) or "message"
    return f"// What it means.\n{name}: {' '.join(pieces)}\n//> {example}"


def rank(lines: Repeats[Remark]) -> list[Shape]:
    """Count shapes, the commonest first."""
    seen: dict[str, tuple[int, int, str]] = {}
    templates: dict[bytes, tuple[str, str]] = {}
    for line, count, _, (_, _, _, body, _) in lines.entries():
        if body not in templates:
            # Before what varies is masked, which may take a secret apart.
            example = redact(text(body[:_LONGEST])) + (" ..." if len(body) > _LONGEST else "")
            templates[body] = template_of(example), example
        template, example = templates[body]
        before, first, example = seen.get(template, (0, line, example))
        seen[template] = (before + count, first, example)
    shapes = [
        Shape(template, count, line, example, skeleton_of(template, example))
        for template, (count, line, example) in seen.items()
    ]
    return sorted(shapes, key=lambda s: (-s.count, s.line))
