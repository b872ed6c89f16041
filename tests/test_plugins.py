"""Packages that add rules of messages, lint rules and tables, by entry points."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from tests import warm
from tests.conftest import ROOT, each
from trtlog import plugins

EXAMPLE = ROOT / "docs" / "examples" / "trtlog-acme"
LOG = """\
&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx --verbose
[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers
[11/22/2026-13:22:03] [V] [TRT] AcmeAttention: /blocks.0/attn takes tile 64x128 for 512 tokens, 0.0123 ms
[11/22/2026-13:22:03] [V] [TRT] AcmeAttention: /blocks.1/attn falls back to two passes for 4096 tokens
acme-plugin <V> AcmeAttention: /blocks.2/attn takes tile 32x64 for 128 tokens, 0.5 ms
[11/22/2026-13:22:04] [V] [TRT] After dead-layer removal: 2 layers
&&&& PASSED TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=net.onnx --verbose
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The example package, installed as its users do, into a folder of its own and without a network."""
    folder = tmp_path_factory.mktemp("site")
    source = folder / "source"
    shutil.copytree(EXAMPLE, source)  # a build writes beside what it builds
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "packages")]
    command = [sys.executable, "-m", "pip", "install", *options, str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "log").write_text(LOG)
    return folder


def run(site, *arguments: str, python: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(site / "packages")])
    environment = {**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(site / "cache"), **variables}
    command = [python or warm.python(), *arguments]
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)


def answer(site, *arguments: str, **variables: str) -> str:
    done = run(site, *arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compiles(site) -> bool:
    """Return whether the grammar was compiled for it to be loaded."""
    code = "import sys; from trtlog import grammar; grammar.load(); print('lark' in sys.modules)"
    return {"True": True, "False": False}[answer(site, "-c", code, python=sys.executable).strip()]


def rows(lines: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.parametrize("engine", ["line", "auto"])
def test_both_engines_read_the_messages_of_a_plugin(site, engine):
    code = f"""
import json, trtlog
log = trtlog.parse("log", engine={engine!r}, strict=True)
print(log.table("passes").num_rows, "unknown" in log.coverage.kind.tolist())
for row in log.table("extension_messages").to_pylist():
    print(row["run"], row["line"], row["package"], row["kind"], row["wording"], row["fields"])
"""
    assert answer(site, "-c", code).splitlines() == [
        "2 False",
        "0 3 trtlog_acme acme_tile line "
        '{"layer": "/blocks.0/attn", "acme_tile": "64x128", "acme_tokens": 512, "time_ms": 0.0123}',
        '0 4 trtlog_acme acme_fallback line {"layer": "/blocks.1/attn", "acme_tokens": 4096}',
        "0 5 trtlog_acme acme_tile line "
        '{"layer": "/blocks.2/attn", "acme_tile": "32x64", "acme_tokens": 128, "time_ms": 0.5}',
    ]


def test_both_loops_agree_on_many_lines(site):
    """Enough of them for several chunks; the programme of the whole grammar is made once and kept."""
    body = LOG.splitlines()[1:-1]
    many = "\n".join([LOG.splitlines()[0], *(line for _ in range(8_000) for line in body), LOG.splitlines()[-1], ""])
    (site / "many").write_text(many)
    code = """
import trtlog
line, vector = (trtlog.parse("many", engine=engine) for engine in ("line", "auto"))
print(line == vector, line.table("extension_messages").num_rows, vector.table("acme_layers").num_rows)
"""
    assert answer(site, "-c", code).strip() == "True 24000 24000"


def test_the_rule_of_a_plugin_fires_on_its_line(site):
    [found] = [
        row
        for row in rows(answer(site, "-m", "trtlog", "lint", "log", "--format", "jsonl"))
        if row["rule"] == "acme-two-passes"
    ]
    assert (found["text"], found["lines"], found["severity"]) == (
        "/blocks.1/attn computes 4096 tokens in two passes",
        [4],
        "warning",
    )
    assert "acme-two-passes" in answer(site, "-m", "trtlog", "lint", "-", "--rules")


def test_the_table_of_a_plugin_is_a_table_like_the_others(site):
    assert "acme_layers" in answer(site, "-m", "trtlog", "tables")
    assert "null where the layer fell back" in answer(site, "-m", "trtlog", "tables", "acme_layers")
    sql = "select layer, tile, tokens, time_ms from acme_layers order by tokens"
    assert rows(answer(site, "-m", "trtlog", "query", "log", sql, "--format", "jsonl")) == [
        {"layer": "/blocks.2/attn", "tile": "32x64", "tokens": 128, "time_ms": 0.5},
        {"layer": "/blocks.0/attn", "tile": "64x128", "tokens": 512, "time_ms": 0.0123},
        {"layer": "/blocks.1/attn", "tile": None, "tokens": 4096, "time_ms": None},
    ]
    code = 'import trtlog; print(trtlog.parse("log").analyze.acme_layers().line.tolist())'
    assert answer(site, "-c", code).strip() == "[3, 4, 5]"


def test_messages_of_a_plugin_go_through_parquet_and_without_the_package(site):
    answer(site, "-m", "trtlog", "convert", "log", "-o", "parquet")
    sql = "select line, (fields->>'acme_tokens')::int as tokens from extension_messages order by line"
    found = rows(answer(site, "-m", "trtlog", "query", "parquet", sql, "--format", "jsonl", TRTLOG_PLUGINS="0"))
    assert found == [{"line": 3, "tokens": 512}, {"line": 4, "tokens": 4096}, {"line": 5, "tokens": 128}]


def test_without_plugins_the_lines_are_unknown(site):
    code = """
import trtlog
log = trtlog.parse("log")
print(log.table("extension_messages").num_rows, len(log.analyses))
"""
    none, count = map(int, answer(site, "-c", code, TRTLOG_PLUGINS="0").split())
    some, more = map(int, answer(site, "-c", code).split())
    assert (none, some, more - count) == (0, 3, 1)


def test_explain_names_the_file_of_the_package(site):
    told = answer(site, "-m", "trtlog", "explain", "log:3")
    assert "kind     acme_tile, wording line (trtlog_acme/grammars/acme.lark:2)" in told
    assert "tokens of the longest sequence" in told


def test_rules_are_compiled_once(site):
    compiles(site)
    compiled = site / "packages/trtlog_acme/grammars/compiled.json"
    assert compiled.is_file()
    assert not compiles(site)
    compiled.unlink()
    assert compiles(site)
    assert not compiles(site)


ACME = 'acme_other: "AcmeOther " COUNT\n//> AcmeOther 3\n'
WRONG = {
    "a name that is taken": (
        "acme.lark",
        'tactic: "AcmeTactic " COUNT\n//> AcmeTactic 3\n',
        "rule tactic is there already, in grammars/messages/.*lark",
    ),
    "a line that another rule reads": (
        "acme.lark",
        'acme_layers: "Original: " COUNT " layers"\n//> Original: 3 layers\n',
        "conflicts with rule .*original",
    ),
    "samples of another rule": (
        "acme.lark",
        'acme_any: "Origin" TEXT\n//> Origination of acme\n',
        "conflicts with rule .*reads its sample",
    ),
    "no sample": ("acme.lark", 'acme_other: "AcmeOther " COUNT\n', "has no sample"),
    "a sample it does not read": ("acme.lark", ACME + "//> AcmeElse 3\n", "does not match its own sample"),
    "a field without a description": (
        "acme.lark",
        'acme_other: "AcmeOther " ACME_NEW\nACME_NEW: /[0-9]+/\n//> AcmeOther 3\n',
        "ACME_NEW has no description",
    ),
    "a table that there is not": (
        "acme.lark",
        "//@ table=phasess name=acme\n" + ACME,
        r"own_rules/acme.lark:2: rule acme_other: no rule can add rows to a table 'phasess' \(did you mean phases\?\)",
    ),
    "a table that takes no rows": ("acme.lark", "//@ table=tactics\n" + ACME, "can add rows to a table 'tactics'"),
    "a field that is there": ("fields.lark", "//: int - a count\nCOUNT: /[0-9]+/\n", "COUNT is there already"),
    "an expression that the engines read differently": (
        "acme.lark",
        'acme_other: "AcmeOther " TEXT__ACME\nTEXT__ACME: /\\d+/\n//> AcmeOther 3\n',
        "the engines must agree",
    ),
}


@pytest.fixture
def own(tmp_path):
    """A package of one's own, as it stands after an installation."""
    package = tmp_path / "packages" / "own_rules"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "acme.lark").write_text(ACME)
    info = tmp_path / "packages" / "own_rules-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[trtlog.grammars]\nown = own_rules\n")
    (tmp_path / "log").write_text(LOG)
    return tmp_path


