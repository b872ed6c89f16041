"""Points that are run several times, what noise tells of a sweep, and how a run that did not pass is summarised."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

import trtlog
from tests import warm
from tests.runner.conftest import ROOT, find_capture
from trtlog.cli import main
from trtlog.runner.sweep import open_sweep
from trtlog.testing import FakeTrtexec

POINTS = {"batch": [1, 8], "precision": ["fp32", "best"], "shapes": "input:Nx3x224x224", "duration": 2}


def slower(text: bytes, factor: float) -> bytes:
    """Return a log with the times and the rate of its summary as of a machine that is slower."""
    words = text.decode()
    words = re.sub(r"(?<= = )([0-9.]+)(?= ms)", lambda found: f"{float(found[1]) * factor:.6g}", words)
    return re.sub(r"(?<=Throughput: )([0-9.]+)", lambda found: f"{float(found[1]) / factor:.6g}", words).encode()


@pytest.fixture
def logs(text_of, tmp_path):
    """Write logs of a sweep with given factors: batch and precision -> how much slower."""

    def write(**factors: float) -> list[str]:
        made = []
        for name in ("fp32_b1", "best_b1", "fp32_b8", "best_b8"):
            path = tmp_path / f"{name}.log"
            path.write_bytes(slower(text_of(f"sweep_r50_{name}.log"), factors.get(name, 1.0)))
            made.append(str(path))
        return made

    return write


def sweep(tmp_path, logs, **options):
    return trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=FakeTrtexec(logs), out=tmp_path / "s", **POINTS, **options)


def test_each_point_is_run_in_turns(tmp_path, logs):
    seen = []
    study = sweep(tmp_path, logs(), repeat=2, on_point=lambda point, row: seen.append((point.name, row["runs"])))
    names = [point.name for point in study.points]
    assert seen == [*((name, 1) for name in names), *((name, 2) for name in names)]
    assert {row["runs"] for row in study.rows} == {2}
    assert {row["spread_percent"] for row in study.rows} == {0.0}
    assert len(list(study.logs())) == 8
    assert open_sweep(study.path).repeat == 2


def test_medians_and_spread_of_three_runs(tmp_path, logs):
    """Three runs at 1, 1.02 and 1.1 times the captured times, put into the folders of a point."""
    given = logs()
    study = sweep(tmp_path, given, repeat=3)
    text = (study.path / "batch8-best" / "trtexec.log").read_bytes()
    for number, factor in ((2, 1.02), (3, 1.1)):
        (study.path / f"batch8-best.run{number}" / "trtexec.log").write_bytes(slower(text, factor))
    [row] = [row for row in open_sweep(study.path).rows if row["point"] == "batch8-best"]
    assert row["throughput_qps"] == pytest.approx(1432.57 / 1.02, rel=1e-4)
    assert row["latency_p99_ms"] == pytest.approx(0.921753 * 1.02, rel=1e-4)
    assert row["spread_percent"] == pytest.approx(10, abs=0.01)


def test_nothing_is_recommended_on_noise_alone(tmp_path, logs):
    """Both points of batch 8 are as fast; the host has a part in their times, so a few per cent are noise."""
    given = logs(fp32_b8=870.464 / 1400)  # 1400 against 1432.57 queries a second
    found = sweep(tmp_path, given).recommend()
    assert found.row is None
    assert [row["point"] for row in found.candidates] == ["batch8-best", "batch8-fp32"]
    assert "Noise does not tell batch8-best (11461 samples/s) and batch8-fp32 (11200 samples/s) apart" in found.text
    assert "--repeat 3" in found.text


def test_repeats_tell_what_one_run_cannot(tmp_path, logs):
    """The same 2 %, measured three times with next to no spread, are a difference."""
    given = logs(fp32_b8=870.464 / 1400)
    found = sweep(tmp_path, given, repeat=3).recommend()
    assert found.row is not None
    assert found.row["point"] == "batch8-best"


def test_a_point_out_of_order_and_an_unstable_one_are_marked(tmp_path, logs):
    given = logs(fp32_b8=0.5)  # 0.572 ms for eight samples, where one took 0.656 ms
    rows = {row["point"]: row["remarks"] for row in sweep(tmp_path, given).rows}
    assert "out of order: 0.572 ms, batch 1 took 0.6558 ms" in rows["batch8-fp32"]
    assert "unstable: coefficient of variance 14.1 %" in rows["batch1-best"]
    # zgrep -c 'GPU compute time is unstable' sweep_r50_fp32_b8.log.gz: 0
    assert "unstable" not in rows["batch8-fp32"]


def test_one_command_line_several_times(tmp_path, capsys):
    fake = FakeTrtexec(find_capture("lstm_verbose.log"))
    executable = fake.install(tmp_path / "bin")
    arguments = ["run", "--repeat", "2", "-q", "-o", str(tmp_path / "r"), "--trtexec", str(executable), "--"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--onnx=lstm.onnx"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "spread" in printed
    assert {path.name for path in (tmp_path / "r").iterdir() if path.is_dir()} == {"run", "run.run2"}


# ------------------------------------------------------------------ runs that did not pass
def summary(folder, capsys, *options):
    with pytest.raises(SystemExit) as ended:
        main(["summary", str(folder), *options])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("fake", "limits", "words"),
    [
        ({"hang_after": 3000}, {"timeout_s": 1.0}, "It was stopped after 1 s, the limit that was set"),
        ({"hang_after": 3000}, {"hang_s": 1.0}, "It was stopped: it had printed nothing for 1 s"),
        ({"crash_after": 5000, "crash_signal": "SIGKILL"}, {}, "It was ended by SIGKILL. It was killed from outside"),
        ({"crash_after": 5000, "crash_signal": "SIGSEGV"}, {}, "It was ended by SIGSEGV. The program crashed"),
    ],
)
def test_a_run_that_was_ended_says_how(fake, limits, words, tmp_path, capsys):
    stand_in = FakeTrtexec(find_capture("resnet50_fp32_verbose.log"), **fake)
    log = trtlog.run("m.onnx", trtexec=stand_in, out=tmp_path / "r", check=False, **limits)
    assert words in log.ending
    printed = " ".join(summary(tmp_path / "r", capsys).split())
    assert words in printed
    assert "The log ends at line" in printed
    assert words in json.loads(summary(tmp_path / "r", capsys, "--format", "json"))["ended"]


def test_a_log_that_was_cut_says_where(tmp_path, capsys, text_of):
    lines = text_of("resnet50_fp32_verbose.log").split(b"\n")[:5000]
    (tmp_path / "cut.log").write_bytes(b"\n".join(lines) + b"\n")
    printed = " ".join(summary(tmp_path / "cut.log", capsys).split())
    assert "ended The log ends at line 5000 in section autotune, while /layer2/" in printed


def test_a_run_that_passed_says_nothing_of_its_end(tmp_path, capsys):
    assert "ended" not in summary(find_capture("lstm_verbose.log"), capsys)


# ------------------------------------------------------------------ causes
HEAD = "[11/22/2026-13:21:09] [I] TensorRT version: 8.5.3\n"
OVERRIDE = (
    "[11/22/2026-13:21:14] [W] Dynamic dimensions required for input: x, but no shapes were provided. "
    "Automatically overriding shape to: 1x3x1x1\n"
)
BANNER = "&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx\n"
FAILED = "[11/22/2026-13:21:15] [E] Engine set up failed\n&&&& FAILED TensorRT.trtexec [TensorRT v8503] # trtexec\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "Error[4]: [network.cpp::validate::1] Error Code 4: Internal Error (x: for dimension number 1 in profile 0 "
            "does not match network definition (got min=4, opt=4, max=4), expected min=opt=max=3).)",
            "Dimension 1 (from 0) of the input x is 3 in the model and cannot be changed, but 4 was given",
        ),
        (
            "IExecutionContext::setInputShape: Error Code 3: API Usage Error (Parameter check failed, condition: "
            "engineDims.d[i] == dims.d[i]. Static dimension mismatch while setting input shape for x. "
            "Set dimensions are [1,4,9,9]. Expected dimensions are [-1,3,9,9]. "
            "In setInputShape at runtime/api/executionContext.cpp:1)",
            "The engine takes [-1,3,9,9] for the input x, where -1 may be chosen, but [1,4,9,9] was given",
        ),
        (
            "Error[3]: [executionContext.cpp::validateInputBindings::1] Error Code 3: API Usage Error (Parameter check "
            "failed at: executionContext.cpp::validateInputBindings::1, condition: profileMaxDims.d[i] >= "
            "dimensions.d[i]. Supplied binding dimension [10,3,9,9] for bindings[0] exceed min ~ max range at index 0, "
            "maximum dimension in profile is 8, minimum dimension in profile is 1, but supplied dimension is 10.",
            "The engine was built for 1 to 8 in dimension 0 (from 0), but the shape [10,3,9,9] was given",
        ),
    ],
)
def test_a_wrong_shape_has_a_cause(error, words):
    log = trtlog.parse(f"{BANNER}{HEAD}[11/22/2026-13:21:14] [E] {error}\n{FAILED}".encode())
    [finding] = [row for row in log.lint().to_dict("records") if row["rule"] == "build-failed"]
    assert words in f"{finding['text']} {finding['action']}"


def test_a_shape_that_nobody_gave_is_named():
    """An error about shapes after trtexec chose them is theirs; another error is not."""
    error = "Error[4]: [shapeCompiler.cpp::evaluateShapeChecks::1] Error Code 4: (kOPT values for profile 0 violate "
    error += "shape constraints: condition failed in Conv_1: kernel larger than input dimensions)"
    texts = {
        "shape": f"[11/22/2026-13:21:15] [E] {error}\n",
        "memory": "[11/22/2026-13:21:15] [E] Error[2]: [virtualMemoryBuffer.cpp::resizePhysical::1] out of memory\n",
    }
    found = {}
    for name, text in texts.items():
        log = trtlog.parse(f"{BANNER}{HEAD}{OVERRIDE}{text}{FAILED}".encode())
        [row] = [row for row in log.lint().to_dict("records") if row["rule"] == "build-failed"]
        found[name] = f"{row['text']} {row['action']}"
    words = "No shapes were given, and trtexec took 1x3x1x1 for x (line 3): give those of your data, --shapes=x:.."
    assert words in found["shape"]
    assert words not in found["memory"]


def test_an_input_whose_shape_was_given_is_not_asked_for_it_again():
    """The command gives dimensions, and the builder has none: what became of them is told, not to give them."""
    shapes = "[11/22/2026-13:21:15] [I] === Build Options ===\n[11/22/2026-13:21:15] [I] Input build shape{}: {}\n"
    values = "[11/22/2026-13:21:15] [I] Start parsing network model.\n"
    values += "[11/22/2026-13:21:15] [I] Set input shape tensor ids for optimization profile 0 to: MIN=4 OPT=4 MAX=4\n"
    error = (
        "[11/22/2026-13:21:15] [E] Error[4]: IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (Dynamic "
        "input tensor ids is missing dimensions in profile 0. In validate at /_src/optimizer/api/network.cpp:1)\n"
    )
    found = {}
    for name, text in {
        "none": shapes.format("s", "model"),
        "other": shapes.format("", "ids_2=4+4+4"),
        "given": shapes.format("", "ids=4+4+4"),
        "values": shapes.format(" (profile 0)", "ids=4+4+4") + values,
    }.items():
        log = trtlog.parse(f"{BANNER}{text}{error}{FAILED}".encode())
        [row] = [row for row in log.lint().to_dict("records") if row["rule"] == "build-failed"]
        found[name] = row["action"]
    assert "The input ids has dynamic dimensions: give --shapes" in found["none"]
    assert "The input ids has dynamic dimensions: give --shapes" in found["other"]
    assert "gives dimensions for the input ids (line 3), but the builder has none in this profile" in found["given"]
    assert "took it for a shape tensor and set them as its values (line 5)" in found["values"]


def test_progress_in_a_notebook_and_without_one(tmp_path):
    """Without a terminal a bar shows nothing, and harms nothing."""
    code = (
        "import trtlog\nfrom trtlog.testing import FakeTrtexec\n"
        f"fake = FakeTrtexec({str(find_capture('lstm_verbose.log'))!r})\n"
        f"print(trtlog.run('lstm.onnx', trtexec=fake, out={str(tmp_path / 'r')!r}, progress=True).run.status)"
    )
    done = subprocess.run([warm.python(), "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("passed\n", "")
