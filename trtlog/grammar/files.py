"""Read ``grammars/`` and compile its rules to regular expressions.

The grammar files are plain lark. What trtlog adds stands in comments::

    // One measured tactic of the runner being timed.      <- doc of the kind
    //@ table=tactics                                      <- attributes, key=value or a bare word
    tactic: "Tactic: " TACTIC_ID " Time: " TIME_MS         -> plain
    //> Tactic: 0x0000000000000bb9 Time: 0.0181029         <- a sample line, at least one a wording

A terminal whose name starts with ``_`` is matched and not kept; any other terminal is a field, described in
``fields.lark`` by a ``//:`` line with its type, its unit (``-`` for none) and its meaning. Rules must be
regular and stay inside what Python's ``re`` and RE2 share, so that one expression means the same in ``re``, in the
scanner in C and in lark.

The compiled expressions are kept in ``grammars/compiled.json`` beside a digest of the grammar's text: lark
is loaded only when that file is stale.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from trtlog._util.expression import expression
from trtlog.errors import GrammarError
from trtlog.grammar.model import Field, Grammar, Message, Part, Variant

COMPILED_NAME = "compiled.json"
# Bump when the compiler's output changes for the same grammar text.
COMPILER_VERSION = 6
_TERMINAL = expression(r"^([A-Z_]+)(?:\.[0-9]+)?: /(.*)/$", re.MULTILINE)


def grammar_dir() -> Path:
    """Return the folder of the grammar files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for candidate in (package / "grammars", package.parent / "grammars"):
        if (candidate / "fields.lark").is_file():
            return candidate
    raise GrammarError(
        "the grammar files are missing: neither trtlog/grammars nor ../grammars holds fields.lark; "
        "install trtlog again (pip install --force-reinstall trtlog)"
    )


def field_files(folder: Path) -> list[Path]:
    """Return the files that describe the fields; their terminals are shared by all rules."""
    return [folder / name for name in sorted(os.listdir(folder)) if name.startswith("fields") and _is_lark(name)]


def grammar_files(folder: Path) -> list[Path]:
    """Return the grammar files whose rules are compiled, in a fixed order."""
    fixed = [folder / name for name in ("header.lark", "sections.lark")]
    messages = folder / "messages"
    return [*field_files(folder), *fixed, *(messages / name for name in sorted(os.listdir(messages)) if _is_lark(name))]


def value_parser(name: str, transformer: Any) -> Any:
    """Return lark's parser of a value, of ``grammars/values``; its result is what the transformer makes."""
    from lark import Lark

    return Lark(_value_grammar(name), parser="lalr", transformer=transformer)


def value_terminals(name: str) -> dict[str, str]:
    """Return the expressions of a value's terminals by name, for a reader that does without lark.

    Examples
    --------
    >>> value_terminals("layer_info")["SEP"]
    ', *'
    """
    return dict(_TERMINAL.findall(_value_grammar(name)))


def _value_grammar(name: str) -> str:
    return (grammar_dir() / "values" / f"{name}.lark").read_text(encoding="utf-8")


def _is_lark(name: str) -> bool:
    return name.endswith(".lark")


def digest_of(files: Iterable[Path]) -> str:
    """Return the digest that ties the compiled expressions to the grammar's text: it tells an edit, no forgery."""
    total = size = 0
    for path in files:
        text = path.read_bytes()
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        total = zlib.crc32(text, zlib.crc32(path.name.encode(), total))
        size += len(text)
    return f"{COMPILER_VERSION}-{size}-{total:08x}"


@lru_cache(maxsize=1)
def shipped() -> Grammar:
    """Return the grammar that comes with trtlog, from the compiled file where that is fresh, else compiled anew."""
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


