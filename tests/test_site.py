"""The site builds without a warning, every link in it leads somewhere, and nothing of it is fetched from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import ROOT, each
from trtlog import grammar
from trtlog.cli import COMMANDS
from trtlog.records import TABLES

pytest.importorskip("mkdocs", reason="mkdocs is not installed (pip install -e '.[docs]')")
KINDS = grammar.load().messages


class Page(HTMLParser):
    """Links, anchors, fetched files, pictures and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self.pictures: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.ids.update(value for name in ("id", "name") if (value := held.get(name)))
        if tag == "a" and held.get("href"):
            self.links.append(held["href"])
        if tag == "img":
            self.pictures.append(held)
        fetches = tag != "a" and held.get("rel") not in ("canonical", "next", "prev")
        self.fetched += [held[name] for name in ("src", "href") if fetches and held.get(name)]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    arguments = ["-m", "mkdocs", "build", "--strict", "-f", str(ROOT / ".mkdocs.yml"), "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(built) -> dict[str, Page]:
    return {path.relative_to(built).as_posix(): Page(path) for path in sorted(built.rglob("*.html"))}


def test_every_link_leads_somewhere(built, pages):
    broken = []
    for name, page in pages.items():
        if name == "404.html":
            continue  # the only page with absolute addresses: it is served at any address
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_relative_to(built) or not target.is_file():
                broken.append((name, link))
            elif parts.fragment and target.suffix == ".html":
                ids = pages[target.relative_to(built).as_posix()].ids
                if unquote(parts.fragment) not in ids:
                    broken.append((name, link))
    assert broken == []


def test_nothing_is_fetched_from_another_host(built, pages):
    for name, page in each(pages.items()):
        assert [url for url in page.fetched if re.match(r"(?:https?:)?//", url)] == [], name
    for path in each([*built.rglob("*.css"), *built.rglob("*.svg")]):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", text) == [], path


def test_pictures_have_words_for_those_who_do_not_see_them(built, pages):
    shown = [(name, held) for name, page in pages.items() for held in page.pictures]
    assert any("pictures/summary.svg" in (held.get("src") or "") for _, held in shown)
    for name, held in each(shown):
        assert len(held.get("alt") or "") > 10, (name, held)


def test_prompts_are_those_of_the_pages_and_nothing_else(built):
    """What a command prints is no prompt, whatever it holds: the copy button leaves prompts and output out."""
    for name in ("tutorial", "contributing"):
        page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        html = (built / f"{name}.html").read_text(encoding="utf-8")
        commands = re.findall(r"^\$ ", page, re.MULTILINE)
        assert len(commands) > 5
        assert html.count('<span class="gp">$ </span>') == html.count('class="gp">$') == len(commands)


def test_every_kind_of_message_has_its_place(pages):
    for kind, message in each(KINDS.items()):
        assert kind in pages[f"messages/{Path(message.file).stem}.html"].ids


def test_a_kind_shows_its_sample_its_fields_and_its_tables(pages):
    page = pages["messages/autotune.html"]
    assert "Tactic: 0x0000000000000bb9 Time: 0.0181029" in page.text
    assert re.search(r"time_ms\s*float\s*ms\s*", page.text)
    links = page.links[page.links.index("#tactic") :]
    assert "../tables.html#tactics" in links
    assert "../tables.html#timings" in links


def test_every_command_and_every_table_has_its_place(pages):
    assert set(COMMANDS) <= pages["commands.html"].ids
    assert "--where CONDITION" in pages["commands.html"].text
    assert set(TABLES) <= pages["tables.html"].ids


def test_the_python_reference_has_the_public_names(pages):
    import trtlog

    for name in each(trtlog.__all__):
        if name != "__version__":
            found = [i for i in pages["api.html"].ids if re.fullmatch(rf"trtlog\.[a-z_.]+\.{name}", i)]
            assert found, f"docs/api.md lacks {name}"


def test_the_search_finds_a_message_by_its_words(built):
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = [d["location"] for d in index["docs"] if "16 remaining after tactic pruning" in d["text"]]
    assert found == ["messages/autotune.html#tactics_pruned"]
