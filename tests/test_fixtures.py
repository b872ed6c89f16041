# ruff: noqa: E501, W291 - lines of logs are as long as they are
"""Every fixture against counts that were found without trtlog (fixtures/counts.json, and greps here)."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import trtlog
from tests.conftest import FIXTURES, each, parsed_once

COUNTS = json.loads((FIXTURES / "counts.json").read_text())
LOGS = sorted(p for p in FIXTURES.glob("*/*.log.gz"))


@pytest.fixture(scope="module", params=LOGS, ids=lambda p: p.name)
def parsed(request):
    return request.param, parsed_once(request.param)


def count(log, table, **equal):
    rows = log.table(table)
    for column, value in equal.items():
        rows = rows.filter(pc.equal(rows.column(column).cast("string"), value))
    return rows.num_rows


def test_every_line_is_known_and_the_account_adds_up(parsed):
    path, log = parsed
    data = gzip.open(path).read()
    coverage = log.coverage
    assert "unknown" not in coverage.kind.tolist()
    assert coverage.lines.sum() == data.count(b"\n") + (not data.endswith(b"\n"))
    assert coverage.bytes.sum() == len(data)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_counts_agree_with_an_independent_reading(name):
    expected = COUNTS[name]
    log = parsed_once(FIXTURES / "trt-8.5.3-h200" / name)
    times = log.table("tactics").column("time_ms")
    finite = pc.sum(times.filter(pc.is_finite(times))).as_py() or 0
    assert log.coverage.lines.sum() == expected["lines"]
    assert count(log, "tactics") == expected["tactics"]
    assert finite == pytest.approx(expected["tactics_ms"], abs=1e-6)
    assert count(log, "timings") == expected["timings"]
    assert count(log, "fusions", action="fuse") == expected["fused"]
    assert count(log, "passes") == expected["passes"]
    assert count(log, "memory") == expected["memory"]
    assert count(log, "timings", outcome="no_valid_tactics") == expected["no_valid_tactics"]
    assert count(log, "onnx_nodes") == expected["onnx_nodes"]
    assert count(log, "reformats") == expected["reformats"]
    assert count(log, "plugins") == expected["plugins"]
    assert count(log, "layer_memory") == expected["layer_memory"]
    assert count(log, "iterations") == expected["iterations"]
    # counts.json counts headers [W] and [E]; what protobuf prints on standard error has none, and is an error too
    lines = gzip.decompress((FIXTURES / "trt-8.5.3-h200" / name).read_bytes()).splitlines()
    bare = [number for number, line in enumerate(lines, 1) if line.startswith(b"Could not open file ")]
    messages = log.table("messages")
    assert messages.num_rows == expected["warnings_and_errors"] + len(bare)
    of_bare = messages.filter(pc.is_in(messages.column("line"), pa.array(bare, pa.int64())))
    assert of_bare.column("line").to_pylist() == bare
    assert set(of_bare.column("severity").to_pylist()) <= {"error"}
    assert [row["text"].encode() for row in of_bare.to_pylist()] == [lines[number - 1] for number in bare]
    assert log.performance.throughput_qps == expected["throughput_qps"]
    assert log.run.status == expected["status"]
    chosen = log.table("timings").column("chosen")
    assert (pc.sum(chosen.cast("int64")).as_py() or 0) == expected["chosen_lines"]


def test_the_figures_of_two_builds():
    """The figures that anyone finds with grep and awk on these logs."""
    fp32 = parsed_once(FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    assert (len(fp32.tactics), len(fp32.timings), len(fp32.passes), len(fp32.memory)) == (3692, 392, 14, 7)
    assert fp32.tactics.time_ms.sum() == pytest.approx(128.561, abs=5e-4)
    assert (fp32.fusions.action == "fuse").sum() == 67
    assert fp32.performance.throughput_qps == 1336.59
    fp16 = parsed_once(FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz")
    assert (len(fp16.tactics), len(fp16.timings), len(fp16.memory)) == (9817, 1903, 8)
    assert fp16.tactics.time_ms.sum() == pytest.approx(273.443, abs=5e-4)
    assert fp16.performance.throughput_qps == 1696.07


def test_a_tactic_knows_where_it_stands():
    """One block by hand: the lines of the log, and the rows they become."""
    text = b"""\
