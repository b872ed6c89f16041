"""Read ``grammars/`` and compile its rules to regular expressions.

The grammar files are plain lark. What trtlog adds stands in comments::

    // One measured tactic of the runner being timed.      <- doc of the kind
    //@ table=tactics                                      <- attributes, key=value or a bare word
    tactic: "Tactic: " TACTIC_ID " Time: " TIME_MS         -> plain
    //> Tactic: 0x0000000000000bb9 Time: 0.0181029         <- a sample line, at least one a wording

A terminal whose name starts with ``_`` is matched and not kept; any other terminal is a field, described in
``fields.lark`` by a ``//:`` line with its type, its unit (``-`` for none) and its meaning. Rules must be
regular and stay inside what Python's ``re`` and RE2 share, so that one expression runs in both engines.

The compiled expressions are kept in ``grammars/compiled.json`` beside a digest of the grammar's text: lark
is loaded only when that file is stale.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from trtlog.errors import GrammarError

COMPILED_NAME = "compiled.json"
# Bump when this module's output changes for the same grammar text.
COMPILER_VERSION = 1

_FORBIDDEN = (
    (re.compile(r"\(\?[=!<]"), "look-around"),
    (re.compile(r"\\[1-9]"), "a back-reference"),
    (re.compile(r"\(\?P"), "a named group"),
    (re.compile(r"(?<!\\)\((?!\?)"), "a capturing group: write (?:...)"),
    (re.compile(r"\\[dDwWsS]"), r"a class that differs between engines: write [0-9] for \d, [ \t] for \s"),
    (re.compile(r"(?:[*+?]|\{[0-9,]+\})\+"), "a possessive quantifier"),
    (re.compile(r"\(\?>"), "an atomic group"),
)


@dataclass(frozen=True)
class Field:
    """A field terminal: what a message captures.

    Parameters
    ----------
    name : str
        Name of the capture group: the terminal's name in lower case.
    type : str
        ``text``, ``int``, ``float``, ``bool``, ``tactic`` (an id printed in hexadecimal or as a signed
        decimal) or ``list``.
    unit : str
        Unit of the printed value, empty for none.
    doc : str
        What the field means.
    """

    name: str
    type: str
    unit: str
    doc: str


@dataclass(frozen=True)
class Variant:
    """One expansion of one wording: the unit that is matched.

    ``parts`` is the sequence of ``("text", literal)``, ``("field", name, pattern)`` and
    ``("skip", pattern)`` that the expression is made of.
    """

    kind: str
    wording: str
    regex: str
    parts: tuple[tuple[str, ...], ...]

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the captured fields, in order."""
        return tuple(p[1] for p in self.parts if p[0] == "field")

    @property
    def prefix(self) -> str:
        """Literal text that every matching line starts with; may be empty."""
        return self.parts[0][1] if self.parts and self.parts[0][0] == "text" else ""

    @property
    def literals(self) -> tuple[str, ...]:
        """All literal pieces, in order."""
        return tuple(p[1] for p in self.parts if p[0] == "text")


@dataclass(frozen=True)
class Message:
    """A kind of message: a rule of ``grammars/messages`` or ``grammars/header.lark``.

    ``attributes`` holds the ``//@`` words. Known ones: ``table`` (the table its rows go to), ``section``
    (it opens that section), ``bare`` (it is printed without a header), ``multiline`` (lines without a
    header that follow belong to it), ``general`` (a family: rules of their own for some of its lines come
    first), ``severity``; any other ``name=value`` is a constant column.
    """

    kind: str
    doc: str
    attributes: dict[str, str]
    file: str
    line: int
    variants: tuple[Variant, ...] = ()
    samples: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Grammar:
    """All kinds of message, their fields, the header rules, and which kind opens which section."""

    digest: str
    fields: dict[str, Field]
    messages: dict[str, Message]
    headers: dict[str, Message]
    sections: dict[str, str]

    @property
    def variants(self) -> Iterator[Variant]:
        """All variants of all messages, in file order."""
        for message in self.messages.values():
            yield from message.variants


def grammar_dir() -> Path:
    """Return the folder of the grammar files: inside the installed package, or beside it in a checkout."""
    for candidate in (Path(__file__).parent / "grammars", Path(__file__).parents[1] / "grammars"):
        if (candidate / "fields.lark").is_file():
            return candidate
    raise GrammarError(
        "the grammar files are missing: neither trtlog/grammars nor ../grammars holds fields.lark; "
        "install trtlog again (pip install --force-reinstall trtlog)"
    )


