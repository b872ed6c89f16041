"""The everyday jobs of docs/jobs.md: each one line, its output under a screen, and right by the raw text."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
from collections import Counter
from glob import glob
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conftest import FIXTURES, ROOT, each
from trtlog.cli import cli

LOGS = FIXTURES / "trt-8.5.3-h200"
JOBS = [
    (int(found[1]), found[2].removeprefix("trtlog "))
    for found in re.finditer(r"^\| ([0-9]+) \|[^|]*\| `(.*)` \|$", (ROOT / "docs/jobs.md").read_text(), re.MULTILINE)
]
_SCREEN = 50
TIMED = r"\] Tactic: 0x[0-9a-f]+ Time: [0-9]"


def text(name: str) -> str:
    return gzip.open(LOGS / f"{name}.log.gz", "rt").read()


def first(pattern: str, name: str) -> str:
    found = re.search(pattern, text(name))
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that shows the logs, in which commands may write; jobs go on with the files of those before."""
    made = tmp_path_factory.mktemp("jobs")
    for path in LOGS.iterdir():
        (made / path.name).symlink_to(path)
    return made


def test_there_are_forty_jobs_and_more():
    assert [number for number, _ in JOBS] == list(range(1, 43))


@pytest.mark.parametrize(("number", "line"), JOBS)
def test_a_job(number, line, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for before in {28: [27], 37: [36], 38: [36], 41: [36], 42: [36]}.get(number, []):
        if not any(Path(name).exists() for name in ("fleet", "resnet50.lock.json") if name in dict(JOBS)[before]):
            run(dict(JOBS)[before])
    shown = run(line)
    lines = [line for line in shown.splitlines() if line or "--format md" not in dict(JOBS)[number]]
    json_whole = "--format json" in line and "jsonl" not in line
    assert json_whole or len(lines) <= _SCREEN, f"{len(lines)} lines"
    for wanted in each(expected(number)):
        assert wanted in shown, wanted


def run(line: str) -> str:
    words = shlex.split(line)
    words = [name for word in words for name in (sorted(glob(word)) if "*.log" in word else [word])]
    done = CliRunner().invoke(cli, words, env={"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.output


def expected(number: int) -> list[str]:
    """Return what the raw text says must stand in the output."""
    failing = "err_unsupported_op"
    dyn, fp32, lstm = "resnet50_fp16_dyn_detailed", "resnet50_fp32_verbose", "lstm_verbose"
    qps = r"Throughput: ([0-9.]+) qps"
    if number in (1, 2):
        return [first(qps, lstm), "passed"]
    if number == 3:
        return [os.path.basename(path) for path in glob(str(LOGS / "err_*.log.gz"))] + ["failed"]
    if number in (4, 5):
        return ["MagicOp" if number == 4 else str(text(failing).count("\n", 0, text(failing).index("[E]")) + 1)]
    if number == 7:
        return ["qps", first(qps, dyn)[:3]]
    if number == 8:
        return [first(r"Latency: .*percentile\(99%\) = ([0-9.]+) ms", dyn)]
    if number == 16:
        return ["Original", first(r"Original: ([0-9]+) layers", fp32)]
    if number == 22:
        return [first(r"Engine built in ([0-9.]+) sec", fp32)]
    if number == 31:
        runners: Counter[str] = Counter()
        runner = ""
        for line in text(fp32).splitlines():
            if found := re.search(r"Timing Runner: .*\((\S+)\)$", line):
                runner = found[1]
            elif re.search(TIMED, line):
                runners[runner] += 1
        name, count = runners.most_common(1)[0]
        return [name, str(count)]
    if number == 32:
        return [str(len(re.findall(TIMED, text(lstm))))]
    if number == 33:
        layers = [int(n) for n in re.findall(r"After [^:]*: ([0-9]+) layers", text(lstm))]
        return [f'"layers": {layers[0]}', f'"layers": {layers[-1]}']
    if number == 36:
        return [f"{len(glob(str(LOGS / 'sweep_r50_*.log.gz')))} converted"]
    if number == 41:
        runs = len(glob(str(LOGS / "sweep_r50_*.log.gz")))
        return [f"{runs} runs in 4 groups", *(f"input:{n}x3" for n in (1, 8, 32, 128))]
    if number == 42:
        return ["no regression"]
    if number == 37:
        rates = [float(first(qps, os.path.basename(p)[: -len(".log.gz")])) for p in glob(f"{LOGS}/sweep_r50_*.log.gz")]
        return [str(len(rates)), f"{max(rates):g}"]
    if number == 38:
        return [first(qps, "sweep_r50_fp32_b1")]
    if number == 39:
        return [text(lstm).splitlines()[99][30:60]]
    return {
        6: ["layer"], 9: ["/fc/Gemm"], 10: ["rank"], 11: ["winner_ms"], 12: ["margin_percent"], 13: ["fp16_ms"],
        14: ["FP16"], 15: ["FP32 linear"], 17: ["/Flatten"], 18: ["/conv1/Conv + /relu/Relu"], 28: ["passed"],
        30: ["lstm.json"], 35: ["lstm_verbose.log.gz -> lstm"], 40: ["every line is known"],
    }.get(number, [""])  # fmt: skip


def test_the_json_of_a_summary_is_one_document(folder, monkeypatch):
    monkeypatch.chdir(folder)
    one = json.loads(run("summary lstm_verbose.log.gz --format json"))
    assert one["counts"]["tactics"] == len(re.findall(TIMED, text("lstm_verbose")))
    several = json.loads(run("summary err_*.log.gz --format json"))
    assert {found["run"]["status"] for found in several} >= {"failed"}
