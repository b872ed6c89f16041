"""A log in a form, or in one form inside another, reads as the bare log does: every row of every table."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import trtlog
from tests.conftest import ROOT, each
from tests.forms.collected import COLLECTED
from tests.forms.rows import rows_of, written
from tests.forms.writers import FORMS, wrapped
from trtlog.source.chunks import open_source

LOGS = ("lstm_verbose", "resnet50_load_profile")
# PowerShell reports the first line that a program writes, not one that a form of its own was put around.
INNERMOST = {"powershell"}
# The rest of a cut record may begin as a record does.
CUT = {"wrap80", "wrap100", "jammed", "powershell"}
PAIRS = 24
ALIKE = 25


@cache
def lines_of(name: str) -> list[bytes]:
    data = gzip.decompress((ROOT / "fixtures" / "trt-8.5.3-h200" / f"{name}.log.gz").read_bytes())
    return data.replace(b"\r\n", b"\n").split(b"\n")[:-1]


@cache
def short() -> list[bytes]:
    """Return a log that holds all that the whole one holds, but of hundreds of lines alike some."""
    seen: Counter[bytes] = Counter()
    out = []
    for line in lines_of(LOGS[1]):
        kind = next((word for word in (b"] Average on ", b", LayerType: ", b" " * 12) if word in line), b"")
        seen[kind] += 1
        if not kind or seen[kind] <= ALIKE or b" Total " in line:
            out.append(line)
    return out


@cache
def bare(name: str) -> trtlog.Log:
    return trtlog.parse(b"\n".join(lines_of(name)) + b"\n")


@cache
def bare_short() -> trtlog.Log:
    return trtlog.parse(b"\n".join(short()) + b"\n")


def test_the_short_log_holds_what_the_whole_one_holds():
    whole, log = bare(LOGS[1]), bare_short()
    assert len(short()) < len(lines_of(LOGS[1])) / 3
    assert set(log.coverage.kind) == set(whole.coverage.kind)
    for name in each(whole.tables):
        assert bool(log.table(name).num_rows) == bool(whole.table(name).num_rows), name


@pytest.mark.parametrize(
    ("form", "name"),
    [*((form, LOGS[0]) for form in FORMS), *((form, LOGS[1]) for form in ("wrap100", "quotes", "tabs", "docker-json"))],
)
def test_a_log_in_a_form_has_the_rows_of_the_bare_log(form, name):
    text, numbers = written(lines_of(name), (form,))
    log = trtlog.parse(text)
    assert rows_of(log) == rows_of(bare(name), numbers)
    if form != "crlf":
        assert log.notes


@pytest.mark.parametrize("form", COLLECTED)
def test_a_log_that_another_program_hands_on_has_the_rows_of_the_bare_log(form):
    text, numbers = written(short(), (form,))
    assert rows_of(trtlog.parse(text)) == rows_of(bare_short(), numbers)


@pytest.mark.parametrize("width", [78, 132])
@pytest.mark.parametrize("form", ["gh", "kubectl", "quote", "hash", "indent", "compose", "docker-json", "entities"])
def test_a_log_that_was_cut_at_a_width_inside_or_around_a_form(form, width):
    """The rest of a cut record may begin as a record does: ``Name: `` in the middle of a layer."""
    cut = wrapped(width)
    inside, numbers = cut(short())
    outer, _ = FORMS[form](inside)
    assert rows_of(trtlog.parse(b"\n".join(outer) + b"\n")) == rows_of(bare_short(), numbers)
    around, numbers = cut(FORMS[form](short())[0])
    assert rows_of(trtlog.parse(b"\n".join(around) + b"\n")) == rows_of(bare_short(), numbers)


def pairs() -> Iterator[tuple[str, str]]:
    choice = random.Random(16)
    inner = sorted(FORMS)
    outer = sorted(set(FORMS) - CUT)
    for _ in range(PAIRS):
        first, second = choice.choice(inner), choice.choice(outer)
        if first != second:
            yield first, second


@pytest.mark.parametrize("forms", list(pairs()), ids=" in ".join)
def test_a_form_inside_another_has_the_rows_of_the_bare_log(forms):
    name = LOGS[0]
    text, numbers = written(lines_of(name), forms)
    assert rows_of(trtlog.parse(text)) == rows_of(bare(name), numbers)


@pytest.mark.parametrize("form", ["gh", "docker-json", "wrap100", "entities", "jammed", "quote"])
def test_chunks_and_engines_make_no_difference(form):
    """Bytes come in pieces of any size, chunks are of any size: text, numbers and tables are the same."""
    lines = lines_of(LOGS[0])[:400]
    text, _ = written(lines, (form,))
    whole = open_source(text)
    expected = b"".join(chunk.data for chunk in whole)
    choice = random.Random(form)
    for size in (1, 7, 4096):
        cuts = sorted({choice.randrange(len(text)) for _ in range(60)})
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        source = open_source(iter(pieces), chunk_bytes=size)
        chunks = list(source)
        assert b"".join(chunk.data for chunk in chunks) == expected
        number = 1
        for chunk in each(chunks):
            assert chunk.first_line == number
            number += chunk.data.count(b"\n")
        every = range(1, number)
        assert [source.line_map.of(n) for n in every] == [whole.line_map.of(n) for n in every]
    line, vector = (rows_of(trtlog.parse(text, engine=engine)) for engine in ("line", "auto"))
    assert line == vector


def test_a_converted_file_has_the_rows_of_the_parsed_one(tmp_path):
    from trtlog.parquet.stream import convert

    text, _ = written(lines_of(LOGS[0]), ("wrap100",))
    path = tmp_path / "wrapped.log"
    path.write_bytes(text)
    convert(path, tmp_path / "out", segment_bytes=20_000)
    stored, parsed = trtlog.read_parquet(tmp_path / "out"), trtlog.parse(path)
    for name in ("tactics", "timings", "passes", "messages", "runs"):
        assert stored.table(name).to_pylist() == parsed.table(name).to_pylist()


def python_build() -> list[bytes]:
    return [
        b"Traceback handling is on",
        b"[11/22/2026-13:39:36] [TRT] [I] [MemUsageChange] Init CUDA: CPU +1, GPU +0, now: CPU 20, GPU 500 (MiB)",
        b"[11/22/2026-13:39:36] [TRT] [V] Original: 5 layers",
        b"[11/22/2026-13:39:37] [TRT] [V] After dead-layer removal: 4 layers",
    ]


def test_a_file_that_mixes_forms_reads_as_its_parts_do():
    """A numbered export of GitHub with HTML entities: three runs, and a build in Python among them."""
    short, failed = lines_of("err_bad_shape"), lines_of("err_unsupported_op")
    parts = [short, failed, python_build(), short]
    plain = [line for part in parts for line in part]
    text, numbers = written(plain, ("entities", "gh", "nl"))
    assert text.startswith(b"     1\tbuild\tRun trtexec\t2026-06-10T22:33:00.1234567Z &amp;&amp;&amp;&amp; RUNNING")
    mixed, expected = trtlog.parse(text), trtlog.parse(b"\n".join(plain) + b"\n")
    assert rows_of(mixed) == rows_of(expected, numbers)
    assert len(mixed.notes) == 3
    passes = [(row["name"], row["layers"]) for part in parts for row in part_rows(part, "passes")]
    assert [(row["name"], row["layers"]) for row in mixed.table("passes").to_pylist()] == passes
    kinds = [row["kind"] for part in parts for row in part_rows(part, "messages")]
    assert [row["kind"] for row in mixed.table("messages").to_pylist()] == kinds


def part_rows(part: list[bytes], table: str) -> list[dict[str, Any]]:
    return trtlog.parse(b"\n".join(part) + b"\n").table(table).to_pylist()


def test_parts_in_forms_of_their_own_read_as_the_bare_log():
    """One run quoted, the next in JSON, the next as it was printed, the last commented out."""
    runs = [lines_of("err_bad_shape"), lines_of("err_unsupported_op"), lines_of("err_corrupt_onnx")]
    forms: list[tuple[str, ...]] = [("quote",), ("docker-json",), (), ("hash",)]
    text = b"".join(written(run, form)[0] for run, form in zip([*runs, runs[0]], forms, strict=True))
    expected = b"\n".join([line for run in [*runs, runs[0]] for line in run]) + b"\n"
    assert rows_of(trtlog.parse(text)) == rows_of(trtlog.parse(expected))


def test_a_form_that_begins_far_down_is_found():
    """Forms are looked for again in later parts of a long file."""
    lines = lines_of(LOGS[0])
    plain = b"\n".join(lines) + b"\n"
    above = plain * (1 + (9 << 20) // len(plain))
    text, _ = written(lines, ("docker-json",))
    log = trtlog.parse(above + text * 12)
    # What stands in the part that began before the form did is read as it is.
    assert any("JSON" in note for note in log.notes)


def test_messages_of_one_width_behind_collectors_are_not_the_parts_of_a_cut_line():
    times = (0.0174988, 0.0175110, 0.0175049, 0.0176270, 0.0174316, 0.0171753, 0.0174438, 0.0172607)
    averages = [
        b"[09/07/2022-04:07:48] [I] Average on 10 runs - GPU latency: %.7f ms - Host latency: %.7f ms (enqueue 0.003 ms)"  # noqa: E501 - a line as printed
        % (time, time)
        for time in times * 8
    ]
    text, numbers = written(averages, ("jenkins", "teamcity"))
    assert rows_of(trtlog.parse(text)) == rows_of(trtlog.parse(b"\n".join(averages) + b"\n"), numbers)


def test_one_escaped_line_of_a_page_of_html_is_read_as_its_characters():
    lines = [
        b"&&&& RUNNING TensorRT.trtexec [TensorRT v100900] [b34] # trtexec --onnx=model.onnx",
        b"[08/20/2026-12:40:28] [I] Available Devices: ",
        b'[08/20/2026-12:40:28] [I]   Device 0: "Orin" UUID: GPU-83d248c0-5862-540d-a0bb-2335e2d94404',
        *[b"[08/20/2026-12:40:28] [I] Selected Device: Orin"] * 3,
    ]
    text, numbers = written(lines, ("html table",))
    log = trtlog.parse(text)
    assert rows_of(log) == rows_of(trtlog.parse(b"\n".join(lines) + b"\n"), numbers)
    assert (log.run.command, log.devices.available[0]) == ("trtexec --onnx=model.onnx", ["Orin"])