def field_files(folder: Path) -> list[Path]:
    """Return the files that describe the fields; their terminals are shared by all rules."""
    return sorted(folder.glob("fields*.lark"))


def grammar_files(folder: Path) -> list[Path]:
    """Return the grammar files whose rules are compiled, in a fixed order."""
    fixed = [folder / name for name in ("header.lark", "sections.lark")]
    return [*field_files(folder), *fixed, *sorted((folder / "messages").glob("*.lark"))]


def digest_of(files: Iterable[Path]) -> str:
    """Return the digest that ties the compiled expressions to the grammar's text."""
    total = hashlib.sha256(str(COMPILER_VERSION).encode())
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


@lru_cache(maxsize=1)
def load() -> Grammar:
    """Return the grammar, from the compiled file where that is fresh, else compiled anew."""
    folder = grammar_dir()
    digest = digest_of(grammar_files(folder))
    compiled = folder / COMPILED_NAME
    if compiled.is_file():
        try:
            data = json.loads(compiled.read_text(encoding="utf-8"))
        except ValueError:
            data = {}
        if data.get("digest") == digest:
            return _from_json(data)
    return compile_grammar(folder)


def write_compiled(folder: Path | None = None) -> Path:
    """Compile the grammar and write ``compiled.json``; return its path."""
    folder = folder or grammar_dir()
    target = folder / COMPILED_NAME
    target.write_text(_to_json(compile_grammar(folder)), encoding="utf-8")
    return target


def compile_grammar(folder: Path) -> Grammar:
    """Compile the files of ``folder``.

    Raises
    ------
    GrammarError
        A rule that is not regular, leaves the common subset of ``re`` and RE2, has no sample, or captures
        a field twice.
    """
    from trtlog import grammar_source  # local: loads lark

    terminals = field_files(folder)
    header_file, sections_file, *message_files = grammar_files(folder)[len(terminals) :]
    fields: dict[str, Field] = {}
    for path in terminals:
        fields.update(grammar_source.read_fields(path))
    headers = grammar_source.compile_files(terminals, [header_file])
    messages = grammar_source.compile_files(terminals, message_files)
    known = {f for m in (*messages.values(), *headers.values()) for v in m.variants for f in v.fields}
    if missing := sorted(known - set(fields)):
        raise GrammarError(
            f"{terminals[0]}: field {missing[0].upper()} has no description; put a line "
            f"'//: text - what it is' above it"
        )
    sections = grammar_source.section_openers(sections_file, set(messages))
    digest = digest_of(grammar_files(folder))
    return Grammar(digest=digest, fields=fields, messages=messages, headers=headers, sections=sections)


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


def _to_json(grammar: Grammar) -> str:
    def message(m: Message) -> dict[str, Any]:
        return {
            "kind": m.kind,
            "doc": m.doc,
            "attributes": m.attributes,
            "file": m.file,
            "line": m.line,
            "variants": [[v.wording, v.regex, v.parts] for v in m.variants],
        }

    data = {
        "digest": grammar.digest,
        "fields": [[f.name, f.type, f.unit, f.doc] for f in grammar.fields.values()],
        "headers": [message(m) for m in grammar.headers.values()],
        "messages": [message(m) for m in grammar.messages.values()],
        "sections": grammar.sections,
    }
    return json.dumps(data, indent=0, ensure_ascii=True) + "\n"


def _from_json(data: dict[str, Any]) -> Grammar:
    def messages(rows: list[dict[str, Any]]) -> dict[str, Message]:
        out = {}
        for row in rows:
            kind = row["kind"]
            variants = tuple(
                Variant(kind, wording, regex, tuple(tuple(p) for p in parts))
                for wording, regex, parts in row["variants"]
            )
            out[kind] = Message(kind, row["doc"], row["attributes"], row["file"], row["line"], variants)
        return out

    return Grammar(
        digest=data["digest"],
        fields={name: Field(name, type_, unit, doc) for name, type_, unit, doc in data["fields"]},
        headers=messages(data["headers"]),
        messages=messages(data["messages"]),
        sections=data["sections"],
    )


if __name__ == "__main__":
    write_compiled()
