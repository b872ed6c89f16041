"""What each line counts as: log text on the left, the account on the right."""

from __future__ import annotations

import textwrap

import pytest

import trtlog
from tests.conftest import each
from trtlog import grammar
from trtlog.engines.line import LineEngine
from trtlog.messages.classify import Classifier, looks_foreign

RULES = grammar.load()


def account(text):
    """Return 'kind<record' of each line; the record only where it is another line."""
    classifier = Classifier(RULES)
    out = []
    for number, line in enumerate(textwrap.dedent(text).strip("\n").encode().split(b"\n"), 1):
        result = classifier.classify(number, line)
        parts = []
        while result is not None:
            parts.append(
                result.kind
                + (f"<{result.record}" if result.record != number and result.kind != "blank" else "")
            )
            result = result.tail
        out.append(" + ".join(parts))
    return out


def test_the_layers_of_an_engine_continue_their_heading():
    assert account("""
        [11/22/2026-13:22:03] [V] [TRT] Engine Layer Information:
        Layer(NoOp): a, Tactic: 0x0000000000000000, x (Float[1,2]) -> y (Float[1,2])
        a second line of that name
        [11/22/2026-13:22:03] [V] [TRT] Original: 179 layers
        a script's own print
    """) == ["engine_layers", "engine_layer<1", "continuation<1", "original_layers", "foreign"]


def test_the_text_of_an_onnx_node_continues_the_error():
    assert account("""
        [11/22/2026-13:22:03] [E] [TRT] ModelImporter.cpp:726: --- Begin node ---
        [11/22/2026-13:22:03] [E] [TRT] ModelImporter.cpp:728: input: "x"
        output: "y"
        attribute {
          name: "axis"
        }
        [11/22/2026-13:22:03] [E] [TRT] ModelImporter.cpp:732: ERROR: imp.cpp:5428 In function importMagic:
        [8] Assertion failed: creator
        Traceback (most recent call last):
          File "main.py", line 3, in <module>
    """) == [
        "onnx_message", "onnx_message", "continuation<2", "continuation<2", "continuation<2", "continuation<2",
        "onnx_message", "continuation<7", "foreign", "foreign",
    ]  # fmt: skip


def test_an_error_goes_on_until_its_brackets_close():
    assert account("""
        [11/22/2026-13:22:03] [TRT] [E] 4: [a.cpp::f::9] Error Code 4: Internal Error (Cache mismatch.
        Runtime device: GPU-1
        Not used! In validate)
        Finish
    """) == ["error", "continuation<1", "continuation<1", "foreign"]


def test_what_a_script_prints_after_a_whole_warning_is_not_part_of_it():
    lines = account("""
        [11/22/2026-13:22:03] [TRT] [W] Using default stream in enqueueV3() may be slow. Please use another.
            0x555dc220[onShapeChange]
        [[0. 1.]
         [2. 3.]]
    """)
    assert lines[1:] == ["foreign", "foreign", "foreign"]


def test_polygraphy_indents_what_belongs_to_a_message():
    lines = account("""
        [I] Some message of Polygraphy, which no rule needs to know
            Flags     | [FP16]

            Profiles  | 1
        [V] Original: 179 layers
        done
    """)
    assert lines[1:] == ["continuation<1", "blank", "continuation<1", "original_layers", "foreign"]


def test_nested_headers_deeper_than_their_record_belong_to_it():
    lines = account("""
            [I] ==== CAPTURED STDOUT of a child that no rule needs to know ====
                [I] Something of the child
            [V] Original: 179 layers
    """)
    assert lines[1:] == ["continuation<1", "original_layers"]


