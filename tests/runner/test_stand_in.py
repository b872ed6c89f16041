"""The stand-in behaves like trtexec: streams, exit codes, help, exports, refusals."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import each
from tests.runner.conftest import ROOT
from trtlog.runner.helptext import parse_help
from trtlog.testing import FakeTrtexec
from trtlog.testing.capture import read_capture


def call(fake, *args, **options):
    return subprocess.run([*fake.command, *args], capture_output=True, timeout=120, check=False, **options)


def test_bytes_and_streams(capture, text_of):
    text = text_of("resnet50_fp32_verbose.log")
    done = call(FakeTrtexec(capture("resnet50_fp32_verbose.log")), "--onnx=m.onnx", "--verbose")
    assert done.returncode == 0
    # every warning on standard error and everything else on standard output, each in its order
    errors = [line for line in text.splitlines(keepends=True) if line[22:26] in (b"[W] ", b"[E] ")]
    assert len(errors) == 6
    assert done.stderr == b"".join(errors)
    assert done.stdout == b"".join(line for line in text.splitlines(keepends=True) if line not in errors)
    both = subprocess.run(
        [*FakeTrtexec(capture("resnet50_fp32_verbose.log")).command, "--onnx=m.onnx"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    assert both.stdout == text


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("lstm_verbose", 0),
        ("err_dla", 1),
        ("err_missing_onnx", 1),
        ("rtx_err_flag", 1),
        ("unet_smallws_verbose", -6),
    ],
)
def test_exit_code_of_the_log(name, code, capture):
    # the U-Net build died without a closing line: SIGABRT
    assert call(FakeTrtexec(capture(f"{name}.log")), "--onnx=m.onnx").returncode == code


def test_faults(capture):
    log = capture("lstm_verbose.log")
    assert call(FakeTrtexec(log, exit_code=77), "--onnx=m").returncode == 77
    crashed = call(FakeTrtexec(log, crash_signal="SIGSEGV", crash_after=50), "--onnx=m")
    assert crashed.returncode == -signal.SIGSEGV
    assert crashed.stdout.count(b"\n") + crashed.stderr.count(b"\n") == 50
    closed = call(FakeTrtexec(log, close="stderr"), "--onnx=m")
    assert (closed.returncode, closed.stderr) == (0, b"")
    flooded = call(FakeTrtexec(log, flood_lines=12_345), "--onnx=m")
    assert flooded.stdout.count(b"flood_") == 12_345
    assert flooded.stdout.endswith(gzip.decompress(log.read_bytes()).splitlines(keepends=True)[-1])


def test_hanging_and_stubborn(capture):
    fake = FakeTrtexec(capture("lstm_verbose.log"), hang_after=10, stubborn=True)
    child = subprocess.Popen([*fake.command, "--onnx=m"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for _ in range(10):
        assert child.stdout.readline()
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.5)
    child.kill()
    assert child.wait(20) == -signal.SIGKILL
    child.stdout.close()


def test_help_of_the_logs_version(capture, text_of):
    real = parse_help(text_of("help.txt").decode())
    fake = parse_help(call(FakeTrtexec(capture("lstm_verbose.log")), "--help").stdout.decode())
    assert fake.printed_version == real.printed_version
    assert set(fake.flags) - set(real.flags) == {
        "--explicitBatch",
        "--nvtxMode",
    }  # parsed, but no longer listed
    assert set(real.flags) <= set(fake.flags)
    rtx = parse_help(call(FakeTrtexec(capture("rtx_err_missing.log")), "--help").stdout.decode())
    assert (rtx.printed_version, rtx.build, rtx.release) == ((1, 7, 1), 116, (11, 1, 0))
    newer = FakeTrtexec(capture("lstm_verbose.log"), version="10.16.1")
    assert parse_help(call(newer, "--help").stdout.decode()).printed_version == (10, 16, 1)


def test_a_captured_help(capture, tmp_path, text_of):
    (tmp_path / "help.txt").write_bytes(text_of("help.txt"))
    fake = FakeTrtexec(capture("lstm_verbose.log"), help_path=tmp_path / "help.txt")
    assert call(fake, "--help").stdout == text_of("help.txt")


def test_unknown_flags_are_refused_as_the_version_does(capture):
    old = call(FakeTrtexec(capture("lstm_verbose.log")), "--onnx=m", "--skipInference", "--noSuchFlag=1")
    assert old.returncode == 1
    assert [line[22:] for line in old.stderr.splitlines()] == [
        b"[E] Unknown option: --skipInference ",
        b"[E] Unknown option: --noSuchFlag 1",
    ]
    assert old.stdout.startswith(b"&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m --skipInference")
    assert old.stdout.splitlines()[-1].startswith(b"&&&& FAILED TensorRT.trtexec [TensorRT v8503] # ")
    new = call(FakeTrtexec(capture("rtx_err_missing.log")), "--onnx=m", "--fp16")
    assert (new.returncode, b"&&&& FAILED" in new.stdout) == (1, False)  # 11.1 prints no closing line here
    unchecked = FakeTrtexec(capture("lstm_verbose.log"), check_flags=False)
    assert call(unchecked, "--onnx=m", "--noSuchFlag").returncode == 0


def test_exports_beside_the_log_are_copied(capture, tmp_path):
    log = capture("resnet50_fp16_dyn_detailed.log")
    flags = {"times": "--exportTimes", "profile": "--exportProfile", "layers": "--exportLayerInfo"}
    call(FakeTrtexec(log), *(f"{flag}={tmp_path / word}" for word, flag in flags.items()))
    for word in each(flags):
        assert (tmp_path / word).read_bytes() == gzip.decompress(
            capture(f"resnet50_fp16_dyn_detailed.{word}.json").read_bytes()
        )


def test_exports_made_from_the_log(capture, tmp_path):
    call(
        FakeTrtexec(capture("mobilenet_fp16_verbose.log")),
        f"--exportTimes={tmp_path}/t",
        f"--exportProfile={tmp_path}/p",
        f"--exportLayerInfo={tmp_path}/l",
        f"--saveEngine={tmp_path}/e",
    )
    text = gzip.decompress(capture("mobilenet_fp16_verbose.log").read_bytes()).decode()
    assert len(json.loads((tmp_path / "t").read_text())) == text.count("Average on 10 runs")
    profile = json.loads((tmp_path / "p").read_text())
    table = text[text.index("=== Profile (") :].splitlines()[2:]
    rows = [line for line in table if line.rstrip()[-1:].isdigit()]
    assert len(profile) == 1 + len(rows) - 1  # the count stands first, the total is left out
    assert profile[1]["timeMs"] == float(rows[0].split()[-4])
    assert len(json.loads((tmp_path / "l").read_text())["Layers"]) == text.count("\nLayer(")
    assert (tmp_path / "e").stat().st_size > 0


def test_a_failed_run_writes_nothing(capture, tmp_path):
    call(FakeTrtexec(capture("err_dla.log")), f"--exportTimes={tmp_path}/t", f"--saveEngine={tmp_path}/e")
    assert list(tmp_path.iterdir()) == []


def test_the_log_is_chosen_by_its_flags(capture):
    logs = [capture(f"sweep_r50_{word}_b{batch}.log") for word in ("fp32", "best") for batch in (1, 8)]
    fake = FakeTrtexec(logs)
    args = [
        "--onnx=/models/resnet50_bs_dynamic.onnx",
        "--shapes=input:8x3x224x224",
        "--duration=2",
        "--verbose",
    ]
    assert b"] [I] Throughput: 870.464 qps" in call(fake, *args).stdout
    assert b"] [I] Throughput: 1432.57 qps" in call(fake, *args, "--best").stdout
    none = call(fake, "--onnx=resnet50_bs_dynamic.onnx", "--shapes=input:2x3x224x224", "--duration=2")
    assert none.returncode == 1
    assert b"none of the captured logs was run with these flags" in none.stderr


def test_timing_follows_the_logs_own_clock(capture):
    read = read_capture(capture("resnet50_fp32_verbose.log"))
    due = read.due_s()
    assert due == sorted(due)
    # first stamp 13:21:09, last 13:21:36
    assert 27 <= due[-1] < 28
    started = time.monotonic()
    call(FakeTrtexec(capture("lstm_verbose.log"), speed=20), "--onnx=m")
    assert time.monotonic() - started >= read_capture(capture("lstm_verbose.log")).due_s()[-1] / 20


def test_an_executable_for_path(capture, tmp_path):
    path = FakeTrtexec(capture("lstm_verbose.log")).install(tmp_path / "bin")
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        "trtexec --onnx=m.onnx --verbose | tail -1",
        shell=True,
        env=env,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"&&&& PASSED")
    assert path.name == "trtexec"


def test_as_a_module(capture):
    command = [
        sys.executable,
        "-m",
        "trtlog.testing.fake_trtexec",
        f"--fake-log={capture('lstm_verbose.log')}",
    ]
    done = subprocess.run([*command, "--", "--onnx=m"], capture_output=True, cwd=ROOT, check=True)
    assert done.stdout.startswith(b"&&&& RUNNING")


def test_what_cannot_be_read(tmp_path):
    done = call(FakeTrtexec(tmp_path / "nothing.log"), "--onnx=m")
    assert (done.returncode, b"cannot read" in done.stderr) == (1, True)
