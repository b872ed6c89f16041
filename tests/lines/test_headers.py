"""Every producer's header, what stands in front of it, and which of several headers wins."""

from __future__ import annotations

import pytest

from tests.conftest import each
from trtlog import grammar
from trtlog.grammar.compiler import read_messages
from trtlog.messages.headers import HeaderReader, inner_headers, plain_text

RULES = grammar.load()
SAMPLES = {
    kind: message.samples for kind, message in read_messages(grammar.grammar_dir() / "header.lark").items()
}
HEADERS = [
    (kind, sample)
    for kind, samples in SAMPLES.items()
    if "decoration" not in RULES.headers[kind].attributes
    for sample in samples
]
BODIES = [
    "Original: 179 layers",
    "[MemUsageChange] Init CUDA",
    "(Unnamed Layer* 0) [Convolution]",
    "  indented",
    "",
]


@pytest.fixture
def reader():
    return HeaderReader(RULES)


@pytest.mark.parametrize(("kind", "sample"), HEADERS)
def test_each_header_is_read_and_ends_where_the_body_begins(kind, sample):
    for body in each(BODIES):
        reader, line = HeaderReader(RULES), (sample + body).encode()
        for _ in range(2):  # the second time by the short cut for the header that was read last
            header = reader.read(line)
            assert header.producer == kind
            if sample.endswith("   ") and body.startswith(" "):
                assert line[header.end :] == body.strip().encode()
            else:
                assert line[header.end :] == body.encode()


@pytest.mark.parametrize(("kind", "sample"), [h for h in HEADERS if h[1].endswith(("] ", ": "))])
def test_a_header_that_lost_its_trailing_blank_is_the_same_header(reader, kind, sample):
    line = sample.rstrip().encode()
    header = reader.read(line)
    assert (header.producer, header.end) == (kind, len(line))


def test_what_the_short_cuts_skip_would_not_have_won():
    """Reading in any order gives what a fresh reader gives: no state leaks from line to line."""
    lines = [(sample + body).encode() for _, sample in HEADERS for body in BODIES]
    used = HeaderReader(RULES)
    first = [used.read(line) for line in lines]
    assert None not in first
    assert [used.read(line) for line in reversed(lines)] == first[::-1]
    assert [used.read(line) for line in lines[::7]] == first[::7]


@pytest.mark.parametrize(
    ("line", "producer", "origin", "severity", "body"),
    [
        ("[11/22/2026-13:22:03] [V] [TRT] a", "trtexec_tensorrt", "tensorrt", "V", "a"),
        ("[11/22/2026-13:22:03] [I] [TRT]", "trtexec_tensorrt", "tensorrt", "I", ""),
        ("[11/22/2026-13:22:03] [E] Error[4]: a", "trtexec_own", "trtexec", "E", "Error[4]: a"),
        ("[11/22/2026-13:22:03] [11/22/2026-13:22:04] [I] a", "trtexec_own", "trtexec", "I", "a"),
        ("[I] [TRT] a", "untimed_tensorrt", "tensorrt", "I", "a"),
        ("[I] (Unnamed Layer* 0) [Shuffle]", "untimed", None, "I", "(Unnamed Layer* 0) [Shuffle]"),
        ("[!] a", "untimed", None, "F", "a"),
        ("[X] a", "untimed", None, "V", "a"),
        ("[TensorRT] INTERNAL_ERROR: a", "python_old", "tensorrt", "F", "a"),
        ('W0516 08:25:52.973930 9187 logging.cc:46] "a"', "triton", "tensorrt", "W", '"a"'),
        (
            "DEBUG: [Torch-TensorRT TensorRT Conversion Context] - a",
            "torch_tensorrt_conversion",
            "tensorrt",
            "V",
            "a",
        ),
        (
            "DEBUG: [Torch-TensorRT] - - Runner scratch: 0 bytes",
            "torch_tensorrt",
            "host",
            "V",
            "- Runner scratch: 0 bytes",
        ),
        ("ERROR: [TRT]: a", "deepstream", "tensorrt", "E", "a"),
        ("[TRT]    a", "tagged", "tensorrt", "I", "a"),
        ("[TRT]    ERROR: a", "tagged_word", "tensorrt", "E", "a"),
        ("[TRT-LLM] [W] a", "tensorrt_llm", "host", "W", "a"),
        ("[WARN] a", "word", None, "W", "a"),
    ],
)
def test_who_says_it_and_how_severe(reader, line, producer, origin, severity, body):
    header = reader.read(line.encode())
    assert (header.producer, header.origin, header.severity, line[header.end :]) == (
        producer,
        origin,
        severity,
        body,
    )


INNER = "[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers"


@pytest.mark.parametrize("kind", [k for k in SAMPLES if "decoration" in RULES.headers[k].attributes])
def test_what_stands_in_front_is_passed_over(reader, kind):
    for decoration in each(SAMPLES[kind]):
        line = (decoration + INNER).encode()
        header = reader.read(line)
        assert header.producer == "trtexec_tensorrt", decoration
        assert line[header.end :] == b"Original: 179 layers"
        if kind != "leftover_time":  # that one is part of the header rule
            assert header.start == len(decoration.encode())


@pytest.mark.parametrize(
    "front",
    [
        "2026-11-22T13:22:03.1234567Z ",
        "trt-build-1  | 2026-11-22T13:22:03Z ",
        "> ",
        "    ",
        "\t",
        "> > ",
        "[component_container-1] ",
        "12:    ",
    ],
)
def test_several_things_may_stand_in_front(reader, front):
    header = reader.read((front + "[I] a").encode())
    assert (header.producer, header.severity) == ("untimed", "I")


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "Hello",
        "[x] a",
        "[[0.1 0.2]",
        "  0.1 0.2",
        "x: 1",
        "Layer(Conv): a",
        "I am",
        "&&&& PASSED",
        "[V]a",
        "Errors: a",
    ],
)
def test_lines_without_a_header(reader, line):
    assert reader.read(line.encode()) is None


def test_colours_and_the_nuls_of_a_hole_are_taken_off():
    assert plain_text(b"\x1b[0;93m2026 [W] a\x1b[m") == b"2026 [W] a"
    assert plain_text(b"\x1b]0;title\x07[I] a\x1b(B") == b"[I] a"
    assert plain_text(bytes(100) + b"[I] a") == b"[I] a"
    assert plain_text(b"a\x1eb\x1fc") == b"a\x1eb\x1fc"


def test_a_header_inside_a_line_is_found_only_where_it_is_certain():
    torn = b"[11/22/2026-13:22:03] [I] [TRT] Local timing cache in u[11/22/2026-13:22:04] [11/22/2026-13:22:05] [I] a"
    assert [torn[i:] for i in inner_headers(torn, 32)] == [
        b"[11/22/2026-13:22:04] [11/22/2026-13:22:05] [I] a"
    ]
    assert inner_headers(b"[V] x[1,2] [V] y [I] z", 4) == []
