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

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from trtlog.errors import GrammarError

COMPILED_NAME = "compiled.json"
# Bump when this module's output changes for the same grammar text.
COMPILER_VERSION = 4
# What means something else in an expression than itself.
_ESCAPES = str.maketrans({character: "\\" + character for character in "[]\\.^$*+?{}|()"})

# ("text", literal), ("field", name, pattern) or ("skip", pattern)
Part = tuple[str, ...]
Made = TypeVar("Made")


class Field(NamedTuple):
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


class Variant:
    r"""One expansion of one wording: the unit that is matched.

    Parameters
    ----------
    kind, wording : str
        What it is a wording of, and the wording's name.
    parts : tuple of tuple
        The sequence of ``("text", literal)``, ``("field", name, pattern)`` and ``("skip", pattern)`` that it is made
        of; no two literals stand next to each other.
    begins, needs : tuple of str, str
        Of headers and of what has no literal beginning: which bytes can stand at the first positions, as pairs of the
        first and last of a range, and a text that stands in every match (:mod:`trtlog.grammar_begin`).

    Examples
    --------
    >>> parts = (("text", "Time: "), ("field", "time_ms", "[0-9.]+"), ("text", " (ms)"))
    >>> Variant("measured", "plain", parts).regex
    'Time: ([0-9.]+) \\(ms\\)'
    """

    def __init__(
        self, kind: str, wording: str, parts: Sequence[Part], begins: Sequence[str] = (), needs: str = ""
    ) -> None:
        self.kind = kind
        self.wording = wording
        self.parts = parts
        self.begins = begins
        self.needs = needs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variant) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash((self.kind, self.wording))

    def __repr__(self) -> str:
        return f"Variant({self.kind!r}, {self.wording!r}, {self.regex!r})"

    def _all(self) -> tuple[Any, ...]:
        return self.kind, self.wording, tuple(self.parts), tuple(self.begins), self.needs

    @cached_property
    def regex(self) -> str:
        """The expression, a group a field."""
        out = []
        for part in self.parts:
            if part[0] == "text":
                out.append(escape(part[1]))
            else:
                out.append(f"({part[2]})" if part[0] == "field" else f"(?:{part[1]})")
        return "".join(out)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the captured fields, in order."""
        return tuple(p[1] for p in self.parts if p[0] == "field")

    def may_begin(self, text: str) -> bool:
        """Return whether a match may begin with a text, one character a byte: by ``begins`` alone."""
        for ranges, character in zip(self.begins, text, strict=False):
            if not any(ranges[n] <= character <= ranges[n + 1] for n in range(0, len(ranges), 2)):
                return False
        return True

    @property
    def prefix(self) -> str:
        """Literal text that every matching line starts with; may be empty."""
        return self.parts[0][1] if self.parts and self.parts[0][0] == "text" else ""

    @property
    def literals(self) -> tuple[str, ...]:
        """All literal pieces, in order."""
        return tuple(p[1] for p in self.parts if p[0] == "text")


class Message(NamedTuple):
    """A kind of message: a rule of ``grammars/messages`` or ``grammars/header.lark``.

    ``attributes`` holds the ``//@`` words. Known ones: ``table`` (the table its rows go to), ``section``
    (it opens that section), ``bare`` (it is printed without a header), ``multiline`` (lines without a
    header that follow belong to it), ``general`` (a family: rules of their own for some of its lines come
    first), ``severity``; any other ``name=value`` is a constant column. ``samples`` are there where the grammar was
    compiled, not where it was loaded.
    """

    kind: str
    doc: str
    attributes: dict[str, str]
    file: str
    line: int
    variants: tuple[Variant, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grammar:
    """All kinds of message, their fields, the header rules, and which kind opens which section."""

    digest: str
    fields: dict[str, Field]
    messages: dict[str, Message]
    headers: dict[str, Message]
    sections: dict[str, str]
    _made: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, make: Callable[[Grammar], Made]) -> Made:
        """Return what a function makes of the grammar; made once, whoever asks."""
        made: Made | None = self._made.get(make)
        return self._made.setdefault(make, make(self)) if made is None else made

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
    return [folder / name for name in sorted(os.listdir(folder)) if name.startswith("fields") and _is_lark(name)]


def grammar_files(folder: Path) -> list[Path]:
    """Return the grammar files whose rules are compiled, in a fixed order."""
    fixed = [folder / name for name in ("header.lark", "sections.lark")]
    messages = folder / "messages"
    return [*field_files(folder), *fixed, *(messages / name for name in sorted(os.listdir(messages)) if _is_lark(name))]


def _is_lark(name: str) -> bool:
    return name.endswith(".lark")


def digest_of(files: Iterable[Path]) -> str:
    """Return the digest that ties the compiled expressions to the grammar's text: it tells an edit, no forgery."""
    total = size = 0
    for path in files:
        text = path.read_bytes().replace(b"\r\n", b"\n")
        total = zlib.crc32(text, zlib.crc32(path.name.encode(), total))
        size += len(text)
    return f"{COMPILER_VERSION}-{size}-{total:08x}"


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
    headers = grammar_source.with_beginnings(grammar_source.compile_files(terminals, [header_file]), True)
    messages = grammar_source.with_beginnings(grammar_source.compile_files(terminals, message_files), False)
    known = {f for m in (*messages.values(), *headers.values()) for v in m.variants for f in v.fields}
    if missing := sorted(known - set(fields)):
        raise GrammarError(
            f"{terminals[0]}: field {missing[0].upper()} has no description; put a line "
            f"'//: text - what it is' above it"
        )
    sections = grammar_source.section_openers(sections_file, set(messages))
    digest = digest_of(grammar_files(folder))
    return Grammar(digest=digest, fields=fields, messages=messages, headers=headers, sections=sections)


