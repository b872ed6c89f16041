"""The commands, and the example of a CI job as it is written."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import warm
from tests.command import trtlog as run
from tests.conftest import ROOT
from tests.diff.conftest import CAPTURES

FP32 = CAPTURES / "resnet50_fp32_verbose.log.gz"
AGAIN = CAPTURES / "resnet50_fp32_verbose_rebuild.log.gz"
EXAMPLE = ROOT / "docs" / "examples" / "github-actions.yml"


def test_diff_in_its_formats():
    text = run("diff", FP32, AGAIN)
    assert text.returncode == 0
    assert "tactics: changed for 17 layers" in text.stdout
    assert run("diff", FP32, AGAIN, "--format", "md").stdout.startswith("## trtlog diff")
    assert json.loads(run("diff", FP32, AGAIN, "--format", "json").stdout)["schema"] == "trtlog.diff/1"


def test_several_logs_a_side():
    runs = [CAPTURES / "repeats" / f"{name}_{n}.log.gz" for name in ("graph", "graph32") for n in range(3)]
    done = run("diff", *runs[:3], "--against", *runs[3:], "--format", "json")
    rows = json.loads(done.stdout)["tables"]["performance"]
    [row] = [r for r in rows if (r["metric"], r["stat"]) == ("gpu_compute_time", "median")]
    assert (row["verdict"], row["control_runs"], row["test_runs"]) == ("slower", 3, 3)
    # A single pair and --against with one log a side are the same.
    one = run("diff", runs[0], "--against", runs[3], "--format", "json").stdout
    assert one == run("diff", "--format", "json", runs[0], runs[3]).stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((FP32,), "--against B1 B2 B3"),
        ((FP32, AGAIN, FP32), "--against B1 B2 B3"),
        ((FP32, "--against"), "--against"),
        (("-", "--against", "-"), "only one of the logs"),
    ],
)
def test_sides_that_are_not_given_are_said(arguments, reason):
    done = run("diff", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr


def test_stability():
    done = run("stability", FP32, AGAIN, "--format", "json")
    assert json.loads(done.stdout)["schema"] == "trtlog.stability/1"
    assert run("stability", FP32).returncode == 2


def test_lock_then_check_then_edit(tmp_path):
    assert run("lock", FP32, "-o", "x.json", "--rule", "latency=5", "--rule", "gpu=off", cwd=tmp_path).returncode == 0
    assert run("check", FP32, "--against", "x.json", cwd=tmp_path).returncode == 0
    done = run("check", AGAIN, "--against", "x.json", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("note tactics: ") == 17
    done = run("check", AGAIN, "--against", "x.json", "--exact", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("fail tactics: ") == 17
    assert "Traceback" not in done.stderr
    # Locked anew: the tactics change, the rules stay.
    run("lock", AGAIN, "-o", "x.json", cwd=tmp_path)
    rules = json.loads((tmp_path / "x.json").read_text())["rules"]
    assert rules["latency"]["tolerance_percent"] == 5.0
    assert rules["gpu"]["level"] == "off"
    assert run("check", AGAIN, "--against", "x.json", cwd=tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["x.json"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("diff", "none.log", FP32), "none.log"),
        (("diff", FP32, FP32, "--test-run", 3), "there is no run 3"),
        (("check", FP32, "--against", "none.json"), "'trtlog lock LOG -o none.json' writes one"),
        (("check", FP32, "--against", FP32), "no lock file; 'trtlog lock LOG -o FILE' writes one of a log"),
        (("lock", FP32, "--rule", "latencies=5"), "one of the rules status"),
        (("lock", FP32, "--rule", "latency=lots"), "expected fail, warn, off or a percentage"),
        (("lock", FP32, "--rule", "gpu=5"), "expected fail, warn, off"),
        (("lock", CAPTURES / "err_dla.log.gz"), "lock the log of a run that passed"),
        (("lock", FP32, "-o", "no/such/folder/x.json"), "cannot be written"),
    ],
)
def test_bad_input_is_told_and_exits_with_2(tmp_path, arguments, reason):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lock_of_the_docs_is_fresh(tmp_path):
    run("lock", FP32, "-o", tmp_path / "x.json")
    assert (tmp_path / "x.json").read_text() == (ROOT / "docs" / "examples" / "resnet50.lock.json").read_text()


def steps(log: str | None, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run the steps of the workflow as GitHub does, but for the installation: trtlog is a script on the path."""
    job = yaml.safe_load(EXAMPLE.read_text())["jobs"]["gate"]
    (folder / "bin").mkdir()
    script = folder / "bin" / "trtlog"
    script.write_text(f'#!/bin/sh\nexec "{warm.python()}" -m trtlog "$@"\n')
    script.chmod(0o755)
    for name in ("fixtures", "docs"):
        (folder / name).symlink_to(ROOT / name)
    environment = {
        **os.environ,
        **job["env"],
        **({"LOG": log} if log else {}),
        "PYTHONPATH": str(ROOT),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[0] == "python -m pip install ."
    return [
        subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for command in commands[1:]
    ]


def test_the_workflow_runs_as_written(tmp_path):
    assert [step.returncode for step in steps(None, tmp_path)] == [0, 0]
    summary = (tmp_path / "summary.md").read_text()
    assert "## trtlog check: passed" in summary
    assert "## trtlog diff" in summary
    assert json.loads((tmp_path / "trtlog-diff.json").read_text())["schema"] == "trtlog.diff/1"


def test_the_workflow_fails_for_another_build(tmp_path):
    gate, diff = steps("fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz", tmp_path)
    assert (gate.returncode, diff.returncode) == (1, 0)
    assert "## trtlog check: failed" in (tmp_path / "summary.md").read_text()
