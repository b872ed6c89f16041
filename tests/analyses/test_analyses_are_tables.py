"""An analysis is a table: by its name it is reached wherever the name of a table of facts is taken."""

from __future__ import annotations

import ast
import gzip
import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import trtlog
from tests.analyses.conftest import FOLDER, parsed
from tests.conftest import ROOT, each
from tests.fuzz.checks import passed_over
from trtlog.analyses.handle import Analyses
from trtlog.analyses.registry import ANALYSES, METHODS, table_names
from trtlog.cli import cli
from trtlog.records import TABLES, Record
from trtlog.tables.schema import schema_of_record

RESNET = "resnet50_fp32_verbose"


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.output


def test_no_name_is_given_twice():
    assert not set(ANALYSES) & set(TABLES)
    assert len(ANALYSES) == len(METHODS) > 20
    assert not set(METHODS) & (set(TABLES) - {"reformats", "performance"})


@pytest.mark.parametrize("name", ["lstm_verbose", "err_missing_onnx"])
@pytest.mark.parametrize("analysis", METHODS)
def test_rows_are_those_of_the_declared_record(name, analysis):
    log = parsed(name)
    options = {"other": log} if analysis == "winner_changes" else {}
    table = log.analyze.table(analysis, **options)
    record = METHODS[analysis].rows()
    declared = schema_of_record(record)
    assert issubclass(record, Record)
    assert table.column_names == declared.names
    for field in each(table.schema):
        assert field.metadata == declared.field(field.name).metadata
        assert field.metadata[b"doc"]
    assert list(log.analyze.columns(analysis)) == declared.names
    assert getattr(log.analyze, analysis).__doc__ == METHODS[analysis].about
    assert METHODS[analysis].about.endswith(".")


def test_what_an_analysis_takes_and_needs_is_there():
    shared = {"log", "layers", "kept_passes", "kept_fusions", "kept_facts"}
    for analysis in each(ANALYSES.values()):
        assert set(analysis.takes) <= {*TABLES, *ANALYSES, *shared}
        assert set(analysis.needs) <= set(TABLES)
        if analysis.rows().sql:
            assert all(re.search(rf"\b{name}\b", analysis.rows().sql) for name in each(analysis.takes))
            continue
        names = list(inspect.signature(analysis.load()).parameters)
        assert len(names) >= len(analysis.takes)
        parameters = dict(zip(analysis.takes, names, strict=False))
        assert [name for taken, name in parameters.items() if taken in TABLES and name != taken] == [], analysis.table


