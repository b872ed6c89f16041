"""What a notebook shows: a log, a record, plots with plotly."""

from __future__ import annotations

import builtins
import gzip
import json
import shutil

import pytest

import trtlog
from tests.conftest import FIXTURES, each
from tests.report.conftest import EVIL, SECRETS, T8
from trtlog.analyses.layer.why import layer_names
from trtlog.analyses.registry import table_names
from trtlog.errors import MissingExtra, QueryError
from trtlog.log import to_frame
from trtlog.records import TABLES
from trtlog.report.plots.figures import write


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
    assert "<b>time_ms</b>" in shown
    assert " ms</td>" in shown
    assert "<b>kernel</b>" not in shown, "what is null is left out"
    assert "8.5.3" in logs("detailed").run._repr_html_()


def test_sections_and_numbers_show_what_is_printed(logs):
    log = logs("detailed")
    shown = log.build._repr_html_()
    assert "workspace: default, dlaSRAM: default" in shown
    assert "other[&#x27;Restricted mode&#x27;]" in shown, "keys that no field names"
    for words in ("1696.07", "0.689636", "0.69812", "3.00164", "p90", "enqueue time"):
        assert words in log.performance._repr_html_()
    assert "0.69812" in log.performance.latency._repr_html_()
    assert "no performance summary" in logs("failed").performance._repr_html_()
    assert "9817" in log.tables._repr_html_()
    assert "outputs" in log.tables._repr_html_().partition("without rows")[2]


def test_analyses_say_what_is_missing(logs):
    assert "<code>log.analyze.margins()</code>" in logs("detailed").analyze._repr_html_()
    shown = logs("not_verbose").analyze._repr_html_()
    assert "<code>log.analyze.margins()</code>" not in shown
    assert "trtexec 8.5.3 prints them with --verbose" in shown
    assert "<code>log.plot.profile()</code>" in logs("detailed").plot._repr_html_()


def test_a_failed_run_shows_its_errors(logs):
    shown = logs("failed")._repr_html_()
    assert "op_type: &quot;MagicOp&quot;" in shown
    assert "line 196" in shown


def test_findings_are_a_frame_that_shows_findings(logs):
    found = logs("mobilenet").lint()
    shown = found._repr_html_()
    for words in ("enqueue-bound", "line", "why: <", "do: <", "useCudaGraph", "5 fine"):
        assert words in shown
    some = found[found.severity == "warning"]
    assert type(some) is type(found)
    assert "enqueue-bound" in some._repr_html_()
    assert " fine<" not in some._repr_html_()
    assert "<table" in found[["rule", "text"]]._repr_html_(), "of chosen columns pandas' own table"
    assert found.rule.tolist() == found.to_dict("list")["rule"]


def test_a_story_tells_the_choice(logs):
    shown = logs("detailed").why("/fc/Gemm")._repr_html_()
    for words in ("355 tactics timed in 4 combinations", "0.00700626", "26730", "the choice is clear"):
        assert words in shown.replace("<wbr>", "")


def test_builds_locks_and_checks_show_themselves(logs):
    log, other = logs("detailed"), logs("mobilenet")
    lock = trtlog.lock(log)
    for words in ("Lock", "budgets", "1696.07", "rules"):
        assert words in lock._repr_html_()
    assert ">passed</span>" in trtlog.check(log, lock)._repr_html_()
    assert ">FAILED</span>" in trtlog.check(other, lock)._repr_html_()
    assert "3 builds" in trtlog.stability([log, log, log])._repr_html_()
    assert "1696" in trtlog.diff(log, other)._repr_html_()


def everything(log, other):
    """Return every object of the public interface that can stand at the end of a cell."""
    diff, lock = trtlog.diff(other, log), trtlog.lock(log)
    named = [getattr(log, name) for name in ("run", "device", "model", "build", "system", "inference", "reporting")]
    named += [log, log.performance, log.performance.latency, log.tables, log.analyze, log.plot, log.lint()]
    named += [diff, lock, trtlog.check(log, lock), trtlog.check(other, lock), trtlog.stability([log, log])]
    named += [log.why(name) for name in layer_names(log)[-3:]]
    frames = [log.analyze.table(name) for name in table_names()]
    return [*named, *(log.frame(name).head(3) for name in TABLES), *map(to_frame, (t.slice(0, 3) for t in frames))]


def test_everything_shows_itself_and_not_too_much(logs):
    for result in each(everything(logs("mobilenet"), logs("detailed"))):
        shown = result._repr_html_()
        assert shown, type(result)
        assert len(shown) < 60_000, type(result)
        assert len(repr(result)) < 6_000, type(result)
        assert shown.count("<tr") <= 210, type(result)


