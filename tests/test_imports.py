"""What importing costs, what is public, and which way modules look."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import trtlog
from tests.conftest import ROOT

PACKAGE = ROOT / "trtlog"
HEAVY = ("pandas", "pyarrow", "lark", "duckdb", "numpy", "rich", "click")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_trtlog_loads_nothing_heavy():
    loaded = python(f"import sys, trtlog; print([m for m in {HEAVY!r} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_help_loads_nothing_heavy():
    loaded = python(
        "import sys\nfrom trtlog.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY[:5]!r} if m in sys.modules])"
    )
    assert loaded.splitlines()[-1] == "[]"


def test_parsing_does_not_load_lark():
    """The compiled expressions are used: lark is for the tests and for stale grammars."""
    loaded = python(
        "import sys, trtlog\n"
        "trtlog.parse(b'[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\\n').passes\n"
        "print('lark' in sys.modules)"
    )
    assert loaded.strip() == "False"


def test_tables_load_neither_pandas_nor_lark():
    """Loading them takes longer than reading a log of 20 MB, numpy.ma 15 ms (older numpy loads it at once)."""
    loaded = python(
        "import sys, numpy\nheavy = [m for m in ('pandas', 'lark', 'numpy.ma') if m not in sys.modules]\n"
        "from trtlog.read import read_captures\nfrom trtlog.tables import TableSet\n"
        "for engine in ('line', 'vector'):\n"
        "    for log in ('resnet50_fp16_dyn_detailed', 'err_corrupt_engine'):\n"  # the second has empty tables
        "        path = f'fixtures/trt-8.5.3-h200/{log}.log.gz'\n"
        "        captures, name, _ = read_captures(path, engine=engine)\n"
        "        tables = TableSet(captures, name)\n"
        "        print(sum(tables[name].num_rows for name in tables.names) > 50)\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    assert loaded.split() == [*["True"] * 4, "[]"]


def test_converting_to_a_dataset_does_not_load_pandas(tmp_path):
    loaded = python(
        "import sys, trtlog\n"
        "logs = ['fixtures/trt-8.5.3-h200/err_corrupt_engine.log.gz', 'fixtures/trt-8.5.3-h200/lstm_verbose.log.gz']\n"
        f"trtlog.to_dataset(logs, {str(tmp_path / 'dataset')!r})\n"
        "print('pandas' in sys.modules)"
    )
    assert loaded.strip() == "False"


def test_public_names():
    assert trtlog.__all__ == sorted(trtlog.__all__)
    for name in trtlog.__all__:
        assert getattr(trtlog, name) is not None
    assert dir(trtlog) == sorted(trtlog.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        trtlog.nothing  # noqa: B018 - the access is what is tested


# The direction of design: each layer imports from those above it in this list only.
LAYERS = [
    ["_version", "_util", "errors", "flags"],
    ["grammar"],
    ["source"],
    ["values"],
    ["messages"],
    ["engines"],
    ["exports"],
    ["records"],
    ["tables"],
    ["log", "parquet", "read", "sql"],
    ["dataset"],
    ["analyses"],
    ["report"],
    ["runner", "testing"],
    ["cli", "__main__"],
    ["docs"],
]
HANDLES = (
    "records/base.py",
    "records/options.py",
    "dataset/build.py",
    "dataset/handle.py",
    "analyses/gate/check.py",
    "analyses/compare/diff.py",
    "analyses/lint/frame.py",
    "analyses/gate/lock.py",
    "analyses/questions.py",
    "analyses/compare/stability.py",
    "analyses/layer/why.py",
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def room(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def imports_of(path: Path, top_level_only: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "trtlog":
            parts = node.module.split(".")
            found.update([parts[1]] if len(parts) > 1 else [a.name for a in node.names])
        elif isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("trtlog."))
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_look_one_way(path):
    """Also inside functions, but for the handles, whose methods open analyses and reports that stand below."""
    own = room(path)
    if own == "__init__":
        return
    assert own in RANK, f"trtlog/{own} stands in no layer: add it to LAYERS where it belongs"
    facade = own in ("log", "grammar") or path.relative_to(PACKAGE).as_posix() in HANDLES
    for name in imports_of(path, top_level_only=facade):
        if name in RANK:
            assert RANK[name] <= RANK[own], f"{path.relative_to(ROOT)} imports trtlog.{name}, which stands below it"


def test_files_are_small():
    for path in sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "grammars").rglob("*.lark")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 600, path


def test_only_the_command_line_prints():
    for path in PACKAGE.rglob("*.py"):
        if room(path) in ("cli", "testing"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path
