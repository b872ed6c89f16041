"""Terminal texts: what fits a width, what a pipe gets, and when there are colours."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys

import pyarrow as pa
import pytest
from rich.cells import cell_len
from rich.console import Console

import trtlog
from tests import warm
from tests.conftest import FIXTURES, ROOT, each, parsed_once
from tests.terminal import read_to_the_end
from trtlog.analyses.layer.why import story
from trtlog.analyses.lint import lint
from trtlog.display import draw
from trtlog.report.document import (
    Bar,
    Chart,
    Column,
    Data,
    DataTable,
    Document,
    Facts,
    Finding,
    Folded,
    Note,
    Point,
    Points,
    Section,
    Sentence,
    Table,
    Tiles,
    Title,
)
from trtlog.report.documents.diff import diff as diff_document
from trtlog.report.documents.lint import lint as lint_document
from trtlog.report.documents.summary import summary
from trtlog.report.sentences import Span, words
from trtlog.report.terminal.plain import drawn, lines, table_lines
from trtlog.report.terminal.text import UNBOUNDED, fitted
from trtlog.report.terminal.writer import render

V8 = FIXTURES / "trt-8.5.3-h200"
FP32, AGAIN = V8 / "resnet50_fp32_verbose.log.gz", V8 / "resnet50_fp32_verbose_rebuild.log.gz"
ESCAPE = "\x1b"


def printed(part, width=UNBOUNDED, encoding="utf-8", limit=None):
    """Return what a console of this width shows of a document, a block of one, or a result."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    if isinstance(part, (Table, Title, Sentence, Section)):
        part = Document("", (part,))
    shown = render(part, limit) if isinstance(part, Document) else part
    Console(file=stream, width=width, highlight=False, color_system=None).print(shown, end="", crop=False)
    stream.flush()
    return raw.getvalue().decode(encoding)


def texts():
    """Every terminal text, of a log that has what it shows."""
    fp32, again = parsed_once(FP32), parsed_once(AGAIN)
    yield "summary", summary(fp32)
    yield "why", story(fp32, "/conv1/Conv + /relu/Relu")
    yield "lint", lint_document(lint(fp32).to_pylist())
    yield "diff", trtlog.diff(fp32, again)
    yield "stability", trtlog.stability([fp32, again])
    yield "check", trtlog.check(again, trtlog.lock(fp32))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    for name, part in each(texts()):
        for line in each(printed(part, width).splitlines()):
            assert cell_len(line) <= width, f"{name} at {width}: {line}"
            assert line == line.rstrip(), name


def test_numbers_are_whole_at_every_width():
    """The percentiles of the log, as the log prints them, on a narrow terminal as in a pipe."""
    for width in (40, 60, 80, 120, UNBOUNDED):
        text = printed(summary(parsed_once(FP32)), width)
        for number in ("0.672913", "0.766216", "0.876953", "0.00435084", "1336.59", "13.8049", "23.2068"):
            assert number in text, f"{number} at {width}"


def test_a_pipe_gets_whole_names_and_one_line_a_row():
    text = printed(diff_document(trtlog.diff(parsed_once(FP32), parsed_once(AGAIN))), limit=1000)
    assert "…" not in text
    assert "..." not in text
    for row in each(trtlog.diff(parsed_once(FP32), parsed_once(AGAIN)).rows("tactics")):
        [line] = [line for line in text.splitlines() if line.startswith(f"{row['layer']}  ") and row["verdict"] in line]
        assert row["control_tactic"] in line
        assert row["test_tactic"] in line


TABLE = Table(
    (Column("layer", "name"), Column("ms", "number"), Column("", "bar"), Column("why", "words")),
    [
        ("/backbone/stage1/block1/conv1/Conv", "0.25", Bar(1.0, width=8), "the fastest of all that were timed"),
        ("/fc", "0.125", Bar(0.5, width=8), ""),
    ],
)


def test_a_table_of_a_pipe():
    assert printed(TABLE) == (
        "layer                                  ms            why\n"
        "/backbone/stage1/block1/conv1/Conv   0.25  ████████  the fastest of all that were timed\n"
        "/fc                                 0.125  ████\n"
    )


def test_a_table_of_a_terminal_cuts_names_in_the_middle_and_wraps_words():
    assert printed(TABLE, 60) == (
        "layer                               ms  why\n"
        "/backbone/stage…ock1/conv1/Conv   0.25  the fastest of all\n"
        "                                        that were timed\n"
        "/fc                              0.125\n"
    )


def test_where_there_is_little_room_names_lose_more_of_their_middle():
    assert printed(TABLE, 36) == (
        "layer                ms  why\n"
        "/backbon…v1/Conv   0.25  the fastest\n"
        "                         of all that\n"
        "                         were timed\n"
        "/fc               0.125\n"
    )