def write_compiled() -> Path:
    """Compile the grammar and write ``compiled.json``; return its path."""
    folder = grammar_dir()
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
    from trtlog.grammar import compiler  # local: loads lark

    terminals = field_files(folder)
    header_file, sections_file, *message_files = grammar_files(folder)[len(terminals) :]
    fields: dict[str, Field] = {}
    for path in terminals:
        fields.update(compiler.read_fields(path))
    headers = compiler.with_beginnings(compiler.compile_files(terminals, [header_file]), True)
    messages = compiler.with_beginnings(compiler.compile_files(terminals, message_files), False)
    known = {f for m in (*messages.values(), *headers.values()) for v in m.variants for f in v.fields}
    if missing := sorted(known - set(fields)):
        raise GrammarError(
            f"{terminals[0]}: field {missing[0].upper()} has no description; put a line "
            f"'//: text - what it is' above it"
        )
    sections = compiler.section_openers(sections_file, set(messages))
    digest = digest_of(grammar_files(folder))
    return Grammar(digest=digest, fields=fields, messages=messages, headers=headers, sections=sections)


def _to_json(grammar: Grammar) -> str:
    numbers: dict[Part, int] = {}  # of the fields and skipped patterns, which many rules share

    def variant(v: Variant) -> list[Any]:
        parts = [p[1] if p[0] == "text" else numbers.setdefault(p, len(numbers)) for p in v.parts]
        return [v.wording, parts, *([v.begins, v.needs] if v.begins else [])]

    def message(m: Message) -> list[Any]:
        wordings = json.dumps(list(map(variant, m.variants)), separators=(",", ":"))
        return [m.kind, m.doc, m.attributes, m.file, m.line, len(m.variants), wordings]

    def rows(listed: Iterable[Any]) -> str:
        return ",\n".join(json.dumps(row, separators=(",", ":")) for row in listed)

    messages = rows(map(message, grammar.messages.values()))
    headers = rows(map(message, grammar.headers.values()))
    fields = rows(grammar.fields.values())
    return (
        f'{{"digest":"{grammar.digest}",\n"fields":[\n{fields}\n],\n"patterns":[\n{rows(numbers)}\n],\n'
        f'"headers":[\n{headers}\n],\n"messages":[\n{messages}\n],\n"sections":{json.dumps(grammar.sections)}}}\n'
    )


class _Wordings(Sequence[Variant]):
    """The variants of a message, made when one is asked for: a log holds few of the messages.

    Parameters
    ----------
    kind : str
        The message.
    count : int
        How many there are.
    text : str
        JSON: of each the wording's name, literals and positions in ``patterns``, and what `Variant` takes more.
    patterns : list of tuple
        Fields and skipped patterns.
    """

    def __init__(self, kind: str, count: int, text: str, patterns: list[Part]) -> None:
        self._kind, self._count, self._text, self._patterns = kind, count, text, patterns

    def _made(self) -> tuple[Variant, ...]:
        own = self.__dict__
        found: tuple[Variant, ...] = own.get("made") or own.setdefault("made", self._read())  # the same for all threads
        return found

    def _read(self) -> tuple[Variant, ...]:
        rows, patterns = json.loads(self._text), self._patterns

        def parts(listed: list[Any]) -> tuple[Part, ...]:
            return tuple([("text", piece) if type(piece) is str else patterns[piece] for piece in listed])

        return tuple([Variant(self._kind, name, parts(listed), *more) for name, listed, *more in rows])

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return self._made()[index]

    def __iter__(self) -> Iterator[Variant]:
        return iter(self._made())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._made() == tuple(other)


def _from_json(data: dict[str, Any]) -> Grammar:
    patterns: list[Part] = list(map(tuple, data["patterns"]))

    def messages(rows: list[list[Any]]) -> dict[str, Message]:
        return {
            kind: Message(kind, doc, attributes, file, line, _Wordings(kind, count, text, patterns))
            for kind, doc, attributes, file, line, count, text in rows
        }

    return Grammar(
        digest=data["digest"],
        fields={row[0]: Field(*row) for row in data["fields"]},
        headers=messages(data["headers"]),
        messages=messages(data["messages"]),
        sections=data["sections"],
    )
