"""Many runs side by side: ranks against the logs' own text, verdicts against a diff of the same two logs."""

from __future__ import annotations

import gzip
import json
import re

import pytest

import trtlog
from tests.conftest import CORPUS, FIXTURES, each
from tests.diff.conftest import CAPTURES, REPEATS, compared, load, text_of
from tests.diff.test_cli import run
from trtlog.analyses.compare.ranking import _notes

SWEEP = [f"sweep_r50_{name}_b{batch}" for batch in (1, 8, 32, 128) for name in ("fp32", "best")]


def changed(name: str, factor: float, tmp_path, source: str = "changed.log"):
    """Return the log with each time and rate of its summary as of a machine ``factor`` times slower."""
    text = text_of(name)

    def slower(found: re.Match[str]) -> str:
        return f"{found[1]}{float(found[2]) * factor:.6g}"

    text = re.sub(r"((?:min|max|mean|median|percentile\([0-9.]+%\)) = )([0-9.]+)(?= ms)", slower, text)
    text = re.sub(r"(Throughput: )([0-9.]+)", lambda m: f"{m[1]}{float(m[2]) / factor:.6g}", text)
    (tmp_path / source).write_text(text)
    return tmp_path / source


def name_of(row) -> str:
    return row["source"].rpartition("/")[2].removesuffix(".log.gz")


@pytest.fixture(scope="module")
def sweep():
    return trtlog.compare([load(name) for name in SWEEP])


def test_ranks_are_those_of_the_text(sweep):
    medians = {
        name: float(re.search(r"GPU Compute Time: .* median = (\S+) ms", text_of(name))[1]) for name in SWEEP
    }
    assert {name_of(row): row["gpu_compute_median_ms"] for row in sweep.rows} == medians
    for rows in each(sweep.groups()):
        times = [medians[name_of(row)] for row in rows]
        assert times == sorted(times)
        assert [row["rank"] for row in rows] == [1, 2]
        assert len({row["batch"] for row in rows}) == 1, "batch sizes are not mixed"


def test_groups_come_in_the_order_of_numbers(sweep):
    assert [rows[0]["batch"] for rows in sweep.groups()] == [1, 8, 32, 128]


def test_verdicts_are_those_of_a_diff(sweep):
    for rows in each(sweep.groups()):
        best, other = rows
        found = compared(name_of(best), name_of(other)).performance
        [row] = found[(found.metric == "gpu_compute_time") & (found.stat == "median")].to_dict("records")
        assert best["verdict"] == "best"
        assert other["verdict"] == row["verdict"]
        assert other["change_percent"] == pytest.approx(row["change_percent"])
        assert other["limit_percent"] == pytest.approx(row["limit_percent"])


def test_batches_in_one_group_are_compared_by_the_sample():
    found = trtlog.compare([load(name) for name in SWEEP], by=["model"], metric="throughput")
    [rows] = found.groups()
    rates = {
        name: float(re.search(r"Throughput: (\S+) qps", text_of(name))[1]) * int(name.rpartition("b")[2])
        for name in SWEEP
    }
    assert [name_of(row) for row in rows] == sorted(rates, key=rates.__getitem__, reverse=True)
    assert [row["ranked_by"] for row in rows] == pytest.approx(sorted(rates.values(), reverse=True))
    batch8 = next(row for row in rows if name_of(row) == "sweep_r50_fp32_b8")
    assert batch8["change_percent"] == pytest.approx(100 * (rates["sweep_r50_fp32_b8"] / max(rates.values()) - 1))


def test_a_regression_is_one_and_noise_is_none(tmp_path):
    """Graph runs of one engine differ by less than 1 %; one that is slower by 20 % is a regression."""
    same = [load(f"graph_{n}") for n in range(1, 4)]
    slow = changed("graph_1", 1.2, tmp_path)
    found = trtlog.compare([*same, slow], baseline=load("graph_0"))
    [worse] = found.regressions
    assert worse["source"] == str(slow)
    assert worse["change_percent"] == pytest.approx(100 * (0.0898438 * 1.2 / 0.0898438 - 1), abs=0.2)
    verdicts = {name_of(row): row["verdict"] for row in found.rows}
    assert verdicts["graph_0"] == "baseline"
    assert {verdicts[f"graph_{n}"] for n in range(1, 4)} == {"same"}
    assert "1 regression" in repr(found)
    assert trtlog.compare([*same, slow]).regressions == [], "without a baseline nothing is a regression"


