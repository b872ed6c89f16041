"""The site of the documentation: ``sphinx-build -W docs build/site``."""

from __future__ import annotations

import functools
import gc
import re
import shutil
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from pygments.lexers.shell import BashSessionLexer
from pygments.lexers.special import TextLexer
from pygments.lexers.sql import SqlLexer
from pygments.token import Name
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.domains import Domain, ObjType
from sphinx.search.en import SearchEnglish

gc.set_threshold(100_000, 50, 50)  # a fifth of the time went into looks for garbage among trees that are all in use

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the site is about this checkout, whatever is installed

from trtlog import __version__  # noqa: E402
from trtlog.docs.site import samples, site_pages, title  # noqa: E402

project = "trtlog"
author = "The trtlog authors"
copyright = author
release = __version__
version = ".".join(release.split(".")[:2])  # -D version=latest for the main branch: its name among the versions

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["examples"]
nitpicky = True  # a :func: or :meth: that leads nowhere is a broken link ..
nitpick_ignore_regex = [("py:class", ".*")]  # .. a type of another library, or of no page, is none
suppress_warnings = ["mystnb.unknown_mime_type"]  # a plot is stored as a picture too, which is shown

myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks hold their outputs; a test executes them

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100
default_role = "code"
numpydoc_show_class_members = False  # autodoc shows them
numpydoc_class_members_toctree = False
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "trtlog"
html_context = {"default_mode": "auto"}
html_sidebars = {"**": ["sidebar-nav-bs"]}
html_use_index = False
html_domain_indices = False
smartquotes = False  # quotes and dashes are those of logs and commands
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "trtlog"},
    "check_switcher": False,  # it stands beside the versions, where they are published
    "switcher": {"json_url": "../switcher.json", "version_match": version},
    "show_version_warning_banner": True,
    "navbar_align": "left",
    "collapse_navigation": True,
    "navbar_end": ["version-switcher", "theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = "$ "  # copied are the commands, not what they print
# These pages have one prompt: a '%' or '#' in what commands print is none, though other shells have such prompts.
BashSessionLexer._ps1rgx = re.compile(r"^(\$ )(.*\n?)")

# Sphinx asks for the stems of each page anew; most words stand on many.
SearchEnglish.stem = functools.cache(SearchEnglish.stem)


class ParametersLexer(SqlLexer):
    """DuckDB's SQL, whose parameters are written ``$name``."""

    name, aliases, filenames, mimetypes = "SQL with parameters", ["sql"], [], []
    tokens: ClassVar = {**SqlLexer.tokens, "root": [(r"\$\w+", Name.Variable), *SqlLexer.tokens["root"]]}



# The pages by the part of the site that they stand in, with the titles that the navigation shows.
PARTS: dict[str, list[str]] = {
    "start": ["Install <install>", "Tutorial <tutorial>", "Everyday jobs <jobs>"],
    "questions/index": [
        "Why does this layer run as it does? <why>",
        "Which kernels won? <tactics>",
        "Why is FP16 not faster? <precision>",
        "Where do reformats come from? <reformats>",
        "What was fused? <fusions>",
        "Why does every build differ? <noise>",
        "Where did the build time go? <build-time>",
        "How much memory? <memory>",
        "How far from what the GPU can do? <roofline>",
        "What if a chain ran in one precision? <what-if>",
        "What does the engine's graph look like? <graph>",
        "What bounds the throughput? <performance>",
        "What is wrong with this build? <lint>",
        "Something else, in SQL <sql>",
    ],
    "notebooks/index": [
        "A first look at a log <first_look>",
        "Why is FP16 not faster? <why_is_fp16_not_faster>",
        "What changed between two builds? <compare_two_builds>",
        "A fleet of logs <fleet_of_logs>",
    ],
    "guides": [
        "Run trtexec, and sweeps <runner>",
        "Compare builds <diff>",
        "Gate builds in CI <lock>",
        "Thousands of logs: datasets <datasets>",
        "Coming from trt-engine-explorer <trex>",
        "Loggers of your own <loggers>",
        "Messages, rules and tables of your own <extending>",
        "For agents: MCP <mcp>",
        "A log as a timeline: Perfetto <trace>",
        "Formats, kernels, layers <formats-and-kernels>",
    ],
    "reference": [
        "Commands <commands>",
        "Python <api>",
        "Tables and columns <tables>",
        "Messages <messages/index>",
        "Forms of pasted logs <forms>",
        "What is supported <support>",
        "Performance <performance>",
    ],
    "contribute": ["Add a message <contributing>", "How a log is read <scanner>", "Changes <changelog>"],
    "index": [
        "Start <start>",
        "Questions <questions/index>",
        "Notebooks <notebooks/index>",
        "Guides <guides>",
        "Reference <reference>",
        "Contributing <contribute>",
    ],
}


def gather(app: Sphinx, config: Config) -> None:
    """Put the pages of this folder and those that are made from the code together, for Sphinx to read."""
    pages = Path(app.doctreedir) / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(app.srcdir, pages, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    for path, text in site_pages(ROOT).items():
        (pages / path).parent.mkdir(exist_ok=True)
        (pages / path).write_text(text, encoding="utf-8")
    areas = [path.stem for path in sorted((pages / "messages").glob("*.md")) if path.stem != "index"]
    titles = {page.rstrip(">"): words for words, page in (entry.split(" <") for entry in PARTS["index"])}
    for part, entries in {**PARTS, "messages/index": [f"{title(area)} <{area}>" for area in areas]}.items():
        path = pages / f"{part}.md"
        made = not path.exists()
        text = f"# {titles[part]}" if made else path.read_text(encoding="utf-8")
        options = ":maxdepth: 1" if made else ":hidden:"
        path.write_text("\n".join([text, "", "```{toctree}", options, "", *entries, "```", ""]), encoding="utf-8")
    app.srcdir = type(app.srcdir)(pages)
    config.html_theme_options["switcher"]["version_match"] = config.version
    if config.version == "latest":
        config.release += ".dev"  # newer than the last release: the theme's banner says that it is unstable


def anchor_as_on_github(app: Sphinx, doctree: nodes.document) -> None:
    """Give a section the anchor that GitHub gives its heading: ``#tactics_pruned``, not only ``#tactics-pruned``."""
    for section in doctree.findall(nodes.section):
        slug = section.get("slug")
        if slug and slug not in section["ids"]:
            section["ids"].insert(0, slug)


def words_for_plots(app: Sphinx, doctree: nodes.document) -> None:
    """Name what a plot of a notebook shows: the section that it stands in."""
    for image in doctree.findall(nodes.image):
        section = image
        while not image.get("alt") and section.parent is not None:
            section = section.parent
            if isinstance(section, nodes.section):
                image["alt"] = f"Plot: {section.next_node(nodes.title).astext()}"


def titles_of_code(app: Sphinx, page: str, source: list[str]) -> None:
    """Show the ``title=".."`` of a block of code, which GitHub passes over."""
    source[0] = re.sub(r'^```(\w+) title="(.*)"$', r"```{code-block} \1\n:caption: \2\n", source[0], flags=re.MULTILINE)


class MessageDomain(Domain):
    """Messages as the search knows them: a line of a log leads to its kind."""

    name = "message"
    label = "Messages"
    object_types: ClassVar = {"sample": ObjType("message")}

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Yield what the search shows, and where it leads."""
        for sample, kind, page in samples():
            shown = f"{sample} {page.replace('/', ': ')}.{kind}"
            yield shown, shown, "sample", page, kind, 2  # below the pages with these words

    def get_type_name(self, type: ObjType, primary: bool = False) -> str:
        """Return what the search calls a kind of object."""
        return type.lname

    def resolve_any_xref(self, *args: object) -> list[tuple[str, nodes.Element]]:
        """No page refers to a sample by its text."""
        return []

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, object]) -> None:
        """Nothing of it comes from reading pages."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", gather)
    app.connect("source-read", titles_of_code)
    app.connect("doctree-read", anchor_as_on_github)
    app.connect("doctree-read", words_for_plots)
    app.add_domain(MessageDomain)
    app.add_lexer("lark", TextLexer)
    app.add_lexer("sql", ParametersLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
