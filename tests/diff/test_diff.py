"""Golden answers: question, log text and answer together; numbers re-derived from the text of the logs."""

from __future__ import annotations

import json
import re
from statistics import median

import pytest
from click.testing import CliRunner

import trtlog
from tests.conftest import FIXTURES, each
from trtlog.cli import cli
from trtlog.errors import QueryError
from trtlog.report.documents import diff as diff_document
from trtlog.report.sentences import plain

FP32, AGAIN, FP16 = "resnet50_fp32_verbose", "resnet50_fp32_verbose_rebuild", "resnet50_fp16_dyn_detailed"


def engine(text):
    """Return (type, tactic) of each layer by the text of the log: Layer(TYPE): NAME, Tactic: 0x..., ..."""
    found = re.findall(r"^Layer\((\w+)\): (.+), Tactic: (0x[0-9a-f]{16}),", text, re.MULTILINE)
    return {name: (kind, tactic) for kind, name, tactic in found}


# ------------------------------------------------------------------------------- a rebuild
def test_rebuild_has_the_same_layers_and_names_the_tactics_that_changed(diff_of, capture_text):
    found = diff_of(FP32, AGAIN)
    ours, theirs = engine(capture_text(FP32)), engine(capture_text(AGAIN))
    assert ours.keys() == theirs.keys()
    changed = {name for name in ours if ours[name] != theirs[name]}
    rows = found.rows("layers")
    assert {row["category"] for row in rows} == {"changed", "unchanged"}
    assert {row["test_layer"] for row in rows if row["category"] == "changed"} == changed
    assert len(changed) == 17
    assert sum(row["layers"] for row in found.rows("tactics")) == 17


def test_a_changed_tactic_is_explained_by_its_margins(diff_of, capture_text):
    """Log of the first build, layer /layer1/layer1.0/conv1/Conv + ..., Float(200704,1:4,3584,64), Float(1) -> ...

    Tactic: 0xed09dcddfcf4bffb Time: 0.005024
    Tactic: 0x85222248e9a8aead Time: 0.00511511
    and of the second one: 0xed09dcddfcf4bffb Time: 0.0050423, 0x85222248e9a8aead Time: 0.00477577
    """
    [row] = [r for r in diff_of(FP32, AGAIN).rows("tactics") if r["layer"].startswith("/layer1/layer1.0/conv1/")]
    assert (row["control_tactic"], row["test_tactic"]) == ("0xed09dcddfcf4bffb", "0x85222248e9a8aead")
    times = {}
    for side, name in (("control", FP32), ("test", AGAIN)):
        text = capture_text(name)
        start = text.index("Timing Runner: /layer1/layer1.0/conv1/Conv + /layer1/layer1.0/relu/Relu (CaskConvolution)")
        stop = text.index("Autotuning format combination", text.index("0xed09dcddfcf4bffb Time:", start))
        block = text[text.rindex("Timing Runner", start - 1, stop) : stop]
        for tactic in ("0xed09dcddfcf4bffb", "0x85222248e9a8aead"):
            times[side, tactic] = float(re.search(rf"{tactic} Time: (\S+)", block)[1])
    assert row["control_ms"] == times["control", "0xed09dcddfcf4bffb"] == 0.005024
    assert row["test_ms"] == times["test", "0x85222248e9a8aead"]
    assert row["control_tactic_in_test_ms"] == times["test", "0xed09dcddfcf4bffb"]
    assert row["test_tactic_in_control_ms"] == times["control", "0x85222248e9a8aead"]
    margin = 100 * (times["control", "0x85222248e9a8aead"] / 0.005024 - 1)
    assert row["control_margin_percent"] == pytest.approx(margin)
    # Equally fast tactics of 5 us differ by 12 %: neither margin tells which is faster.
    assert row["verdict"] == "tie"
    assert f"margin {margin:.1f}% in control, 5.6% in test: too close to call" in row["reason"]


