"""Print the changelog's section of a release: ``python .github/release_notes.py 0.2.0``; fail where there is none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    """Return the version that the package says it has."""
    found = re.search(r'__version__ = "([^"]+)"', (ROOT / "trtlog/_version.py").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("trtlog/_version.py holds no version")
    return found[1]


def notes(wanted: str) -> str:
    """Return the changelog's section of a version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{re.escape(wanted)}\][^\n]*\n(.*?)(?=^## \[|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise SystemExit(f"CHANGELOG.md has no section [{wanted}]: name what is under [Unreleased] so, with a date")
    return found[1].strip() + "\n"


if __name__ == "__main__":
    if sys.argv[1] != version():
        raise SystemExit(f"the tag says {sys.argv[1]}, trtlog/_version.py {version()}: change that file, then tag")
    print(notes(sys.argv[1]), end="")  # noqa: T201 - a script
