"""What an engine found in a log, before it becomes tables: captured bytes by kind, with their line numbers.

Both engines fill the same store, so the tables cannot depend on the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trtlog.grammar import Grammar, Variant

if TYPE_CHECKING:
    import numpy as np

# Kinds that no rule of the grammar stands for, counted beside the others.
CONTINUATION = "continuation"  # belongs to the record above it
UNKNOWN = "unknown"  # has a header, and no rule knows it
FOREIGN = "foreign"  # has no header and continues nothing: another program's text
USAGE = "usage"  # trtexec's help text
BLANK = "blank"  # nothing, or nothing behind the header
SPECIAL_KINDS = (CONTINUATION, UNKNOWN, FOREIGN, USAGE, BLANK)


@dataclass
class Remark:
    """A warning or error, or an unknown line: kept whole, since its text is the fact."""

    line: int
    severity: str | None
    origin: str | None
    kind: str
    body: bytes


@dataclass
class Captures:
    """Captured fields, by variant, in chunks of arrays.

    Attributes
    ----------
    columns : dict
        Variant index -> list of (line numbers, one binary array a field).
    counts : dict
        Kind -> [lines, bytes], the special kinds among them.
    remarks : list of Remark
        Warnings, errors and fatal messages, in order.
    unknown : list of Remark
        Lines with a header that no rule knows.
    continuations : list of (int, int, bytes)
        Line, line of the record it continues, text: for the records that keep their text.
    times : list of (int, bytes)
        Line and printed time, each time it changes.
    openings : list of (int, str)
        Line and name of each section, where the section changes.
    producers : dict
        Header rule -> number of lines.
    lines, size : int
        Number of lines, and of bytes, read so far.
    """

    grammar: Grammar
    variants: Sequence[Variant]
    columns: dict[int, list[tuple[np.ndarray[Any, Any], list[Any]]]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    unknown: list[Remark] = field(default_factory=list)
    continuations: list[tuple[int, int, bytes]] = field(default_factory=list)
    times: list[tuple[int, bytes]] = field(default_factory=list)
    openings: list[tuple[int, str]] = field(default_factory=list)
    producers: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    size: int = 0
    notes: list[str] = field(default_factory=list)

    def add_rows(self, variant: int, lines: Sequence[int], rows: Sequence[tuple[bytes | None, ...]]) -> None:
        """Add matches of one variant, given as rows."""
        import numpy as np
        import pyarrow as pa

        arrays = [pa.array(column, pa.binary()) for column in zip(*rows, strict=True)] if rows[0] else []
        self.columns.setdefault(variant, []).append((np.asarray(lines, dtype=np.int64), arrays))

    def count(self, kind: str, lines: int, size: int) -> None:
        """Count lines of a kind."""
        entry = self.counts.setdefault(kind, [0, 0])
        entry[0] += lines
        entry[1] += size

    def table(self, *kinds: str) -> Any:
        """Return the matches of some kinds as one Arrow table, sorted by line.

        The columns are ``line`` (int64), ``kind`` and ``wording`` (text) and one binary column for each
        field that any wording captures; a field that a wording lacks is null.
        """
        import numpy as np
        import pyarrow as pa

        names = list(dict.fromkeys(f for k in kinds for v in self.grammar.messages[k].variants for f in v.fields))
        wanted = set(kinds)
        pieces = []
        for index, chunks in self.columns.items():
            variant = self.variants[index]
            if variant.kind not in wanted:
                continue
            for lines, arrays in chunks:
                held = dict(zip(variant.fields, arrays, strict=True))
                size = len(lines)
                pieces.append(
                    pa.table(
                        {
                            "line": pa.array(lines),
                            "kind": constant(variant.kind, size),
                            "wording": constant(variant.wording, size),
                            **{n: held[n] if n in held else pa.nulls(size, pa.binary()) for n in names},
                        }
                    )
                )
        if not pieces:
            schema = [("line", pa.int64()), ("kind", pa.string()), ("wording", pa.string())]
            return pa.schema([*schema, *((n, pa.binary()) for n in names)]).empty_table()
        whole = pa.concat_tables(pieces, promote_options="permissive").combine_chunks()
        order = whole.column("line").to_numpy()
        if np.all(order[:-1] <= order[1:]):
            return whole
        return whole.take(pa.array(np.argsort(order, kind="stable")))

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the matches of some kinds as dictionaries of text, sorted by line: for rare kinds."""
        out = []
        for row in self.table(*kinds).to_pylist():
            out.append({k: text(v) if isinstance(v, bytes) else v for k, v in row.items()})
        return out


def constant(value: str, size: int) -> Any:
    """Return an array that holds one text ``size`` times."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, pa.string()), size)


def text(raw: bytes) -> str:
    r"""Decode bytes of a log: UTF-8, and what is not UTF-8 as ``\xNN``.

    Examples
    --------
    >>> text(b"caf\xc3\xa9 \xff")
    'café \\xff'
    """
    return raw.decode("utf-8", "backslashreplace")