def test_a_table_that_does_not_fit_is_an_entry_a_row():
    assert printed(TABLE, 24) == (
        "/backbone/stage1/block1/\nconv1/Conv\n  ms 0.25\n  why the fastest of all\n  that were timed\n"
        "/fc\n  ms 0.125\n"
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("control", "test"),
    [("resnet50_fp32_verbose", "resnet50_fp16_dyn_detailed"), ("sweep_r50_fp32_b1", "sweep_r50_best_b8")],
)
def test_no_table_of_a_diff_falls_apart(control, test, width):
    """Each row is told in its table, not in lines of its own with the headings repeated."""
    folder = FIXTURES / "trt-8.5.3-h200"
    found = trtlog.diff(folder / f"{control}.log.gz", folder / f"{test}.log.gz")
    shown = printed(diff_document(found), width)
    for heading in ("control", "control ms", "option", "test s"):
        assert not re.search(rf"^ +(\S+  )?{heading} \S", shown, re.MULTILINE), heading
    assert max(map(len, shown.splitlines())) <= width


def test_what_can_be_spared_goes_first_and_is_named():
    columns = [
        Column("layer", "name"),
        Column("ms", "number"),
        *(Column(x, "code", spare=True) for x in ("noise", "p")),
    ]
    table = Table(columns, [("/conv1/Conv", "0.25", "a factor of 4.6", "0.001")])
    assert printed(table, 45) == ("layer          ms  noise            p\n/conv1/Conv  0.25  a factor of 4.6  0.001\n")
    assert printed(table, 36) == "layer          ms  noise\n/conv1/Conv  0.25  a factor of 4.6\nno room for: p\n"
    assert printed(table, 30) == "layer          ms\n/conv1/Conv  0.25\nno room for: noise, p\n"
    assert printed(table, 12) == "/conv1/Conv\n  ms 0.25\n  noise a\n  factor of\n  4.6  p\n  0.001\n"


def test_lines_for_a_pipe_are_what_the_console_prints():
    rows = [("a layer", "1.5", "wide 卷积"), ("b", "", "x"), ("two\nlines", "22", "")]
    columns = (Column("layer", "name"), Column("ms", "number"), Column("kernel", "name"))
    sheet = Table(columns, rows, whole=True)
    assert "\n".join(table_lines(sheet)) + "\n" == printed(sheet)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_plain_lines_are_those_that_rich_writes_without_a_width(encoding):
    """A pipe gets the lines without rich: of every answer, and of every block with what may stand in it."""
    wide = "wide 卷积" if encoding == "utf-8" else "narrow"
    odd = ("two\nlines\n", wide, "", "tok=1 --password=hunter2", "trailing  ")
    sentences = [words(text, Span("marked", "strong", "bad")) for text in odd]
    cells = [[text, sentences[n], Bar(0.3 * n, width=6 + n), Span(text), text] for n, text in enumerate(odd)]
    kinds = ("name", "words", "bar", "code", "number")
    tables = [
        Table([Column(heading.upper() if heading != "bar" else "", heading) for heading in kinds], cells, most=most)
        for most in (None, 2, 0)
    ]
    bare = Table([Column("", heading) for heading in kinds], cells, rest="--limit shows them")
    points = Points(tuple(Point(sentence, (sentence, words("under"))) for sentence in sentences), "- ", 3, apart=True)
    blocks = (*map(Sentence, sentences), points, *tables, bare, Facts((("a", sentences[0]), ("bc", sentences[1]))))
    findings = (Finding(*odd[:2], odd[0], "high", odd[0], "do", [1, 2]), Finding("good", "rule", "a"))
    parts = (Title(sentences[1]), Note(odd[0]), *findings, *blocks)
    whole = (*parts, Section("title", parts, indent=2, apart=True), Folded(sentences[1], parts), Tiles((odd[:3],)))
    documents = [Document("all", whole, sentences[3]), Document("nothing", ())]
    documents += [draw("document", part) for _, part in texts() if not isinstance(part, Document)]
    documents += [part for _, part in texts() if isinstance(part, Document)]
    for document in each(documents):
        for limit in (None, 3):
            found = "".join(f"{line}\n" for line in lines(document, limit, ascii_only=encoding == "ascii"))
            assert found == printed(document, UNBOUNDED, encoding, limit)


def test_without_box_characters_bars_and_cuts_are_ascii():
    text = printed(Section("title", (TABLE,)), 40, "ascii")
    assert text.isascii()
    assert "title ----------------------------------\n" in text
    name = Table((Column("", "name"),), [("/backbone/stage1/block1/conv1/Conv",)])
    assert printed(name, 30, "ascii") == "/backbone/stag...k1/conv1/Conv\n"
    assert "########" in printed(TABLE, UNBOUNDED, "ascii")


@pytest.mark.parametrize("width", range(12))
def test_a_cut_name_takes_its_room(width):
    assert cell_len(fitted("/層/卷积/conv1/Conv", width)) <= width