def test_a_rule_adds_rows_to_a_table_that_takes_them(own):
    """The columns that the rule has, and the constant one."""
    text = '//@ table=phases name=acme\nacme_other: "AcmeOther took " SECONDS\n//> AcmeOther took 3.5\n'
    (own / "packages/own_rules/acme.lark").write_text(text)
    (own / "log").write_text("[01/02/2026-10:00:00] [V] [TRT] AcmeOther took 2.5\n")
    done = run(own, "-m", "trtlog", "show", "phases", "log", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert [(row["name"], row["seconds"], row["line"]) for row in rows(done.stdout)] == [("acme", 2.5, 1)]


@pytest.mark.parametrize("case", WRONG)
def test_conflicts_and_mistakes_are_errors_when_the_grammar_is_loaded(own, case):
    file, text, words = WRONG[case]
    (own / "packages/own_rules" / file).write_text(text)
    done = run(own, "-m", "trtlog", "summary", "log")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "own_rules" in done.stderr
    assert re.search(words, done.stderr), done.stderr


def test_a_rule_that_fails_is_told_as_its_packages(own):
    (own / "packages/own_rules/rules.py").write_text(
        textwrap.dedent("""\
        from trtlog.analyses.lint import rule
        @rule("own", severity="advice", confidence="low", why="-", action="-")
        def own(log):
            \"\"\"Fails.\"\"\"
            return [1 / 0]
        """)
    )
    entry = own / "packages/own_rules-1.0.dist-info/entry_points.txt"
    entry.write_text("[trtlog.lint]\nown = own_rules.rules\n")
    done = run(own, "-m", "trtlog", "lint", "log")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "the lint rule own of own_rules.rules failed: ZeroDivisionError" in done.stderr
    entry.write_text("[trtlog.lint]\nown = own_rules.nowhere\n")
    done = run(own, "-m", "trtlog", "lint", "log")
    assert done.returncode == 2
    assert "the plug-in own_rules (trtlog.lint: own = own_rules.nowhere) cannot be loaded" in done.stderr


def test_rules_are_cached_elsewhere_where_the_package_is_not_writable(own):
    (own / "packages/own_rules/compiled.json").mkdir()  # nothing can be written in its place, whoever asks
    assert compiles(own)
    assert [path.name for path in (own / "cache/trtlog").iterdir()] == ["own_rules-own.json"]
    assert not compiles(own)


def test_entry_points_are_read_as_importlib_reads_them(tmp_path, monkeypatch):
    from importlib import metadata

    for name, text in {
        "one-1.0": "[console_scripts]\na = b:c\n\n[trtlog.lint]\n# a comment\nb=one.rules\na = one.more [extra]\n",
        "two-2.0": "[trtlog.analyses]\nx = two:X\n[other]\nx = y\n",
        "three-3.0": "[console_scripts]\ntrtlog.lint = a:b\n",
    }.items():
        info = tmp_path / f"{name}.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(text)
        (info / "METADATA").write_text(f"Name: {name.partition('-')[0]}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for group in each(plugins.GROUPS):
        ours = {(found.name, found.value) for found in plugins.entry_points(group)}
        theirs = {(found.name, found.value.partition(" [")[0]) for found in metadata.entry_points(group=group)}
        assert ours == theirs
    assert {found.package for found in plugins.entry_points(plugins.LINT)} == {"one"}
