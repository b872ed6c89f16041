"""Markdown: what a log says is text there, never markup; every view that the terminal has."""

from __future__ import annotations

import re
from html import unescape

import pyarrow as pa
import pytest
from markdown_it import MarkdownIt  # what rich reads Markdown with

from trtlog.report.document import (
    Bar,
    Column,
    Data,
    DataTable,
    Document,
    Facts,
    Finding,
    Folded,
    Note,
    Number,
    Point,
    Points,
    Section,
    Sentence,
    Table,
    Tiles,
    Title,
)
from trtlog.report.markdown import escaped, to_markdown
from trtlog.report.sentences import badge, code, strong, words

DOCUMENT = Document(
    "trtlog example",
    (
        Title(words(strong("/conv1/Conv"), "  CaskConvolution")),
        Note("one run of two"),
        Note("no profile"),
        Points((Point(words("2 layers changed"), (words("conv 1 -> 2 ms"),)), Point(words("# not a heading")))),
        Facts((("model", words("m_1.onnx")),)),
        Tiles((("throughput", "12.5", "qps"),)),
        Finding("warning", "slow", "one layer is", "high", why="a|b", action="nothing", lines=[3, 9]),
        Finding("error", "gone", "no layer is left"),
        Section(
            "Times",
            (
                Table(
                    (Column("layer", "name"), Column("ms", "number"), Column("", "bar"), Column("empty")),
                    [
                        ("a|b", Number("0.5", 0.5), Bar(0.5), ""),
                        (words(code("x|`y`")), "1", Bar(1.0), None),
                        ("c", "", Bar(0), ""),
                    ],
                ),
            ),
        ),
        Folded(words(strong("1 fine")), (Finding("good", "all", "all <good>", "high"),)),
    ),
    words(badge("failed"), ": 2 of 3"),
)  # fmt: skip


def test_a_document():
    assert (
        to_markdown(DOCUMENT, limit=2)
        == r"""## trtlog example

**failed**: 2 of 3

**/conv1/Conv** CaskConvolution

> **Note:** one run of two

> **Note:** no profile

- 2 layers changed
  - conv 1 -> 2 ms
- \# not a heading

- **model**: m_1.onnx

- throughput: **12.5** qps

- **warning** **slow** (high confidence) one layer is \[lines 3, 9\]
  - why: a\|b
  - do: nothing
- **error** **gone** no layer is left

### Times

| layer | ms |   |
|---|--:|---|
| a\|b | 0.5 | █████ |
| `` x\|`y` `` | 1 | ██████████ |

... and 1 more

<details><summary>1 fine</summary>

- **good** **all** all &lt;good>

</details>
"""
    )


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "![x](http://attacker.example/p.png)",
    "[click](javascript:alert(1))",
    "a | b | c",
    "C:\\path\\|x",
    "`code` and ``more``",
    "**bold** __x__ ~~gone~~",
    "line one\n# heading\n\n- item",
    "one\r\x85\u2028# two",
    "&lt;script&gt;",
    "<!-- -->",
    "- item",
    "12. item",
    "> quote",
    "| cell |",
    "</details>",
    "---",
    "===",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("part", [
    *("sentence", "code", "strong", "cell", "codecell", "note", "title", "summary", "point"),
    *("finding", "record", "rowcell"),
])  # fmt: skip
def test_a_text_of_a_log_is_shown_as_it_is(text, part):
    """A reader of GitHub's Markdown gets the text back, and no element of it."""
    made = {
        "sentence": Sentence(words(text)),
        "code": Sentence(words("x ", code(text))),
        "strong": Sentence(words("x ", strong(text))),
        "cell": Table((Column("a"), Column("b")), [(text, "end")]),
        "codecell": Table((Column("a"), Column("b")), [(words(code(text)), "end")]),
        "note": Note(text),
        "title": Section(text, ()),
        "summary": Folded(words(text), (Sentence(words("inner")),)),
        "point": Points((Point(words("p"), (words(text),)),)),
        "finding": Finding("warning", "rule", "x", why=text),
        "record": DataTable(Data("one", pa.table({"a": [text]})), "title", layout="record"),
        "rowcell": DataTable(Data("two", pa.table({"a": [text], "b": ["end"]})), "title"),
    }[part]
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    html = reader.render(to_markdown(Document("x", (made,))))
    ours = "|".join(["p", "h2", "h3", "strong", "code", "ul", "li", "blockquote", "details", "summary", "b"])
    tables = "table|thead|tbody|tr|th|td"
    assert not re.sub(rf"</?(?:{ours}|{tables})(?: style=\"[a-z:-]+\")?>|[^<]", "", html), html
    assert html.count("<td") == (2 if "cell" in part else 0)
    spelled = text.replace("\n", "\\n") if part in ("record", "rowcell") else text
    wanted = re.sub(r"[\s\x85\u2028]+", " ", spelled).strip()
    assert wanted in re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", html)))


def test_secrets_are_gone():
    assert escaped("ssh://me:secret@host") == "ssh://\\*\\*\\*@host"
