"""Lines of a logger of the user's own, wherever a log is read: live, in run folders, in datasets, in forms."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess

import pytest
from click.testing import CliRunner

import trtlog
from tests import warm
from tests.forms.writers import FORMS
from tests.runner.conftest import ROOT, find_capture
from trtlog.cli import cli
from trtlog.runner.follow import watch
from trtlog.source.decode import whole_text
from trtlog.testing import FakeTrtexec

PATTERNS = r"""(?P<time>\S+ \S+) <(?P<severity>[a-z]+)> farm:\s
@origin trtexec
@severity chatty = V
@severity word = I
@severity hm = W
@severity oops = E
"""
_WORDS = {b"V": b"chatty", b"I": b"word", b"W": b"hm", b"E": b"oops"}
_HEADER = re.compile(rb"^\[(\d\d)/(\d\d)/(\d{4})-([0-9:]+)\] \[([VIWE])\] ", re.MULTILINE)


def as_farm(text: bytes) -> bytes:
    """Return a log of trtexec as a logger of one's own would have printed it."""
    return _HEADER.sub(
        lambda found: b"%b-%b-%b %b <%b> farm: " % (found[3], found[1], found[2], found[4], _WORDS[found[5]]), text
    )


@pytest.fixture
def patterns(tmp_path):
    path = tmp_path / "farm.logger"
    path.write_text(PATTERNS)
    return path


@pytest.fixture
def farm(tmp_path):
    """Return logs by the names of captures, written as the logger of one's own prints them."""

    def make(name):
        path = tmp_path / f"{name}.log"
        path.write_bytes(as_farm(whole_text(find_capture(f"{name}.log").read_bytes(), name)))
        return path

    return make


