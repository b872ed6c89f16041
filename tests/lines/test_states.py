"""Lines that change what is meant by those below them: both loops and several threads say what is said line by line."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import each
from tests.lines.test_passing_over import LOOPS, line_by_line
from tests.test_engines import RULES, SAMPLES, assert_same, feed_at, in_python
from trtlog import grammar
from trtlog.engines.line import LineEngine
from trtlog.engines.threads import ThreadedEngine
from trtlog.grammar import compiler
from trtlog.messages.together import taken_out

_TIMES = [b"[11/22/2026-13:22:0%d] " % second for second in (3, 4, 2)]
USUAL = [
    time + rest
    for time in _TIMES
    for rest in (b"[V] [TRT] ", b"[I] [TRT] ", b"[I] ", b"[V] ", b"[TRT] [V] ", b"[TRT] [I] ")
]
_HEADERS = [
    *(_TIMES[0] + rest for rest in (b"[W] [TRT] ", b"[E] [TRT] ", b"[E] ", b"[W] ")),
    *(b"[V] ", b"[I] ", b"  [I] ", b"INFO: ", b"WARNING: "),
    *(front + USUAL[0] for front in (b"build-1  | ", b"    ", b"        ")),
    *(
        sample.encode()
        for message in compiler.read_messages(grammar.grammar_dir() / "header.lark").values()
        for sample in message.samples
    ),
]


def _samples(wanted):
    found = {}
    for path in sorted((grammar.grammar_dir() / "messages").glob("*.lark")):
        for kind, message in compiler.read_messages(path).items():
            if wanted(kind, RULES.messages[kind].attributes):
                found[kind] = [sample.encode() for sample in message.samples]
    return [sample for samples in found.values() for sample in samples]


_BODIES = [
    SAMPLES,
    _samples(lambda kind, _: kind in RULES.sections),
    _samples(lambda _, attributes: "multiline" in attributes),
    _samples(lambda _, attributes: "bare" in attributes),
    _samples(lambda _, attributes: "within" in attributes),
    _samples(lambda kind, _: kind in ("debug_check", "run_started", "run_ended", "engine_layers")),
    [
        *(b"", b"", b" ", b"something (that is not closed", b"nobody prints this:", b"    indented", b"}", b"]) x"),
        *(b"=== Model Options ===", b"  --onnx=<file>   ONNX model", b"Error[4]: a", b"--- Begin node ---"),
        *(b'input: "x"', b"Bindings:", b"in"),
        *(b"x" * 70_000, b"Traceback (most recent call last):", USUAL[0].rstrip(), USUAL[2].rstrip()),
    ],
]


def states(chance: Random) -> bytes:
    """Return a log of few headers and few bodies, most of which change the state."""
    usual = chance.sample(USUAL, chance.choice((1, 2, 4, len(USUAL))))
    bodies = [chance.choice(chance.choice(_BODIES)) for _ in range(chance.choice((4, 10, 40)))]
    odd, bare, returns = chance.choice((0, 0.05, 0.3)), 0.2, chance.choice((0, 0, 0.1, 1))
    lines = []
    for _ in range(chance.choice((5, 20, 60))):
        kind, body = chance.random(), chance.choice(bodies)
        header = chance.choice(_HEADERS) if kind < odd else b"" if kind < odd + bare else chance.choice(usual)
        if chance.random() < 0.04:  # torn
            body = body[: chance.randrange(200)] + chance.choice(USUAL) + chance.choice(bodies)
        if chance.random() < 0.03:
            body = body[:100] + chance.choice((b" ", b"\x1b[0m", b"\0", b"\r" + USUAL[0] + chance.choice(bodies)))
        line = (header + body).replace(b"\n", b" ") + (b"\r\n" if chance.random() < returns else b"\n")
        lines.append(line * chance.choice((1, 1, 1, 2, 5)))
    return b"".join(lines)


LOGS = st.integers(0, 1 << 32).map(lambda seed: states(Random(seed)))
CUTS = st.lists(st.integers(0, 200), max_size=8)


@LOOPS
@settings(max_examples=40)
@given(data=LOGS, cuts=CUTS)
def test_of_one_log(data, cuts, make):
    assert_same(line_by_line(data), feed_at(make(), data, cuts), tables=False)


@settings(max_examples=40)
@given(
    data=LOGS,
    cuts=CUTS,
    count=st.sampled_from((2, 3)),
    stretch_bytes=st.sampled_from((1, 300, 3000)),
    share=st.sampled_from((0, 0.001, 1, 10)),
)
def test_by_several_threads(data, cuts, count, stretch_bytes, share):
    """Also where the log is longer or shorter than was thought."""
    engine = ThreadedEngine(RULES, count, stretch_bytes, int(share * len(data)))
    assert_same(line_by_line(data), feed_at(engine, data, cuts), tables=False)


@LOOPS
@settings(max_examples=12)
@given(logs=st.lists(LOGS, min_size=2, max_size=4))
def test_of_several_logs(logs, make):
    """One log ends where it wants; nothing of that is left for the next."""
    engine, found = make(), []
    for number, data in enumerate(logs):
        if number:
            engine.begin_log()
        engine.feed(data, engine.captures.above + 1)
        found.append(engine.end_log())
    whole = engine.finish()
    for number, data in enumerate(each(logs)):
        expected, own = line_by_line(data), taken_out(whole, number)
        for name in ("size", "counts", "producers"):
            assert getattr(own, name) == getattr(expected, name), name
        for name in ("times", "openings"):
            assert [(line - own.above, what) for line, what in getattr(own, name)] == getattr(expected, name), name
        for name in ("remarks", "unknown"):
            above = [(one.line - own.above, one.kind, one.body) for one in getattr(own, name)]
            assert above == [(one.line, one.kind, one.body) for one in getattr(expected, name)], name


V, OWN, NEXT = USUAL[0], USUAL[2], b"[11/22/2026-13:22:04] "
_INDENTED = [b"    " + V[:-10] + b"[W] [TRT] something:", b"x", b"        " + V + b"Original: 9 layers"]


@LOOPS
@pytest.mark.parametrize(
    "lines",
    [
        [V + b"a", V + b"Original: 9 layers", b"[I] ========== CAPTURED STDOUT ==========", V + b"b", *_INDENTED],
        [OWN + b"a", OWN + b"b", OWN + b"========== CAPTURED STDOUT ==========", *_INDENTED],
        [OWN + b"=== Model Options ===", OWN + b"Format: ONNX", OWN, OWN + b"Format: ONNX", b"", OWN + b"Format: ONNX"],
        [V + b"a", V + b"Engine Layer Information:", b"Layer(NoOp): a, Tactic: 0x1, x -> y", b"one of its lines", V],
    ],
    ids=["captured above", "captured", "options", "a list behind a header that is known"],
)
def test_what_is_left_open(lines, make):
    for second in (V[:22], NEXT):  # the Python loop reads a line of another time by itself
        data = b"".join(line.replace(V[:22], second) + b"\n" if n > 1 else line + b"\n" for n, line in enumerate(lines))
        assert_same(line_by_line(data), feed_at(make(), data, []), tables=False)


def test_more_headers_than_the_scanner_keeps():
    lines = [header + b"Original: 9 layers\n" for header in (*_HEADERS, *USUAL) for _ in range(3)]
    data = b"".join(line for _ in range(3) for line in lines)
    assert_same(feed_at(in_python(), data, []), feed_at(LineEngine(RULES), data, [100, 101]), tables=False)
