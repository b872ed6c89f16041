"""What an engine found in a log, before it becomes tables: captured bytes by kind, with their line numbers.

The engine fills the same store in C and in Python, so the tables cannot depend on how lines are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import cached_property
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from trtlog._util.dataclass import dataclass
from trtlog.grammar import Grammar, Variant
from trtlog.messages.repeats import Repeats

if TYPE_CHECKING:
    import numpy as np

    from trtlog.source.numbering import LineMap

# Kinds that no rule of the grammar stands for, counted beside the others.
CONTINUATION = "continuation"  # belongs to the record above it
UNKNOWN = "unknown"  # has a header, and no rule knows it
FOREIGN = "foreign"  # has no header and continues nothing: another program's text
USAGE = "usage"  # trtexec's help text
BLANK = "blank"  # nothing, or nothing behind the header
SPECIAL_KINDS = (CONTINUATION, UNKNOWN, FOREIGN, USAGE, BLANK)


# Line numbers, and an array for each captured field.
Rows = tuple["np.ndarray[Any, Any]", list[Any]]


@dataclass
class Remark:
    """A warning or error, or an unknown line: kept whole, since its text is the fact."""

    line: int
    severity: str | None
    origin: str | None
    kind: str
    body: bytes
    producer: str = ""


def _remarks() -> Repeats[Remark]:
    return Repeats(
        lambda line, _, key: Remark(line, *key),
        lambda r: (r.line, 0, (r.severity, r.origin, r.kind, r.body, r.producer)),
    )


def _continuations() -> Repeats[tuple[int, int, bytes]]:
    return Repeats(lambda line, record, body: (line, record, body), lambda item: item)


@dataclass
class Captures:
    """Captured fields, by variant, in chunks of arrays.

    Attributes
    ----------
    columns : dict
        Variant index -> list of (line numbers, one array a field: binary, or a dictionary of binary).
    counts : dict
        Kind -> [lines, bytes], the special kinds among them.
    remarks : Repeats of Remark
        Warnings, errors and fatal messages, in order.
    unknown : Repeats of Remark
        Lines with a header that no rule knows.
    continuations : Repeats of (int, int, bytes)
        Line, line of the record it continues, text: for the records that keep their text.
    times : list of (int, bytes)
        Line and printed time, each time it changes.
    openings : list of (int, str)
        Line and name of each section, where the section changes.
    producers : dict
        Header rule -> number of lines.
    lines, size : int
        Number of lines, and of bytes, read so far.
    torn : dict of int to list of int
        Line that holds several records -> the variants of their matches, in their order.
    first : int
        First line of the log, or of what is left of it when rows above were written out.
    time_above : bytes or None
        The last time of runs that were cut off above; None where none were.
    alone : bool
        Whether the log holds all runs of its source.
    begun : bool
        Whether rows of the run that goes on were written out.
    marks : pyarrow.Table, optional
        Lines above ``marked`` that tell the builds of the run apart (`trtlog.tables.builds`).
    line_map : LineMap, optional
        Which lines of the file those are that an engine read, where lines were joined or cut.
    above : int
        Number of the line above the log's own first one, where several logs are numbered through.
    parts : list of Captures
        The logs that were read together, each with its own counts, where these are the captures of several
        (`trtlog.messages.together`).
    """

    grammar: Grammar
    variants: Sequence[Variant]
    columns: dict[int, list[Rows]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    remarks: Repeats[Remark] = field(default_factory=_remarks)
    unknown: Repeats[Remark] = field(default_factory=_remarks)
    continuations: Repeats[tuple[int, int, bytes]] = field(default_factory=_continuations)
    times: list[tuple[int, bytes]] = field(default_factory=list)
    openings: list[tuple[int, str]] = field(default_factory=list)
    producers: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    size: int = 0
    torn: dict[int, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first: int = 1
    alone: bool = True
    time_above: bytes | None = None
    begun: bool = False
    marks: Any = None
    marked: int = 0
    line_map: LineMap | None = None
    above: int = 0
    parts: list[Captures] = field(default_factory=list)

    @property
    def logs(self) -> Sequence[Captures]:
        """The logs that these are the captures of: this one alone, or those that were read together."""
        return self.parts or (self,)

    def file_line(self, number: int) -> int:
        """Return the number in the file of a line that an engine read."""
        number -= self.above
        return number if self.line_map is None else self.line_map.of(number)

    def add_rows(self, variant: int, lines: Sequence[int], rows: Sequence[tuple[bytes | None, ...]]) -> None:
        """Add matches of one variant, given as rows."""
        import numpy as np

        from trtlog._util.arrow import from_bytes

        arrays = [from_bytes(column) for column in zip(*rows, strict=True)] if rows[0] else []
        self.columns.setdefault(variant, []).append((np.asarray(lines, dtype=np.int64), arrays))

    def count(self, kind: str, lines: int, size: int) -> None:
        """Count lines of a kind."""
        entry = self.counts.setdefault(kind, [0, 0])
        entry[0] += lines
        entry[1] += size

    def matches(self, *kinds: str) -> Matches:
        """Return the matches of some kinds, sorted by line; a column is put together when it is asked for."""
        return Matches(self, kinds)

    def table(self, *kinds: str) -> Any:
        """Return the matches of some kinds as one Arrow table, sorted by line; its columns are those of `Matches`."""
        import pyarrow as pa

        found = self.matches(*kinds)
        return pa.table({name: found.column(name) for name in found.column_names})

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the matches of some kinds as dictionaries of text, sorted by line: for rare kinds."""
        found = self.matches(*kinds)
        if not found.num_rows:
            return []
        columns = [printed_values(found.column(name)) for name in found.column_names]
        return [dict(zip(found.column_names, row, strict=True)) for row in zip(*columns, strict=True)]

    def line_with(self, printed: bytes, among: np.ndarray[Any, Any]) -> int | None:
        """Return the first of some lines with a captured field that is a text, else that has it inside.

        Where none of them has it, the only line of the log with such a field; None for none. For rare questions: it
        goes through all captures.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        from trtlog._util.arrow import to_numpy

        wanted = set(among.tolist())
        everywhere: set[int] = set()
        for is_there in (pc.equal, pc.match_substring):
            option = pa.scalar(printed, pa.binary()) if is_there is pc.equal else printed
            lines: list[int] = []
            for chunks in self.columns.values():
                for numbers, fields in chunks:
                    for values in fields:
                        plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
                        found = to_numpy(pc.fill_null(is_there(plain, option), False))
                        lines += wanted.intersection(numbers[found].tolist())
                        if is_there is pc.equal:
                            everywhere.update(numbers[found].tolist())
            if lines:
                return min(lines)
        continued = [line for _, line, body in self.continuations if printed in body and line in wanted]
        if not continued and len(everywhere) == 1:  # as a section whose row has the line of its heading
            return everywhere.pop()
        return min(continued, default=None)

    def lists(self, kinds: Iterable[str], fields: Sequence[str]) -> list[list[Any]]:
        """Return fields of the matches of some kinds as lists of text, sorted by line.

        Parameters
        ----------
        kinds : iterable of str
            Those that the grammar lacks are passed over.
        fields : sequence of str
            Captured fields, ``line``, ``kind`` or ``wording``; a list of None for a field that no wording has.
        """
        found = self.matches(*(kind for kind in kinds if kind in self.grammar.messages))
        if not found.num_rows:
            return [[] for _ in fields]
        names = found.column_names
        return [printed_values(found.column(name)) if name in names else [None] * found.num_rows for name in fields]


class Matches:
    """The matches of some kinds of message, sorted by line.

    The columns are ``line`` (int64), ``kind`` and ``wording`` (names) and one column for each field that any
    wording captures: binary, or a dictionary of binary where a chunk holds it so; a field that a wording lacks
    is null. A column is put together when it is asked for first.

    Parameters
    ----------
    captures : Captures
        What an engine found.
    kinds : sequence of str
        Kinds of the grammar.
    """

    def __init__(self, captures: Captures, kinds: Sequence[str]) -> None:
        import numpy as np

        self._fields_by_kind = captures.grammar.once(_FieldsByKind)
        self._kinds = kinds
        numbers = captures.grammar.once(_variants_by_kind)
        wanted = captures.columns.keys() & {number for kind in kinds for number in numbers[kind]}
        self._chunks = [
            (captures.variants[index], lines, arrays)
            for index in (captures.columns if len(wanted) > 1 else wanted)
            if index in wanted
            for lines, arrays in captures.columns[index]
        ]
        self._sizes = [len(lines) for _, lines, _ in self._chunks]
        self._order: np.ndarray[Any, Any] | None = None
        self.lines: np.ndarray[Any, Any] = np.zeros(0, np.int64)
        if self._chunks:
            pieces = [lines for _, lines, _ in self._chunks]
            self.lines = lines = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            if not (lines[:-1] <= lines[1:]).all():
                self._order = np.argsort(lines, kind="stable")
                self.lines = lines[self._order]
            if captures.torn:
                self._order_within_lines(captures)
        self.num_rows = len(self.lines)
        self._columns: dict[str, Any] = {}

    def _order_within_lines(self, captures: Captures) -> None:
        """Bring the matches of lines that hold several records into the order in which they stand."""
        import numpy as np

        ends = np.flatnonzero(np.append(self.lines[1:] != self.lines[:-1], True)) + 1
        starts = np.append(0, ends[:-1])
        torn = [(a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True) if b - a > 1]
        if not torn:
            return
        order = np.arange(len(self.lines)) if self._order is None else self._order
        numbers = {id(variant): number for number, variant in enumerate(captures.variants)}
        variants = np.repeat([numbers[id(variant)] for variant, _, _ in self._chunks], self._sizes)
        for first, last in torn:
            left = order[first:last].tolist()
            ordered = []
            for variant in captures.torn.get(int(self.lines[first]), ()):
                found = next((place for place in left if variants[place] == variant), None)
                if found is not None:
                    ordered.append(found)
                    left.remove(found)
            order[first:last] = ordered + left
        self._order = order

    @cached_property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        fields = (self._fields_by_kind[kind] for kind in self._kinds)
        return ["line", "kind", "wording", *dict.fromkeys(chain.from_iterable(fields))]

    def column(self, name: str) -> Any:
        """Return a column as one Arrow array.

        Raises
        ------
        KeyError
            No such column.
        """
        if name not in self._columns:
            if name not in self.column_names:
                raise KeyError(name)
            self._columns[name] = self._made(name)
        return self._columns[name]

    def put(self, name: str, values: Any) -> None:
        """Replace a column."""
        self._columns[name] = values

    def _made(self, name: str) -> Any:
        from trtlog._util.arrow import from_numpy

        if name == "line":
            return from_numpy(self.lines)
        if name in ("kind", "wording"):
            values = [variant.kind if name == "kind" else variant.wording for variant, _, _ in self._chunks]
            return _repeated(values, self._sizes, self._order)
        pieces = [
            arrays[variant.fields.index(name)] if name in variant.fields else None
            for variant, _, arrays in self._chunks
        ]
        return one_column(pieces, self._sizes, self._order)


class _FieldsByKind(dict[str, tuple[str, ...]]):
    """The names of a kind's fields, of all its wordings: each table of each log asks for those of some kinds."""

    def __init__(self, grammar: Grammar) -> None:
        super().__init__()
        self._messages = grammar.messages

    def __missing__(self, kind: str) -> tuple[str, ...]:
        variants = self._messages[kind].variants
        self[kind] = found = tuple(dict.fromkeys(name for variant in variants for name in variant.fields))
        return found


