"""Tell what a line is: the rule that matched and its fields, or how far the nearest rules got."""

from __future__ import annotations

import re
from typing import Any

from trtlog import grammar
from trtlog._util.redact import IDENTIFIERS, redact_value
from trtlog._util.words import counted
from trtlog.errors import InputError, caret
from trtlog.grammar import Message, Variant
from trtlog.messages.captures import BLANK, CONTINUATION, FOREIGN, UNKNOWN, USAGE, text
from trtlog.messages.classify import Classifier, Line
from trtlog.messages.excerpt import anonymous
from trtlog.source.logger import logger_of

_NEAREST = 3
_SPECIAL = {
    CONTINUATION: "it has no header and belongs to the record of line {record}",
    UNKNOWN: "it has a header, and no rule knows what follows it",
    FOREIGN: "it has no header and continues no record: another program's text",
    USAGE: "it is part of trtexec's help text",
    BLANK: "nothing stands behind the header",
}


def explain_line(path: str, number: int, source: Any = None, *, redacted: bool = False) -> str:
    """Return an account of one line of a log as text.

    Parameters
    ----------
    path : str
        The log.
    number : int
        Line, from 1.
    source : file object, optional
        Where the log is read from, in place of the path.
    redacted : bool
        Replace passwords, tokens, keys and the names of users in paths by ``***``.

    Raises
    ------
    InputError
        The log cannot be read or has fewer lines.
    """
    shown = anonymous if redacted else str
    line, raw, section = classify_line(path, number, source)
    out = [f"{path}:{number}: {shown(text(raw))}", ""]
    record: Line | None = line
    while record is not None:
        out.extend(_account(record, section, redacted))
        record = record.tail
        if record is not None:
            out += ["", "The line is torn: a second record stands in it.", shown(text(record.body)), ""]
    return "\n".join(out)


def _account(line: Line, section: str, redacted: bool) -> list[str]:
    """Return the account of one record."""
    out = []
    header = line.header
    if header.producer != "none":
        parts = [f"header   {header.producer}"]
        if header.time is not None:
            parts.append(f"time {text(header.time)}")
        parts.append(f"severity {header.severity}")
        if header.origin:
            parts.append(f"origin {header.origin}")
        out.append(", ".join(parts))
    out.append(f"section  {section or 'none'}")
    if line.found is not None:
        return [*out, *_matched(line, redacted)]
    out.append(f"kind     {line.kind}: {_SPECIAL[line.kind].format(record=line.record)}")
    return [*out, *_nearest(text(line.body), section)] if line.kind == UNKNOWN else out


def classify_line(path: str, number: int, source: Any = None) -> tuple[Line, bytes, str]:
    """Return what a line is, its bytes and its section; the lines above it are read for the context."""
    from trtlog.source.chunks import open_source

    classifier = Classifier(grammar.load())
    seen = 0
    with open_source(path if source is None else source, logger=logger_of(None)) as opened:
        for chunk in opened:
            for position, line in chunk.lines():
                seen = opened.line_map.end(position)
                result = classifier.classify(position, line)
                if opened.line_map.of(position) <= number <= seen:
                    return result, line, classifier.section
    raise InputError(f"{path}: has {counted(seen, 'line')}; there is no line {number}")


def _matched(line: Line, redacted: bool) -> list[str]:
    rules = grammar.load()
    assert line.found is not None
    variant = rules.variants[line.found.variant]
    message = rules.messages[variant.kind]
    out = [f"kind     {variant.kind}, wording {variant.wording} ({message.place})"]
    if message.doc:
        out.append(f"         {message.doc}")
    if table := message.attributes.get("table"):
        out.append(f"table    {table}")
    known = {n: text(v) for n, v in zip(variant.fields, line.found.groups, strict=True) if v is not None}
    for name in variant.fields:
        field = rules.fields[name]
        shown = known.get(name, "null")
        if redacted and name not in IDENTIFIERS:
            shown = redact_value(known.get("key", "") if name == "value" else name, shown) or shown
        unit = f" {field.unit}" if field.unit else ""
        out.append(f"  {name:<20} {shown}{unit}   ({field.doc})")
        out.extend(f"  {'':<20} {words}" for words in _decoded(name, shown))
    return out


def _decoded(name: str, value: str) -> list[str]:
    """Return what a format or kernel name says, in words."""
    if name.endswith(("_format", "_formats")):
        from trtlog.values.formats import layouts

        decoded = layouts(value)
        return [f"= {decoded}"] if decoded else []
    if name == "kernel":
        from trtlog.values.kernels import decode_kernel

        kernel = decode_kernel(value)
        facts = {k: v for k, v in vars(kernel).items() if v is not None and k not in ("name", "text")}
        return ["= " + ", ".join(f"{k} {_plain(v)}" for k, v in facts.items())] if facts else []
    return []


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _nearest(body: str, section: str) -> list[str]:
    """Return how far the nearest rules got, the one that got farthest first."""
    ranked: list[tuple[int, int, Message, Variant]] = []
    for message in grammar.load().messages.values():
        if message.attributes.get("within", section) != section:
            continue  # it means something in another section only
        for variant in message.variants:
            reached, pieces = _reached(variant, body)
            ranked.append((reached, pieces, message, variant))
    ranked.sort(key=lambda item: (-item[0], -item[1]))
    out = ["nearest rules:"]
    shown: set[str] = set()
    for reached, _, message, variant in ranked:
        if reached == 0 or len(shown) == _NEAREST:
            break
        if message.kind in shown:
            continue  # another wording of a rule that is listed
        shown.add(message.kind)
        out.append(f"  {message.kind}, wording {variant.wording} ({message.place})")
        if reached < len(body):
            out.append("    reads up to here, then expects " + _expected(variant, body))
            out.extend("    " + marked for marked in caret(body, reached).splitlines())
    if len(out) == 1:
        out = ["no rule reads even its first word; 'trtlog unknown' prints a rule to start from"]
    return out


def _reached(variant: Variant, body: str) -> tuple[int, int]:
    """Return how much of a body the longest part of the rule reads, and how many pieces that is.

    A field of free text at the end of that part reads anything: only text up to the last literal counts.
    """
    for count in range(len(variant.parts), 0, -1):
        part = variant.parts[count - 1]
        if part[0] != "text" and "." in part[-1].replace("\\.", ""):
            continue
        found = re.match(grammar.expression_of(variant.parts[:count]), body)
        if found is not None:
            return found.end(), count
    if variant.parts[0][0] == "text":
        literal = variant.parts[0][1]
        same = 0
        while same < min(len(literal), len(body)) and literal[same] == body[same]:
            same += 1
        return (same, 0) if same >= 4 else (0, 0)
    return 0, 0


def _expected(variant: Variant, body: str) -> str:
    _, count = _reached(variant, body)
    if count >= len(variant.parts):
        return "the end of the line"
    part = variant.parts[count]
    if part[0] == "text":
        return repr(part[1])
    return part[1].upper() if part[0] == "field" else f"text like {part[1]}"