def test_builds_that_contradict_each_other_by_more_than_noise(diff_of):
    """Logs of two builds: the copy at /stem took 0.0046 and 0.0077 ms in one, 0.0045 and 0.0046 ms in the other."""
    repeats = [trtlog.parse(FIXTURES / f"trt-8.5.3-h200/repeats/build_{n}.log.gz") for n in (0, 1)]
    verdicts = {row["layer"]: row for row in trtlog.diff(*repeats).rows("tactics")}
    row = verdicts["Reformatting CopyNode for Input Tensor 0 to /stem/Conv + /stem/Relu"]
    assert row["verdict"] == "unstable"
    assert "margin 67.5% in control, 0.7% in test: the builds contradict each other" in row["reason"]
    # What `trtlog tactics --other` calls noise in both builds is no contradiction.
    causes = repeats[0].analyze.winner_changes(other=repeats[1])
    noise = causes[causes.cause == "noise"]
    both = noise[noise[["margin_first_percent", "margin_second_percent"]].max(axis=1) <= noise.noise_percent]
    assert len(both) == 4
    assert {verdicts[layer]["verdict"] for layer in both.layer} == {"tie"}


def test_how_often_timings_are_averaged_tells_what_a_tie_is(capture_text):
    """The noise is that of the two logs, in the diff as in `trtlog tactics --other`: 1 timing scatters more than 8."""
    path = "repeats/build_{}"
    texts = [capture_text(path.format(number)) for number in (0, 1)]
    for averaged, is_tie in ((8, False), (1, True)):
        logs = [trtlog.parse(text.replace("avgTiming: 8", f"avgTiming: {averaged}").encode()) for text in texts]
        rows = trtlog.diff(*logs).rows("tactics")
        [row] = [row for row in rows if row["layer"] == "/dw/pointwise/Conv + /dw/Add + /dw/Relu"]
        assert "margin 9.5% in control, 15.3% in test" in row["reason"]
        causes = logs[0].analyze.winner_changes(other=logs[1]).set_index("layer")
        usual = causes.noise_percent[row["layer"]]
        assert (row["verdict"] == "tie", usual >= 15.3) == (is_tie, is_tie)


def test_activations_as_the_context_allocates_them_are_no_other_engine():
    """Lines as TensorRT 8.4.1 prints them of one engine where it is built, and where it is loaded."""
    head = "[11/22/2026-13:21:02] [V] [TRT] "
    built = ("Total Host Persistent Memory: 5120", "Total Activation Memory: 2408456")
    loaded = ("Total per-runner host persistent memory is 5120", "Allocated activation device memory of size {}")

    def found(size):
        texts = ("\n".join(head + line for line in lines).format(size) for lines in (built, loaded))
        return trtlog.diff(*(trtlog.parse(text.encode()) for text in texts))

    [row] = [row for row in found(2409472).rows("memory") if row["name"] == "activation"]
    assert (row["verdict"], row["reason"].partition(":")[0]) == ("same", "a change of up to 1 KiB may be rounding")
    assert found(2409472).engines.differ is None
    assert found(2419472).engines.evidence == ("activation memory 2.297 MiB -> 2.307 MiB",)


def test_every_changed_tactic_of_the_rebuild_has_both_margins(diff_of):
    for row in each(diff_of(FP32, AGAIN).rows("tactics")):
        assert row["control_margin_percent"] >= 0, row
        assert row["test_margin_percent"] >= 0, row
        assert row["verdict"] in ("tie", "unstable")


def test_the_machine_is_told_from_the_choice(diff_of, capture, capture_text):
    found = diff_of(FP32, AGAIN)
    assert abs(found.machine.shift_percent) < 0.1
    rows = found.rows("candidates")
    assert median(row["ratio"] for row in rows) == pytest.approx(1 + found.machine.shift_percent / 100)
    slow = re.sub(
        r"(Tactic: 0x[0-9a-f]{16} Time: )([0-9.e-]+)",
        lambda m: f"{m[1]}{float(m[2]) * 1.2:.6g}",
        capture_text(FP32),
    )
    slower = trtlog.diff(capture(FP32), trtlog.parse(slow.encode()))
    assert slower.machine.shift_percent == pytest.approx(20, abs=0.01)
    assert slower.machine.noise_percent < 0.01
    assert slower.rows("tactics") == []
    assert any("machine: slower" in line for line in json.loads(slower.to_json())["headline"])


def test_a_worse_choice_on_the_same_machine_is_called_worse(capture, capture_text):
    """The engine runs 0x8f0ed36578f14aff for layer4.0/conv2; both builds timed 0xc78fd7d51d6cb4ff as slower."""
    text = capture_text(FP32)
    name = "/layer4/layer4.0/conv2/Conv + /layer4/layer4.0/relu_1/Relu"
    chosen = engine(text)[name][1]
    layer = next(x for x in _facts(capture(FP32)) if x.layer == name)
    other = max(
        (c for c in layer.candidates if c.raw_formats == _used(layer).raw_formats and c.runner == layer.runner),
        key=lambda c: c.time_ms,
    )
    line = next(x for x in text.splitlines() if x.startswith(f"Layer(CaskConvolution): {name},"))
    worse = trtlog.parse(text.replace(line, line.replace(chosen, other.tactic)).encode())
    [row] = trtlog.diff(capture(FP32), worse).rows("tactics")
    assert row["verdict"] == "worse"
    assert row["choice_percent"] == pytest.approx(100 * (other.time_ms / layer.tactic_ms - 1))
    assert row["machine_percent"] == pytest.approx(0)


