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

from tests import warm
from tests.conftest import ROOT, each
from trtlog import grammar
from trtlog.cli import COMMANDS
from trtlog.records import TABLES

pytest.importorskip("sphinx", reason="sphinx is not installed (pip install -e '.[docs]')")
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
        given = dict(attrs)
        self.ids.update(value for name in ("id", "name") if (value := given.get(name)))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img":
            self.pictures.append(given)
        fetches = tag != "a" and given.get("rel") not in ("canonical", "next", "prev")
        self.fetched += [given[name] for name in ("src", "href") if fetches and given.get(name)]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def build(
    folder: Path, *options: str, docs: Path = ROOT / "docs", python: str = sys.executable
) -> subprocess.CompletedProcess:
    """Build the site as the workflow does: any warning fails."""
    command = [python, "-m", "sphinx", "-q", "-W", "--keep-going", *options, str(docs), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder / "latest", "-D", "version=latest", "-d", str(folder / "doctrees"))
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder / "latest"


@pytest.fixture(scope="module")
def pages(built) -> dict[str, Page]:
    paths = [path for path in sorted(built.rglob("*.html")) if path.parent.name != "_static"]
    return {path.relative_to(built).as_posix(): Page(path) for path in paths}


def test_every_link_leads_somewhere(built, pages):
    broken = []
    for name, page in pages.items():
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
    shown = [(name, picture) for name, page in pages.items() for picture in page.pictures]
    assert any("_images/summary.svg" in (picture.get("src") or "") for _, picture in shown)
    for name, picture in each(shown):
        alt = picture.get("alt") or ""
        assert len(alt) > 10, (name, picture)
        assert not re.search(r"\.(?:png|svg)$", alt), (name, picture)


def test_prompts_are_those_of_the_pages_and_nothing_else(built):
    """What a command prints is no prompt, whatever it holds: the copy button leaves output out."""
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

    for name in each(set(trtlog.__all__) - {"__version__"}):
        places = {f"trtlog.{name}", f"trtlog.errors.{name}"}
        assert places & pages["api.html"].ids, f"docs/api.md lacks {name}"


def test_the_search_finds_a_message_by_its_words(built):
    text = (built / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    found = [
        f"{index['filenames'][page].removesuffix('.md')}.html#{anchor}"
        for words, objects in index["objects"].items()
        for page, _, _, anchor, _ in objects
        if "16 remaining after tactic pruning" in words
    ]
    assert found == ["messages/autotune.html#tactics_pruned"]
    # The words of pages are found too: each stands in the index with the pages that hold it.
    holding = [index["terms"][word] for word in ("unpars", "remain", "prune")]
    autotune = index["docnames"].index("messages/autotune")
    assert [autotune in (pages if isinstance(pages, list) else [pages]) for pages in holding] == [True] * 3


def test_a_broken_link_fails(tmp_path):
    """Links of Markdown to a page, to a place on a page, and those of docstrings."""
    docs = tmp_path / "docs"
    docs.mkdir()
    conf = 'extensions = ["myst_nb", "sphinx.ext.autodoc"]\n'
    settings = re.findall(r"^(?:myst|nitpick)\w* = .*$", (ROOT / "docs/conf.py").read_text(encoding="utf-8"), re.M)
    (docs / "conf.py").write_text("\n".join([conf, *settings]), encoding="utf-8")
    (docs / "other.md").write_text("---\norphan: true\n---\n# Other\n\n## One_place\n", encoding="utf-8")
    right = "# Page\n\n[page](other.md), [place](other.md#one_place)\n"
    (docs / "index.md").write_text(right, encoding="utf-8")
    assert build(tmp_path / "right", "-b", "dummy", docs=docs, python=warm.python()).returncode == 0
    wrong = ["[a](lost.md)", "[a](other.md#lost)", "[a](#lost)", "```{eval-rst}\n:func:`lost`\n```"]
    (docs / "index.md").write_text("\n\n".join([right, *wrong]), encoding="utf-8")
    done = build(tmp_path / "wrong", "-b", "dummy", docs=docs, python=warm.python())
    assert done.returncode == 1
    assert done.stderr.count("WARNING") == len(wrong), done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the workflow publishes from Linux")
def test_versions_are_published_beside_one_another(tmp_path):
    """As the workflow does: releases and the main branch, each of a run of its own."""
    remote, checkout = tmp_path / "remote.git", tmp_path / "checkout"
    environment = {
        **os.environ,
        "ADDRESS": "https://host/trtlog",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def run(*command: str | Path) -> str:
        cwd = checkout if checkout.exists() else tmp_path
        done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("git", "init", "-q", "--bare", remote)
    run("git", "clone", "-q", remote, checkout)
    (checkout / "docs").mkdir()
    (checkout / "docs/versions.py").write_bytes((ROOT / "docs/versions.py").read_bytes())
    run("git", "add", "docs")
    run("git", "commit", "-qm", "first")
    for number, version in enumerate(["0.9", "latest", "0.10", "latest"]):
        page = tmp_path / f"built{number}" / version / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"{version}, built {number}", encoding="utf-8")
        run("bash", ROOT / ".github/publish_site.sh", tmp_path / f"built{number}")
    site = tmp_path / "site"
    run("git", "clone", "-q", "-b", "gh-pages", remote, site)
    assert json.loads((site / "switcher.json").read_text(encoding="utf-8")) == [
        {"name": "0.10 (newest)", "version": "0.10", "url": "https://host/trtlog/0.10/", "preferred": True},
        {"name": "0.9", "version": "0.9", "url": "https://host/trtlog/0.9/"},
        {"name": "latest (main branch)", "version": "latest", "url": "https://host/trtlog/latest/"},
    ]
    assert "url=0.10/" in (site / "index.html").read_text(encoding="utf-8")
    shown = {path.parent.name: path.read_text(encoding="utf-8") for path in site.glob("*/index.html")}
    assert shown == {"0.9": "0.9, built 0", "0.10": "0.10, built 2", "latest": "latest, built 3"}
    assert {path.name for path in site.iterdir()} == {".git", ".nojekyll", "index.html", "switcher.json", *shown}


def test_a_page_knows_its_version_and_where_the_list_stands(built):
    for page in ("index.html", "messages/autotune.html"):
        html = (built / page).read_text(encoding="utf-8")
        assert "theme_switcher_json_url = '../switcher.json'" in html  # beside the folder of this version
        assert "theme_switcher_version_match = 'latest'" in html