def test_a_baseline_by_condition_is_of_the_same_work():
    found = trtlog.compare([load(name) for name in SWEEP], baseline="precision=FP32")
    for row in each(found.rows):
        name = name_of(row)
        if "fp32" in name:
            assert row["verdict"] == "baseline"
        else:
            assert row["reference"].endswith(f"{name.replace('best', 'fp32')}.log.gz")
            assert row["differs"] == "precision"


def test_other_work_and_failed_runs_get_no_verdict():
    lstm = load("lstm_verbose")
    found = trtlog.compare([load("sweep_r50_fp32_b8"), load("err_dla"), lstm], baseline=lstm)
    rows = {name_of(row): row for row in found.rows}
    assert rows["sweep_r50_fp32_b8"]["verdict"] is None
    assert "no run of this model" in rows["sweep_r50_fp32_b8"]["reason"]
    assert (rows["err_dla"]["rank"], rows["err_dla"]["status"]) == (None, "failed")
    assert "DLA" in rows["err_dla"]["cause"]
    assert found.rows[-1] is rows["err_dla"], "what was not measured comes last"
    mixed = trtlog.compare([load("sweep_r50_fp32_b8"), load("lstm_verbose")], by=["gpu"])
    assert [row["reason"] for row in mixed.rows] == [None, "another model: no verdict"]


def test_a_run_alone_is_the_best_of_nothing():
    names = ("lstm_verbose", "err_dla", "sweep_r50_fp32_b8", "sweep_r50_best_b8")
    found = trtlog.compare([load(name) for name in names])
    rows = {name_of(row): row for row in found.rows}
    assert (rows["lstm_verbose"]["rank"], rows["lstm_verbose"]["verdict"]) == (1, None)
    assert rows["lstm_verbose"]["reason"] == "the only measured run of its group"
    assert rows["sweep_r50_best_b8"]["verdict"] == "best"
    text = found.to_markdown()
    assert text.count("best |") == 1, text
    beside_failed = trtlog.compare([load("lstm_verbose"), load("err_dla")], by=["gpu"])
    assert [row["verdict"] for row in beside_failed.rows] == [None, None], "a failed run is nothing to be better than"


def test_two_paths_of_one_model_are_one_name(tmp_path):
    text = text_of("lstm_verbose")
    assert "--onnx=lstm.onnx" in text
    (tmp_path / "other.log").write_text(re.sub(r"(?<![\w/])lstm\.onnx", "/models/lstm.onnx", text))
    found = trtlog.compare([load("lstm_verbose"), tmp_path / "other.log"])
    assert {row["model"] for row in found.rows} == {"lstm.onnx", "/models/lstm.onnx"}
    first = next(line for line in found.to_markdown().splitlines() if "lstm.onnx" in line)
    assert "input:1x32x64, FP32" in first, "what they have in common is the title"


@pytest.mark.skipif(not CORPUS.exists(), reason="needs logs of others")
def test_help_text_in_a_folder_is_no_run(tmp_path):
    (tmp_path / "help.txt").write_bytes((CORPUS / "10.16.0" / "help-trtexec.txt").read_bytes())
    (tmp_path / "lstm.log").write_text(text_of("lstm_verbose"))
    done = run("compare", tmp_path)
    assert "compared: 1 run in 1 group" in done.stdout
    assert "help.txt is trtexec's help text: nothing was run" in done.stderr


def test_a_baseline_among_the_runs_is_one_run_by_any_name(tmp_path, monkeypatch):
    """A glob gives absolute paths, a user types relative ones; a link is the file as well."""
    monkeypatch.chdir(REPEATS)
    (tmp_path / "nightly.log.gz").symlink_to(REPEATS / "graph_0.log.gz")
    for name in each(["graph_0.log.gz", str(REPEATS / "graph_0.log.gz"), str(tmp_path / "nightly.log.gz")]):
        found = trtlog.compare([str(REPEATS / "graph_0.log.gz"), str(REPEATS / "graph_1.log.gz")], baseline=name)
        assert sorted((name_of(row), row["verdict"]) for row in found.rows) == [
            ("graph_0", "baseline"), ("graph_1", "same")
        ]  # fmt: skip


