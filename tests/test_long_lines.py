"""Lines of any length, and files without line ends: both loops say the same, and nothing is lost from the count."""

from __future__ import annotations

import gzip
import random

import pytest

from tests.conftest import FIXTURES
from tests.test_engines import RULES, assert_same, check, in_c, in_python
from trtlog.errors import InputError
from trtlog.messages.unknown import rank
from trtlog.read import parse
from trtlog.source import chunks as source
from trtlog.source.chunks import open_source

HEADER = b"[11/22/2026-13:22:03] [V] [TRT] "
LOG = gzip.decompress((FIXTURES / "trt-8.5.3-h200" / "bert_fp16_verbose.log.gz").read_bytes())
WORDS = [b"layer", b"conv", b"Reformat:", b"(x)", b"->", b"0x00ff", b"Tactic:", b"[a,b]", b": ", b"1.25", b"Time: "]
ENGINES = pytest.mark.parametrize("make", [in_python, in_c])


def words(size: int) -> bytes:
    chance = random.Random(size)
    block = b" ".join(chance.choices(WORDS, k=2_000))
    return (block * (size // len(block) + 1))[:size]


def read(make, data: bytes, chunk_bytes: int = 8 << 20):
    engine = make()
    with open_source(data, chunk_bytes) as opened:
        for chunk in opened:
            engine.feed(chunk.data, chunk.first_line)
    return engine.finish(), opened.notes


def records(captures):
    """Return every record's kind and fields, in the order of the lines."""
    kinds = {captures.variants[number].kind for number in captures.columns}
    return {kind: captures.table(kind).drop_columns(["line"]).to_pylist() for kind in RULES.messages if kind in kinds}


@pytest.fixture
def short_pieces(monkeypatch):
    monkeypatch.setattr(source, "LONGEST_LINE", 100_000)
    monkeypatch.setattr(source, "_CUT_WITHIN", 20_000)
    monkeypatch.setattr(source, "_READ_BYTES", 30_000)


@pytest.mark.parametrize("size", [9_000, 11_000, 300_000])
def test_lines_of_many_characters(size):
    names = b"".join(b"%s%s Set Tactic Name: k Tactic: 0x%016x\n" % (HEADER, words(size), n) for n in range(5))
    check(
        names + HEADER + b"Layer(Constant): " + words(size) + b"\n" + b"y" * size + b"\n" + HEADER + b"x" * size,
        1 << 20,
    )


def test_layer_names_that_never_come_again():
    chance = random.Random(0)
    names = [b"".join(chance.choices([b"a", b"g", b"Z", b"/", b" ", b"7", b"."], k=30)) for _ in range(8_000)]
    lines = [b"%s%s Set Tactic Name: k Tactic: 0x%016x\n" % (HEADER, name, n) for n, name in enumerate(names)]
    check(b"".join(lines), 1 << 20)


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_five_megabytes_of_other_text_without_a_line_end_are_refused(engine):
    with pytest.raises(InputError, match="its only line is not of TensorRT"):
        parse(words(5_000_000), engine=engine)


@ENGINES
@pytest.mark.parametrize("body", [b"", b"Tactic: ", b"Adding reformat layer: Reformatted Input Tensor 0 to "])
def test_five_megabytes_behind_one_header_are_one_line(make, body):
    data = HEADER + body + words(5_000_000)
    captures, notes = read(make, data)
    assert captures.counts == {"unknown": [1, len(data)]}
    assert captures.unknown[0].body == data[len(HEADER) :]
    assert notes == []


@ENGINES
@pytest.mark.parametrize("end", [b"", b"\r"], ids=["joined", "carriage returns"])
def test_a_log_that_lost_its_line_ends_gives_the_same_records_in_pieces(make, end, short_pieces, monkeypatch):
    """It is cut in front of each record: as many lines of each kind as the log has with its line ends."""
    bare, _ = read(make, LOG)
    data = LOG.replace(b"\n", end)
    pieces, notes = read(make, data)
    assert notes == ["several records stood on one line: it was cut in front of each"]
    monkeypatch.setattr(source, "LONGEST_LINE", 1 << 30)
    whole, notes = read(make, data)
    assert notes == ["several records stood on one line: it was cut in front of each"]
    assert records(pieces) == records(whole)
    assert pieces.counts == whole.counts
    assert (pieces.lines, pieces.size) == (whole.lines, whole.size)
    assert pieces.lines == len(LOG.splitlines()) == 4491
    assert {kind: lines for kind, (lines, _) in pieces.counts.items()} == {
        kind: lines for kind, (lines, _) in bare.counts.items()
    }
    assert {kind: len(rows) for kind, rows in records(pieces).items()} == {
        kind: len(rows) for kind, rows in records(bare).items()
    }


@ENGINES
def test_lines_behind_a_line_in_pieces_keep_their_numbers(make, short_pieces):
    long = HEADER + words(350_000) + HEADER + b"Original: 7 layers" + words(10) + b"\n"
    data = HEADER + b"Original: 9 layers\n" + long + long + HEADER + b"Original: 8 layers\n" + b"foreign words\n"
    for chunk_bytes in (1_000, 8 << 20):
        captures, _ = read(make, data, chunk_bytes)
        assert captures.table("original_layers").column("line").to_pylist() == [1, 4]
        assert captures.counts["unknown"] == [2, 2 * len(long)]
        assert (captures.lines, captures.size) == (5, len(data))
        assert sum(lines for lines, _ in captures.counts.values()) == 5
        assert sum(size for _, size in captures.counts.values()) == len(data)


def test_both_loops_read_pieces_alike(short_pieces):
    joined = LOG[:300_000].replace(b"\n", b"")
    data = LOG[:50_000] + HEADER + words(250_000) + b"\n" + LOG[50_000:90_000] + joined + b"\n" + LOG[:150_000]
    assert_same(read(in_python, data, 40_000)[0], read(in_c, data, 40_000)[0])


def test_the_shape_of_a_long_unknown_line_is_short():
    captures, _ = read(in_python, HEADER + words(1_000_000) + b"\n")
    (shape,) = rank(captures.unknown)
    assert shape.count == 1
    assert len(shape.template) < 5_000