def escape(literal: str) -> str:
    """Return an expression, for ``re`` and RE2 alike, that matches a text."""
    return literal.translate(_ESCAPES)


def expression_of(parts: Sequence[Part]) -> str:
    """Return an expression without groups, for ``re`` and RE2 alike, that matches parts of a variant."""
    return "".join(escape(part[1]) if part[0] == "text" else f"(?:{part[-1]})" for part in parts)


def _to_json(grammar: Grammar) -> str:
    numbers: dict[Part, int] = {}  # of the fields and skipped patterns, which many rules share

    def variant(v: Variant) -> list[Any]:
        return [v.wording, *(p[1] if p[0] == "text" else numbers.setdefault(p, len(numbers)) for p in v.parts)]

    def message(m: Message) -> list[Any]:
        row: list[Any] = [m.kind, m.doc, m.attributes, m.file, m.line, [variant(v) for v in m.variants]]
        return [*row, [[*v.begins, v.needs] for v in m.variants]] if any(v.begins for v in m.variants) else row

    def rows(listed: Iterable[Any]) -> str:
        return ",\n".join(json.dumps(row, separators=(",", ":")) for row in listed)

    messages = rows(map(message, grammar.messages.values()))
    headers = rows(map(message, grammar.headers.values()))
    fields = rows(grammar.fields.values())
    return (
        f'{{"digest":"{grammar.digest}",\n"fields":[\n{fields}\n],\n"patterns":[\n{rows(numbers)}\n],\n'
        f'"headers":[\n{headers}\n],\n"messages":[\n{messages}\n],\n"sections":{json.dumps(grammar.sections)}}}\n'
    )


def _from_json(data: dict[str, Any]) -> Grammar:
    patterns: list[Part] = list(map(tuple, data["patterns"]))

    def parts(listed: list[Any]) -> tuple[Part, ...]:
        return tuple([("text", piece) if type(piece) is str else patterns[piece] for piece in listed])

    def messages(rows: list[list[Any]]) -> dict[str, Message]:
        out = {}
        for kind, doc, attributes, file, line, wordings, *begins in rows:
            variants = tuple([Variant(kind, wording, parts(listed)) for wording, *listed in wordings])
            if begins:
                for variant, (*first, needs) in zip(variants, begins[0], strict=True):
                    variant.begins, variant.needs = first, needs
            out[kind] = Message(kind, doc, attributes, file, line, variants)
        return out

    return Grammar(
        digest=data["digest"],
        fields={row[0]: Field(*row) for row in data["fields"]},
        headers=messages(data["headers"]),
        messages=messages(data["messages"]),
        sections=data["sections"],
    )


if __name__ == "__main__":
    write_compiled()