def _facts(log):
    from trtlog.analyses.layer.engine_layer import layers_of

    return layers_of(log).layers


def _used(layer):
    return next(c for c in layer.candidates if c.tactic == layer.tactic and c.time_ms == layer.tactic_ms)


def test_a_build_against_itself_has_no_changes(diff_of):
    for name in (FP32, FP16, "bert_fp16_verbose", "rtxpy_mobilenet_v2", "err_bad_flag"):
        found = diff_of(name, name)
        assert not found.changed, name
        assert {r["verdict"] for r in found.rows("performance")} <= {None, "same"}


# ------------------------------------------------------------------------------- FP32 against FP16
def test_fp16_pairs_all_layers_but_the_conversions(diff_of):
    rows = diff_of(FP32, FP16).rows("layers")
    alone = {row["control_layer"] or row["test_layer"] for row in rows if row["method"] == "none"}
    assert all(name.startswith("Reformatting CopyNode") for name in each(alone))
    assert len(alone) == 5
    changed = [r for r in rows if r["role"] == "layer"]
    assert {(r["control_precision"], r["test_precision"]) for r in changed} == {("FP32", "FP16"), ("TF32", "FP16")}


def test_fp16_speedup_is_attributed_per_sample(diff_of, capture_text):
    """FP32 was built for input 1x3x224x224, FP16 tuned at --optShapes=input:8x3x224x224."""
    found = diff_of(FP32, FP16)
    assert found.work.scale == (1, 8)
    assert any("per sample" in note for note in found.notes)
    groups = found.rows("attribution")
    assert [(g["family"], g["precision"]) for g in groups if g["family"] == "convolution"] == [
        ("convolution", "TF32 -> FP16"),
        ("convolution", "FP32 -> FP16"),
    ]
    assert sum(g["share_percent"] for g in groups) == pytest.approx(100)
    layers = [r for r in found.rows("layers") if r["delta_ms"] is not None]
    alone = [r for r in found.rows("layers") if r["category"] in ("added", "removed")]
    change = sum(r["delta_ms"] for r in layers) + sum((r["test_ms"] or 0) - (r["control_ms"] or 0) for r in alone)
    assert sum(g["delta_ms"] for g in groups) == pytest.approx(change)
    # One layer by hand: FP32 timed 0.0217136 ms for one image, FP16 0.0220382 ms for eight.
    assert "0x000000000001ffff Time: 0.0217136" in capture_text(FP32)
    assert "Time: 0.0220382" in capture_text(FP16)
    [row] = [r for r in layers if r["test_layer"] == "/conv1/Conv + /relu/Relu"]
    assert row["speedup"] == pytest.approx(0.0217136 / (0.0220382 / 8))


def test_samples_are_throughput_times_batch(diff_of):
    [row] = [r for r in diff_of(FP32, FP16).rows("performance") if r["metric"] == "samples"]
    assert (row["control"], row["test"]) == (1336.59, pytest.approx(1696.07 * 8))


def test_reformats_added_and_removed(diff_of, capture_text):
    rows = {(r["category"], r["reformat"]) for r in diff_of(FP32, FP16).rows("reformats")}
    names = [{n for n in engine(capture_text(x)) if n.startswith("Reformatting CopyNode")} for x in (FP32, FP16)]
    assert rows == {("removed", n) for n in names[0] - names[1]} | {("added", n) for n in names[1] - names[0]}


# ------------------------------------------------------------------------------- what cannot be compared
def test_other_models_are_not_compared_layer_by_layer(diff_of):
    found = diff_of(FP32, "mobilenet_fp16_verbose")
    assert any("different models" in note for note in found.notes)
    for name in ("layers", "tactics", "candidates", "fusions", "reformats", "formats", "attribution"):
        assert found.rows(name) == [], name
    assert found.rows("performance")


