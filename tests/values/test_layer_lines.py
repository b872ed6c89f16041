"""Lines of layers are cut at plain marks; the careful readers say what is right."""

from __future__ import annotations

import random
import re

import pytest

from tests.values.conftest import real_texts
from trtlog.values import layer_lines
from trtlog.values.layer_lines import brief_parts, detailed_parts

BRIEF = re.compile(r"Layer\(([A-Za-z0-9_]+)\): (.+)")
DETAILED = re.compile(r"Name: (.+?), LayerType: (.+)")
READERS = {
    "brief": (brief_parts, layer_lines._usual_brief, layer_lines._careful_brief),
    "detailed": (detailed_parts, layer_lines._usual_detailed, layer_lines._careful_detailed),
}
PIECES = [
    "", "", ", ", " (", ")", " -> ", "->", " ->", "]", "[", ", Name: ", "}", ", {", " }, { Name: ", "\"",
    "\\", " ", ",", ", X: ", ": ", ":", "[ {", " }]", ", Inputs: [", ", Outputs: [", ", Constants: []", "{",
    ", LayerType: ", "\n", ", Kernel: [1,2]", ", Tactic: 0x0000000000000001, ",
    ", TacticValue: 0x0000000000000001", ", TacticName: k", " (Half[1,8:8,4])", " (Float)", "[Float(1,3)]",
    ", Metadata: [ONNX Layer: a]", "\t", "é", ", Tactic",
]  # fmt: skip


def real_lines(form: str) -> list[tuple[str, str]]:
    found = {"brief": BRIEF, "detailed": DETAILED}[form]
    lines = {match.groups() for _, text in real_texts() for match in found.finditer(text)}
    if not lines:
        pytest.skip(f"no real logs with {form} layers")
    return sorted(lines)  # type: ignore[arg-type]  # two groups each


@pytest.mark.parametrize("form", READERS)
def test_layers_of_real_logs(form):
    read, usual, careful = READERS[form]
    lines = real_lines(form)
    assert all(read(*line) == careful(*line) for line in lines)
    assert sum(usual(*line) is not None for line in lines) > len(lines) / 2


@pytest.mark.parametrize("form", READERS)
def test_what_damage_makes_of_layers(form):
    read, usual, careful = READERS[form]
    lines = [line for line in real_lines(form) if len(line[1]) < 1500]
    chance = random.Random(7)
    cut = 0
    for _ in range(1500):
        name, info = chance.choice(lines)
        for _ in range(chance.randint(1, 2)):
            begin = chance.randrange(len(info) + 1)
            info = info[:begin] + chance.choice(PIECES) + info[begin + chance.choice([0, 0, 0, 1, 2, 8, 40]) :]
        if form == "detailed" and chance.random() < 0.2:
            name += chance.choice(PIECES)
        assert read(name, info) == careful(name, info), (name, info)
        cut += usual(name, info) is not None
    assert cut > 100


@pytest.mark.parametrize(
    ("info", "names"),
    [
        (
            "a, Tactic: 0x0000000000000001, (b) [c] (Half[1]), (d) (Half[2]) -> (e) (1) (Half[3])",
            ["(b) [c]", "(d)", "(e) (1)"],
        ),
        ("a, Tactic: 0x0000000000000001, x -> y (Half[1]) -> z (Half[2])", ["x -> y", "z"]),
        ("a, Tactic: 0x0000000000000001,  -> z (Half[2])", ["z"]),
        ("a, Tactic: 0x0000000000000001, x (Float), y (Float[]) -> z (Half[2])", ["x", "y", "z"]),
    ],
)
def test_names_with_marks_of_their_own(info, names):
    found = layer_lines._usual_brief("Kind", info)
    assert found is not None
    assert [name for name, _ in (*(found.inputs or ()), *(found.outputs or ()))] == names
    assert found == layer_lines._careful_brief("Kind", info)
