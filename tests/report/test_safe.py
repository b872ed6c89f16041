"""Whatever a log holds: no command lets it steer a terminal, write a page or run in a spreadsheet."""

from __future__ import annotations

import ast
import csv
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner

import trtlog
from tests import warm
from tests.conftest import ROOT, each
from tests.terminal import read_to_the_end
from trtlog.cli import COMMANDS, cli

# Escape sequences of every family, in names, warnings, errors, options and the command line.
SEQUENCES = {
    "CSI": "\x1b[2J",
    "OSC 52": "\x1b]52;c;ZWNobyBoaQ==\x07",
    "OSC open": "\x1b]0;title",
    "DCS": "\x1bPq#0\x1b\\",
    "APC": "\x1b_Gx\x1b\\",
    "RIS": "\x1bc",
    "C1": "\x9b31m\x9dt\x9c\x90q",
    "bidi": "\u202etxt.exe\u2066\u2069\u200f",
    "blanks": "\x08\x08\x7f\x0b\x0c",
    "separators": "\u2028\u2029\x85",
}
EVIL = "".join(f"{name.replace(' ', '')}{text}" for name, text in SEQUENCES.items())
CASE = Path(__file__).with_name("escapes.log")  # one sequence a line, in names and warnings
# What may steer: all control characters but ends of lines, and what turns text around.
STEERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069]")
COLORS = re.compile(r"\x1b\[[0-9;]*m")
LOG = f"""&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m{EVIL}.onnx --verbose
[11/22/2026-13:22:03] [I] === Model Options ===
[11/22/2026-13:22:03] [I] Format: ONNX
[11/22/2026-13:22:03] [I] Model: m{EVIL}.onnx
[11/22/2026-13:22:03] [V] [TRT] Registering layer: L{EVIL} for ONNX node: N{EVIL}
[11/22/2026-13:22:03] [W] [TRT] warning {EVIL}
[11/22/2026-13:22:03] [V] [TRT] After {EVIL} fusion: 3 layers
[11/22/2026-13:22:03] [V] [TRT] Original: 5 layers
[11/22/2026-13:22:03] [V] [TRT] =============== Computing costs for
[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning format combination: Float(1,1) -> Float(1,1) ***************
[11/22/2026-13:22:03] [V] [TRT] --------------- Timing Runner: conv{EVIL} (CaskConvolution)
[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000002 Time: 0.5
[11/22/2026-13:22:03] [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.25
[11/22/2026-13:22:03] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x0000000000000001
[11/22/2026-13:22:03] [E] Error[2]: [x.cpp::f::10] Error Code 2: Internal Error (failure {EVIL})
[11/22/2026-13:22:03] [V] [TRT] What no rule knows {EVIL}
&&&& FAILED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m{EVIL}.onnx --verbose
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evil")
    (folder / "a.log").write_text(LOG, encoding="utf-8", newline="")
    other = LOG.replace("0.25", "0.75").replace("warning", "another warning")
    (folder / "b.log").write_text(other, encoding="utf-8", newline="")
    shutil.copy(CASE, folder / "c.log")
    (folder / "e\x1b[31m\u202e.log").write_text("nothing of the kind\n", encoding="utf-8")
    return folder


def commands() -> list[list[str]]:
    """Return every command about logs, in every format, and what is printed of a mistake."""
    found = [["explain", f"a.log:{line}"] for line in range(1, LOG.count("\n") + 1)]
    found += [
        ["summary", "a.log"],
        ["lint", "a.log"],
        ["coverage", "a.log"],
        ["unknown", "a.log"],
        ["unknown", "b.log"],
    ]
    found += [["why", "conv", "a.log"], ["diff", "a.log", "b.log"], ["stability", "a.log", "b.log"]]
    found += [["compare", "a.log", "b.log"], ["graph", "a.log", "-o", "-"], ["trace", "a.log"]]
    found += [["excerpt", f"a.log:1-{LOG.count(chr(10))}"], ["pin", f"conv{EVIL}=0x2", "a.log"]]
    of_one = ("what-if", "roofline", "precision", "reformats", "memory", "build-time", "performance")
    found += [[command, "a.log"] for command in of_one]
    tables = ("messages", "onnx_nodes", "tactics", "timings", "passes", "options", "runs")
    rows = [["show", table, "a.log"] for table in tables]
    rows += [["query", "a.log", "select * from messages"], ["tactics", "a.log"], ["fusions", "a.log"]]
    rows += [["query", "a.log", f'select 1 as "{EVIL}"']]
    found += rows + [[*row, "--format", format_] for row in rows for format_ in ("csv", "json", "jsonl", "md")]
    found += [[*row, "--format", "md"] for row in (["summary", "a.log"], ["lint", "a.log"], ["why", "conv", "a.log"])]
    found += [[*row, "--format", "json"] for row in (["lint", "a.log"], ["why", "conv", "a.log"])]
    found += [["diff", "a.log", "b.log", "--format", format_] for format_ in ("md", "json")]
    found += [["compare", "a.log", "b.log", "--format", format_] for format_ in ("csv", "jsonl", "md", "json")]
    found += [
        ["summary", "a.log", "--strict"],
        ["why", EVIL, "a.log"],
        ["show", EVIL, "a.log"],
        ["summary", f"no{EVIL}"],
    ]
    found += [["summary", "e\x1b[31m\u202e.log"], ["show", "messages", "a.log", "--where", EVIL], [EVIL]]
    found += [
        ["show", "messages", "a.log", "--columns", EVIL],
        ["summary", "a.log", EVIL],
        ["check", "a.log", "--against", EVIL],
    ]
    return [["--color", *command] for command in found[:30:7]] + found


def test_no_command_lets_a_log_steer_the_terminal(logs):
    """All of them on a terminal, in one process: nothing comes through but colours of our own."""
    script = (
        "import json, sys\n"
        "from trtlog.cli import main\n"
        "for command in json.load(open(sys.argv[1])):\n"
        "    try:\n"
        "        main(command)\n"
        "    except SystemExit:\n"
        "        pass\n"
        "    sys.stdout.flush(); print('-- done', flush=True)\n"
    )
    every = commands()
    (logs / "commands.json").write_text(json.dumps(every))
    printed = on_terminal([warm.python(), "-c", script, "commands.json"], logs)
    parts = printed.split("-- done\n")
    assert len(parts) == len(every) + 1
    steered = {
        " ".join(command)[:80]: found[0]
        for command, part in zip(every, parts, strict=False)
        if (found := STEERS.search(COLORS.sub("", part)))
    }
    assert steered == {}
    shown = sum(bool(re.search(r"(?:␛|\\u001b)\\?\]0;title", part)) for part in parts)
    assert shown > 50, "the texts were there to steer with"


def on_terminal(command: list[str], folder: Path) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONUTF8": "1"}
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, cwd=folder, env=environment, **streams) as run:
        os.close(theirs)
        out = read_to_the_end(ours)
    assert run.returncode == 0, out[-2000:]
    return out.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("way", ["lines", "terminal"])
def test_live_progress_of_an_evil_log(logs, way):
    """A log that is followed while it is written: in a pipe, and as the line that moves."""
    command = [warm.python(), "-m", "trtlog", "watch", "a.log", "--stop-after", "0.2"]
    if way == "lines":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        printed = subprocess.run(command, cwd=logs, env=environment, capture_output=True, check=False).stderr.decode()
        assert not STEERS.search(printed)
    else:
        script = f"import subprocess, sys; subprocess.run({command!r}); sys.exit(0)"
        printed = on_terminal([warm.python(), "-c", script], logs)
        ours = re.compile(r"\x1b\[(?:\?25[lh]|[0-9;]*[mAK]|1?A|2K)|\r")
        assert not STEERS.search(ours.sub("", printed))
    assert "warning CSI" in printed


def test_a_file_gets_the_text_as_it_is(logs):
    log = str(logs / "a.log")
    [text] = [m.text for m in trtlog.parse(log).records("messages") if "warning" in m.text]
    for extra in ((), ("--raw",)):
        out = invoke("show", "messages", log, "--columns", "text", "--format", "csv", *extra)
        assert [text] in list(csv.reader(io.StringIO(out)))
    assert "\x1b\\]0;title" in invoke("show", "messages", log, "--format", "md")
    rows = [json.loads(line) for line in invoke("show", "messages", log, "--format", "jsonl").splitlines()]
    assert text in [row["text"] for row in rows]


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_a_spreadsheet_runs_nothing(tmp_path):
    formulas = ["=cmd|/C calc!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "-1e5", "+3.5", "-12", "--fp16"]
    lines = [f"[11/22/2026-13:22:03] [V] [TRT] Registering layer: {x} for ONNX node: {x}" for x in formulas]
    path = tmp_path / "f.log"
    path.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx\n" + "\n".join(lines) + "\n"
    )
    query = "select column0 as cell from (values " + ", ".join(
        f"('{x.replace(chr(39), chr(39) * 2)}')" for x in formulas
    )
    query = query.replace("column0", "v") + ") t(v)"
    plain = [row[0] for row in csv.reader(io.StringIO(invoke("query", str(path), query, "--format", "csv")))][1:]
    assert plain == [x if x in ("-1e5", "+3.5", "-12") else f"'{x}" for x in formulas]
    raw = [row[0] for row in csv.reader(io.StringIO(invoke("query", str(path), query, "--format", "csv", "--raw")))][1:]
    assert raw == formulas
    numbers = invoke("query", str(path), "select -1.5 as a, -3 as b", "--format", "csv").splitlines()
    assert numbers == ["a,b", "-1.5,-3"]


def test_formats_for_programs_hold_data_alone(logs):
    """Where there are no rows: nothing on standard output but an empty document, a word on standard error."""
    for format_ in ("json", "csv"):
        done = CliRunner().invoke(cli, ["reformats", str(logs / "a.log"), "--format", format_])
        assert done.exit_code == 0
        if format_ == "json":
            assert json.loads(done.stdout) == []
        else:
            assert all(line.startswith(("line,", "run,", "layer,")) for line in each(done.stdout.splitlines()))
        assert done.stderr


def test_commands_print_through_one_door():
    """click.echo stands in cli/common.py alone, behind what makes control characters visible."""
    assert len(COMMANDS) > 20
    printing = {"click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write"}
    for path in each(path for path in (ROOT / "trtlog" / "cli").glob("*.py") if path.name != "common.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        assert not printing & {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}, path
