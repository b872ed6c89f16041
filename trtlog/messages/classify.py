"""Account for every line of a log, one after the other: its kind, or what record it continues.

This is where the rules about headers, sections and lines without a header live; the engine comes here for
whatever its inner loop does not recognise.

What a line without a header is:

- a kind whose rule is ``bare``: banners, layers of the engine, the loader's and CUDA's last words;
- a **continuation**, where the record above is open. Kinds marked ``multiline`` (lists of layers) stay open to
  the next header. A warning, an error or an unknown line stays open where its text is unfinished: a bracket is
  not closed, it ends in a colon, it begins the text of an ONNX node. Polygraphy indents what belongs to a
  message; the library does not, so indentation alone continues only messages of such producers;
- a kind, where the text alone is evidence enough: loggers of applications print the library's text without a
  header. One line counts as a message where its rule begins with 16 letters of literal text or more; that much no
  program prints by chance. Directly below such a line a rule with 6 letters at its beginning is enough;
- **usage**, from the first line of a help text to the next line with a header;
- else **foreign**: another program's text.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat
from operator import or_
from typing import Any, NamedTuple

from trtlog._util.expression import expression
from trtlog.grammar import Grammar
from trtlog.grammar.precedence import PLAIN, is_telling, within_section
from trtlog.messages.captures import BLANK, CONTINUATION, FOREIGN, SPECIAL_KINDS, UNKNOWN, USAGE, Captures
from trtlog.messages.headers import MAX_DECORATIONS, NO_HEADER, Header, HeaderReader, inner_headers, plain_text
from trtlog.messages.match import Found, Index, Matcher

# Help text of trtexec begins with one of these, without a header.
_USAGE_STARTS = (b"=== Model Options ===", b"=== Build Options ===", b"=== Help ===", b"Usage:", b"usage:")
_OPTION_SECTIONS = frozenset({"model", "build", "system", "inference", "reporting"})
# Sections of the library, whatever header their lines carry: what no other rule knows has a meaning there.
_LIBRARY_SECTIONS = frozenset({"symbolic_checks", "network_dump", "placement"})
# Kinds that end the section of the run before them.
_RUN_KINDS = frozenset({"run_started", "run_ended"})
_TEXT_LITERAL = 16
# An error of the library that lost its header.
_ERROR_CODE = rb"(?:[A-Za-z_]{1,60}::[A-Za-z_]{1,60}: )?Error Code [0-9]{1,3}: [A-Z][A-Za-z ]{1,40} \("
# What the ONNX parser lists of a node, which programs print without a header.
_NODE_ERROR = rb"In node -?[0-9]{1,9} (?:with name: .{0,400} )?\([A-Za-z_:]{1,60}\): [A-Z_]{1,40}: "
# How an error of the library begins where a program prints its text alone.
_ERROR_TEXT = expression(
    rb"Error\[[0-9]{1,3}\]: |"
    + _NODE_ERROR
    + rb"|"
    rb"(?:[0-9]{1,3}: )?\[[^ \[\]]{1,80}\.(?:cpp|cu|h)::[^ \[\]]{1,120}::[0-9]+\] Error Code [0-9]|"
    + _ERROR_CODE
)
# What ends an open record although it has no header.
_ENDS_RECORD = expression(
    rb"&&&& |Error\[[0-9]{1,3}\]: |"
    + _ERROR_CODE
    + rb"|"
    + _NODE_ERROR
    + rb"|Traceback \(most recent call last\):|nohup: |[$#] |={16,}|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:[^ ]*[$#] "
)
_PROTOBUF = expression(rb"\s*(?:[A-Za-z_][A-Za-z_ ]*: |[A-Za-z_]+ \{|\}|$)")
_NODE_TEXT = expression(rb"(?:[A-Za-z0-9_.]+:[0-9]+: )?(?:--- Begin node ---|[a-z_]+: \"|[a-z_]+ \{)")
# What is wrong with a node, or what an exception says, stands in the line below its name or its place.
_REASON_BELOW = expression(rb"(?:.* )?\[6\] Invalid Node - [^ ]+\s*$|In node .*: Invalid Node - [^ ]+\s*$")
_WORDS_BELOW = expression(rb".* due to exception \[[^\[\] ]{1,200}:[0-9]{1,9}\]\s*$")
# The parser's own place, which another program prints as well: ERROR: file.cpp:1 In function parseGraph:
_PARSER_PLACE = expression(rb"In function [A-Za-z_:]+:")
_BARE_PLACE = expression(rb"ERROR: [^ ]{1,200}\.(?:cpp|cu|h):[0-9]+ In function [A-Za-z_]{1,60}:\s*$")
_OPENING = expression(rb"[(\[{]")
_CLOSING = expression(rb"[)\]}]")
# How messages begin that no other program prints: a source file of the library, the names of its errors.
_OWN_WORDS = expression(
    rb"[^ /]{0,60}\.(?:cpp|cu|h):|[0-9]+: \[[^ ]{1,60}\.(?:cpp|cu|h)::|"
    rb"FAILED_(?:ALLOCATION|INITIALIZATION|EXECUTION|COMPUTATION): |INVALID_(?:CONFIG|STATE): "
)
_DECORATED_STARTS = (b" ", b"\t", b">", b"[", *(b"%d" % digit for digit in range(10)))
# Producers whose messages go on in indented lines.
_INDENTING = frozenset({"untimed", "torch_tensorrt", "word"})

# The kind that heads the output of a program that was called, whose messages stand indented below.
_CAPTURED = "debug_check"
# Producers that print the place in the source behind the message.
_PLACED_BEHIND = frozenset({"onnxruntime_system"})
_PLACE_BEHIND = expression(rb" \[[^\[\] ]{1,200}\.(?:cc|cpp|cu|h):[0-9]+ [^\[\]]{1,200}\]\s*$")

# How long a record stays open for lines without a header.
CLOSED, TO_HEADER, INDENTED, BRACKETS, ONE_LINE, NODE = (
    "",
    "to_header",
    "indented",
    "brackets",
    "line",
    "node",
)


class Line(NamedTuple):
    """One accounted line. ``record`` is the line of the record that it begins or continues.

    ``tail`` is a second record in the same physical line, where a line is torn: it is not counted again.
    """

    number: int
    kind: str
    found: Found | None
    header: Header
    body: bytes
    record: int
    tail: Line | None = None


def asks_section(header: Header) -> bool:
    """Return whether rules that hold inside a section only come first on a line of this header."""
    return header.origin != "tensorrt" and header.severity == "I"


def rule_names(section: str, asks: bool) -> tuple[str, ...]:
    """Return the names of the rules for bodies in a section, in the order of precedence; its own may be none.

    Examples
    --------
    >>> rule_names("profile", asks=True), rule_names("profile", asks=False)
    (('within profile', 'plain'), ('plain',))
    """
    if section and asks:
        return within_section(section), PLAIN
    return (PLAIN, within_section(section)) if section in _LIBRARY_SECTIONS else (PLAIN,)


def section_behind_empty(section: str) -> str:
    """Return the section behind a line of a header alone."""
    return "setup" if section in _OPTION_SECTIONS else section


class Facts:
    """What the rules say of each variant that a line may be; the same for all logs.

    Attributes
    ----------
    kinds : list of str
        The kind of each.
    multiline : list of bool
        Whether lines without a header belong to one of it, up to the next header.
    severity : list of str or None
        How grave a line of it is that has no header.
    opens : list of str or None
        The section that it begins.
    stops : list of bool
        Whether a line of it is always for `classify`: a run ends, or a program's output begins.
    bare : list of bool
        Whether it is printed without a header.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._variants = grammar.variants
        messages = grammar.messages.values()
        sizes = [len(message.variants) for message in messages]

        def of_each(values: Iterable[Any]) -> list[Any]:
            return list(chain.from_iterable(map(repeat, values, sizes)))

        self.kinds: list[str] = of_each(grammar.messages)
        self.multiline: list[bool] = of_each("multiline" in message.attributes for message in messages)
        self.severity: list[str | None] = of_each(message.attributes.get("severity") for message in messages)
        self.opens: list[str | None] = of_each(map(grammar.sections.get, grammar.messages))
        self.stops: list[bool] = of_each(kind in _RUN_KINDS or kind == _CAPTURED for kind in grammar.messages)
        self.bare: list[bool] = of_each("bare" in message.attributes for message in messages)
        self._always = frozenset(i for i, ends in enumerate(map(or_, self.multiline, self.stops)) if ends)
        self._turning: dict[str, frozenset[int]] = {}

    def is_telling(self, index: int) -> bool:
        """Tell whether a line that matches a variant is the library's, whatever is in front of it."""
        return is_telling(self._variants[index])

    def begins(self, index: int) -> bool:
        """Tell whether known text begins a variant."""
        return self._variants[index].known_beginning > 0

    def is_alone(self, index: int) -> bool:
        """Tell whether one line of a variant without a header counts as a message."""
        variant = self._variants[index]
        return max(variant.known_beginning, variant.known_letters // 2) >= _TEXT_LITERAL

    def turning_in(self, section: str) -> frozenset[int]:
        """Return the variants that turn the state in a section (`Classifier.turning_in`)."""
        found = self._turning.get(section)
        if found is None:
            found = self._always.union(i for i, opened in enumerate(self.opens) if opened not in (None, section))
            self._turning[section] = found
        return found

    def leaves_plainly(self, index: int) -> bool:
        """Tell whether a line of a variant without a header leaves all state as `Classifier.pass_bare` does."""
        if not self.bare[index] or self.multiline[index] or self.severity[index] is not None:
            return False
        prefix = self._variants[index].prefix
        known = bool(prefix) and not prefix.startswith("&&&&")
        return known and self.kinds[index] not in _RUN_KINDS and self.opens[index] is None


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
    record : int
        The line of the last record.
    open : str
        What lines without a header the record above takes: none, all, indented ones, ...
    usage : bool
        A help text is being printed.

    Notes
    -----
    The inner loop of an engine may pass over a line, and tell with `skip_to`, only if

    - it begins with a header of origin ``tensorrt`` or ``trtexec`` and severity V or I, undecorated (`is_usual`),
    - its body holds neither ``] [`` nor a carriage return, escape or NUL,
    - the first of `rules_for` the header that matches the body is none of `turning_in` the current section; or none
      of those that stop (`Facts.stops`), where the loop goes on in the section that a rule opens, as behind a line of a
      header alone (`section_behind_empty`), and tells the section and the last variant.

    It may pass over a line without a header, and tell with `pass_bare`, only if nothing stood in front of the last
    header, no rule for headers or for what stands in front of them matches, and the first bare rule that does leaves
    the state as `pass_bare` does (`Facts.leaves_plainly`). All other lines are given to `classify`, in order.
    """

    def __init__(self, grammar: Grammar, matcher: Matcher | None = None) -> None:
        self.grammar = grammar
        self.matcher = matcher or Matcher(grammar)
        self.headers = HeaderReader(grammar)
        self.section = ""
        self.record = 0
        self.open = CLOSED
        self.usage = False
        self._indent = 0  # of the record above
        self._depth = 0  # brackets that the record above has not closed
        self._text = False  # the line above was a message without a header
        self._captured = False  # what follows is the output of another program, indented
        self._decorated = False  # lines come with something in front of their header
        self._rules: dict[tuple[str, bool], tuple[Index, ...]] = {}
        self._facts = facts = grammar.once(Facts)
        self._kinds = facts.kinds
        self._multiline = facts.multiline
        self._severity = facts.severity

    def state(self, number: int = 0) -> tuple[object, ...]:
        """Return all that decides, with a line, what that line is; the line of the record above, less a number."""
        own = (self.section, self.record - number, self.open, self.usage, self._text, self._captured, self._decorated)
        return *own, self._indent, self._depth, self.headers.state()

    def begin_record(self, number: int) -> None:
        """Go on behind lines that repeat the one above and its header, the last ``number``."""
        self.record = number

    def skip_to(self, number: int, variant: int | None = None) -> None:
        """Go on behind lines with a header that were passed over; the last had this number and variant or none."""
        self.record = number
        self.open = TO_HEADER if variant is not None and self._multiline[variant] else CLOSED
        self.usage = self._text = self._decorated = self._captured = False
        self._indent = 0

    def pass_bare(self, number: int) -> None:
        """Go on behind lines of plain bare kinds that were recognised elsewhere, the last ``number``.

        Only where nothing stood in front of the last header (`decorated`).
        """
        if self.open != TO_HEADER:
            self.record = number
            self.open = CLOSED
            self.usage = self._text = False

    @property
    def decorated(self) -> bool:
        """Whether something stood in front of the last header."""
        return self._decorated

    def turning_in(self, section: str) -> frozenset[int]:
        """Return the variants that, in a section, leave another state than `skip_to` does."""
        return self._facts.turning_in(section)

    def classify(self, number: int, line: bytes) -> Line:
        """Return what the line is; ``line`` has no line end, but may have carriage returns in front of it."""
        line = line.rstrip(b"\r")
        if b"\x1b" in line or b"\0" in line:
            line = plain_text(line)
        if b"\r" in line:
            line = line.rstrip(b"\r")
            if b"\r" in line:
                return self._overprinted(number, line)
        header = self.headers.read(line)
        cuts = inner_headers(line, 0 if header is None else header.end)
        if cuts:
            return self._torn(number, header, line, cuts)
        return self._one(number, header, line)

    def _one(self, number: int, header: Header | None, line: bytes) -> Line:
        if header is None:
            return self._without_header(number, line)
        if header.start and self._belongs(line, header.start) and not (self._captured and header.weak is False):
            return Line(number, CONTINUATION, None, NO_HEADER, line, self.record)
        return self._with_header(number, header, line)

    def _overprinted(self, number: int, line: bytes) -> Line:
        """Account for a line that a progress bar printed over: records in it count, the bar does not."""
        pieces = []
        for piece in line.split(b"\r"):
            header = self.headers.read(piece)
            if header is not None and not header.weak:
                pieces.append(piece)
        if not pieces:
            return self._one(number, None, line)
        return _chained([self.classify(number, piece) for piece in pieces])

    def records_in(self, number: int, piece: bytes) -> Line | None:
        """Return the records that begin in a further piece of a line which came in pieces; None where none does."""
        lines = []
        for part in piece.split(b"\r"):
            header = self.headers.read(part)
            begin = 0 if header is not None and not header.weak else next(iter(inner_headers(part, 0)), -1)
            if begin >= 0:
                lines.append(self.classify(number, part[begin:]))
        return _chained(lines) if lines else None

    def _torn(self, number: int, header: Header | None, line: bytes, cuts: list[int]) -> Line:
        """Account for several records in one line: the first was not finished when the next came."""
        lines = [self._one(number, header, line[: cuts[0]])]
        if lines[0].found is None and lines[0].kind not in (UNKNOWN, CONTINUATION):
            lines.clear()
        for start, end in zip(cuts, [*cuts[1:], len(line)], strict=True):
            piece = line[start:end]
            lines.append(self._one(number, self.headers.read(piece), piece))
        if self.open == CLOSED:
            self.open = ONE_LINE  # what is missing of the first
        return _chained(lines)

    # ------------------------------------------------------------ lines with a header

    def _with_header(self, number: int, header: Header, line: bytes) -> Line:
        body = line[header.end :]
        if header.producer in _PLACED_BEHIND and (place := _PLACE_BEHIND.search(body)):
            body = body[: place.start()]
        found = None if header.origin == "program" else self._find(header, body)
        if found is not None and header.weak and not self._is_certain(found, body):
            found = None
        if found is None and (header.weak or header.origin in ("host", "program")):
            if header.weak:
                return self._without_header(number, line, behind_word=True)
            if header.start == 0 and _PARSER_PLACE.match(body):
                return self._without_header(number, line)
            self._begin(number, header, line)
            return Line(number, FOREIGN if body.strip() else BLANK, None, header, body, number)
        self._begin(number, header, line)
        if found is None:
            if not body.strip():
                self.section = section_behind_empty(self.section)
                return Line(number, BLANK, None, header, body, number)
            self.open = self._unfinished(body) or (INDENTED if header.producer in _INDENTING else CLOSED)
            return Line(number, UNKNOWN, None, header, body, number)
        index = found.variant
        kind = self._kinds[index]
        if header.producer == "tagged" and self._severity[index] is not None:
            header = header._replace(severity=self._severity[index])  # the tag is the same for all severities
        if kind == _CAPTURED:
            self._captured = b"CAPTURED" in body
        if header.severity in ("W", "E", "F"):
            self.open = self._unfinished(body)
        elif self._multiline[index]:
            self.open = TO_HEADER
        if not self.open and header.producer in _INDENTING:
            self.open = INDENTED
        self._enter(kind)
        return Line(number, kind, found, header, body, number)

    def _is_certain(self, found: Found, body: bytes) -> bool:
        """Tell whether a body behind a common word is the library's: any program prints a file and a line."""
        return self._facts.is_telling(found.variant) or _OWN_WORDS.match(body) is not None

    def _begin(self, number: int, header: Header, line: bytes) -> None:
        self.usage = self._text = False
        self.record = number
        self.open = CLOSED
        start = header.start
        self._indent = start
        if not start:
            self._captured = False
        if start:
            self._decorated = bool(line[:start].strip())
        elif self._decorated:
            self._decorated = False

    def _find(self, header: Header, body: bytes) -> Found | None:
        """Return the rule that knows the body, as printed or without the blanks and quotes around it."""
        found: Found | None = None
        for index in self.rules_for(header):
            found = index.match(body)
            if found is not None:
                return found
        matcher = self.matcher
        if body:
            if body[-1:] in b" \t\r":
                found = matcher.match(body.rstrip())
            if found is None and body[:1] in b" \t":
                found = matcher.match(body.strip())
            if found is None and body[:1] == b'"' == body[-1:]:
                found = matcher.match(body[1:-1])
        return found

    def rules_for(self, header: Header) -> tuple[Index, ...]:
        """Return the rules for bodies behind a header in the current section, in the order of precedence."""
        key = self.section, asks_section(header)
        rules = self._rules.get(key)
        if rules is None:
            sets = self.matcher.sets
            rules = self._rules[key] = tuple(sets[name] for name in rule_names(*key) if name in sets)
        return rules

    def _unfinished(self, body: bytes) -> str:
        """Return how a record whose text is cut by a line end stays open, or CLOSED where it is whole."""
        if _NODE_TEXT.match(body):
            return NODE
        if _WORDS_BELOW.match(body):
            return TO_HEADER
        if _REASON_BELOW.match(body):
            return ONE_LINE
        self._depth = len(_OPENING.findall(body)) - len(_CLOSING.findall(body))
        if self._depth > 0:
            return BRACKETS
        return ONE_LINE if body.rstrip()[-1:] == b":" else CLOSED

    # ------------------------------------------------------------ lines without a header

    def _without_header(self, number: int, line: bytes, *, behind_word: bool = False) -> Line:
        if self._decorated:
            line = line[self.headers.decoration(line) :]
        found = self.matcher.match_bare(line)
        if found is None and (line[:1] in _DECORATED_STARTS or b"&&&& " in line):
            found = self._bare_behind_decoration(line)
        if found is not None:
            return self._bare(number, found, line)
        begins_usage = not self.usage and line.startswith(_USAGE_STARTS)
        if begins_usage:
            self.usage = True
            self.open = CLOSED
        below = self._text and not begins_usage and not _ERROR_TEXT.match(line)
        if below and (found := self._lost_header(line, behind_word)) is not None:
            return self._message_text(number, found, line)
        if not begins_usage and self._takes(line):
            return Line(number, CONTINUATION, None, NO_HEADER, line, self.record)
        if not line.strip():
            return Line(number, USAGE if self.usage else BLANK, None, NO_HEADER, line, number)
        is_error = not self.usage and (_ERROR_TEXT.match(line) or _BARE_PLACE.match(line))
        if is_error and (found := self.matcher.match(line.rstrip())) is not None:
            error = self._message_text(number, found, line)
            self.open = self._unfinished(line)
            return error._replace(header=NO_HEADER._replace(severity="E"))
        found = None if below else self._lost_header(line, behind_word)
        alone = found is not None and self._facts.is_alone(found.variant)
        if self.usage:
            alone &= not line.startswith(b"===")  # headings are those of a help text and of a log without headers
        if found is not None and (alone or (self._text and not self.usage)):
            return self._message_text(number, found, line)
        self._text = False
        return Line(number, USAGE if self.usage else FOREIGN, None, NO_HEADER, line, number)

    def _lost_header(self, line: bytes, behind_word: bool) -> Found | None:
        """Return the rule of a line that lost its header; a common word in front would be taken for a layer's name."""
        found = self.matcher.match_text(line)
        if found is None and line[-1:] in b" \t":
            found = self.matcher.match_text(line.rstrip())
        return None if found is None or (behind_word and not self._facts.begins(found.variant)) else found

    def _bare_behind_decoration(self, line: bytes) -> Found | None:
        start = 0
        for _ in range(MAX_DECORATIONS):
            end = self.headers.decoration(line, start)
            if end == start or end == len(line):
                return None
            found = self.matcher.match_bare(line[end:])
            if found is not None:
                return found
            start = end
        return None

    def _bare(self, number: int, found: Found, line: bytes) -> Line:
        index = found.variant
        kind = self._kinds[index]
        severity = self._severity[index]
        header = NO_HEADER if severity is None else NO_HEADER._replace(severity=severity)
        continues = self.open == TO_HEADER and severity is None and not line.startswith(b"&&&&")
        if not continues:
            self.record = number
            self.open = TO_HEADER if self._multiline[index] else CLOSED
            self.usage = self._text = False
        self._enter(kind)
        return Line(number, kind, found, header, line, self.record)

    def _message_text(self, number: int, found: Found, line: bytes) -> Line:
        index = found.variant
        self._text, self.usage = True, False
        self.record = number
        self.open = TO_HEADER if self._multiline[index] else CLOSED
        self._enter(self._kinds[index])
        severity = self._severity[index]
        header = NO_HEADER if severity is None else NO_HEADER._replace(severity=severity)
        return Line(number, self._kinds[index], found, header, line, number)

    def _takes(self, line: bytes) -> bool:
        """Tell whether the open record above goes on in this line, and keep account of what is still open."""
        how = self.open
        if how == CLOSED:
            return False
        if _ENDS_RECORD.match(line):
            self.open = CLOSED
            return False
        if how == TO_HEADER:
            return True
        if how == NODE and _PROTOBUF.match(line):
            return True
        if how == BRACKETS:
            self._depth += len(_OPENING.findall(line)) - len(_CLOSING.findall(line))
            if self._depth <= 0:
                self.open = CLOSED
            return True
        if how == ONE_LINE and line.strip() and not _ERROR_TEXT.match(line):
            self.open = self._unfinished(line) or INDENTED
            return True
        if how == INDENTED:
            if not line.strip():
                return False  # an empty line does not end what is indented
            if self._belongs(line, len(line) - len(line.lstrip())):
                return True
        self.open = CLOSED
        return False

    def _belongs(self, line: bytes, start: int) -> bool:
        """Tell whether a line whose text begins at ``start`` is an indented part of the record above."""
        if self.open != INDENTED or line[:start].strip():
            return False
        return start > self._indent or (start < len(line) and line[start] in b"}])")

    def _enter(self, kind: str) -> None:
        section = self.grammar.sections.get(kind)
        if section is not None:
            self.section = section
        elif kind in _RUN_KINDS:
            self.section = ""


def _chained(lines: list[Line]) -> Line:
    """Return the first of several records of one physical line, the others as its tails."""
    chain: Line | None = None
    for line in reversed(lines):
        chain = line if chain is None else _appended(line, chain)
    assert chain is not None
    return chain


def _appended(line: Line, tail: Line) -> Line:
    parts = [line]
    while parts[-1].tail is not None:
        parts.append(parts[-1].tail)
    for part in reversed(parts):
        tail = part._replace(tail=tail)
    return tail


def is_usual(header: Header) -> bool:
    """Return whether nothing but the rule that a body matches tells what a line of this header is."""
    return (
        header.start == 0
        and not header.weak
        and header.origin in ("tensorrt", "trtexec")
        and header.severity in ("V", "I")
        and header.producer not in _INDENTING
        and header.producer not in _PLACED_BEHIND
    )


def looks_foreign(captures: Captures) -> bool:
    """Tell whether a file holds no line of TensorRT or trtexec at all: the log of another program.

    A help text alone is trtexec's.
    """
    kinds = {kind for kind, (lines, _) in captures.counts.items() if lines}
    if kinds - set(SPECIAL_KINDS) or USAGE in kinds:
        return False
    return UNKNOWN not in kinds or set(captures.producers) <= {"none", "untimed", "tagged"}
