"""Account for every line of a log, one after the other: its kind, or what record it continues.

This is where the rules about headers, sections and lines without a header live; both engines come here for
whatever they do not recognise in bulk.
"""

from __future__ import annotations

from typing import NamedTuple

from trtlog.captures import BLANK, CONTINUATION, FOREIGN, UNKNOWN, USAGE
from trtlog.grammar import Grammar
from trtlog.lines import Header, HeaderReader
from trtlog.match import Found, Matcher

_NO_HEADER = Header("none", None, None, None, 0)
# Help text of trtexec begins with one of these, without a header.
_USAGE_STARTS = (b"=== Model Options ===", b"=== Build Options ===", b"=== Help ===", b"Usage:", b"usage:")
_OPTION_SECTIONS = frozenset({"model", "build", "system", "inference", "reporting"})


class Line(NamedTuple):
    """One accounted line. ``record`` is the line of the record that it begins or continues."""

    number: int
    kind: str
    found: Found | None
    header: Header
    body: bytes
    record: int


class Classifier:
    """Classifies lines in order, with the little state that this needs.

    Parameters
    ----------
    grammar : Grammar
        The rules.

    Attributes
    ----------
    section : str
        The section that the last line stands in, empty before the first.
    """

    def __init__(self, grammar: Grammar, matcher: Matcher | None = None) -> None:
        self.grammar = grammar
        self.matcher = matcher or Matcher(grammar)
        self.headers = HeaderReader(grammar)
        self.section = ""
        self._record = 0
        self._open = False  # lines without a header belong to the record above
        self._usage = False
        self._kinds = [v.kind for v in self.matcher.variants]
        attributes = [m.attributes for m in self.matcher.messages]
        self._multiline = [("multiline" in a) for a in attributes]
        self._severity = [a.get("severity") for a in attributes]

    def classify(self, number: int, line: bytes) -> Line:
        """Return what the line is; ``line`` has no line end."""
        header = self.headers.read(line)
        if header is None and b"\r" in line:
            # A progress bar that was overwritten: what stands after the last carriage return was seen last.
            tail = line.rpartition(b"\r")[2]
            header = self.headers.read(tail)
            if header is not None:
                line = tail
        if header is None:
            return self._without_header(number, line)
        return self._with_header(number, header, line[header.end :])

    def _with_header(self, number: int, header: Header, body: bytes) -> Line:
        self._usage = False
        self._record = number
        matcher = self.matcher
        found: Found | None = None
        if self.section and header.origin != "tensorrt" and header.severity == "I":
            found = matcher.match_within(body, self.section)
        if found is None:
            found = matcher.match(body)
            if found is None and body[-1:] in (b" ", b"\t", b"\r"):
                found = matcher.match(body.rstrip())
        if found is None:
            if not body.strip():
                self._open = False
                if self.section in _OPTION_SECTIONS:
                    self.section = "setup"
                return Line(number, BLANK, None, header, body, number)
            self._open = True
            return Line(number, UNKNOWN, None, header, body, number)
        index = found.variant
        kind = self._kinds[index]
        self._open = self._multiline[index] or header.severity in ("W", "E", "F")
        self._enter(kind)
        return Line(number, kind, found, header, body, number)

    def _without_header(self, number: int, line: bytes) -> Line:
        found = self.matcher.match_bare(line)
        if found is not None:
            index = found.variant
            kind = self._kinds[index]
            severity = self._severity[index]
            header = _NO_HEADER if severity is None else _NO_HEADER._replace(severity=severity)
            continues = self._open and severity is None and not line.startswith(b"&&&&")
            if not continues:
                self._record = number
                self._open = self._multiline[index]
                self._usage = False
            self._enter(kind)
            return Line(number, kind, found, header, line, self._record)
        if not self._usage and line.startswith(_USAGE_STARTS):
            self._usage = True
            self._open = False
        if self._open:
            return Line(number, CONTINUATION, None, _NO_HEADER, line, self._record)
        if not line.strip():
            return Line(number, USAGE if self._usage else BLANK, None, _NO_HEADER, line, number)
        return Line(number, USAGE if self._usage else FOREIGN, None, _NO_HEADER, line, number)

    def _enter(self, kind: str) -> None:
        section = self.grammar.sections.get(kind)
        if section is not None:
            self.section = section
        elif kind == "run_started" or kind == "run_ended":
            self.section = ""