def test_several_runs_are_refused_with_what_to_do(capture_text):
    text = capture_text("err_bad_shape") + capture_text("err_corrupt_onnx")
    log = trtlog.parse(text.encode())
    with pytest.raises(QueryError, match=r"holds 2 runs; ask one of them: log.runs\[0\] ... log.runs\[1\]"):
        trtlog.diff(log, log)
    found = trtlog.diff(log.runs[0], log.runs[1])
    assert len([note for note in found.notes if "failed" in note]) == 2


def test_a_failed_run_is_named_with_its_cause(diff_of):
    found = diff_of(FP32, "err_corrupt_onnx")
    assert any(note.startswith("the test run failed: ") for note in found.notes)
    assert any("no layers in test" in note for note in found.notes)
    assert found.rows("layers") == []
    assert "performance is not compared" in found.to_markdown()


def test_logs_without_layers_compare_performance(diff_of):
    found = diff_of("sweep_r50_fp32_b1", "sweep_r50_best_b1")
    assert found.rows("layers") == []
    assert any("--verbose" in note for note in found.notes)
    assert {r["key"] for r in found.rows("options") if r["category"] == "added"} >= {"--best"}


def test_different_shapes_are_not_compared(capture, capture_text):
    text = capture_text("sweep_r50_fp32_b8").replace("8x3x224x224", "8x3x256x256")
    found = trtlog.diff(capture("sweep_r50_fp32_b8"), trtlog.parse(text.encode()))
    assert any("other input shapes" in note for note in found.notes)
    assert {r["verdict"] for r in found.rows("performance")} == {None}


def test_a_log_without_rewrites_does_not_gain_fusions(diff_of):
    found = diff_of("resnet50_load_profile", FP16)
    assert found.rows("fusions") == []
    assert found.layer_time_source == "profile"


@pytest.mark.parametrize("control", ["rtx_err_flag", "rtxpy_bert_tiny", "unet_smallws_verbose", "lstm_verbose", FP16])
@pytest.mark.parametrize("test", ["rtx_resnet50_verbose", "err_dla", "resnet50_load_profile"])
def test_any_two_logs_give_an_answer(diff_of, control, test):
    found = diff_of(control, test)
    json.loads(found.to_json(unchanged=True))
    assert found.to_markdown().startswith("## trtlog diff")
    assert "<table " in found._repr_html_()


# ------------------------------------------------------------------------------- output
def test_json_is_strict_and_complete(diff_of):
    document = json.loads(diff_of(FP32, AGAIN).to_json(), parse_constant=pytest.fail)
    assert document["schema"] == "trtlog.diff/1"
    assert len(document["tables"]["layers"]) == 17
    assert len(json.loads(diff_of(FP32, AGAIN).to_json(unchanged=True))["tables"]["layers"]) == 153


def test_tables_have_the_documented_columns(diff_of):
    from trtlog.analyses.compare.schema import DIFF_TABLES

    found = diff_of(FP32, AGAIN)
    for name, record in each(DIFF_TABLES.items()):
        table = found.table(name)
        assert table.column_names == list(record.columns())
        assert all(field.metadata[b"doc"] for field in each(table.schema))
        assert list(getattr(found, name).columns) == table.column_names
    with pytest.raises(QueryError, match="no table 'nothing'"):
        found.table("nothing")


def test_secrets_of_the_command_line_are_not_printed(capture, capture_text, tmp_path):
    text = capture_text(FP32).replace(
        "--saveEngine=demo.engine", "--saveEngine=ssh://me:s3cret@host/x --token=abcdef99"
    )
    log = tmp_path / "secrets.log"
    log.write_text(text)
    found = trtlog.diff(capture(FP32), trtlog.parse(log))
    terminal = CliRunner().invoke(cli, ["diff", str(FIXTURES / f"trt-8.5.3-h200/{FP32}.log.gz"), str(log)])
    markdown = found.to_markdown().replace("\\*", "*")
    for out in each((terminal.output, markdown, found.to_json(), found.to_json(unchanged=True), found._repr_html_())):
        assert "s3cret" not in out
        assert "abcdef99" not in out
        assert "ssh://***@host/x" in out
        assert "--token" in out


def test_html_and_markdown_escape_names(capture, capture_text):
    text = capture_text("err_bad_flag").replace("--noSuchFlag", "--<img src=x>|`")
    found = trtlog.diff(capture("err_bad_flag"), trtlog.parse(text.encode()))
    assert "<img" not in found._repr_html_()
    assert "<img" not in found.to_markdown()