def test_declared_methods_are_the_registered_ones():
    """What type checkers and editors read of log.analyze is what it answers to, options and defaults too."""
    [cls] = [
        node
        for node in ast.parse((ROOT / "trtlog/analyses/handle.py").read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "Analyses"
    ]
    [declared] = [
        node.body for node in cls.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    assert [method.name for method in declared] == list(METHODS)
    for method in each(declared):
        analysis = METHODS[method.name]
        if analysis.rows().sql:
            options = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                       for name, default in analysis.rows().sql_options.items()]  # fmt: skip
        else:
            options = list(inspect.signature(analysis.load()).parameters.values())[len(analysis.takes) :]
        assert [argument.arg for argument in method.args.args[1:]] == [option.name for option in options]
        defaults = [option.default for option in options if option.default is not inspect.Parameter.empty]
        assert [ast.literal_eval(default) for default in method.args.defaults] == defaults


def test_table_records_frame_and_sql_say_the_same():
    log = parsed(RESNET)
    table = log.table("margins")
    rows = table.to_pylist()
    assert len(rows) == 89
    assert table.equals(log.analyze.table("margins"))
    assert log.frame("margins").equals(log.analyze.margins())
    first = next(log.records("margins"))
    assert type(first).__name__ == "Margin"
    assert {name: getattr(first, name) for name in table.column_names} == rows[0]
    best = log.sql("select layer, winner_ms from margins where in_engine order by winner_ms desc limit 1")
    slowest = max((row for row in rows if row["in_engine"]), key=lambda row: row["winner_ms"])
    assert best.values.tolist() == [[slowest["layer"], slowest["winner_ms"]]]


def test_facts_keep_their_names():
    """The contract's tables of conversions and of statistics, and the analyses of these names in log.analyze."""
    log = parsed("mobilenet_fp16_verbose")
    assert log.table("reformats").schema.equals(log.tables["reformats"].schema)
    assert "from_format" in log.table("reformats").column_names
    assert log.table("performance").column_names[:3] == ["run", "line", "metric"]
    assert log.analyze.table("reformats").equals(log.table("reformat_costs"))
    assert log.analyze.reformats().equals(log.frame("reformat_costs"))
    assert log.analyze.performance().equals(log.frame("diagnosis"))
    assert list(log.tables) == list(TABLES)


def test_sql_joins_facts_and_analyses():
    log = parsed("mobilenet_fp16_verbose")
    found = log.sql(
        "select p.layer, p.avg_ms, q.used from precision q join profile p using (layer) order by p.avg_ms desc limit 1"
    )
    used = {row["layer"]: row["used"] for row in log.table("precision").to_pylist()}
    assert found["used"].tolist() == [used[found["layer"][0]]]


def test_sql_computes_only_what_it_reads(monkeypatch):
    log = trtlog.parse(FOLDER / "lstm_verbose.log.gz")
    computed = []
    own = log.table
    monkeypatch.setattr(log, "table", lambda name: computed.append(name) or own(name))
    log.sql("select precision, count(*) from candidates group by precision")  # a column is called like an analysis
    assert "candidates" in computed
    assert "precision" not in computed
    computed.clear()
    names = set(log.sql("select table_name from information_schema.tables")["table_name"])
    assert names == {*TABLES, *table_names()}
    assert not set(computed) & set(ANALYSES)


QUERIES = [name for name, analysis in ANALYSES.items() if analysis.rows().sql]


def test_queries_are_the_same_in_parquet_and_in_threads(tmp_path):
    log = parsed("mobilenet_fp16_verbose")
    assert len(QUERIES) >= 5
    tables = {name: log.table(name) for name in QUERIES}
    assert all(table.num_rows for table in each(tables.values()))
    again = trtlog.read_parquet(log.to_parquet(tmp_path / "parquet"))
    assert [name for name in QUERIES if not again.table(name).equals(tables[name])] == []
    logs = [trtlog.read_parquet(tmp_path / "parquet") for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda own: {name: own.table(name) for name in QUERIES}, logs))
    assert all(own == tables for own in each(made))
    with pytest.raises(TypeError, match="Stretch takes no option 'least'"):
        log.analyze.stretches(least=3)


def test_a_file_of_several_runs_gives_the_rows_of_all():
    text = (FOLDER / "lstm_verbose.log.gz", FOLDER / "sweep_r50_fp32_b8.log.gz")
    log = trtlog.parse(b"".join(gzip.decompress(path.read_bytes()) for path in text))
    assert len(log.runs) == 2
    for name in ("findings", "diagnosis"):
        rows = log.table(name).to_pylist()
        assert {row["run"] for row in rows} == {0, 1}
        for run in each(log.runs):
            assert run.table(name).to_pylist() == [row for row in rows if row["run"] == run.number]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("margin", "no table 'margin' .did you mean margins"),
        ("tactic", "did you mean tactics"),
        ("xyz", r"the tables are runs,.* computed from these candidates,"),
        ("winner_changes", r"ask log\.analyze\.winner_changes\(other=log\)"),
    ],
)
def test_a_wrong_name(name, words):
    for ask in (parsed("lstm_verbose").table, parsed("lstm_verbose").frame, parsed("lstm_verbose").record):
        with pytest.raises(trtlog.QueryError, match=words):
            ask(name)
    with pytest.raises(AttributeError, match=r"there is no analysis 'margin' \(did you mean margins\?\)"):
        parsed("lstm_verbose").analyze.margin  # noqa: B018 - the access is what is tested


