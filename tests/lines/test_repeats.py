"""Lines that repeat the one above: counted at once, and held once, as if each had been read."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import each
from trtlog import grammar
from trtlog.analyses.layer.messages import messages_of
from trtlog.engines.line import LineEngine
from trtlog.engines.loop import PythonLoop
from trtlog.messages.captures import Captures, Remark
from trtlog.messages.classify import Classifier

W = b"[11/22/2026-13:22:03] [W] [TRT] "
HEADS = {
    "nothing": b"",
    "a warning": W + b"Graph is odd\n",
    "an open record": W + b"{ is open\n",
    "a node": b"[11/22/2026-13:22:03] [E] [TRT] ModelImporter.cpp:773: --- Begin node ---\n",
    "a usage text": b"=== Model Options ===\n  --onnx=<file>\n",
    "a section": b"[11/22/2026-13:22:03] [I] === Build Options ===\n",
    "layer information": b"[11/22/2026-13:22:03] [I] Layer Information:\n",
    "a container": b"builder-1  | " + W + b"Graph is odd\n",
    "an indented record": b"2026-11-22 13:22:03 [W] a\n",
}
E = W.replace(b"[W]", b"[E]")
HEADED = (
    *(W + text for text in (b"Graph is odd", b"{ is open", b"ends in:", b"", b"  }", b"}")),
    E + b"4: [net.cpp::check::12] Error Code 4: Internal Error (odd)",
    E + b"ModelImporter.cpp:773: --- Begin node ---",
    W.replace(b"[W]", b"[V]") + b"zork quux",
    W.replace(b"[W]", b"[V]") + b"Engine Layer Information:",
    b"[11/22/2026-13:22:03] [I] === Model Options ===",
    b"builder-1  | " + W + b"Graph is odd",
    b"2026-11-22 13:22:03 [W] a",
    W + b"a" + W + b"b",
    W + b"a\r",
    b"[W] [TRT] no time",
    b"&&&& PASSED TensorRT.trtexec # trtexec",
)
LINES = (b"x", b"", b"  y", b"}", b"  }", b"[", b"{", b"a: b", b"\rz", b"&&&& q", b"Layer(C): a", b"\x00x")


FACTS = ("lines", "size", "counts", "remarks", "unknown", "continuations", "producers", "openings", "times", "torn")


def rows_of(captures):
    """Return what was captured, by column; kinds of which nothing was have no columns."""
    there = {captures.variants[number].kind for number in captures.columns}
    found = captures.matches(*(kind for kind in captures.grammar.messages if kind in there))
    return {name: found.column(name).to_pylist() for name in found.column_names}


def captured(text, native, size):
    engine = LineEngine(grammar.load(), native=native)
    line = 1
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        engine.feed(piece, line)
        line += piece.count(b"\n")
    return engine.finish()


@pytest.mark.parametrize("head", sorted(HEADS))
def test_equal_lines_are_read_as_if_each_were_read(head):
    for line in each((*LINES, *HEADED)):
        for times in (1, 2, 3, 40):
            text = HEADS[head] + (line + b"\n") * times + W + b"last\n" + (line + b"\n") * times
            expected = captured(text, False, len(text))
            found = captured(text, True, len(text))
            for name in each(FACTS):
                assert getattr(found, name) == getattr(expected, name), (head, line, times, name)
            assert rows_of(found) == rows_of(expected), (head, line, times)


def test_remarks_are_held_by_what_they_say():
    captures = Captures(grammar.load(), ())
    remarks = [Remark(n, "W", "tensorrt", "unknown", b"b" if n % 7 else b"a") for n in range(1, 1000)]
    captures.remarks.extend(remarks)
    assert list(captures.remarks) == remarks
    assert captures.remarks[500] == remarks[500]
    assert captures.remarks[-1] == remarks[-1]
    assert captures.remarks[3:5] == remarks[3:5]
    assert captures.remarks.lines().tolist() == [remark.line for remark in remarks]
    assert [captures.remarks.keys[code][3] for code in captures.remarks.codes()] == [r.body for r in remarks]
    for line in (0, 1, 8, 500, 2000):
        assert list(captures.remarks.above(line)) == [r for r in remarks if r.line < line]
        assert list(captures.remarks.below(line)) == [r for r in remarks if r.line >= line]
    assert len(list(captures.remarks.entries())) < 300
    with pytest.raises(IndexError):
        captures.remarks[999]


def test_what_is_counted_of_repeated_messages_counts_each():
    lines = [W + b"Graph is odd\n", W + b"Graph is odd\n  more of it\n", b"[11/22/2026-13:22:03] [E] [TRT] bad 1\n"]
    log = trtlog.parse(b"".join(lines[n % 3] for n in range(300)) + W + b"Graph is odd\n")
    rows = log.table("messages").to_pylist()
    found = messages_of(log)
    texts = sorted({row["text"] for row in rows})
    assert sorted(row["text"] for row in found.distinct) == texts
    assert {row["text"]: count for row, count in zip(found.distinct, found.counts(), strict=True)} == {
        text: sum(row["text"] == text for row in rows) for text in texts
    }
    odd = found.where(lambda row, text: "odd" in text)
    assert [dict(row) for row in odd] == [row for row in rows if "odd" in row["text"]]


def test_a_line_with_a_header_is_decided_once_where_it_repeats(monkeypatch):
    asked = []
    classify = Classifier.classify
    monkeypatch.setattr(Classifier, "classify", lambda self, *line: asked.append(line) or classify(self, *line))
    engine = LineEngine(grammar.load())
    if isinstance(engine._loop, PythonLoop):
        pytest.skip("the loop in Python asks for each line")
    engine.feed(b"".join(line + b"\n" for line in HEADED[:1] for _ in range(5000)), 1)
    assert len(asked) == 2
    assert len(engine.finish().remarks) == 5000


def test_a_run_of_one_text_takes_the_memory_of_one():
    engine = LineEngine(grammar.load())
    engine.feed((W + b"Graph is odd\n") * 5000 + b"x\n" * 5000, 1)
    captures = engine.finish()
    assert len(captures.remarks) == 5000
    assert len(list(captures.remarks.entries())) == len(captures.remarks.keys) == 1
    assert captures.counts["foreign"] == [5000, 10000]
