"""The pages of tables and of lint rules, from the records and the rules."""

from __future__ import annotations

import importlib

from trtlog.analyses.registry import METHODS
from trtlog.records import TABLES, Record


def tables_page() -> str:
    """Return the page of all tables and columns."""
    lines = [
        "# Tables and columns",
        "",
        "Made from the records (`trtlog/records/`). Every table but `coverage` has `run` (the number of the run in",
        "the file, from 0) and `line` (the line that printed the fact, from 1). What the log does not say is null.",
        "The unit stands in the name, or in a column of its own.",
    ]
    for name, record in TABLES.items():
        lines += ["", f"## {name}", "", _prose(record.__doc__), *_columns(record)]
    lines += [
        "",
        "## Analyses",
        "",
        "Tables that are computed from those above, of one log. Their names stand wherever a table's name does:",
        '`log.table("margins")`, `log.sql("select * from margins")`, `trtlog show margins LOG`, `trtlog query`. With',
        "options and as a DataFrame they come from `log.analyze`. Where the log lacks the lines that one needs it is",
        'empty; `log.analyze.missing("margins")` says which flag prints them.',
        '`log.to_parquet(folder, analyses=["margins"])` writes them beside the facts,',
        "`trtlog show margins LOG --format parquet -o margins.parquet` one alone.",
    ]
    for analysis in METHODS.values():
        lines += ["", f"## {analysis.table}", "", _prose(analysis.rows().__doc__), ""]
        lines += [f"`log.analyze.{analysis.name}()`: {_prose(analysis.about)}", *_columns(analysis.rows())]
    return "\n".join(lines) + "\n"


def _prose(doc: str | None) -> str:
    return " ".join((doc or "").split()).replace("``", "`")


def _columns(record: type[Record]) -> list[str]:
    lines = ["", "| column | type | unit | meaning |", "|---|---|---|---|"]
    for column, about in record.columns().items():
        lines.append(f"| {column} | {about.type} | {about.unit} | {about.doc.replace('|', chr(92) + '|')} |")
    return lines


def lint_page() -> str:
    """Return the page of all lint rules."""
    from trtlog.analyses.lint.registry import load
    from trtlog.analyses.missing import worded

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
        lines += ["", f"- Why: {rule.why}", f"- What to do: {worded(rule.action)}"]
    return "\n".join(lines) + "\n"
