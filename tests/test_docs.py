"""README and docs cannot rot: every command and snippet runs, every generated part is what it says."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import json
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import trtlog
from tests import warm
from tests.command import trtlog as trtlog_in
from tests.conftest import ROOT, each
from trtlog import docs
from trtlog.docs import site
from trtlog.errors import TrtlogError

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^( *)```([a-z]*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    out = []
    for indent, name, body in _FENCE.findall(page.read_text(encoding="utf-8")):
        if name == language:
            out.append("\n".join(line.removeprefix(indent) for line in body.splitlines()) + "\n")
    return out


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_snippets_run(page, tmp_path, monkeypatch):
    """The python blocks of a page, one after the other; a comment that holds a value is compared."""
    monkeypatch.chdir(tmp_path)
    for name in ("fixtures", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    namespace: dict[str, object] = {"__name__": "snippet"}
    for block in each(blocks(page, "python")):
        if ">>> " in block:
            example = doctest.DocTestParser().get_doctest(block, namespace, page.name, str(page), 0)
            assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, clear_globs=False).failed == 0
            namespace.update(example.globs)  # the next block goes on with these names
            continue
        exec(compile(block, str(page), "exec"), namespace)
        told = re.finditer(r"^([a-z_][^#=\n]*?)\s+# (\(.*\)|'.*'|[0-9.]+|True|False)$", block, re.MULTILINE)
        wrong = [found[0] for found in told if repr(eval(found[1], namespace)) != found[2]]
        assert wrong == [], page.name


def commands(page: Path) -> list[str]:
    lines = [line for block in blocks(page, "console") for line in block.splitlines()]
    return [line[2:] for line in lines if line.startswith("$ ")]


def trtlog_commands() -> list[tuple[str, str]]:
    """Commands of the pages that show no output: those that do are run by the test that they are fresh."""
    shown = {ROOT / path for path in docs.generated(ROOT)}
    bare = [p for p in PAGES if p not in shown or p.name == "lint.md"]
    return [(p.name, c) for p in bare for c in commands(p) if c.startswith("trtlog ")]


@pytest.mark.parametrize(("page", "command"), trtlog_commands())
def test_commands_run(page, command, tmp_path):
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    if re.search(r"[|<>&;*$~`]", command):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        shell = command.replace("trtlog ", f"{shlex.quote(warm.python())} -m trtlog ", 1)
        bash = ["bash", "-c", shell]
        done = subprocess.run(bash, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    else:
        done = trtlog_in(*shlex.split(command, comments=True)[1:], cwd=tmp_path)
    allowed = (0, 1) if " check " in command else (0,)
    assert done.returncode in allowed, f"{page}: {command}\n{done.stderr}"
    assert done.stdout.strip()


MODULES = sorted(m.name for m in pkgutil.walk_packages(trtlog.__path__, "trtlog.") if "__main__" not in m.name)


WITH_EXAMPLES = [
    name
    for name in ["trtlog", *MODULES]
    if ">>> " in Path(str(importlib.util.find_spec(name).origin)).read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_docstrings(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    done = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert done.failed == 0
    assert done.attempted > 0


def test_readme_has_two_commands_that_do_all():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    set_up = [c for c in commands(ROOT / "README.md") if "venv" in c]
    assert len(set_up) == 2
    main, tests = set_up
    path = re.search(r"fixtures/\S+", main)
    assert path is not None
    assert (ROOT / path[0]).is_file()
    assert "pytest" in tests
    assert tests in text
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("path", docs.generated(ROOT), ids=str)
def test_generated_parts_are_fresh(path):
    """Tables of columns and outputs come from the code: otherwise run 'python -m trtlog.docs'."""
    page = ROOT / path
    assert page.read_text(encoding="utf-8") == docs.refreshed(ROOT, path), "run: python -m trtlog.docs"


def test_the_page_for_contributors_teaches_a_rule(monkeypatch):
    """What stands on the page is what happens: without the rule its commands print something else."""
    monkeypatch.setattr("trtlog.docs.outputs._COPIED", ("trtlog", "grammars"))  # no test runs above step 3
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    taught = blocks(ROOT / "docs" / "contributing.md", "lark")
    assert len(taught) == 1
    assert "new.log: every line is known" in page
    assert re.search(r"^ +0 +626 +kernel_warmup +0.25 +0$", page, re.MULTILINE)
    above = page.partition("**3. ")[0]
    assert above.count("$ trtlog ") > 3
    made = docs.with_outputs(ROOT, above.replace(taught[0], "// No rule.\n"))
    assert "new.log: every line is known" not in made
    assert "no rule knows" in made
    assert "kernel_warmup  " not in made
    assert "kernels_warmed_up" not in (ROOT / "grammars" / "messages" / "build.lark").read_text(encoding="utf-8")


def test_a_command_of_a_page_that_fails_is_an_error(monkeypatch):
    """As pytest does where it finds no test: what it prints is no output to show."""
    monkeypatch.setattr("trtlog.docs.outputs._COPIED", ("grammars",))
    rule = '```lark title="grammars/messages/build.lark"\n// No rule.\n```\n'
    with pytest.raises(TrtlogError, match="no tests ran"):
        docs.with_outputs(ROOT, f"{rule}\n```console\n$ echo no tests ran; exit 5\n```\n")


@pytest.mark.parametrize("way", ["sql", "function"])
def test_the_analysis_that_contributing_teaches_works_as_written(way, tmp_path):
    as_sql, as_function = blocks(ROOT / "docs" / "contributing.md", "python")[:2]
    entry, method, entry_of_function = blocks(ROOT / "docs" / "contributing.md", "text")[:3]
    module = as_sql if way == "sql" else as_function
    entry = entry if way == "sql" else entry_of_function
    package = tmp_path / "trtlog"
    shutil.copytree(ROOT / "trtlog", package)  # with what Python has compiled, which is as good there
    (tmp_path / "grammars").symlink_to(ROOT / "grammars")
    (package / "analyses/build/slow_layers.py").write_text(module)
    places = (("registry.py", '    Analysis("findings"', entry), ("handle.py", "        def findings", method))
    for path, above, line in each(places):
        text = (package / "analyses" / path).read_text()
        assert text.count(above) == 1
        (package / "analyses" / path).write_text(text.replace(above, f"{line}{above}"))
    log = ROOT / "fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz"

    def run(*words):
        command = [sys.executable, "-m", "trtlog", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    found = [json.loads(line) for line in run("show", "slow_layers", str(log), "--format", "jsonl").splitlines()]
    times = sorted((row for row in trtlog.parse(log).table("profile").column("avg_ms").to_pylist()), reverse=True)
    shown = [row["avg_ms"] for row in found]
    assert shown == times[: len(shown)]
    assert sum(shown[:-1]) < sum(times) / 2 <= sum(shown)
    about = run("tables", "slow_layers")
    assert "mean time of an inference" in about
    assert ("qualify coalesce(slower_ms, 0)" in about) == (way == "sql")


def test_table_rule_and_command_that_contributing_teaches_work_as_written(tmp_path):
    record, builder, message, rule, example, command, entry = blocks(ROOT / "docs" / "contributing.md", "text")[3:10]
    for name in ("trtlog", "grammars"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    package = tmp_path / "trtlog"

    def put(path, text, above=None, instead=None):
        file = tmp_path / path
        before = file.read_text() if file.exists() else ""
        mark = above or instead
        assert mark is None or before.count(mark) == 1, (path, mark)
        file.write_text(before + f"\n\n{text}" if mark is None else before.replace(mark, text + (above or "")))

    put("trtlog/records/build.py", record)
    put("trtlog/records/__init__.py", "TimingCacheEvent, Warmup\nfrom trtlog.records.performance",
        instead="TimingCacheEvent\nfrom trtlog.records.performance")  # fmt: skip
    put("trtlog/tables/__init__.py", builder, above='    "messages": messages.messages,')
    put("grammars/messages/build.lark", message)
    put("trtlog/analyses/lint/formats.py", rule)
    put("trtlog/analyses/lint/examples.py", example, above='    "run-died": ')
    (package / "cli" / "slowest.py").write_text(command)
    put("trtlog/cli/__init__.py", entry, above='    "coverage": (')
    log = "fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz"
    line = "[11/22/2026-13:21:02] [V] [TRT] Warmed up 12 kernels of /fc/Gemm in 0.25 seconds.\n"
    (tmp_path / "new.log").write_text(line)

    def run(*words):
        python = [sys.executable, "-m", *words]
        return subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    run("trtlog.grammar")
    shown = run("trtlog", "show", "warmups", "new.log", "--format", "csv").splitlines()
    assert shown == ["run,line,layer,count,seconds", "0,1,/fc/Gemm,12,0.25"]
    assert "time in seconds" in run("trtlog", "tables", "warmups")
    detailed = "fixtures/trt-8.5.3-h200/resnet50_fp16_dyn_detailed.log.gz"
    found = run("trtlog", "lint", detailed, "--format", "md")
    assert "input is converted from FP32 linear to" in found
    slowest = run("trtlog", "slowest", log, "--format", "csv").splitlines()
    times = trtlog.parse(ROOT / log).table("profile").column("avg_ms").to_pylist()
    place = slowest[0].split(",").index("avg_ms")
    assert [float(row.split(",")[place]) for row in slowest[1:]] == sorted(times, reverse=True)[:3]


def test_links_between_files_lead_somewhere():
    """As GitHub shows the pages; those of the site are checked when it is built."""
    made = {*site.site_pages(ROOT)}
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]
    for page, target in each(links):
        path = (page.parent / target).resolve()
        inside = path.relative_to(ROOT / "docs").as_posix() if path.is_relative_to(ROOT / "docs") else ""
        assert path.exists() or inside in made, f"{page}: {target}"


def anchors(page: Path) -> set[str]:
    """What the headings of a page are reached by, as GitHub makes it of their text."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    out: list[str] = []
    for heading in re.findall(r"^#{1,6} (.+?) *$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        base = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = sum(one == base or re.fullmatch(rf"{re.escape(base)}-\d+", one) is not None for one in out)
        out.append(f"{base}-{again}" if again else base)
    return {*out, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


def test_anchors_are_made_as_github_makes_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# `a_b`: what, and [why](x.md)?\n```sh\n# none\n```\n## Twice\n## Twice\n")
    assert anchors(page) == {"a_b-what-and-why", "twice", "twice-1"}


def test_links_to_headings_lead_to_one():
    pages = {page: _FENCE.sub("", page.read_text(encoding="utf-8")) for page in PAGES}
    links = [
        (page, page if not target else (page.parent / target).resolve(), anchor)
        for page, text in pages.items()
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", text)
        if "://" not in target
    ]
    # What exists on the site alone is checked when it is built.
    for page, file, anchor in each([link for link in links if link[1].exists()]):
        assert anchor in anchors(file), f"{page}: {file.name}#{anchor}"


def test_changelog_has_the_version():
    from trtlog import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert 'path = "trtlog/_version.py"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_project_speaks_of_itself_alone():
    """No local paths and no names of package hosts in what is shipped."""
    forbidden = re.compile(r"/work/|/root/|files\.pythonhosted|localhost:[0-9]")
    sources = [*(ROOT / "trtlog").rglob("*.py"), *(ROOT / "grammars").rglob("*.lark"), ROOT / "pyproject.toml"]
    for path in each([*PAGES, *sources]):
        found = forbidden.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"
