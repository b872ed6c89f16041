"""Lines that hold a line of the log as a quoted string or as a cell of a table."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter

from trtlog._util.expression import expression
from trtlog.source.forms.base import JUDGED, Form, Replace, Sample, Undo
from trtlog.source.forms.marks import shape_of

_STRING = rb"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
_TAIL = rb"[ \t]*[,;\])}+]*(?:[ \t,][^\"'\n]*)?$"
_QUOTED = expression(rb"([^\"'\n]{0,200}(?:\"[^\"\n]*\"[^\"'\n]{1,100}){0,8}?)%b%b" % (_STRING, _TAIL))
_BLANK_FRONT = rb"[ \t\[(]*[bruf]?"
_LEAST = 2
_WAYS = 3
_STEADY, _NEARLY_ALL = 0.6, 0.95
# Only a quoted cell may hold a quotation mark, and it is doubled there.
_CELLS = {
    delimiter: re.compile(rb'(?:^|(?<=%b))(?:"(?:[^"]|"")*"|[^"%b]*)(?=%b|$)' % ((delimiter,) * 3))
    for delimiter in (b",", b"\t", b";")
}


class Quoted(Form):
    """Each line a string of a programming language, or the last field of a record."""

    name = "quoted strings"
    about = (
        "Each line as a string of a program in quotes, with escapes, and a comma behind it: `stdout_lines` of Ansible, "
        "the output of a notebook, a field of JSON that is written over several lines, `msg=\"..\"` of logfmt."
    )
    samples = (
        (b"  '[I] [TRT] Loaded\\n',\n  '[I] [TRT] Loaded\\n',", b"[I] [TRT] Loaded\n[I] [TRT] Loaded"),
        (b'level=info msg="[I] [TRT] one"\nlevel=info msg="[I] [TRT] two"', b"[I] [TRT] one\n[I] [TRT] two"),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one for each text that stands in front of strings."""
        fronts: Counter[bytes] = Counter()
        for line in sample.hidden[:JUDGED]:
            found = _QUOTED.match(line)
            if found is not None:
                front = found[1]
                fronts[shape_of(front) if front.strip(b" \t[(bruf") else _BLANK_FRONT] += 1
        note = "each line holds a quoted string, which was read"
        return [
            Replace(f"quoted {front!r}", note, rb"^%b%b%b" % (front, _STRING, _TAIL), _unquoted)
            for front, count in fronts.most_common(_WAYS)
            if count >= _LEAST
        ]


def _unquoted(found: re.Match[bytes]) -> bytes:
    text = found[1].decode("utf-8", "surrogateescape")
    try:
        value: str = json.loads(text) if text[0] == '"' else ast.literal_eval(text)
    except ValueError:
        try:
            value = ast.literal_eval(text)  # escapes of a programming language
        except (ValueError, SyntaxError):
            return found[0]
    except SyntaxError:
        return found[0]
    return value.rstrip("\r\n").replace("\n", " ").encode("utf-8", "surrogateescape")


class Csv(Form):
    """A table with the text in one column."""

    name = "CSV"
    about = "A table with a line of the log in one column, as Grafana, Kibana and CloudWatch Insights export it."
    samples = (
        (
            b'1718045588001,[I] [TRT] Loaded,a\n1718045588002,"[I] [TRT] ""a"", b",a',
            b'[I] [TRT] Loaded\n[I] [TRT] "a", b',
        ),
    )
    hides = True

    def find(self, sample: Sample) -> list[Undo]:
        """Return one that takes the text out of the column that holds records in several rows of equal length."""
        lines = sample.hidden[:JUDGED]
        undos: list[Undo] = []
        for delimiter in _CELLS:
            read = [(line, cells) for line in lines if (cells := _cells(line, delimiter))]
            rows = [cells for _, cells in read]
            # Quotation marks tell a table. Without any, only commas do, where nearly all rows have as many.
            quoted = any(b'"' in line for line, _ in read)
            if not quoted and (delimiter != b"," or not rows):
                continue
            steady = _STEADY if quoted else _NEARLY_ALL
            length, _ = Counter(map(len, rows)).most_common(1)[0]
            rows = [row for row in rows if len(row) == length]
            known = Counter(place for row in rows for place, cell in enumerate(row) if sample.holds(_encoded(cell)))
            if not known:
                continue
            place, count = known.most_common(1)[0]
            # A table of one column has only its quoted lines for certain.
            wanted = lines if length > 1 else [line for line in lines if line[:1] == b'"']
            # If just those lines are quoted that need it, a single one is evidence enough.
            column = length == 1 and not any(delimiter in line for line in sample.lines if line[:1] != b'"')
            if count >= (1 if column else _LEAST) and len(rows) >= steady * len(wanted):
                whole = quoted and length > 1 and min(len(rows), count) >= _NEARLY_ALL * len(lines)
                undos.append(_Column(delimiter, length, place, certain=whole))
        return undos


class _Column(Undo):
    def __init__(self, delimiter: bytes, length: int, place: int, *, certain: bool) -> None:
        note = f"each line is a row of a table: its column {place + 1} was read"
        super().__init__(f"csv {delimiter!r} {length} {place}", note, certain=certain)
        self._delimiter = delimiter
        self._length = length
        self._place = place

    def rewrite(self, data: bytes) -> bytes:
        return b"\n".join(map(self._cell, data.split(b"\n")))

    def _cell(self, line: bytes) -> bytes:
        cells = _cells(line, self._delimiter)
        return _encoded(cells[self._place]) if len(cells) == self._length else line


def _encoded(cell: str) -> bytes:
    return cell.encode("utf-8", "surrogateescape")


def _cells(line: bytes, delimiter: bytes) -> list[str]:
    """Return the cells of a row; none where it is no row, or nothing in it is divided or in quotes."""
    if delimiter not in line and line[:1] != b'"':
        return []
    cells, end = [], -len(delimiter)
    for found in _CELLS[delimiter].finditer(line):
        if found.start() != end + len(delimiter):
            break
        end = found.end()
        cell = found[0]
        if cell[:1] == b'"':
            cell = cell[1:-1].replace(b'""', b'"')
        cells.append(cell.decode("utf-8", "surrogateescape"))
    return cells if end == len(line) else []