def test_html_in_a_log_is_text(evil_log, logs):
    """Whatever of a log full of HTML is shown: it is text, and holds no secret."""
    log = evil_log
    assert EVIL[:9] in log.run.command
    shown = [result._repr_html_() for result in everything(log, logs("detailed"))]
    shown += [result._repr_html_() for result in everything(logs("detailed"), log)]
    shown += [row._repr_html_() for name in ("messages", "options", "profile") for row in log.records(name)]
    figures = [log.plot.profile(), log.plot.passes(), log.plot.memory(), log.plot.build_time()]
    shown += [json.dumps(figure.to_plotly_json(), default=list) for figure in figures]
    for piece in each(shown):
        assert "<script" not in piece
        assert "<img" not in piece
        if 'class="dataframe"' not in piece:
            assert "\u202e" not in piece, "what turns text around is spelled"


def test_secrets_do_not_show(evil_log):
    for result in (evil_log, evil_log.run, evil_log.reporting, *evil_log.records("messages")):
        assert not any(secret in result._repr_html_() for secret in SECRETS)


def test_plots_hold_the_tables(logs):
    pytest.importorskip("plotly")
    log = logs("detailed")
    [bars] = log.plot.profile(most=5).data
    profile = sorted(log.table("profile").to_pylist(), key=lambda row: -row["avg_ms"])[:5]
    assert list(bars.x) == [row["avg_ms"] for row in reversed(profile)]
    [steps] = log.plot.passes().data
    assert sum(steps.y) == log.table("passes").column("layers").to_pylist()[-1]
    # '[MemUsageChange] Init CUDA: ... now: CPU 36, GPU 526', and '... TensorRT-managed allocation in ...' in between
    gpu, cpu, managed_gpu, managed_cpu = log.plot.memory().data
    assert (list(gpu.y), list(gpu.x)) == ([526, 990, 1250, 1512, 1000], [0, 1, 2, 3, 5])
    assert list(cpu.y) == [36, 1675, 1779, 1781, 1908]
    assert (list(managed_gpu.y), list(managed_gpu.x)) == ([49, 48, 171], [4, 6, 7])
    assert list(managed_cpu.y) == [48, 0, 0]
    times = sorted(
        t for t, name in zip(*(log.table("tactics").column(c).to_pylist() for c in ("time_ms", "layer")), strict=True)
        if name == "/fc/Gemm"
    )  # fmt: skip
    drawn = [y for trace in log.plot.tactics("/fc/Gemm", most=10).data for y in trace.y]
    assert sorted(drawn)[:10] == times[:10]
    [runners] = log.plot.build_time().data
    assert set(runners.y) == set(log.table("timings").column("runner").to_pylist())


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
    with pytest.raises(MissingExtra, match=r"pip install '\.\[plot\]'"):
        logs("detailed").plot.profile()


def test_pictures(logs, tmp_path, chromium):
    pytest.importorskip("kaleido")
    picture = write(logs("detailed").plot.profile(), tmp_path / "p.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("error", [ValueError("no kaleido"), RuntimeError("\nKaleido requires Google Chrome\n...")])
def test_without_a_browser_the_error_says_what_pictures_need(logs, tmp_path, monkeypatch, error):
    figure = logs("detailed").plot.profile()

    def broken(*arguments, **options):
        raise error

    monkeypatch.setattr(type(figure), "write_image", broken)
    with pytest.raises(MissingExtra, match=r"kaleido.*Chromium.*\.html needs neither\. (no k|Kaleido r)"):
        write(figure, tmp_path / "p.png")


def test_a_dataset_and_its_conversion_show_themselves(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("err_unsupported_op", "sweep_r50_best_b8"):
        shutil.copy(FIXTURES / T8 / f"{name}.log.gz", logs)
    (logs / "notes.txt").write_text("nothing <script> of the kind\n")
    (logs / f"{EVIL[:17].replace('/', '')}.log").write_bytes(gzip.open(logs / "sweep_r50_best_b8.log.gz").read())
    done = trtlog.to_dataset(logs, tmp_path / "dataset")
    shown = done._repr_html_()
    for words in ("converted", "notes.txt", "is not of TensorRT or trtexec"):
        assert words in shown
    dataset = trtlog.open_dataset(tmp_path / "dataset")
    shown += dataset._repr_html_()
    for words in ("err_unsupported_op.log.gz", "1432.57", ">failed</span>", "NVIDIA H200"):
        assert words in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