def test_a_dataset_is_compared_as_its_logs(tmp_path, sweep):
    trtlog.to_dataset(str(CAPTURES / "sweep_r50_*.log.gz"), tmp_path / "fleet")
    found = trtlog.compare(trtlog.open_dataset(tmp_path / "fleet"))
    names = ("rank", "verdict", "batch", "precision", "change_percent", "limit_percent")
    assert [[row[n] for n in names] for row in found.rows] == [[row[n] for n in names] for row in sweep.rows]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"by": ["modle"]}, r"'modle' \(did you mean model\?\)"),
        ({"metric": "latncy"}, r"'latncy' \(did you mean latency\?\)"),
        ({"baseline": "version=9.9.9"}, "no run has tensorrt_version 9.9.9.*8.5.3"),
        ({"baseline": "versoin=8.5.3"}, r"no 'versoin' to choose"),
    ],
)
def test_mistakes_are_said(options, reason):
    with pytest.raises(trtlog.QueryError, match=reason):
        trtlog.compare([load("lstm_verbose")], **options)


def test_every_form_says_the_same(tmp_path, sweep):
    logs = CAPTURES / "sweep_r50_*.log.gz"
    page, picture = tmp_path / "page.html", tmp_path / "plot.html"
    text = run("compare", logs, "--html", page, "--plot", picture)
    assert text.returncode == 0
    assert "no regression" not in text.stdout, "nobody asked about one"
    shown = json.loads(run("compare", logs, "--format", "json").stdout)
    assert [row["verdict"] for row in shown["runs"]] == [row["verdict"] for row in sweep.rows]
    for form in (text.stdout, run("compare", logs, "--format", "md").stdout, page.read_text(), sweep._repr_html_()):
        for name in each(SWEEP):
            assert name in form
    assert "sweep_r50_best_b128" in picture.read_text()


def test_regressions_end_with_exit_code_1(tmp_path):
    slow = changed("graph_1", 1.2, tmp_path)
    base = REPEATS / "graph_0.log.gz"
    done = run("compare", slow, REPEATS / "graph_2.log.gz", "--baseline", base, "--regressions")
    assert done.returncode == 1
    assert "changed.log +20.0%" in " ".join(done.stdout.split())
    assert "graph_2" not in done.stdout
    assert run("compare", REPEATS / "graph_2.log.gz", "--baseline", base, "--regressions").returncode == 0
    assert "needs --baseline" in run("compare", slow, "--regressions").stderr


def test_what_was_judged_is_told_of_all_runs_though_only_regressions_are_shown(tmp_path):
    slow = changed("graph_1", 1.2, tmp_path)
    base, same = REPEATS / "graph_0.log.gz", REPEATS / "graph_2.log.gz"
    page = tmp_path / "page.html"
    done = run("compare", same, "--baseline", base, "--regressions", "--html", page)
    for answer in (done.stdout, run("compare", same, "--baseline", base, "--regressions", "--format", "md").stdout):
        assert "none of 1 judged of 2 runs in 1 group" in answer
    assert "none of 1 judged of 2 runs in 1 group" in page.read_text()
    assert "2 runs compared" in page.read_text()
    done = run("compare", slow, same, "--baseline", base, "--regressions")
    assert "1 regression: changed.log +20.0%; 3 runs in 1 group" in " ".join(done.stdout.split())


def implicit(batch, tmp_path):
    """Write a log as TensorRT 7 and 8 print one of an implicit batch: no shapes; the throughput counts samples."""
    text = gzip.decompress((FIXTURES / "trt-8.5.3-h200/sweep_r50_best_b8.log.gz").read_bytes()).decode()
    text = re.sub(r".*Input (?:build|inference) shape.*\n", "", text.replace("Batch: Explicit", f"Batch: {batch}"))
    path = tmp_path / f"batch_{batch}.log"
    path.write_text(text.replace("--shapes=input:8x3x224x224", f"--batch={batch}"))
    return path


def test_implicit_batches_are_compared_by_the_sample(tmp_path):
    """The same times for 8 times as many samples; the same samples in a second."""
    one, eight = (implicit(batch, tmp_path) for batch in (1, 8))
    gpu = float(re.search(r"GPU Compute Time: .*?median = (\S+) ms", one.read_text())[1])
    rate = float(re.search(r"Throughput: (\S+) qps", one.read_text())[1])
    best, worse = trtlog.compare([one, eight]).rows
    assert (best["batch"], best["ranked_by"], best["verdict"]) == (8, pytest.approx(gpu / 8), "best")
    assert (worse["batch"], worse["ranked_by"], worse["verdict"]) == (1, gpu, "slower")
    assert worse["change_percent"] == pytest.approx(700)
    rows = trtlog.compare([one, eight], metric="throughput").rows
    assert [(row["ranked_by"], row["change_percent"]) for row in rows] == [(rate, None), (rate, pytest.approx(0))]
    rows = trtlog.compare([eight], baseline=[one]).rows
    assert [row["verdict"] for row in rows] == [None, "baseline"], "another batch is another work"
    found = trtlog.diff(one, eight)
    [samples] = [row for row in found.rows("performance") if row["metric"] == "samples"]
    assert (samples["control"], samples["test"], samples["verdict"]) == (rate, rate, "same")
    assert {row["verdict"] for row in found.rows("performance") if row["metric"] != "samples"} == {None}
    assert any("other batches (batch 1 in control, batch 8 in test): 'samples' is the" in one for one in found.notes)


