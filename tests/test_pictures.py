"""The pictures show what the program prints now."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import pictures, warm
from tests.conftest import each
from tests.report.conftest import installed


@pytest.mark.parametrize("name", sorted(pictures.TERMINALS))
def test_a_terminal_shows_what_the_command_prints(name):
    """Otherwise run 'python -m tests.pictures'."""
    printed = re.sub(r"\x1b\[[0-9;]*m", "", pictures.on_terminal(pictures.TERMINALS[name], python=warm.python()))
    lines = [line.rstrip() for line in printed.splitlines()]
    shown = pictures.text_of((pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8"))
    assert shown == [line for line in lines if line], "run: python -m tests.pictures"


def test_a_picture_is_read_as_it_is_seen():
    svg = pictures.picture("\x1b[1;31mred\x1b[0m  and <plain> \x1b[2m& dim\x1b[0m\n\n   next\n", "title")
    assert pictures.text_of(svg) == ["red  and <plain> & dim", "   next"]


def test_the_pictures_fetch_no_fonts():
    for name in each(pictures.TERMINALS):
        svg = (pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert "url(http" not in svg
        assert "@font-face" not in svg


def test_the_picture_of_the_report_is_made_and_small(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser = installed()
    if browser is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    # In a process of its own: Playwright drives one browser a thread, and other tests may hold one.
    code = "import sys, pathlib, tests.pictures as made; made.report(pathlib.Path(sys.argv[1]), sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, tmp_path / "report.png", browser], check=True, cwd=pictures.ROOT)
    for path in (tmp_path / "report.png", pictures.REPORT):
        assert path.stat().st_size < pictures.REPORT_BYTES
        with image.open(path) as picture:
            assert picture.width == 1280
            bright = picture.convert("L").resize((1, 1)).getpixel((0, 0))
        assert bright > 200, "the picture is light"


def test_readme_shows_them():
    text = (pictures.ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[([^\]]+)\]\((docs/pictures/[^)]+)\)", text)
    assert {path for _, path in shown} >= {"docs/pictures/summary.svg", "docs/pictures/report.png"}
    for alt, path in each(shown):
        assert len(alt) > 30
        assert (pictures.ROOT / path).is_file()
