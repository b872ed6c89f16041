"""Folders of runs and sweeps that were damaged: read, or refused with one sentence."""

from __future__ import annotations

import contextlib
import json
import shutil
from random import Random

import pytest
from click.testing import CliRunner

import trtlog
from tests.test_whole_folders import damaged
from trtlog.cli import cli
from trtlog.errors import TrtlogError
from trtlog.runner.folder import RunFolder
from trtlog.runner.sweep import is_finished, sweep
from trtlog.testing import FakeTrtexec

_VALUES = (None, True, -1, 0, 1e999, 2**70, "", "x", "\x1b[31m", "../../x", [], [[]], {}, {"a": 1}, [None], "9" * 5000)


def changed(value, noise, depth=0):
    """Return what JSON holds with one of its values another one, or a key dropped, doubled or misspelt."""
    if (depth and noise.random() < 0.3) or not isinstance(value, (dict, list)) or not value:
        return noise.choice(_VALUES)
    if isinstance(value, list):
        place = noise.randrange(len(value))
        return [*value[:place], changed(value[place], noise, depth + 1), *value[place + 1 :]]
    key = noise.choice(list(value))
    rest = {name: inner for name, inner in value.items() if name != key}
    how = noise.random()
    if how < 0.2:
        return rest
    if how < 0.3:
        return {**rest, f"{key}x": value[key]}
    return {**rest, key: changed(value[key], noise, depth + 1)}


def spoiled(path, noise):
    """Return a file's bytes as bad luck or malice would leave them."""
    data = path.read_bytes()
    if path.suffix == ".json" and noise.random() < 0.7:
        with contextlib.suppress(ValueError):
            return json.dumps(changed(json.loads(data), noise)).encode()
    how = noise.random()
    if how < 0.05:
        return b""
    if how < 0.1:
        return b"[" * 100_000
    if how < 0.15:
        return b"\xff\xfe\x00" * 20
    return damaged(data, noise) if data else b"{"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    from tests.runner.conftest import find_capture

    logs = [find_capture(f"sweep_r50_fp32_b{batch}.log") for batch in (1, 8)]
    out = tmp_path_factory.mktemp("damaged") / "s"
    return sweep(
        "resnet50_bs_dynamic.onnx", trtexec=FakeTrtexec(logs), out=out, batch=[1, 8], shapes="input:Nx3x224x224",
        duration=2,
    ).path  # fmt: skip


def look_at_all(folder):
    """Ask a sweep's folder and those of its runs for all that they tell; trtlog's own errors are answers too."""
    runs = [path.parent for path in folder.glob("*/trtexec.log")]
    for run in runs:
        run_folder = RunFolder(run)
        for name in ("command", "environment", "result", "status", "files", "engine", "times", "profile", "layers"):
            with contextlib.suppress(TrtlogError):
                getattr(run_folder, name)
        repr(run_folder)
        with contextlib.suppress(TrtlogError):
            log = trtlog.open_run(run)
            repr(log), log._repr_html_(), log.table("iteration_times"), log.table("profile"), log.lint()
    with contextlib.suppress(TrtlogError):
        opened = trtlog.open_sweep(folder)
        repr(opened), opened._repr_html_(), opened.df
        for point in opened.points:
            with contextlib.suppress(TrtlogError):
                is_finished(RunFolder(folder / point.name), point, retry_failed=True)
    lines = [["sweep", "--show", "-o", str(folder)], *(["summary", str(run)] for run in runs[:1])]
    for line in lines:
        result = CliRunner().invoke(cli, line)
        if result.exception is not None and not isinstance(result.exception, (SystemExit, TrtlogError)):
            raise result.exception


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_damaged_folders_of_runs_are_read_or_refused(seed, study, tmp_path):
    noise = Random(seed)
    files = sorted(path for path in study.rglob("*") if path.is_file())
    assert {path.name for path in files} >= {"command.json", "environment.json", "result.json", "trtexec.log"}
    found = {}
    for number in range(30):
        folder = tmp_path / str(number)
        shutil.copytree(study, folder)
        path = folder / noise.choice(files).relative_to(study)
        path.write_bytes(spoiled(path, noise))
        try:
            look_at_all(folder)
        except Exception as error:
            found.setdefault(f"{type(error).__name__}: {error}"[:100], f"{path.name}: {path.read_bytes()[:200]!r}")
        shutil.rmtree(folder)
    assert not found, "\n".join(f"{kind}\n    {data}" for kind, data in found.items())
