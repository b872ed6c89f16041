"""Whatever bytes come: no exception, no hang, the account adds up, and what was intact still reads the same."""

from __future__ import annotations

import gzip
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trtlog
from tests.conftest import each
from tests.grammar.test_generated import Writer
from trtlog import grammar
from trtlog.engines.line import LineEngine
from trtlog.errors import InputError, TrtlogError
from trtlog.grammar.compiler import read_messages
from trtlog.messages.classify import Classifier

from .conftest import FIXTURES

RULES = grammar.load()
LOGS = ["trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz", "trt-8.5.3-h200/err_unsupported_op.log.gz"]
PIECES = [
    b"[11/22/2026-13:22:03] [V] [TRT] ",
    b"[11/22/2026-13:22:03] [E] ",
    b"[11/22/2026-13:22:03] [TRT] [I] ",
    b"[I] ",
    b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # ",
    b"=== Model Options ===",
    b"Tactic: 0x1 Time: 1.5",
    b"Layers:",
    b"--------------- Timing Runner: a (b)",
    b"Original: 3 layers",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0\0\0",
    b"\x1b[31m",
    b"\x1e",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"name-1  | ",
    b"2026-11-22T13:22:03Z ",
    b"> ",
    b"   ",
    b"(",
    b"[",
    b"{",
    b"}",
    b":",
]


def slice_of(name, start, size):
    data = gzip.decompress((FIXTURES / name).read_bytes())
    begin = data.rindex(b"\n", 0, start + 1) + 1 if start else 0
    return data[begin : data.find(b"\n", begin + size) + 1 or len(data)]


def read(data):
    engine = LineEngine(RULES)
    engine.feed(data, 1)
    return engine.finish()


def found(captures):
    """Return (line, kind, captured bytes) of all matches."""
    out = []
    for index, chunks in captures.columns.items():
        kind = captures.variants[index].kind
        for lines, arrays in chunks:
            columns = [array.to_pylist() for array in arrays]
            out.extend((int(n), kind, *(c[i] for c in columns)) for i, n in enumerate(lines))
    return sorted(out, key=repr)


def adds_up(data):
    captures = read(data)
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert sum(n for n, _ in captures.counts.values()) == lines
    assert sum(size for _, size in captures.counts.values()) == len(data)
    return captures


# ------------------------------------------------------------------ arbitrary bytes


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=40).map(b"".join))
@settings(max_examples=250)
def test_any_bytes_are_accounted_for(data):
    adds_up(data)


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=30).map(b"".join))
@settings(max_examples=60)
def test_any_bytes_give_a_log_or_a_clear_error(data):
    try:
        log = trtlog.parse(data)
    except TrtlogError as error:
        message = str(error)
        if "\n" in message:
            pytest.fail(f"an error of more than one line: {message}")
        return
    for name in ("runs", "tactics", "messages", "coverage", "options"):
        log.table(name)
    assert log.coverage.lines.sum() >= 1


# ------------------------------------------------------------------ text generated from the grammar

MESSAGES = sorted((grammar.grammar_dir() / "messages").glob("*.lark"))
GENERATED = sorted(
    kind
    for path in MESSAGES
    for kind, message in read_messages(path).items()
    if not {"within", "bare"} & set(message.attributes)
)
PRINTABLE = st.characters(codec="ascii", min_codepoint=32, max_codepoint=126)


WRITER = Writer(PRINTABLE, {})


@given(data=st.data())
@settings(max_examples=40)
def test_generated_messages_are_never_unknown(data):
    kind = data.draw(st.sampled_from(GENERATED))
    body = data.draw(WRITER.of(kind))
    if any(c in body for c in "\n\r") or "] [" in body or not body.strip():
        return
    captures = adds_up(b"[11/22/2026-13:22:03] [V] [TRT] " + body.encode() + b"\n")
    assert "foreign" not in captures.counts
    assert "unknown" not in captures.counts, (kind, body)


# ------------------------------------------------------------------ cuts


@pytest.mark.parametrize("name", LOGS)
def test_every_byte_cut_of_a_slice_is_accounted_for(name):
    """A cut changes the line it hits and no other: what stands before it was read already."""
    data = slice_of(name, 0, 12_000) if "err" in name else slice_of(name, 400_000, 20_000)
    classifier = Classifier(RULES)
    for number, line in each(enumerate(data.split(b"\n"), 1)):
        state = dict(vars(classifier))
        for cut in (*range(len(line)), len(line)):
            result = classifier.classify(number, line[:cut])
            assert result.number == number
            assert result.record <= number
            vars(classifier).update(state)
        classifier.classify(number, line)


@pytest.mark.parametrize("name", LOGS)
def test_a_cut_keeps_what_stands_before_it(name):
    data = slice_of(name, 0, 12_000) if "err" in name else slice_of(name, 400_000, 20_000)
    whole = found(read(data))
    noise = random.Random(11)
    for cut in each([noise.randrange(1, len(data)) for _ in range(60)]):
        complete = data.count(b"\n", 0, cut)
        captures = adds_up(data[:cut])
        assert [row for row in found(captures) if row[0] <= complete] == [
            r for r in whole if r[0] <= complete
        ]


