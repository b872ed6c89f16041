"""The common forms are read without lark; lark, on the same grammar, says what is right."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import each
from tests.values.conftest import real_texts
from tests.values.test_formats import GOLDEN
from trtlog.tables import engine
from trtlog.values import _layer_text, formats, layer_info
from trtlog.values._layer_text import read_pairs

NUMBERS = st.integers(-(10**18) + 1, 10**18 - 1)


def by_lark(text: str, dims: bool):
    """Decode with lark alone."""
    plain, formats._plain = formats._plain, lambda _: None
    try:
        return formats._decode.__wrapped__(text, dims)
    finally:
        formats._plain = plain


def same_as_lark(text: str) -> bool:
    """Check a format; return whether it was read without lark."""
    for dims in (False, True):
        assert formats._decode.__wrapped__(text, dims) == by_lark(text, dims), text
    return formats._plain(text) is not None


def test_golden_formats():
    texts = [line.split("|")[0].replace("\\", "").strip() for line in GOLDEN.strip().splitlines()]
    assert sum(same_as_lark(text) for text in texts if text) > 25


@pytest.mark.parametrize(
    "text", ["Float", "BFloat16", "Int64", "(Linear) Row major linear format", "(NHWC) Channel major format",
             "(Transposed) Transposed format", "Row major linear FP32"]
)  # fmt: skip
def test_formats_of_tensorrt_10_and_rtx_need_no_lark(text):
    assert same_as_lark(text)


@given(
    st.sampled_from(["Float", "Half", "Int8", "BFloat16", "Transposed", "Row", "Fancy_1", "float"]),
    st.lists(st.tuples(NUMBERS, st.none() | st.integers(0, 10**9 - 1)), max_size=6),
    st.sampled_from(["()", "[]"]),
    st.sampled_from(["", " long-strided", " ", ","]),
)
def test_formats_of_numbers(dtype, axes, brackets, tail):
    printed = ",".join(str(extent) if size is None else f"{extent}:{size}" for extent, size in axes)
    same_as_lark(f"{dtype}{brackets[0]}{printed}{brackets[1]}{tail}".strip())


@given(
    st.lists(
        st.sampled_from(
            [
                "Row", "row", "Channel", "channel", "major", "linear", "format", "FP16", "Int8", "INT64",
                "where", "%", "==", "8", "32", "and", "wide", "vectorized", "Two", "Thirty-two",
                "Transposed", "with", "2", "3", "spatial", "dimensions", "column", "stride", "(kLINEAR)",
                "(NHWC)", "(NC/32HW32 x)", "(Transposed)",
            ]
        ),
        max_size=10,
    )
)
def test_formats_in_words(words):
    same_as_lark(" ".join(words))


@given(
    st.sampled_from(["", "Two wide channel vectorized ", "Thirty-two wide channel vectorized ", "(NHWC) ", "(kX) "]),
    st.sampled_from(["Row major", "row major linear", "Channel major", "channel major linear", "Transposed"]),
    st.sampled_from([" FP16", " Int8", " E8M0", ""]),
    st.sampled_from([" format", ""]),
    st.sampled_from(["", " where channel % 8 == 0", " where channel % 0 == 0", " where channel == 4"]),
)
def test_formats_in_whole_words(width, order, dtype, word, where):
    same_as_lark(f"{width}{order}{dtype}{word}{where}")


def detailed_lines() -> list[str]:
    found = re.compile(r"Name: .*LayerType: .*")
    return sorted({found.search(line)[0].strip() for _, text in real_texts() for line in text.splitlines()
                   if "LayerType: " in line and found.search(line)})  # fmt: skip


def test_detailed_layers_of_real_logs_and_what_damage_makes_of_them():
    lines = detailed_lines()
    if not lines:
        pytest.skip("no real logs with detailed layer information")
    assert all(read_pairs(line) == layer_info._parsed(line) is not None for line in each(lines))
    chance = random.Random(5)
    pieces = ["", "", ", Name: ", "}", ", {", "]", ", Inputs: [", "Name: ", '"', "\\", " ", ",", ", X: ", ": ", "[ {",
              " }]", ", Outputs: [{ ", ", Constants: []", "[", "{", ", LayerType: ", ", Kernel: [1,2]"]  # fmt: skip
    short = [line for line in lines if len(line) < 1500]
    read = 0
    for _ in range(600):
        line = chance.choice(short)
        for _ in range(chance.randint(1, 3)):
            begin = chance.randrange(len(line) + 1)
            line = line[:begin] + chance.choice(pieces) + line[begin + chance.choice([0, 0, 1, 2, 8, 40]) :]
        found = read_pairs(line)
        assert repr(found) == repr(layer_info._parsed(line)), line
        read += found is not None
    assert read > 100


@pytest.mark.parametrize("end", [", Inputs: [ { Name: x, Location: Device }]", ', A: "[ {", B: [ { C: 1 }], D: 2'])
def test_what_stands_ahead_is_looked_for_once(end, monkeypatch):
    class Counted:
        """An expression that notes where it is searched for from."""

        def __init__(self, expression):
            self.expression, self.searched = expression, []
            self.match = expression.match

        def search(self, text, position):
            self.searched.append(position)
            return self.expression.search(text, position)

        def findall(self, text, position):
            self.searched.append(position)
            return self.expression.findall(text, position)

    terminals = _layer_text._terminals()
    counted = {name: Counted(terminals[name]) for name in ("TENSORS_KEY", "ATTRIBUTE")}
    for name, expression in counted.items():
        monkeypatch.setitem(terminals, name, expression)
    attributes = "".join(f", Key{number}: {number}" for number in range(300))
    found = read_pairs(f"Name: c, LayerType: Conv{attributes}{end}")
    assert found is None or len(found) > 300
    assert 1 <= len(counted["TENSORS_KEY"].searched) <= 3
    assert len(counted["ATTRIBUTE"].searched) <= 1


def brief_lines() -> list[str]:
    return sorted({line.strip() for _, text in real_texts() for line in text.splitlines() if line.startswith("Layer(")})


PIECES = [
    "", "", " ", ",", ", ", "->", " -> ", ")", "(", " (", "), ", ")]", "[", "]", "}", "{", "}, { Name: ", ", Tactic: ",
    '"', "], Outputs: [ { Name: ", ", Tactic: 0x1, ", ", LayerType: ", ", Inputs: []", ", Outputs: 3", ", Name: x",
    "Name: ", ", Location: ", " (Float[1,2])", "[Float(1)]", "\n", "-1", "0x", ": ",
]  # fmt: skip


def damaged(lines: list[str], seed: int, count: int):
    chance = random.Random(seed)
    short = [line for line in lines if len(line) < 1500]
    for _ in range(count):
        line = chance.choice(short)
        for _ in range(chance.randint(0, 3)):
            begin = chance.randrange(len(line) + 1)
            line = line[:begin] + chance.choice(PIECES) + line[begin + chance.choice([0, 0, 1, 2, 8, 40]) :]
        yield line


def test_brief_layers_cut_at_marks_are_those_that_the_expressions_cut(monkeypatch):
    lines = brief_lines()
    if not lines:
        pytest.skip("no real logs with layers")
    texts = [*lines, *damaged(lines, 6, 3000)]
    found = [layer_info.split_brief(line) for line in texts]
    usual = [layer_info._split_at_marks(line) for line in texts]
    monkeypatch.setattr(layer_info, "_split_at_marks", lambda text: None)
    for line, cut in each(zip(texts, found, strict=True)):
        assert cut == layer_info.split_brief(line), line
    assert sum(cut is not None for cut in usual) > 1000


def test_detailed_layers_cut_at_marks_are_those_that_are_read_whole(monkeypatch):
    lines = detailed_lines()
    if not lines:
        pytest.skip("no real logs with detailed layer information")
    lines += damaged(lines, 7, 3000)
    usual = sum(layer_info.split_detailed(line) is not None for line in lines)
    pairs = [line.removeprefix("Name: ").partition(", LayerType: ")[::2] for line in lines]
    found = [engine._detailed_parts(*pair) for pair in pairs]
    monkeypatch.setattr(engine, "split_detailed", lambda text: None)
    for pair, parts in each(zip(pairs, found, strict=True)):
        sides = [side and [(n, engine._read(d) if isinstance(d, str) else d) for n, d in side] for side in parts[4:6]]
        assert parts._replace(inputs=sides[0], outputs=sides[1]) == engine._detailed_parts(*pair), pair
    assert usual > 1000


def test_a_list_that_the_end_of_a_tensor_leaves_open_is_none():
    said = "Location: Device, D], Outputs: [0x linear FP16 format "
    line = f"Name: c, LayerType: Conv, Inputs: [ {{ Name: x, {said}}}], Outputs: [ {{ Name: y, {said}}}], Groups: 1"
    assert read_pairs(line) == layer_info._parsed(line) is None
    assert layer_info.tensor_of_text(said) is None
