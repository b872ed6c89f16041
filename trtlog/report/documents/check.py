"""The outcome of a check."""

from __future__ import annotations

from trtlog._util.words import counted
from trtlog.analyses.gate.check import Check, Deviation
from trtlog.report.document import Block, Document, Folded, Point, Points, Sentence
from trtlog.report.sentences import Span, aside, badge, strong, words

_MOST = 40


def check(found: Check) -> Document:
    """Return the outcome of a check: a line a finding, what passed, what was not checked, the verdict."""
    blocks: list[Block] = [Points(tuple(map(_finding, found.findings[:_MOST])))] if found.findings else []
    left = len(found.findings) - _MOST
    if left > 0:
        blocks.append(Sentence(words(aside(f"... and {left} more: --format json gives all"))))
    broken = {finding.rule for finding in found.findings}
    if kept := [rule for rule in found.checked if rule not in broken]:
        blocks.append(Sentence(words(Span("ok ", "", "good"), aside(", ".join(kept)))))
    if found.skipped:
        skipped = tuple(Point(words(aside(f"not checked: {rule}: {why}"))) for rule, why in found.skipped.items())
        blocks.append(Folded(words(strong(f"{counted(len(skipped), 'rule')} not checked")), (Points(skipped),)))
    state = "passed" if found.passed else "FAILED"
    verdict = words(badge(state), found.verdict.removeprefix(state))
    return Document(f"trtlog check: {state.lower()}", tuple(blocks), verdict)


def _finding(finding: Deviation) -> Point:
    where = aside(f" (line {finding.line})") if finding.line is not None else None
    return Point(words(badge(finding.level), " ", strong(finding.rule), f": {finding.reason}", where))
