"""What mkdocs calls while it builds the site: the pages that are made from the code join those of this folder."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files
from pygments.lexers.shell import BashSessionLexer

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_PAGES: dict[str, str] = {}
# These pages have one prompt: a '%' or '#' in what commands print is none, though other shells have such prompts.
BashSessionLexer._ps1rgx = re.compile(r"^(\$ )(.*\n?)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages, and list those of the messages in the navigation."""
    sys.path.insert(0, str(ROOT))  # the site is about this checkout, whatever is installed
    from trtlog.docs.site import site_pages, title

    _PAGES.update(site_pages(ROOT))
    areas = [path for path in _PAGES if path.startswith("messages/") and path != "messages/index.md"]
    [reference] = [entry["Reference"] for entry in config.nav or [] if "Reference" in entry]
    [messages] = [entry["Messages"] for entry in reference if "Messages" in entry]
    messages += [{title(Path(path).stem): path} for path in areas]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those that are built."""
    for path, text in _PAGES.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a notebook to the pages of the site: mkdocs does so for Markdown only."""
    if not page.file.src_uri.endswith(".ipynb"):
        return html
    return re.sub(r'(href="[^":#]+)\.(?:ipynb|md)(?=["#])', r"\1.html", html)
