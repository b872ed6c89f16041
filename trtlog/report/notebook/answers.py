"""How answers show themselves in a notebook: a diff, a layer's story, findings, builds, a lock, a check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trtlog._util.words import counted, plural
from trtlog.report import diff_words
from trtlog.report.diff_words import Section
from trtlog.report.notebook.fragment import (
    Html,
    badge,
    block,
    dim,
    folded,
    items,
    join,
    line,
    strong,
    table,
    text,
    tiles,
)
from trtlog.report.terminal import stability as stability_words
from trtlog.report.terminal.why import parts as story_parts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trtlog.analyses.compare.diff import Diff
    from trtlog.analyses.compare.stability import Stability
    from trtlog.analyses.gate.check import Check
    from trtlog.analyses.gate.lock import Lock
    from trtlog.analyses.layer.why import Story
    from trtlog.analyses.lint.frame import Findings

# What of a diff is open at first: the answer; the rest folds away.
_OPEN = ("Performance", "Where the change comes from")
_LINES = 6


def diff_html(diff: Diff) -> str:
    """Return a diff: notes, the answer in sentences, then the tables."""
    parts = [line(strong(diff.control.source), "→", strong(diff.test.source)), *_notes(diff.notes)]
    parts.append(items([join((words, items(under)), "") for words, under in diff_words.points(diff)]))
    parts += [_section(part, opened=part.title in _OPEN) for part in diff_words.sections(diff)]
    return block(*parts)


def stability_html(found: Stability) -> str:
    """Return several builds: the answer, the builds, the layers that change, advice."""
    first, *rest = stability_words.headline(found)
    parts = [line(strong(first)), *_notes(found.notes), items(rest)]
    parts += [_section(part, opened=part.title == "Builds") for part in stability_words.sections(found)]
    if found.advice:
        parts += [line(strong("Advice")), items(found.advice)]
    return block(*parts)


def check_html(check: Check) -> str:
    """Return the outcome of a check: the verdict, then what is wrong."""
    rows = [
        (badge(found.level), strong(found.rule), found.reason, "" if found.line is None else found.line)
        for found in check.findings
    ]
    parts = [line(badge("passed" if check.passed else "failed"), check.verdict.partition(": ")[2])]
    if rows:
        parts.append(table((("", False), ("rule", False), ("reason", False), ("line", True)), rows))
    if check.skipped:
        parts.append(folded("not checked", items([f"{rule}: {why}" for rule, why in check.skipped.items()])))
    return block(*parts)


def lock_html(lock: Lock) -> str:
    """Return a lock: what is written down, its budgets and rules."""
    document = lock.document
    counts = [(name, len(document.get(name) or ()), "") for name in ("layers", "reformats", "messages")]
    parts = [line(strong("Lock"), f"of {lock.name}"), tiles(counts)]
    budgets = [(name, _plain(value)) for name, value in (document.get("budgets") or {}).items() if value is not None]
    if budgets:
        parts.append(folded("budgets", table((("", False), ("", True)), budgets, most=len(budgets)), opened=True))
    rules = [
        (name, badge(rule["level"]), ", ".join(f"{key} {_plain(held)}" for key, held in rule.items() if key != "level"))
        for name, rule in lock.rules.items()
    ]
    heads = (("rule", False), ("level", False), ("", False))
    parts.append(folded("rules", table(heads, rules, most=len(rules))))
    layers = document.get("layers") or []
    if layers:
        names = list(dict.fromkeys(key for layer in layers for key in layer))
        cells = [[_plain(layer.get(name)) for name in names] for layer in layers]
        parts.append(folded(f"layers ({len(layers)})", table([(name, False) for name in names], cells)))
    return block(*parts)


def findings_html(findings: Iterable[dict[str, Any]]) -> str:
    """Return findings, rows of the lint table: what is wrong with reason and remedy, then what is fine."""
    bad, fine = [], []
    for found in findings:
        lines = found["lines"]
        numbers = [] if lines is None else [str(number) for number in lines]
        shown = ", ".join(numbers[:_LINES]) + (f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else "")
        where = dim(f"{plural(len(numbers), 'line')} {shown}") if numbers else ""
        if found["severity"] == "good":
            fine.append(line(strong(found["rule"]), found["text"], where))
            continue
        sure = dim(f"({found['confidence']} confidence)")
        title = join((badge(found["severity"]), strong(found["rule"])))
        head = join((title, text(found["text"], 1000), where, sure))
        more = [line(dim(word), found[key]) for word, key in (("Why:", "why"), ("Do:", "action")) if found[key]]
        bad.append(folded(head, *more, opened=found["severity"] != "advice"))
    counts = counted(len(bad), "finding")
    if fine:
        bad.append(folded(f"{len(fine)} fine", *fine))
    return block(line(strong(counts)), *bad)


def findings_frame_html(findings: Findings) -> str:
    """Return a frame of findings."""
    import pandas as pd
    import pyarrow as pa

    return findings_html(pa.Table.from_pandas(pd.DataFrame(findings), preserve_index=False).to_pylist())


def story_html(story: Story) -> str:
    """Return the story of one layer: the verdict, then where it comes from, candidates, conversions, cost."""
    kind = dim(" ".join(word for word in (story.type, _line_of(story)) if word))
    parts = [line(strong(story.layer), kind), items(story.verdict)]
    for title, held in story_parts(story):
        parts.append(folded(title, *map(of_rich, held), opened=title in ("candidates", "cost", "not in this log")))
    return block(*parts)


def _line_of(story: Story) -> str:
    return f"line {story.engine['line']}" if story.engine and story.engine["line"] is not None else ""


def of_rich(shown: RenderableType) -> Html:
    """Return what is meant for the terminal as markup: text as a line, a table as a table."""
    from rich.text import Text

    from trtlog.report.terminal.text import Sheet

    if isinstance(shown, Sheet):
        columns, rows = shown.texts()
        return table([(column.heading, column.kind == "number") for column in columns], rows)
    return line(text(shown.plain if isinstance(shown, Text) else str(shown), 1000))


def _notes(notes: Sequence[str]) -> list[Html]:
    return [line(strong("Note:"), text(note, 1000)) for note in notes]


def _section(section: Section, *, opened: bool) -> Html:
    heads = [(name, kind == "number") for name, _, kind in section.columns]
    rows = [[show(row) for _, show, _ in section.columns] for row in section.rows]
    return folded(f"{section.title} ({len(rows)})", table(heads, rows), opened=opened)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(part)}" for key, part in value.items())
    return str(value)
