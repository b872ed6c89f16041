"""What a notebook shows: a log, a record, plots with plotly."""

from __future__ import annotations

import builtins

import pytest

from tests.report.conftest import EVIL
from trtlog.errors import MissingExtra, QueryError


def test_a_log_shows_its_headline(logs):
    shown = logs("detailed")._repr_html_()
    for words in (
        "resnet50_bs_dynamic.onnx",
        "TensorRT 8.5.3",
        "NVIDIA H200",
        "FP32+FP16",
        "1696.07",
        "0.69812",
        "passed",
    ):
        assert words in shown
    assert "failed" in logs("failed")._repr_html_()
    assert "rtxpy_mobilenet_v2.log.gz" in logs("rtx")._repr_html_()


def test_a_record_shows_names_units_and_meanings(logs):
    shown = next(logs("detailed").records("tactics"))._repr_html_()
    assert "<th style='text-align:left'>time_ms</th>" in shown
    assert " ms</td>" in shown
    assert "kernel</th>" not in shown, "what is null is left out"
    assert "8.5.3" in logs("detailed").run._repr_html_()


def test_html_in_a_log_is_text(evil_log):
    for shown in (
        evil_log._repr_html_(),
        evil_log.run._repr_html_(),
        *(m._repr_html_() for m in evil_log.records("messages")),
    ):
        assert "<script" not in shown
        assert "<img" not in shown
    assert EVIL[:9] in evil_log.run.command


def test_plots_hold_the_tables(logs):
    pytest.importorskip("plotly")
    log = logs("detailed")
    [bars] = log.plot.profile(most=5).data
    profile = sorted(log.table("profile").to_pylist(), key=lambda row: -row["avg_ms"])[:5]
    assert list(bars.x) == [row["avg_ms"] for row in reversed(profile)]
    [steps] = log.plot.passes().data
    assert sum(steps.y) == log.table("passes").column("layers").to_pylist()[-1]
    gpu, cpu = log.plot.memory().data
    assert list(gpu.y) == log.table("memory").column("gpu_mib").to_pylist()
    assert list(cpu.y) == log.table("memory").column("cpu_mib").to_pylist()
    times = sorted(
        t for t, name in zip(*(log.table("tactics").column(c).to_pylist() for c in ("time_ms", "layer")), strict=True)
        if name == "/fc/Gemm"
    )  # fmt: skip
    drawn = [y for trace in log.plot.tactics("/fc/Gemm", most=10).data for y in trace.y]
    assert sorted(drawn)[:10] == times[:10]
    [runners] = log.plot.build_time().data
    assert set(runners.x) == set(log.table("timings").column("runner").to_pylist())


def test_a_plot_of_what_is_not_there_names_the_flag(logs):
    with pytest.raises(QueryError, match="--dumpProfile"):
        logs("not_verbose").plot.profile()
    with pytest.raises(QueryError, match="--verbose"):
        logs("not_verbose").plot.tactics("anything")


def test_without_plotly_the_error_names_the_extra(logs, monkeypatch):
    real = builtins.__import__

    def missing(name, *arguments, **options):
        if name.startswith("plotly"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"trtlog\[plot\]"):
        logs("detailed").plot.profile()
