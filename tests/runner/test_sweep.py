"""Sweeps over the captured study of ResNet-50: the table is what the logs print, and nothing is run twice."""

import json
import os
import re
import shutil
import subprocess
import textwrap

import pytest

import trtlog
from tests import warm
from tests.conftest import each
from tests.runner.conftest import ROOT, find_capture
from trtlog.errors import InputError, QueryError, RunError
from trtlog.runner.arguments import FlagError
from trtlog.runner.points import make_points
from trtlog.runner.sweep import write_plan
from trtlog.testing import FakeTrtexec

NAMES = [f"sweep_r50_{word}_b{batch}" for batch in (1, 8, 32, 128) for word in ("fp32", "best")]
AXES = {"batch": [1, 8, 32, 128], "precision": ["fp32", "best"], "shapes": "input:Nx3x224x224", "duration": 2}
# zgrep -h 'I. Throughput:' sweep_r50_*.log.gz
THROUGHPUT_QPS = {
    ("fp32", 1): 1505.71,
    ("fp32", 8): 870.464,
    ("fp32", 32): 356.361,
    ("fp32", 128): 116.138,
    ("best", 1): 1555.33,
    ("best", 8): 1432.57,
    ("best", 32): 891.592,
    ("best", 128): 363.806,
}


@pytest.fixture(scope="module")
def fake():
    return FakeTrtexec([find_capture(f"{name}.log") for name in NAMES])


@pytest.fixture(scope="module")
def study(fake, tmp_path_factory):
    """The whole study; tests that change it copy it first."""
    out = tmp_path_factory.mktemp("study") / "sweep"
    return trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=out, **AXES)


@pytest.fixture
def copy(study, tmp_path):
    shutil.copytree(study.path, tmp_path / "sweep")
    return trtlog.open_sweep(tmp_path / "sweep")


def test_the_captured_study_is_reproduced(study, text_of):
    table = study.table.to_pylist()
    assert {(row["precision"], row["batch"]): row["throughput_qps"] for row in table} == THROUGHPUT_QPS
    for row, name in each(zip(table, NAMES, strict=True)):
        text = text_of(f"{name}.log").decode()
        assert row["point"] == f"batch{row['batch']}-{row['precision']}"
        assert row["samples_per_s"] == row["throughput_qps"] * row["batch"]
        # a second way: regular expressions on the log itself
        latency = re.search(r"\[I\] Latency: (.*)", text)[1]
        printed = dict(re.findall(r"(\S+) = ([0-9.]+) ms", latency))
        assert row["latency_mean_ms"] == float(printed["mean"])
        assert row["latency_median_ms"] == float(printed["median"])
        assert row["latency_p99_ms"] == float(printed["percentile(99%)"])
        compute = dict(re.findall(r"(\S+) = ([0-9.]+) ms", re.search(r"\] GPU Compute Time: (min.*)", text)[1]))
        assert row["gpu_compute_mean_ms"] == float(compute["mean"])
        assert row["build_s"] == float(re.search(r"Engine built in ([0-9.]+) sec", text)[1])
        managed = re.search(r"allocation in IExecutionContext creation: .*now: CPU [0-9]+, GPU ([0-9]+)", text)
        assert row["engine_gpu_mib"] == int(managed[1])
        device = re.findall(r"\[MemUsageChange\] Init .*now: CPU [0-9]+, GPU ([0-9]+)", text)
        assert row["peak_gpu_mib"] == max(map(int, device))
        assert row["warnings"] == text.count("] [W] ")
        assert row["status"] == "passed"
        assert (study.path / row["point"] / "trtexec.log").read_text() == text


def test_one_timing_cache_is_shared(study):
    caches = set()
    for point in study.points:
        command = trtlog.open_run(study.path / point.name).folder.command
        caches |= {argument for argument in command["args"] if argument.startswith("--timingCacheFile=")}
    assert caches == {f"--timingCacheFile={study.path / 'timing.cache'}"}
    assert (study.path / "timing.cache").exists()


def test_finished_points_are_not_run_again(copy, fake, tmp_path):
    before = {point.name: (copy.path / point.name / "result.json").stat().st_mtime_ns for point in copy.points}
    # one point is lost half-way, as when the power goes: its log is there, its result is not
    (copy.path / "batch8-best" / "result.json").unlink()
    again = trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=tmp_path / "sweep", **AXES)
    after = {point.name: (again.path / point.name / "result.json").stat().st_mtime_ns for point in again.points}
    assert {name for name in before if before[name] != after[name]} == {"batch8-best"}
    assert again.rows[3]["throughput_qps"] == 1432.57


