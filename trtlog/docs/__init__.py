"""Documentation that is made from the code: tables from the records, messages from the grammar, outputs of commands.

``python -m trtlog.docs`` in a checkout writes the pages that are kept in it anew; a test holds that they are fresh. The
pages of :func:`trtlog.docs.site.site_pages` are made while the site is built (``sphinx-build docs build/site``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trtlog.docs.forms import forms_page
from trtlog.docs.outputs import has_outputs, with_outputs
from trtlog.docs.reference import lint_page, tables_page

REFERENCE: dict[str, Callable[[], str]] = {
    "docs/tables.md": tables_page,
    "docs/forms.md": forms_page,
    "docs/questions/lint.md": lint_page,
}


def generated(root: Path) -> list[str]:
    """Return the pages of a checkout that are made from the code, or show what commands print."""
    pages = [root / "README.md", *(root / "docs").rglob("*.md")]
    shown = [p.relative_to(root).as_posix() for p in pages if has_outputs(p.read_text(encoding="utf-8"))]
    return sorted({*REFERENCE, *shown})


def refreshed(root: Path, path: str) -> str:
    """Return what a page should hold now."""
    if path in REFERENCE:
        return REFERENCE[path]()
    return with_outputs(root, (root / path).read_text(encoding="utf-8"))


def write(root: Path) -> None:
    """Write all generated pages of a checkout."""
    for path in generated(root):
        (root / path).write_text(refreshed(root, path), encoding="utf-8")
