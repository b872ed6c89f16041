"""The page as text: escaped, redacted, small, in need of nothing else; its numbers are the tables'."""

from __future__ import annotations

import gzip
import json
import re
from html.parser import HTMLParser
from io import StringIO

import pyarrow as pa
import pytest
from rich.console import Console

import trtlog
from tests.conftest import FIXTURES, each
from tests.report.conftest import EVIL, REPORTED, SECRETS
from trtlog.report.documents import report as document_module
from trtlog.report.documents.report import report as report_document
from trtlog.report.markdown import to_markdown
from trtlog.report.page.data import embed, table_json
from trtlog.report.page.page import LARGEST_BYTES, asset, report
from trtlog.report.page.writer import PageWriter
from trtlog.report.terminal.writer import render

SECTIONS = [
    "findings",
    "performance",
    "layers",
    "precision",
    "tactics",
    "formats",
    "graph",
    "build",
    "memory",
    "messages",
    "provenance",
]


class Elements(HTMLParser):
    """Counts elements as a browser's parser would."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.data = ""
        self.inside = False

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        self.inside = ("id", "data") in attrs

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.data += data


def read(text: str) -> tuple[Elements, dict]:
    elements = Elements()
    elements.feed(text)
    return elements, json.loads(elements.data)


def column(data: dict, table: str, name: str) -> list:
    shown = data["runs"][0]["tables"][table]
    place = [c["name"] for c in shown["columns"]].index(name)
    values = shown["data"][place]
    if isinstance(values, dict):
        return [None if i < 0 else values["words"][i] for i in values["index"]]
    return values


@pytest.mark.parametrize("name", REPORTED)
def test_every_section_is_there_and_says_something(logs, name):
    _, data = read(report(logs(name)))
    [run] = data["runs"]
    assert [section["id"] for section in run["sections"]] == SECTIONS
    for section in each(run["sections"]):
        assert section["blocks"], f"{section['id']} is empty"
    blocks = [block for section in run["sections"] for block in section["blocks"]]
    assert {block["table"] for block in each(block for block in blocks if "table" in block)} <= set(run["tables"])


@pytest.mark.parametrize(
    ("name", "section", "words"),
    [
        ("failed", "performance", "The run did not finish"),
        ("failed", "tactics", "--verbose, in a run that ends"),
        ("aborted", "layers", "--dumpProfile"),
        ("not_verbose", "tactics", "--verbose"),
        ("not_verbose", "graph", "--verbose"),
        ("not_verbose", "layers", "--dumpLayerInfo --profilingVerbosity=detailed"),
        ("rtx", "performance", "The performance summary is trtexec's own"),
    ],
)
def test_missing_parts_name_the_flag(logs, name, section, words):
    _, data = read(report(logs(name)))
    [found] = [s for s in data["runs"][0]["sections"] if s["id"] == section]
    assert any(words in block["text"] for block in found["blocks"] if block["kind"] == "note")


def test_numbers_are_those_of_the_tables(logs):
    log = logs("detailed")
    _, data = read(report(log))
    for table, name, column_name in (
        ("memory", "memory", "gpu_mib"),
        ("performance", "performance", "value"),
        ("phases", "phases", "seconds"),
        ("reformats", None, "timed_ms"),
        ("candidates", None, "time_ms"),
        ("candidates", None, "line"),
        ("margins", None, "margin_percent"),
    ):
        source = log.table(name) if name else log.analyze.table(table)
        wanted = source.column(column_name).to_pylist()
        assert column(data, table, column_name) == [None if v is None else pytest.approx(v, rel=1e-9) for v in wanted]
    assert column(data, "candidates", "kernel") == log.analyze.table("candidates").column("kernel").to_pylist()
    tiles = {tile["label"]: tile["value"] for tile in data["runs"][0]["head"]["tiles"]}
    assert tiles["throughput"] == 1696.07
    assert tiles["p99 latency"] == log.performance.latency.p99_ms
    assert tiles["tactics timed"] == log.table("tactics").num_rows


def test_text_of_a_log_cannot_leave_its_place(evil_log):
    text = report(evil_log)
    elements, data = read(text)
    assert elements.names.count("script") == 2
    assert "img" not in elements.names
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    layers = column(data, "layers", "layer")
    assert any(EVIL in layer for layer in layers), "the name stands in the data, whole"
    assert any(EVIL in (message or "") for message in column(data, "messages", "text"))


def test_secrets_are_taken_out(evil_log):
    assert any(secret in evil_log.run.command for secret in SECRETS)
    text = report(evil_log)
    for secret in each(SECRETS):
        assert secret not in text
    assert "--remoteAutoTuningConfig=ssh://***@10.0.0.7:22/x" in text


def test_the_page_needs_nothing_else(logs):
    text = report(logs("failed"))
    elements, _ = read(text)
    assert not [value for name, value in elements.attributes if name in ("src", "href") and not value.startswith("#")]
    assert "default-src 'none'" in text
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "innerHTML" not in "".join(asset(f"{n}.js") for n in ("base", "tables", "charts", "layer", "main"))


def test_a_large_log_gives_a_page_that_can_be_mailed():
    """The same build three times over is a log of more than 10 MB."""
    body = gzip.open(FIXTURES / REPORTED["detailed"]).read()
    lines = body.split(b"\n")
    inner = lines[1:-2]  # without the banners
    twice = [line.replace(b"/layer", f"/copy{i}/layer".encode()) for i in range(3) for line in inner]
    whole = b"\n".join([lines[0], *twice, lines[-2], b""])
    assert len(whole) > 10_000_000
    log = trtlog.parse(whole)
    text = report(log)
    assert len(text.encode()) < 6_000_000
    _, data = read(text)
    shown = data["runs"][0]["tables"]["candidates"]
    assert shown["total"] == log.analyze.table("candidates").num_rows
    assert len(embed(data)) <= LARGEST_BYTES


def test_each_run_of_several_gets_its_share_of_the_page(logs, monkeypatch):
    from trtlog.report.page import page as module

    alone = logs("detailed")
    text = gzip.decompress((FIXTURES / "trt-8.5.3-h200" / "resnet50_fp16_dyn_detailed.log.gz").read_bytes())
    twice = trtlog.parse(text + text)
    monkeypatch.setattr(module, "LARGEST_BYTES", 1_000_000)
    _, data = read(report(twice))
    assert len(embed(data)) <= 1_000_000
    rows = alone.analyze.table("candidates").num_rows
    for run in each(data["runs"]):
        shown = run["tables"]["candidates"]
        assert 0 < shown["rows"] < shown["total"] == rows


def test_an_analysis_is_computed_once(logs):
    analyze = logs("detailed").analyze
    assert analyze.table("margins") is analyze.table("margins") is logs("detailed").table("margins")
    assert analyze.table("winners", by="family") != analyze.table("winners")


def test_a_cut_table_says_so_and_keeps_what_the_engine_uses(logs):
    log = logs("detailed")
    writer = PageWriter(1000)
    [section] = [block for block in report_document(log).blocks if getattr(block, "name", "") == "tactics"]
    [block] = [block for block in writer.section(section)["blocks"] if block.get("table") == "candidates"]
    shown = writer.tables["candidates"]
    whole = log.analyze.table("candidates")
    assert shown["rows"] <= 1000 < shown["total"] == whole.num_rows
    assert block["note"] == "The 5 fastest of each layer, and those that the engine uses."
    place = [c["name"] for c in shown["columns"]].index("in_engine")
    words = shown["data"][place]["words"]
    used = [i for i in shown["data"][place]["index"] if words[i] is True]
    assert len(used) == sum(whole.column("in_engine").to_pylist())


def test_a_graph_of_too_many_boxes_says_how_to_see_it(logs, monkeypatch):
    monkeypatch.setattr(document_module, "MOST_BOXES", 10)
    log = logs("mobilenet")
    _, data = read(report(log))
    [graph] = [section for section in data["runs"][0]["sections"] if section["id"] == "graph"]
    shown = sum(row["kind"] != "constant" for row in log.table("graph_nodes").to_pylist())
    text = f"The engine's graph has {shown + 2} boxes; 'trtlog graph LOG -o engine.svg' draws it."  # its two ends too
    assert {"kind": "sentence", "words": [text]} in graph["blocks"]


def test_the_report_without_a_page(logs):
    """A finding, a chart, rows and a record of the report, as Markdown and on a terminal."""
    document = report_document(logs("detailed"))
    text = to_markdown(document, 3)
    assert "### Time per layer" in text
    slowest = text[text.index("**Slowest layers**") :].splitlines()[4:9]
    assert slowest[0] == "| layer | time_ms |   |"
    assert slowest[2] == "| /conv1/Conv + /relu/Relu | 0.02438744516 | ██████████ |"
    assert "- **bound_by**: gpu" in text.splitlines()
    assert "- **advice** **int64-cast** (high confidence) INT64 weights" in text
    assert "3 of 154 rows" in text.splitlines()
    assert "The 1 fastest of each layer, and those that the engine uses." in text
    assert "draws it." in text, "the graph is drawn elsewhere"
    console = Console(width=100, file=StringIO())
    console.print(render(document, 3))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert any(line.startswith("/conv1/Conv + /relu/Relu") and line.endswith("█") for line in lines)
    assert "Slowest layers" in lines


def test_several_runs_stand_side_by_side(logs):
    text = b"".join(gzip.open(FIXTURES / REPORTED[name]).read() for name in ("failed", "not_verbose"))
    _, data = read(report(trtlog.parse(text)))
    assert [run["head"]["status"] for run in data["runs"]] == ["failed", "passed"]


def test_numbers_that_json_cannot_hold():
    table = pa.table({"time_ms": [float("inf"), float("nan"), 0.1, None], "big": [2**60, 1, 2, 3]})
    shown = table_json(table)
    assert shown["data"] == [["inf", "nan", 0.1, None], [str(2**60), 1, 2, 3]]
    assert "NaN" not in embed(shown)


def test_two_logs_give_the_page_of_their_diff(logs):
    from trtlog.report.page.page import report_diff

    diff = trtlog.diff(logs("detailed"), logs("not_verbose"))
    elements, data = read(report_diff(diff))
    [run] = data["runs"]
    assert run["head"]["name"] == "resnet50_fp16_dyn_detailed.log.gz → sweep_r50_best_b8.log.gz"
    assert elements.names.count("script") == 2
    titles = [section["title"] for section in run["sections"]]
    assert titles[0] == "What changed"
    assert {"Options", "Performance"} <= set(titles)


def text(pieces) -> str:
    return "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces)


def test_what_a_point_holds_stands_under_it(logs):
    from trtlog.report.documents.diff import headline
    from trtlog.report.page.page import report_diff
    from trtlog.report.sentences import plain

    diff = trtlog.diff(logs("detailed"), logs("not_verbose"))
    [block] = [b for b in read(report_diff(diff))[1]["runs"][0]["sections"][0]["blocks"] if b["kind"] == "list"]
    shown = [(text(point["words"]), list(map(text, point["under"]))) for point in block["points"]]
    assert shown == [(plain(point.words), [plain(line) for line in point.under]) for point in headline(diff)]
    marks = [piece[1:] for point in block["points"] for piece in point["words"] if isinstance(piece, list)]
    assert ["strong", ""] in marks
    assert ["", "good"] in marks or ["", "bad"] in marks  # faster, slower
    fp32 = FIXTURES / "trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"
    builds = trtlog.diff(fp32, str(fp32).replace("verbose", "verbose_rebuild"))
    points = headline(builds)
    under = sum(len(point.under) for point in points)
    assert under == 4
    assert builds._repr_html_().count("<li>") == len(points) + under
    assert re.search(r"<li>sum of the layers[^<]*<ul[^>]*><li>reformat FP32", builds._repr_html_())


def test_the_command_writes_a_file(tmp_path):
    from click.testing import CliRunner

    from trtlog.cli.report import command

    log, out = str(FIXTURES / REPORTED["failed"]), tmp_path / "report.html"
    done = CliRunner().invoke(command, [log, "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert CliRunner().invoke(command, [log, log, "-o", "-"]).output.startswith("<!doctype html>")
    for logs_, first in (([log], "## trtlog report"), ([log, log], "## trtlog diff")):
        assert CliRunner().invoke(command, [*logs_, "-o", str(tmp_path / "report.md")]).exit_code == 0
        assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith(first)


def test_the_version_is_that_of_the_library_not_of_the_program():
    """Polygraphy has versions of its own."""
    text = "[I] RUNNING | Command: polygraphy run net.onnx --trt\n"
    text += "[V] Loaded Module: polygraphy | Version: 0.49.26 | Path: ['/a']\n"
    text += "[V] Loaded Module: tensorrt   | Version: 10.14.1.48 | Path: ['/b']\n"
    page = to_markdown(report_document(trtlog.parse(text.encode())))
    assert "- **program**: Polygraphy\n- **library**: TensorRT 10.14.1\n" in page
