"""The commands of the questions."""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from tests.analyses.conftest import FOLDER, parsed
from trtlog.cli import COMMANDS, cli

LOG = str(FOLDER / "mobilenet_fp16_verbose.log.gz")
OWN = ("query", "why", "lint", "tactics", "precision", "fusions", "reformats", "memory", "build-time", "performance")


def run(*arguments):
    result = CliRunner().invoke(cli, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("name", OWN)
def test_help_shows_an_example(name):
    assert name in COMMANDS
    assert f"Example:  trtlog {name}" in run(name, "--help").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("tactics", LOG, "--limit", "3"),
        ("tactics", LOG, "--by", "families"),
        ("tactics", LOG, "--by", "workspace"),
        ("tactics", LOG, "--layer", "/classifier/classifier.1/Gemm", "--limit", "2"),
        ("precision", LOG, "--limit", "3"),
        ("fusions", LOG, "--by", "lost", "--limit", "3"),
        ("reformats", LOG),
        ("memory", LOG, "--by", "layers"),
        ("build-time", LOG, "--by", "runner"),
        ("build-time", LOG, "--by", "phase"),
        ("performance", LOG),
        ("lint", LOG),
        ("why", "/classifier/classifier.1/Gemm", LOG),
    ],
)
def test_commands_answer(arguments):
    result = run(*arguments)
    assert result.exit_code == 0
    assert result.output.strip()


def test_rows_as_json_and_csv():
    rows = [
        json.loads(line) for line in run("tactics", LOG, "--by", "runners", "--format", "jsonl").output.splitlines()
    ]
    assert rows == parsed("mobilenet_fp16_verbose").analyze.table("winners").to_pylist()
    table = list(csv.DictReader(io.StringIO(run("query", LOG, "select 1 as a, 'x' as b", "--format", "csv").output)))
    assert table == [{"a": "1", "b": "x"}]


def test_several_layers_are_listed():
    output = run("why", "features.12/conv", LOG).output
    assert re.match(r"[0-9]+ layers fit", output)
    assert "Reformatting CopyNode" in output


def test_a_log_without_tactics_says_what_to_do():
    result = run("tactics", str(FOLDER / "sweep_r50_fp32_b1.log.gz"))
    assert result.exit_code == 0
    assert "--verbose" in result.output


def test_lint_as_a_gate():
    assert run("lint", LOG, "--fail-on", "warning").exit_code == 1
    assert run("lint", LOG, "--fail-on", "error").exit_code == 0
    assert "enqueue-bound" in run("lint", "-", "--rules").output
