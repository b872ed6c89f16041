"""``trtlog run``, ``trtlog sweep`` and ``trtlog watch`` as a user types them."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests import warm
from tests.command import trtlog
from tests.runner.conftest import ROOT
from tests.terminal import read_to_the_end
from trtlog.testing import FakeTrtexec


@pytest.fixture
def trtlog_command(tmp_path):
    def call(*args, **options):
        return trtlog(*args, cwd=tmp_path, environment={"PYTHONPATH": str(ROOT), "COLUMNS": "200"}, **options)

    return call


@pytest.fixture
def installed(capture, tmp_path):
    def make(*names, **options):
        logs = [capture(f"{name}.log") for name in names]
        return FakeTrtexec(logs, **options).install(tmp_path / "bin")

    return make


def test_run(trtlog_command, installed, text_of, tmp_path):
    done = trtlog_command(
        "run", "--trtexec", installed("resnet50_fp32_verbose"), "-o", "r", "--", "--onnx=m.onnx", "--fp16"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("passed: 1336.59 qps, latency median 0.766113 ms")
    assert done.stdout.splitlines()[1] == f"kept in {tmp_path / 'r'}"
    assert "timing tactics" in done.stderr
    assert "Throughput: 1336.59 qps" in done.stderr
    assert (tmp_path / "r" / "trtexec.log").read_bytes() == text_of("resnet50_fp32_verbose.log")


def test_run_without_dashes_between(trtlog_command, installed, tmp_path):
    done = trtlog_command("run", "-q", "--trtexec", installed("lstm_verbose"), "-o", "r", "--onnx=m.onnx", "--fp16")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "r" / "command.json").read_text())["args"][:2] == ["--onnx=m.onnx", "--fp16"]


def test_run_that_fails(trtlog_command, installed):
    done = trtlog_command("run", "-q", "--trtexec", installed("err_dla"), "--", "--onnx=m.onnx", "--useDLACore=0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Likely cause: This GPU has no DLA" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--onnx=m.onnx", "--skipInference"], "Write --buildOnly"),
        (["m.onnx"], "is no flag"),
        ([], "give trtexec's arguments after --"),
    ],
)
def test_wrong_usage(args, words, trtlog_command, installed):
    done = trtlog_command("run", "--trtexec", installed("lstm_verbose"), "--", *args)
    assert (done.returncode, words in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_no_trtexec(trtlog_command):
    done = trtlog_command("run", "--trtexec", "/no/such/trtexec", "--", "--onnx=m.onnx")
    assert done.returncode == 1
    assert done.stderr == "trtlog: /no/such/trtexec does not exist (argument).\n"


def test_events_as_json(trtlog_command, installed):
    done = trtlog_command("run", "--json", "--trtexec", installed("lstm_verbose"), "-o", "r", "--", "--onnx=m.onnx")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["kind"] == "ended"
    assert any(event["text"] == "Throughput: 1651.11 qps" for event in events)


def test_dry_run(trtlog_command, installed, tmp_path):
    path = installed("lstm_verbose")
    done = trtlog_command("run", "--dry-run", "--trtexec", path, "-o", "r", "--", "--onnx=m.onnx", "--workspace=64")
    first, warning, command = done.stdout.splitlines()
    assert first == "# trtexec 8.5.3, found by argument"
    assert "Write --memPoolSize=workspace:64" in warning
    assert command.startswith(f"{path} --onnx=m.onnx --workspace=64 --verbose --exportTimes=r/times.json")
    assert not (tmp_path / "r").exists()


def test_sweep(trtlog_command, installed, tmp_path):
    names = [f"sweep_r50_{word}_b{batch}" for word in ("fp32", "best") for batch in (1, 8)]
    args = ["sweep", "--trtexec", installed(*names), "--onnx", "resnet50_bs_dynamic.onnx", "--batch", "1,8"]
    args += ["--precision", "fp32,best", "--shapes", "input:Nx3x224x224", "-o", "s"]
    done = trtlog_command(*args, "--max-latency", "1", "--", "--duration=2")
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines()[1:5]]
    assert rows == [
        ["batch1-fp32", "1506"],
        ["batch1-best", "1555"],
        ["batch8-fp32", "870.5"],
        ["batch8-best", "1433"],
    ]
    assert "Recommended: batch8-best: 11461 samples/s at 0.9218 ms p99 latency, within 1 ms" in done.stdout
    shown = trtlog_command("sweep", "--show", "-o", "s", "--format", "jsonl")
    assert [json.loads(line)["throughput_qps"] for line in shown.stdout.splitlines()] == [
        1505.71,
        1555.33,
        870.464,
        1432.57,
    ]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--onnx", "m.onnx"], "something to vary"),
        (["--onnx", "m.onnx", "--batch", "1,x"], "whole numbers"),
        (["--onnx", "m.onnx", "--axis", "fp16"], "FLAG=V1,V2"),
        (["--show"], "--show needs --out"),
        (["--onnx", "no-such-model.onnx", "--batch", "1"], "cannot be read"),
    ],
)
def test_wrong_sweeps(args, words, trtlog_command, installed):
    done = trtlog_command("sweep", "--trtexec", installed("lstm_verbose"), *args)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_axes_of_the_command_line():
    from trtlog.cli.sweep import _axis

    assert _axis("builderOptimizationLevel=1,5") == ("builderOptimizationLevel", [1, 5])
    assert _axis("useCudaGraph=off,on") == ("useCudaGraph", [False, True])
    assert _axis("shapes=a:1x2,b:1|a:8x2,b:8") == ("shapes", ["a:1x2,b:1", "a:8x2,b:8"])


def test_watch(trtlog_command, text_of, tmp_path):
    (tmp_path / "passed.log").write_bytes(text_of("lstm_verbose.log"))
    done = trtlog_command("watch", "passed.log")
    assert (done.returncode, "Throughput: 1651.11 qps" in done.stderr) == (0, True)
    (tmp_path / "failed.log").write_bytes(text_of("err_dla.log"))
    assert trtlog_command("watch", "failed.log").returncode == 1
    missing = trtlog_command("watch", "nothing.log")
    assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_run_and_keep_the_log(number, installed, tmp_path):
    path = installed("resnet50_fp32_verbose", hang_after=500)
    command = [sys.executable, "-m", "trtlog", "run", "--trtexec", str(path), "-o", "r", "--", "--onnx=m.onnx"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=env)
    log = tmp_path / "r" / "trtexec.log"
    while b"reading options" not in child.stderr.readline():
        assert child.poll() is None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") == 500):
        time.sleep(0.05)
    child.send_signal(number)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 130
    assert b"its log is kept in" in error
    assert b"Traceback" not in error
    assert json.loads((tmp_path / "r" / "result.json").read_text())["status"] == "interrupted"
    assert log.read_bytes().count(b"\n") == 500


def test_a_terminal_shows_a_line_that_moves(installed, tmp_path):
    path = installed("lstm_verbose", speed=30)
    main, terminal = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"}
    child = subprocess.Popen(
        [warm.python(), "-m", "trtlog", "run", "--trtexec", str(path), "-o", "r", "--", "--onnx=m.onnx"],
        stdout=subprocess.PIPE,
        stderr=terminal,
        cwd=tmp_path,
        env=env,
    )
    os.close(terminal)
    shown = read_to_the_end(main)
    assert child.wait(60) == 0
    child.stdout.close()
    assert b"Throughput: 1651.11 qps" in shown
    assert shown.count(b"\x1b[2K") > 3  # the line was drawn again and again
    assert b"5 warnings" in shown
