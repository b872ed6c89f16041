"""Turn the text of the grammar files into messages and expressions, with lark's own reading of the rules.

Loaded only when the compiled grammar is stale, and by the tests and ``trtlog explain``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lark

from trtlog._util.expression import expression
from trtlog.errors import GrammarError
from trtlog.grammar.beginnings import begins, needs
from trtlog.grammar.model import Field, Message, Variant

_RULE = expression(r"^[?!]*(?P<name>[a-z_][a-z0-9_]*)(?:\.-?[0-9]+)?\s*:")
_TERMINAL = expression(r"^(?P<name>_?[A-Z][A-Z0-9_]*)(?:\.-?[0-9]+)?\s*:")
_FORBIDDEN = (
    (expression(r"\(\?[=!<]"), "look-around"),
    (expression(r"\\[1-9]"), "a back-reference"),
    (expression(r"\(\?P"), "a named group"),
    (expression(r"(?<!\\)\((?!\?)"), "a capturing group: write (?:...)"),
    (expression(r"\\[dDwWsS]"), r"a class that differs between engines: write [0-9] for \d, [ \t] for \s"),
    (expression(r"(?:[*+?]|\{[0-9,]+\})\+"), "a possessive quantifier"),
    (expression(r"\(\?>"), "an atomic group"),
)
FIELD_TYPES = ("text", "int", "float", "bool", "tactic", "list")


def field_of(terminal: str) -> str:
    """Return the name of the field that a terminal captures: ``TIME_MS__FIXED`` captures ``time_ms``."""
    return terminal.lower().partition("__")[0]


def read_fields(path: Path) -> dict[str, Field]:
    """Return the described field terminals of a ``fields*.lark``, by lower-case name.

    ``TIME_MS__FIXED`` is a second, narrower pattern for the field ``TIME_MS`` and has its description.
    """
    fields: dict[str, Field] = {}
    described: tuple[str, str, str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("//:"):
            words = line[3:].split(None, 2)
            if len(words) != 3 or words[0] not in FIELD_TYPES:
                raise GrammarError(f"{path}:{number}: expected '//: type unit what it is', got {line!r}")
            described = (words[0], "" if words[1] == "-" else words[1], words[2])
        elif (found := _TERMINAL.match(line)) and not found["name"].startswith("_"):
            name = found["name"].lower()
            if "__" in name:
                continue
            if described is None:
                raise GrammarError(f"{path}:{number}: field {found['name']} has no '//:' line above it")
            fields[name] = Field(name, *described)
            described = None
    return fields


def read_messages(path: Path) -> dict[str, Message]:
    """Return the rules of one file with docs, attributes and samples, not yet compiled."""
    messages: dict[str, Message] = {}
    doc: list[str] = []
    attributes: dict[str, str] = {}
    last: str | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("//> ") or line.rstrip() == "//>":
            if last is None:
                raise GrammarError(f"{path}:{number}: a sample stands before any rule")
            messages[last] = messages[last]._replace(samples=(*messages[last].samples, line[4:]))
        elif line.startswith("//@"):
            for word in line[3:].split():
                key, _, value = word.partition("=")
                attributes[key] = value
        elif line.startswith("//"):
            doc.append(line[2:].strip())
        elif (found := _RULE.match(line)) and not found["name"].startswith("_"):
            last = found["name"]
            if last in messages:
                raise GrammarError(f"{path}:{number}: rule {last} stands twice")
            messages[last] = Message(last, " ".join(doc), attributes, path.name, number)
            doc, attributes = [], {}
        elif not line.strip():
            doc = []
    return messages


def compile_files(field_files: Sequence[Path], files: Sequence[Path]) -> dict[str, Message]:
    """Compile all rules of ``files`` over the terminals of ``field_files``."""
    described: dict[str, Message] = {}
    for path in files:
        for kind, message in read_messages(path).items():
            if kind in described:
                other = described[kind]
                raise GrammarError(f"{path}:{message.line}: rule {kind} stands in {other.file} too")
            described[kind] = message
    parser = load_lark([*field_files, *files], list(described))
    terminals = {t.name: t.pattern for t in parser.terminals}
    rules: dict[str, list[Any]] = {}
    for rule in parser.rules:
        rules.setdefault(str(rule.origin.name), []).append(rule)
    out = {}
    for kind, message in described.items():
        where = f"{message.file}:{message.line}: rule {kind}"
        variants = []
        for rule in rules.get(kind, ()):
            wording = str(rule.alias or "line")
            for parts in _expand(rule.expansion, rules, terminals, where, (kind,)):
                variants.append(_variant(kind, wording, parts, where))
        if not message.samples:
            raise GrammarError(f"{where} has no sample; put one real line below it as '//> text'")
        out[kind] = message._replace(variants=tuple(variants))
    return out


def with_beginnings(messages: dict[str, Message], prefixed: bool) -> dict[str, Message]:
    """Return rules that know how what they match can begin, and what it must hold.

    ``prefixed`` tells whether also those do that begin with literal text.
    """

    def described(v: Variant) -> Variant:
        if v.prefix and not prefixed:
            return v
        return Variant(v.kind, v.wording, v.parts, begins(v.regex), needs(v.regex))

    return {kind: m._replace(variants=tuple(map(described, m.variants))) for kind, m in messages.items()}


def check_pattern(pattern: str, where: str) -> None:
    """Refuse what Python's ``re`` and RE2 do not share.

    Raises
    ------
    GrammarError
        Naming ``where`` and what to write instead.
    """
    bare = re.sub(r"\[\^?\]?[^]]*\]", "[]", pattern)
    for forbidden, name in _FORBIDDEN:
        if forbidden.search(bare):
            raise GrammarError(f"{where}: pattern {pattern!r} uses {name}; the engines must agree on it")


def load_lark(files: Sequence[Path], start: list[str], **options: Any) -> lark.Lark:
    """Return lark's own parser over the joined text of ``files``: Earley, with the dynamic lexer."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    settings: dict[str, Any] = {"parser": "earley", "lexer": "dynamic_complete", "maybe_placeholders": False}
    settings.update(options)
    try:
        return lark.Lark(text, start=start, **settings)
    except lark.exceptions.LarkError as error:
        names = ", ".join(p.name for p in files)
        raise GrammarError(f"lark refuses the grammar ({names}): {error}") from error


