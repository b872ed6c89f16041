"""Whether a run was launched as a CUDA graph: a figure of each run, which no diagnosis is made for."""

from __future__ import annotations

import pytest

import trtlog
from tests.conftest import FIXTURES
from trtlog.analyses.build import performance
from trtlog.analyses.compare.figures import figures

BANNER = b"&&&& RUNNING TensorRT.trtexec [TensorRT v%b] # trtexec --onnx=net.onnx %b\n"
HEADING = b"[11/22/2026-13:22:03] [I] === Performance summary ===\n"
SUMMARY = HEADING + b"[11/22/2026-13:22:03] [I] GPU Compute Time: min = 1 ms, max = 2 ms, mean = 1.5 ms\n"
ASKED = b"[11/22/2026-13:22:02] [I] === Inference Options ===\n[11/22/2026-13:22:02] [I] CUDA Graph: Enabled\n"
FAILED = (
    b"[11/22/2026-13:22:02] [W] CUDA graph capture failed. The inference will be launched without using CUDA graph.\n"
)

TEXTS = {
    "asked for in the command": (BANNER % (b"8503", b"--useCudaGraph") + SUMMARY, True),
    "not asked for": (BANNER % (b"8503", b"") + SUMMARY, False),
    "the default of TensorRT 11": (BANNER % (b"110100", b"") + SUMMARY, True),
    "switched off": (BANNER % (b"110100", b"--noCudaGraph") + SUMMARY, False),
    "printed": (ASKED + SUMMARY, True),
    "asked for, and its capture failed": (BANNER % (b"8503", b"--useCudaGraph") + FAILED + SUMMARY, False),
    "nothing says": (SUMMARY, None),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_what_a_run_says_of_its_graph(text, expected):
    log = trtlog.parse(text)
    assert figures(log)["cuda_graph"] is expected
    assert [row["cuda_graph"] for row in log.analyze.table("performance").to_pylist()] == [expected]


def test_figures_make_no_diagnosis(monkeypatch):
    monkeypatch.setattr(performance, "_diagnosis", None)
    log = trtlog.parse(FIXTURES / "trt-8.5.3-h200" / "resnet50_fp16_dyn_detailed.log.gz")
    assert figures(log)["cuda_graph"] is True
