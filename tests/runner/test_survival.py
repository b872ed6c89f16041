"""What a run outlives, and what does not outlive it: terminals, readers, killed parents, second writers."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap

import pytest

from tests.runner.conftest import ROOT
from tests.runner.test_process import alive, wait_until
from trtlog.errors import RunError
from trtlog.runner.launch import start
from trtlog.runner.sweep import sweep
from trtlog.testing import FakeTrtexec

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
# A build that goes on for a while and is known to be whole by its last line.
SLOW = "echo '&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec'; for i in 1 2 3 4 5 6 7 8; do echo line $i; \
sleep 0.25; done; echo '&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec'"
QUICKER = SLOW.replace("0.25", "0.1")


def command(program, folder, *options):
    return [
        *(sys.executable, "-m", "trtlog", "run", "--no-check", "--no-exports", "--trtexec", str(program), "-o"),
        *(str(folder), *options, "--", "--onnx=m.onnx"),
    ]


def last_line(folder):
    return (folder / "trtexec.log").read_text().splitlines()[-1]


def result(folder):
    return json.loads((folder / "result.json").read_text())


@pytest.mark.parametrize("ignored", [True, False])
def test_under_nohup_a_hangup_ends_nothing(ignored, script, tmp_path):
    def as_nohup_does():
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)

    folder = tmp_path / "r"
    process = subprocess.Popen(
        command(script(SLOW), folder),
        env=ENVIRONMENT, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=as_nohup_does,
    )  # fmt: skip
    log = folder / "trtexec.log"
    assert wait_until(lambda: log.exists() and "line 2" in log.read_text(), 60)
    process.send_signal(signal.SIGHUP)
    code = process.wait(60)
    if ignored:
        assert (code, result(folder)["status"]) == (0, "passed")
        assert last_line(folder).startswith("&&&& PASSED")
    else:
        assert (code, result(folder)["status"]) == (130, "interrupted")


@pytest.mark.parametrize(
    "redirection",
    ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", "2>&1 | head -c 1 >/dev/null", "--json | head -n 1"],
)
def test_a_closed_or_broken_stream_ends_neither_the_build_nor_its_log(redirection, script, tmp_path):
    folder = tmp_path / "r"
    options = ["--json"] if "--json" in redirection else []
    words = " ".join(map(str, command(script(QUICKER), folder, *options)))
    subprocess.run(["sh", "-c", f"{words} {redirection.removeprefix('--json')}"], env=ENVIRONMENT, cwd=tmp_path,
                   timeout=120, check=False, capture_output=True)  # fmt: skip
    assert wait_until((folder / "result.json").exists, 60)
    assert result(folder)["status"] == "passed"
    lines = (folder / "trtexec.log").read_text().splitlines()
    assert lines[1:-1] == [f"line {number}" for number in range(1, 9)]  # and nothing of trtlog's own


def test_a_full_standard_output_is_told(tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m trtlog tables >/dev/full"], env=ENVIRONMENT, cwd=ROOT, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "trtlog: standard output cannot be written: No space left on device\n")


def test_a_killed_parent_leaves_no_silent_child(script, tmp_path):
    # the child prints nothing more: no broken pipe would end it
    path = script(f"echo $$ > {tmp_path}/pid; sleep 600 & echo $! > {tmp_path}/grandchild; wait")
    program = textwrap.dedent(
        f"""
        import os, signal, time
        from pathlib import Path
        from trtlog.runner.process import Child
        child = Child([{str(path)!r}], Path({str(tmp_path / "log")!r}), grace_s=1)
        while not Path({str(tmp_path / "grandchild")!r}).exists():
            time.sleep(0.02)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=120, check=False)
    for name in ("pid", "grandchild"):
        assert wait_until(lambda name=name: not alive(int((tmp_path / name).read_text())))


def test_guards_end_with_their_runs(script, tmp_path):
    start("m.onnx", trtexec=str(script("echo done")), out=tmp_path / "r", check_flags=False).wait()
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    own = [line for line in listed.splitlines() if "trtlog-guard" in line and str(os.getpid()) in line]
    assert own == []


def test_one_writer_a_run_folder(script, tmp_path):
    first = start("m.onnx", trtexec=str(script("echo one; sleep 600")), out=tmp_path / "r", check_flags=False)
    with first:
        with pytest.raises(RunError, match=rf"is being written by process {os.getpid()} on .* since 20") as caught:
            start("m.onnx", trtexec=str(script(SLOW)), out=tmp_path / "r", check_flags=False, overwrite=True)
        assert re.search(r"Wait for it, or give another out=", str(caught.value))
        assert first.child.ending is None
        first.stop()
    # when it has ended, the folder is free again
    again = start("m.onnx", trtexec=str(script("echo two")), out=tmp_path / "r", check_flags=False, overwrite=True)
    again.wait()
    assert (tmp_path / "r" / "trtexec.log").read_text() == "two\n"


def test_one_writer_a_sweep_folder(capture, tmp_path):
    logs = [capture(f"sweep_r50_fp32_b{batch}.log") for batch in (1, 8)]
    options = {"trtexec": FakeTrtexec(logs), "batch": [1, 8], "shapes": "input:Nx3x224x224", "duration": 2}
    seen = []

    def second_sweep(point, event):
        if not seen:
            with pytest.raises(RunError, match="is being written by process"):
                sweep("resnet50_bs_dynamic.onnx", out=tmp_path / "s", **options)
            seen.append(point.name)

    study = sweep("resnet50_bs_dynamic.onnx", out=tmp_path / "s", on_event=second_sweep, **options)
    assert len(seen) == 1
    assert study.df.status.tolist() == ["passed", "passed"]
