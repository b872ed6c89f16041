"""Traces read back by Perfetto's own trace processor, and compared with sums of the log's text.

It takes ``pip install perfetto`` and a trace processor: ``trace_processor_shell`` on PATH, or named by
``TRTLOG_TRACE_PROCESSOR``; ``TRTLOG_TRACE_PROCESSOR=download`` lets the package fetch the one that it was made for.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import shutil

import pytest

import trtlog
from tests.command import trtlog as run
from tests.conftest import FIXTURES, each
from tests.runner.conftest import find_capture
from trtlog.report.trace.events import save, trace
from trtlog.testing import FakeTrtexec

perfetto = pytest.importorskip("perfetto.trace_processor", reason="pip install perfetto")
PROGRAM = os.environ.get("TRTLOG_TRACE_PROCESSOR") or shutil.which("trace_processor_shell")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no trace_processor_shell on PATH: see docs/trace.md")

LOGS = (
    "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz",  # timed inferences, a profile, reformats
    "trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz",
    "trt-8.5.3-h200/lstm_verbose.log.gz",
    "trt-8.5.3-h200/unet_smallws_verbose.log.gz",  # ends in the middle of the build
    "trt-8.5.3-h200/sweep_r50_fp32_b8.log.gz",  # not verbose
    "trt-rtx-1.7.1-h200/rtxpy_resnet50_bs_dynamic.log.gz",  # other headers
    "trt-rtx-1.7.1-h200/rtx_resnet50_verbose.log.gz",
)
NUMBER = r"([0-9.]+(?:e-?[0-9]+)?)"
STEPS = {"enqueue": "Enq", "copy to the GPU": "H2d", "compute": "Compute", "copy to the host": "D2h"}


class Processor:
    """A trace in Perfetto's trace processor."""

    def __init__(self, path):
        binary = None if PROGRAM == "download" else PROGRAM
        config = perfetto.TraceProcessorConfig(bin_path=binary, load_timeout=120)
        self.processor = perfetto.TraceProcessor(trace=str(path), config=config)

    def rows(self, statement):
        return [tuple(vars(row).values()) for row in self.processor.query(statement)]

    def sums(self, tables, value, where):
        """Return how many values there are and their sum."""
        [(count, total)] = self.rows(f"select count(*) n, sum({value}) s from {tables} where {where}")
        return count, pytest.approx(total or 0, rel=1e-9, abs=1e-9)


@pytest.fixture
def load():
    opened = []

    def open_(path):
        opened.append(Processor(path))
        return opened[-1]

    yield open_
    for one in opened:
        one.processor.close()


def text_of(path) -> str:
    return gzip.open(path, "rt", encoding="utf-8", errors="replace").read()


def sums(texts) -> tuple[int, float]:
    values = [float(text) for text in texts]
    return len(values), math.fsum(values)


@pytest.mark.parametrize("name", LOGS)
def test_the_trace_processor_finds_the_sums_of_the_text(name, tmp_path, load):
    path, text = FIXTURES / name, text_of(FIXTURES / name)
    made = trace(trtlog.parse(path))
    save(made, tmp_path / "trace.json")
    found = load(tmp_path / "trace.json")
    refused = "select name, value from stats where value != 0 and severity in ('error', 'data_loss')"
    assert found.rows(refused) == []
    written = sum(event["ph"] == "X" for event in made["traceEvents"])
    assert found.rows("select count(*) n from slice") == [(written,)]

    def count(category):
        return found.rows(f"select count(*) n from slice where category = '{category}'")[0][0]

    assert count("runner") == len(re.findall(r"-{5,} Timing Runner: ", text))
    assert count("formats") == len(re.findall(r"Autotuning (?:format combination|Reformat):", text))
    tactics = re.findall(rf"(?m)^(?!.*Fastest Tactic).*?\bTactic: 0x[0-9a-f]+,? .*?Time: {NUMBER}", text)
    timed = "category = 'runner' and key glob 'args.tactics_ms.*'"
    assert found.sums("slice join args using (arg_set_id)", "coalesce(real_value, int_value)", timed) == sums(tactics)
    phases = re.findall(rf"(?:completed in|[Ee]ngine built in|Graph optimization time:|Parse time:) {NUMBER}", text)
    phases += re.findall(rf"(?:created|loaded|deserialized) in {NUMBER} sec", text)
    micros = [float(value) / 1e6 for value in re.findall(r"required ([0-9]+) microseconds", text)]
    assert found.sums("slice", "dur / 1e9", "category = 'phase'") == sums([*phases, *micros])
    for title, own in (("memory in use", ""), ("memory that TensorRT manages", "TensorRT-managed")):
        steps = re.findall(r"\[MemUsageChange\] (TensorRT-managed)?.*now: CPU ([0-9]+), GPU ([0-9]+)", text)
        for place, kind in enumerate(("cpu_mib", "gpu_mib"), start=1):
            printed = sums(step[place] for step in steps if step[0] == own)
            track = f"counter_track.name = '{title} {kind}'"
            assert found.sums("counter join counter_track on track_id = counter_track.id", "value", track) == printed


@pytest.mark.parametrize("name", LOGS)
def test_each_slice_lies_in_the_one_that_it_belongs_to(name, tmp_path, load):
    save(trace(trtlog.parse(FIXTURES / name)), tmp_path / "trace.json")
    found = load(tmp_path / "trace.json")
    pairs = "select distinct s.category a, p.category b from slice s left join slice p on s.parent_id = p.id"
    allowed = {("runner", "formats"), ("formats", "layer"), ("formats", "reformat")}
    allowed |= {(alone, None) for alone in ("layer", "reformat", "phase", "inference")}
    assert set(each(found.rows(pairs))) <= allowed
    layers = "select count(*) n from slice s join args a on s.arg_set_id = a.arg_set_id and a.key = 'args.layer'"
    assert found.rows(f"{layers} join slice p on s.parent_id = p.id where s.category = 'formats' "
                      "and a.string_value != p.name") == [(0,)]  # fmt: skip


@pytest.mark.parametrize("name", ["resnet50_fp16_dyn_detailed", "sweep_r50_fp32_b1", "sweep_r50_fp32_b8"])
def test_the_steps_of_inferences_add_up_to_the_exported_times(name, tmp_path, load):
    folder = FIXTURES / "trt-8.5.3-h200"
    exported = json.loads(text_of(folder / f"{name}.times.json.gz"))
    save(trace(trtlog.parse(folder / f"{name}.log.gz")), tmp_path / "trace.json")
    found = load(tmp_path / "trace.json")
    for title, step in each(STEPS.items()):
        count, total = found.sums("slice", "dur / 1e6", f"category = 'inference' and name = '{title}'")
        spent = math.fsum(row[f"end{step}Ms"] - row[f"start{step}Ms"] for row in exported)
        assert count == len(exported)
        assert spent == pytest.approx(total.expected, abs=1e-6 * count)  # the file has nanoseconds


def test_a_live_run_is_read_too(tmp_path, load):
    capture = find_capture("lstm_verbose.log")
    program = FakeTrtexec([capture]).install(tmp_path / "bin")
    arguments = ("-q", "--trace", "--trtexec", program, "-o", tmp_path / "r", "--", "--onnx=m.onnx")
    assert run("run", *arguments).returncode == 0
    found = load(tmp_path / "r" / "trace.json")
    averages = re.findall(rf"Average on 10 runs - GPU latency: {NUMBER} ms", text_of(capture))
    track = "counter_track.name = 'average of 10 inferences gpu_ms'"
    assert found.sums("counter join counter_track on track_id = counter_track.id", "value", track) == sums(averages)
