"""What is shipped works: the wheel is built, installed elsewhere, and parses a fixture with its own grammars."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from tests.conftest import FIXTURES, ROOT, each

CODE = f"""
import pathlib, trtlog
from trtlog import grammar
assert {str(ROOT)!r} not in trtlog.__file__, trtlog.__file__
log = trtlog.parse({str(FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz")!r})
print(log.run.tensorrt_version, len(log.coverage), grammar.grammar_dir().parent.name)
print(grammar.load().digest == grammar.digest_of(grammar.grammar_files(grammar.grammar_dir())))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build without isolation: the build needs hatchling alone, which the tests' environment holds."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = out.glob("*.whl")
    return path


def test_the_wheel_holds_the_grammars_and_the_types(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for path in each((ROOT / "grammars").rglob("*.*")):
        assert f"trtlog/grammars/{path.relative_to(ROOT / 'grammars')}" in names
    for path in each((ROOT / "trtlog/report/page/assets").iterdir()):
        assert f"trtlog/report/page/assets/{path.name}" in names
    assert "trtlog/py.typed" in names
    assert not [n for n in names if n.startswith(("tests", "fixtures"))]
    assert [n for n in names if n.endswith("licenses/LICENSE")]


def test_the_installed_wheel_parses(wheel, tmp_path):
    """Installed into a folder of its own, run from elsewhere: nothing of the checkout is in reach."""
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    environment = {"PYTHONPATH": str(target), "PATH": "/usr/bin:/bin", "TRTLOG_TRACEBACK": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    version, _, room = done.stdout.split()[:3]
    assert (version, room) == ("8.5.3", "trtlog")
    assert done.stdout.splitlines()[1] == "True"
    summary = [sys.executable, "-m", "trtlog", "summary", str(FIXTURES / "trt-8.5.3-h200/lstm_verbose.log.gz")]
    done = subprocess.run(summary, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "TensorRT 8.5.3" in done.stdout