def test_memory_has_a_verdict_and_says_what_is_behind_it(diff_of):
    """Two builds of one network. Logs: Total Activation Memory: 2064384 and 2654208; peak GPU 5 MiB in both."""
    rows = {row["name"]: row for row in diff_of("build_0", "build_4").rows("memory")}
    more = rows["activation"]
    assert (more["verdict"], more["change_percent"]) == ("more", pytest.approx(28.571, abs=0.001))
    assert more["reason"].startswith("exact; it follows from tactics, formats and fusions, which differ in ")
    assert rows["peak_gpu"]["verdict"] == rows["scratch"]["verdict"] == "same"
    assert rows["highest_gpu_in_use"]["verdict"] is None
    runs = {row["name"]: row["verdict"] for row in diff_of("load_0", "load_2").rows("memory")}
    assert set(runs.values()) == {"same"}


def test_totals_of_time_say_why_they_have_no_verdict(diff_of):
    rows = {row["metric"]: row for row in diff_of("load_0", "load_2").rows("performance") if row["unit"] == "s"}
    assert set(rows) == {"total_host_walltime", "total_gpu_compute_time"}
    assert {row["verdict"] for row in rows.values()} == {None}
    assert rows["total_gpu_compute_time"]["control"] == 0.944079
    assert rows["total_gpu_compute_time"]["reason"].startswith("set by --duration")


# ------------------------------------------------------------------------------- what is said first
def test_another_batch_is_not_called_faster(diff_of):
    found = diff_of("sweep_r50_fp32_b1", "sweep_r50_fp32_b8")
    rows = {(r["metric"], r["stat"]): r for r in found.rows("performance")}
    assert {r["verdict"] for (metric, _), r in rows.items() if metric != "samples"} == {None}
    text = found.to_markdown()
    headline = text.partition("### ")[0]
    assert "no verdict on the engine" in headline
    assert "1506 -> 6964 samples/s (+362.5%)" in headline
    for word in ("faster", "slower"):
        assert word not in text


def test_options_that_make_another_engine_come_before_files(capture_text):
    text = capture_text("sweep_r50_fp32_b8")
    other = text.replace("--duration=2", "--duration=2 --saveEngine=b.engine --fp16 --exportTimes=b.json")
    other = other.replace("[I] Precision: FP32", "[I] Precision: FP32+FP16")
    other = other.replace("Save engine: ", "Save engine: b.engine")
    found = trtlog.diff(trtlog.parse(text.encode()), trtlog.parse(other.encode()))
    keys = [r["key"] for r in found.rows("options") if r["category"] != "unchanged"]
    assert set(keys[:2]) == {"--fp16", "Precision"}
    assert set(keys[2:]) == {"--saveEngine", "--exportTimes", "Save engine"}


def test_what_a_build_turned_into_a_noop_takes_no_time_there(capture, capture_text, diff_of):
    """Both sums are the totals that the logs print: what build 0 copies, build 1 only names anew."""
    found = diff_of("build_0", "build_1")
    for side, name in each([("control", "build_0"), ("test", "build_1")]):
        printed = re.search(r"\[I\] +Total +[0-9.]+ +([0-9.]+) ", capture_text(name))
        whole = sum(row[f"{side}_ms"] for row in found.rows("attribution"))
        assert whole == pytest.approx(float(printed[1]), abs=1e-4)
    copied = "Reformatting CopyNode for Input Tensor 0 to reshape_after_/fc/Gemm"
    [row] = [row for row in found.rows("layers") if row["control_layer"] == copied]
    assert (row["control_type"], row["test_type"], row["test_ms"]) == ("Reformat", "NoOp", 0.0)
    assert row["delta_ms"] == -row["control_ms"]
    assert copied not in {row["layer"] for row in found.rows("tactics")}


def test_layers_with_a_time_in_one_build_only_are_told_beside_the_sum(capture_text):
    """One row of the test's profile is cut out: the sums are without its layer, and say so."""
    text = capture_text("build_0")
    cut = re.sub(r"\n[^\n]*\[I\] +/stem/MaxPool +[^\n]*", "", text)
    assert cut.count("\n") == text.count("\n") - 1
    lines = [
        plain(words)
        for point in diff_document.headline(trtlog.diff(trtlog.parse(text.encode()), trtlog.parse(cut.encode())))
        for words in (point.words, *point.under)
    ]
    assert "without 1 layer that has a time in one build only (0.005283 ms of control)" in lines