def test_a_dataset_says_where_analyses_are(tmp_path):
    trtlog.to_dataset([FOLDER / "lstm_verbose.log.gz"], tmp_path / "d")
    dataset = trtlog.open_dataset(tmp_path / "d")
    with pytest.raises(trtlog.QueryError, match=r"analyses such as margins are computed of one log: dataset\.log"):
        dataset.table("margins")
    assert dataset.log("lstm_verbose.log.gz").table("margins").equals(parsed("lstm_verbose").table("margins"))


def test_the_command_line_takes_their_names(tmp_path):
    log = str(FOLDER / f"{RESNET}.log.gz")
    rows = [json.loads(line) for line in run("show", "margins", log, "--format", "jsonl").splitlines()]
    assert rows == parsed(RESNET).table("margins").to_pylist()
    listed = run("tables")
    assert all(re.search(rf"^{name} +[0-9]+ ", listed, re.MULTILINE) for name in each((*TABLES, *table_names())))
    assert "margin over the winner's time" in run("tables", "margins")
    file = tmp_path / "margins.parquet"
    run("show", "margins", log, "--where", "in_engine=true", "--format", "parquet", "-o", str(file))
    kept = pq.read_table(file)
    assert kept.to_pylist() == [row for row in rows if row["in_engine"]]
    assert kept.schema.field("margin_ms").metadata[b"unit"] == b"ms"
    csv = tmp_path / "margins.csv"
    assert run("show", "margins", log, "--format", "csv", "-o", str(csv)) == ""
    assert csv.read_text() == run("show", "margins", log, "--format", "csv")
    piped = CliRunner().invoke(cli, ["show", "margins", log, "--format", "parquet"])
    assert (piped.exit_code, piped.stdout_bytes[:4]) == (0, b"PAR1")


def test_an_empty_analysis_says_which_flag_prints_its_lines():
    done = CliRunner().invoke(cli, ["show", "margins", str(FOLDER / "sweep_r50_fp32_b8.log.gz")])
    assert "trtexec 8.5.3 prints them with --verbose" in done.stderr


def test_parquet_holds_them_on_request(tmp_path):
    log = parsed("lstm_verbose")
    plain = log.to_parquet(tmp_path / "plain")
    assert sorted(file.stem for file in plain.iterdir()) == sorted(TABLES)
    more = log.to_parquet(tmp_path / "more", analyses=["margins", "lineage"])
    assert sorted(file.stem for file in more.iterdir()) == sorted([*TABLES, "margins", "lineage"])
    again = trtlog.read_parquet(more)
    assert again == log
    assert pq.read_table(more / "margins.parquet").to_pylist() == again.table("margins").to_pylist()
    parsed("err_missing_onnx").to_parquet(more)
    assert sorted(file.stem for file in more.glob("*.parquet")) == sorted(TABLES)  # none of the other log is left
    with pytest.raises(trtlog.QueryError, match="did you mean margins"):
        log.to_parquet(tmp_path / "other", analyses=["margin"])


def test_former_names_warn():
    from trtlog.analyses import questions

    with pytest.warns(DeprecationWarning, match="is now trtlog.analyses.handle.Analyses"):
        assert questions.Questions is Analyses
    with pytest.warns(DeprecationWarning, match="METHODS"):
        assert questions.QUESTIONS["margins"] == ("tactics",)
    with pytest.raises(AttributeError):
        questions.nothing  # noqa: B018 - the access is what is tested


@pytest.mark.parametrize("name", ["sweep_r50_fp32_b1", "resnet50_load_profile", "err_unsupported_op", "lstm_verbose"])
def test_what_is_passed_over_has_no_rows(name):
    log = parsed(name)
    for analysis in each(METHODS.values()):
        if analysis.is_table():
            passed_over(log, analysis)


def test_layers_of_tactics_alone_are_compared():
    log = trtlog.parse(
        b"[V] *************** Autotuning format combination: Float(4,1) -> Float(4,1) ***************\n"
        b"[V] --------------- Timing Runner: l (Cask)\n[V] Tactic: 0x0000000000000001 Time: 2\n"
        b"[V] >>>>>>>>>>>>>>> Chose Runner Type: Cask Tactic: 0x0000000000000001\n"
    )
    assert log.table("engine_layers").num_rows == 0
    assert log.table("layer_times").column("layer").to_pylist() == ["l"]
