"""What a release is made of: workflows, versions, oldest dependencies, forms for reports."""

from __future__ import annotations

import importlib.util
import re
import subprocess

import pytest
import yaml

import trtlog
from tests import warm
from tests.conftest import ROOT, each
from trtlog.cli import COMMANDS

tomllib = pytest.importorskip("tomllib")  # Python 3.11
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[0-9]_*.yml"))


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", [*WORKFLOWS, ROOT / "docs/examples/github-actions.yml"]),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_files_are_of_their_schema(schema, paths):
    assert paths
    command = [warm.python(), "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_is_there(path):
    """Scripts, tests and artifacts that its steps name."""
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?:\.github|tests|fixtures)/[\w./-]+\.(?:py|sh|txt|gz)", text)
    assert [name for name in named if not (ROOT / name).is_file()] == []
    jobs = yaml.safe_load(text)["jobs"]
    for job in each(jobs.values()):
        needs = job.get("needs", [])
        assert set([needs] if isinstance(needs, str) else needs) <= set(jobs)
    kept = set(re.findall(r"upload-artifact@v4\n\s+with:\n\s+name: (\w+)", text))
    asked = set(re.findall(r"download-artifact@v4\n\s+with:\n\s+name: (\w+)", text))
    assert asked <= kept


def test_the_version_stands_in_one_place():
    assert "version" in PROJECT["project"]["dynamic"]
    assert "version" not in PROJECT["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == trtlog.__version__
    assert citation["license"] == PROJECT["project"]["license"]


def test_the_notes_of_a_release_are_its_section_of_the_changelog():
    spec = importlib.util.spec_from_file_location("release_notes", GITHUB / "release_notes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.version() == trtlog.__version__
    notes = module.notes(trtlog.__version__)
    assert "### Added" in notes
    assert "## [" not in notes.replace("### [", "")
    with pytest.raises(SystemExit, match=r"no section \[9.9.9\]"):
        module.notes("9.9.9")


def test_the_oldest_dependencies_are_those_that_are_allowed():
    allowed = dict(re.findall(r"^([a-z]+)>=([0-9.]+)", "\n".join(PROJECT["project"]["dependencies"]), re.MULTILINE))
    tried = dict(
        re.findall(r"^([a-z]+)==([0-9.]+)$", (GITHUB / "oldest.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(tried) == set(allowed)
    for name, version in each(tried.items()):
        bound = allowed[name].split(".")
        assert version.split(".")[: len(bound)] == bound, name


def test_tests_run_on_each_python_that_is_named():
    named = set(re.findall(r"Python :: (3\.[0-9]+)", "\n".join(PROJECT["project"]["classifiers"])))
    matrix = yaml.safe_load((GITHUB / "workflows/tests.yml").read_text(encoding="utf-8"))["jobs"]["newest"]["strategy"]
    assert named <= set(matrix["matrix"]["python"])
    assert set(matrix["matrix"]["os"]) == {"ubuntu-latest", "macos-latest", "windows-latest"}


def test_forms_ask_for_commands_that_there_are():
    for path in each(FORMS):
        for name in each(re.findall(r"trtlog ([a-z-]+) LOG", path.read_text(encoding="utf-8"))):
            assert name in COMMANDS, f"{path.name}: trtlog {name}"
    first = FORMS[0].read_text(encoding="utf-8")
    assert "trtlog coverage LOG" in first
    assert "trtlog excerpt LOG:FIRST-LAST --redact" in first