def test_a_stopped_sweep_is_taken_up(fake, tmp_path):
    program = textwrap.dedent(
        f"""
        import os, signal, trtlog
        from trtlog.testing import FakeTrtexec
        fake = FakeTrtexec({fake.logs!r})
        def stop(point, row):
            if point.name == "batch8-fp32":
                os.kill(os.getpid(), signal.SIGINT)
        trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out={str(tmp_path / "s")!r}, on_point=stop, **{AXES!r})
        """
    )
    done = subprocess.run([warm.python(), "-c", program], capture_output=True, cwd=ROOT, timeout=300, check=False)
    assert done.stderr.strip().endswith(b"KeyboardInterrupt")
    stopped = trtlog.open_sweep(tmp_path / "s")
    assert [row["status"] for row in stopped.rows] == ["passed"] * 3 + ["pending"] * 5
    assert [row["throughput_qps"] for row in stopped.rows[3:]] == [None] * 5
    ran = []
    whole = trtlog.sweep(
        "resnet50_bs_dynamic.onnx",
        trtexec=fake,
        out=tmp_path / "s",
        on_event=lambda point, event: ran.append(point.name),
        **AXES,
    )
    assert set(ran) == {point.name for point in whole.points[3:]}
    assert {(r["precision"], r["batch"]): r["throughput_qps"] for r in whole.rows} == THROUGHPUT_QPS


def test_a_point_with_other_arguments_is_another_point(copy, fake, tmp_path):
    changed = {**AXES, "batch": [1], "precision": ["fp32"], "duration": 3}
    other = trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=tmp_path / "sweep", **changed)
    # none of the captured logs was run with --duration=3, so the stand-in refuses: the old result was not taken
    assert other.rows[0]["status"] == "failed"


def test_a_failed_point_does_not_end_the_sweep(fake, tmp_path, capture):
    axes = {**AXES, "batch": [1, 2], "precision": ["fp32"]}
    study = trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=tmp_path / "s", **axes)
    assert [row["status"] for row in study.rows] == ["passed", "failed"]
    assert study.rows[1]["throughput_qps"] is None
    assert [row["point"] for row in study.pareto()] == ["batch1-fp32"]
    stamp = (study.path / "batch2-fp32" / "result.json").stat().st_mtime_ns
    trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=tmp_path / "s", **axes)
    assert (study.path / "batch2-fp32" / "result.json").stat().st_mtime_ns == stamp
    trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=fake, out=tmp_path / "s", retry_failed=True, **axes)
    assert (study.path / "batch2-fp32" / "result.json").stat().st_mtime_ns != stamp


