"""Every command takes what stands for a log: a file, the folder of a run, Parquet, a dataset or folder with one."""

from __future__ import annotations

import gzip
import shlex
import shutil

import pytest
from click.testing import CliRunner

import trtlog
from tests.conftest import FIXTURES
from trtlog.cli import COMMANDS, cli
from trtlog.errors import SeveralRunsError
from trtlog.testing import FakeTrtexec

LOGS = FIXTURES / "trt-8.5.3-h200"
LSTM = LOGS / "lstm_verbose.log.gz"
# Each command that reads a log, as a user types it.
TYPED = {
    "summary": "summary PLACE",
    "show": "show passes PLACE",
    "convert": "convert PLACE -o OUT",
    "coverage": "coverage PLACE",
    "unknown": "unknown PLACE",
    "query": "query PLACE 'select count(*) as n from tactics'",
    "why": "why LSTM PLACE",
    "lint": "lint PLACE",
    "tactics": "tactics PLACE --limit 3",
    "precision": "precision PLACE --limit 3",
    "fusions": "fusions PLACE",
    "reformats": "reformats PLACE",
    "roofline": "roofline PLACE --totals",
    "what-if": "what-if PLACE",
    "pin": "pin PLACE LSTM 0x0",
    "graph": "graph PLACE -o OUT.svg",
    "memory": "memory PLACE",
    "build-time": "build-time PLACE --limit 3",
    "performance": "performance PLACE",
    "explain": "explain PLACE:100",
    "excerpt": "excerpt PLACE:100-101",
    "report": "report PLACE -o OUT.html",
    "trace": "trace PLACE -o OUT.json",
    "diff": "diff PLACE PLACE --limit 2",
    "compare": "compare PLACE",
    "lock": "lock PLACE -o OUT.lock.json",
    "stability": "stability PLACE PLACE --limit 2",
}
# These read the text of a log, which tables do not hold.
OF_TEXT = ("explain", "excerpt", "convert", "unknown")
# What a command says of this log where it is nothing for it: the log was read all the same.
REFUSED = {"pin": "TensorRT 8.5.3 has no editable timing cache"}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A log in every form."""
    folder = tmp_path_factory.mktemp("places")
    trtlog.run("m.onnx", trtexec=FakeTrtexec(LSTM), out=folder / "run")
    trtlog.sweep("m.onnx", trtexec=FakeTrtexec(LSTM), out=folder / "sweep", repeat=2)
    shutil.rmtree(folder / "sweep" / "run.run2")
    (folder / "alone").mkdir()
    shutil.copy(LSTM, folder / "alone" / "lstm.log.gz")
    trtlog.to_dataset(folder / "alone", folder / "dataset")
    trtlog.parse(LSTM).to_parquet(folder / "parquet")
    return folder


def run(line: str, folder) -> object:
    return CliRunner().invoke(cli, shlex.split(line.replace("OUT", str(folder / "out"))), env={"COLUMNS": "120"})


def test_no_command_that_reads_a_log_is_left_out():
    others = {"tables", "run", "sweep", "watch", "check", "mcp"}
    assert set(COMMANDS) - others == set(TYPED)


@pytest.mark.parametrize("place", ["run", "sweep", "alone", "dataset", "parquet"])
@pytest.mark.parametrize("command", sorted(TYPED))
def test_a_command_takes_it(command, place, places, tmp_path):
    if command in OF_TEXT and place in ("dataset", "parquet"):
        pytest.skip("tables hold no text")
    done = run(TYPED[command].replace("PLACE", str(places / place)), tmp_path)
    if command in REFUSED:
        assert REFUSED[command] in str(done.exception)
        return
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"


def test_a_run_folder_is_one_log_of_a_dataset(places, tmp_path):
    done = trtlog.to_dataset(places / "run", tmp_path / "d")
    assert [name.rpartition("/")[2] for name in done.converted] == ["trtexec.log"]
    assert (done.failed, done.skipped) == ([], [])


def test_sides_of_a_diff_and_builds_are_globs(tmp_path):
    repeats = LOGS / "repeats"
    done = run(f"diff '{repeats}/graph_*.log.gz' --against '{repeats}/graph32_*.log.gz' --format json", tmp_path)
    assert done.exit_code == 0, done.output
    assert '"control_runs": 4' in done.output
    assert '"test_runs": 4' in done.output
    done = run(f"stability '{repeats}/build_*.log.gz' --limit 1", tmp_path)
    assert "5 builds" in done.output
    trtlog.to_dataset(str(repeats / "build_*.log.gz"), tmp_path / "d")
    assert "5 builds" in run(f"stability {tmp_path / 'd'} --limit 1", tmp_path).output


@pytest.mark.parametrize("command", sorted(set(TYPED) - {"summary", "show", "convert", "coverage", "unknown", "query"}))
def test_a_message_about_several_runs_names_the_option(command, tmp_path):
    """What only makes sense for one run says how to choose, in the words of the command line."""
    both = tmp_path / "both.log"
    both.write_bytes(gzip.decompress(LSTM.read_bytes()) * 2)
    done = run(TYPED[command].replace("PLACE", str(both)), tmp_path)
    if isinstance(done.exception, SeveralRunsError):
        said = done.exception.for_command_line
        assert "-run N" in said
        assert "log.runs" not in said
    else:
        assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