def _variants_by_kind(grammar: Grammar) -> dict[str, range]:
    """Return the numbers of a kind's variants."""
    ends = list(accumulate([len(message.variants) for message in grammar.messages.values()], initial=0))
    return dict(zip(grammar.messages, map(range, ends, ends[1:]), strict=True))


def printed_values(column: Any) -> list[Any]:
    """Return numbers, or captured bytes as text."""
    import pyarrow as pa

    if column.type != pa.int64():
        try:
            column = column.cast(pa.string())
        except pa.ArrowInvalid:  # not UTF-8
            return [text(v) if isinstance(v, bytes) else v for v in column.to_pylist()]
    out: list[Any] = column.to_pylist()
    return out


def _repeated(values: Sequence[str], sizes: Sequence[int], order: np.ndarray[Any, Any] | None) -> Any:
    """Return a dictionary array that holds each text as often as its size says."""
    import numpy as np
    import pyarrow as pa

    from trtlog._util.arrow import from_list, from_numpy

    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    codes = np.repeat(np.array([numbers[value] for value in values], np.int32), sizes)
    if order is not None:
        codes = codes[order]
    return pa.DictionaryArray.from_arrays(from_numpy(codes), from_list(list(numbers), pa.string()))


def one_column(pieces: Sequence[Any], sizes: Sequence[int], order: np.ndarray[Any, Any] | None = None) -> Any:
    """Return the chunks of one field as one array: encoded where chunks are, in another order where one is given.

    Parameters
    ----------
    pieces : sequence of pyarrow.Array or None
        Binary arrays or dictionary arrays of binary, mixed; None stands for nulls. A dictionary holds each value
        once.
    sizes : sequence of int
        Length of each piece.
    order : ndarray, optional
        Positions in the order in which they are wanted.

    Examples
    --------
    >>> import pyarrow as pa
    >>> plain, encoded = pa.array([b"a", b"b"]), pa.array([b"b", b"b"]).dictionary_encode()
    >>> one_column([plain, None, encoded], [2, 1, 2]).to_pylist()
    [b'a', b'b', None, b'b', b'b']
    """
    import numpy as np
    import pyarrow as pa

    from trtlog._util.arrow import from_numpy, no_values, to_filled

    encoded = plain = 0
    for piece, size in zip(pieces, sizes, strict=True):
        if piece is not None:
            if pa.types.is_dictionary(piece.type):
                encoded += size
            else:
                plain += size
    if not encoded + plain:
        return no_values(sum(sizes), pa.binary())
    # What is plain repeats little; it is not encoded for the sake of a few chunks.
    if plain > 2 * encoded:
        filled = [
            pa.nulls(n, pa.binary()) if p is None else p.dictionary_decode() if pa.types.is_dictionary(p.type) else p
            for p, n in zip(pieces, sizes, strict=True)
        ]
        whole = filled[0] if len(filled) == 1 else pa.concat_arrays(filled)
        return whole if order is None else whole.take(from_numpy(order))
    if len(pieces) == 1:
        return pieces[0] if order is None else pieces[0].take(from_numpy(order))
    pieces = [p if p is None or pa.types.is_dictionary(p.type) else p.dictionary_encode() for p in pieces]
    dictionary, recoded = _one_dictionary([piece.dictionary for piece in pieces if piece is not None])
    new_codes = iter(recoded)
    codes = np.empty(sum(sizes), np.int32)
    begin = 0
    for piece, size in zip(pieces, sizes, strict=True):
        part = codes[begin : begin + size]
        begin += size
        if piece is None:
            part[:] = -1
            continue
        own, new = to_filled(piece.indices, -1), next(new_codes)
        if new is None:
            part[:] = own
        else:
            new.take(own, out=part, mode="wrap")
    codes = codes if order is None else codes.take(order)
    valid = codes >= 0
    indices = from_numpy(codes, None if valid.all() else valid)
    return pa.DictionaryArray.from_arrays(indices, dictionary, safe=False)