[11/22/2026-13:22:03] [V] [TRT] =============== Computing costs for 
[11/22/2026-13:22:03] [V] [TRT] *************** Autotuning format combination: Float(150528,50176,224,1) -> Float(802816,12544,112,1) ***************
[11/22/2026-13:22:03] [V] [TRT] --------------- Timing Runner: /c/Conv + PWN(PWN(a), b (x)) (CudaDepthwiseConvolution)
[11/22/2026-13:22:03] [V] [TRT] CudaDepthwiseConvolution has no valid tactics for this config, skipping
[11/22/2026-13:22:03] [V] [TRT] --------------- Timing Runner: /c/Conv + PWN(PWN(a), b (x)) (CaskConvolution)
[11/22/2026-13:22:03] [V] [TRT] /c/Conv + PWN(PWN(a), b (x)) Set Tactic Name: ampere_scudnn_128x64 Tactic: 0x0a617a3531b5b6dc
[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0a617a3531b5b6dc Time: 0.0311
[11/22/2026-13:22:03] [V] [TRT] /c/Conv + PWN(PWN(a), b (x)) Set Tactic Name: ampere_scudnn_128x32 Tactic: 0x18597bd4a7d0164d
[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x18597bd4a7d0164d Time: 0.0205
[11/22/2026-13:22:03] [V] [TRT] Tactic: 0x0000000000000001 Time: inf
[11/22/2026-13:22:03] [V] [TRT] Fastest Tactic: 0x18597bd4a7d0164d Time: 0.0205
[11/22/2026-13:22:03] [V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: CaskConvolution Tactic: 0x18597bd4a7d0164d
"""
    log = trtlog.parse(text)
    first, second, third = log.records("tactics")
    assert first.layer == "/c/Conv + PWN(PWN(a), b (x))"
    assert (first.runner, first.kind, first.line, first.timing_line) == ("CaskConvolution", "layer", 7, 5)
    assert first.input_formats == "Float(150528,50176,224,1)"
    assert first.output_formats == "Float(802816,12544,112,1)"
    assert (first.kernel, first.tactic, first.tactic_id) == (
        "ampere_scudnn_128x64",
        "0x0a617a3531b5b6dc",
        0x0A617A3531B5B6DC,
    )
    assert (first.fastest, first.chosen) == (False, False)
    assert (second.kernel, second.fastest, second.chosen) == ("ampere_scudnn_128x32", True, True)
    assert (third.kernel, third.time_ms) == (None, None)  # inf is printed for what could not be timed
    depthwise, cask = log.records("timings")
    assert (depthwise.outcome, depthwise.fastest_tactic, depthwise.chosen) == ("no_valid_tactics", None, False)
    assert (cask.outcome, cask.fastest_ms, cask.chosen, cask.tactics) == ("timed", 0.0205, True, 3)
    assert cask.seconds is None
    [skip] = log.records("skips")
    assert (skip.layer, skip.runner, skip.reason) == (first.layer, "CudaDepthwiseConvolution", "no_valid_tactics")


def test_options_are_lossless():
    path = FIXTURES / "trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz"
    log = parsed_once(path)
    lines = gzip.open(path, "rt").read().splitlines()
    for option in each(log.records("options")):
        printed = lines[option.line - 1].split("] [I] ", 1)[1]
        assert printed.startswith(option.key)
        assert printed.endswith(option.value or ":") or printed == f"{option.key}: "
    pools = "workspace: default, dlaSRAM: default, dlaLocalDRAM: default, dlaGlobalDRAM: default"
    assert [o.value for o in log.records("options") if o.key == "Memory Pools"] == [pools]
    assert log.build.input_shapes == ["input=1x3x224x224+8x3x224x224+32x3x224x224"]
    assert (log.build.precision, log.build.profiling_verbosity, log.build.timing_cache_file) == ("FP32+FP16", 2, "r50.cache")
    assert (log.inference.duration_s, log.inference.warm_up_ms, log.inference.cuda_graph) == (3.0, 200.0, True)
    assert log.reporting.percentiles == [90.0, 95.0, 99.0]


def test_every_percentile_is_read():
    path = FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"
    log = parsed_once(path)
    [line] = re.findall(r"\] GPU Compute Time: (min = .*)", gzip.open(path, "rt").read())
    printed = [float(v) for v in re.findall(r"= ([0-9.]+) ms", line)]
    gpu = log.performance.gpu_compute_time
    assert [gpu.min_ms, gpu.max_ms, gpu.mean_ms, gpu.median_ms, gpu.p90_ms, gpu.p95_ms, gpu.p99_ms] == printed
    assert gpu.p99_9_ms is None


def test_sections_begin_and_end():
    log = parsed_once(FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz")
    found = {s.name: (s.line, s.last_line) for s in log.records("sections")}
    lines = gzip.open(FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz", "rt").read().splitlines()

    def number(text):
        return next(n for n, line in enumerate(lines, 1) if line.endswith(text))

    assert found["model"] == (number("=== Model Options ==="), number("=== Build Options ===") - 1)
    assert found["performance"][0] == number("=== Performance summary ===")
    assert found["device"][0] == number("=== Device Information ===")
    assert found["graph"][0] == number("Original: 179 layers")
    assert found["engine_layers"][0] == number("Engine Layer Information:")
    ordered = [(s.line, s.last_line) for s in log.records("sections")]
    assert all(a[1] < b[0] for a, b in each(pairwise(ordered)))


ERRORS = {
    # file -> (line, code, file, function, source line, part of the text)
    "err_bad_shape": (1419, 4, "network.cpp", "validate", 3092, "number of dimensions is 4 but profile 0 has 5."),
    "err_corrupt_engine": (None, 1, "stdArchiveReader.cpp", "StdArchiveReader", 32, "Magic tag does not match"),
    "err_corrupt_onnx": (None, None, "ModelImporter.cpp", None, 688, "Failed to parse ONNX model from file"),
    "err_unsupported_op": (None, None, "ModelImporter.cpp", None, 732, "Plugin not found, are the plugin name"),
    "err_dla": (None, None, None, None, None, "Cannot create DLA engine, 0 not available"),
    "err_bad_flag": (2, None, None, None, None, "--noSuchFlag 1"),
    "err_missing_onnx": (None, None, None, None, None, "Failed to parse onnx file"),
}


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_refused_runs_tell_why(name):
    line, code, file, function, source_line, words = ERRORS[name]
    log = parsed_once(FIXTURES / f"trt-8.5.3-h200/{name}.log.gz")
    assert log.run.status == "failed"
    [row] = [m for m in log.records("messages") if words in m.text]
    assert row.severity == "error"
    assert (row.code, row.file, row.function, row.source_line) == (code, file, function, source_line)
    if line is not None:
        text = gzip.open(FIXTURES / f"trt-8.5.3-h200/{name}.log.gz", "rt").read().splitlines()
        assert words.split()[-1].strip(".") in text[row.line - 1]


@pytest.mark.parametrize("name", ["trt-8.5.3-h200/help.txt.gz", "trt-rtx-1.7.1-h200/rtx_help.txt.gz"])
def test_help_is_no_run(name):
    """It has a first banner and no last one, as a run that died has; a status would count it as one."""
    log = parsed_once(FIXTURES / name)
    assert log.run.command.endswith("--help")
    assert log.run.status is None
    assert "nothing was run" in log.analyze.missing("candidates")
    assert len(log.lint()) == 0


def test_help_after_a_wrong_option_is_a_run():
    """trtexec prints its help then too: '&&&& FAILED' ends the log of 8.5.3, none that of TensorRT-RTX."""
    assert parsed_once(FIXTURES / "trt-8.5.3-h200/err_bad_flag.log.gz").run.status == "failed"
    assert parsed_once(FIXTURES / "trt-rtx-1.7.1-h200/rtx_err_flag.log.gz").run.status == "incomplete"


def test_an_aborted_build():
    log = parsed_once(FIXTURES / "trt-8.5.3-h200/unet_smallws_verbose.log.gz")
    assert log.run.status == "incomplete"
    last = list(log.records("messages"))[-1]
    assert last.severity == "error"
    assert "Could not load library libcudnn_ops_train.so.8" in last.text
    assert log.performance.throughput_qps is None
    assert log.table("timings").num_rows == 936


def test_help_text_is_usage():
    log = parsed_once(FIXTURES / "trt-8.5.3-h200/err_bad_flag.log.gz")
    counts = dict(zip(log.coverage.kind, log.coverage.lines, strict=True))
    assert counts["usage"] == 175
    assert counts["unknown_option"] == 1