def test_help_text_lasts_to_the_next_header_or_banner():
    assert account("""
        &&&& RUNNING TensorRT.trtexec [TensorRT v100600] # trtexec --bad
        === Model Options ===
          --onnx=<file>   ONNX model

        === Reporting Options ===
          Layer(Conv) is a word here
        [11/22/2026-13:22:03] [E] Unknown option: --bad
        &&&& FAILED TensorRT.trtexec [TensorRT v100600] # trtexec --bad
        $ echo done
    """) == [
        "run_started",
        "usage",
        "usage",
        "usage",
        "usage",
        "usage",
        "unknown_option",
        "run_ended",
        "foreign",
    ]


def test_options_with_a_header_are_no_help_text():
    assert account("""
        [11/22/2026-13:22:03] [I] === Model Options ===
        [11/22/2026-13:22:03] [I] Format: ONNX
    """) == ["model_options", "option"]


def test_a_torn_line_holds_two_records():
    assert account("""
        [11/22/2026-13:22:03] [V] [TRT] Original: 179 layers[11/22/2026-13:22:04] [I] Format: ONNX
    """)[0].startswith("original_layers + ")
    assert account("""
        [11/22/2026-13:22:03] [V] [TRT] Origi[11/22/2026-13:22:04] [V] [TRT] Original: 9 layers
        nal: 179 layers
        Finish
    """) == ["unknown + original_layers", "continuation<1", "foreign"]


def test_both_records_of_a_torn_line_reach_the_tables_and_the_line_counts_once():
    engine = LineEngine(RULES)
    engine.feed(
        b"[I] x[11/22/2026-13:22:03] [V] [TRT] Original: 9 layers[11/22/2026-13:22:03] [V] [TRT] Original: 8 layers\n",
        1,
    )
    captures = engine.finish()
    assert sum(lines for lines, _ in captures.counts.values()) == 1
    assert [row["line"] for row in captures.rows("original_layers")] == [1, 1]


def test_a_progress_bar_is_foreign_and_the_record_behind_it_is_not():
    assert account("10%\r20%\r100%\r[11/22/2026-13:22:03] [V] [TRT] Original: 9 layers") == [
        "original_layers"
    ]
    assert account("[1/1] [5% ]\r[1/1] [9% ]") == ["foreign"]
    assert account("[V] Original: 9 layers\r[V] Original: 8 layers") == ["original_layers + original_layers"]


def test_a_librarys_text_without_a_header_counts_where_that_is_certain():
    assert account("""
        --------------- Timing Runner: conv1 (CaskConvolution)
        Tactic: 0x0000000000000bb9 Time: 0.0181029
        Finish
        Tactic: 0x0000000000000bb9 Time: 0.0181029
        Layer: x
    """) == ["timing_runner", "tactic", "foreign", "foreign", "foreign"]


def test_another_programs_header_carries_the_librarys_messages_and_its_own():
    assert account("""
        DEBUG: [Torch-TensorRT] - Original: 179 layers
        DEBUG: [Torch-TensorRT] - Setting something of its own
        WARNING: a word and a colon make no header
        INFO: Original: 179 layers
        I0516 08:25:52.973930 9187 logging.cc:49] "Original: 179 layers"
        I0516 08:25:52.973930 9187 server.cc:49] Started
    """) == ["original_layers", "foreign", "foreign", "original_layers", "original_layers", "foreign"]


def test_a_common_word_in_front_is_a_header_only_of_what_is_certain():
    assert account("""
        WARNING:py.warnings:/usr/lib/python3.12/copyreg.py:99: FutureWarning: something is deprecated
        WARNING: onnx2trt_utils.cpp:377: Your ONNX model has INT64 weights
        ERROR: 4: [network.cpp::validate::3092] Error Code 4: Internal Error (something)
    """) == ["foreign", "onnx_message", "error"]


