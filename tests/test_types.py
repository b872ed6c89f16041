"""What editors and type checkers see: declared tables, and the snippets of README and docs under mypy and pyright."""

from __future__ import annotations

import ast
import concurrent.futures
import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import trtlog
from tests.conftest import FIXTURES, ROOT, each
from tests.test_docs import PAGES, blocks
from trtlog.dataset.handle import Dataset
from trtlog.records import TABLES
from trtlog.records.frames import TableFrames

# Of these packages a user has no type information either.
_UNTYPED = ("pyarrow", "plotly", "IPython")
LOGS = sorted((FIXTURES / "trt-8.5.3-h200").glob("sweep_r50_*.log.gz"))


def declared(module: str, cls: str) -> list[str]:
    """Return what a class declares for type checkers alone."""
    [found] = [
        node
        for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == cls
    ]
    names = []
    for node in found.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            names += [n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return names


def test_declared_tables_of_a_log_are_its_tables():
    """``runs`` and ``performance`` are no DataFrames: the one lists logs, the other is a record."""
    own = [name for name in TABLES if name not in ("runs", "performance")]
    assert declared("trtlog/records/frames.py", "TableFrames") == own
    assert issubclass(trtlog.Log, TableFrames)
    assert declared("trtlog/log.py", "Log") == []


def test_declared_tables_of_a_dataset_are_its_tables():
    assert issubclass(Dataset, TableFrames)
    assert declared("trtlog/dataset/handle.py", "Dataset") == ["runs", "performance"]


def test_declared_tables_of_a_diff_are_its_tables():
    from trtlog.analyses.compare.schema import DIFF_TABLES

    assert declared("trtlog/analyses/compare/diff.py", "Diff") == list(DIFF_TABLES)


@pytest.fixture(scope="module")
def snippets(tmp_path_factory) -> Path:
    """The python blocks of each page as a module, one after the other as a reader would run them."""
    folder = tmp_path_factory.mktemp("snippets")
    for page in PAGES:
        parser = doctest.DocTestParser()
        parts = [
            "".join(example.source for example in parser.get_examples(block)) if ">>> " in block else block
            for block in blocks(page, "python")
        ]
        if parts:
            name = re.sub(r"\W", "_", page.relative_to(ROOT).with_suffix("").as_posix())
            (folder / f"{name}.py").write_text("\n".join(parts), encoding="utf-8")
    (folder / "typo.py").write_text(
        "import trtlog\nlog = trtlog.parse('x.log')\nlog.tactcs\nlog.analyze.margin()\nlog.build.precison\n"
        "log.performance.latency.p99\ntrtlog.parse('x.log').lint().to_dict()\n",
        encoding="utf-8",
    )
    (folder / "mypy.ini").write_text(
        # What others' packages hold is theirs, but for their stubs, and trtlog itself is checked elsewhere.
        "[mypy]\nstrict = True\nfollow_imports = skip\n[mypy-trtlog.*]\nfollow_imports = silent\n"
        + "".join(f"[mypy-{name}.*]\nignore_missing_imports = True\n" for name in _UNTYPED)
    )
    return folder


def judged(found: list[tuple[str, int]], text: str) -> None:
    """Hold what a checker found: nothing in the pages, and the typos."""
    assert [place for place in found if place[0] != "typo.py"] == [], text
    assert sorted(line for _, line in found) == [3, 4, 5, 6], text


def test_snippets_pass_mypy_strict(snippets):
    files = [path.name for path in sorted(snippets.glob("*.py"))]
    cache = str(ROOT / ".mypy_cache" / "snippets")  # what was checked of trtlog before
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", cache, *files]
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=snippets, env=environment, capture_output=True, text=True, check=False)
    found = re.findall(r"^(\S+\.py):([0-9]+): error:", done.stdout, re.MULTILINE)
    judged([(name, int(line)) for name, line in found], done.stdout + done.stderr)


def test_snippets_pass_pyright(snippets):
    """Pyright is a program of Node, which no package of Python brings: ``npm install -g pyright``."""
    program = shutil.which("pyright")
    if program is None:
        pytest.skip("pyright is not installed")
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard", "reportMissingModuleSource": False}
    settings |= {"reportMissingTypeStubs": False, "reportMissingImports": False}
    (snippets / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [program, "--outputjson", "--pythonpath", sys.executable, "-p", str(snippets)]
    done = subprocess.run(command, cwd=snippets, capture_output=True, text=True, check=False)
    rows = [row for row in json.loads(done.stdout)["generalDiagnostics"] if row["severity"] == "error"]
    found = [(os.path.basename(row["file"]), row["range"]["start"]["line"] + 1) for row in rows]
    judged(found, "\n".join(f"{row['file']}:{row['range']['start']['line'] + 1} {row['message']}" for row in rows))


def test_logs_are_parsed_in_processes():
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        logs = list(pool.map(trtlog.parse, LOGS[:3]))
    for log, path in each(list(zip(logs, LOGS[:3], strict=True))):
        assert log.performance.throughput_qps == trtlog.parse(path).performance.throughput_qps
        assert log.tactics.equals(trtlog.parse(path).tactics)
