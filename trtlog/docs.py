"""Documentation that is made from the code: tables and columns from the records, outputs from the program.

``python -m trtlog.docs`` in a checkout writes the pages anew; a test holds that they are fresh.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable
from pathlib import Path

from trtlog.records import TABLES

_OUTPUT = re.compile(r"(<!-- output of: trtlog summary (\S+) -->\n```text\n).*?(```\n)", re.DOTALL)
_WIDTH = 118


def tables_page(_: Path) -> str:
    """Return the page of all tables and columns."""
    lines = [
        "# Tables and columns",
        "",
        "Made from the records (`trtlog/records/`). Every table but `coverage` has `run` (the number of the run in",
        "the file, from 0) and `line` (the line that printed the fact, from 1). What the log does not say is null.",
        "The unit stands in the name, or in a column of its own.",
    ]
    for name, record in TABLES.items():
        doc = " ".join((record.__doc__ or "").split())
        lines += ["", f"## {name}", "", doc, "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        for column, about in record.columns().items():
            lines.append(f"| {column} | {about.type} | {about.unit} | {about.doc.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def readme(root: Path) -> str:
    """Return the README with the outputs that it shows as the program prints them now."""
    text = (root / "README.md").read_text(encoding="utf-8")
    return _OUTPUT.sub(lambda found: found[1] + _summary(root, found[2]) + found[3], text)


def _summary(root: Path, log: str) -> str:
    from rich.console import Console

    import trtlog
    from trtlog.report.summary import summary

    stream = io.StringIO()
    console = Console(file=stream, width=_WIDTH, highlight=False, color_system=None)
    console.print(summary(trtlog.parse(root / log)))
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def lint_page(_: Path) -> str:
    """Return the page of all lint rules."""
    from trtlog.analyses.lint.registry import load

    lines = [
        "# What is wrong with this build? The rules of `trtlog lint`",
        "",
        "Made from the rules (`trtlog/analyses/lint/`). A finding names the lines that show it, why it matters,",
        "what to do, how grave it is (error, warning, advice; good for what is fine) and how sure the rule is: high",
        "where the log says so, medium where it follows from figures, low for a usual cause.",
        "",
        "```console",
        "$ trtlog lint fixtures/trt-8.5.3-h200/mobilenet_fp16_verbose.log.gz",
        "```",
        "",
        "`log.lint()` gives the findings as a DataFrame; `--fail-on warning` makes the command a gate (exit code 1).",
    ]
    theme = ""
    for rule in load().values():
        if rule.theme != theme:
            theme = rule.theme
            module = importlib.import_module(rule.find.__module__)
            lines += ["", f"## {theme.capitalize()}", "", (module.__doc__ or "").strip().splitlines()[0]]
        lines += ["", f"### {rule.name}", "", f"{rule.summary} Severity {rule.severity}, confidence {rule.confidence}."]
        lines += ["", f"- Why: {rule.why}", f"- What to do: {rule.action}"]
    return "\n".join(lines) + "\n"


GENERATED: dict[str, Callable[[Path], str]] = {
    "docs/tables.md": tables_page,
    "docs/questions/lint.md": lint_page,
    "README.md": readme,
}


def refreshed(root: Path, path: str) -> str:
    """Return what a page should hold."""
    return GENERATED[path](root)


def write(root: Path) -> None:
    """Write all generated pages of a checkout."""
    for path in GENERATED:
        (root / path).write_text(refreshed(root, path), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parents[1])