def test_deepstream_speaks_with_its_place_and_without():
    text = """
        ERROR: Deserialize engine failed from file: /data/net.engine
        ERROR: ../nvdsinfer/nvdsinfer_model_builder.cpp:1567 Deserialize engine failed from file: /data/net.engine
        WARNING: Deserialize engine failed because file path: /data/net.engine open error
        ERROR: failed to build network since parsing model errors.
        ERROR: the camera is not there
    """
    kinds = ["deepstream_engine_unread"] * 3 + ["deepstream_build_failed"]
    assert account(text) == [*kinds, "foreign"]
    log = trtlog.parse(textwrap.dedent(text).encode())
    assert log.run.tool == "deepstream"
    assert log.messages.severity.tolist() == ["error", "error", "warning", "error"]
    assert log.messages.text.tolist()[:2] == ["Deserialize engine failed from file: /data/net.engine"] * 2


def test_a_line_with_a_header_of_tensorrt_or_trtexec_is_never_foreign():
    for header in (
        "[11/22/2026-13:22:03] [V] [TRT] ",
        "[11/22/2026-13:22:03] [I] ",
        "[11/22/2026-13:22:03] [TRT] [I] ",
    ):
        assert account(header + "qwertz uiop") == ["unknown"]


def test_decorated_logs_are_read_like_plain_ones():
    assert account("""
        build-1  | &&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx
        build-1  | [11/22/2026-13:22:03] [I] === Model Options ===
        build-1  | [11/22/2026-13:22:03] [I] Format: ONNX
        build-1  | [11/22/2026-13:22:03] [V] [TRT] Engine Layer Information:
        build-1  | Layer(NoOp): a, Tactic: 0x0000000000000000, x (Float[1,2]) -> y (Float[1,2])
        build-1  | &&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx
    """) == ["run_started", "model_options", "option", "engine_layers", "engine_layer<4", "run_ended"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n"])
def test_line_ends_make_no_difference(end):
    engine = LineEngine(RULES)
    engine.feed(b"[I] === Model Options ===" + end + b"[V] Original: 9 layers" + end, 1)
    assert set(engine.finish().counts) == {"model_options", "original_layers"}


def test_skip_to_leaves_the_state_that_reading_the_lines_would():
    lines = [
        b"[11/22/2026-13:22:03] [E] [TRT] something new (that is not closed",
        b"[11/22/2026-13:22:03] [V] [TRT] Original: 179 layers",
        b"[11/22/2026-13:22:03] [E] [TRT] something new (that is not closed",
        b"[11/22/2026-13:22:03] [V] [TRT] Original: 178 layers",
        b"[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029",
    ]
    read, skipped = Classifier(RULES), Classifier(RULES)
    for number, line in enumerate(lines[:3], 1):
        read.classify(number, line)
        skipped.classify(number, line)
    for number, line in each(enumerate(lines[3:], 4)):
        section = read.section
        found = read.classify(number, line).found
        assert found is not None
        assert found.variant not in read.turning_in(section)
    skipped.skip_to(5)
    for name in ("section", "record", "open", "usage"):
        assert getattr(read, name) == getattr(skipped, name), name
    assert read.classify(6, b"x") == skipped.classify(6, b"x")


def test_behind_a_list_that_was_passed_over_its_lines_go_on():
    read, skipped = Classifier(RULES), Classifier(RULES)
    opened = read.classify(1, b"[11/22/2026-13:22:03] [V] [TRT] Engine Layer Information:")
    assert opened.found is not None
    skipped.section = read.section
    skipped.skip_to(1, opened.found.variant)
    assert read.classify(2, b"one of its lines") == skipped.classify(2, b"one of its lines")
    assert skipped.record == 1


def test_a_log_of_another_program_is_told():
    def foreign(text):
        engine = LineEngine(RULES)
        engine.feed(text, 1)
        return looks_foreign(engine.finish())

    assert foreign(b"GET / HTTP/1.1\n200 OK\n")
    assert foreign(b"2026-11-22 13:22:03,123 - app - INFO - started\nERROR: no\n")
    assert not foreign(b"hello\n[V] Original: 9 layers\n")
    assert not foreign(b"[11/22/2026-13:22:03] [I] [TRT] a message nobody knows\n")
    assert not foreign(b"=== Model Options ===\n  --onnx=<file>\n")
