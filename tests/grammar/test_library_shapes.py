# ruff: noqa: E501  (one row of the table of reasons a line)
"""Every message of the library that reference logs hold is matched by a rule; the rest is named, with its reason."""

from __future__ import annotations

import csv
import gzip
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import beside
from trtlog import grammar
from trtlog.grammar.precedence import within_section
from trtlog.messages.match import Found, Matcher

SHARED = Path(__file__).parents[3] / "shared"
SHAPES = SHARED / "reference/trt-message-shapes.tsv"
MATCHER = Matcher(grammar.load())
# Sections in which the library's lines mean something only there.
SECTIONS = ("symbolic_checks", "network_dump", "placement")
# The table cuts its examples at this length.
CUT = 160

pytestmark = pytest.mark.skipif(not SHAPES.is_file(), reason="the reference folder is not here")

# Rows that are no message of the library: (reason, expression over the example).
NOT_THE_LIBRARY = [
    ("an empty record", r"\s*"),
    ("two lines torn into one", r".*\[[0-9]{2}/[0-9]{2}/[0-9]{4}-.*"),
    ("Polygraphy: what it runs", r"\s*(?:RUNNING|PASSED|FAILED|LINT) \|.*|.*-runner-N[0-9].*|Successfully ran: .*"),
    ("Polygraphy: its modules", r"(?:Loaded (?:Module|extension)|Found candidate CUDA|'?colored'? module|Loading plugin lib).*"),
    ("Polygraphy: input data", r"\s*(?:Input tensor:|Loading input|Generating (?:data|input)|Will (?:generate|save)|Saving ).*"),
    ("Polygraphy: input shapes", r"(?:Following input|This will cause the tensor|Overriding input|Invalid inputs|Input metadata).*"),
    ("Polygraphy: its building", r"(?:Building engine with|Finished engine building|Configuring with profiles|Setting TensorRT).*"),
    ("Polygraphy: comparisons", r"\s*(?:Comparing Output|Error Metrics|Minimum Required|Accuracy Comp|Will not compare).*"),
    ("Polygraphy: differences", r"\s*(?:(?:Absolute|Relative) )?Difference .*|.*(?:Tolerance: \[| Stats: ).*"),
    ("Polygraphy: histograms", r"\s*(?:---- (?:Histogram|Values) ----|Could not generate histogram.*|Bin Range.*)"),
    ("Polygraphy: statistics", r"\s*(?:mean=.*|\([-+0-9.e ]+,.*|\[*[-+0-9. e]+\]*|One or more non-finite.*|Inf Detected.*|Note: Use -vv.*)"),
    ("Polygraphy: models", r"\s*(?:Model: |Original Model|New Model|Minimum Bad Model|Name: |====+ .* ====+|Loading (?:model|bytes)).*"),
    ("Polygraphy: model surgery", r"\s*(?:(?:Finished )?[Rr]educing model|Marking (?:model|all|[0-9]+)|Folding Const|Total Nodes|Pruning|Replacing weights).*"),
    ("Polygraphy: sparsity of files", r"(?:Checking the sparsity|Finished (?:checking|pruning)|Found(?::|  *(?:non-)?sparse tensor).*|Found:).*"),
    ("Polygraphy: shape inference", r"(?:Starting shape inf|Inferr(?:ed|ing) shapes|Shape inference|ONNX shape inference|Falling back to `onnx|Found tensors with unb).*"),
    ("Polygraphy: debugging", r"(?:Iteration|Running check command|Finished [0-9]+ iter|Loaded [0-9]+ (?:good|bad)|Found potentially|Moving |Restoring|Executing postpro).*"),
    ("Polygraphy: replays", r"(?:Loading tactic replay|It looks like|This model uses dynamic|Using (?:ONNX|inline)|--workspace is deprec|Loading (?:inference|calib)).*"),
    ("Polygraphy: sessions", r"(?:Creating ONNX-Runtime|Runner input metadata|Subprocess|Output Validation|Errors detected).*"),
    ("Polygraphy: layers it inspects", r"\s*(?:Layer: [^:]*|\{.*\}|Tactic: .*\(Implementation.*|Algorithm.*|Inputs?: .*|Outputs?: .*|Attributes.*|Metadata.*)"),
    ("Torch-TensorRT's own runtime", r"(?:Deserializ(?:ed|ing) Device Info|Finalizing in progress Torch|Input binding name: .*Torch|Torch-TensorRT TensorRT).*"),
]


def rows() -> list[dict[str, str]]:
    if not SHAPES.is_file():
        return []
    with SHAPES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def reason(example: str) -> str | None:
    """Return why a line is not the library's, or None where it is."""
    return next((why for why, expression in NOT_THE_LIBRARY if re.fullmatch(expression, example)), None)


def find(body: bytes) -> Found | None:
    found = MATCHER.match(body) or MATCHER.match(body.rstrip())
    indexes = [MATCHER.sets[within_section(section)] for section in SECTIONS]
    return found or next(filter(None, (index.match(body) for index in indexes)), None)


@cache
def whole_lines() -> str:
    """Return all text of the corpus and of our captures, for the rows of which only the beginning is kept."""
    texts = []
    for path in sorted([*(SHARED / "corpus").rglob("*"), *(SHARED / "captures").rglob("*")]):
        if re.search(r"\.(log|txt)(\.gz)?$", path.name) and "help" not in path.name:
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            texts.append(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    return "\n".join(texts)


def whole(example: str) -> str | None:
    """Return a line of a log that goes on where the example was cut, without what stands before it."""
    text = whole_lines()
    start = text.find(example)
    return None if start < 0 else text[start : text.index("\n", start)]


@pytest.mark.parametrize("row", beside(rows(), "the reference folder is"), ids=lambda row: row["template"][:60])
def test_a_library_message_has_a_rule(row):
    example = row["example"]
    if find(example.encode()) is not None:
        return
    if len(example) >= CUT:
        example = whole(example) or example
        if find(example.encode()) is not None:
            return
        if reason(example) is None and example == row["example"]:
            pytest.skip("the example is cut, and no log here holds the whole line")
    assert reason(example) is not None, f"no rule and no reason: {example!r}"


def test_no_reason_covers_a_line_of_the_library():
    """The reasons are for other programs: none may cover a line that a library rule reads."""
    library = {"autotune", "skipped_tactics", "foreign_node", "graph", "timing_cache", "calibration", "dla", "memory"}
    wrong = []
    for row in rows():
        found = MATCHER.match(row["example"].encode())
        if found is None:
            continue
        message = MATCHER.messages[found.variant]
        if Path(message.file).stem in library and (why := reason(row["example"])):
            wrong.append((message.kind, why, row["example"][:80]))
    assert not wrong