def _expand(
    symbols: Sequence[Any],
    rules: dict[str, list[Any]],
    terminals: dict[str, Any],
    where: str,
    path: tuple[str, ...],
) -> Iterator[list[tuple[str, ...]]]:
    """Yield the sequences of parts that a rule's expansion stands for."""
    choices: list[list[list[tuple[str, ...]]]] = []
    for symbol in symbols:
        name = str(symbol.name)
        if symbol.is_term:
            choices.append([[_part(name, symbol, terminals[name], where)]])
            continue
        if name in path:
            raise GrammarError(
                f"{where} is not regular: {' -> '.join((*path, name))} comes back to itself. Write the "
                f"repetition inside one terminal of fields.lark, and read its parts with grammars/values"
            )
        inner: list[list[tuple[str, ...]]] = []
        for rule in rules[name]:
            inner.extend(_expand(rule.expansion, rules, terminals, where, (*path, name)))
        choices.append(inner)
    for combination in itertools.product(*choices):
        yield [part for parts in combination for part in parts]


def _part(name: str, symbol: Any, pattern: Any, where: str) -> tuple[str, ...]:
    column = field_of(name)
    if type(pattern).__name__ == "PatternStr" and not pattern.flags:
        if symbol.filter_out:
            return ("text", pattern.value)
        return ("field", column, re.escape(pattern.value))
    regex = pattern.to_regexp()
    check_pattern(regex, f"{where}, terminal {name}")
    return ("skip", regex) if symbol.filter_out or name.startswith("_") else ("field", column, regex)


def _variant(kind: str, wording: str, parts: list[tuple[str, ...]], where: str) -> Variant:
    merged: list[tuple[str, ...]] = []
    for part in parts:
        if part[0] == "text" and merged and merged[-1][0] == "text":
            merged[-1] = ("text", merged[-1][1] + part[1])
        else:
            merged.append(part)
    seen: set[str] = set()
    for part in merged:
        if part[0] == "field":
            if part[1] in seen:
                raise GrammarError(f"{where} captures {part[1].upper()} twice; give one another name")
            seen.add(part[1])
    return Variant(kind, wording, tuple(merged))


def section_openers(path: Path, kinds: set[str]) -> dict[str, str]:
    """Return which kind of message opens which section, read off ``sections.lark``.

    Raises
    ------
    GrammarError
        A terminal that is no kind of message.
    """
    parser = lark.Lark(path.read_text(encoding="utf-8"), parser="lalr", lexer="basic")
    openers: dict[str, str] = {}

    def collect(symbols: Sequence[Any], section: str) -> None:
        for symbol in symbols:
            if symbol.is_term:
                kind = str(symbol.name).lower()
                if kind not in kinds:
                    raise GrammarError(f"{path}: section {section}: there is no message kind {kind}")
                openers.setdefault(kind, section)
            elif str(symbol.name).startswith("__"):
                for rule in parser.rules:
                    if rule.origin == symbol and symbol not in rule.expansion:
                        collect(rule.expansion, section)

    for rule in parser.rules:
        name = str(rule.origin.name)
        if not name.startswith("__") and name not in ("start", "run", "section"):
            collect(rule.expansion, name)
    return openers
