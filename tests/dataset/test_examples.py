"""The shipped queries, each against figures counted here from the logs' text; readers that are not trtlog."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections import Counter, defaultdict

import duckdb
import pandas as pd
import pyarrow.dataset as pads
import pytest

import trtlog
from tests.conftest import CORPUS, FIXTURES, ROOT, each
from tests.dataset.conftest import globbed
from trtlog.records import TABLES

EXAMPLES = ROOT / "docs" / "examples"
LOGS = sorted(FIXTURES.rglob("*.log.gz"))


@pytest.fixture(scope="module")
def dataset(whole):
    return whole[0]


def asked(dataset, name):
    return trtlog.open_dataset(dataset).sql((EXAMPLES / f"{name}.sql").read_text())


def text_of(path):
    return gzip.decompress(path.read_bytes()).decode("utf-8", "replace")


def test_winners_of_3x3_convolutions(dataset):
    """From the text: Conv nodes with weights of 3 x 3, and the lines that choose a tactic for a layer made of them."""
    wanted = set()
    for path in LOGS:
        nodes, layer, times = set(), "", {}
        for line in text_of(path).splitlines():
            if found := re.search(r"\] (\S+) \[Conv\] inputs: (.*)", line):
                weights = re.findall(r"-> \(([^)]*)\)", found[2])
                if len(weights) > 1 and re.fullmatch(r"[0-9]+, [0-9]+, 3, 3", weights[1]):
                    nodes.add(found[1])
            elif found := re.search(r"-{15} Timing Runner: (.*) \((\w+)\)$", line):
                layer = found[1]
            elif found := re.search(r"Tactic: (0x[0-9a-f]+) Time: (\S+)$", line):
                times[found[1]] = float(found[2])
            elif found := re.search(r"Chose Runner Type: \w+ Tactic: (0x[0-9a-f]+)", line):
                won = nodes & set(layer.split(" + ")) and found[1] in times
                wanted |= {(path, layer, found[1], times[found[1]])} if won else set()
    answer = asked(dataset, "winners_3x3")
    assert set(answer.compute_capability) == {"9.0"}
    assert answer.layers.sum() == len(wanted) > 100
    total = sum(time for *_, time in wanted)
    assert (answer.layers * answer.mean_ms).sum() == pytest.approx(total, abs=1e-6 * len(wanted))


def test_latency_by_version(dataset):
    best, runs = {}, Counter()
    for path in LOGS:
        text = text_of(path)
        found = re.search(r"\[I\] Latency: min = \S+ ms, max = \S+ ms, mean = (\S+) ms", text)
        if not found or "&&&& PASSED" not in text:
            continue
        model = re.search(r"\] \[I\] Model: (\S*)", text)
        engine = re.search(r"\] \[I\] Load engine: (\S*)", text)
        version = re.search(r"TensorRT version: (\S+)", text)
        precision = re.search(r"\] \[I\] Precision: (.*)", text)[1]
        if not (model and model[1]):  # what is printed is a default; the layers say what the engine is
            precision = "FP16" if re.search(r"Format/Datatype: [^,]*FP16", text) else None
        name = (model[1] if model and model[1] else engine[1]).rpartition("/")[2]
        shape = ", ".join(re.findall(r"\] \[I\] Input inference shapes?: ?(.*)", text))
        graph = re.search(r"\] \[I\] CUDA Graph: (.*)", text)
        key = (name, shape, precision, graph[1], version[1])
        best[key] = min(best.get(key, 1e9), float(found[1]))
        runs[key] += 1
    answer = asked(dataset, "latency_by_version")
    names = ("model_file", "shape", "precision", "cuda_graph", "tensorrt_version")
    rows = answer.astype(object).where(answer.notna(), None).itertuples()
    found = {tuple(getattr(r, name) for name in names): (r.best_ms, r.runs) for r in rows}
    assert {key: (best[key], runs[key]) for key in best} == found


def test_regressions(tmp_path):
    """Three builds with one command; the third is slower by 12 %. Another GPU, and other outputs, are as they are."""
    source = text_of(FIXTURES / "trt-8.5.3-h200" / "sweep_r50_fp32_b8.log.gz")
    mean = re.search(r"GPU Compute Time: .* mean = (\S+) ms", source)[1]
    for day, (factor, gpu) in enumerate([(1.0, "H200"), (1.01, "H200"), (1.12, "H200"), (2.0, "L4"), (1.13, "H200")]):
        text = source.replace("[11/22/2026", f"[11/{day + 1:02d}/2026").replace("NVIDIA H200", f"NVIDIA {gpu}")
        text = re.sub(rf"(GPU Compute Time: .* mean = ){mean}", rf"\g<1>{float(mean) * factor:.6f}", text)
        text = re.sub(r"--exportTimes=\S+", f"--exportTimes=build{day}.json", text)
        (tmp_path / f"build{day}.log").write_text(text)
    trtlog.to_dataset(tmp_path / "build*.log", tmp_path / "dataset")
    answer = asked(tmp_path / "dataset", "regressions")
    names = [(os.path.basename(r.before_source), os.path.basename(r.source)) for r in answer.itertuples()]
    assert names == [("build1.log", "build2.log")]
    assert answer.slower_percent.tolist() == [round(100 * (1.12 / 1.01 - 1), 1)]


def test_errors(dataset):
    logs, lines = defaultdict(set), Counter()
    for path in LOGS:
        for line in text_of(path).splitlines():
            steps = "Parsing model failed|Building engine failed|Engine set up failed"
            found = re.match(rf"^\[[^]]*\] \[[EF]\] ({steps})$", line)
            if found:
                lines[found[1]] += 1
                logs[found[1]].add(path)
    answer = asked(dataset, "errors").set_index("message")
    for message, count in each(lines.items()):
        assert (answer.loc[message].messages, answer.loc[message].logs) == (count, len(logs[message]))
    assert len(lines) == 3
    assert answer.first_in_logs.is_monotonic_decreasing
    # Steps that failed follow from other errors: they rank below each error that comes first in a log.
    assert set(answer.loc[list(lines)].first_in_logs) == {0}
    failing = re.compile(r"\] \[E\] |^Could not load library", re.MULTILINE)
    assert answer.first_in_logs.sum() == sum(1 for path in LOGS if failing.search(text_of(path)))


def test_the_page_names_all_columns_of_the_catalogue():
    from trtlog.dataset.catalogue import CatalogueRow

    page = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    table = page.partition("<!-- catalogue: begin -->\n")[2].partition("<!-- catalogue: end -->")[0]
    rows = [f"| {name} | {about.type} | {about.unit} | {about.doc} |" for name, about in CatalogueRow.columns().items()]
    assert table.splitlines() == ["| column | type | unit | meaning |", "|---|---|---|---|", *rows]


# ------------------------------------------------------------------ other readers
@pytest.fixture(scope="module")
def wanted(dataset):
    rows = trtlog.open_dataset(dataset).table("tactics").to_pylist()
    return len(rows), sum(row["time_ms"] for row in rows), Counter((r["tensorrt_version"], r["gpu"]) for r in rows)


def test_duckdb(dataset, wanted):
    [(rows, total)] = globbed(dataset, "tactics", "count(*), sum(time_ms)")
    assert (rows, round(total, 6)) == (wanted[0], round(wanted[1], 6))
    found = duckdb.sql(f"select tensorrt_version, gpu, count(*) from '{dataset}/tactics/**/*.parquet' group by all")
    assert Counter({(v, g): n for v, g, n in found.fetchall()}) == wanted[2]


def test_pandas(dataset, wanted):
    def read(name):
        return pd.read_parquet(dataset / name, partitioning=pads.partitioning(flavor="hive"))

    frame = read("tactics")
    assert len(frame) == wanted[0]
    assert frame.time_ms.sum() == pytest.approx(wanted[1])
    runs, catalogue = read("runs"), pd.read_parquet(dataset / "catalogue")
    assert 0 < runs.gpu.isna().sum() == catalogue.gpu.isna().sum(), "a run that does not tell its GPU has null"
    for name in each(TABLES):
        assert "tensorrt_version" in read(name).columns


def test_polars(dataset, wanted):
    polars = pytest.importorskip("polars")
    frame = polars.scan_parquet(f"{dataset}/tactics/**/*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
    counted = frame.group_by("tensorrt_version", "gpu").agg(polars.len(), polars.col("time_ms").sum()).collect()
    assert Counter({(v, g): n for v, g, n, _ in counted.rows()}) == wanted[2]
    assert counted["time_ms"].sum() == pytest.approx(wanted[1])
    for name in each(TABLES):
        assert "log" in polars.read_parquet(f"{dataset}/{name}/", try_parse_hive_dates=False).columns


def test_spark(dataset, wanted):
    """Spark needs Java and is no small package: where both are installed, it reads the folders."""
    pyspark = pytest.importorskip("pyspark")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java")
    session = pyspark.sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        counted = session.read.parquet(f"{dataset}/tactics").groupBy("tensorrt_version", "gpu").count().collect()
        assert Counter({(v, g): n for v, g, n in counted}) == wanted[2]
        for name in each(TABLES):
            assert session.read.parquet(f"{dataset}/{name}").count() == globbed(dataset, name, "count(*)")[0][0]
    finally:
        session.stop()


# ------------------------------------------------------------------ all real logs
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the third-party logs are not beside this checkout")
# Folders that have rows of nearly every table and files that are no logs; all of them where time is no matter.
@pytest.mark.parametrize(("first", "share"), [pytest.param(0, 1, marks=pytest.mark.slow), (2, 9)])
def test_all_real_logs_as_one_dataset(first, share, tmp_path):
    """Rows of each table are the sum over single logs; a log that is there twice counts once; errors are told."""
    folders = sorted(p for p in [*CORPUS.iterdir(), *(CORPUS.parent / "captures").iterdir()] if p.is_dir())
    folders = folders[first::share]
    done = trtlog.to_dataset(folders, tmp_path / "dataset")
    assert done.failed == []
    wanted, seen = Counter(), set()
    parsed = 0
    skipped = dict(done.skipped)
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if not path.is_file() or str(path) in skipped or path.name.endswith((".json", ".json.gz")):
            continue
        if path.read_bytes() in seen:
            continue
        seen.add(path.read_bytes())
        log = trtlog.parse(path)
        parsed += 1
        wanted.update({name: log.table(name).num_rows for name in TABLES})
    opened = trtlog.open_dataset(tmp_path / "dataset")
    assert len(opened) == parsed == len(done.converted) > 200 // (2 * share)
    for name in each(TABLES):
        assert opened.sql(f"select count(*) n from {name}").n.tolist() == [wanted[name]], name
        assert globbed(tmp_path / "dataset", name, "count(*)") == [(wanted[name],)], name
    assert sum(map(bool, wanted.values())) > 25
    # an export is read by itself when asked for, and is no log of a dataset
    skipped = [(path, reason) for path, reason in done.skipped if not path.endswith((".json", ".json.gz"))]
    for path, reason in each(skipped):
        if "help text" in reason:
            assert trtlog.parse(path).coverage.set_index("kind").lines["usage"] > 50
        else:
            with pytest.raises(trtlog.NoLogError):
                trtlog.parse(path)
