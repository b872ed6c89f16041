"""What importing costs, what is public, and which way modules look."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import trtlog
from tests.conftest import ROOT, each
from trtlog import display
from trtlog.log import BELOW

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
        "from trtlog.reader import read_captures\nfrom trtlog.tables import TableSet\n"
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
        f"trtlog.to_dataset(logs[:1], {str(tmp_path / 'dataset')!r})\n"
        f"trtlog.to_dataset(logs, {str(tmp_path / 'dataset')!r})\n"
        "print('pandas' in sys.modules)"
    )
    assert loaded.strip() == "False"


# What takes long to load, and what a log of the usual form, read from a file, does not ask.
SLOW = ("pandas", "rich", "lark", "numpy.ma")
NEVER = (*SLOW, "trtlog.source.forms", "trtlog.runner", "trtlog.parquet", "trtlog.dataset")
ANSWERS = {
    "summary": ("duckdb", "numpy.random", "trtlog.report.summary_json", "trtlog.report.markdown"),
    "tactics": ("duckdb", "numpy.random", "trtlog.report.markdown", "trtlog.report.documents"),
    "build-time": ("duckdb", "numpy.random", "trtlog.report.markdown", "trtlog.report.documents"),
    "lint": ("duckdb", "trtlog.report.markdown"),
    "why /fc/Gemm": ("duckdb", "numpy.random", "trtlog.report.markdown"),
    "diff LOG": ("duckdb", "numpy.random", "trtlog.report.markdown"),
    "report -o PAGE": ("trtlog.report.markdown",),
}


@pytest.mark.parametrize("command", ANSWERS)
def test_what_a_command_that_answers_of_one_log_loads(command, tmp_path):
    """Pandas takes longer to load than the whole of ``summary``, rich and numpy.ma a tenth of it."""
    log = "fixtures/trt-8.5.3-h200/resnet50_fp32_verbose.log.gz"
    if command == "lint":  # which takes the median of long conversions, where there are enough
        log = "fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz"
    words = [{"LOG": log, "PAGE": str(tmp_path / "page.html")}.get(word, word) for word in command.split()]
    loaded = python(
        "import os, sys, numpy\nheavy = {m for m in sys.modules}\n"  # older numpy loads all of itself
        "for name in ('COLUMNS', 'FORCE_COLOR'): os.environ.pop(name, None)\n"
        "from trtlog.cli import main\n"
        f"try:\n    main({[*words, log]!r})\n"
        "except SystemExit as done:\n"
        f"    print(done.code, [m for m in {NEVER + ANSWERS[command]!r} if m in sys.modules and m not in heavy])"
    )
    assert loaded.splitlines()[-1] == "0 []"


def test_the_collector_is_out_of_the_way_before_numpy_loads_and_at_the_end():
    """Its last rounds go through all that is loaded, a tenth of ``summary``; and one thread of algebra is enough."""
    log = "fixtures/trt-8.5.3-h200/lstm_verbose.log.gz"
    loaded = python(
        "import atexit, gc, os, runpy, sys\nos.environ.pop('OPENBLAS_NUM_THREADS', None)\n"
        "class Watching:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy': print('loads', gc.get_threshold()[0], os.environ.get('OPENBLAS_NUM_THREADS'))\n"
        "sys.meta_path.insert(0, Watching())\n"
        "atexit.register(lambda: print('kept', gc.get_freeze_count() > 20_000))\n"
        f"sys.argv[1:] = ['summary', {log!r}]\nrunpy.run_module('trtlog', run_name='__main__')"
    )
    assert {"loads 200000 1", "kept True"} <= set(loaded.splitlines())


def test_a_plain_log_loads_nothing_that_another_would_need():
    """Decompressors, pools of threads, what compiles rules; and rules of messages that it does not hold stay text."""
    names = ("bz2", "lzma", "hashlib", "concurrent.futures", "trtlog.grammar.programme", "trtlog.grammar.plugins")
    loaded = python(
        "import sys, numpy, pyarrow, pyarrow.compute\nheavy = {m for m in sys.modules}\nimport trtlog\n"
        "log = trtlog.parse(b'[11/22/2026-13:22:03] [V] [TRT] Original: 3 layers\\n', exports=())\n"
        "for name in log.tables: log.table(name)\n"
        f"print([m for m in {(*names, 'trtlog.exports.files')!r} if m in sys.modules and m not in heavy])\n"
        "from trtlog import grammar\n"
        "print(sum('made' in vars(m.variants) for m in grammar.load().messages.values()) < 100)"
    )
    assert loaded.split("\n")[:2] == ["[]", "True"]


@pytest.mark.parametrize("frozen", [False, True])
def test_nothing_goes_through_what_is_loaded_and_what_a_program_froze_stays_frozen(frozen):
    printed = python(
        f"import gc\nif {frozen}: gc.freeze()\nseen = []\ngc.callbacks.append(lambda *told: seen.append(told))\n"
        "import trtlog\nbefore = len(seen)\ntrtlog.parse(b'[V] [TRT] Original: 9 layers')\n"
        "print(len(seen) - before, gc.isenabled(), gc.get_freeze_count())"
    )
    rounds, enabled, kept = printed.split()
    assert enabled == "True"
    assert int(kept) > 1000 if frozen else kept == "0"
    assert frozen or int(rounds) < 20  # each is two


@pytest.mark.parametrize(("given", "while_it_loads"), [(None, "20"), ("26", "26")])
def test_idle_threads_of_numpy_sleep_soon_and_nothing_is_left_in_the_environment(given, while_it_loads):
    printed = python(
        f"import os, sys\nname, given = 'OPENBLAS_THREAD_TIMEOUT', {given!r}\nos.environ.pop(name, None)\n"
        "if given: os.environ[name] = given\n"
        "class Watching:\n    def find_spec(self, module, path=None, target=None):\n"
        "        if module == 'numpy': print('loads', os.environ.get(name))\n"
        "sys.meta_path.insert(0, Watching())\nimport trtlog\n"
        "trtlog.parse(b'[V] [TRT] Original: 9 layers')\nprint('then', os.environ.get(name))"
    )
    assert printed.splitlines() == [f"loads {while_it_loads}", f"then {given}"]


def test_only_commands_that_start_no_program_set_the_threads_of_numpy():
    code = (
        "import os, sys\nfrom trtlog.cli import main\nos.environ.pop('OPENBLAS_NUM_THREADS', None)\n"
        "if {given!r}: os.environ['OPENBLAS_NUM_THREADS'] = {given!r}\n"
        "try:\n    main([{command!r}, '--help'])\nexcept SystemExit: pass\n"
        "print(os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    asked = [("summary", ""), ("summary", "4"), ("run", ""), ("sweep", "")]
    found = [python(code.format(command=command, given=given)).splitlines()[-1] for command, given in asked]
    assert found == ["1", "4", "None", "None"]


def test_public_names():
    assert trtlog.__all__ == sorted(trtlog.__all__)
    for name in each(trtlog.__all__):
        assert getattr(trtlog, name) is not None
    assert dir(trtlog) == sorted(trtlog.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        trtlog.nothing  # noqa: B018 - the access is what is tested


# The direction of design: each layer imports from those above it in this list only.
LAYERS = [
    ["_version", "_util", "display", "errors", "flags", "plugins"],
    ["grammar"],
    ["source"],
    ["values"],
    ["messages"],
    ["engines"],
    ["exports"],
    ["records"],
    ["tables"],
    ["log", "parquet", "read", "reader", "several", "sql"],
    ["analyses"],
    ["dataset", "runner", "testing"],
    ["report"],
    ["mcp"],
    ["cli", "__main__"],
    ["docs"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def room(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(node: ast.AST) -> Iterator[str]:
    """Names of the modules that a statement imports, also inside functions; not what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from imported(ast.Module([other], []))
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "trtlog":
            for alias in child.names:
                name = f"{child.module}.{alias.name}"
                yield name if name in MODULES else child.module
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.split(".")[0] == "trtlog")
        yield from imported(child)


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    found = {
        name: set(imported(ast.parse(path.read_text(encoding="utf-8")))) - {name} for name, path in MODULES.items()
    }
    assert sum(map(len, found.values())) > 500  # imports were found at all
    return found


