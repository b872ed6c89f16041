"""The first screen of a log, what a log lacks, and what is counted as memory and as a fusion."""

import re

import pytest

import trtlog
from tests.analyses.conftest import engine, lines_of, parsed
from tests.command import trtlog as run
from tests.conftest import ROOT, each
from trtlog.analyses.build.memory import in_use
from trtlog.analyses.build.overview import precision_of, remarks, slowest
from trtlog.analyses.layer.engine_layer import layers_of
from trtlog.analyses.layer.layers import layer_times
from trtlog.analyses.missing import advice

CASES = ROOT / "tests" / "cases"


def test_slowest_layers_are_those_of_the_engine():
    """Each has the time that the text prints for the tactic of its line in the engine's list."""
    found = slowest(parsed("resnet50_fp32_verbose"))
    listed = engine("resnet50_fp32_verbose")
    times = {}
    for line in lines_of("resnet50_fp32_verbose"):
        if match := re.search(r"\] Tactic: (0x[0-9a-f]{16}) Time: (\S+)$", line):
            times.setdefault(match[1], set()).add(float(match[2]))
    assert len(found.layers) == 5
    for slow in each(found.layers):
        assert slow.time_ms in times[listed[slow.layer][1]]
    assert [slow.time_ms for slow in found.layers] == sorted((s.time_ms for s in found.layers), reverse=True)


def test_no_noop_is_charged():
    """The engine's list says NoOp; the shuffle that was timed under its name did copy."""
    log = parsed("resnet50_fp32_verbose")
    named = [layer for layer, (kind, *_) in engine("resnet50_fp32_verbose").items() if kind == "NoOp"]
    assert "reshape_after_/fc/Gemm" in named
    rows = layer_times(layers_of(log), log.analyze.table("build_time")).to_pylist()
    assert {row["time_ms"] for row in rows if row["layer"] in named} == {None}


def test_precision_of_a_loaded_engine_is_that_of_its_layers():
    """The options say FP32 of an engine that was built with --fp16."""
    assert any("Precision: FP32" in line for line in lines_of("resnet50_load_profile"))
    assert precision_of(parsed("resnet50_load_profile")).startswith("FP16 (57 layers), by the layers")
    assert precision_of(parsed("resnet50_fp16_dyn_detailed")) == "FP32+FP16"


def test_the_cause_stands_first_among_the_messages():
    first, second, *_ = remarks(parsed("err_unsupported_op"))
    assert (first.cause, first.lines) == (True, (203,))
    assert "MagicOp" in first.text
    assert second.lines == (194,)
    crashed = remarks(trtlog.parse(CASES / "gpu-error-during-timing.log"))
    assert [remark.lines for remark in crashed] == [(5,), (7,), (6,)]


def test_a_missing_summary_is_explained_by_the_log():
    words = advice(trtlog.parse(CASES / "profile-without-separate-run.log"), ["performance"])
    assert "the layer profiler was on" in words
    assert "--separateProfileRun" in words
    assert "skipInference" not in words


def test_two_scales_of_memory():
    """`now:` of Init CUDA is what the device holds, of a TensorRT-managed allocation what TensorRT manages."""
    device, managed = (trtlog.parse(CASES / f"memory-{name}-scale.log") for name in ("device", "managed"))
    assert in_use(device.table("memory")).column("gpu_mib").to_pylist() == [2388]
    assert in_use(device.table("memory"), managed=True).column("gpu_mib").to_pylist() == [24]
    assert in_use(managed.table("memory")).num_rows == 0
    rows = {row.name: (row.control_bytes, row.test_bytes) for row in trtlog.diff(device, managed).memory.itertuples()}
    assert rows["highest_gpu_managed"] == (24 << 20, 24 << 20)
    assert rows["highest_gpu_in_use"][0] == 2388 << 20


def test_lowering_before_tensorrt_is_no_fusion():
    for name in ("line", "auto"):
        assert trtlog.parse(CASES / "torchtrt-lowering.log", engine=name).table("fusions").num_rows == 0


def test_no_engine_is_spoken_of_where_none_was_built():
    """The process died while it timed: what was chosen until then is in no engine."""
    log = trtlog.parse(
        b"[V] [TRT] =============== Computing costs for \n"
        b"[V] [TRT] *************** Autotuning format combination: Float(8,1) -> Float(8,1) ***\n"
        b"[V] [TRT] --------------- Timing Runner: relu (PointWiseV2)\n"
        b"[V] [TRT] Tactic: 1 Time: 0.5\n"
        b"[V] [TRT] Fastest Tactic: 1 Time: 0.5\n"
        b"[V] [TRT] >>>>>>>>>>>>>>> Chose Runner Type: PointWiseV2 Tactic: 1\n"
    )
    found = slowest(log)
    assert [(slow.layer, slow.time_ms) for slow in found.layers] == [("relu", 0.5)]
    assert "engine uses" not in found.title


def test_times_of_the_roofline_add_up_to_the_profile():
    """Of the layers that compute, and of the conversions: together what the log prints as the total."""
    name = "mobilenet_fp16_verbose"
    words = " ".join(run("summary", ROOT / f"fixtures/trt-8.5.3-h200/{name}.log.gz").stdout.split())
    found = re.search(r"([0-9.]+) ms in the profile, without ([0-9.]+) ms of conversions", words)
    [total] = [line.split()[-3] for line in lines_of(name) if re.search(r"\] +Total +[0-9]", line)]
    assert float(found[1]) + float(found[2]) == pytest.approx(float(total), abs=1e-3)
