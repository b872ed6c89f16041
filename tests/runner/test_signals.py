"""Signals end a command soon, with the exit code a shell expects, without a traceback, and leave nothing half."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time

import pytest

import trtlog
from tests.conftest import FIXTURES
from tests.runner.conftest import ROOT
from tests.runner.test_process import wait_until
from tests.runner.test_survival import SLOW, command, result

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PYTHON = (sys.executable, "-m", "trtlog")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def started(words, folder):
    return subprocess.Popen(
        [*map(str, words)], env=ENVIRONMENT, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def ended(process, number):
    """Send a signal; return the exit code, once it is held that no traceback was printed."""
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in out + err, err
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_is_ended_and_says_so(number, script, tmp_path):
    folder = tmp_path / "r"
    process = started(command(script(SLOW), folder), tmp_path)
    log = folder / "trtexec.log"
    assert wait_until(lambda: log.exists() and "line 2" in log.read_text(), 60)
    assert ended(process, number) == 130
    assert result(folder)["status"] == "interrupted"
    assert "line 2" in log.read_text()
    assert "interrupted" in repr(trtlog.open_run(folder).folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_sweep_is_ended_and_taken_up(number, script, tmp_path):
    program = script(SLOW)
    words = [*PYTHON, "sweep", "--no-check", "--no-exports", "--trtexec", program, "-o", tmp_path / "s",
             "--onnx", "m.onnx", "--axis", "fp16=on,off"]  # fmt: skip
    process = started(words, tmp_path)
    assert wait_until(lambda: any("line 2" in log.read_text() for log in (tmp_path / "s").glob("*/trtexec.log")), 60)
    assert ended(process, number) == 130
    assert trtlog.open_sweep(tmp_path / "s").df.status.tolist().count("passed") < 2
    again = subprocess.run([*map(str, words)], env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True,
                           timeout=120, check=False)  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert trtlog.open_sweep(tmp_path / "s").df.status.tolist() == ["passed", "passed"]


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_watch_ends(number, tmp_path):
    log = tmp_path / "m.log"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec\n[11/22/2026-13:22:03] [I] === Model Options ===\n"
    )
    process = started([*PYTHON, "watch", log, "--json"], tmp_path)
    assert process.stdout.readline()
    code = ended(process, number)
    assert code in (130, 128 + number, -number)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("kind", ["folder", "dataset"])
def test_an_ended_conversion_leaves_the_older_one_or_the_new_one(number, kind, tmp_path):
    room = FIXTURES / "trt-8.5.3-h200"
    old = room / "err_missing_onnx.log.gz"
    long = tmp_path / "long.log"
    long.write_bytes(gzip.open(room / "resnet50_fp16_dyn_detailed.log.gz").read() * 8)
    out = tmp_path / "out"
    if kind == "folder":
        trtlog.parse(old).to_parquet(out)
        before = trtlog.read_parquet(out).table("runs").num_rows
    else:
        trtlog.to_dataset([old], out)
        before = trtlog.open_dataset(out).table("runs").num_rows
    both = [long] if kind == "folder" else [long, room / "lstm_verbose.log.gz"]
    process = started([*PYTHON, "convert", *both, "-o", out], tmp_path)
    time.sleep(1.5)
    code = ended(process, number)
    after = (trtlog.read_parquet if kind == "folder" else trtlog.open_dataset)(out).table("runs").num_rows
    assert code in (0, 130, 128 + number, -number)
    # each log is there whole or not at all; the short one may be there before the long one
    new = {8} if kind == "folder" else {before + 1, before + 8, before + 9}
    assert after in ({before} | new if code else {max(new)})


@pytest.mark.slow
@pytest.mark.parametrize("words", ["watch LOG --json", "show tactics LOG --format jsonl", "trace LOG"])
def test_a_reader_that_goes_is_no_error(words, tmp_path):
    log = tmp_path / "m.log"
    log.write_bytes(gzip.open(FIXTURES / "trt-8.5.3-h200" / "lstm_verbose.log.gz").read())
    line = " ".join([*PYTHON, *(str(log) if word == "LOG" else word for word in words.split())])
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line} | head -n 1"], env=ENVIRONMENT, cwd=tmp_path,
                          capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert done.returncode in (0, 1, 128 + signal.SIGPIPE)
