"""One log as one HTML file: data, style and script inside, nothing from a network.

The page holds the data as JSON in a script element that no text of the log can end, and a content security
policy that lets only the page's own script run. The script puts text into the page as text, never as HTML.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from trtlog._util.redact import redact
from trtlog._util.words import base_name
from trtlog.analyses.compare.figures import figures
from trtlog.report.document import Section
from trtlog.report.documents.log import head
from trtlog.report.documents.report import report as document
from trtlog.report.page.data import embed
from trtlog.report.page.writer import PageWriter

if TYPE_CHECKING:
    from trtlog.analyses.compare.diff import Diff
    from trtlog.analyses.compare.ranking import Comparison
    from trtlog.log import Log

LARGEST_BYTES = 5_500_000
# Rows of a table; a page that comes out too large is made again with less.
_ROWS = 40_000
_LEAST_ROWS = 50
_SCRIPTS = ("base.js", "tables.js", "charts.js", "network.js", "layer.js", "main.js")


def report(log: Log) -> str:
    """Return the page of a log: one HTML file that needs nothing else.

    Parameters
    ----------
    log : Log
        A log; of a file of several runs the page shows each, and a choice of them.
    """
    runs, made, left = log.runs, [], LARGEST_BYTES
    for number, run in enumerate(runs):
        data, size = _run(run, left // (len(runs) - number))
        left -= size
        made.append(data)
    if len(made) > 1:
        _tell_apart(runs, made)
    return _page(base_name(redact(log.source)), embed({"kind": "log", "title": redact(log.source), "runs": made}))


def _tell_apart(runs: Sequence[Log], made: Sequence[dict[str, Any]]) -> None:
    """Give each run the words that the choice of runs shows: its model, and what differs between them."""
    rows = [figures(run) for run in runs]
    differing = [name for name in _TELLING if len({row[name] for row in rows}) > 1]
    for row, data in zip(rows, made, strict=True):
        parts = [str(row[name]) for name in differing if row[name] is not None]
        data["head"]["label"] = redact(", ".join([data["head"]["name"], *parts]))


# What tells the runs of one file apart, the most telling first.
_TELLING = ("shapes", "precision", "tensorrt_version", "gpu", "status", "started_at")


def report_diff(diff: Diff) -> str:
    """Return the page of two logs: what changed from the one to the other."""
    from trtlog.report.page.diff import diff_data

    title = f"{base_name(redact(diff.control.source))} and {base_name(redact(diff.test.source))}"
    return _page(title, embed(diff_data(diff)))


def report_comparison(found: Comparison) -> str:
    """Return the page of many runs side by side."""
    from trtlog.report.page.diff import comparison_data

    return _page("Comparison of runs", embed(comparison_data(found)))


def _run(log: Log, largest: int) -> tuple[dict[str, Any], int]:
    """Return the data of a run, and its bytes: its tables are cut until it has as many, or few rows are left."""
    sections = [block for block in document(log).blocks if isinstance(block, Section)]
    rows = _ROWS
    while True:
        writer = PageWriter(rows)
        data = {"head": head(log), "sections": list(map(writer.section, sections)), "tables": writer.tables}
        size = len(embed(data))
        if size <= largest or rows < _LEAST_ROWS:
            return data, size
        rows //= 4


@cache
def asset(name: str) -> str:
    """Return a file of the page's style and script."""
    return resources.files("trtlog.report.page").joinpath("assets").joinpath(name).read_text(encoding="utf-8")


@cache
def _code() -> tuple[str, str]:
    """Return script and style."""
    script = "(() => {\n'use strict';\n" + "\n".join(asset(name) for name in _SCRIPTS) + "})();"
    return script, asset("page.css")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _page(title: str, data: str) -> str:
    script, style = _code()
    policy = f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'"
    parts = {"POLICY": policy, "TITLE": html.escape(title), "STYLE": style, "DATA": data, "SCRIPT": script}
    return "".join(parts.get(piece, piece) for piece in asset("page.html").split("@@"))
