"""Operands of nodes, cut in bulk; one text after the other says what is right."""

from __future__ import annotations

import functools
import random
import re

import pytest

from tests.values.conftest import real_texts
from trtlog._util.arrow import from_bytes
from trtlog.tables import operands
from trtlog.tables.operands import read_operands
from trtlog.values.shapes import parse_operands

LINE = re.compile(r"\[(?:inputs|outputs): (.+)|(?:inputs|outputs): (\[.+)")
PIECES = ["", "[", "]", ">", "(", ")", " -> (", "]], ", "]], [", " ", ",", "é", "_", "-1", "batch",
          "[optional input, not set], "]  # fmt: skip


def one_by_one(printed: str):
    found = parse_operands(printed)
    if found is None:
        return None
    return [
        {
            "tensor": tensor.name,
            "dtype": tensor.dtype,
            "shape": None if tensor.shape is None else [d if isinstance(d, int) else -1 for d in tensor.shape],
        }
        for tensor in found
    ]


@functools.cache
def distinct_operands() -> list[str]:
    return sorted({match[1] or match[2] for _, text in real_texts() for match in LINE.finditer(text)})


def real_operands() -> list[str]:
    texts = distinct_operands()
    if not texts:
        pytest.skip("no real logs with imported nodes")
    return texts


def test_operands_of_real_logs(monkeypatch):
    texts = [text for text in real_operands() if text.endswith("]], ")]
    expected = [one_by_one(text) for text in texts]
    whole = from_bytes([text.encode() for text in ["x", *texts, "x"]])[1:-1]
    assert read_operands(whole).to_pylist() == expected
    plain = [text for text in texts if "not set" not in text and text.count(">") == text.count("]], ")]
    assert len(plain) > len(texts) / 2
    monkeypatch.setattr(operands, "_one_by_one", None)  # these need it not
    assert len(read_operands(from_bytes([text.encode() for text in plain]))) == len(plain)


def test_what_damage_makes_of_operands():
    chance = random.Random(3)
    texts = [text for text in real_operands() if len(text) < 400]
    for _ in range(60):
        damaged = []
        for text in chance.choices(texts, k=12):
            for _ in range(chance.choice([0, 0, 1, 1, 2])):
                begin = chance.randrange(len(text) + 1)
                text = text[:begin] + chance.choice(PIECES) + text[begin + chance.choice([0, 0, 1, 2, 8]) :]
            damaged.append(text)
        assert read_operands(from_bytes([t.encode() for t in damaged])).to_pylist() == [one_by_one(t) for t in damaged]


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["[a -> (3)[FLOAT]], ", "", "[b -> ()[HALF]], [c -> (-1, N)[INT64]], "],
        ["[a[0] -> (3)[FLOAT]], ", "[a -> (3)[FLOAT]], "],
        ["[a -> b -> (3)[FLOAT]], "],
        ["[a -> (3]x)[FLOAT]], "],
        ["[a -> (3)[FLOAT]], [b -> (4)[FLOAT]]"],
        ["[a -> (3)[]], "],
        ["[a -> (x y z,,)[FLOAT]], "],
    ],
)
def test_odd_operands(texts):
    assert read_operands(from_bytes([t.encode() for t in texts])).to_pylist() == [one_by_one(t) for t in texts]