def command(tmp_path, *arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    env.pop("TRTLOG_TRTEXEC", None)
    env.pop("TRTLOG_LOGGER", None)
    call = [warm.python(), "-m", "trtlog", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=300, check=False)


def events(output):
    return [json.loads(line) for line in output.splitlines()]


def told(event):
    return {key: value for key, value in event.items() if key not in ("elapsed_s", "eta_s")}


def stand_in(tmp_path, log):
    return FakeTrtexec([log]).install(tmp_path / "bin")


def test_a_run_is_followed_and_read(tmp_path, farm, patterns):
    usual, own = tmp_path / "usual", tmp_path / "own"
    usual.mkdir()
    own.mkdir()
    flags = ("--json", "--no-exports", "-o", "r", "--", "--onnx=m.onnx", "--fp16")
    plain = command(usual, "run", "--trtexec", stand_in(usual, find_capture("lstm_verbose.log")), *flags)
    log = farm("lstm_verbose")
    done = command(own, "run", "--logger", patterns, "--trtexec", stand_in(own, log), *flags)
    assert (done.returncode, plain.returncode) == (0, 0), done.stderr
    assert (own / "r" / "trtexec.log").read_bytes() == log.read_bytes()
    assert "--logger" not in (own / "r" / "command.json").read_text()

    def kinds(output):
        return [(event["kind"], event["line"], event["phase"], event["layer"]) for event in events(output)]

    assert {"layer", "best", "metric"} <= {kind for kind, *_ in kinds(plain.stdout)}
    assert kinds(done.stdout) == kinds(plain.stdout)
    shown = command(own, "show", "tactics", "r", "--format", "csv", "--logger", patterns)
    assert shown.stdout == command(usual, "show", "tactics", "r", "--format", "csv").stdout


def test_why_a_run_failed_is_found(tmp_path, farm, patterns):
    log = farm("err_dla")
    arguments = ("--trtexec", stand_in(tmp_path, log), "-o", "r", "--", "--onnx=m.onnx", "--useDLACore=0")
    done = command(tmp_path, "run", "-q", "--logger", patterns, *arguments)
    assert done.returncode == 1
    assert "Likely cause: This GPU has no DLA" in done.stderr
    assert "Cannot create DLA engine, 0 not available" in done.stderr


def test_watch(tmp_path, farm, patterns):
    log = farm("lstm_verbose")
    plain = tmp_path / "plain.log"
    plain.write_bytes(whole_text(find_capture("lstm_verbose.log").read_bytes(), ""))
    expected = [told(event) for event in events(command(tmp_path, "watch", "--json", plain).stdout)]
    found = command(tmp_path, "watch", "--json", log, "--logger", patterns).stdout
    assert [told(event) for event in events(found)] == expected
    assert [event.kind for event in watch(log, logger=patterns)] == [event["kind"] for event in expected]


def test_the_program_as_a_user_has_it(tmp_path, farm, patterns):
    """``trtlog-fake-trtexec`` behind a pipe, and ``watch`` on what it has written."""
    code = "from trtlog.testing.fake_trtexec import main; raise SystemExit(main())"
    replay = [warm.python(), "-c", code, f"--fake-log={farm('lstm_verbose')}", "--onnx=m.onnx", "--fp16"]
    out = tmp_path / "out.log"
    subprocess.run(f"{shlex.join(replay)} > out.log", shell=True, cwd=tmp_path, check=True)
    done = command(tmp_path, "watch", "--json", out, "--logger", patterns)
    assert any(event["kind"] == "layer" for event in events(done.stdout))


@pytest.mark.parametrize("jobs", [1, 2])
def test_datasets(tmp_path, farm, patterns, jobs):
    """Processes get the patterns, whatever their environment says."""
    logs = [farm("err_dla"), farm("lstm_verbose")]
    done = trtlog.to_dataset(logs, tmp_path / "own", logger=patterns, jobs=jobs, batch_logs=1)
    assert len(done.converted) == 2
    names = ("err_dla.log", "lstm_verbose.log")
    trtlog.to_dataset([find_capture(name) for name in names], tmp_path / "usual")
    own, usual = trtlog.open_dataset(tmp_path / "own"), trtlog.open_dataset(tmp_path / "usual")
    for table in ("tactics", "messages", "passes"):
        assert own.table(table).num_rows == usual.table(table).num_rows > 0


def test_workers_of_a_cluster(tmp_path, farm, patterns):
    distributed = pytest.importorskip("distributed")
    about = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(**about, silence_logs=50) as cluster, distributed.Client(cluster) as client:
        patterns.rename(tmp_path / "here.logger")
        log, here = farm("lstm_verbose"), tmp_path / "here.logger"
        done = trtlog.to_dataset([log], tmp_path / "set", logger=here, client=client)
    assert len(done.converted) == 1, done.failed
    nodes = log.read_bytes().count(b"farm: [TRT] Parsing node: ")
    assert trtlog.open_dataset(tmp_path / "set").table("onnx_nodes").num_rows == nodes > 0


@pytest.mark.parametrize("form", ["kubectl", "gh", "docker-json", "hash", "nl", "entities", "compose"])
def test_forms(farm, patterns, form):
    """What collectors put in front of such lines is undone as it is with TensorRT's own."""
    lines = farm("lstm_verbose").read_bytes().split(b"\n")[:-1]
    text = b"\n".join(FORMS[form](lines)[0]) + b"\n"
    log = trtlog.parse(text, logger=patterns)
    bare = trtlog.parse(whole_text(find_capture("lstm_verbose.log").read_bytes(), ""))
    for table in ("onnx_nodes", "timings", "messages", "passes", "options", "performance"):
        rows, expected = log.table(table).to_pylist(), bare.table(table).to_pylist()
        assert rows == expected, table
        assert rows


def test_patterns_hold_for_one_command_also_where_its_options_are_wrong(tmp_path, patterns):
    """click closes no context whose later options are wrong."""
    (tmp_path / "a.log").write_bytes(b"x")
    for rest in ([], ["--format", "nonsense"]):
        CliRunner().invoke(cli, ["summary", str(tmp_path / "a.log"), "--logger", str(patterns), *rest])
        assert "TRTLOG_LOGGER" not in os.environ
