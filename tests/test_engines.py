"""Both inner loops of the engine say the same of every line, whatever the log and wherever a chunk ends."""

from __future__ import annotations

import gzip
import itertools
import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import CORPUS, FIXTURES, beside, each
from trtlog import grammar
from trtlog.engines.library import library
from trtlog.engines.line import LineEngine
from trtlog.errors import InputError
from trtlog.grammar import compiler
from trtlog.source.chunks import open_source
from trtlog.tables import TableSet

RULES = grammar.load()
LOGS = sorted(FIXTURES.glob("*/*.log.gz")) + sorted(FIXTURES.glob("*/*.txt.gz"))
THIRD_PARTY = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix not in (".md", ".tsv", ".json"))


def read(engine, chunks, chunk_bytes=8 << 20):
    for chunk in chunks:
        for data, first_line in cut(chunk.data, chunk.first_line, chunk_bytes):
            engine.feed(data, first_line)
    return engine.finish()


def chunks_of(source):
    with open_source(source) as chunks:
        return list(chunks)


def cut(data, first_line, chunk_bytes):
    """Cut a chunk at line ends into smaller ones."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + chunk_bytes) + 1 or len(data)
        yield data[start:end], first_line
        first_line += data.count(b"\n", start, end)
        start = end


def plain(table: pa.Table) -> pa.Table:
    """Return a table without dictionaries: how values are encoded is no part of what they say."""
    fields = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def equal(one: pa.Table, other: pa.Table) -> bool:
    """Return whether two tables say the same; most do so as they are."""
    return one.equals(other) or plain(one).equals(plain(other))


def assert_same(expected, found, tables=True):
    """Compare captures and, unless told otherwise, every table made of them."""
    for name in ("lines", "size", "counts", "times", "openings", "producers"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("remarks", "unknown", "continuations"):
        assert getattr(found, name) == getattr(expected, name), name
    kinds = [kind for kind in expected.counts if kind in RULES.messages]
    assert [kind for kind in kinds if not equal(found.table(kind), expected.table(kind))] == []
    if tables:
        first = tables if isinstance(tables, TableSet) else TableSet(expected, "log")
        second = TableSet(found, "log")
        for name in each(TableSet.names):
            assert second[name].schema.equals(first[name].schema), name
            assert equal(second[name], first[name]), name


def in_python():
    """Return an engine that runs in Python alone."""
    return LineEngine(RULES, native=False)


def in_c():
    """Return an engine with the inner loop in C."""
    if library() is None:
        pytest.skip("the scanner in C could not be built: no compiler")
    return LineEngine(RULES)


def check(source, chunk_bytes):
    chunks = chunks_of(source)
    assert_same(read(in_python(), chunks), read(in_c(), chunks, chunk_bytes))


@pytest.mark.parametrize("path", LOGS, ids=lambda p: p.name)
def test_fixtures(path: Path):
    """Read in C in one chunk, in some, and in many small ones, of which a long log has some more."""
    chunks = chunks_of(path)
    expected = read(in_python(), chunks)
    tables = TableSet(expected, "log")
    small = 3_000 if path.stat().st_size <= 60_000 else 20_000
    for chunk_bytes in (8 << 20, 50_000, small):
        assert_same(expected, read(in_c(), chunks, chunk_bytes), tables if chunk_bytes > 10_000 else False)


# A third of them at once, of each version some; all of them where time is no matter.
SOME = [path if not place % 3 else pytest.param(path, marks=pytest.mark.slow) for place, path in enumerate(THIRD_PARTY)]


@pytest.mark.parametrize("path", beside(SOME), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_third_party_logs(path: Path):
    try:
        check(path, 200_000)
    except InputError:
        pytest.skip("no log")


def _samples():
    described = {}
    for path in sorted((grammar.grammar_dir() / "messages").glob("*.lark")):
        described.update(compiler.read_messages(path))
    return [s.encode() for m in described.values() for s in m.samples]


SAMPLES = _samples()
STAMPS = [b"[11/22/2026-13:22:03] ", b"[11/22/2026-13:22:04] ", b"[11/22/2026-13:22:99] ", b"[1/22/2026-13:22:03] "]
HEADERS = [
    *(stamp + rest for stamp in STAMPS for rest in (b"[V] [TRT] ", b"[I] [TRT] ", b"[I] ", b"[V] ", b"[TRT] [V] ")),
    *(STAMPS[0] + rest for rest in (b"[W] [TRT] ", b"[E] ", b"[E] [TRT] ", b"[I] [", b"[X] ", b"[TRT] ", b"")),
    STAMPS[0] + STAMPS[1] + b"[V] [TRT] ",
    b"[V] ",
    b"",
]
ENDINGS = [b" ", b"x", b" -> ", b" (a)", b"\r", b"\xff", b": "]
BODIES = st.one_of(
    st.sampled_from(SAMPLES),
    st.sampled_from(SAMPLES),
    st.tuples(st.sampled_from(SAMPLES), st.sampled_from(ENDINGS)).map(b"".join),
    st.tuples(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES)).map(b" ".join),
    st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")),
)
LINES = st.tuples(st.sampled_from(HEADERS), BODIES, st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])).map(b"".join)
# Repeats, so that a chunk holds enough lines alike.
LOG = st.lists(st.tuples(LINES, st.sampled_from([1, 1, 2, 5])), min_size=1, max_size=40).map(
    lambda parts: b"".join(line * times for line, times in parts)
)


def feed_at(engine, data, cuts):
    """Feed whole lines, cut at the line ends numbered ``cuts``."""
    lines = data.splitlines(keepends=True) if b"\r" not in data else [x + b"\n" for x in data.split(b"\n")]
    if b"\r" in data:
        lines[-1] = lines[-1][:-1]
        lines = [x for x in lines if x]
    bounds = sorted({0, len(lines), *(c % (len(lines) + 1) for c in cuts)})
    for first, last in itertools.pairwise(bounds):
        engine.feed(b"".join(lines[first:last]), first + 1)
    return engine.finish()


@settings(max_examples=150)
@given(data=LOG, cuts=st.lists(st.integers(0, 300), max_size=4), ended=st.booleans())
def test_generated_logs(data, cuts, ended):
    if not ended:
        data = data.rstrip(b"\n") or b"x"
    expected = feed_at(in_python(), data, [])
    assert_same(expected, feed_at(in_c(), data, cuts), tables=False)


LAYER = b"Layer(Convolution): conv, Tactic: 0x0000000000000bb9, a (Float[1,3]) -> b (Float[1,3])"
DETAIL = b"Name: conv, LayerType: Convolution, Inputs: [], Outputs: []"
AROUND_LAYERS = [
    STAMPS[0] + b"[V] [TRT] Engine Layer Information:",
    STAMPS[0] + b"[I] Layers:",
    STAMPS[1] + b"[V] [TRT] Original: 179 layers",
    STAMPS[1] + b"[I] === Model Options ===",
    STAMPS[1] + b"[I] Format: ONNX",
    STAMPS[0] + b"[W] [TRT] something (not closed",
    STAMPS[0] + b"[V] [TRT] nobody prints this:",
    b"    " + STAMPS[0] + b"[V] [TRT] Original: 179 layers",
    b"build-1  | " + STAMPS[0] + b"[V] [TRT] Original: 179 layers",
    b"build-1  | " + LAYER,
    b"Name: line 3:  12 Killed                  trtexec",
    b"Name: Severity.INFO: Original: 179 layers",
    b"Name: conv, LayerType: " + STAMPS[0] + b"[V] [TRT] Original: 179 layers",
    b"=== Model Options ===",
    b"Bindings:",
    b"input",
    b"",
]


@settings(max_examples=200)
@given(
    parts=st.lists(
        st.tuples(st.sampled_from([LAYER, DETAIL, *AROUND_LAYERS]), st.sampled_from([1, 1, 3])), min_size=1, max_size=30
    ),
    cuts=st.lists(st.integers(0, 60), max_size=3),
)
def test_lines_without_header(parts, cuts):
    """Layers of the engine inside open records, help texts, option sections, behind decorated headers."""
    data = b"".join((line + b"\n") * times for line, times in parts)
    expected = feed_at(in_python(), data, [])
    assert_same(expected, feed_at(in_c(), data, cuts), tables=False)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), chunk_bytes=st.integers(1_000, 300_000))
def test_shuffled_blocks(seed, chunk_bytes):
    """Pieces of real logs in any order: sections and records end where they never do in a real log."""
    chance = random.Random(seed)
    pieces = []
    for path in chance.sample([p for p in LOGS if p.stat().st_size < 60_000], 3):
        lines = gzip.decompress(path.read_bytes()).split(b"\n")
        at = 0
        while at < len(lines):
            size = chance.choice([1, 3, 20, 100])
            pieces.append(b"\n".join(lines[at : at + size]))
            at += size
    chance.shuffle(pieces)
    check(b"\n".join(pieces[:200]), chunk_bytes)


STAMP = b"[11/22/2026-13:22:03] [V] [TRT] "


@pytest.mark.parametrize(
    "data",
    [
        b"[11/22/2026-13:22:03] [V] [TRT] " + b"x" * 200_000,
        (b"[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.01" + b"8" * 20_000 + b"\n") * 50,
        b"".join(STAMP + b"layer_%d Set Tactic Name: k Tactic: 0x%016x\n" % (n, n) for n in range(70_000)),
        b"".join(b"%08d[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers\n" % n for n in range(300)),
        b"".join(b"[11/22/2026-13:22:03] [V] [TRT] %08d\n" % n for n in range(20_000)),
    ],
    ids=["one long line", "long fields", "many layers", "no header", "many first words"],
)
def test_unusual_logs(data):
    check(data, 1 << 20)
