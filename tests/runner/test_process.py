"""The child process: nothing is lost, nothing is left running."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.runner.conftest import ROOT
from trtlog.errors import RunError
from trtlog.runner.process import Child


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_both_streams_in_the_order_they_were_written(script, tmp_path):
    path = script("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done; printf 'no line end'; exit 7")
    ending = Child([str(path)], tmp_path / "log").wait()
    expected = "".join(f"out{i}\nerr{i}\n" for i in range(1, 6)) + "no line end"
    assert (tmp_path / "log").read_text() == expected
    assert (ending.reason, ending.exit_code, ending.signal) == ("exited", 7, None)
    assert ending.log_bytes == len(expected)
    assert ending.log_sha256 == hashlib.sha256(expected.encode()).hexdigest()


def test_bytes_that_are_no_text_are_kept(script, tmp_path):
    path = script(r"printf '\000\377\376\r\n\200'")
    Child([str(path)], tmp_path / "log").wait()
    assert (tmp_path / "log").read_bytes() == b"\x00\xff\xfe\r\n\x80"


def test_a_flood_is_kept_whole(tmp_path):
    program = "import sys\nfor i in range(300000): sys.stdout.write(f'line {i} ' + 'x' * 60 + '\\n')"
    ending = Child([sys.executable, "-c", program], tmp_path / "log").wait()
    lines = (tmp_path / "log").read_bytes().split(b"\n")
    assert ending.exit_code == 0
    assert len(lines) == 300_001
    assert lines[299_999].startswith(b"line 299999 ")


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_child_that_closes_one_stream(closed, script, tmp_path):
    other = "2" if closed == "1" else "1"
    path = script(f"exec {closed}>&-; echo one >&{other}; sleep 0.2; echo two >&{other}")
    assert Child([str(path)], tmp_path / "log").wait().exit_code == 0
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_a_child_that_closes_both_streams_and_goes_on(script, tmp_path):
    path = script("echo one; exec 1>&- 2>&-; sleep 0.5; exit 3")
    ending = Child([str(path)], tmp_path / "log").wait()
    assert ending.exit_code == 3
    assert ending.wall_s >= 0.5


def test_a_time_limit_ends_the_whole_group(script, tmp_path):
    path = script(f"sleep 600 & echo $! > {tmp_path}/grandchild; echo started; wait")
    ending = Child([str(path)], tmp_path / "log", timeout_s=0.5, grace_s=2).wait()
    assert ending.reason == "timed_out"
    assert (tmp_path / "log").read_text() == "started\n"
    pid = int((tmp_path / "grandchild").read_text())
    assert wait_until(lambda: not alive(pid))


def test_a_child_that_ignores_polite_signals_is_killed(script, tmp_path):
    path = script("trap '' INT TERM; echo started; while :; do sleep 0.1; done")
    ending = Child([str(path)], tmp_path / "log", timeout_s=0.3, grace_s=0.3).wait()
    assert (ending.reason, ending.signal) == ("timed_out", "SIGKILL")


def test_silence_is_noticed_but_a_slow_talker_is_not_silent(script, tmp_path):
    quiet = script("echo started; sleep 600", "quiet")
    assert Child([str(quiet)], tmp_path / "a", hang_s=0.5, grace_s=1).wait().reason == "hung"
    talker = script("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done", "talker")
    assert Child([str(talker)], tmp_path / "b", hang_s=5, grace_s=1).wait().reason == "exited"


def test_killed_from_outside(script, tmp_path):
    child = Child([str(script("echo started; exec sleep 600"))], tmp_path / "log")
    assert child.wait_beyond(0, 20)
    os.kill(child.pid, signal.SIGKILL)
    ending = child.wait()
    assert (ending.reason, ending.exit_code, ending.signal) == ("signal", None, "SIGKILL")


def test_a_process_left_behind_does_not_hold_up_the_end(script, tmp_path):
    # the grandchild leaves the group and keeps the pipe open
    path = script(
        f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 600' & while [ ! -s {tmp_path}/pid ]; do "
        f"sleep 0.05; done; echo done"
    )
    ending = Child([str(path)], tmp_path / "log").wait(60)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (ending.exit_code, ending.left_behind) == (0, True)
    assert (tmp_path / "log").read_text() == "done\n"


def test_a_process_in_the_group_that_holds_the_pipe_is_ended(script, tmp_path):
    path = script(f"sleep 600 & echo $! > {tmp_path}/pid; echo done")
    ending = Child([str(path)], tmp_path / "log").wait(60)
    assert (ending.exit_code, ending.left_behind) == (0, False)
    assert wait_until(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_a_full_disk_stops_the_run_and_keeps_what_fits(tmp_path, script):
    # a limit on the size of files stands for the full disk: write() fails the same way, after a partial write
    path = script("while :; do echo 0123456789012345678901234567890123456789; done", "talk")
    program = textwrap.dedent(
        f"""
        import resource
        from pathlib import Path
        from trtlog.runner.process import Child
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        ending = Child([{str(path)!r}], Path({str(tmp_path / "log")!r}), grace_s=1).wait(60)
        print(ending.reason, ending.log_bytes, ending.lost_bytes > 0, ending.disk_error)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout == "disk_full 100000 True File too large\n", done.stderr
    assert (tmp_path / "log").stat().st_size == 100_000


def test_what_cannot_be_started(tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        Child([str(tmp_path / "nothing")], tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_nothing_outlives_the_program_that_started_it(script, tmp_path):
    path = script(f"echo $$ > {tmp_path}/pid; exec sleep 600")
    program = textwrap.dedent(
        f"""
        import time
        from pathlib import Path
        from trtlog.runner.process import Child
        child = Child([{str(path)!r}], Path({str(tmp_path / "log")!r}), grace_s=1)
        while not Path({str(tmp_path / "pid")!r}).exists() or not Path({str(tmp_path / "pid")!r}).read_text():
            time.sleep(0.02)
        raise SystemExit("forgotten")
        """
    )
    subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, timeout=120, check=False)
    assert wait_until(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_stopping_twice_is_impatient(script, tmp_path):
    path = script("trap '' INT TERM; echo started; while :; do sleep 0.1; done")
    child = Child([str(path)], tmp_path / "log", grace_s=600)
    assert child.wait_beyond(0, 20)
    child.stop("interrupted")
    assert child.wait(1) is None
    child.stop("interrupted", at_once=True)
    assert child.wait(30).signal == "SIGKILL"