def components(graph: dict[str, set[str]]) -> list[set[str]]:
    """Strongly connected components: modules of which each reaches the others (Kosaraju)."""
    order: list[str] = []
    seen: set[str] = set()

    def walk(start: str, edges: dict[str, set[str]], done: list[str]) -> None:
        seen.add(start)
        for name in sorted(edges.get(start, ())):
            if name not in seen:
                walk(name, edges, done)
        done.append(start)

    back: dict[str, set[str]] = {}
    for name, targets in graph.items():
        for target in targets:
            back.setdefault(target, set()).add(name)
    for name in graph:
        if name not in seen:
            walk(name, graph, order)
    seen.clear()
    out = []
    for name in reversed(order):
        if name not in seen:
            component: list[str] = []
            walk(name, back, component)
            out.append(set(component))
    return out


def test_components_are_found():
    assert sorted(map(sorted, components({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}))) == [
        ["a"],
        ["b", "c"],
        ["d"],
    ]


def test_no_imports_go_in_circles(graph):
    assert [sorted(found) for found in components(graph) if len(found) > 1] == []


def test_imports_look_one_way(graph):
    """Also inside functions."""
    wrong = []
    for name, targets in each((name, targets) for name, targets in graph.items() if "." in name):
        own = name.split(".")[1]
        assert own in RANK, f"trtlog/{own} stands in no layer: add it to LAYERS where it belongs"
        for target in sorted(targets - {"trtlog"}):
            if RANK[target.split(".")[1]] > RANK[own]:
                wrong.append(f"{name} imports {target}, which stands below it")
    assert wrong == []


