"""A long log is read by several threads: the result is the same wherever it is cut, also where one fails."""

from __future__ import annotations

import gc
import gzip
import queue
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import FIXTURES, ROOT
from tests.interrupts import interrupted_at, still_running
from tests.test_engines import LOG, LOGS, RULES, assert_same, cut, feed_at, in_python
from trtlog._util import worker
from trtlog._util.gc import no_collection
from trtlog.engines import threads
from trtlog.engines.library import library
from trtlog.engines.threads import ThreadedEngine, wanted_threads

STAMP = b"[11/22/2026-13:22:03] "
# What opens a section, what tells that a cut was where it must not be, and what follows either.
AROUND_CUTS = [
    STAMP + b"[V] [TRT] =============== Computing costs for ",
    STAMP + b"[V] [TRT] Original: 179 layers",
    b"[11/22/2026-13:22:04] [V] [TRT] Original: 179 layers",
    STAMP + b"[I] === Model Options ===",
    STAMP + b"[I] Format: ONNX",
    STAMP + b"[I] === Inference Options===",
    STAMP + b"[V] [TRT] Engine Layer Information:",
    b"Layer(NoOp): a, Tactic: 0x0000000000000000, x (Float[1,2]) -> y (Float[1,2])",
    STAMP + b"[W] [TRT] something (that is not closed",
    STAMP + b"[V] [TRT] Original: 1" + STAMP + b"[V] [TRT] Original: 2 layers",
    STAMP + b"[V] [TRT] Original: 179 layers\r",
    STAMP + b"[V] [TRT] Original: \x1b[1m179\x1b[0m layers",
    b"    indented",
    b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx",
    b"=== Model Options ===",
    b"",
]


def small(count: int = 2, stretch_bytes: int = 1) -> ThreadedEngine:
    return ThreadedEngine(RULES, count, stretch_bytes)


@settings(max_examples=150)
@given(data=LOG, cuts=st.lists(st.integers(0, 300), max_size=8), count=st.sampled_from([1, 3]))
def test_generated_logs(data, cuts, count):
    assert_same(feed_at(in_python(), data, []), feed_at(small(count), data, cuts), tables=False)