def test_an_implicit_batch_against_an_equal_explicit_one(tmp_path):
    """The one throughput counts samples, the other queries of eight: as printed they differ eightfold."""
    explicit = FIXTURES / "trt-8.5.3-h200/sweep_r50_best_b8.log.gz"
    rate = trtlog.parse(explicit).performance.throughput_qps
    for logs, counts, sides in (
        ((explicit, implicit(8, tmp_path)), "queries in control and samples in test", (rate * 8, rate)),
        ((implicit(8, tmp_path), explicit), "samples in control and queries in test", (rate, rate * 8)),
    ):
        found = trtlog.diff(*logs)
        rows = {row["metric"]: row for row in found.rows("performance") if row["stat"] in ("value", "median")}
        assert (rows["samples"]["control"], rows["samples"]["test"]) == pytest.approx(sides)
        assert rows["throughput"]["change_percent"] is rows["throughput"]["verdict"] is None
        assert rows["throughput"]["reason"] == f"the throughput counts {counts}"
        assert rows["latency"]["verdict"] == rows["gpu_compute_time"]["verdict"] == "same"
        assert any(f"{counts}, of batches of 8: 'samples'" in note for note in found.notes)
        shown = run("diff", *logs).stdout
        assert f"samples: {sides[0]:.0f} -> {sides[1]:.0f} 1/s" in shown
        assert "the batch changed" not in shown


def test_an_implicit_batch_against_an_unknown_one(tmp_path):
    explicit = implicit(8, tmp_path).read_text().replace("Batch: 8", "Batch: Explicit").replace("--batch=8", "")
    found = trtlog.diff(trtlog.parse(explicit.encode()), implicit(8, tmp_path))
    rows = {row["metric"]: row for row in found.rows("performance") if row["stat"] in ("value", "median")}
    assert "samples" not in rows
    assert rows["throughput"]["change_percent"] is rows["throughput"]["verdict"] is None
    assert any("a log does not tell its batch: not compared" in note for note in found.notes)


def test_a_wide_noise_is_told_without_a_power_of_ten():
    row = {"verdict": "same", "change_percent": 5.0, "limit_percent": 180.0, "cuda_graph": False, "differs": None}
    [note] = _notes([row], has_baseline=False)
    assert "within noise (up to a factor of 2.8): repeat" in note


def test_a_batch_of_0_scales_nothing():
    logs = []
    for batch in (0, 1, 8):
        text = gzip.decompress((FIXTURES / "trt-8.5.3-h200/sweep_r50_best_b8.log.gz").read_bytes())
        text = text.replace(b"Batch: Explicit", b"Batch: %d" % batch).replace(b"8x3x224x224", b"%dx3x224x224" % batch)
        logs.append(trtlog.parse(text))
    found = trtlog.compare(logs, by=["model"])
    assert sorted(row["batch"] for row in found.table.to_pylist()) == [0, 1, 8]


def test_a_summary_without_the_figure_is_not_said_to_be_missing():
    """An excerpt may hold throughput and latency alone: what is missing is the GPU's time."""
    text = (
        "[I] === Performance summary ===\n[I] Throughput: 1000 qps\n"
        "[I] Latency: min = 1 ms, max = 1 ms, mean = 1 ms, median = 1 ms, percentile(99%) = 1 ms\n"
    )
    log = trtlog.parse(text.encode())
    reasons = [row["reason"] for row in trtlog.compare([log, log]).rows]
    assert reasons == ["the performance summary has no GPU compute time"] * 2
    less = trtlog.parse(text.replace(", percentile(99%) = 1 ms", "").encode())
    reasons = [row["reason"] for row in trtlog.compare([less, less], metric="p99").rows]
    assert reasons == ["the performance summary has no p99 latency"] * 2