# Where a module is named by text: what is public, what a log answers with, renderers, analyses, rules, commands, and
# modules that are given or belong to others.
BY_NAME = [
    "__init__.py",
    "analyses/lint/registry.py",
    "analyses/registry.py",
    "cli/__init__.py",
    "dataset/cluster.py",
    "display.py",
    "docs/reference.py",
    "log.py",
    "plugins.py",
]


def test_modules_are_loaded_by_name_in_registries_only():
    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES.values()
        if any(word in path.read_text(encoding="utf-8") for word in ("import_module", "__import__", "find_spec"))
    ]
    assert sorted(found) == BY_NAME


def test_what_a_log_answers_with_is_there():
    for name, place in each(BELOW.items()):
        module, _, function = place.partition(":")
        assert callable(getattr(importlib.import_module(module), function))
        assert name in vars(trtlog.Log) or name == "record"


def test_renderers_are_there_for_what_they_draw():
    registered = display.renderers()
    assert set(registered) >= {"html", "terminal", "markdown", "json", "plot"}
    for form, table in each(registered.items()):
        results = [result.rpartition(".") for result in table if result.startswith("trtlog.")]
        for module, _, name in each(part for part in results if part[0] != "trtlog.display"):  # its examples' own
            cls = getattr(importlib.import_module(module), name)
            assert isinstance(cls, type)
            assert callable(display.renderer_of(form, cls)), (form, name)


def test_what_can_be_drawn_has_a_renderer():
    """A class that says that it is shown in a notebook or on a terminal has one."""
    for name in MODULES:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    for base, form in ((display.InNotebook, "html"), (display.OnTerminal, "terminal")):
        found = subclasses(base)
        assert len(found) > 3
        for cls in each(found):
            assert callable(display.renderer_of(form, cls))


def subclasses(cls: type) -> list[type]:
    return [found for direct in cls.__subclasses__() for found in (direct, *subclasses(direct))]


def test_files_are_small():
    for path in each(sorted(PACKAGE.rglob("*.py")) + sorted((ROOT / "grammars").rglob("*.lark"))):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 600, path


def test_what_windows_lacks_is_imported_where_it_is_used():
    """A module that begins with one of these cannot be loaded there at all."""
    lacking = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    loaded = {
        f"{name}: {alias.name}"
        for name, path in MODULES.items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if {alias.name, getattr(node, "module", None)} & lacking
    }
    assert loaded == set()


def test_only_the_command_line_prints():
    for path in each(path for path in PACKAGE.rglob("*.py") if room(path) not in ("cli", "testing")):
        text = path.read_text(encoding="utf-8")
        calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)] if "print" in text else []
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path
