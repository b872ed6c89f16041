"""The pages of tables and of lint rules, from the records and the rules."""

from __future__ import annotations

import importlib
from textwrap import dedent

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
        if statement := analysis.rows().sql:
            lines += ["", "```sql", *dedent(statement).strip().splitlines(), "```"]
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
    from trtlog.analyses.lint.examples import EXAMPLES
    from trtlog.analyses.lint.registry import load
    from trtlog.analyses.programs import worded

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
        "",
        *_LINT_METHOD,
    ]
    theme = ""
    for rule in load().values():
        if rule.theme != theme:
            theme = rule.theme
            module = importlib.import_module(rule.find.__module__)
            lines += ["", f"## {theme.capitalize()}", "", (module.__doc__ or "").strip().splitlines()[0]]
        lines += ["", f"### {rule.name}", "", f"{rule.summary} Severity {rule.severity}, confidence {rule.confidence}."]
        lines += ["", f"- Why: {rule.why}", f"- What to do: {worded(rule.action)}"]
        firing, silent = EXAMPLES.get(rule.name, ((), ()))
        for words, logs in (("Fires on", firing), ("Does not fire on", silent)):
            if logs:
                lines.append(f"- {words}: {', '.join(f'`{_short(log)}`' for log in logs)}")
    return "\n".join(lines) + "\n"


def _short(log: str) -> str:
    """Return a log's name as it stands on the page."""
    return log.removeprefix("fixtures/").removeprefix("tests/").removesuffix(".gz").removesuffix(".log")


_LINT_METHOD = """## Method

Each rule reads the tables and the answers of `log.analyze`, never the text, and figures nothing that another answer
figures: what bounds the throughput is that of [`trtlog performance`](performance.md), conversions, precisions and
noise are those of the pages on them. The cause of a failure is the error that explains the others:

- errors that only name a step (`Engine set up failed`), a consequence (`Assertion engine != nullptr failed`) or
  something that runs survive (a timing cache of another version) are never the cause where another error stands;
- "could not find any implementation for node X" is explained by the first exception, GPU error or lack of memory for
  which a tactic of X was passed over before it;
- an error between the parser's lines on a node is that node's: the remedy lies in the model;
- a crash (an assertion, an uncaught exception, a signal) names the layer whose timing had begun and not ended.

## Limits

A finding is true of the lines it names; what a log lacks, it lacks too. Without `--verbose` there are no tactics, so
that no rule can say why a kernel was chosen; without a device section no rule speaks of what the GPU could do, or
with low confidence. A log without an end says nothing of why it ends unless a crash is printed. Remedies are those
that are usual for such words, not a diagnosis of the machine.

## How it was checked

All findings on 250 logs (TensorRT 5 to 10.16 and TensorRT-RTX, trtexec, Python, Polygraphy, ONNX Runtime) were read
beside the lines that they name. Each rule below lists logs on which it must fire and on which it must not; a test
runs them all (`corpus/..` are logs of other people, which do not come with the project).""".splitlines()
