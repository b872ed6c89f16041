from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import each
from trtlog.errors import InputError
from trtlog.values import shapes
from trtlog.values.shapes import (
    ShapeRange,
    Tensor,
    parse_dims,
    parse_operands,
    parse_shape_range,
    parse_shapes_option,
)


@pytest.mark.parametrize(
    ("text", "dims"),
    [
        ("(-1, 3, 224, 224)", (-1, 3, 224, 224)),
        ("(64)", (64,)),
        ("(1,)", (1,)),
        ("()", ()),
        ("", ()),
        ("scalar", ()),
        ("1x3x224x224", (1, 3, 224, 224)),
        ("-1x3", (-1, 3)),
        ("5", (5,)),
        ("[1,3,2]", (1, 3, 2)),
        ("(_, 32, 16)", (-1, 32, 16)),
        ("('B', 3, seq len)", ("B", 3, "seq len")),
        ("1xx2", None),
        ("(1, (2))", None),
        ("(1, , 2)", None),
        ("word", None),
    ],
)
def test_dimensions(text, dims):
    assert parse_dims(text) == dims


def test_operands_of_a_node():
    line = "[input -> (-1, 3, 224, 224)[FLOAT]], [conv::W_1 -> (64, 3, 7, 7)[FLOAT]], "
    line += "[optional input, not set], "
    assert parse_operands(line) == (
        Tensor("input", (-1, 3, 224, 224), "FLOAT"),
        Tensor("conv::W_1", (64, 3, 7, 7), "FLOAT"),
        Tensor(None, None, None),
    )
    assert parse_operands("") == ()
    assert parse_operands("[x -> (1, 3)], [y -> ()], ") == (Tensor("x", (1, 3)), Tensor("y", ()))
    assert parse_operands("[a, b -> c [0] (Unnamed Layer* 3) [Shuffle]_output -> (N, 5)[INT32]], ") == (
        Tensor("a, b -> c [0] (Unnamed Layer* 3) [Shuffle]_output", ("N", 5), "INT32"),
    )


def test_a_list_that_is_cut_is_null_and_strict_says_where():
    cut = "[input -> (-1, 3, 224, 224)[FLOAT]], [conv::W_1 -> (64, 3"
    assert parse_operands(cut) is None
    with pytest.raises(InputError, match=r"not a list of operands") as error:
        parse_operands(cut, strict=True)
    shown, mark = str(error.value).splitlines()[1:]
    assert shown[mark.index("^") :].startswith("[conv::W_1") or shown[mark.index("^") - 1] == "["


def test_shapes_of_the_option_sections():
    assert parse_shape_range("in=1x3+8x3+32x3") == ShapeRange("in", (1, 3), (8, 3), (32, 3))
    assert parse_shape_range("in=4x3") == ShapeRange("in", (4, 3), (4, 3), (4, 3))
    assert parse_shape_range("a=b=4") == ShapeRange("a=b", (4,), (4,), (4,))
    assert parse_shape_range("model") is None
    assert parse_shape_range("in=1+2") is None
    assert parse_shapes_option("x:0:1x3,'y,z':8") == {"x:0": (1, 3), "y,z": (8,)}
    assert parse_shapes_option("nothing") is None


names = st.text(min_size=1, max_size=30).filter(lambda s: "\n" not in s and not re.search(r"\)(\[\w+\])?\]", s))


@given(st.lists(st.tuples(names, st.lists(st.integers(-1, 9999), max_size=5), st.sampled_from(["FLOAT", "INT64"]))))
def test_operands_round_trip(rows):
    text = "".join(f"[{name} -> ({', '.join(map(str, dims))})[{dtype}]], " for name, dims, dtype in rows)
    assert parse_operands(text) == tuple(Tensor(name, tuple(dims), dtype) for name, dims, dtype in rows)


@given(st.text(max_size=80) | st.text(alphabet="[]() ->,x0123=:'+FLOAT", max_size=80))
def test_no_text_raises(text):
    parse_dims(text)
    parse_operands(text)
    parse_shape_range(text)
    parse_shapes_option(text)


def test_every_operand_list_of_the_real_logs_reads(real_logs):
    lines = {m for _, log in real_logs for m in re.findall(r"\[[\w.]+\] (?:in|out)puts: (.*)", log)}
    assert len(lines) > 100
    for line in each(lines):
        # counted a second way: each tensor has one ` -> (..)` that is followed by its type
        expected = len(re.findall(r" -> \([^)]*\)(?:\[\w+\])?\]", line)) + line.count("not set]")
        operands = parse_operands(line, strict=True)
        assert len(operands) == expected
        assert [t for t in operands if t.name is not None and t.shape is None] == []


OPERANDS = st.lists(
    st.sampled_from(
        ["[", "]", "x", " -> (", "1, 3", ")", "[FLOAT]", "]", ", ", "[x -> (1, 3)[FLOAT]], ", " ", ">", "onnx::C[0]",
         "[optional input, not set], ", "[a.b -> ()[INT64]], ", "[y -> (N)[]], "]
    ),
    max_size=12,
).map("".join)


@given(OPERANDS)
def test_usual_operands_are_read_as_all_others(text):
    expected = parse_operands.__wrapped__(text)
    plain, shapes._PLAIN_OPERAND = shapes._PLAIN_OPERAND, re.compile("(?!)")
    try:
        assert parse_operands.__wrapped__(text) == expected
    finally:
        shapes._PLAIN_OPERAND = plain