@pytest.mark.parametrize("name", LOGS)
def test_cuts_of_a_whole_log_parse(name):
    data = gzip.decompress((FIXTURES / name).read_bytes())
    noise = random.Random(5)
    for _ in range(3):
        cut = noise.randrange(1, min(len(data), 1_500_000))
        log = trtlog.parse(data[:cut])
        assert log.run.status in ("incomplete", "passed", "failed", "waived")
        assert log.coverage.lines.sum() == data.count(b"\n", 0, cut) + (data[cut - 1] != 10)
        assert log.coverage.bytes.sum() == cut


# ------------------------------------------------------------------ mutated logs


def mutated(data, how, noise):
    lines = data.split(b"\n")
    if how == "drop":
        return b"\n".join(line for line in lines if noise.random() > 0.1)
    if how == "duplicate":
        return b"\n".join(line for line in lines for _ in range(1 + (noise.random() < 0.1)))
    if how == "shuffle":
        return b"\n".join(noise.sample(lines, len(lines)))
    if how == "tear":  # a line end gets lost, as between two writers
        return b"".join(line + (b"" if noise.random() < 0.05 else b"\n") for line in lines)
    if how == "flip":
        out = bytearray(data)
        for _ in range(len(out) // 200):
            out[noise.randrange(len(out))] = noise.randrange(256)
        return bytes(out)
    other = [b"a program prints" + b"%d" % i for i in range(len(lines))]
    assert how == "interleave"
    return b"\n".join(
        piece for pair in zip(lines, other, strict=True) for piece in pair if noise.random() > 0.05
    )


@pytest.mark.parametrize("how", ["drop", "duplicate", "shuffle", "tear", "flip", "interleave"])
@pytest.mark.parametrize("name", LOGS)
def test_mutated_logs_are_read_to_the_end(name, how):
    data = slice_of(name, 0, 120_000) if "err" not in name else slice_of(name, 0, 12_000)
    for seed in range(4):
        adds_up(mutated(data, how, random.Random(seed)))
    try:
        log = trtlog.parse(mutated(data, how, random.Random(9)))
        for table in (
            "runs",
            "sections",
            "options",
            "timings",
            "tactics",
            "fusions",
            "messages",
            "engine_layers",
        ):
            log.table(table)
    except InputError:
        assert how == "flip", "only damaged bytes may make a log look like none"


def test_lines_that_stay_whole_read_the_same_when_others_are_dropped_or_torn():
    """Tactic lines do not depend on their neighbours: each that is left whole gives the same fields."""
    data = slice_of(LOGS[0], 400_000, 60_000)
    lines = data.split(b"\n")
    noise = random.Random(3)
    kept = [line for line in lines if noise.random() > 0.3]
    for source in (kept, noise.sample(kept, len(kept))):
        captures = read(b"\n".join(source))
        tactics = captures.rows("tactic")
        assert len(tactics) == sum(b"[TRT] Tactic: 0x" in line for line in source)


def test_interleaved_programs_change_no_row():
    data = slice_of(LOGS[0], 400_000, 60_000)
    lines = data.splitlines()
    mixed = b"\n".join(piece for line in lines for piece in (line, b"a program prints"))
    plain, among = read(data), read(mixed)
    assert sorted((2 * n - 1, *rest) for n, *rest in found(plain)) == sorted(found(among))


# ------------------------------------------------------------------ time


class Meter:
    """Counts the steps of the interpreter: independent of the machine and of its load."""

    def __init__(self):
        self.steps = 0

    def run(self, call, *arguments):
        import sys

        def count(frame, event, argument):
            self.steps += 1

        sys.setprofile(count)
        try:
            call(*arguments)
        finally:
            sys.setprofile(None)
        return self.steps


SCALED = {
    "one long line": lambda n: b"[V] " + b"x" * n,
    "one long line of brackets": lambda n: b"[V] " + b"([{" * n,
    "header after header": lambda n: b"[11/22/2026-13:22:03] [V] [TRT] a" * n,
    "times without an end": lambda n: b"[11/22/2026-13:22:03] " * n,
    "carriage returns": lambda n: b"[I] 5%\r" * n,
    "an open bracket": lambda n: b"[E] new (\n" + b"more (\n" * n,
    "blanks": lambda n: b" " * n + b"\n" + b"\t \n" * n,
    "quotes": lambda n: b"> " * n,
    "escapes": lambda n: b"\x1b[" * n,
    "layers of an engine": lambda n: b"[V] Layers:\n" + b"Name: a, LayerType: b\n" * n,
    "foreign": lambda n: b"a program prints\n" * n,
}


@pytest.mark.parametrize("name", sorted(SCALED))
def test_work_grows_with_the_size_of_the_log_not_faster(name):
    make = SCALED[name]
    read(make(3200))  # what is built once, also for lines that the scanner leaves
    small, large = Meter().run(read, make(400)), Meter().run(read, make(3200))
    assert large <= 8 * small * 1.5 + 2000


@pytest.mark.parametrize("name", sorted(SCALED))
def test_expressions_do_not_backtrack_over_hundreds_of_kilobytes(name):
    """A quadratic expression would need minutes for these sizes, and the suite's own time limit ends it."""
    data = SCALED[name](200_000 // max(1, len(SCALED[name](100)) // 100))
    adds_up(data)


@given(st.text(alphabet=string.printable, max_size=200))
def test_text_of_any_program_is_no_unknown_line(text):
    captures = adds_up(text.encode())
    if "[" not in text:
        assert "unknown" not in captures.counts
