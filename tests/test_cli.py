"""The command line as its user sees it: what it prints, where, and with what exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shlex
import subprocess
import sys

import pytest

from tests import warm
from tests.command import trtlog
from tests.conftest import FIXTURES, ROOT, each
from trtlog.cli import COMMANDS

FP32 = str(FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
SMALL = str(FIXTURES / "trt-8.5.3-h200/err_unsupported_op.log.gz")


def output(*arguments: str, stdin: bytes = b"") -> str:
    done = trtlog(*arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_is_the_command_line():
    command = [sys.executable, "-m", "trtlog", "summary", "no_such.log"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no_such.log" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_shows_an_example(command):
    text = output(command, "--help")
    assert "Example:  trtlog" in text
    assert COMMANDS[command][1].split()[0] in output("--help")


def test_summary_fits_a_screen_and_has_the_numbers():
    text = output("summary", FP32)
    shown = ("TensorRT 8.5.3", "passed", "NVIDIA H200", "1336.59 qps", "23.2068 s", "3692 timed in 392 runner blocks")
    for words in each(shown):
        assert words in text
    assert "0 unknown" in text
    assert len(text.splitlines()) <= 50


def test_summary_of_a_failed_run_names_the_cause():
    text = output("summary", SMALL)
    assert "failed" in text
    assert 'While parsing node number 0 [MagicOp -> "output"]' in text


def test_show_filters_sorts_and_formats():
    conditions = ("--where", "layer=/fc/Gemm", "--where", "time_ms<0.01")
    arguments = (*conditions, "--sort", "time_ms", "--columns", "line,time_ms")
    rows = json.loads(output("show", "tactics", FP32, *arguments, "--format", "json"))
    lines = output("show", "tactics", FP32, *arguments, "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == rows
    text = gzip.open(FP32, "rt").read().splitlines()
    assert rows
    assert [r["time_ms"] for r in rows] == sorted(r["time_ms"] for r in rows)
    for row in each(rows):
        assert text[row["line"] - 1].endswith(f"Time: {row['time_ms']:.6g}")
    as_csv = list(csv.DictReader(io.StringIO(output("show", "tactics", FP32, *arguments, "--format", "csv"))))
    assert [float(r["time_ms"]) for r in as_csv] == [r["time_ms"] for r in rows]
    markdown = output("show", "tactics", FP32, *arguments, "--format", "md").splitlines()
    assert markdown[:2] == ["| line | time_ms |", "|--:|--:|"]
    assert len(markdown) == len(rows) + 2
    whole = output("show", "tactics", FP32, "--limit", "3").splitlines()
    assert len(whole) == 4
    assert "Optimizer Reformat(input -> <out>)" in whole[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "tactic", FP32), "there is no table 'tactic'"),
        (("show", "tactics", FP32, "--columns", "time"), "there is no column 'time'"),
        (("show", "tactics", FP32, "--where", "time_ms<fast"), "'fast' does not fit column time_ms"),
        (("show", "tactics", FP32, "--where", "nonsense"), "cannot read the condition"),
        (("show", "tactics", FP32, "--where", "layer~("), "cannot read the regular expression"),
        (("explain", FP32), "names no line"),
        (("explain", FP32 + ":99999999"), "there is no line 99999999"),
        (("summary", FP32, "--run", "3"), "there is no run 3"),
        (("summary", "no_such.log"), "no_such.log"),
        (("memory", str(FIXTURES)), "choose one with --log"),
        (("nonsense",), "nonsense"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments, words):
    done = trtlog(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.log", b""),
        ("binary.log", bytes(range(256)) * 40),
        ("other.json", b'{"tuner_version": 1}'),
        ("other.log", b"Hello, this is\nsome other program\n" * 20),
        ("cut.log.gz", gzip.compress(b"[11/22/2026-13:22:03] [I] TensorRT version: 8.5.3\n" * 90, mtime=0)[:12]),
    ],
)
def test_bad_input_is_one_clear_line(name, data, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    done = trtlog("summary", str(path))
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert name in lines[0]


def test_a_truncated_gzip_is_read_as_far_as_it_goes(tmp_path):
    whole = (FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz").read_bytes()
    path = tmp_path / "cut.log.gz"
    path.write_bytes(whole[: len(whole) // 2])
    done = trtlog("summary", str(path))
    assert done.returncode == 0
    assert "incomplete" in done.stdout
    assert done.stderr, "that the file is cut is said"


def test_standard_input():
    text = gzip.open(SMALL).read()
    assert "failed" in output("summary", "-", stdin=text)


def test_coverage_adds_up():
    text = output("coverage", FP32)
    assert "11157 lines, 0 unknown (0.00 %)" in text


def test_unknown_gives_a_rule_to_start_from():
    line = b"[11/22/2026-13:22:03] [V] [TRT] Quuxing layer /a/b took 0.25 ms of 7 tries\n"
    text = output("unknown", "-", stdin=line * 3)
    assert "3 x Quuxing layer <NAME> took <NUMBER> ms of <INT> tries" in text
    assert 'quuxing_layer_took: "Quuxing layer " NAME " took " NUMBER " ms of " COUNT " tries"' in text
    assert "//> Quuxing layer /a/b took 0.25 ms of 7 tries" in text


def test_explain_a_torn_line_tells_both_records(tmp_path):
    path = tmp_path / "torn.log"
    path.write_text(
        "[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers"
        "[11/22/2026-13:22:04] [V] [TRT] After dead-layer removal: 2 layers\n"
    )
    text = output("explain", f"{path}:1")
    first, second = text.split("The line is torn: a second record stands in it.")
    assert "kind     original_layers" in first
    assert "layers               3" in first
    assert "kind     pass_layers" in second
    assert "time 11/22/2026-13:22:04" in second


def test_explain_a_known_and_an_unknown_line(tmp_path):
    path = tmp_path / "x.log"
    path.write_text(
        "[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000bb9 Time: 0.0181029\n"
        "[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000bb9 Zeit: 0.0181029\n"
        "[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning Reformat: Half(24200,1:8,440,8) -> "
        "Half(193600,24200,440,1) ***************\n"
    )
    text = output("explain", f"{path}:1")
    assert "kind     tactic" in text
    assert "time_ms              0.0181029 ms" in text
    text = output("explain", f"{path}:2")
    assert "no rule knows" in text
    assert "reads up to here, then expects" in text
    assert "^" in text
    assert "NHWC8" in output("explain", f"{path}:3")


def test_convert_and_read_again(tmp_path):
    out = output("convert", FP32, "-o", str(tmp_path / "one"))
    assert "one" in out
    assert "1336.59 qps" in output("summary", str(tmp_path / "one"))
    assert output("convert", FP32, SMALL, "-o", str(tmp_path / "two")).startswith("2 converted -> ")
    counted = "select count(distinct log) as logs, count(*) as runs from runs"
    assert json.loads(output("query", str(tmp_path / "two"), counted, "--format", "json")) == [{"logs": 2, "runs": 2}]


def test_tables_describe_columns():
    assert "tactics" in output("tables")
    text = output("tables", "tactics")
    assert "time_ms" in text
    assert "ms" in text


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m trtlog show tactics {FP32} --format csv | head -n 2",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.stdout.count(b"\n") == 2
    assert b"Traceback" not in done.stderr


def test_one_is_said_as_one(tmp_path):
    """Counts of one take the singular, with its verb."""
    folder, dataset = tmp_path / "logs", str(tmp_path / "dataset")
    folder.mkdir()
    log, notes, unknown = folder / "a.log", folder / "notes.txt", tmp_path / "unknown.log"
    log.write_bytes(b"[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\n")
    notes.write_bytes(b"hello\n")
    said = output("convert", str(folder), "-o", dataset)
    assert said.startswith("1 converted, 1 file is no log -> ")
    (folder / "more.md").write_bytes(b"hello\n")
    assert "1 unchanged, 2 files are no logs -> " in output("convert", str(folder), "-o", dataset)
    assert output("coverage", str(log)).splitlines()[-1] == "1 line, 0 unknown (0.00 %)"
    unknown.write_bytes(b"[11/22/2026-13:22:03] [V] [TRT] Glimmers: 3 of them\n")
    assert output("unknown", str(unknown)).startswith(f"{unknown}: 1 unknown line of 1 shape\n")
    strict = trtlog("summary", "--strict", str(unknown)).stderr
    assert "1 line that no rule knows" in strict
    assert "holds 1 run, numbered" in trtlog("summary", "--run", "3", str(log)).stderr


@pytest.mark.parametrize(
    "command",
    [
        "show tactics FP32",
        "tactics FP32 --format csv",
        "show tactics FP32 --format jsonl",
        "query FP32 'select * from tactics' --format json",
        "show tactics FP32 --format md",
        "report FP32 -o -",
    ],
)
def test_a_reader_that_has_enough_is_no_failure(command):
    whole = f"{warm.python()} -m trtlog {command.replace('FP32', str(FP32))}"
    line = f"{whole} | head -1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    "command", ["show tactics LOG", "tactics LOG", "precision LOG", "query LOG 'select * from tactics'"]
)
def test_nothing_found_is_an_empty_document_and_a_word(command):
    line = command.replace("LOG", str(FIXTURES / "trt-8.5.3-h200" / "err_bad_flag.log.gz"))
    for format_, empty in (("json", "[]\n"), ("jsonl", "")):
        done = trtlog(*shlex.split(line), "--format", format_)
        assert (done.returncode, done.stdout) == (0, empty)
        assert done.stderr.startswith("trtlog: ")


def test_markdown_of_many_rows_folds_away():
    log = FIXTURES / "trt-8.5.3-h200" / "mobilenet_fp16_verbose.log.gz"
    shown = output("precision", log, "--format", "md")
    first, _, folded = shown.partition("<details><summary>all 54 rows</summary>\n")
    assert len([line for line in first.splitlines() if line.startswith("| /")]) == 10
    assert len([line for line in folded.splitlines() if line.startswith("| /")]) == 54
    assert "| FP32 | 23 |" in folded.partition("</details>")[2], "the sums stay open"
    assert max(line.count(" | ") for line in shown.splitlines()) < 8