def _one_dictionary(dictionaries: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return a dictionary with all values, and of each given one its new codes; None where they stay as they are.

    All stretches that a thread reads have the same dictionary. The last new code stands for -1, the nulls.
    """
    import numpy as np
    import pyarrow as pa

    from trtlog._util.arrow import to_numpy

    places = [_place_of(values) for values in dictionaries]
    distinct = dict(zip(places, dictionaries, strict=True))
    codes_of: dict[tuple[int, ...], Any] = dict.fromkeys(distinct)
    first, *others = distinct
    if not others:
        return distinct[first], [None] * len(places)
    both = pa.concat_arrays(list(distinct.values())).dictionary_encode()
    codes, begin = to_numpy(both.indices), len(distinct[first])
    for place in others:
        end = begin + len(distinct[place])
        codes_of[place] = np.append(codes[begin:end], np.int32(-1))
        begin = end
    return both.dictionary, [codes_of[place] for place in places]


def _place_of(values: Any) -> tuple[int, ...]:
    """Return where an array stands in memory."""
    return len(values), values.offset, *(0 if b is None else b.address for b in values.buffers())


def text(raw: bytes) -> str:
    r"""Decode bytes of a log: UTF-8, and what is not UTF-8 as ``\xNN``.

    Examples
    --------
    >>> text(b"caf\xc3\xa9 \xff")
    'café \\xff'
    """
    return raw.decode("utf-8", "backslashreplace")