def test_flags_are_refused_before_the_first_point(fake, tmp_path):
    with pytest.raises(FlagError, match=r"--bf16 does not exist in trtexec 8.5.3"):
        trtlog.sweep("m.onnx", batch=[1], precision=["fp16", "bf16"], shapes="x:Nx3", trtexec=fake, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_points_of_another_trtexec_do_not_mix(copy, fake, tmp_path):
    other = FakeTrtexec(fake.logs, version="10.16.1")
    with pytest.raises(RunError, match=r"sweep of trtexec 8.5.3, this is 10.16.1"):
        trtlog.sweep("resnet50_bs_dynamic.onnx", trtexec=other, out=tmp_path / "sweep", **AXES)


def test_pareto_set(study):
    front = {row["point"] for row in study.pareto()}
    rows = study.rows
    # a second way: by the definition, over all pairs
    beaten = {
        a["point"]
        for a in rows
        for b in rows
        if b["samples_per_s"] >= a["samples_per_s"]
        and b["latency_p99_ms"] <= a["latency_p99_ms"]
        and (b["samples_per_s"], b["latency_p99_ms"]) != (a["samples_per_s"], a["latency_p99_ms"])
    }
    assert front == {row["point"] for row in rows} - beaten
    assert front == {"batch1-fp32", "batch1-best", "batch8-best", "batch32-best", "batch128-best"}


@pytest.mark.parametrize(
    ("limit_ms", "stat", "point"),
    [
        (None, "p99", "batch128-best"),
        (4.0, "p99", "batch32-best"),  # batch128-best has 4.19458 ms
        (4.19458, "p99", "batch128-best"),
        (1.0, "p99", "batch8-best"),
        (0.9, "p99", "batch1-fp32"),  # batch1-best is faster on average, but not at p99
        (0.9, "median", "batch8-best"),
    ],
)
def test_recommendation(limit_ms, stat, point, study):
    found = study.recommend(limit_ms, stat)
    assert found.row["point"] == point
    assert found.text.startswith(point)


def test_no_recommendation(study):
    found = study.recommend(0.1)
    assert found.row is None
    assert "The closest is batch1-fp32 with 0.7518 ms" in str(found)
    with pytest.raises(QueryError, match=r"no latency p99.9; they print min, max, mean, median, p90, p95, p99"):
        study.recommend(1, "p99.9")


def test_a_plot_as_a_page(study, tmp_path):
    pytest.importorskip("plotly")
    page = study.plot(tmp_path / "p.html").read_text(encoding="utf-8")
    for words in ("46567.168", "batch size", "latency p99 (ms)"):
        assert words in page
    assert not re.search(r'<script[^>]+src="http', page)  # opens without a network
    with pytest.raises(InputError, match=r"must end in \.html"):
        study.plot(tmp_path / "p.txt")


def test_a_plot_as_a_figure(study):
    pytest.importorskip("plotly")
    speed = {trace.name: dict(zip(trace.x, trace.y, strict=True)) for trace in study.plot(y="throughput_qps").data}
    assert speed == {name: {b: THROUGHPUT_QPS[name, b] for b in (1, 8, 32, 128)} for name in ("fp32", "best")}
    assert [axis.text for axis in study.plot().layout.annotations] == ["throughput (samples/s)", "latency p99 (ms)"]
    with pytest.raises(QueryError, match=r"no column 'p9'.*latency_p99_ms"):
        study.plot(y="p9")


def test_repeats_are_drawn_as_a_band(study):
    """Without precision two runs share a batch size: the median between the least and the largest."""
    pytest.importorskip("plotly")
    band, line = study.plot(y="throughput_qps", by=[]).data
    best, fp32 = ([THROUGHPUT_QPS[name, b] for b in (1, 8, 32, 128)] for name in ("best", "fp32"))
    assert band.fill == "toself"
    assert list(band.y) == [*best, *fp32[::-1]]
    assert list(line.y) == pytest.approx([(a + b) / 2 for a, b in zip(best, fp32, strict=True)])
    assert line.customdata[0] == "2 runs, 1505.71 to 1555.33"


def test_where_a_log_stands_in_a_sweep(study):
    pytest.importorskip("plotly")
    figure = study.log("batch8-best").plot.sweep(study, y="latency_p99_ms")
    [line] = figure.layout.shapes
    assert (line.y0, line.y1) == (0.921753, 0.921753)
    assert any("this run: 0.921753" in note.text for note in figure.layout.annotations)
    same = study.log("batch8-best").plot.sweep(study.df, x="batch", y="latency_p99_ms", by="precision")
    assert [list(trace.y) for trace in same.data] == [list(trace.y) for trace in figure.data]
    with pytest.raises(QueryError, match="not list"):
        study.log("batch8-best").plot.sweep([1], x="batch")


def test_a_sweep_shows_itself(study):
    shown = study._repr_html_()
    for words in ("batch128-best", "46567", "4.195", "8 of 8 points passed", "Recommended:"):
        assert words in shown
    assert "batch32-best" in study.recommend(4)._repr_html_()
    shown = study.log("batch8-best").folder._repr_html_()
    for words in ("passed", "--shapes=input:8x3x224x224", "trtexec.log"):
        assert words in shown


def test_lines_of_the_plot(study):
    from trtlog.report.plots.sweep import lines

    fp32, best = lines(study.rows, "batch", "samples_per_s", ["precision"])
    assert (fp32.label, fp32.x, fp32.runs) == ("fp32", (1, 8, 32, 128), (1, 1, 1, 1))
    assert fp32.middle == tuple(THROUGHPUT_QPS["fp32", batch] * batch for batch in (1, 8, 32, 128))
    [_, best] = lines(study.rows, "batch", "latency_p99_ms", ["precision"])
    assert best.middle[-1] == 4.19458


def test_a_sweep_opens_again(study, tmp_path):
    again = trtlog.open_sweep(study.path)
    assert again.table.equals(study.table)
    assert again.axes == {"batch": [1, 8, 32, 128], "precision": ["fp32", "best"]}
    assert again.log("batch8-best").performance.throughput_qps == 1432.57
    with pytest.raises(QueryError, match="no point 'batch9'"):
        again.log("batch9")
    with pytest.raises(RunError, match="holds no sweep"):
        trtlog.open_sweep(tmp_path)


def test_the_table_as_csv_and_frame(study, tmp_path):
    lines = study.write_csv(tmp_path / "t.csv").read_text().splitlines()
    assert len(lines) == 9
    assert "1505.71" in lines[1]
    assert study.df["throughput_qps"].max() == 1555.33


def test_a_broken_plan(tmp_path, fake):
    (tmp_path / "sweep.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        trtlog.sweep("m", trtexec=fake, out=tmp_path, **AXES)


def test_a_plan_is_written_whole_or_not_at_all(tmp_path):
    """A disk that is full left half a plan, and the sweep could not be taken up."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(RunError, match="cannot be written"):
            write_plan(tmp_path, {"version": "8.5.3"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


# -- points ------------------------------------------------------------------------------------------------------------


def args_of(**options):
    return [list(point.args) for point in make_points(**options)]


def test_any_flag_can_be_an_axis():
    points = make_points("m.onnx", axes={"builderOptimizationLevel": [1, 5], "use_cuda_graph": [False, True]})
    assert [point.name for point in points] == [
        "builderOptimizationLevel1-use_cuda_graph_off",
        "builderOptimizationLevel1-use_cuda_graph_on",
        "builderOptimizationLevel5-use_cuda_graph_off",
        "builderOptimizationLevel5-use_cuda_graph_on",
    ]
    assert points[3].args == ("--onnx=m.onnx", "--builderOptimizationLevel=5", "--useCudaGraph")


def test_joined_precisions_and_shared_flags():
    assert args_of(onnx="m", precision=["fp32", "fp16+int8"], args=["--noTF32"], flags={"avgRuns": 5}) == [
        ["--noTF32", "--onnx=m", "--avgRuns=5"],
        ["--noTF32", "--onnx=m", "--avgRuns=5", "--fp16", "--int8"],
    ]


def test_several_inputs_and_fixed_ones():
    shapes = {"ids": (-1, 128), "mask:0": ("N", 128), "table": (10, 20)}
    assert args_of(onnx="m", batch=[4], shapes=shapes) == [
        ["--onnx=m", "--shapes=ids:4x128,'mask:0':4x128,table:10x20"]
    ]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "something to vary"),
        ({"batch": []}, "has no values"),
        ({"batch": [0], "shapes": "x:N"}, "whole number"),
        ({"batch": [1, 1], "shapes": "x:N"}, "value twice"),
        ({"precision": ["fp17"]}, "no precision"),
        ({"batch": [1], "shapes": "x:1x3"}, "no place for the batch size"),
        ({"precision": ["fp16"], "shapes": "x:Nx3"}, "give batch="),
        ({"batch": [1], "shapes": "nonsense"}, "are no shapes"),
        ({"batch": [1], "onnx": None}, "needs the model"),
        ({"axes": {"batch": [1]}}, "beside axes="),
    ],
)
def test_what_is_no_sweep(options, word):
    with pytest.raises(FlagError, match=word):
        make_points(**{"onnx": "m.onnx", **options})


def model(path, shapes, weights=()):
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    inputs = [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items()]
    output = helper.make_tensor_value_info("y", kinds.FLOAT, None)
    node = helper.make_node("Sum", list(shapes), ["y"], name="sum")
    initializers = [helper.make_tensor(name, kinds.FLOAT, [2], [0.5, 1.5]) for name in weights]
    graph = helper.make_graph([node], "graph", inputs, [output], initializers)
    made = helper.make_model(graph, producer_name="test", doc_string="x" * 300)
    onnx.save(made, os.fspath(path))
    return path


def test_shapes_come_from_the_model(tmp_path):
    path = model(tmp_path / "m.onnx", {"input": ["batch", 3, 224, 224], "w": [2]}, weights=["w"])
    assert args_of(onnx=path, batch=[1, 8]) == [
        [f"--onnx={path}", "--shapes=input:1x3x224x224"],
        [f"--onnx={path}", "--shapes=input:8x3x224x224"],
    ]


def test_inputs_of_a_model_read_as_the_onnx_package_does(tmp_path):
    from trtlog.runner.onnx_inputs import read_inputs

    shapes = {"a": ["N", 3, "H"], "b": [None, 7], "c": [4, 128], "d": [], "e": None, "w": [2]}
    path = model(tmp_path / "m.onnx", shapes, weights=["w"])
    assert {item.name: item.shape for item in read_inputs(path)} == {
        "a": ("N", 3, "H"),
        "b": (None, 7),
        "c": (4, 128),
        "d": (),
        "e": None,
    }


@pytest.mark.parametrize(
    ("shape", "word"),
    [([1, 3], "its batch size is fixed"), (["N", 3, "H"], "more dynamic dimensions than the batch")],
)
def test_models_that_leave_no_choice(shape, word, tmp_path):
    path = model(tmp_path / "m.onnx", {"x": shape})
    with pytest.raises(FlagError, match=word):
        make_points(path, batch=[1, 2])


@pytest.mark.parametrize("content", [b"", b"hello, this is no model", b"\x3a\xff\xff\x03abc", b"\x08\x07", bytes(500)])
def test_files_that_are_no_model(content, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError):
        make_points(path, batch=[1])
    with pytest.raises(InputError, match="cannot be read"):
        make_points(tmp_path / "nothing.onnx", batch=[1])


def test_the_plan_is_kept(study):
    plan = json.loads((study.path / "sweep.json").read_text())
    assert (plan["version"], len(plan["points"])) == ("8.5.3", 8)
