"""What a grammar is: kinds of message, their wordings as parts and as one expression, their fields, its programme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from trtlog._util.dataclass import dataclass
from trtlog._util.expression import expression

# What means something else in an expression than itself.
_ESCAPES = str.maketrans({character: "\\" + character for character in "[]\\.^$*+?{}|()"})

# A pattern of nothing but words to choose from.
_WORDS = expression(r"(?:[A-Za-z0-9 -]|\||\(\?:[A-Za-z0-9 |-]+\))+")
# A pattern that is one text.
_SENTENCE = expression(r"(?:[A-Za-z0-9 ,'-]|\\[.])+")
_CHOICE = expression(r"\(\?:([^()]+)\)")

# Attribute of a message that names the plug-in package it comes from.
PACKAGE = "package"

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
        first and last of a range, and a text that stands in every match (:mod:`trtlog.grammar.beginnings`).

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
            for n in range(0, len(ranges), 2):
                if ranges[n] <= character <= ranges[n + 1]:
                    break
            else:
                return False
        return True

    @property
    def prefix(self) -> str:
        """Literal text that every matching line starts with; may be empty."""
        return self.parts[0][1] if self.parts and self.parts[0][0] == "text" else ""

    @cached_property
    def known_letters(self) -> int:
        """Number of the letters that every match holds, at least, wherever they stand."""
        return sum(len(part[-1]) for part in self.parts if part[0] == "text" or _SENTENCE.fullmatch(part[-1]))

    @cached_property
    def known_beginning(self) -> int:
        """Number of the letters that every match begins with, at least: the prefix, or the shortest of some words.

        Examples
        --------
        >>> Variant("total", "plain", (("field", "name", "(?:Total|Max) Memory"), ("text", ": "))).known_beginning
        12
        """
        if self.prefix or not self.parts or not _WORDS.fullmatch(self.parts[0][-1]):
            return len(self.prefix)
        words = _CHOICE.sub(lambda choice: min(choice[1].split("|"), key=len), self.parts[0][-1]).split("|")
        following = len(self.parts[1][1]) if self.parts[1:] and self.parts[1][0] == "text" else 0
        return min(map(len, words)) + following

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
    variants: Sequence[Variant] = ()
    samples: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the rule stands: a file and a line; that of a plug-in package begins with the package's name."""
        return f"{self.file if '/' in self.file else f'grammars/messages/{self.file}'}:{self.line}"


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
    def variants(self) -> Sequence[Variant]:
        """All variants of all messages, in file order."""
        return self.once(_AllVariants)


class _AllVariants(Sequence[Variant]):
    """The variants of all messages, of which those are made that are asked for."""

    def __init__(self, grammar: Grammar) -> None:
        of_messages = [message.variants for message in grammar.messages.values()]
        self._of = [variants for variants in of_messages for _ in range(len(variants))]
        self._places = [place for variants in of_messages for place in range(len(variants))]

    def __len__(self) -> int:
        return len(self._of)

    def __getitem__(self, number: Any) -> Any:
        return self._of[number][self._places[number]]


class Programme(NamedTuple):
    """A grammar as tables for the scanner (`trtlog.grammar.programme`), as ``scan.c`` declares them, of 32-bit numbers.

    Attributes
    ----------
    sets : dict
        Number of the index of each set of rules (:mod:`trtlog.grammar.precedence`).
    n_variants : int
        Number of rules, in the order of ``Grammar.variants``.
    nodes, indexes, variants : bytes
        Structures of numbers: nodes of prefix trees, an index a set, a variant a rule.
    words : bytes
        Instructions, and lists that the structures point to by position.
    text : bytes
        All literal text.
    classes : bytes
        258 bytes a class: which bytes, and whether the end of the body, are in it; the only byte that is not, else 0.
    """

    sets: dict[str, int]
    n_variants: int
    nodes: bytes
    indexes: bytes
    variants: bytes
    words: bytes
    text: bytes
    classes: bytes

    def field_counts(self) -> list[int]:
        """Return the number of fields of each rule."""
        numbers = memoryview(self.variants).cast("i").tolist()
        return numbers[2 :: len(numbers) // self.n_variants] if self.n_variants else []


def escape(literal: str) -> str:
    """Return an expression, for ``re`` and RE2 alike, that matches a text."""
    return literal.translate(_ESCAPES)


def expression_of(parts: Sequence[Part]) -> str:
    """Return an expression without groups, for ``re`` and RE2 alike, that matches parts of a variant."""
    return "".join(escape(part[1]) if part[0] == "text" else f"(?:{part[-1]})" for part in parts)
