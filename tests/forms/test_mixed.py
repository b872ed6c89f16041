"""Files of several stories, as people put them together: each part has the rows that it has when it is read alone."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any

import pytest

import trtlog
from tests.conftest import ROOT
from tests.forms.collected import COLLECTED
from tests.forms.rows import rows_of, written
from tests.forms.test_reading import lines_of
from tests.forms.writers import FORMS
from trtlog.tables.lines import FIRST

Part = list[bytes]
PYTHON = "python"
Rows = dict[str, list[dict[str, Any]]]


@cache
def python_build() -> Part:
    """A build by a program in Python."""
    data = gzip.decompress((ROOT / "fixtures" / "trt-rtx-1.7.1-h200" / "rtxpy_bert_tiny.log.gz").read_bytes())
    return data.replace(b"\r\n", b"\n").split(b"\n")[:-1]


def rows_alone(parts: list[Part], numbers: list[int]) -> Rows:
    """Return the rows of the parts read alone, one behind the other, with the numbers of runs and lines of the file."""
    out: Rows = {}
    runs = above = 0
    for part in parts:
        log = trtlog.parse(b"\n".join(part) + b"\n")
        for name, rows in rows_of(log).items():
            for row in rows:
                for column in FIRST:
                    if row.get(column):
                        row[column] = numbers[above + row[column] - 1]
                if row.get("run") is not None:
                    row["run"] += runs
            out.setdefault(name, []).extend(rows)
        runs += log.table("runs").num_rows
        above += len(part)
    return out


def holds(text: bytes, parts: list[Part], numbers: list[int]) -> trtlog.Log:
    """Hold that a file reads as its parts do; beside other runs nothing says whose program a run without banner is."""
    log = trtlog.parse(text)
    found, expected = rows_of(log), rows_alone(parts, numbers)
    for row in expected["runs"]:
        if row["status"] is None:
            row["tool"] = None
    assert {name: rows for name, rows in found.items() if rows != expected[name]} == {}
    assert len(found["runs"]) == len(parts)
    return log


def in_forms_of_their_own(
    parts: list[Part], forms: list[tuple[str, ...]], prose: list[Part]
) -> tuple[bytes, list[int]]:
    """Put each part in its forms, the innermost first, with lines of prose above it."""
    out: list[bytes] = []
    numbers: list[int] = []
    for part, names, above in zip(parts, forms, prose, strict=True):
        out += above
        lines, where = part, list(range(1, len(part) + 1))
        for name in names:
            lines, places = (FORMS.get(name) or COLLECTED[name])(lines)
            where = [places[number - 1] for number in where]
        numbers += [len(out) + number for number in where]
        out += lines
    return b"\n".join(out) + b"\n", numbers


def parts_of(*names: str) -> list[Part]:
    """Return logs by name, ``name:5:-1`` for some lines of one."""
    parts = []
    for name, _, cut in (name.partition(":") for name in names):
        begin, end = (int(number) if number else None for number in (cut or ":").split(":"))
        parts.append((python_build() if name == PYTHON else lines_of(name))[begin:end])
    return parts


WHOLE = {
    "a numbered export of GitHub with entities: three runs, and a build in Python among them": (
        ("lstm_verbose", "err_unsupported_op", PYTHON, "resnet50_load_profile"),
        ("entities", "gh", "nl"),
    ),
    "a job of Jenkins: no end, no start, all": (
        ("resnet50_load_profile::-1", "lstm_verbose:1:", "err_unsupported_op"),
        ("jenkins",),
    ),
    "a container in JSON: a build in Python, then two runs": (
        (PYTHON, "err_bad_shape", "sweep_r50_fp32_b128"),
        ("docker-json",),
    ),
    # The third goes on where the clock is set back: its banner names another command.
    "a chat with other spaces and entities: the end of a run, the beginning of another, the end of a third": (
        ("lstm_verbose:400:", "err_unsupported_op::-1", "resnet50_load_profile:246:"),
        ("entities", "spaces", "compose"),
    ),
    "an editor's listing of a stamped log: two builds whose layers have names in common": (
        ("unet_smallws_verbose", "lstm_verbose"),
        ("actions", "editor"),
    ),
}


@pytest.mark.parametrize("story", WHOLE)
def test_a_file_in_one_form_reads_as_its_parts_do(story):
    names, forms = WHOLE[story]
    parts = parts_of(*names)
    text, numbers = written([line for part in parts for line in part], forms)
    assert len(holds(text, parts, numbers).notes) >= len(forms)


PROSE = [
    [b"# How long does it take?", b"", b"First we build it:", b""],
    [b"", b"The same in Python:", b""],
    [b"", b"And now we time it:", b""],
]
FOUR = ("err_unsupported_op", "resnet50_load_profile", "err_bad_shape", "sweep_r50_fp32_b128")
APART: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]], list[Part]]] = {
    "a chapter with its excerpts indented": (
        ("err_unsupported_op", PYTHON + "::400", "resnet50_load_profile"),
        [("indent",)] * 3,
        PROSE,
    ),
    "a mail, a job, a notebook and a web page in one file": (
        FOUR,
        [("quote",), ("gitlab",), ("notebook, minified",), ("html table",)],
        [[]] * 4,
    ),
    "an export, a listing, a log as printed and a container in JSON": (
        FOUR,
        [("gh",), ("vim",), (), ("docker-json",)],
        [[]] * 4,
    ),
}


@pytest.mark.parametrize("story", APART)
def test_parts_in_forms_of_their_own_read_as_each_alone(story):
    names, forms, prose = APART[story]
    parts = parts_of(*names)
    text, numbers = in_forms_of_their_own(parts, forms, prose)
    holds(text, parts, numbers)