def test_bars():
    assert [drawn(Bar(share), 8) for share in (0, 0.001, 0.5, 1, 7)] == ["", "▏", "████", "████████", "████████"]
    assert [drawn(Bar(share), 8, ascii_only=True) for share in (0, 0.001, 0.5, 1)] == ["", "#", "####", "########"]


EVIL = "conv\x1b[31m\x9b2J\x1b]0;title\x08\u202etxt.exe\r"


@pytest.mark.parametrize("width", [30, 80, UNBOUNDED])
def test_control_characters_of_a_log_do_not_steer_the_terminal(width):
    """Wherever a text of a log may stand in a document."""
    text, point = words(EVIL), Point(words(EVIL), (words(EVIL),))
    table = Table([Column(EVIL, kind) for kind in ("name", "words", "code", "number")], [[EVIL, text, text[0], EVIL]])
    blocks = (Title(text), Sentence(text), Note(EVIL), Points((point,), EVIL), table, Facts(((EVIL, text),)))
    tiles = Tiles(((EVIL, EVIL, EVIL),))
    finding = Finding(*[EVIL] * 6, lines=[1], layers=[EVIL])
    data = Data("one", pa.table({EVIL: [EVIL], "ms": [1.0]}))
    tables = (DataTable(data, EVIL, EVIL), DataTable(data, EVIL, layout="record"))
    chart = Chart("bars", data, EVIL, EVIL, ("ms",))
    whole = (*blocks, tiles, finding, *tables, chart, Section(EVIL, blocks), Folded(text, blocks))
    shown = printed(Document(EVIL, whole, text), width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert shown.count("␛") > 20


def run(*arguments, terminal=False, **environment):
    """Run trtlog, in a pipe or on a terminal of 100 columns; return what it prints."""
    hidden = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    env = {k: v for k, v in os.environ.items() if k not in hidden}
    env |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", **environment}
    python = sys.executable if "PYTHONIOENCODING" in environment else warm.python()
    command = [python, "-m", "trtlog", *map(str, arguments)]
    if not terminal:
        return subprocess.run(command, capture_output=True, env=env, check=True).stdout.decode()
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=env) as child:
        os.close(theirs)
        out = read_to_the_end(ours)
    assert child.returncode == 0, out
    return out.decode().replace("\r\n", "\n")


LOG = V8 / "err_unsupported_op.log.gz"


@pytest.mark.parametrize(
    ("colored", "terminal", "arguments", "environment"),
    [
        (True, True, [], {}),
        (False, True, [], {"NO_COLOR": "1"}),
        (True, True, [], {"NO_COLOR": ""}),
        (False, True, [], {"TERM": "dumb"}),
        (False, True, ["--no-color"], {}),
        (False, True, ["--no-color"], {"FORCE_COLOR": "1"}),
        (True, True, ["--color"], {"NO_COLOR": "1"}),
        (False, False, [], {}),
        (True, False, [], {"FORCE_COLOR": "1"}),
        (False, False, [], {"FORCE_COLOR": "1", "NO_COLOR": "1"}),
        (False, False, ["--no-color"], {"FORCE_COLOR": "1"}),
        (True, False, ["--color"], {}),
    ],
)
def test_colours(colored, terminal, arguments, environment):
    text = run("summary", LOG, *arguments, terminal=terminal, **environment)
    assert (ESCAPE in text) == colored
    assert "failed" in text
    if terminal:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert max(map(len, plain.splitlines())) <= 100
        assert ESCAPE not in plain, "colours and styles only"


def test_the_option_stands_before_or_behind_the_command():
    assert ESCAPE in run("--color", "summary", LOG)
    assert ESCAPE not in run("--no-color", "summary", LOG, FORCE_COLOR="1")


def test_a_pipe_may_tell_its_width():
    text = run("summary", FP32, COLUMNS="70")
    assert max(map(len, text.splitlines())) == 70
    assert "…" in text
    assert "…" not in run("summary", FP32)


def test_rows_on_a_narrow_terminal_and_in_a_pipe():
    arguments = ("show", "tactics", FP32, "--limit", "2")
    rows = run(*arguments).splitlines()
    assert len(rows) == 3
    first = next(iter(parsed_once(FP32).records("tactics")))
    assert first.layer in rows[1]
    assert str(first.time_ms) in run(*arguments, terminal=True)


def test_an_encoding_that_lacks_a_letter_is_no_error(tmp_path):
    path = tmp_path / "odd.log"
    path.write_text("[11/22/2026-13:22:03] [W] [TRT] Größe 卷积\n", encoding="utf-8")
    assert "Gr\\xf6\\xdfe \\u5377\\u79ef" in run("summary", path, PYTHONIOENCODING="ascii")


def test_times_that_go_back_have_no_duration():
    lines = ["[01/02/2026-10:00:00] [I] Throughput: 1 qps", "[01/01/2026-10:00:00] [I] Throughput: 1 qps"]
    shown = printed(summary(trtlog.parse(lines)))
    assert "2026-01-02 10:00:00 to 2026-01-01 10:00:00 (no duration: the times of the log go back)" in shown
