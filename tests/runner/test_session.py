"""Runs from start to end: folder, verdicts, interruption. Programs: the stand-in and shell scripts."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests import warm
from tests.conftest import each
from tests.runner.conftest import ROOT
from trtlog.errors import RunError
from trtlog.flags import flags_of
from trtlog.runner.arguments import FlagError
from trtlog.runner.binary import Trtexec
from trtlog.runner.environment import read_gpus
from trtlog.runner.folder import open_folder
from trtlog.runner.helptext import Help
from trtlog.runner.launch import make_plan, start
from trtlog.testing import FakeTrtexec

SHAPES = {"input": (8, 3, 224, 224)}


def test_the_log_on_disk_is_what_the_child_wrote(capture, text_of, tmp_path):
    fake = FakeTrtexec(capture("resnet50_fp32_verbose.log"))
    with start("m.onnx", shapes=SHAPES, trtexec=fake, out=tmp_path / "run") as session:
        events = list(session)
        verdict = session.wait()
    text = text_of("resnet50_fp32_verbose.log")
    assert (tmp_path / "run" / "trtexec.log").read_bytes() == text
    assert (verdict.status, session.error()) == ("passed", None)
    assert str(events[-1]) == "PASSED"
    folder = open_folder(tmp_path / "run")
    assert folder.status == "passed"
    assert folder.result["log_sha256"] == hashlib.sha256(text).hexdigest()
    assert folder.result["log_bytes"] == len(text)
    assert folder.command["version"] == "8.5.3"
    assert folder.command["args"][:2] == ["--onnx=m.onnx", "--shapes=input:8x3x224x224"]
    assert folder.command["added"][0] == "--verbose"
    assert set(folder.environment) >= {"system", "python", "gpus", "variables"}
    assert len(folder.times.rows) == 401  # averages of ten queries in the log
    assert folder.engine == tmp_path / "run" / "model.engine"
    assert folder.timing_cache == tmp_path / "run" / "timing.cache"


def test_the_same_build_beside_it_tells_how_long_this_one_takes(capture, tmp_path):
    fake = FakeTrtexec(capture("resnet50_fp32_verbose.log"))

    def left(name: str, **flags) -> set[str]:
        with start("m.onnx", trtexec=fake, out=tmp_path / name, **flags) as session:
            return {event.phase for event in session if event.eta_s is not None}

    assert left("first", shapes=SHAPES) == {"inference"}
    result = tmp_path / "first" / "result.json"
    content = json.loads(result.read_text())
    assert 0 < content["built_after_s"] <= content["wall_s"]
    result.write_text(json.dumps({**content, "built_after_s": 1000.0}))
    assert {"import", "graph", "autotune", "inference"} <= left("second", shapes=SHAPES)
    assert left("another", shapes=SHAPES, fp16=True) == {"inference"}
    content["status"] = "failed"
    result.write_text(json.dumps({**content, "built_after_s": 1000.0}))
    (tmp_path / "second" / "result.json").write_text("{")
    assert left("third", shapes=SHAPES) == {"inference"}, "neither passed, nor can be read"


def test_a_slow_reader_delays_nothing(capture, text_of, tmp_path):
    fake = FakeTrtexec(capture("resnet50_fp32_verbose.log"), flood_lines=200_000)
    with start("m.onnx", trtexec=fake, out=tmp_path / "run") as session:
        events = iter(session)
        first = next(events)
        assert first.line == 1
        # nobody reads now, far more is written than a pipe holds, and the child ends all the same
        ending = session.child.wait(120)
        assert (ending.reason, ending.exit_code) == ("exited", 0)
        assert str(list(events)[-1]) == "PASSED"
    kept = (tmp_path / "run" / "trtexec.log").read_bytes()
    assert kept.count(b"\n") == text_of("resnet50_fp32_verbose.log").count(b"\n") + 200_000


def test_an_error_in_a_callback_ends_the_child(capture, tmp_path):
    fake = FakeTrtexec(capture("lstm_verbose.log"), hang_after=30)
    session = start("m.onnx", trtexec=fake, out=tmp_path / "run", grace_s=1)

    def stumble():
        with session:
            return [1 / 0 for _ in session]

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert session.child.ending.reason == "interrupted"
    assert open_folder(tmp_path / "run").status == "interrupted"


@pytest.mark.parametrize(
    ("name", "cause", "message"),
    [
        ("err_bad_flag", "does not know --noSuchFlag", "[E] Unknown option: --noSuchFlag 1"),
        ("err_bad_shape", "shape of input has another number of dimensions", "[E] Engine set up failed"),
        ("err_corrupt_engine", "engine file is damaged", "[E] Engine deserialization failed"),
        ("err_corrupt_onnx", "corrupt.onnx cannot be read", "[E] Parsing model failed"),
        ("err_dla", "no DLA", "[E] Cannot create DLA engine, 0 not available"),
        ("err_missing_onnx", "nope.onnx cannot be opened", "[E] Failed to parse onnx file"),
        ("err_unsupported_op", "no operator MagicOp", "[E] Parsing model failed"),
        ("rtx_err_missing", "nope.onnx cannot be opened", "[E] Parsing model failed"),
        ("rtx_err_unsupported", "no operator MagicOp", "[E] Parsing model failed"),
        ("rtx_err_flag", "does not know --fp16", "[E] Unknown option: --fp16"),
        ("rtx_bert_verbose", "set them as its values (line 1712)", "[E] Building engine failed"),
    ],
)
def test_failed_runs_name_their_cause(name, cause, message, capture, text_of, tmp_path):
    with start("m.onnx", trtexec=FakeTrtexec(capture(f"{name}.log")), out=tmp_path / "run") as session:
        session.wait()
    error = session.error()
    assert (error.status, error.exit_code, error.signal) == ("failed", 1, None)
    assert cause in error.cause
    assert message in error.messages
    assert error.folder == tmp_path / "run"
    assert str(tmp_path / "run") in str(error)
    assert open_folder(tmp_path / "run").result["cause"] == error.cause
    assert (tmp_path / "run" / "trtexec.log").read_bytes() == text_of(f"{name}.log")


def verdict_of(program, tmp_path, **options):
    with start("m.onnx", trtexec=[str(program)], out=tmp_path / "run", check_flags=False, **options) as session:
        session.wait()
    return session.error()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (
            "echo '[11/22/2026-13:00:00] [I] Cannot find any available devices (GPUs)!'; exit 1",
            "No GPU is visible",
        ),
        (
            "echo '[11/22/2026-13:00:00] [E] [TRT] CUDA initialization failure with error: 100' >&2; exit 1",
            "error 100",
        ),
        ("echo 'Cuda failure: no CUDA-capable device is detected' >&2; kill -ABRT $$", "No GPU is visible"),
        ("echo 'Cuda failure at x.h:1: out of memory' >&2; exit 1", "Memory ran out"),
        (
            "echo 'trtexec: error while loading shared libraries: libnvinfer.so.8: x' >&2; exit 127",
            "libnvinfer.so.8",
        ),
        ("echo 'docker: Error response from daemon: no such image.' >&2; exit 125", "Docker refused"),
        ("echo 'ssh: connect to host gpu1 port 22: Connection refused' >&2; exit 255", "connection failed"),
        ("exit 127", "not found"),
    ],
)
def test_no_gpu_and_other_surroundings(body, cause, script, tmp_path):
    assert cause in verdict_of(script(body), tmp_path).cause


def test_killed_hung_timed_out(script, tmp_path):
    killed = verdict_of(script("echo start; kill -KILL $$"), tmp_path)
    assert (killed.status, killed.signal, killed.exit_code) == ("killed", "SIGKILL", None)
    assert "memory" in killed.cause
    hung = verdict_of(script("echo start; sleep 600"), tmp_path, hang_s=0.4, grace_s=1, overwrite=True)
    assert (hung.status, "nothing for 0.4 s" in str(hung)) == ("hung", True)
    late = verdict_of(script("echo start; sleep 600"), tmp_path, timeout_s=0.4, grace_s=1, overwrite=True)
    assert (late.status, "after 0.4 s" in str(late)) == ("timed_out", True)
    assert (tmp_path / "run" / "trtexec.log").read_text() == "start\n"


def test_a_container_reports_a_signal_as_an_exit_code(script, tmp_path):
    error = verdict_of(script("exit 137"), tmp_path)
    assert (error.status, error.exit_code) == ("killed", 137)
    assert "ended by SIGKILL" in str(error)


def test_exit_code_and_banner_disagree(script, tmp_path):
    error = verdict_of(script("echo '&&&& FAILED TensorRT.trtexec # trtexec'; exit 0"), tmp_path)
    assert (error.status, error.exit_code) == ("failed", 0)
    error = verdict_of(script("echo '&&&& PASSED TensorRT.trtexec # trtexec'; exit 3"), tmp_path, overwrite=True)
    assert "had printed PASSED before" in str(error)


def test_flags_are_refused_before_anything_is_started(capture, tmp_path):
    fake = FakeTrtexec(capture("lstm_verbose.log"))
    with pytest.raises(FlagError, match=r"(?s)--skipInference does not exist in trtexec 8.5.3.*--buildOnly"):
        start("m.onnx", trtexec=fake, skip_inference=True, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_earlier_run_is_not_overwritten_by_accident(capture, tmp_path):
    fake = FakeTrtexec(capture("err_dla.log"))
    start("m.onnx", trtexec=fake, out=tmp_path / "run").wait()
    with pytest.raises(RunError, match="holds a run already"):
        start("m.onnx", trtexec=fake, out=tmp_path / "run")
    start("m.onnx", trtexec=FakeTrtexec(capture("lstm_verbose.log")), out=tmp_path / "run", overwrite=True).wait()
    assert open_folder(tmp_path / "run").status == "passed"


def test_what_never_started_leaves_nothing(script, tmp_path):
    path = script("exit 0")
    path.write_text("#!/no/such/interpreter\n")
    for _ in range(2):
        with pytest.raises(RunError, match="interpreter or loader is missing"):
            start("m.onnx", trtexec=path, out=tmp_path / "run", check_flags=False)
        assert not (tmp_path / "run").exists()


def test_the_default_folder_never_collides(capture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fake = FakeTrtexec(capture("err_dla.log"))
    folders = {start("a/my model.onnx", trtexec=fake).folder.path for _ in range(3)}
    assert len(folders) == 3
    assert all(path.parent == tmp_path / "trtlog-runs" and "my_model" in path.name for path in each(folders))


def test_a_folder_that_cannot_be_made(capture, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        start("m.onnx", trtexec=FakeTrtexec(capture("err_dla.log")), out=tmp_path / "file" / "run")


def test_open_run_of_what_is_none(tmp_path):
    with pytest.raises(RunError, match="is no folder"):
        open_folder(tmp_path / "nothing")
    with pytest.raises(RunError, match="holds no run"):
        open_folder(tmp_path)


def test_the_gpus_are_asked_again_if_the_driver_is_old(script, tmp_path, monkeypatch):
    answer = 'case "$*" in *compute_cap*) exit 2;; esac; echo "0, Tesla V100, GPU-1, 440.33, 16160"'
    script(answer, "nvidia-smi")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (gpu,) = read_gpus()
    assert (gpu["name"], gpu["driver_version"], gpu["memory_mib"]) == ("Tesla V100", "440.33", 16160)
    assert gpu["compute_capability"] is None
    script("exit 9", "nvidia-smi")
    assert read_gpus() is None


def test_following_alone_writes_the_result(capture, tmp_path):
    for _ in start("m.onnx", trtexec=FakeTrtexec(capture("lstm_verbose.log")), out=tmp_path / "run"):
        pass
    assert open_folder(tmp_path / "run").status == "passed"


def test_a_run_folder_without_a_result_opens(capture, tmp_path):
    start("m.onnx", trtexec=FakeTrtexec(capture("lstm_verbose.log")), out=tmp_path / "run").wait()
    (tmp_path / "run" / "result.json").unlink()
    folder = open_folder(tmp_path / "run")
    assert (folder.result, folder.status) == (None, None)
    assert "not finished" in repr(folder)


def test_a_folder_of_a_container(script, tmp_path, capture):
    docker = script(f'echo "$@" > {tmp_path}/args; gzip -dc {capture("help.txt")}', "docker")
    with start("/m/m.onnx", trtexec=[str(docker), "run", "image", "trtexec"], out=tmp_path / "a") as session:
        session.wait()
    # nothing is written to a path that the container does not have
    assert session.folder.command["added"] == ["--verbose"]
    command = [str(docker), "run", "-v", f"{tmp_path}/b:/run", "image", "trtexec"]
    with start("/m/m.onnx", trtexec=command, out=tmp_path / "b", seen_as="/run") as session:
        session.wait()
    assert "--exportTimes=/run/times.json" in session.folder.command["added"]


def plan(version, given, **options):
    known = Help(dict.fromkeys(flags_of(version), ""), version, None, version)
    return make_plan(Trtexec(("trtexec",)), given, known, base="/r", **options).added


def test_what_is_added_by_version():
    files = [
        "--exportTimes=/r/times.json",
        "--exportProfile=/r/profile.json",
        "--exportLayerInfo=/r/layers.json",
    ]
    built = ["--saveEngine=/r/model.engine", "--timingCacheFile=/r/timing.cache"]
    # until 10.16 the profile would suppress the summary; from 11.0 it is always a second run
    for version in ((8, 5, 3), (8, 6, 1), (10, 16, 0)):
        assert list(plan(version, ["--onnx=m"])) == ["--verbose", *files, "--separateProfileRun", *built]
    assert list(plan((11, 1, 0), ["--onnx=m"])) == ["--verbose", *files, *built]
    assert list(plan((7, 0, 0), ["--onnx=m"])) == ["--verbose", files[0], built[0]]
    assert "--saveEngine" not in " ".join(plan((8, 5, 3), ["--loadEngine=e"]))


def test_what_is_added_by_wish():
    given = ["--onnx=m", "--exportTimes=mine.json", "--saveEngine=mine.engine", "--verbose"]
    assert list(plan((8, 5, 3), given)) == [
        "--exportProfile=/r/profile.json",
        "--exportLayerInfo=/r/layers.json",
        "--separateProfileRun",
        "--timingCacheFile=/r/timing.cache",
    ]
    nothing = {"verbose": False, "exports": False, "engine": False, "timing_cache": False}
    assert plan((8, 5, 3), ["--onnx=m"], **nothing) == ()
    assert plan((11, 1, 0), ["--continue", "--tuningCacheFile=x"]) == ()
    assert "--exportTimes" not in " ".join(plan((8, 5, 3), ["--onnx=m", "--buildOnly"]))
    for closed in ("--safe", "--buildDLAStandalone", "--useRuntime=lean", "--stripWeights"):
        added = " ".join(plan((10, 16, 0), ["--onnx=m", closed]))
        # the safe runtime refuses profiles, and these engines cannot be inspected
        assert "--exportProfile" not in added
        assert "--exportLayerInfo" not in added
        assert "--exportTimes" in added
    assert "--timingCacheFile" not in " ".join(plan((8, 5, 3), ["--onnx=m", "--noBuilderCache"]))


def test_ctrl_c_ends_the_group_and_keeps_the_log(script, tmp_path):
    path = script(f"sleep 600 & echo $! > {tmp_path}/grandchild; echo started; wait")
    program = textwrap.dedent(
        f"""
        from trtlog.runner.launch import start
        with start("m.onnx", trtexec=[{str(path)!r}], out={str(tmp_path / "run")!r}, check_flags=False,
        grace_s=2) as s:
            print("up", flush=True)
            for event in s:
                pass
        """
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert child.stdout.readline() == b"up\n"
    deadline = time.monotonic() + 20
    while not (tmp_path / "grandchild").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(child.pid, signal.SIGINT)
    _, error = child.communicate(timeout=60)
    assert error.strip().endswith(b"KeyboardInterrupt")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["status"] == "interrupted"
    assert (tmp_path / "run" / "trtexec.log").read_text() == "started\n"
    pid = int((tmp_path / "grandchild").read_text())
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")


def test_a_full_disk_is_told_as_such(script, tmp_path):
    path = script("exec yes 0123456789012345678901234567890123456789", "talk")
    program = textwrap.dedent(
        f"""
        import resource
        from trtlog.runner.launch import start
        with start("m", trtexec=[{str(path)!r}], out={str(tmp_path / "run")!r}, check_flags=False,
        grace_s=1) as session:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000_000, 50_000_000))
            session.wait()
        error = session.error()
        print(error.status, error.signal is None, "could not be written" in str(error))
        """
    )
    done = subprocess.run([warm.python(), "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.startswith("disk_full "), done.stderr
    assert done.stdout.endswith("True\n")
    assert (tmp_path / "run" / "trtexec.log").stat().st_size == 50_000_000
    assert json.loads((tmp_path / "run" / "result.json").read_text())["lost_bytes"] > 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_disk_that_is_really_full(capture, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted: {mounted.stderr!r}")
    try:
        fake = FakeTrtexec(capture("resnet50_fp32_verbose.log"))
        with start("m.onnx", trtexec=fake, out=disk / "run", grace_s=1) as session:
            session.wait()
        assert session.error().status == "disk_full"
        assert "No space left" in str(session.error())
        folder = open_folder(disk / "run")
        assert folder.status == "disk_full"  # room for the result was taken beforehand
        kept = (disk / "run" / "trtexec.log").read_bytes()
        assert folder.result["log_bytes"] == len(kept) > 500_000
        assert folder.log.run.status == "incomplete"
    finally:
        subprocess.run(["umount", disk], check=True)