@settings(max_examples=200)
@given(
    lines=st.lists(st.sampled_from(AROUND_CUTS), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_wherever_a_stretch_begins(lines, cuts):
    data = b"".join(line + b"\n" for line in lines)
    assert_same(feed_at(in_python(), data, []), feed_at(small(), data, cuts), tables=False)


@pytest.mark.parametrize("path", LOGS[::5], ids=lambda p: p.name)
def test_fixtures(path):
    data = gzip.decompress(path.read_bytes())
    engine = small(3, 20_000)
    for chunk, first_line in cut(data, 1, 8_000):
        engine.feed(chunk, first_line)
    assert_same(feed_at(in_python(), data, []), engine.finish())


def test_several_stretches_are_read(monkeypatch):
    """The log is cut at all: what is read side by side is more than one engine's work."""
    monkeypatch.setattr(threads._Thread, "is_nearly_read", True)  # however slow it is
    data = gzip.decompress((FIXTURES / "trt-8.5.3-h200" / "resnet50_fp32_verbose.log.gz").read_bytes())
    engine, begun = small(2, 50_000), []
    begin = engine._begin
    engine._begin = lambda line: (begun.append(line), begin(line))
    for chunk, first_line in cut(data, 1, 30_000):
        engine.feed(chunk, first_line)
    engine.finish()
    assert len(begun) > 8


def test_a_log_without_a_place_to_cut_waits_for_no_memory():
    """Its chunks are read as they come: at no time do more than a few of them wait."""
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    engine, waiting = small(2, 10_000), []
    for number in range(200):
        engine.feed(line * 100, 1 + 100 * number)
        waiting.append(engine._threads[0].waiting)
    found = engine.finish()
    assert max(waiting) <= threads._WAITING
    assert found.counts["tactic"][0] == found.lines == 20_000


def test_what_goes_wrong_in_a_thread_is_raised(monkeypatch):
    def fail(*args):
        raise MemoryError("no room")

    monkeypatch.setattr(threads.LineEngine, "feed", fail)
    engine = small()
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    with pytest.raises(MemoryError, match="no room"):
        feed_at(engine, line * 100, range(100))
    with pytest.raises(MemoryError, match="no room"):
        engine.finish()
    engine.close()


def test_what_goes_wrong_in_the_own_stretch_is_raised_and_the_threads_end(monkeypatch):
    def fail(*args):
        raise MemoryError("no room")

    monkeypatch.setattr(threads._Own, "add", fail)
    monkeypatch.setattr(threads._Thread, "is_nearly_read", False)
    engine = small(2, 5_000)
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    opening = STAMP + b"[V] [TRT] =============== Computing costs for \n"
    engine.feed(100 * line, 1)
    assert [thread.name for thread in threading.enumerate()].count("trtlog-read") == 1
    with pytest.raises(MemoryError, match="no room"):
        engine.feed(line + opening + 100 * line, 101)
    engine.close()
    assert still_running("trtlog-read") == []


def test_an_interrupt_anywhere_leaves_no_thread_behind():
    """Ctrl-C may come between any two lines of Python: no queue may be left in a state in which one waits for ever."""
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    data = (STAMP + b"[V] [TRT] =============== Computing costs for \n" + 5 * line) * 6
    files = {threads.__file__, worker.__file__, queue.__file__}
    interrupted, at = True, 0
    while interrupted:
        engine = small(2, 300)
        with interrupted_at(at, files) as came:
            for chunk, first_line in cut(data, 1, 200):
                engine.feed(chunk, first_line)
            engine.finish()
        engine.close()
        interrupted = came[0] or at == 0  # at no step
        at += 3
        assert engine.captures.lines <= 36
    assert at > 300
    assert still_running("trtlog-read") == []


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_thread_can_start_the_log_is_read_all_the_same(monkeypatch, started):
    """As in a container with a bound on processes; what was handed over already is read by those that run."""
    begun, start = [], threading.Thread.start

    def refuse(thread):
        if len(begun) == started:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    path = next(path for path in LOGS if path.stat().st_size > 60_000)
    data = gzip.decompress(path.read_bytes())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    engine = small(3, 20_000)
    for chunk, first_line in cut(data, 1, 8_000):
        engine.feed(chunk, first_line)
    found = engine.finish()
    monkeypatch.undo()
    for thread in begun:
        thread.join(timeout=20)
    assert [thread for thread in begun if thread.is_alive()] == []
    assert_same(feed_at(in_python(), data, []), found, tables=False)


def test_a_log_of_windows_is_cut_as_well(monkeypatch):
    monkeypatch.setattr(threads._Thread, "is_nearly_read", True)
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\r\n"
    data = (STAMP + b"[V] [TRT] =============== Computing costs for \r\n" + 50 * line) * 20
    engine, begun = small(2, 10_000), []
    begin = engine._begin
    engine._begin = lambda line: (begun.append(line), begin(line))
    for chunk, first_line in cut(data, 1, 5_000):
        engine.feed(chunk, first_line)
    assert_same(feed_at(in_python(), data, []), engine.finish(), tables=False)
    assert len(begun) > 4


def test_the_collector_is_left_on_whichever_thread_enables_it_last(monkeypatch):
    assert gc.isenabled()
    with monkeypatch.context() as patch:
        patch.setattr(gc, "isenabled", lambda: False)  # another thread pauses it, and ends to do so behind this look
        with no_collection():
            pass
    assert gc.isenabled()


def test_closing_ends_the_threads():
    engine = small()
    engine.feed(STAMP + b"[V] [TRT] Original: 9 layers\n", 1)
    assert [thread.name for thread in threading.enumerate()].count("trtlog-read") == 1
    engine.close()
    assert still_running("trtlog-read") == []


def test_an_engine_that_nobody_closes_lets_the_process_end():
    code = (
        "from trtlog import grammar\n"
        "from trtlog.engines.threads import ThreadedEngine\n"
        "engine = ThreadedEngine(grammar.load(), 2)\n"
        "engine.feed(b'[V] [TRT] Original: 9 layers\\n', 1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True).returncode == 0


def test_when_threads_are_of_use(monkeypatch):
    if library() is None:
        assert wanted_threads(1 << 30) == 1
        pytest.skip("the scanner in C could not be built: no compiler")
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    assert wanted_threads(threads.LEAST_BYTES - 1) == 1
    assert wanted_threads(threads.LEAST_BYTES) == 4
    monkeypatch.setattr(threads, "usable_cores", lambda: 1)
    assert wanted_threads(1 << 30) == 1


def test_a_worker_of_a_pool_starts_none():
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(wanted_threads, [1 << 30]) == [1]


def test_ctrl_c_ends_the_reading_of_a_long_log(tmp_path):
    log = tmp_path / "long.log"
    line = STAMP + b"[V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
    log.write_bytes((STAMP + b"[V] [TRT] =============== Computing costs for \n" + line * 100_000) * 25)
    code = (
        "import signal, sys, trtlog\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # where it was ignored, it is inherited so
        "trtlog.parse(sys.argv[1], progress=lambda done: print(done, flush=True), exports=())\n"
        "print('read')\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code, str(log)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert started.stdout is not None
    started.stdout.readline()
    started.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = started.communicate(timeout=60)
    assert b"KeyboardInterrupt" in err
    assert b"read" not in out
    assert started.returncode != 0
    assert time.monotonic() - begun < 30
