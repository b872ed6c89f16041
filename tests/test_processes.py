"""Long logs are matched by other processes too: the result is the same, also where they die, hang or cannot start."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT, each
from tests.test_engines import assert_same, feed_at
from trtlog import grammar
from trtlog.engines import processes
from trtlog.engines.line import LineEngine
from trtlog.engines.processes import Process, wanted
from trtlog.engines.vector import VectorEngine

RULES = grammar.load()
FOLDER = ROOT / "fixtures" / "trt-8.5.3-h200"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="only there are processes started")


def log_of(name: str) -> bytes:
    return gzip.decompress((FOLDER / f"{name}.log.gz").read_bytes())


def wait_for(process: Process) -> None:
    """Wait until a process takes chunks."""
    while not process.is_free():
        process._receive(1)
        assert process.alive


@pytest.fixture
def process():
    process = Process(4)
    wait_for(process)
    yield process
    process.close()


@pytest.mark.parametrize("name", ["mobilenet_fp16_verbose", "bert_fp16_verbose", "err_bad_shape", "lstm_verbose"])
def test_the_captures_are_the_same(process, name):
    data = log_of(name)
    taken = []
    submit = process.submit
    process.submit = lambda chunk, first_line: (taken.append(first_line), submit(chunk, first_line))[1]
    cuts = range(0, data.count(b"\n"), 400)
    assert_same(feed_at(LineEngine(RULES), data, []), feed_at(VectorEngine(RULES, [process]), data, cuts))
    assert taken


def test_two_processes_number_headers_of_their_own():
    """Each sees other headers first; the numbers are made those of this process."""
    data = log_of("resnet50_fp16_dyn_detailed") + log_of("sweep_r50_fp32_b1").replace(b"\n", b"\r\n")
    both = [Process(4), Process(4)]
    for one in both:
        wait_for(one)
    assert_same(feed_at(LineEngine(RULES), data, []), feed_at(VectorEngine(RULES, both), data, range(0, 28_000, 700)))
    assert not any(one.alive for one in both)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_dies_or_hangs_loses_no_line(process, monkeypatch, blow):
    monkeypatch.setattr(processes, "_PATIENCE_S", 0.2)
    data = log_of("resnet50_fp32_verbose")
    engine = VectorEngine(RULES, [process])
    lines = data.splitlines(keepends=True)
    for first in range(0, len(lines), 500):
        if first == 2_000:
            os.kill(process._child.pid, blow)
        engine.feed(b"".join(lines[first : first + 500]), first + 1)
    found = engine.finish()
    assert not process.alive
    assert_same(feed_at(LineEngine(RULES), data, []), found)


def test_what_is_drained_in_between_is_complete(process):
    """`convert` writes tables while the log is read; what a process finds too late is not taken twice."""
    data = log_of("resnet50_fp32_verbose")
    expected = feed_at(LineEngine(RULES), data, [])
    engine = VectorEngine(RULES, [process])
    lines = data.splitlines(keepends=True)
    for first in each(range(0, len(lines), 300)):
        part = lines[first : first + 300]
        engine.feed(b"".join(part), first + 1)
        if first % 900 == 0:
            engine.drain()
            assert engine.captures.lines == first + len(part)
    assert_same(expected, engine.finish())


def test_a_disk_without_room_is_no_error(process, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    data = log_of("lstm_verbose")
    monkeypatch.setattr(processes, "_write_at", full)
    assert_same(feed_at(LineEngine(RULES), data, []), feed_at(VectorEngine(RULES, [process]), data, range(0, 900, 100)))


def test_python_that_cannot_start_is_no_error(monkeypatch):
    monkeypatch.setattr(processes, "wanted", lambda size: 2)
    monkeypatch.setattr(sys, "executable", "/no/such/python3")
    assert processes.start(1 << 30) == []
    monkeypatch.setattr(sys, "executable", "/bin/false")
    started = processes.start(1 << 30)
    data = log_of("lstm_verbose")
    assert_same(feed_at(LineEngine(RULES), data, []), feed_at(VectorEngine(RULES, started), data, range(0, 900, 100)))


def test_when_processes_are_of_use(monkeypatch):
    monkeypatch.setattr(processes, "usable_cores", lambda: 8)
    assert wanted(processes.LEAST_BYTES - 1) == 0
    assert wanted(processes.LEAST_BYTES) == 3
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)
    assert wanted(1 << 30) == 0
    monkeypatch.setattr(processes, "usable_cores", lambda: 2)
    assert wanted(1 << 30) == 1
    monkeypatch.setattr(sys, "executable", "/opt/blender/blender")
    assert wanted(1 << 30) == 0


def test_a_worker_of_a_pool_starts_none():
    code = (
        "from multiprocessing import get_context\n"
        "from trtlog.engines import processes\n"
        "if __name__ == '__main__':\n"
        "    processes.usable_cores = lambda: 4\n"
        "    with get_context('fork').Pool(1) as pool:\n"
        "        print(processes.wanted(1 << 30), pool.map(processes.wanted, [1 << 30]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "[0]"]
