"""What is shipped works: the wheel is built, installed elsewhere, and parses a fixture with its own grammars."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import BUILD, FIXTURES, ROOT, each

CODE = f"""
import pathlib, trtlog
from trtlog import grammar
assert {str(ROOT)!r} not in trtlog.__file__, trtlog.__file__
log = trtlog.parse({str(FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz")!r})
print(log.run.tensorrt_version, len(log.coverage), grammar.grammar_dir().parent.name)
print(grammar.load().digest == grammar.digest_of(grammar.grammar_files(grammar.grammar_dir())))
"""


def built(out, **environment):
    """Build without isolation: the build needs hatchling alone, which the tests' environment holds."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = out.glob("*.whl")
    return path, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("dist"))[0]


def test_the_wheel_holds_the_grammars_and_the_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for path in each((ROOT / "grammars").rglob("*.*")):
        assert f"trtlog/grammars/{path.relative_to(ROOT / 'grammars')}" in names
    for path in each((ROOT / "trtlog/report/page/assets").iterdir()):
        assert f"trtlog/report/page/assets/{path.name}" in names
    assert "trtlog/py.typed" in names
    assert not [n for n in names if n.startswith(("tests", "fixtures"))]
    assert [n for n in names if n.endswith("licenses/LICENSE")]


@pytest.fixture(scope="module")
def whole(wheel, tmp_path_factory):
    return installed(wheel, tmp_path_factory.mktemp("installed"))


def installed(wheel, folder) -> dict[str, str]:
    """Install into a folder of its own; return the environment in which only that is in reach."""
    target = folder / "site"
    options = ["--quiet", "--no-deps", "--no-compile"]  # a third of the modules is asked for
    install = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return {"PYTHONPATH": str(target), "PATH": "/usr/bin:/bin", "TRTLOG_TRACEBACK": "1"}


def version_of(environment, tmp_path) -> str:
    command = [sys.executable, "-m", "trtlog", "--version"]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_wheel_with_the_scanner_is_for_this_platform_and_any_python(wheel, whole, tmp_path):
    if not BUILD.compilers():
        pytest.skip("no C compiler is here")
    assert re.search(r"-py3-none-(?!any)\w+\.whl$", wheel.name)
    assert f"trtlog/engines/{BUILD.library_name()}" in zipfile.ZipFile(wheel).namelist()
    assert "line engine in C" in version_of(whole, tmp_path)


def test_a_build_that_fails_leaves_a_wheel_that_reads_in_python_alone(tmp_path):
    (tmp_path / "dist").mkdir()
    wheel, said = built(tmp_path / "dist", CC=f"{sys.executable} -c raise(SystemExit(1))")
    assert "trtlog will read logs in Python alone" in said
    assert wheel.name.endswith("-py3-none-any.whl")
    environment = installed(wheel, tmp_path)
    assert "line engine in Python, slower" in version_of(environment, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[0] == "8.5.3", done.stderr


def test_the_installed_wheel_parses(whole, tmp_path):
    """Run from elsewhere: nothing of the checkout is in reach."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=whole, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    version, _, room = done.stdout.split()[:3]
    assert (version, room) == ("8.5.3", "trtlog")
    assert done.stdout.splitlines()[1] == "True"
    summary = [sys.executable, "-m", "trtlog", "summary", str(FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz")]
    done = subprocess.run(summary, cwd=tmp_path, env=whole, capture_output=True, text=True, check=False)
    assert "TensorRT 8.5.3" in done.stdout
