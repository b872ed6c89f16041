"""What the tests share: where fixtures and third-party logs are, and hypothesis profiles."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

import trtlog
from trtlog._util.cores import usable_cores
from trtlog.tables import BUILDERS

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
CORPUS = ROOT.parent / "shared" / "corpus"

T = TypeVar("T")


def _module(path: Path) -> Any:
    """Return a script of this checkout as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# To collect makes objects that all stay: no look finds any garbage among them. Later there is another threshold.
gc.set_threshold(200_000, 50, 50)

BUILD = _module(ROOT / ".ci" / "build_scanner.py")


def _build_scanner() -> None:
    """Build the scanner where it is older than its source: what is tested is what stands in the checkout."""
    library = BUILD.SOURCE.with_name(BUILD.library_name())
    folder = BUILD.SOURCE.parent
    changed = max(path.stat().st_mtime for path in (*folder.glob("scan*.[ch]"), folder / "digest.py"))
    if not library.is_file() or library.stat().st_mtime < changed:
        with contextlib.suppress(BUILD.BuildError, OSError):
            BUILD.build(library)


_build_scanner()

# Programs that tests start keep what they compile, whatever the surroundings say: each would compile trtlog anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Dask's workers are forked of one that has loaded it, in a tenth of the time; none takes samples of what it does.
os.environ.setdefault("DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD", "forkserver")
os.environ.setdefault("DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED", "False")


def _keep_folders_in_memory() -> None:
    """Let folders of tests lie in memory where there is plenty: they are twenty thousand, and removed again.

    On some disks to remove a folder takes four milliseconds, which is longer than most tests.
    """
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return
    about = os.statvfs(memory)
    if about.f_bavail * about.f_frsize > 4 << 30 and not about.f_flag & getattr(os, "ST_NOEXEC", 0):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


_keep_folders_in_memory()

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Take one worker more than there are cores: some tests wait, for processes that sleep, die or are killed."""
    return None if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else usable_cores() + 1


# What takes longest: started last, one of them would run alone at the end.
LONG = tuple(f"tests/{name}.py" for name in ("test_site", "test_notebooks", "fuzz/test_fuzz"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, and leave the others in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """Leave ten thousand tests out of each look for garbage, and look less often: a tenth of the suite's time.

    Five thousand objects are what a core's own cache holds: of more at once each takes twice as long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 80, 50)


def beside(found: list[Any], what: str = "the third-party logs are") -> list[Any]:
    """Return the parameters found beside the checkout, or one that is skipped with the reason where there are none."""
    reason = f"{what} not beside this checkout"
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="absent")]


def needs(*packages: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are skipped where a package is not installed; collecting them loads none."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def each(items: Iterable[T]) -> Iterator[T]:
    """Yield each item; fail where there is none: assertions in a loop that runs over nothing hold whatever happens."""
    empty = True
    for item in items:
        empty = False
        yield item
    assert not empty, "nothing to look at"


def passes_fail_on(layers: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a mistake into the table of passes: it cannot be made of a log whose graph has so many layers."""
    build = BUILDERS["passes"]

    def failing(context):
        if layers in context.captures.matches("original_layers").column("layers").to_pylist():
            raise ZeroDivisionError("a mistake")
        return build(context)

    monkeypatch.setitem(BUILDERS, "passes", failing)


@functools.cache
def parsed_once(path: Path) -> trtlog.Log:
    """Return a log of a file; tests that only read of it share it."""
    return trtlog.parse(path)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip("the third-party logs are not beside this checkout")
    return CORPUS
