"""trtlog.run: what it returns is what parsing the file gives."""

import json
import subprocess
import sys

import pytest

import trtlog
from tests.conftest import each, parsed_once
from tests.runner.conftest import ROOT
from trtlog.testing import FakeTrtexec

CAPTURED = [
    "resnet50_fp32_verbose",
    "bert_fp16_verbose",
    "lstm_verbose",
    "mobilenet_fp16_verbose",
    "resnet50_fp16_dyn_detailed",
    "resnet50_load_profile",
    "sweep_r50_best_b1",
    "sweep_r50_fp32_b8",
    "sweep_r50_fp32_b32",
]


@pytest.mark.parametrize("name", CAPTURED)
def test_a_run_equals_the_parsed_log_table_by_table(name, capture, text_of, tmp_path):
    fake = FakeTrtexec(capture(f"{name}.log"))
    ran = trtlog.run("m.onnx", fp16=True, shapes={"x": (8, 3)}, trtexec=fake, out=tmp_path / "run")
    parsed = parsed_once(capture(f"{name}.log"))
    again = trtlog.open_run(tmp_path / "run")
    for table in each(parsed.tables):
        want = parsed.table(table)
        if "source" in want.column_names:  # the name of the file differs, of course
            want = want.drop_columns(["source"])
        for log in (ran, again):
            got = log.table(table)
            got = got.select(want.column_names)
            assert got.equals(want) or got.to_pylist() == want.to_pylist(), table
    assert (tmp_path / "run" / "trtexec.log").read_bytes() == text_of(f"{name}.log")


def test_events_come_to_a_callback(capture, tmp_path):
    kinds = []
    fake = FakeTrtexec(capture("lstm_verbose.log"))
    log = trtlog.run("m.onnx", trtexec=fake, out=tmp_path / "run", on_event=lambda event: kinds.append(event.kind))
    assert log.performance.throughput_qps == 1651.11  # zgrep 'Throughput:' lstm_verbose.log.gz
    assert {"phase", "layer", "best", "metric", "message", "ended"} <= set(kinds)


def test_the_folder_of_a_log(capture, tmp_path):
    log = trtlog.run("m.onnx", trtexec=FakeTrtexec(capture("resnet50_fp16_dyn_detailed.log")), out=tmp_path / "run")
    assert log.folder.status == "passed"
    assert log.folder.times.kind == "iteration_times"
    # the table leaves out layers that took no time, and adds the total
    timed = [row["layer"] for row in log.folder.profile.rows if row["time_ms"] > 0]
    assert timed == log.table("profile")["layer"].to_pylist()[: len(timed)]
    assert log.folder.layers.rows[0]["layer"]


def test_exports_join_the_log_if_they_are_its_own(capture, tmp_path):
    # trtexec was asked for times in this run, and wrote 3020 of them
    log = trtlog.run("m.onnx", trtexec=FakeTrtexec(capture("sweep_r50_fp32_b1.log")), out=tmp_path / "run")
    assert log.table("iteration_times").num_rows == len(log.folder.times.rows) > 3000
    # what was cut short, or is of another run, does not
    times = tmp_path / "run" / "times.json"
    times.write_text(json.dumps(json.loads(times.read_text())[:100]))
    again = trtlog.open_run(tmp_path / "run")
    assert again.table("iteration_times").num_rows == 0
    assert any("it has 100 rows, the trace" in note for note in again.notes)
    times.write_text("[ {")
    assert any("times.json is left out" in note for note in trtlog.open_run(tmp_path / "run").notes)


def test_a_failed_run_raises_or_is_returned(capture, tmp_path):
    fake = FakeTrtexec(capture("err_dla.log"))
    with pytest.raises(trtlog.RunError, match="no DLA") as caught:
        trtlog.run("m.onnx", trtexec=fake, out=tmp_path / "a")
    assert trtlog.open_run(caught.value.folder).run.status == "failed"
    assert trtlog.run("m.onnx", trtexec=fake, out=tmp_path / "b", check=False).run.status == "failed"


def test_a_crashed_and_a_hung_child_leave_a_log_that_can_be_parsed(capture, tmp_path):
    crash = FakeTrtexec(capture("resnet50_fp32_verbose.log"), crash_signal="SIGKILL", crash_after=5000)
    with pytest.raises(trtlog.RunError) as caught:
        trtlog.run("m.onnx", trtexec=crash, out=tmp_path / "a")
    assert (caught.value.status, caught.value.signal) == ("killed", "SIGKILL")
    log = trtlog.open_run(tmp_path / "a")
    assert log.run.status == "incomplete"
    # zcat resnet50_fp32_verbose.log.gz | head -5000 | grep -c 'TRT. Tactic: 0x.* Time: '
    text = (tmp_path / "a" / "trtexec.log").read_text()
    assert len(text.splitlines()) == 5000
    assert log.table("tactics").num_rows == text.count("[TRT] Tactic: 0x")
    hang = FakeTrtexec(capture("resnet50_fp32_verbose.log"), hang_after=3000, stubborn=True)
    with pytest.raises(trtlog.RunError, match=r"nothing for 2 s"):
        trtlog.run("m.onnx", trtexec=hang, out=tmp_path / "b", hang_s=2, grace_s=0.3)
    assert trtlog.open_run(tmp_path / "b").run.status == "incomplete"


def test_the_stand_in_is_reached_from_the_package():
    code = "import trtlog; print(trtlog.testing.FakeTrtexec('x.log').logs[0][-5:])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT) == b"x.log\n"


def test_a_program_that_prints_no_log(script, tmp_path):
    path = script("echo hello; exit 4")
    with pytest.raises(trtlog.RunError, match="exit code 4"):
        trtlog.run("m.onnx", trtexec=path, out=tmp_path / "a", check_flags=False)


def test_the_stand_in_is_of_use_in_scripts_that_call_trtexec(capture, tmp_path, monkeypatch):
    FakeTrtexec(capture("lstm_verbose.log")).install(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.delenv("TRTLOG_TRTEXEC", raising=False)
    log = trtlog.run("m.onnx", out=tmp_path / "run")
    assert log.folder.command["found_by"] == "PATH"
    assert log.run.status == "passed"
