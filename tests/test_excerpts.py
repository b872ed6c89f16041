"""Excerpts of logs as people paste them: what they hold is told, and no more."""

from __future__ import annotations

import trtlog
from tests.command import trtlog as command
from tests.test_headless import SUMMARY, severities

LOADED = """\
[TRT]    [MemUsageChange] Init CUDA: CPU +307, GPU +0, now: CPU 320, GPU 223 (MiB)
[TRT]    Trying to load shared library libnvinfer_builder_resource.so.8.5.1
[TRT]    Loaded shared library libnvinfer_builder_resource.so.8.5.1
[TRT]    Loaded shared library libcudnn.so.8
[TRT]    Loaded engine size: 15 MiB
"""


def test_a_library_tells_the_version_and_the_engine_its_size(tmp_path):
    """A program that prints neither banner nor version loads TensorRT's own library by its version."""
    log = tmp_path / "a.log"
    log.write_text(LOADED)
    assert trtlog.parse(log).run.tensorrt_version == "8.5.1"
    shown = command("summary", log).stdout
    assert shown.startswith("TensorRT  TensorRT 8.5.1\nengine\nengine  15 MiB\n")


def test_the_version_that_is_printed_counts_before_a_librarys():
    text = "[01/02/2026-10:00:00] [I] TensorRT version: 8.5.3\n" + LOADED
    assert trtlog.parse(text.encode()).run.tensorrt_version == "8.5.3"
    other = "[I] [TRT] Loaded shared library libcudnn.so.8.9.2\n[I] [TRT] Loaded engine size: 15 MiB\n"
    assert trtlog.parse(other.encode()).run.tensorrt_version is None


def test_where_the_log_has_no_totals_memory_names_the_steps_that_it_has(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(LOADED)
    assert "1 step tells the memory in use: trtlog memory --by timeline" in command("memory", log).stderr


SECOND = SUMMARY.replace("169.352 qps", "338.704 qps").replace("median = 3.72 ms", "median = 1.86 ms")
WARNED = "* Throughput may be bound by Enqueue Time rather than GPU Compute and the GPU may be under-utilized.\n"


def test_of_two_summaries_figures_and_lines_are_the_last_ones(tmp_path):
    log = tmp_path / "two.log"
    log.write_text(f"{SUMMARY}{WARNED}\n{SECOND}")
    (row,) = trtlog.parse(log).table("diagnosis").to_pylist()
    assert (row["throughput_qps"], row["gpu_ms"], row["line"]) == (338.704, 1.86, 15)
    # The warning stands above these figures: it is about the others.
    assert row["lines"] == [15, 17, 18, 19, 20, 21, 22]
    assert "enqueue-bound" not in severities(trtlog.parse(log))
    assert "the last of 2 performance summaries: trtlog show performance LOG" in command("summary", log).stdout
    one = tmp_path / "one.log"
    one.write_text(SUMMARY)
    assert "performance summaries" not in command("summary", one).stdout


def test_an_engine_is_named_by_the_command_where_no_options_are(tmp_path):
    """TensorRT 10 prints no build options where it loads an engine; of a Caffe model the description is named."""
    log = tmp_path / "a.log"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v100200] # trtexec.exe --loadEngine=net.engine --shapes=x:1x3\n"
        "[07/30/2026-15:30:36] [I] === Model Options ===\n[07/30/2026-15:30:36] [I] Format: *\n"
        "[07/30/2026-15:30:36] [I] Model:\n[07/30/2026-15:30:36] [I] === Inference Options ===\n"
        "[07/30/2026-15:30:36] [I] Input inference shape : x=1x3\n"
    )
    shown = command("summary", log).stdout
    assert "net.engine  at x=1x3\n" in shown
    assert "The log ends at line 6 among the inference options.\n" in shown
    log.write_text("[I] === Model Options ===\n[I] Format: Caffe\n[I] Model: \n[I] Prototxt: net.prototxt\n")
    assert "net.prototxt\n" in command("summary", log).stdout


def test_a_request_that_is_told_twice_is_counted_once_wherever_the_excerpt_begins():
    asked = "Tactic Device request: 1000MB Available: 302MB. Device memory is insufficient to use tactic."
    skipped = (
        "UNSUPPORTED_STATE: Skipping tactic {} due to insufficient memory on requested size of 1048576000 detected for "
        "tactic 0x8a196054417f1c8a."
    )
    lines = [skipped.format(9), asked, skipped.format(10), asked, skipped.format(11)]
    log = trtlog.parse("".join(f"[10/01/2026-08:26:34] [TRT] [W] {line}\n" for line in lines).encode())
    (row,) = log.table("workspace_skips").to_pylist()
    assert (row["pool"], row["skipped"], row["requested_mib"], row["available_mib"]) == ("device", 3, 1000, 302)


def test_the_gravest_severity_of_the_old_python_logger():
    text = '[TensorRT] INTERNAL ERROR: Assertion failed: dims == 1 && "Set both"\n[TensorRT] VERBOSE: Block size 3\n'
    (row,) = trtlog.parse(text.encode()).table("messages").to_pylist()
    assert (row["severity"], row["text"]) == ("fatal", 'Assertion failed: dims == 1 && "Set both"')
