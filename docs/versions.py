"""List the versions of the site that stand beside one another: ``python docs/versions.py FOLDER https://host/trtlog``.

A folder is a version: ``1.2`` of a release, ``latest`` of the main branch. The list is what the site's switcher shows;
who comes to the address of all is led to the newest release.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path


def versions(folder: Path) -> list[str]:
    """Return the releases that have a site, the newest first."""
    found = [path.parent.name for path in folder.glob("*/index.html")]
    releases = [name for name in found if re.fullmatch(r"[0-9]+\.[0-9]+", name)]
    return sorted(releases, key=lambda name: [int(part) for part in name.split(".")], reverse=True)


def write(folder: Path, address: str) -> None:
    """Write the list of the versions, and the page that leads to the newest."""
    releases = versions(folder)
    address = address.rstrip("/")
    entries = [{"name": name, "version": name, "url": f"{address}/{name}/"} for name in releases]
    if entries:
        entries[0].update(name=f"{releases[0]} (newest)", preferred=True)
    if (folder / "latest" / "index.html").exists():
        entries.append({"name": "latest (main branch)", "version": "latest", "url": f"{address}/latest/"})
    (folder / "switcher.json").write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    newest = entries[0]["version"]
    lines = [
        "<!doctype html>",
        '<meta charset="utf-8">',
        "<title>trtlog</title>",
        f'<meta http-equiv="refresh" content="0; url={newest}/">',
        f'<a href="{newest}/index.html">trtlog {newest}</a>',
    ]
    (folder / "index.html").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("address")
    given = parser.parse_args()
    write(given.folder, given.address)
